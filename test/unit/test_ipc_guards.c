/*
 * test/unit/test_ipc_guards.c: guarded receive rights in messages, with each
 * allocation failing once; and name spaces that are full.
 *
 * Sources: ipc test/unit/ipc_stage.c
 */
#include "ipc_stage.h"

#include <string.h>

#define GUARD 0x1122334455667788

/* A guarded right, a plain one, and a word. */
struct guarded {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_guarded_port_descriptor_t port;
	mach_msg_port_descriptor_t send;
	uint32_t word;
};

static void
write_guarded(mach_port_name_t to, mach_port_name_t port, unsigned flags)
{
	struct guarded *message = buffer_at(client);

	write_header(client, ONE_WAY_BITS | MACH_MSGH_BITS_COMPLEX, to, 0, 900);
	message->body.msgh_descriptor_count = 2;
	message->port = (mach_msg_guarded_port_descriptor_t){
	    .context = GUARD,
	    .flags = flags,
	    .disposition = MACH_MSG_TYPE_MOVE_RECEIVE,
	    .type = MACH_MSG_GUARDED_PORT_DESCRIPTOR,
	    .name = port,
	};
	message->send = (mach_msg_port_descriptor_t){
	    .name = to,
	    .disposition = MACH_MSG_TYPE_COPY_SEND,
	    .type = MACH_MSG_PORT_DESCRIPTOR,
	};
	message->word = 0x600df00d;
}

static mach_port_name_t
guarded_port(void)
{
	mach_port_name_t port = port_in(client_task);

	assert_int_equal(
	    mach_port_guard_with_flags(space_of(client_task), port, GUARD, 0),
	    KERN_SUCCESS);
	return port;
}

/* Send and receive one, with @option to the receiver, where allocation number
 * @fail (0: none) fails. */
static bool
travel(mach_port_name_t service, mach_port_name_t port, uint32_t option,
    unsigned fail)
{
	mach_port_name_t moved = guarded_port();
	bool sent;

	host_fail(fail);
	write_guarded(service, moved, MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE);
	(void)call_message(
	    client, MACH_SEND_MSG, sizeof(struct guarded), 0, 0, 0);
	sent = client->value == MACH_MSG_SUCCESS;
	/* What was not sent is still ours, or went with the rest. */
	if (!sent)
		mach_port_destruct(space_of(client_task), moved, 0, GUARD);
	else
		(void)call_message(server,
		    MACH_RCV_MSG | MACH_RCV_TIMEOUT | option, 0, port,
		    BUFFER_SIZE, 0);
	return sent && server->value == MACH_MSG_SUCCESS && !host_failed();
}

static void
check_arrived(bool guarded)
{
	const struct guarded *message = buffer_at(server);
	const struct {
		mach_msg_header_t header;
		mach_msg_body_t body;
		mach_msg_port_descriptor_t port, send;
		uint32_t word;
	} *plain = buffer_at(server);
	mach_port_status_t status;

	if (!guarded) {
		assert_int_equal(plain->header.msgh_size, sizeof(*plain));
		assert_int_equal(plain->word, 0x600df00d);
		assert_int_equal(plain->send.type, MACH_MSG_PORT_DESCRIPTOR);
		status = status_of(server_task, plain->port.name);
		assert_int_equal(status.mps_flags, 0);
		assert_int_equal(
		    mach_port_destroy(space_of(server_task), plain->port.name),
		    KERN_SUCCESS);
		return;
	}
	assert_int_equal(message->header.msgh_size, sizeof(*message));
	assert_int_equal(message->word, 0x600df00d);
	status = status_of(server_task, message->port.name);
	assert_int_equal(status.mps_flags, PORT_GUARDED | PORT_IMMOVABLE);
	assert_int_equal(
	    mach_port_destroy(space_of(server_task), message->port.name),
	    KERN_INVALID_RIGHT);
	assert_int_equal(mach_port_destruct(space_of(server_task),
			     message->port.name, 0, message->port.context),
	    KERN_SUCCESS);
}

