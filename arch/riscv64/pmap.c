/*
 * pmap.c: Sv39 tables of user space: find, make, restrict, and move whole runs
 * of entries.  Roots are in pmap_root.c, removing is in pmap_remove.c, single
 * tables in pmap_table.c, invalidation in tlb.c.
 *
 *	level 2      level 1            level 0
 *	root ------> middle table ----> leaf table ----> pages
 *	1 GiB each   2 MiB each         4 KiB each
 */
#include <arch/layout.h>
#include <arch/pmap.h>

#include "arch/riscv64/pmap_table.h"
#include "arch/riscv64/tlb.h"
#include "kernel/cpu.h"
#include "kernel/kassert.h"
#include "kernel/string.h"
#include "vm/page_count.h"
#include "vm/superpage.h"
#include "vm/swap.h"

#include <mach/vm_prot.h>

/* ---- one entry ---- */

pte_t
pte_protection(unsigned prot)
{
	pte_t pte = PTE_V | PTE_U | PTE_A;

	if (prot & VM_PROT_READ)
		pte |= PTE_R;
	if (prot & VM_PROT_WRITE)
		pte |= PTE_R | PTE_W | PTE_D; /* W without R is reserved */
	if (prot & VM_PROT_EXECUTE)
		pte |= PTE_X;
	return pte_is_leaf(pte) ? pte : 0;
}

pte_t *
pmap_find(const struct pmap *pmap, uaddr_t va, unsigned level)
{
	pte_t *table = pmap->root;

	for (unsigned at = ROOT_LEVEL; at > level; at--) {
		pte_t pte = table[pt_index(va, at)];

		if (pte == 0)
			return NULL;
		KASSERT(pte & PTE_V);
		table = pte_table(pte);
	}
	return &table[pt_index(va, level)];
}

/* The table that the entry at @level for @va is to point to. */
static pte_t *
table_make(struct pmap *pmap, pte_t *entry, unsigned level)
{
	pte_t *table;

	if (!pmap_can_pay(pmap, 0, 1))
		return NULL;
	table = pmap_table_alloc();
	if (table == NULL)
		return NULL;
	pmap->spare.tables--;
	pmap->table_count++;
	if (level < ROOT_LEVEL) {
		uintptr_t middle = (uintptr_t)entry & ~PAGE_MASK;

		(*pmap_tables_below((pte_t *)middle))++;
	}
	/* Its zeros must be in memory before a walk can find it. */
	atomic_thread_fence(memory_order_release);
	*entry = pte_of_table(table);
	return table;
}

/* Make pages of the superpage that @entry of a middle table maps. */
static pte_t *
split(struct pmap *pmap, pte_t *entry)
{
	pte_t superpage = *entry;
	pte_t *table;

	if (!pmap_can_pay(pmap, 0, 1))
		return NULL;
	table = pmap_table_of_superpage(superpage);
	if (table == NULL)
		return NULL;
	pmap->spare.tables--;
	pmap->table_count++;
	(*pmap_tables_below((pte_t *)((uintptr_t)entry & ~PAGE_MASK)))++;
	atomic_thread_fence(memory_order_release);
	*entry = pte_of_table(table);
	/* Or a hart could hold the superpage beside its pages. */
	if (superpage & PTE_V)
		pmap_retire(pmap);
	return table;
}

/*
 * The table that *@entry, not 0, of a table at @level stands for, this space's
 * own; or NULL.
 */
static pte_t *
table_own(struct pmap *pmap, pte_t *entry, unsigned level, pte_t keep)
{
	if (pte_is_page(*entry))
		return split(pmap, entry);
	if ((*entry & PTE_SHARED) && !pmap_table_own(entry, level, keep))
		return NULL;
	return pte_table(*entry);
}

pte_t *
pmap_make(struct pmap *pmap, uaddr_t va, unsigned level, pte_t keep)
{
	pte_t *table = pmap->root;

	for (unsigned at = ROOT_LEVEL; at > level; at--) {
		pte_t *entry = &table[pt_index(va, at)];

		if (likely(pte_is_table(*entry)))
			table = pte_table(*entry);
		else if (*entry == 0)
			table = table_make(pmap, entry, at);
		else
			table = table_own(pmap, entry, at, keep);
		if (unlikely(table == NULL))
			return NULL;
	}
	return &table[pt_index(va, level)];
}

