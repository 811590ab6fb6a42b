/*
 * operations_messages.c: mach_msg(), by each of its traps.
 */
#include <string.h>

#include "chance.h"
#include "ipc/message.h"
#include "ipc/traps.h"
#include "observe.h"
#include "operations.h"

/* Where in a thread's memory other things than the message are. */
#define RECEIVE_OFFSET 0x1000
#define ARRAY_OFFSET   0x2000
#define BYTES_OFFSET   0x3000
#define BAD_ADDRESS    0x10UL

enum by {
	BY_TRAP,
	BY_OVERWRITE,
	BY_TRAP2,
	BY_FAST
};

struct trap_call {
	const struct m_call *call;
	enum by by;
};

/* ---- writing a message into memory ---- */

static uint32_t
write_descriptor(struct m_thread *thread, uint8_t *at,
    const struct m_sent *sent, unsigned number)
{
	struct sim_task *sim = thread->task->sim;
	uaddr_t address = thread->send_buffer;
	mach_msg_descriptor_t user = {0};

	if (sent->kind == MACH_MSG_GUARDED_PORT_DESCRIPTOR) {
		user.guarded_port.name = sent->name[0];
		user.guarded_port.context = sent->guard;
		user.guarded_port.flags = sent->guard_flags;
		user.guarded_port.disposition = sent->disposition;
		user.guarded_port.type = MACH_MSG_GUARDED_PORT_DESCRIPTOR;
		memcpy(at, &user, sizeof(user.guarded_port));
		return sizeof(user.guarded_port);
	}
	if (sent->kind == MACH_MSG_PORT_DESCRIPTOR) {
		user.port.name = sent->name[0];
		user.port.disposition = (uint8_t)sent->disposition;
		user.port.type = MACH_MSG_PORT_DESCRIPTOR;
		memcpy(at, &user, sizeof(user.port));
		return sizeof(user.port);
	}
	address += sent->kind == MACH_MSG_OOL_PORTS_DESCRIPTOR
		       ? ARRAY_OFFSET + number * 64
		       : BYTES_OFFSET;
	user.out_of_line.address =
	    (void *)(uintptr_t)(sent->bad_address ? BAD_ADDRESS : address);
	user.out_of_line.copy = (uint8_t)sent->copy;
	user.out_of_line.type = (uint8_t)sent->kind;
	user.out_of_line.size = sent->count;
	if (sent->kind == MACH_MSG_OOL_PORTS_DESCRIPTOR) {
		user.ool_ports.disposition = (uint8_t)sent->disposition;
		memcpy(user_at(sim, address), sent->name, sizeof(sent->name));
	} else {
		for (uint32_t i = 0; i < sent->count; i++)
			*(uint8_t *)user_at(sim, address + i) = (uint8_t)i;
	}
	memcpy(at, &user, sizeof(user.out_of_line));
	return sizeof(user.out_of_line);
}

static void
write_message(const struct m_call *call)
{
	struct m_thread *thread = call->thread;
	uint8_t *at = user_at(thread->task->sim, thread->send_buffer);
	mach_msg_header_t header = {
	    .msgh_bits = call->bits,
	    .msgh_remote_port = call->remote,
	    .msgh_local_port = call->local,
	    .msgh_voucher_port = call->voucher,
	    .msgh_id = call->id,
	};
	uint32_t offset = sizeof(header);

	memcpy(at, &header, sizeof(header));
	if (call->complex) {
		memcpy(at + offset, &call->count, sizeof(call->count));
		offset += sizeof(mach_msg_body_t);
		for (unsigned i = 0; i < call->count; i++)
			offset += write_descriptor(
			    thread, at + offset, &call->sent[i], i);
	}
	for (; offset < call->send_size; offset += 4) {
		uint32_t word = m_pattern(call->id, offset);

		memcpy(at + offset, &word, sizeof(word));
	}
}

/* ---- the traps ---- */

