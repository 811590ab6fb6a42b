/* libmach/clock.c: what mach/clock.h has as a trap. */
#include <mach/clock.h>
#include <mach/mach.h>

kern_return_t
clock_sleep(clock_serv_t clock, alarm_type_t type, mach_timespec_t time,
    mach_timespec_t *wakeup_time)
{
	return clock_sleep_trap(
	    clock, type, time.tv_sec, time.tv_nsec, wakeup_time);
}
