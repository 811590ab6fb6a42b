/*
 * arch/riscv64/fence_truth.h: what a hart's fences and walks really do.
 *
 * Shipped cores do otherwise than the manual says: one ignores the ASID of a
 * fence by address, one leaves a superpage behind when another address in it
 * is named, one's walker misses stores that are still on their way.  So before
 * anything depends on it, each hart tries it out on a tree of its own, and what
 * fails is not used.  fence_truth.c has the questions and knows no hardware;
 * fence_hart.c is the hart.
 */
#pragma once
#include "kernel/types.h"

struct fence_truth {
	bool full;	   /* sfence.vma drops everything */
	bool page;	   /* by address, it drops that page */
	bool superpage;	   /* and, by any address in it, a superpage */
	bool retire;	   /* one ASID shows nothing of what another held */
	bool keeps_absent; /* that there was no page may be remembered */
	bool keeps_rights; /* and that it allowed less */
	bool walks_late;   /* a walk may miss the store just before it */
};

/* What there is to see at an address. */
enum fence_view {
	FENCE_NOTHING, /* a page fault */
	FENCE_FIRST,
	FENCE_SECOND,
};

/* Where there is something to see. */
enum fence_place {
	FENCE_PAGE,
	FENCE_SUPERPAGE,     /* an address in it */
	FENCE_SUPERPAGE_FAR, /* another, 1 MiB further on */
};

/* A hart with a scratch tree: one page and one superpage. */
struct fence_machine {
	bool has_asids;
	bool has_superpage; /* there was memory for it */
	/* Let the tree, under ASID 1 or 2, be the current one. */
	void (*enter)(unsigned asid);
	/* Store the page's entry, or the superpage's. */
	void (*set)(enum fence_place place, enum fence_view view, bool write);
	void (*fence_all)(void);
	void (*fence_at)(enum fence_place place);
	enum fence_view (*look)(enum fence_place place);
	/* Try to write the page; false: a page fault. */
	bool (*write)(void);
};

void fence_truth_find(
    const struct fence_machine *machine, struct fence_truth *truth);

/* Try this hart out, on its own, and say what is found.  Boot. */
void fence_truth_test(void);
