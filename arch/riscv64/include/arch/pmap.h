/*
 * arch/pmap.h: one task's page tables, and the hardware's copies of them.
 *
 * A pmap belongs to one map (vm/map.h), whose lock protects its tables.  For
 * memory that is private to a task the tables are the only record of which
 * page is where, so a pmap owns what its leaves name (less PTE_FOREIGN).
 *
 * An entry that is not 0 but lacks V is a page that is there and may not be
 * accessed: its next fault gives it what the map allows.
 *
 * One with PTE_SWAP speaks of a page that is elsewhere: see vm/swap.h.  It
 * stands in leaf tables and in slots of pages only, moves and is shared as
 * others are, and has to be brought in (swap_in()) where the page's bytes are
 * wanted.
 *
 * Tables below the root exist only where some map entry lies, so that whoever
 * removes the last map entry of a table's span frees the table, and no table
 * counts its entries.
 *
 * Shared tables.  A region that two spaces keep is not shared page by page:
 * both get an entry for the same table, marked PTE_SHARED and without V, and
 * the table's references say how many have it.  So does one space alone whose
 * table came from elsewhere and has leaves that may allow too much.  Nobody
 * changes a table while it is so shared.  Who touches a page of it first makes
 * it his own (pmap_make()): a copy of the table, each page with one more
 * reference and read-only; the last one keeps the table itself.  The span of a
 * shared table is wholly covered by map entries.
 *
 * Superpages.  A leaf at level 1 maps 2 MiB.  It is split into pages when what
 * is done concerns a part of it: pmap_make(), pmap_own(), pmap_own_ends(); and
 * made again when they are all alike again: pmap_join().
 *
 * Translations that other harts may hold.  Entries are written first, then
 * the invalidation is made, then the pages may be seen by anybody else:
 *  - an entry that only became valid or more permissive: nothing; a fault on
 *    it is spurious, and map_fault() knows;
 *  - anything else: pmap_retire(), which takes the ASID away, so that the
 *    space gets a fresh one at its next satp write, and which sends a remote
 *    fence only to harts that are in the space at this moment.
 */
#pragma once
#include <arch/layout.h>
#include <arch/pte.h>

#include "kernel/config.h"
#include "kernel/list.h"
#include "kernel/types.h"

struct cpu;
struct ledger;

/*
 * What entries weigh: pages, and tables.  Each table knows how many pages hang
 * there: see vm/page_count.h.
 */
struct pmap_weight {
	uint64_t pages, tables;
};

/* m: the map's lock   a: atomic   A: the ASID allocator's lock */
struct pmap {
	pte_t *root;		  /* I */
	_Atomic uint64_t satp;	  /* [a] 0: needs an ASID at its next switch */
	struct pmap_weight spare; /* [m] charged to @ledger, and not there */
	uint64_t keep;		  /* [m] pages that may be spare */
	uint64_t table_count;	  /* [m] tables below the root */
	struct ledger *ledger;	  /* I: pays; NULL: the kernel */
	bool odd;		  /* [m] it had superpages or shared tables */
	struct list link;	  /* [A] all pmaps but the kernel's */
};

/* The kernel's own space: no user half. */
extern struct pmap kernel_pmap;

/* The kernel's half of kernel_pmap's root is as it stays. */
void pmap_kernel_made(void);
/* Have the kernel's half in @root too. */
void pmap_show_kernel(pte_t *root);

/* ---- what it has, and who pays for that; the map's lock is held ---- */

/* Add what @count slots of @level weigh. */
void pmap_weigh(const pte_t *slots, unsigned level, unsigned count,
    struct pmap_weight *weight);

/* Have so much spare, or no more than there was; false: over the limit. */
bool must_check pmap_pay_more(
    struct pmap *pmap, uint64_t pages, uint64_t tables);
/* Give back what is too much; or all. */
void pmap_give_back(struct pmap *pmap);
void pmap_give_back_all(struct pmap *pmap);

/*
 * So much may be spare: charged ahead, or for what went and comes again; and as
 * much as was last where a room is now, up to PMAP_KEEP_MAX pages.
 */
#define PMAP_SPARE_PAGES  96
#define PMAP_SPARE_TABLES 12
#define PMAP_KEEP_MAX	  8192

