/*
 * kernel/eventlink.h: two sides that signal each other; what that is good for
 * is told in mach/mach_eventlink.h.
 *
 *	port ---> side[0] --+-- side[1] <--- port
 *			    |
 *			eventlink: one lock for both
 *
 * A link is dead once it was destroyed or one of its sides lost its last send
 * right.  The other side's port lives on, and says so, until it is destroyed
 * or nobody has a right to it either.  The memory goes with the last reference:
 * each port has one, each thread that waits, and each call.
 */
#pragma once
#include <mach/mach_eventlink_types.h>

#include "kernel/lock.h"
#include "kernel/thread.h"
#include "kernel/types.h"

struct port;

/* e: the link's lock   I: immutable   a: atomic */
struct eventlink_side {
	struct eventlink *link; /* [I] */
	struct port *port;	/* [e] its receive right; NULL: given up */
	uint64_t thread;	/* [e] the id of who may wait; or 0 */
	bool anyone;		/* [e] whoever waits may */
	struct thread *waiter;	/* [e] NULL: nobody */
	uint64_t count;		/* [e] signals so far */
	uint64_t wanted;	/* [e] the waiter wants more than these */
};

struct eventlink {
	struct spinlock lock; /* rank LOCK_SYNC */
	atomic_uint refs;     /* [a] */
	bool dead;	      /* [e] */
	struct eventlink_side side[2];
	struct ledger *ledger; /* [I] who pays */
};

void eventlink_init(void);

static inline struct eventlink_side *
eventlink_other(struct eventlink_side *side)
{
	return &side->link->side[side == &side->link->side[0]];
}

/* A new link, for which @ledger pays; @rights are a send right to each side.
 * KERN_RESOURCE_SHORTAGE */
kern_return_t must_check eventlink_create(
    struct ledger *ledger, struct port *rights[2]);
/* It ends, and with it this side's port. */
void eventlink_destroy(struct eventlink_side *side);

void eventlink_put(struct eventlink_side *side);

/*
 * @thread, or anyone if NULL, may wait on @side.
 * KERN_TERMINATED, KERN_NAME_EXISTS
 */
kern_return_t must_check eventlink_associate(
    struct eventlink_side *side, struct thread *thread);
/* KERN_TERMINATED, KERN_INVALID_ARGUMENT: nobody was associated */
kern_return_t must_check eventlink_disassociate(struct eventlink_side *side);

/* How a wait goes on: to user mode, with the result. */
void eventlink_wait_continue(void);

/* ---- the traps; what they return is in mach/mach_eventlink_types.h ---- */

/* -101 */
uint64_t eventlink_signal_trap(uint64_t name, uint64_t signal_count);
/* -102 */
uint64_t eventlink_wait_until_trap(uint64_t name, uint64_t count,
    uint64_t option, uint64_t clock_id, uint64_t deadline);
/* -103 */
uint64_t eventlink_signal_wait_until_trap(uint64_t name, uint64_t count,
    uint64_t signal_count, uint64_t option, uint64_t clock_id,
    uint64_t deadline);
