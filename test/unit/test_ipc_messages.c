/*
 * test/unit/test_ipc_messages.c: mach_msg() between simulated threads.
 *
 * The last test does a conversation that uses everything over and over, with
 * each allocation in it failing once, and with a preemption at each point where
 * one is possible.
 *
 * Sources: ipc test/unit/ipc_stage.c
 */
#include "ipc_stage.h"

#include <string.h>

#include <mach/mig_errors.h>
#include <mach/notify.h>
#include <mach/routine_ids.h>

/* ---- a call and its reply ---- */

/* One round trip with @size bytes of body each way; what the server saw. */
static mach_msg_header_t
round_trip(mach_port_name_t service, mach_port_name_t port,
    mach_port_name_t reply, uint32_t size)
{
	uint32_t total = HEADER_SIZE + size;
	mach_msg_header_t seen;
	mach_msg_trailer_t *trailer;

	write_header(client, CALL_BITS, service, reply, 100);
	memset(header_of(client) + 1, 'q', size);
	assert_false(call_message(client, BOTH, total, reply, BUFFER_SIZE, 0));
	assert_true(server->returned);
	assert_int_equal(server->value, MACH_MSG_SUCCESS);
	seen = *header_of(server);
	assert_int_equal(seen.msgh_size, total);
	assert_int_equal(seen.msgh_id, 100);
	assert_int_equal(seen.msgh_local_port, port);
	for (uint32_t i = 0; i < size; i++)
		assert_int_equal(((char *)(header_of(server) + 1))[i], 'q');
	trailer = (void *)((char *)header_of(server) + total);
	assert_int_equal(trailer->msgh_trailer_type, 0);
	assert_int_equal(trailer->msgh_trailer_size, 8);

	write_header(server, MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0),
	    seen.msgh_remote_port, 0, 200);
	memset(header_of(server) + 1, 'a', size);
	assert_false(call_message(server, BOTH, total, port, BUFFER_SIZE, 0));
	assert_true(client->returned);
	assert_int_equal(client->value, MACH_MSG_SUCCESS);
	assert_int_equal(header_of(client)->msgh_id, 200);
	assert_int_equal(header_of(client)->msgh_local_port, reply);
	assert_int_equal(header_of(client)->msgh_remote_port, MACH_PORT_NULL);
	assert_int_equal(header_of(client)->msgh_bits,
	    MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE));
	for (uint32_t i = 0; i < size; i++)
		assert_int_equal(((char *)(header_of(client) + 1))[i], 'a');
	return seen;
}

static void
test_call(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t reply = port_in(client_task);
	mach_port_name_t service = right_to(server_task, port, client_task);
	uint64_t before = cpus[0].counters.handed_off;

	(void)state;
	assert_false(
	    call_message(server, MACH_RCV_MSG, 0, port, BUFFER_SIZE, 0));
	for (uint32_t size = 0; size <= 4096; size = size * 2 + 4)
		(void)round_trip(service, port, reply, size);
	assert_true(cpus[0].counters.handed_off > before);
	assert_int_equal(status_of(client_task, reply).mps_sorights, 0);
}

/* The fast path sees and does what the general path does. */
static void
test_fast(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t reply = port_in(client_task);
	mach_port_name_t service = right_to(server_task, port, client_task);
	mach_msg_header_t general, fast;

	(void)state;
	use_trap2 = true;
	host_fast_used = true;
	assert_false(
	    call_message(server, MACH_RCV_MSG, 0, port, BUFFER_SIZE, 0));
	for (uint32_t size = 0; size <= 60; size += 4) {
		ipc_fast_enabled = false;
		general = round_trip(service, port, reply, size);
		ipc_fast_enabled = true;
		for (unsigned i = 0; i < 300; i++)
			fast = round_trip(service, port, reply, size);
		assert_int_equal(general.msgh_bits, fast.msgh_bits);
		assert_int_equal(status_of(client_task, reply).mps_sorights, 0);
		assert_int_equal(status_of(server_task, port).mps_seqno,
		    (size / 4 + 1) * 301);
	}
	/* What is remembered is not believed. */
	assert_int_equal(
	    mach_port_deallocate(space_of(client_task), service), KERN_SUCCESS);
	write_header(client, CALL_BITS, service, reply, 100);
	assert_true(
	    call_message(client, BOTH, HEADER_SIZE, reply, BUFFER_SIZE, 0));
	assert_int_equal(client->value, MACH_SEND_INVALID_DEST);
	service = right_to(server_task, port, client_task);
	(void)round_trip(service, port, reply, 8);
	assert_int_equal(
	    mach_port_destroy(space_of(client_task), reply), KERN_SUCCESS);
	write_header(client, CALL_BITS, service, reply, 100);
	assert_true(
	    call_message(client, BOTH, HEADER_SIZE, reply, BUFFER_SIZE, 0));
	assert_int_equal(client->value, MACH_SEND_INVALID_REPLY);
	use_trap2 = false;
	ipc_fast_enabled = false;
}

