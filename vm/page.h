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

#define PAGE_ORDER_MAX 9 /* blocks up to 2 MiB merge and split */

enum page_state { PAGE_NONE, PAGE_FREE, PAGE_USED, PAGE_TABLE };

/* b: the buddy lock while free, else the owner's */
struct page {
	struct list link;	/* [b] free list, or the owner's use */
	union {
		void *owner;	/* [b] object it belongs to, for people */
		uint64_t word;
	};
	atomic_ushort refs;	/* [a] leaves that name the page */
	uint8_t order;		/* [b] of the block it heads */
	uint8_t state;		/* [b] enum page_state */
	uint16_t entries;	/* [owner] PAGE_TABLE: entries in use */
	uint16_t unused;
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
/* Give all usable RAM of @machine to the allocator. */
void page_init(const struct machine *machine);

/* A block of 2^@order pages, not zeroed, refs 1; NULL: none. */
struct page *page_alloc(unsigned order) must_check;
void page_free(struct page *page);
/* One page, from this hart's cache when it can; zeroed. */
struct page *page_alloc_zeroed(void) must_check;
/* Drop one reference; the last frees. */
void page_put(struct page *page);
void page_zero(void *page);
void page_copy(void *to, const void *from);

/* Pages free, caches included; exact when harts are quiet. */
uint64_t page_free_count(void);
uint64_t page_total_count(void);
/* Memory taken before the allocator runs: boot only, zeroed, never freed. */
paddr_t page_boot_alloc(const struct machine *machine, uint64_t size,
    uint64_t alignment);
