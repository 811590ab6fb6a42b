/*
 * test/unit/test_ipc_leaving.c: waiters whose wait is over, but who stand in a
 * queue still; and more waiters than one message can be offered to at once.
 *
 * Sources: ipc test/unit/ipc_stage.c
 */
#include "ipc_stage.h"

#include "ipc/pset.h"
#include "kernel/sched.h"

enum {
	MANY = 200,
	SMALL = 40, /* bytes of buffer: no room for a message of LARGE */
	LARGE = 400
};

static struct sim_thread *crowd[MANY];

static void
gather(struct sim_task *task)
{
	for (int i = 0; i < MANY; i++)
		crowd[i] = sim_thread_create(task);
}

static void
scatter(void)
{
	for (int i = 0; i < MANY; i++)
		sim_thread_end(crowd[i]);
	host_check();
}

/* As a deadline ends its wait, on a hart that is busy with something else. */
static void
begin_to_leave(struct sim_thread *thread)
{
	assert_true(thread_claim(&thread->thread, KERN_OPERATION_TIMED_OUT));
}

static void
go_on_leaving(struct sim_thread *thread)
{
	sched_wake(&thread->thread);
	host_run();
}

/* As call_message(), but who is leaving is not counted anywhere. */
static bool
call_among(struct sim_thread *thread, uint32_t option, uint32_t send_size,
    mach_port_name_t rcv_name, uint32_t rcv_size)
{
	struct arguments a = {
	    .buffer = buffer_of(thread),
	    .option = option,
	    .send_size = send_size,
	    .rcv_size = rcv_size,
	    .rcv_name = rcv_name,
	};

	return host_call(thread, trap_message, &a);
}

static bool
send_among(struct sim_thread *thread, mach_port_name_t to, uint32_t size)
{
	write_header(thread, ONE_WAY_BITS, to, 0, (int32_t)size);
	return call_among(thread, MACH_SEND_MSG, size, 0, 0);
}

static bool
receive_among(
    struct sim_thread *thread, mach_port_name_t name, uint32_t rcv_size)
{
	return call_among(
	    thread, MACH_RCV_MSG | MACH_RCV_LARGE, 0, name, rcv_size);
}

/* A port, or a set with a port in it, of the server's. */
static mach_port_name_t
place(mach_port_name_t port, bool in_set)
{
	mach_port_name_t set;

	if (!in_set)
		return port;
	assert_int_equal(mach_port_allocate(space_of(server_task),
			     MACH_PORT_RIGHT_PORT_SET, &set),
	    KERN_SUCCESS);
	assert_int_equal(
	    mach_port_insert_member(space_of(server_task), port, set),
	    KERN_SUCCESS);
	return set;
}

/* ---- senders ---- */

/* The first message would fit, but is no more: the next stays, if it is too
 * large and that was asked for. */
static void
test_large_behind_one_that_leaves(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t service = right_to(server_task, port, client_task);

	(void)state;
	set_limit(server_task, port, 0);
	assert_false(send_among(client, service, HEADER_SIZE));
	assert_false(send_among(third, service, LARGE));
	begin_to_leave(client);
	assert_true(receive_among(server, port, SMALL));
	assert_int_equal(server->value, MACH_RCV_TOO_LARGE);
	assert_false(third->returned);
	go_on_leaving(client);
	assert_int_equal(client->value, MACH_SEND_TIMED_OUT);
	host_check();
	assert_int_equal(poll_by(server, port), MACH_MSG_SUCCESS);
	assert_int_equal(header_of(server)->msgh_id, LARGE);
	assert_true(third->returned);
}

