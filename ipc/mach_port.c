/*
 * mach_port.c: the mach_port_*() calls that make, count and destroy rights.
 * Those that look are in mach_port_info.c.
 */
#include "ipc/mach_port.h"

#include "ipc/entry.h"
#include "ipc/kmsg.h"
#include "ipc/notify.h"
#include "ipc/pset.h"

/* ---- making ---- */

/* What an entry for a fresh right holds. */
struct fresh {
	uint32_t type; /* MACH_PORT_TYPE_* */
	struct port *port;
	struct pset *pset;
};

static kern_return_t
fresh_create(struct space *space, mach_port_right_t right, struct fresh *fresh)
{
	if (right > MACH_PORT_RIGHT_DEAD_NAME)
		return KERN_INVALID_VALUE;
	*fresh = (struct fresh){.type = MACH_PORT_TYPE(right)};
	switch (right) {
	case MACH_PORT_RIGHT_RECEIVE:
		fresh->port = port_create(space->ledger);
		return fresh->port != NULL ? KERN_SUCCESS
					   : KERN_RESOURCE_SHORTAGE;
	case MACH_PORT_RIGHT_PORT_SET:
		fresh->pset = pset_create(space->ledger);
		return fresh->pset != NULL ? KERN_SUCCESS
					   : KERN_RESOURCE_SHORTAGE;
	case MACH_PORT_RIGHT_DEAD_NAME:
		return KERN_SUCCESS;
	default:
		return KERN_INVALID_VALUE;
	}
}

/* It found no place in the table. */
static void
fresh_discard(struct fresh *fresh)
{
	if (fresh->port != NULL)
		port_destroy(fresh->port);
	if (fresh->pset != NULL)
		pset_destroy(fresh->pset);
}

/* Put it into a fresh entry.  Locks: the space's. */
static void
fresh_enter(struct space *space, mach_port_name_t name, struct entry *entry,
    struct fresh *fresh)
{
	entry->urefs = fresh->type == MACH_PORT_TYPE_DEAD_NAME ? 1 : 0;
	if (fresh->port != NULL) {
		/* Nobody else knows the port yet. */
		fresh->port->state = PORT_IN_SPACE;
		fresh->port->receiver = space;
		fresh->port->name = name;
		entry->port = fresh->port;
	} else {
		entry->pset = fresh->pset;
		if (fresh->pset != NULL)
			fresh->pset->name = name;
	}
	/* release: who reads the key without the lock then sees the port */
	__atomic_store_n(
	    &entry->key, fresh->type | (uint8_t)name, __ATOMIC_RELEASE);
}

kern_return_t
mach_port_allocate(
    struct space *space, mach_port_right_t right, mach_port_name_t *namep)
{
	struct entry *entry;
	struct fresh fresh;
	kern_return_t kr = fresh_create(space, right, &fresh);

	if (kr != KERN_SUCCESS)
		return kr;
	spin_lock(&space->lock);
	kr = entry_alloc(space, namep, &entry);
	if (kr == KERN_SUCCESS)
		fresh_enter(space, *namep, entry, &fresh);
	spin_unlock(&space->lock);
	if (kr != KERN_SUCCESS)
		fresh_discard(&fresh);
	return kr;
}

kern_return_t
mach_port_allocate_name(
    struct space *space, mach_port_right_t right, mach_port_name_t name)
{
	struct entry *entry;
	struct fresh fresh;
	kern_return_t kr;

	if (!MACH_PORT_VALID(name))
		return KERN_INVALID_VALUE;
	kr = fresh_create(space, right, &fresh);
	if (kr != KERN_SUCCESS)
		return kr;
	spin_lock(&space->lock);
	kr = entry_alloc_name(space, name, &entry);
	if (kr == KERN_SUCCESS)
		fresh_enter(space, name, entry, &fresh);
	spin_unlock(&space->lock);
	if (kr != KERN_SUCCESS)
		fresh_discard(&fresh);
	return kr;
}

kern_return_t
port_allocate_as(struct space *space, mach_port_right_t right,
    const mach_port_qos_t *qos, mach_port_name_t *namep)
{
	if (qos->prealloc)
		return KERN_INVALID_VALUE;
	if (qos->name)
		return mach_port_allocate_name(space, right, *namep);
	return mach_port_allocate(space, right, namep);
}

