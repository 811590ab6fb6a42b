/*
 * arrive.c: a message that the kernel wrote into a user's buffer is the one
 * that the model says it is; its rights get the names found there.
 */
#include <mach/ndr.h>
#include <mach/notify.h>
#include <string.h>

#include "ipc_host.h"
#include "model.h"
#include "observe.h"

/* A message under comparison. */
struct reading {
	struct m_thread *thread;
	struct m_message *message;
	struct port *to; /* where it came to */
	uint8_t *at;	 /* the buffer */
	uint32_t offset; /* in it, of what comes next */
	uint32_t errors; /* MACH_MSG_*_SPACE, *_KERNEL met */
	uint32_t gap;	 /* bytes that its descriptors became shorter */
	bool back;	 /* to its sender */
};

uint32_t
m_pattern(int32_t id, uint32_t offset)
{
	return (uint32_t)id * 2654435761U + offset;
}

static mach_msg_header_t
read_header(const struct reading *reading)
{
	mach_msg_header_t header;

	memcpy(&header, reading->at, sizeof(header));
	return header;
}

/* The right that stood at @place is the user's now, as @name. */
static void
give(struct reading *reading, struct m_right *place, mach_port_name_t name)
{
	struct m_right right = *place;

	*place = (struct m_right){0};
	m_give(reading->thread->task, right, name, &reading->errors);
}

/* ---- descriptors ---- */

static void
read_port(struct reading *reading, struct m_descriptor *d)
{
	mach_msg_port_descriptor_t user;

	memcpy(&user, reading->at + reading->offset, sizeof(user));
	EXPECT(user.type == MACH_MSG_PORT_DESCRIPTOR);
	EXPECT(user.disposition == d->disposition);
	give(reading, &d->right[0], user.name);
	reading->offset += sizeof(user);
}

/* To whoever did not ask for guarded descriptors it is a plain one. */
static void
read_guarded(struct reading *reading, struct m_descriptor *d)
{
	struct m_port *port = d->right[0].port;
	uint64_t buffer = reading->back ? reading->thread->send_buffer
					: reading->thread->receive_buffer;
	bool guarded =
	    port != NULL && port->alive &&
	    (d->guard_flags & MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE);
	mach_msg_guarded_port_descriptor_t user;

	if (!reading->back &&
	    !(reading->thread->option & MACH_RCV_GUARDED_DESC)) {
		read_port(reading, d);
		reading->gap +=
		    sizeof(user) - sizeof(mach_msg_port_descriptor_t);
		reading->message->size -=
		    sizeof(user) - sizeof(mach_msg_port_descriptor_t);
		return;
	}
	memcpy(&user, reading->at + reading->offset, sizeof(user));
	reading->offset += sizeof(user);
	EXPECT(user.type == MACH_MSG_GUARDED_PORT_DESCRIPTOR);
	EXPECT(user.disposition == d->disposition);
	give(reading, &d->right[0], user.name);
	if (!guarded || user.name == MACH_PORT_NULL)
		return;
	EXPECT(user.context == buffer);
	EXPECT(user.flags == MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE);
	port->context = buffer;
	port->guard = MACH_PORT_STATUS_FLAG_GUARDED;
	if (!reading->back)
		port->guard |= MACH_PORT_STATUS_FLAG_GUARD_IMMOVABLE_RECEIVE;
}

static void
no_memory(struct reading *reading)
{
	EXPECT(host_failed());
	reading->errors |= MACH_MSG_VM_KERNEL;
}

static void
read_array(struct reading *reading, struct m_descriptor *d)
{
	struct sim_task *sim = reading->thread->task->sim;
	mach_msg_ool_ports_descriptor_t user;
	mach_port_name_t names[ARRAY] = {0};
	bool lost;

	memcpy(&user, reading->at + reading->offset, sizeof(user));
	reading->offset += sizeof(user);
	EXPECT(user.type == MACH_MSG_OOL_PORTS_DESCRIPTOR);
	EXPECT(user.disposition == d->disposition);
	lost = user.count == 0 && d->count > 0;
	if (lost)
		no_memory(reading);
	else
		EXPECT(user.count == d->count);
	if (user.count > 0)
		memcpy(names, user_at(sim, (uaddr_t)user.address),
		    d->count * sizeof(names[0]));
	for (unsigned k = 0; k < d->count; k++) {
		struct m_right right = d->right[k];

		d->right[k] = (struct m_right){0};
		if (lost)
			m_release(right);
		else
			m_give(reading->thread->task, right, names[k],
			    &reading->errors);
	}
}

