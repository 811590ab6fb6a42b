/*
 * test/unit/test_timer.c: a hart's deadlines are met in order, and no choice of
 * them makes the way long that arming, cancelling and firing go.
 *
 * Sources: kernel/timer.c kernel/lock.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernel/cpu.h"
#include "kernel/timer.h"

static uint64_t now;
static uint64_t programmed;

uint64_t
arch_read_time(void)
{
	return now;
}

void
arch_set_timer(uint64_t deadline)
{
	programmed = deadline;
}

#define TIMERS 4096

static struct timer timers[TIMERS];
static uint64_t fired[TIMERS];
static unsigned fired_count;

static void
fire(struct timer *timer)
{
	fired[fired_count++] = timer->deadline;
}

static int
begin(void **state)
{
	(void)state;
	now = 0;
	fired_count = 0;
	timer_init(1000000);
	timer_queue_init(&cpus[0].timers);
	for (unsigned i = 0; i < TIMERS; i++)
		timers[i] = (struct timer){.function = fire};
	return 0;
}

/* ---- the shape ---- */

static uint32_t
rank_of(const struct timer *timer)
{
	return timer != NULL ? timer->rank : 0;
}

/* Down to the left it may be any length: no recursion there. */
static unsigned
check_below(const struct timer *timer)
{
	unsigned count = 0;

	for (; timer != NULL; timer = timer->left) {
		const struct timer *children[2] = {timer->left, timer->right};

		count += 1 + check_below(timer->right);
		assert_int_equal(timer->rank, rank_of(timer->right) + 1);
		assert_true(rank_of(timer->left) >= rank_of(timer->right));
		for (int i = 0; i < 2; i++) {
			if (children[i] == NULL)
				continue;
			assert_ptr_equal(children[i]->parent, timer);
			assert_true(children[i]->deadline >= timer->deadline);
		}
	}
	return count;
}

static void
check(unsigned count)
{
	const struct timer *root = cpus[0].timers.root;

	assert_int_equal(check_below(root), count);
	assert_true(root == NULL || root->parent == NULL);
	assert_true(1UL << rank_of(root) <= count + 1UL);
	assert_true(root == NULL || programmed == root->deadline);
}

static void
arm_all(uint64_t (*deadline)(unsigned i))
{
	for (unsigned i = 0; i < TIMERS; i++) {
		timer_arm(&timers[i], deadline(i));
		if (i % 256 == 0)
			check(i + 1);
	}
	check(TIMERS);
}

static void
fire_all(void)
{
	now = UINT64_MAX - 1;
	while (fired_count < TIMERS) {
		unsigned before = fired_count;

		timer_interrupt();
		assert_true(fired_count > before);
		assert_true(fired_count - before <= 20);
		check(TIMERS - fired_count);
	}
	for (unsigned i = 1; i < TIMERS; i++)
		assert_true(fired[i - 1] <= fired[i]);
	assert_int_equal(programmed, TIMER_NEVER);
}

static uint64_t
rising(unsigned i)
{
	return i + 1;
}

static uint64_t
falling(unsigned i)
{
	return TIMERS - i;
}

static uint64_t
equal(unsigned i)
{
	(void)i;
	return 7;
}

static uint64_t
zigzag(unsigned i)
{
	return i & 1 ? TIMERS + i : TIMERS - i;
}

static void
test_orders(void **state)
{
	static uint64_t (*const orders[])(unsigned i) = {
	    rising, falling, equal, zigzag};

	for (unsigned i = 0; i < ARRAY_SIZE(orders); i++) {
		begin(state);
		arm_all(orders[i]);
		fire_all();
	}
}

/* ---- arming, cancelling and firing, in any order ---- */

static void
test_random(void **state)
{
	unsigned armed = 0;

	(void)state;
	srand(1);
	for (unsigned i = 0; i < 40000; i++) {
		struct timer *timer = &timers[rand() % TIMERS];

		fired_count = 0;
		if (timer->cpu == NULL) {
			timer_arm(timer, now + 1 + (unsigned)rand() % 5000);
			armed++;
		} else {
			assert_true(timer_cancel(timer));
			assert_false(timer_cancel(timer));
			armed--;
		}
		now += (unsigned)rand() % 3;
		if (programmed <= now)
			timer_interrupt();
		for (unsigned k = 0; k < fired_count; k++)
			assert_true(fired[k] <= now);
		armed -= fired_count;
		if (i % 64 == 0)
			check(armed);
	}
	check(armed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_orders, begin),
	    cmocka_unit_test_setup(test_random, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
