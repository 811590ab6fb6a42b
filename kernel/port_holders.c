/*
 * port_holders.c: where the rights to a port are, for people who look for one
 * that was lost; mach/baton_port.h.
 *
 * A port counts its rights but does not know who has them: the tasks are asked
 * one after the other, in bounded steps.  A space finds its send right by the
 * port; send-once rights it has to be searched for.
 */
#include <mach/baton_port.h>
#include <mach/mach_types.h>
#include <serve/baton_port.h>

#include "ipc/entry.h"
#include "ipc/kmsg.h"
#include "ipc/kserver.h"
#include "ipc/mach_port.h"
#include "ipc/pset.h"
#include "kernel/sched.h"
#include "kernel/servers.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/task_list.h"
#include "kernel/zone.h"

/* Entries of a table that one step looks at, with the space locked. */
#define STEP_ENTRIES 256

/* ---- one name ---- */

static uint32_t
waiting_in(const struct list *list, uint32_t count)
{
	struct list *at;

	list_for_each (at, list) {
		if (count == BATON_PORT_WAITERS_MAX)
			break;
		count++;
	}
	return count;
}

/* Locks: the port's. */
static uint32_t
receivers_of(const struct port *port)
{
	uint32_t count = waiting_in(&port->queue.receivers, 0);
	struct list *at;

	list_for_each (at, &port->sets) {
		struct pset *pset =
		    container_of(at, struct pset_link, port_link)->pset;

		pset_lock(pset);
		count = waiting_in(&pset->receivers, count);
		spin_unlock(&pset->lock);
	}
	return count;
}

/* Locks: the port's. */
static void
report_messages(const struct port *port, struct baton_port_report *report)
{
	uint32_t count = 0;
	struct list *at;

	list_for_each (at, &port->queue.messages) {
		const struct kmsg *kmsg = container_of(at, struct kmsg, link);

		if (count == BATON_PORT_MESSAGES_MAX)
			break;
		report->message[count++] = (struct baton_port_message){
		    .id = kmsg->id,
		    .size = kmsg->size,
		    .sender = kmsg->sender,
		};
	}
}

/* What its receiver may know of a port.  Locks: the port's. */
static void
report_port(const struct port *port, struct baton_port_report *report)
{
	report->send_rights = port->send_rights;
	report->send_once_rights = port->send_once_rights;
	report->make_send_count = port->make_send_count;
	report->sequence = port->sequence;
	report->limit = port->queue.limit;
	report->flags = port->flags;
	report->sets = port->set_count;
	report->receivers = receivers_of(port);
	report->senders = waiting_in(&port->queue.senders, 0);
	report->messages = port->queue.count;
	report_messages(port, report);
}

static kern_return_t
port_report(struct space *space, mach_port_name_t name,
    struct baton_port_report *report)
{
	struct loose loose = {0};
	struct entry *entry;

	memset(report, 0, sizeof(*report));
	spin_lock(&space->lock);
	entry = entry_check(space, name, &loose);
	if (entry != NULL) {
		report->type = entry_type(space, name, entry);
		report->urefs = entry->urefs;
	}
	if (entry != NULL && (entry->key & MACH_PORT_TYPE_RECEIVE)) {
		port_lock(entry->port);
		report_port(entry->port, report);
		spin_unlock(&entry->port->lock);
	}
	spin_unlock(&space->lock);
	loose_release(&loose);
	return entry != NULL ? KERN_SUCCESS : KERN_INVALID_NAME;
}

kern_return_t
serve_task_port_report(
    struct task *asked, mach_port_name_t name, baton_port_report_t *report)
{
	struct space *space = asked->space;
	kern_return_t kr = port_report(space, name, report);
	struct task *task;
	const char *what;

	if (kr != KERN_SUCCESS)
		return kr;
	/* It may be gone by now, or something else: then it is nothing. */
	if (port_kobject(space, name, &report->kind, &what) != KERN_SUCCESS)
		report->kind = IKOT_NONE;
	if (report->kind == IKOT_TASK) {
		task = task_from_name(space, name);
		if (task != NULL) {
			report->object = task->id;
			task_put(task);
		}
	}
	return KERN_SUCCESS;
}

/* ---- all tasks ---- */

