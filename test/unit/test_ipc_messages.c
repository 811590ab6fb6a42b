/*
 * test/unit/test_ipc_messages.c: mach_msg() between simulated threads.
 *
 * Long because each promise of mach_msg() has its case here, on one stage.
 *
 * After each step all rights and references are counted; after each test
 * nothing may be left.  The last tests do a conversation that uses everything
 * over and over, with each allocation in it failing once, and with a
 * preemption at each point where one is possible.
 *
 * Sources: ipc/port.c ipc/space.c ipc/entry.c ipc/right.c ipc/right_copy.c
 * Sources: ipc/mqueue.c ipc/pset.c ipc/kmsg.c ipc/notify.c kernel/reaper.c
 * Sources: ipc/notify_request.c ipc/mach_port.c ipc/mach_port_info.c
 * Sources: ipc/mach_port_guard.c ipc/peek.c
 * Sources: ipc/message.c ipc/copyin.c ipc/copyout.c ipc/ool.c ipc/fast.c
 * Sources: ipc/fast_state.c ipc/call.c ipc/kserver.c ipc/port_server.c
 * Sources: ipc/port_traps.c
 * Sources: ipc/exception.c kernel/lock.c test/unit/ipc_host.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <mach/notify.h>
#include <mach/mig_errors.h>
#include <mach/routine_ids.h>

#include "ipc/kmsg.h"
#include "ipc/mach_port.h"
#include "ipc/message.h"
#include "ipc/right.h"
#include "ipc/traps.h"
#include "ipc_host.h"
#include "kernel/cpu.h"

static struct sim_task *client_task, *server_task;
static struct sim_thread *client, *server, *third;

static struct space *
space_of(struct sim_task *task)
{
	return task->task.space;
}

static int
begin(void **state)
{
	(void)state;
	host_ipc_start();
	ipc_fast_enabled = false;
	client_task = sim_task_create();
	server_task = sim_task_create();
	client = sim_thread_create(client_task);
	server = sim_thread_create(server_task);
	third = sim_thread_create(client_task);
	return 0;
}

static void
end_wait(struct sim_thread *thread)
{
	if (thread_is_waiting(&thread->thread))
		host_abort(thread);
	sim_thread_end(thread);
}

static int
end(void **state)
{
	(void)state;
	host_fail(0);
	end_wait(client);
	end_wait(server);
	end_wait(third);
	host_check();
	sim_task_end(client_task);
	sim_task_end(server_task);
	assert_int_equal(host_live(), 0);
	return 0;
}

/* ---- calls ---- */

struct arguments {
	uaddr_t buffer;
	uint32_t option, send_size, rcv_size;
	mach_port_name_t rcv_name;
	uint32_t timeout;
};

static int64_t
trap(void *argument)
{
	const struct arguments *a = argument;

	return mach_msg_trap(a->buffer, a->option, a->send_size, a->rcv_size,
	    a->rcv_name, a->timeout, 0);
}

/* The same as libmach does it, with the header in registers. */
static int64_t
trap2(void *argument)
{
	const struct arguments *a = argument;
	struct sim_task *task =
	    container_of(current_thread()->task, struct sim_task, task);
	const mach_msg_header_t *header = user_at(task, a->buffer);

	return mach_msg2_trap(a->buffer, a->option,
	    header->msgh_bits | (uint64_t)a->send_size << 32,
	    header->msgh_remote_port | (uint64_t)header->msgh_local_port << 32,
	    header->msgh_voucher_port | (uint64_t)header->msgh_id << 32,
	    (uint64_t)a->rcv_name << 32, a->rcv_size, a->timeout);
}

/* Bytes of a buffer; every thread has its own. */
#define BUFFER_SIZE 0x8000

static uaddr_t
buffer_of(struct sim_thread *thread)
{
	if (thread == client)
		return USER_START;
	return thread == server ? USER_START : USER_START + BUFFER_SIZE;
}

