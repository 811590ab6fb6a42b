/*
 * boot_tables.c: the tables that paging is turned on with.
 *
 * This one function runs before paging, at physical addresses: it may use what
 * it can reach from the program counter, and no pointer that the linker
 * stored.
 */
#include <arch/layout.h>
#include <arch/pte.h>

#include "arch/riscv64/boot.h"

/* The tables of boot: the root, and the one of the image's gigabyte. */
alignas(4096) pte_t boot_root[PTE_COUNT];
alignas(4096) static pte_t boot_image[PTE_COUNT];

paddr_t kernel_image_pa;

#define KERNEL_LEAF (PTE_V | PTE_R | PTE_A | PTE_D | PTE_G)

/*
 * Map the image at IMAGE_BASE and, for reading the device tree, the gigabyte
 * in which it starts and the next one.
 *
 * @image, @tree: physical addresses.  Returns that of the root table.
 */
paddr_t
boot_tables(paddr_t image, paddr_t tree)
{
	const uint64_t rodata = (uint64_t)(__rodata_start - __kernel_start);
	const uint64_t data = (uint64_t)(__data_start - __kernel_start);
	const uint64_t end = (uint64_t)(__kernel_end - __kernel_start);
	paddr_t gigabyte = tree & ~(uint64_t)(GIGAPAGE_SIZE - 1);

	kernel_image_pa = image;
	for (uint64_t at = 0; at < end; at += SUPERPAGE_SIZE) {
		pte_t bits = KERNEL_LEAF;

		if (at < rodata)
			bits |= PTE_X;
		else if (at >= data)
			bits |= PTE_W;
		boot_image[pt_index(IMAGE_BASE + at, 1)] =
		    pte_make(image + at, bits);
	}
	boot_root[pt_index(IMAGE_BASE, 2)] =
	    pte_make((paddr_t)boot_image, PTE_V);
	for (unsigned i = 0; i < 2; i++, gigabyte += GIGAPAGE_SIZE) {
		if (gigabyte < DIRECT_SIZE)
			boot_root[pt_index(DIRECT_BASE + gigabyte, 2)] =
			    pte_make(gigabyte, KERNEL_LEAF);
	}
	return (paddr_t)boot_root;
}
