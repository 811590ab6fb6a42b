/*
 * vm/fork.c: a copy of a whole map; see copy.h.
 *
 * Region by region, each a transfer from the one to the same place in the
 * other; or where there are just some pages, straight from table to table.
 * The parent's threads may change their map meanwhile: the child has each
 * region as it was when it was its turn.
 */
#include "kernel/kassert.h"
#include "kernel/string.h"
#include "kernel/zone.h"
#include "vm/copy.h"
#include "vm/map_range.h"
#include "vm/map_room.h"
#include "vm/map_tree.h"
#include "vm/object.h"
#include "vm/share.h"
#include "vm/snapshot.h"
#include "vm/transfer.h"

/* Regions that are not inherited, passed in one step. */
#define STEP_PASSED 256
/* Pages of a region that is shared in one step. */
#define FEW_PAGES 16

struct map_fork {
	struct map *from, *to;
	uaddr_t at;		 /* all below has been dealt with */
	struct map_entry region; /* which is at hand; @end 0: none is */
	bool is_few;		 /* ... of which @few are all pages */
	uint64_t few_count;	 /* that are not 0 */
	pte_t few[FEW_PAGES];
	struct transfer *transfer;   /* ... if it is being taken */
	struct map_share share;	     /* ... or, with @from, shared */
	struct snapshot_take moment; /* ... or, with @object, a snapshot's */
};

struct map_fork *
map_fork_begin(struct map *from, struct map *to)
{
	struct map_fork *fork = kmem_alloc(sizeof(*fork));

	if (fork == NULL)
		return NULL;
	memset(fork, 0, sizeof(*fork));
	fork->from = from;
	fork->to = to;
	return fork;
}

/* ---- steps ---- */

/*
 * What the child has of @entry: the same, but private, and nothing is wired.
 * The region holds a reference to its object.
 */
static void
describe(struct map_fork *fork, const struct map_entry *entry)
{
	struct map_entry *region = &fork->region;

	*region = *entry;
	region->start = max_u64(entry->start, fork->at);
	region->window += region->start - entry->start;
	region->wired = 0;
	region->placing = region->held = false;
	if (map_is_backed(entry)) {
		object_get(region->object);
		return;
	}
	if (entry->kind != MAP_OBJECT)
		return;
	region->kind = MAP_ANONYMOUS;
	region->object = NULL;
	if (entry->object->pager == NULL || entry->inherit != VM_INHERIT_COPY)
		return;
	fork->moment = (struct snapshot_take){
	    .object = object_get(entry->object),
	    .start = region->window,
	    .end = region->window + (region->end - region->start),
	};
}

/* The region has been dealt with; what is held for it goes. */
static void
forget_region(struct map_fork *fork)
{
	if (fork->region.object != NULL)
		object_put(fork->region.object);
	fork->region.object = NULL;
	if (fork->moment.object != NULL)
		object_put(fork->moment.object);
	fork->moment.object = NULL;
	fork->region.end = 0;
}

static kern_return_t
region_done(struct map_fork *fork)
{
	fork->at = fork->region.end;
	forget_region(fork);
	return KERN_OPERATION_TIMED_OUT;
}

static unsigned
region_pages(const struct map_entry *region)
{
	return (unsigned)((region->end - region->start) >> PAGE_SHIFT);
}

/* Is @entry, which is as @region from there on, private memory as most is, and
 * has few pages? */
static bool
may_be_few(const struct map_entry *entry, const struct map_entry *region)
{
	return map_is_zeroed(entry) && entry->inherit == VM_INHERIT_COPY &&
	       entry->wired == 0 && !entry->placing &&
	       (entry->prot & VM_PROT_READ) != 0 &&
	       region_pages(region) <= FEW_PAGES;
}

static bool
is_untouched(const struct pmap *pmap, const struct map_entry *region)
{
	for (uaddr_t va = region->start; va < region->end; va += PAGE_SIZE) {
		if (pmap_look(pmap, va) != 0)
			return false;
	}
	return true;
}

/*
 * Share the pages of the region, if they are few, with what the child is to
 * have.  A guard has none.
 */
static void
take_few(struct map_fork *fork, const struct map_entry *entry)
{
	const struct map_entry *region = &fork->region;
	struct pmap *pmap = &fork->from->pmap;
	bool changed = false;
	uint64_t stop;
	pte_t *leaf;

	if (!may_be_few(entry, region))
		return;
	fork->few_count = 0;
	leaf = pmap_leaves(pmap, region->start, &stop);
	if (leaf == NULL || stop < region->end) {
		fork->is_few = is_untouched(pmap, region);
		return;
	}
	fork->is_few = true;
	fork->few_count =
	    pmap_share_pages(leaf, fork->few, region_pages(region), &changed);
	if (changed)
		pmap_retire(pmap);
}

/* Find the next region to inherit; KERN_OPERATION_TIMED_OUT: not yet. */
static kern_return_t
next_region(struct map_fork *fork, bool *foundp)
{
	struct map *map = fork->from;
	struct map_entry *entry;
	unsigned passed = 0;

	*foundp = false;
	spin_lock(&map->lock);
	entry = map_find(map, fork->at);
	while (entry != NULL && entry->inherit == VM_INHERIT_NONE &&
	       passed++ < STEP_PASSED) {
		fork->at = entry->end;
		entry = map_next(map, entry);
	}
	if (entry != NULL && entry->inherit != VM_INHERIT_NONE) {
		describe(fork, entry);
		take_few(fork, entry);
		*foundp = true;
	}
	spin_unlock(&map->lock);
	return *foundp || entry == NULL ? KERN_SUCCESS
					: KERN_OPERATION_TIMED_OUT;
}