static void *
at(struct sim_thread *thread)
{
	struct sim_task *task =
	    container_of(thread->thread.task, struct sim_task, task);

	return user_at(task, buffer_of(thread));
}

static mach_msg_header_t *
header(struct sim_thread *thread)
{
	return at(thread);
}

static void
write_header(struct sim_thread *thread, uint32_t bits, mach_port_name_t remote,
    mach_port_name_t local, int32_t id)
{
	*header(thread) = (mach_msg_header_t){
	    .msgh_bits = bits,
	    .msgh_remote_port = remote,
	    .msgh_local_port = local,
	    .msgh_id = id,
	};
}

static bool use_trap2;

static bool
message(struct sim_thread *thread, uint32_t option, uint32_t send_size,
    mach_port_name_t rcv_name, uint32_t rcv_size, uint32_t timeout)
{
	struct arguments a = {
	    .buffer = buffer_of(thread),
	    .option = option,
	    .send_size = send_size,
	    .rcv_size = rcv_size,
	    .rcv_name = rcv_name,
	    .timeout = timeout,
	};
	bool returned = host_call(thread, use_trap2 ? trap2 : trap, &a);

	host_check();
	return returned;
}

/* Send what is in the buffer; it must not wait. */
static kern_return_t
send(struct sim_thread *thread, uint32_t size)
{
	assert_true(message(thread, MACH_SEND_MSG, size, 0, 0, 0));
	return (kern_return_t)thread->value;
}

static kern_return_t
poll(struct sim_thread *thread, mach_port_name_t name)
{
	assert_true(message(
	    thread, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, name, BUFFER_SIZE, 0));
	return (kern_return_t)thread->value;
}

/* ---- rights ---- */

static mach_port_name_t
port_in(struct sim_task *task)
{
	mach_port_name_t name;

	assert_int_equal(
	    mach_port_allocate(space_of(task), MACH_PORT_RIGHT_RECEIVE, &name),
	    KERN_SUCCESS);
	return name;
}

/* A send right to @task's port, in @to. */
static mach_port_name_t
right_to(struct sim_task *task, mach_port_name_t name, struct sim_task *to)
{
	struct port *port;
	mach_port_name_t sent;
	bool dead;

	assert_int_equal(right_copyin(space_of(task), name,
			     MACH_MSG_TYPE_MAKE_SEND, false, &port, &dead),
	    KERN_SUCCESS);
	assert_int_equal(
	    right_copyout(space_of(to), port, MACH_MSG_TYPE_PORT_SEND, &sent),
	    KERN_SUCCESS);
	return sent;
}

static void
set_limit(struct sim_task *task, mach_port_name_t name, uint32_t limit)
{
	assert_int_equal(mach_port_set_attributes(space_of(task), name,
			     MACH_PORT_LIMITS_INFO, &limit, 1),
	    KERN_SUCCESS);
	host_run();
}

static mach_port_status_t
status(struct sim_task *task, mach_port_name_t name)
{
	mach_port_status_t status;
	uint32_t count = MACH_PORT_RECEIVE_STATUS_COUNT;

	assert_int_equal(
	    mach_port_get_attributes(space_of(task), name,
		MACH_PORT_RECEIVE_STATUS, (uint32_t *)&status, &count),
	    KERN_SUCCESS);
	return status;
}

#define CALL_BITS                                                              \
	MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE)
