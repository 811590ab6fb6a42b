/* eventlinks.c: two threads that signal each other. */
#include "test/user/mach_test.h"

#include <stdatomic.h>

#include <baton/thread.h>
#include <mach/mach_eventlink.h>
#include <mach/mach_traps.h>

#define CLOCK KERN_CLOCK_MACH_ABSOLUTE_TIME

static mach_port_t self, me;
static eventlink_port_pair_t pair;

static void
make(void)
{
	must(mach_eventlink_create(self, MELC_OPTION_NO_COPYIN, pair));
}

static kern_return_t
associate(mach_port_t side, thread_t thread)
{
	return mach_eventlink_associate(side, thread, 0, 0, 0, 0,
	    thread == MACH_PORT_NULL ? MELA_OPTION_ASSOCIATE_ON_WAIT
				     : MELA_OPTION_NONE);
}

static kern_return_t
look(mach_port_t side, uint64_t *count)
{
	return mach_eventlink_wait_until(
	    side, count, MELSW_OPTION_NO_WAIT, CLOCK, 0);
}

/* ---- one thread ---- */

static void
test_counts(void)
{
	uint64_t count = 0, start;

	make();
	must(associate(pair[0], me));
	is(look(pair[0], &count), KERN_OPERATION_TIMED_OUT, "no signal yet");
	is(count, 0, "so the count is 0");
	is(mach_eventlink_signal(pair[0], 0), KERN_SUCCESS, "one there");
	is(look(pair[0], &count), KERN_OPERATION_TIMED_OUT, "is none here");
	is(mach_eventlink_signal(pair[1], 0), KERN_SUCCESS, "one here");
	is(mach_eventlink_signal(pair[1], 7), KERN_SUCCESS, "and another");
	is(mach_eventlink_wait_until(
	       pair[0], &count, MELSW_OPTION_NONE, CLOCK, 0),
	    KERN_SUCCESS, "need no wait");
	is(count, 2, "and are counted");
	start = mach_absolute_time();
	is(mach_eventlink_wait_until(pair[0], &count, MELSW_OPTION_NONE, CLOCK,
	       start + ticks_of_ms(5)),
	    KERN_OPERATION_TIMED_OUT, "there is no third");
	ok(mach_absolute_time() >= start + ticks_of_ms(5), "in time");
	is(count, 2, "the count stays");
	is(mach_eventlink_wait_until(
	       pair[0], &count, MELSW_OPTION_NONE, CLOCK, 1),
	    KERN_OPERATION_TIMED_OUT, "a time long past does not wait");
	count = 9;
	is(mach_eventlink_signal_wait_until(
	       pair[0], &count, 0, MELSW_OPTION_NO_WAIT, CLOCK, 0),
	    KERN_OPERATION_TIMED_OUT, "who has seen too much sees less");
	is(count, 2, "namely what there is");
	is(mach_eventlink_destroy(pair[0]), KERN_SUCCESS, "it ends");
	is(type_of(pair[0]), 0, "with the right to its side");
	is(look(pair[1], &count), KERN_TERMINATED, "the other side knows");
	is(mach_eventlink_signal(pair[1], 0), KERN_TERMINATED, "always");
	is(associate(pair[1], me), KERN_TERMINATED, "for everything");
	is(mach_eventlink_disassociate(pair[1], 0), KERN_TERMINATED, "else");
	is(mach_eventlink_destroy(pair[1]), KERN_SUCCESS, "but its own end");
}

