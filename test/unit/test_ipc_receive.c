/*
 * test/unit/test_ipc_receive.c: receiving: trailers, sets, too large
 * messages.
 *
 * Sources: ipc test/unit/ipc_stage.c
 */
#include "ipc_stage.h"

#include <mach/notify.h>

/* ---- receiving ---- */

static void
test_large(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t reply = port_in(client_task);
	mach_port_name_t service = right_to(server_task, port, client_task);
	uint32_t option = MACH_RCV_MSG | MACH_RCV_TIMEOUT | MACH_RCV_LARGE |
			  MACH_RCV_LARGE_IDENTITY;

	(void)state;
	write_everything(service, reply, port_in(client_task));
	assert_int_equal(
	    send_from(client, sizeof(struct everything)), MACH_MSG_SUCCESS);
	assert_true(call_message(server, option, 0, port, 64, 0));
	assert_int_equal(server->value, MACH_RCV_TOO_LARGE);
	assert_int_equal(
	    header_of(server)->msgh_size, sizeof(struct everything));
	assert_int_equal(header_of(server)->msgh_local_port, port);
	assert_int_equal(status_of(server_task, port).mps_msgcount, 1);
	/* Without the option it is destroyed, and the reply right tells. */
	assert_true(call_message(server, MACH_RCV_MSG, 0, port, 64, 0));
	assert_int_equal(server->value, MACH_RCV_TOO_LARGE);
	assert_int_equal(status_of(server_task, port).mps_msgcount, 0);
	host_run();
	assert_int_equal(poll_by(client, reply), MACH_MSG_SUCCESS);
	assert_int_equal(header_of(client)->msgh_id, MACH_NOTIFY_SEND_ONCE);
	/* The same for one who waits already. */
	assert_false(call_message(
	    server, MACH_RCV_MSG | MACH_RCV_LARGE, 0, port, 64, 0));
	write_everything(service, reply, port_in(client_task));
	assert_int_equal(
	    send_from(client, sizeof(struct everything)), MACH_MSG_SUCCESS);
	assert_int_equal(server->value, MACH_RCV_TOO_LARGE);
	assert_int_equal(poll_by(server, port), MACH_MSG_SUCCESS);
}

static void
test_trailers(void **state)
{
	static const uint32_t size[] = {8, 12, 20, 52, 60, 0, 0, 68};
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t service = right_to(server_task, port, client_task);

	(void)state;
	assert_int_equal(mach_port_set_context(
			     space_of(server_task), port, 0x123456789abcdef0),
	    KERN_SUCCESS);
	for (uint32_t i = 0; i < ARRAY_SIZE(size); i++) {
		uint32_t option = MACH_RCV_MSG | MACH_RCV_TRAILER_ELEMENTS(i);
		mach_msg_context_trailer_t *trailer =
		    (void *)(header_of(server) + 1);

		write_header(client, ONE_WAY_BITS, service, 0, 1);
		assert_int_equal(
		    send_from(client, HEADER_SIZE), MACH_MSG_SUCCESS);
		assert_true(call_message(server, option, 0, port,
		    HEADER_SIZE + (size[i] ? size[i] : 68), 0));
		if (size[i] == 0) {
			assert_int_equal(
			    server->value, MACH_RCV_INVALID_TRAILER);
			assert_int_equal(poll_by(server, port), 0);
			continue;
		}
		assert_int_equal(server->value, MACH_MSG_SUCCESS);
		assert_int_equal(trailer->msgh_trailer_size, size[i]);
		if (i >= MACH_RCV_TRAILER_SEQNO)
			assert_int_equal(trailer->msgh_seqno, i);
		if (i >= MACH_RCV_TRAILER_AUDIT)
			assert_int_equal(
			    trailer->msgh_audit.val[5], client_task->task.id);
		if (i >= MACH_RCV_TRAILER_CTX)
			assert_int_equal(
			    trailer->msgh_context, 0x123456789abcdef0);
	}
}

