/*
 * messages.c: the model's queues: messages arrive, wait and are taken; threads
 * wait for them, or for room.
 */
#include <mach/notify.h>

#include "ipc_host.h"
#include "model.h"
#include "observe.h"

/* ---- messages ---- */

struct m_message *
m_message_new(void)
{
	struct m_message *message = calloc(1, sizeof(*message));

	items_add(&world.messages, message);
	return message;
}

void
m_message_free(struct m_message *message)
{
	items_remove(&world.messages, message);
	free(message);
}

struct m_message *
m_notice(struct m_right to, int32_t id, uint32_t word)
{
	struct m_message *notice = m_message_new();

	notice->notice = true;
	notice->order = MACH_MSG_QOS_DEFAULT;
	notice->id = id;
	notice->dest = to;
	notice->word = word;
	items_add(&world.pending, notice);
	return notice;
}

/* One right of a message is given up: it is no longer there to be counted. */
static void
release(struct m_right *place)
{
	struct m_right right = *place;

	*place = (struct m_right){0};
	m_release(right);
}

void
m_message_destroy(struct m_message *message)
{
	while (message->count > 0) {
		struct m_descriptor *d =
		    &message->descriptor[message->count - 1];

		for (unsigned k = 0;
		     d->kind != MACH_MSG_OOL_DESCRIPTOR && k < d->count; k++)
			release(&d->right[k]);
		message->count--;
	}
	release(&message->dest);
	release(&message->reply);
	m_message_free(message);
}

static bool
carries(const struct m_message *message, const struct m_port *port)
{
	for (unsigned i = 0; i < message->count; i++) {
		const struct m_descriptor *d = &message->descriptor[i];

		if (d->kind == MACH_MSG_OOL_DESCRIPTOR)
			continue;
		for (unsigned k = 0; k < d->count; k++) {
			if (d->right[k].port == port &&
			    d->right[k].type == MACH_MSG_TYPE_PORT_RECEIVE)
				return true;
		}
	}
	return false;
}

/* The message that @port's receive right is in, if it has been sent. */
static const struct m_message *
carrier_of(const struct m_port *port)
{
	for (unsigned i = 0; i < world.messages.count; i++) {
		const struct m_message *message = world.messages.item[i];

		if (carries(message, port) &&
		    !items_has(&world.pending, message))
			return message;
	}
	return NULL;
}

bool
m_circular(const struct m_message *message)
{
	const struct m_port *port = message->dest.port;

	while (port != NULL && port->alive && port->receiver == NULL) {
		const struct m_message *carrier;

		if (carries(message, port))
			return true;
		carrier = carrier_of(port);
		port = carrier == NULL ? NULL : carrier->dest.port;
	}
	return false;
}

/* ---- threads ---- */

void
m_return(struct m_thread *thread, int64_t value)
{
	thread->state = M_IDLE;
	thread->port = NULL;
	thread->set = NULL;
	thread->message = NULL;
	thread->returned = true;
	thread->value = value;
}

void
m_look_again(struct m_thread *thread)
{
	EXPECT(thread->state == M_RECEIVING && thread->set != NULL);
	items_remove(&thread->set->waiters, thread);
	thread->state = M_RESUMED;
	thread->set = NULL;
}

void
m_interrupt(struct m_thread *thread)
{
	EXPECT(thread->state == M_RECEIVING);
	items_remove(thread->port != NULL ? &thread->port->waiters
					  : &thread->set->waiters,
	    thread);
	m_return(thread, MACH_RCV_INTERRUPTED);
}

void
m_evict(struct items *waiters, kern_return_t code)
{
	while (waiters->count > 0)
		m_return(items_take(waiters, 0), code);
}

void
m_send_back(struct m_thread *thread, kern_return_t code)
{
	thread->why = code;
	items_add(&world.returning, thread);
}

void
m_come_back_all(void)
{
	while (world.returning.count > 0) {
		struct m_thread *thread = items_take(&world.returning, 0);

		m_come_back(thread, thread->message);
	}
}

