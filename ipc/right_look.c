/*
 * right_look.c: names looked up for calls that only want what they denote.
 */
#include "ipc/entry.h"
#include "ipc/pset.h"

struct port *
port_from_name(struct space *space, mach_port_name_t name)
{
	struct port *port = NULL;
	struct loose loose = {0};
	struct entry *entry;

	spin_lock(&space->lock);
	entry = entry_check(space, name, &loose);
	if (entry != NULL && (entry->key & MACH_PORT_TYPE_SEND_RECEIVE) != 0)
		port = port_get(entry->port);
	spin_unlock(&space->lock);
	loose_release(&loose);
	return port;
}

/* The entry of @name, whose right is one of @types; the space is locked. */
static kern_return_t
look_up(struct space *space, mach_port_name_t name, mach_port_type_t types,
    struct entry **entryp)
{
	struct entry *entry = space_lookup(space, name);

	*entryp = entry;
	if (entry == NULL)
		return KERN_INVALID_NAME;
	return entry->key & types ? KERN_SUCCESS : KERN_INVALID_RIGHT;
}

kern_return_t
port_from_receive_name(
    struct space *space, mach_port_name_t name, struct port **portp)
{
	struct entry *entry;
	kern_return_t kr;

	spin_lock(&space->lock);
	kr = look_up(space, name, MACH_PORT_TYPE_RECEIVE, &entry);
	if (kr == KERN_SUCCESS)
		*portp = port_get(entry->port);
	spin_unlock(&space->lock);
	return kr;
}

kern_return_t
port_lock_named(struct space *space, mach_port_name_t name, struct port **portp)
{
	struct entry *entry;
	kern_return_t kr;

	spin_lock(&space->lock);
	kr = look_up(space, name, MACH_PORT_TYPE_RECEIVE, &entry);
	if (kr == KERN_SUCCESS) {
		*portp = entry->port;
		port_lock(entry->port);
	}
	spin_unlock(&space->lock);
	return kr;
}

kern_return_t
pset_from_name(struct space *space, mach_port_name_t name, struct pset **psetp)
{
	struct entry *entry;
	kern_return_t kr;

	spin_lock(&space->lock);
	kr = look_up(space, name, MACH_PORT_TYPE_PORT_SET, &entry);
	if (kr == KERN_SUCCESS)
		*psetp = pset_get(entry->pset);
	spin_unlock(&space->lock);
	return kr;
}

struct task *
task_from_name(struct space *space, mach_port_name_t name)
{
	void *task;

	return kobject_from_name(space, name, KOBJECT_TASK, &task) ==
		       KERN_SUCCESS
		   ? task
		   : NULL;
}

struct thread *
thread_from_name(struct space *space, mach_port_name_t name)
{
	void *thread;

	return kobject_from_name(space, name, KOBJECT_THREAD, &thread) ==
		       KERN_SUCCESS
		   ? thread
		   : NULL;
}
