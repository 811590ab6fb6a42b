/*
 * test_stubs.c: generated stubs of both sides, back to back, with a kernel that
 * only carries messages from one to the other; then requests and replies with
 * some words changed, thousands of them.  The sanitizers see every byte that
 * is looked at beyond a message, and every misaligned one.
 *
 * Sources: test/user/lib/forms.c test/unit/stubs_host.c
 * Sources: userland/libmach/mig_reply.c
 * Definitions: test/user/forms.defs
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/user/forms.h"
#include "test/unit/stubs_host.h"
#include "test/user/formsServer.h"

#define RUNS 200000

static int
set_up(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	return 0;
}

/* ---- calls, each with all its results ---- */

static kern_return_t
call_nothing(void)
{
	return form_nothing(SERVER);
}

static kern_return_t
call_numbers(void)
{
	uint64_t sum;
	short flipped;
	double doubled;

	return form_numbers(SERVER, 1, 2, 3, 4, 5.0, &sum, &flipped, &doubled);
}

static kern_return_t
call_pairs(void)
{
	form_pair_t first = {1, 2}, second = {3, 4}, third;

	return form_pairs(SERVER, 1, first, &second, &third);
}

static kern_return_t
call_fixed(void)
{
	form_shorts_t shorts = {1, 2, 3}, reversed;
	form_longs_t longs = {4, 5, 6}, both = {7, 8, 9};

	return form_fixed(SERVER, 1, shorts, longs, both, reversed);
}

static kern_return_t
call_counted(void)
{
	int words[10] = {1}, *back, end;
	char bytes[13] = {2}, *letters = malloc(sizeof(bytes));
	uint64_t wides[4] = {3}, *turned = malloc(sizeof(wides));
	mach_msg_type_number_t count = 1 + some(10), letter_count = 13,
			       turned_count = 4, back_count = count;
	kern_return_t kr;

	/* Room for as many as will come from a server that is not changed. */
	back = malloc(count * sizeof(*back));
	kr = form_counted(SERVER, words, count, bytes, some(14), wides, some(5),
	    4, back, &back_count, letters, &letter_count, turned, &turned_count,
	    &end);

	free(back);
	free(letters);
	free(turned);
	return kr;
}

static kern_return_t
call_strings(void)
{
	form_name_t upper;
	form_text_t twice;
	int end;

	return form_strings(SERVER, "name", "text", 3, upper, twice, &end);
}

static kern_return_t
call_inouts(void)
{
	int word = 1, words[10] = {2};
	uint64_t wides[4] = {3};
	form_name_t name = "name";
	form_text_t text = "text";
	mach_msg_type_number_t count = some(11), wide_count = some(5);

	return form_inouts(
	    SERVER, &word, words, &count, wides, &wide_count, name, text);
}

static kern_return_t
call_same_count(void)
{
	int words[10] = {2}, sum;
	char bytes[13] = {3};

	return form_same_count(SERVER, words, some(11), bytes, &sum);
}

static kern_return_t
call_rights(void)
{
	int send, once, receive;

	return form_rights(SERVER, 1, 2, 3, 4, 5, 6, &send, &once, &receive);
}

static kern_return_t
call_new_rights(void)
{
	mach_port_t made, once, got;
	int word;

	return form_new_rights(SERVER, &made, &once, &got, &word);
}

static kern_return_t
call_any_right(void)
{
	mach_msg_type_name_t type;
	mach_port_t again;

	return form_any_right(
	    SERVER, 1, MACH_MSG_TYPE_COPY_SEND, &again, &type);
}

static kern_return_t
call_port_arrays(void)
{
	form_three_t three = {1, 2, 3};
	mach_port_t few[4] = {4, 5, 6, 7}, back[4];
	mach_msg_type_number_t count = 4;

	return form_port_arrays(SERVER, three, few, some(5), back, &count);
}

static kern_return_t
call_ports(void)
{
	static mach_port_t ports[6] = {1, 2, 3};
	mach_port_t *back;
	mach_msg_type_number_t count;

	return form_ports(SERVER, ports, some(7), &back, &count);
}

static kern_return_t
call_object(void)
{
	mach_port_t same;
	int number;

	return form_object(SERVER, SERVER, &same, &number);
}

static kern_return_t
call_memory(void)
{
	static char data[100];
	char *back;
	mach_msg_type_number_t count;

	return form_memory(SERVER, data, some(100), &back, &count);
}

