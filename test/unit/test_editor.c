/*
 * test_editor.c: the console server's line editing.
 *
 * Sources: userland/console/editor.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "userland/console/editor.h"

static struct editor editor;
static char shown[16384];
static size_t shown_count;

static void
show(const char *text, size_t count)
{
	assert_true(shown_count + count < sizeof(shown));
	memcpy(shown + shown_count, text, count);
	shown_count += count;
	shown[shown_count] = '\0';
}

static int
set_up(void **state)
{
	(void)state;
	shown_count = 0;
	shown[0] = '\0';
	editor_init(&editor, show);
	return 0;
}

static void
type(const char *keys)
{
	for (; *keys != '\0'; keys++)
		editor_key(&editor, *keys);
}

/* What a reader of @wanted bytes gets; NULL: it has to wait. */
static const char *
take(size_t wanted)
{
	static char text[EDITOR_READY_MAX + 1];
	size_t count;

	if (!editor_take(&editor, text, wanted, &count))
		return NULL;
	assert_true(count <= wanted);
	text[count] = '\0';
	return text;
}

static void
test_a_line_is_shown_and_taken(void **state)
{
	(void)state;
	type("ps");
	assert_null(take(100));
	type("\r");
	assert_string_equal(shown, "ps\n");
	assert_string_equal(take(100), "ps\n");
	assert_null(take(100));
}

static void
test_backspace_and_start_over(void **state)
{
	(void)state;
	type("\x7fheelp\b\b\blp\r");
	assert_string_equal(take(100), "help\n");
	type("nonsense\x15ok\r");
	assert_string_equal(take(100), "ok\n");
	shown_count = 0;
	type("\xc3\xa9\x7f");
	assert_string_equal(shown, "\xc3\xa9\b \b");
	type("\r");
	assert_string_equal(take(100), "\n");
}

static void
test_giving_up(void **state)
{
	(void)state;
	type("half\x03");
	assert_string_equal(shown, "half^C\n");
	assert_string_equal(take(100), "");
	assert_null(take(100));
	type("\x04");
	assert_string_equal(take(100), "");
	type("text\x04\r");
	assert_string_equal(take(100), "text\n");
}

static void
test_type_ahead_keeps_lines_apart(void **state)
{
	(void)state;
	type("one\rtwo\r\x03three\r");
	assert_string_equal(take(100), "one\n");
	assert_string_equal(take(100), "two\n");
	assert_string_equal(take(100), "");
	assert_string_equal(take(100), "three\n");
	assert_null(take(100));
}

static void
test_a_line_in_pieces(void **state)
{
	(void)state;
	type("abcdef\r");
	assert_string_equal(take(4), "abcd");
	assert_string_equal(take(4), "ef\n");
}

static void
test_arrows_do_nothing(void **state)
{
	(void)state;
	type("a\x1b[Ab\x1b[1;5Cc\x1bOPd\x1bxe\te\r");
	assert_string_equal(take(100), "abcdee\n");
}

static void
test_a_long_line_is_cut(void **state)
{
	(void)state;
	for (int i = 0; i < EDITOR_LINE_MAX + 50; i++)
		editor_key(&editor, 'x');
	type("\r");
	assert_int_equal(strlen(take(1000)), EDITOR_LINE_MAX + 1);
	assert_null(take(1000));
}

static void
test_a_full_ring_loses_whole_lines(void **state)
{
	size_t lines = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		type("1234567\r");
	while (take(100) != NULL)
		lines++;
	assert_int_equal(lines, EDITOR_READY_MAX / 8);
	type("again\r");
	assert_string_equal(take(100), "again\n");
}

static void
test_raw(void **state)
{
	(void)state;
	type("dropped");
	editor_mode(&editor, true);
	shown_count = 0;
	type("a\x03\x04\r\x1b");
	assert_int_equal(shown_count, 0);
	assert_string_equal(take(2), "a\x03");
	assert_string_equal(take(100), "\x04\r\x1b");
	assert_null(take(100));
	editor_mode(&editor, false);
	type("line\r");
	assert_string_equal(take(100), "line\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_a_line_is_shown_and_taken, set_up),
	    cmocka_unit_test_setup(test_backspace_and_start_over, set_up),
	    cmocka_unit_test_setup(test_giving_up, set_up),
	    cmocka_unit_test_setup(test_type_ahead_keeps_lines_apart, set_up),
	    cmocka_unit_test_setup(test_a_line_in_pieces, set_up),
	    cmocka_unit_test_setup(test_arrows_do_nothing, set_up),
	    cmocka_unit_test_setup(test_a_long_line_is_cut, set_up),
	    cmocka_unit_test_setup(test_a_full_ring_loses_whole_lines, set_up),
	    cmocka_unit_test_setup(test_raw, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
