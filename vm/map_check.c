/*
 * map_check.c: are a map, its tree and its page tables what they should be?
 */
#include "kernel/kassert.h"
#include "vm/map_range.h"
#include "vm/map_tree.h"
#include "vm/object.h"
#include "vm/superpage.h"

static void
check_leaf(const struct map_entry *entry, pte_t pte, uint64_t offset)
{
	const pte_t rights = PTE_R | PTE_W | PTE_X;

	if (pte & PTE_SWAP) {
		KASSERT(entry->kind == MAP_ANONYMOUS);
		KASSERT((pte & (PTE_V | rights | PTE_FOREIGN)) == 0);
		return;
	}
	KASSERT((pte & rights & ~pte_protection(entry->prot)) == 0);
	KASSERT((pte & (PTE_W | PTE_X)) != (PTE_W | PTE_X));
	KASSERT((pte & PTE_V) != 0 || (pte & rights) == 0);
	if (entry->kind == MAP_WINDOW) {
		KASSERT(pte & PTE_FOREIGN);
		KASSERT(pte_pa(pte) == entry->window + offset);
		return;
	}
	KASSERT(!(pte & PTE_FOREIGN));
	if (entry->kind == MAP_OBJECT)
		KASSERT(object_owns(entry->object, entry->window + offset,
		    page_of(pte_pa(pte))));
	else if (pte & PTE_W)
		KASSERT(page_is_sole(page_of(pte_pa(pte))));
}

/* @leaf is NULL, or has something of @entry in it. */
static void
check_superpage(const struct map_entry *entry, const pte_t *leaf)
{
	const pte_t rights = PTE_R | PTE_W | PTE_X;

	if (leaf == NULL)
		return;
	KASSERT(entry->kind == MAP_ANONYMOUS);
	KASSERT((*leaf & rights & ~pte_protection(entry->prot)) == 0);
	KASSERT((*leaf & (PTE_W | PTE_X)) != (PTE_W | PTE_X));
	KASSERT((*leaf & PTE_V) != 0 || (*leaf & rights) == 0);
	if (*leaf & PTE_W)
		KASSERT(superpage_is_sole(page_of(pte_pa(*leaf))));
}

static void
check_entry(struct map *map, const struct map_entry *entry)
{
	uint64_t stop;

	KASSERT(entry->object != NULL || entry->kind != MAP_OBJECT);
	KASSERT(
	    entry->object == NULL || entry->kind == MAP_OBJECT ||
	    (entry->kind == MAP_ANONYMOUS && entry->object->source != NULL));
	for (uint64_t va = entry->start; va < entry->end; va = stop) {
		pte_t *leaf = pmap_leaves(&map->pmap, va, &stop);

		stop = min_u64(stop, entry->end);
		check_superpage(entry, pmap_superpage(&map->pmap, va));
		for (uint64_t at = va; leaf != NULL && at < stop;
		     at += PAGE_SIZE, leaf++) {
			if (*leaf != 0)
				check_leaf(entry, *leaf, at - entry->start);
		}
	}
}

/* Is some of [@start, @end) kept for the next region? */
static bool
has_room(const struct map *map, uint64_t start, uint64_t end)
{
	for (unsigned i = 0; i < MAP_ROOMS; i++) {
		const struct map_entry *room = map->room[i];

		if (room != NULL && room->start < end && start < room->end)
			return true;
	}
	return false;
}

/*
 * Where no entry is, no table has a leaf, and no table is there for nothing,
 * which a room is not.
 */
static void
check_hole(struct map *map, uint64_t start, uint64_t end)
{
	uint64_t stop;

	for (uint64_t va = start; va < end; va = stop) {
		pte_t *leaf = pmap_leaves(&map->pmap, va, &stop);

		KASSERT(pmap_superpage(&map->pmap, va) == NULL);
		KASSERT(leaf == NULL || stop - pt_span(1) < start ||
			stop > end || has_room(map, stop - pt_span(1), stop));
		stop = min_u64(stop, end);
		for (uint64_t at = va; leaf != NULL && at < stop;
		     at += PAGE_SIZE, leaf++)
			KASSERT(*leaf == 0);
	}
}

void
map_check(struct map *map)
{
	struct pmap_weight has = {0};
	uint64_t end = 0;
	struct list *link;

	spin_lock(&map->lock);
	map_tree_check(map);
	list_for_each (link, &map->entries) {
		struct map_entry *entry =
		    container_of(link, struct map_entry, link);
		struct map_entry *next = map_next(map, entry);

		if (entry->kind == MAP_ROOM)
			continue;
		check_hole(map, end, entry->start);
		check_entry(map, entry);
		KASSERT(next == NULL || !map_can_join(entry, next));
		end = entry->end;
	}
	check_hole(map, end, USER_END);
	pmap_check_weight(&map->pmap, &has);
	KASSERT(has.tables == map->pmap.table_count);
	spin_unlock(&map->lock);
}