static void
read_memory(struct reading *reading, struct m_descriptor *d)
{
	struct sim_task *sim = reading->thread->task->sim;
	mach_msg_ool_descriptor_t user;
	const uint8_t *bytes;

	memcpy(&user, reading->at + reading->offset, sizeof(user));
	reading->offset += sizeof(user);
	EXPECT(user.type == d->disposition);
	EXPECT(user.copy == d->copy);
	if (user.size == 0 && d->count > 0) {
		no_memory(reading);
		return;
	}
	EXPECT(user.size == d->count);
	if (d->count == 0)
		return;
	bytes = user_at(sim, (uaddr_t)user.address);
	for (uint32_t i = 0; i < d->count; i++)
		EXPECT(bytes[i] == (uint8_t)i);
}

static void
read_descriptors(struct reading *reading)
{
	struct m_message *message = reading->message;
	uint32_t count;

	if (message->count == 0)
		return;
	memcpy(&count, reading->at + reading->offset, sizeof(count));
	EXPECT(count == message->count);
	reading->offset += sizeof(mach_msg_body_t);
	for (unsigned i = 0; i < message->count; i++) {
		struct m_descriptor *d = &message->descriptor[i];

		if (d->kind == MACH_MSG_PORT_DESCRIPTOR)
			read_port(reading, d);
		else if (d->kind == MACH_MSG_GUARDED_PORT_DESCRIPTOR)
			read_guarded(reading, d);
		else if (d->kind == MACH_MSG_OOL_PORTS_DESCRIPTOR)
			read_array(reading, d);
		else
			read_memory(reading, d);
	}
}

/* ---- body and trailer ---- */

static void
read_body(struct reading *reading)
{
	struct m_message *message = reading->message;
	uint32_t word, expected;

	if (message->notice && message->id != MACH_NOTIFY_SEND_ONCE &&
	    message->id != MACH_NOTIFY_PORT_DESTROYED) {
		reading->offset += sizeof(NDR_record_t);
		memcpy(&word, reading->at + reading->offset, sizeof(word));
		EXPECT(word == message->word);
		reading->offset += sizeof(word);
	}
	if (message->complex && message->count == 0)
		reading->offset += sizeof(mach_msg_body_t);
	for (; reading->offset < message->size; reading->offset += 4) {
		memcpy(&word, reading->at + reading->offset, sizeof(word));
		/* Its place is the one that it had when it was sent. */
		expected =
		    m_pattern(message->id, reading->offset + reading->gap);
		if (word != expected)
			disagree("at %u of message %d: 0x%x, not 0x%x",
			    reading->offset, message->id, word, expected);
	}
	EXPECT(reading->offset == message->size);
}

static void
read_trailer(const struct reading *reading)
{
	const struct m_message *message = reading->message;
	uint32_t elements = reading->thread->option >> 24 & 0xf;
	uint32_t size = m_trailer_size(reading->thread->option);
	mach_msg_max_trailer_t trailer = {0};

	memcpy(&trailer, reading->at + message->size, size);
	EXPECT(trailer.msgh_trailer_type == MACH_MSG_TRAILER_FORMAT_0);
	EXPECT(trailer.msgh_trailer_size == size);
	if (elements >= MACH_RCV_TRAILER_SEQNO)
		EXPECT(trailer.msgh_seqno == message->sequence);
	if (elements >= MACH_RCV_TRAILER_SENDER)
		EXPECT(trailer.msgh_sender.val[0] == message->sender);
	if (elements >= MACH_RCV_TRAILER_AUDIT)
		EXPECT(trailer.msgh_audit.val[5] == message->sender);
	if (elements >= MACH_RCV_TRAILER_CTX)
		EXPECT(trailer.msgh_context == message->context);
}

/* ---- whole messages ---- */

/* The receiver's name for where the message came to. */
static mach_port_name_t
destination(const struct reading *reading)
{
	struct m_port *port = reading->message->dest.port;
	struct m_task *task = reading->thread->task;

	if (!port->alive || port->receiver != task)
		return MACH_PORT_DEAD;
	return m_name_of(task, port)->name;
}

/* @name must be @local; but a receive right that leaves in the same call may
 * have done so before the message was written. */
static void
expect_destination(const struct reading *reading, mach_port_name_t name,
    mach_port_name_t local)
{
	if (name != MACH_PORT_DEAD || !observe_leaves(reading->to))
		EXPECT(name == local);
}

/* The destination's right did its work. */
static void
use_destination(struct m_message *message)
{
	struct m_right right = message->dest;

	message->dest = (struct m_right){0};
	if (right.type == MACH_MSG_TYPE_PORT_SEND)
		m_release(right);
}

