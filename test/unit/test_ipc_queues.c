/*
 * test/unit/test_ipc_queues.c: queues: limits, order, who waits for room and
 * who is told of it.
 *
 * Sources: ipc test/unit/ipc_stage.c
 */
#include "ipc_stage.h"

#include <mach/notify.h>

#include "ipc/notify.h"

/* ---- waiting for room ---- */

static void
test_queue_limit(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t service = right_to(server_task, port, client_task);

	(void)state;
	for (int i = 0; i < MACH_PORT_QLIMIT_DEFAULT; i++) {
		write_header(client, ONE_WAY_BITS, service, 0, i);
		assert_int_equal(
		    send_from(client, HEADER_SIZE), MACH_MSG_SUCCESS);
	}
	write_header(client, ONE_WAY_BITS, service, 0, 5);
	assert_false(call_message(client, MACH_SEND_MSG, HEADER_SIZE, 0, 0, 0));
	write_header(third, ONE_WAY_BITS, service, 0, 6);
	assert_false(call_message(third, MACH_SEND_MSG, HEADER_SIZE, 0, 0, 0));
	/* In order, each making room for one. */
	for (int i = 0; i < 7; i++) {
		assert_int_equal(poll_by(server, port), MACH_MSG_SUCCESS);
		assert_int_equal(header_of(server)->msgh_id, i);
		assert_int_equal(client->returned, true);
		assert_int_equal(third->returned, i > 0);
	}
	assert_int_equal(poll_by(server, port), MACH_RCV_TIMED_OUT);
}

/* With a limit of 0, messages wait with their senders. */
static void
test_limit_zero(void **state)
{
	mach_port_name_t port = port_in(server_task), set;
	mach_port_name_t service = right_to(server_task, port, client_task);

	(void)state;
	set_limit(server_task, port, 0);
	write_header(client, ONE_WAY_BITS, service, 0, 1);
	assert_false(call_message(client, MACH_SEND_MSG, HEADER_SIZE, 0, 0, 0));
	assert_int_equal(status_of(server_task, port).mps_msgcount, 0);
	assert_int_equal(poll_by(server, port), MACH_MSG_SUCCESS);
	assert_true(client->returned);

	assert_int_equal(mach_port_allocate(space_of(server_task),
			     MACH_PORT_RIGHT_PORT_SET, &set),
	    KERN_SUCCESS);
	assert_int_equal(
	    mach_port_insert_member(space_of(server_task), port, set),
	    KERN_SUCCESS);
	write_header(client, ONE_WAY_BITS, service, 0, 2);
	assert_false(call_message(client, MACH_SEND_MSG, HEADER_SIZE, 0, 0, 0));
	assert_int_equal(poll_by(server, set), MACH_MSG_SUCCESS);
	assert_int_equal(header_of(server)->msgh_id, 2);
	assert_int_equal(poll_by(server, set), MACH_RCV_TIMED_OUT);
	/* One who gave up is not waited for. */
	write_header(client, ONE_WAY_BITS, service, 0, 3);
	assert_false(call_message(
	    client, MACH_SEND_MSG | MACH_SEND_TIMEOUT, HEADER_SIZE, 0, 0, 10));
	host_expire(client);
	assert_int_equal(client->value, MACH_SEND_TIMED_OUT);
	assert_int_equal(poll_by(server, set), MACH_RCV_TIMED_OUT);
	/* A higher limit lets the message in. */
	write_header(client, ONE_WAY_BITS, service, 0, 4);
	assert_false(call_message(client, MACH_SEND_MSG, HEADER_SIZE, 0, 0, 0));
	set_limit(server_task, port, 1);
	assert_true(client->returned);
	assert_int_equal(status_of(server_task, port).mps_msgcount, 1);
}

/* ---- order ---- */

/* Send a message of @id at once, or wait, with @qos for its priority. */
struct urgent {
	struct sim_thread *thread;
	mach_port_name_t to;
	uint32_t qos;
	int32_t id;
};

static int64_t
send_urgent(void *argument)
{
	const struct urgent *urgent = argument;

	write_header(urgent->thread, ONE_WAY_BITS, urgent->to, 0, urgent->id);
	return mach_msg_trap(buffer_of(urgent->thread),
	    MACH_SEND_MSG | MACH_SEND_OVERRIDE, HEADER_SIZE, 0, 0, 0,
	    urgent->qos << MACH_MSG_PRIORITY_QOS_SHIFT);
}

static uint32_t
chance(uint32_t below)
{
	static uint32_t seed = 1;

	seed = seed * 1103515245 + 12345;
	return seed / 65536 % below;
}

/* Messages of chance classes come and go; what comes is always the oldest of
 * the best class there is. */
