/*
 * transfer.c: take memory out of one map, put it into another.
 *
 * The pages of a transfer, by address, and the runs of slots that stand for
 * them:
 *
 *	start     inner_start                       inner_end     end
 *	| copied |   pages   | tables | ... |   pages   | copied |
 *	|<------ run 0 ----->|<- 1 -->|     |<----- last run --->|
 *
 * The inner part travels as it is; the pages around it (the ragged ends, or
 * all of a region that is cheaper to copy) are fresh copies.
 *
 * Two ways to take the inner part:
 *
 *  move   (deallocate) The entries leave the sender's tables, in one step under
 *	   the map's lock: a leaf table or a middle table is one entry, so the
 *	   work is at most 5 runs of 511 slots.
 *  share  (both keep it) Page by page, in steps: the sender's leaf loses W, the
 *	   slot names the page too.  Where a slot stands for a whole table, a new
 *	   table is built.  A region that has to leave the sender but cannot be
 *	   moved (executable pages, whose leaves allow too much; too many map
 *	   entries) is shared and then removed.
 *
 * The order that keeps the receiver's copy still: entries are changed, then
 * pmap_retire() makes every hart drop what it held, then the map is unlocked.
 * Only after that can the message with the transfer in it be queued.
 */
#include "vm/transfer.h"

#include <arch/pmap.h>
#include <arch/usercopy.h>

#include "kernel/kassert.h"
#include "kernel/ktrace.h"
#include "kernel/string.h"
#include "kernel/zone.h"
#include "vm/map_range.h"
#include "vm/map_tree.h"
#include "vm/page.h"

/*
 * Up to how many bytes a region that stays with the sender is copied rather
 * than shared, that is, write-protected.  In cycles of a measured core, a copy
 * costs 0.33 per byte, 0.5 with the receiver's misses; sharing costs the
 * invalidation and what has to be filled again after it:
 *	300 to 750	a retired ASID: less than any whole page's copy
 *	1 400 to 2 750	a full fence (no ASIDs)
 *	3 200 more	when another hart is in the space, by way of firmware
 */
#define COPY_MAX_RETIRE 2048
#define COPY_MAX_FENCE	5120
#define COPY_MAX_REMOTE 10240

/* Map entries that a move looks at under the lock; more: shared in steps. */
#define MOVE_ENTRIES 32

/* Pages shared or freed in one step. */
#define STEP_PAGES PMAP_STEP
/* What a page copied in such a step counts for. */
#define STEP_COPY 12

#define RUNS_MAX  7
#define FEW_SLOTS 16 /* kept in the struct itself */

enum phase {
	TAKING,	  /* sharing has got to @next */
	REMOVING, /* taking it from the sender has got to @next */
	FAILED,	  /* with @failure; being destroyed */
	WHOLE,
};

/* @count entries of @level, from @va on, in the slots from @first on. */
struct run {
	uaddr_t va;
	uint32_t first;
	uint32_t count;
	unsigned level;
};

/* Belongs to whoever holds the message; no lock. */
struct transfer {
	uaddr_t address;    /* I: of the first byte, at the sender */
	uint64_t size;	    /* I: bytes sent */
	uaddr_t start, end; /* I: the pages around them */
	uaddr_t inner_start, inner_end; /* I: the pages not copied */
	struct run run[RUNS_MAX];	/* I */
	uint32_t run_count;		/* I */
	uint32_t slot_count;		/* I: but falls while it is destroyed */
	uint32_t slots_made;		/* I: room at @slots */
	unsigned level;			/* I: of its largest unit */
	enum phase phase;
	kern_return_t failure;
	uaddr_t next;
	pte_t *slots; /* I: @few, or kmem_alloc()ed */
	pte_t few[FEW_SLOTS];
};

static struct zone transfer_zone;

void
transfer_zone_init(void)
{
	zone_init(&transfer_zone, "transfer", sizeof(struct transfer), 0);
}

uint64_t
transfer_size(const struct transfer *transfer)
{
	return transfer != NULL ? transfer->size : 0;
}

/* ---- layout ---- */

static uint64_t
span_floor(uint64_t va, unsigned level)
{
	return va & ~(pt_span(level) - 1);
}

static uint64_t
span_ceil(uint64_t va, unsigned level)
{
	return span_floor(va + pt_span(level) - 1, level);
}

