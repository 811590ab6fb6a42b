/*
 * entry.c: what happens to one name in a space, as the steps that copying in,
 * copying out and the mach_port_*() calls are made of.
 *
 * All of these run with the space locked.  What must not happen under that
 * lock (a message sent, a port destroyed, a reference dropped) is noted in a
 * struct loose and done by loose_release() after the unlock.
 */
#include "ipc/entry.h"

#include "ipc/fast.h"
#include "ipc/kmsg.h"
#include "ipc/notify.h"
#include "ipc/pset.h"

void
loose_release_all(struct loose *loose)
{
	struct name_request *request = loose->request;

	if (request != NULL) {
		if (request->notice != NULL && loose->died)
			notify_dead_name(request->notice, request->name);
		else if (request->notice != NULL)
			notify_port_deleted(request->notice, request->name);
		name_request_free(request);
	}
	if (loose->no_senders != NULL)
		notify_no_senders(loose->no_senders, loose->make_send_count);
	if (loose->send_once != NULL)
		right_release_send_once(loose->send_once);
	if (loose->receive != NULL) {
		fast_forget(current_thread(), loose->receive);
		port_destroy(loose->receive);
	}
	if (loose->pset != NULL) {
		fast_forget_set(current_thread(), loose->pset);
		pset_destroy(loose->pset);
	}
	if (loose->port != NULL)
		port_put(loose->port);
}

struct name_request *
entry_take_request(
    struct space *space, mach_port_name_t name, struct entry *entry)
{
	struct entry_side *side = space_side(space, name_index(name));
	struct name_request *request = side->request;

	KASSERT(spin_held(&entry->port->lock));
	if (likely(request == NULL))
		return NULL;
	side->request = NULL;
	entry->key &= ~MACH_PORT_TYPE_DNREQUEST;
	list_remove(&request->port_link); /* the dying port may have, too */
	return request;
}

mach_port_type_t
entry_type(struct space *space, mach_port_name_t name, struct entry *entry)
{
	mach_port_type_t type =
	    entry->key & ~(NAME_GENERATION_MASK | MACH_PORT_TYPE_DNREQUEST);

	if (likely((entry->key & MACH_PORT_TYPE_DNREQUEST) == 0))
		return type;
	port_lock(entry->port);
	type |= name_request_type(space_side(space, name_index(name))->request);
	spin_unlock(&entry->port->lock);
	return type;
}

void
entry_die(struct space *space, mach_port_name_t name, struct entry *entry,
    struct loose *loose)
{
	struct port *port = entry->port;
	uint32_t urefs = entry->urefs;

	if (entry->key & MACH_PORT_TYPE_SEND)
		space_unindex_port(space, name);
	else
		urefs = 1;
	port_lock(port);
	if (entry->key & MACH_PORT_TYPE_SEND)
		port->send_rights--;
	else
		port->send_once_rights--;
	loose->request = entry_take_request(space, name, entry);
	spin_unlock(&port->lock);
	/* Who gets a dead-name notification owns a reference for it. */
	if (loose->request != NULL && !loose->request->told &&
	    urefs < MACH_PORT_UREFS_MAX)
		urefs++;
	loose->died = true;
	loose->port = port;
	entry->port = NULL;
	entry->urefs = urefs;
	entry->key = MACH_PORT_TYPE_DEAD_NAME | (uint8_t)name;
}

/* ---- rights leave an entry ---- */

void
entry_forget(struct space *space, mach_port_name_t name, struct entry *entry,
    struct loose *loose)
{
	struct port *port = entry->port;

	port_lock(port);
	loose->request = entry_take_request(space, name, entry);
	spin_unlock(&port->lock);
	entry_free(space, name, entry);
}

struct port *
entry_move_send(struct space *space, mach_port_name_t name, struct entry *entry,
    struct loose *loose)
{
	struct port *port = entry->port;

	if (entry->key & MACH_PORT_TYPE_RECEIVE) {
		entry->key &= ~MACH_PORT_TYPE_SEND;
		entry->urefs = 0;
		return port_get(port);
	}
	space_unindex_port(space, name);
	entry_forget(space, name, entry, loose);
	return port;
}

struct port *
entry_move_receive(struct space *space, mach_port_name_t name,
    struct entry *entry, enum eviction why, struct loose *loose)
{
	struct port *port = entry->port;

	port_lock(port);
	KASSERT(port->receiver == space);
	port->state = PORT_IN_TRANSIT;
	port->receiver = NULL;
	port->name = MACH_PORT_NULL;
	port->flags = 0;
	port->context = 0;
	/* Before it is on its way: no-senders notices go by the count. */
	port->make_send_count = 0;
	port->sequence = 0;
	port_evict_receivers(port, why);
	pset_remove_all(port);
	spin_unlock(&port->lock);

	if (entry->key & MACH_PORT_TYPE_SEND) {
		entry->key &= ~MACH_PORT_TYPE_RECEIVE;
		space_index_port(space, name);
		return port_get(port);
	}
	entry_forget(space, name, entry, loose);
	return port;
}

void
entry_drop_send(struct space *space, mach_port_name_t name, struct entry *entry,
    struct loose *loose)
{
	struct port *port = entry_move_send(space, name, entry, loose);

	port_lock(port);
	loose->no_senders = port_drop_send(port, &loose->make_send_count);
	spin_unlock(&port->lock);
	loose->port = port;
}

void
entry_drop_all(struct space *space, mach_port_name_t name, struct entry *entry,
    struct loose *loose)
{
	uint32_t key = entry->key;

	if (key & MACH_PORT_TYPE_PORT_SET) {
		loose->pset = entry->pset;
		entry_free(space, name, entry);
	} else if (key & MACH_PORT_TYPE_DEAD_NAME) {
		entry_free(space, name, entry);
	} else if (key & MACH_PORT_TYPE_SEND_ONCE) {
		loose->send_once = entry->port;
		entry_forget(space, name, entry, loose);
	} else {
		if (key & MACH_PORT_TYPE_SEND)
			entry_drop_send(space, name, entry, loose);
		if (key & MACH_PORT_TYPE_RECEIVE)
			loose->receive = entry_move_receive(
			    space, name, entry, EVICT_DIED, loose);
	}
}

/* ---- the task's own port ---- */

/* What stands where none is remembered: its key is never what is looked for. */
static struct entry no_entry;

void
space_forget_self(struct space *space)
{
	space->self_entry = &no_entry;
	space->self_key = MACH_PORT_TYPE_SEND;
	space->self_name = MACH_PORT_NULL;
}

mach_port_name_t
space_self_again(struct space *space)
{
	mach_port_name_t name = MACH_PORT_NULL;

	spin_lock(&space->lock);
	if (space->self_entry->key == space->self_key) {
		/* They stick at the maximum. */
		if (space->self_entry->urefs < MACH_PORT_UREFS_MAX)
			space->self_entry->urefs++;
		name = space->self_name;
	}
	spin_unlock(&space->lock);
	return name;
}

void
space_remember_self(
    struct space *space, mach_port_name_t name, const struct port *port)
{
	struct entry *entry;

	spin_lock(&space->lock);
	entry = space_lookup(space, name);
	/* Another thread may have given it up, or more, meanwhile. */
	if (entry != NULL &&
	    (entry->key & MACH_PORT_TYPE_SEND_RECEIVE) == MACH_PORT_TYPE_SEND &&
	    entry->port == port) {
		space->self_entry = entry;
		space->self_key = MACH_PORT_TYPE_SEND | (uint8_t)name;
		space->self_name = name;
	}
	spin_unlock(&space->lock);
}
