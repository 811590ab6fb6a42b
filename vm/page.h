/*
 * vm/page.h: physical pages: a buddy allocator with a cache on each hart.
 *
 * struct page of a physical page is found by arithmetic, in an array that is
 * virtually contiguous and backed only where there is RAM.  A descriptor means
 * something only for the first page of a free or allocated block: splitting a
 * block initialises the descriptor of its upper half, so booting does not
 * walk the array.
 */
#pragma once
#include <arch/layout.h>

#include "kernel/list.h"
#include "kernel/types.h"

struct ledger;
struct page_cache;

#define PAGE_ORDER_MAX 9 /* blocks up to 2 MiB merge and split */

enum page_state {
	PAGE_NONE, /* not RAM that the allocator was given */
	PAGE_FREE, /* heads a block on a free list */
	PAGE_USED, /* heads a block that somebody has */
};

/* b: the buddy lock while free, else the owner's   a: atomic */
struct page {
	union {
		struct list link; /* [b] free list, or the owner's use */
		/* [m] a page table: pages at most that hang there */
		uint64_t pages;
	};
	union {
		void *owner;	 /* [b] object it belongs to, for people */
		uint64_t tables; /* [m] a middle page table: tables below it */
		uint64_t whole;	 /* a broken block: see vm/superpage.h */
		/* [o] what slots of an object stand in: who pays for it */
		struct ledger *payer;
	};
	/*
	 * Leaves and transfer slots that name the page.  Each takes 8 bytes
	 * of memory, so 2^32 of them would take 32 GiB of page tables.
	 */
	atomic_uint refs; /* [a] */
	uint8_t order;	  /* [b] of the block it heads */
	uint8_t state;	  /* [b] enum page_state */
	uint8_t level;	  /* of the entry that named it: a table about to go */
	uint8_t unused;
};
static_assert(sizeof(struct page) == 32, "1/128 of memory");

static inline struct page *
page_of(paddr_t pa)
{
	return (struct page *)PAGES_BASE + (pa >> PAGE_SHIFT);
}

static inline paddr_t
page_pa(const struct page *page)
{
	return (paddr_t)(page - (struct page *)PAGES_BASE) << PAGE_SHIFT;
}

static inline void *
page_va(const struct page *page)
{
	return pa_to_va(page_pa(page));
}

struct machine;

/*
 * Boot, before page_init(): let page_boot_alloc() use what is usable in
 * [@start, @end), now that the kernel has it mapped.
 */
void page_boot_add(const struct machine *machine, paddr_t start, paddr_t end);
/*
 * Memory taken before the allocator runs: boot only, never freed, not zeroed.
 * 0: there is none.
 */
paddr_t must_check page_boot_alloc(uint64_t size, uint64_t alignment);
/* Give what page_boot_add() brought and nobody took to the allocator. */
void page_init(void);

/* A block of 2^@order pages, not zeroed, refs 1; NULL: none. */
struct page *must_check page_alloc(unsigned order);
/* One page, zeroed. */
struct page *must_check page_alloc_zeroed(void);

/*
 * Colours.  In a cache whose ways are larger than a page, what stands at the
 * same place of two pages of one colour is in the same set.  Page tables are
 * walked three at a time, at places that are alike in many spaces, so each is
 * to have another colour than the last.
 */
#define PAGE_COLOURS 4

static inline unsigned
page_colour(const struct page *page)
{
	return (unsigned)(page_pa(page) >> PAGE_SHIFT) % PAGE_COLOURS;
}

/* page_alloc(0), of @colour if this hart has such a page at hand. */
struct page *must_check page_alloc_coloured(unsigned colour);
/* The same of what is in @cache, which is not empty. */
struct page *page_cache_take(struct page_cache *cache, unsigned colour);
/* Free a block whose only holder the caller is. */
void page_free(struct page *page);

/* Another leaf or slot names @page. */
static inline void
page_get(struct page *page)
{
	atomic_fetch_add_explicit(&page->refs, 1, memory_order_relaxed);
}

/* Drop one reference; the last frees. */
void page_put(struct page *page);

/*
 * Is the caller's leaf the only one that names @page?  Then nobody else can
 * make another.  acquire: pairs with the release in page_put(), so the last
 * accesses of other holders are over.
 */
static inline bool
page_is_sole(struct page *page)
{
	return atomic_load_explicit(&page->refs, memory_order_acquire) == 1;
}

/*
 * Drop one reference; true: it was the last, and is the caller's still.
 *
 * A sole holder needs no atomic.  release: our accesses to the page come before
 * the last holder frees it; acquire: as that last holder, we see those of all
 * others.
 */
always_inline bool must_check
page_drop(struct page *page)
{
	if (page_is_sole(page))
		return true;
	if (atomic_fetch_sub_explicit(&page->refs, 1, memory_order_acq_rel) !=
	    1)
		return false;
	atomic_store_explicit(&page->refs, 1, memory_order_relaxed);
	return true;
}

/* Whole pages, by their kernel addresses. */
void page_zero(void *page);
void page_copy(void *restrict to, const void *restrict from);

/* Pages free, caches included; exact when harts are quiet. */
uint64_t page_free_count(void);
uint64_t page_total_count(void);

/*
 * Are pages so few that some should leave memory (vm/pageout.h), or so few that
 * users have to wait, those with many first?  As of when a cache was last
 * filled or drained.
 */
enum page_level {
	PAGE_LEVEL_ENOUGH,
	PAGE_LEVEL_LOW,
	PAGE_LEVEL_SHORT,
	PAGE_LEVEL_SCARCE,
};
extern _Atomic uint8_t page_level; /* enum page_level */

static inline bool
page_is_low(void)
{
	return atomic_load_explicit(&page_level, memory_order_relaxed) !=
	       PAGE_LEVEL_ENOUGH;
}

static inline bool
page_is_short(void)
{
	return atomic_load_explicit(&page_level, memory_order_relaxed) >=
	       PAGE_LEVEL_SHORT;
}

static inline bool
page_is_scarce(void)
{
	return atomic_load_explicit(&page_level, memory_order_relaxed) ==
	       PAGE_LEVEL_SCARCE;
}

/* How many should be free again when pages have left. */
uint64_t page_free_target(void);

/* Tests: the @count-th allocation from now fails, and all after; 0: none. */
void page_fail_after(uint64_t count);
