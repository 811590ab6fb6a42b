/* clocks.c: clocks as ports, alarms, sleeping, and giving way by name. */
#include "test/user/mach_test.h"

#include <stdatomic.h>

#include <baton/thread.h>
#include <mach/clock.h>
#include <mach/mach_traps.h>
#include <mach/thread_switch.h>

static mach_port_t self;
static clock_serv_t system_clock, calendar;

static uint64_t
nanoseconds(mach_timespec_t time)
{
	return time.tv_sec * NSEC_PER_SEC + (uint64_t)time.tv_nsec;
}

static uint64_t
now(void)
{
	mach_timespec_t time;

	must(clock_get_time(system_clock, &time));
	return nanoseconds(time);
}

static void
test_services(void)
{
	clock_serv_t none;

	is(host_get_clock_service(
	       mach_host_self(), SYSTEM_CLOCK, &system_clock),
	    KERN_SUCCESS, "the system's clock");
	is(host_get_clock_service(mach_host_self(), CALENDAR_CLOCK, &calendar),
	    KERN_SUCCESS, "the calendar");
	is(host_get_clock_service(mach_host_self(), 2, &none),
	    KERN_INVALID_ARGUMENT, "there is no third");
	is(host_get_clock_service(mach_host_self(), -1, &none),
	    KERN_INVALID_ARGUMENT, "nor one before");
}

static void
test_time(void)
{
	uint64_t first = now(), ticks = mach_absolute_time(), last;
	mach_timespec_t time = {0, -1};

	last = now();
	ok(last >= first, "time goes on");
	ok(ticks_of_ms(1000) * (first / NSEC_PER_SEC) <= ticks,
	    "and is that of mach_absolute_time()");
	is(clock_get_time(calendar, &time), KERN_SUCCESS, "the calendar's");
	ok(time.tv_nsec >= 0 && time.tv_nsec < (int)NSEC_PER_SEC, "is one");
}

static void
test_attributes(void)
{
	mach_msg_type_number_t count = 1;
	int value = 0;

	is(clock_get_attributes(
	       system_clock, CLOCK_GET_TIME_RES, &value, &count),
	    KERN_SUCCESS, "how fine a clock is");
	ok(value > 0 && count == 1, "%d ns", value);
	is(clock_get_attributes(
	       system_clock, CLOCK_ALARM_CURRES, &value, &count),
	    KERN_SUCCESS, "and its alarms");
	is(clock_get_attributes(calendar, CLOCK_ALARM_MINRES, &value, &count),
	    KERN_SUCCESS, "the calendar's");
	is(value, 0, "are none");
	is(clock_get_attributes(system_clock, 2, &value, &count),
	    KERN_INVALID_VALUE, "no such attribute");
	count = 0;
	is(clock_get_attributes(
	       system_clock, CLOCK_GET_TIME_RES, &value, &count),
	    KERN_FAILURE, "no room");
}

/* ---- alarms ---- */

struct ring {
	struct clock_alarm_reply reply;
	mach_msg_max_trailer_t trailer;
};

static void
test_alarms(void)
{
	mach_port_t port = port_new();
	mach_timespec_t soon = {0, 5000000}, past = {0, 1}, odd = {0, -1};
	uint64_t start = now();
	struct ring ring;

	is(clock_alarm(system_clock, TIME_RELATIVE, soon, port), KERN_SUCCESS,
	    "an alarm is set");
	is(await(&ring, sizeof(ring), port), KERN_SUCCESS, "and goes off");
	ok(now() >= start + 5000000, "not too soon");
	is(ring.reply.header.msgh_id, 3125107, "its id");
	is(ring.reply.header.msgh_size, sizeof(ring.reply), "its size");
	is(ring.reply.alarm_code, KERN_SUCCESS, "its code");
	is(ring.reply.alarm_type, TIME_RELATIVE, "its type");
	ok(nanoseconds(ring.reply.alarm_time) >= start + 5000000, "its time");
	is(clock_alarm(system_clock, TIME_ABSOLUTE, past, port), KERN_SUCCESS,
	    "one for long ago");
	is(await(&ring, sizeof(ring), port), KERN_SUCCESS, "is now");
	is(clock_alarm(system_clock, TIME_ABSOLUTE, odd, port), KERN_SUCCESS,
	    "one for no time");
	is(await(&ring, sizeof(ring), port), KERN_SUCCESS, "is answered");
	is(ring.reply.alarm_code, KERN_INVALID_VALUE, "with why not");
	is(clock_alarm(system_clock, 7, soon, port), KERN_SUCCESS, "no type");
	is(await(&ring, sizeof(ring), port), KERN_SUCCESS, "likewise");
	is(ring.reply.alarm_code, KERN_INVALID_VALUE, "is said there");
	is(clock_alarm(calendar, TIME_RELATIVE, soon, port), KERN_FAILURE,
	    "the calendar has none");
	is(take_later(port), MACH_NOTIFY_SEND_ONCE, "and gives the right back");
	is(clock_alarm(system_clock, TIME_RELATIVE, soon, MACH_PORT_NULL),
	    KERN_INVALID_CAPABILITY, "nobody to tell");
	must(clock_alarm(
	    system_clock, TIME_RELATIVE, (mach_timespec_t){0, 1000000}, port));
	port_end(port); /* before it goes off */
	sleep_ms(3);
}