/* However many are leaving, who is behind them is found. */
static void
test_many_senders_leave(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t service = right_to(server_task, port, client_task);

	(void)state;
	for (uint32_t limit = 0; limit < 2; limit++) {
		set_limit(server_task, port, 0);
		gather(client_task);
		for (int i = 0; i < MANY; i++)
			assert_false(
			    send_among(crowd[i], service, HEADER_SIZE));
		assert_false(send_among(client, service, LARGE));
		for (int i = 0; i < MANY; i++)
			begin_to_leave(crowd[i]);
		if (limit != 0) {
			set_limit(server_task, port, limit);
			host_run();
			assert_true(client->returned);
		}
		assert_true(receive_among(server, port, BUFFER_SIZE));
		assert_int_equal(server->value, MACH_MSG_SUCCESS);
		assert_int_equal(header_of(server)->msgh_id, LARGE);
		assert_true(client->returned);
		for (int i = 0; i < MANY; i++)
			go_on_leaving(crowd[i]);
		scatter();
	}
}

/* The same where each has a port of its own, all in one set: who looks at them
 * gives way in between. */
static void
test_many_members_empty(void **state)
{
	mach_port_name_t set, port = 0, service;
	unsigned before;

	(void)state;
	assert_int_equal(mach_port_allocate(space_of(server_task),
			     MACH_PORT_RIGHT_PORT_SET, &set),
	    KERN_SUCCESS);
	gather(client_task);
	for (int i = 0; i <= MANY; i++) {
		port = port_in(server_task);
		service = right_to(server_task, port, client_task);
		set_limit(server_task, port, i < MANY ? 0 : 1);
		assert_int_equal(
		    mach_port_insert_member(space_of(server_task), port, set),
		    KERN_SUCCESS);
		assert_int_equal(send_among(i < MANY ? crowd[i] : client,
				     service, HEADER_SIZE),
		    i == MANY);
	}
	for (int i = 0; i < MANY; i++)
		begin_to_leave(crowd[i]);
	before = host_yields;
	assert_true(receive_among(server, set, BUFFER_SIZE));
	assert_int_equal(server->value, MACH_MSG_SUCCESS);
	assert_int_equal(header_of(server)->msgh_local_port, port);
	assert_in_range(host_yields - before, 4, MANY);
	for (int i = 0; i < MANY; i++)
		go_on_leaving(crowd[i]);
	scatter();
}

/* ---- receivers ---- */

/* Who was sent to look again, and finds that there is no such place any more,
 * hears what became of it. */
static void
test_look_again_too_late(void **state)
{
	(void)state;
	for (int in_set = 0; in_set < 2; in_set++) {
		mach_port_name_t port = port_in(server_task);
		mach_port_name_t from = place(port, in_set != 0);

		assert_false(receive_among(server, from, BUFFER_SIZE));
		assert_true(thread_claim(&server->thread, RECEIVE_LOOK_AGAIN));
		assert_int_equal(
		    mach_port_destroy(space_of(server_task), from), 0);
		go_on_leaving(server);
		assert_true(server->returned);
		assert_int_equal(server->value, MACH_RCV_PORT_DIED);
	}
}

/* The right has gone to somebody else. */
static void
test_look_again_elsewhere(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_msg_type_name_t type;
	struct port *moved;

	(void)state;
	assert_false(receive_among(server, port, BUFFER_SIZE));
	assert_true(thread_claim(&server->thread, RECEIVE_LOOK_AGAIN));
	assert_int_equal(mach_port_extract_right(space_of(server_task), port,
			     MACH_MSG_TYPE_MOVE_RECEIVE, &moved, &type),
	    KERN_SUCCESS);
	go_on_leaving(server);
	assert_int_equal(server->value, MACH_RCV_PORT_CHANGED);
	right_release(moved, type);
	host_run();
}

/* A wait that begins anew ends when it would have ended. */
static void
test_deadline_stays(void **state)
{
	(void)state;
	for (int in_set = 0; in_set < 2; in_set++) {
		mach_port_name_t port = port_in(server_task);
		mach_port_name_t from = place(port, in_set != 0);
		struct arguments a = {
		    .buffer = buffer_of(server),
		    .option = MACH_RCV_MSG | MACH_RCV_TIMEOUT,
		    .rcv_size = BUFFER_SIZE,
		    .rcv_name = from,
		    .timeout = 50,
		};

		assert_false(host_call(server, trap_message, &a));
		assert_int_equal(host_deadline, host_time + 50);
		host_time += 20;
		host_deadline = 0;
		assert_true(thread_claim(&server->thread, RECEIVE_LOOK_AGAIN));
		go_on_leaving(server);
		assert_false(server->returned);
		assert_int_equal(host_deadline, host_time + 30);
		host_expire(server);
		assert_int_equal(server->value, MACH_RCV_TIMED_OUT);
		assert_false(host_call(server, trap_message, &a));
		assert_int_equal(host_deadline, host_time + 50);
		host_expire(server);
	}
}

