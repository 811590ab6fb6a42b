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

kern_return_t
port_from_receive_name(
    struct space *space, mach_port_name_t name, struct port **portp)
{
	kern_return_t kr = KERN_INVALID_NAME;
	struct entry *entry;

	spin_lock(&space->lock);
	entry = space_lookup(space, name);
	if (entry != NULL)
		kr = KERN_INVALID_RIGHT;
	if (entry != NULL && (entry->key & MACH_PORT_TYPE_RECEIVE) != 0) {
		*portp = port_get(entry->port);
		kr = KERN_SUCCESS;
	}
	spin_unlock(&space->lock);
	return kr;
}

kern_return_t
port_lock_named(struct space *space, mach_port_name_t name, struct port **portp)
{
	kern_return_t kr = KERN_INVALID_NAME;
	struct entry *entry;

	spin_lock(&space->lock);
	entry = space_lookup(space, name);
	if (entry != NULL)
		kr = KERN_INVALID_RIGHT;
	if (entry != NULL && (entry->key & MACH_PORT_TYPE_RECEIVE)) {
		*portp = entry->port;
		port_lock(entry->port);
		kr = KERN_SUCCESS;
	}
	spin_unlock(&space->lock);
	return kr;
}

kern_return_t
pset_from_name(struct space *space, mach_port_name_t name, struct pset **psetp)
{
	kern_return_t kr = KERN_INVALID_NAME;
	struct entry *entry;

	spin_lock(&space->lock);
	entry = space_lookup(space, name);
	if (entry != NULL)
		kr = KERN_INVALID_RIGHT;
	if (entry != NULL && (entry->key & MACH_PORT_TYPE_PORT_SET)) {
		*psetp = pset_get(entry->pset);
		kr = KERN_SUCCESS;
	}
	spin_unlock(&space->lock);
	return kr;
}

struct task *
task_from_name(struct space *space, mach_port_name_t name)
{
	struct port *port = port_from_name(space, name);
	struct task *task = port_task_get(port);

	if (port != NULL)
		port_put(port);
	return task;
}

struct thread *
thread_from_name(struct space *space, mach_port_name_t name)
{
	struct port *port = port_from_name(space, name);
	struct thread *thread = port_thread_get(port);

	if (port != NULL)
		port_put(port);
	return thread;
}
