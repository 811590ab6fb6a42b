/* copy.c: a transfer put over memory that is there; see copy.h. */
#include "vm/copy.h"

#include "kernel/kassert.h"
#include "vm/map_range.h"
#include "vm/map_tree.h"
#include "vm/page_count.h"
#include "vm/transfer_slots.h"

/* What a step may do: pages that change places, and what else counts for. */
#define STEP	   96
#define STEP_TABLE 4
#define STEP_COPY  12
/* Entries that the first step checks before it changes anything. */
#define CHECK_ENTRIES 512

static const char zeros[PAGE_SIZE];

/* One step, or what is left of it. */
struct overwrite {
	struct transfer *transfer;
	struct map *map;
	uaddr_t to;	 /* where the next byte goes */
	uint64_t done;	 /* bytes that are there */
	unsigned budget; /* of the step */
	bool changed;	 /* harts may know entries that are gone */
};

/* ---- what is to be written over ---- */

/* Can @address be written?  The map is locked. */
static kern_return_t
check_entry(const struct map_entry *entry, uaddr_t address)
{
	if (entry == NULL || entry->start > address)
		return KERN_INVALID_ADDRESS;
	if (!(entry->prot & VM_PROT_WRITE) || entry->kind == MAP_WINDOW)
		return KERN_PROTECTION_FAILURE;
	return KERN_SUCCESS;
}

static kern_return_t
check_range(struct map *map, uaddr_t address, uint64_t size)
{
	uint64_t end = address + size;
	kern_return_t kr = KERN_SUCCESS;
	struct map_entry *entry;

	if (size > USER_END || address > USER_END - size)
		return KERN_INVALID_ADDRESS;
	spin_lock(&map->lock);
	entry = map_find(map, address);
	for (unsigned i = 0; i < CHECK_ENTRIES && address < end; i++) {
		kr = check_entry(entry, address);
		if (kr != KERN_SUCCESS)
			break;
		address = entry->end;
		entry = map_next(map, entry);
	}
	spin_unlock(&map->lock);
	return kr;
}

/*
 * May @entry's pages be replaced by others?  Wired ones stay, and are written;
 * so are those of a region where absent does not mean zeros.
 */
static bool
takes_pages(const struct map_entry *entry)
{
	return map_is_zeroed(entry) && entry->wired == 0;
}

/* ---- changing places; the map is locked ---- */

static uaddr_t
from_address(const struct overwrite *over)
{
	return over->transfer->address + over->done;
}

static uint64_t
bytes_left(const struct overwrite *over)
{
	return over->transfer->size - over->done;
}

/* The transfer's own entry of @level for the next byte; NULL: no memory. */
static pte_t *
own_slot(const struct overwrite *over, unsigned level)
{
	uaddr_t va = from_address(over);
	unsigned slot_level;
	pte_t *slot = transfer_slot(over->transfer, va, &slot_level);

	return pmap_slot_make(slot, slot_level, va, level);
}

/* Can a whole leaf table, or superpage, go to the next address? */
static bool
is_table_next(const struct overwrite *over, const struct map_entry *entry)
{
	unsigned level;

	if (((over->to | from_address(over)) & (SUPERPAGE_SIZE - 1)) != 0 ||
	    bytes_left(over) < SUPERPAGE_SIZE ||
	    entry->end - over->to < SUPERPAGE_SIZE)
		return false;
	transfer_slot(over->transfer, from_address(over), &level);
	return level > 0;
}

static uint64_t
more_than(uint64_t count, uint64_t other)
{
	return count > other ? count - other : 0;
}

/* May the map have what @slot has, in the place of what is at @entry? */
static bool
can_have(
    struct pmap *pmap, const pte_t *slot, const pte_t *entry, unsigned level)
{
	struct pmap_weight comes = {0}, goes = {0};

	pmap_weigh(slot, level, 1, &comes);
	pmap_weigh(entry, level, 1, &goes);
	return pmap_can_pay(pmap, more_than(comes.pages, goes.pages),
	    more_than(comes.tables, goes.tables));
}

static kern_return_t
swap_table(struct overwrite *over)
{
	struct pmap *pmap = &over->map->pmap;
	pte_t *entry = pmap_make(pmap, over->to, 1, 0);
	pte_t *slot = entry != NULL ? own_slot(over, 1) : NULL;
	pte_t old;

	if (slot == NULL || !can_have(pmap, slot, entry, 1))
		return KERN_RESOURCE_SHORTAGE;
	pmap_unlink(pmap, over->to, 1, &old, 1);
	pmap_link(pmap, over->to, 1, slot, 1);
	*slot = old;
	over->changed |= (old & PTE_V) != 0;
	return KERN_SUCCESS;
}