/* A reply right that dies unused tells the client. */
static void
test_server_dies(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t reply = port_in(client_task);
	mach_port_name_t service = right_to(server_task, port, client_task);

	(void)state;
	write_header(client, CALL_BITS, service, reply, 100);
	assert_false(
	    call_message(client, BOTH, HEADER_SIZE, reply, BUFFER_SIZE, 0));
	assert_int_equal(status_of(server_task, port).mps_msgcount, 1);
	assert_int_equal(
	    mach_port_destroy(space_of(server_task), port), KERN_SUCCESS);
	host_run();
	assert_true(client->returned);
	assert_int_equal(client->value, MACH_MSG_SUCCESS);
	assert_int_equal(header_of(client)->msgh_id, MACH_NOTIFY_SEND_ONCE);

	write_header(client, CALL_BITS, service, reply, 100);
	assert_int_equal(
	    send_from(client, HEADER_SIZE), MACH_SEND_INVALID_DEST);
}

/* ---- everything ---- */

static void
test_everything(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t reply = port_in(client_task);
	mach_port_name_t service = right_to(server_task, port, client_task);

	(void)state;
	for (unsigned nth = 0; nth < 4; nth++) {
		host_yield_every(nth);
		write_everything(service, reply, port_in(client_task));
		assert_false(call_message(client, BOTH,
		    sizeof(struct everything), reply, BUFFER_SIZE, 0));
		assert_int_equal(poll_by(server, port), MACH_MSG_SUCCESS);
		check_everything(server_task, server, port);
		host_abort(client);
		assert_int_equal(client->value, MACH_RCV_INTERRUPTED);
	}
	host_yield_every(0);
}

/* What could not be sent comes back. */
/* ---- mistakes ---- */

static void
test_mistakes(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t reply = port_in(client_task);
	mach_port_name_t service = right_to(server_task, port, client_task);
	struct everything *all = buffer_at(client);
	struct arguments nowhere = {
	    .buffer = 64, .option = MACH_SEND_MSG, .send_size = 24};

	(void)state;
	write_header(client, ONE_WAY_BITS, service, 0, 1);
	assert_int_equal(send_from(client, 20), MACH_SEND_MSG_TOO_SMALL);
	assert_int_equal(send_from(client, 26), MACH_SEND_MSG_TOO_SMALL);
	assert_int_equal(
	    send_from(client, MESSAGE_SIZE_MAX + 4), MACH_SEND_TOO_LARGE);
	assert_true(host_call(client, trap_message, &nowhere));
	assert_int_equal(client->value, MACH_SEND_INVALID_DATA);
	write_header(client, 0, service, 0, 1);
	assert_int_equal(send_from(client, 24), MACH_SEND_INVALID_HEADER);
	write_header(client, ONE_WAY_BITS | 0x100000, service, 0, 1);
	header_of(client)->msgh_voucher_port = 5;
	assert_int_equal(send_from(client, 24), MACH_SEND_INVALID_VOUCHER);
	write_header(client, ONE_WAY_BITS, service + 1, 0, 1);
	assert_int_equal(send_from(client, 24), MACH_SEND_INVALID_DEST);
	write_header(client, ONE_WAY_BITS, MACH_PORT_DEAD, 0, 1);
	assert_int_equal(send_from(client, 24), MACH_SEND_INVALID_DEST);
	write_header(client, CALL_BITS, service, service, 1);
	assert_int_equal(send_from(client, 24), MACH_SEND_INVALID_REPLY);
	write_header(client,
	    MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND, MACH_MSG_TYPE_MOVE_SEND),
	    service, service, 1);
	assert_int_equal(send_from(client, 24), MACH_SEND_INVALID_REPLY);

	write_everything(service, reply, port_in(client_task));
	assert_int_equal(send_from(client, 60), MACH_SEND_MSG_TOO_SMALL);
	all->base.body.msgh_descriptor_count = DESCRIPTORS_MAX + 1;
	assert_int_equal(send_from(client, sizeof(*all)), MACH_SEND_TOO_LARGE);
	all->base.body.msgh_descriptor_count = 5;
	all->memory.copy = MACH_MSG_OVERWRITE;
	assert_int_equal(
	    send_from(client, sizeof(*all)), MACH_SEND_INVALID_TYPE);
	all->memory.copy = MACH_MSG_PHYSICAL_COPY;
	all->memory.address = NULL;
	assert_int_equal(
	    send_from(client, sizeof(*all)), MACH_SEND_INVALID_MEMORY);
	/* What came before the bad one is lost, as in Mach: a new one. */
	write_everything(service, reply, port_in(client_task));
	all->port[2].name = 0x77777701;
	assert_int_equal(
	    send_from(client, sizeof(*all)), MACH_SEND_INVALID_RIGHT);

	assert_int_equal(poll_by(server, port + 1), MACH_RCV_INVALID_NAME);
	assert_int_equal(
	    poll_by(server, MACH_PORT_NULL), MACH_RCV_INVALID_NAME);
	assert_int_equal(poll_by(client, service), MACH_RCV_INVALID_NAME);
}

