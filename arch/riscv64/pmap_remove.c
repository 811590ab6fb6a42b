/*
 * pmap_remove.c: taking pages out of the tables and freeing them.
 *
 * Two passes over the entries, with the invalidation between them: the first
 * clears V, so that no walk passes; the second frees what the entries still
 * name, when no hart can reach it.
 */
#include "arch/riscv64/pmap_table.h"
#include "vm/page_count.h"

/* Does the whole span of that entry lie in @hole? */
static bool
span_in_hole(uaddr_t va, unsigned level, const struct pmap_hole *hole)
{
	uint64_t end = pmap_span_end(va, level);

	return end - pt_span(level) >= hole->start && end <= hole->end;
}

/* ---- removing, first pass: close the way ---- */

static bool
hide_leaves(pte_t *leaf, uint64_t count)
{
	pte_t seen = 0;

	for (; count > 0; count--, leaf++) {
		seen |= *leaf;
		*leaf &= ~PTE_V;
	}
	return seen != 0;
}

static bool
hide_leaf_tables(
    pte_t *middle, uaddr_t va, uint64_t end, const struct pmap_hole *hole)
{
	bool found = false;
	uint64_t stop;

	for (; va < end; va = stop) {
		pte_t *entry = &middle[pt_index(va, 1)];

		stop = pmap_span_end(va, 1);
		if (*entry == 0)
			continue;
		if (span_in_hole(va, 1, hole)) {
			*entry &= ~PTE_V;
			found = true;
		} else if (!pte_is_table(*entry)) {
			continue;
		} else if (hide_leaves(&pte_table(*entry)[pt_index(va, 0)],
			       (min_u64(stop, end) - va) >> PAGE_SHIFT)) {
			found = true;
		}
	}
	return found;
}

static bool
hide_range(
    struct pmap *pmap, uaddr_t va, uint64_t end, const struct pmap_hole *hole)
{
	bool found = false;
	uint64_t stop;

	for (; va < end; va = stop) {
		pte_t *entry = &pmap->root[pt_index(va, 2)];

		stop = pmap_span_end(va, 2);
		if (*entry == 0)
			continue;
		if (span_in_hole(va, 2, hole)) {
			*entry &= ~PTE_V;
			found = true;
		} else if (!pte_is_table(*entry)) {
			continue;
		} else if (hide_leaf_tables(pte_table(*entry), va,
			       min_u64(stop, end), hole)) {
			found = true;
		}
	}
	return found;
}

/* ---- second pass: free what is hidden ---- */

/* Returns how many pages there were, which are counted. */
static uint64_t
free_leaves(pte_t *leaf, uint64_t count)
{
	uint64_t pages = 0;

	for (; count > 0; count--, leaf++) {
		pte_t pte = *leaf;

		if (pte == 0)
			continue;
		*leaf = 0;
		pages += (pte & PTE_FOREIGN) == 0;
		pmap_leaf_free(pte, 0);
	}
	return pages;
}

/* The table that @entry, of a table at @level, named, is not ours any more. */
static void
release_shared(struct pmap *pmap, pte_t *entry, unsigned level)
{
	pte_t *table = pte_table(*entry);

	*entry = 0;
	pmap->table_count--;
	pmap->spare.pages += page_of_entry(table)->pages;
	if (level == ROOT_LEVEL)
		pmap->table_count -= *pmap_tables_below(table);
	pmap_table_release(table, level);
}

/* What @entry of @middle stands for, no table of its own, goes as a whole. */
static void
free_whole(struct pmap *pmap, pte_t *middle, pte_t *entry)
{
	pte_t pte = *entry;

	if (pte_is_page(pte)) {
		*entry = 0;
		page_of_entry(middle)->pages -= PTE_COUNT;
		pmap->spare.pages += PTE_COUNT;
		pmap_leaf_free(pte, 1);
	} else {
		(*pmap_tables_below(middle))--;
		page_of_entry(middle)->pages -= page_of(pte_pa(pte))->pages;
		release_shared(pmap, entry, 1);
	}
}

/* @middle is hidden itself, or each of its hidden entries is. */
static void
free_leaf_tables(struct pmap *pmap, pte_t *middle, uaddr_t va, uint64_t end,
    const struct pmap_hole *hole)
{
	uint64_t stop;

	for (; va < end; va = stop) {
		pte_t *entry = &middle[pt_index(va, 1)];
		pte_t *leaf_table;
		uint64_t pages;

		stop = pmap_span_end(va, 1);
		if (*entry == 0)
			continue;
		if (pte_is_page(*entry) || (*entry & PTE_SHARED)) {
			if (span_in_hole(va, 1, hole))
				free_whole(pmap, middle, entry);
			continue;
		}
		leaf_table = pte_table(*entry);
		pages = free_leaves(&leaf_table[pt_index(va, 0)],
		    (min_u64(stop, end) - va) >> PAGE_SHIFT);
		pages_go(pmap, va, leaf_table, pages);
		/* In the hole outside the range nothing was left. */
		if (!span_in_hole(va, 1, hole))
			continue;
		*entry = 0;
		(*pmap_tables_below(middle))--;
		pmap->table_count--;
		pmap_table_free(leaf_table);
	}
}

static void
free_range(
    struct pmap *pmap, uaddr_t va, uint64_t end, const struct pmap_hole *hole)
{
	uint64_t stop;

	for (; va < end; va = stop) {
		pte_t *entry = &pmap->root[pt_index(va, 2)];
		bool in_hole = span_in_hole(va, 2, hole);
		pte_t *middle;

		stop = pmap_span_end(va, 2);
		if (*entry == 0)
			continue;
		if (*entry & PTE_SHARED) {
			if (in_hole)
				release_shared(pmap, entry, 2);
			continue;
		}
		middle = pte_table(*entry);
		free_leaf_tables(pmap, middle, va, min_u64(stop, end), hole);
		/* In the hole; but another range may have tables in it. */
		if (!in_hole || *pmap_tables_below(middle) != 0)
			continue;
		*entry = 0;
		pmap->table_count--;
		pmap_table_free(middle);
	}
}

/* The same, and who paid for what is freed pays no more. */
static void
free_paid(
    struct pmap *pmap, uaddr_t va, uint64_t end, const struct pmap_hole *hole)
{
	uint64_t tables = pmap->table_count;

	free_range(pmap, va, end, hole);
	pmap->spare.tables += tables - pmap->table_count;
	pmap_settle(pmap);
}

bool
pmap_remove(struct pmap *pmap, uaddr_t start, uint64_t end,
    const struct pmap_hole *hole)
{
	if (!hide_range(pmap, start, end, hole))
		return false;
	pmap_retire(pmap);
	free_paid(pmap, start, end, hole);
	return true;
}

void
pmap_remove_ends(struct pmap *pmap, uaddr_t start, uint64_t end,
    const struct pmap_hole *hole, bool must_retire)
{
	/* Two ends in one table go together, for the table goes with them. */
	bool together = pmap_span_end(start, 1) >= end;
	uint64_t first_end = together ? end : start + PAGE_SIZE;
	uint64_t last_start = together ? end : end - PAGE_SIZE;
	bool first = hide_range(pmap, start, first_end, hole);
	bool last = hide_range(pmap, last_start, end, hole);

	if (first || last || must_retire)
		pmap_retire(pmap);
	if (first || last) {
		free_paid(pmap, start, first_end, hole);
		free_paid(pmap, last_start, end, hole);
	}
}
