/*
 * pmap_pass.c: entries straight from one space's tables into another's.
 *
 * Between the two stores that move an entry, and until the source is retired,
 * a hart may use the page in both spaces.  Nobody has been told of it in the
 * target yet, and while its map's lock is held nobody can free it there.
 */
#include "arch/riscv64/pmap_table.h"

unsigned
pmap_pass_shared(struct pmap *from, pte_t *source, struct pmap *to,
    pte_t *target, unsigned level, unsigned count)
{
	unsigned open = 0;

	atomic_thread_fence(memory_order_release);
	for (unsigned i = 0; i < count; i++)
		open += pmap_share_entry(&source[i], level, &target[i]);
	if (level > 0) {
		from->odd = true;
		to->odd = true;
	}
	return open;
}
