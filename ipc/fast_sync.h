/*
 * ipc/fast_sync.h: a signal to who waits, and a wait in his place.
 *
 * Semaphores and eventlinks as two threads use them that take turns: one trap
 * signals the other thread, which runs at once, and waits.  What this does
 * kernel/semaphore.c and eventlink.c would do, too; it declines before anything
 * has changed.
 */
#pragma once
#include "kernel/types.h"

/*
 * The traps semaphore_wait_signal_trap() and
 * eventlink_signal_wait_until_trap(), to be called by trap.S alone: built for a
 * caller that keeps no registers, and leaving with all of them loaded.
 */
noreturn void fast_wait_signal(uint64_t wait_name, uint64_t signal_name);
noreturn void fast_signal_wait_until(uint64_t name, uint64_t count,
    uint64_t signal_count, uint64_t option, uint64_t clock_id,
    uint64_t deadline);
