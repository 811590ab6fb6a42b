/*
 * test_mig_call.c: what becomes of a stub's call whose trap failed: what came
 * back, or came in part, is given up once, and the reply port with it when an
 * answer may still come.
 *
 * Sources: userland/libmach/mig_call.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <mach/mach.h>
#include <mach/mig.h>

#include "userland/libmach/msg.h"

#define REPLY	 0x207
#define RETURNED 0x311 /* a send-once right made of the reply port */

mach_port_t mach_task_self_ = 0x303;

static struct {
	mach_msg_return_t result; /* of the second try */
	unsigned int tries, destroyed, dropped;
	mach_port_t deallocated;
} seen;

mach_msg_return_t
mach_msg_restart(mach_msg_return_t mr, const struct message_call *call)
{
	assert_int_equal(call->rcv_name >> 32, REPLY);
	assert_int_equal(call->sizes, 100);
	assert_int_equal(call->timeout, 7);
	seen.tries++;
	return mr == MACH_SEND_INTERRUPTED ? seen.result : mr;
}

void
mach_msg_destroy(mach_msg_header_t *msg)
{
	assert_int_not_equal(msg->msgh_size, 0);
	seen.destroyed++;
}

void
mig_reply_port_spoilt(mach_port_t port)
{
	assert_int_equal(port, REPLY);
	seen.dropped++;
}

kern_return_t
mach_port_deallocate(ipc_space_t task, mach_port_t name)
{
	assert_int_equal(task, mach_task_self_);
	seen.deallocated = name;
	return KERN_SUCCESS;
}

/* A call that failed with @mr; with @size not 0 its message is there again. */
static mach_msg_return_t
call_failed(mach_msg_return_t mr, mach_msg_size_t size)
{
	mach_msg_header_t message = {
	    .msgh_bits = MACH_MSGH_BITS(
		MACH_MSG_TYPE_PORT_SEND, MACH_MSG_TYPE_PORT_SEND_ONCE),
	    .msgh_size = size,
	    .msgh_local_port = RETURNED,
	};
	mach_msg_return_t result = seen.result;

	memset(&seen, 0, sizeof(seen));
	seen.result = result;
	return mig_call_failed(
	    mr, &message, MACH_SEND_MSG | MACH_RCV_MSG, REPLY, 100, 7);
}

static void
test_refused(void **state)
{
	(void)state;
	assert_int_equal(
	    call_failed(MACH_SEND_INVALID_DEST, 0), MACH_SEND_INVALID_DEST);
	assert_int_equal(seen.destroyed + seen.dropped, 0);
	assert_int_equal(seen.deallocated, 0);
}

static void
test_returned(void **state)
{
	static const mach_msg_return_t codes[] = {MACH_SEND_TIMED_OUT,
	    MACH_SEND_INVALID_DEST, MACH_SEND_TIMED_OUT | MACH_MSG_IPC_SPACE};

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(call_failed(codes[i], 24), codes[i]);
		assert_int_equal(seen.destroyed, 1);
		assert_int_equal(seen.dropped, 1);
		assert_int_equal(seen.deallocated, RETURNED);
	}
}

static void
test_no_reply(void **state)
{
	(void)state;
	assert_int_equal(
	    call_failed(MACH_RCV_TIMED_OUT, 0), MACH_RCV_TIMED_OUT);
	assert_int_equal(seen.destroyed, 0);
	assert_int_equal(seen.dropped, 1);
	assert_int_equal(
	    call_failed(MACH_RCV_TOO_LARGE, 24), MACH_RCV_TOO_LARGE);
	assert_int_equal(seen.destroyed, 0);
	assert_int_equal(
	    call_failed(MACH_RCV_BODY_ERROR | MACH_MSG_VM_SPACE, 60),
	    MACH_RCV_BODY_ERROR | MACH_MSG_VM_SPACE);
	assert_int_equal(seen.destroyed, 1);
	assert_int_equal(seen.deallocated, 0);
}

static void
test_tried_again(void **state)
{
	(void)state;
	assert_int_equal(
	    call_failed(MACH_SEND_INTERRUPTED, 24), MACH_MSG_SUCCESS);
	assert_int_equal(seen.tries, 1);
	assert_int_equal(seen.destroyed + seen.dropped, 0);
	/* Sent the second time: what lies in the buffer is no message. */
	seen.result = MACH_RCV_PORT_DIED;
	assert_int_equal(
	    call_failed(MACH_SEND_INTERRUPTED, 24), MACH_RCV_PORT_DIED);
	assert_int_equal(seen.destroyed, 0);
	assert_int_equal(seen.dropped, 1);
	seen.result = MACH_MSG_SUCCESS;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_returned),
	    cmocka_unit_test(test_no_reply),
	    cmocka_unit_test(test_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
