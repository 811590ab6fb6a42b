/*
 * arch/pte.h: Sv39 page-table entries.
 *
 * An entry is a leaf when any of R, W, X is set; otherwise it points to the
 * next table, and its A, D and U must be clear.  A and D are set when a leaf
 * is made, since some cores fault where they are clear.  Bits 8 and 9 are the
 * kernel's own.
 */
#pragma once
#include "kernel/types.h"

typedef uint64_t pte_t;

#define PTE_V (1UL << 0)
#define PTE_R (1UL << 1)
#define PTE_W (1UL << 2)
#define PTE_X (1UL << 3)
#define PTE_U (1UL << 4)
#define PTE_G (1UL << 5)
#define PTE_A (1UL << 6)
#define PTE_D (1UL << 7)

/*
 * A user leaf whose page is not the pmap's to free: a window of device
 * memory or of the boot archive.
 */
#define PTE_FOREIGN (1UL << 8)
/*
 * A table that the hardware does not walk (V is clear), because others may have
 * it too, or because its leaves may allow too much: see arch/pmap.h.
 */
#define PTE_SHARED (1UL << 9)

/*
 * A user page that is in no memory that an entry could name: where its page
 * number would be stands the number of a slot (vm/swap.h).  V, R, W and X are
 * clear; the bit says G elsewhere, which no entry of a user's has.
 */
#define PTE_SWAP PTE_G

#define PTE_PPN_SHIFT 10
#define PTE_PPN_MASK  (((1UL << 44) - 1) << PTE_PPN_SHIFT)

#define PTE_COUNT 512 /* entries of one table */
#define PT_LEVELS 3   /* level 2 is the root, level 0 holds 4 KiB leaves */

static inline paddr_t
pte_pa(pte_t pte)
{
	return (pte & PTE_PPN_MASK) << (PAGE_SHIFT - PTE_PPN_SHIFT);
}

static inline pte_t
pte_make(paddr_t pa, pte_t bits)
{
	return (pa >> PAGE_SHIFT << PTE_PPN_SHIFT) | bits;
}

static inline pte_t
pte_swapped(uint32_t slot)
{
	return (pte_t)slot << PTE_PPN_SHIFT | PTE_U | PTE_SWAP;
}

static inline uint32_t
pte_slot(pte_t pte)
{
	return (uint32_t)(pte >> PTE_PPN_SHIFT);
}

static inline bool
pte_is_leaf(pte_t pte)
{
	return (pte & (PTE_R | PTE_W | PTE_X)) != 0;
}

/* Is @pte a page or superpage of the user's, whether or not it allows
 * anything?  Entries for tables have U clear. */
static inline bool
pte_is_page(pte_t pte)
{
	return (pte & PTE_U) != 0;
}

/* Does @pte lead the hardware to a table? */
static inline bool
pte_is_table(pte_t pte)
{
	return (pte & (PTE_V | PTE_U)) == PTE_V;
}

/* Bytes that one entry of a table at @level spans. */
static inline uint64_t
pt_span(unsigned level)
{
	return PAGE_SIZE << (9 * level);
}

static inline unsigned
pt_index(uint64_t va, unsigned level)
{
	return va >> (PAGE_SHIFT + 9 * level) & (PTE_COUNT - 1);
}
