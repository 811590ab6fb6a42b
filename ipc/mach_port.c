/*
 * mach_port.c: the mach_port_*() calls that count and destroy rights.  Those
 * that make some are in mach_port_make.c, those that look in mach_port_info.c.
 */
#include "ipc/mach_port.h"

#include "ipc/entry.h"
#include "ipc/kept.h"
#include "ipc/kmsg.h"
#include "ipc/notify.h"
#include "ipc/pset.h"

/* ---- counting ---- */

/* Does a guard keep the receive right from being given up?  The space is
 * locked, so the answer stays true after the port is unlocked. */
static bool
is_guarded(const struct entry *entry)
{
	struct port *port = entry->port;
	bool guarded;

	if ((entry->key & MACH_PORT_TYPE_RECEIVE) == 0)
		return false;
	port_lock(port);
	guarded = (port->flags & PORT_GUARDED) != 0;
	spin_unlock(&port->lock);
	return guarded;
}

/* Change the references of a name that is left with some. */
static kern_return_t
change_urefs(struct entry *entry, int32_t delta)
{
	int64_t urefs = (int64_t)entry->urefs + delta;

	if (urefs < 0)
		return KERN_INVALID_VALUE;
	/* At the maximum they stick, unless all are given up together. */
	if (entry->urefs == MACH_PORT_UREFS_MAX && urefs != 0)
		return delta > 0 ? KERN_UREFS_OVERFLOW : KERN_SUCCESS;
	if (urefs > MACH_PORT_UREFS_MAX)
		return KERN_UREFS_OVERFLOW;
	entry->urefs = (uint32_t)urefs;
	return KERN_SUCCESS;
}

static kern_return_t
mod_send(struct space *space, mach_port_name_t name, struct entry *entry,
    int32_t delta, struct loose *loose)
{
	uint32_t urefs = entry->urefs;
	kern_return_t kr = change_urefs(entry, delta);

	if (kr == KERN_SUCCESS && entry->urefs == 0) {
		entry->urefs = urefs;
		entry_drop_send(space, name, entry, loose);
	}
	return kr;
}

static kern_return_t
mod_dead_name(struct space *space, mach_port_name_t name, struct entry *entry,
    int32_t delta)
{
	kern_return_t kr = change_urefs(entry, delta);

	if (kr == KERN_SUCCESS && entry->urefs == 0)
		entry_free(space, name, entry);
	return kr;
}

/* Rights of which a name has one: they can be given up, and that is all. */
static kern_return_t
mod_single(struct space *space, mach_port_name_t name, struct entry *entry,
    mach_port_right_t right, int32_t delta, struct loose *loose)
{
	if (delta == 0)
		return KERN_SUCCESS;
	if (delta != -1)
		return KERN_INVALID_VALUE;
	if (is_guarded(entry))
		return KERN_INVALID_RIGHT;
	if (right == MACH_PORT_RIGHT_RECEIVE)
		loose->receive =
		    entry_move_receive(space, name, entry, EVICT_DIED, loose);
	else
		entry_drop_all(space, name, entry, loose);
	return KERN_SUCCESS;
}

static kern_return_t
mod_refs_locked(struct space *space, mach_port_name_t name,
    mach_port_right_t right, int32_t delta, struct loose *loose)
{
	struct entry *entry = entry_check(space, name, loose);

	if (entry == NULL)
		return KERN_INVALID_NAME;
	if ((entry->key & MACH_PORT_TYPE(right)) == 0)
		return KERN_INVALID_RIGHT;
	switch (right) {
	case MACH_PORT_RIGHT_SEND:
		return mod_send(space, name, entry, delta, loose);
	case MACH_PORT_RIGHT_DEAD_NAME:
		return mod_dead_name(space, name, entry, delta);
	default:
		return mod_single(space, name, entry, right, delta, loose);
	}
}

/* Give up a receive right that comes with no other right, to a port that nobody
 * else knows.  False: it is not that. */
static bool
receive_end_alone(struct space *space, mach_port_name_t name)
{
	struct port *port = NULL;
	struct entry *entry;
	bool kept = false;

	spin_lock(&space->lock);
	entry = space_lookup(space, name);
	if (likely(entry != NULL &&
		   entry->key == (MACH_PORT_TYPE_RECEIVE | (uint8_t)name))) {
		kept = kept_keep(space, name, entry);
		if (!kept && likely(port_end_alone(entry->port))) {
			port = entry->port;
			entry_free(space, name, entry);
		}
	}
	spin_unlock(&space->lock);
	if (port != NULL)
		port_free_alone(port);
	return kept || likely(port != NULL);
}

