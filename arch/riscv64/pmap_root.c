/* pmap_root.c: address spaces: their roots, and the kernel's half in each. */
#include <arch/pmap.h>

#include "arch/riscv64/tlb.h"
#include "kernel/kassert.h"

#define KERNEL_HALF (PTE_COUNT / 2) /* of a root: first entry of the kernel's */

struct pmap kernel_pmap;

/* Those entries of a root that the kernel has: few, which each root shows. */
static struct {
	unsigned count;
	uint16_t index[KERNEL_HALF];
} kernel_entries;

void
pmap_kernel_made(void)
{
	kernel_entries.count = 0;
	for (unsigned i = KERNEL_HALF; i < PTE_COUNT; i++)
		if (kernel_pmap.root[i] != 0)
			kernel_entries.index[kernel_entries.count++] =
			    (uint16_t)i;
}

void
pmap_show_kernel(pte_t *root)
{
	for (unsigned i = 0; i < kernel_entries.count; i++) {
		unsigned index = kernel_entries.index[i];

		root[index] = kernel_pmap.root[index];
	}
}

kern_return_t
pmap_init(struct pmap *pmap)
{
	pte_t *root = pmap_table_alloc();

	if (root == NULL)
		return KERN_RESOURCE_SHORTAGE;
	pmap_show_kernel(root);
	pmap->root = root;
	pmap->table_count = 0;
	pmap->spare = (struct pmap_weight){0};
	pmap->keep = PMAP_SPARE_PAGES;
	pmap->ledger = NULL;
	pmap->odd = false;
	tlb_add(pmap);
	return KERN_SUCCESS;
}

void
pmap_destroy(struct pmap *pmap)
{
	KASSERT(pmap->table_count == 0);
	KASSERT(!pmap_in_use(pmap));
	pmap_give_back_all(pmap);
	tlb_remove(pmap);
	for (unsigned i = 0; i < kernel_entries.count; i++)
		pmap->root[kernel_entries.index[i]] = 0;
	pmap_table_free(pmap->root);
}
