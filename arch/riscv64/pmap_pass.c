/*
 * pmap_pass.c: entries straight from one space's tables into another's.
 *
 * Between the two stores that move an entry, and until the source is retired,
 * a hart may use the page in both spaces.  Nobody has been told of it in the
 * target yet, and while its map's lock is held nobody can free it there.
 */
#include "arch/riscv64/pmap_table.h"

/* What came to @target went from @source. */
static void
count_passed(struct pmap *from, pte_t *source, struct pmap *to, pte_t *target,
    unsigned level, unsigned count)
{
	pmap_count_tables(from, source, level, target, count, -1);
	pmap_count_tables(to, target, level, target, count, 1);
	to->odd = true;
}

unsigned
pmap_pass(struct pmap *from, pte_t *source, struct pmap *to, pte_t *target,
    unsigned level, unsigned count)
{
	unsigned present = 0;

	/* What the entries name must be in memory before a walk finds it. */
	atomic_thread_fence(memory_order_release);
	for (unsigned i = 0; i < count; i++) {
		pte_t pte = source[i];

		source[i] = 0;
		target[i] = pte;
		present += pte != 0;
	}
	if (level > 0 && present > 0)
		count_passed(from, source, to, target, level, count);
	return present;
}

unsigned
pmap_pass_shared(struct pmap *from, pte_t *source, struct pmap *to,
    pte_t *target, unsigned level, unsigned count)
{
	unsigned open = 0;

	atomic_thread_fence(memory_order_release);
	for (unsigned i = 0; i < count; i++)
		open += pmap_share_entry(&source[i], level, &target[i]);
	if (level > 0) {
		pmap_count_tables(to, target, level, target, count, 1);
		from->odd = true;
		to->odd = true;
	}
	return open;
}
