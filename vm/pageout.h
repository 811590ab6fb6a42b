/*
 * vm/pageout.h: what is done when memory becomes short.
 *
 *	free pages
 *	target	--------   until here, pages leave
 *	low	--------   below, the kernel thread is woken
 *	short	--------   below, who has much has to wait for more
 *	scarce	--------   below, every user has to
 *	0
 *
 * A thread of the kernel's has the hand go round (vm/map_sweep.h), which fills
 * slots with pages that nobody uses (vm/swap.h), and has the oldest of them
 * written by the default pager, a task (mach/default_pager.h), which owns a
 * place for them.
 *
 * Much is more than an equal share of all pages, as of when the hand last went
 * by.  A fault that has to wait does so until pages have left, but not for long
 * (ROOM_MS), and then gets KERN_RESOURCE_SHORTAGE; if nothing can be freed, who
 * has much gets it at once.  So it is he who is refused more, and not somebody
 * who has little.  What is left when pages are scarce is for the
 * kernel, for the pager, and for pages that come back.
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
