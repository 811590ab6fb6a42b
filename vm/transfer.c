/*
 * transfer.c: take memory out of one map, put it into another.
 *
 * Long because every way to take it is here.
 *
 * Two ways to take the inner part of a transfer (transfer_slots.h):
 *
 *  move   (deallocate) The entries leave the sender's tables, in one step under
 *	   the map's lock: a leaf table or a middle table is one entry, so the
 *	   work is at most 5 runs of 511 slots, 30 000 instructions for the most
 *	   ragged region of some GiB.
 *  share  (both keep it) Whole tables at once: both have the same table,
 *	   which nobody may use until he has made it his own (<arch/pmap.h>).
 *	   The pages outside them in steps: the sender's leaf loses W, the slot
 *	   names the page too.  A region that cannot be looked through under the
 *	   lock (too many map entries, or a window or an object's memory among
 *	   them) is shared all page by page, into new tables, and if it has to
 *	   leave the sender, is removed after that.
 *  copy   (asked for, or of wired memory) Page by page, from wherever the
 *	   sender's tables have it, which stay as they are.
 *
 * The order that keeps the receiver's copy still: entries are changed, then
 * pmap_retire() makes every hart drop what it held, then the map is unlocked.
 * Only after that can the message with the transfer in it be queued.
 */
#include "vm/transfer.h"

#include <arch/pmap.h>
#include <arch/usercopy.h>

#include "kernel/kassert.h"
#include "kernel/ktrace.h"
#include "vm/map_range.h"
#include "vm/map_room.h"
#include "vm/map_tree.h"
#include "vm/memory_wait.h"
#include "vm/object.h"
#include "vm/page_count.h"
#include "vm/snapshot.h"
#include "vm/transfer_slots.h"

#include <mach/vm_prot.h>

/*
 * Up to how many bytes a region that stays with the sender is copied rather
 * than shared, that is, write-protected.  In cycles of a measured core whose
 * user goes on with 16 pages and as many lines of code:
 *
 *	a copy of 4 KiB	   1 528, and 567 where the receiver reads it again
 *	a retired ASID	   300 to 750, what it costs to fill the TLB again
 *			   among it: as much as a copy of 1.7 to 2.1 KiB
 *	a full fence	   1 400 to 2 750, for want of ASIDs: it empties the
 *			   instruction cache as well; 4.7 to 5.2 KiB
 *	a remote fence	   3 200 to 3 900, by way of firmware, when another hart
 *			   is in the space: 8.5 to 10 KiB
 *
 * A region that leaves its sender is not copied for that: his pages have to go
 * in any case, which takes the invalidation.
 */
#define COPY_MAX_RETIRE 2048
#define COPY_MAX_FENCE	5120
#define COPY_MAX_REMOTE 10240

/* Map entries that a move looks at under the lock; more: shared in steps. */
#define MOVE_ENTRIES 32

uint64_t
transfer_copy_max(const struct map *map)
{
	if (pmap_runs_elsewhere(&map->pmap))
		return COPY_MAX_REMOTE;
	return pmap_asid_bits != 0 ? COPY_MAX_RETIRE : COPY_MAX_FENCE;
}

/* ---- moving ---- */

/* Does it have to be copied, since the sender's pages have to stay his? */
static bool
is_copied(const struct map_entry *entry, enum transfer_how how)
{
	return how == TRANSFER_COPY ||
	       (entry->wired > 0 && how != TRANSFER_GIVE);
}

static bool
is_readable(const struct map_entry *entry, enum transfer_how how)
{
	return (entry->prot & VM_PROT_READ) != 0 || how == TRANSFER_INHERIT;
}

/*
 * Can whole tables of [@start, @end) change hands?  *@wildp: some leaves may
 * allow execution, which does not travel.
 */
static bool
can_go_whole(struct map *map, uint64_t start, uint64_t end,
    enum transfer_how how, bool *wildp)
{
	struct map_entry *entry = map_find(map, start);

