/*
 * test/unit/test_memory_wait.c: what a thread that waited for a page hears of
 * it, and what it does not.
 *
 * Sources: ipc test/unit/ipc_stage.c
 */
#include "ipc_stage.h"

#include "vm/memory_wait.h"

static char object;
static unsigned asked;
static kern_return_t result; /* of the last try */

static kern_return_t
ask(void *of, uint64_t where, struct thread **nextp)
{
	(void)of;
	(void)where;
	(void)nextp;
	asked++;
	return KERN_SUCCESS;
}

static void
put(void *of)
{
	(void)of;
}

static const struct memory_source source = {.ask = ask, .put = put};

static noreturn void again(void);

/* Somebody wants the page at 5, which is not there. */
static int64_t
want(void *unused)
{
	(void)unused;
	result = memory_wait_note(&source, &object, 5, host_time + 1000);
	if (result == KERN_MEMORY_WAIT)
		memory_wait_block(again);
	return 0;
}

static noreturn void
again(void)
{
	(void)memory_wait_end();
	thread_return_value((uint64_t)want(NULL));
}

/* The page came when the wait had failed. */
static noreturn void
there(void)
{
	(void)memory_wait_end();
	thread_return_value(0);
}

static int64_t
want_and_find(void *unused)
{
	(void)unused;
	result = memory_wait_note(&source, &object, 5, host_time + 1000);
	if (result == KERN_MEMORY_WAIT)
		memory_wait_block(there);
	return 0;
}

static noreturn void
there_and_over(void)
{
	(void)memory_wait_end();
	memory_wait_over();
	thread_return_value(0);
}

static int64_t
want_and_know(void *unused)
{
	(void)unused;
	result = memory_wait_note(&source, &object, 5, host_time + 1000);
	if (result == KERN_MEMORY_WAIT)
		memory_wait_block(there_and_over);
	return 0;
}

/* Who is not brought the page is told when he tries again. */
static void
test_failure_is_heard(void **state)
{
	(void)state;
	asked = 0;
	assert_false(host_call(client, want, NULL));
	host_expire(client);
	host_run();
	assert_true(client->returned);
	assert_int_equal(result, KERN_MEMORY_ERROR);
	assert_int_equal(asked, 1);
	/* Once: the next access asks again. */
	assert_false(host_call(client, want, NULL));
	memory_wake(&object, 5, 6, KERN_MEMORY_FAILURE);
	host_run();
	assert_int_equal(result, KERN_MEMORY_FAILURE);
	assert_int_equal(asked, 2);
}

/* What has come after all is waited for as ever when it has gone again. */
static void
test_failure_is_forgotten(void **state)
{
	(void)state;
	assert_false(host_call(client, want_and_know, NULL));
	host_expire(client);
	host_run();
	assert_true(client->returned);
	assert_false(host_call(client, want_and_find, NULL));
	host_expire(client);
	host_run();
	assert_true(client->returned);
	host_time += 2000;
	assert_false(host_call(client, want_and_find, NULL));
	assert_int_equal(result, KERN_MEMORY_WAIT);
	memory_wake(&object, 5, 6, KERN_SUCCESS);
	host_run();
	assert_true(client->returned);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_failure_is_heard, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_failure_is_forgotten, stage_begin, stage_end),
	};

	memory_wait_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
