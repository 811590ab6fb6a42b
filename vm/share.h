/*
 * vm/share.h: memory that two maps, or two places of one, see alike.
 *
 * What is shared is an object's (vm/object.h).  A range of private memory
 * becomes one when it is first shared: its pages move from the page tables into
 * the object, step by step, and nobody can tell but by how much is left to do.
 */
#pragma once
#include "kernel/types.h"

struct map;
struct map_entry;
struct object;

/*
 * A range of @from on its way to be seen at the same addresses of @to, which
 * must have nothing there: what VM_INHERIT_SHARE asks for.  Belongs to whoever
 * fills in the first four; the rest is 0.
 */
struct map_share {
	struct map *from, *to;
	uint64_t next, end;   /* whole pages; @next: done up to here */
	struct object *fresh; /* what private memory of it becomes part of */
	uint64_t fresh_base;  /* address of its first byte */
};

/*
 * A bounded step of it; no lock held.  Entries in @to get the protections and
 * the inheritance of those in @from.  Holes are passed over.
 *
 * Returns: KERN_SUCCESS		all is done
 *	    KERN_OPERATION_TIMED_OUT	progress was made: call again
 *	    KERN_NO_SPACE		something is in @to already
 *	    KERN_RESOURCE_SHORTAGE
 * Nothing is taken back on failure: what @to got up to @share->next is its own.
 */
kern_return_t must_check map_share_step(struct map_share *share);
/* When it is done, or given up. */
void map_share_end(struct map_share *share);

/*
 * The next part of what @share->from has from @share->next on, of bounded
 * length, as an entry that another map could have (@piece, in no map), its
 * object with a reference.  @share->next is its end then; @share->to is unused.
 * @piece->start is @share->end when there is none any more.
 *
 *  map_share_piece()	what is written to one is written to both
 *  map_copy_piece()	its object holds what was there at this moment, each
 *			page SHARED; rights and bounds are the source's.
 *			KERN_PROTECTION_FAILURE: a window
 * Else KERN_RESOURCE_SHORTAGE.
 */
kern_return_t must_check map_share_piece(
    struct map_share *share, struct map_entry *piece);
kern_return_t must_check map_copy_piece(
    struct map_share *share, struct map_entry *piece);