#define ONE_WAY_BITS MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0)
#define BOTH	     (MACH_SEND_MSG | MACH_RCV_MSG)

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
	memset(header(client) + 1, 'q', size);
	assert_false(message(client, BOTH, total, reply, BUFFER_SIZE, 0));
	assert_true(server->returned);
	assert_int_equal(server->value, MACH_MSG_SUCCESS);
	seen = *header(server);
	assert_int_equal(seen.msgh_size, total);
	assert_int_equal(seen.msgh_id, 100);
	assert_int_equal(seen.msgh_local_port, port);
	for (uint32_t i = 0; i < size; i++)
		assert_int_equal(((char *)(header(server) + 1))[i], 'q');
	trailer = (void *)((char *)header(server) + total);
	assert_int_equal(trailer->msgh_trailer_type, 0);
	assert_int_equal(trailer->msgh_trailer_size, 8);

	write_header(server, MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0),
	    seen.msgh_remote_port, 0, 200);
	memset(header(server) + 1, 'a', size);
	assert_false(message(server, BOTH, total, port, BUFFER_SIZE, 0));
	assert_true(client->returned);
	assert_int_equal(client->value, MACH_MSG_SUCCESS);
	assert_int_equal(header(client)->msgh_id, 200);
	assert_int_equal(header(client)->msgh_local_port, reply);
	assert_int_equal(header(client)->msgh_remote_port, MACH_PORT_NULL);
	assert_int_equal(header(client)->msgh_bits,
	    MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE));
	for (uint32_t i = 0; i < size; i++)
		assert_int_equal(((char *)(header(client) + 1))[i], 'a');
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
	assert_false(message(server, MACH_RCV_MSG, 0, port, BUFFER_SIZE, 0));
	for (uint32_t size = 0; size <= 4096; size = size * 2 + 4)
		(void)round_trip(service, port, reply, size);
	assert_true(cpus[0].counters.handed_off > before);
	assert_int_equal(status(client_task, reply).mps_sorights, 0);
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
	assert_false(message(server, MACH_RCV_MSG, 0, port, BUFFER_SIZE, 0));
	for (uint32_t size = 0; size <= 60; size += 4) {
		ipc_fast_enabled = false;
		general = round_trip(service, port, reply, size);
		ipc_fast_enabled = true;
		for (unsigned i = 0; i < 300; i++)
			fast = round_trip(service, port, reply, size);
		assert_int_equal(general.msgh_bits, fast.msgh_bits);
		assert_int_equal(status(client_task, reply).mps_sorights, 0);
		assert_int_equal(
		    status(server_task, port).mps_seqno, (size / 4 + 1) * 301);
	}
	/* What is remembered is not believed. */
	assert_int_equal(
	    mach_port_deallocate(space_of(client_task), service), KERN_SUCCESS);
	write_header(client, CALL_BITS, service, reply, 100);
	assert_true(message(client, BOTH, HEADER_SIZE, reply, BUFFER_SIZE, 0));
	assert_int_equal(client->value, MACH_SEND_INVALID_DEST);
	service = right_to(server_task, port, client_task);
	(void)round_trip(service, port, reply, 8);
	assert_int_equal(
	    mach_port_destroy(space_of(client_task), reply), KERN_SUCCESS);
	write_header(client, CALL_BITS, service, reply, 100);
	assert_true(message(client, BOTH, HEADER_SIZE, reply, BUFFER_SIZE, 0));
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
	assert_false(message(client, BOTH, HEADER_SIZE, reply, BUFFER_SIZE, 0));
	assert_int_equal(status(server_task, port).mps_msgcount, 1);
	assert_int_equal(
	    mach_port_destroy(space_of(server_task), port), KERN_SUCCESS);
	host_run();
	assert_true(client->returned);
	assert_int_equal(client->value, MACH_MSG_SUCCESS);
	assert_int_equal(header(client)->msgh_id, MACH_NOTIFY_SEND_ONCE);

	write_header(client, CALL_BITS, service, reply, 100);
	assert_int_equal(send(client, HEADER_SIZE), MACH_SEND_INVALID_DEST);
}

/* ---- waiting for room ---- */

