/* timers.c: timers whose expiry is a message. */
#include "test/user/mach_test.h"

#include <stdatomic.h>

#include <baton/thread.h>
#include <mach/mk_timer.h>

static mach_port_t self;

struct expiry {
	mk_timer_expire_msg_t message;
	mach_msg_max_trailer_t trailer;
};

static mach_port_t
timer_new(void)
{
	mach_port_t timer = mk_timer_create();

	must(timer == MACH_PORT_NULL);
	return timer;
}

static uint64_t
in_ms(unsigned milliseconds)
{
	return mach_absolute_time() + ticks_of_ms(milliseconds);
}

/* Receive what @from was sent, and give up the right that came with it. */
static kern_return_t
hear(mach_port_t from, struct expiry *expiry)
{
	kern_return_t kr = await(expiry, sizeof(*expiry), from);

	if (kr == KERN_SUCCESS)
		mach_port_deallocate(
		    self, expiry->message.header.msgh_local_port);
	return kr;
}

static bool
is_silent(mach_port_t from)
{
	struct expiry expiry;

	return poll_for(&expiry, sizeof(expiry), from) == MACH_RCV_TIMED_OUT;
}

static void
test_expiry(void)
{
	mach_port_t timer = timer_new();
	struct expiry expiry;
	uint64_t deadline;

	is(type_of(timer), MACH_PORT_TYPE_RECEIVE,
	    "a timer is a receive right");
	deadline = in_ms(20);
	is(mk_timer_arm(timer, deadline), KERN_SUCCESS, "it is armed");
	is(hear(timer, &expiry), KERN_SUCCESS, "and heard of");
	ok(mach_absolute_time() >= deadline, "not too soon");
	is(expiry.message.header.msgh_size, sizeof(expiry.message), "its size");
	is(expiry.message.header.msgh_id, 0, "its id");
	is(expiry.message.header.msgh_local_port, timer, "from the timer");
	is(expiry.message.unused[0] | expiry.message.unused[2], 0,
	    "it is empty");
	ok(is_silent(timer), "once");
	is(mk_timer_arm_leeway(
	       timer, MK_TIMER_CRITICAL, in_ms(1), ticks_of_ms(1)),
	    KERN_SUCCESS, "again");
	is(hear(timer, &expiry), KERN_SUCCESS, "is again");
	is(mk_timer_arm(timer, 0), KERN_SUCCESS, "a time past");
	is(hear(timer, &expiry), KERN_SUCCESS, "is now");
	for (int i = 0; i < 3; i++) {
		must(mk_timer_arm(timer, 0));
		sleep_ms(2);
	}
	is(hear(timer, &expiry), KERN_SUCCESS, "what nobody heard");
	ok(is_silent(timer), "is heard once");
	must(mk_timer_arm(timer, 0));
	is(hear(timer, &expiry), KERN_SUCCESS, "and it goes on");
	is(mk_timer_destroy(timer), KERN_SUCCESS, "it ends");
	is(type_of(timer), 0, "with its name");
}

static void
test_cancel(void)
{
	mach_port_t timer = timer_new();
	uint64_t far = in_ms(100000), soon, was = 1;
	struct expiry expiry;

	is(mk_timer_cancel(timer, &was), KERN_SUCCESS, "nothing to cancel");
	is(was, 0, "says so");
	must(mk_timer_arm(timer, far));
	is(mk_timer_cancel(timer, &was), KERN_SUCCESS, "cancelled");
	is(was, far, "and told when");
	must(mk_timer_arm(timer, far));
	is(mk_timer_cancel(timer, NULL), KERN_SUCCESS, "told nothing");
	is(mk_timer_cancel(timer, &was), KERN_SUCCESS, "but done");
	is(was, 0, "as one sees");
	must(mk_timer_arm(timer, far));
	is(mk_timer_cancel(timer, (uint64_t *)8), KERN_INVALID_ADDRESS,
	    "nowhere to tell");
	must(mk_timer_cancel(timer, &was));
	is(was, far, "so nothing was done");
	must(mk_timer_arm(timer, far));
	must(mk_timer_arm(timer, in_ms(1)));
	is(hear(timer, &expiry), KERN_SUCCESS, "sooner after all");
	must(mk_timer_cancel(timer, &was));
	is(was, 0, "what is over is not to be cancelled");
	do { /* until nobody took the processor from us in between */
		while (!is_silent(timer))
			continue;
		soon = in_ms(5);
		must(mk_timer_arm(timer, soon));
		must(mk_timer_arm(timer, UINT64_MAX));
	} while (mach_absolute_time() >= soon);
	sleep_ms(10);
	ok(is_silent(timer), "later after all");
	must(mk_timer_destroy(timer)); /* armed */
}

static void
test_errors(void)
{
	mach_port_t port = port_new();
	uint64_t was;

	is(mk_timer_arm(port, 0), KERN_INVALID_ARGUMENT, "a port is no timer");
	is(mk_timer_cancel(port, &was), KERN_INVALID_ARGUMENT, "not to cancel");
	is(mk_timer_destroy(port), KERN_INVALID_ARGUMENT, "nor to end");
	is(mk_timer_arm_leeway(port, 0, 0, 0), KERN_INVALID_ARGUMENT, "at all");
	is(mk_timer_arm(self, 0), KERN_INVALID_RIGHT, "a send right is none");
	is(mk_timer_arm(NO_NAME, 0), KERN_INVALID_NAME, "no name is none");
	is(mk_timer_cancel(ODD_NAME, &was), KERN_INVALID_NAME, "an odd one");
	is(mk_timer_destroy(MACH_PORT_DEAD), KERN_INVALID_NAME, "a dead one");
	port_end(port);
}

