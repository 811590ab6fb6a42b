/*
 * test_msg_server.c: the loop of a server, with a kernel that delivers what
 * the test has queued and refuses what the test says.
 *
 * Sources: userland/libmach/msg_server.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <mach/mach_init.h>
#include <mach/mach_traps.h>
#include <mach/mig_errors.h>

#include "userland/libmach/msg.h"

#define SERVICE		 0x103
#define CLIENT		 0x207
#define SIZE_MAX_MESSAGE 256
#define STEPS		 8

/* One call of mach_msg(): what it returns, and the request it delivers. */
static struct step {
	mach_msg_return_t result;
	mach_msg_id_t request; /* 0: none */
	mach_msg_bits_t bits;
} steps[STEPS];

static struct {
	unsigned int step;
	mach_msg_option_t options[STEPS];
	mach_msg_id_t replies[STEPS]; /* ids of what was sent, 0: nothing */
	mach_msg_id_t served[STEPS];
	unsigned int served_count;
	const mach_msg_header_t *destroyed[STEPS];
	unsigned int destroyed_count;
	kern_return_t answer; /* RetCode of the server's replies */
} seen;

mach_msg_return_t
mach_msg(mach_msg_header_t *msg, mach_msg_option_t option,
    mach_msg_size_t send_size, mach_msg_size_t rcv_size,
    mach_port_name_t rcv_name, mach_msg_timeout_t timeout,
    mach_port_name_t notify)
{
	const struct step *step = &steps[seen.step];

	(void)timeout, (void)notify;
	assert_true(seen.step < STEPS);
	seen.options[seen.step] = option;
	if (option & MACH_SEND_MSG) {
		assert_int_equal(msg->msgh_size, send_size);
		assert_int_equal(msg->msgh_remote_port, CLIENT);
		seen.replies[seen.step] = msg->msgh_id;
	}
	if (step->request != 0 && (option & MACH_RCV_MSG)) {
		assert_int_equal(rcv_name, SERVICE);
		assert_int_equal(
		    rcv_size, SIZE_MAX_MESSAGE + sizeof(mach_msg_trailer_t));
		*msg = (mach_msg_header_t){
		    .msgh_bits = MACH_MSG_TYPE_MOVE_SEND_ONCE | step->bits,
		    .msgh_size = sizeof(*msg),
		    .msgh_remote_port = CLIENT,
		    .msgh_local_port = SERVICE,
		    .msgh_id = step->request,
		};
	}
	seen.step++;
	return step->result;
}

