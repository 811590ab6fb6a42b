/*
 * arch/switch.h: changing address spaces, inline, for the message fast path.
 * Everybody else calls pmap_switch().  The argument is in arch's tlb.c.
 */
#pragma once
#include <arch/cpu.h>
#include <arch/csr.h>
#include <arch/pmap.h>

#include "kernel/cpu.h"

extern _Atomic uint64_t asid_generation;

/* @pmap has no ASID, or this hart has not seen the generation yet. */
void pmap_switch_slow(struct cpu *cpu, struct pmap *pmap);

static inline void
pmap_switch_on(struct cpu *cpu, struct pmap *pmap)
{
	uint64_t satp;

	if (cpu->pmap == pmap)
		return;
	store_relaxed(&cpu->pmap, pmap);
	fence_full(); /* pairs with the one in pmap_retire() */
	/* acquire: the generation is loaded after it */
	satp = atomic_load_explicit(&pmap->satp, memory_order_acquire);
	if (unlikely(satp == 0 ||
		     atomic_load_explicit(&asid_generation,
			 memory_order_relaxed) != cpu->asid_generation)) {
		pmap_switch_slow(cpu, pmap);
		return;
	}
	csr_write(satp, satp);
	store_release(&cpu->pmap_loaded, pmap);
}