/* The message that @thread waited to send is sent. */
static void
sent(struct m_thread *thread)
{
	if (thread->option & MACH_RCV_MSG) {
		thread->state = M_RESUMED;
		thread->port = NULL;
		thread->message = NULL;
	} else {
		m_return(thread, MACH_MSG_SUCCESS);
	}
}

/* ---- messages meet receivers ---- */

uint32_t
m_trailer_size(uint32_t option)
{
	switch (option >> 24 & 0xf) {
	case MACH_RCV_TRAILER_NULL:
		return 8;
	case MACH_RCV_TRAILER_SEQNO:
		return 12;
	case MACH_RCV_TRAILER_SENDER:
		return 20;
	case MACH_RCV_TRAILER_AUDIT:
		return 52;
	case MACH_RCV_TRAILER_CTX:
		return 60;
	default:
		return 68;
	}
}

static bool
fits(const struct m_thread *thread, const struct m_message *message)
{
	return message->size + m_trailer_size(thread->option) <=
	       thread->receive_size;
}

static bool
stays(const struct m_thread *thread, const struct m_message *message)
{
	return !fits(thread, message) && (thread->option & MACH_RCV_LARGE);
}

static void
leave_port(struct m_port *port, struct m_message *message)
{
	message->sequence = port->sequence++;
	message->context = port->context;
}

/* Behind all of its order and higher ones. */
static void
enqueue(struct m_port *port, struct m_message *message)
{
	unsigned at = port->messages.count;

	while (at > 0) {
		struct m_message *before = port->messages.item[at - 1];

		if (before->order >= message->order)
			break;
		at--;
	}
	items_insert(&port->messages, at, message);
}

void
m_wait_for_room(struct m_port *port, struct m_thread *thread)
{
	unsigned at = port->senders.count;

	while (at > 0) {
		struct m_thread *before = port->senders.item[at - 1];

		if (before->message->order >= thread->message->order)
			break;
		at--;
	}
	items_insert(&port->senders, at, thread);
}

/* The first of @waiters who takes @message; others are told how large it is. */
static struct m_thread *
find_waiter(
    struct items *waiters, struct m_port *port, struct m_message *message)
{
	while (waiters->count > 0) {
		struct m_thread *thread = items_take(waiters, 0);

		if (!stays(thread, message))
			return thread;
		m_told_too_large(thread, port, message);
	}
	return NULL;
}

bool
m_post(struct m_message *message, bool force)
{
	struct m_port *port = message->dest.port;
	struct m_thread *thread;

	if (!port->alive) {
		m_message_destroy(message);
		return true;
	}
	thread = find_waiter(&port->waiters, port, message);
	/* Who waits on a set while there are others has been told to look. */
	for (unsigned i = 0;
	     thread == NULL && !m_has_message(port) && i < port->sets.count;
	     i++) {
		struct m_set *set = port->sets.item[i];

		thread = find_waiter(&set->waiters, port, message);
	}
	if (thread != NULL) {
		leave_port(port, message);
		m_arrive(thread, message);
		return true;
	}
	/* Nobody gets in before those who wait. */
	if (!force &&
	    (port->messages.count >= port->limit || port->senders.count > 0))
		return false;
	enqueue(port, message);
	return true;
}

bool
m_has_room(const struct m_port *port)
{
	return port->waiters.count > 0 ||
	       (port->senders.count == 0 && port->messages.count < port->limit);
}

/* ---- who wants to hear of room ---- */

static bool
is_told(const struct m_name *entry)
{
	return entry->name != 0 && entry->possible && entry->armed &&
	       entry->request.port != NULL && m_has_room(entry->port);
}

struct m_message *
m_tell_room(mach_port_name_t name, const struct port *to)
{
	for (unsigned i = 0; i < TASKS; i++) {
		struct m_name *entry = m_lookup(&world.task[i], name);
		struct m_right request;

		if (entry == NULL || !is_told(entry) ||
		    entry->request.port->kernel != to)
			continue;
		request = entry->request;
		entry->request = (struct m_right){0};
		return m_notice(request, MACH_NOTIFY_SEND_POSSIBLE, name);
	}
	return NULL;
}