/* Where a search for the holders of a port's rights has got to. */
struct search {
	struct port *port; /* a reference */
	struct task_list_walk walk;
	struct task *task; /* the one that is asked; NULL: go on to the next */
	uint32_t index;	   /* of its table; 0: its send right is due first */
	uint32_t count;	   /* of @holder, found */
	struct baton_port_holder holder[BATON_PORT_HOLDERS_MAX];
};

static kern_return_t
search_begin(struct space *space, mach_port_name_t name, uint64_t after,
    struct search **searchp)
{
	struct search *search;
	struct port *port;
	kern_return_t kr = port_from_receive_name(space, name, &port);

	if (kr != KERN_SUCCESS)
		return kr;
	search = kmem_alloc(sizeof(*search));
	if (search == NULL) {
		port_put(port);
		return KERN_RESOURCE_SHORTAGE;
	}
	memset(search, 0, sizeof(*search));
	search->port = port;
	search->walk.after = after;
	*searchp = search;
	return KERN_SUCCESS;
}

static void
search_end(struct search *search)
{
	task_list_leave(&search->walk);
	port_put(search->port);
	kmem_free(search, sizeof(*search));
}

/* What the task has by the port's name.  Locks: the space's. */
static void
find_name(struct search *search, struct space *space)
{
	struct baton_port_holder *holder = &search->holder[search->count];
	const struct entry *entry;
	mach_port_name_t name;

	port_lock(search->port);
	name = space_find_port(space, search->port);
	spin_unlock(&search->port->lock);
	if (name == MACH_PORT_NULL)
		return;
	entry = space_lookup(space, name);
	holder->name = name;
	holder->type |= entry->key & MACH_PORT_TYPE_ALL_RIGHTS;
	holder->urefs = entry->urefs;
}

/* Look for send-once rights; false: the table ends here.  Locks: the
 * space's. */
static bool
find_send_once(struct search *search, struct space *space)
{
	struct baton_port_holder *holder = &search->holder[search->count];

	for (int i = 0; i < STEP_ENTRIES; i++, search->index++) {
		const struct entry *entry;

		if (search->index >= space->top)
			return false;
		entry = space_entry(space, search->index);
		if (entry == NULL) {
			search->index |= CHUNK_COUNT - 1;
			continue;
		}
		if ((entry->key & MACH_PORT_TYPE_SEND_ONCE) == 0 ||
		    entry->port != search->port)
			continue;
		holder->type |= MACH_PORT_TYPE_SEND_ONCE;
		holder->send_once++;
	}
	return true;
}

/* That was this task: it is in the answer if it has any right. */
static void
search_next(struct search *search)
{
	struct baton_port_holder *holder = &search->holder[search->count];
	struct task *task = search->task;

	static_assert(
	    BATON_PORT_TASK_NAME_MAX == TASK_NAME_SIZE, "copied whole");
	if (holder->type != 0) {
		holder->task = task->id;
		spin_lock(&task->lock);
		memcpy(holder->task_name, task->name, TASK_NAME_SIZE);
		spin_unlock(&task->lock);
		search->count++;
	}
	search->task = NULL;
	search->index = 0;
}

static void
search_step(struct search *search)
{
	struct space *space;
	bool more;

	if (search->task == NULL)
		search->task = task_list_step(&search->walk);
	if (search->task == NULL)
		return;
	space = search->task->space;
	spin_lock(&space->lock);
	if (search->index == 0) {
		find_name(search, space);
		search->index = 1;
		/* A count that is about to change is as good as the next. */
		more = search->port->send_once_rights > 0;
	} else {
		more = find_send_once(search, space);
	}
	spin_unlock(&space->lock);
	if (!more)
		search_next(search);
}

kern_return_t
serve_task_port_holders(struct task *asked, mach_port_name_t name,
    uint64_t after, struct baton_port_holder *holders,
    mach_msg_type_number_t *count)
{
	uint64_t *progress = call_progress();
	struct search *search = (struct search *)progress[0];
	kern_return_t kr;

	if (search == NULL) {
		kr = search_begin(asked->space, name, after, &search);
		if (kr != KERN_SUCCESS)
			return kr;
		progress[0] = (uint64_t)search;
	}
	while (!search->walk.done && search->count < *count) {
		search_step(search);
		if (thread_should_yield())
			return KCALL_AGAIN;
	}
	memcpy(holders, search->holder, search->count * sizeof(*holders));
	*count = search->count;
	search_end(search);
	return KERN_SUCCESS;
}