bool
pmap_own(struct pmap *pmap, uaddr_t va)
{
	pte_t *table = pmap->root;

	for (unsigned level = ROOT_LEVEL; level > 0; level--) {
		pte_t *entry = &table[pt_index(va, level)];

		if (*entry == 0)
			return true;
		table = table_own(pmap, entry, level, 0);
		if (table == NULL)
			return false;
	}
	return true;
}

/* Own the tables whose spans reach across @at. */
static bool
own_across(struct pmap *pmap, uint64_t at)
{
	pte_t *table = pmap->root;

	for (unsigned level = ROOT_LEVEL; level > 0; level--) {
		pte_t *entry = &table[pt_index(at, level)];

		if ((at & (pt_span(level) - 1)) == 0 || *entry == 0)
			return true;
		table = table_own(pmap, entry, level, 0);
		if (table == NULL)
			return false;
	}
	return true;
}

bool
pmap_own_ends(struct pmap *pmap, uaddr_t start, uint64_t end)
{
	/* Most spaces never have anything that could be. */
	return likely(!pmap->odd) ||
	       (own_across(pmap, start) && own_across(pmap, end));
}

/* Are the pages of @table those of a block, with the same rights? */
static bool
is_block(const pte_t *table)
{
	pte_t first = table[0];

	if ((pte_pa(first) & (SUPERPAGE_SIZE - 1)) != 0)
		return false;
	for (unsigned i = PTE_COUNT - 1; i > 0; i--) {
		if (table[i] != first + pte_make(i << PAGE_SHIFT, 0))
			return false;
	}
	return true;
}

bool
pmap_join(struct pmap *pmap, uaddr_t va)
{
	pte_t *entry = pmap_find(pmap, va, 1);
	pte_t *table = pte_table(*entry);

	if (!is_block(table) || !superpage_join(page_of(pte_pa(table[0]))))
		return false;
	*entry = table[0];
	pmap->spare.tables++;
	pmap->table_count--;
	(*pmap_tables_below((pte_t *)((uintptr_t)entry & ~PAGE_MASK)))--;
	pmap->odd = true;
	/* No hart walks the table, or has its pages, when it is freed. */
	pmap_retire(pmap);
	memset(table, 0, PAGE_SIZE);
	pmap_table_free(table);
	return true;
}

/* ---- ranges ---- */

pte_t *
pmap_leaves(const struct pmap *pmap, uaddr_t va, uint64_t *stopp)
{
	pte_t pte = pmap->root[pt_index(va, 2)];

	if (!pte_is_table(pte)) {
		*stopp = pmap_span_end(va, 2);
		return NULL;
	}
	*stopp = pmap_span_end(va, 1);
	pte = pte_table(pte)[pt_index(va, 1)];
	return pte_is_table(pte) ? &pte_table(pte)[pt_index(va, 0)] : NULL;
}

pte_t *
pmap_superpage(const struct pmap *pmap, uaddr_t va)
{
	pte_t pte = pmap->root[pt_index(va, 2)];
	pte_t *entry;

	if (!pte_is_table(pte))
		return NULL;
	entry = &pte_table(pte)[pt_index(va, 1)];
	return pte_is_page(*entry) ? entry : NULL;
}

pte_t
pmap_look(const struct pmap *pmap, uaddr_t va)
{
	unsigned level = ROOT_LEVEL;
	pte_t pte = pmap->root[pt_index(va, level)];

	while (pte != 0 && !pte_is_page(pte))
		pte = pte_table(pte)[pt_index(va, --level)];
	if (level > 0 && pte != 0)
		pte += pte_make(page_floor(va & (pt_span(level) - 1)), 0);
	return pte;
}

/* Pages in the entries of one leaf table from @leaf on. */
static uint64_t
count_pages(const pte_t *leaf, uint64_t count)
{
	uint64_t pages = 0;

	for (uint64_t i = 0; i < count; i++)
		pages +=
		    leaf[i] != 0 && (leaf[i] & (PTE_FOREIGN | PTE_SWAP)) == 0;
	return pages;
}