	*wildp = false;
	if (!map_covered(map, start, end, MOVE_ENTRIES))
		return false;
	for (; entry != NULL && entry->start < end;
	     entry = map_next(map, entry)) {
		if (entry->kind != MAP_ANONYMOUS || !is_readable(entry, how) ||
		    is_copied(entry, how))
			return false;
		/* Where absent is not zeros; a child's region says so too. */
		if (map_is_backed(entry) && how != TRANSFER_INHERIT)
			return false;
		if (entry->prot & VM_PROT_EXECUTE)
			*wildp = true;
	}
	return true;
}

/* The part of @run that is not copied: from *@vap on, so many entries. */
static unsigned
inner_part(const struct transfer *transfer, const struct transfer_run *run,
    uaddr_t *vap, pte_t **slotsp)
{
	unsigned shift = transfer_run_shift(run);
	uint64_t end = min_u64(
	    run->va + ((uint64_t)run->count << shift), transfer->inner_end);

	*vap = max_u64(run->va, transfer->inner_start);
	*slotsp = &transfer->slots[run->first + ((*vap - run->va) >> shift)];
	return *vap < end ? (unsigned)((end - *vap) >> shift) : 0;
}

/* Let no slot of a run allow execution: pages do not, tables are not walked. */
static void
tame(pte_t *slots, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (slots[i] == 0)
			continue;
		if (!pte_is_page(slots[i])) {
			slots[i] = pte_shared(slots[i]);
			continue;
		}
		slots[i] &= ~PTE_X;
		if (!(slots[i] & PTE_R))
			slots[i] &= ~PTE_V;
	}
}

/*
 * Take the entries of @run out of the sender's tables, but not those of copied
 * pages, whose slots are filled already.  Returns how many there were.
 */
static unsigned
unlink_run(struct pmap *pmap, struct transfer *transfer,
    const struct transfer_run *run, bool wild)
{
	uaddr_t va;
	pte_t *slots;
	unsigned count = inner_part(transfer, run, &va, &slots);
	unsigned moved;

	if (count == 0)
		return 0;
	moved = pmap_unlink(pmap, va, run->level, slots, count);
	if (wild)
		tame(slots, count);
	return moved;
}

/* Take all of it from the sender at once; the map is locked. */
static kern_return_t
move_locked(struct map *map, struct transfer *transfer, bool wild)
{
	struct pmap *pmap = &map->pmap;
	struct pmap_weight spare;
	struct pmap_hole hole;
	struct map_entry *room;
	unsigned moved = 0;

	if (!pmap_own_ends(pmap, transfer->start, transfer->end) ||
	    !pmap_own_ends(pmap, transfer->inner_start, transfer->inner_end))
		return KERN_RESOURCE_SHORTAGE;
	if (map_clip(map, transfer->start, transfer->end) != KERN_SUCCESS)
		return KERN_RESOURCE_SHORTAGE;
	room = map_find(map, transfer->start);
	if (room->end != transfer->end ||
	    room->end - room->start > MAP_ROOM_MAX) {
		/* It lies inside no entry, so this needs no memory. */
		kern_return_t kr = map_cut(map, transfer->start, transfer->end);

		KASSERT(kr == KERN_SUCCESS);
		room = NULL;
	}

	/* ---- committed: nothing below can fail ---- */
	spare = pmap->spare;
	for (uint32_t i = 0; i < transfer->run_count; i++)
		moved += unlink_run(pmap, transfer, &transfer->run[i], wild);
	/* What was charged for them is the transfer's charge now. */
	spare.pages = pmap->spare.pages - spare.pages;
	spare.tables = pmap->spare.tables - spare.tables;
	pmap->spare.pages -= spare.pages;
	pmap->spare.tables -= spare.tables;
	transfer->has.pages += spare.pages;
	transfer->has.tables += spare.tables;
	transfer->charged.pages += spare.pages;
	transfer->charged.tables += spare.tables;
	if (room != NULL)
		map_room_keep(map, room);
	/* The originals of copied pages go, and tables left empty. */
	if (room != NULL)
		hole = (struct pmap_hole){room->start, room->end};
	else
		hole = map_hole(map, transfer->start);
	pmap_remove_ends(
	    pmap, transfer->start, transfer->end, &hole, moved > 0);
	transfer->phase = TRANSFER_WHOLE;
	return KERN_SUCCESS;
}

