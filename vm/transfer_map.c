/*
 * transfer_map.c: transfers that arrive where nothing is; see transfer.h.
 */
#include "vm/transfer.h"

#include <arch/pmap.h>

#include "kernel/kassert.h"
#include "kernel/ledger.h"
#include "vm/map_range.h"
#include "vm/map_room.h"
#include "vm/map_tree.h"
#include "vm/transfer_slots.h"

/* Make all tables that the entries will stand in. */
static bool
prepare_tables(const struct transfer *transfer, struct pmap *pmap, uaddr_t base)
{
	for (uint32_t i = 0; i < transfer->run_count; i++) {
		const struct transfer_run *run = &transfer->run[i];

		if (!pmap_prepare(pmap, base + (run->va - transfer->start),
			run->level, run->count))
			return false;
	}
	return true;
}

static void
link_runs(const struct transfer *transfer, struct pmap *pmap, uaddr_t base)
{
	for (uint32_t i = 0; i < transfer->run_count; i++) {
		const struct transfer_run *run = &transfer->run[i];

		/* Nothing was valid here: no hart needs to be told. */
		pmap_link(pmap, base + (run->va - transfer->start), run->level,
		    &transfer->slots[run->first], run->count);
	}
}

/* Have the tables; and may its entries come beside them?  Both are paid for. */
static bool
prepare(const struct transfer *transfer, struct pmap *pmap, uaddr_t base)
{
	return prepare_tables(transfer, pmap, base) &&
	       pmap_can_pay(pmap, transfer->has.pages, transfer->has.tables);
}

/* Enter it at @region, where nothing is; the map is locked. */
static kern_return_t
enter_locked(const struct transfer *transfer, struct map *map,
    const struct map_entry *region)
{
	map_rooms_clear(map, region->start, region->end);
	if (!prepare(transfer, &map->pmap, region->start) ||
	    map_enter(map, region) != KERN_SUCCESS) {
		struct pmap_hole hole = map_hole(map, region->start);

		/* Tables that were made for it and are empty. */
		pmap_remove(&map->pmap, region->start, region->end, &hole);
		return KERN_RESOURCE_SHORTAGE;
	}

	/* ---- committed: nothing below can fail ---- */
	link_runs(transfer, &map->pmap, region->start);
	return KERN_SUCCESS;
}

/* Enter it where a region as large was before; the map is locked. */
static bool
move_in(
    const struct transfer *transfer, struct map *map, struct map_entry *region)
{
	uint64_t unit = pt_span(transfer->level);
	struct map_entry **place = NULL;
	uaddr_t start;

	if ((transfer->start & (unit - 1)) == 0)
		place =
		    map_room_find(map, transfer->end - transfer->start, unit);
	if (place == NULL)
		return false;
	start = (*place)->start;
	if (!prepare(transfer, &map->pmap, start)) {
		/* Who moves in next may bring tables of his own. */
		map_rooms_clear(map, start, start + 1);
		return false;
	}

	/* ---- committed: nothing below can fail ---- */
	map_room_fill(map, place, region);
	link_runs(transfer, &map->pmap, start);
	region->start = start;
	return true;
}

/*
 * May the map have what it weighs?  What the same task pays for already is
 * that, and no more.
 */
static bool
can_have(struct transfer *transfer, struct map *map)
{
	const struct pmap_weight *has = &transfer->has;

	if (CONFIG_DEBUG)
		transfer_check_weight(transfer);
	if (transfer->ledger == map->ledger)
		transfer_credit_to(transfer, &map->pmap);
	if (likely(pmap_can_pay(&map->pmap, has->pages, has->tables)))
		return true;
	/* Who paid may have it from the same ledger as this one. */
	transfer_credit(transfer);
	return pmap_can_pay(&map->pmap, has->pages, has->tables);
}

/* It is entered, or not: who paid for it while it was on its way pays no more,
 * unless that is so still. */
static kern_return_t
settle(struct transfer *transfer, struct map *map, kern_return_t kr)
{
	if (kr == KERN_SUCCESS)
		transfer_credit(transfer);
	pmap_settle(&map->pmap);
	return kr;
}

