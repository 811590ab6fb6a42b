/*
 * ipc/entry.h: steps on one name; for ipc/ alone.  The space is locked.
 */
#pragma once
#include "ipc/right.h"

/*
 * What an entry let go of under the space's lock, to be dealt with after it is
 * unlocked.  All zero at first; each member is used at most once.
 */
struct loose {
	struct port *port;	      /* drop a reference */
	struct name_request *request; /* free; its notice was not sent: send */
	bool died;		 /* of a dead name, else of a deleted one */
	struct kmsg *no_senders; /* send */
	uint32_t make_send_count;
	struct port *send_once; /* a right that goes unused */
	struct port *receive;	/* a receive right to destroy */
	struct pset *pset;	/* to destroy */
};

void loose_release_all(struct loose *loose);

/* No locks held. */
static inline void
loose_release(struct loose *loose)
{
	/* Most names let go of nothing. */
	if (unlikely(
		((uintptr_t)loose->port | (uintptr_t)loose->request |
		    (uintptr_t)loose->no_senders | (uintptr_t)loose->send_once |
		    (uintptr_t)loose->receive | (uintptr_t)loose->pset) != 0))
		loose_release_all(loose);
}

/* Its port is dead: the entry becomes a dead name. */
void entry_die(struct space *space, mach_port_name_t name, struct entry *entry,
    struct loose *loose);

/* Look up @name, turning it into a dead name if its port has died.  NULL: no
 * such name. */
always_inline struct entry *
entry_check(struct space *space, mach_port_name_t name, struct loose *loose)
{
	struct entry *entry = space_lookup(space, name);

	KASSERT(spin_held(&space->lock));
	if (unlikely(entry == NULL))
		return NULL;
	if ((entry->key & MACH_PORT_TYPE_SEND_RIGHTS) == 0 ||
	    (entry->key & MACH_PORT_TYPE_RECEIVE) != 0)
		return entry;
	/* If it dies the next moment, we came before that. */
	if (unlikely(port_is_dead(entry->port)))
		entry_die(space, name, entry, loose);
	return entry;
}

/* MACH_PORT_TYPE_* bits: its rights, and what is asked about it. */
mach_port_type_t entry_type(
    struct space *space, mach_port_name_t name, struct entry *entry);

/* The entry's request, which is the caller's now; or NULL.
 * Locks: the port's too. */
struct name_request *entry_take_request(
    struct space *space, mach_port_name_t name, struct entry *entry);

/*
 * The last right in the entry is the caller's now, with the entry's reference:
 * the name goes.
 */
void entry_forget(struct space *space, mach_port_name_t name,
    struct entry *entry, struct loose *loose);

/* The space's send right, or receive right, is the caller's now, with a
 * reference.  Who waits on the receive right is told @why. */
struct port *entry_move_send(struct space *space, mach_port_name_t name,
    struct entry *entry, struct loose *loose);
struct port *entry_move_receive(struct space *space, mach_port_name_t name,
    struct entry *entry, enum eviction why, struct loose *loose);

/* The send right, or everything that the name denotes, is given up. */
void entry_drop_send(struct space *space, mach_port_name_t name,
    struct entry *entry, struct loose *loose);
void entry_drop_all(struct space *space, mach_port_name_t name,
    struct entry *entry, struct loose *loose);
