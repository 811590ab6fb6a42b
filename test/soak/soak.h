/*
 * test/soak/soak.h: a storm over everything that ports can do.
 *
 * A round is a task of its own: many threads, on all harts, work on one small
 * pool of ports and sets, each with its own sequence of chance, and take no
 * care of each other.  Whatever an operation answers is fine; what may not
 * happen is that the kernel panics, that a message arrives changed, that a
 * thread is not woken, or that the kernel has more objects after the round's
 * task is gone than before.
 *
 *	main.c	  rounds, one after the other, and the kernel's counts
 *	round.c	  one round: its threads, who disturbs them, and the end
 *	work.c	  what a worker does, an operation at a time
 *	message.c messages that say what they carry
 *	sync.c	  semaphores and eventlinks
 *	faults.c  threads that fault, and who has them go on
 *	usage.c	  which task has more than it had
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <mach/mach.h>

#define PORTS 12
#define SETS  3

/*
 * The pool.  A name may be another's, or nothing, by the time it is used: after
 * 256 ports more in its place it is even the same name.  So what must not be
 * lost is held, many times over.
 */
extern _Atomic mach_port_t ports[PORTS], sets[SETS];

/* Everyone is to end. */
extern atomic_bool over;

/* The first thing that should never happen, in words; NULL: nothing did. */
extern _Atomic(const char *) wrong;

/* Note it, once. */
void complain(const char *what);

struct worker {
	struct mach_thread *thread;
	void (*work)(struct worker *);
	uint32_t random;
	mach_port_t reply;
	atomic_bool done;
	/* What came of it, for people. */
	atomic_uint turns;
	atomic_uint answers;
	atomic_uint messages;
	atomic_uint waits;
	atomic_uint questions;
};

/* The next of the worker's numbers, below @limit. */
uint32_t chance(struct worker *worker, uint32_t limit);
mach_port_t any_port(struct worker *worker);
mach_port_t any_set(struct worker *worker);
/* Mostly none at all; else a millisecond or two. */
mach_msg_timeout_t any_timeout(struct worker *worker);
/* Put @name into the pool and give up what was in its place. */
void pool_replace(struct worker *worker, mach_port_t name);

/* What the pool had: a port and all else that is called so, or a reference. */
void pool_give_up(mach_port_t name);

/* Put a new port into the pool. */
void renew_port(struct worker *worker);

/* The kinds of worker; the last answers questions about exceptions. */
void work_client(struct worker *worker);
void work_server(struct worker *worker);
void work_mixed(struct worker *worker);
void work_handler(struct worker *worker);

/*
 * We disturb, so we come first; small tasks spin when their port is gone, so
 * they come last.
 */
void lower(thread_t thread, int by);

/* ---- semaphores and eventlinks ---- */

void sync_start(struct worker *worker);
void use_semaphore(struct worker *worker);
void use_eventlink(struct worker *worker);

/* ---- what must not be lost ---- */

struct small;

/* Hold the send right @name: whoever takes it for a port of the pool does not
 * end it. */
void hold(mach_port_t name);
/* The task ends, and so do our rights to it and its thread, held or not. */
void end_small(struct small *small);

/* ---- faults ---- */

void faults_start(struct worker *worker);
void disturb_culprit(struct worker *worker);
/* Nobody faults any more, and the handlers are told to stop. */
void faults_end(unsigned handlers);

/* ---- messages ---- */

#define MESSAGE_MAX 1024

/* Something to send, then something received, trailer and all. */
union message {
	mach_msg_header_t header;
	mach_msg_base_t base;
	uint32_t word[MESSAGE_MAX / 4];
};

/* mach_msg() with these options and no others, and no second try. */
mach_msg_return_t message_trap(union message *message,
    mach_msg_option_t options, mach_msg_size_t send_size, mach_port_t from,
    mach_msg_timeout_t timeout);

/* Address a message of @size bytes to @to, with contents that tell. */
void message_fill(
    union message *message, mach_port_t to, mach_msg_size_t size, uint32_t id);
/* The same with a right, with memory, or with an array of rights. */
void message_fill_right(union message *message, mach_port_t to,
    mach_port_t right, mach_msg_type_name_t disposition);
void message_fill_memory(
    union message *message, mach_port_t to, struct worker *worker);
void message_fill_array(
    union message *message, mach_port_t to, struct worker *worker);

/* What was received: is it whole?  Receive rights go to the pool. */
void message_check(union message *message, struct worker *worker);
/* Give back what a send that failed has left behind. */
void message_failed(union message *message, mach_msg_return_t result);

/* ---- tasks ---- */

/* Note what each task has; later, say which has something else. */
void usage_note(void);
void usage_compare(void);

/* One round: for @milliseconds; orderly, or ended in the middle of it. */
int round_run(uint32_t seed, unsigned milliseconds, bool orderly);
