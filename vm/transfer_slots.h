/*
 * vm/transfer_slots.h: what a transfer is made of; for transfer.c alone.
 *
 * The pages of a transfer, by address, and the runs of slots that stand for
 * them:
 *
 *	start     inner_start                       inner_end     end
 *	| copied |   pages   | tables | ... |   pages   | copied |
 *	|<------ run 0 ----->|<- 1 -->|     |<----- last run --->|
 *
 * The inner part travels as it is; the pages around it (the ragged ends, or
 * all of a region that is cheaper to copy) are fresh copies.
 */
#pragma once
#include "vm/transfer.h"

#include <arch/pmap.h>

struct page;

/* Pages shared or freed in one step. */
#define TRANSFER_STEP PMAP_STEP
/* What a page copied in such a step counts for. */
#define TRANSFER_STEP_COPY 12

#define TRANSFER_RUNS 5	 /* pages, tables, middle tables, tables, pages */
#define TRANSFER_FEW  16 /* slots kept in the struct itself */

enum transfer_phase {
	TRANSFER_TAKING,   /* sharing has got to @next */
	TRANSFER_REMOVING, /* taking it from the sender has got to @next */
	TRANSFER_FAILED,   /* with @failure; being destroyed */
	TRANSFER_WHOLE,
};

/* @count entries of @level, from @va on, in the slots from @first on. */
struct transfer_run {
	uaddr_t va;
	uint32_t first;
	uint32_t count;
	unsigned level;
};

/* Belongs to whoever holds the message; no lock. */
struct transfer {
	uaddr_t address;    /* I: of the first byte, at the sender */
	uint64_t size;	    /* I: bytes sent */
	uaddr_t start, end; /* I: the pages around them */
	uaddr_t inner_start, inner_end;		/* I: the pages not copied */
	struct transfer_run run[TRANSFER_RUNS]; /* I */
	uint32_t run_count;    /* I: but falls while it is destroyed */
	uint32_t slot_count;   /* I: the same */
	uint32_t slots_made;   /* I: room at @slots */
	unsigned level;	       /* I: of its largest unit */
	bool tables_shared;    /* what stands for tables is filled in */
	enum transfer_how how; /* I */
	struct map *source; /* I: whose the ends are; NULL: the current map */
	enum transfer_phase phase;
	kern_return_t failure;
	uaddr_t next;
	struct pmap_weight has; /* what its slots weigh, until they are taken */
	/* While it is on its way, this pays: so much is charged. */
	struct ledger *ledger;
	struct pmap_weight charged;
	pte_t *slots; /* I: @few, or kmem_alloc()ed */
	pte_t few[TRANSFER_FEW];
};

/* How far apart the addresses are that neighbouring slots of @run stand for. */
static inline unsigned
transfer_run_shift(const struct transfer_run *run)
{
	return PAGE_SHIFT + 9 * run->level;
}

/* Up to how many bytes are copied rather than shared with @map's pages. */
uint64_t transfer_copy_max(const struct map *map);

/*
 * A transfer of [@address, @address + @size), all slots 0; up to @copy_max
 * bytes will be copied, whole pages or not.  NULL: no memory.
 */
struct transfer *must_check transfer_create(
    uaddr_t address, uint64_t size, uint64_t copy_max);
/* Free the struct, whose slots stand for nothing any more. */
void transfer_free(struct transfer *transfer);

/*
 * The leaf for @va in the slots, or in the tables that hang there.  Up to the
 * next 2 MiB boundary, and within the transfer, leaves stand in a row.
 * NULL: there is none, or no memory to @make it.
 */
pte_t *transfer_leaf(struct transfer *transfer, uaddr_t va, bool make);

/*
 * Let @ledger pay for it while it is on its way: so many pages, to begin with.
 * False: it may not have so much.
 */
bool must_check transfer_charge(
    struct transfer *transfer, struct ledger *ledger, uint64_t pages);
/* The same of what is @ledger's charge already. */
void transfer_paid(
    struct transfer *transfer, struct ledger *ledger, uint64_t pages);
/* The same for all that it weighs by now. */
bool must_check transfer_settle(struct transfer *transfer);
/* It is nobody's any more. */
void transfer_credit(struct transfer *transfer);
/* What is charged for it is spare for @pmap, of which the payer is the same. */
void transfer_credit_to(struct transfer *transfer, struct pmap *pmap);
/* Checks: KASSERTs that @transfer->has is what the slots weigh. */
void transfer_check_weight(const struct transfer *transfer);

/* It has so many pages more, in the tables over @va. */
void transfer_count(struct transfer *transfer, uaddr_t va, uint64_t pages);
/* @page, which may be accessed as @prot says, is at @leaf, where none was. */
void transfer_put_page(struct transfer *transfer, uaddr_t va, pte_t *leaf,
    struct page *page, unsigned prot);

/* The slot over @va, and of which level it is. */
pte_t *transfer_slot(
    const struct transfer *transfer, uaddr_t va, unsigned *levelp);
/* Do the slots speak of a page at @va? */
bool transfer_has_page(const struct transfer *transfer, uaddr_t va);
/* Take the page at @va out, with its reference; a new one where it was never
 * touched.  KERN_RESOURCE_SHORTAGE, or as swap_in(). */
kern_return_t must_check transfer_take_page(
    struct transfer *transfer, uaddr_t va, struct page **pagep);
/* The bytes of that page, wherever the slots have it, brought in if it was
 * elsewhere; NULL: zeros. */
kern_return_t must_check transfer_bytes(
    const struct transfer *transfer, uaddr_t va, const char **bytesp);

/*
 * A fresh page for the one at @va: the bytes of the region that lie in it,
 * from user memory or (@kernel not NULL) from the kernel's, and zeros around.
 */
kern_return_t must_check transfer_copy_page(
    struct transfer *transfer, uaddr_t va, const char *kernel);
/* The same for all pages outside the inner part. */
kern_return_t must_check transfer_copy_outer(
    struct transfer *transfer, const char *kernel);
