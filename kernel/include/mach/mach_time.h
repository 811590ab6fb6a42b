/*
 * mach/mach_time.h: the time since boot.
 *
 * It counts in ticks of the machine's timebase; mach_timebase_info() has the
 * factor to nanoseconds: ns = ticks * numer / denom.
 */
#pragma once

#include <stdint.h>

#include <mach/cdefs.h>
#include <mach/kern_return.h>

MACH_BEGIN_DECLS

struct mach_timebase_info {
	uint32_t numer;
	uint32_t denom;
};
typedef struct mach_timebase_info *mach_timebase_info_t;
typedef struct mach_timebase_info mach_timebase_info_data_t;

MACH_ABI_ASSERT(sizeof(struct mach_timebase_info) == 8, "ABI");

/* Fills in the factor.  KERN_INVALID_ADDRESS: @info is not writable. */
kern_return_t mach_timebase_info(mach_timebase_info_t info);

/*
 * Waits until mach_absolute_time() reaches @deadline; at once if it has.
 * KERN_ABORTED: thread_abort() ended the wait.
 */
kern_return_t mach_wait_until(uint64_t deadline);

/* The time now; read in user mode, without a trap. */
uint64_t mach_absolute_time(void);

/*
 * The same here: machines that sleep would stop the first, and the others are
 * less exact to be cheaper, which nothing could be.
 */
uint64_t mach_continuous_time(void);
uint64_t mach_approximate_time(void);
uint64_t mach_continuous_approximate_time(void);

MACH_END_DECLS