static never_inline kern_return_t
mod_any_refs(struct space *space, mach_port_name_t name,
    mach_port_right_t right, int32_t delta)
{
	struct loose loose = {0};
	kern_return_t kr;

	if (right > MACH_PORT_RIGHT_DEAD_NAME)
		return KERN_INVALID_VALUE;
	/* Giving up nothing, or what is dead, is no mistake. */
	if (!MACH_PORT_VALID(name) && (right == MACH_PORT_RIGHT_SEND ||
					  right == MACH_PORT_RIGHT_SEND_ONCE))
		return KERN_SUCCESS;
	spin_lock(&space->lock);
	kr = mod_refs_locked(space, name, right, delta, &loose);
	spin_unlock(&space->lock);
	loose_release(&loose);
	return kr;
}

kern_return_t
mach_port_mod_refs(struct space *space, mach_port_name_t name,
    mach_port_right_t right, int32_t delta)
{
	if (right == MACH_PORT_RIGHT_RECEIVE && delta == -1 &&
	    likely(receive_end_alone(space, name)))
		return KERN_SUCCESS;
	return mod_any_refs(space, name, right, delta);
}

static kern_return_t
deallocate_locked(
    struct space *space, mach_port_name_t name, struct loose *loose)
{
	struct entry *entry = entry_check(space, name, loose);

	if (entry == NULL)
		return KERN_INVALID_NAME;
	if (entry->key & MACH_PORT_TYPE_SEND)
		return mod_send(space, name, entry, -1, loose);
	if (entry->key & MACH_PORT_TYPE_DEAD_NAME)
		return mod_dead_name(space, name, entry, -1);
	if (entry->key & MACH_PORT_TYPE_SEND_ONCE) {
		entry_drop_all(space, name, entry, loose);
		return KERN_SUCCESS;
	}
	return KERN_INVALID_RIGHT;
}

kern_return_t
mach_port_deallocate(struct space *space, mach_port_name_t name)
{
	struct loose loose = {0};
	kern_return_t kr;

	if (!MACH_PORT_VALID(name))
		return KERN_SUCCESS;
	spin_lock(&space->lock);
	kr = deallocate_locked(space, name, &loose);
	spin_unlock(&space->lock);
	loose_release(&loose);
	return kr;
}

kern_return_t
mach_port_destroy(struct space *space, mach_port_name_t name)
{
	kern_return_t kr = KERN_SUCCESS;
	struct loose loose = {0};
	struct entry *entry;

	spin_lock(&space->lock);
	entry = entry_check(space, name, &loose);
	if (entry == NULL)
		kr = KERN_INVALID_NAME;
	else if (entry->key & MACH_PORT_TYPE_DEAD_NAME)
		entry_free(space, name, entry);
	else if (is_guarded(entry))
		kr = KERN_INVALID_RIGHT;
	else
		entry_drop_all(space, name, entry, &loose);
	spin_unlock(&space->lock);
	loose_release(&loose);
	return kr;
}

/* May mach_port_destruct() do what it is asked to?  It does all or nothing. */
static kern_return_t
check_destruct(const struct entry *entry, int32_t send_delta, uint64_t guard)
{
	struct port *port;
	bool right;

	if (entry == NULL)
		return KERN_INVALID_NAME;
	if ((entry->key & MACH_PORT_TYPE_RECEIVE) == 0)
		return KERN_INVALID_RIGHT;
	if (send_delta != 0 && (entry->key & MACH_PORT_TYPE_SEND) == 0)
		return KERN_INVALID_RIGHT;
	if (send_delta > 0)
		return KERN_INVALID_VALUE;
	port = entry->port;
	port_lock(port);
	right = (port->flags & PORT_GUARDED) == 0 || port->context == guard;
	spin_unlock(&port->lock);
	return right ? KERN_SUCCESS : KERN_INVALID_ARGUMENT;
}

kern_return_t
mach_port_destruct(struct space *space, mach_port_name_t name,
    int32_t send_delta, uint64_t guard)
{
	struct loose loose = {0};
	struct entry *entry;
	kern_return_t kr;

	/* Where there is no guard, any is the right one. */
	if (send_delta == 0 && receive_end_alone(space, name))
		return KERN_SUCCESS;
	spin_lock(&space->lock);
	entry = space_lookup(space, name);
	kr = check_destruct(entry, send_delta, guard);
	if (kr == KERN_SUCCESS && send_delta != 0)
		kr = mod_send(space, name, entry, send_delta, &loose);
	if (kr == KERN_SUCCESS)
		loose.receive =
		    entry_move_receive(space, name, entry, EVICT_DIED, &loose);
	spin_unlock(&space->lock);
	loose_release(&loose);
	return kr;
}

