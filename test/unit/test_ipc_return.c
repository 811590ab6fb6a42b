/*
 * test/unit/test_ipc_return.c: a send that fails after copying in.
 *
 * The message comes back, its rights as if they had been received: each kind of
 * descriptor, each way to fail.  Long because the kinds are many.
 *
 * Sources: ipc test/unit/ipc_stage.c
 */

#include "ipc_stage.h"

#include <string.h>

#include <mach/notify.h>

#include "ipc/space.h"

/* ---- what may be in a message ---- */

/* One kind of descriptor, and how it is sent. */
struct kind {
	const char *name;
	uint8_t type, disposition;
	bool deallocate;
	uint8_t copy;
};

#define RIGHT(disposition_)                                                    \
	{                                                                      \
		.name = #disposition_, .type = MACH_MSG_PORT_DESCRIPTOR,       \
		.disposition = MACH_MSG_TYPE_##disposition_                    \
	}
#define ARRAY(disposition_, deallocate_)                                       \
	{                                                                      \
		.name = "array of " #disposition_,                             \
		.type = MACH_MSG_OOL_PORTS_DESCRIPTOR,                         \
		.disposition = MACH_MSG_TYPE_##disposition_,                   \
		.deallocate = (deallocate_), .copy = MACH_MSG_VIRTUAL_COPY     \
	}
#define MEMORY(type_, deallocate_, copy_)                                      \
	{                                                                      \
		.name = #type_ " " #copy_, .type = MACH_MSG_##type_,           \
		.deallocate = (deallocate_), .copy = MACH_MSG_##copy_          \
	}

static const struct kind kinds[] = {
    RIGHT(MOVE_RECEIVE),
    RIGHT(MOVE_SEND),
    RIGHT(MOVE_SEND_ONCE),
    RIGHT(COPY_SEND),
    RIGHT(MAKE_SEND),
    RIGHT(MAKE_SEND_ONCE),
    ARRAY(MOVE_RECEIVE, false),
    ARRAY(MOVE_SEND, true),
    ARRAY(MOVE_SEND_ONCE, false),
    ARRAY(COPY_SEND, true),
    ARRAY(MAKE_SEND, false),
    ARRAY(MAKE_SEND_ONCE, true),
    MEMORY(OOL_DESCRIPTOR, false, PHYSICAL_COPY),
    MEMORY(OOL_DESCRIPTOR, false, VIRTUAL_COPY),
    MEMORY(OOL_DESCRIPTOR, true, PHYSICAL_COPY),
    MEMORY(OOL_DESCRIPTOR, true, VIRTUAL_COPY),
    MEMORY(OOL_VOLATILE_DESCRIPTOR, true, VIRTUAL_COPY),
    {.name = "guarded, may move", .type = MACH_MSG_GUARDED_PORT_DESCRIPTOR},
    {.name = "guarded, may not move",
	.type = MACH_MSG_GUARDED_PORT_DESCRIPTOR,
	.copy = MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE},
};
#define KINDS ARRAY_SIZE(kinds)

#define GUARD 0x6a7d5a17e5c0ffeeUL
/* Names of an array: a right, nothing, a dead one, another right. */
#define ARRAY_LENGTH 4

/* What was put into a message, and how it was counted. */
struct cargo {
	const struct kind *kind;
	struct port *port[ARRAY_LENGTH]; /* NULL: none, or dead */
	uint32_t send[ARRAY_LENGTH], send_once[ARRAY_LENGTH];
	mach_port_name_t name[ARRAY_LENGTH];
	uint32_t at; /* of its descriptor, in the buffer */
	uint32_t size;
};

static struct cargo cargo[64];
static unsigned cargo_count;
static uint32_t cargo_end; /* of the message */
static uaddr_t memory_end; /* of what is out of line */

static struct port *
port_named(mach_port_name_t name, mach_port_type_t *type, uint32_t *urefs)
{
	struct space *space = space_of(client_task);
	struct entry *entry;

	spin_lock(&space->lock);
	entry = space_lookup(space, name);
	spin_unlock(&space->lock);
	assert_non_null(entry);
	*type = entry->key & MACH_PORT_TYPE_ALL_RIGHTS;
	*urefs = entry->urefs;
	return entry->port;
}

/* A right to be sent as @disposition: one to the server's port, or one of our
 * own ports where it takes a receive right. */