/* Some more of a copy of the region. */
static kern_return_t
copy_region(struct map_fork *fork)
{
	const struct map_entry *region = &fork->region;
	kern_return_t kr;

	kr = transfer_take(fork->from, region->start,
	    region->end - region->start, TRANSFER_INHERIT, &fork->transfer);
	switch (kr) {
	case KERN_SUCCESS:
		break;
	case KERN_INVALID_ADDRESS:
	case KERN_PROTECTION_FAILURE:
		/* The parent has changed it since we looked: look again. */
		forget_region(fork);
		return KERN_OPERATION_TIMED_OUT;
	default:
		return kr;
	}
	kr = transfer_map_at(fork->transfer, fork->to, region);
	if (kr != KERN_SUCCESS)
		return kr;
	fork->transfer = NULL;
	return region_done(fork);
}

/* The child's region is @fork->region, with nothing of the parent's. */
static kern_return_t
enter_region(struct map_fork *fork)
{
	kern_return_t kr;

	spin_lock(&fork->to->lock);
	kr = map_is_free(fork->to, fork->region.start, fork->region.end)
		 ? map_enter(fork->to, &fork->region)
		 : KERN_NO_SPACE;
	spin_unlock(&fork->to->lock);
	return kr == KERN_SUCCESS ? region_done(fork) : kr;
}

/* The same with its few pages; the child's map is locked. */
static kern_return_t
link_few(struct map_fork *fork)
{
	const struct map_entry *region = &fork->region;
	unsigned count = region_pages(region);
	struct map *map = fork->to;
	struct pmap_hole hole;

	if (!map_is_free(map, region->start, region->end))
		return KERN_NO_SPACE;
	map_rooms_clear(map, region->start, region->end);
	if ((fork->few_count > 0 &&
		!pmap_prepare(&map->pmap, region->start, 0, count)) ||
	    !pmap_can_pay(&map->pmap, fork->few_count, 0) ||
	    map_enter(map, region) != KERN_SUCCESS) {
		/* Tables that were made for it and are empty. */
		hole = map_hole(map, region->start);
		pmap_remove(&map->pmap, region->start, region->end, &hole);
		return KERN_RESOURCE_SHORTAGE;
	}

	/* ---- committed: nothing below can fail ---- */
	if (fork->few_count > 0)
		pmap_link(&map->pmap, region->start, 0, fork->few, count);
	return KERN_SUCCESS;
}

/* It has no place there. */
static void
drop_few(struct map_fork *fork)
{
	unsigned budget = FEW_PAGES;

	if (fork->few_count == 0)
		return;
	for (unsigned i = 0; i < region_pages(&fork->region); i++) {
		bool freed = fork->few[i] == 0 ||
			     pmap_slot_free(&fork->few[i], 0, &budget);

		KASSERT(freed);
	}
}

static kern_return_t
enter_few(struct map_fork *fork)
{
	kern_return_t kr;

	fork->is_few = false;
	spin_lock(&fork->to->lock);
	kr = link_few(fork);
	spin_unlock(&fork->to->lock);
	if (kr == KERN_SUCCESS)
		return region_done(fork);
	drop_few(fork);
	return kr;
}

/* What a pager's object has now, or will have brought. */
static kern_return_t
snapshot_region(struct map_fork *fork)
{
	kern_return_t kr = snapshot_take_step(&fork->moment);

	if (kr == KERN_NOT_SUPPORTED) {
		object_put(fork->moment.object);
		fork->moment.object = NULL;
		return KERN_OPERATION_TIMED_OUT;
	}
	if (kr != KERN_SUCCESS)
		return kr;
	fork->region.object = fork->moment.snapshot;
	return enter_region(fork);
}

/* Some more of a region that both are to see alike. */
static kern_return_t
share_region(struct map_fork *fork)
{
	kern_return_t kr;

	if (fork->share.from == NULL)
		fork->share = (struct map_share){
		    .from = fork->from,
		    .to = fork->to,
		    .next = fork->region.start,
		    .end = fork->region.end,
		};
	kr = map_share_step(&fork->share);
	if (kr != KERN_SUCCESS)
		return kr;
	map_share_end(&fork->share);
	fork->share.from = NULL;
	return region_done(fork);
}

kern_return_t
map_fork_step(struct map_fork *fork)
{
	kern_return_t kr;

	if (fork->region.end <= fork->at) {
		bool found;

		kr = next_region(fork, &found);
		if (!found)
			return kr;
	}
	if (fork->is_few)
		return enter_few(fork);
	if (fork->region.kind == MAP_WINDOW)
		return enter_region(fork);
	if (fork->moment.object != NULL)
		return snapshot_region(fork);
	return fork->region.inherit == VM_INHERIT_SHARE ? share_region(fork)
							: copy_region(fork);
}

bool
map_fork_end_step(struct map_fork *fork)
{
	if (transfer_destroy_step(fork->transfer))
		return true;
	fork->transfer = NULL;
	forget_region(fork);
	if (fork->share.from != NULL)
		map_share_end(&fork->share);
	kmem_free(fork, sizeof(*fork));
	return false;
}