static void
test_queue_limit(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t service = right_to(server_task, port, client_task);

	(void)state;
	for (int i = 0; i < MACH_PORT_QLIMIT_DEFAULT; i++) {
		write_header(client, ONE_WAY_BITS, service, 0, i);
		assert_int_equal(send(client, HEADER_SIZE), MACH_MSG_SUCCESS);
	}
	write_header(client, ONE_WAY_BITS, service, 0, 5);
	assert_false(message(client, MACH_SEND_MSG, HEADER_SIZE, 0, 0, 0));
	write_header(third, ONE_WAY_BITS, service, 0, 6);
	assert_false(message(third, MACH_SEND_MSG, HEADER_SIZE, 0, 0, 0));
	/* In order, each making room for one. */
	for (int i = 0; i < 7; i++) {
		assert_int_equal(poll(server, port), MACH_MSG_SUCCESS);
		assert_int_equal(header(server)->msgh_id, i);
		assert_int_equal(client->returned, true);
		assert_int_equal(third->returned, i > 0);
	}
	assert_int_equal(poll(server, port), MACH_RCV_TIMED_OUT);
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
	assert_false(message(client, MACH_SEND_MSG, HEADER_SIZE, 0, 0, 0));
	assert_int_equal(status(server_task, port).mps_msgcount, 0);
	assert_int_equal(poll(server, port), MACH_MSG_SUCCESS);
	assert_true(client->returned);

	assert_int_equal(mach_port_allocate(space_of(server_task),
			     MACH_PORT_RIGHT_PORT_SET, &set),
	    KERN_SUCCESS);
	assert_int_equal(
	    mach_port_insert_member(space_of(server_task), port, set),
	    KERN_SUCCESS);
	write_header(client, ONE_WAY_BITS, service, 0, 2);
	assert_false(message(client, MACH_SEND_MSG, HEADER_SIZE, 0, 0, 0));
	assert_int_equal(poll(server, set), MACH_MSG_SUCCESS);
	assert_int_equal(header(server)->msgh_id, 2);
	assert_int_equal(poll(server, set), MACH_RCV_TIMED_OUT);
	/* One who gave up is not waited for. */
	write_header(client, ONE_WAY_BITS, service, 0, 3);
	assert_false(message(
	    client, MACH_SEND_MSG | MACH_SEND_TIMEOUT, HEADER_SIZE, 0, 0, 10));
	host_expire(client);
	assert_int_equal(client->value, MACH_SEND_TIMED_OUT);
	assert_int_equal(poll(server, set), MACH_RCV_TIMED_OUT);
	/* A higher limit lets the message in. */
	write_header(client, ONE_WAY_BITS, service, 0, 4);
	assert_false(message(client, MACH_SEND_MSG, HEADER_SIZE, 0, 0, 0));
	set_limit(server_task, port, 1);
	assert_true(client->returned);
	assert_int_equal(status(server_task, port).mps_msgcount, 1);
}

/* A message with a right of each kind, and memory of each kind. */
struct everything {
	mach_msg_base_t base;
	mach_msg_port_descriptor_t port[3];
	mach_msg_ool_descriptor_t memory;
	mach_msg_ool_ports_descriptor_t ports;
	uint32_t words[2];
};

#define TEXT_AT	 (USER_START + 3 * BUFFER_SIZE)
#define NAMES_AT (TEXT_AT + 64)

/* Fill the client's buffer; the receive right of @extra goes with it. */
static void
write_everything(
    mach_port_name_t service, mach_port_name_t reply, mach_port_name_t extra)
{
	struct everything *all = at(client);
	mach_port_name_t *names = user_at(client_task, NAMES_AT);

	write_header(
	    client, CALL_BITS | MACH_MSGH_BITS_COMPLEX, service, reply, 300);
	all->base.body.msgh_descriptor_count = 5;
	all->port[0] = (mach_msg_port_descriptor_t){
	    .name = reply, .disposition = MACH_MSG_TYPE_MAKE_SEND};
	all->port[1] = (mach_msg_port_descriptor_t){
	    .name = extra, .disposition = MACH_MSG_TYPE_MOVE_RECEIVE};
	all->port[2] = (mach_msg_port_descriptor_t){
	    .name = MACH_PORT_DEAD, .disposition = MACH_MSG_TYPE_COPY_SEND};
	strcpy(user_at(client_task, TEXT_AT), "out of line");
	all->memory = (mach_msg_ool_descriptor_t){
	    .address = (void *)TEXT_AT,
	    .size = 12,
	    .copy = MACH_MSG_VIRTUAL_COPY,
	    .type = MACH_MSG_OOL_DESCRIPTOR,
	};
	for (int i = 0; i < 40; i++)
		names[i] = i % 2 ? service : MACH_PORT_NULL;
	all->ports = (mach_msg_ool_ports_descriptor_t){
	    .address = (void *)NAMES_AT,
	    .count = 40,
	    .disposition = MACH_MSG_TYPE_COPY_SEND,
	    .copy = MACH_MSG_PHYSICAL_COPY,
	    .type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
	};
	all->words[0] = 1;
	all->words[1] = 2;
}