static mach_port_name_t
right_for(uint32_t disposition)
{
	mach_port_name_t theirs, name;
	struct port *port;
	bool dead;

	if (disposition == MACH_MSG_TYPE_MOVE_RECEIVE ||
	    disposition == MACH_MSG_TYPE_MAKE_SEND ||
	    disposition == MACH_MSG_TYPE_MAKE_SEND_ONCE)
		return port_in(client_task);
	theirs = port_in(server_task);
	if (disposition != MACH_MSG_TYPE_MOVE_SEND_ONCE)
		return right_to(server_task, theirs, client_task);
	assert_int_equal(right_copyin(space_of(server_task), theirs,
			     MACH_MSG_TYPE_MAKE_SEND_ONCE, false, &port, &dead),
	    KERN_SUCCESS);
	assert_int_equal(right_copyout(space_of(client_task), port,
			     MACH_MSG_TYPE_PORT_SEND_ONCE, &name),
	    KERN_SUCCESS);
	return name;
}

static void
note_right(struct cargo *load, unsigned i, uint32_t disposition)
{
	mach_port_type_t type;
	uint32_t urefs;

	load->name[i] = right_for(disposition);
	load->port[i] = port_named(load->name[i], &type, &urefs);
	load->send[i] = load->port[i]->send_rights;
	load->send_once[i] = load->port[i]->send_once_rights;
}

static void *
add_descriptor(uint32_t size)
{
	void *descriptor = (uint8_t *)buffer_at(client) + cargo_end;

	memset(descriptor, 0x33, size);
	cargo_end += size;
	return descriptor;
}

static void
put_right(struct cargo *load)
{
	mach_msg_port_descriptor_t *port = add_descriptor(sizeof(*port));

	note_right(load, 0, load->kind->disposition);
	*port = (mach_msg_port_descriptor_t){
	    .name = load->name[0],
	    .disposition = load->kind->disposition,
	};
}

static void
put_guarded(struct cargo *load)
{
	mach_msg_guarded_port_descriptor_t *port =
	    add_descriptor(sizeof(*port));

	note_right(load, 0, MACH_MSG_TYPE_MOVE_RECEIVE);
	assert_int_equal(mach_port_guard_with_flags(space_of(client_task),
			     load->name[0], GUARD, false),
	    KERN_SUCCESS);
	*port = (mach_msg_guarded_port_descriptor_t){
	    .context = GUARD,
	    .flags = load->kind->copy,
	    .disposition = MACH_MSG_TYPE_MOVE_RECEIVE,
	    .type = MACH_MSG_GUARDED_PORT_DESCRIPTOR,
	    .name = load->name[0],
	};
}

static void
put_array(struct cargo *load)
{
	mach_msg_ool_ports_descriptor_t *ports = add_descriptor(sizeof(*ports));
	mach_port_name_t *names = user_at(client_task, memory_end);

	for (unsigned i = 0; i < ARRAY_LENGTH; i++) {
		if (i == 1)
			load->name[i] = MACH_PORT_NULL;
		else if (i == 2)
			load->name[i] = MACH_PORT_DEAD;
		else
			note_right(load, i, load->kind->disposition);
		names[i] = load->name[i];
	}
	*ports = (mach_msg_ool_ports_descriptor_t){
	    .address = (void *)memory_end,
	    .deallocate = load->kind->deallocate,
	    .copy = load->kind->copy,
	    .disposition = load->kind->disposition,
	    .type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
	    .count = ARRAY_LENGTH,
	};
	memory_end += 64;
}

static void
put_memory(struct cargo *load)
{
	mach_msg_ool_descriptor_t *memory = add_descriptor(sizeof(*memory));

	load->size = 1 + (uint32_t)(load - cargo) * 7 % 50;
	memset(user_at(client_task, memory_end), 'A' + (int)(load - cargo),
	    load->size);
	*memory = (mach_msg_ool_descriptor_t){
	    .address = (void *)memory_end,
	    .deallocate = load->kind->deallocate,
	    .copy = load->kind->copy,
	    .type = load->kind->type,
	    .size = load->size,
	};
	memory_end += 64;
}

