/* cputime.c: see cputime.h. */
#include "kernel/cputime.h"

/* Reading the time may cost so many cycles; emulated, it costs more. */
#define CHEAP	 150
#define READINGS 16

bool cputime_by_cycles;

/* What passed on both clocks while the kernel booted. */
static uint64_t boot_cycles, boot_ticks;

/* The cycles that one reading of the time takes, at best. */
static uint64_t
time_cost(void)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < READINGS; i++) {
		uint64_t before = arch_read_cycles();
		uint64_t cost;

		(void)arch_read_time();
		cost = arch_read_cycles() - before;
		if (cost < least)
			least = cost;
	}
	return least;
}

void
cputime_init(bool cycles)
{
	/* A counter that stands still says 0. */
	cputime_by_cycles = cycles && time_cost() > CHEAP;
	if (!cputime_by_cycles)
		return;
	boot_cycles = arch_read_cycles();
	boot_ticks = arch_read_time();
}

void
cputime_measured(void)
{
	if (!cputime_by_cycles)
		return;
	boot_cycles = arch_read_cycles() - boot_cycles;
	boot_ticks = arch_read_time() - boot_ticks;
	/* Less than a tick cannot be. */
	if (boot_cycles == 0 || boot_ticks == 0)
		cputime_by_cycles = false;
}

uint64_t
cputime_ticks(uint64_t units)
{
	if (!cputime_by_cycles)
		return units;
	return units / boot_cycles * boot_ticks +
	       units % boot_cycles * boot_ticks / boot_cycles;
}
