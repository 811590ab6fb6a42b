/*
 * turns.c: two threads that take turns by a signal and a wait in one trap, and
 * what gets in their way: somebody who ends it, aborts it, or wants more than
 * the fast path has.
 */
#include "test/user/mach_test.h"

#include <stdatomic.h>

#include <baton/host.h>
#include <baton/thread.h>
#include <mach/mach_eventlink.h>
#include <mach/mach_traps.h>
#include <mach/semaphore.h>

#define ROUNDS 2000
#define TRIES  40
#define CLOCK  KERN_CLOCK_MACH_ABSOLUTE_TIME

static mach_port_t self, host;
static semaphore_t ping, pong;
static eventlink_port_pair_t side;
static atomic_uint turns;
static atomic_int ended;

/* ---- the counts of what was declined, of ours alone ---- */

#define FIRST BATON_DECLINE_SYNC_OPTIONS
#define COUNT (BATON_DECLINE_SYNC_BUSY + 1 - FIRST)

static bool off;
static unsigned patience; /* milliseconds for another thread to wait */

static void
read_counts(uint64_t counts[COUNT])
{
	struct baton_decline_count all[BATON_DECLINES_MAX];
	uint32_t count = BATON_DECLINES;

	must(host_declines(host, BATON_ALL_HARTS, all, &count));
	for (unsigned i = 0; i < COUNT; i++)
		counts[i] = all[FIRST + i].times;
}

/* @act is declined once, because of @why, and for nothing else. */
static void
check(const char *what, void (*act)(void), unsigned why)
{
	uint64_t before[COUNT], after[COUNT];
	bool exact = false;

	for (unsigned try = 1; try <= TRIES && !exact; try++) {
		patience = try;
		read_counts(before);
		act();
		read_counts(after);
		exact = true;
		for (unsigned i = 0; i < COUNT; i++)
			if (after[i] - before[i] !=
			    (!off && FIRST + i == why ? 1U : 0U))
				exact = false;
	}
	ok(exact, "%s", what);
}

static void
both_new(int policy)
{
	must(semaphore_create(self, &ping, policy, 0));
	must(semaphore_create(self, &pong, policy, 0));
}

static void
both_end(void)
{
	must(semaphore_destroy(self, ping));
	must(semaphore_destroy(self, pong));
}

/* ---- turns ---- */

/* Until that fails: how it did. */
static void
answer_signals(void *arg)
{
	kern_return_t kr = semaphore_wait(ping);

	(void)arg;
	while (kr == KERN_SUCCESS) {
		turns++;
		kr = semaphore_wait_signal(ping, pong);
	}
	ended = kr;
}

static void
wait_until(unsigned least)
{
	while (turns < least)
		swtch();
}

static void
take_turns(int policy, const char *how)
{
	struct mach_thread *thread;
	int failed = 0;

	both_new(policy);
	turns = 0;
	must(mach_thread_start(answer_signals, NULL, 0, &thread));
	for (int i = 0; i < ROUNDS; i++)
		failed += semaphore_wait_signal(pong, ping) != KERN_SUCCESS;
	is(failed, 0, "%s: each wait succeeds", how);
	is(turns, ROUNDS, "%s: each signal is heard once", how);
	must(semaphore_destroy(self, ping));
	mach_thread_join(thread);
	is(ended, KERN_TERMINATED, "%s: who waits hears of the end", how);
	is(semaphore_wait_signal(pong, ping), KERN_INVALID_NAME,
	    "%s: there is nothing to signal any more", how);
	must(semaphore_destroy(self, pong));
}

