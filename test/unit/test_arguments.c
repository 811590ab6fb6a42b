/*
 * test_arguments.c: the block of words that the first task finds at its stack
 * pointer, in full pages of exactly a page.
 *
 * Sources: kernel/arguments.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/arguments.h"

#define BASE 0x3fffffe000UL

static struct arguments arguments;

static int
make_page(void **state)
{
	void *page = malloc(PAGE_SIZE);

	*state = page;
	memset(page, 0xff, PAGE_SIZE);
	arguments_init(&arguments, page, BASE);
	return 0;
}

static int
free_page(void **state)
{
	free(*state);
	return 0;
}

/* The word @index as the program will see it. */
static const char *
word(uint64_t index)
{
	uint64_t offset = arguments.page[1 + index] - BASE;

	assert_in_range(offset, 8, PAGE_SIZE - 1);
	assert_non_null(
	    memchr((char *)arguments.page + offset, 0, PAGE_SIZE - offset));
	return (char *)arguments.page + offset;
}

/* After the last argument: its NULL, and that of the environment. */
static void
assert_ended(uint64_t count)
{
	assert_int_equal(arguments.page[0], count);
	assert_int_equal(arguments.page[1 + count], 0);
	assert_int_equal(arguments.page[2 + count], 0);
}

static void
test_none(void **state)
{
	(void)state;
	assert_ended(0);
	assert_true(arguments_add_line(&arguments, ""));
	assert_true(arguments_add_line(&arguments, " \t \n"));
	assert_ended(0);
}

static void
test_words(void **state)
{
	(void)state;
	assert_true(arguments_add(&arguments, "bootstrap", 9));
	assert_true(
	    arguments_add_line(&arguments, "  run=test/all\tlog=quiet "));
	assert_true(arguments_add(&arguments, "", 0));
	assert_ended(4);
	assert_string_equal(word(0), "bootstrap");
	assert_string_equal(word(1), "run=test/all");
	assert_string_equal(word(2), "log=quiet");
	assert_string_equal(word(3), "");
}

static void
test_too_many(void **state)
{
	char line[2 * ARGUMENTS_MAX + 3];

	(void)state;
	for (size_t i = 0; i <= ARGUMENTS_MAX; i++)
		memcpy(line + 2 * i, "x ", 3);
	assert_false(arguments_add_line(&arguments, line));
	assert_ended(ARGUMENTS_MAX);
	for (uint64_t i = 0; i < ARGUMENTS_MAX; i++)
		assert_string_equal(word(i), "x");
}

static void
test_too_long(void **state)
{
	char long_word[PAGE_SIZE];
	size_t room = PAGE_SIZE - arguments.used;

	(void)state;
	memset(long_word, 'x', sizeof(long_word));
	assert_false(arguments_add(&arguments, long_word, room));
	assert_ended(0);
	assert_true(arguments_add(&arguments, long_word, room - 1));
	assert_int_equal(strlen(word(0)), room - 1);
	assert_false(arguments_add(&arguments, "", 0));
	assert_ended(1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_none, make_page, free_page),
	    cmocka_unit_test_setup_teardown(test_words, make_page, free_page),
	    cmocka_unit_test_setup_teardown(
		test_too_many, make_page, free_page),
	    cmocka_unit_test_setup_teardown(
		test_too_long, make_page, free_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
