/*
 * ipc/right.h: rights: made, copied, moved, destroyed; between names in a
 * space and ports in messages.
 *
 *	name in a space  -- right_copyin -->  port with a right in a message
 *	name in a space  <-- right_copyout -  port with a right in a message
 *
 * Every function checks everything before it changes anything.
 *
 * A name whose port has died turns into a dead name the moment somebody looks
 * at it (entry.h): the dying port does not search the spaces.
 */
#pragma once
#include "ipc/port.h"
#include "ipc/space.h"

/*
 * Make a right of @disposition (MACH_MSG_TYPE_MOVE_* .. MAKE_*) from @name.
 * In *@portp: the port with a reference and the right counted; NULL for
 * MACH_PORT_NULL; and NULL with *@deadp for MACH_PORT_DEAD or a dead name,
 * where @dead_ok.
 *
 * A receive right that moves leaves its guard behind.
 *
 * Locks: none held.
 * Returns: KERN_SUCCESS
 *	    KERN_INVALID_NAME	no such name
 *	    KERN_INVALID_RIGHT	it denotes something else, or is dead
 *	    KERN_INVALID_VALUE	no such disposition
 *	    KERN_INVALID_CAPABILITY  a receive right that may not move
 */
kern_return_t must_check right_copyin(struct space *space,
    mach_port_name_t name, mach_msg_type_name_t disposition, bool dead_ok,
    struct port **portp, bool *deadp);

/*
 * Take a receive right whose guard is @guard; with @unguarded_ok also one that
 * has none, if @guard is 0.  Also KERN_INVALID_ARGUMENT: wrong guard.
 */
kern_return_t must_check right_copyin_guarded(struct space *space,
    mach_port_name_t name, uint64_t guard, bool unguarded_ok,
    struct port **portp, bool *deadp);

/* What a header says of its two ports. */
struct header_names {
	mach_port_name_t remote, local;
	mach_msg_type_name_t remote_type, local_type; /* as sent */
};

/*
 * Take the two rights of a header into @kmsg, both or neither.
 * Returns: MACH_MSG_SUCCESS, MACH_SEND_INVALID_HEADER, MACH_SEND_INVALID_DEST,
 *	    MACH_SEND_INVALID_REPLY
 */
struct kmsg;
kern_return_t must_check right_copyin_header(
    struct space *space, struct header_names *names, struct kmsg *kmsg);

/*
 * Give @space a right of @type (MACH_MSG_TYPE_PORT_*) that the caller holds.
 * On success the right and its reference have moved.  A NULL port gives
 * MACH_PORT_NULL; a dead one MACH_PORT_DEAD, and is consumed.
 *
 * User references stick at MACH_PORT_UREFS_MAX.
 *
 * Returns: KERN_SUCCESS, KERN_NO_SPACE, KERN_RESOURCE_SHORTAGE,
 *	    KERN_TERMINATED
 */
kern_return_t must_check right_copyout(struct space *space, struct port *port,
    mach_msg_type_name_t type, mach_port_name_t *namep);
/*
 * The same under a name that the caller chose, for a live port.  Also:
 * KERN_NAME_EXISTS, KERN_RIGHT_EXISTS (the port has another name),
 * KERN_UREFS_OVERFLOW, KERN_INVALID_VALUE, KERN_INVALID_CAPABILITY (dead).
 */
kern_return_t must_check right_copyout_name(struct space *space,
    struct port *port, mach_msg_type_name_t type, mach_port_name_t name);

/* What a receive right that is guarded can only be given up with. */
struct guard {
	uint64_t value; /* becomes its context */
	uint8_t flags;	/* PORT_GUARDED, PORT_STRICT, PORT_IMMOVABLE */
};

/* Give a receive right that is guarded from then on. */
kern_return_t must_check right_copyout_guarded(struct space *space,
    struct port *port, const struct guard *guard, mach_port_name_t *namep);

/* What a right of @disposition is called by the one who receives it. */
static inline mach_msg_type_name_t
right_received_type(mach_msg_type_name_t disposition)
{
	switch (disposition) {
	case MACH_MSG_TYPE_MOVE_RECEIVE:
		return MACH_MSG_TYPE_PORT_RECEIVE;
	case MACH_MSG_TYPE_MOVE_SEND:
	case MACH_MSG_TYPE_COPY_SEND:
	case MACH_MSG_TYPE_MAKE_SEND:
		return MACH_MSG_TYPE_PORT_SEND;
	default:
		return MACH_MSG_TYPE_PORT_SEND_ONCE;
	}
}

/* ---- looking up, for calls that only want the port ---- */

/* A reference to the port that @name has a send or receive right to; NULL. */
struct port *port_from_name(struct space *space, mach_port_name_t name);
/* Where @name is a receive right: its port with a reference.
 * KERN_INVALID_NAME, KERN_INVALID_RIGHT */
kern_return_t must_check port_from_receive_name(
    struct space *space, mach_port_name_t name, struct port **portp);

/*
 * The same port, locked, with no reference: as long as it is locked the right
 * cannot leave.  While the space is locked nobody can come to such a lock.
 */
kern_return_t must_check port_lock_named(
    struct space *space, mach_port_name_t name, struct port **portp);

/*
 * What the send right @name stands for, if it is of @kind, with a reference.
 *
 * Returns: KERN_SUCCESS
 *	    KERN_INVALID_NAME	   no such name
 *	    KERN_INVALID_RIGHT	   it is no send right, or to a dead port
 *	    KERN_INVALID_ARGUMENT  its port stands for something else
 */
kern_return_t must_check kobject_from_name(struct space *space,
    mach_port_name_t name, enum kobject_kind kind, void **objectp);

/*
 * The same where it is asked for often: the port itself, locked, so that its
 * object is there as long as the lock is held.  NULL: kobject_from_name() says
 * why.
 */
static inline struct port *
kobject_lock_named(
    struct space *space, mach_port_name_t name, enum kobject_kind kind)
{
	struct port *port = NULL;
	struct entry *entry;

	spin_lock(&space->lock);
	entry = space_lookup(space, name);
	if (likely(entry != NULL && (entry->key & MACH_PORT_TYPE_SEND) != 0)) {
		port = entry->port;
		/* Alone, as in object_get() of port.c. */
		spin_lock(&port->lock);
	}
	spin_unlock(&space->lock);
	if (unlikely(port == NULL))
		return NULL;
	if (likely(port->kind == kind && port->state == PORT_IN_KERNEL))
		return port;
	spin_unlock(&port->lock);
	return NULL;
}

/* Where @name is a set: with a reference.  KERN_INVALID_NAME,
 * KERN_INVALID_RIGHT */
struct pset;
kern_return_t must_check pset_from_name(
    struct space *space, mach_port_name_t name, struct pset **psetp);

/* What the task port @name stands for: a reference, or NULL. */
struct task *task_from_name(struct space *space, mach_port_name_t name);
struct thread *thread_from_name(struct space *space, mach_port_name_t name);
