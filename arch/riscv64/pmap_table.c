/*
 * pmap_table.c: the tables themselves: made, shared, made one's own, given up.
 */
#include "arch/riscv64/pmap_table.h"

#include "kernel/cpu.h"
#include "kernel/kassert.h"
#include "kernel/lock.h"
#include "kernel/reaper.h"
#include "kernel/string.h"
#include "vm/superpage.h"
#include "vm/swap.h"

static struct page *
page_of_table(const pte_t *table)
{
	return page_of(direct_to_pa(table));
}

uint64_t *
pmap_tables_below(const pte_t *middle)
{
	return &page_of_table(middle)->tables;
}

/* ---- life ---- */

pte_t *
pmap_table_alloc(void)
{
	struct cpu *cpu = this_cpu();
	struct page_cache *cache = &cpu->tables;
	unsigned colour = cpu->table_colour++ % PAGE_COLOURS;
	struct page *page;

	if (likely(cache->count > 0)) {
		page = page_cache_take(cache, colour);
	} else {
		page = page_alloc_coloured(colour);
		if (page == NULL)
			return NULL;
		page_zero(page_va(page));
	}
	page->tables = 0;
	page->pages = 0;
	cpu->table_balance++;
	return page_va(page);
}

void
pmap_table_free(pte_t *table)
{
	struct cpu *cpu = this_cpu();
	struct page_cache *cache = &cpu->tables;
	struct page *page = page_of_table(table);

	cpu->table_balance--;
	if (CONFIG_DEBUG) {
		KASSERT(page_is_sole(page));
		for (unsigned i = 0; i < PTE_COUNT; i++)
			KASSERT(table[i] == 0);
	}
	if (likely(cache->count < ARRAY_SIZE(cache->free)))
		cache->free[cache->count++] = page;
	else
		page_free(page);
}

/* ---- giving up ---- */

void
pmap_leaf_free(pte_t pte, unsigned level)
{
	struct page *page = page_of(pte_pa(pte));

	if (level > 0)
		superpage_put(page);
	else if (pte & PTE_SWAP)
		swap_put(pte_slot(pte));
	else if (!(pte & PTE_FOREIGN))
		page_put(page);
}

/*
 * Give up a reference to @table.  True: it was the last, and what the table
 * holds is the caller's, whose the one reference is that is left.
 */
static bool
let_go(pte_t *table)
{
	struct page *page = page_of_table(table);

	if (page_is_sole(page))
		return true;
	/* As in page_put(). */
	if (atomic_fetch_sub_explicit(&page->refs, 1, memory_order_acq_rel) !=
	    1)
		return false;
	atomic_store_explicit(&page->refs, 1, memory_order_relaxed);
	return true;
}

/* What looking through a table counts for, in pages that are freed. */
#define SCAN_COST 10

bool
pmap_slot_free(pte_t *slot, unsigned level, unsigned *budget)
{
	pte_t *table;

	if (*slot == 0)
		return true;
	if (*budget == 0)
		return false;
	if (pte_is_page(*slot)) {
		unsigned cost =
		    level == 0 ? 1 : superpage_put_cost(page_of(pte_pa(*slot)));

		*budget -= min_u64(*budget, cost);
		pmap_leaf_free(*slot, level);
		*slot = 0;
		return true;
	}
	table = pte_table(*slot);
	if (!let_go(table)) {
		(*budget)--;
		*slot = 0;
		return true;
	}
	*budget -= min_u64(*budget, SCAN_COST);
	/* No deeper than there are levels. */
	for (unsigned i = 0; i < PTE_COUNT; i++) {
		if (table[i] != 0 &&
		    !pmap_slot_free(&table[i], level - 1, budget))
			return false;
	}
	pmap_table_free(table);
	*slot = 0;
	return true;
}

/*
 * Tables whose last holder was removing something else: their pages are freed
 * in steps.  struct page's link is free, and its order says the level.
 */
#define ORPHAN_STEP 96

static bool orphans_step(struct reap_item *item);

static struct spinlock orphans_lock = SPINLOCK_INIT(LOCK_PMAP);
static struct list orphans = {&orphans, &orphans}; /* [orphans_lock] */
static bool orphans_reaped;			   /* [orphans_lock] */
static struct reap_item orphans_item = {.step = orphans_step};

/* The first of them, or NULL, and nobody is at work any more. */
static struct page *
first_orphan(void)
{
	struct page *page = NULL;

	spin_lock(&orphans_lock);
	if (list_empty(&orphans))
		orphans_reaped = false;
	else
		page = list_first(&orphans, struct page, link);
	spin_unlock(&orphans_lock);
	return page;
}

