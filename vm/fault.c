/*
 * fault.c: one page fault, and the same steps for copies into other tasks.
 *
 * What a fault finds, and what it does:
 *
 *	no entry, or not allowed	an error
 *	no page				a zeroed one, the object's, the
 *					snapshot's, or the window's
 *	a slot of page replacement's	its page, which is then as any other
 *	a page, access allowed		nothing: the hart's translation was old
 *	a page, allowed by the entry	the right is added; first,
 *	   to write, page shared	   the page is copied, unless it is an
 *					   object's
 *	   to execute			   all harts' instruction fetches are
 *					   made to see what was written
 *
 * Pages of a superpage that was split become one again when the last of them
 * has got what the others have.
 *
 * A page that may be written may not be executed: adding the one right takes
 * the other.  So nothing is executed that was written after the last
 * instruction fence, whatever the task does and wherever it runs; save what
 * was written through another mapping of an object, which its writer has to
 * tell others of, as with any machine.
 */
#include <arch/cpu.h>

#include "kernel/string.h"
#include "vm/map.h"
#include "vm/map_tree.h"
#include "vm/object.h"
#include "vm/page_count.h"
#include "vm/pageout.h"
#include "vm/snapshot.h"
#include "vm/superpage.h"
#include "vm/swap.h"

/* Writing implies reading: the hardware has no write-only pages. */
static bool
entry_allows(const struct map_entry *entry, unsigned access)
{
	unsigned allowed = entry->prot;

	if (allowed & VM_PROT_WRITE)
		allowed |= VM_PROT_READ;
	return (allowed & access) != 0;
}

/* The bit of a leaf that lets @access pass. */
static pte_t
access_bit(unsigned access)
{
	switch (access) {
	case VM_PROT_WRITE:
		return PTE_W;
	case VM_PROT_EXECUTE:
		return PTE_X;
	default:
		return PTE_R;
	}
}

/* All that a page new to @entry may be given at once. */
static pte_t
fresh_rights(const struct map_entry *entry, unsigned access)
{
	return pte_protection(
	    entry->prot &
	    ~(access == VM_PROT_EXECUTE ? VM_PROT_WRITE : VM_PROT_EXECUTE));
}

/* ---- no page yet ---- */

static void
leaf_set(pte_t *leaf, pte_t pte, unsigned access)
{
	if (access == VM_PROT_EXECUTE)
		arch_sync_code();
	/* The page's contents must be in memory before a walk finds it. */
	atomic_thread_fence(memory_order_release);
	*leaf = pte;
}

static kern_return_t
fill_zero(struct map *map, const struct map_entry *entry, uaddr_t va,
    pte_t *leaf, unsigned access)
{
	kern_return_t kr = pageout_admit(map);
	struct page *page;

	if (unlikely(kr != KERN_SUCCESS))
		return kr;
	if (unlikely(!pmap_can_pay(&map->pmap, 1, 0)))
		return KERN_RESOURCE_SHORTAGE;
	page = page_alloc_zeroed();
	if (page == NULL)
		return KERN_RESOURCE_SHORTAGE;
	leaf_set(
	    leaf, pte_make(page_pa(page), fresh_rights(entry, access)), access);
	pages_come(&map->pmap, va, leaf, 1);
	return KERN_SUCCESS;
}

/* The object's page, which all see who map it. */
static kern_return_t
fill_object(struct map *map, const struct map_entry *entry, uaddr_t va,
    pte_t *leaf, unsigned access)
{
	struct page *page;
	pte_t rights = fresh_rights(entry, access);
	kern_return_t kr;

	if (!pmap_can_pay(&map->pmap, 1, 0))
		return KERN_RESOURCE_SHORTAGE;
	kr = object_page(
	    entry->object, entry->window + (va - entry->start), access, &page);
	if (kr != KERN_SUCCESS)
		return kr;
	/* The pager is to get back what is written. */
	if (entry->object->pager != NULL && access != VM_PROT_WRITE)
		rights &= ~PTE_W;
	leaf_set(leaf, pte_make(page_pa(page), rights), access);
	pages_come(&map->pmap, va, leaf, 1);
	return KERN_SUCCESS;
}

