/* boot.c: what booting cost. */
#include <baton/host.h>
#include <mach/mach.h>

#include "bench.h"

void
bench_boot(void)
{
	struct baton_kernel_counters counters;

	bench_check(host_kernel_counters(mach_host_self(), &counters),
	    "ask for the kernel's counters");
	bench_begin("boot.entry_to_first_user_instruction",
	    "the boot hart, from firmware's jump");
	bench_sample(counters.boot_cycles);
	bench_end();
}