/* The same; every other small message comes in registers. */
mach_msg_return_t
mach_msg_call_trap(void *buffer, mach_msg_registers_t *message,
    mach_msg_size_t rcv_size, mach_port_name_t rcv_name)
{
	mach_msg_header_t *sent = (mach_msg_header_t *)message;
	mach_msg_return_t mr;

	mr = mach_msg(sent, MACH_SEND_MSG | MACH_RCV_MSG, sent->msgh_size,
	    rcv_size, rcv_name, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	if (mr == MACH_MSG_SUCCESS && seen.step % 2 == 0 &&
	    !(sent->msgh_bits & MACH_MSGH_BITS_COMPLEX))
		return MACH_MSG_IN_REGISTERS;
	memcpy(buffer, message, sizeof(*message));
	return mr;
}

mach_msg_return_t
msg_call_failed(mach_msg_return_t mr, mach_msg_header_t *msg,
    mach_msg_size_t rcv_size, mach_port_t rcv_name)
{
	assert_non_null(msg);
	assert_true(rcv_size >= SIZE_MAX_MESSAGE);
	assert_int_equal(rcv_name, SERVICE);
	return mr;
}

void
mach_msg_destroy(mach_msg_header_t *msg)
{
	seen.destroyed[seen.destroyed_count++] = msg;
}

/* Answers to 100 more, with seen.answer. */
static boolean_t
demux(mach_msg_header_t *request, mach_msg_header_t *reply)
{
	mig_reply_error_t *error = (mig_reply_error_t *)reply;

	seen.served[seen.served_count++] = request->msgh_id;
	*error = (mig_reply_error_t){
	    .Head =
		{
		    .msgh_bits = MACH_MSG_TYPE_MOVE_SEND_ONCE,
		    .msgh_size = sizeof(*error),
		    .msgh_remote_port = request->msgh_remote_port,
		    .msgh_id = request->msgh_id + 100,
		},
	    .RetCode = seen.answer,
	};
	return TRUE;
}

static int
set_up(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	memset(steps, 0, sizeof(steps));
	return 0;
}

static mach_msg_return_t
serve(void)
{
	return mach_msg_server(demux, SIZE_MAX_MESSAGE, SERVICE, 0);
}

#define END                                                                    \
	{                                                                      \
		.result = MACH_RCV_PORT_DIED                                   \
	}

static void
test_a_reply_goes_with_the_next_receive(void **state)
{
	const struct step script[] = {
	    {.request = 1}, {.request = 2}, {.request = 3}, END};

	(void)state;
	memcpy(steps, script, sizeof(script));
	assert_int_equal(serve(), MACH_RCV_PORT_DIED);
	assert_int_equal(seen.step, 4);
	assert_int_equal(seen.options[0], MACH_RCV_MSG);
	for (int i = 1; i < 4; i++) {
		assert_int_equal(seen.options[i], MACH_SEND_MSG | MACH_RCV_MSG);
		assert_int_equal(seen.served[i - 1], i);
		assert_int_equal(seen.replies[i], i + 100);
	}
}

static void
test_no_reply(void **state)
{
	const struct step script[] = {{.request = 1}, {.request = 2}, END};

	(void)state;
	memcpy(steps, script, sizeof(script));
	seen.answer = MIG_NO_REPLY;
	assert_int_equal(serve(), MACH_RCV_PORT_DIED);
	assert_int_equal(seen.options[1], MACH_RCV_MSG);
	assert_int_equal(seen.served_count, 2);
	assert_int_equal(seen.destroyed_count, 0);
}

/* An error gives back what the request brought, and is still answered. */
static void
test_an_error(void **state)
{
	const struct step script[] = {
	    {.request = 1, .bits = MACH_MSGH_BITS_COMPLEX}, END};

	(void)state;
	memcpy(steps, script, sizeof(script));
	seen.answer = KERN_FAILURE;
	assert_int_equal(serve(), MACH_RCV_PORT_DIED);
	assert_int_equal(seen.destroyed_count, 1);
	assert_int_equal(seen.replies[1], 101);
}

static void
test_a_client_that_has_died(void **state)
{
	const struct step script[] = {{.request = 1},
	    {.result = MACH_SEND_INVALID_DEST}, {.request = 2}, END};

	(void)state;
	memcpy(steps, script, sizeof(script));
	assert_int_equal(serve(), MACH_RCV_PORT_DIED);
	assert_int_equal(seen.destroyed_count, 1);
	assert_int_equal(seen.options[2], MACH_RCV_MSG);
	assert_int_equal(seen.served[1], 2);
	assert_int_equal(seen.replies[3], 102);
}

static void
test_no_memory_for_a_reply(void **state)
{
	const struct step script[] = {{.request = 1},
	    {.result = MACH_SEND_NO_BUFFER}, {.request = 2}, END};

	(void)state;
	memcpy(steps, script, sizeof(script));
	assert_int_equal(serve(), MACH_RCV_PORT_DIED);
	assert_int_equal(seen.destroyed_count, 1);
	assert_int_equal(seen.served[1], 2);
}

/* Nothing that a client sends ends the server. */
static void
test_requests_that_cannot_be_received(void **state)
{
	const struct step script[] = {
	    {.result = MACH_RCV_TOO_LARGE},
	    {.request = 1},
	    {.result = MACH_RCV_TOO_LARGE},
	    {.result = MACH_RCV_BODY_ERROR | MACH_MSG_VM_SPACE},
	    {.request = 2},
	    END,
	};

	(void)state;
	memcpy(steps, script, sizeof(script));
	assert_int_equal(serve(), MACH_RCV_PORT_DIED);
	assert_int_equal(seen.served_count, 2);
	assert_int_equal(seen.destroyed_count, 1);
	assert_int_equal(seen.replies[2], 101);
	assert_int_equal(seen.replies[5], 102);
}

static void
test_once(void **state)
{
	const struct step script[] = {{.request = 1}, {.result = 0}};

	(void)state;
	memcpy(steps, script, sizeof(script));
	assert_int_equal(
	    mach_msg_server_once(demux, SIZE_MAX_MESSAGE, SERVICE, 0),
	    MACH_MSG_SUCCESS);
	assert_int_equal(seen.step, 2);
	assert_int_equal(seen.options[1], MACH_SEND_MSG);
	assert_int_equal(seen.replies[1], 101);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(
		test_a_reply_goes_with_the_next_receive, set_up),
	    cmocka_unit_test_setup(test_no_reply, set_up),
	    cmocka_unit_test_setup(test_an_error, set_up),
	    cmocka_unit_test_setup(test_a_client_that_has_died, set_up),
	    cmocka_unit_test_setup(test_no_memory_for_a_reply, set_up),
	    cmocka_unit_test_setup(
		test_requests_that_cannot_be_received, set_up),
	    cmocka_unit_test_setup(test_once, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
