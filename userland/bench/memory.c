/* memory.c: what page faults cost. */
#include <mach/mach.h>

#include "bench.h"

#define PAGES 512

void
bench_memory(void)
{
	vm_address_t address = 0;

	bench_check(vm_allocate(mach_task_self(), &address,
			PAGES * vm_page_size, VM_FLAGS_ANYWHERE),
	    "allocate");
	bench_begin("fault.zero", "first touch of a page, zeroing included");
	for (int i = 0; i < PAGES; i++) {
		volatile char *page =
		    (volatile char *)(address + (vm_size_t)i * vm_page_size);
		uint64_t before = bench_now();

		*page = 1;
		bench_sample(bench_now() - before);
	}
	bench_end();
	bench_check(
	    vm_deallocate(mach_task_self(), address, PAGES * vm_page_size),
	    "deallocate");
}
