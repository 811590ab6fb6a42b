/*
 * arch/layout.h: where things are in the Sv39 address space.
 *
 *   0x0000000000000000  user: one null page, then 256 GiB less that page
 *   ...                 addresses that Sv39 does not have
 *   0xffffffc000000000  direct map: physical address + DIRECT_BASE, 128 GiB
 *   0xffffffe000000000  struct page of each page of RAM, by page number
 *   0xffffffe800000000  device windows
 *   0xffffffe900000000  hart stacks, a hole below each
 *   0xffffffff80000000  the kernel image
 *
 * The upper half of every root table is the same and never changes.
 * Readable by assembly and by the linker script.
 */
#pragma once

#define USER_BASE   0x0000000000001000
#define USER_END    0x0000004000000000
#define DIRECT_BASE 0xffffffc000000000
#define DIRECT_SIZE 0x0000002000000000
#define PAGES_BASE  0xffffffe000000000
#define DEVICE_BASE 0xffffffe800000000
#define DEVICE_END  0xffffffe840000000
#define STACKS_BASE 0xffffffe900000000
#define IMAGE_BASE  0xffffffff80000000

#define SUPERPAGE_SHIFT 21
#define SUPERPAGE_SIZE	0x200000
#define GIGAPAGE_SHIFT	30
#define GIGAPAGE_SIZE	0x40000000

#ifndef __ASSEMBLER__
#include "kernel/types.h"

/* Set by the linker script; addresses, not objects. */
extern char __kernel_start[], __text_end[], __rodata_start[], __rodata_end[];
extern char __data_start[], __bss_start[], __bss_end[], __kernel_end[];

/* The stack until each hart has its own. */
extern char boot_stack_top[];

/* Where firmware put the image; set before paging is on. */
extern paddr_t kernel_image_pa;

/* RAM as the kernel sees it.  @pa is below DIRECT_SIZE. */
static inline void *
pa_to_va(paddr_t pa)
{
	return (void *)(pa + DIRECT_BASE);
}

/* Back again, for an address in the direct map or in the image. */
static inline paddr_t
va_to_pa(const void *va)
{
	uintptr_t address = (uintptr_t)va;

	if (address >= IMAGE_BASE)
		return address - IMAGE_BASE + kernel_image_pa;
	return address - DIRECT_BASE;
}

/* The same for one that is in the direct map. */
static inline paddr_t
direct_to_pa(const void *va)
{
	return (uintptr_t)va & (DIRECT_SIZE - 1);
}
#endif
