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

/* No locks held. */
void loose_release(struct loose *loose);

/* Look up @name, turning it into a dead name if its port has died.  NULL: no
 * such name. */
struct entry *entry_check(
    struct space *space, mach_port_name_t name, struct loose *loose);

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
 * reference.  Threads waiting on the receive right get @result. */
struct port *entry_move_send(struct space *space, mach_port_name_t name,
    struct entry *entry, struct loose *loose);
struct port *entry_move_receive(struct space *space, mach_port_name_t name,
    struct entry *entry, kern_return_t result, struct loose *loose);

/* The send right, or everything that the name denotes, is given up. */
void entry_drop_send(struct space *space, mach_port_name_t name,
    struct entry *entry, struct loose *loose);
void entry_drop_all(struct space *space, mach_port_name_t name,
    struct entry *entry, struct loose *loose);
