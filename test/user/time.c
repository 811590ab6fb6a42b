/* time.c: the timebase, and waiting for a time. */
#include "test/user/mach_test.h"

#include <stdatomic.h>

#include <baton/thread.h>

static void
test_timebase(void)
{
	mach_timebase_info_data_t timebase = {0, 0};
	uint64_t first, second;
	bool backwards = false;

	is(mach_timebase_info(&timebase), KERN_SUCCESS, "what a tick is");
	ok(timebase.numer > 0 && timebase.denom > 0, "%u/%u nanoseconds",
	    timebase.numer, timebase.denom);
	first = mach_absolute_time();
	for (int i = 0; i < 10000; i++) {
		second = mach_absolute_time();
		backwards |= second < first;
		first = second;
	}
	ok(!backwards, "time does not go back");
}

static void
test_wait_until(void)
{
	uint64_t start = mach_absolute_time(), deadline;

	deadline = start + ticks_of_ms(40);
	is(mach_wait_until(deadline), KERN_SUCCESS, "waits");
	ok(mach_absolute_time() >= deadline, "until then");
	ok(ms_since(start) < 2000, "and not for ever");
	start = mach_absolute_time();
	is(mach_wait_until(0), KERN_SUCCESS, "what is past is past");
	is(mach_wait_until(start), KERN_SUCCESS, "and so is now");
	ok(ms_since(start) < 1000, "at once");
}

/* Many deadlines at once, set out of order, each met. */
#define SLEEPERS 40

static atomic_uint woken, early;

static void
sleep_for(void *arg)
{
	unsigned ms = (unsigned)(uintptr_t)arg;
	uint64_t deadline = mach_absolute_time() + ticks_of_ms(ms);

	mach_wait_until(deadline);
	early += mach_absolute_time() < deadline;
	woken++;
}

static void
test_many_deadlines(void)
{
	struct mach_thread *thread[SLEEPERS];
	uint64_t start = mach_absolute_time();

	for (unsigned i = 0; i < SLEEPERS; i++)
		must(mach_thread_start(sleep_for,
		    (void *)(uintptr_t)(1 + i * 37 % SLEEPERS * 3), 0,
		    &thread[i]));
	for (int i = 0; i < SLEEPERS; i++)
		mach_thread_join(thread[i]);
	is(woken, SLEEPERS, "%d threads sleep different times", SLEEPERS);
	is(early, 0, "none too short");
	ok(ms_since(start) < 10000, "none too long");
}

/* A deadline far away costs nothing and harms nobody. */
static void
sleep_for_ages(void *arg)
{
	(void)arg;
	mach_wait_until(UINT64_MAX);
	woken++;
}

static void
test_ages(void)
{
	struct mach_thread *thread;

	woken = 0;
	must(mach_thread_start(sleep_for_ages, NULL, 0, &thread));
	sleep_ms(30);
	is(woken, 0, "the end of time is not near");
	must(thread_abort(mach_thread_port(thread)));
	mach_thread_join(thread);
	is(woken, 1, "but a thread can be called back");
}

int
main(void)
{
	test_timebase();
	test_wait_until();
	test_many_deadlines();
	test_ages();
	return done();
}