static void
test_order(void **state)
{
	enum {
		ROUNDS = 20000
	};
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t service = right_to(server_task, port, client_task);
	int32_t next[MACH_MSG_QOS_LAST + 1] = {0};
	int32_t first[MACH_MSG_QOS_LAST + 1] = {0};
	uint32_t count = 0;

	(void)state;
	set_limit(server_task, port, MACH_PORT_QLIMIT_MAX);
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t qos = 1 + chance(MACH_MSG_QOS_LAST);

		if (count < 60 && chance(30) >= count / 2) {
			struct urgent urgent = {client, service, qos,
			    (int32_t)(qos << 20) + next[qos]++};

			assert_true(host_call(client, send_urgent, &urgent));
			assert_int_equal(client->value, MACH_MSG_SUCCESS);
			count++;
			continue;
		}
		if (count == 0)
			continue;
		for (qos = MACH_MSG_QOS_LAST; first[qos] == next[qos];)
			qos--;
		assert_int_equal(poll_by(server, port), MACH_MSG_SUCCESS);
		assert_int_equal(header_of(server)->msgh_id,
		    (int32_t)(qos << 20) + first[qos]++);
		count--;
	}
}

/* Who waits for room waits in the same order, and may give up. */
static void
test_order_of_senders(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t service = right_to(server_task, port, client_task);
	struct urgent low = {client, service, MACH_MSG_QOS_UTILITY, 1};
	struct urgent high = {third, service, MACH_MSG_QOS_USER_INITIATED, 2};

	(void)state;
	set_limit(server_task, port, 1);
	for (int who_leaves = 0; who_leaves < 3; who_leaves++) {
		write_header(client, ONE_WAY_BITS, service, 0, 9);
		assert_int_equal(send_from(client, HEADER_SIZE), 0);
		assert_false(host_call(client, send_urgent, &low));
		assert_false(host_call(third, send_urgent, &high));
		host_check();
		if (who_leaves == 1)
			host_abort(client);
		if (who_leaves == 2)
			host_abort(third);
		host_check();
		assert_int_equal(poll_by(server, port), 0);
		assert_int_equal(header_of(server)->msgh_id, 9);
		if (who_leaves != 2) {
			assert_int_equal(poll_by(server, port), 0);
			assert_int_equal(header_of(server)->msgh_id, 2);
		}
		if (who_leaves != 1) {
			assert_int_equal(poll_by(server, port), 0);
			assert_int_equal(header_of(server)->msgh_id, 1);
		}
		assert_int_equal(poll_by(server, port), MACH_RCV_TIMED_OUT);
	}
}

/* What a message lends to the one who receives it. */
static void
test_lending(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t reply = port_in(client_task);
	mach_port_name_t service = right_to(server_task, port, client_task);
	struct urgent urgent = {
	    client, service, MACH_MSG_QOS_USER_INTERACTIVE, 1};

	(void)state;
	client->thread.priority = 50;
	client->thread.base_priority = 50;
	/* A call lends what the caller has; from the queue, too. */
	write_header(client, CALL_BITS, service, reply, 1);
	assert_false(
	    call_message(client, BOTH, HEADER_SIZE, reply, BUFFER_SIZE, 0));
	assert_int_equal(server->thread.priority, PRIORITY_USER);
	assert_int_equal(poll_by(server, port), MACH_MSG_SUCCESS);
	assert_int_equal(server->thread.priority, 50);
	write_header(server, MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0),
	    header_of(server)->msgh_remote_port, 0, 2);
	assert_int_equal(send_from(server, HEADER_SIZE), MACH_MSG_SUCCESS);
	assert_int_equal(client->value, MACH_MSG_SUCCESS);
	assert_int_equal(poll_by(server, port), MACH_RCV_TIMED_OUT);
	assert_int_equal(server->thread.priority, PRIORITY_USER);
	/* A message that is not a call lends nothing, */
	write_header(client, ONE_WAY_BITS, service, 0, 1);
	assert_int_equal(send_from(client, HEADER_SIZE), MACH_MSG_SUCCESS);
	assert_int_equal(poll_by(server, port), MACH_MSG_SUCCESS);
	assert_int_equal(server->thread.priority, PRIORITY_USER);
	/* but what was asked for it, */
	assert_true(host_call(client, send_urgent, &urgent));
	assert_int_equal(poll_by(server, port), MACH_MSG_SUCCESS);
	assert_int_equal(server->thread.priority, 46);
	/* which is never more than the sender has. */
	client->thread.priority = 33;
	client->thread.base_priority = 33;
	assert_false(
	    call_message(server, MACH_RCV_MSG, 0, port, BUFFER_SIZE, 0));
	assert_true(host_call(client, send_urgent, &urgent));
	assert_int_equal(server->value, MACH_MSG_SUCCESS);
	assert_int_equal(server->thread.priority, 33);
}

/* ---- many senders ---- */

