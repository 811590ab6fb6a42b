/*
 * test/unit/test_ipc_direct.c: a message from buffer to buffer does what one by
 * way of the kernel does.
 *
 * Sources: ipc test/unit/ipc_stage.c
 */
#include "ipc_stage.h"

#define SIZE 92U /* no room for it in ... */
#define ROOM 99U

static mach_port_name_t
set_with(struct sim_task *task, mach_port_name_t port)
{
	mach_port_name_t set;

	assert_int_equal(
	    mach_port_allocate(space_of(task), MACH_PORT_RIGHT_PORT_SET, &set),
	    KERN_SUCCESS);
	assert_int_equal(
	    mach_port_insert_member(space_of(task), port, set), KERN_SUCCESS);
	return set;
}

static kern_return_t
send(bool fast, mach_port_name_t service)
{
	kern_return_t kr;

	ipc_fast_enabled = fast;
	use_trap2 = true;
	host_fast_used = true;
	write_header(server, ONE_WAY_BITS, service, 0, 7);
	kr = send_from(server, SIZE);
	ipc_fast_enabled = false;
	use_trap2 = false;
	return kr;
}

/*
 * A port in two sets, on each of which somebody waits: the first has no room.
 * Unless he asked that it stay it is his, and lost; and then the other's.
 */
static void
test_no_room_in_first_set(void **state)
{
	mach_port_name_t port = port_in(client_task);
	mach_port_name_t service = right_to(client_task, port, server_task);
	mach_port_name_t first = set_with(client_task, port);
	mach_port_name_t second = set_with(client_task, port);

	(void)state;
	for (int fast = 0; fast < 2; fast++) {
		assert_false(
		    call_message(client, MACH_RCV_MSG, 0, first, ROOM, 0));
		assert_false(call_message(
		    third, MACH_RCV_MSG, 0, second, BUFFER_SIZE, 0));
		assert_int_equal(send(fast, service), MACH_MSG_SUCCESS);
		assert_true(client->returned);
		assert_int_equal(client->value, MACH_RCV_TOO_LARGE);
		assert_false(third->returned);
		assert_false(call_message(
		    client, MACH_RCV_MSG | MACH_RCV_LARGE, 0, first, ROOM, 0));
		assert_int_equal(send(fast, service), MACH_MSG_SUCCESS);
		assert_true(client->returned);
		assert_int_equal(client->value, MACH_RCV_TOO_LARGE);
		assert_int_equal(header_of(client)->msgh_size, SIZE);
		assert_true(third->returned);
		assert_int_equal(third->value, MACH_MSG_SUCCESS);
		assert_int_equal(header_of(third)->msgh_id, 7);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_no_room_in_first_set, stage_begin, stage_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
