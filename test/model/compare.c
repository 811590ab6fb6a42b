/*
 * compare.c: see compare.h.
 */
#include "compare.h"

#include "chance.h"
#include "ipc/fast.h"
#include "ipc/fast_word.h"
#include "ipc/kmsg.h"
#include "ipc/mach_port.h"
#include "ipc/notify.h"
#include "ipc/pset.h"
#include "ipc/right.h"
#include "kernel/ledger.h"

#define NAMES_LIMIT 100
/* Bytes of user memory that a thread has for its messages. */
#define BUFFERS 0x4000

/* Who pays for what tasks of that number make; what they leave to others is
 * still there when the next one begins. */
static struct ledger ledgers[TASKS];

/* ---- making ---- */

static struct ledger *
ledger_at(unsigned number)
{
	struct ledger *ledger = &ledgers[number];

	if (ledger->refs == 0) {
		ledger->refs = 1;
		for (unsigned kind = 0; kind < LEDGER_KINDS; kind++)
			ledger->line[kind].part = ledger->line[kind].limit =
			    UINT64_MAX / 4;
	}
	return ledger_get(ledger);
}

static void
thread_begin(struct m_thread *thread, struct m_task *task, unsigned number)
{
	uaddr_t buffer = USER_START + number % THREADS_PER_TASK * BUFFERS;

	*thread = (struct m_thread){
	    .task = task,
	    .sim = sim_thread_create(task->sim),
	    .number = number,
	    .send_buffer = buffer,
	    .receive_buffer = buffer,
	};
}

static void
task_begin(struct m_task *task, unsigned number)
{
	*task = (struct m_task){.number = number, .sim = sim_task_create()};
	task->id = task->sim->task.id;
	task->limit = chance(4) == 0 ? 12 + chance(12) : NAMES_LIMIT;
	space_of(task)->limit = task->limit + TASKS;
	space_of(task)->ledger = ledger_at(number);
	task->sim->task.self_port =
	    port_create_kernel(KOBJECT_TASK, &task->sim->task);
	for (unsigned i = 0; i < THREADS_PER_TASK; i++) {
		unsigned at = number * THREADS_PER_TASK + i;

		thread_begin(&world.thread[at], task, at);
	}
}

/* @task gets a name for the task port of @other. */
static void
introduce(struct m_task *task, struct m_task *other)
{
	struct port *port = right_make_send(other->sim->task.self_port);

	EXPECT(space_insert_send(space_of(task), port,
		   &task->task_name[other->number]) == KERN_SUCCESS);
}

void
world_begin(void)
{
	world = (struct world){.ids = 10000};
	host_ipc_start();
	host_fast_used = true;
	for (unsigned i = 0; i < TASKS; i++)
		task_begin(&world.task[i], i);
	for (unsigned i = 0; i < TASKS; i++) {
		for (unsigned k = 0; k < TASKS; k++)
			introduce(&world.task[i], &world.task[k]);
	}
}

/* ---- ending ---- */

static struct m_name *
lowest_name(struct m_task *task)
{
	struct m_name *lowest = NULL;

	for (unsigned i = 0; i < NAMES; i++) {
		struct m_name *entry = &task->names[i];

		if (entry->name != 0 &&
		    (lowest == NULL || entry->name < lowest->name))
			lowest = entry;
	}
	return lowest;
}

/* The kernel's side; @task's own port goes with it. */
static void
end_task(struct m_task *task)
{
	for (unsigned i = 0; i < THREADS; i++) {
		if (world.thread[i].task == task)
			sim_thread_end(world.thread[i].sim);
	}
	port_destroy_kernel(task->sim->task.self_port);
	sim_task_end(task->sim);
}

