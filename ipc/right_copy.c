/*
 * right_copy.c: rights between the names of a space and messages.
 */
#include "ipc/entry.h"
#include "ipc/kmsg.h"

/* ---- names -> rights ---- */

static bool
disposition_is_send(mach_msg_type_name_t disposition)
{
	return MACH_MSG_TYPE_PORT_ANY_SEND(disposition);
}

/* Can a right of @disposition be made from @entry? */
static kern_return_t
check_take(
    const struct entry *entry, mach_msg_type_name_t disposition, bool dead_ok)
{
	uint32_t wanted = 0;

	if (entry == NULL)
		return KERN_INVALID_NAME;
	switch (disposition) {
	case MACH_MSG_TYPE_MAKE_SEND:
	case MACH_MSG_TYPE_MAKE_SEND_ONCE:
	case MACH_MSG_TYPE_MOVE_RECEIVE:
		wanted = MACH_PORT_TYPE_RECEIVE;
		break;
	case MACH_MSG_TYPE_COPY_SEND:
	case MACH_MSG_TYPE_MOVE_SEND:
		wanted = MACH_PORT_TYPE_SEND;
		break;
	case MACH_MSG_TYPE_MOVE_SEND_ONCE:
		wanted = MACH_PORT_TYPE_SEND_ONCE;
		break;
	default:
		return KERN_INVALID_VALUE;
	}
	if (dead_ok && wanted != MACH_PORT_TYPE_RECEIVE)
		wanted |= MACH_PORT_TYPE_DEAD_NAME;
	return (entry->key & wanted) != 0 ? KERN_SUCCESS : KERN_INVALID_RIGHT;
}

/*
 * May this receive right leave?  The space is locked, so what a port says of
 * its guard stays so after we have let go of the port.
 */
static kern_return_t
check_immovable(const struct entry *entry, mach_msg_type_name_t disposition)
{
	struct port *port = entry->port;
	bool immovable;

	if (disposition != MACH_MSG_TYPE_MOVE_RECEIVE)
		return KERN_SUCCESS;
	port_lock(port);
	immovable = (port->flags & PORT_IMMOVABLE) != 0;
	spin_unlock(&port->lock);
	return immovable ? KERN_INVALID_CAPABILITY : KERN_SUCCESS;
}

static kern_return_t
check_guard(const struct entry *entry, uint64_t guard, bool unguarded_ok)
{
	struct port *port = entry->port;
	bool right;

	port_lock(port);
	if (port->flags & PORT_GUARDED)
		right = port->context == guard;
	else
		right = unguarded_ok && guard == 0;
	spin_unlock(&port->lock);
	return right ? KERN_SUCCESS : KERN_INVALID_ARGUMENT;
}

/* User references stick at the maximum: they may have been more. */
static void
take_uref(struct space *space, mach_port_name_t name, struct entry *entry)
{
	if (entry->urefs == MACH_PORT_UREFS_MAX)
		return;
	if (--entry->urefs == 0)
		entry_free(space, name, entry);
}

static struct port *
take_send(struct space *space, mach_port_name_t name, struct entry *entry,
    bool copy, struct loose *loose)
{
	struct port *port = entry->port;

	if (!copy && entry->urefs == 1)
		return entry_move_send(space, name, entry, loose);
	if (!copy && entry->urefs < MACH_PORT_UREFS_MAX)
		entry->urefs--;
	return right_copy_send(port);
}

/* Take a right that check_take() allowed.  NULL: it is a dead name. */
static struct port *
take(struct space *space, mach_port_name_t name, struct entry *entry,
    mach_msg_type_name_t disposition, struct loose *loose)
{
	struct port *port = entry->port;

	if (entry->key & MACH_PORT_TYPE_DEAD_NAME) {
		if (disposition != MACH_MSG_TYPE_COPY_SEND)
			take_uref(space, name, entry);
		return NULL;
	}
	switch (disposition) {
	case MACH_MSG_TYPE_MAKE_SEND:
		return right_make_send(port);
	case MACH_MSG_TYPE_MAKE_SEND_ONCE:
		return right_make_send_once(port);
	case MACH_MSG_TYPE_MOVE_RECEIVE:
		return entry_move_receive(
		    space, name, entry, EVICT_CHANGED, loose);
	case MACH_MSG_TYPE_MOVE_SEND_ONCE:
		entry_forget(space, name, entry, loose);
		return port;
	default:
		return take_send(space, name, entry,
		    disposition == MACH_MSG_TYPE_COPY_SEND, loose);
	}
}

