/*
 * rights.c: the model's names and rights: where they are, how many there are,
 * and what becomes of those that are given up.
 */
#include <mach/notify.h>
#include <string.h>

#include "ipc_host.h"
#include "model.h"
#include "observe.h"

struct world world;

#define INDEX(name) ((name) >> 8)

/* ---- names ---- */

struct m_name *
m_lookup(struct m_task *task, mach_port_name_t name)
{
	for (unsigned i = 0; i < NAMES; i++) {
		if (task->names[i].name == name && name != 0)
			return &task->names[i];
	}
	return NULL;
}

struct m_name *
m_name_of(struct m_task *task, const struct m_port *port)
{
	for (unsigned i = 0; i < NAMES; i++) {
		if (task->names[i].port == port &&
		    (task->names[i].type & MACH_PORT_TYPE_SEND_RECEIVE))
			return &task->names[i];
	}
	return NULL;
}

unsigned
m_name_count(const struct m_task *task)
{
	unsigned count = 0;

	for (unsigned i = 0; i < NAMES; i++)
		count += task->names[i].name != 0;
	return count;
}

bool
m_index_in_use(const struct m_task *task, mach_port_name_t name)
{
	for (unsigned i = 0; i < NAMES; i++) {
		if (task->names[i].name != 0 &&
		    INDEX(task->names[i].name) == INDEX(name))
			return true;
	}
	for (unsigned i = 0; i < TASKS; i++) {
		if (INDEX(task->task_name[i]) == INDEX(name))
			return true;
	}
	return false;
}

struct m_name *
m_name_new(struct m_task *task, mach_port_name_t name, bool chosen)
{
	uint32_t index = INDEX(name);

	EXPECT(MACH_PORT_VALID(name));
	EXPECT(index != 0);
	EXPECT(!m_index_in_use(task, name));
	if (m_name_count(task) >= task->limit)
		disagree("name 0x%x beyond the limit of task %u", name,
		    task->number);
	if (index < ARRAY_SIZE(task->last)) {
		if (!chosen && task->last[index] == name)
			disagree("stale name 0x%x is new again", name);
		task->last[index] = name;
	}
	for (unsigned i = 0; i < NAMES; i++) {
		if (task->names[i].name == 0) {
			task->names[i] = (struct m_name){.name = name};
			return &task->names[i];
		}
	}
	disagree("the model has no room for so many names");
}

/* Its request, if there is one, tells that it was deleted. */
void
m_name_free(struct m_task *task, struct m_name *entry)
{
	struct m_right request = entry->request;
	struct m_port *port = entry->port;
	mach_port_name_t name = entry->name;

	(void)task;
	*entry = (struct m_name){0};
	if (request.port != NULL)
		m_notice(request, MACH_NOTIFY_PORT_DELETED, name)->about = port;
}

/* ---- counting ---- */

static uint32_t
right_is(const struct m_right *right, const struct m_port *port, uint32_t type)
{
	return right->port == port && right->type == type;
}

static uint32_t
count_in_message(
    const struct m_message *message, const struct m_port *port, uint32_t type)
{
	uint32_t count = right_is(&message->dest, port, type) +
			 right_is(&message->reply, port, type);

	for (unsigned i = 0; i < message->count; i++) {
		const struct m_descriptor *d = &message->descriptor[i];

		if (d->kind == MACH_MSG_OOL_DESCRIPTOR)
			continue;
		for (unsigned k = 0; k < d->count; k++)
			count += right_is(&d->right[k], port, type);
	}
	return count;
}

static uint32_t
count_in_task(
    const struct m_task *task, const struct m_port *port, uint32_t type)
{
	static const uint32_t bit[] = {
	    [MACH_MSG_TYPE_PORT_RECEIVE] = MACH_PORT_TYPE_RECEIVE,
	    [MACH_MSG_TYPE_PORT_SEND] = MACH_PORT_TYPE_SEND,
	    [MACH_MSG_TYPE_PORT_SEND_ONCE] = MACH_PORT_TYPE_SEND_ONCE};
	uint32_t count = 0;

	for (unsigned i = 0; i < NAMES; i++) {
		const struct m_name *entry = &task->names[i];

		if (entry->name == 0)
			continue;
		count += entry->port == port && (entry->type & bit[type]) != 0;
		count += right_is(&entry->request, port, type);
	}
	return count;
}