static void
check_everything(
    struct sim_task *task, struct sim_thread *thread, mach_port_name_t port)
{
	const struct everything *all = at(thread);
	const mach_port_name_t *names;

	assert_int_equal(all->base.body.msgh_descriptor_count, 5);
	assert_true(MACH_PORT_VALID(all->port[0].name));
	assert_int_equal(all->port[0].disposition, MACH_MSG_TYPE_PORT_SEND);
	assert_int_equal(all->port[1].disposition, MACH_MSG_TYPE_PORT_RECEIVE);
	assert_int_equal(status(task, all->port[1].name).mps_sorights, 0);
	assert_int_equal(all->port[2].name, MACH_PORT_DEAD);
	assert_string_equal(
	    user_at(task, (uaddr_t)all->memory.address), "out of line");
	assert_int_equal(all->ports.count, 40);
	names = user_at(task, (uaddr_t)all->ports.address);
	for (int i = 0; i < 40; i++)
		assert_int_equal(names[i], i % 2 ? port : MACH_PORT_NULL);
	assert_int_equal(all->words[0], 1);
	assert_int_equal(all->words[1], 2);
}

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
		assert_false(message(client, BOTH, sizeof(struct everything),
		    reply, BUFFER_SIZE, 0));
		assert_int_equal(poll(server, port), MACH_MSG_SUCCESS);
		check_everything(server_task, server, port);
		host_abort(client);
		assert_int_equal(client->value, MACH_RCV_INTERRUPTED);
	}
	host_yield_every(0);
}