void
m_expect_told(void)
{
	for (unsigned i = 0; i < TASKS; i++) {
		for (unsigned k = 0; k < NAMES; k++) {
			struct m_name *entry = &world.task[i].names[k];

			if (is_told(entry))
				disagree("task %u was not told of room by "
					 "0x%x",
				    i, entry->name);
		}
	}
}

void
m_admit(struct m_port *port)
{
	while (port->messages.count < port->limit && port->senders.count > 0) {
		struct m_thread *thread = items_take(&port->senders, 0);
		struct m_message *message = thread->message;

		sent(thread);
		(void)m_post(message, true);
	}
}

bool
m_has_message(const struct m_port *port)
{
	return port->messages.count > 0 || port->senders.count > 0;
}

struct m_message *
m_first_message(const struct m_port *port)
{
	const struct m_thread *sender;

	if (port->messages.count > 0)
		return port->messages.item[0];
	if (port->senders.count == 0)
		return NULL;
	sender = port->senders.item[0];
	return sender->message;
}

static struct m_message *
take_message(struct m_port *port)
{
	struct m_message *message = m_first_message(port);

	if (port->messages.count > 0) {
		items_take(&port->messages, 0);
		m_admit(port);
	} else {
		sent(items_take(&port->senders, 0));
	}
	leave_port(port, message);
	return message;
}

/* ---- receiving ---- */

static void
receive_from(struct m_thread *thread, struct m_port *port)
{
	if (stays(thread, m_first_message(port)))
		m_told_too_large(thread, port, m_first_message(port));
	else
		m_arrive(thread, take_message(port));
}

static void
wait_for_message(struct m_thread *thread, struct items *waiters)
{
	if (thread->poll) {
		m_return(thread, MACH_RCV_TIMED_OUT);
		return;
	}
	thread->state = M_RECEIVING;
	thread->can_expire = (thread->option & MACH_RCV_TIMEOUT) != 0;
	items_add(waiters, thread);
}

/* Which member of a set is served is the kernel's to choose: one that has a
 * message. */
static struct m_port *
choose_member(const struct m_thread *thread, const struct m_set *set)
{
	struct port *chosen = observe_chosen(thread);
	bool any = false;

	for (unsigned i = 0; i < set->members.count; i++) {
		struct m_port *port = set->members.item[i];

		if (!m_has_message(port))
			continue;
		any = true;
		if (port->kernel == chosen)
			return port;
	}
	if (any)
		disagree(
		    "t%u did not take what there is in a set", thread->number);
	return NULL;
}

static void
receive_from_set(struct m_thread *thread, struct m_set *set)
{
	struct m_port *port = choose_member(thread, set);

	if (port != NULL) {
		receive_from(thread, port);
		return;
	}
	wait_for_message(thread, &set->waiters);
	thread->set = thread->state == M_RECEIVING ? set : NULL;
}

void
m_receive(struct m_thread *thread)
{
	struct m_name *entry = m_lookup(thread->task, thread->receive_name);

	if (entry != NULL && (entry->type & MACH_PORT_TYPE_RECEIVE)) {
		struct m_port *port = entry->port;

		if (m_has_message(port)) {
			receive_from(thread, port);
			return;
		}
		wait_for_message(thread, &port->waiters);
		thread->port = thread->state == M_RECEIVING ? port : NULL;
	} else if (entry != NULL && entry->type == MACH_PORT_TYPE_PORT_SET) {
		receive_from_set(thread, entry->set);
	} else {
		m_return(thread, MACH_RCV_INVALID_NAME);
	}
}

bool
m_may_receive(const struct m_thread *thread)
{
	const struct m_name *entry =
	    m_lookup(thread->task, thread->receive_name);

	return entry != NULL &&
	       (entry->type &
		   (MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_PORT_SET)) != 0;
}

/*
 * A right that @thread sent may be back in its own task already: here who is
 * given a message has it at once.  The kernel's only claims who shall run, and
 * the sender may come before him to where no such name is yet.
 */
void
m_receive_unseen(struct m_thread *thread)
{
	if (thread->nowhere)
		m_return(thread, MACH_RCV_INVALID_NAME);
	else
		m_receive(thread);
}