uint32_t
m_count(const struct m_port *port, uint32_t type)
{
	uint32_t count = 0;

	for (unsigned i = 0; i < TASKS; i++)
		count += count_in_task(&world.task[i], port, type);
	for (unsigned i = 0; i < world.messages.count; i++)
		count += count_in_message(world.messages.item[i], port, type);
	for (unsigned i = 0; i < world.ports.count; i++) {
		const struct m_port *other = world.ports.item[i];

		count += right_is(&other->no_senders, port, type);
		count += right_is(&other->destroyed, port, type);
	}
	return count;
}

/* ---- ports and sets ---- */

struct m_port *
m_port_new(struct port *kernel)
{
	struct m_port *port = calloc(1, sizeof(*port));

	port->kernel = kernel;
	port->number = ++world.port_numbers;
	port->alive = true;
	port->limit = MACH_PORT_QLIMIT_DEFAULT;
	items_add(&world.ports, port);
	return port;
}

void
m_collect(void)
{
	for (unsigned i = 0; i < world.ports.count;) {
		struct m_port *port = world.ports.item[i];

		if (port->alive || port->counted.send > 0 ||
		    port->counted.send_once > 0) {
			i++;
			continue;
		}
		items_take(&world.ports, i);
		for (unsigned k = 0; k < THREADS; k++) {
			if (world.thread[k].reply_port == port)
				world.thread[k].reply_port = NULL;
		}
		items_free(&port->messages);
		items_free(&port->senders);
		items_free(&port->waiters);
		items_free(&port->sets);
		free(port);
	}
}

struct m_set *
m_set_new(struct m_task *task, struct pset *kernel)
{
	struct m_set *set = calloc(1, sizeof(*set));

	set->task = task;
	set->kernel = kernel;
	items_add(&world.sets, set);
	return set;
}

void
m_set_end(struct m_set *set)
{
	m_evict(&set->waiters, MACH_RCV_PORT_DIED);
	for (unsigned i = 0; i < set->members.count; i++) {
		struct m_port *port = set->members.item[i];

		items_remove(&port->sets, set);
	}
	items_remove(&world.sets, set);
	items_free(&set->members);
	items_free(&set->waiters);
	free(set);
}

static void
leave_sets(struct m_port *port)
{
	while (port->sets.count > 0) {
		struct m_set *set = items_take(&port->sets, 0);

		items_remove(&set->members, port);
	}
}

/* ---- the end of a right ---- */

/* A send right to @port is gone; was it the last? */
static void
lost_send(struct m_port *port)
{
	struct m_right request = port->no_senders;

	if (!port->alive || request.port == NULL ||
	    port->make_sends < port->sync ||
	    m_count(port, MACH_MSG_TYPE_PORT_SEND) > 0)
		return;
	port->no_senders = (struct m_right){0};
	m_notice(request, MACH_NOTIFY_NO_SENDERS, port->make_sends)->about =
	    port;
}

/* The name of a port that died. */
static void
name_dies(struct m_name *entry)
{
	struct m_right request = entry->request;
	struct m_port *port = entry->port;

	entry->request = (struct m_right){0};
	if (!(entry->type & MACH_PORT_TYPE_SEND))
		entry->urefs = 1;
	entry->type = MACH_PORT_TYPE_DEAD_NAME;
	entry->port = NULL;
	if (request.port == NULL)
		return;
	/* Who is told gets a reference, so that the name does not go. */
	if (entry->urefs < MACH_PORT_UREFS_MAX)
		entry->urefs++;
	m_notice(request, MACH_NOTIFY_DEAD_NAME, entry->name)->about = port;
}