/* What the snapshot has, or a copy of it to be written. */
static never_inline kern_return_t
fill_backed(struct map *map, const struct map_entry *entry, uaddr_t va,
    pte_t *leaf, unsigned access)
{
	pte_t rights = fresh_rights(entry, access);
	kern_return_t kr = pageout_admit(map);
	struct page *page, *copy;

	if (kr == KERN_SUCCESS && !pmap_can_pay(&map->pmap, 1, 0))
		kr = KERN_RESOURCE_SHORTAGE;
	if (kr == KERN_SUCCESS)
		kr = snapshot_page(
		    entry->object, entry->window + (va - entry->start), &page);
	if (kr != KERN_SUCCESS)
		return kr;
	if (access == VM_PROT_WRITE) {
		copy = page_alloc(0);
		if (copy != NULL)
			page_copy(page_va(copy), page_va(page));
		page_put(page);
		page = copy;
	} else {
		rights &= ~PTE_W;
	}
	if (page == NULL)
		return KERN_RESOURCE_SHORTAGE;
	leaf_set(leaf, pte_make(page_pa(page), rights), access);
	pages_come(&map->pmap, va, leaf, 1);
	return KERN_SUCCESS;
}

/* Pages of a window that one fault enters, of one table: they take no memory,
 * and windows are read from one end to the other. */
#define WINDOW_AHEAD 16

static void
fill_window(
    const struct map_entry *entry, uaddr_t va, pte_t *leaf, unsigned access)
{
	uint64_t left = min_u64(
	    PTE_COUNT - pt_index(va, 0), (entry->end - va) >> PAGE_SHIFT);
	pte_t pte = pte_make(entry->window + (va - entry->start),
	    fresh_rights(entry, access) | PTE_FOREIGN);

	leaf_set(leaf, pte, access);
	for (uint64_t i = 1; i < min_u64(left, WINDOW_AHEAD); i++) {
		if (leaf[i] == 0)
			leaf[i] = pte + pte_make(i << PAGE_SHIFT, 0);
	}
}

/* ---- a page that does not allow enough ---- */

/* Give @leaf a copy of its page of its own. */
static kern_return_t
copy_page(struct map *map, pte_t *leaf, pte_t bits)
{
	struct page *shared = page_of(pte_pa(*leaf));
	kern_return_t kr = pageout_admit(map);
	struct page *copy = kr == KERN_SUCCESS ? page_alloc(0) : NULL;
	bool reachable = (*leaf & PTE_V) != 0;

	if (kr != KERN_SUCCESS)
		return kr;
	if (copy == NULL)
		return KERN_RESOURCE_SHORTAGE;
	page_copy(page_va(copy), page_va(shared));
	leaf_set(leaf, pte_make(page_pa(copy), bits), VM_PROT_WRITE);
	/* Some thread may read through the old translation until now. */
	if (reachable)
		pmap_retire(&map->pmap);
	page_put(shared);
	return KERN_SUCCESS;
}

/* Add what @access needs to the rights that @leaf gives. */
static kern_return_t
add_right(struct map *map, const struct map_entry *entry, uaddr_t va,
    pte_t *leaf, unsigned access)
{
	const pte_t rights = PTE_R | PTE_W | PTE_X;
	pte_t old, new;
	bool current = pmap_is_current(&map->pmap);

	if (unlikely(*leaf & PTE_SWAP)) {
		kern_return_t kr = pageout_admit(map);

		if (kr == KERN_SUCCESS)
			kr = swap_in(leaf);
		if (kr != KERN_SUCCESS)
			return kr;
	}
	if (entry->kind == MAP_OBJECT && entry->object->pager != NULL) {
		kern_return_t kr = object_allow(
		    entry->object, entry->window + (va - entry->start), access);

		if (kr != KERN_SUCCESS)
			return kr;
	}
	old = *leaf;
	new = old | pte_protection(access & ~(unsigned)VM_PROT_READ) |
	      pte_protection(entry->prot & VM_PROT_READ);
	if (access == VM_PROT_WRITE) {
		new &= ~PTE_X;
		if (!(old & PTE_FOREIGN) && entry->kind != MAP_OBJECT &&
		    !page_is_sole(page_of(pte_pa(old))))
			return copy_page(map, leaf, new & ~PTE_PPN_MASK);
	} else if (access == VM_PROT_EXECUTE) {
		new &= ~PTE_W;
	} else {
		new |= pte_protection(VM_PROT_READ);
	}
	leaf_set(leaf, new, access);
	/*
	 * Rights that went must go everywhere.  Rights that came: other harts
	 * find out by a spurious fault; this one would, too, at once.
	 */
	if (old & rights & ~new)
		pmap_retire(&map->pmap);
	else if (current)
		pmap_fence_page(va);
	return KERN_SUCCESS;
}