void
mach_port_end(struct space *space, struct port *port)
{
	struct loose loose = {0};
	struct entry *entry = NULL;
	mach_port_name_t name;

	spin_lock(&space->lock);
	port_lock(port);
	name = port->receiver == space ? port->name : MACH_PORT_NULL;
	spin_unlock(&port->lock);
	/* As long as we have the space the right cannot leave. */
	if (name != MACH_PORT_NULL)
		entry = space_lookup(space, name);
	if (entry != NULL && (entry->key & MACH_PORT_TYPE_SEND))
		mod_send(space, name, entry, -1, &loose); /* there is one */
	if (entry != NULL)
		loose.receive =
		    entry_move_receive(space, name, entry, EVICT_DIED, &loose);
	spin_unlock(&space->lock);
	loose_release(&loose);
}

/* ---- giving to and taking from a space ---- */

kern_return_t
mach_port_insert_right(struct space *space, mach_port_name_t name,
    struct port *port, mach_msg_type_name_t type)
{
	if (!MACH_PORT_VALID(name))
		return KERN_INVALID_VALUE;
	if (port == NULL)
		return KERN_INVALID_CAPABILITY;
	return right_copyout_name(space, port, type, name);
}

kern_return_t
mach_port_extract_right(struct space *space, mach_port_name_t name,
    mach_msg_type_name_t disposition, struct port **portp,
    mach_msg_type_name_t *typep)
{
	bool dead;
	kern_return_t kr =
	    right_copyin(space, name, disposition, false, portp, &dead);

	if (kr == KERN_SUCCESS)
		*typep = right_received_type(disposition);
	return kr;
}

/* ---- sets ---- */

/* Both by name, with references. */
static kern_return_t
member_and_set(struct space *space, mach_port_name_t name, mach_port_name_t set,
    struct port **portp, struct pset **psetp)
{
	struct entry *member, *entry;
	kern_return_t kr = KERN_SUCCESS;

	spin_lock(&space->lock);
	member = space_lookup(space, name);
	entry = space_lookup(space, set);
	if (member == NULL || entry == NULL)
		kr = KERN_INVALID_NAME;
	else if ((member->key & MACH_PORT_TYPE_RECEIVE) == 0 ||
		 (entry->key & MACH_PORT_TYPE_PORT_SET) == 0)
		kr = KERN_INVALID_RIGHT;
	if (kr == KERN_SUCCESS) {
		*portp = port_get(member->port);
		*psetp = pset_get(entry->pset);
	}
	spin_unlock(&space->lock);
	return kr;
}

kern_return_t
mach_port_insert_member(
    struct space *space, mach_port_name_t name, mach_port_name_t pset_name)
{
	struct port *port;
	struct pset *pset;
	kern_return_t kr = member_and_set(space, name, pset_name, &port, &pset);

	if (kr != KERN_SUCCESS)
		return kr;
	kr = pset_insert(pset, port, space);
	pset_put(pset);
	port_put(port);
	return kr;
}

kern_return_t
mach_port_extract_member(
    struct space *space, mach_port_name_t name, mach_port_name_t pset_name)
{
	struct port *port;
	struct pset *pset;
	kern_return_t kr = member_and_set(space, name, pset_name, &port, &pset);

	if (kr != KERN_SUCCESS)
		return kr;
	kr = pset_remove(pset, port);
	pset_put(pset);
	port_put(port);
	return kr;
}

/* Out of all sets. */
static kern_return_t
leave_sets(struct space *space, mach_port_name_t name)
{
	struct port *port;
	bool was_member;
	kern_return_t kr = port_from_receive_name(space, name, &port);

	if (kr != KERN_SUCCESS)
		return kr;
	port_lock(port);
	was_member = !list_empty(&port->sets);
	pset_remove_all(port);
	spin_unlock(&port->lock);
	port_put(port);
	return was_member ? KERN_SUCCESS : KERN_NOT_IN_SET;
}

kern_return_t
mach_port_move_member(
    struct space *space, mach_port_name_t name, mach_port_name_t after)
{
	struct port *port;
	struct pset *pset;
	kern_return_t kr;

	if (after == MACH_PORT_NULL)
		return leave_sets(space, name);
	kr = member_and_set(space, name, after, &port, &pset);
	if (kr != KERN_SUCCESS)
		return kr;
	kr = pset_move(pset, port, space);
	pset_put(pset);
	port_put(port);
	return kr;
}
