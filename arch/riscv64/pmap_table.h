/*
 * arch/riscv64/pmap_table.h: single tables, for pmap.c alone; see <arch/pmap.h>
 * for what is shared.
 */
#pragma once
#include <arch/pmap.h>

#define ROOT_LEVEL (PT_LEVELS - 1)

/* The end of the span of the entry at @level that covers @va. */
static inline uint64_t
pmap_span_end(uaddr_t va, unsigned level)
{
	return (va | (pt_span(level) - 1)) + 1;
}

/* How many tables hang below @middle. */
uint64_t *pmap_tables_below(const pte_t *middle);

/*
 * Make the table its own that @entry, of a table at @level, names and that is
 * shared.  Leaves keep of their rights what @keep says.  False: memory is
 * short.
 */
bool must_check pmap_table_own(pte_t *entry, unsigned level, pte_t keep);

/* Pages in the place of @superpage, which is given up; NULL: memory short. */
pte_t *pmap_table_of_superpage(pte_t superpage);

/* Give up a shared table of which an entry at @level spoke.  The last holder
 * gives up what it holds, in steps that are not his. */
void pmap_table_release(pte_t *table, unsigned level);