/* ---- no leaf table ---- */

/* Does @entry cover all that a leaf table or superpage around @va spans? */
static bool
covers_superpage(const struct map_entry *entry, uaddr_t va)
{
	uint64_t start = va & ~(SUPERPAGE_SIZE - 1);

	return entry->start <= start && start + SUPERPAGE_SIZE <= entry->end;
}

/*
 * Let a superpage be at @va, where there is nothing yet, and @fresh is for it.
 * KERN_OPERATION_TIMED_OUT: it has to be zeroed first.  Any other failure:
 * pages will do.
 */
static kern_return_t
fill_superpage(struct map *map, const struct map_entry *entry, uaddr_t va,
    unsigned access, struct superpage *fresh, pte_t **leafp)
{
	pte_t *leaf;

	if (!map_is_zeroed(entry) || !covers_superpage(entry, va))
		return KERN_INVALID_ARGUMENT;
	leaf = pmap_make(&map->pmap, va, 1, 0);
	if (leaf == NULL || *leaf != 0 ||
	    !superpage_start(fresh, entry->end - entry->start))
		return KERN_INVALID_ARGUMENT;
	if (!superpage_is_ready(fresh))
		return KERN_OPERATION_TIMED_OUT;
	if (!pmap_can_pay(&map->pmap, PTE_COUNT, 0))
		return KERN_RESOURCE_SHORTAGE;
	superpage_comes(&map->pmap, va);
	leaf_set(leaf,
	    pte_make(page_pa(fresh->block), fresh_rights(entry, access)),
	    access);
	fresh->block = NULL;
	map->pmap.odd = true;
	*leafp = leaf;
	return KERN_SUCCESS;
}

/* The leaf for @va where there is no leaf table: a superpage, or one in a table
 * made for it. */
static never_inline kern_return_t
leaf_make(struct map *map, const struct map_entry *entry, uaddr_t va,
    unsigned access, struct superpage *fresh, pte_t **leafp)
{
	pte_t *leaf = pmap_superpage(&map->pmap, va);
	bool all = covers_superpage(entry, va);
	kern_return_t kr;

	/* Rights are given to all of it, or it is split. */
	if (leaf != NULL && all &&
	    (access != VM_PROT_WRITE ||
		superpage_is_sole(page_of(pte_pa(*leaf))))) {
		*leafp = leaf;
		return KERN_SUCCESS;
	}
	if (leaf == NULL && fresh != NULL) {
		kr = fill_superpage(map, entry, va, access, fresh, leafp);
		if (kr == KERN_SUCCESS || kr == KERN_OPERATION_TIMED_OUT)
			return kr;
	}
	*leafp = pmap_make(
	    &map->pmap, va, 0, all && (entry->prot & VM_PROT_READ) ? PTE_R : 0);
	return *leafp != NULL ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
}

/* ---- one fault ---- */

/*
 * Make the leaf of @va allow @access, as far as the map does.  The map's lock
 * is held, and *@leafp is good for as long.
 */
static kern_return_t
fault_locked(struct map *map, uaddr_t va, unsigned access,
    struct superpage *fresh, pte_t **leafp)
{
	struct map_entry *entry = map_find(map, va);
	kern_return_t kr;
	uint64_t stop;
	pte_t *leaf;

	if (unlikely(entry == NULL || va < entry->start))
		return KERN_INVALID_ADDRESS;
	if (unlikely(!entry_allows(entry, access)))
		return KERN_PROTECTION_FAILURE;
	leaf = pmap_leaves(&map->pmap, va, &stop);
	if (unlikely(leaf == NULL)) {
		kr = leaf_make(map, entry, va, access, fresh, &leaf);
		if (kr != KERN_SUCCESS)
			return kr;
	}
	*leafp = leaf;
	if (*leaf == 0) {
		if (map_is_zeroed(entry))
			return fill_zero(map, entry, va, leaf, access);
		if (entry->kind == MAP_ANONYMOUS)
			return fill_backed(map, entry, va, leaf, access);
		if (entry->kind == MAP_OBJECT)
			return fill_object(map, entry, va, leaf, access);
		fill_window(entry, va, leaf, access);
		return KERN_SUCCESS;
	}
	if (*leaf & access_bit(access)) {
		/* The hart's translation is older than the entry. */
		if (pmap_is_current(&map->pmap))
			pmap_fence_page(va);
		return KERN_SUCCESS;
	}
	return add_right(map, entry, va, leaf, access);
}