/* ---- the kernel's own ports ---- */

static void
test_kernel_call(void **state)
{
	struct {
		mach_msg_header_t header;
		NDR_record_t ndr;
		kern_return_t code; /* the request's argument is here too */
		mach_port_name_t name;
	} *call = buffer_at(client);
	struct port *self =
	    port_create_kernel(KOBJECT_TASK, &server_task->task);
	mach_port_name_t reply = port_in(client_task), task;
	mach_port_type_t type;

	(void)state;
	assert_int_equal(space_insert_send(space_of(client_task),
			     right_make_send(self), &task),
	    KERN_SUCCESS);
	write_header(client, CALL_BITS, task, reply, MSGID_MACH_PORT_ALLOCATE);
	call->code = MACH_PORT_RIGHT_RECEIVE;
	assert_true(call_message(client, BOTH, 36, reply, BUFFER_SIZE, 0));
	assert_int_equal(client->value, MACH_MSG_SUCCESS);
	assert_int_equal(
	    call->header.msgh_id, MSGID_MACH_PORT_ALLOCATE + MSGID_REPLY);
	assert_int_equal(call->header.msgh_size, 40);
	assert_int_equal(call->code, KERN_SUCCESS);
	assert_int_equal(
	    mach_port_type(space_of(server_task), call->name, &type),
	    KERN_SUCCESS);
	assert_int_equal(type, MACH_PORT_TYPE_RECEIVE);

	write_header(client, CALL_BITS, task, reply, 3199);
	assert_true(call_message(client, BOTH, 36, reply, BUFFER_SIZE, 0));
	assert_int_equal(call->code, MIG_BAD_ID);
	write_header(client, CALL_BITS, task, reply, MSGID_MACH_PORT_ALLOCATE);
	assert_true(call_message(client, BOTH, 32, reply, BUFFER_SIZE, 0));
	assert_int_equal(call->code, MIG_BAD_ARGUMENTS);
	write_header(client, CALL_BITS, task, reply, MSGID_MACH_PORT_NAMES);
	assert_true(call_message(client, BOTH, 24, reply, BUFFER_SIZE, 0));
	assert_true(header_of(client)->msgh_bits & MACH_MSGH_BITS_COMPLEX);

	port_destroy_kernel(self);
	host_run();
	write_header(client, CALL_BITS, task, reply, MSGID_MACH_PORT_NAMES);
	assert_int_equal(send_from(client, 24), MACH_SEND_INVALID_DEST);
}

/* ---- no memory ---- */

/* Everything goes there; what comes of it may be any error. */
static bool
conversation(
    mach_port_name_t service, mach_port_name_t port, mach_port_name_t reply)
{
	mach_port_name_t extra;

	if (mach_port_allocate(space_of(client_task), MACH_PORT_RIGHT_RECEIVE,
		&extra) != KERN_SUCCESS)
		return false;
	write_everything(service, reply, extra);
	(void)call_message(
	    client, MACH_SEND_MSG, sizeof(struct everything), 0, 0, 0);
	if (client->value != MACH_MSG_SUCCESS)
		return false;
	if (poll_by(server, port) != MACH_MSG_SUCCESS)
		return false;
	write_header(server, MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0),
	    header_of(server)->msgh_remote_port, 0, 1);
	if (send_from(server, 24) != MACH_MSG_SUCCESS)
		return false;
	return poll_by(client, reply) == MACH_MSG_SUCCESS;
}

static void
test_no_memory(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t reply = port_in(client_task);
	mach_port_name_t service = right_to(server_task, port, client_task);
	unsigned n = 0;
	bool ok;

	(void)state;
	do {
		host_fail(++n);
		host_yield_every(n % 3);
		ok = conversation(service, port, reply);
		host_fail(0);
		host_run();
		host_check();
		/* Nothing waits for the next round. */
		while (poll_by(server, port) == MACH_MSG_SUCCESS)
			continue;
		while (poll_by(client, reply) == MACH_MSG_SUCCESS)
			continue;
	} while (!ok || n < 20);
	print_message("%u sites failed\n", n - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_call, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(test_fast, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_server_dies, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_everything, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_mistakes, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_kernel_call, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_no_memory, stage_begin, stage_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
