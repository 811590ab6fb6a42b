/*
 * mach/semaphore.h: counting semaphores.
 *
 * A semaphore is a port of the kernel's; whoever has a send right to it may
 * signal it and wait for it.  semaphore_create() and semaphore_destroy() are
 * in mach/task.h.  It ends when it is destroyed, when the task that it was
 * made for ends, or with the last send right to it.
 *
 * Besides what is noted, each may return
 *	KERN_INVALID_NAME	no such name
 *	KERN_INVALID_RIGHT	it is no send right, or the semaphore has ended
 *	KERN_INVALID_ARGUMENT	it is a right to something else
 *	KERN_TERMINATED		the semaphore ended meanwhile
 */
#pragma once

#include <mach/cdefs.h>
#include <mach/clock_types.h>
#include <mach/mach_types.h>
#include <mach/sync_policy.h>

MACH_BEGIN_DECLS

/*
 * Wakes the first of those who wait, in the order of the semaphore's policy;
 * if nobody waits, the next wait will not.  KERN_FAILURE: 2^31 - 1 such
 * signals are there already.
 */
kern_return_t semaphore_signal(semaphore_t semaphore);

/* Wakes all who wait now.  Is not remembered. */
kern_return_t semaphore_signal_all(semaphore_t semaphore);

/*
 * Wakes @thread, or whoever is first if it is MACH_PORT_NULL.  Is not
 * remembered: KERN_NOT_WAITING.
 */
kern_return_t semaphore_signal_thread(semaphore_t semaphore, thread_t thread);

/* Waits for a signal, and uses it up.  KERN_ABORTED: thread_abort(). */
kern_return_t semaphore_wait(semaphore_t semaphore);

/*
 * The same for at most @wait_time from now; a time of 0 does not wait.
 *	KERN_OPERATION_TIMED_OUT
 *	KERN_INVALID_VALUE	nanoseconds out of 0 .. 999 999 999
 */
kern_return_t semaphore_timedwait(
    semaphore_t semaphore, mach_timespec_t wait_time);

/*
 * Signals @signal_semaphore and waits for @wait_semaphore in one step.  If
 * somebody waits for the former he runs at once, in the caller's place.
 * KERN_TERMINATED at once: one of the two has ended, and nothing was
 * signalled.  They may be one and the same.
 */
kern_return_t semaphore_wait_signal(
    semaphore_t wait_semaphore, semaphore_t signal_semaphore);
kern_return_t semaphore_timedwait_signal(semaphore_t wait_semaphore,
    semaphore_t signal_semaphore, mach_timespec_t wait_time);

MACH_END_DECLS
