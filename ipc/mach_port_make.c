/* mach_port_make.c: the mach_port_*() calls that make rights. */
#include "ipc/mach_port.h"

#include "ipc/entry.h"
#include "ipc/kept.h"
#include "ipc/notify.h"
#include "ipc/pset.h"

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

/* The most frequent of them, without more ado. */
static kern_return_t
receive_allocate(struct space *space, mach_port_name_t *namep)
{
	struct fresh fresh = {.type = MACH_PORT_TYPE_RECEIVE};
	struct entry *entry;
	kern_return_t kr;

	if (kept_take_unlocked(space, namep))
		return KERN_SUCCESS;
	fresh.port = port_create(space->ledger);
	if (unlikely(fresh.port == NULL))
		return KERN_RESOURCE_SHORTAGE;
	spin_lock(&space->lock);
	kr = entry_alloc(space, namep, &entry);
	if (likely(kr == KERN_SUCCESS))
		fresh_enter(space, *namep, entry, &fresh);
	spin_unlock(&space->lock);
	if (unlikely(kr != KERN_SUCCESS))
		port_destroy(fresh.port);
	return kr;
}

static never_inline kern_return_t
any_allocate(
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
mach_port_allocate(
    struct space *space, mach_port_right_t right, mach_port_name_t *namep)
{
	if (likely(right == MACH_PORT_RIGHT_RECEIVE))
		return receive_allocate(space, namep);
	return any_allocate(space, right, namep);
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