static int64_t
call_trap(void *argument)
{
	const struct trap_call *trap = argument;
	const struct m_call *a = trap->call;
	const struct m_thread *thread = a->thread;

	if (trap->by == BY_TRAP)
		return mach_msg_trap(thread->send_buffer, a->option,
		    a->send_size, a->receive_size, a->receive_name, a->timeout,
		    a->priority);
	if (trap->by == BY_OVERWRITE)
		return mach_msg_overwrite_trap(thread->send_buffer, a->option,
		    a->send_size, a->receive_size, a->receive_name, a->timeout,
		    a->priority, thread->receive_buffer);
	ipc_fast_enabled = trap->by == BY_FAST;
	observed_fast++; /* message_general() takes it off again */
	return mach_msg2_trap(thread->send_buffer, a->option,
	    a->bits | (uint64_t)a->send_size << 32,
	    a->remote | (uint64_t)a->local << 32,
	    a->voucher | (uint64_t)(uint32_t)a->id << 32,
	    (a->complex ? a->count : 0) | (uint64_t)a->receive_name << 32,
	    a->receive_size | (uint64_t)a->priority << 32, a->timeout);
}

static void
say_call(const struct m_call *call, enum by by)
{
	static const char *const names[] = {
	    "mach_msg", "mach_msg_overwrite", "mach_msg2", "mach_msg2, fast"};

	say("t%u: %s(option 0x%x, %u bytes, id %d, to 0x%x by %u, reply 0x%x "
	    "by %u; receive from 0x%x, %u bytes; timeout %u)",
	    call->thread->number, names[by], call->option, call->send_size,
	    call->id, call->remote, MACH_MSGH_BITS_REMOTE(call->bits),
	    call->local, MACH_MSGH_BITS_LOCAL(call->bits), call->receive_name,
	    call->receive_size, call->timeout);
	for (unsigned i = 0; call->complex && i < call->count; i++)
		say("    descriptor: type %u, disposition %u, count %u: 0x%x "
		    "0x%x 0x%x%s",
		    call->sent[i].kind, call->sent[i].disposition,
		    call->sent[i].count, call->sent[i].name[0],
		    call->sent[i].name[1], call->sent[i].name[2],
		    call->sent[i].bad_address ? ", not mapped" : "");
}

static void
do_call(const struct m_call *call, enum by by)
{
	struct m_thread *thread = call->thread;
	struct trap_call trap = {call, by};

	thread->receive_buffer = thread->send_buffer;
	if (by == BY_OVERWRITE)
		thread->receive_buffer += RECEIVE_OFFSET;
	if (call->option & MACH_SEND_MSG)
		write_message(call);
	say_call(call, by);
	(void)host_call(thread->sim, call_trap, &trap);
	settle();
	m_mach_msg(call);
	if (thread->returned)
		say("    t%u: 0x%x", thread->number,
		    (uint32_t)thread->sim->value);
}

/* ---- making calls up ---- */

static uint32_t
type_for(uint32_t disposition)
{
	switch (disposition) {
	case MACH_MSG_TYPE_MOVE_SEND:
	case MACH_MSG_TYPE_COPY_SEND:
		return MACH_PORT_TYPE_SEND;
	case MACH_MSG_TYPE_MOVE_SEND_ONCE:
		return MACH_PORT_TYPE_SEND_ONCE;
	default:
		return MACH_PORT_TYPE_RECEIVE;
	}
}

static void
make_up_descriptor(struct m_task *task, struct m_sent *sent)
{
	static const uint32_t kinds[] = {MACH_MSG_PORT_DESCRIPTOR,
	    MACH_MSG_PORT_DESCRIPTOR, MACH_MSG_PORT_DESCRIPTOR,
	    MACH_MSG_OOL_PORTS_DESCRIPTOR, MACH_MSG_OOL_DESCRIPTOR,
	    MACH_MSG_OOL_VOLATILE_DESCRIPTOR, MACH_MSG_GUARDED_PORT_DESCRIPTOR};

	*sent = (struct m_sent){
	    .kind = chance(50) ? kinds[chance(ARRAY_SIZE(kinds))] : 9,
	    .disposition = MACH_MSG_TYPE_MOVE_RECEIVE + chance(6),
	    .copy = chance(50) ? chance(3) : 3,
	    .count = chance(ARRAY + 1),
	    .bad_address = chance(20) == 0,
	};
	if (chance(50) == 0)
		sent->disposition = chance(32);
	if (sent->kind == MACH_MSG_GUARDED_PORT_DESCRIPTOR && chance(20)) {
		sent->disposition = MACH_MSG_TYPE_MOVE_RECEIVE;
		sent->guard_flags = chance(5);
		sent->guard = chance(2) ? 0 : chance(4);
	}
	if (sent->kind == MACH_MSG_PORT_DESCRIPTOR ||
	    sent->kind == MACH_MSG_GUARDED_PORT_DESCRIPTOR)
		sent->count = 1;
	for (unsigned i = 0; i < sent->count; i++)
		sent->name[i] = some_name(task, type_for(sent->disposition));
}

