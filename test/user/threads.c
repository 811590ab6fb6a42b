/* threads.c: threads: life, suspension, registers, priorities, giving way. */
#include "test/user/mach_test.h"

#include <stdatomic.h>
#include <string.h>

#include <baton/thread.h>

static task_t self;

static int
run_state(thread_t thread)
{
	thread_basic_info_data_t info;
	mach_msg_type_number_t count = THREAD_BASIC_INFO_COUNT;

	if (thread_info(thread, THREAD_BASIC_INFO, (thread_info_t)&info,
		&count) != KERN_SUCCESS)
		return -1;
	return info.run_state;
}

/* ---- life ---- */

static atomic_uint ran;

static void
count_run(void *arg)
{
	ran += (unsigned)(uintptr_t)arg;
}

static void
test_many(void)
{
	enum {
		MANY = 100
	};
	struct mach_thread *thread[MANY];

	for (int i = 0; i < MANY; i++)
		must(mach_thread_start(count_run, (void *)1, 4096, &thread[i]));
	for (int i = 0; i < MANY; i++)
		mach_thread_join(thread[i]);
	is(ran, MANY, "%d threads ran and ended", MANY);
}

static void
test_terminate(void)
{
	struct small small;

	small_make(&small, port_new(), MACH_MSG_TYPE_MOVE_RECEIVE);
	small_run(&small, small_spin, 0, 0);
	is(thread_terminate(small.thread), KERN_SUCCESS,
	    "a running thread is ended");
	ok(dies(small.thread), "and gone");
	small_run(&small, small_receive, SMALL_PORT, 0);
	sleep_ms(5);
	is(thread_terminate(small.thread), KERN_SUCCESS, "a waiting one, too");
	ok(dies(small.thread), "and gone");
	must(mach_port_deallocate(self, small.thread));
	must(thread_create(small.task, &small.thread));
	is(thread_terminate(small.thread), KERN_SUCCESS,
	    "and one that never started");
	ok(dies(small.thread), "gone");
	is(thread_terminate(small.thread), MACH_SEND_INVALID_DEST,
	    "nobody ends it twice");
	ok((type_of(small.task) & MACH_PORT_TYPE_SEND) != 0,
	    "its task lives without threads");
	small_kill(&small);
}

static void
test_task_threads(void)
{
	struct small small;
	thread_act_array_t threads;
	mach_msg_type_number_t count;
	bool found = false;

	small_make(&small, MACH_PORT_NULL, 0);
	is(task_threads(small.task, &threads, &count), KERN_SUCCESS,
	    "the threads of a task");
	is(count, 0, "of which there are none");
	for (int i = 0; i < 3; i++)
		small_run(&small, small_spin, 0, 0);
	must(task_threads(small.task, &threads, &count));
	is(count, 3, "three were started");
	for (unsigned i = 0; i < count; i++) {
		found |= threads[i] == small.thread;
		must(mach_port_deallocate(self, threads[i]));
	}
	ok(found, "ours is one of them, by the same name");
	pages_end(threads, count * sizeof(*threads));
	small_kill(&small);
}

/* More threads than are looked at in one step, of which some end meanwhile: and
 * as many as whole steps are. */
#define CROWD 96

static thread_t crowd[CROWD];

static void
make_crowd(struct small *small, const char *routine)
{
	small_make(small, MACH_PORT_NULL, 0);
	for (int i = 0; i < CROWD; i++) {
		small_run(small, routine, 0, 0);
		small_yield(small);
		crowd[i] = small->thread;
		/* The next one takes its place. */
		must(mach_port_mod_refs(
		    self, crowd[i], MACH_PORT_RIGHT_SEND, 1));
	}
}

static unsigned
in_crowd(thread_t thread)
{
	for (unsigned i = 0; i < CROWD; i++)
		if (crowd[i] == thread)
			return i;
	return CROWD;
}