static void
test_sets(void **state)
{
	mach_port_name_t a = port_in(server_task), b = port_in(server_task);
	mach_port_name_t to_a = right_to(server_task, a, client_task);
	mach_port_name_t to_b = right_to(server_task, b, client_task);
	mach_port_name_t set;

	(void)state;
	assert_int_equal(mach_port_allocate(space_of(server_task),
			     MACH_PORT_RIGHT_PORT_SET, &set),
	    KERN_SUCCESS);
	assert_int_equal(mach_port_insert_member(space_of(server_task), a, set),
	    KERN_SUCCESS);
	assert_int_equal(mach_port_insert_member(space_of(server_task), a, set),
	    KERN_ALREADY_IN_SET);
	/* Who waits on the set gets what comes to a member, */
	assert_false(
	    call_message(server, MACH_RCV_MSG, 0, set, BUFFER_SIZE, 0));
	write_header(client, ONE_WAY_BITS, to_a, 0, 1);
	assert_int_equal(send_from(client, HEADER_SIZE), MACH_MSG_SUCCESS);
	assert_true(server->returned);
	assert_int_equal(header_of(server)->msgh_local_port, a);
	/* and what was there when a port joined. */
	assert_false(
	    call_message(server, MACH_RCV_MSG, 0, set, BUFFER_SIZE, 0));
	write_header(client, ONE_WAY_BITS, to_b, 0, 2);
	assert_int_equal(send_from(client, HEADER_SIZE), MACH_MSG_SUCCESS);
	assert_false(server->returned);
	assert_int_equal(mach_port_insert_member(space_of(server_task), b, set),
	    KERN_SUCCESS);
	host_run();
	assert_true(server->returned);
	assert_int_equal(header_of(server)->msgh_id, 2);
	/* Members take turns. */
	for (int i = 0; i < 4; i++) {
		write_header(client, ONE_WAY_BITS, i < 2 ? to_a : to_b, 0, i);
		assert_int_equal(
		    send_from(client, HEADER_SIZE), MACH_MSG_SUCCESS);
	}
	assert_int_equal(poll_by(server, set), MACH_MSG_SUCCESS);
	assert_int_equal(header_of(server)->msgh_local_port, a);
	assert_int_equal(poll_by(server, set), MACH_MSG_SUCCESS);
	assert_int_equal(header_of(server)->msgh_local_port, b);
	/* A set that dies tells who waits, and its members live on. */
	assert_int_equal(poll_by(server, set), MACH_MSG_SUCCESS);
	assert_int_equal(poll_by(server, set), MACH_MSG_SUCCESS);
	assert_false(
	    call_message(server, MACH_RCV_MSG, 0, set, BUFFER_SIZE, 0));
	assert_int_equal(
	    mach_port_destroy(space_of(server_task), set), KERN_SUCCESS);
	host_run();
	assert_int_equal(server->value, MACH_RCV_PORT_DIED);
	assert_int_equal(status_of(server_task, a).mps_pset, 0);
}

/* A receive right that leaves, or ends, while somebody waits. */
static void
test_right_leaves(void **state)
{
	mach_port_name_t port = port_in(server_task), name;
	struct port *right;
	bool dead;

	(void)state;
	assert_false(
	    call_message(server, MACH_RCV_MSG, 0, port, BUFFER_SIZE, 0));
	assert_int_equal(right_copyin(space_of(server_task), port,
			     MACH_MSG_TYPE_MOVE_RECEIVE, false, &right, &dead),
	    KERN_SUCCESS);
	host_run();
	assert_int_equal(server->value, MACH_RCV_PORT_CHANGED);
	assert_int_equal(right_copyout(space_of(client_task), right,
			     MACH_MSG_TYPE_PORT_RECEIVE, &name),
	    KERN_SUCCESS);
	assert_false(
	    call_message(client, MACH_RCV_MSG, 0, name, BUFFER_SIZE, 0));
	assert_int_equal(
	    mach_port_destroy(space_of(client_task), name), KERN_SUCCESS);
	host_run();
	assert_int_equal(client->value, MACH_RCV_PORT_DIED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_large, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_trailers, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(test_sets, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_right_leaves, stage_begin, stage_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
