/*
 * share.c: parts of a map that others get to have too, or a copy of.
 *
 * A step concerns a part of one entry that lies under one leaf table, or where
 * there is none.  The map is locked for as long as a step takes; between steps
 * its threads may do what they like, for each step starts from the entries as
 * it finds them.
 */
#include "vm/share.h"

#include <arch/pmap.h>

#include "kernel/kassert.h"
#include "vm/map_range.h"
#include "vm/map_tree.h"
#include "vm/memory_wait.h"
#include "vm/object.h"
#include "vm/page_count.h"
#include "vm/snapshot.h"
#include "vm/swap.h"

/* Pages that one step looks at; and copies. */
#define STEP_PAGES  64
#define STEP_COPIES 8

/* ---- what private memory becomes part of ---- */

static kern_return_t
need_fresh(struct map_share *share)
{
	if (share->fresh != NULL)
		return KERN_SUCCESS;
	share->fresh =
	    object_create(share->from->ledger, share->end - share->next);
	share->fresh_base = share->next;
	return share->fresh != NULL ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
}

/* Let none of the pages be elsewhere. */
static kern_return_t
bring_in(pte_t *leaf, uint64_t count)
{
	kern_return_t kr = KERN_SUCCESS;

	for (; kr == KERN_SUCCESS && count > 0; count--, leaf++) {
		if (*leaf & PTE_SWAP)
			kr = swap_in(leaf);
	}
	return kr;
}

/* The tables of [@start, @end) that a step may see: *@leafp, up to *@stopp. */
static kern_return_t
find_leaves(struct map *map, uint64_t start, uint64_t end, pte_t **leafp,
    uint64_t *stopp)
{
	uint64_t stop;

	/* Of no other space, and no superpage. */
	if (!pmap_own(&map->pmap, start))
		return KERN_RESOURCE_SHORTAGE;
	*leafp = pmap_leaves(&map->pmap, start, &stop);
	*stopp = min_u64(stop, end);
	if (*leafp == NULL)
		return KERN_SUCCESS;
	*stopp = min_u64(*stopp, start + STEP_PAGES * PAGE_SIZE);
	return bring_in(*leafp, (*stopp - start) >> PAGE_SHIFT);
}

/* The end of a step in which all may have to be copied. */
static uint64_t
copies_end(uint64_t start, uint64_t end)
{
	return min_u64(end, start + STEP_COPIES * PAGE_SIZE);
}

static struct page *
copy_of(struct page *page)
{
	struct page *copy = page_alloc(0);

	if (copy != NULL)
		page_copy(page_va(copy), page_va(page));
	return copy;
}

/* ---- private memory becomes an object's ---- */

/* How many of @count leaves have a page. */
static uint64_t
count_pages(const pte_t *leaf, uint64_t count)
{
	uint64_t pages = 0;

	for (; count > 0; count--, leaf++)
		pages += *leaf != 0;
	return pages;
}

/* Wired memory stays where it is: what others have too gets a page of its own
 * while the old one can still be read. */
static kern_return_t
make_sole(struct map *map, pte_t *leaf, uint64_t count)
{
	for (; count > 0; count--, leaf++) {
		struct page *page = page_of(pte_pa(*leaf)), *own;

		if (*leaf == 0 || page_is_sole(page))
			continue;
		own = copy_of(page);
		if (own == NULL)
			return KERN_RESOURCE_SHORTAGE;
		/* The page must be in memory before a walk finds it. */
		atomic_thread_fence(memory_order_release);
		*leaf = pte_make(page_pa(own), *leaf & ~PTE_PPN_MASK);
		pmap_retire(&map->pmap);
		page_put(page);
	}
	return KERN_SUCCESS;
}

/* The pages of @leaf and those behind it are in @object from now on; *@gonep of
 * them are not mapped any more.  True: some translation is not to be used. */
static bool
move_pages(pte_t *leaf, uint64_t count, struct object *object, uint64_t offset,
    uint64_t *gonep)
{
	bool changed = false;

	*gonep = 0;

	for (; count > 0; count--, leaf++, offset += PAGE_SIZE) {
		pte_t pte = *leaf;
		struct page *page = page_of(pte_pa(pte));
		bool sole;

		if (pte == 0)
			continue;
		sole = page_is_sole(page);
		if (sole) {
			page_get(page);
		} else {
			/* The next to touch it has a page made that is the
			 * object's own; the leaf's reference moves. */
			*leaf = 0;
			(*gonep)++;
			changed |= (pte & PTE_V) != 0;
		}
		object_insert(object, offset, page, !sole);
	}
	return changed;
}

/* Let all of a first part of [@start, *@stopp) be there, if it does not begin
 * with zeros. */
static kern_return_t
bring_backed(struct map *map, const struct map_entry *entry, uint64_t start,
    uint64_t *stopp)
{
	unsigned budget = STEP_COPIES * SNAPSHOT_BRING;

	return map_is_backed(entry)
		   ? snapshot_bring(map, entry, start, stopp, &budget)
		   : KERN_SUCCESS;
}

