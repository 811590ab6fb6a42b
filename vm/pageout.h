/*
 * vm/pageout.h: what is done when memory becomes short.
 *
 *	free pages
 *	target	--------   until here, pages leave
 *	low	--------   below, the kernel thread is woken
 *	short	--------   below, user pages have to wait
 *	0
 *
 * A thread of the kernel's has the hand go round (vm/map_sweep.h), which fills
 * slots with pages that nobody uses (vm/swap.h), and has the oldest of them
 * written by the default pager, a task (mach/default_pager.h), which owns a
 * place for them.
 *
 * What is below `short` is for the kernel, for the pager, and for pages that
 * come back.  A fault or call that wants a page for a user waits until there
 * are more, but not for long, and not if nothing can be freed: then it gets
 * KERN_RESOURCE_SHORTAGE.
 */
#pragma once
#include "kernel/types.h"
#include "vm/page.h"

struct map;

/* Boot: start the thread. */
void pageout_start(void);

/* Something changed, so that pages may be had, or can be freed. */
void pageout_news(void);

/* A page is wanted for @map, and there are few: pageout_admit(). */
kern_return_t must_check pageout_admit_slowly(struct map *map);

/*
 * May a page be allocated that will be a user's, of @map?
 *
 * Returns: KERN_SUCCESS
 *          KERN_MEMORY_WAIT	as memory_wait_note() does
 *          KERN_RESOURCE_SHORTAGE
 * Locks: at most @map's, and an object's.
 */
static inline kern_return_t must_check
pageout_admit(struct map *map)
{
	if (likely(!page_is_low()))
		return KERN_SUCCESS;
	return pageout_admit_slowly(map);
}