bool
pmap_count_step(
    const struct pmap *pmap, uaddr_t *vap, uint64_t end, uint64_t *pagesp)
{
	uint64_t looked = 0;
	uaddr_t va = *vap;

	while (looked < PMAP_STEP && va < end) {
		pte_t pte = pmap->root[pt_index(va, 2)];
		uint64_t count = min_u64(
		    PTE_COUNT - pt_index(va, 0), (end - va) >> PAGE_SHIFT);

		looked++;
		if (pte == 0) {
			va = pmap_span_end(va, 2);
			continue;
		}
		pte = pte_table(pte)[pt_index(va, 1)];
		if (pte_is_page(pte)) {
			*pagesp += count;
		} else if (pte != 0) {
			*pagesp += count_pages(
			    &pte_table(pte)[pt_index(va, 0)], count);
			looked += count;
		}
		va = pmap_span_end(va, 1);
	}
	*vap = va;
	return va < end;
}

/* What is to be done about the superpage around @va, if there is one, where a
 * leaf table is not. */
static uint64_t
cost_of_superpage(const struct pmap *pmap, uaddr_t va)
{
	const pte_t *leaf = pmap_superpage(pmap, va);

	return leaf != NULL ? superpage_put_cost(page_of(pte_pa(*leaf))) : 1;
}

uint64_t
pmap_step_end(const struct pmap *pmap, uaddr_t start, uint64_t end)
{
	uint64_t left = PMAP_STEP;
	uint64_t stop;

	for (uaddr_t va = start; va < end; va = stop) {
		bool table = pmap_leaves(pmap, va, &stop) != NULL;
		uint64_t cost = table ? (min_u64(stop, end) - va) >> PAGE_SHIFT
				      : cost_of_superpage(pmap, va);

		if (cost > left)
			return table ? va + (left << PAGE_SHIFT) : va;
		left -= cost;
		if (left == 0)
			return min_u64(stop, end);
	}
	return end;
}

static bool
restrict_leaf(pte_t *leaf, pte_t lost)
{
	if ((*leaf & lost) == 0)
		return false;
	*leaf &= ~lost;
	if ((*leaf & (PTE_R | PTE_X)) == 0)
		*leaf &= ~PTE_V;
	return true;
}

bool
pmap_restrict(struct pmap *pmap, uint64_t start, uint64_t end, unsigned prot)
{
	const pte_t lost = (PTE_R | PTE_W | PTE_X) & ~pte_protection(prot);
	bool changed = false;
	uint64_t stop;

	for (uaddr_t va = start; va < end; va = stop) {
		pte_t *leaf = pmap_leaves(pmap, va, &stop);
		pte_t *superpage;

		if (leaf == NULL) {
			/* All of it: see pmap_own_ends(). */
			superpage = pmap_superpage(pmap, va);
			if (superpage != NULL && restrict_leaf(superpage, lost))
				changed = true;
			continue;
		}
		for (uint64_t left = (min_u64(stop, end) - va) >> PAGE_SHIFT;
		     left > 0; left--, leaf++) {
			if (restrict_leaf(leaf, lost))
				changed = true;
		}
	}
	if (changed)
		pmap_retire(pmap);
	return changed;
}

/* ---- runs of entries ---- */

/* Entries of @va's table at @level, from its own on, but at most @count. */
static unsigned
run_in_table(uaddr_t va, unsigned level, unsigned count)
{
	return (unsigned)min_u64(count, PTE_COUNT - pt_index(va, level));
}

/* What @slots weigh, @present of which are not 0. */
static struct pmap_weight
weight_of(const pte_t *slots, unsigned level, unsigned count, uint64_t present)
{
	struct pmap_weight weight = {.pages = present};

	if (level > 0) {
		weight.pages = 0;
		pmap_weigh(slots, level, count, &weight);
	}
	return weight;
}

/* Move @count entries from a table to @slots; how many were not 0. */
static uint64_t
entries_take(pte_t *entry, pte_t *slots, unsigned count)
{
	uint64_t present = 0;

	for (pte_t *end = entry + count; entry < end; entry++, slots++) {
		pte_t pte = *entry;

		*entry = 0;
		*slots = pte;
		present += pte != 0;
	}
	return present;
}

