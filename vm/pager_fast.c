/*
 * pager_fast.c: see pager_fast.h.
 */
#include "vm/pager_fast.h"

#include <mach/vm_prot.h>

#include "kernel/config.h"
#include "kernel/kassert.h"
#include "kernel/ledger.h"
#include "kernel/task.h"
#include "vm/map_room.h"
#include "vm/map_tree.h"
#include "vm/memory_wait.h"
#include "vm/object_slots.h"
#include "vm/page_count.h"
#include "vm/pager.h"

/* A page of a map's, and what becomes of its region when it has gone. */
struct leaving {
	struct map_entry *region;
	uaddr_t va;
	pte_t *leaf;
	uint64_t start, end; /* of what is left of the region; or it goes */
};

/*
 * May the page at @va leave @map, so that no table is left without a region?
 * Locks: the map's.
 */
static bool
look_at_page(struct map *map, uaddr_t va, struct leaving *leaving)
{
	struct map_entry *region = map_find(map, va);
	pte_t *leaf;

	if (region == NULL || region->start > va || !map_is_zeroed(region) ||
	    region->wired > 0 || region->placing ||
	    (region->prot & (VM_PROT_READ | VM_PROT_EXECUTE)) != VM_PROT_READ)
		return false;
	leaf = pmap_own_entry(&map->pmap, va, 0);
	if (leaf == NULL || *leaf == 0 || (*leaf & PTE_SWAP))
		return false;
	*leaving = (struct leaving){
	    .region = region,
	    .va = va,
	    .leaf = leaf,
	    .start = region->start,
	    .end = region->end,
	};
	if (va == region->start)
		leaving->start += PAGE_SIZE;
	else if (va + PAGE_SIZE == region->end)
		leaving->end -= PAGE_SIZE;
	else
		return false;
	if (leaving->start == leaving->end)
		return map_room_free(map) != NULL;
	/* What is left reaches into the page's table. */
	return ((va ^ leaving->start) & ~(SUPERPAGE_SIZE - 1)) == 0 ||
	       ((va ^ (leaving->end - 1)) & ~(SUPERPAGE_SIZE - 1)) == 0;
}

/* It leaves: the page, whose reference is the caller's, and its charge. */
static struct page *
take_page(struct map *map, const struct leaving *leaving)
{
	struct page *page = page_of(pte_pa(*leaving->leaf));

	*leaving->leaf = 0;
	paid_page_goes(&map->pmap, leaving->va, leaving->leaf);
	if (leaving->start == leaving->end)
		map_room_put(map, map_room_free(map), leaving->region);
	else
		map_tree_resize(
		    map, leaving->region, leaving->start, leaving->end);
	/* Before anybody else may have it. */
	pmap_retire_leaving(&map->pmap);
	return page;
}

/* The slot that waits for a page at @offset; NULL: there is none such, or it is
 * not as simple.  Locks: the object's. */
static uint64_t *
waiting_slot(struct object *object, uint64_t offset)
{
	const struct pager *pager = object->pager;
	uint64_t *slot;

	/* Where many are asked for, some may wait to ask. */
	if (pager->gone || pager->asked >= CONFIG_PAGER_REQUESTS)
		return NULL;
	slot = object_slot(object, offset, false);
	return slot != NULL && (*slot & SLOT_BUSY) ? slot : NULL;
}

/*
 * Map and object are locked.  An object that nobody refers to any more is about
 * to be cleaned of its pages, which begins with its lock: so if we see none, or
 * have got the lock before, none of ours stays behind.
 */
static bool
supply_locked(
    struct map *map, struct object *object, const struct pager_supply *supply)
{
	uint64_t *slot = waiting_slot(object, supply->offset);
	struct leaving leaving;
	struct page *page;

	/* The page's charge goes with it. */
	if (slot == NULL || object->pages_ledger != map->ledger ||
	    !ledger_has_quarter(map->ledger, BATON_LEDGER_RESIDENT, 0) ||
	    atomic_load_explicit(&object->refs, memory_order_relaxed) == 0 ||
	    !look_at_page(map, supply->address, &leaving))
		return false;

	/* ---- committed: nothing below can fail ---- */
	page = take_page(map, &leaving);
	pager_answered(object->pager, slot);
	*slot = slot_of(
	    page, supply->flags | (page_is_sole(page) ? 0 : SLOT_SHARED));
	object->pages++;
	return true;
}

static bool
try_locks(
    struct map *map, struct object *object, const struct pager_supply *supply)
{
	bool done = false;

	if (!spin_trylock(&map->lock))
		return false;
	if (spin_trylock(&object->lock)) {
		done = supply_locked(map, object, supply);
		spin_unlock(&object->lock);
	}
	spin_unlock(&map->lock);
	return done;
}

bool
pager_supply_fast(struct pager *pager, struct pager_supply *supply)
{
	struct map *map = current_thread()->task->map;
	struct object *object;
	bool done;

	/* As long as it is locked, its object is not freed. */
	spin_lock(&pager->lock);
	object = pager->object;
	done = ((supply->address | supply->offset) & PAGE_MASK) == 0 &&
	       object != NULL && supply->offset < object->size &&
	       try_locks(map, object, supply);
	spin_unlock(&pager->lock);
	supply->object = object;
	return done;
}

struct thread *
pager_supplied(const struct pager_supply *supply)
{
	/* This hart may stay in the space that the page has left. */
	pmap_stay(&current_thread()->task->map->pmap);
	return memory_wake_rest(
	    supply->object, supply->offset, supply->offset + PAGE_SIZE);
}
