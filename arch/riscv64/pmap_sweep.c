/*
 * pmap_sweep.c: looking for pages that nobody uses; see <arch/pmap.h>.
 *
 * The hardware's A bit is not asked: many cores trap where it is clear instead
 * of setting it.  So a leaf that is to show whether it is used is closed, that
 * is, loses all its rights; and only one that has none gives up its page.
 */
#include "arch/riscv64/pmap_table.h"
#include "vm/page.h"
#include "vm/swap.h"

/* Entries looked at that making a table one's own counts for. */
#define OWN_COST 64

static void
close_leaf(pte_t *leaf, struct pmap_sweep *sweep, uint64_t pages)
{
	*leaf &= PTE_PPN_MASK | PTE_U | PTE_A;
	sweep->closed += pages;
}

/* Give the page of @leaf, which nobody can reach, to a slot, if it may be. */
static void
take_leaf(pte_t *leaf, struct pmap_sweep *sweep)
{
	uint32_t slot = swap_out(page_of(pte_pa(*leaf)));

	if (slot == 0)
		return;
	*leaf = pte_swapped(slot);
	sweep->taken++;
}

/* Leaves of one table; true: some hart may hold translations of old ones. */
static bool
sweep_leaves(pte_t *leaf, uint64_t count, struct pmap_sweep *sweep)
{
	bool closed = false;

	for (pte_t *end = leaf + count; leaf < end; leaf++) {
		if (*leaf == 0 || (*leaf & PTE_FOREIGN))
			continue;
		sweep->pages++;
		if (*leaf & PTE_SWAP)
			continue;
		if (*leaf & PTE_V) {
			close_leaf(leaf, sweep, 1);
			closed = true;
		} else {
			take_leaf(leaf, sweep);
		}
	}
	return closed;
}

/* The same of the superpage around @va, if there is one. */
static bool
sweep_superpage(struct pmap *pmap, uaddr_t va, struct pmap_sweep *sweep)
{
	pte_t *leaf = pmap_superpage(pmap, va);

	if (leaf == NULL)
		return false;
	sweep->pages += PTE_COUNT;
	if (!(*leaf & PTE_V))
		return false;
	close_leaf(leaf, sweep, PTE_COUNT);
	return true;
}

/* Split the superpage around @va, if it was closed before.  False: there is
 * none, or no memory for its table. */
static bool
split_superpage(struct pmap *pmap, uaddr_t va)
{
	pte_t *leaf = pmap_superpage(pmap, va);

	return leaf != NULL && !(*leaf & PTE_V) &&
	       pmap_make(pmap, va, 0, 0) != NULL;
}

/*
 * A table that others have too, or had, is closed as a whole.  It becomes this
 * space's own, so that its pages may go when the hand comes by again.  False:
 * it is none, or there is no memory.
 */
static bool
own_shared(struct pmap *pmap, uaddr_t va)
{
	pte_t pte = pmap->root[pt_index(va, 2)];

	if (pte_is_table(pte))
		pte = pte_table(pte)[pt_index(va, 1)];
	return (pte & (PTE_SHARED | PTE_U)) == PTE_SHARED && pmap_own(pmap, va);
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
		else if (leaf == NULL && own_shared(pmap, va))
			left -= min_u64(left, OWN_COST);
		stop = min_u64(stop, end);
		if (leaf != NULL) {
			count = min_u64((stop - va) >> PAGE_SHIFT, left);
			stop = va + (count << PAGE_SHIFT);
			closed |= sweep_leaves(leaf, count, sweep);
		} else {
			closed |= sweep_superpage(pmap, va, sweep);
		}
		sweep->looked += count;
		left -= min_u64(left, count);
		va = stop;
	}
	/* Who uses one of them from now on has to fault. */
	if (closed)
		pmap_retire(pmap);
	*vap = va;
	return va < end;
}