unsigned
pmap_unlink(
    struct pmap *pmap, uaddr_t va, unsigned level, pte_t *slots, unsigned count)
{
	unsigned total = 0;

	while (count > 0) {
		unsigned run = run_in_table(va, level, count);
		pte_t *entry = pmap_find(pmap, va, level);
		struct pmap_weight weight;
		unsigned present = 0;

		if (entry != NULL)
			present = (unsigned)entries_take(entry, slots, run);
		else
			memset(slots, 0, run * sizeof(*slots));
		if (present > 0) {
			weight = weight_of(slots, level, run, present);
			weight_goes(pmap, va, entry, level, &weight);
		}
		total += present;
		slots += run;
		count -= run;
		va += run * pt_span(level);
	}
	return total;
}

bool
pmap_share_entry(pte_t *entry, unsigned level, pte_t *slot)
{
	pte_t pte = *entry;

	*slot = pte;
	if (pte == 0)
		return false;
	pmap_entry_get(pte, level);
	if (level == 0 || pte_is_page(pte)) {
		*entry = pte & ~PTE_W;
		*slot = pte & ~(PTE_W | PTE_X);
		if (!(pte & PTE_R))
			*slot &= ~PTE_V;
		return (pte & PTE_W) != 0;
	}
	*entry = *slot = pte_shared(pte);
	return (pte & PTE_V) != 0;
}

uint64_t
pmap_share_pages(pte_t *leaf, pte_t *slot, unsigned count, bool *changedp)
{
	uint64_t pages = 0;
	pte_t rights = 0;

	for (const pte_t *end = leaf + count; leaf < end; leaf++, slot++) {
		pte_t pte = *leaf;

		*slot = 0;
		if (pte == 0)
			continue;
		if (unlikely(pte & PTE_SWAP))
			swap_get(pte_slot(pte));
		else
			page_get(page_of(pte_pa(pte)));
		pages++;
		rights |= pte;
		*leaf = pte & ~PTE_W;
		*slot = pte &
			~(pte & PTE_R ? PTE_W | PTE_X : PTE_W | PTE_X | PTE_V);
	}
	if (rights & PTE_W)
		*changedp = true;
	return pages;
}

unsigned
pmap_share(
    struct pmap *pmap, uaddr_t va, unsigned level, pte_t *slots, unsigned count)
{
	unsigned open = 0;

	pmap->odd = true;
	while (count > 0) {
		unsigned run = run_in_table(va, level, count);
		pte_t *entry = pmap_find(pmap, va, level);

		for (unsigned i = 0; i < run; i++) {
			if (entry == NULL)
				slots[i] = 0;
			else if (pmap_share_entry(&entry[i], level, &slots[i]))
				open++;
		}
		slots += run;
		count -= run;
		va += run * pt_span(level);
	}
	return open;
}

bool
pmap_prepare(struct pmap *pmap, uaddr_t va, unsigned level, unsigned count)
{
	while (count > 0) {
		unsigned run = run_in_table(va, level, count);

		if (pmap_make(pmap, va, level, 0) == NULL)
			return false;
		count -= run;
		va += run * pt_span(level);
	}
	return true;
}

void
pmap_link(struct pmap *pmap, uaddr_t va, unsigned level, const pte_t *slots,
    unsigned count)
{
	/* What the entries name must be in memory before a walk finds it. */
	atomic_thread_fence(memory_order_release);
	while (count > 0) {
		unsigned run = run_in_table(va, level, count);
		pte_t *entry = pmap_find(pmap, va, level);
		struct pmap_weight weight;
		uint64_t present = 0;

		for (unsigned i = 0; i < run; i++) {
			if (CONFIG_DEBUG)
				KASSERT(entry[i] == 0);
			entry[i] = slots[i];
			present += slots[i] != 0;
		}
		weight = weight_of(slots, level, run, present);
		weight_comes(pmap, va, entry, level, &weight);
		pmap->odd |= level > 0;
		slots += run;
		count -= run;
		va += run * pt_span(level);
	}
}
