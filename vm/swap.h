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
 * Private memory only: a page that nobody has alone is never written, and in a
 * slot nobody has it alone.  Where several leaves name one page, each is put
 * into the page's slot when its turn comes; until all are, the page is here.
 *
 *	     swap_out()		swap_write_begin()	swap_write_end()
 *	FREE --------> HELD -------------> LEAVING ----+--> STORED
 *		        ^ ^                 |	       |      |  a thread waits
 *		        | |  pager died	    |	       v      v
 *		        | +-----------------+	      KEPT  ASKED
 *		        +--------------------------------- FILLING
 *				swap_supply_end()
 *
 * HELD	    the page is in memory, and may be written to the store
 * TIED	    it would be, but others have it besides
 * LEAVING  it is being written, and still here
 * KEPT	    the store would not have it
 * STORED   only the store has it
 * ASKED    the store has been asked for it, FILLING is answering; a page is
 *	    ready for its bytes
 *
 * Whenever the page is here, swap_in() has it at once.  When the last entry
 * goes, so do page and slot: one that the store knows of in state DEAD, once
 * what is going on is over, until the store was told to forget it.
 *
 * The store is the default pager's.  If that dies, what it had is lost:
 * swap_in() says KERN_MEMORY_ERROR, for ever.
 */
#pragma once
#include <arch/pte.h>

#include "kernel/types.h"

struct page;

/* Slots that there can be. */
#define SWAP_SLOTS_MAX (1U << 20)

/* ---- entries: their map is locked, or the transfer one's own ---- */

/*
 * Put @page, with the caller's reference, into a slot, the one that it is in
 * if it is, and let one entry speak of that.  0: there is no slot, or no memory
 * to have more; or others have the page as a part of a superpage.
 */
uint32_t must_check swap_out(struct page *page);

/* Another entry speaks of @slot, or one less does. */
void swap_get(uint32_t slot);
void swap_put(uint32_t slot);

/*
 * Let *@entry, in a table that is its space's own or in a transfer, that speaks
 * of a slot, name the page instead, without any rights.
 *
 * Returns: KERN_SUCCESS
 *          KERN_MEMORY_WAIT	see vm/memory_wait.h
 *          KERN_MEMORY_ERROR	it is lost
 *          KERN_RESOURCE_SHORTAGE, or what else a wait failed with
 */
kern_return_t must_check swap_in(pte_t *entry);

/* ---- the store: vm/pageout.c ---- */

/*
 * A store is there that has nothing; or there is none any more, and what it had
 * is lost.  What it was at work on is settled in steps, true while there is
 * more, before there is another.
 */
void swap_store_open(void);
void swap_store_close(void);
bool must_check swap_store_settle_step(void);

/*
 * Begin to write up to @most pages, those that have waited longest: their slots
 * and pages, each with a reference for the caller.  Returns how many; 0 also if
 * there is no store.
 */
unsigned swap_write_begin(uint32_t *slots, struct page **pages, unsigned most);
/*
 * The store has the page of @slot, or refuses.  KERN_INVALID_ARGUMENT: it was
 * not asked to.
 */
kern_return_t must_check swap_write_end(uint32_t slot, bool stored);
/* Pages that it refused may be written after all: a step of that. */
bool swap_write_again(void);

/*
 * The store was asked for @slot: its bytes will be written to *@pagep, and then
 * swap_supply_end() is to follow; @good: they were.  KERN_INVALID_ARGUMENT: it
 * was not asked.
 */
kern_return_t must_check swap_supply_begin(uint32_t slot, struct page **pagep);
void swap_supply_end(uint32_t slot, struct page *page, bool good);

/* Up to @most slots that the store has to forget before it hears of them
 * again; they may be used again at once. */
unsigned swap_forget(uint32_t *slots, unsigned most);

/*
 * To be supplied by the store: ask it for @slot, whose page is wanted; no lock
 * is held.  KERN_RESOURCE_SHORTAGE.
 */
kern_return_t must_check swap_store_ask(uint32_t slot);

/* ---- counts and checks ---- */

struct swap_counts {
	uint64_t used;		/* slots that entries speak of */
	uint64_t held;		/* pages of slots that can be written */
	uint64_t tied;		/* ... that others have besides */
	uint64_t leaving;	/* ... that are being written */
	uint64_t kept;		/* ... that the store refused */
	uint64_t asked;		/* pages ready for what it was asked for */
	uint64_t stored;	/* slots whose page is the store's alone */
	uint64_t dead;		/* slots that the store has to forget */
	uint64_t tables;	/* pages of memory that all slots stand in */
	uint64_t reactivations; /* pages that came back before they left */
	uint64_t pageouts;	/* pages that left */
	uint64_t pageins;	/* pages that came back after that */
};
struct swap_counts swap_counts(void);

/* Tests: @visit is called with each slot that entries speak of, and its page,
 * if it has one that may be seen. */
void swap_check(void (*visit)(void *context, uint32_t slot, uint32_t refs,
		    struct page *page),
    void *context);
