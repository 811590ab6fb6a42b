/* baton/thread.h: threads with a stack and C's thread-local variables; and what
 * they are made of. */
#pragma once

#include <mach/cdefs.h>
#include <mach/mach_types.h>

MACH_BEGIN_DECLS

struct mach_thread;

/*
 * Runs @run(@arg) in a new thread of this task on a stack of @stack_size
 * bytes (0: enough for printf), below which lies a page that faults.  The
 * handle must be joined.  Some stacks are kept for the threads that follow, as
 * they were left, each with a semaphore.
 *	KERN_RESOURCE_SHORTAGE	no memory, or the task may have no more
 */
kern_return_t mach_thread_start(void (*run)(void *), void *arg,
    vm_size_t stack_size, struct mach_thread **thread);

/* Waits until the thread has ended, however it did, and frees its stack and the
 * handle. */
void mach_thread_join(struct mach_thread *thread);

/*
 * Its port, valid until it is joined; not the caller's to deallocate.  It is
 * asked for the first time that somebody wants it:
 *	MACH_PORT_DEAD		the thread had ended before
 *	MACH_PORT_NULL		no memory, or no room for a name
 */
thread_t mach_thread_port(struct mach_thread *thread);

/* ---- traps: threads whose end is a signal ---- */

/*
 * Makes a thread of this task, which begins at @pc with these registers, all
 * others being 0; and whose end, however it comes, is one signal to the
 * semaphore @ended, as by semaphore_signal().  By then it executes nothing any
 * more, its stack is nobody's, and the task may have another thread in its
 * place.  If the semaphore ends before, or has 2^31 - 1 signals, nobody hears
 * of the end.  The thread has no name yet; in all else it is as one of
 * thread_create().
 *	KERN_INVALID_NAME	@ended: no such name
 *	KERN_INVALID_RIGHT	it is no send right, or the semaphore has ended
 *	KERN_INVALID_ARGUMENT	it is no semaphore of this task's; or @pc is
 *				odd, or beyond what a user may have
 *	KERN_FAILURE		it is to hear of another thread, which has not
 *				ended
 *	KERN_TERMINATED		the task or the semaphore is ending
 *	KERN_RESOURCE_SHORTAGE	no memory, or the task may have no more
 */
kern_return_t baton_thread_start(vm_address_t pc, vm_address_t sp,
    vm_address_t tp, uint64_t a0, semaphore_t ended);

/*
 * A send right to the port of the thread whose end is to be a signal to @ended;
 * the caller's to deallocate, as that of mach_thread_self().
 *	MACH_PORT_DEAD		there is no such thread, or not any more
 *	MACH_PORT_NULL		@ended is no semaphore of this task's; no
 *				memory, or no room for a name
 */
thread_t baton_thread_port(semaphore_t ended);

/* Ends the calling thread, as thread_terminate() does, but at once. */
void baton_thread_end(void) __attribute__((noreturn));

MACH_END_DECLS