/* What the threads of @task had for replies goes first. */
static void
end_reply_ports(struct m_task *task)
{
	for (unsigned i = 0; i < THREADS; i++) {
		struct m_thread *thread = &world.thread[i];
		struct m_port *port = thread->reply_port;
		struct m_name *entry;

		if (thread->task != task || port == NULL ||
		    !items_has(&world.ports, port) || port->receiver != task)
			continue;
		entry = m_name_of(task, port);
		if ((entry->type & MACH_PORT_TYPE_SEND) &&
		    m_mod_urefs(&entry->urefs, -1) == KERN_SUCCESS &&
		    entry->urefs == 0)
			m_drop_send(task, entry);
		m_drop_receive(task, m_name_of(task, port));
	}
}

void
task_ends(struct m_task *task)
{
	unsigned number = task->number;
	struct m_name *entry;

	world.ending = true;
	/* What a name holds goes before the next one does. */
	host_yield_every(0);
	end_task(task);
	if (host_failed())
		host_run();
	host_fail(0);
	end_reply_ports(task);
	/* In the order of the table. */
	while ((entry = lowest_name(task)) != NULL)
		m_drop_all(task, entry);
	task_begin(task, number);
	for (unsigned i = 0; i < TASKS; i++) {
		struct m_task *other = &world.task[i];

		if (other != task) {
			mach_port_destroy(
			    space_of(other), other->task_name[number]);
			introduce(other, task);
		}
		introduce(task, other);
	}
}

static void
free_model(void)
{
	for (unsigned i = 0; i < world.ports.count; i++)
		free(world.ports.item[i]);
	items_free(&world.ports);
	items_free(&world.sets);
	items_free(&world.messages);
	items_free(&world.pending);
	items_free(&world.returning);
}

void
world_end(void)
{
	for (unsigned i = 0; i < TASKS; i++)
		end_task(&world.task[i]);
	EXPECT(host_live() == 0);
	for (unsigned i = 0; i < TASKS; i++) {
		EXPECT(ledgers[i].refs == 1 && ledgers[i].kept == 0);
		for (unsigned kind = 0; kind < LEDGER_KINDS; kind++)
			EXPECT(ledgers[i].line[kind].use == 0);
	}
	free_model();
}

/* ---- comparing ---- */

struct entry *
kernel_entry(const struct m_task *task, mach_port_name_t name)
{
	struct entry *entry = space_entry(space_of(task), name_index(name));

	EXPECT(entry != NULL);
	EXPECT((uint8_t)entry->key == (uint8_t)name);
	return entry;
}

bool
kernel_keeps(const struct m_task *task, mach_port_name_t name)
{
	struct entry *entry = space_entry(space_of(task), name_index(name));

	/* One that is kept for a receive right is given up. */
	return entry != NULL && (entry->key & ENTRY_KEPT) &&
	       entry != space_of(task)->kept &&
	       (entry->key & MACH_PORT_TYPE_ALL_RIGHTS) == 0;
}

/* The name of a dead port turns into a dead name when it is looked at: what
 * will it be then? */
static void
compare_dead(const struct m_name *name, const struct entry *entry, bool asked)
{
	uint32_t urefs = entry->key & MACH_PORT_TYPE_SEND ? entry->urefs : 1;

	EXPECT(name->type == MACH_PORT_TYPE_DEAD_NAME);
	if (asked && urefs < MACH_PORT_UREFS_MAX)
		urefs++;
	EXPECT(name->urefs == urefs);
}

static void
compare_name(const struct m_task *task, const struct m_name *name)
{
	const struct entry *entry = kernel_entry(task, name->name);
	uint32_t type = entry->key & MACH_PORT_TYPE_ALL_RIGHTS;
	const struct name_request *request =
	    space_side(space_of(task), name_index(name->name))->request;
	/* One that has been told stays until somebody looks. */
	bool asked = request != NULL && !request->told;

	if ((type & MACH_PORT_TYPE_PORT_RIGHTS) && port_is_dead(entry->port)) {
		compare_dead(name, entry, asked);
		return;
	}
	if (type != name->type || entry->urefs != name->urefs)
		disagree("task %u name 0x%x: type 0x%x, %u references, not "
			 "0x%x, %u",
		    task->number, name->name, type, entry->urefs, name->type,
		    name->urefs);
	EXPECT(asked == (name->request.port != NULL));
	if (asked)
		EXPECT(request->possible == name->possible &&
		       request->armed == name->armed);
	if (type & MACH_PORT_TYPE_PORT_RIGHTS)
		EXPECT(entry->port == name->port->kernel);
	if (type == MACH_PORT_TYPE_PORT_SET)
		EXPECT(entry->pset == name->set->kernel);
}

