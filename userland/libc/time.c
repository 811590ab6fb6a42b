/* libc/time.c: clocks and sleeping, over the machine's timebase. */
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include <mach/mach.h>
#include <mach/mach_time.h>

#define NANOSECONDS 1000000000ULL

/* Both directions of the factor; it never changes, so it is read once. */
static mach_timebase_info_data_t timebase;

static void
timebase_read(void)
{
	if (timebase.denom == 0)
		mach_timebase_info(&timebase);
}

/* Nanoseconds since boot.  The product fits: numer is small. */
static uint64_t
nanoseconds_now(void)
{
	uint64_t ticks = mach_absolute_time();

	timebase_read();
	return (uint64_t)((__uint128_t)ticks * timebase.numer / timebase.denom);
}

static void
sleep_for(uint64_t nanoseconds)
{
	uint64_t ticks;

	timebase_read();
	ticks = (uint64_t)((__uint128_t)nanoseconds * timebase.denom /
			   timebase.numer);
	mach_wait_until(mach_absolute_time() + ticks);
}

/* There is no calendar: the clocks start at boot. */
int
gettimeofday(struct timeval *restrict time, void *restrict zone)
{
	uint64_t now = nanoseconds_now();

	(void)zone;
	time->tv_sec = (time_t)(now / NANOSECONDS);
	time->tv_usec = (suseconds_t)(now % NANOSECONDS / 1000);
	return 0;
}

clock_t
times(struct tms *times)
{
	clock_t now =
	    (clock_t)(nanoseconds_now() / (NANOSECONDS / CLOCKS_PER_SEC));

	*times = (struct tms){.tms_utime = now};
	return now;
}

unsigned int
sleep(unsigned int seconds)
{
	sleep_for(seconds * NANOSECONDS);
	return 0;
}

int
usleep(useconds_t microseconds)
{
	sleep_for((uint64_t)microseconds * 1000);
	return 0;
}
