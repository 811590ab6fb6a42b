/*
 * test_call.c: how the library builds requests and takes replies apart, with
 * a kernel that answers whatever the test says.
 *
 * Sources: userland/libmach/call.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <mach/mach_init.h>
#include <mach/notify.h>
#include <mach/routine_ids.h>

#include "userland/libmach/call.h"

#define TASK	 0x103
#define REPLY	 0x207
#define SOME_ID	 3213
#define REPLY_ID (SOME_ID + MSGID_REPLY)

const NDR_record_t NDR_record = {.int_rep = NDR_INT_LITTLE_ENDIAN};

/* What the library sent, what it is to receive, and what it did. */
static struct {
	unsigned char sent[CALL_MAX];
	mach_msg_size_t sent_size;
	mach_msg_option_t option;
	const void *answer;
	mach_msg_return_t result;
	int destroyed, reply_ports_dropped;
} kernel;

mach_port_t
mig_get_reply_port(void)
{
	return REPLY;
}

void
mig_dealloc_reply_port(mach_port_t port)
{
	assert_int_equal(port, REPLY);
	kernel.reply_ports_dropped++;
}

void
mig_put_reply_port(mach_port_t port)
{
	assert_int_equal(port, REPLY);
}

void
mach_msg_destroy(mach_msg_header_t *msg)
{
	assert_non_null(msg);
	kernel.destroyed++;
}

mach_msg_return_t
mach_msg(mach_msg_header_t *msg, mach_msg_option_t option,
    mach_msg_size_t send_size, mach_msg_size_t rcv_size,
    mach_port_name_t rcv_name, mach_msg_timeout_t timeout,
    mach_port_name_t notify)
{
	const mach_msg_header_t *answer = kernel.answer;

	(void)timeout, (void)notify;
	assert_int_equal(msg->msgh_size, send_size);
	memcpy(kernel.sent, msg, send_size);
	kernel.sent_size = send_size;
	kernel.option = option;
	if (answer != NULL) {
		assert_int_equal(rcv_name, REPLY);
		assert_true(answer->msgh_size <= rcv_size);
		memcpy(msg, answer, answer->msgh_size);
	}
	return kernel.result;
}

static int
set_up(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	return 0;
}

/* ---- answers ---- */

static mig_reply_error_t
short_answer(mach_msg_id_t id, kern_return_t result)
{
	return (mig_reply_error_t){
	    .Head = {.msgh_size = sizeof(mig_reply_error_t), .msgh_id = id},
	    .RetCode = result,
	};
}

#pragma pack(push, 4)
struct words_answer {
	mig_reply_error_t head;
	uint32_t count;
	uint32_t words[3];
};

struct port_answer {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_port_descriptor_t port;
	NDR_record_t ndr;
	uint64_t number;
};
#pragma pack(pop)

static struct port_answer
port_answer(void)
{
	return (struct port_answer){
	    .header =
		{
		    .msgh_bits = MACH_MSGH_BITS_COMPLEX,
		    .msgh_size = sizeof(struct port_answer),
		    .msgh_id = REPLY_ID,
		},
	    .body = {1},
	    .port =
		{
		    .name = 0x909,
		    .disposition = MACH_MSG_TYPE_PORT_SEND,
		    .type = MACH_MSG_PORT_DESCRIPTOR,
		},
	    .number = 0x1122334455667788,
	};
}

/* ---- requests ---- */

static void
test_a_request_without_arguments(void **state)
{
	mig_reply_error_t answer = short_answer(REPLY_ID, KERN_SUCCESS);
	const mach_msg_header_t *sent = (void *)kernel.sent;
	struct call call;

	(void)state;
	kernel.answer = &answer;
	call_begin(&call, SOME_ID);
	call_perform(&call, TASK);
	assert_int_equal(call_end(&call), KERN_SUCCESS);
	assert_int_equal(kernel.sent_size, sizeof(*sent));
	assert_int_equal(kernel.option, MACH_SEND_MSG | MACH_RCV_MSG);
	assert_int_equal(
	    sent->msgh_bits, MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
				 MACH_MSG_TYPE_MAKE_SEND_ONCE));
	assert_int_equal(sent->msgh_remote_port, TASK);
	assert_int_equal(sent->msgh_local_port, REPLY);
	assert_int_equal(sent->msgh_voucher_port, MACH_PORT_NULL);
	assert_int_equal(sent->msgh_id, SOME_ID);
	assert_int_equal(kernel.destroyed, 0);
}