/* A thread that waits since its last turn is aborted: no signal is lost. */
static void
test_abort(void)
{
	struct mach_thread *thread;

	both_new(SYNC_POLICY_FIFO);
	for (unsigned i = 0; i < 50; i++) {
		turns = 0;
		must(mach_thread_start(answer_signals, NULL, 0, &thread));
		for (int j = 0; j < 3; j++)
			must(semaphore_wait_signal(pong, ping));
		wait_until(3);
		must(thread_abort(mach_thread_port(thread)));
		mach_thread_join(thread);
		if (ended != KERN_ABORTED)
			break;
		/* Nobody waits any more: this one is counted. */
		must(semaphore_signal(ping));
		must(semaphore_wait(ping));
	}
	is(ended, KERN_ABORTED, "a wait that began so can be aborted");
	is(semaphore_timedwait(ping, (mach_timespec_t){0, 0}),
	    KERN_OPERATION_TIMED_OUT, "no signal is left");
	is(semaphore_timedwait(pong, (mach_timespec_t){0, 0}),
	    KERN_OPERATION_TIMED_OUT, "nor is one of the others");
	both_end();
}

/* Three threads pass two signals round; each takes what is there. */
static semaphore_t ring[3];
static atomic_uint passed[3];
static atomic_bool stop;

static void
pass_on(void *arg)
{
	unsigned i = (unsigned)(uintptr_t)arg;
	kern_return_t kr = semaphore_wait(ring[i]);

	while (kr == KERN_SUCCESS && !stop) {
		passed[i]++;
		kr = semaphore_wait_signal(ring[i], ring[(i + 1) % 3]);
	}
}

static void
test_ring(void)
{
	struct mach_thread *thread[3];

	for (unsigned i = 0; i < 3; i++)
		must(semaphore_create(self, &ring[i], SYNC_POLICY_FIFO, 0));
	for (unsigned i = 0; i < 3; i++)
		must(mach_thread_start(
		    pass_on, (void *)(uintptr_t)i, 0, &thread[i]));
	must(semaphore_signal(ring[0]));
	must(semaphore_signal(ring[1]));
	while (passed[0] < ROUNDS || passed[1] < ROUNDS || passed[2] < ROUNDS)
		swtch();
	stop = true;
	for (unsigned i = 0; i < 3; i++)
		must(semaphore_destroy(self, ring[i]));
	for (unsigned i = 0; i < 3; i++)
		mach_thread_join(thread[i]);
	ok(true, "three threads and two signals go on and on");
}

static void
answer_events(void *arg)
{
	uint64_t count = 0;
	kern_return_t kr = mach_eventlink_wait_until(
	    side[1], &count, MELSW_OPTION_NONE, CLOCK, 0);

	(void)arg;
	while (kr == KERN_SUCCESS) {
		turns = (unsigned)count;
		kr = mach_eventlink_signal_wait_until(
		    side[1], &count, 0, MELSW_OPTION_NONE, CLOCK, 0);
	}
	ended = kr;
}

static void
test_eventlinks(void)
{
	struct mach_thread *thread;
	uint64_t count = 0;
	int failed = 0;

	must(mach_eventlink_create(self, MELC_OPTION_NO_COPYIN, side));
	for (int i = 0; i < 2; i++)
		must(mach_eventlink_associate(side[i], MACH_PORT_NULL, 0, 0, 0,
		    0, MELA_OPTION_ASSOCIATE_ON_WAIT));
	turns = 0;
	must(mach_thread_start(answer_events, NULL, 0, &thread));
	for (unsigned i = 1; i <= ROUNDS; i++) {
		failed += mach_eventlink_signal_wait_until(side[0], &count, 0,
			      MELSW_OPTION_NONE, CLOCK, 0) != KERN_SUCCESS;
		failed += count != i || turns != i;
	}
	is(failed, 0, "an eventlink counts each signal once, on both sides");
	must(mach_eventlink_destroy(side[0]));
	mach_thread_join(thread);
	is(ended, KERN_TERMINATED, "and who waits hears of its end");
	must(mach_eventlink_destroy(side[1]));
}

/* ---- what is declined ---- */

static void
signal_no_name(void)
{
	(void)semaphore_wait_signal(pong, NO_NAME);
}

