/*
 * pmap_sweep.c: looking for pages that nobody uses; see <arch/pmap.h>.
 *
 * The hardware's A bit is not asked: many cores trap where it is clear instead
 * of setting it.  So a leaf that is to show whether it is used is closed, that
 * is, loses all its rights; and only one that has none gives up its page.
 */
#include "arch/riscv64/pmap_table.h"
#include "vm/superpage.h"
#include "vm/swap.h"

static void
close_leaf(pte_t *leaf, struct pmap_sweep *sweep, uint64_t pages)
{
	*leaf &= PTE_PPN_MASK | PTE_U | PTE_A;
	sweep->closed += pages;
}

/* Give the page of @leaf, which nobody can reach, to a slot.  False: there is
 * none. */
static bool
take_leaf(pte_t *leaf, struct pmap_sweep *sweep)
{
	struct page *page = page_of(pte_pa(*leaf));
	uint32_t slot;

	if (!page_is_sole(page))
		return true;
	slot = swap_out(page);
	if (slot == 0)
		return false;
	*leaf = pte_swapped(slot);
	sweep->taken++;
	return true;
}

/* Leaves of one table; true: some hart may hold translations of old ones. */
static bool
sweep_leaves(pte_t *leaf, uint64_t count, struct pmap_sweep *sweep)
{
	bool closed = false, slots = true;

	for (pte_t *end = leaf + count; leaf < end; leaf++) {
		if (*leaf == 0 || (*leaf & (PTE_SWAP | PTE_FOREIGN)))
			continue;
		if (*leaf & PTE_V) {
			close_leaf(leaf, sweep, 1);
			closed = true;
		} else if (slots) {
			slots = take_leaf(leaf, sweep);
		}
	}
	return closed;
}

/* The same of the superpage around @va, if there is one. */
static bool
sweep_superpage(struct pmap *pmap, uaddr_t va, struct pmap_sweep *sweep)
{
	pte_t *leaf = pmap_superpage(pmap, va);

	if (leaf == NULL || !(*leaf & PTE_V))
		return false;
	close_leaf(leaf, sweep, PTE_COUNT);
	return true;
}

/* Split the superpage around @va, if it was closed before.  False: there is
 * none, or others have it, or no memory for its table. */
static bool
split_superpage(struct pmap *pmap, uaddr_t va)
{
	pte_t *leaf = pmap_superpage(pmap, va);

	return leaf != NULL && !(*leaf & PTE_V) &&
	       superpage_is_sole(page_of(pte_pa(*leaf))) &&
	       pmap_make(pmap, va, 0, 0) != NULL;
}

bool
pmap_sweep_step(
    struct pmap *pmap, uaddr_t *vap, uint64_t end, struct pmap_sweep *sweep)
{
	uaddr_t va = *vap;
	uint64_t left = PMAP_STEP;
	bool closed = false;

	while (left > 0 && va < end) {
		uint64_t stop, count = 1;
		pte_t *leaf = pmap_leaves(pmap, va, &stop);

		if (leaf == NULL && split_superpage(pmap, va))
			leaf = pmap_leaves(pmap, va, &stop);
		stop = min_u64(stop, end);
		if (leaf != NULL) {
			count = min_u64((stop - va) >> PAGE_SHIFT, left);
			stop = va + (count << PAGE_SHIFT);
			closed |= sweep_leaves(leaf, count, sweep);
		} else {
			closed |= sweep_superpage(pmap, va, sweep);
		}
		sweep->looked += count;
		left -= count;
		va = stop;
	}
	/* Who uses one of them from now on has to fault. */
	if (closed)
		pmap_retire(pmap);
	*vap = va;
	return va < end;
}