static uint32_t
bytes_of_descriptors(const struct m_call *call)
{
	uint32_t bytes = sizeof(mach_msg_body_t);

	for (unsigned i = 0; i < call->count; i++)
		bytes += call->sent[i].kind == MACH_MSG_PORT_DESCRIPTOR
			     ? sizeof(mach_msg_port_descriptor_t)
			     : sizeof(mach_msg_ool_descriptor_t);
	return bytes;
}

static void
make_up_body(struct m_call *call)
{
	static const uint32_t sizes[] = {0, 0, 4, 16, 48, 52, 100, 300, 1000};

	call->send_size = sizeof(mach_msg_header_t);
	if (chance(3) == 0) {
		call->complex = true;
		call->count = chance(DESCRIPTORS + 1);
		for (unsigned i = 0; i < call->count; i++)
			make_up_descriptor(call->thread->task, &call->sent[i]);
		call->send_size += bytes_of_descriptors(call);
	}
	call->send_size += sizes[chance(ARRAY_SIZE(sizes))];
	if (chance(100) == 0)
		call->send_size = chance(60);
}

static void
make_up_header(struct m_call *call)
{
	static const uint32_t remotes[] = {MACH_MSG_TYPE_COPY_SEND,
	    MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MOVE_SEND,
	    MACH_MSG_TYPE_MOVE_SEND_ONCE, MACH_MSG_TYPE_MAKE_SEND,
	    MACH_MSG_TYPE_MAKE_SEND_ONCE};
	struct m_task *task = call->thread->task;
	uint32_t remote = remotes[chance(ARRAY_SIZE(remotes))];
	uint32_t local = 0;

	call->remote = some_name(task, type_for(remote));
	if (chance(2)) {
		local = chance(20) ? MACH_MSG_TYPE_MOVE_SEND + chance(5)
				   : chance(32);
		call->local = some_name(task, type_for(local));
		if (chance(8) == 0)
			call->local = call->remote;
	}
	call->bits = MACH_MSGH_BITS(remote, local);
	if (call->complex)
		call->bits |= MACH_MSGH_BITS_COMPLEX;
	if (chance(100) == 0)
		call->bits ^= 1U << chance(32);
	if (chance(200) == 0)
		call->voucher = 0x103;
	call->complex = (call->bits & MACH_MSGH_BITS_COMPLEX) != 0;
	call->id = ++world.ids;
}

static bool
few_are_idle(void)
{
	unsigned idle = 0;

	for (unsigned i = 0; i < THREADS; i++)
		idle += world.thread[i].state == M_IDLE;
	return idle <= 2;
}

static uint32_t
some_trailer(void)
{
	static const uint32_t elements[] = {0, 0, 0, 0, 1, 2, 3, 4, 7, 7};

	return (chance(50) ? elements[chance(ARRAY_SIZE(elements))]
			   : chance(16))
	       << 24;
}

static void
make_up_receive(struct m_call *call)
{
	call->option |= MACH_RCV_MSG | some_trailer();
	call->option |= chance(4) == 0 ? MACH_RCV_LARGE : 0;
	call->option |= chance(8) == 0 ? MACH_RCV_LARGE_IDENTITY : 0;
	call->option |= chance(2) ? MACH_RCV_GUARDED_DESC : 0;
	call->option |= chance(2) || few_are_idle() ? MACH_RCV_TIMEOUT : 0;
	call->receive_size = chance(6) ? 2000 : chance(100);
	call->receive_name = some_name(call->thread->task,
	    chance(3) ? MACH_PORT_TYPE_RECEIVE : MACH_PORT_TYPE_PORT_SET);
}