static kern_return_t
call_moved_memory(void)
{
	static char data[100];
	char *back;
	mach_msg_type_number_t count;

	return form_moved_memory(SERVER, data, some(100), (boolean_t)some(2),
	    (boolean_t)some(2), &back, &count);
}

static kern_return_t
call_fixed_memory(void)
{
	static char page[4096];
	static form_pair_t pair;
	char *back;
	uint64_t sum;

	return form_fixed_memory(SERVER, page, &pair, &sum, &back);
}

static kern_return_t
call_ints(void)
{
	static int ints[2000];
	int sum;

	return form_ints(SERVER, ints, some(2001), &sum);
}

static kern_return_t
call_inout_memory(void)
{
	static char bytes[100];
	char *data = bytes;
	mach_msg_type_number_t count = some(100);

	return form_inout_memory(SERVER, &data, &count);
}

static kern_return_t
call_tokens(void)
{
	security_token_t sender, said_sender;
	audit_token_t who, said_who;
	mach_port_context_t context;

	return form_tokens(
	    SERVER, &sender, &who, &said_sender, &said_who, &context);
}

static kern_return_t
call_note(void)
{
	int words[10] = {1};

	return form_note(SERVER, 1, words, some(11));
}

static kern_return_t
call_fail(void)
{
	static char data[100];
	mach_port_t made;
	int word;

	return form_fail(
	    SERVER, (int)some(2), 1, data, some(100), &made, &word);
}

static kern_return_t
call_late(void)
{
	int changed;

	return form_late(SERVER, REPLY, 3, &changed);
}

static kern_return_t
call_special(void)
{
	int changed;

	return form_special(SERVER, 3, &changed);
}

static kern_return_t (*const calls[])(void) = {call_nothing, call_numbers,
    call_pairs, call_fixed, call_counted, call_strings, call_inouts,
    call_same_count, call_rights, call_new_rights, call_any_right,
    call_port_arrays, call_ports, call_object, call_memory, call_moved_memory,
    call_fixed_memory, call_ints, call_inout_memory, call_tokens, call_note,
    call_fail, call_late, call_special};

#define CALLS (sizeof(calls) / sizeof(calls[0]))

/* ---- tests ---- */

static void
test_every_call_comes_back(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 100 * CALLS; i++) {
		kern_return_t kr = calls[i % CALLS]();

		if (calls[i % CALLS] == call_fail)
			assert_in_range(kr, 0, 1);
		else if (kr != MIG_ARRAY_TOO_LARGE ||
			 calls[i % CALLS] != call_inouts)
			assert_int_equal(kr, KERN_SUCCESS);
	}
}

static void
test_what_is_sent(void **state)
{
	const __Request__form_numbers_t *request =
	    (const void *)kernel.request.bytes;
	uint64_t sum = 0;
	short flipped = 0;
	double doubled = 0;

	(void)state;
	assert_int_equal(form_numbers(SERVER, 'x', -2, 3, 1ULL << 40, 0.5, &sum,
			     &flipped, &doubled),
	    KERN_SUCCESS);
	assert_int_equal(kernel.options, MACH_SEND_MSG | MACH_RCV_MSG);
	assert_int_equal(kernel.request.size, 24 + 8 + 3 * 4 + 2 * 8);
	assert_int_equal(request->Head.msgh_id, 77001);
	assert_int_equal(request->Head.msgh_remote_port, REPLY);
	assert_memory_equal(&request->NDR, &NDR_record, 8);
	assert_memory_equal(kernel.request.bytes + 32, "x\0\0\0", 4);
	assert_memory_equal(kernel.request.bytes + 36, "\xfe\xff\0\0", 4);
	assert_int_equal(request->large, 1ULL << 40);
	assert_int_equal(sum, (1ULL << 40) + 'x' + 1);
	assert_int_equal(flipped, 1);
	assert_true(doubled == 1.0);
}

/* What is behind a string, or rounds up an array, is not the sender's stack,
 * nor an earlier message. */