/* Convert what is private of [@start, *@stopp), or a first part of it. */
static kern_return_t
convert(struct map_share *share, const struct map_entry *entry, uint64_t start,
    uint64_t *stopp)
{
	struct map *map = share->from;
	kern_return_t kr = need_fresh(share);
	uint64_t offset = start - share->fresh_base;
	bool wired = entry->wired > 0;
	uint64_t count, pages, gone;
	pte_t *leaf;

	if (kr == KERN_SUCCESS)
		kr = bring_backed(map, entry, start, stopp);
	if (kr == KERN_SUCCESS)
		kr = find_leaves(map, start, *stopp, &leaf, stopp);
	if (kr != KERN_SUCCESS)
		return kr;
	if (wired)
		*stopp = copies_end(start, *stopp);
	count = leaf != NULL ? (*stopp - start) >> PAGE_SHIFT : 0;
	if (wired)
		kr = make_sole(map, leaf, count);
	if (kr != KERN_SUCCESS)
		return kr;
	pages = count_pages(leaf, count);
	kr = object_prepare(
	    share->fresh, offset, offset + (count << PAGE_SHIFT), pages);
	if (kr != KERN_SUCCESS)
		return kr;
	kr = map_clip(map, start, *stopp);
	if (kr != KERN_SUCCESS) {
		object_unprepare(share->fresh, pages);
		return kr;
	}

	/* ---- committed: nothing below can fail ---- */
	if (move_pages(leaf, count, share->fresh, offset, &gone))
		pmap_retire(&map->pmap);
	if (gone > 0) {
		pages_go(&map->pmap, start, leaf, gone);
		pmap_settle(&map->pmap);
	}
	map_become_object(map, map_find(map, start), share->fresh, offset);
	return KERN_SUCCESS;
}

/* ---- copies ---- */

/* @leaf and those behind it share their pages with @object, copy-on-write. */
static bool
copy_leaves(pte_t *leaf, uint64_t count, struct object *object, uint64_t offset)
{
	bool changed = false;

	for (; count > 0; count--, leaf++, offset += PAGE_SIZE) {
		pte_t pte = *leaf;

		if (pte == 0)
			continue;
		page_get(page_of(pte_pa(pte)));
		*leaf = pte & ~PTE_W;
		changed |= (pte & PTE_W) != 0;
		object_insert(object, offset, page_of(pte_pa(pte)), true);
	}
	return changed;
}

/* The same of wired memory, whose pages stay writable: these are copied. */
static kern_return_t
copy_wired(pte_t *leaf, uint64_t count, struct object *object, uint64_t offset)
{
	for (; count > 0; count--, leaf++, offset += PAGE_SIZE) {
		struct page *copy;

		if (*leaf == 0)
			continue;
		copy = copy_of(page_of(pte_pa(*leaf)));
		if (copy == NULL) {
			object_unprepare(object, count_pages(leaf, count));
			return KERN_RESOURCE_SHORTAGE;
		}
		object_insert(object, offset, copy, true);
	}
	return KERN_SUCCESS;
}

static kern_return_t
copy_private(struct map_share *share, const struct map_entry *entry,
    uint64_t start, uint64_t *stopp)
{
	uint64_t offset = start - share->fresh_base;
	bool wired = entry->wired > 0;
	uint64_t count;
	pte_t *leaf;
	kern_return_t kr = bring_backed(share->from, entry, start, stopp);

	if (kr == KERN_SUCCESS)
		kr = find_leaves(share->from, start, *stopp, &leaf, stopp);
	if (kr != KERN_SUCCESS || leaf == NULL)
		return kr;
	if (wired)
		*stopp = copies_end(start, *stopp);
	count = (*stopp - start) >> PAGE_SHIFT;
	kr = object_prepare(share->fresh, offset,
	    offset + (count << PAGE_SHIFT), count_pages(leaf, count));
	if (kr == KERN_SUCCESS && wired)
		return copy_wired(leaf, count, share->fresh, offset);
	if (kr == KERN_SUCCESS &&
	    copy_leaves(leaf, count, share->fresh, offset))
		pmap_retire(&share->from->pmap);
	return kr;
}

/* Let @page, the caller's, be at @offset. */
static kern_return_t
insert_copy(struct object *object, uint64_t offset, struct page *page)
{
	kern_return_t kr =
	    object_prepare(object, offset, offset + PAGE_SIZE, 1);

	if (kr == KERN_SUCCESS)
		object_insert(object, offset, page, true);
	else
		page_put(page);
	return kr;
}