static void
add_run(struct transfer *transfer, uint64_t va, uint64_t end, unsigned level)
{
	struct run *last = &transfer->run[transfer->run_count];
	uint32_t count = (uint32_t)((end - va) >> (PAGE_SHIFT + 9 * level));

	if (va >= end)
		return;
	if (transfer->run_count > 0 && last[-1].level == level) {
		last[-1].count += count;
	} else {
		*last = (struct run){.va = va,
		    .first = transfer->slot_count,
		    .count = count,
		    .level = level};
		transfer->run_count++;
	}
	transfer->slot_count += count;
	if (level > transfer->level)
		transfer->level = level;
}

/* Divide the transfer into the largest units that lie wholly inside. */
static void
lay_out(struct transfer *transfer)
{
	uint64_t start = transfer->inner_start, end = transfer->inner_end;
	uint64_t tables = span_ceil(start, 1), tables_end = span_floor(end, 1);
	uint64_t middles, middles_end;

	if (tables >= tables_end)
		tables = tables_end = end;
	middles = span_ceil(tables, 2);
	middles_end = span_floor(tables_end, 2);
	if (middles >= middles_end)
		middles = middles_end = tables_end;

	add_run(transfer, transfer->start, tables, 0);
	add_run(transfer, tables, middles, 1);
	add_run(transfer, middles, middles_end, 2);
	add_run(transfer, middles_end, tables_end, 1);
	add_run(transfer, tables_end, transfer->end, 0);
}

/* Which pages travel as they are; all others are copied. */
static void
choose_inner(struct transfer *transfer, uint64_t copy_max)
{
	transfer->inner_start = page_ceil(transfer->address);
	transfer->inner_end = page_floor(transfer->address + transfer->size);
	if (transfer->inner_start >= transfer->inner_end ||
	    transfer->size <= copy_max)
		transfer->inner_start = transfer->inner_end = transfer->end;
}

static struct transfer *
transfer_create(uaddr_t address, uint64_t size, uint64_t copy_max)
{
	struct transfer *transfer = zone_alloc(&transfer_zone);
	size_t bytes;

	if (transfer == NULL)
		return NULL;
	transfer->address = address;
	transfer->size = size;
	transfer->start = page_floor(address);
	transfer->end = page_ceil(address + size);
	transfer->run_count = 0;
	transfer->slot_count = 0;
	transfer->level = 0;
	transfer->phase = TAKING;
	choose_inner(transfer, copy_max);
	lay_out(transfer);
	transfer->next = transfer->inner_start;

	transfer->slots = transfer->few;
	transfer->slots_made = transfer->slot_count;
	bytes = transfer->slot_count * sizeof(pte_t);
	if (transfer->slot_count > FEW_SLOTS) {
		transfer->slots = kmem_alloc(bytes);
		if (transfer->slots == NULL) {
			zone_free(&transfer_zone, transfer);
			return NULL;
		}
	}
	memset(transfer->slots, 0, bytes);
	return transfer;
}

/* Its slots stand for nothing any more. */
static void
transfer_free(struct transfer *transfer)
{
	if (transfer->slots != transfer->few)
		kmem_free(
		    transfer->slots, transfer->slots_made * sizeof(pte_t));
	zone_free(&transfer_zone, transfer);
}

/* ---- slots ---- */

/* The table that @entry, of a table at @level, points to; made if @make. */
static pte_t *
slot_table(pte_t *entry, pte_t *middle, bool make)
{
	pte_t *table;

	if (*entry != 0)
		return pte_table(*entry);
	table = make ? pmap_table_alloc() : NULL;
	if (table == NULL)
		return NULL;
	*entry = pte_of_table(table);
	if (middle != NULL)
		page_of(va_to_pa(middle))->tables++;
	return table;
}

/*
 * The leaf for @va in the slots, or in the tables that hang there.  Up to the
 * next 2 MiB boundary, and within the transfer, leaves stand in a row.
 * NULL: there is none, or no memory to @make it.
 */
static pte_t *
leaf_of(const struct transfer *transfer, uaddr_t va, bool make)
{
	const struct run *run = transfer->run;
	pte_t *middle = NULL;
	pte_t *entry;

	while (va - run->va >= run->count * pt_span(run->level))
		run++;
	entry =
	    &transfer->slots[run->first +
			     ((va - run->va) >> (PAGE_SHIFT + 9 * run->level))];
	for (unsigned level = run->level; level > 0; level--) {
		pte_t *table = slot_table(entry, middle, make);

		if (table == NULL)
			return NULL;
		middle = table;
		entry = &table[pt_index(va, level - 1)];
	}
	return entry;
}

/* ---- copying ---- */