/* A limit that is raised lets all in, some at once and some by the reaper. */
static void
test_many_senders(void **state)
{
	enum {
		MANY = 40
	};
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t service = right_to(server_task, port, client_task);
	struct sim_thread *sender[MANY];

	(void)state;
	set_limit(server_task, port, 0);
	for (int32_t i = 0; i < MANY; i++) {
		struct urgent urgent = {
		    sender[i] = sim_thread_create(client_task), service,
		    MACH_MSG_QOS_DEFAULT, i};

		assert_false(host_call(sender[i], send_urgent, &urgent));
	}
	host_check();
	set_limit(server_task, port, MANY);
	for (int32_t i = 0; i < MANY; i++) {
		assert_true(sender[i]->returned);
		assert_int_equal(poll_by(server, port), MACH_MSG_SUCCESS);
		assert_int_equal(header_of(server)->msgh_id, i);
	}
	/* And the death of the port wakes all. */
	set_limit(server_task, port, 0);
	for (int32_t i = 0; i < MANY; i++) {
		struct urgent urgent = {
		    sender[i], service, 1 + chance(MACH_MSG_QOS_LAST), i};

		assert_false(host_call(sender[i], send_urgent, &urgent));
	}
	assert_int_equal(
	    mach_port_destroy(space_of(server_task), port), KERN_SUCCESS);
	host_run();
	for (int i = 0; i < MANY; i++) {
		assert_true(sender[i]->returned);
		assert_int_equal(sender[i]->value, MACH_SEND_INVALID_DEST);
		sim_thread_end(sender[i]);
	}
}

/* ---- send-possible ---- */

static kern_return_t
ask(mach_port_name_t name, uint32_t sync, mach_port_name_t notify)
{
	struct port *to, *previous = NULL;
	mach_msg_type_name_t type;
	kern_return_t kr;

	kr = mach_port_extract_right(space_of(client_task), notify,
	    MACH_MSG_TYPE_MAKE_SEND_ONCE, &to, &type);
	assert_int_equal(kr, KERN_SUCCESS);
	kr = notify_request(space_of(client_task), name,
	    MACH_NOTIFY_SEND_POSSIBLE, sync, to, &previous);
	if (kr != KERN_SUCCESS)
		right_release_send_once(to);
	right_release_send_once(previous);
	host_run();
	host_check();
	return kr;
}

/* Where memory fails, nothing was asked; where it does not, it never does. */
static void
test_possible(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t notify = port_in(client_task);
	mach_port_name_t service = right_to(server_task, port, client_task);
	kern_return_t kr;
	uint64_t n = 0;

	(void)state;
	set_limit(server_task, port, 1);
	write_header(client, ONE_WAY_BITS, service, 0, 1);
	assert_int_equal(send_from(client, HEADER_SIZE), MACH_MSG_SUCCESS);
	do {
		host_fail(++n);
		kr = ask(service, 0, notify);
		host_fail(0);
		while (poll_by(client, notify) == MACH_MSG_SUCCESS)
			continue;
	} while (kr == KERN_RESOURCE_SHORTAGE);
	assert_int_equal(kr, KERN_SUCCESS);
	assert_true(n > 2);
	write_header(client, ONE_WAY_BITS, service, 0, 2);
	assert_true(call_message(client,
	    MACH_SEND_MSG | MACH_SEND_TIMEOUT | MACH_SEND_NOTIFY, HEADER_SIZE,
	    0, 0, 0));
	assert_int_equal(client->value, MACH_SEND_TIMED_OUT);
	assert_int_equal(poll_by(client, notify), MACH_RCV_TIMED_OUT);
	host_fail(2); /* the message received is there already */
	assert_int_equal(poll_by(server, port), MACH_MSG_SUCCESS);
	host_fail(0);
	assert_int_equal(poll_by(client, notify), MACH_MSG_SUCCESS);
	assert_int_equal(header_of(client)->msgh_id, MACH_NOTIFY_SEND_POSSIBLE);
}

/* With a limit of 0, room is a thread that waits for a message. */
static void
test_possible_without_queue(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t notify = port_in(client_task);
	mach_port_name_t service = right_to(server_task, port, client_task);

	(void)state;
	set_limit(server_task, port, 0);
	assert_int_equal(ask(service, 1, notify), KERN_SUCCESS);
	assert_int_equal(poll_by(client, notify), MACH_RCV_TIMED_OUT);
	assert_int_equal(poll_by(server, port), MACH_RCV_TIMED_OUT);
	assert_int_equal(poll_by(client, notify), MACH_RCV_TIMED_OUT);
	assert_false(
	    call_message(server, MACH_RCV_MSG, 0, port, BUFFER_SIZE, 0));
	assert_int_equal(poll_by(client, notify), MACH_MSG_SUCCESS);
	assert_int_equal(header_of(client)->msgh_id, MACH_NOTIFY_SEND_POSSIBLE);
	write_header(client, ONE_WAY_BITS, service, 0, 2);
	assert_int_equal(send_from(client, HEADER_SIZE), MACH_MSG_SUCCESS);
	assert_int_equal(server->value, MACH_MSG_SUCCESS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_queue_limit, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_limit_zero, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(test_order, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_order_of_senders, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_lending, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_many_senders, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_possible, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_possible_without_queue, stage_begin, stage_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