/* May so many pages and tables come?  Charged are they then already. */
always_inline bool must_check
pmap_can_pay(struct pmap *pmap, uint64_t pages, uint64_t tables)
{
	return likely(pmap->spare.pages >= pages &&
		      pmap->spare.tables >= tables) ||
	       pmap_pay_more(pmap, pages, tables);
}

/* To be called after something went. */
always_inline void
pmap_settle(struct pmap *pmap)
{
	if (unlikely(pmap->spare.pages > pmap->keep ||
		     pmap->spare.tables > PMAP_SPARE_TABLES))
		pmap_give_back(pmap);
}

/* Checks: what tables say agrees with what is there; adds it to @has.  Slow. */
void pmap_check_weight(const struct pmap *pmap, struct pmap_weight *has);

/* ---- life ---- */

kern_return_t must_check pmap_init(struct pmap *pmap);
/* Free the root; the tables are gone, and no hart may be in the space. */
void pmap_destroy(struct pmap *pmap);
/* Does some hart's satp name this pmap?  The caller looks again later if so. */
bool pmap_in_use(const struct pmap *pmap);

/* ---- entries; the map's lock is held ---- */

/* Bits of a user leaf that allows @prot (VM_PROT_*), V, A and D as needed. */
pte_t pte_protection(unsigned prot);

/*
 * The entry for @va at @level (0: a page, 1: a leaf table, 2: a middle table);
 * NULL where there is no table for it.
 */
pte_t *pmap_find(const struct pmap *pmap, uaddr_t va, unsigned level);
/*
 * The same, with the tables above it made, and made this space's own; NULL when
 * memory is short.  Leaves in a table that was shared keep of their rights
 * what @keep says: 0, or PTE_R if all of that table's span may be read.
 */
pte_t *pmap_make(struct pmap *pmap, uaddr_t va, unsigned level, pte_t keep);
/*
 * Make the tables its own that there are for @va; or those that [@start, @end)
 * covers only in part, before entries in the range are changed.  False: memory
 * is short.
 */
bool must_check pmap_own(struct pmap *pmap, uaddr_t va);
bool must_check pmap_own_ends(struct pmap *pmap, uaddr_t start, uint64_t end);

/*
 * The entries of pages from @va on in one leaf table: *@stopp says up to which
 * address.  NULL: up to *@stopp there are none, or in a shared table, or there
 * is a superpage.  For loops over ranges.
 */
pte_t *pmap_leaves(const struct pmap *pmap, uaddr_t va, uint64_t *stopp);
/* The superpage over @va, whether it allows anything or not, or NULL. */
pte_t *pmap_superpage(const struct pmap *pmap, uaddr_t va);

/*
 * Make a superpage of the pages around @va, which a leaf table of this space's
 * own names.  False: they are not a whole block, each its own and with the same
 * rights.
 */
bool pmap_join(struct pmap *pmap, uaddr_t va);

/*
 * The entry that speaks of the page at @va, whoever shares it; 0: none.  Of a
 * superpage, what a leaf of the page itself would be.
 */
pte_t pmap_look(const struct pmap *pmap, uaddr_t va);

/*
 * Count the pages in memory of which entries speak, shared tables and
 * superpages included, from *@vap on to @end, in bounded steps; true while
 * there is more.
 */
bool must_check pmap_count_step(
    const struct pmap *pmap, uaddr_t *vap, uint64_t end, uint64_t *pagesp);

/* A run of memory, and the part of it in which no map entry lies any more. */
struct pmap_hole {
	uint64_t start, end;
};

/*
 * Free the pages of [@start, @end) and every table in it that lies wholly
 * within @hole; no hart can reach them when they are freed.  A shared table
 * goes when all of its span is in @hole.  Returns true when
 * there were any: pmap_retire() has then been called.
 */
bool pmap_remove(struct pmap *pmap, uaddr_t start, uint64_t end,
    const struct pmap_hole *hole);
/*
 * How far from @start a pmap_remove() or pmap_restrict() may go for some
 * PMAP_STEP entries looked at; at most @end.  Freeing a page takes some 150
 * instructions when it goes all the way to the buddy lists.
 */