static void
put(const struct kind *kind)
{
	struct cargo *load = &cargo[cargo_count++];

	*load = (struct cargo){.kind = kind, .at = cargo_end};
	switch (kind->type) {
	case MACH_MSG_PORT_DESCRIPTOR:
		put_right(load);
		break;
	case MACH_MSG_GUARDED_PORT_DESCRIPTOR:
		put_guarded(load);
		break;
	case MACH_MSG_OOL_PORTS_DESCRIPTOR:
		put_array(load);
		break;
	default:
		put_memory(load);
		break;
	}
}

static void
begin_message(mach_port_name_t service, mach_port_name_t reply)
{
	write_header(
	    client, CALL_BITS | MACH_MSGH_BITS_COMPLEX, service, reply, 70);
	cargo_count = 0;
	cargo_end = sizeof(mach_msg_base_t);
	memory_end = TEXT_AT;
}

static void
end_message(void)
{
	mach_msg_base_t *base = buffer_at(client);
	uint32_t *word = (void *)((uint8_t *)base + cargo_end);

	base->body.msgh_descriptor_count = cargo_count;
	*word = 0x12345678; /* a body behind the descriptors */
	cargo_end += sizeof(*word);
}

/* ---- is it all there again? ---- */

/* @name is the right that was sent, as one who receives it has it. */
static void
check_right(const struct cargo *load, unsigned i, uint32_t disposition,
    mach_port_name_t name)
{
	struct space *space = space_of(client_task);
	mach_port_type_t type;
	struct port *port;
	uint32_t urefs;

	port = port_named(name, &type, &urefs);
	assert_ptr_equal(port, load->port[i]);
	assert_int_equal(port->send_rights,
	    load->send[i] + (disposition == MACH_MSG_TYPE_MAKE_SEND));
	assert_int_equal(port->send_once_rights,
	    load->send_once[i] + (disposition == MACH_MSG_TYPE_MAKE_SEND_ONCE));
	switch (disposition) {
	case MACH_MSG_TYPE_MOVE_RECEIVE:
		assert_int_equal(type, MACH_PORT_TYPE_RECEIVE);
		break;
	case MACH_MSG_TYPE_MOVE_SEND:
		assert_int_equal(type, MACH_PORT_TYPE_SEND);
		assert_int_equal(urefs, 1);
		break;
	case MACH_MSG_TYPE_COPY_SEND:
		assert_int_equal(type, MACH_PORT_TYPE_SEND);
		assert_int_equal(name, load->name[i]);
		assert_int_equal(urefs, 2);
		break;
	case MACH_MSG_TYPE_MAKE_SEND:
		assert_int_equal(type, MACH_PORT_TYPE_SEND_RECEIVE);
		assert_int_equal(name, load->name[i]);
		assert_int_equal(urefs, 1);
		break;
	default:
		assert_int_equal(type, MACH_PORT_TYPE_SEND_ONCE);
		break;
	}
	assert_int_equal(mach_port_destroy(space, name), KERN_SUCCESS);
}

static void
check_returned_right(const struct cargo *load, const void *descriptor)
{
	const mach_msg_port_descriptor_t *port = descriptor;

	assert_int_equal(port->type, MACH_MSG_PORT_DESCRIPTOR);
	assert_int_equal(
	    port->disposition, right_received_type(load->kind->disposition));
	check_right(load, 0, load->kind->disposition, port->name);
}

static void
check_returned_guarded(const struct cargo *load, const void *descriptor)
{
	const mach_msg_guarded_port_descriptor_t *port = descriptor;

	assert_int_equal(port->type, MACH_MSG_GUARDED_PORT_DESCRIPTOR);
	assert_int_equal(port->disposition, MACH_MSG_TYPE_PORT_RECEIVE);
	if (port->context != 0)
		assert_int_equal(mach_port_unguard(space_of(client_task),
				     port->name, port->context),
		    KERN_SUCCESS);
	check_right(load, 0, MACH_MSG_TYPE_MOVE_RECEIVE, port->name);
}

static void
check_returned_array(const struct cargo *load, const void *descriptor)
{
	const mach_msg_ool_ports_descriptor_t *ports = descriptor;
	const mach_port_name_t *names =
	    user_at(client_task, (uaddr_t)ports->address);

	assert_int_equal(ports->type, MACH_MSG_OOL_PORTS_DESCRIPTOR);
	assert_int_equal(ports->count, ARRAY_LENGTH);
	assert_true(ports->deallocate);
	assert_int_equal(
	    ports->disposition, right_received_type(load->kind->disposition));
	assert_int_equal(names[1], MACH_PORT_NULL);
	assert_int_equal(names[2], MACH_PORT_DEAD);
	check_right(load, 0, load->kind->disposition, names[0]);
	check_right(load, 3, load->kind->disposition, names[3]);
}

