/*
 * ipc/call_twin.h: the legs of the fast path in C: `fastpath=c`.
 */
#pragma once
#include "kernel/types.h"

/* Calls go to call_twin(): said by the kernel's command line, before the first
 * hart sets up where its traps go. */
extern bool ipc_call_twin;

/*
 * A call of the current thread, whose registers are in its
 * trapframe; for arch's call.S.
 */
noreturn void call_twin(void);