static void
test_errors(void)
{
	mach_port_t receive = port_new(), odd[2];
	uint64_t count = 0;

	is(mach_eventlink_create(self, MELC_OPTION_NONE, odd),
	    KERN_INVALID_ARGUMENT, "an option has to be given");
	is(mach_eventlink_create(self, MELC_OPTION_WITH_COPYIN, odd),
	    KERN_INVALID_ARGUMENT, "and not that one");
	make();
	is(look(pair[0], &count), KERN_INVALID_ARGUMENT,
	    "nobody may wait at first");
	is(mach_eventlink_disassociate(pair[0], 0), KERN_INVALID_ARGUMENT,
	    "nobody is associated");
	is(mach_eventlink_associate(
	       pair[0], me, 0, 0, 0, 0, MELA_OPTION_ASSOCIATE_ON_WAIT),
	    KERN_INVALID_ARGUMENT, "somebody or anybody");
	is(mach_eventlink_associate(pair[0], 0, 0, 0, 0, 0, MELA_OPTION_NONE),
	    KERN_INVALID_ARGUMENT, "not nobody");
	is(mach_eventlink_associate(pair[0], me, 8, 0, 0, 0, MELA_OPTION_NONE),
	    KERN_INVALID_ARGUMENT, "no address");
	is(mach_eventlink_associate(pair[0], me, 0, 0, 0, 1, MELA_OPTION_NONE),
	    KERN_INVALID_ARGUMENT, "no mask");
	is(mach_eventlink_associate(pair[0], me, 0, 0, 0, 0, 2),
	    KERN_INVALID_ARGUMENT, "no such option");
	is(associate(pair[0], self), KERN_INVALID_ARGUMENT,
	    "a task is no thread");
	is(associate(pair[0], me), KERN_SUCCESS, "a thread is associated");
	is(associate(pair[0], me), KERN_NAME_EXISTS, "once");
	is(associate(pair[0], 0), KERN_NAME_EXISTS, "or it is anybody");
	is(mach_eventlink_disassociate(pair[0], 1), KERN_INVALID_ARGUMENT,
	    "no such option to leave with");
	is(mach_eventlink_wait_until(pair[0], &count, 2, CLOCK, 0),
	    KERN_INVALID_ARGUMENT, "none to wait with");
	is(mach_eventlink_wait_until(pair[0], &count, 0, 0, 0),
	    KERN_INVALID_ARGUMENT, "no such clock");
	is(mach_eventlink_signal_wait_until(
	       pair[1], &count, 0, MELSW_OPTION_NO_WAIT, CLOCK, 0),
	    KERN_INVALID_ARGUMENT, "not one's own side");
	is(look(pair[0], &count), KERN_OPERATION_TIMED_OUT,
	    "which signalled nothing");
	is(look(NO_NAME, &count), KERN_INVALID_NAME, "no name");
	is(look(receive, &count), KERN_INVALID_RIGHT, "a receive right");
	is(look(self, &count), KERN_INVALID_CAPABILITY, "a task");
	is(mach_eventlink_signal(MACH_PORT_DEAD, 0), KERN_INVALID_NAME,
	    "no name to signal");
	is(mach_eventlink_signal(self, 0), KERN_INVALID_CAPABILITY,
	    "no task either");
	is(mach_eventlink_disassociate(pair[0], 0), KERN_SUCCESS, "one leaves");
	is(associate(pair[0], 0), KERN_SUCCESS, "so that all may come");
	is(look(pair[0], &count), KERN_OPERATION_TIMED_OUT, "and see");
	must(mach_eventlink_destroy(pair[0]));
	must(mach_port_deallocate(self, pair[1]));
	port_end(receive);
}

/* ---- two threads ---- */

static atomic_int result;
static atomic_ulong counted;

static void
wait_on(void *side)
{
	uint64_t count = 0;

	result = mach_eventlink_wait_until(
	    (mach_port_t)(uintptr_t)side, &count, MELSW_OPTION_NONE, CLOCK, 0);
	counted = count;
}

static struct mach_thread *
start(void (*run)(void *), mach_port_t side)
{
	thread_basic_info_data_t info = {.run_state = 0};
	mach_msg_type_number_t count;
	struct mach_thread *thread;

	result = -1;
	must(mach_thread_start(run, (void *)(uintptr_t)side, 0, &thread));
	for (int i = 0; i < 3000 && info.run_state != TH_STATE_WAITING; i++) {
		sleep_ms(1);
		count = THREAD_BASIC_INFO_COUNT;
		must(thread_info(mach_thread_port(thread), THREAD_BASIC_INFO,
		    (thread_info_t)&info, &count));
	}
	return thread;
}