/*
 * A fresh page for the one at @va: the bytes of the region that lie in it,
 * from user memory or (@kernel not NULL) from the kernel's, and zeros around.
 */
static kern_return_t
copy_page_in(struct transfer *transfer, uaddr_t va, const char *kernel)
{
	uint64_t from = max_u64(va, transfer->address);
	uint64_t end =
	    min_u64(va + PAGE_SIZE, transfer->address + transfer->size);
	pte_t *leaf = leaf_of(transfer, va, true);
	struct page *page = leaf != NULL ? page_alloc(0) : NULL;
	kern_return_t kr = KERN_SUCCESS;
	char *bytes;

	if (page == NULL)
		return KERN_RESOURCE_SHORTAGE;
	bytes = page_va(page);
	memset(bytes, 0, from - va);
	memset(bytes + (end - va), 0, va + PAGE_SIZE - end);
	if (kernel != NULL)
		memcpy(bytes + (from - va), kernel + (from - transfer->address),
		    end - from);
	else
		kr = copyin(bytes + (from - va), from, end - from);
	if (kr != KERN_SUCCESS) {
		page_free(page);
		return kr;
	}
	*leaf = pte_make(page_pa(page), pte_protection(VM_PROT_DEFAULT));
	return KERN_SUCCESS;
}

/* All pages outside the inner part. */
static kern_return_t
copy_outer(struct transfer *transfer, const char *kernel)
{
	uaddr_t va = transfer->start;
	kern_return_t kr = KERN_SUCCESS;

	while (kr == KERN_SUCCESS && va < transfer->end) {
		if (va == transfer->inner_start && va < transfer->inner_end) {
			va = transfer->inner_end;
			continue;
		}
		kr = copy_page_in(transfer, va, kernel);
		va += PAGE_SIZE;
	}
	return kr;
}

static uint64_t
copy_max(const struct map *map)
{
	if (pmap_runs_elsewhere(&map->pmap))
		return COPY_MAX_REMOTE;
	return pmap_asid_bits != 0 ? COPY_MAX_RETIRE : COPY_MAX_FENCE;
}

/* ---- moving ---- */

/*
 * Can whole tables of [@start, @end) change hands as they stand?  Not where a
 * leaf may allow execution, or belongs to a window.
 */
static bool
can_move(struct map *map, uint64_t start, uint64_t end)
{
	struct map_entry *entry = map_find(map, start);

	if (!map_covered(map, start, end, MOVE_ENTRIES))
		return false;
	for (; entry != NULL && entry->start < end;
	     entry = map_next(map, entry)) {
		if (entry->kind != MAP_ANONYMOUS ||
		    (entry->prot & VM_PROT_READ) == 0 ||
		    (entry->prot & VM_PROT_EXECUTE) != 0)
			return false;
	}
	return true;
}

/* Take all of it from the sender at once; the map is locked. */
static kern_return_t
move_locked(struct map *map, struct transfer *transfer)
{
	struct pmap *pmap = &map->pmap;
	struct pmap_hole hole;
	unsigned moved = 0;

	if (map_cut(map, transfer->start, transfer->end) != KERN_SUCCESS)
		return KERN_RESOURCE_SHORTAGE;

	/* ---- committed: nothing below can fail ---- */
	for (uint32_t i = 0; i < transfer->run_count; i++) {
		const struct run *run = &transfer->run[i];
		uint64_t end = run->va + run->count * pt_span(run->level);
		/* Copied pages have their slots already. */
		uaddr_t va = max_u64(run->va, transfer->inner_start);

		end = min_u64(end, transfer->inner_end);
		if (va < end)
			moved += pmap_unlink(pmap, va, run->level,
			    &transfer
				 ->slots[run->first +
					 ((va - run->va) >>
					     (PAGE_SHIFT + 9 * run->level))],
			    (unsigned)((end - va) >>
				       (PAGE_SHIFT + 9 * run->level)));
	}
	/* The originals of copied pages go, and tables left empty. */
	hole = map_hole(map, transfer->start);
	if (!pmap_remove(pmap, transfer->start, transfer->end, &hole) &&
	    moved > 0)
		pmap_retire(pmap);
	transfer->phase = WHOLE;
	return KERN_SUCCESS;
}

static bool
is_window(struct map *map, uaddr_t va)
{
	struct map_entry *entry = map_find(map, va);

	return entry != NULL && entry->kind == MAP_WINDOW;
}