static void
wait_no_name(void)
{
	(void)semaphore_wait_signal(NO_NAME, ping);
}

static void
wait_for_task(void)
{
	(void)semaphore_wait_signal(self, ping);
}

/* There is one already: nothing waits. */
static void
wait_for_nothing(void)
{
	must(semaphore_signal(pong));
	(void)semaphore_wait_signal(pong, ping);
}

static void
signal_itself(void)
{
	(void)semaphore_wait_signal(pong, pong);
}

static void
signal_later(void *arg)
{
	sleep_ms(patience);
	(void)arg;
	must(semaphore_signal(pong));
}

static void
signal_nobody(void)
{
	struct mach_thread *thread;

	must(mach_thread_start(signal_later, NULL, 0, &thread));
	must(semaphore_wait_signal(pong, ping));
	mach_thread_join(thread);
}

static void
wait_with_deadline(void *arg)
{
	(void)arg;
	must(semaphore_timedwait(ping, (mach_timespec_t){1000, 0}));
	must(semaphore_signal(pong));
}

static void
signal_a_timed_wait(void)
{
	struct mach_thread *thread;

	must(mach_thread_start(wait_with_deadline, NULL, 0, &thread));
	sleep_ms(patience);
	must(semaphore_wait_signal(pong, ping));
	mach_thread_join(thread);
}

static void
signal_without_wait(void)
{
	uint64_t count = 0;

	(void)mach_eventlink_signal_wait_until(
	    side[0], &count, 0, MELSW_OPTION_NO_WAIT, CLOCK, 0);
}

static void
wait_unasked(void)
{
	uint64_t count = 0;

	(void)mach_eventlink_signal_wait_until(
	    side[0], &count, 0, MELSW_OPTION_NONE, CLOCK, 0);
}

static void
test_declined(void)
{
	both_new(SYNC_POLICY_FIFO);
	check("no right to signal", signal_no_name, BATON_DECLINE_SYNC_RIGHT);
	check("no right to wait", wait_no_name, BATON_DECLINE_SYNC_RIGHT);
	check("a right to a task", wait_for_task, BATON_DECLINE_SYNC_RIGHT);
	check("there is a signal", wait_for_nothing, BATON_DECLINE_SYNC_READY);
	check("one's own signal", signal_itself, BATON_DECLINE_SYNC_READY);
	check("nobody waits", signal_nobody, BATON_DECLINE_SYNC_NOBODY);
	both_end();
	both_new(SYNC_POLICY_FIFO);
	check("a deadline", signal_a_timed_wait, BATON_DECLINE_SYNC_WAITER);
	both_end();
	both_new(SYNC_POLICY_FIXED_PRIORITY);
	check("an order", wait_for_nothing, BATON_DECLINE_SYNC_ORDER);
	both_end();
	must(mach_eventlink_create(self, MELC_OPTION_NO_COPYIN, side));
	check("no wait", signal_without_wait, BATON_DECLINE_SYNC_OPTIONS);
	check("not his to wait", wait_unasked, BATON_DECLINE_SYNC_ORDER);
	must(mach_eventlink_destroy(side[0]));
	must(mach_eventlink_destroy(side[1]));
}

/* With fastpath=off nothing of ours is counted. */
static bool
is_off(void)
{
	uint64_t before[COUNT], after[COUNT];

	read_counts(before);
	signal_no_name();
	read_counts(after);
	return before[BATON_DECLINE_SYNC_RIGHT - FIRST] ==
	       after[BATON_DECLINE_SYNC_RIGHT - FIRST];
}

int
main(void)
{
	self = mach_task_self();
	host = mach_host_self();
	off = is_off();
	take_turns(SYNC_POLICY_FIFO, "first come");
	take_turns(SYNC_POLICY_FIXED_PRIORITY, "by priority");
	test_abort();
	test_ring();
	test_eventlinks();
	test_declined();
	return done();
}
