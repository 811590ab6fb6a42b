/*
 * sending.c: the model's mach_msg(): a user's message is checked, its names
 * become rights, and it goes to its port; then the call receives.
 */
#include "ipc_host.h"
#include "model.h"
#include "observe.h"

static bool
kind_has_rights(uint32_t kind)
{
	return kind == MACH_MSG_PORT_DESCRIPTOR ||
	       kind == MACH_MSG_GUARDED_PORT_DESCRIPTOR ||
	       kind == MACH_MSG_OOL_PORTS_DESCRIPTOR;
}

static bool
kind_is_known(const struct m_sent *sent)
{
	switch (sent->kind) {
	case MACH_MSG_PORT_DESCRIPTOR:
		return MACH_MSG_TYPE_PORT_ANY(sent->disposition);
	case MACH_MSG_GUARDED_PORT_DESCRIPTOR:
		return sent->disposition == MACH_MSG_TYPE_MOVE_RECEIVE &&
		       (sent->guard_flags & ~MACH_MSG_GUARD_FLAGS_MASK) == 0;
	case MACH_MSG_OOL_PORTS_DESCRIPTOR:
		return MACH_MSG_TYPE_PORT_ANY(sent->disposition) &&
		       sent->copy <= MACH_MSG_ALLOCATE;
	case MACH_MSG_OOL_DESCRIPTOR:
	case MACH_MSG_OOL_VOLATILE_DESCRIPTOR:
		return sent->copy <= MACH_MSG_ALLOCATE;
	default:
		return false;
	}
}

/* Is each descriptor there, and of a known kind? */
static kern_return_t
check_descriptors(const struct m_call *call)
{
	uint32_t left = call->send_size - sizeof(mach_msg_header_t);

	if (!call->complex)
		return MACH_MSG_SUCCESS;
	if (left < sizeof(mach_msg_body_t))
		return MACH_SEND_MSG_TOO_SMALL;
	left -= sizeof(mach_msg_body_t);
	for (unsigned i = 0; i < call->count; i++) {
		const struct m_sent *sent = &call->sent[i];
		uint32_t size = sent->kind == MACH_MSG_PORT_DESCRIPTOR
				    ? sizeof(mach_msg_port_descriptor_t)
				    : sizeof(mach_msg_ool_descriptor_t);

		if (left < size)
			return MACH_SEND_MSG_TOO_SMALL;
		left -= size;
		if (!kind_is_known(sent))
			return MACH_SEND_INVALID_TYPE;
	}
	return MACH_MSG_SUCCESS;
}

static kern_return_t
check_types(const struct m_call *call)
{
	uint32_t remote = MACH_MSGH_BITS_REMOTE(call->bits);
	uint32_t local = MACH_MSGH_BITS_LOCAL(call->bits);
	uint32_t voucher = MACH_MSGH_BITS_VOUCHER(call->bits);

	if (call->bits & ~MACH_MSGH_BITS_USER)
		return MACH_SEND_INVALID_HEADER;
	/* There are none, but a header may say so in as many words. */
	if (voucher != 0 && (call->voucher != MACH_PORT_NULL ||
				(voucher != MACH_MSG_TYPE_MOVE_SEND &&
				    voucher != MACH_MSG_TYPE_COPY_SEND)))
		return MACH_SEND_INVALID_VOUCHER;
	if (!MACH_MSG_TYPE_PORT_ANY_SEND(remote))
		return MACH_SEND_INVALID_HEADER;
	if (local == 0 ? call->local != MACH_PORT_NULL
		       : !MACH_MSG_TYPE_PORT_ANY_SEND(local))
		return MACH_SEND_INVALID_HEADER;
	return MACH_MSG_SUCCESS;
}