static void
test_many_alarms(void)
{
	struct baton_kernel_counters before = quiet_counters(), after;
	mach_port_t port = port_new();
	struct ring ring;
	unsigned heard = 0;

	set_limit(port, 1);
	for (int i = 0; i < 100; i++)
		must(clock_alarm(system_clock, TIME_RELATIVE,
		    (mach_timespec_t){0, 1000000 + i % 7 * 300000}, port));
	for (int i = 0; i < 100; i++)
		heard += await(&ring, sizeof(ring), port) == KERN_SUCCESS;
	is(heard, 100, "alarms pass a queue's limit");
	port_end(port);
	after = quiet_counters();
	is(after.objects[BATON_OBJECT_ALARM],
	    before.objects[BATON_OBJECT_ALARM], "and none is left");
}

/* ---- sleeping ---- */

static atomic_int result;

static void
sleep_long(void *arg)
{
	(void)arg;
	result = clock_sleep(system_clock, TIME_RELATIVE,
	    (mach_timespec_t){UINT32_MAX, 0}, NULL);
}

static void
test_sleep(void)
{
	mach_timespec_t wake = {0, 0}, soon = {0, 3000000}, odd = {0, -1};
	uint64_t start = now();
	struct mach_thread *thread;

	is(clock_sleep(system_clock, TIME_RELATIVE, soon, &wake), KERN_SUCCESS,
	    "one sleeps");
	ok(nanoseconds(wake) >= start + 3000000, "long enough");
	ok(now() >= nanoseconds(wake), "and knows when one woke");
	is(clock_sleep(MACH_PORT_NULL, TIME_ABSOLUTE, soon, &wake),
	    KERN_SUCCESS, "by the system's clock if by none");
	is(clock_sleep(system_clock, TIME_RELATIVE, odd, &wake),
	    KERN_INVALID_VALUE, "not for no time");
	is(clock_sleep(system_clock, 3, soon, &wake), KERN_INVALID_VALUE,
	    "nor of no type");
	is(clock_sleep(calendar, TIME_RELATIVE, soon, &wake), KERN_FAILURE,
	    "not by the calendar");
	is(clock_sleep(self, TIME_RELATIVE, soon, &wake), KERN_INVALID_ARGUMENT,
	    "not by a task");
	is(clock_sleep(NO_NAME, TIME_RELATIVE, soon, &wake), KERN_INVALID_NAME,
	    "not by nothing");
	is(clock_sleep(system_clock, TIME_RELATIVE, soon, (void *)8),
	    KERN_INVALID_ADDRESS, "nowhere to say when");
	result = -1;
	must(mach_thread_start(sleep_long, NULL, 0, &thread));
	sleep_ms(5);
	must(thread_abort(mach_thread_port(thread)));
	mach_thread_join(thread);
	is(result, KERN_ABORTED, "a sleep is aborted");
}

/* ---- giving way ---- */

static atomic_bool over;
static atomic_uint steps;

static void
step(void *arg)
{
	(void)arg;
	while (!over) {
		steps++;
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_NONE, 0);
	}
}

static void
be_depressed(void *arg)
{
	result = thread_switch(
	    MACH_PORT_NULL, SWITCH_OPTION_DEPRESS, (uint32_t)(uintptr_t)arg);
}

static void
test_switch(void)
{
	struct mach_thread *thread, *other;
	thread_t named;

	is(thread_switch(0, 6, 0), KERN_INVALID_ARGUMENT, "no such option");
	is(thread_switch(0, -1, 0), KERN_INVALID_ARGUMENT, "nor that one");
	over = false;
	must(mach_thread_start(step, NULL, 0, &thread));
	named = mach_thread_port(thread);
	for (int option = 0; option <= SWITCH_OPTION_OSLOCK_WAIT; option++)
		for (int i = 0; i < 20; i++)
			if (thread_switch(named, option, 1) != KERN_SUCCESS)
				ok(false, "option %d", option);
	ok(steps > 0, "each option hands over by name");
	is(thread_depress_abort(named), KERN_NOT_DEPRESSED,
	    "who is not depressed cannot be raised");
	is(thread_switch(0, SWITCH_OPTION_WAIT, 0), KERN_SUCCESS, "0 ms");
	/* Without an end, unless somebody makes one. */
	must(mach_thread_start(be_depressed, (void *)0, 0, &other));
	while (
	    thread_depress_abort(mach_thread_port(other)) == KERN_NOT_DEPRESSED)
		sleep_ms(1);
	mach_thread_join(other);
	is(result, KERN_SUCCESS, "a depression ends");
	(void)swtch_pri(0);
	(void)swtch();
	over = true;
	mach_thread_join(thread);
}

int
main(void)
{
	self = mach_task_self();
	test_services();
	test_time();
	test_attributes();
	test_alarms();
	test_many_alarms();
	test_sleep();
	test_switch();
	return done();
}
