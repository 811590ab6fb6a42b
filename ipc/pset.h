/*
 * ipc/pset.h: port sets: one place to wait for messages to many ports.
 *
 * A set has no queue of its own.  Messages stay with their ports; the set
 * keeps a list of those members whose queue is not empty (@ready), and the
 * threads that wait on the set.  Membership is a struct pset_link; a port may
 * be in several sets.
 *
 * Locks: a port's comes before a set's.  A sender holds the port and looks at
 * its sets; a receiver finds a ready member under the set's lock, lets go of
 * it, locks the port, and takes a message if one is still there.
 */
#pragma once
#include "ipc/port.h"

/* Most sets that one port is in: a sender looks at each. */
#define SETS_PER_PORT_MAX 32

/* P: the port's lock and the set's, both to change, either to look
 * p: the port's   s: the set's */
struct pset_link {
	struct list port_link;	 /* [P] the port's sets */
	struct list member_link; /* [P] the set's members */
	struct list ready_link;	 /* [s] in @ready, or alone */
	struct port *port;	 /* I: a reference */
	struct pset *pset;	 /* I: no reference: the set unlinks first */
};

struct pset {
	atomic_ulong word;    /* [a] see fast_word.h; often PORT_GENERAL */
	struct spinlock lock; /* rank LOCK_PSET */
	atomic_uint refs;
	bool dead;	       /* [s] */
	mach_port_name_t name; /* [s] in the space that holds it */
	uint32_t member_count; /* [s] */
	struct list members;   /* [s] */
	struct list ready;     /* [s] members with messages */
	struct list receivers; /* [s] struct thread by wait_link */
	struct reap_item reap; /* for the long part of dying */
	struct ledger *ledger; /* I: who pays; NULL: the kernel */
};

/*
 * How a wait on a set ends when a port joined that has messages already: not
 * a code of the ABI, since the receiver just looks again.
 */
#define RECEIVE_LOOK_AGAIN (-1001)

void pset_init(void);
/* @ledger pays for it.  NULL: no memory, or more than @ledger may have. */
struct pset *pset_create(struct ledger *ledger) must_check;

static inline struct pset *
pset_get(struct pset *pset)
{
	atomic_fetch_add_explicit(&pset->refs, 1, memory_order_relaxed);
	return pset;
}

void pset_put(struct pset *pset);

/* @pset, whose lock is held and whose word was @word, is everybody's. */
void pset_absorb(struct pset *pset, uint64_t word);

/* Shut out who works on the set without its lock.  Locks: the set's. */
static inline void
pset_close(struct pset *pset)
{
	uint64_t word;

	if (likely(atomic_load_explicit(&pset->word, memory_order_relaxed) ==
		   PORT_GENERAL))
		return;
	/* acquire: pairs with the release of who waits there */
	word = atomic_exchange_explicit(
	    &pset->word, PORT_GENERAL, memory_order_acq_rel);
	if (word != PORT_GENERAL)
		pset_absorb(pset, word);
}

/* The way to let go is spin_unlock(). */
static inline void
pset_lock(struct pset *pset)
{
	spin_lock(&pset->lock);
	pset_close(pset);
}

/* Its name is gone: members leave, waiters get MACH_RCV_PORT_DIED.
 * Refs: consumes the name's. */
void pset_destroy(struct pset *pset);

/*
 * Put @port, whose receive right @space holds, into @pset.
 *
 * Returns: KERN_SUCCESS
 *	    KERN_ALREADY_IN_SET
 *	    KERN_INVALID_CAPABILITY  the receive right is no longer there
 *	    KERN_INVALID_NAME	     the set is dead
 *	    KERN_RESOURCE_SHORTAGE   no memory, or SETS_PER_PORT_MAX
 */
kern_return_t must_check pset_insert(
    struct pset *pset, struct port *port, struct space *space);
/* The same, out of all others; where it fails, nothing changed.  A member
 * stays one. */
kern_return_t must_check pset_move(
    struct pset *pset, struct port *port, struct space *space);
/* KERN_NOT_IN_SET */
kern_return_t pset_remove(struct pset *pset, struct port *port);
/* Is @port a member?  NULL: no.  Locks: the port's. */
struct pset_link *pset_find(struct pset *pset, struct port *port);
/* Take @port out of all sets.  Locks: the port's. */
void pset_remove_all(struct port *port);

/* The port's queue became non-empty, or empty.  Locks: the port's. */
void pset_port_ready(struct port *port);
void pset_port_empty(struct port *port);

/* A member has more messages than the one that its finder was woken for: the
 * next who waits looks, too.  Locks: the member's. */
void pset_wake_next(struct pset *pset);

/* A member that has a message, with a reference, or NULL.  Locks: the set's.
 * The next call gives another, so that members take turns. */
struct port *pset_next_ready(struct pset *pset);