static bool
is_window(struct map *map, uaddr_t va)
{
	struct map_entry *entry = map_find(map, va);

	return entry != NULL && entry->kind == MAP_WINDOW;
}

/* KERN_SUCCESS without the phase TRANSFER_WHOLE: it must be shared instead. */
static kern_return_t
try_move(struct map *map, struct transfer *transfer)
{
	kern_return_t kr = KERN_SUCCESS;
	bool wild;

	spin_lock(&map->lock);
	if (can_go_whole(
		map, transfer->start, transfer->end, TRANSFER_GIVE, &wild))
		kr = move_locked(map, transfer, wild);
	else if (is_window(map, transfer->start) ||
		 is_window(map, transfer->end - 1))
		kr = KERN_PROTECTION_FAILURE;
	spin_unlock(&map->lock);
	return kr;
}

/* ---- sharing ---- */

/*
 * Share all whole tables, if they can be.  What is left are pages at both ends;
 * else, it is all.
 */
static kern_return_t
share_tables(struct map *map, struct transfer *transfer)
{
	struct pmap *pmap = &map->pmap;
	kern_return_t kr = KERN_SUCCESS;
	unsigned open = 0;
	bool wild;

	spin_lock(&map->lock);
	if (!can_go_whole(map, transfer->inner_start, transfer->inner_end,
		transfer->how, &wild))
		goto out;
	kr = KERN_RESOURCE_SHORTAGE;
	for (uint32_t i = 0; i < transfer->run_count; i++) {
		const struct transfer_run *run = &transfer->run[i];
		uaddr_t va;
		pte_t *slots;
		unsigned count = inner_part(transfer, run, &va, &slots);

		if (run->level == 0 || count == 0)
			continue;
		if (!pmap_own_ends(pmap, va, va + count * pt_span(run->level)))
			goto out;
		open += pmap_share(pmap, va, run->level, slots, count);
		pmap_weigh(slots, run->level, count, &transfer->has);
	}
	kr = KERN_SUCCESS;
	transfer->tables_shared = true;
out:
	if (open > 0)
		pmap_retire(pmap);
	spin_unlock(&map->lock);
	return kr;
}

/*
 * Share what one leaf table has from transfer->next up to @stop, as far as
 * @budget, in pages, goes.
 */
static kern_return_t
share_table(struct map *map, struct transfer *transfer, uint64_t stop,
    unsigned *budget, bool *changed)
{
	uint64_t table_end;
	pte_t *leaf = pmap_leaves(&map->pmap, transfer->next, &table_end);
	pte_t *slot;
	unsigned count;

	if (leaf == NULL) {
		if (!pmap_own(&map->pmap, transfer->next))
			return KERN_RESOURCE_SHORTAGE;
		leaf = pmap_leaves(&map->pmap, transfer->next, &table_end);
	}
	stop = min_u64(stop, table_end);
	if (leaf == NULL) {
		transfer->next = stop;
		(*budget)--;
		return KERN_SUCCESS;
	}
	slot = transfer_leaf(transfer, transfer->next, true);
	if (slot == NULL)
		return KERN_RESOURCE_SHORTAGE;
	count =
	    (unsigned)min_u64((stop - transfer->next) >> PAGE_SHIFT, *budget);
	transfer_count(transfer, transfer->next,
	    pmap_share_pages(leaf, slot, count, changed));
	*budget -= count;
	transfer->next += (uint64_t)count << PAGE_SHIFT;
	return KERN_SUCCESS;
}

