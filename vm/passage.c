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
#include "vm/transfer_slots.h"

static bool
in_one_table(const struct passage *passage, uaddr_t va)
{
	return pt_index(va, passage->level) + passage->count <= PTE_COUNT;
}

/* The largest units that the region is made of, if it is of one kind. */
static bool
choose_units(struct passage *passage)
{
	uint64_t bounds = passage->address | passage->size;
	unsigned level = 0;

	if (unlikely(bounds & PAGE_MASK))
		return false;
	if ((bounds & (SUPERPAGE_SIZE - 1)) == 0)
		level = (bounds & (GIGAPAGE_SIZE - 1)) == 0 ? 2 : 1;
	passage->level = level;
	passage->count = (unsigned)(passage->size >> (PAGE_SHIFT + 9 * level));
	/* Sharing takes time for each entry, and is done with ports locked. */
	if (!passage->give && passage->count > TRANSFER_STEP)
		return false;
	return in_one_table(passage, passage->address);
}

/* Is the region what can go, and does what it leaves have a place? */
always_inline bool
look_at_region(struct passage *passage)
{
	struct map *from = passage->from;
	struct map_entry *region = map_find(from, passage->address);
	uint64_t end = passage->address + passage->size;

	if (region == NULL || region->start > passage->address ||
	    region->end < end || !map_is_zeroed(region))
		return false;
	if (region->wired > 0 ||
	    (region->prot & (VM_PROT_READ | VM_PROT_EXECUTE)) != VM_PROT_READ)
		return false;
	passage->region = region;
	passage->leaves = map_room_free(from);
	if (passage->give)
		return region->start == passage->address &&
		       region->end == end && passage->leaves < MAP_ROOMS;
	return passage->size > transfer_copy_max(from);
}

static bool
is_empty(const pte_t *entry, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (entry[i] != 0)
			return false;
	}
	return true;
}

/* Find the entries on both sides; @level is the passage's. */
always_inline bool
look_at_tables(struct passage *passage, unsigned level)
{
	struct map *from = passage->from, *to = passage->to;
	uaddr_t start;

	passage->source = pmap_own_entry(&from->pmap, passage->address, level);
	passage->arrives = map_room_find(to, passage->size, pt_span(level));
	if (passage->source == NULL || passage->arrives == MAP_ROOMS)
		return false;
	start = to->room[passage->arrives]->start;
	if (!in_one_table(passage, start))
		return false;
	passage->target = pmap_own_entry(&to->pmap, start, level);
	if (unlikely(passage->target == NULL)) {
		passage->target = pmap_make(&to->pmap, start, level, 0);
		if (passage->target == NULL)
			return false;
	}
	/* A room has no pages, but it may have empty tables. */
	if (level > 0)
		return is_empty(passage->target, passage->count);
	if (CONFIG_DEBUG)
		KASSERT(is_empty(passage->target, passage->count));
	return true;
}

/* Both maps are locked. */
always_inline bool
look(struct passage *passage)
{
	if (!look_at_region(passage))
		return false;
	/* Most are of pages: for these the level is a constant. */
	return likely(passage->level == 0)
		   ? look_at_tables(passage, 0)
		   : look_at_tables(passage, passage->level);
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

void
passage_abandon(struct passage *passage)
{
	spin_unlock(&passage->to->lock);
	spin_unlock(&passage->from->lock);
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
	uaddr_t arrived = to->room[passage->arrives]->start;
	unsigned changed;

	ktrace(KT_TRANSFER, passage->size, passage->count);
	if (passage->give) {
		changed = pmap_pass(&from->pmap, passage->source, &to->pmap,
		    passage->target, passage->level, passage->count);
		map_room_put(from, passage->leaves, passage->region);
	} else {
		changed = pmap_pass_shared(&from->pmap, passage->source,
		    &to->pmap, passage->target, passage->level, passage->count);
	}
	map_room_fill(to, passage->arrives, &received);
	/* Before anybody may be told of it, or free it. */
	if (changed > 0)
		pmap_retire_leaving(&from->pmap);
	passage_abandon(passage);
	return arrived;
}
