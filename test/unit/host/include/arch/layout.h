/*
 * test/unit/host/include/arch/layout.h: the memory of unit tests.
 *
 * The user's half is the machine's.  RAM is a block that host_ram_init() gets
 * from this machine, and "physical" addresses start at HOST_RAM_BASE.
 */
#pragma once

#define pa_to_va     machine_pa_to_va
#define va_to_pa     machine_va_to_pa
#define direct_to_pa machine_direct_to_pa
#include "arch/riscv64/include/arch/layout.h"
#undef pa_to_va
#undef va_to_pa
#undef direct_to_pa
#undef PAGES_BASE

#define HOST_RAM_BASE 0x80000000UL

/* What pa_to_va() adds; where struct page of physical page 0 would stand. */
extern uintptr_t host_direct_base, host_pages_base;
#define PAGES_BASE host_pages_base

/*
 * Get @size bytes (a multiple of 2 MiB) of RAM, filled with a pattern, and
 * the descriptors of its pages, filled with another.
 */
void host_ram_init(uint64_t size);
/* Give all of it to the page allocator, too. */
void host_pages_init(uint64_t size);
void host_ram_free(void);

static inline void *
pa_to_va(paddr_t pa)
{
	return (void *)(pa + host_direct_base);
}

static inline paddr_t
va_to_pa(const void *va)
{
	return (uintptr_t)va - host_direct_base;
}

static inline paddr_t
direct_to_pa(const void *va)
{
	return va_to_pa(va);
}