/* Is the thread's spare entry no name?  Who waits in a word has one. */
static bool
keeps_spare(const struct thread *thread)
{
	const struct fast_state *fast = &thread->fast;

	return (fast->spare_key & ENTRY_KEPT) ||
	       (fast->from != NULL &&
		   fast->from->word == word_server(thread)) ||
	       (fast->set != NULL && fast->set->word == word_server(thread));
}

static void
compare_task(const struct m_task *task)
{
	unsigned count = TASKS;

	for (unsigned i = 0; i < NAMES; i++) {
		if (task->names[i].name != 0) {
			compare_name(task, &task->names[i]);
			count++;
		}
	}
	for (unsigned i = 0; i < THREADS; i++) {
		if (world.thread[i].task == task)
			count += keeps_spare(&world.thread[i].sim->thread);
	}
	EXPECT(space_names(space_of(task)) == count);
}

/* Who waits for room, by their messages. */
static void
compare_senders(const struct m_port *port)
{
	unsigned i = 0;
	struct list *at;

	list_for_each (at, &port->kernel->queue.senders) {
		const struct m_thread *thread;

		EXPECT(i < port->senders.count);
		thread = port->senders.item[i++];
		EXPECT(container_of(at, struct kmsg, link)->waiter ==
		       &thread->sim->thread);
	}
	EXPECT(i == port->senders.count);
}

/* A list of the kernel's threads, and one of the model's. */
static void
compare_waiters(struct list *kernel, const struct items *model)
{
	unsigned i = 0;
	struct list *at;

	list_for_each (at, kernel) {
		const struct m_thread *thread;

		EXPECT(i < model->count);
		thread = model->item[i++];
		EXPECT(container_of(at, struct thread, wait_link) ==
		       &thread->sim->thread);
	}
	EXPECT(i == model->count);
}

static void
compare_queue(const struct m_port *port)
{
	struct list *at;
	unsigned i = 0;

	EXPECT(port->kernel->queue.count == port->messages.count);
	list_for_each (at, &port->kernel->queue.messages) {
		const struct kmsg *kmsg = container_of(at, struct kmsg, link);
		const struct m_message *message;

		EXPECT(i < port->messages.count);
		message = port->messages.item[i++];
		EXPECT(kmsg->id == message->id);
		EXPECT(kmsg->size == message->size);
		EXPECT(kmsg->remote_type == message->dest.type);
		EXPECT(kmsg->done == message->count);
	}
}

static void
compare_port(const struct m_port *port)
{
	const struct port *kernel = port->kernel;
	struct m_name *entry;
	unsigned i = 0;
	struct list *at;

	EXPECT(kernel->send_rights == port->counted.send);
	EXPECT(kernel->send_once_rights == port->counted.send_once);
	EXPECT(port->counted.receive == 1);
	EXPECT(kernel->make_send_count == port->make_sends);
	EXPECT(kernel->sequence == port->sequence);
	EXPECT(kernel->context == port->context);
	EXPECT((kernel->flags & PORT_GUARD_MASK) == port->guard);
	EXPECT(kernel->queue.limit == port->limit);
	EXPECT((kernel->no_senders != NULL) == (port->no_senders.port != NULL));
	EXPECT((kernel->destroyed != NULL) == (port->destroyed.port != NULL));
	EXPECT(kernel->set_count == port->sets.count);
	list_for_each (at, &kernel->sets) {
		const struct m_set *set = port->sets.item[i++];

		EXPECT(container_of(at, struct pset_link, port_link)->pset ==
		       set->kernel);
	}
	compare_queue(port);
	compare_waiters(&port->kernel->queue.receivers, &port->waiters);
	compare_senders(port);
	EXPECT(port->waiters.count == 0 || !m_has_message(port));
	if (port->receiver == NULL) {
		EXPECT(kernel->state == PORT_IN_TRANSIT);
		return;
	}
	EXPECT(kernel->state == PORT_IN_SPACE);
	EXPECT(kernel->receiver == space_of(port->receiver));
	entry = m_name_of(port->receiver, port);
	EXPECT(entry != NULL && kernel->name == entry->name);
}

