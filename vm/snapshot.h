/*
 * vm/snapshot.h: what an object of a pager's contained at some moment, brought
 * when it is touched: what private mappings of it begin with.
 *
 *	private entry ---> snapshot ---> object ---> its pager
 *	  the pages	     those that the	what nobody has
 *	  that it has	     object had before	written since
 *	  touched	     they were written
 *
 * A snapshot is an object too, whose slots are under its @source's lock.  A
 * page that it has not is the source's.  Before the first page of the source
 * is written after a snapshot was made, all snapshots that want it have been
 * given what it was: so SLOT_WRITABLE says that no snapshot needs the page.
 * Making one is taking the right to write from those who have it, if any.
 *
 * All snapshots of one object have one source, and none is another's: there
 * are no chains.  Those who come while nothing is written share one snapshot;
 * of others there are SNAPSHOTS_MAX, and what comes then is copied at once.
 *
 * Who makes a snapshot pays for the pages that it keeps.  If he may not have
 * one that is about to be written, the snapshot is lost: what it has not got is
 * KERN_MEMORY_ERROR from then on, as where the pager dies.
 *
 * The pages that a private entry touches are its own or shared copy-on-write,
 * as those of any (MAP_ANONYMOUS with an object); only an absent one is looked
 * for here.
 */
#pragma once
#include "kernel/types.h"
#include "vm/pager.h"

struct map;
struct map_entry;
struct page;

/* Snapshots of one object in which there are pages, or may be. */
#define SNAPSHOTS_MAX 8

/* One that is being made of @object, of which the caller has a reference; the
 * rest is 0 at first. */
struct snapshot_take {
	struct object *object;
	uint64_t start, end; /* of the object: whole pages */
	struct object *snapshot;
	bool protecting; /* it is not whole yet, ... */
	struct pager_clean clean;
};

/*
 * A bounded step of it; no lock held.
 *
 * Returns: KERN_SUCCESS	      @take->snapshot, with a reference
 *	    KERN_OPERATION_TIMED_OUT  progress was made: call again
 *	    KERN_MEMORY_WAIT	      the same, when the wait is over
 *	    KERN_NOT_SUPPORTED	      copy what there is at once
 *	    KERN_MEMORY_ERROR	      the pager was never ready
 *	    KERN_RESOURCE_SHORTAGE
 * There is nothing to give up then: but a caller may not stop before.
 */
kern_return_t must_check snapshot_take_step(struct snapshot_take *take);

/*
 * The page at @offset of @snapshot, with a reference, to be mapped without the
 * right to write.  As pager_allow() for reading, or KERN_RESOURCE_SHORTAGE.
 */
kern_return_t must_check snapshot_page(
    struct object *snapshot, uint64_t offset, struct page **pagep);

/*
 * Let pages of @entry, a private one of @map with a snapshot, be there from @va
 * on, up to *@stopp, which is lowered to how far *@budget went: a page that is
 * brought is SNAPSHOT_BRING of it.  What snapshot_page() says, if no page is
 * there then.  Locks: the map's.
 */
#define SNAPSHOT_BRING 12
kern_return_t must_check snapshot_bring(struct map *map,
    const struct map_entry *entry, uaddr_t va, uint64_t *stopp,
    unsigned *budget);

/* ---- for the source ---- */

/*
 * The page in @slot, of @object, is about to be written; or is about to go, and
 * nobody has it but this kernel: those who want it get it.
 * KERN_RESOURCE_SHORTAGE.  Locks: the object's.
 */
kern_return_t must_check snapshot_before_write(
    struct object *object, uint64_t offset, uint64_t slot);
kern_return_t must_check snapshot_before_loss(
    struct object *object, uint64_t offset, uint64_t slot);
/* Nobody refers to @snapshot any more: its source forgets it. */
void snapshot_end(struct object *snapshot);