kern_return_t
right_copyin(struct space *space, mach_port_name_t name,
    mach_msg_type_name_t disposition, bool dead_ok, struct port **portp,
    bool *deadp)
{
	struct loose loose = {0};
	struct entry *entry;
	kern_return_t kr;

	if (!MACH_MSG_TYPE_PORT_ANY(disposition))
		return KERN_INVALID_VALUE;
	*portp = NULL;
	*deadp = name == MACH_PORT_DEAD;
	if (!MACH_PORT_VALID(name))
		return dead_ok ? KERN_SUCCESS : KERN_INVALID_NAME;

	spin_lock(&space->lock);
	entry = entry_check(space, name, &loose);
	kr = check_take(entry, disposition, dead_ok);
	if (kr == KERN_SUCCESS)
		kr = check_immovable(entry, disposition);
	/* An entry that died just now has things of its own to let go of. */
	if (kr == KERN_SUCCESS) {
		*deadp = (entry->key & MACH_PORT_TYPE_DEAD_NAME) != 0;
		*portp = take(space, name, entry, disposition, &loose);
	}
	spin_unlock(&space->lock);
	loose_release(&loose);
	return kr;
}

kern_return_t
right_copyin_guarded(struct space *space, mach_port_name_t name, uint64_t guard,
    bool unguarded_ok, struct port **portp, bool *deadp)
{
	const mach_msg_type_name_t disposition = MACH_MSG_TYPE_MOVE_RECEIVE;
	struct loose loose = {0};
	struct entry *entry;
	kern_return_t kr;

	*portp = NULL;
	*deadp = name == MACH_PORT_DEAD;
	if (!MACH_PORT_VALID(name))
		return KERN_SUCCESS;
	spin_lock(&space->lock);
	entry = space_lookup(space, name);
	kr = check_take(entry, disposition, true);
	if (kr == KERN_SUCCESS)
		kr = check_immovable(entry, disposition);
	if (kr == KERN_SUCCESS)
		kr = check_guard(entry, guard, unguarded_ok);
	if (kr == KERN_SUCCESS)
		*portp = take(space, name, entry, disposition, &loose);
	spin_unlock(&space->lock);
	loose_release(&loose);
	return kr;
}

/* Two rights from one name: what each could have alone may not suffice. */
static bool
same_name_ok(
    const struct entry *entry, mach_msg_type_name_t a, mach_msg_type_name_t b)
{
	if (a == MACH_MSG_TYPE_MOVE_SEND_ONCE)
		return false; /* there is but one */
	if (a == MACH_MSG_TYPE_MOVE_SEND && b == MACH_MSG_TYPE_MOVE_SEND)
		return entry->urefs >= 2;
	return true;
}

/* The entries of a header's names, or why not. */
static kern_return_t
check_header(struct space *space, struct header_names *names,
    struct loose *remote_loose, struct loose *local_loose)
{
	struct entry *remote, *local;

	remote = entry_check(space, names->remote, remote_loose);
	if (check_take(remote, names->remote_type, false) != KERN_SUCCESS)
		return MACH_SEND_INVALID_DEST;
	if (!MACH_PORT_VALID(names->local))
		return MACH_MSG_SUCCESS;
	local = entry_check(space, names->local, local_loose);
	if (check_take(local, names->local_type, true) != KERN_SUCCESS)
		return MACH_SEND_INVALID_REPLY;
	if (remote == local &&
	    !same_name_ok(remote, names->remote_type, names->local_type))
		return MACH_SEND_INVALID_REPLY;
	return MACH_MSG_SUCCESS;
}

static void
take_local(struct space *space, struct header_names *names, struct kmsg *kmsg,
    struct loose *loose)
{
	struct entry *entry;

	kmsg->local_dead = names->local == MACH_PORT_DEAD;
	if (!MACH_PORT_VALID(names->local))
		return;
	entry = space_lookup(space, names->local);
	if (entry->key & MACH_PORT_TYPE_DEAD_NAME)
		kmsg->local_dead = true;
	kmsg->local =
	    take(space, names->local, entry, names->local_type, loose);
}

