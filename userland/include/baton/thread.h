/* baton/thread.h: threads with a stack and C's thread-local variables. */
#pragma once

#include <mach/cdefs.h>
#include <mach/mach_types.h>

MACH_BEGIN_DECLS

struct mach_thread;

/*
 * Runs @run(@arg) in a new thread of this task on a stack of @stack_size
 * bytes (0: enough for printf), below which lies a page that faults.  The
 * handle must be joined.  Some stacks are kept for the threads that follow.
 */
kern_return_t mach_thread_start(void (*run)(void *), void *arg,
    vm_size_t stack_size, struct mach_thread **thread);

/* Waits until the thread has ended, and frees its stack and the handle. */
void mach_thread_join(struct mach_thread *thread);

/* Its port, valid until it is joined; not the caller's to deallocate. */
thread_t mach_thread_port(const struct mach_thread *thread);

MACH_END_DECLS