/*
 * The same from an object: the slots get what it holds now, which it keeps too.
 */
static kern_return_t
share_object(struct transfer *transfer, const struct map_entry *entry,
    uint64_t stop, unsigned *budget)
{
	while (transfer->next<stop && * budget> 0) {
		uint64_t offset =
		    entry->window + (transfer->next - entry->start);
		uint64_t absent = object_absent_until(entry->object, offset,
		    entry->window + (stop - entry->start));
		unsigned cost = absent > offset ? 1 : TRANSFER_STEP_COPY;
		struct page *page;
		kern_return_t kr;
		pte_t *slot;

		*budget -= min_u64(*budget, cost);
		if (absent > offset) {
			transfer->next += absent - offset;
			continue;
		}
		slot = transfer_leaf(transfer, transfer->next, true);
		if (slot == NULL)
			return KERN_RESOURCE_SHORTAGE;
		kr = object_copy_page(entry->object, offset, &page);
		if (kr != KERN_SUCCESS)
			return kr;
		if (page != NULL)
			transfer_put_page(
			    transfer, transfer->next, slot, page, VM_PROT_READ);
		transfer->next += PAGE_SIZE;
	}
	return KERN_SUCCESS;
}

/* Copy the page at transfer->next, if there is one. */
static kern_return_t
copy_one(struct map *map, struct transfer *transfer)
{
	/* Faults give the rest, if the child's region allows it. */
	unsigned prot =
	    transfer->how == TRANSFER_INHERIT ? VM_PROT_READ : VM_PROT_DEFAULT;
	kern_return_t kr;
	struct page *copy;
	pte_t *slot;
	pte_t pte;

	kr = map_swap_in(map, transfer->next, &pte);
	if (kr != KERN_SUCCESS || pte == 0)
		return kr;
	slot = transfer_leaf(transfer, transfer->next, true);
	copy = slot != NULL ? page_alloc(0) : NULL;
	if (copy == NULL)
		return KERN_RESOURCE_SHORTAGE;
	page_copy(page_va(copy), pa_to_va(pte_pa(pte)));
	transfer_put_page(transfer, transfer->next, slot, copy, prot);
	return KERN_SUCCESS;
}

/* The same up to @stop, as far as @budget goes. */
static kern_return_t
copy_pages(
    struct map *map, struct transfer *transfer, uint64_t stop, unsigned *budget)
{
	kern_return_t kr = KERN_SUCCESS;

	while (transfer->next<stop && * budget> 0) {
		kr = copy_one(map, transfer);
		if (kr != KERN_SUCCESS)
			break;
		transfer->next += PAGE_SIZE;
		*budget -= min_u64(*budget, TRANSFER_STEP_COPY);
	}
	return kr;
}

/* The same of a region that begins with what a snapshot has: absent pages are
 * brought first, a few at a time. */
static kern_return_t
share_backed(struct map *map, struct transfer *transfer,
    const struct map_entry *entry, uint64_t stop, unsigned *budget,
    bool *changed)
{
	kern_return_t kr =
	    snapshot_bring(map, entry, transfer->next, &stop, budget);

	if (kr != KERN_SUCCESS)
		return kr;
	if (is_copied(entry, transfer->how))
		return copy_pages(map, transfer, stop, budget);
	*budget = max_u64(*budget, (stop - transfer->next) >> PAGE_SHIFT);
	while (kr == KERN_SUCCESS && transfer->next < stop)
		kr = share_table(map, transfer, stop, budget, changed);
	return kr;
}

/* Go on behind the tables, if they are shared already. */
static void
pass_tables(struct transfer *transfer)
{
	for (uint32_t i = 0; i < transfer->run_count; i++) {
		const struct transfer_run *run = &transfer->run[i];
		uint64_t end = run->va + run->count * pt_span(run->level);

		if (run->level > 0 && transfer->tables_shared &&
		    run->va <= transfer->next && transfer->next < end)
			transfer->next = end;
	}
}