static bool
orphans_step(struct reap_item *item)
{
	struct page *page = first_orphan();
	unsigned budget = ORPHAN_STEP;
	pte_t slot;

	(void)item;
	if (page == NULL)
		return false;
	/* Nobody else takes any away. */
	slot = pte_of_table(page_va(page));
	spin_lock(&orphans_lock);
	list_remove(&page->link);
	spin_unlock(&orphans_lock);
	if (!pmap_slot_free(&slot, page->level, &budget)) {
		spin_lock(&orphans_lock);
		list_add_head(&orphans, &page->link);
		spin_unlock(&orphans_lock);
	}
	return true;
}

void
pmap_table_release(pte_t *table, unsigned level)
{
	struct page *page = page_of_table(table);
	bool idle;

	if (!let_go(table))
		return;
	page->level = (uint8_t)level;
	spin_lock(&orphans_lock);
	list_add_tail(&orphans, &page->link);
	idle = !orphans_reaped;
	orphans_reaped = true;
	spin_unlock(&orphans_lock);
	if (idle)
		reap_later(&orphans_item);
}

/* ---- making a shared table one's own ---- */

/* What is left of @pte, in a table that was shared: of its rights, @keep. */
static pte_t
tamed(pte_t pte, pte_t keep)
{
	if (pte == 0 || !pte_is_page(pte))
		return pte == 0 ? 0 : pte_shared(pte);
	pte &= ~(PTE_W | PTE_X);
	if (keep == 0 || (pte & PTE_R) == 0)
		pte &= ~(PTE_V | PTE_R);
	return pte;
}

void
pmap_entry_get(pte_t pte, unsigned level)
{
	if (pte & PTE_SWAP)
		swap_get(pte_slot(pte));
	else if (level > 0 && pte_is_page(pte))
		superpage_get(page_of(pte_pa(pte)));
	else
		page_get(page_of(pte_pa(pte)));
}

/* Who copied @table, of entries of @level, was its last holder: it ends, not
 * what it names, to which the copy has references. */
static void
drop_copied(pte_t *table, unsigned level)
{
	for (unsigned i = 0; i < PTE_COUNT; i++) {
		struct page *page = page_of(pte_pa(table[i]));

		if (table[i] == 0)
			continue;
		if (table[i] & PTE_SWAP)
			swap_put(pte_slot(table[i]));
		else if (level > 0 && pte_is_page(table[i]))
			superpage_put(page);
		else
			atomic_fetch_sub_explicit(
			    &page->refs, 1, memory_order_relaxed);
		table[i] = 0;
	}
	pmap_table_free(table);
}

static pte_t *
copy_table(pte_t *table, unsigned level, pte_t keep)
{
	pte_t *copy = pmap_table_alloc();

	if (copy == NULL)
		return NULL;
	for (unsigned i = 0; i < PTE_COUNT; i++) {
		if (table[i] == 0)
			continue;
		pmap_entry_get(table[i], level - 1);
		copy[i] = tamed(table[i], keep);
	}
	page_of_table(copy)->tables = page_of_table(table)->tables;
	page_of_table(copy)->pages = page_of_table(table)->pages;
	if (let_go(table))
		drop_copied(table, level - 1);
	return copy;
}

bool
pmap_table_own(pte_t *entry, unsigned level, pte_t keep)
{
	pte_t *table = pte_table(*entry);

	KASSERT(*entry & PTE_SHARED);
	if (page_is_sole(page_of_table(table))) {
		for (unsigned i = 0; i < PTE_COUNT; i++)
			table[i] = tamed(table[i], keep);
	} else {
		table = copy_table(table, level, keep);
		if (table == NULL)
			return false;
	}
	/* Its entries must be in memory before a walk can find them. */
	atomic_thread_fence(memory_order_release);
	*entry = pte_of_table(table);
	return true;
}

/* ---- in the place of a superpage, or in a slot ---- */

pte_t *
pmap_table_of_superpage(pte_t superpage)
{
	pte_t *table = pmap_table_alloc();

	if (table == NULL)
		return NULL;
	page_of_table(table)->pages = PTE_COUNT;
	superpage_break(page_of(pte_pa(superpage)));
	for (unsigned i = 0; i < PTE_COUNT; i++)
		table[i] = superpage + pte_make(i << PAGE_SHIFT, 0);
	return table;
}

/* Let the slot have a table, which is its own. */
static bool
slot_own(pte_t *slot, unsigned level)
{
	pte_t *table;

	if (*slot & PTE_SHARED)
		return pmap_table_own(slot, level, PTE_R);
	if (*slot != 0 && !pte_is_page(*slot))
		return true;
	table =
	    *slot == 0 ? pmap_table_alloc() : pmap_table_of_superpage(*slot);
	if (table == NULL)
		return false;
	*slot = pte_of_table(table);
	return true;
}

pte_t *
pmap_slot_make(pte_t *slot, unsigned level, uaddr_t va, unsigned to)
{
	for (; level > to; level--) {
		if (!slot_own(slot, level))
			return NULL;
		slot = &pte_table(*slot)[pt_index(va, level - 1)];
	}
	return slot;
}