/* Only a header was written, and the rest is destroyed. */
static void
header_alone(struct reading *reading, uint32_t bits, mach_port_name_t local,
    kern_return_t code)
{
	struct m_message *message = reading->message;
	mach_msg_header_t header;

	message->size = sizeof(header);
	if (reading->thread->receive_size >=
	    sizeof(header) + m_trailer_size(reading->thread->option))
		read_trailer(reading);
	if (reading->thread->receive_size >= sizeof(header)) {
		header = read_header(reading);
		EXPECT(header.msgh_bits == bits);
		EXPECT(header.msgh_size == sizeof(header));
		EXPECT(header.msgh_id == message->id);
		expect_destination(reading, header.msgh_local_port, local);
		EXPECT(header.msgh_remote_port == MACH_PORT_NULL);
	}
	m_return(reading->thread, code);
	m_message_destroy(message);
}

static void
arrive_whole(struct reading *reading)
{
	struct m_message *message = reading->message;
	mach_msg_header_t header = read_header(reading);
	uint32_t bits = MACH_MSGH_BITS(message->reply_type, message->dest.type);
	mach_port_name_t local = destination(reading);

	if (message->count > 0)
		bits |= MACH_MSGH_BITS_COMPLEX;
	use_destination(message);
	give(reading, &message->reply, header.msgh_remote_port);
	if (reading->errors != 0) {
		header_alone(reading, bits & MACH_MSGH_BITS_LOCAL_MASK, local,
		    (kern_return_t)(MACH_RCV_HEADER_ERROR | reading->errors));
		return;
	}
	EXPECT(header.msgh_bits == bits);
	EXPECT(header.msgh_id == message->id);
	expect_destination(reading, header.msgh_local_port, local);
	EXPECT(header.msgh_voucher_port == MACH_PORT_NULL);
	read_descriptors(reading);
	EXPECT(header.msgh_size == message->size);
	read_body(reading);
	read_trailer(reading);
	m_return(reading->thread,
	    reading->errors == 0
		? MACH_MSG_SUCCESS
		: (kern_return_t)(MACH_RCV_BODY_ERROR | reading->errors));
	m_message_free(message);
}

void
m_arrive(struct m_thread *thread, struct m_message *message)
{
	struct reading reading = {
	    .thread = thread,
	    .message = message,
	    .to = message->dest.port->kernel,
	    .at = user_at(thread->task->sim, thread->receive_buffer),
	    .offset = sizeof(mach_msg_header_t),
	};
	uint32_t bits = MACH_MSGH_BITS(0, message->dest.type);
	mach_port_name_t local = destination(&reading);

	if (!thread->sim->returned)
		disagree("t%u got no message", thread->number);
	if (message->size + m_trailer_size(thread->option) <=
	    thread->receive_size) {
		arrive_whole(&reading);
		return;
	}
	use_destination(message);
	header_alone(&reading, bits, local, MACH_RCV_TOO_LARGE);
}

/* Its sender wants to hear of room, if he asked for that by this name. */
static void
arm(struct m_task *task, const struct m_message *message)
{
	struct m_name *entry = m_lookup(task, message->remote_name);

	if (entry != NULL && entry->port == message->dest.port &&
	    entry->request.port != NULL && entry->possible)
		entry->armed = true;
}

void
m_come_back(struct m_thread *thread, struct m_message *message)
{
	struct reading reading = {
	    .thread = thread,
	    .message = message,
	    .at = user_at(thread->task->sim, thread->send_buffer),
	    .back = true,
	    .offset = sizeof(mach_msg_header_t),
	};
	mach_msg_header_t header = read_header(&reading);
	uint32_t bits = MACH_MSGH_BITS(message->dest.type, message->reply_type);

	if (thread->why == MACH_SEND_TIMED_OUT &&
	    (thread->option & MACH_SEND_NOTIFY))
		arm(thread->task, message);
	if (message->count > 0)
		bits |= MACH_MSGH_BITS_COMPLEX;
	EXPECT(header.msgh_bits == bits);
	EXPECT(header.msgh_size == message->size);
	EXPECT(header.msgh_id == message->id);
	give(&reading, &message->dest, header.msgh_remote_port);
	give(&reading, &message->reply, header.msgh_local_port);
	read_descriptors(&reading);
	read_body(&reading);
	m_return(
	    thread, (kern_return_t)((uint32_t)thread->why | reading.errors));
	m_message_free(message);
}

void
m_told_too_large(struct m_thread *thread, const struct m_port *port,
    const struct m_message *message)
{
	struct reading reading = {
	    .at = user_at(thread->task->sim, thread->receive_buffer)};
	mach_msg_header_t header = read_header(&reading);

	if (thread->receive_size >= sizeof(header))
		EXPECT(header.msgh_size == message->size);
	if (thread->receive_size >= sizeof(header) &&
	    (thread->option & MACH_RCV_LARGE_IDENTITY))
		EXPECT(header.msgh_local_port ==
		       m_name_of(thread->task, port)->name);
	m_return(thread, MACH_RCV_TOO_LARGE);
}