static void
test_numbers_are_packed_behind_the_ndr(void **state)
{
	const struct {
		mach_msg_header_t header;
		NDR_record_t ndr;
		uint32_t small;
		uint32_t large[2];
		char string[8];
		char odd[4];
	} *sent = (void *)kernel.sent;
	struct call call;

	(void)state;
	call_begin(&call, SOME_ID);
	call_put_u32(&call, 7);
	call_put_u64(&call, 0x800000009);
	call_put_string(&call, "far too long", 8);
	call_put_bytes(&call, "abc", 3);
	call_send(&call, TASK);
	assert_int_equal(call_end(&call), KERN_SUCCESS);
	assert_int_equal(kernel.sent_size, sizeof(*sent));
	assert_int_equal(kernel.option, MACH_SEND_MSG);
	assert_int_equal(sent->header.msgh_local_port, MACH_PORT_NULL);
	assert_memory_equal(&sent->ndr, &NDR_record, sizeof(NDR_record));
	assert_int_equal(sent->small, 7);
	assert_int_equal(sent->large[0], 9);
	assert_int_equal(sent->large[1], 8);
	assert_string_equal(sent->string, "far too");
	assert_string_equal(sent->odd, "abc");
}

static void
test_descriptors_come_first(void **state)
{
	const struct {
		mach_msg_base_t base;
		mach_msg_port_descriptor_t port;
		mach_msg_ool_descriptor_t memory;
		NDR_record_t ndr;
		uint32_t number;
	} *sent = (void *)kernel.sent;
	struct call call;

	(void)state;
	call_begin(&call, SOME_ID);
	call_put_port(&call, 0x303, MACH_MSG_TYPE_MAKE_SEND);
	call_put_memory(&call, kernel.sent, 5);
	call_put_u32(&call, 5);
	call_send(&call, TASK);
	assert_int_equal(call_end(&call), KERN_SUCCESS);
	assert_int_equal(kernel.sent_size, 28 + 12 + 16 + 8 + 4);
	assert_true(sent->base.header.msgh_bits & MACH_MSGH_BITS_COMPLEX);
	assert_int_equal(sent->base.body.msgh_descriptor_count, 2);
	assert_int_equal(sent->port.name, 0x303);
	assert_int_equal(sent->port.disposition, MACH_MSG_TYPE_MAKE_SEND);
	assert_int_equal(sent->memory.type, MACH_MSG_OOL_DESCRIPTOR);
	assert_int_equal(sent->memory.size, 5);
	assert_int_equal(sent->number, 5);
}

static void
test_a_request_that_is_too_long_is_not_sent(void **state)
{
	static const char large[CALL_MAX];
	struct call call;

	(void)state;
	call_begin(&call, SOME_ID);
	call_put_bytes(&call, large, sizeof(large));
	call_perform(&call, TASK);
	assert_int_equal(call_end(&call), MIG_ARRAY_TOO_LARGE);
	assert_int_equal(kernel.sent_size, 0);
}

/* ---- replies ---- */

static void
test_an_error_leaves_results_alone(void **state)
{
	mig_reply_error_t answer = short_answer(REPLY_ID, KERN_NO_SPACE);
	uint32_t result = 77;
	struct call call;

	(void)state;
	kernel.answer = &answer;
	call_begin(&call, SOME_ID);
	call_perform(&call, TASK);
	call_get_u32(&call, &result);
	assert_int_equal(call_end(&call), KERN_NO_SPACE);
	assert_int_equal(result, 77);
}

static void
test_a_port_and_a_number(void **state)
{
	struct port_answer answer = port_answer();
	mach_msg_type_name_t type;
	mach_port_t port;
	uint64_t number;
	struct call call;

	(void)state;
	kernel.answer = &answer;
	call_begin(&call, SOME_ID);
	call_perform(&call, TASK);
	call_get_port_type(&call, &port, &type);
	call_skip_ndr(&call);
	call_get_u64(&call, &number);
	assert_int_equal(call_end(&call), KERN_SUCCESS);
	assert_int_equal(port, 0x909);
	assert_int_equal(type, MACH_MSG_TYPE_PORT_SEND);
	assert_int_equal(number, 0x1122334455667788);
	assert_int_equal(kernel.destroyed, 0);
}

