/*
 * pmap_pass.c: entries straight from one space's tables into another's.
 *
 * Between the two stores that move an entry, and until the source is retired,
 * a hart may use the page in both spaces.  Nobody has been told of it in the
 * target yet, and while its map's lock is held nobody can free it there.
 */
#include "arch/riscv64/pmap_table.h"

/* The tables below @entry's own are @tables more, or less. */
static void
add_below(pte_t *entry, uint64_t tables)
{
	*pmap_tables_below((pte_t *)((uintptr_t)entry & ~PAGE_MASK)) += tables;
}

void
pmap_count_passed(struct pmap *from, pte_t *source, struct pmap *to,
    pte_t *target, unsigned level, unsigned count)
{
	uint64_t tables = 0, below = 0;

	for (unsigned i = 0; i < count; i++) {
		pte_t pte = target[i];

		if (pte == 0 || pte_is_page(pte))
			continue;
		tables++;
		if (level > 1)
			below += *pmap_tables_below(pte_table(pte));
	}
	if (level == 1) {
		add_below(source, -tables);
		add_below(target, tables);
	}
	from->table_count -= tables + below;
	to->table_count += tables + below;
	to->odd = true;
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