/* KERN_SUCCESS, with the phase still TAKING: it has to be shared instead. */
static kern_return_t
try_move(struct map *map, struct transfer *transfer)
{
	kern_return_t kr = KERN_SUCCESS;

	spin_lock(&map->lock);
	if (can_move(map, transfer->start, transfer->end))
		kr = move_locked(map, transfer);
	else if (is_window(map, transfer->start) ||
		 is_window(map, transfer->end - 1))
		kr = KERN_PROTECTION_FAILURE;
	spin_unlock(&map->lock);
	return kr;
}

/* ---- sharing ---- */

/*
 * Let @slot name the page of @leaf too; neither allows writing any more.
 * Returns true when the sender's leaf lost that right.
 */
static bool
share_leaf(pte_t *leaf, pte_t *slot)
{
	pte_t pte = *leaf;

	page_get(page_of(pte_pa(pte)));
	*leaf = pte & ~PTE_W;
	*slot = pte & ~(PTE_W | PTE_X);
	if (!(pte & PTE_R))
		*slot &= ~PTE_V;
	return (pte & PTE_W) != 0;
}

/*
 * Share what one leaf table has from transfer->next up to @stop, as far as
 * @budget, in pages, goes.
 */
static kern_return_t
share_table(struct map *map, struct transfer *transfer, uint64_t stop,
    unsigned *budget, bool *changed)
{
	uint64_t table_end;
	pte_t *leaf = pmap_leaves(&map->pmap, transfer->next, &table_end);
	pte_t *slot;
	unsigned count;

	stop = min_u64(stop, table_end);
	if (leaf == NULL) {
		transfer->next = stop;
		(*budget)--;
		return KERN_SUCCESS;
	}
	slot = leaf_of(transfer, transfer->next, true);
	if (slot == NULL)
		return KERN_RESOURCE_SHORTAGE;
	count =
	    (unsigned)min_u64((stop - transfer->next) >> PAGE_SHIFT, *budget);
	for (unsigned i = 0; i < count; i++) {
		if (leaf[i] != 0 && share_leaf(&leaf[i], &slot[i]))
			*changed = true;
	}
	*budget -= count;
	transfer->next += (uint64_t)count << PAGE_SHIFT;
	return KERN_SUCCESS;
}

/*
 * Share as much as one step may.  *@windowp: the next page is a window's,
 * which has to be copied, without the lock.  The map is locked.
 */
static kern_return_t
share_locked(
    struct map *map, struct transfer *transfer, unsigned *budget, bool *windowp)
{
	bool changed = false;
	kern_return_t kr = KERN_SUCCESS;

	while (kr == KERN_SUCCESS && *budget > 0 &&
	       transfer->next < transfer->inner_end) {
		struct map_entry *entry = map_find(map, transfer->next);

		if (entry == NULL || entry->start > transfer->next) {
			kr = KERN_INVALID_ADDRESS;
		} else if ((entry->prot & VM_PROT_READ) == 0) {
			kr = KERN_PROTECTION_FAILURE;
		} else if (entry->kind == MAP_WINDOW) {
			*windowp = true;
			break;
		} else {
			kr = share_table(map, transfer,
			    min_u64(entry->end, transfer->inner_end), budget,
			    &changed);
		}
	}
	/* Other threads must not write what the transfer shares. */
	if (changed)
		pmap_retire(&map->pmap);
	return kr;
}

static kern_return_t
share_step(struct map *map, struct transfer *transfer, bool deallocate)
{
	unsigned budget = STEP_PAGES;
	kern_return_t kr;

	while (budget > 0 && transfer->next < transfer->inner_end) {
		bool window = false;

		spin_lock(&map->lock);
		kr = share_locked(map, transfer, &budget, &window);
		spin_unlock(&map->lock);
		if (kr != KERN_SUCCESS)
			return kr;
		if (!window)
			continue;
		if (deallocate)
			return KERN_PROTECTION_FAILURE;
		kr = copy_page_in(transfer, transfer->next, NULL);
		if (kr != KERN_SUCCESS)
			return kr;
		transfer->next += PAGE_SIZE;
		budget -= budget < STEP_COPY ? budget : STEP_COPY;
	}
	if (transfer->next < transfer->inner_end)
		return KERN_SUCCESS;
	transfer->phase = deallocate ? REMOVING : WHOLE;
	transfer->next = transfer->start;
	return KERN_SUCCESS;
}

