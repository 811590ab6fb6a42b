/* ipc_stage.c: see ipc_stage.h. */
#include "ipc_stage.h"

#include <string.h>

#include "ipc/fast.h"

struct sim_task *client_task, *server_task;
struct sim_thread *client, *server, *third;
bool use_trap2;

struct space *
space_of(struct sim_task *task)
{
	return task->task.space;
}

int
stage_begin(void **state)
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

int
stage_end(void **state)
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

int64_t
trap_message(void *argument)
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

uaddr_t
buffer_of(struct sim_thread *thread)
{
	if (thread == client)
		return USER_START;
	return thread == server ? USER_START : USER_START + BUFFER_SIZE;
}

void *
buffer_at(struct sim_thread *thread)
{
	struct sim_task *task =
	    container_of(thread->thread.task, struct sim_task, task);

	return user_at(task, buffer_of(thread));
}

mach_msg_header_t *
header_of(struct sim_thread *thread)
{
	return buffer_at(thread);
}

void
write_header(struct sim_thread *thread, uint32_t bits, mach_port_name_t remote,
    mach_port_name_t local, int32_t id)
{
	*header_of(thread) = (mach_msg_header_t){
	    .msgh_bits = bits,
	    .msgh_remote_port = remote,
	    .msgh_local_port = local,
	    .msgh_id = id,
	};
}

bool
call_message(struct sim_thread *thread, uint32_t option, uint32_t send_size,
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
	bool returned = host_call(thread, use_trap2 ? trap2 : trap_message, &a);

	host_check();
	return returned;
}

/* Send what is in the buffer; it must not wait. */
kern_return_t
send_from(struct sim_thread *thread, uint32_t size)
{
	assert_true(call_message(thread, MACH_SEND_MSG, size, 0, 0, 0));
	return (kern_return_t)thread->value;
}

kern_return_t
poll_by(struct sim_thread *thread, mach_port_name_t name)
{
	assert_true(call_message(
	    thread, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, name, BUFFER_SIZE, 0));
	return (kern_return_t)thread->value;
}

/* ---- rights ---- */

mach_port_name_t
port_in(struct sim_task *task)
{
	mach_port_name_t name;

	assert_int_equal(
	    mach_port_allocate(space_of(task), MACH_PORT_RIGHT_RECEIVE, &name),
	    KERN_SUCCESS);
	return name;
}

/* A send right to @task's port, in @to. */
mach_port_name_t
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

void
set_limit(struct sim_task *task, mach_port_name_t name, uint32_t limit)
{
	assert_int_equal(mach_port_set_attributes(space_of(task), name,
			     MACH_PORT_LIMITS_INFO, &limit, 1),
	    KERN_SUCCESS);
	host_run();
}

mach_port_status_t
status_of(struct sim_task *task, mach_port_name_t name)
{
	mach_port_status_t status;
	uint32_t count = MACH_PORT_RECEIVE_STATUS_COUNT;

	assert_int_equal(
	    mach_port_get_attributes(space_of(task), name,
		MACH_PORT_RECEIVE_STATUS, (uint32_t *)&status, &count),
	    KERN_SUCCESS);
	return status;
}

/* ---- a message with everything ---- */

/* Fill the client's buffer; the receive right of @extra goes with it. */
void
write_everything(
    mach_port_name_t service, mach_port_name_t reply, mach_port_name_t extra)
{
	struct everything *all = buffer_at(client);
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

void
check_everything(
    struct sim_task *task, struct sim_thread *thread, mach_port_name_t port)
{
	const struct everything *all = buffer_at(thread);
	const mach_port_name_t *names;

	assert_int_equal(all->base.body.msgh_descriptor_count, 5);
	assert_true(MACH_PORT_VALID(all->port[0].name));
	assert_int_equal(all->port[0].disposition, MACH_MSG_TYPE_PORT_SEND);
	assert_int_equal(all->port[1].disposition, MACH_MSG_TYPE_PORT_RECEIVE);
	assert_int_equal(status_of(task, all->port[1].name).mps_sorights, 0);
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
