/*
 * kernel/thread_state.h: a thread's user registers as words of a flavor, for
 * thread_get_state(), thread_set_state() and exceptions.
 *
 * Registers belong to whoever runs the thread: the caller sees to it that
 * @thread is the current one, or is held and at rest.
 */
#pragma once
#include <mach/thread_status.h>

#include "kernel/types.h"

struct thread;

/* Words of the largest flavor. */
#define THREAD_STATE_WORDS_MAX RISCV64_FLOAT_STATE_COUNT

/* How many words @flavor has; 0: there is no such flavor. */
uint32_t thread_state_count(uint32_t flavor);

/* Write thread_state_count(@flavor) words to @words, of any alignment. */
void thread_state_get(struct thread *thread, uint32_t flavor, void *words);

/*
 * Returns: KERN_SUCCESS
 *          KERN_INVALID_ARGUMENT   no such flavor, another number of words, or
 *				    a program counter that cannot be the user's
 *          KERN_RESOURCE_SHORTAGE  no memory for floating-point registers
 *          KERN_TERMINATED	    it is told to end
 */
kern_return_t must_check thread_state_set(
    struct thread *thread, uint32_t flavor, const void *words, uint32_t count);
