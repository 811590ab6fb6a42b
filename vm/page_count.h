/*
 * vm/page_count.h: how many pages hang in each page table, and who pays.
 *
 * Each table below a root counts the pages that hang there, in its struct page:
 * the pages of its own entries, or the sum of what its tables say.  So a table
 * changes hands with all that is below it, without being looked through.  A
 * page that is in a slot of page replacement counts; a window's does not.
 *
 * What a space has is charged to its ledger some pages ahead, and the rest is
 * its spare: whoever enters pages looks at that first (pmap_can_pay()), and
 * then only moves numbers, which cannot fail.  Who takes many away gives back
 * what is too much (pmap_settle()).
 *
 * The map's lock is held throughout.
 */
#pragma once
#include <arch/pmap.h>

#include "vm/page.h"

/* The table that @entry stands in. */
always_inline struct page *
page_of_entry(const pte_t *entry)
{
	return page_of(direct_to_pa(entry));
}

always_inline struct page *
page_of_middle(const struct pmap *pmap, uaddr_t va)
{
	return page_of(pte_pa(pmap->root[pt_index(va, PT_LEVELS - 1)]));
}

/* @count pages more are in the leaf table of @leaf, for @va. */
always_inline void
pages_come(struct pmap *pmap, uaddr_t va, const pte_t *leaf, uint64_t count)
{
	pmap->spare.pages -= count;
	page_of_entry(leaf)->pages += count;
	page_of_middle(pmap, va)->pages += count;
}

/* As many fewer. */
always_inline void
pages_go(struct pmap *pmap, uaddr_t va, const pte_t *leaf, uint64_t count)
{
	pages_come(pmap, va, leaf, -count);
}

/* The same, of one page that goes with what was charged for it. */
always_inline void
paid_page_goes(const struct pmap *pmap, uaddr_t va, const pte_t *leaf)
{
	page_of_entry(leaf)->pages--;
	page_of_middle(pmap, va)->pages--;
}

/* A superpage more is in the middle table for @va. */
always_inline void
superpage_comes(struct pmap *pmap, uaddr_t va)
{
	pmap->spare.pages -= PTE_COUNT;
	page_of_middle(pmap, va)->pages += PTE_COUNT;
}

/*
 * What weighs @weight is, from now on, in the table of @entry, of @level and
 * for @va; or is there no more.
 */
always_inline void
weight_comes(struct pmap *pmap, uaddr_t va, const pte_t *entry, unsigned level,
    const struct pmap_weight *weight)
{
	if (level == 0) {
		pages_come(pmap, va, entry, weight->pages);
		return;
	}
	pmap->spare.pages -= weight->pages;
	if (level == 1)
		page_of_entry(entry)->pages += weight->pages;
	if (weight->tables == 0)
		return;
	pmap->spare.tables -= weight->tables;
	pmap->table_count += weight->tables;
	if (level == 1)
		page_of_entry(entry)->tables += weight->tables;
}

always_inline void
weight_goes(struct pmap *pmap, uaddr_t va, const pte_t *entry, unsigned level,
    const struct pmap_weight *weight)
{
	struct pmap_weight less = {-weight->pages, -weight->tables};

	weight_comes(pmap, va, entry, level, &less);
}