/*
 * Share as much as one step may.  *@windowp: the next page is a window's,
 * which has to be copied, without the lock.  The map is locked.
 */
static kern_return_t
share_locked(
    struct map *map, struct transfer *transfer, unsigned *budget, bool *windowp)
{
	bool changed = false;
	kern_return_t kr = KERN_SUCCESS;

	while (kr == KERN_SUCCESS && *budget > 0) {
		struct map_entry *entry;
		uint64_t stop;

		pass_tables(transfer);
		if (transfer->next >= transfer->inner_end)
			break;
		entry = map_find(map, transfer->next);
		if (entry == NULL || entry->start > transfer->next) {
			kr = KERN_INVALID_ADDRESS;
			break;
		}
		stop = min_u64(entry->end, transfer->inner_end);
		if (!is_readable(entry, transfer->how)) {
			kr = KERN_PROTECTION_FAILURE;
		} else if (entry->kind == MAP_WINDOW) {
			*windowp = true;
			break;
		} else if (entry->kind == MAP_OBJECT) {
			kr = share_object(transfer, entry, stop, budget);
		} else if (map_is_backed(entry) &&
			   transfer->how != TRANSFER_INHERIT) {
			kr = share_backed(
			    map, transfer, entry, stop, budget, &changed);
		} else if (is_copied(entry, transfer->how)) {
			kr = copy_pages(map, transfer, stop, budget);
		} else {
			kr = share_table(map, transfer, stop, budget, &changed);
		}
	}
	/* Other threads must not write what the transfer shares. */
	if (changed)
		pmap_retire(&map->pmap);
	return kr;
}

static kern_return_t
share_step(struct map *map, struct transfer *transfer)
{
	bool leaves = transfer->how == TRANSFER_GIVE;
	unsigned budget = TRANSFER_STEP;
	kern_return_t kr;

	while (budget > 0 && transfer->next < transfer->inner_end) {
		bool window = false;

		spin_lock(&map->lock);
		kr = share_locked(map, transfer, &budget, &window);
		spin_unlock(&map->lock);
		if (kr != KERN_SUCCESS)
			return kr;
		if (!window)
			continue;
		if (leaves)
			return KERN_PROTECTION_FAILURE;
		kr = transfer_copy_page(transfer, transfer->next, NULL);
		if (kr != KERN_SUCCESS)
			return kr;
		transfer->next += PAGE_SIZE;
		budget -=
		    budget < TRANSFER_STEP_COPY ? budget : TRANSFER_STEP_COPY;
	}
	/* Copies are paid for as they are made, whenever it will be whole. */
	if (!transfer_settle(transfer))
		return KERN_RESOURCE_SHORTAGE;
	if (transfer->next < transfer->inner_end)
		return KERN_SUCCESS;
	transfer->phase = leaves ? TRANSFER_REMOVING : TRANSFER_WHOLE;
	transfer->next = transfer->start;
	return KERN_SUCCESS;
}

/* What could not be moved was shared; now it leaves the sender. */
static kern_return_t
remove_step(struct map *map, struct transfer *transfer)
{
	kern_return_t kr;

	spin_lock(&map->lock);
	kr = map_remove_step(
	    map, transfer->next, transfer->end, &transfer->next);
	spin_unlock(&map->lock);
	if (kr != KERN_SUCCESS && transfer->next == transfer->start)
		return kr;
	/*
	 * Later steps start where the one before cut.  If one fails, another
	 * thread has meanwhile allocated around the rest: it stays with it.
	 */
	if (kr != KERN_SUCCESS || transfer->next >= transfer->end)
		transfer->phase = TRANSFER_WHOLE;
	return KERN_SUCCESS;
}

