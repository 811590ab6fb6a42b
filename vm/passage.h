/*
 * vm/passage.h: memory straight from the map of a sender, who is current, into
 * that of a receiver who takes his place: a transfer (vm/transfer.h) that is
 * never on its way.
 *
 * Of the many forms that a region can have it serves the one that programs send
 * over and over: some entries in a row of one page table (pages, whole tables
 * of 2 MiB, or of 1 GiB), which are all of a region if it is moved, to a map
 * that has a room of that size.  Whatever else there is, it declines, and the
 * general path makes a transfer.
 *
 *	prepare		both maps locked, all looked at; may decline
 *	commit		entries, regions and rooms change; both unlocked
 *	abandon		nothing changes; both unlocked
 *
 * Called by fast_memory.c alone: built as it is, for a caller that keeps no
 * registers.  Both maps are locked by trying, so their rank does not matter: a
 * port's lock may be held; what is locked inside comes after that.
 */
#pragma once
#include "kernel/types.h"
#include "vm/map.h"

struct passage {
	/* What is sent: the caller's.  Whole pages of @from. */
	struct map *from;
	uaddr_t address;
	uint64_t size;
	bool give; /* it leaves the sender; else both have it */

	struct map *to;
	struct map_entry *region;
	struct map_entry **leaves, **arrives; /* rooms: @from's, @to's */
	pte_t *source, *target;
	uint64_t level, count;	   /* entries */
	struct pmap_weight weight; /* of these, but for pages that move */
};

/* False: not like this; nothing is locked or changed. */
bool must_check passage_prepare(struct passage *passage, struct map *to);

/*
 * Do it.  Where it has arrived.  This hart is in @from's space, and has to be
 * in @to's before it looks at user memory again.
 */
uaddr_t must_check passage_commit(struct passage *passage);
void passage_abandon(struct passage *passage);
