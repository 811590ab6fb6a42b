/*
 * test/unit/test_reaper.c: what is left to the reaper is done, and what lacked
 * memory is tried again, whoever left it and whatever the reaper did then.
 *
 * Sources: kernel/reaper.c kernel/lock.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/cpu.h"
#include "kernel/reaper.h"
#include "kernel/sched.h"

/* ---- the one kernel thread there is ---- */

static struct thread reaper;
static jmp_buf out;
static bool runnable;
static bool somebody_waits; /* who is more urgent */
static uint64_t sleeps_until, now;

struct thread *
thread_create_kernel(continuation_t cont, uint32_t priority)
{
	(void)priority;
	reaper.cont = cont;
	runnable = true;
	return &reaper;
}

void
sched_wake(struct thread *thread)
{
	assert_ptr_equal(thread, &reaper);
	assert_false(runnable);
	runnable = true;
}

noreturn void
sched_switch(void)
{
	longjmp(out, 1);
}

noreturn void
sched_yield(continuation_t cont)
{
	reaper.cont = cont;
	runnable = true;
	longjmp(out, 1);
}

bool
thread_should_yield(void)
{
	return somebody_waits;
}

uint64_t
timer_after_ms(uint32_t milliseconds)
{
	return now + milliseconds;
}

uint64_t
timer_now(void)
{
	return now;
}

bool
timer_cancel_armed(struct timer *timer)
{
	(void)timer;
	return false;
}

void
wait_begin(struct thread *self, continuation_t cont, uint64_t deadline,
    struct spinlock *queue_lock)
{
	self->cont = cont;
	sleeps_until = deadline;
	atomic_store(&self->wait_armed, 1);
	spin_unlock(queue_lock);
}

/* The reaper runs until it sleeps. */
static void
run(void)
{
	while (runnable) {
		runnable = false;
		arch_set_current(&reaper);
		if (setjmp(out) == 0)
			reaper.cont();
	}
	assert_true(thread_is_waiting(&reaper));
}

/* Its deadline comes, if it has one. */
static void
time_passes(void)
{
	if (sleeps_until != TIMER_NEVER)
		now = max_u64(now, sleeps_until);
	if (sleeps_until != TIMER_NEVER &&
	    thread_claim(&reaper, KERN_OPERATION_TIMED_OUT))
		sched_wake(&reaper);
	run();
}

/* ---- something that takes steps, and memory for them ---- */

struct work {
	struct reap_item item;
	int steps, starve;
};

static bool clock_runs; /* with each step */
static uint64_t done_at[100];
static unsigned done;

static bool
step(struct reap_item *item)
{
	struct work *work = container_of(item, struct work, item);

	if (work->starve > 0) {
		work->starve--;
		reap_starved(item);
		return false;
	}
	now += clock_runs;
	done_at[done] = now;
	done += work->steps == 1;
	return --work->steps > 0;
}

static int
begin(void **state)
{
	(void)state;
	reaper.cpu = &cpus[0];
	arch_set_current(&reaper);
	if (reaper.cont == NULL)
		reaper_start();
	run();
	return 0;
}

static void
test_later(void **state)
{
	struct work work = {.item.step = step, .steps = 100};

	(void)state;
	reap_later(&work.item);
	run();
	assert_int_equal(work.steps, 0);
	assert_true(sleeps_until == TIMER_NEVER);
}

/* Lack of memory is met by who destroys, or by the reaper. */
static void
test_starved(void **state)
{
	(void)state;
	for (int by_reaper = 0; by_reaper < 2; by_reaper++) {
		struct work work = {.item.step = step, .steps = 3, .starve = 3};

		if (by_reaper)
			reap_later(&work.item);
		else
			reap_now(&work.item);
		run();
		for (int i = 0; i < 10; i++)
			time_passes();
		assert_int_equal(work.steps, 0);
		assert_true(sleeps_until == TIMER_NEVER);
	}
}

/* So it is while others keep the reaper from sleeping, by waking it or by what
 * takes long. */
static void
test_starved_among_others(void **state)
{
	struct work work = {.item.step = step, .steps = 1, .starve = 2};
	struct work large = {.item.step = step, .steps = 1000};

	(void)state;
	reap_later(&work.item);
	run();
	for (int i = 0; i < 20 && work.steps > 0; i++) {
		struct work other = {.item.step = step, .steps = 1};

		now += 3;
		reap_later(&other.item);
		run();
	}
	assert_int_equal(work.steps, 0);
	work.steps = 1;
	work.starve = 1;
	reap_later(&work.item);
	reap_later(&large.item);
	clock_runs = true;
	now = done = 0;
	run();
	clock_runs = false;
	assert_int_equal(work.steps, 0);
	assert_true(done_at[0] < 500);
}

/* Who destroys something holds nobody up who is more urgent. */
static void
test_gives_way(void **state)
{
	struct work work = {.item.step = step, .steps = 10};

	(void)state;
	somebody_waits = true;
	reap_now(&work.item);
	assert_int_equal(work.steps, 9);
	run();
	assert_int_equal(work.steps, 0);
	somebody_waits = false;
	work.steps = 10;
	reap_now(&work.item);
	assert_int_equal(work.steps, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_later, begin),
	    cmocka_unit_test_setup(test_starved, begin),
	    cmocka_unit_test_setup(test_starved_among_others, begin),
	    cmocka_unit_test_setup(test_gives_way, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