struct offer {
	mach_port_name_t to;
	int woken; /* of the crowd, when the send was over */
};

static int64_t
send_and_count(void *argument)
{
	struct offer *offer = argument;
	int64_t result;

	write_header(client, ONE_WAY_BITS, offer->to, 0, LARGE);
	result =
	    mach_msg_trap(buffer_of(client), MACH_SEND_MSG, LARGE, 0, 0, 0, 0);
	offer->woken = 0;
	for (int i = 0; i < MANY; i++)
		offer->woken += crowd[i]->thread.state == THREAD_RUNNABLE;
	return result;
}

/* Many have too little room: all hear of it, the sender is not held up for
 * that, and who has room gets the message. */
static void
test_many_too_small(void **state)
{
	(void)state;
	for (int in_set = 0; in_set < 2; in_set++) {
		mach_port_name_t port = port_in(server_task);
		mach_port_name_t from = place(port, in_set != 0);
		struct offer offer = {
		    .to = right_to(server_task, port, client_task)};

		gather(server_task);
		for (int i = 0; i < MANY; i++)
			assert_false(receive_among(crowd[i], from, SMALL));
		assert_false(receive_among(server, from, BUFFER_SIZE));
		host_check();
		assert_true(host_call(client, send_and_count, &offer));
		assert_int_equal(client->value, MACH_MSG_SUCCESS);
		assert_in_range(offer.woken, 1, 64);
		assert_true(server->returned);
		assert_int_equal(server->value, MACH_MSG_SUCCESS);
		assert_int_equal(header_of(server)->msgh_id, LARGE);
		for (int i = 0; i < MANY; i++) {
			if (!crowd[i]->returned)
				host_abort(crowd[i]);
			else
				assert_int_equal(
				    crowd[i]->value, MACH_RCV_TOO_LARGE);
		}
		scatter();
		assert_int_equal(
		    mach_port_destroy(space_of(server_task), from), 0);
	}
}

/* Many are leaving: the one behind them gets the message, at the latest when
 * they have left. */
static void
test_many_receivers_leave(void **state)
{
	(void)state;
	for (int how = 0; how < 3; how++) {
		mach_port_name_t port = port_in(server_task);
		mach_port_name_t service =
		    right_to(server_task, port, client_task);
		mach_port_name_t from = place(port, how > 0);

		gather(server_task);
		if (how == 2)
			assert_int_equal(mach_port_extract_member(
					     space_of(server_task), port, from),
			    KERN_SUCCESS);
		for (int i = 0; i < MANY; i++)
			assert_false(receive_among(crowd[i], from, SMALL));
		assert_false(receive_among(server, from, BUFFER_SIZE));
		for (int i = 0; i < MANY; i++)
			begin_to_leave(crowd[i]);
		assert_true(send_among(client, service, LARGE));
		if (how == 2)
			assert_int_equal(mach_port_insert_member(
					     space_of(server_task), port, from),
			    KERN_SUCCESS);
		for (int i = 0; i < MANY; i++)
			go_on_leaving(crowd[i]);
		assert_true(server->returned);
		assert_int_equal(header_of(server)->msgh_id, LARGE);
		for (int i = 0; i < MANY; i++)
			assert_int_equal(crowd[i]->value, MACH_RCV_TIMED_OUT);
		scatter();
		assert_int_equal(
		    mach_port_destroy(space_of(server_task), from), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_large_behind_one_that_leaves, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_many_senders_leave, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_many_members_empty, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_look_again_too_late, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_look_again_elsewhere, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_deadline_stays, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_many_too_small, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_many_receivers_leave, stage_begin, stage_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
