/*
 * kernel/exception.h: what happens to a thread whose instruction cannot go on.
 *
 * arch/trap.c says what went wrong in Mach's words (<mach/exception_types.h>,
 * <mach/machine/exception.h>); here it is decided who hears of it.
 */
#pragma once
#include "kernel/types.h"

/*
 * The current thread's user instruction, at tf.epc, raised @exception (EXC_*).
 *
 * @code and @subcode are as in Mach: for EXC_BAD_ACCESS a kern_return_t (or
 * EXC_RISCV_*) and the address; else the processor's cause and what it reported
 * with it.
 *
 * Never returns: the thread goes on, if it ever does, through thread_return().
 */
noreturn void exception_raise(
    unsigned exception, uint64_t code, uint64_t subcode);

/* Ask about the exception that stands in the current thread. */
noreturn void exception_ask(void);
/* The continuation of a thread that asked. */
void exception_answered(void);

/* In the order in which they are asked. */
enum exception_scope_index {
	EXCEPTION_SCOPE_THREAD,
	EXCEPTION_SCOPE_TASK,
	EXCEPTION_SCOPE_HOST,
	EXCEPTION_SCOPE_COUNT
};

/*
 * The first code of EXC_CRASH says what nobody took: EXC_* and the lower bits
 * of its first code.  The second code is that exception's own.
 */
#define EXCEPTION_CRASH_SHIFT 20
#define EXCEPTION_CRASH_CODE  0xfffffU