/* Is the page of @leaf where the page at @va of a superpage would be? */
static inline bool
may_join(const pte_t *leaf, uaddr_t va)
{
	return ((pte_pa(*leaf) ^ va) & (SUPERPAGE_SIZE - 1)) == 0;
}

/*
 * Make one superpage of pages again, if they have become equal.  All are looked
 * at only when both ends of their table are like the one that came last.
 */
static never_inline void
try_join(struct map *map, uaddr_t va, const pte_t *leaf)
{
	const struct map_entry *entry = map_find(map, va);
	const pte_t *table = leaf - pt_index(va, 0);
	pte_t first = *leaf - pte_make(va & (SUPERPAGE_SIZE - 1), 0);

	if (entry->kind != MAP_ANONYMOUS || !covers_superpage(entry, va) ||
	    pmap_superpage(&map->pmap, va) != NULL)
		return;
	if (table[0] == first &&
	    table[PTE_COUNT - 1] ==
		first + pte_make(SUPERPAGE_SIZE - PAGE_SIZE, 0))
		pmap_join(&map->pmap, va);
}

kern_return_t
map_fault(
    struct map *map, uaddr_t address, unsigned access, struct superpage *fresh)
{
	uaddr_t va = page_floor(address);
	kern_return_t kr;
	pte_t *leaf;

	spin_lock(&map->lock);
	kr = fault_locked(map, va, access, fresh, &leaf);
	if (kr == KERN_SUCCESS && fresh != NULL && unlikely(may_join(leaf, va)))
		try_join(map, va, leaf);
	spin_unlock(&map->lock);
	if (kr == KERN_OPERATION_TIMED_OUT)
		superpage_zero_step(fresh);
	return kr;
}

/* ---- copies between the kernel and any task ---- */

/*
 * The kernel's address of the page at @va, with @access allowed.  The map's
 * lock is held, and keeps the page where it is.
 */
static kern_return_t
page_for(struct map *map, uaddr_t va, unsigned access, char **bytesp)
{
	pte_t *leaf;
	kern_return_t kr = fault_locked(map, va, access, NULL, &leaf);

	if (kr != KERN_SUCCESS)
		return kr;
	/* A device's registers are no memory, and not in the direct map. */
	if (*leaf & PTE_FOREIGN)
		return KERN_PROTECTION_FAILURE;
	*bytesp = pa_to_va(pte_pa(*leaf));
	/* In a superpage, it is some way in. */
	if (leaf == pmap_superpage(&map->pmap, va))
		*bytesp += va & (SUPERPAGE_SIZE - 1);
	return KERN_SUCCESS;
}

/* One page's worth of a copy, at most up to its end. */
static kern_return_t
copy_piece(
    struct map *map, uaddr_t address, void *to, const void *from, uint64_t size)
{
	uint64_t offset = address & PAGE_MASK;
	unsigned access = to == NULL ? VM_PROT_WRITE : VM_PROT_READ;
	kern_return_t kr;
	char *page;

	spin_lock(&map->lock);
	kr = page_for(map, address - offset, access, &page);
	if (kr == KERN_SUCCESS) {
		if (to == NULL)
			memcpy(page + offset, from, size);
		else
			memcpy(to, page + offset, size);
	}
	spin_unlock(&map->lock);
	return kr;
}

static uint64_t
piece_size(uaddr_t address, uint64_t size)
{
	return min_u64(size, PAGE_SIZE - (address & PAGE_MASK));
}

kern_return_t
map_copy_to(struct map *map, uaddr_t to, const void *from, uint64_t size)
{
	const char *bytes = from;

	while (size > 0) {
		uint64_t piece = piece_size(to, size);
		kern_return_t kr = copy_piece(map, to, NULL, bytes, piece);

		if (kr != KERN_SUCCESS)
			return kr;
		to += piece;
		bytes += piece;
		size -= piece;
	}
	return KERN_SUCCESS;
}

kern_return_t
map_copy_from(struct map *map, void *to, uaddr_t from, uint64_t size)
{
	char *bytes = to;

	while (size > 0) {
		uint64_t piece = piece_size(from, size);
		kern_return_t kr = copy_piece(map, from, bytes, NULL, piece);

		if (kr != KERN_SUCCESS)
			return kr;
		from += piece;
		bytes += piece;
		size -= piece;
	}
	return KERN_SUCCESS;
}
