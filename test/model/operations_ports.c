/*
 * operations_ports.c: calls on sets and requests, and calls that move rights
 * between spaces.
 */
#include <mach/notify.h>

#include "chance.h"
#include "ipc/mach_port.h"
#include "ipc/right.h"
#include "ipc/traps.h"
#include "operations.h"

/* ---- sets ---- */

struct on_set {
	struct space *space;
	mach_port_name_t member, set;
	unsigned which;
};

static int64_t
call_set(void *argument)
{
	struct on_set *a = argument;

	switch (a->which) {
	case 0:
		return mach_port_insert_member(a->space, a->member, a->set);
	case 1:
		return mach_port_extract_member(a->space, a->member, a->set);
	default:
		return mach_port_move_member(a->space, a->member, a->set);
	}
}

static void
leave(struct m_port *port, struct m_set *set)
{
	items_remove(&port->sets, set);
	items_remove(&set->members, port);
}

static void
join(struct m_port *port, struct m_set *set)
{
	items_add(&port->sets, set);
	items_add(&set->members, port);
}

static kern_return_t
model_move(struct m_port *port, struct m_set *set)
{
	bool was_member = port->sets.count > 0;

	for (unsigned i = port->sets.count; i > 0; i--) {
		if (port->sets.item[i - 1] != set)
			leave(port, port->sets.item[i - 1]);
	}
	if (set != NULL && !items_has(&set->members, port))
		join(port, set);
	return set != NULL || was_member ? KERN_SUCCESS : KERN_NOT_IN_SET;
}

static kern_return_t
model_set(struct m_task *task, const struct on_set *a)
{
	struct m_name *member = m_lookup(task, a->member);
	struct m_name *set = m_lookup(task, a->set);
	bool none = a->which == 2 && a->set == MACH_PORT_NULL;

	if (member == NULL || (set == NULL && !none))
		return KERN_INVALID_NAME;
	if (!(member->type & MACH_PORT_TYPE_RECEIVE) ||
	    (!none && set->type != MACH_PORT_TYPE_PORT_SET))
		return KERN_INVALID_RIGHT;
	if (a->which == 2)
		return model_move(member->port, none ? NULL : set->set);
	if (a->which == 0) {
		if (items_has(&set->set->members, member->port))
			return KERN_ALREADY_IN_SET;
		join(member->port, set->set);
	} else {
		if (!items_has(&set->set->members, member->port))
			return KERN_NOT_IN_SET;
		leave(member->port, set->set);
	}
	return KERN_SUCCESS;
}

/* A port that has messages; 0: none has. */
static mach_port_name_t
full_port(const struct m_task *task)
{
	unsigned first = chance(NAMES);

	for (unsigned i = 0; i < NAMES; i++) {
		const struct m_name *entry = &task->names[(first + i) % NAMES];

		if (entry->name != 0 &&
		    (entry->type & MACH_PORT_TYPE_RECEIVE) &&
		    m_has_message(entry->port))
			return entry->name;
	}
	return 0;
}

void
operation_on_sets(void)
{
	static const char *const names[] = {"insert", "extract", "move"};
	struct m_thread *thread = idle_thread();
	struct m_task *task;
	struct on_set a = {.which = chance(4) ? chance(2) : 2};
	kern_return_t kr;

	if (thread == NULL)
		return;
	task = chance(3) ? thread->task : &world.task[chance(TASKS)];
	a.space = space_of(task);
	a.member = some_name(task, MACH_PORT_TYPE_RECEIVE);
	a.set = some_name(task, MACH_PORT_TYPE_PORT_SET);
	if (chance(3) == 0 && full_port(task) != 0)
		a.member = full_port(task);
	if (a.which == 2 && chance(3) == 0)
		a.set = MACH_PORT_NULL;
	kr = (kern_return_t)run(thread, call_set, &a);
	say("t%u: mach_port_%s_member(task %u, 0x%x, 0x%x) = %d",
	    thread->number, names[a.which], task->number, a.member, a.set, kr);
	if (!nothing_happened(kr))
		EXPECT(kr == model_set(task, &a));
}

/* ---- rights between tasks ---- */

struct on_right {
	mach_port_name_t target, name, poly;
	uint32_t disposition;
	struct space *from, *to;
};