/* What could not be sent comes back. */
static void
test_pseudo_receive(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t reply = port_in(client_task);
	mach_port_name_t service = right_to(server_task, port, client_task);

	(void)state;
	set_limit(server_task, port, 0);
	write_everything(service, reply, port_in(client_task));
	assert_true(message(client, MACH_SEND_MSG | MACH_SEND_TIMEOUT,
	    sizeof(struct everything), 0, 0, 0));
	assert_int_equal(client->value, MACH_SEND_TIMED_OUT);
	check_everything(client_task, client, service);
	assert_int_equal(header(client)->msgh_remote_port, service);
	assert_int_equal(header(client)->msgh_bits,
	    MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND,
					 MACH_MSG_TYPE_PORT_SEND_ONCE));

	write_everything(service, reply, port_in(client_task));
	assert_false(
	    message(client, MACH_SEND_MSG, sizeof(struct everything), 0, 0, 0));
	host_abort(client);
	assert_int_equal(client->value, MACH_SEND_INTERRUPTED);
	check_everything(client_task, client, service);

	write_everything(service, reply, port_in(client_task));
	assert_false(
	    message(client, MACH_SEND_MSG, sizeof(struct everything), 0, 0, 0));
	assert_int_equal(
	    mach_port_destroy(space_of(server_task), port), KERN_SUCCESS);
	host_run();
	assert_true(client->returned);
	assert_int_equal(client->value, MACH_SEND_INVALID_DEST);
	assert_int_equal(header(client)->msgh_remote_port, MACH_PORT_DEAD);
}

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
	    send(client, sizeof(struct everything)), MACH_MSG_SUCCESS);
	assert_true(message(server, option, 0, port, 64, 0));
	assert_int_equal(server->value, MACH_RCV_TOO_LARGE);
	assert_int_equal(header(server)->msgh_size, sizeof(struct everything));
	assert_int_equal(header(server)->msgh_local_port, port);
	assert_int_equal(status(server_task, port).mps_msgcount, 1);
	/* Without the option it is destroyed, and the reply right tells. */
	assert_true(message(server, MACH_RCV_MSG, 0, port, 64, 0));
	assert_int_equal(server->value, MACH_RCV_TOO_LARGE);
	assert_int_equal(status(server_task, port).mps_msgcount, 0);
	host_run();
	assert_int_equal(poll(client, reply), MACH_MSG_SUCCESS);
	assert_int_equal(header(client)->msgh_id, MACH_NOTIFY_SEND_ONCE);
	/* The same for one who waits already. */
	assert_false(
	    message(server, MACH_RCV_MSG | MACH_RCV_LARGE, 0, port, 64, 0));
	write_everything(service, reply, port_in(client_task));
	assert_int_equal(
	    send(client, sizeof(struct everything)), MACH_MSG_SUCCESS);
	assert_int_equal(server->value, MACH_RCV_TOO_LARGE);
	assert_int_equal(poll(server, port), MACH_MSG_SUCCESS);
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
		    (void *)(header(server) + 1);

		write_header(client, ONE_WAY_BITS, service, 0, 1);
		assert_int_equal(send(client, HEADER_SIZE), MACH_MSG_SUCCESS);
		assert_true(message(server, option, 0, port,
		    HEADER_SIZE + (size[i] ? size[i] : 68), 0));
		if (size[i] == 0) {
			assert_int_equal(
			    server->value, MACH_RCV_INVALID_TRAILER);
			assert_int_equal(poll(server, port), 0);
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
	assert_false(message(server, MACH_RCV_MSG, 0, set, BUFFER_SIZE, 0));
	write_header(client, ONE_WAY_BITS, to_a, 0, 1);
	assert_int_equal(send(client, HEADER_SIZE), MACH_MSG_SUCCESS);
	assert_true(server->returned);
	assert_int_equal(header(server)->msgh_local_port, a);
	/* and what was there when a port joined. */
	assert_false(message(server, MACH_RCV_MSG, 0, set, BUFFER_SIZE, 0));
	write_header(client, ONE_WAY_BITS, to_b, 0, 2);
	assert_int_equal(send(client, HEADER_SIZE), MACH_MSG_SUCCESS);
	assert_false(server->returned);
	assert_int_equal(mach_port_insert_member(space_of(server_task), b, set),
	    KERN_SUCCESS);
	host_run();
	assert_true(server->returned);
	assert_int_equal(header(server)->msgh_id, 2);
	/* Members take turns. */
	for (int i = 0; i < 4; i++) {
		write_header(client, ONE_WAY_BITS, i < 2 ? to_a : to_b, 0, i);
		assert_int_equal(send(client, HEADER_SIZE), MACH_MSG_SUCCESS);
	}
	assert_int_equal(poll(server, set), MACH_MSG_SUCCESS);
	assert_int_equal(header(server)->msgh_local_port, a);
	assert_int_equal(poll(server, set), MACH_MSG_SUCCESS);
	assert_int_equal(header(server)->msgh_local_port, b);
	/* A set that dies tells who waits, and its members live on. */
	assert_int_equal(poll(server, set), MACH_MSG_SUCCESS);
	assert_int_equal(poll(server, set), MACH_MSG_SUCCESS);
	assert_false(message(server, MACH_RCV_MSG, 0, set, BUFFER_SIZE, 0));
	assert_int_equal(
	    mach_port_destroy(space_of(server_task), set), KERN_SUCCESS);
	host_run();
	assert_int_equal(server->value, MACH_RCV_PORT_DIED);
	assert_int_equal(status(server_task, a).mps_pset, 0);
}