/* Can both rights of the header be had, also if they are of one name? */
static kern_return_t
check_header(const struct m_call *call)
{
	struct m_name *remote = m_lookup(call->thread->task, call->remote);
	struct m_name *local = m_lookup(call->thread->task, call->local);
	uint32_t first = MACH_MSGH_BITS_REMOTE(call->bits);
	uint32_t second = MACH_MSGH_BITS_LOCAL(call->bits);
	kern_return_t kr = check_types(call);

	if (kr != MACH_MSG_SUCCESS)
		return kr;
	if (m_may_take(remote, first, false) != KERN_SUCCESS)
		return MACH_SEND_INVALID_DEST;
	if (!MACH_PORT_VALID(call->local))
		return MACH_MSG_SUCCESS;
	if (m_may_take(local, second, true) != KERN_SUCCESS)
		return MACH_SEND_INVALID_REPLY;
	if (remote == local && first == MACH_MSG_TYPE_MOVE_SEND_ONCE)
		return MACH_SEND_INVALID_REPLY;
	if (remote == local && first == MACH_MSG_TYPE_MOVE_SEND &&
	    second == MACH_MSG_TYPE_MOVE_SEND && remote->urefs < 2)
		return MACH_SEND_INVALID_REPLY;
	return MACH_MSG_SUCCESS;
}

static void
take_header(const struct m_call *call, struct m_message *message)
{
	struct m_task *task = call->thread->task;
	uint32_t remote = MACH_MSGH_BITS_REMOTE(call->bits);
	uint32_t local = MACH_MSGH_BITS_LOCAL(call->bits);

	/* Of one name, what is moved goes last. */
	if (remote != MACH_MSG_TYPE_MOVE_SEND)
		(void)m_copyin(
		    task, call->remote, remote, false, &message->dest);
	if (local != 0) {
		(void)m_copyin(task, call->local, local, true, &message->reply);
		message->reply_type = m_received_type(local);
	}
	if (remote == MACH_MSG_TYPE_MOVE_SEND)
		(void)m_copyin(
		    task, call->remote, remote, false, &message->dest);
}

static kern_return_t
take_right(struct m_task *task, const struct m_sent *sent, unsigned which,
    struct m_right *right)
{
	if (sent->kind == MACH_MSG_GUARDED_PORT_DESCRIPTOR)
		return m_copyin_guarded(task, sent->name[which], sent->guard,
		    sent->guard_flags & MACH_MSG_GUARD_FLAGS_UNGUARDED_ON_SEND,
		    right);
	return m_copyin(
	    task, sent->name[which], sent->disposition, true, right);
}

static kern_return_t
take_descriptor(
    struct m_task *task, const struct m_sent *sent, struct m_message *message)
{
	struct m_descriptor *d = &message->descriptor[message->count];

	*d = (struct m_descriptor){.kind = sent->kind,
	    .copy = sent->copy,
	    .guard_flags = sent->guard_flags,
	    .disposition = m_received_type(sent->disposition)};
	if (sent->bad_address && sent->count > 0 &&
	    sent->kind != MACH_MSG_PORT_DESCRIPTOR &&
	    sent->kind != MACH_MSG_GUARDED_PORT_DESCRIPTOR)
		return MACH_SEND_INVALID_MEMORY;
	message->count++;
	if (!kind_has_rights(sent->kind)) {
		d->kind = MACH_MSG_OOL_DESCRIPTOR;
		d->disposition = sent->kind;
		d->count = sent->count;
		return MACH_MSG_SUCCESS;
	}
	for (unsigned k = 0; k < sent->count; k++) {
		kern_return_t kr = take_right(task, sent, k, &d->right[k]);

		if (kr != KERN_SUCCESS)
			return MACH_SEND_INVALID_RIGHT;
		d->count++;
	}
	return MACH_MSG_SUCCESS;
}

/* Did the kernel run out of memory on the way in?  How far it came is its
 * own affair; what it had taken is lost. */
static bool
out_of_memory(const struct m_call *call)
{
	const struct sim_thread *sim = call->thread->sim;

	return host_failed() && sim->returned &&
	       sim->value == MACH_SEND_NO_BUFFER;
}

