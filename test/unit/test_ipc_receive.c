/*
 * test/unit/test_ipc_receive.c: receiving: trailers, sets, too large
 * messages.
 *
 * Sources: ipc test/unit/ipc_stage.c
 */
#include "ipc_stage.h"

#include <string.h>

#include <mach/notify.h>

#include "ipc/space.h"

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

/* Names are given when there is memory to say them in. */
static void
test_names_wait(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t reply = port_in(client_task);
	mach_port_name_t service = right_to(server_task, port, client_task);

	(void)state;
	for (unsigned absent = 1; absent < 8; absent++) {
		write_everything(service, reply, port_in(client_task));
		assert_int_equal(send_from(client, sizeof(struct everything)),
		    MACH_MSG_SUCCESS);
		host_absent = absent;
		call_message(server, MACH_RCV_MSG, 0, port, BUFFER_SIZE, 0);
		host_run();
		assert_int_equal(host_absent, 0);
		assert_int_equal(server->value, MACH_MSG_SUCCESS);
		check_everything(server_task, server, port);
	}
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

/* Of a set's members the one whose message does not fit is named, and the
 * message stays where it is. */
static void
test_large_in_set(void **state)
{
	mach_port_name_t a = port_in(server_task), b = port_in(server_task);
	mach_port_name_t to_b = right_to(server_task, b, client_task);
	uint32_t option = MACH_RCV_MSG | MACH_RCV_LARGE;
	mach_port_name_t set;

	(void)state;
	assert_int_equal(mach_port_allocate(space_of(server_task),
			     MACH_PORT_RIGHT_PORT_SET, &set),
	    KERN_SUCCESS);
	assert_int_equal(mach_port_insert_member(space_of(server_task), a, set),
	    KERN_SUCCESS);
	assert_int_equal(mach_port_insert_member(space_of(server_task), b, set),
	    KERN_SUCCESS);
	for (int waits = 0; waits < 2; waits++) {
		memset(header_of(server), 0x77, HEADER_SIZE);
		if (waits)
			assert_false(call_message(server,
			    option | MACH_RCV_LARGE_IDENTITY, 0, set, 99, 0));
		write_header(client, ONE_WAY_BITS, to_b, 0, 1);
		assert_int_equal(send_from(client, 92), MACH_MSG_SUCCESS);
		if (!waits)
			assert_true(call_message(server,
			    option | MACH_RCV_LARGE_IDENTITY, 0, set, 99, 0));
		assert_int_equal(server->value, MACH_RCV_TOO_LARGE);
		assert_int_equal(header_of(server)->msgh_size, 92);
		assert_int_equal(header_of(server)->msgh_local_port, b);
		assert_int_equal(header_of(server)->msgh_id, 0x77777777);
		/* Without the option who it was is not told. */
		memset(header_of(server), 0x77, HEADER_SIZE);
		assert_true(call_message(server, option, 0, set, 99, 0));
		assert_int_equal(server->value, MACH_RCV_TOO_LARGE);
		assert_int_equal(
		    header_of(server)->msgh_local_port, 0x77777777);
		assert_true(call_message(server, option, 0, set, 100, 0));
		assert_int_equal(server->value, MACH_MSG_SUCCESS);
		assert_int_equal(header_of(server)->msgh_id, 1);
	}
}

/* ---- what cannot be given ---- */

/* Names that the server may have more than now. */
static void
leave_names(uint32_t count)
{
	struct space *space = space_of(server_task);

	space->limit = space->count + count;
}

/* Without a name for the reply right, a header is all that arrives. */
static void
test_no_name_for_reply(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t reply = port_in(client_task);
	mach_port_name_t service = right_to(server_task, port, client_task);
	const mach_msg_header_t *header = header_of(server);
	const mach_msg_trailer_t *trailer = (const void *)(header + 1);

	(void)state;
	leave_names(0);
	write_everything(service, reply, port_in(client_task));
	assert_int_equal(
	    send_from(client, sizeof(struct everything)), MACH_MSG_SUCCESS);
	assert_int_equal(
	    poll_by(server, port), MACH_RCV_HEADER_ERROR | MACH_MSG_IPC_SPACE);
	assert_int_equal(header->msgh_size, HEADER_SIZE);
	assert_int_equal(header->msgh_local_port, port);
	assert_int_equal(header->msgh_remote_port, MACH_PORT_NULL);
	assert_int_equal(
	    header->msgh_bits, MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND));
	assert_int_equal(header->msgh_id, 300);
	assert_int_equal(trailer->msgh_trailer_size, sizeof(*trailer));
	host_run();
	host_check();
	assert_int_equal(poll_by(client, reply), MACH_MSG_SUCCESS);
	assert_int_equal(header_of(client)->msgh_id, MACH_NOTIFY_SEND_ONCE);
	assert_int_equal(poll_by(server, port), MACH_RCV_TIMED_OUT);
}