static void
test_nothing_else_is_sent(void **state)
{
	char bytes[3] = {1, 2, 3}, letters[13];
	int words[1] = {1}, end;
	uint64_t wides[1] = {1};
	form_name_t upper;
	form_text_t twice;
	mach_msg_type_number_t one = 1, many = 13, another = 1;

	(void)state;
	assert_int_equal(
	    form_counted(SERVER, words, 0, bytes, 3, wides, 0, 5, words, &one,
		letters, &many, wides, &another, &end),
	    KERN_SUCCESS);
	/* counts at 32, 36 and 44; the bytes at 40 */
	assert_memory_equal(kernel.request.bytes + 40, "\1\2\3\0", 4);
	assert_memory_equal(kernel.reply.bytes + 44, "\1\2\3\0", 4);
	assert_int_equal(form_strings(SERVER, "ab", "c", 1, upper, twice, &end),
	    KERN_SUCCESS);
	assert_memory_equal(
	    kernel.request.bytes + 32, "ab\0\0\0\0\0\0\0\0\0\0", 12);
	assert_memory_equal(kernel.request.bytes + 52, "c\0\0\0", 4);
	assert_memory_equal(
	    kernel.reply.bytes + 36, "AB\0\0\0\0\0\0\0\0\0\0", 12);
	assert_memory_equal(kernel.reply.bytes + 56, "cc\0\0", 4);
}

static void
test_a_call_that_fails(void **state)
{
	(void)state;
	kernel.result = MACH_SEND_INVALID_DEST;
	assert_int_equal(form_nothing(SERVER), MACH_SEND_INVALID_DEST);
	assert_int_equal(kernel.destroyed, 0);
}

/* The server's table knows its routines. */
static void
test_the_table(void **state)
{
	mach_msg_header_t header = {.msgh_id = 77004};

	(void)state;
	assert_null(forms_server_routine(&header));
	for (header.msgh_id = 77005; header.msgh_id < FORMS_END;
	     header.msgh_id++)
		assert_non_null(forms_server_routine(&header));
	assert_null(forms_server_routine(&header));
	header.msgh_id = INT32_MIN;
	assert_null(forms_server_routine(&header));
}

static bool
is_code_of_mig(kern_return_t kr)
{
	return kr == KERN_SUCCESS || kr == KERN_FAILURE ||
	       kr == KERN_NO_SPACE || (kr <= -300 && kr >= -309);
}

/*
 * Requests that have been changed: the server refuses them or serves them, and
 * answers with a message that has the form of one.
 */
static void
test_changed_requests(void **state)
{
	static struct message request;
	unsigned int refused = 0;

	(void)state;
	for (unsigned int i = 0; i < RUNS; i++) {
		mach_msg_header_t *header = (mach_msg_header_t *)request.bytes;
		mig_reply_error_t *reply = (void *)kernel.reply.bytes;
		uint32_t behind;

		calls[some(CALLS)]();
		request = kernel.request;
		behind = receive_descriptors(&request);
		change(&request, behind);
		if (some(50) == 0)
			header->msgh_id = 76990 + (mach_msg_id_t)some(50);
		if (request.size < behind || header->msgh_id == 77028)
			continue; /* the kernel's business; the end */
		header->msgh_size = request.size;
		serve(&request);
		if (reply->Head.msgh_bits & MACH_MSGH_BITS_COMPLEX)
			continue;
		assert_true(kernel.reply.size >= sizeof(*reply));
		if (reply->Head.msgh_id == header->msgh_id + 100)
			refused += reply->RetCode == MIG_BAD_ARGUMENTS ||
				   reply->RetCode == MIG_TYPE_ERROR;
	}
	assert_true(refused > RUNS / 10);
}

/*
 * Replies that have been changed: success, or a code and everything given back.
 */
static void
test_changed_replies(void **state)
{
	unsigned int refused = 0;

	(void)state;
	kernel.random = true;
	for (unsigned int i = 0; i < RUNS; i++) {
		kern_return_t kr;

		kernel.destroyed = 0;
		kr = calls[some(CALLS)]();
		if (kr == MACH_RCV_TOO_LARGE || kr == KERN_SUCCESS ||
		    !(kernel.options & MACH_RCV_MSG)) {
			assert_int_equal(kernel.destroyed, 0);
			continue;
		}
		assert_int_equal(kernel.destroyed, 1);
		refused += is_code_of_mig(kr);
	}
	assert_true(refused > RUNS / 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_every_call_comes_back, set_up),
	    cmocka_unit_test_setup(test_what_is_sent, set_up),
	    cmocka_unit_test_setup(test_nothing_else_is_sent, set_up),
	    cmocka_unit_test_setup(test_a_call_that_fails, set_up),
	    cmocka_unit_test_setup(test_the_table, set_up),
	    cmocka_unit_test_setup(test_changed_requests, set_up),
	    cmocka_unit_test_setup(test_changed_replies, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