/* What could not be moved was shared; now it leaves the sender. */
static kern_return_t
remove_step(struct map *map, struct transfer *transfer)
{
	kern_return_t kr;

	spin_lock(&map->lock);
	kr = map_remove_step(
	    map, transfer->next, transfer->end, &transfer->next);
	spin_unlock(&map->lock);
	if (kr != KERN_SUCCESS && transfer->next == transfer->start)
		return kr;
	/*
	 * Later steps start where the one before cut.  If one fails, another
	 * thread has meanwhile allocated around the rest: it stays with it.
	 */
	if (kr != KERN_SUCCESS || transfer->next >= transfer->end)
		transfer->phase = WHOLE;
	return KERN_SUCCESS;
}

/* ---- taking ---- */

static kern_return_t
take_begin(struct map *map, uaddr_t address, uint64_t size, bool deallocate,
    struct transfer **transferp)
{
	struct transfer *transfer;
	kern_return_t kr;

	if (!user_range_ok(address, size))
		return KERN_INVALID_ADDRESS;
	transfer =
	    transfer_create(address, size, deallocate ? 0 : copy_max(map));
	if (transfer == NULL)
		return KERN_RESOURCE_SHORTAGE;
	*transferp = transfer;
	kr = copy_outer(transfer, NULL);
	if (kr == KERN_SUCCESS && deallocate)
		kr = try_move(map, transfer);
	return kr;
}

static kern_return_t
take_step(struct map *map, struct transfer *transfer, bool deallocate)
{
	switch (transfer->phase) {
	case TAKING:
		return share_step(map, transfer, deallocate);
	case REMOVING:
		return remove_step(map, transfer);
	case FAILED:
	case WHOLE:
		break;
	}
	return KERN_SUCCESS;
}

/* Give back what was taken, in steps; then say why. */
static kern_return_t
fail_step(struct transfer **transferp)
{
	kern_return_t failure = (*transferp)->failure;

	if (transfer_destroy_step(*transferp))
		return KERN_OPERATION_TIMED_OUT;
	*transferp = NULL;
	return failure;
}

kern_return_t
transfer_take(struct map *map, uaddr_t address, uint64_t size, bool deallocate,
    struct transfer **transferp)
{
	kern_return_t kr = KERN_SUCCESS;

	if (size == 0)
		return KERN_SUCCESS;
	if (*transferp == NULL)
		kr = take_begin(map, address, size, deallocate, transferp);
	else if ((*transferp)->phase == FAILED)
		return fail_step(transferp);
	if (*transferp == NULL)
		return kr;
	if (kr == KERN_SUCCESS)
		kr = take_step(map, *transferp, deallocate);
	if (kr != KERN_SUCCESS) {
		(*transferp)->phase = FAILED;
		(*transferp)->failure = kr;
		return fail_step(transferp);
	}
	if ((*transferp)->phase != WHOLE)
		return KERN_OPERATION_TIMED_OUT;
	ktrace(KT_TRANSFER, size, (*transferp)->slot_count);
	return KERN_SUCCESS;
}

/* ---- kernel buffers ---- */

kern_return_t
transfer_from_kernel(
    const void *bytes, uint64_t size, struct transfer **transferp)
{
	struct transfer *transfer;
	kern_return_t kr;

	*transferp = NULL;
	if (size == 0)
		return KERN_SUCCESS;
	/* Any page-aligned address will do for one that is all copied. */
	transfer = transfer_create(PAGE_SIZE, size, UINT64_MAX);
	if (transfer == NULL)
		return KERN_RESOURCE_SHORTAGE;
	transfer->phase = WHOLE;
	kr = copy_outer(transfer, bytes);
	if (kr != KERN_SUCCESS) {
		transfer_destroy(transfer);
		return kr;
	}
	*transferp = transfer;
	return KERN_SUCCESS;
}

kern_return_t
transfer_to_kernel(const struct transfer *transfer, uint64_t offset,
    void *bytes, uint64_t size)
{
	char *to = bytes;
	uaddr_t at;

	if (offset > transfer_size(transfer) ||
	    size > transfer_size(transfer) - offset)
		return KERN_INVALID_ARGUMENT;
	if (size == 0)
		return KERN_SUCCESS;
	at = transfer->address + offset;
	while (size > 0) {
		uint64_t in_page = at & PAGE_MASK;
		uint64_t piece = min_u64(size, PAGE_SIZE - in_page);
		const pte_t *leaf = leaf_of(transfer, at, false);

		if (leaf == NULL || *leaf == 0)
			memset(to, 0, piece);
		else
			memcpy(to, (char *)pa_to_va(pte_pa(*leaf)) + in_page,
			    piece);
		at += piece;
		to += piece;
		size -= piece;
	}
	return KERN_SUCCESS;
}