/* Flags that ask for nothing this kernel does otherwise. */
#define MPO_IGNORED                                                            \
	(MPO_DENAP_RECEIVER | MPO_FILTER_MSG | MPO_TG_BLOCK_TRACKING |         \
	    MPO_SERVICE_PORT | MPO_CONNECTION_PORT | MPO_REPLY_PORT |          \
	    MPO_ENFORCE_REPLY_PORT_SEMANTICS | MPO_PROVISIONAL_REPLY_PORT |    \
	    MPO_EXCEPTION_PORT)
#define MPO_KNOWN                                                              \
	(MPO_QLIMIT | MPO_INSERT_SEND_RIGHT | MPO_CONTEXT_AS_GUARD |           \
	    MPO_STRICT | MPO_IMMOVABLE_RECEIVE | MPO_TEMPOWNER |               \
	    MPO_IMPORTANCE_RECEIVER | MPO_IGNORED)

/* What is kept of them with the port. */
static uint8_t
construct_flags(uint32_t options)
{
	uint8_t flags = 0;

	if (options & MPO_CONTEXT_AS_GUARD)
		flags |= PORT_GUARDED;
	if ((options & MPO_CONTEXT_AS_GUARD) && (options & MPO_STRICT))
		flags |= PORT_STRICT;
	if (options & MPO_IMMOVABLE_RECEIVE)
		flags |= PORT_IMMOVABLE;
	if (options & MPO_TEMPOWNER)
		flags |= MACH_PORT_STATUS_FLAG_TEMPOWNER;
	if (options & MPO_IMPORTANCE_RECEIVER)
		flags |= MACH_PORT_STATUS_FLAG_IMP_DONATION;
	return flags;
}

/* What the options say, done to a port that nobody knows yet. */
static void
construct(
    struct fresh *fresh, const mach_port_options_t *options, uint64_t context)
{
	struct port *port = fresh->port;

	port->context = context;
	port->flags = construct_flags(options->flags);
	if (options->flags & MPO_QLIMIT)
		port->queue.limit = options->mpl.mpl_qlimit;
	if (options->flags & MPO_INSERT_SEND_RIGHT) {
		port->send_rights = 1;
		port->make_send_count = 1;
		fresh->type |= MACH_PORT_TYPE_SEND;
	}
}

kern_return_t
mach_port_construct(struct space *space, const mach_port_options_t *options,
    uint64_t context, mach_port_name_t *namep)
{
	struct entry *entry;
	struct fresh fresh;
	kern_return_t kr;

	if ((options->flags & ~MPO_KNOWN) != 0)
		return KERN_INVALID_ARGUMENT;
	if ((options->flags & MPO_QLIMIT) &&
	    options->mpl.mpl_qlimit > MACH_PORT_QLIMIT_MAX)
		return KERN_INVALID_VALUE;
	kr = fresh_create(space, MACH_PORT_RIGHT_RECEIVE, &fresh);
	if (kr != KERN_SUCCESS)
		return kr;
	spin_lock(&space->lock);
	kr = entry_alloc(space, namep, &entry);
	if (kr == KERN_SUCCESS) {
		construct(&fresh, options, context);
		fresh_enter(space, *namep, entry, &fresh);
		if (fresh.type & MACH_PORT_TYPE_SEND)
			entry->urefs = 1;
	}
	spin_unlock(&space->lock);
	if (kr != KERN_SUCCESS)
		fresh_discard(&fresh);
	return kr;
}

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
	/* The receive right, no other right, and nobody else who knows it. */
	if (entry->key == (MACH_PORT_TYPE_RECEIVE | (uint8_t)name) &&
	    likely(port_end_alone(entry->port))) {
		loose->port = entry->port;
		entry_free(space, name, entry);
		return KERN_SUCCESS;
	}
	if (is_guarded(entry))
		return KERN_INVALID_RIGHT;
	if (right == MACH_PORT_RIGHT_RECEIVE)
		loose->receive = entry_move_receive(
		    space, name, entry, MACH_RCV_PORT_DIED, loose);
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

kern_return_t
mach_port_mod_refs(struct space *space, mach_port_name_t name,
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

	spin_lock(&space->lock);
	entry = space_lookup(space, name);
	kr = check_destruct(entry, send_delta, guard);
	if (kr == KERN_SUCCESS && send_delta != 0)
		kr = mod_send(space, name, entry, send_delta, &loose);
	if (kr == KERN_SUCCESS)
		loose.receive = entry_move_receive(
		    space, name, entry, MACH_RCV_PORT_DIED, &loose);
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
		loose.receive = entry_move_receive(
		    space, name, entry, MACH_RCV_PORT_DIED, &loose);
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
