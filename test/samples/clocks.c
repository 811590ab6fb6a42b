/* What time it is, by a clock's port, and a nap by another. */
#include <stdio.h>
#include <stdlib.h>

#include <mach/clock.h>
#include <mach/mach.h>

int
main(void)
{
	mach_timespec_t before, after, nap = {0, 2000000}, woken;
	clock_serv_t system_clock, calendar;
	long long passed;

	if (host_get_clock_service(
		mach_host_self(), SYSTEM_CLOCK, &system_clock) ||
	    host_get_clock_service(mach_host_self(), CALENDAR_CLOCK, &calendar))
		return EXIT_FAILURE;
	if (clock_get_time(system_clock, &before) != KERN_SUCCESS ||
	    clock_sleep(system_clock, TIME_RELATIVE, nap, &woken) !=
		KERN_SUCCESS ||
	    clock_get_time(system_clock, &after) != KERN_SUCCESS)
		return EXIT_FAILURE;
	passed = (long long)(after.tv_sec - before.tv_sec) * NSEC_PER_SEC +
		 after.tv_nsec - before.tv_nsec;
	printf("up for %u s; slept %lld ns\n", before.tv_sec, passed);
	mach_port_deallocate(mach_task_self(), system_clock);
	mach_port_deallocate(mach_task_self(), calendar);
	return passed >= nap.tv_nsec ? EXIT_SUCCESS : EXIT_FAILURE;
}