void
operation_message(void)
{
	struct m_call call = {.thread = idle_thread()};
	uint32_t which = chance(10);

	if (call.thread == NULL)
		return;
	if (which < 7) {
		call.option |= MACH_SEND_MSG;
		call.option |=
		    chance(3) || few_are_idle() ? MACH_SEND_TIMEOUT : 0;
		call.option |= chance(2) ? 0 : MACH_SEND_NOTIFY;
		call.option |= chance(4) ? 0 : MACH_SEND_OVERRIDE;
		call.priority = chance(7) << MACH_MSG_PRIORITY_QOS_SHIFT |
				chance(7) << MACH_MSG_PRIORITY_OVERRIDE_SHIFT;
		make_up_body(&call);
		make_up_header(&call);
	}
	if (which >= 5)
		make_up_receive(&call);
	call.timeout = few_are_idle() || chance(3) ? 0 : 10;
	do_call(&call, chance(4));
}

/* ---- calls and replies, as the fast path knows them ---- */

static void
receive_plainly(struct m_call *call, mach_port_name_t name)
{
	call->option = MACH_SEND_MSG | MACH_RCV_MSG;
	call->receive_name = name;
	call->receive_size = chance(8) ? 256 : chance(100);
	call->send_size = sizeof(mach_msg_header_t) + 4 * chance(14);
	call->id = ++world.ids;
}

/* What goes from buffer to buffer may be longer, have a right before it, and
 * come from who receives otherwise, or nothing. */
static void
send_otherwise(struct m_call *call)
{
	struct m_sent *sent = &call->sent[0];

	if (chance(3) == 0)
		call->send_size += 4 * chance(60);
	if (chance(3) == 0) {
		*sent = (struct m_sent){
		    .kind = MACH_MSG_PORT_DESCRIPTOR,
		    .disposition = chance(2) ? MACH_MSG_TYPE_COPY_SEND
					     : MACH_MSG_TYPE_MAKE_SEND,
		    .count = 1,
		};
		sent->name[0] =
		    some_name(call->thread->task, type_for(sent->disposition));
		call->complex = true;
		call->count = 1;
		call->send_size += 16;
		call->bits |= MACH_MSGH_BITS_COMPLEX;
	}
	if (chance(6) == 0)
		call->option &= ~(uint32_t)MACH_RCV_MSG;
	else if (chance(6) == 0)
		make_up_receive(call);
	call->timeout = chance(2) ? 0 : 10;
}

/* Somebody waits, as a server does. */
static void
serve(struct m_thread *thread, mach_port_name_t name)
{
	struct m_call call = {.thread = thread};

	receive_plainly(&call, name);
	call.option = MACH_RCV_MSG;
	if (chance(3) == 0)
		call.option |= some_trailer();
	if (chance(6) == 0)
		call.option |= MACH_RCV_LARGE;
	if (chance(6) == 0)
		call.option |= MACH_RCV_TIMEOUT;
	if (chance(3) == 0)
		call.receive_size = chance(500);
	call.timeout = 10;
	do_call(&call, chance(4));
}

/* Does somebody wait for a message to @port? */
static bool
is_awaited(const struct m_port *port)
{
	if (port->waiters.count > 0)
		return true;
	for (unsigned i = 0; i < port->sets.count; i++) {
		const struct m_set *set = port->sets.item[i];

		if (set->waiters.count > 0)
			return true;
	}
	return false;
}

static bool
has_waiter(const struct m_name *entry)
{
	return entry != NULL && (entry->type & MACH_PORT_TYPE_SEND) &&
	       is_awaited(entry->port);
}

/* A name by which @task can call somebody who waits: best the one that
 * @thread called last, which the fast path remembers. */
static mach_port_name_t
whom_to_call(struct m_thread *thread)
{
	struct m_task *task = thread->task;
	mach_port_name_t last = thread->sim->thread.fast.to_name;
	unsigned first = chance(NAMES);

	if (has_waiter(m_lookup(task, last)))
		return last;
	for (unsigned i = 0; i < NAMES; i++) {
		struct m_name *entry = &task->names[(first + i) % NAMES];

		if (entry->name != 0 && has_waiter(entry))
			return entry->name;
	}
	return MACH_PORT_NULL;
}