static int64_t
call_insert_right(void *argument)
{
	struct on_right *a = argument;

	return port_insert_right_trap(
	    a->target, a->name, a->poly, a->disposition);
}

/* May @right go under @name in @task?  *@entryp: its name there already. */
static kern_return_t
may_insert(struct m_task *task, mach_port_name_t name, struct m_right right,
    struct m_name **entryp)
{
	*entryp = NULL;
	if (!MACH_PORT_VALID(name))
		return KERN_INVALID_VALUE;
	if (right.type != MACH_MSG_TYPE_PORT_SEND_ONCE)
		*entryp = m_name_of(task, right.port);
	if (*entryp != NULL && (*entryp)->name != name)
		return KERN_RIGHT_EXISTS;
	if (*entryp != NULL && right.type == MACH_MSG_TYPE_PORT_SEND &&
	    (*entryp)->urefs == MACH_PORT_UREFS_MAX)
		return KERN_UREFS_OVERFLOW;
	if (*entryp != NULL)
		return KERN_SUCCESS;
	if (name_index(name) == 0 || name_index(name) > NAME_INDEX_MAX)
		return KERN_INVALID_VALUE;
	return m_index_in_use(task, name) || kernel_keeps(task, name)
		   ? KERN_NAME_EXISTS
		   : KERN_SUCCESS;
}

static void
insert_right(struct m_thread *thread, struct m_task *to)
{
	struct m_task *from = thread->task;
	struct on_right a = {.target = from->task_name[to->number],
	    .disposition = 15 + chance(8)};
	struct m_name *entry;
	struct m_right right;
	kern_return_t kr, expected;
	bool needs_place;

	a.poly = some_name(from, MACH_PORT_TYPE_SEND_RECEIVE);
	a.name = chance(3) ? chosen_name(to)
			   : some_name(to, MACH_PORT_TYPE_SEND_RECEIVE);
	entry = m_lookup(from, a.poly);
	/* Often where the port is known already. */
	if (entry != NULL && entry->port != NULL && chance(2) &&
	    m_name_of(to, entry->port) != NULL)
		a.name = m_name_of(to, entry->port)->name;
	kr = (kern_return_t)run(thread, call_insert_right, &a);
	say("t%u: mach_port_insert_right(task %u, 0x%x, 0x%x, %u) = %d",
	    thread->number, to->number, a.name, a.poly, a.disposition, kr);

	if (!MACH_PORT_VALID(a.name)) {
		EXPECT(kr == KERN_INVALID_VALUE);
		return;
	}
	expected = m_copyin(from, a.poly, a.disposition, false, &right);
	if (expected != KERN_SUCCESS) {
		EXPECT(kr == (expected == KERN_INVALID_VALUE
				     ? KERN_INVALID_VALUE
				     : KERN_INVALID_CAPABILITY));
		return;
	}
	expected = may_insert(to, a.name, right, &entry);
	if (kr == KERN_SUCCESS && expected == KERN_SUCCESS) {
		if (entry == NULL)
			entry = m_name_new(to, a.name, true);
		m_settle(to, entry, right);
		return;
	}
	needs_place = entry == NULL && (expected == KERN_SUCCESS ||
					   expected == KERN_NAME_EXISTS);
	if (!nothing_happened(kr) && !(needs_place && no_space(to, kr)))
		EXPECT(kr == expected);
	/* The right is lost; one that was only just made goes silently. */
	if (a.disposition != MACH_MSG_TYPE_MAKE_SEND_ONCE)
		m_release(right);
}

static int64_t
call_transfer(void *argument)
{
	struct on_right *a = argument;
	mach_msg_type_name_t type;
	struct port *port;
	kern_return_t kr = mach_port_extract_right(
	    a->from, a->poly, a->disposition, &port, &type);

	if (kr != KERN_SUCCESS)
		return kr;
	a->name = MACH_PORT_NULL;
	if (right_copyout(a->to, port, type, &a->name) != KERN_SUCCESS)
		right_release(port, type);
	return kr;
}