static void
port_dies(struct m_port *port)
{
	struct m_right request = port->no_senders;
	struct m_message *notice;

	port->alive = false;
	port->died = world.step;
	port->receiver = NULL;
	port->no_senders = (struct m_right){0};
	if (request.port != NULL && request.port->alive) {
		/* The right goes unused; unless senders went first. */
		notice =
		    m_notice(request, MACH_NOTIFY_SEND_ONCE, port->make_sends);
		notice->about = port;
		if (port->make_sends >= port->sync)
			notice->other_id = MACH_NOTIFY_NO_SENDERS;
	}
	for (unsigned i = 0; i < TASKS; i++) {
		for (unsigned k = 0; k < NAMES; k++) {
			struct m_name *entry = &world.task[i].names[k];

			if (entry->name != 0 && entry->port == port)
				name_dies(entry);
		}
	}
	while (port->messages.count > 0)
		m_message_destroy(items_take(&port->messages, 0));
	while (port->senders.count > 0)
		m_send_back(
		    items_take(&port->senders, 0), MACH_SEND_INVALID_DEST);
}

/* A receive right that nobody holds any more. */
static void
receive_ends(struct m_port *port)
{
	struct m_right request = port->destroyed;
	struct m_message *notice;

	EXPECT(port->alive);
	port->receiver = NULL;
	if (request.port == NULL) {
		port_dies(port);
		return;
	}
	port->destroyed = (struct m_right){0};
	notice = m_notice(request, MACH_NOTIFY_PORT_DESTROYED, 0);
	notice->count = 1;
	notice->descriptor[0] = (struct m_descriptor){
	    .kind = MACH_MSG_PORT_DESCRIPTOR,
	    .disposition = MACH_MSG_TYPE_PORT_RECEIVE,
	    .count = 1,
	    .right[0] = {port, MACH_MSG_TYPE_PORT_RECEIVE, false},
	};
}

void
m_release(struct m_right right)
{
	struct m_port *port = right.port;

	if (port == NULL || !port->alive)
		return;
	if (right.type == MACH_MSG_TYPE_PORT_RECEIVE)
		receive_ends(port);
	else if (right.type == MACH_MSG_TYPE_PORT_SEND)
		lost_send(port);
	else
		m_notice(right, MACH_NOTIFY_SEND_ONCE, 0);
}

void
m_drop_send(struct m_task *task, struct m_name *entry)
{
	struct m_port *port = entry->port;

	if (entry->type & MACH_PORT_TYPE_RECEIVE) {
		entry->type = MACH_PORT_TYPE_RECEIVE;
		entry->urefs = 0;
	} else {
		m_name_free(task, entry);
	}
	lost_send(port);
}

struct m_right
m_move_receive(struct m_task *task, struct m_name *entry, kern_return_t code)
{
	struct m_port *port = entry->port;

	/* What was told before may have gone to those who wait on it. */
	(void)observe_until_leave(port);
	m_evict(&port->waiters, code);
	leave_sets(port);
	port->receiver = NULL;
	port->make_sends = 0;
	port->sequence = 0;
	port->context = 0;
	port->guard = 0;
	entry->type &= ~MACH_PORT_TYPE_RECEIVE;
	if (entry->type == 0)
		m_name_free(task, entry);
	return (struct m_right){port, MACH_MSG_TYPE_PORT_RECEIVE, false};
}

void
m_drop_receive(struct m_task *task, struct m_name *entry)
{
	m_release(m_move_receive(task, entry, MACH_RCV_PORT_DIED));
}

void
m_drop_all(struct m_task *task, struct m_name *entry)
{
	struct m_port *port = entry->port;
	struct m_set *set = entry->set;
	mach_port_name_t name = entry->name;

	switch (entry->type) {
	case MACH_PORT_TYPE_PORT_SET:
		m_name_free(task, entry);
		m_set_end(set);
		break;
	case MACH_PORT_TYPE_DEAD_NAME:
		m_name_free(task, entry);
		break;
	case MACH_PORT_TYPE_SEND_ONCE:
		m_name_free(task, entry);
		m_release((struct m_right){
		    port, MACH_MSG_TYPE_PORT_SEND_ONCE, false});
		break;
	default:
		if (entry->type & MACH_PORT_TYPE_SEND)
			m_drop_send(task, entry);
		entry = m_lookup(task, name);
		if (entry != NULL && (entry->type & MACH_PORT_TYPE_RECEIVE))
			m_drop_receive(task, entry);
	}
}