/* The right goes to somebody else, and the timer with it. */
static void
test_moved(void)
{
	mach_port_t timer = timer_new(), to = port_new_send(), set;
	struct parcel parcel;
	struct expiry expiry;

	must(mk_timer_arm(timer, in_ms(3)));
	parcel_fill(&parcel, to, timer, MACH_MSG_TYPE_MOVE_RECEIVE);
	must(send_message(&parcel, PARCEL_SIZE));
	sleep_ms(6);
	must(poll_for(&parcel, sizeof(parcel), to));
	timer = parcel.port.name;
	is(hear(timer, &expiry), KERN_SUCCESS, "it expires on the way");
	must(mk_timer_arm(timer, in_ms(3)));
	must(mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &set));
	must(mach_port_insert_member(self, timer, set));
	is(hear(set, &expiry), KERN_SUCCESS, "and is heard of in a set");
	must(mk_timer_arm(timer, in_ms(3)));
	parcel_fill(&parcel, to, timer, MACH_MSG_TYPE_MOVE_RECEIVE);
	must(send_message(&parcel, PARCEL_SIZE));
	port_end(to); /* and the timer dies in the queue */
	mach_port_mod_refs(self, set, MACH_PORT_RIGHT_PORT_SET, -1);
}

#define MANY 300

static void
test_many(void)
{
	static mach_port_t timer[MANY];
	uint64_t deadline = in_ms(30);
	struct expiry expiry;
	unsigned heard = 0;

	for (int i = 0; i < MANY; i++) {
		timer[i] = timer_new();
		must(mk_timer_arm(timer[i], deadline));
	}
	for (int i = 0; i < MANY; i++) {
		heard += hear(timer[i], &expiry) == KERN_SUCCESS;
		must(mk_timer_destroy(timer[i]));
	}
	is(heard, MANY, "%d timers at the same time", MANY);
}

/* ---- everything at once ---- */

#define TIMERS	8
#define PLAYERS 5
#define TURNS	500

static atomic_bool over;
static atomic_uint shared[TIMERS], heard, cancelled;

static void
play(void *arg)
{
	unsigned state = (unsigned)(uintptr_t)arg * 7919;
	struct expiry expiry;
	uint64_t was;

	while (!over) {
		mach_port_t timer;

		state = state * 1664525 + 1013904223;
		timer = shared[(state >> 8) % TIMERS];
		switch (state >> 16 & 3) {
		case 0:
			(void)mk_timer_arm(timer, mach_absolute_time());
			break;
		case 1:
			(void)mk_timer_arm(
			    timer, mach_absolute_time() + (state >> 20) % 2000);
			break;
		case 2:
			if (mk_timer_cancel(timer, &was) == KERN_SUCCESS)
				cancelled += was != 0;
			break;
		default:
			if (poll_for(&expiry, sizeof(expiry), timer) !=
			    KERN_SUCCESS)
				break;
			heard++;
			mach_port_deallocate(
			    self, expiry.message.header.msgh_local_port);
		}
	}
}

static void
test_storm(void)
{
	struct mach_thread *thread[PLAYERS];
	struct baton_kernel_counters before = quiet_counters(), after;

	for (int i = 0; i < TIMERS; i++)
		shared[i] = timer_new();
	for (uintptr_t i = 0; i < PLAYERS; i++) {
		must(mach_thread_start(play, (void *)(i + 1), 0, &thread[i]));
		must(thread_policy_set(mach_thread_port(thread[i]),
		    THREAD_PRECEDENCE_POLICY,
		    (thread_policy_t) & (thread_precedence_policy_data_t){-1},
		    THREAD_PRECEDENCE_POLICY_COUNT));
	}
	for (unsigned i = 0; i < TURNS; i++) {
		mach_port_t old = shared[i % TIMERS];

		shared[i % TIMERS] = timer_new();
		/* A name that was used by another meanwhile may be that. */
		(void)mk_timer_destroy(old);
		if (i % 4 == 0)
			sleep_ms(1);
	}
	over = true;
	for (int i = 0; i < PLAYERS; i++)
		mach_thread_join(thread[i]);
	for (int i = 0; i < TIMERS; i++)
		must(mk_timer_destroy(shared[i]));
	ok(heard > 0, "%u heard, %u cancelled", heard, cancelled);
	after = quiet_counters();
	is(after.objects[BATON_OBJECT_TIMER],
	    before.objects[BATON_OBJECT_TIMER], "no timer is left");
	is(after.objects[BATON_OBJECT_MESSAGE],
	    before.objects[BATON_OBJECT_MESSAGE], "no message");
	is(after.objects[BATON_OBJECT_PORT], before.objects[BATON_OBJECT_PORT],
	    "no port");
}

int
main(void)
{
	self = mach_task_self();
	threads_keep();
	test_expiry();
	test_cancel();
	test_errors();
	test_moved();
	test_many();
	test_storm();
	return done();
}