static void
compare_set(const struct m_set *set)
{
	struct list *at;
	unsigned i = 0;

	list_for_each (at, &set->kernel->members) {
		const struct m_port *port;

		EXPECT(i < set->members.count);
		port = set->members.item[i++];
		EXPECT(container_of(at, struct pset_link, member_link)->port ==
		       port->kernel);
		if (set->waiters.count > 0 && m_has_message(port))
			disagree("somebody waits on a set, and there is a "
				 "message in it");
	}
	EXPECT(i == set->members.count);
	compare_waiters(&set->kernel->receivers, &set->waiters);
}

static void
compare_thread(const struct m_thread *thread)
{
	const struct sim_thread *sim = thread->sim;

	if (thread_is_waiting(&sim->thread) != (thread->state != M_IDLE))
		disagree("t%u %s", thread->number,
		    thread->state == M_IDLE ? "still waits" : "does not wait");
	if (thread->returned && sim->value != thread->value)
		disagree("t%u got 0x%x, not 0x%x", thread->number,
		    (uint32_t)sim->value, (uint32_t)thread->value);
}

/* ---- counting all rights in one go ---- */

static void
count_right(const struct m_right *right)
{
	struct m_port *port = right->port;

	if (port == NULL)
		return;
	port->counted.send += right->type == MACH_MSG_TYPE_PORT_SEND;
	port->counted.send_once += right->type == MACH_MSG_TYPE_PORT_SEND_ONCE;
	port->counted.receive += right->type == MACH_MSG_TYPE_PORT_RECEIVE;
}

static void
count_message(const struct m_message *message)
{
	count_right(&message->dest);
	count_right(&message->reply);
	for (unsigned i = 0; i < message->count; i++) {
		const struct m_descriptor *d = &message->descriptor[i];

		if (d->kind == MACH_MSG_OOL_DESCRIPTOR)
			continue;
		for (unsigned k = 0; k < d->count; k++)
			count_right(&d->right[k]);
	}
}

static void
count_name(const struct m_name *name)
{
	struct m_port *port = name->port;

	count_right(&name->request);
	if (port == NULL)
		return;
	port->counted.send += (name->type & MACH_PORT_TYPE_SEND) != 0;
	port->counted.send_once += (name->type & MACH_PORT_TYPE_SEND_ONCE) != 0;
	port->counted.receive += (name->type & MACH_PORT_TYPE_RECEIVE) != 0;
}

static void
count_all(void)
{
	for (unsigned i = 0; i < world.ports.count; i++) {
		struct m_port *port = world.ports.item[i];

		port->counted = (struct m_counts){0};
	}
	for (unsigned i = 0; i < TASKS; i++) {
		for (unsigned k = 0; k < NAMES; k++) {
			if (world.task[i].names[k].name != 0)
				count_name(&world.task[i].names[k]);
		}
	}
	for (unsigned i = 0; i < world.messages.count; i++)
		count_message(world.messages.item[i]);
	for (unsigned i = 0; i < world.ports.count; i++) {
		struct m_port *port = world.ports.item[i];

		count_right(&port->no_senders);
		count_right(&port->destroyed);
	}
}

void
compare_all(void)
{
	count_all();
	for (unsigned i = 0; i < THREADS; i++)
		compare_thread(&world.thread[i]);
	for (unsigned i = 0; i < TASKS; i++)
		compare_task(&world.task[i]);
	for (unsigned i = 0; i < world.ports.count; i++) {
		const struct m_port *port = world.ports.item[i];

		if (port->alive)
			compare_port(port);
	}
	for (unsigned i = 0; i < world.sets.count; i++)
		compare_set(world.sets.item[i]);
	m_collect();
}
