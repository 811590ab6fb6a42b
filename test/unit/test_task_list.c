/*
 * test/unit/test_task_list.c: a walk meets every task that lives all the while,
 * once and in order, whoever ends beside it, and no step of it is long.
 *
 * Sources: kernel/task_list.c kernel/lock.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/task.h"
#include "kernel/task_list.h"

#define TASKS 2500
/* More than one step passes, by the contract of steps. */
#define FAR 100

static struct task tasks[TASKS];

void
task_put(struct task *task)
{
	assert_true(atomic_fetch_sub(&task->refs, 1) > 0);
}

static int
begin(void **state)
{
	(void)state;
	memset(tasks, 0, sizeof(tasks));
	for (unsigned i = 0; i < TASKS; i++) {
		tasks[i].id = i + 1;
		task_list_add(&tasks[i]);
	}
	assert_int_equal(task_list_count(), TASKS);
	return 0;
}

/* All that are left end, and nobody refers to any. */
static int
end(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TASKS; i++)
		if (!tasks[i].torn_down)
			task_list_drop(&tasks[i]);
	assert_int_equal(task_list_count(), 0);
	for (unsigned i = 0; i < TASKS; i++) {
		assert_int_equal(tasks[i].refs, 0);
		assert_true(list_empty(&tasks[i].link));
	}
	return 0;
}

static struct task *
next(struct task_list_walk *walk)
{
	struct task *task = NULL;

	while (task == NULL && !walk->done)
		task = task_list_step(walk);
	return task;
}

static void
test_all(void **state)
{
	struct task_list_walk walk = {.at = NULL};

	(void)state;
	for (unsigned i = 0; i < TASKS; i++)
		assert_ptr_equal(next(&walk), &tasks[i]);
	assert_null(next(&walk));
	assert_true(walk.done);
	task_list_leave(&walk);
}

/* What is passed over is passed in many steps. */
static void
test_after(void **state)
{
	struct task_list_walk walk = {.after = TASKS - 1};
	unsigned steps = 0;
	struct task *task;

	(void)state;
	do {
		task = task_list_step(&walk);
		steps++;
	} while (task == NULL && !walk.done);
	assert_ptr_equal(task, &tasks[TASKS - 1]);
	assert_true(steps >= TASKS / FAR);
	task_list_leave(&walk);
}

/* Where the walk stands, behind it and before it, tasks end at every step. */
static void
test_ends(void **state)
{
	struct task_list_walk walk = {.at = NULL};
	unsigned met = 0;
	struct task *task;

	(void)state;
	while ((task = next(&walk)) != NULL) {
		uint64_t id = task->id;

		assert_int_equal(id, 3 * met + 1);
		met++;
		task_list_drop(task);
		assert_false(list_empty(&task->link));
		for (uint64_t i = id; i < id + 2 && i < TASKS; i++)
			task_list_drop(&tasks[i]);
	}
	assert_int_equal(met, (TASKS + 2) / 3);
	task_list_leave(&walk);
}

/* Two stand on one that ends; it leaves with the second. */
static void
test_two_walks(void **state)
{
	struct task_list_walk one = {.after = 7}, two = {.after = 7};

	(void)state;
	assert_ptr_equal(next(&one), &tasks[7]);
	assert_ptr_equal(next(&two), &tasks[7]);
	task_list_drop(&tasks[7]);
	assert_ptr_equal(next(&one), &tasks[8]);
	assert_false(list_empty(&tasks[7].link));
	task_list_leave(&two);
	assert_true(list_empty(&tasks[7].link));
	task_list_leave(&one);
}

/* Made in the same instant, and listed in the other order. */
static void
test_order(void **state)
{
	struct task_list_walk walk = {.after = TASKS};
	struct task late = {.id = TASKS + 1}, early = {.id = TASKS + 2};

	(void)state;
	task_list_add(&early);
	task_list_add(&late);
	assert_ptr_equal(next(&walk), &late);
	assert_ptr_equal(next(&walk), &early);
	task_list_leave(&walk);
	task_list_drop(&early);
	task_list_drop(&late);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_all, begin, end),
	    cmocka_unit_test_setup_teardown(test_after, begin, end),
	    cmocka_unit_test_setup_teardown(test_ends, begin, end),
	    cmocka_unit_test_setup_teardown(test_two_walks, begin, end),
	    cmocka_unit_test_setup_teardown(test_order, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