static void
test_wakes(void)
{
	struct mach_thread *thread;
	uint64_t count = 0;

	make();
	must(associate(pair[1], MACH_PORT_NULL));
	thread = start(wait_on, pair[1]);
	is(look(pair[1], &count), KERN_INVALID_ARGUMENT, "one at a time waits");
	must(mach_eventlink_signal(pair[0], 0));
	mach_thread_join(thread);
	is(result, KERN_SUCCESS, "a signal wakes");
	is(counted, 1, "and was the first");
	must(mach_eventlink_disassociate(pair[1], 0));
	must(associate(pair[1], MACH_PORT_NULL));
	must(associate(pair[0], me));
	count = 0;
	is(mach_eventlink_signal_wait_until(
	       pair[0], &count, 0, MELSW_OPTION_NO_WAIT, CLOCK, 0),
	    KERN_OPERATION_TIMED_OUT, "signal, and only look");
	count = 1;
	is(look(pair[1], &count), KERN_SUCCESS, "the signal was sent");
	must(mach_eventlink_destroy(pair[0]));
	must(mach_eventlink_destroy(pair[1]));
}

static void
test_ends(void)
{
	struct mach_thread *thread;

	make();
	must(associate(pair[1], MACH_PORT_NULL));
	thread = start(wait_on, pair[1]);
	must(thread_abort(mach_thread_port(thread)));
	mach_thread_join(thread);
	is(result, KERN_ABORTED, "a wait is aborted");
	thread = start(wait_on, pair[1]);
	must(thread_terminate(mach_thread_port(thread)));
	mach_thread_join(thread);
	is(result, -1, "or ends with its thread");
	thread = start(wait_on, pair[1]);
	must(mach_eventlink_disassociate(pair[1], 0));
	mach_thread_join(thread);
	is(result, KERN_TERMINATED, "or because the thread is not wanted");
	must(associate(pair[1], MACH_PORT_NULL));
	thread = start(wait_on, pair[1]);
	must(mach_eventlink_destroy(pair[0]));
	mach_thread_join(thread);
	is(result, KERN_TERMINATED, "or the link ends");
	must(mach_port_deallocate(self, pair[1]));
	make();
	must(associate(pair[1], MACH_PORT_NULL));
	thread = start(wait_on, pair[1]);
	must(mach_port_deallocate(self, pair[0]));
	mach_thread_join(thread);
	is(result, KERN_TERMINATED, "or nobody could signal any more");
	must(mach_port_deallocate(self, pair[1]));
}

#define ROUNDS 2000

static void
answer(void *side)
{
	uint64_t count = 0;

	(void)mach_eventlink_wait_until(
	    (mach_port_t)(uintptr_t)side, &count, 0, CLOCK, 0);
	while (mach_eventlink_signal_wait_until((mach_port_t)(uintptr_t)side,
		   &count, 0, 0, CLOCK, 0) == KERN_SUCCESS)
		counted = count;
}

static void
test_ping_pong(void)
{
	struct mach_thread *thread;
	unsigned wrong = 0;
	uint64_t count = 0;

	make();
	must(associate(pair[0], me));
	must(associate(pair[1], MACH_PORT_NULL));
	thread = start(answer, pair[1]);
	for (unsigned i = 1; i <= ROUNDS; i++) {
		wrong += mach_eventlink_signal_wait_until(
			     pair[0], &count, 0, 0, CLOCK, 0) != KERN_SUCCESS;
		wrong += count != i;
	}
	is(wrong, 0, "%d rounds, one by one", ROUNDS);
	must(mach_eventlink_destroy(pair[0]));
	mach_thread_join(thread);
	is(counted, ROUNDS, "and as many on the other side");
	must(mach_eventlink_destroy(pair[1]));
}