/* mach_port_extract_right() from one task, as another gets it. */
static void
transfer(struct m_thread *thread, struct m_task *to)
{
	struct m_task *from = &world.task[chance(TASKS)];
	struct on_right a = {.from = space_of(from),
	    .to = space_of(to),
	    .poly = some_name(from, MACH_PORT_TYPE_PORT_RIGHTS),
	    .disposition = 15 + chance(8)};
	kern_return_t kr = (kern_return_t)run(thread, call_transfer, &a);
	uint32_t errors = 0;
	struct m_right right;

	say("t%u: mach_port_extract_right(task %u, 0x%x, %u) = %d, 0x%x of "
	    "task %u",
	    thread->number, from->number, a.poly, a.disposition, kr, a.name,
	    to->number);
	EXPECT(kr == m_copyin(from, a.poly, a.disposition, false, &right));
	if (kr == KERN_SUCCESS)
		m_give(to, right, a.name, &errors);
}

void
operation_between_tasks(void)
{
	struct m_thread *thread = idle_thread();

	if (thread == NULL)
		return;
	if (chance(2))
		insert_right(thread, &world.task[chance(TASKS)]);
	else
		transfer(thread, &world.task[chance(TASKS)]);
}

/* ---- requests ---- */

struct on_request {
	mach_port_name_t target, name, notify;
	int32_t id;
	uint32_t sync, disposition;
	uaddr_t previous;
};

static int64_t
call_request(void *argument)
{
	struct on_request *a = argument;

	return port_request_notification_trap(a->target, a->name,
	    (uint64_t)a->id, a->sync, a->notify, a->disposition, a->previous);
}

static void
ask_of_live_name(
    struct m_name *entry, const struct on_request *a, struct m_right right)
{
	entry->request = (struct m_right){0};
	entry->possible = a->id == MACH_NOTIFY_SEND_POSSIBLE;
	entry->armed = entry->possible && a->sync != 0;
	if (right.port != NULL && entry->armed &&
	    (entry->type == MACH_PORT_TYPE_SEND_ONCE ||
		m_has_room(entry->port)))
		m_notice(right, MACH_NOTIFY_SEND_POSSIBLE, entry->name);
	else
		entry->request = right;
}

/* A request of a name.  *@previous: the one before. */
static kern_return_t
ask_name(struct m_name *entry, const struct on_request *a, struct m_right right,
    struct m_right *previous)
{
	if (entry == NULL)
		return KERN_INVALID_NAME;
	if (entry->type & MACH_PORT_TYPE_PORT_RIGHTS) {
		*previous = entry->request;
		ask_of_live_name(entry, a, right);
		return KERN_SUCCESS;
	}
	/* To withdraw where there is nothing is no mistake. */
	if (right.port == NULL)
		return KERN_SUCCESS;
	if (entry->type != MACH_PORT_TYPE_DEAD_NAME)
		return KERN_INVALID_RIGHT;
	if (a->sync == 0 && a->id == MACH_NOTIFY_DEAD_NAME)
		return KERN_INVALID_ARGUMENT;
	if (entry->urefs < MACH_PORT_UREFS_MAX)
		entry->urefs++;
	m_notice(right, MACH_NOTIFY_DEAD_NAME, entry->name);
	return KERN_SUCCESS;
}

static kern_return_t
ask_port(struct m_name *entry, const struct on_request *a, struct m_right right,
    struct m_right *previous)
{
	struct m_port *port;

	if (entry == NULL)
		return KERN_INVALID_NAME;
	if (!(entry->type & MACH_PORT_TYPE_RECEIVE))
		return KERN_INVALID_RIGHT;
	port = entry->port;
	if (a->id == MACH_NOTIFY_PORT_DESTROYED) {
		*previous = port->destroyed;
		port->destroyed = right;
		return KERN_SUCCESS;
	}
	*previous = port->no_senders;
	port->no_senders = right;
	port->sync = a->sync;
	if (right.port != NULL && port->make_sends >= a->sync &&
	    m_count(port, MACH_MSG_TYPE_PORT_SEND) == 0) {
		port->no_senders = (struct m_right){0};
		m_notice(right, MACH_NOTIFY_NO_SENDERS, port->make_sends)
		    ->about = port;
	}
	return KERN_SUCCESS;
}

static kern_return_t
ask(struct m_task *task, const struct on_request *a, struct m_right right,
    struct m_right *previous)
{
	struct m_name *entry = m_lookup(task, a->name);