#define PMAP_STEP 96
uint64_t pmap_step_end(const struct pmap *pmap, uaddr_t start, uint64_t end);

/*
 * Take all rights but @prot from the leaves in [@start, @end).  Returns true
 * when some leaf lost one: pmap_retire() has then been called.
 */
bool pmap_restrict(
    struct pmap *pmap, uaddr_t start, uint64_t end, unsigned prot);

/* What a step of page replacement did, added to what is there. */
struct pmap_sweep {
	uint64_t looked; /* entries looked at */
	uint64_t pages;	 /* of which they spoke, in memory or elsewhere */
	uint64_t closed; /* pages that may not be accessed until they fault */
	uint64_t taken;	 /* pages that went to slots: vm/swap.h */
};

/*
 * Look for pages that nobody uses, from *@vap on to @end, private memory that
 * is not wired: a bounded step, true while there is more.  What may be accessed
 * is closed: its next fault opens it again, and shows that it is used.  What
 * was closed already goes to a slot.  Tables that others have too become this
 * space's own.
 */
bool must_check pmap_sweep_step(
    struct pmap *pmap, uaddr_t *vap, uint64_t end, struct pmap_sweep *sweep);

/* ---- whole runs of entries, for transfers ---- */

/*
 * Move @count entries of @level from @va on out of the tables, into @slots;
 * where there is no table, zeros.  Returns how many were not 0.
 * pmap_remove_ends() has to follow.
 */
unsigned pmap_unlink(struct pmap *pmap, uaddr_t va, unsigned level,
    pte_t *slots, unsigned count);
/*
 * Share @count entries of @level, 1 or 2, from @va on with @slots.  Returns how
 * many of them could be walked until now: if any, pmap_retire() has to follow.
 */
unsigned pmap_share(struct pmap *pmap, uaddr_t va, unsigned level, pte_t *slots,
    unsigned count);
/*
 * The same of one entry of any level: neither allows writing any more.  True:
 * harts may hold translations that are not to be used any more.
 */
bool must_check pmap_share_entry(pte_t *entry, unsigned level, pte_t *slot);
/*
 * The same of @count pages' entries of a row.  Returns how many were there;
 * *@changedp becomes true as said above.
 */
uint64_t pmap_share_pages(
    pte_t *leaf, pte_t *slot, unsigned count, bool *changedp);
/*
 * After pmap_unlink() of all that lies between them: free the first and the
 * last page of [@start, @end), and the tables that are left empty, with
 * @hole as for pmap_remove().  Retires the pmap for that, or if @must_retire.
 */
void pmap_remove_ends(struct pmap *pmap, uaddr_t start, uint64_t end,
    const struct pmap_hole *hole, bool must_retire);
/* Make the tables that pmap_link() needs; false: memory is short. */
bool must_check pmap_prepare(
    struct pmap *pmap, uaddr_t va, unsigned level, unsigned count);
/* Put entries where nothing is; cannot fail. */
void pmap_link(struct pmap *pmap, uaddr_t va, unsigned level,
    const pte_t *slots, unsigned count);

/*
 * The @count entries at @source, of one table, move to those at @target, of
 * another where nothing is.  For memory that both spaces' locks are held for.
 * Returns how many there were: if any, the space of @source has to be retired
 * before either lock is released.  Who calls counts what has come, and gone.
 */
static inline uint64_t pmap_pass(pte_t *source, pte_t *target, uint64_t count);
/* The same, and both have them, of @level: returns how many could be walked. */
unsigned pmap_pass_shared(struct pmap *from, pte_t *source, struct pmap *to,
    pte_t *target, unsigned level, unsigned count);

/* An empty, zeroed table page; NULL when memory is short. */
pte_t *pmap_table_alloc(void);
/* Give back a table whose entries are all zero again. */
void pmap_table_free(pte_t *table);
/* Another reference to what @pte, of a table at @level, names. */
void pmap_entry_get(pte_t pte, unsigned level);
/* Free the page that @pte, a leaf at @level that nobody can reach, names. */
void pmap_leaf_free(pte_t pte, unsigned level);
/*
 * Free what @slot, an entry of @level that nobody can reach, stands for: a
 * page, or tables and all below them; of shared ones, a reference.  Each page
 * takes one from *@budget; false: it ended first, and the slot stands for the
 * rest.
 */
