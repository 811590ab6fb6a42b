/* map_sweep.c: see map_sweep.h. */
#include "vm/map_sweep.h"

#include "kernel/kassert.h"
#include "vm/map.h"
#include "vm/map_range.h"
#include "vm/map_tree.h"
#include "vm/swap.h"

/* Entries of a map, and of its tables, that a step looks at. */
#define STEP_ENTRIES 32
#define STEP_LEAVES  PMAP_STEP

static struct spinlock ring_lock = SPINLOCK_INIT(LOCK_SWEEP);
static struct list ring = {&ring, &ring}; /* [ring_lock] all maps */
/* [ring_lock] where it goes on: the last link visited, and in whose map */
static struct list *hand_link = &ring;
static uaddr_t hand_va;
static atomic_ulong ring_count; /* of maps; written with ring_lock */

/* ---- the ring ---- */

void
map_sweep_add(struct map *map)
{
	spin_lock(&ring_lock);
	list_add_tail(&ring, &map->ring);
	atomic_fetch_add_explicit(&ring_count, 1, memory_order_relaxed);
	spin_unlock(&ring_lock);
}

uint64_t
map_sweep_count(void)
{
	return atomic_load_explicit(&ring_count, memory_order_relaxed);
}

/* The hand goes on to the next map; true: it passed its start. */
static bool
next_map(void)
{
	hand_link = hand_link->next;
	hand_va = 0;
	return hand_link == &ring;
}

void
map_sweep_remove(struct map *map)
{
	spin_lock(&ring_lock);
	if (hand_link == &map->ring)
		next_map();
	list_remove(&map->ring);
	atomic_fetch_sub_explicit(&ring_count, 1, memory_order_relaxed);
	spin_unlock(&ring_lock);
}

/* ---- one map ---- */

/* May pages of @entry be taken? */
static bool
is_pageable(const struct map_entry *entry)
{
	return entry->kind == MAP_ANONYMOUS && entry->wired == 0 &&
	       !entry->placing;
}

/* Sweep @entry's part from @va to @end; up to which address it got. */
static uint64_t
sweep_entry(struct map *map, const struct map_entry *entry, uaddr_t va,
    uint64_t end, struct pmap_sweep *sweep)
{
	end = min_u64(end, entry->end);
	if (!is_pageable(entry))
		return end;
	va = max_u64(va, entry->start);
	while (pmap_sweep_step(&map->pmap, &va, end, sweep) &&
	       sweep->looked < STEP_LEAVES)
		continue;
	return va;
}

/* From the hand on; true: there is more of this map. */
static bool
sweep_map(struct map *map, struct pmap_sweep *sweep)
{
	struct map_entry *entry = map_find(map, hand_va);

	if (map->ending || map->resident)
		return false;
	for (unsigned i = 0; entry != NULL; i++) {
		if (i == STEP_ENTRIES || sweep->looked >= STEP_LEAVES)
			return true;
		hand_va = sweep_entry(map, entry, hand_va, USER_END, sweep);
		if (hand_va < entry->end)
			return true;
		entry = map_next(map, entry);
	}
	return false;
}

bool
map_sweep_step(struct pmap_sweep *sweep)
{
	struct pmap_sweep step = {0};
	bool around = false;

	spin_lock(&ring_lock);
	if (hand_link == &ring) {
		around = next_map();
	} else {
		struct map *map = container_of(hand_link, struct map, ring);
		bool more;

		spin_lock(&map->lock);
		more = sweep_map(map, &step);
		map->pages_so_far += step.pages;
		if (!more) {
			map->pages_seen = map->pages_so_far;
			map->pages_so_far = 0;
		}
		spin_unlock(&map->lock);
		if (!more)
			around = next_map();
	}
	spin_unlock(&ring_lock);
	sweep->looked += step.looked;
	sweep->closed += step.closed;
	sweep->taken += step.taken;
	return around;
}

kern_return_t
map_sweep_range(struct map *map, uaddr_t start, uint64_t end,
    uint64_t *reachedp, struct pmap_sweep *sweep)
{
	kern_return_t kr = KERN_SUCCESS;
	struct map_entry *entry;

	spin_lock(&map->lock);
	entry = map_find(map, start);
	if (entry == NULL || entry->start > start)
		kr = KERN_INVALID_ADDRESS;
	else if (map->resident)
		*reachedp = min_u64(end, entry->end);
	else
		*reachedp = sweep_entry(map, entry, start, end, sweep);
	spin_unlock(&map->lock);
	return kr;
}

/* ---- back ---- */

kern_return_t
map_swap_in(struct map *map, uaddr_t va, pte_t *ptep)
{
	kern_return_t kr;
	uint64_t stop;

	*ptep = pmap_look(&map->pmap, va);
	if (!(*ptep & PTE_SWAP))
		return KERN_SUCCESS;
	if (!pmap_own(&map->pmap, va))
		return KERN_RESOURCE_SHORTAGE;
	kr = swap_in(pmap_leaves(&map->pmap, va, &stop));
	*ptep = pmap_look(&map->pmap, va);
	return kr;
}