static void
check_returned_memory(const struct cargo *load, const void *descriptor)
{
	const mach_msg_ool_descriptor_t *memory = descriptor;
	const char *bytes = user_at(client_task, (uaddr_t)memory->address);

	assert_int_equal(memory->type, load->kind->type);
	assert_int_equal(memory->size, load->size);
	assert_true(memory->deallocate);
	for (uint32_t i = 0; i < load->size; i++)
		assert_int_equal(bytes[i], 'A' + (load - cargo));
}

static void
check_returned(const struct cargo *load)
{
	const void *descriptor = (uint8_t *)buffer_at(client) + load->at;

	switch (load->kind->type) {
	case MACH_MSG_PORT_DESCRIPTOR:
		check_returned_right(load, descriptor);
		break;
	case MACH_MSG_GUARDED_PORT_DESCRIPTOR:
		check_returned_guarded(load, descriptor);
		break;
	case MACH_MSG_OOL_PORTS_DESCRIPTOR:
		check_returned_array(load, descriptor);
		break;
	default:
		check_returned_memory(load, descriptor);
		break;
	}
}

/* ---- the ways in which a send fails ---- */

enum failure {
	POLLED,	 /* there was no room */
	EXPIRED, /* nor for a while */
	ABORTED, /* somebody did not let us wait */
	DIED,	 /* the port died meanwhile */
	FAILURES
};

static kern_return_t
fail_to_send(enum failure failure, mach_port_name_t port)
{
	uint32_t option = MACH_SEND_MSG;

	if (failure == POLLED || failure == EXPIRED)
		option |= MACH_SEND_TIMEOUT;
	assert_int_equal(call_message(client, option, cargo_end, 0, 0,
			     failure == EXPIRED ? 10 : 0),
	    failure == POLLED);
	if (failure == EXPIRED)
		host_expire(client);
	if (failure == ABORTED)
		host_abort(client);
	if (failure == DIED)
		assert_int_equal(mach_port_destroy(space_of(server_task), port),
		    KERN_SUCCESS);
	host_run();
	host_check();
	assert_true(client->returned);
	return (kern_return_t)client->value;
}

static const kern_return_t code_of[FAILURES] = {
    [POLLED] = MACH_SEND_TIMED_OUT,
    [EXPIRED] = MACH_SEND_TIMED_OUT,
    [ABORTED] = MACH_SEND_INTERRUPTED,
    [DIED] = MACH_SEND_INVALID_DEST,
};

/* The header's two rights are there again, and are given up now. */
static void
check_header(enum failure failure, mach_port_name_t service,
    mach_port_name_t reply, const struct port *port)
{
	struct space *space = space_of(client_task);
	const mach_msg_header_t *header = header_of(client);
	mach_port_urefs_t urefs;
	mach_port_type_t type;

	assert_int_equal(header->msgh_bits,
	    MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND,
					 MACH_MSG_TYPE_PORT_SEND_ONCE));
	assert_int_equal(header->msgh_size, cargo_end);
	assert_int_equal(header->msgh_id, 70);
	if (failure == DIED) {
		assert_int_equal(header->msgh_remote_port, MACH_PORT_DEAD);
	} else {
		assert_int_equal(header->msgh_remote_port, service);
		assert_int_equal(mach_port_get_refs(space, service,
				     MACH_PORT_RIGHT_SEND, &urefs),
		    KERN_SUCCESS);
		assert_int_equal(urefs, 2);
	}
	assert_ptr_equal(
	    port_named(header->msgh_local_port, &type, &urefs), port);
	assert_int_equal(type, MACH_PORT_TYPE_SEND_ONCE);
	assert_int_equal(
	    mach_port_destroy(space, header->msgh_local_port), KERN_SUCCESS);
	host_run();
	assert_int_equal(poll_by(client, reply), MACH_MSG_SUCCESS);
	assert_int_equal(header_of(client)->msgh_id, MACH_NOTIFY_SEND_ONCE);
}