static void
test_words_up_to_the_room(void **state)
{
	struct words_answer answer = {
	    .head = short_answer(REPLY_ID, KERN_SUCCESS),
	    .count = 3,
	    .words = {4, 5, 6},
	};
	uint32_t words[4] = {0}, count = 4;
	struct call call;

	(void)state;
	answer.head.Head.msgh_size = sizeof(answer);
	kernel.answer = &answer;
	call_begin(&call, SOME_ID);
	call_perform(&call, TASK);
	call_get_words(&call, words, &count);
	assert_int_equal(call_end(&call), KERN_SUCCESS);
	assert_int_equal(count, 3);
	assert_memory_equal(words, answer.words, sizeof(answer.words));

	count = 2;
	call_begin(&call, SOME_ID);
	call_perform(&call, TASK);
	call_get_words(&call, words, &count);
	assert_int_equal(call_end(&call), KERN_INVALID_ARGUMENT);

	/* A count that the reply is too short for */
	answer.count = 4;
	count = 4;
	call_begin(&call, SOME_ID);
	call_perform(&call, TASK);
	call_get_words(&call, words, &count);
	assert_int_equal(call_end(&call), MIG_TYPE_ERROR);
}

/* A right where a number is expected, or the other way round. */
static void
test_another_form_is_given_back(void **state)
{
	struct port_answer complex = port_answer();
	mig_reply_error_t simple = short_answer(REPLY_ID, KERN_SUCCESS);
	mach_port_t port = 1;
	void *data = NULL;
	uint32_t size = 0;
	struct call call;

	(void)state;
	kernel.answer = &complex;
	call_begin(&call, SOME_ID);
	call_perform(&call, TASK);
	call_get_memory(&call, &data, &size);
	assert_int_equal(call_end(&call), MIG_TYPE_ERROR);
	assert_int_equal(kernel.destroyed, 1);
	assert_null(data);

	kernel.answer = &simple;
	call_begin(&call, SOME_ID);
	call_perform(&call, TASK);
	call_get_port(&call, &port);
	assert_int_equal(call_end(&call), MIG_TYPE_ERROR);
	assert_int_equal(port, 1);
}

static void
test_another_id(void **state)
{
	mig_reply_error_t answer = short_answer(REPLY_ID + 1, KERN_SUCCESS);
	struct call call;

	(void)state;
	kernel.answer = &answer;
	call_begin(&call, SOME_ID);
	call_perform(&call, TASK);
	assert_int_equal(call_end(&call), MIG_REPLY_MISMATCH);

	answer.Head.msgh_id = MACH_NOTIFY_SEND_ONCE;
	call_begin(&call, SOME_ID);
	call_perform(&call, TASK);
	assert_int_equal(call_end(&call), MIG_SERVER_DIED);
}

static void
test_after_a_failed_receive_the_port_is_not_used_again(void **state)
{
	struct call call;

	(void)state;
	kernel.result = MACH_RCV_INTERRUPTED;
	call_begin(&call, SOME_ID);
	call_perform(&call, TASK);
	assert_int_equal(call_end(&call), MACH_RCV_INTERRUPTED);
	assert_int_equal(kernel.reply_ports_dropped, 1);
	assert_int_equal(kernel.destroyed, 0);

	kernel.result = MACH_SEND_INVALID_DEST;
	call_begin(&call, SOME_ID);
	call_perform(&call, TASK);
	assert_int_equal(call_end(&call), MACH_SEND_INVALID_DEST);
	assert_int_equal(kernel.reply_ports_dropped, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_a_request_without_arguments, set_up),
	    cmocka_unit_test_setup(
		test_numbers_are_packed_behind_the_ndr, set_up),
	    cmocka_unit_test_setup(test_descriptors_come_first, set_up),
	    cmocka_unit_test_setup(
		test_a_request_that_is_too_long_is_not_sent, set_up),
	    cmocka_unit_test_setup(test_an_error_leaves_results_alone, set_up),
	    cmocka_unit_test_setup(test_a_port_and_a_number, set_up),
	    cmocka_unit_test_setup(test_words_up_to_the_room, set_up),
	    cmocka_unit_test_setup(test_another_form_is_given_back, set_up),
	    cmocka_unit_test_setup(test_another_id, set_up),
	    cmocka_unit_test_setup(
		test_after_a_failed_receive_the_port_is_not_used_again, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
