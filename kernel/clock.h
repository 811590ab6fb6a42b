/* kernel/clock.h: the traps of time and of giving way; the table is in
 * syscall.c. */
#pragma once
#include "kernel/types.h"

/* -89: KERN_INVALID_ADDRESS */
kern_return_t mach_timebase_info_trap(uaddr_t info);
/* -90: @deadline in timebase ticks; KERN_ABORTED */
kern_return_t mach_wait_until_trap(uint64_t deadline);
/* -60, -59: was there anybody to give way to? */
boolean_t swtch_trap(void);
boolean_t swtch_pri_trap(void);
/* -61: KERN_INVALID_ARGUMENT for an unknown option, KERN_ABORTED; a name that
 * is no thread's that could run is no error */
kern_return_t thread_switch_trap(
    uint64_t name, uint64_t option, uint64_t milliseconds);
/*
 * -62: KERN_INVALID_NAME, _RIGHT, _ARGUMENT (no clock), KERN_FAILURE (not the
 * system's), KERN_INVALID_VALUE, KERN_ABORTED, KERN_INVALID_ADDRESS (it slept,
 * but cannot say when it woke)
 */
kern_return_t clock_sleep_trap(uint64_t name, uint64_t type, uint64_t seconds,
    uint64_t nanoseconds, uaddr_t wakeup);