/* Is there neither a page to come nor one to go? */
static bool
is_nothing_next(const struct overwrite *over)
{
	return pmap_look(&over->map->pmap, over->to) == 0 &&
	       !transfer_has_page(over->transfer, from_address(over));
}

static kern_return_t
swap_page(struct overwrite *over)
{
	struct pmap *pmap = &over->map->pmap;
	pte_t *leaf, *slot;
	pte_t old;

	if (is_nothing_next(over))
		return KERN_SUCCESS;
	leaf = pmap_make(pmap, over->to, 0, 0);
	slot = leaf != NULL ? own_slot(over, 0) : NULL;
	if (slot == NULL || !can_have(pmap, slot, leaf, 0))
		return KERN_RESOURCE_SHORTAGE;
	old = *leaf;
	/* The page's contents must be in memory before a walk finds it. */
	atomic_thread_fence(memory_order_release);
	pages_go(pmap, over->to, leaf, old != 0);
	pages_come(pmap, over->to, leaf, *slot != 0);
	*leaf = *slot;
	*slot = old;
	over->changed |= (old & PTE_V) != 0;
	return KERN_SUCCESS;
}

/* ---- steps ---- */

static void
advance(struct overwrite *over, uint64_t bytes, unsigned cost)
{
	over->to += bytes;
	over->done += bytes;
	over->budget -= min_u64(over->budget, cost);
}

/* Do whole pages fall on each other, and are there enough to be worth it? */
static bool
is_page_next(const struct overwrite *over)
{
	return ((over->to | from_address(over)) & PAGE_MASK) == 0 &&
	       bytes_left(over) >= PAGE_SIZE &&
	       over->transfer->size > transfer_copy_max(over->map);
}

/*
 * Let pages change places, as many as there are in a row and the budget
 * allows.  The map is locked.
 */
static kern_return_t
swap_locked(struct overwrite *over)
{
	kern_return_t kr = KERN_SUCCESS;

	while (over->budget > 0 && is_page_next(over)) {
		struct map_entry *entry = map_find(over->map, over->to);
		bool table;

		kr = check_entry(entry, over->to);
		if (kr != KERN_SUCCESS || !takes_pages(entry))
			break;
		table = is_table_next(over, entry);
		kr = table ? swap_table(over) : swap_page(over);
		if (kr != KERN_SUCCESS)
			break;
		advance(over, table ? SUPERPAGE_SIZE : PAGE_SIZE,
		    table ? STEP_TABLE : 1);
	}
	if (over->changed)
		pmap_retire(&over->map->pmap);
	over->changed = false;
	return kr;
}

/* Copy bytes up to where a page ends, on either side. */
static kern_return_t
copy_bytes(struct overwrite *over)
{
	uint64_t from = from_address(over) & PAGE_MASK;
	uint64_t size = min_u64(
	    bytes_left(over), PAGE_SIZE - max_u64(from, over->to & PAGE_MASK));
	const char *page;
	kern_return_t kr;

	kr = transfer_bytes(
	    over->transfer, page_floor(from_address(over)), &page);
	if (kr != KERN_SUCCESS)
		return kr;
	kr = map_copy_to(
	    over->map, over->to, page != NULL ? page + from : zeros, size);
	if (kr == KERN_SUCCESS)
		advance(over, size, STEP_COPY);
	return kr;
}

static kern_return_t
overwrite_step(struct overwrite *over)
{
	kern_return_t kr = KERN_SUCCESS;
	uint64_t before;

	while (kr == KERN_SUCCESS && over->budget > 0 && bytes_left(over) > 0) {
		before = over->done;
		spin_lock(&over->map->lock);
		kr = swap_locked(over);
		spin_unlock(&over->map->lock);
		if (kr == KERN_SUCCESS && over->done == before)
			kr = copy_bytes(over);
	}
	return kr;
}

kern_return_t
transfer_overwrite(
    struct transfer *transfer, struct map *map, uaddr_t to, uint64_t *donep)
{
	struct overwrite over = {
	    .transfer = transfer,
	    .map = map,
	    .to = to + *donep,
	    .done = *donep,
	    .budget = STEP,
	};
	kern_return_t kr = KERN_SUCCESS;

	if (*donep == transfer_size(transfer))
		return KERN_SUCCESS;
	if (*donep == 0)
		kr = check_range(map, to, transfer->size);
	if (kr == KERN_SUCCESS)
		kr = overwrite_step(&over);
	*donep = over.done;
	if (kr == KERN_SUCCESS && over.done < transfer->size)
		return KERN_OPERATION_TIMED_OUT;
	return kr;
}