/* The same of an object's, which @entry maps. */
static kern_return_t
copy_object(struct map_share *share, const struct map_entry *entry,
    uint64_t start, uint64_t *stopp)
{
	uint64_t from = entry->window + (start - entry->start);
	uint64_t end = from + (*stopp - start);
	uint64_t to = start - share->fresh_base;
	kern_return_t kr = KERN_SUCCESS;

	for (unsigned left = STEP_COPIES; left > 0 && from < end; left--) {
		uint64_t next = object_absent_until(entry->object, from, end);
		struct page *page;

		if (next == from) {
			next = from + PAGE_SIZE;
			kr = object_copy_page(entry->object, from, &page);
			if (kr == KERN_SUCCESS && page != NULL)
				kr = insert_copy(share->fresh, to, page);
			if (kr != KERN_SUCCESS)
				break;
		}
		to += next - from;
		from = next;
	}
	if (to == start - share->fresh_base)
		return kr;
	/* What there was no memory for, or that is yet to come, is the next
	 * step's. */
	memory_wait_forget();
	*stopp = share->fresh_base + to;
	return KERN_SUCCESS;
}

/* ---- pieces ---- */

/* The part of @entry from @start to @end, as it would stand in another map. */
static struct map_entry
piece_of(const struct map_entry *entry, uint64_t start, uint64_t end)
{
	return (struct map_entry){
	    .start = start,
	    .end = end,
	    .window = entry->window + (start - entry->start),
	    .object = entry->object,
	    .kind = entry->kind,
	    .prot = entry->prot,
	    .max_prot = entry->max_prot,
	    .inherit = entry->inherit,
	    .behavior = entry->behavior,
	};
}

/* The entry that @share->next has come to, which is in it; or NULL. */
static struct map_entry *
next_entry(struct map_share *share)
{
	struct map_entry *entry = map_find(share->from, share->next);

	if (entry == NULL || entry->start >= share->end) {
		share->next = share->end;
		return NULL;
	}
	share->next = max_u64(share->next, entry->start);
	return entry;
}

static kern_return_t
share_locked(struct map_share *share, struct map_entry *piece)
{
	struct map_entry *entry = next_entry(share);
	uint64_t stop;

	*piece = (struct map_entry){.start = share->end, .end = share->end};
	if (entry == NULL)
		return KERN_SUCCESS;
	stop = min_u64(entry->end, share->end);
	if (entry->kind == MAP_ANONYMOUS) {
		kern_return_t kr = convert(share, entry, share->next, &stop);

		if (kr != KERN_SUCCESS)
			return kr;
		entry = map_find(share->from, share->next);
	}
	*piece = piece_of(entry, share->next, stop);
	if (piece->object != NULL)
		object_get(piece->object);
	share->next = stop;
	return KERN_SUCCESS;
}

static kern_return_t
copy_locked(struct map_share *share, struct map_entry *piece)
{
	struct map_entry *entry = next_entry(share);
	kern_return_t kr;
	uint64_t stop;

	*piece = (struct map_entry){.start = share->end, .end = share->end};
	if (entry == NULL)
		return KERN_SUCCESS;
	if (entry->kind == MAP_WINDOW)
		return KERN_PROTECTION_FAILURE;
	kr = need_fresh(share);
	if (kr != KERN_SUCCESS)
		return kr;
	stop = min_u64(entry->end, share->end);
	kr = entry->kind == MAP_OBJECT
		 ? copy_object(share, entry, share->next, &stop)
		 : copy_private(share, entry, share->next, &stop);
	if (kr != KERN_SUCCESS)
		return kr;
	*piece = piece_of(entry, share->next, stop);
	piece->kind = MAP_OBJECT;
	piece->object = object_get(share->fresh);
	piece->window = share->next - share->fresh_base;
	share->next = stop;
	return KERN_SUCCESS;
}

kern_return_t
map_share_piece(struct map_share *share, struct map_entry *piece)
{
	kern_return_t kr;

	spin_lock(&share->from->lock);
	kr = share_locked(share, piece);
	spin_unlock(&share->from->lock);
	return kr;
}

kern_return_t
map_copy_piece(struct map_share *share, struct map_entry *piece)
{
	kern_return_t kr;

	spin_lock(&share->from->lock);
	kr = copy_locked(share, piece);
	spin_unlock(&share->from->lock);
	return kr;
}

/* ---- a range of two maps ---- */

static kern_return_t
enter(struct map *map, const struct map_entry *piece)
{
	kern_return_t kr = KERN_NO_SPACE;
	struct map_entry *there;

	spin_lock(&map->lock);
	there = map_find(map, piece->start);
	if (there == NULL || there->start >= piece->end)
		kr = map_enter(map, piece);
	spin_unlock(&map->lock);
	return kr;
}

kern_return_t
map_share_step(struct map_share *share)
{
	struct map_entry piece;
	kern_return_t kr = map_share_piece(share, &piece);

	if (kr != KERN_SUCCESS)
		return kr;
	if (piece.start == piece.end)
		return KERN_SUCCESS;
	kr = enter(share->to, &piece);
	if (piece.object != NULL)
		object_put(piece.object);
	if (kr != KERN_SUCCESS) {
		share->next = piece.start;
		return kr;
	}
	return share->next < share->end ? KERN_OPERATION_TIMED_OUT
					: KERN_SUCCESS;
}

void
map_share_end(struct map_share *share)
{
	if (share->fresh != NULL)
		object_put(share->fresh);
	share->fresh = NULL;
}