/* Send what was put together, in vain, and look at what comes back. */
static void
send_in_vain(enum failure failure, mach_port_name_t port,
    mach_port_name_t service, mach_port_name_t reply)
{
	const struct port *answer;
	mach_port_type_t type;
	uint32_t urefs, word;

	end_message();
	answer = port_named(reply, &type, &urefs);
	assert_int_equal(fail_to_send(failure, port), code_of[failure]);
	memcpy(&word, (uint8_t *)buffer_at(client) + cargo_end - 4, 4);
	assert_int_equal(word, 0x12345678);
	for (unsigned i = 0; i < cargo_count; i++)
		check_returned(&cargo[i]);
	check_header(failure, service, reply, answer);
	assert_int_equal(
	    mach_port_destroy(space_of(client_task), service), KERN_SUCCESS);
	host_run();
	host_check();
}

static void
each_kind(enum failure failure)
{
	mach_port_name_t reply = port_in(client_task);

	for (unsigned i = 0; i < KINDS; i++) {
		mach_port_name_t port = port_in(server_task);
		mach_port_name_t service =
		    right_to(server_task, port, client_task);

		set_limit(server_task, port, 0);
		begin_message(service, reply);
		put(&kinds[i]);
		send_in_vain(failure, port, service, reply);
	}
}

/* All kinds in one message, in several orders, in small steps. */
static void
mixes(enum failure failure)
{
	mach_port_name_t reply = port_in(client_task);

	for (unsigned turn = 0; turn < 2 * KINDS; turn++) {
		mach_port_name_t port = port_in(server_task);
		mach_port_name_t service =
		    right_to(server_task, port, client_task);

		set_limit(server_task, port, 0);
		begin_message(service, reply);
		for (unsigned i = 0; i < 2 * KINDS; i++)
			put(&kinds[(turn + i * (1 + turn % 7)) % KINDS]);
		host_yield_every(turn % 4);
		send_in_vain(failure, port, service, reply);
		host_yield_every(0);
	}
}

static void
test_polled(void **state)
{
	(void)state;
	each_kind(POLLED);
	mixes(POLLED);
}

static void
test_expired(void **state)
{
	(void)state;
	each_kind(EXPIRED);
	mixes(EXPIRED);
}

static void
test_aborted(void **state)
{
	(void)state;
	each_kind(ABORTED);
	mixes(ABORTED);
}

static void
test_died(void **state)
{
	(void)state;
	each_kind(DIED);
	mixes(DIED);
}

/* Where there is no memory for giving it back, the code says so as well, and
 * nothing is lost count of. */
static void
test_no_memory_to_return(void **state)
{
	mach_port_name_t reply = port_in(client_task);
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t service = right_to(server_task, port, client_task);
	uint32_t met = 0;
	uint64_t n = 0;

	(void)state;
	set_limit(server_task, port, 0);
	do {
		begin_message(service, reply);
		for (unsigned i = 0; i < KINDS; i++)
			put(&kinds[i]);
		end_message();
		assert_false(
		    call_message(client, MACH_SEND_MSG, cargo_end, 0, 0, 0));
		host_fail(++n);
		host_abort(client);
		host_check();
		assert_true(client->returned);
		assert_int_equal(
		    client->value & ~MACH_MSG_MASK, MACH_SEND_INTERRUPTED);
		met |= client->value & MACH_MSG_MASK;
	} while (host_failed());
	host_fail(0);
	assert_true(n > 6);
	assert_true(met & MACH_MSG_VM_KERNEL);
}

/* A buffer that went away while its message waited changes nothing else. */
static void
test_nowhere_to_return(void **state)
{
	mach_port_name_t reply = port_in(client_task);
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t service = right_to(server_task, port, client_task);

	(void)state;
	set_limit(server_task, port, 0);
	begin_message(service, reply);
	put(&kinds[0]);
	end_message();
	assert_false(call_message(client, MACH_SEND_MSG, cargo_end, 0, 0, 0));
	client->thread.send.buffer = USER_START + USER_SIZE;
	host_abort(client);
	assert_int_equal(client->value, MACH_SEND_INTERRUPTED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_polled, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_expired, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_aborted, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(test_died, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_no_memory_to_return, stage_begin, stage_end),
	    cmocka_unit_test_setup_teardown(
		test_nowhere_to_return, stage_begin, stage_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
