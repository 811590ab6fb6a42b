/*
 * vm/superpage.h: blocks of 2 MiB that one leaf maps.
 *
 * A block is one allocation of order PAGE_ORDER_MAX whose references are the
 * superpage leaves and slots that name it.  When the first of these is split
 * into pages, the block *breaks*: each page gets as many references as the
 * block had, and whoever still has a superpage of it holds one of each page.
 */
#pragma once
#include <arch/superpage.h>

#include "vm/page.h"

/*
 * Have a block for it, in a region of @size bytes.  False: pages are too few,
 * or in too small pieces, or would be if all of the region were touched: then
 * it is likely to be touched here and there.
 */
bool must_check superpage_start(struct superpage *superpage, uint64_t size);
/* Zero some more of it. */
void superpage_zero_step(struct superpage *superpage);
/* Is it all zeros? */
bool superpage_is_ready(const struct superpage *superpage);
/* It is not wanted any more. */
void superpage_forget(struct superpage *superpage);

/* Another superpage names @block, or one less does. */
void superpage_get(struct page *block);
void superpage_put(struct page *block);
/* What the latter counts for, in pages that are freed; a hint. */
static inline unsigned
superpage_put_cost(const struct page *block)
{
	return __atomic_load_n(&block->whole, __ATOMIC_RELAXED) > 0 ? 64 : 1;
}
/* One that named it names its pages from now on, with a reference to each. */
void superpage_break(struct page *block);
/* Is there no other leaf or slot that names @block, or any of its pages? */
bool superpage_is_sole(struct page *block);

/*
 * The pages from @first on, 512 of them, in the order of a block, belong to the
 * caller alone: make them one again.  False: they are no block.
 */
bool must_check superpage_join(struct page *first);