static void
end_crowd(struct small *small)
{
	small_kill(small);
	for (unsigned i = 0; i < CROWD; i++)
		must(mach_port_deallocate(self, crowd[i]));
}

static void
test_crowd(void)
{
	static bool told[CROWD];
	uint64_t before = quiet_counters().objects[BATON_OBJECT_THREAD];
	struct small small;
	thread_act_array_t threads;
	mach_msg_type_number_t count;
	unsigned wrong = 0;

	make_crowd(&small, small_wait);
	must(task_threads(small.task, &threads, &count));
	is(count, CROWD, "all of many threads are told");
	for (unsigned i = 0; i < count; i++) {
		unsigned who = in_crowd(threads[i]);

		wrong += who == CROWD || told[who];
		if (who != CROWD)
			told[who] = true;
		must(mach_port_deallocate(self, threads[i]));
	}
	is(wrong, 0, "each once");
	pages_end(threads, count * sizeof(*threads));
	end_crowd(&small);
	is(quiet_counters().objects[BATON_OBJECT_THREAD], before,
	    "none is kept when they have ended");
}

/* Are all that are left of the crowd stopped, or none?  In the end they are. */
static bool
all_stopped(bool wanted)
{
	for (int tries = 0; tries < 2000; tries++) {
		unsigned stopped = 0, left = 0;

		for (unsigned i = 0; i < CROWD; i++) {
			thread_basic_info_data_t info;
			mach_msg_type_number_t room = THREAD_BASIC_INFO_COUNT;

			if (thread_info(crowd[i], THREAD_BASIC_INFO,
				(thread_info_t)&info, &room) != KERN_SUCCESS)
				continue;
			left++;
			stopped += info.run_state == TH_STATE_STOPPED;
		}
		if (left > 0 && stopped == (wanted ? left : 0))
			return true;
		sleep_ms(1);
	}
	return false;
}

static void
end_some(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < CROWD; i += 2)
		(void)thread_terminate(crowd[i]);
}

static void
test_crowd_stops(void)
{
	struct mach_thread *other;
	struct small small;

	make_crowd(&small, small_spin);
	must(task_suspend(small.task));
	ok(all_stopped(true), "a task's many threads all stop");
	must(task_resume(small.task));
	ok(all_stopped(false), "and all go on");
	must(mach_thread_start(end_some, NULL, 0, &other));
	for (int i = 0; i < 20; i++) {
		must(task_suspend(small.task));
		must(task_resume(small.task));
	}
	must(task_suspend(small.task));
	mach_thread_join(other);
	ok(all_stopped(true), "also while others of them end");
	must(task_resume(small.task));
	ok(all_stopped(false), "and those that are left go on");
	end_crowd(&small);
}

/* ---- suspension and registers ---- */

static uint64_t
counted(thread_t thread)
{
	riscv64_thread_state_t state;
	mach_msg_type_number_t count = RISCV64_THREAD_STATE_COUNT;

	must(thread_get_state(
	    thread, RISCV64_THREAD_STATE, (thread_state_t)&state, &count));
	return state.s0;
}

/* Let a suspended thread run until it has counted beyond @count. */
static bool
runs_on(thread_t thread, uint64_t count)
{
	for (int i = 0; i < 500; i++) {
		must(thread_resume(thread));
		sleep_ms(10);
		must(thread_suspend(thread));
		if (counted(thread) > count)
			return true;
	}
	return false;
}

