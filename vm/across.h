/*
 * vm/across.h: a message straight from the memory of one task into that of
 * another, in one copy, both through the direct map.
 *
 * Only memory that is there is read or written: pages that the tables show, and
 * that allow it.  Whatever else there is (nothing yet, a page shared until it
 * is written, one that is elsewhere; places that overlap) it declines, and who
 * asked copies by <arch/usercopy.h>, whose faults make it so that the next time
 * it goes.
 *
 * While both maps are locked nobody can take a page away.  They are locked by
 * trying, so their rank does not matter: a port's lock may be held.
 */
#pragma once
#include "kernel/types.h"
#include "vm/map.h"

/* Any addresses; all but those of maps are multiples of 4. */
struct across {
	struct map *from, *to;
	uaddr_t target; /* in @to, of all */
	uaddr_t source; /* in @from, of what comes in the middle */
	uint64_t size;	/* ... of so many bytes */
	uint64_t head[5];
	uint64_t head_size; /* 24 or 40: so much of it */
	const void *tail;   /* the kernel's */
	uint64_t tail_size;
};

/*
 * Write head, middle and tail.  False: not all of it is there, or one of the
 * maps is busy; a part may have been written.
 */
bool must_check across_copy(const struct across *across);