/* ---- everything at once ---- */

#define PLAYERS 6
#define TURNS	2400

static atomic_bool over;
static atomic_uint shared[2]; /* the two sides of today's link */
static atomic_uint waits, signals;

static void
play(void *arg)
{
	unsigned state = (unsigned)(uintptr_t)arg;
	uint64_t count = 0;

	/* Who changes the link has his turn when he wants it. */
	yield_precedence(1);
	while (!over) {
		mach_port_t side = shared[state++ & 1];

		if (mach_eventlink_signal(side, 0) == KERN_SUCCESS)
			signals++;
		if (mach_eventlink_signal_wait_until(side, &count, 0, 0, CLOCK,
			mach_absolute_time() + ticks_of_ms(state % 3)) ==
		    KERN_SUCCESS)
			waits++;
		if (state % 16 == 0)
			(void)mach_eventlink_disassociate(side, 0);
		(void)associate(side, MACH_PORT_NULL);
		count = 0;
	}
}

static void
renew(void)
{
	mach_port_t old[2] = {shared[0], shared[1]};

	make();
	shared[0] = pair[0];
	shared[1] = pair[1];
	for (int i = 0; i < 2 && old[i] != MACH_PORT_NULL; i++)
		(void)mach_eventlink_destroy(old[i]);
}

static void
test_storm(void)
{
	struct mach_thread *thread[PLAYERS];
	struct baton_kernel_counters before = quiet_counters(), after;

	renew();
	for (uintptr_t i = 0; i < PLAYERS; i++)
		must(mach_thread_start(play, (void *)i, 0, &thread[i]));
	for (unsigned i = 0; i < TURNS; i++) {
		if (i % 4 == 0)
			renew();
		else if (i % 4 != 1)
			(void)thread_abort(
			    mach_thread_port(thread[i % PLAYERS]));
		sleep_ms(1);
	}
	over = true;
	for (int i = 0; i < PLAYERS; i++)
		mach_thread_join(thread[i]);
	ok(waits > 0 && signals > 0, "%u waits and %u signals", waits, signals);
	(void)mach_eventlink_destroy(shared[0]);
	(void)mach_eventlink_destroy(shared[1]);
	after = quiet_counters();
	is(after.objects[BATON_OBJECT_EVENTLINK],
	    before.objects[BATON_OBJECT_EVENTLINK], "no link is left");
	is(after.objects[BATON_OBJECT_PORT], before.objects[BATON_OBJECT_PORT],
	    "no port");
	is(after.objects[BATON_OBJECT_THREAD],
	    before.objects[BATON_OBJECT_THREAD], "no thread");
}

/* A link whose thread has ended with its task keeps neither. */
static void
test_ended_thread(void)
{
	struct baton_kernel_counters before, after;
	struct small small;

	make();
	before = quiet_counters();
	small_make(&small, MACH_PORT_NULL, 0);
	small_run(&small, small_wait, 0, 0);
	must(associate(pair[0], small.thread));
	small_kill(&small);
	after = quiet_counters();
	is(after.objects[BATON_OBJECT_TASK], before.objects[BATON_OBJECT_TASK],
	    "a task ends though a link knows its thread");
	is(after.objects[BATON_OBJECT_MAP], before.objects[BATON_OBJECT_MAP],
	    "its memory with it");
	is(associate(pair[0], me), KERN_NAME_EXISTS, "its place is taken");
	is(mach_eventlink_disassociate(pair[0], 0), KERN_SUCCESS,
	    "until it is given up");
	is(associate(pair[0], me), KERN_SUCCESS, "for another");
	must(mach_eventlink_destroy(pair[0]));
	must(mach_eventlink_destroy(pair[1]));
}

int
main(void)
{
	self = mach_task_self();
	threads_keep();
	me = mach_thread_self();
	test_counts();
	test_errors();
	test_wakes();
	test_ends();
	test_ping_pong();
	test_storm();
	test_ended_thread();
	return done();
}