static void
test_suspend(void)
{
	struct small small;
	uint64_t first;

	small_make(&small, MACH_PORT_NULL, 0);
	small_run(&small, small_spin, 0, 0);
	is(thread_suspend(small.thread), KERN_SUCCESS, "a thread is stopped");
	ok(runs_on(small.thread, 0), "runs when it is released");
	first = counted(small.thread);
	sleep_ms(20);
	is(counted(small.thread), first, "and does not go on");
	is(thread_suspend(small.thread), KERN_SUCCESS, "stopped twice");
	is(thread_resume(small.thread), KERN_SUCCESS, "released once");
	sleep_ms(10);
	is(counted(small.thread), first, "it still stands");
	ok(runs_on(small.thread, first), "released again, it goes on");
	is(thread_resume(small.thread), KERN_SUCCESS, "and released for good");
	is(thread_resume(small.thread), KERN_FAILURE, "not more than that");
	is(task_suspend(small.task), KERN_SUCCESS, "its task is stopped");
	sleep_ms(5);
	first = counted(small.thread);
	sleep_ms(10);
	is(counted(small.thread), first, "which stops it too");
	is(task_resume(small.task), KERN_SUCCESS, "and goes on");
	is(task_resume(small.task), KERN_FAILURE, "once");
	small_kill(&small);
}

static void
test_registers(void)
{
	struct small small;
	riscv64_thread_state_t state, again;
	mach_msg_type_number_t count = RISCV64_THREAD_STATE_COUNT;
	thread_state_t words = (thread_state_t)&state;
	uint64_t *word = (uint64_t *)&state;

	small_make(&small, MACH_PORT_NULL, 0);
	must(thread_create(small.task, &small.thread));
	is(run_state(small.thread), TH_STATE_STOPPED,
	    "a new thread is stopped");
	for (unsigned i = 0; i < 32; i++)
		word[i] = 0x1111111111111111 * (i % 15 + 1) + i;
	state.pc = 0x100000;
	is(thread_set_state(small.thread, RISCV64_THREAD_STATE, words, count),
	    KERN_SUCCESS, "registers are set");
	is(thread_get_state(small.thread, RISCV64_THREAD_STATE,
	       (thread_state_t)&again, &count),
	    KERN_SUCCESS, "and read");
	ok(memcmp(&state, &again, sizeof(state)) == 0, "all 32 as they were");
	is(count, RISCV64_THREAD_STATE_COUNT, "counted in words");

	is(thread_set_state(small.thread, RISCV64_THREAD_STATE, words, 63),
	    KERN_INVALID_ARGUMENT, "too few of them");
	is(thread_set_state(small.thread, RISCV64_THREAD_STATE, words, 66),
	    KERN_INVALID_ARGUMENT, "too many");
	is(thread_set_state(small.thread, 99, words, count),
	    KERN_INVALID_ARGUMENT, "no such flavor");
	state.pc = 0xffffffc000000000;
	is(thread_set_state(small.thread, RISCV64_THREAD_STATE, words, count),
	    KERN_INVALID_ARGUMENT, "no thread runs in the kernel's half");
	count = 10;
	is(thread_get_state(small.thread, RISCV64_THREAD_STATE,
	       (thread_state_t)&again, &count),
	    KERN_INVALID_ARGUMENT, "no room for them");
	small_run(&small, small_spin, 0, 0);
	count = RISCV64_THREAD_STATE_COUNT;
	is(thread_get_state(small.thread, RISCV64_THREAD_STATE,
	       (thread_state_t)&again, &count),
	    KERN_SUCCESS, "a running thread's are read, too");
	is(thread_get_state(mach_thread_self(), RISCV64_THREAD_STATE,
	       (thread_state_t)&again, &count),
	    KERN_INVALID_ARGUMENT, "but not one's own");
	small_kill(&small);
}

/* ---- aborting ---- */

static atomic_int aborted;

static void
wait_for_nothing(void *arg)
{
	struct note message;

	aborted = mach_msg(&message.header, MACH_RCV_MSG | MACH_RCV_INTERRUPT,
	    0, sizeof(message), *(mach_port_t *)arg, 0, 0);
}

static void
sleep_long(void *arg)
{
	(void)arg;
	aborted = mach_wait_until(mach_absolute_time() + ticks_of_ms(100000));
}