static void
take_remote(struct space *space, struct header_names *names, struct kmsg *kmsg,
    struct loose *loose)
{
	kmsg->remote = take(space, names->remote,
	    space_lookup(space, names->remote), names->remote_type, loose);
}

kern_return_t
right_copyin_header(
    struct space *space, struct header_names *names, struct kmsg *kmsg)
{
	struct loose remote_loose = {0};
	struct loose local_loose = {0};
	kern_return_t kr;

	if (!disposition_is_send(names->remote_type))
		return MACH_SEND_INVALID_HEADER;
	if (names->local_type == 0 && names->local != MACH_PORT_NULL)
		return MACH_SEND_INVALID_HEADER;
	if (names->local_type != 0 && !disposition_is_send(names->local_type))
		return MACH_SEND_INVALID_HEADER;
	if (!MACH_PORT_VALID(names->remote))
		return MACH_SEND_INVALID_DEST;

	spin_lock(&space->lock);
	kr = check_header(space, names, &remote_loose, &local_loose);
	if (kr != MACH_MSG_SUCCESS)
		goto out;

	/* ---- committed: nothing below can fail ---- */
	kmsg->remote_type = (uint8_t)right_received_type(names->remote_type);
	kmsg->local_type =
	    names->local_type == 0
		? 0
		: (uint8_t)right_received_type(names->local_type);
	/* Of one name the right that is moved is taken last. */
	if (names->remote_type == MACH_MSG_TYPE_MOVE_SEND) {
		take_local(space, names, kmsg, &local_loose);
		take_remote(space, names, kmsg, &remote_loose);
	} else {
		take_remote(space, names, kmsg, &remote_loose);
		take_local(space, names, kmsg, &local_loose);
	}
out:
	spin_unlock(&space->lock);
	loose_release(&remote_loose);
	loose_release(&local_loose);
	return kr;
}

/* ---- rights -> names ---- */

/* A right to a dead port is a dead name; consumes it. */
static kern_return_t
copyout_dead(
    struct port *port, mach_msg_type_name_t type, mach_port_name_t *namep)
{
	right_release(port, type);
	*namep = MACH_PORT_DEAD;
	return KERN_SUCCESS;
}

/* Fill a fresh entry.  Locks: the space's and the port's. */
static void
fill(struct space *space, mach_port_name_t name, struct entry *entry,
    struct port *port, mach_msg_type_name_t type)
{
	uint32_t right = MACH_PORT_TYPE_SEND_ONCE;

	entry->port = port; /* and the right's reference */
	entry->urefs = 1;
	if (type == MACH_MSG_TYPE_PORT_SEND)
		right = MACH_PORT_TYPE_SEND;
	if (type == MACH_MSG_TYPE_PORT_RECEIVE) {
		right = MACH_PORT_TYPE_RECEIVE;
		entry->urefs = 0;
	}
	/* release: who reads the key without the lock then sees the port */
	__atomic_store_n(&entry->key, right | (uint8_t)name, __ATOMIC_RELEASE);
	if (type == MACH_MSG_TYPE_PORT_SEND)
		space_index_port(space, name);
}

/* The receive right arrives.  Locks: the space's and the port's. */
static void
settle(struct space *space, mach_port_name_t name, struct port *port)
{
	port->state = PORT_IN_SPACE;
	port->receiver = space;
	port->name = name;
}

/* Add a right to a name that has the other kind.  True: drop the reference;
 * a send right more than the space counts was dropped already. */
static void
merge(struct space *space, mach_port_name_t name, struct entry *entry,
    struct port *port, mach_msg_type_name_t type)
{
	if (type == MACH_MSG_TYPE_PORT_RECEIVE) {
		space_unindex_port(space, name);
		entry->key |= MACH_PORT_TYPE_RECEIVE;
	} else if (entry->key & MACH_PORT_TYPE_SEND) {
		if (entry->urefs < MACH_PORT_UREFS_MAX)
			entry->urefs++;
		port->send_rights--; /* never the last: the space has one */
	} else {
		entry->key |= MACH_PORT_TYPE_SEND;
		entry->urefs = 1;
	}
}

