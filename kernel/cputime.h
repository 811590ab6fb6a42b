/*
 * kernel/cputime.h: the clock that processor time is counted by.
 *
 * It is read at every change of threads, so it must be cheap.  The time CSR is
 * best: all harts' agree.  Where reading it traps to firmware (hundreds of
 * cycles), the hart's cycle counter is taken, and what it counts in a tick of
 * the timer was measured while booting.
 */
#pragma once
#include <arch/cpu.h>

extern bool cputime_by_cycles;

/* Boot: look at the counters, and begin to measure.  @cycles: they count. */
void cputime_init(bool cycles);
/* Boot, before this hart first sleeps: that was enough. */
void cputime_measured(void);

/* Now, on this hart's clock, in units of it. */
static inline uint64_t
cputime_now(void)
{
	return unlikely(cputime_by_cycles) ? arch_read_cycles()
					   : arch_read_time();
}

/* May readings of two harts be compared? */
static inline bool
cputime_is_shared(void)
{
	return !cputime_by_cycles;
}

/* So many units of that clock in ticks of the timer. */
uint64_t cputime_ticks(uint64_t units);
