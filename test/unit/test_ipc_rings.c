/*
 * test/unit/test_ipc_rings.c: receive rights in messages: rings, chains, and
 * what goes down with a port.
 *
 * Sources: ipc test/unit/ipc_stage.c
 */
#include "ipc_stage.h"

#include <mach/notify.h>

/* Send @moved's receive right to @to, of which the client has a send right. */
static kern_return_t
send_right(mach_port_name_t to, mach_port_name_t moved)
{
	struct {
		mach_msg_base_t base;
		mach_msg_port_descriptor_t port;
	} *one = buffer_at(client);

	write_header(client, ONE_WAY_BITS | MACH_MSGH_BITS_COMPLEX, to, 0, 400);
	one->base.body.msgh_descriptor_count = 1;
	one->port = (mach_msg_port_descriptor_t){
	    .name = moved, .disposition = MACH_MSG_TYPE_MOVE_RECEIVE};
	return send_from(client, sizeof(*one));
}

static void
test_circular(void **state)
{
	enum {
		RING = 20
	};
	mach_port_name_t port[RING], right[RING];
	mach_port_type_t type;

	(void)state;
	for (int length = 1; length <= RING; length++) {
		for (int i = 0; i < length; i++) {
			port[i] = port_in(client_task);
			right[i] = right_to(client_task, port[i], client_task);
		}
		for (int i = 0; i < length; i++)
			assert_int_equal(
			    send_right(right[(i + 1) % length], port[i]),
			    MACH_MSG_SUCCESS);
		host_run();
		/* The last send closed the ring: all of it died. */
		for (int i = 0; i < length; i++) {
			assert_int_equal(mach_port_type(space_of(client_task),
					     right[i], &type),
			    KERN_SUCCESS);
			assert_int_equal(type, MACH_PORT_TYPE_DEAD_NAME);
		}
	}
}

/* The ring may also be closed by a message with many rights, by an array, or
 * through a port whose right travels as something else's luggage. */
static void
test_circular_array(void **state)
{
	struct {
		mach_msg_base_t base;
		mach_msg_ool_ports_descriptor_t ports;
	} *many = buffer_at(client);
	mach_port_name_t *names = user_at(client_task, NAMES_AT);
	mach_port_name_t port[10], right[10];
	mach_port_type_t type;

	(void)state;
	for (int i = 0; i < 10; i++) {
		port[i] = port_in(client_task);
		right[i] = right_to(client_task, port[i], client_task);
		names[i] = port[i];
	}
	write_header(
	    client, ONE_WAY_BITS | MACH_MSGH_BITS_COMPLEX, right[7], 0, 400);
	many->base.body.msgh_descriptor_count = 1;
	many->ports = (mach_msg_ool_ports_descriptor_t){
	    .address = (void *)NAMES_AT,
	    .count = 10,
	    .disposition = MACH_MSG_TYPE_MOVE_RECEIVE,
	    .copy = MACH_MSG_PHYSICAL_COPY,
	    .type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
	};
	assert_int_equal(send_from(client, sizeof(*many)), MACH_MSG_SUCCESS);
	host_run();
	for (int i = 0; i < 10; i++) {
		assert_int_equal(
		    mach_port_type(space_of(client_task), right[i], &type),
		    KERN_SUCCESS);
		assert_int_equal(type, MACH_PORT_TYPE_DEAD_NAME);
	}
}

/*
 * A chain as deep as is allowed is no ring: each port's right is in a message
 * to the next one, and all come out again.  One more is taken for a ring.
 */
static void
test_chain(void **state)
{
	static mach_port_name_t port[CARRIER_DEPTH_MAX + 3];
	static mach_port_name_t right[CARRIER_DEPTH_MAX + 3];
	const struct {
		mach_msg_base_t base;
		mach_msg_port_descriptor_t port;
	} *one = buffer_at(client);
	const int depth = CARRIER_DEPTH_MAX;
	mach_port_type_t type;

	(void)state;
	for (int i = 0; i < depth + 3; i++) {
		port[i] = port_in(client_task);
		right[i] = right_to(client_task, port[i], client_task);
	}
	for (int i = 0; i < depth; i++)
		assert_int_equal(
		    send_right(right[i + 1], port[i]), MACH_MSG_SUCCESS);
	for (int i = depth; i > 0; i--) {
		assert_int_equal(poll_by(client, port[i]), MACH_MSG_SUCCESS);
		assert_int_equal(one->port.name, right[i - 1]);
	}
	/* From the far end, each look has the whole chain before it. */
	for (int i = depth + 1; i > 0; i--)
		assert_int_equal(
		    send_right(right[i + 1], port[i]), MACH_MSG_SUCCESS);
	assert_int_equal(send_right(right[1], port[0]), MACH_MSG_SUCCESS);
	host_run();
	assert_int_equal(mach_port_type(space_of(client_task), right[0], &type),
	    KERN_SUCCESS);
	assert_int_equal(type, MACH_PORT_TYPE_DEAD_NAME);
	/* With the last one, all others go, and each is told. */
	assert_int_equal(
	    mach_port_destroy(space_of(client_task), port[depth + 2]),
	    KERN_SUCCESS);
	host_run();
	for (int i = 0; i < depth + 2; i++) {
		assert_int_equal(
		    mach_port_type(space_of(client_task), right[i], &type),
		    KERN_SUCCESS);
		assert_int_equal(type, MACH_PORT_TYPE_DEAD_NAME);
	}
}

/* What a dying port's messages carry dies with it, and reply rights tell. */
static void
test_death_with_cargo(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t reply = port_in(client_task);
	mach_port_name_t service = right_to(server_task, port, client_task);
	mach_port_name_t extra, right;
	mach_port_type_t type;

	(void)state;
	for (int i = 0; i < 4; i++) {
		extra = port_in(client_task);
		right = right_to(client_task, extra, client_task);
		write_everything(service, reply, extra);
		assert_int_equal(send_from(client, sizeof(struct everything)),
		    MACH_MSG_SUCCESS);
	}
	assert_int_equal(status_of(client_task, reply).mps_sorights, 4);
	assert_int_equal(
	    mach_port_destroy(space_of(server_task), port), KERN_SUCCESS);
	host_run();
	host_check();
	for (int i = 0; i < 4; i++) {
		assert_int_equal(poll_by(client, reply), MACH_MSG_SUCCESS);
		assert_int_equal(
		    header_of(client)->msgh_id, MACH_NOTIFY_SEND_ONCE);
	}
	assert_int_equal(poll_by(client, reply), MACH_RCV_TIMED_OUT);
	assert_int_equal(status_of(client_task, reply).mps_sorights, 0);
	assert_int_equal(
	    mach_port_type(space_of(client_task), right, &type), KERN_SUCCESS);
	assert_int_equal(type, MACH_PORT_TYPE_DEAD_NAME);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_circular, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_circular_array, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(test_chain, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_death_with_cargo, stage_begin, stage_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
