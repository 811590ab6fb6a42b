/*
 * kernel/thread_traps.h: threads that end with a signal; the user's side is
 * baton/thread.h.  The table of traps is in syscall.c.
 */
#pragma once
#include <mach/port.h>

#include "kernel/types.h"

/* -104: semaphore_from_name() and thread_start() say what it returns. */
kern_return_t thread_start_trap(
    uint64_t pc, uint64_t sp, uint64_t tp, uint64_t a0, uint64_t ended);
/* -105: a name for the thread whose end is a signal to @ended; MACH_PORT_DEAD:
 * there is none any more, MACH_PORT_NULL: it is no semaphore of the caller's
 * task, or there is no room. */
mach_port_name_t thread_port_trap(uint64_t ended);
/* -106 */
noreturn void thread_end_trap(void);