static void
test_travel(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t service = right_to(server_task, port, client_task);

	(void)state;
	assert_true(travel(service, port, MACH_RCV_GUARDED_DESC, 0));
	check_arrived(true);
	assert_true(travel(service, port, 0, 0));
	check_arrived(false);
}

/* A queue full of them, given back and given up. */
static void
test_returned(void **state)
{
	mach_port_name_t port = port_in(server_task), moved = guarded_port();
	mach_port_name_t service = right_to(server_task, port, client_task);
	struct guarded *message = buffer_at(client);

	(void)state;
	set_limit(server_task, port, 1);
	write_guarded(service, moved, MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE);
	assert_int_equal(send_from(client, sizeof(*message)), MACH_MSG_SUCCESS);
	moved = guarded_port();
	write_guarded(service, moved, MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE);
	assert_true(call_message(client, MACH_SEND_MSG | MACH_SEND_TIMEOUT,
	    sizeof(*message), 0, 0, 0));
	assert_int_equal(client->value, MACH_SEND_TIMED_OUT);
	assert_int_equal(message->port.type, MACH_MSG_GUARDED_PORT_DESCRIPTOR);
	assert_int_equal(
	    status_of(client_task, message->port.name).mps_flags, PORT_GUARDED);
	assert_int_equal(mach_port_unguard(space_of(client_task),
			     message->port.name, message->port.context),
	    KERN_SUCCESS);
	/* The one in the queue dies with the port. */
	assert_int_equal(
	    mach_port_destroy(space_of(server_task), port), KERN_SUCCESS);
	host_run();
}

static void
test_no_memory(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t service = right_to(server_task, port, client_task);
	unsigned n = 0;
	bool ok;

	(void)state;
	do {
		host_yield_every(++n % 3);
		ok = travel(
		    service, port, n % 2 == 0 ? MACH_RCV_GUARDED_DESC : 0, n);
		host_fail(0);
		host_run();
		host_check();
	} while (!ok);
	assert_true(n > 1);
	print_message("%u sites failed\n", n - 1);
}

/* ---- a full space ---- */

static void
test_full(void **state)
{
	struct space *space = space_of(server_task);
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t service = right_to(server_task, port, client_task);
	mach_port_name_t name, moved = guarded_port();
	struct guarded *message = buffer_at(server);
	struct port *right;
	mach_msg_type_name_t type;

	(void)state;
	space->limit = space->count;
	assert_int_equal(
	    mach_port_allocate(space, MACH_PORT_RIGHT_RECEIVE, &name),
	    KERN_NO_SPACE);
	assert_int_equal(
	    mach_port_allocate_name(space, MACH_PORT_RIGHT_DEAD_NAME, 0x99901),
	    KERN_NO_SPACE);
	assert_int_equal(mach_port_extract_right(space_of(client_task), moved,
			     MACH_MSG_TYPE_MAKE_SEND, &right, &type),
	    KERN_SUCCESS);
	assert_int_equal(
	    mach_port_insert_right(space, 0x99901, right, type), KERN_NO_SPACE);
	right_release(right, type);
	/* A name that is there takes more rights. */
	assert_int_equal(mach_port_extract_right(space, port,
			     MACH_MSG_TYPE_MAKE_SEND, &right, &type),
	    KERN_SUCCESS);
	assert_int_equal(
	    mach_port_insert_right(space, port, right, type), KERN_SUCCESS);

	/* A message brings what it can; the rest is given up, and said so. */
	write_guarded(service, moved, MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE);
	assert_int_equal(send_from(client, sizeof(*message)), MACH_MSG_SUCCESS);
	assert_true(call_message(server,
	    MACH_RCV_MSG | MACH_RCV_TIMEOUT | MACH_RCV_GUARDED_DESC, 0, port,
	    BUFFER_SIZE, 0));
	assert_int_equal(
	    server->value, MACH_RCV_BODY_ERROR | MACH_MSG_IPC_SPACE);
	assert_int_equal(message->port.name, MACH_PORT_NULL);
	assert_int_equal(message->send.name, port);
	assert_int_equal(message->word, 0x600df00d);
	space->limit = NAME_INDEX_MAX;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_travel, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_returned, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_no_memory, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(test_full, stage_begin, stage_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
