/*
 * test_options.c: the words the first task is started with.
 *
 * Sources: userland/bootstrap/options.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "userland/bootstrap/options.h"

#define KERNEL "host_priv=1203 device_master=1303 archive=3fc0001000,5a00"

static struct options options;

/* Parses the words of @line as an argument vector. */
static bool
parse(const char *line)
{
	static char *copy;
	char *argv[10], *rest, *word;
	size_t count = 0;

	free(copy);
	copy = strdup(line);
	assert_non_null(copy);
	for (word = strtok_r(copy, " ", &rest); word != NULL;
	     word = strtok_r(NULL, " ", &rest))
		argv[count++] = word;
	argv[count] = NULL;
	return options_parse(&options, argv);
}

static void
test_the_kernels_words(void **state)
{
	(void)state;
	assert_true(parse(KERNEL));
	assert_int_equal(options.host_priv, 0x1203);
	assert_int_equal(options.device_master, 0x1303);
	assert_int_equal(options.archive, 0x3fc0001000);
	assert_int_equal(options.archive_size, 0x5a00);
	assert_null(options.run[0]);
}

static void
test_each_is_needed(void **state)
{
	(void)state;
	assert_false(parse(""));
	assert_false(parse("host_priv=1 device_master=2"));
	assert_false(parse("host_priv=1 device_master=2 archive=1000"));
	assert_false(parse("host_priv=1 archive=1000,1"));
	assert_false(parse("device_master=1 archive=1000,1"));
}

static void
test_run(void **state)
{
	(void)state;
	assert_true(parse(KERNEL " log=quiet run=test/all,ports,vm harts=2"));
	assert_string_equal(options.run[0], "test/all");
	assert_string_equal(options.run[1], "ports");
	assert_string_equal(options.run[2], "vm");
	assert_null(options.run[3]);
	assert_true(parse(KERNEL " run="));
	assert_null(options.run[0]);
	assert_true(parse(KERNEL " rerun=x running=y run"));
	assert_null(options.run[0]);
}

static void
test_too_many_arguments(void **state)
{
	(void)state;
	assert_true(parse(KERNEL " run=0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9"
				 ",0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9"));
	assert_non_null(options.run[OPTIONS_RUN_MAX - 1]);
	assert_null(options.run[OPTIONS_RUN_MAX]);
	assert_false(options.run_too_long);
	assert_true(parse(KERNEL " run=0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9"
				 ",0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0"));
	assert_true(options.run_too_long);
	assert_null(options.run[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_kernels_words),
	    cmocka_unit_test(test_each_is_needed),
	    cmocka_unit_test(test_run),
	    cmocka_unit_test(test_too_many_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