/* At @region, where nothing is; the map is locked. */
static kern_return_t
map_locked(
    struct transfer *transfer, struct map *map, const struct map_entry *region)
{
	kern_return_t kr = KERN_RESOURCE_SHORTAGE;

	if (can_have(transfer, map))
		kr = enter_locked(transfer, map, region);
	return settle(transfer, map, kr);
}

/* The same where the kernel chooses, with what @region says of it. */
static kern_return_t
map_where_it_fits(
    struct transfer *transfer, struct map *map, struct map_entry *region)
{
	uint64_t size = transfer->end - transfer->start;
	kern_return_t kr;

	if (!can_have(transfer, map))
		return settle(transfer, map, KERN_RESOURCE_SHORTAGE);
	if (move_in(transfer, map, region))
		return settle(transfer, map, KERN_SUCCESS);
	if (!map_find_room_at(map, size, pt_span(transfer->level),
		transfer->start, &region->start))
		return settle(transfer, map, KERN_NO_SPACE);
	region->end = region->start + size;
	region->apart = map->apart_count < MAP_APART_MAX;
	kr = enter_locked(transfer, map, region);
	if (kr == KERN_RESOURCE_SHORTAGE) {
		/* Once more without rooms.  Not on the way: their tables may
		 * be those that were prepared. */
		map_rooms_clear(map, 0, USER_END);
		kr = KERN_RESOURCE_SHORTAGE;
		if (can_have(transfer, map))
			kr = enter_locked(transfer, map, region);
	}
	return settle(transfer, map, kr);
}

static kern_return_t
map_anywhere(struct transfer *transfer, struct map *map,
    struct map_entry region, uaddr_t *addressp)
{
	kern_return_t kr;

	if (transfer == NULL) {
		*addressp = 0;
		return KERN_SUCCESS;
	}
	KASSERT(transfer->phase == TRANSFER_WHOLE);
	spin_lock(&map->lock);
	kr = map_where_it_fits(transfer, map, &region);
	spin_unlock(&map->lock);
	if (kr != KERN_SUCCESS)
		return kr;
	*addressp = region.start + (transfer->address - transfer->start);
	transfer_free(transfer);
	return KERN_SUCCESS;
}

static const struct map_entry received = {
    .kind = MAP_ANONYMOUS,
    .prot = VM_PROT_DEFAULT,
    .max_prot = VM_PROT_ALL,
    .inherit = VM_INHERIT_DEFAULT,
};

kern_return_t
transfer_map(struct transfer *transfer, struct map *map, uaddr_t *addressp)
{
	return map_anywhere(transfer, map, received, addressp);
}

kern_return_t
transfer_map_placing(
    struct transfer *transfer, struct map *map, uaddr_t *addressp)
{
	struct map_entry region = received;

	region.placing = true;
	return map_anywhere(transfer, map, region, addressp);
}

/* Let no entry lead to a page before a fault has looked at it. */
static void
hide(struct transfer *transfer)
{
	for (uint32_t i = 0; i < transfer->slot_count; i++) {
		pte_t *slot = &transfer->slots[i];

		if (*slot == 0)
			continue;
		*slot = pte_is_page(*slot)
			    ? *slot & ~(PTE_V | PTE_R | PTE_W | PTE_X)
			    : pte_shared(*slot);
	}
}

kern_return_t
transfer_map_at(
    struct transfer *transfer, struct map *map, const struct map_entry *region)
{
	kern_return_t kr;

	KASSERT(transfer->phase == TRANSFER_WHOLE);
	if (!(pte_protection(region->prot) & PTE_R))
		hide(transfer);
	spin_lock(&map->lock);
	kr = map_is_free(map, region->start, region->end)
		 ? map_locked(transfer, map, region)
		 : KERN_NO_SPACE;
	spin_unlock(&map->lock);
	if (kr == KERN_SUCCESS)
		transfer_free(transfer);
	return kr;
}
