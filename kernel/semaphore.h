/*
 * kernel/semaphore.h: counting semaphores, as kernel objects with a port.
 *
 *	count > 0		signals that nobody has waited for
 *	count == 0		threads may stand in @waiters
 *	dead			no more signals, no more waits
 *
 * A semaphore dies with the task it was made for, with its last send right, or
 * when it is destroyed, whichever comes first; those who wait are told
 * KERN_TERMINATED.  Its memory goes with the last reference, of which its port
 * has one, its task's list one, and each thread that waits one.
 *
 * Waiting for one semaphore and signalling another is one step: both are
 * locked, and who is so woken runs at once in the waiter's place.
 */
#pragma once
#include <mach/port.h>

#include "kernel/list.h"
#include "kernel/lock.h"
#include "kernel/reaper.h"
#include "kernel/thread.h"
#include "kernel/types.h"

struct port;
struct task;

/* s: this semaphore's lock   t: the owner's lock   I: immutable   a: atomic */
struct semaphore {
	struct spinlock lock;	 /* rank LOCK_SYNC */
	atomic_uint refs;	 /* [a] */
	int32_t count;		 /* [s] */
	int policy;		 /* [I] SYNC_POLICY_* */
	bool dead;		 /* [s] */
	bool reaping;		 /* [s] the reaper has @reap, and a reference */
	struct list waiters;	 /* [s] a wait queue */
	struct list released;	 /* [s] signalled, for the reaper to wake */
	struct thread *expected; /* [s] its end is a signal; or NULL */
	struct task *owner;	 /* [I] a reference */
	struct list owner_link;	 /* [t] */
	struct port *port;	 /* [I] its receive right, until dead */
	struct reap_item reap;
};

/* The deadline of who does not wait. */
#define SEMAPHORE_POLL 0

void semaphore_init(void);

/*
 * A semaphore of @task; *@portp is a send right to it.
 *
 * Returns: KERN_SUCCESS
 *	    KERN_INVALID_ARGUMENT   a negative value, or no such policy
 *	    KERN_RESOURCE_SHORTAGE
 *	    KERN_TERMINATED	    the task is ending
 */
kern_return_t must_check semaphore_create(
    struct task *task, int policy, int32_t value, struct port **portp);

static inline struct semaphore *
semaphore_get(struct semaphore *semaphore)
{
	atomic_fetch_add_explicit(&semaphore->refs, 1, memory_order_relaxed);
	return semaphore;
}

void semaphore_put(struct semaphore *semaphore);

/* KERN_INVALID_ARGUMENT: it is not @task's. */
kern_return_t semaphore_destroy(
    struct task *task, struct semaphore *semaphore) must_check;

/* Ends one semaphore of a dying task; false: it has none. */
bool semaphore_end_step(struct task *task) must_check;

/*
 * One signal: the first waiter has it, or it is counted.
 *
 * Returns: KERN_SUCCESS, KERN_TERMINATED (dead), KERN_FAILURE (2^31 - 1
 *	    signals wait already)
 */
kern_return_t semaphore_signal(struct semaphore *semaphore) must_check;
/* Wakes all who wait; not counted.  KERN_TERMINATED */
kern_return_t semaphore_signal_all(struct semaphore *semaphore) must_check;
/* Wakes @thread, or whoever is first if NULL; not counted.
 * KERN_NOT_WAITING, KERN_TERMINATED */
kern_return_t semaphore_signal_thread(
    struct semaphore *semaphore, struct thread *thread) must_check;

/*
 * Signal @signal, if it is not NULL, and wait for @wait until @deadline.
 * Where it has to wait it does not return, and @cont calls
 * semaphore_wait_end().
 *
 * Refs:    consumes one of each.
 * Returns: KERN_SUCCESS
 *	    KERN_TERMINATED	      one of the two is dead: nothing done
 *	    KERN_OPERATION_TIMED_OUT  SEMAPHORE_POLL: signalled all the same
 *	    KERN_FAILURE	      as semaphore_signal(): nothing done
 */
kern_return_t must_check semaphore_wait(struct semaphore *wait,
    struct semaphore *signal, uint64_t deadline, continuation_t cont);
/* How it ended: also KERN_ABORTED. */
kern_return_t semaphore_wait_end(void);
/* How a wait by one of the traps goes on: to user mode, with the result. */
void semaphore_wait_continue(void);

/* ---- the end of a thread as a signal ---- */

/*
 * @thread, whose end is to be a signal, has a reference to @semaphore.
 *
 * Locks:   its task's.
 * Returns: KERN_SUCCESS
 *	    KERN_INVALID_ARGUMENT  another task's, whose end it would delay
 *	    KERN_FAILURE	   another thread's end is to be one
 *	    KERN_TERMINATED	   dead
 */
kern_return_t must_check semaphore_expect(
    struct semaphore *semaphore, struct thread *thread);
/* The thread that was so entered, with a reference; NULL: it has ended. */
struct thread *must_check semaphore_thread(struct semaphore *semaphore);
/* It is ending, and nobody finds it any more. */
void semaphore_expect_nobody(struct semaphore *semaphore);
/*
 * It has ended: the signal, which nobody hears if the semaphore is dead or has
 * 2^31 - 1 already.  Who has it is claimed; NULL: nobody waits.
 * Refs: consumes the thread's.
 */
struct thread *must_check semaphore_expected(struct semaphore *semaphore);

/*
 * Ticks of a wait of @seconds and @nanoseconds from now; both 0 is a poll.
 * KERN_INVALID_VALUE: not a time.
 */
kern_return_t semaphore_deadline(
    uint32_t seconds, int32_t nanoseconds, uint64_t *deadlinep) must_check;

/*
 * What @name is to the calling thread's task, with a reference.
 * KERN_INVALID_NAME, KERN_INVALID_RIGHT (no send right, or a dead semaphore's),
 * KERN_INVALID_ARGUMENT (a right to something else)
 */
kern_return_t must_check semaphore_from_name(
    uint64_t name, struct semaphore **semaphorep);

/* ---- the traps; the table is in syscall.c ----
 *
 * Each may also return what semaphore_from_name() does.
 */
kern_return_t semaphore_signal_trap(uint64_t name);	/* -33 */
kern_return_t semaphore_signal_all_trap(uint64_t name); /* -34 */
kern_return_t semaphore_signal_thread_trap(
    uint64_t name, uint64_t thread);		  /* -35 */
kern_return_t semaphore_wait_trap(uint64_t name); /* -36 */
kern_return_t semaphore_wait_signal_trap(
    uint64_t wait_name, uint64_t signal_name); /* -37 */
kern_return_t semaphore_timedwait_trap(
    uint64_t name, uint64_t seconds, uint64_t nanoseconds); /* -38 */
kern_return_t semaphore_timedwait_signal_trap(uint64_t wait_name,
    uint64_t signal_name, uint64_t seconds, uint64_t nanoseconds); /* -39 */