/* @guard is for a receive right alone; NULL: none. */
static kern_return_t
give(struct space *space, struct port *port, mach_msg_type_name_t type,
    const struct guard *guard, mach_port_name_t *namep)
{
	mach_port_name_t name = MACH_PORT_NULL;
	struct entry *entry = NULL;
	bool merged = false;
	kern_return_t kr = KERN_SUCCESS;

	if (port == NULL) {
		*namep = MACH_PORT_NULL;
		return KERN_SUCCESS;
	}
	if (type == MACH_MSG_TYPE_PORT_RECEIVE)
		port_set_carrier(port, NULL);
	spin_lock(&space->lock);
	port_lock(port);
	if (port->state == PORT_IS_DEAD)
		goto out_dead;
	if (unlikely(space->dead)) {
		kr = KERN_TERMINATED;
		goto out;
	}
	if (type != MACH_MSG_TYPE_PORT_SEND_ONCE)
		name = space_find_port(space, port);
	if (name != MACH_PORT_NULL) {
		merge(space, name, space_lookup(space, name), port, type);
		merged = true;
	} else {
		kr = entry_alloc(space, &name, &entry);
		if (kr != KERN_SUCCESS)
			goto out;
		fill(space, name, entry, port, type);
	}
	if (type == MACH_MSG_TYPE_PORT_RECEIVE) {
		settle(space, name, port);
		if (guard != NULL) {
			port->context = guard->value;
			port->flags = guard->flags;
		}
	}
	*namep = name;
out:
	spin_unlock(&port->lock);
	spin_unlock(&space->lock);
	if (merged)
		port_put(port);
	return kr;

out_dead:
	spin_unlock(&port->lock);
	spin_unlock(&space->lock);
	return copyout_dead(port, type, namep);
}

kern_return_t
right_copyout(struct space *space, struct port *port, mach_msg_type_name_t type,
    mach_port_name_t *namep)
{
	return give(space, port, type, NULL, namep);
}

kern_return_t
right_copyout_guarded(struct space *space, struct port *port,
    const struct guard *guard, mach_port_name_t *namep)
{
	return give(space, port, MACH_MSG_TYPE_PORT_RECEIVE, guard, namep);
}

/* May a right of @type go under @name, of which @found is what the space
 * calls the port already?  Locks: the space's and the port's. */
static kern_return_t
check_name(struct space *space, mach_port_name_t name, mach_port_name_t found,
    mach_msg_type_name_t type)
{
	struct entry *entry;

	if (found != MACH_PORT_NULL && found != name)
		return KERN_RIGHT_EXISTS;
	if (found == MACH_PORT_NULL)
		return KERN_SUCCESS;
	entry = space_lookup(space, name);
	if (type == MACH_MSG_TYPE_PORT_SEND &&
	    entry->urefs == MACH_PORT_UREFS_MAX)
		return KERN_UREFS_OVERFLOW;
	return KERN_SUCCESS;
}

kern_return_t
right_copyout_name(struct space *space, struct port *port,
    mach_msg_type_name_t type, mach_port_name_t name)
{
	mach_port_name_t found = MACH_PORT_NULL;
	struct entry *entry = NULL;
	struct loose loose = {0};
	kern_return_t kr;

	spin_lock(&space->lock);
	(void)entry_check(space, name, &loose);
	port_lock(port);
	kr = KERN_INVALID_CAPABILITY;
	if (port->state == PORT_IS_DEAD)
		goto out;
	if (type != MACH_MSG_TYPE_PORT_SEND_ONCE)
		found = space_find_port(space, port);
	kr = check_name(space, name, found, type);
	if (kr != KERN_SUCCESS)
		goto out;
	if (found == MACH_PORT_NULL) {
		kr = entry_alloc_name(space, name, &entry);
		if (kr != KERN_SUCCESS)
			goto out;
		fill(space, name, entry, port, type);
	} else {
		merge(space, name, space_lookup(space, name), port, type);
	}
	if (type == MACH_MSG_TYPE_PORT_RECEIVE) {
		settle(space, name, port);
		spin_lock(&transit_lock);
		port->carrier = NULL;
		spin_unlock(&transit_lock);
	}
out:
	spin_unlock(&port->lock);
	spin_unlock(&space->lock);
	loose_release(&loose);
	if (kr == KERN_SUCCESS && found != MACH_PORT_NULL)
		port_put(port);
	return kr;
}

kern_return_t
space_insert_send(
    struct space *space, struct port *port, mach_port_name_t *namep)
{
	return right_copyout(space, port, MACH_MSG_TYPE_PORT_SEND, namep);
}
