/*
 * vm/swap.h: pages that no table names: slots, and who has them.
 *
 *	table entry, or slot of a transfer	struct page
 *	PTE_SWAP | slot 17  ---.
 *	PTE_SWAP | slot 17  ---+--> slot 17 --> page, while it is in memory
 *				    refs 2
 *
 * Page replacement (vm/pageout.h) puts a page that nobody seems to use into a
 * slot, and the slot's number into the entry that named the page.  Entries are
 * copied and moved like any others: the slot counts them.  Whoever wants the
 * bytes calls swap_in(), which makes the entry one of a page again; a page that
 * several entries speak of is then shared, copy-on-write, as ever.
 *
 * Private memory only, and pages that only one leaf named: nobody writes them
 * while they are in a slot.
 */
#pragma once
#include <arch/pte.h>

#include "kernel/types.h"

struct page;

/* Slots that there can be. */
#define SWAP_SLOTS_MAX (1U << 20)

/*
 * Put @page, with the caller's only reference, into a slot, and let one entry
 * speak of it.  0: there is no slot, or no memory to have more.
 */
uint32_t must_check swap_out(struct page *page);

/* Another entry speaks of @slot, or one less does. */
void swap_get(uint32_t slot);
void swap_put(uint32_t slot);

/*
 * Let *@entry, in a table that is its space's own or in a transfer, that speaks
 * of a slot, name the page instead, without any rights.
 */
kern_return_t must_check swap_in(pte_t *entry);

struct swap_counts {
	uint64_t used;		/* slots that entries speak of */
	uint64_t held;		/* of these, whose page is in memory */
	uint64_t tables;	/* pages of memory that all slots stand in */
	uint64_t reactivations; /* pages that came back before they left */
};
struct swap_counts swap_counts(void);

/* Tests: @visit is called with each slot in use and its page or NULL. */
void swap_check(void (*visit)(void *context, uint32_t slot, uint32_t refs,
		    struct page *page),
    void *context);