/* Where @thread receives: best where it did last. */
static mach_port_name_t
where_to_receive(struct m_thread *thread)
{
	for (unsigned i = 0; i < NAMES; i++) {
		struct m_name *entry = &thread->task->names[i];

		if (entry->port != NULL &&
		    entry->port->kernel == thread->sim->thread.fast.from &&
		    entry->port->receiver == thread->task && chance(8))
			return entry->name;
	}
	return true_name(thread->task, MACH_PORT_TYPE_RECEIVE);
}

static mach_port_name_t
name_of_set(const struct m_task *task, const struct m_set *set)
{
	for (unsigned i = 0; i < NAMES; i++) {
		if (task->names[i].name != 0 && task->names[i].set == set)
			return task->names[i].name;
	}
	return MACH_PORT_NULL;
}

/* Where @task best waits: on what somebody can send to, or a set with that in
 * it; MACH_PORT_NULL: there is nothing like it. */
static mach_port_name_t
where_to_serve(struct m_task *task)
{
	unsigned first = chance(NAMES);

	for (unsigned i = 0; i < NAMES; i++) {
		struct m_name *entry = &task->names[(first + i) % NAMES];
		struct m_port *port = entry->port;

		if (entry->name == 0 ||
		    !(entry->type & MACH_PORT_TYPE_RECEIVE) ||
		    m_has_message(port) ||
		    m_count(port, MACH_MSG_TYPE_PORT_SEND) +
			    m_count(port, MACH_MSG_TYPE_PORT_SEND_ONCE) ==
			0)
			continue;
		if (port->sets.count == 0 || chance(3) == 0)
			return entry->name;
		return name_of_set(
		    task, port->sets.item[chance(port->sets.count)]);
	}
	return MACH_PORT_NULL;
}

bool
operation_call(void)
{
	struct m_call call = {.thread = idle_thread()};

	if (call.thread == NULL || few_are_idle())
		return false;
	call.remote = whom_to_call(call.thread);
	call.local = where_to_receive(call.thread);
	if (call.local == 0)
		return false;
	if (call.remote == 0 || chance(8) == 0) {
		mach_port_name_t name = where_to_serve(call.thread->task);

		serve(call.thread, name != 0 && chance(4) ? name : call.local);
		return true;
	}
	receive_plainly(&call, call.local);
	call.bits = MACH_MSGH_BITS(
	    MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	if (chance(6) == 0) {
		call.bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0);
		call.local = MACH_PORT_NULL;
	}
	if (chance(2))
		send_otherwise(&call);
	do_call(&call, chance(4) ? BY_FAST : chance(4));
	return true;
}

bool
operation_reply(void)
{
	struct m_call call = {.thread = NULL};
	unsigned first = chance(THREADS);

	for (unsigned i = 0; i < THREADS * NAMES; i++) {
		struct m_thread *thread = &world.thread[(first + i) % THREADS];
		struct m_name *entry = &thread->task->names[i / THREADS];

		if (thread->state == M_IDLE && entry->name != 0 &&
		    entry->type == MACH_PORT_TYPE_SEND_ONCE &&
		    is_awaited(entry->port)) {
			call.thread = thread;
			call.remote = entry->name;
		}
	}
	if (call.thread == NULL)
		return false;
	receive_plainly(&call, where_to_receive(call.thread));
	call.bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
	if (chance(2))
		send_otherwise(&call);
	do_call(&call, chance(4) ? BY_FAST : chance(4));
	return true;
}

/* ---- waits that end early ---- */

void
operation_abort(struct m_thread *thread, bool expire)
{
	bool sending = thread->state == M_SENDING;

	say("t%u: %s", thread->number,
	    expire ? "its time is over" : "thread_abort()");
	if (sending)
		items_remove(&thread->port->senders, thread);
	else if (thread->port != NULL)
		items_remove(&thread->port->waiters, thread);
	else
		items_remove(&thread->set->waiters, thread);
	if (expire)
		host_expire(thread->sim);
	else
		host_abort(thread->sim);
	settle();
	if (sending)
		m_send_back(thread,
		    expire ? MACH_SEND_TIMED_OUT : MACH_SEND_INTERRUPTED);
	else
		m_return(
		    thread, expire ? MACH_RCV_TIMED_OUT : MACH_RCV_INTERRUPTED);
}
