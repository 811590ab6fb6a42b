/* nap.c: with one hart, nobody waits for a lock. */
#include <arch/cpu.h>
#include <stdlib.h>

void
arch_nap(uint64_t deadline)
{
	(void)deadline;
	abort();
}
