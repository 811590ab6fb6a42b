/*
 * ipc/fast_kernel.h: calls of the kernel's own routines, in registers; for
 * fast.c alone.
 */
#pragma once
#include "kernel/types.h"

struct thread;

/* What fast_kernel() returns if it has declined: no result of a trap. */
#define FAST_KERNEL_DECLINED UINT64_MAX

/*
 * The request in the current thread's trapframe, of up to 48 bytes of @body,
 * goes to where its last one was looked up, fast.to, if that is a port of the
 * kernel's.  self->receive says what fast_call() puts there.
 * Returns: the trap's result, or FAST_KERNEL_DECLINED: nothing has changed
 */
uint64_t fast_kernel(struct thread *self, const uint64_t *body);