/* ---- taking ---- */

/* Pages at most that are made for it. */
static uint64_t
transfer_pages_copied(const struct transfer *transfer, enum transfer_how how)
{
	uint64_t size = transfer->end - transfer->start;

	if (how != TRANSFER_COPY)
		size -= transfer->inner_end - transfer->inner_start;
	return size >> PAGE_SHIFT;
}

/* What the map keeps charged ahead may be what it takes. */
static bool
transfer_charge_from(struct transfer *transfer, struct map *map, uint64_t pages)
{
	if (likely(transfer_charge(transfer, map->ledger, pages)))
		return true;
	spin_lock(&map->lock);
	pmap_give_back_all(&map->pmap);
	spin_unlock(&map->lock);
	return transfer_charge(transfer, map->ledger, pages);
}

static kern_return_t
take_begin(struct map *map, uaddr_t address, uint64_t size,
    enum transfer_how how, struct transfer **transferp)
{
	bool may_copy = how == TRANSFER_KEEP || how == TRANSFER_READ;
	struct transfer *transfer;
	kern_return_t kr;

	if (!user_range_ok(address, size))
		return KERN_INVALID_ADDRESS;
	transfer = transfer_create(
	    address, size, may_copy ? transfer_copy_max(map) : 0);
	if (transfer == NULL)
		return KERN_RESOURCE_SHORTAGE;
	*transferp = transfer;
	transfer->how = how;
	if (how == TRANSFER_READ || how == TRANSFER_INHERIT)
		transfer->source = map;
	if (!transfer_charge_from(
		transfer, map, transfer_pages_copied(transfer, how)))
		return KERN_RESOURCE_SHORTAGE;
	kr = transfer_copy_outer(transfer, NULL);
	if (kr == KERN_MEMORY_WAIT) {
		/* A few pages at most: from the start again. */
		transfer_destroy(transfer);
		*transferp = NULL;
	}
	if (kr != KERN_SUCCESS || how == TRANSFER_COPY)
		return kr;
	return how == TRANSFER_GIVE ? try_move(map, transfer)
				    : share_tables(map, transfer);
}

static kern_return_t
take_step(struct map *map, struct transfer *transfer)
{
	switch (transfer->phase) {
	case TRANSFER_TAKING:
		return share_step(map, transfer);
	case TRANSFER_REMOVING:
		return remove_step(map, transfer);
	case TRANSFER_FAILED:
	case TRANSFER_WHOLE:
		break;
	}
	return KERN_SUCCESS;
}

/* Give back what was taken, in steps; then say why. */
static kern_return_t
fail_step(struct transfer **transferp)
{
	kern_return_t failure = (*transferp)->failure;

	if (transfer_destroy_step(*transferp))
		return KERN_OPERATION_TIMED_OUT;
	*transferp = NULL;
	return failure;
}

kern_return_t
transfer_take(struct map *map, uaddr_t address, uint64_t size,
    enum transfer_how how, struct transfer **transferp)
{
	kern_return_t kr = KERN_SUCCESS;

	if (size == 0)
		return KERN_SUCCESS;
	if (*transferp == NULL)
		kr = take_begin(map, address, size, how, transferp);
	else if ((*transferp)->phase == TRANSFER_FAILED)
		return fail_step(transferp);
	if (*transferp == NULL)
		return kr;
	if (kr == KERN_SUCCESS)
		kr = take_step(map, *transferp);
	if (kr == KERN_MEMORY_WAIT)
		return kr;
	if (kr != KERN_SUCCESS) {
		(*transferp)->phase = TRANSFER_FAILED;
		(*transferp)->failure = kr;
		return fail_step(transferp);
	}
	if ((*transferp)->phase != TRANSFER_WHOLE)
		return KERN_OPERATION_TIMED_OUT;
	ktrace(KT_TRANSFER, size, (*transferp)->slot_count);
	return KERN_SUCCESS;
}