/* Without names for what is in the body, the rest of it arrives. */
static void
test_no_name_in_body(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t reply = port_in(client_task);
	mach_port_name_t service = right_to(server_task, port, client_task);
	const struct everything *all = buffer_at(server);
	const mach_port_name_t *names;

	(void)state;
	for (uint32_t left = 1; left < 3; left++) {
		leave_names(left);
		write_everything(service, reply, port_in(client_task));
		assert_int_equal(send_from(client, sizeof(struct everything)),
		    MACH_MSG_SUCCESS);
		assert_int_equal(poll_by(server, port),
		    MACH_RCV_BODY_ERROR | MACH_MSG_IPC_SPACE);
		assert_int_equal(MACH_PORT_VALID(all->port[0].name), left > 1);
		assert_int_equal(all->port[1].name, MACH_PORT_NULL);
		assert_int_equal(all->port[2].name, MACH_PORT_DEAD);
		/* Our own port needs no other name. */
		names = user_at(server_task, (uaddr_t)all->ports.address);
		assert_int_equal(names[1], port);
		assert_string_equal(
		    user_at(server_task, (uaddr_t)all->memory.address),
		    "out of line");
		assert_int_equal(all->words[1], 2);
		host_run();
		host_check();
	}
}

static void
test_no_memory_for_body(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t reply = port_in(client_task);
	mach_port_name_t service = right_to(server_task, port, client_task);
	const struct everything *all = buffer_at(server);

	(void)state;
	write_everything(service, reply, port_in(client_task));
	assert_int_equal(
	    send_from(client, sizeof(struct everything)), MACH_MSG_SUCCESS);
	host_map_full = true;
	assert_int_equal(
	    poll_by(server, port), MACH_RCV_BODY_ERROR | MACH_MSG_VM_SPACE);
	host_map_full = false;
	assert_null(all->memory.address);
	assert_int_equal(all->memory.size, 0);
	assert_null(all->ports.address);
	assert_int_equal(all->ports.count, 0);
	assert_true(MACH_PORT_VALID(all->port[0].name));
	assert_true(MACH_PORT_VALID(all->port[1].name));
	assert_int_equal(all->words[0], 1);
	host_check();
}

/* Each thing that can run out does so once while a message is received. */
static void
test_shortage(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t reply = port_in(client_task);
	mach_port_name_t service = right_to(server_task, port, client_task);
	uint32_t met = 0;
	uint64_t n = 0;

	(void)state;
	do {
		write_everything(service, reply, port_in(client_task));
		assert_int_equal(send_from(client, sizeof(struct everything)),
		    MACH_MSG_SUCCESS);
		host_fail(++n);
		(void)poll_by(server, port);
		met |= (uint32_t)server->value;
		if (server->value != MACH_MSG_SUCCESS)
			assert_int_equal(server->value & ~MACH_MSG_MASK,
			    MACH_RCV_BODY_ERROR);
	} while (host_failed());
	host_fail(0);
	assert_int_equal(server->value, MACH_MSG_SUCCESS);
	assert_true(met & MACH_MSG_VM_KERNEL);
}

/* References that can be counted no further stick. */
static void
test_references_stick(void **state)
{
	struct {
		mach_msg_base_t base;
		mach_msg_port_descriptor_t port;
	} *one = buffer_at(client);
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t extra = port_in(client_task);
	mach_port_name_t service = right_to(server_task, port, client_task);
	mach_port_name_t theirs = right_to(client_task, extra, server_task);
	mach_port_urefs_t urefs;

	(void)state;
	assert_int_equal(mach_port_mod_refs(space_of(server_task), theirs,
			     MACH_PORT_RIGHT_SEND, MACH_PORT_UREFS_MAX - 2),
	    KERN_SUCCESS);
	for (int i = 0; i < 3; i++) {
		write_header(client, ONE_WAY_BITS | MACH_MSGH_BITS_COMPLEX,
		    service, 0, 1);
		one->base.body.msgh_descriptor_count = 1;
		one->port = (mach_msg_port_descriptor_t){
		    .name = extra, .disposition = MACH_MSG_TYPE_MAKE_SEND};
		assert_int_equal(
		    send_from(client, sizeof(*one)), MACH_MSG_SUCCESS);
		assert_int_equal(poll_by(server, port), MACH_MSG_SUCCESS);
		assert_int_equal(mach_port_get_refs(space_of(server_task),
				     theirs, MACH_PORT_RIGHT_SEND, &urefs),
		    KERN_SUCCESS);
		assert_int_equal(urefs, MACH_PORT_UREFS_MAX);
		/* The space has one right, however often it was made. */
		assert_int_equal(
		    status_of(client_task, extra).mps_mscount, 2 + i);
	}
	assert_int_equal(
	    mach_port_deallocate(space_of(server_task), theirs), KERN_SUCCESS);
	assert_int_equal(mach_port_get_refs(space_of(server_task), theirs,
			     MACH_PORT_RIGHT_SEND, &urefs),
	    KERN_SUCCESS);
	assert_int_equal(urefs, MACH_PORT_UREFS_MAX);
}

