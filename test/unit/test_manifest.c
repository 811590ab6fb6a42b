/*
 * test_manifest.c: the reader of the bootstrap server's manifest.
 *
 * Sources: userland/bootstrap/manifest.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "userland/bootstrap/manifest.h"

static struct manifest manifest;

/* Parses a copy of exactly the text's size, kept until the next one. */
static unsigned int
parse(const char *text)
{
	static char *copy;

	free(copy);
	copy = strdup(text);
	assert_non_null(copy);
	return manifest_parse(&manifest, copy);
}

static void
test_every_verb(void **state)
{
	(void)state;
	assert_int_equal(parse("server console console restart\n"
			       "server names named\n"
			       "grant console stdout\n"
			       "run bench summary quick\n"
			       "session sh\n"),
	    0);
	assert_int_equal(manifest.count, 5);
	assert_int_equal(manifest.lines[0].verb, MANIFEST_SERVER);
	assert_true(manifest_restarts(&manifest.lines[0]));
	assert_false(manifest_restarts(&manifest.lines[1]));
	assert_int_equal(manifest.lines[3].verb, MANIFEST_RUN);
	assert_int_equal(manifest.lines[3].count, 3);
	assert_string_equal(manifest.lines[3].words[1], "summary");
	assert_null(manifest.lines[3].words[3]);
	assert_int_equal(manifest.lines[4].verb, MANIFEST_SESSION);
}

static void
test_space_and_comments(void **state)
{
	(void)state;
	assert_int_equal(parse(""), 0);
	assert_int_equal(manifest.count, 0);
	assert_int_equal(
	    parse("\n\n  # only this\n\t session\tsh # and this"), 0);
	assert_int_equal(manifest.count, 1);
	assert_string_equal(manifest.lines[0].words[0], "sh");
	assert_int_equal(parse("session sh\r\n"), 0);
	assert_string_equal(manifest.lines[0].words[0], "sh");
}

static void
test_grants(void **state)
{
	(void)state;
	assert_int_equal(parse("grant a x\ngrant a y\ngrant b x\n"), 0);
	assert_true(manifest_grants(&manifest, "a", "x"));
	assert_true(manifest_grants(&manifest, "a", "y"));
	assert_true(manifest_grants(&manifest, "b", "x"));
	assert_false(manifest_grants(&manifest, "b", "y"));
	assert_false(manifest_grants(&manifest, "x", "a"));
	assert_false(manifest_grants(&manifest, "", ""));
}

static void
test_servers(void **state)
{
	(void)state;
	assert_int_equal(parse("server s1 p1\nserver s2 p2 restart fast\n"), 0);
	assert_string_equal(manifest_server(&manifest, "s2")->words[1], "p2");
	assert_null(manifest_server(&manifest, "p1"));
}

static void
test_files(void **state)
{
	(void)state;
	assert_int_equal(parse("session sh\n"), 0);
	assert_null(manifest_files(&manifest));
	assert_int_equal(parse("files p1\nsession sh\n"), 0);
	assert_string_equal(manifest_files(&manifest), "p1");
}

static void
test_nonsense_is_named_by_line(void **state)
{
	(void)state;
	assert_int_equal(parse("session sh\nlaunch sh\n"), 2);
	assert_int_equal(manifest.count, 1);
	assert_int_equal(parse("server console"), 1);
	assert_int_equal(parse("server a b again"), 1);
	assert_int_equal(parse("server a b again now"), 1);
	assert_int_equal(parse("grant a"), 1);
	assert_int_equal(parse("files"), 1);
	assert_int_equal(parse("files a b"), 1);
	assert_int_equal(parse("\n\nsession"), 3);
	assert_int_equal(parse("run 1 2 3 4 5 6 7 8"), 0);
	assert_int_equal(parse("run 1 2 3 4 5 6 7 8 9"), 1);
}

static void
test_too_many_lines(void **state)
{
	char text[(MANIFEST_LINES_MAX + 1) * sizeof("session sh\n")] = "";

	(void)state;
	for (unsigned int i = 0; i <= MANIFEST_LINES_MAX; i++)
		strcat(text, "session sh\n");
	assert_int_equal(parse(text), MANIFEST_LINES_MAX + 1);
	assert_int_equal(manifest.count, MANIFEST_LINES_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_verb),
	    cmocka_unit_test(test_space_and_comments),
	    cmocka_unit_test(test_grants),
	    cmocka_unit_test(test_servers),
	    cmocka_unit_test(test_files),
	    cmocka_unit_test(test_nonsense_is_named_by_line),
	    cmocka_unit_test(test_too_many_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