/* A receive right that leaves, or ends, while somebody waits. */
static void
test_right_leaves(void **state)
{
	mach_port_name_t port = port_in(server_task), name;
	struct port *right;
	bool dead;

	(void)state;
	assert_false(message(server, MACH_RCV_MSG, 0, port, BUFFER_SIZE, 0));
	assert_int_equal(right_copyin(space_of(server_task), port,
			     MACH_MSG_TYPE_MOVE_RECEIVE, false, &right, &dead),
	    KERN_SUCCESS);
	host_run();
	assert_int_equal(server->value, MACH_RCV_PORT_CHANGED);
	assert_int_equal(right_copyout(space_of(client_task), right,
			     MACH_MSG_TYPE_PORT_RECEIVE, &name),
	    KERN_SUCCESS);
	assert_false(message(client, MACH_RCV_MSG, 0, name, BUFFER_SIZE, 0));
	assert_int_equal(
	    mach_port_destroy(space_of(client_task), name), KERN_SUCCESS);
	host_run();
	assert_int_equal(client->value, MACH_RCV_PORT_DIED);
}

/* ---- rings ---- */

/* Send @moved's receive right to @to, of which the client has a send right. */
static kern_return_t
send_right(mach_port_name_t to, mach_port_name_t moved)
{
	struct {
		mach_msg_base_t base;
		mach_msg_port_descriptor_t port;
	} *one = at(client);

	write_header(client, ONE_WAY_BITS | MACH_MSGH_BITS_COMPLEX, to, 0, 400);
	one->base.body.msgh_descriptor_count = 1;
	one->port = (mach_msg_port_descriptor_t){
	    .name = moved, .disposition = MACH_MSG_TYPE_MOVE_RECEIVE};
	return send(client, sizeof(*one));
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

/* ---- mistakes ---- */

static void
test_mistakes(void **state)
{
	mach_port_name_t port = port_in(server_task);
	mach_port_name_t reply = port_in(client_task);
	mach_port_name_t service = right_to(server_task, port, client_task);
	struct everything *all = at(client);
	struct arguments nowhere = {
	    .buffer = 64, .option = MACH_SEND_MSG, .send_size = 24};

	(void)state;
	write_header(client, ONE_WAY_BITS, service, 0, 1);
	assert_int_equal(send(client, 20), MACH_SEND_MSG_TOO_SMALL);
	assert_int_equal(send(client, 26), MACH_SEND_MSG_TOO_SMALL);
	assert_int_equal(
	    send(client, MESSAGE_SIZE_MAX + 4), MACH_SEND_TOO_LARGE);
	assert_true(host_call(client, trap, &nowhere));
	assert_int_equal(client->value, MACH_SEND_INVALID_DATA);
	write_header(client, 0, service, 0, 1);
	assert_int_equal(send(client, 24), MACH_SEND_INVALID_HEADER);
	write_header(client, ONE_WAY_BITS | 0x100000, service, 0, 1);
	header(client)->msgh_voucher_port = 5;
	assert_int_equal(send(client, 24), MACH_SEND_INVALID_VOUCHER);
	write_header(client, ONE_WAY_BITS, service + 1, 0, 1);
	assert_int_equal(send(client, 24), MACH_SEND_INVALID_DEST);
	write_header(client, ONE_WAY_BITS, MACH_PORT_DEAD, 0, 1);
	assert_int_equal(send(client, 24), MACH_SEND_INVALID_DEST);
	write_header(client, CALL_BITS, service, service, 1);
	assert_int_equal(send(client, 24), MACH_SEND_INVALID_REPLY);
	write_header(client,
	    MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND, MACH_MSG_TYPE_MOVE_SEND),
	    service, service, 1);
	assert_int_equal(send(client, 24), MACH_SEND_INVALID_REPLY);

	write_everything(service, reply, port_in(client_task));
	assert_int_equal(send(client, 60), MACH_SEND_MSG_TOO_SMALL);
	all->base.body.msgh_descriptor_count = DESCRIPTORS_MAX + 1;
	assert_int_equal(send(client, sizeof(*all)), MACH_SEND_TOO_LARGE);
	all->base.body.msgh_descriptor_count = 5;
	all->memory.copy = MACH_MSG_OVERWRITE;
	assert_int_equal(send(client, sizeof(*all)), MACH_SEND_INVALID_TYPE);
	all->memory.copy = MACH_MSG_PHYSICAL_COPY;
	all->memory.address = NULL;
	assert_int_equal(send(client, sizeof(*all)), MACH_SEND_INVALID_MEMORY);
	/* What came before the bad one is lost, as in Mach: a new one. */
	write_everything(service, reply, port_in(client_task));
	all->port[2].name = 0x77777701;
	assert_int_equal(send(client, sizeof(*all)), MACH_SEND_INVALID_RIGHT);

	assert_int_equal(poll(server, port + 1), MACH_RCV_INVALID_NAME);
	assert_int_equal(poll(server, MACH_PORT_NULL), MACH_RCV_INVALID_NAME);
	assert_int_equal(poll(client, service), MACH_RCV_INVALID_NAME);
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
	} *call = at(client);
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
	assert_true(message(client, BOTH, 36, reply, BUFFER_SIZE, 0));
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
	assert_true(message(client, BOTH, 36, reply, BUFFER_SIZE, 0));
	assert_int_equal(call->code, MIG_BAD_ID);
	write_header(client, CALL_BITS, task, reply, MSGID_MACH_PORT_ALLOCATE);
	assert_true(message(client, BOTH, 32, reply, BUFFER_SIZE, 0));
	assert_int_equal(call->code, MIG_BAD_ARGUMENTS);
	write_header(client, CALL_BITS, task, reply, MSGID_MACH_PORT_NAMES);
	assert_true(message(client, BOTH, 24, reply, BUFFER_SIZE, 0));
	assert_true(header(client)->msgh_bits & MACH_MSGH_BITS_COMPLEX);

	port_destroy_kernel(self);
	host_run();
	write_header(client, CALL_BITS, task, reply, MSGID_MACH_PORT_NAMES);
	assert_int_equal(send(client, 24), MACH_SEND_INVALID_DEST);
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
	(void)message(
	    client, MACH_SEND_MSG, sizeof(struct everything), 0, 0, 0);
	if (client->value != MACH_MSG_SUCCESS)
		return false;
	if (poll(server, port) != MACH_MSG_SUCCESS)
		return false;
	write_header(server, MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0),
	    header(server)->msgh_remote_port, 0, 1);
	if (send(server, 24) != MACH_MSG_SUCCESS)
		return false;
	return poll(client, reply) == MACH_MSG_SUCCESS;
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
		while (poll(server, port) == MACH_MSG_SUCCESS)
			continue;
		while (poll(client, reply) == MACH_MSG_SUCCESS)
			continue;
	} while (!ok || n < 20);
	print_message("%u sites failed\n", n - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_call, begin, end),
	    cmocka_unit_test_setup_teardown(test_fast, begin, end),
	    cmocka_unit_test_setup_teardown(test_server_dies, begin, end),
	    cmocka_unit_test_setup_teardown(test_queue_limit, begin, end),
	    cmocka_unit_test_setup_teardown(test_limit_zero, begin, end),
	    cmocka_unit_test_setup_teardown(test_everything, begin, end),
	    cmocka_unit_test_setup_teardown(test_pseudo_receive, begin, end),
	    cmocka_unit_test_setup_teardown(test_large, begin, end),
	    cmocka_unit_test_setup_teardown(test_trailers, begin, end),
	    cmocka_unit_test_setup_teardown(test_sets, begin, end),
	    cmocka_unit_test_setup_teardown(test_right_leaves, begin, end),
	    cmocka_unit_test_setup_teardown(test_circular, begin, end),
	    cmocka_unit_test_setup_teardown(test_mistakes, begin, end),
	    cmocka_unit_test_setup_teardown(test_kernel_call, begin, end),
	    cmocka_unit_test_setup_teardown(test_no_memory, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