/* Both are of use only where a message is sent. */
static void
test_vouchers(void **state)
{
	static const struct {
		uint32_t disposition;
		mach_port_name_t name;
		kern_return_t kr;
	} cases[] = {
	    {0, MACH_PORT_NULL, MACH_MSG_SUCCESS},
	    {0, 0x4711, MACH_MSG_SUCCESS},
	    {MACH_MSG_TYPE_MOVE_SEND, MACH_PORT_NULL, MACH_MSG_SUCCESS},
	    {MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, MACH_MSG_SUCCESS},
	    {MACH_MSG_TYPE_COPY_SEND, MACH_PORT_DEAD,
		MACH_SEND_INVALID_VOUCHER},
	    {MACH_MSG_TYPE_COPY_SEND, 0x4711, MACH_SEND_INVALID_VOUCHER},
	    {MACH_MSG_TYPE_MAKE_SEND, MACH_PORT_NULL,
		MACH_SEND_INVALID_VOUCHER},
	    {31, MACH_PORT_NULL, MACH_SEND_INVALID_VOUCHER},
	};
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t service = right_to(server_task, port, client_task);

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		write_header(client, ONE_WAY_BITS | cases[i].disposition << 16,
		    service, 0, 1);
		header_of(client)->msgh_voucher_port = cases[i].name;
		assert_int_equal(send_from(client, HEADER_SIZE), cases[i].kr);
		if (cases[i].kr != MACH_MSG_SUCCESS)
			continue;
		assert_int_equal(poll_by(server, port), MACH_MSG_SUCCESS);
		assert_int_equal(
		    header_of(server)->msgh_voucher_port, MACH_PORT_NULL);
		assert_int_equal(header_of(server)->msgh_bits,
		    MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND));
	}
}

/* Options that are accepted have no effect, those that are refused take
 * nothing. */
static void
test_options(void **state)
{
	static const uint32_t accepted[] = {MACH_SEND_ALWAYS,
	    MACH_SEND_FILTER_NONFATAL, MACH_SEND_TRAILER,
	    MACH_SEND_NOIMPORTANCE, MACH_SEND_IMPORTANCE,
	    MACH_SEND_SYNC_OVERRIDE, MACH_SEND_PROPAGATE_QOS, MACH_SEND_KERNEL,
	    MACH_SEND_SYNC_BOOTSTRAP_CHECKIN, MACH_SEND_NOTIFY,
	    MACH_SEND_INTERRUPT, MACH_SEND_OVERRIDE, MACH_MSG_STRICT_REPLY,
	    MACH_RCV_VOUCHER, MACH_RCV_GUARDED_DESC, MACH_RCV_SYNC_WAIT,
	    MACH_RCV_SYNC_PEEK, MACH_RCV_INTERRUPT, MACH_RCV_LARGE_IDENTITY};
	static const uint32_t refused[] = {MACH_RCV_TRAILER_ELEMENTS(5),
	    MACH_RCV_TRAILER_ELEMENTS(6), MACH_RCV_TRAILER_ELEMENTS(8),
	    MACH_RCV_TRAILER_ELEMENTS(15), MACH_RCV_TRAILER_TYPE(1),
	    MACH_RCV_TRAILER_TYPE(15U)};
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t service = right_to(server_task, port, client_task);

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(accepted); i++) {
		write_header(client, ONE_WAY_BITS, service, 0, (int32_t)i);
		assert_true(call_message(
		    client, MACH_SEND_MSG | accepted[i], HEADER_SIZE, 0, 0, 0));
		assert_int_equal(client->value, MACH_MSG_SUCCESS);
		assert_true(call_message(server, MACH_RCV_MSG | accepted[i], 0,
		    port, HEADER_SIZE + 8, 0));
		assert_int_equal(server->value, MACH_MSG_SUCCESS);
		assert_int_equal(header_of(server)->msgh_id, i);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(refused); i++) {
		write_header(client, ONE_WAY_BITS, service, 0, 1);
		assert_true(call_message(client, BOTH | refused[i], HEADER_SIZE,
		    port, BUFFER_SIZE, 0));
		assert_int_equal(client->value, MACH_RCV_INVALID_TRAILER);
		assert_int_equal(poll_by(server, port), MACH_RCV_TIMED_OUT);
	}
	/* Neither half. */
	assert_true(call_message(client, 0, 0, 0, 0, 0));
	assert_int_equal(client->value, MACH_MSG_SUCCESS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_large, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_names_wait, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_trailers, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(test_sets, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_large_in_set, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_right_leaves, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_no_name_for_reply, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_no_name_in_body, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_no_memory_for_body, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_shortage, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_references_stick, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_vouchers, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_options, stage_begin, stage_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
