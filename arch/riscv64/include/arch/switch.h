/*
 * arch/switch.h: changing address spaces, inline, for the message fast path.
 * Everybody else calls pmap_switch().  The argument is in arch's tlb.c.
 */
#pragma once
#include <arch/cpu.h>
#include <arch/csr.h>
#include <arch/pmap.h>

#include "kernel/cpu.h"

/* @pmap has no ASID, or this hart holds translations of an older generation. */
void pmap_switch_slow(struct cpu *cpu, struct pmap *pmap);

static inline void
pmap_switch_on(struct cpu *cpu, struct pmap *pmap)
{
	uint64_t satp;

	if (cpu->pmap == pmap)
		return;
	store_relaxed(&cpu->pmap, pmap);
	fence_full(); /* pairs with the one in pmap_retire() */
	/* acquire: @asids_stale is loaded after it */
	satp = atomic_load_explicit(&pmap->satp, memory_order_acquire);
	if (unlikely(satp == 0 || atomic_load_explicit(&cpu->asids_stale,
				      memory_order_relaxed))) {
		pmap_switch_slow(cpu, pmap);
		return;
	}
	csr_write(satp, satp);
	store_release(&cpu->pmap_loaded, pmap);
}