static void
test_abort(void)
{
	struct mach_thread *thread;
	mach_port_t port = port_new();

	aborted = -1;
	must(mach_thread_start(wait_for_nothing, &port, 0, &thread));
	sleep_ms(20);
	is(aborted, -1, "a thread waits");
	is(thread_abort(mach_thread_port(thread)), KERN_SUCCESS, "is aborted");
	mach_thread_join(thread);
	is(aborted, MACH_RCV_INTERRUPTED, "and knows it");
	must(mach_thread_start(sleep_long, NULL, 0, &thread));
	sleep_ms(20);
	must(thread_abort(mach_thread_port(thread)));
	mach_thread_join(thread);
	is(aborted, KERN_ABORTED, "so does one that sleeps");
	port_end(port);
}

/* ---- giving way ---- */

static atomic_uint turn, steps;

static void
take_turns(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;

	for (int i = 0; i < 200; i++) {
		while (turn % 2 != me)
			swtch();
		turn++;
		steps++;
	}
}

static void
test_swtch(void)
{
	struct mach_thread *a, *b;

	must(mach_thread_start(take_turns, (void *)0, 0, &a));
	must(mach_thread_start(take_turns, (void *)1, 0, &b));
	mach_thread_join(a);
	mach_thread_join(b);
	is(steps, 400, "two threads take turns by swtch()");
}

static atomic_bool go, seen;

static void
answer_go(void *arg)
{
	(void)arg;
	while (!go)
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_DEPRESS, 1);
	seen = true;
}

static void
test_thread_switch(void)
{
	struct mach_thread *thread;
	unsigned wrong = 0;
	uint64_t start;

	must(mach_thread_start(answer_go, NULL, 0, &thread));
	go = true;
	for (int i = 0; i < 1000 && !seen; i++)
		wrong += thread_switch(mach_thread_port(thread),
			     SWITCH_OPTION_NONE, 0) != KERN_SUCCESS;
	is(wrong, 0, "the processor is given to a thread");
	mach_thread_join(thread);
	ok(seen, "which ran");
	start = mach_absolute_time();
	is(thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 30), KERN_SUCCESS,
	    "a wait");
	ok(ms_since(start) >= 30, "of that length");
	is(thread_switch(MACH_PORT_NULL, SWITCH_OPTION_DEPRESS, 1),
	    KERN_SUCCESS, "with less priority for a while");
	is(thread_switch(self, SWITCH_OPTION_NONE, 0), KERN_SUCCESS,
	    "a name that is no thread's is no error");
	is(thread_switch(MACH_PORT_NULL, 77, 0), KERN_INVALID_ARGUMENT,
	    "an unknown option is");
}

static void
test_policy(void)
{
	struct small small;
	thread_precedence_policy_data_t policy = {.importance = -5};
	thread_policy_t words = (thread_policy_t)&policy;
	thread_extended_info_data_t info;
	mach_msg_type_number_t count = THREAD_EXTENDED_INFO_COUNT;
	int before;

	small_make(&small, MACH_PORT_NULL, 0);
	must(thread_create(small.task, &small.thread));
	must(thread_info(
	    small.thread, THREAD_EXTENDED_INFO, (thread_info_t)&info, &count));
	before = info.pth_priority;
	is(thread_policy_set(small.thread, THREAD_PRECEDENCE_POLICY, words, 1),
	    KERN_SUCCESS, "a thread is made less urgent");
	must(thread_info(
	    small.thread, THREAD_EXTENDED_INFO, (thread_info_t)&info, &count));
	is(info.pth_priority, before - 5, "by five");
	policy.importance = 1;
	is(thread_policy_set(small.thread, THREAD_PRECEDENCE_POLICY, words, 1),
	    KERN_POLICY_LIMIT, "but not more urgent than others");
	is(thread_policy_set(small.thread, 4321, words, 1),
	    KERN_INVALID_ARGUMENT, "no such policy");
	small_kill(&small);
}

int
main(void)
{
	self = mach_task_self();
	test_many();
	test_terminate();
	test_task_threads();
	test_crowd();
	test_crowd_stops();
	test_suspend();
	test_registers();
	test_abort();
	test_swtch();
	test_thread_switch();
	test_policy();
	return done();
}