	switch (a->id) {
	case MACH_NOTIFY_DEAD_NAME:
	case MACH_NOTIFY_SEND_POSSIBLE:
		if (!MACH_PORT_VALID(a->name))
			return KERN_INVALID_ARGUMENT;
		return ask_name(entry, a, right, previous);
	case MACH_NOTIFY_PORT_DESTROYED:
		if (a->sync != 0)
			return KERN_INVALID_VALUE;
		return ask_port(entry, a, right, previous);
	case MACH_NOTIFY_NO_SENDERS:
		return ask_port(entry, a, right, previous);
	default:
		return KERN_INVALID_VALUE;
	}
}

static void
model_request(struct m_thread *thread, struct m_task *task,
    const struct on_request *a, kern_return_t kr)
{
	struct m_right right = {0}, previous = {0};
	mach_port_name_t name;
	kern_return_t expected = KERN_SUCCESS;
	uint32_t errors = 0;

	/* A right that could not be used stays where it is. */
	if (a->notify != MACH_PORT_NULL &&
	    a->disposition != MACH_MSG_TYPE_MOVE_SEND_ONCE &&
	    a->disposition != MACH_MSG_TYPE_MAKE_SEND_ONCE)
		expected = KERN_INVALID_CAPABILITY;
	else if (a->notify != MACH_PORT_NULL)
		expected = m_copyin(
		    thread->task, a->notify, a->disposition, false, &right);
	if (expected != KERN_SUCCESS) {
		EXPECT(kr == KERN_INVALID_CAPABILITY);
		return;
	}
	if (!nothing_happened(kr))
		expected = ask(task, a, right, &previous);
	else
		expected = KERN_RESOURCE_SHORTAGE;
	EXPECT(kr == expected);
	if (kr != KERN_SUCCESS) {
		m_release(right);
		return;
	}
	name = *(mach_port_name_t *)user_at(thread->task->sim, a->previous);
	m_give(thread->task, previous, name, &errors);
}

void
operation_on_requests(void)
{
	static const int32_t ids[] = {MACH_NOTIFY_DEAD_NAME,
	    MACH_NOTIFY_DEAD_NAME, MACH_NOTIFY_SEND_POSSIBLE,
	    MACH_NOTIFY_SEND_POSSIBLE, MACH_NOTIFY_NO_SENDERS,
	    MACH_NOTIFY_NO_SENDERS, MACH_NOTIFY_PORT_DESTROYED, 0, 71};
	struct m_thread *thread = idle_thread();
	struct on_request a = {.id = ids[chance(ARRAY_SIZE(ids))]};
	struct m_task *task;
	kern_return_t kr;

	if (thread == NULL)
		return;
	task = chance(6) ? thread->task : &world.task[chance(TASKS)];
	a.target = thread->task->task_name[task->number];
	a.name = some_name(task,
	    a.id == MACH_NOTIFY_DEAD_NAME || a.id == MACH_NOTIFY_SEND_POSSIBLE
		? MACH_PORT_TYPE_SEND_RIGHTS | MACH_PORT_TYPE_DEAD_NAME
		: MACH_PORT_TYPE_RECEIVE);
	a.sync = chance(8) ? chance(2) : chance(5);
	if (a.id == MACH_NOTIFY_PORT_DESTROYED && chance(8))
		a.sync = 0;
	a.disposition = MACH_MSG_TYPE_MAKE_SEND_ONCE;
	a.notify = some_name(thread->task, MACH_PORT_TYPE_RECEIVE);
	if (chance(5) == 0)
		a.notify = MACH_PORT_NULL;
	if (chance(5) == 0) {
		a.disposition = 15 + chance(8);
		a.notify = some_name(thread->task, MACH_PORT_TYPE_PORT_RIGHTS);
	}
	a.previous = thread->send_buffer;
	kr = (kern_return_t)run(thread, call_request, &a);
	say("t%u: mach_port_request_notification(task %u, 0x%x, %d, sync %u, "
	    "0x%x, %u) = %d",
	    thread->number, task->number, a.name, a.id, a.sync, a.notify,
	    a.disposition, kr);
	model_request(thread, task, &a, kr);
}
