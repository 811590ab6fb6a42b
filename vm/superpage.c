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
	for (unsigned i = 0; broken && i < BLOCK_PAGES; i++)
		page_put(block + i);
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
