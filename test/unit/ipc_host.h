/*
 * test/unit/ipc_host.h: what ipc/ needs below it, for unit tests: memory that
 * fails on demand and tells what is left, user memory, threads that wait.
 *
 * A simulated thread has no stack of its own.  host_call() runs a function as
 * that thread until it returns or waits; host_run() lets every thread that was
 * woken go on in its continuation.  Everything happens in one host thread, in
 * an order that the test decides.
 */
#pragma once
#include "ipc/port.h"
#include "ipc/space.h"
#include "kernel/task.h"
#include "kernel/thread.h"

/* User memory of a task, from USER_START on. */
#define USER_START 0x10000UL
#define USER_SIZE  0x80000UL

struct sim_task {
	struct task task;
	uint8_t memory[USER_SIZE];
	uint64_t used; /* by map_allocate() and transfer_map() */
};

struct sim_thread {
	struct thread thread;
	bool returned;		 /* from its last host_call() */
	int64_t value;		 /* with this */
	struct sim_thread *next; /* runnable */
};

/* Before each test: everything afresh. */
void host_ipc_start(void);
/* Allocations that live; 0 when everything was given up. */
uint64_t host_live(void);
/* Let the @count-th allocation from now fail, once; 0: none. */
void host_fail(uint64_t count);
/* Has it? */
bool host_failed(void);

struct sim_task *sim_task_create(void);
/* Give up its names and everything. */
void sim_task_end(struct sim_task *task);
struct sim_thread *sim_thread_create(struct sim_task *task);
void sim_thread_end(struct sim_thread *thread);

/* Run @function(@argument) as @thread; false: it waits. */
bool host_call(struct sim_thread *thread, int64_t (*function)(void *argument),
    void *argument);
/* Let all who can go on, and the reaper, do so. */
void host_run(void);
/* End a wait as its deadline does, or thread_abort(). */
void host_expire(struct sim_thread *thread);
void host_abort(struct sim_thread *thread);
/* thread_should_yield() says yes to every @nth question; 0: never. */
void host_yield_every(unsigned nth);

/* How often somebody gave way. */
extern unsigned host_yields;
/* Milliseconds, and when the last wait that began is to end. */
extern uint64_t host_time, host_deadline;

/* A task's memory at a user address. */
void *user_at(struct sim_task *task, uaddr_t address);

/* The test tries the fast path, which remembers ports with references. */
extern bool host_fast_used;
/* There is no room in anybody's memory for more. */
extern bool host_map_full;
/* No message goes straight from one memory to another. */
extern bool host_across_declines;
/* So many times what the kernel wants to write has to be waited for. */
extern unsigned host_absent;

/*
 * Count every right and reference that the spaces of the tasks created and the
 * messages reachable from them hold, and compare with the ports' own counts.
 */
void host_check(void);

/* mach_msg2 as a user calls it: what trap.S does with ipc_message_trap(). */
kern_return_t mach_msg2_trap(uaddr_t buffer, uint64_t option,
    uint64_t bits_send_size, uint64_t remote_local, uint64_t voucher_id,
    uint64_t descriptors_rcv_name, uint64_t rcv_size_priority,
    uint64_t timeout);
