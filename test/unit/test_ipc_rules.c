/*
 * test/unit/test_ipc_rules.c: rules of ports that were once not kept, one case
 * each; most of them the model of test/model/ found.
 *
 * Sources: ipc test/unit/ipc_stage.c
 */
#include "ipc_stage.h"

#include <string.h>

#include <mach/notify.h>

#include "ipc/notify.h"

static mach_port_name_t
set_in(struct sim_task *task)
{
	mach_port_name_t name;

	assert_int_equal(
	    mach_port_allocate(space_of(task), MACH_PORT_RIGHT_PORT_SET, &name),
	    KERN_SUCCESS);
	return name;
}

/* A kind of right that is far from any. */
static void
test_no_such_right(void **state)
{
	struct space *space = space_of(client_task);
	mach_port_name_t name;

	(void)state;
	assert_int_equal(
	    mach_port_allocate(space, 77, &name), KERN_INVALID_VALUE);
	assert_int_equal(
	    mach_port_allocate_name(space, 77, 0x501), KERN_INVALID_VALUE);
}

/* A port that cannot be moved to a set stays in those it is in. */
static void
test_move_without_memory(void **state)
{
	struct space *space = space_of(client_task);
	mach_port_name_t port = port_in(client_task);
	mach_port_name_t old = set_in(client_task);
	mach_port_name_t new = set_in(client_task);

	(void)state;
	assert_int_equal(
	    mach_port_insert_member(space, port, old), KERN_SUCCESS);
	host_fail(1);
	assert_int_equal(
	    mach_port_move_member(space, port, new), KERN_RESOURCE_SHORTAGE);
	assert_int_equal(
	    mach_port_extract_member(space, port, old), KERN_SUCCESS);
	assert_int_equal(mach_port_move_member(space, port, new), KERN_SUCCESS);
	assert_int_equal(mach_port_move_member(space, port, new), KERN_SUCCESS);
	assert_int_equal(status_of(client_task, port).mps_pset, 1);
}

/* Make-send counts are of one stay: none is left while the right is on its
 * way, and so no notice of no senders, either. */
static void
test_count_ends_with_the_stay(void **state)
{
	struct space *space = space_of(server_task);
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t notify = port_in(server_task);
	mach_port_name_t service = right_to(server_task, port, client_task);
	struct port *to, *previous, *right;
	bool dead;

	(void)state;
	assert_int_equal(right_copyin(space, notify,
			     MACH_MSG_TYPE_MAKE_SEND_ONCE, false, &to, &dead),
	    KERN_SUCCESS);
	assert_int_equal(notify_request(space, port, MACH_NOTIFY_NO_SENDERS, 1,
			     to, &previous),
	    KERN_SUCCESS);
	assert_int_equal(right_copyin(space, port, MACH_MSG_TYPE_MOVE_RECEIVE,
			     false, &right, &dead),
	    KERN_SUCCESS);
	assert_int_equal(
	    mach_port_deallocate(space_of(client_task), service), KERN_SUCCESS);
	assert_int_equal(status_of(server_task, notify).mps_msgcount, 0);
	assert_int_equal(
	    right_copyout(space, right, MACH_MSG_TYPE_PORT_RECEIVE, &port),
	    KERN_SUCCESS);
	assert_int_equal(status_of(server_task, port).mps_mscount, 0);
	assert_int_equal(status_of(server_task, port).mps_nsrequest, true);
}

/* As many wait on a set as there are messages in a port that joins it: each
 * gets one. */
static void
test_all_who_wait_on_a_set(void **state)
{
	mach_port_name_t port = port_in(client_task);
	mach_port_name_t set = set_in(client_task);
	mach_port_name_t service = right_to(client_task, port, server_task);

	(void)state;
	for (int i = 0; i < 2; i++) {
		write_header(server, ONE_WAY_BITS, service, 0, i);
		assert_int_equal(
		    send_from(server, HEADER_SIZE), MACH_MSG_SUCCESS);
	}
	assert_false(
	    call_message(client, MACH_RCV_MSG, 0, set, BUFFER_SIZE, 0));
	assert_false(call_message(third, MACH_RCV_MSG, 0, set, BUFFER_SIZE, 0));
	assert_int_equal(
	    mach_port_insert_member(space_of(client_task), port, set),
	    KERN_SUCCESS);
	host_run();
	assert_true(client->returned);
	assert_true(third->returned);
	assert_int_equal(header_of(client)->msgh_id, 0);
	assert_int_equal(header_of(third)->msgh_id, 1);
}

/* Ask for the receive right of @port, to be sent to @notify when it dies. */
static void
ask_destroyed(mach_port_name_t port, mach_port_name_t notify)
{
	struct space *space = space_of(client_task);
	struct port *to, *previous;
	bool dead;

	assert_int_equal(right_copyin(space, notify,
			     MACH_MSG_TYPE_MAKE_SEND_ONCE, false, &to, &dead),
	    KERN_SUCCESS);
	assert_int_equal(notify_request(space, port, MACH_NOTIFY_PORT_DESTROYED,
			     0, to, &previous),
	    KERN_SUCCESS);
}

/* What is destroyed with a message is not on its way with it: a receive right
 * goes to the one who asked for it, who is in the same message. */
static void
test_rights_of_an_ending_message(void **state)
{
	mach_port_name_t first = port_in(client_task);
	mach_port_name_t second = port_in(client_task);
	mach_port_name_t last = port_in(client_task);
	struct {
		mach_msg_base_t base;
		mach_msg_port_descriptor_t port[3];
	} *message = buffer_at(client);
	mach_port_destroyed_notification_t *notice = buffer_at(client);

	(void)state;
	ask_destroyed(first, second);
	ask_destroyed(second, last);
	memset(message, 0, sizeof(*message));
	write_header(client,
	    MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
	    second, 0, 1);
	message->base.body.msgh_descriptor_count = 3;
	for (int i = 0; i < 3; i++) {
		message->port[i].disposition = MACH_MSG_TYPE_MOVE_RECEIVE;
		message->port[i].type = MACH_MSG_PORT_DESCRIPTOR;
	}
	message->port[0].name = second;
	message->port[1].name = first;
	message->port[2].name = 0x7701;
	assert_int_equal(
	    send_from(client, sizeof(*message)), MACH_SEND_INVALID_RIGHT);
	assert_int_equal(poll_by(client, last), MACH_MSG_SUCCESS);
	assert_int_equal(
	    notice->not_header.msgh_id, MACH_NOTIFY_PORT_DESTROYED);
	second = notice->not_port.name;
	assert_int_equal(poll_by(client, second), MACH_MSG_SUCCESS);
	assert_int_equal(
	    notice->not_header.msgh_id, MACH_NOTIFY_PORT_DESTROYED);
	assert_int_equal(
	    status_of(client_task, notice->not_port.name).mps_msgcount, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_no_such_right, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_move_without_memory, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_count_ends_with_the_stay, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_all_who_wait_on_a_set, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_rights_of_an_ending_message, stage_begin, stage_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