/* ---- arriving ---- */

/* Make all tables that the entries will stand in. */
static bool
prepare_tables(const struct transfer *transfer, struct pmap *pmap, uaddr_t base)
{
	for (uint32_t i = 0; i < transfer->run_count; i++) {
		const struct run *run = &transfer->run[i];

		if (!pmap_prepare(pmap, base + (run->va - transfer->start),
			run->level, run->count))
			return false;
	}
	return true;
}

/* Enter it at @region, where nothing is; the map is locked. */
static kern_return_t
map_locked(const struct transfer *transfer, struct map *map,
    const struct map_entry *region)
{
	if (!prepare_tables(transfer, &map->pmap, region->start) ||
	    map_enter(map, region) != KERN_SUCCESS) {
		struct pmap_hole hole = map_hole(map, region->start);

		/* Tables that were made for it and are empty. */
		pmap_remove(&map->pmap, region->start, region->end, &hole);
		return KERN_RESOURCE_SHORTAGE;
	}

	/* ---- committed: nothing below can fail ---- */
	for (uint32_t i = 0; i < transfer->run_count; i++) {
		const struct run *run = &transfer->run[i];

		/* Nothing was valid here: no hart needs to be told. */
		pmap_link(&map->pmap,
		    region->start + (run->va - transfer->start), run->level,
		    &transfer->slots[run->first], run->count);
	}
	return KERN_SUCCESS;
}

kern_return_t
transfer_map(struct transfer *transfer, struct map *map, uaddr_t *addressp)
{
	struct map_entry region = {
	    .kind = MAP_ANONYMOUS,
	    .prot = VM_PROT_DEFAULT,
	    .max_prot = VM_PROT_ALL,
	    .inherit = VM_INHERIT_DEFAULT,
	};
	kern_return_t kr = KERN_NO_SPACE;
	uint64_t size;

	if (transfer == NULL) {
		*addressp = 0;
		return KERN_SUCCESS;
	}
	KASSERT(transfer->phase == WHOLE);
	size = transfer->end - transfer->start;
	spin_lock(&map->lock);
	if (map_tree_room(map, size, pt_span(transfer->level), transfer->start,
		&region.start)) {
		region.end = region.start + size;
		kr = map_locked(transfer, map, &region);
	}
	spin_unlock(&map->lock);
	if (kr != KERN_SUCCESS)
		return kr;
	*addressp = region.start + (transfer->address - transfer->start);
	transfer_free(transfer);
	return KERN_SUCCESS;
}

/* ---- destroying ---- */

/* Free what a leaf table holds, and the table; false: @budget ended. */
static bool
free_leaf_table(pte_t *table, unsigned *budget)
{
	for (unsigned i = 0; i < PTE_COUNT; i++) {
		if (table[i] == 0)
			continue;
		if (*budget == 0)
			return false;
		(*budget)--;
		pmap_leaf_free(table[i]);
		table[i] = 0;
	}
	pmap_table_free(table);
	return true;
}

static bool
free_middle_table(pte_t *table, unsigned *budget)
{
	for (unsigned i = 0; i < PTE_COUNT; i++) {
		if (table[i] == 0)
			continue;
		if (!free_leaf_table(pte_table(table[i]), budget))
			return false;
		table[i] = 0;
	}
	pmap_table_free(table);
	return true;
}

/* Free what one slot stands for; false: @budget ended before that. */
static bool
free_slot(pte_t slot, unsigned level, unsigned *budget)
{
	if (slot == 0)
		return true;
	if (level == 2)
		return free_middle_table(pte_table(slot), budget);
	if (level == 1)
		return free_leaf_table(pte_table(slot), budget);
	pmap_leaf_free(slot);
	(*budget)--;
	return true;
}

bool
transfer_destroy_step(struct transfer *transfer)
{
	unsigned budget = STEP_PAGES;

	if (transfer == NULL)
		return false;
	while (transfer->slot_count > 0) {
		const struct run *run = &transfer->run[transfer->run_count - 1];
		uint32_t last = transfer->slot_count - 1;

		if (budget == 0 ||
		    !free_slot(transfer->slots[last], run->level, &budget))
			return true;
		transfer->slot_count = last;
		if (last == run->first)
			transfer->run_count--;
	}
	transfer_free(transfer);
	return false;
}

void
transfer_destroy(struct transfer *transfer)
{
	while (transfer_destroy_step(transfer))
		continue;
}
