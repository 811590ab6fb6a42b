/* bootstrap/child.c: see child.h. */
#include "child.h"

#include <stdlib.h>
#include <string.h>

#include <baton/host.h>
#include <mach/mach.h>
#include <mach/routine_ids.h>

#include "archive.h"
#include "loader.h"
#include "service.h"

static struct child *children;
static mach_port_t set;
static mach_port_t notify; /* where deaths are told */
static uint32_t next_id = 1;

void
child_init(void)
{
	mach_port_t self = mach_task_self();

	mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &set);
	mach_port_allocate(self, MACH_PORT_RIGHT_RECEIVE, &notify);
	mach_port_insert_member(self, notify, set);
}

mach_port_t
child_set(void)
{
	return set;
}

mach_port_t
child_notify(void)
{
	return notify;
}

/* A bootstrap port: a receive right in the set, and a send right to give. */
static kern_return_t
make_port(mach_port_t *port)
{
	mach_port_t self = mach_task_self();
	kern_return_t kr;

	kr = mach_port_allocate(self, MACH_PORT_RIGHT_RECEIVE, port);
	if (kr != KERN_SUCCESS)
		return kr;
	kr =
	    mach_port_insert_right(self, *port, *port, MACH_MSG_TYPE_MAKE_SEND);
	if (kr == KERN_SUCCESS)
		kr = mach_port_insert_member(self, *port, set);
	if (kr != KERN_SUCCESS)
		mach_port_destroy(self, *port);
	return kr;
}

static kern_return_t
ask_for_death(task_t task)
{
	mach_port_t previous;

	return mach_port_request_notification(mach_task_self(), task,
	    MACH_NOTIFY_DEAD_NAME, 1, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE,
	    &previous);
}

/* End @task, and do not wait until it has: we have others to serve. */
static void
end_task(task_t task)
{
	mach_msg_header_t request = {
	    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
	    .msgh_size = sizeof(request),
	    .msgh_remote_port = task,
	    .msgh_id = MSGID_TASK_TERMINATE,
	};

	(void)mach_msg_send(&request);
}

/* The task, with its first thread running and its death asked for. */
static kern_return_t
make_task(struct child *child, char *const argv[])
{
	riscv64_thread_state_t start;
	struct program program = {0};
	kern_return_t kr;

	if (!archive_find(child->program, &program.file))
		return BOOTSTRAP_UNKNOWN_SERVICE;
	/* The pager that a server's code came from may wait for that server. */
	if (child->role != CHILD_SERVER)
		program.object = service_of_file(child->program);
	kr = loader_load(&program, argv, child->port, &child->task, &start);
	if (kr != KERN_SUCCESS)
		return kr;
	task_set_name(child->task, child->program);
	kr = ask_for_death(child->task);
	if (kr == KERN_SUCCESS)
		kr = loader_run(child->task, &start);
	if (kr != KERN_SUCCESS) {
		/* A death note that comes all the same finds no child. */
		end_task(child->task);
		mach_port_deallocate(mach_task_self(), child->task);
	}
	return kr;
}

kern_return_t
child_start(const char *program, char *const argv[], enum child_role role,
    struct child *parent, struct child **started)
{
	struct child *child = calloc(1, sizeof(*child));
	kern_return_t kr;

	if (child == NULL)
		return BOOTSTRAP_NO_MEMORY;
	child->role = role;
	child->id = next_id++;
	child->parent = parent;
	child->status = STATUS_KILLED;
	strlcpy(child->program, program, sizeof(child->program));
	kr = make_port(&child->port);
	if (kr == KERN_SUCCESS) {
		kr = make_task(child, argv);
		if (kr != KERN_SUCCESS)
			mach_port_destroy(mach_task_self(), child->port);
	}
	if (kr != KERN_SUCCESS) {
		free(child);
		return kr;
	}
	child->next = children;
	children = child;
	if (started != NULL)
		*started = child;
	return KERN_SUCCESS;
}

struct child *
child_of_port(mach_port_t port)
{
	struct child *child = children;

	while (child != NULL && (child->ended || child->port != port))
		child = child->next;
	return child;
}

struct child *
child_of_id(const struct child *parent, uint32_t id)
{
	struct child *child = children;

	while (child != NULL && (child->parent != parent || child->id != id))
		child = child->next;
	return child;
}

bool
child_running(const char *program)
{
	const struct child *child = children;

	while (child != NULL &&
	       (child->ended || strcmp(child->program, program) != 0))
		child = child->next;
	return child != NULL;
}

/* Nobody will wait for the children of a child that has ended. */
static void
disown(const struct child *parent)
{
	struct child *child, *next;

	for (child = children; child != NULL; child = next) {
		next = child->next;
		if (child->parent != parent)
			continue;
		child->parent = NULL;
		if (child->ended)
			child_free(child);
	}
}

static struct child *
child_of_task(task_t task)
{
	struct child *child = children;

	while (child != NULL && (child->ended || child->task != task))
		child = child->next;
	return child;
}

struct child *
child_died(mach_port_t task_name)
{
	mach_port_t self = mach_task_self();
	struct child *child = child_of_task(task_name);

	/* The notification brought a reference to the dead name. */
	mach_port_deallocate(self, task_name);
	if (child == NULL)
		return NULL;
	child->ended = true;
	mach_port_deallocate(self, child->task);
	mach_port_destroy(self, child->port);
	disown(child);
	return child;
}

void
child_free(struct child *child)
{
	struct child **link = &children;

	while (*link != child)
		link = &(*link)->next;
	*link = child->next;
	if (child->waiter != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), child->waiter);
	free(child);
}
