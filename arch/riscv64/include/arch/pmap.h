/*
 * arch/pmap.h: one task's page tables, and the hardware's copies of them.
 *
 * A pmap belongs to one map (vm/map.h), whose lock protects its tables.  For
 * memory that is private to a task the tables are the only record of which
 * page is where, so a pmap owns what its leaves name (less PTE_FOREIGN).
 *
 * Translations that other harts may hold.  Entries are written first, then
 * the invalidation is made, then the pages may be seen by anybody else:
 *  - an entry that only became valid or more permissive: nothing; a fault on
 *    it is spurious (pmap_fault_is_spurious);
 *  - anything else: pmap_retire(), which takes the ASID away, so that the
 *    space gets a fresh one at its next satp write, and which sends a remote
 *    fence only to harts that are in the space at this moment.
 */
#pragma once
#include <arch/pte.h>

#include "kernel/types.h"

struct cpu;

/* m: the map's lock   a: atomic */
struct pmap {
	pte_t *root;		/* I */
	_Atomic uint64_t satp;	/* [a] 0: needs an ASID at its next switch */
	atomic_ulong harts;	/* [a] harts that ran it since it was retired */
	uint64_t table_count;	/* [m] tables below the root */
};

extern struct pmap kernel_pmap;

/* Protection bits of a leaf, from VM_PROT_*; valid, A and D as needed. */
pte_t pte_protection(unsigned prot);

/* ---- life ---- */
kern_return_t must_check pmap_init(struct pmap *pmap);
/*
 * Free the tables, of which all leaves are gone, and the root.  No hart may
 * be in the space: pmap_in_use() says.
 */
void pmap_destroy(struct pmap *pmap);
/* Is some hart's satp this pmap's?  The caller looks again later if so. */
bool pmap_in_use(const struct pmap *pmap);

/* ---- entries; the map's lock is held ---- */

/*
 * The entry for @va at @level (0: a page), with all tables above it made if
 * @create; NULL when a table is missing, or could not be allocated, or when a
 * leaf of a higher level covers @va.
 */
pte_t *pmap_entry(struct pmap *pmap, uaddr_t va, unsigned level, bool create);

/*
 * The first present leaf or table entry in [@va, @end): its address, its
 * level and in *@startp the first address it spans.  Skips absent tables in
 * one step each.  NULL when there is none.
 */
pte_t *pmap_next(struct pmap *pmap, uaddr_t va, uaddr_t end, unsigned *levelp,
    uaddr_t *startp);

/* An empty, zeroed table page; NULL when memory is short. */
pte_t *pmap_table_alloc(void);
/* Give back a table whose entries are all zero again. */
void pmap_table_free(pte_t *table);
/* Free the tables in [@start, @end) that have become empty. */
void pmap_prune(struct pmap *pmap, uaddr_t start, uaddr_t end);

/* Does the entry for @va now allow @access (PTE_R, PTE_W or PTE_X)? */
bool pmap_allows(struct pmap *pmap, uaddr_t va, pte_t access);
/* This hart forgets its translation of @va, after a spurious fault. */
void pmap_fence_page(uaddr_t va);

/* Drop every translation that any hart may hold of @pmap. */
void pmap_retire(struct pmap *pmap);

/* ---- switching ---- */

/* Make @pmap current on this hart, if it is not. */
void pmap_switch(struct pmap *pmap);

/* ---- boot and the kernel's own half ---- */

struct machine;
/* Direct map, guarded stacks; turns the boot tables into the kernel's. */
void pmap_boot(const struct machine *machine);
/* Each hart: probe ASIDs, take the kernel's tables. */
void pmap_boot_hart(void);
/* Map a device window for the kernel; NULL: no room. */
void *pmap_map_device(paddr_t pa, uint64_t size);
/* Map @size bytes of fresh memory at the kernel address @va, zeroed, in the
 * largest leaves that fit; boot only (struct page array, stacks). */
void pmap_back(vaddr_t va, uint64_t size);

extern uint32_t pmap_asid_bits; /* 0: none, or switched off at boot */