bool must_check pmap_slot_free(pte_t *slot, unsigned level, unsigned *budget);

/*
 * The entry for @va, of a table at @to, below @slot, an entry of @level that
 * nobody walks; the tables down to there are made, and made the slot's own.
 * NULL: memory is short.  How many tables hang below a middle one is not kept.
 */
pte_t *pmap_slot_make(pte_t *slot, unsigned level, uaddr_t va, unsigned to);

static inline pte_t *
pte_table(pte_t pte)
{
	return pa_to_va(pte_pa(pte));
}

/* @pte, of a table, without V. */
static inline pte_t
pte_shared(pte_t pte)
{
	return (pte & PTE_PPN_MASK) | PTE_SHARED;
}

static inline pte_t
pte_of_table(const pte_t *table)
{
	return pte_make(va_to_pa(table), PTE_V);
}

/*
 * The entry for @va, a user's address, at @level in a table of this space's
 * own; NULL: there is none.
 */
always_inline pte_t *
pmap_own_entry(const struct pmap *pmap, uaddr_t va, unsigned level)
{
	pte_t *entry = &pmap->root[va >> (PAGE_SHIFT + 18)];

	if (level == 2)
		return entry;
	if (unlikely(!pte_is_table(*entry)))
		return NULL;
	entry = &pte_table(*entry)[pt_index(va, 1)];
	if (level == 1)
		return entry;
	if (unlikely(!pte_is_table(*entry)))
		return NULL;
	return &pte_table(*entry)[pt_index(va, 0)];
}

static inline uint64_t
pmap_pass(pte_t *source, pte_t *target, uint64_t count)
{
	uint64_t present = 0;

	/* What the entries name must be in memory before a walk finds it. */
	atomic_thread_fence(memory_order_release);
	for (const pte_t *end = source + count; source < end; source++) {
		pte_t pte = *source;

		*source = 0;
		*target++ = pte;
		present += pte != 0;
	}
	return present;
}

/* ---- invalidation and switching: tlb.c ---- */

/* Drop every translation that any hart may hold of @pmap. */
void pmap_retire(struct pmap *pmap);
/*
 * The same by a hart that will be in another space before it looks at user
 * memory: if it is in @pmap, it takes no new ASID for it.
 */
void pmap_retire_leaving(struct pmap *pmap);
/* It does look at it again after all: the second half of pmap_retire(). */
void pmap_stay(struct pmap *pmap);
/* This hart forgets its translation of @va, of the current space. */
void pmap_fence_page(uaddr_t va);
/* Make @pmap current on this hart, if it is not. */
void pmap_switch(struct pmap *pmap);
/* Is @pmap the space that this hart is in? */
bool pmap_is_current(const struct pmap *pmap);
/* Is another hart in it at this moment?  A hint: it may change at once. */
bool pmap_runs_elsewhere(const struct pmap *pmap);

/* Bits of satp.ASID; 0: the core has none, or the option asid_bits= says so. */
extern uint32_t pmap_asid_bits;

/* ---- boot and the kernel's own half: pmap_boot.c ---- */

struct machine;

/*
 * Make the kernel's tables: direct map, image, struct page array, guarded
 * stacks, device windows; and use them.  Feeds page_boot_alloc().  Reads the
 * kernel options (asid_bits=N: use no more than N bits of ASID).
 */
void pmap_boot(const struct machine *machine);
/* When there are pages: find out what this hart's fences do, and obey. */
void pmap_try_fences(void);
/* Each other hart, on the kernel's tables. */
void pmap_boot_hart(void);

/* Stacks, each with a hole of its size below it. */
#define STACK_STRIDE (2 * CONFIG_STACK_SIZE)
/* The top of hart @index's stack, mapped by pmap_boot(). */
static inline uintptr_t
pmap_stack_top(uint32_t index)
{
	return STACKS_BASE + (uintptr_t)(index + 1) * STACK_STRIDE;
}
/*
 * Map a device window for the kernel, read-write; NULL: no room.  Other harts
 * that already run may meet a spurious fault, so: before they do.
 */
void *must_check pmap_map_device(paddr_t pa, uint64_t size);
