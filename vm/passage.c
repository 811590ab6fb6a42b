/*
 * passage.c: see passage.h.
 */
#include "vm/passage.h"

#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>

#include "kernel/kassert.h"
#include "kernel/ktrace.h"
#include "vm/map_room.h"
#include "vm/map_tree.h"
#include "vm/page_count.h"
#include "vm/transfer_slots.h"

/* The largest units that the region is made of, if it is of one kind. */
always_inline bool
choose_units(struct passage *passage)
{
	uint64_t bounds = passage->address | passage->size;

	passage->level = 0;
	if (unlikely((bounds & PAGE_MASK) != 0))
		return false;
	if ((bounds & (SUPERPAGE_SIZE - 1)) == 0)
		passage->level = (bounds & (GIGAPAGE_SIZE - 1)) == 0 ? 2 : 1;
	passage->count = passage->size >> (PAGE_SHIFT + 9 * passage->level);
	/* Sharing takes time for each entry, and is done with ports locked. */
	return likely(passage->give) || passage->count <= TRANSFER_STEP;
}

/* Is the region what can go, and does what it leaves have a place? */
always_inline bool
look_at_region(struct passage *passage)
{
	struct map *from = passage->from;
	struct map_entry *region = map_find_again(from, passage->address);
	uint64_t end = passage->address + passage->size;

	if (region == NULL || region->start > passage->address ||
	    region->end < end || !map_is_zeroed(region))
		return false;
	if (region->wired > 0 ||
	    (region->prot & (VM_PROT_READ | VM_PROT_EXECUTE)) != VM_PROT_READ)
		return false;
	if (!passage->give)
		return passage->size > transfer_copy_max(from);
	passage->region = region;
	passage->leaves = map_room_free(from);
	return region->start == passage->address && region->end == end &&
	       passage->leaves != NULL;
}

always_inline bool
is_empty(const pte_t *entry, uint64_t count)
{
	for (const pte_t *end = entry + count; entry < end; entry++) {
		if (*entry != 0)
			return false;
	}
	return true;
}

/* May the receiver have what is to arrive? */
always_inline bool
can_pay(struct passage *passage, unsigned level)
{
	struct pmap *pmap = &passage->to->pmap;
	struct pmap_weight *weight = &passage->weight;

	/* What moves is counted when it does. */
	if (level == 0 && passage->give)
		return pmap_can_pay(pmap, passage->count, 0);
	*weight = (struct pmap_weight){0};
	pmap_weigh(passage->source, level, (unsigned)passage->count, weight);
	return pmap_can_pay(pmap, weight->pages, weight->tables);
}

/* Do @count entries from that of @va on lie in one table? */
always_inline bool
in_one_table(uaddr_t va, unsigned level, uint64_t count)
{
	return pt_index(va, level) + count <= PTE_COUNT;
}

/* Find the entries on both sides; @level is the passage's. */
always_inline bool
look_at_tables(struct passage *passage, unsigned level)
{
	struct map *from = passage->from, *to = passage->to;
	uint64_t count = passage->count;
	pte_t *target;
	uaddr_t start;

	if (!in_one_table(passage->address, level, count))
		return false;
	passage->source = pmap_own_entry(&from->pmap, passage->address, level);
	passage->arrives = map_room_find(to, passage->size, pt_span(level));
	if (passage->source == NULL || passage->arrives == NULL)
		return false;
	start = (*passage->arrives)->start;
	if (!in_one_table(start, level, count))
		return false;
	target = pmap_own_entry(&to->pmap, start, level);
	if (unlikely(target == NULL)) {
		target = pmap_make(&to->pmap, start, level, 0);
		if (target == NULL)
			return false;
	}
	passage->target = target;
	/* A room has no pages, but it may have empty tables. */
	if ((level > 0 || CONFIG_DEBUG) && !is_empty(target, count)) {
		KASSERT(level > 0);
		return false;
	}
	return can_pay(passage, level);
}

/* Both maps are locked. */
always_inline bool
look(struct passage *passage)
{
	if (!look_at_region(passage))
		return false;
	/* Most are of pages: for each level it is a constant. */
	if (likely(passage->level == 0))
		return look_at_tables(passage, 0);
	return passage->level == 1 ? look_at_tables(passage, 1)
				   : look_at_tables(passage, 2);
}

bool
passage_prepare(struct passage *passage, struct map *to)
{
	struct map *from = passage->from;

	if (!choose_units(passage) || from == to)
		return false;
	passage->to = to;
	if (!spin_trylock(&from->lock))
		return false;
	if (spin_trylock(&to->lock)) {
		if (likely(look(passage)))
			return true;
		spin_unlock(&to->lock);
	}
	spin_unlock(&from->lock);
	return false;
}

always_inline void
unlock(struct passage *passage)
{
	spin_unlock(&passage->to->lock);
	spin_unlock(&passage->from->lock);
}

void
passage_abandon(struct passage *passage)
{
	unlock(passage);
}

/* The entries pass; returns whether there were any. */
always_inline bool
move(struct passage *passage, uaddr_t arrived)
{
	struct pmap *from = &passage->from->pmap, *to = &passage->to->pmap;
	pte_t *source = passage->source, *target = passage->target;
	unsigned level = (unsigned)passage->level;
	uint64_t present = pmap_pass(source, target, passage->count);

	if (likely(level == 0)) {
		pages_go(from, passage->address, source, present);
		pages_come(to, arrived, target, present);
	} else {
		weight_goes(
		    from, passage->address, source, level, &passage->weight);
		weight_comes(to, arrived, target, level, &passage->weight);
		to->odd = true;
	}
	map_room_put(passage->from, passage->leaves, passage->region);
	pmap_settle(from);
	return present > 0;
}

/* The same, and the sender has them too: were any of them open to him? */
static never_inline bool
share(struct passage *passage, uaddr_t arrived)
{
	unsigned level = (unsigned)passage->level;
	unsigned open = pmap_pass_shared(&passage->from->pmap, passage->source,
	    &passage->to->pmap, passage->target, level,
	    (unsigned)passage->count);

	weight_comes(&passage->to->pmap, arrived, passage->target, level,
	    &passage->weight);
	return open > 0;
}

uaddr_t
passage_commit(struct passage *passage)
{
	static const struct map_entry received = {
	    .kind = MAP_ANONYMOUS,
	    .prot = VM_PROT_DEFAULT,
	    .max_prot = VM_PROT_ALL,
	    .inherit = VM_INHERIT_DEFAULT,
	};
	struct map *from = passage->from, *to = passage->to;
	uaddr_t arrived = (*passage->arrives)->start;
	bool changed;

	ktrace(KT_TRANSFER, passage->size, passage->count);
	changed = likely(passage->give) ? move(passage, arrived)
					: share(passage, arrived);
	map_room_fill(to, passage->arrives, &received);
	/* Before anybody may be told of it, or free it. */
	if (likely(changed))
		pmap_retire_leaving(&from->pmap);
	unlock(passage);
	return arrived;
}
