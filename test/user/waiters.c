/*
 * waiters.c: a thousand threads that wait cost nothing: no processor time, no
 * switch, no instruction.
 */
#include "test/user/mach_test.h"

#define WAITERS 1000
#define TASKS	10

static struct small waiters[TASKS];

static void
start_waiters(void)
{
	for (int i = 0; i < TASKS; i++) {
		mach_port_t port = port_new();

		small_make(&waiters[i], port, MACH_MSG_TYPE_MOVE_RECEIVE);
		for (int j = 0; j < WAITERS / TASKS; j++)
			small_run(&waiters[i], small_receive, SMALL_PORT, 0);
	}
}

/* How many threads of the small tasks wait. */
static unsigned
waiting(void)
{
	unsigned count = 0;

	for (int i = 0; i < TASKS; i++) {
		thread_act_array_t threads;
		mach_msg_type_number_t n;

		must(task_threads(waiters[i].task, &threads, &n));
		for (unsigned j = 0; j < n; j++) {
			thread_basic_info_data_t info;
			mach_msg_type_number_t room = THREAD_BASIC_INFO_COUNT;

			must(thread_info(threads[j], THREAD_BASIC_INFO,
			    (thread_info_t)&info, &room));
			count += info.run_state == TH_STATE_WAITING;
			mach_port_deallocate(mach_task_self(), threads[j]);
		}
		pages_end(threads, n * sizeof(*threads));
	}
	return count;
}

static uint64_t
switches_in_a_second(void)
{
	uint64_t before = counters().switches;

	sleep_ms(1000);
	return counters().switches - before;
}

/* ---- instructions, where they can be counted ---- */

static uint64_t
instructions(void)
{
	uint64_t count;

	__asm__ volatile("rdinstret %0" : "=r"(count)::"memory");
	return count;
}

/* Run a loop of @turns; how many instructions this hart retired meanwhile. */
static uint64_t
measure(uint64_t turns)
{
	uint64_t before = instructions();

	__asm__ volatile("1: addi %0, %0, -1\n bnez %0, 1b" : "+r"(turns));
	return instructions() - before;
}

/*
 * Does the counter count instructions?  It does on one hart in QEMU with
 * -icount, and on boards; in QEMU otherwise it counts time.
 */
static bool
counts_instructions(void)
{
	uint64_t best = UINT64_MAX;

	if (counters().harts != 1)
		return false;
	for (int i = 0; i < 20; i++) {
		uint64_t count = measure(1000);

		best = count < best ? count : best;
	}
	return best >= 2000 && best < 2010;
}

/* The least of two measurements of half a second's worth of loop. */
static uint64_t
loop_cost(void)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 2; i++) {
		uint64_t count = measure(250000000);

		best = count < best ? count : best;
	}
	return best;
}

int
main(void)
{
	uint64_t alone, crowded, loop_alone = 0;
	bool exact = counts_instructions();

	alone = switches_in_a_second();
	if (exact)
		loop_alone = loop_cost();
	start_waiters();
	for (int i = 0; i < 100 && waiting() < WAITERS; i++)
		sleep_ms(20);
	is(waiting(), WAITERS, "a thousand threads wait");
	crowded = switches_in_a_second();
	ok(crowded < alone + 50,
	    "none of them ran for a second: %llu switches, %llu without them",
	    (unsigned long long)crowded, (unsigned long long)alone);
	if (exact)
		is(loop_cost(), loop_alone,
		    "nor retired an instruction beside a loop");
	else
		skip(
		    "no instruction was retired", "it is time that is counted");
	for (int i = 0; i < TASKS; i++)
		small_kill(&waiters[i]);
	return done();
}
