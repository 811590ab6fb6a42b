/* superpage.c: see superpage.h. */
#include "vm/superpage.h"

#include "kernel/kassert.h"
#include "kernel/lock.h"

#define BLOCK_PAGES (1U << PAGE_ORDER_MAX)
/* Pages zeroed in one step. */
#define ZERO_STEP 16
/* With less than this part of memory free, none is made. */
#define FREE_SHARE 4

/* Which blocks are broken, and the references of those that are shared. */
static struct spinlock blocks_lock = SPINLOCK_INIT(LOCK_BLOCK);

/* ---- making ---- */

bool
superpage_start(struct superpage *superpage, uint64_t size)
{
	uint64_t free;

	if (superpage->block != NULL)
		return true;
	free = page_free_count();
	if (free < page_total_count() / FREE_SHARE || size >> PAGE_SHIFT > free)
		return false;
	superpage->block = page_alloc(PAGE_ORDER_MAX);
	superpage->zeroed = 0;
	return superpage->block != NULL;
}

void
superpage_zero_step(struct superpage *superpage)
{
	for (unsigned i = 0; i < ZERO_STEP && superpage->zeroed < BLOCK_PAGES;
	     i++)
		page_zero(page_va(superpage->block + superpage->zeroed++));
}

bool
superpage_is_ready(const struct superpage *superpage)
{
	return superpage->zeroed == BLOCK_PAGES;
}

void
superpage_forget(struct superpage *superpage)
{
	if (superpage->block != NULL)
		page_free(superpage->block);
	superpage->block = NULL;
}

/* ---- references; [blocks_lock] but where there is one alone ---- */

/* Superpages that still name the broken block; 0: it is whole. */
static uint64_t *
left_whole(struct page *block)
{
	return &block->whole;
}

void
superpage_get(struct page *block)
{
	bool broken;

	spin_lock(&blocks_lock);
	broken = *left_whole(block) > 0;
	if (broken)
		(*left_whole(block))++;
	else
		page_get(block);
	spin_unlock(&blocks_lock);
	/* The caller's own references keep them all. */
	for (unsigned i = 0; broken && i < BLOCK_PAGES; i++)
		page_get(block + i);
}

/* Which of a block's pages. */
struct page_set {
	uint64_t word[BLOCK_PAGES / 64];
	unsigned count;
};

static bool
has(const struct page_set *set, unsigned i)
{
	return i < BLOCK_PAGES && (set->word[i / 64] >> i % 64 & 1) != 0;
}

/* The order of the largest block of pages in @set that begins with page @i. */
static unsigned
largest_order(const struct page_set *set, unsigned i)
{
	unsigned order = 0, length = 1;

	if (set->count == BLOCK_PAGES)
		return PAGE_ORDER_MAX;
	while (order < PAGE_ORDER_MAX && (i & 1U << order) == 0) {
		for (; length < 2U << order; length++) {
			if (!has(set, i + length))
				return order;
		}
		order++;
	}
	return order;
}

/*
 * A reference to each page goes.  What nobody has any more is freed in pieces
 * as large as may be: as single pages they would take ten times as long.
 */
static void
put_pages(struct page *block)
{
	struct page_set ours = {0};
	unsigned order;

	for (unsigned i = 0; i < BLOCK_PAGES; i++) {
		if (!page_drop(block + i))
			continue;
		ours.word[i / 64] |= 1UL << i % 64;
		ours.count++;
	}
	for (unsigned i = 0; i < BLOCK_PAGES; i += 1U << order) {
		order = 0;
		if (!has(&ours, i))
			continue;
		order = largest_order(&ours, i);
		block[i].order = (uint8_t)order;
		page_free(block + i);
	}
}

void
superpage_put(struct page *block)
{
	bool broken;

	spin_lock(&blocks_lock);
	broken = *left_whole(block) > 0;
	if (broken)
		(*left_whole(block))--;
	else
		page_put(block);
	spin_unlock(&blocks_lock);
	if (broken)
		put_pages(block);
}

void
superpage_break(struct page *block)
{
	uint32_t refs;

	spin_lock(&blocks_lock);
	if (*left_whole(block) > 0) {
		(*left_whole(block))--;
		spin_unlock(&blocks_lock);
		return;
	}
	refs = atomic_load_explicit(&block->refs, memory_order_acquire);
	for (unsigned i = 0; i < BLOCK_PAGES; i++) {
		struct page *page = block + i;

		page->order = 0;
		page->state = PAGE_USED;
		page->whole = 0;
		atomic_store_explicit(&page->refs, refs, memory_order_relaxed);
	}
	*left_whole(block) = refs - 1;
	spin_unlock(&blocks_lock);
}

bool
superpage_is_sole(struct page *block)
{
	bool sole;

	spin_lock(&blocks_lock);
	sole = *left_whole(block) == 0 && page_is_sole(block);
	spin_unlock(&blocks_lock);
	return sole;
}

bool
superpage_join(struct page *first)
{
	if ((page_pa(first) & (SUPERPAGE_SIZE - 1)) != 0)
		return false;
	for (unsigned i = 0; i < BLOCK_PAGES; i++) {
		if (!page_is_sole(first + i))
			return false;
	}
	KASSERT(*left_whole(first) == 0);
	first->order = PAGE_ORDER_MAX;
	return true;
}