static kern_return_t
take_all(const struct m_call *call, struct m_message *message)
{
	struct m_task *task = call->thread->task;
	bool stops = out_of_memory(call);
	kern_return_t kr = MACH_MSG_SUCCESS;

	take_header(call, message);
	for (unsigned i = 0; call->complex && i < call->count; i++) {
		if (stops && i == observed_failure.done)
			return MACH_SEND_NO_BUFFER;
		kr = take_descriptor(task, &call->sent[i], message);
		if (kr != MACH_MSG_SUCCESS)
			return kr;
	}
	return kr;
}

/* The higher of the two classes of the priority asked for. */
static uint32_t
order_of(const struct m_call *call)
{
	uint32_t class = call->priority >> MACH_MSG_PRIORITY_QOS_SHIFT & 0xf;
	uint32_t least = call->priority >> MACH_MSG_PRIORITY_OVERRIDE_SHIFT;

	if (!(call->option & MACH_SEND_OVERRIDE))
		return MACH_MSG_QOS_DEFAULT;
	if (class < least)
		class = least;
	return class != MACH_MSG_QOS_UNSPECIFIED ? class : MACH_MSG_QOS_DEFAULT;
}

/* The way in: names become rights, and *@messagep theirs. */
static kern_return_t
copyin_message(const struct m_call *call, struct m_message **messagep)
{
	struct m_message *message;
	kern_return_t kr;

	if (call->send_size < sizeof(mach_msg_header_t) || call->send_size % 4)
		return MACH_SEND_MSG_TOO_SMALL;
	if (out_of_memory(call) && !observed_failure.header)
		return MACH_SEND_NO_BUFFER;
	kr = check_descriptors(call);
	if (kr == MACH_MSG_SUCCESS)
		kr = check_header(call);
	if (kr != MACH_MSG_SUCCESS)
		return kr;
	message = m_message_new();
	message->id = call->id;
	message->size = call->send_size;
	message->complex = call->complex;
	message->sender = call->thread->task->id;
	message->remote_name = call->remote;
	message->order = order_of(call);
	kr = take_all(call, message);
	if (kr != MACH_MSG_SUCCESS)
		m_message_destroy(message);
	*messagep = message;
	return kr;
}

/* True: it was sent, and the call goes on. */
static bool
send_message(const struct m_call *call)
{
	struct m_thread *thread = call->thread;
	struct m_message *message;
	struct m_port *port;
	kern_return_t kr = copyin_message(call, &message);

	if (kr != MACH_MSG_SUCCESS) {
		m_return(thread, kr);
		return false;
	}
	thread->nowhere = !m_may_receive(thread);
	if (m_circular(message)) {
		m_message_destroy(message);
		return true;
	}
	(void)observe_until_post();
	port = message->dest.port;
	if (m_post(message, message->dest.type == MACH_MSG_TYPE_PORT_SEND_ONCE))
		return true;
	thread->message = message;
	if ((call->option & MACH_SEND_TIMEOUT) && call->timeout == 0) {
		m_send_back(thread, MACH_SEND_TIMED_OUT);
		return false;
	}
	thread->state = M_SENDING;
	thread->port = port;
	thread->can_expire = (call->option & MACH_SEND_TIMEOUT) != 0;
	m_wait_for_room(port, thread);
	return false;
}

void
m_mach_msg(const struct m_call *call)
{
	struct m_thread *thread = call->thread;
	uint32_t elements = call->option >> 24 & 0xf;

	thread->option = call->option;
	thread->receive_name = call->receive_name;
	thread->receive_size = call->receive_size;
	thread->nowhere = false;
	thread->poll = (call->option & MACH_RCV_TIMEOUT) && call->timeout == 0;
	if ((call->option & MACH_RCV_MSG) && elements > MACH_RCV_TRAILER_CTX &&
	    elements != MACH_RCV_TRAILER_AV) {
		m_return(thread, MACH_RCV_INVALID_TRAILER);
		return;
	}
	if ((call->option & MACH_SEND_MSG) && !send_message(call))
		return;
	if (!(call->option & MACH_RCV_MSG)) {
		m_return(thread, MACH_MSG_SUCCESS);
		return;
	}
	if (observe_until_look(thread))
		m_receive(thread);
	else
		m_receive_unseen(thread);
}
