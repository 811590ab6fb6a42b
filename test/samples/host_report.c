/* The machine: what kernel, how many processors, how much memory, what time. */
#include <stdio.h>
#include <stdint.h>

#include <mach/host_info.h>
#include <mach/mach.h>
#include <mach/mach_host.h>
#include <mach/mach_time.h>
#include <mach/vm_statistics.h>

int
main(void)
{
	host_t host = mach_host_self();
	kernel_version_t version;
	host_basic_info_data_t basic;
	vm_statistics64_data_t vm;
	mach_msg_type_number_t count;
	mach_timebase_info_data_t timebase;
	vm_size_t page;
	uint64_t start, end;

	if (host_kernel_version(host, version) != KERN_SUCCESS)
		return 1;
	printf("%s\n", version);

	count = HOST_BASIC_INFO_COUNT;
	if (host_info(host, HOST_BASIC_INFO, (host_info_t)&basic, &count) !=
	    KERN_SUCCESS)
		return 1;
	printf("%d of %d processors, %llu MiB\n", (int)basic.avail_cpus,
	    (int)basic.max_cpus, (unsigned long long)basic.max_mem >> 20);

	count = HOST_VM_INFO64_COUNT;
	if (host_statistics64(host, HOST_VM_INFO64, (host_info64_t)&vm,
		&count) != KERN_SUCCESS ||
	    host_page_size(host, &page) != KERN_SUCCESS)
		return 1;
	printf(
	    "%llu KiB free\n", (unsigned long long)vm.free_count * page / 1024);

	if (mach_timebase_info(&timebase) != KERN_SUCCESS)
		return 1;
	start = mach_absolute_time();
	if (mach_wait_until(start + 1000000 * (uint64_t)timebase.denom /
					timebase.numer) != KERN_SUCCESS)
		return 1;
	end = mach_absolute_time();
	printf("a millisecond took %llu ns\n",
	    (unsigned long long)(end - start) * timebase.numer /
		timebase.denom);
	mach_port_deallocate(mach_task_self(), host);
	return basic.avail_cpus > 0 && page == vm_page_size && end > start ? 0
									   : 1;
}
