/* memory_pager/resident.c: see resident.h. */
#include "resident.h"

#include <stdbool.h>
#include <stddef.h>

#include <baton/pager.h>
#include <mach/mach.h>

/* Pages one behind the other go back together. */
#define RUN_PAGES_MAX 64

/* A ring of runs: @first is the oldest, @count of them. */
static struct run {
	struct pager_object *object; /* NULL: it has ended */
	uint64_t offset;
	unsigned int pages;
} runs[RESIDENT_PAGES_MAX];
static unsigned int first, count;
static unsigned int pages; /* in all of them */

static struct run *
run_at(unsigned int index)
{
	return &runs[(first + index) % RESIDENT_PAGES_MAX];
}

static void
take_oldest_back(void)
{
	struct run *run = run_at(0);

	if (run->object != NULL)
		(void)pager_flush(
		    run->object, run->offset, run->pages * vm_page_size);
	pages -= run->pages;
	first = (first + 1) % RESIDENT_PAGES_MAX;
	count--;
}

/* Whether the page follows what was added last. */
static bool
continues(
    const struct run *run, const struct pager_object *object, uint64_t offset)
{
	return run->object == object && run->pages < RUN_PAGES_MAX &&
	       offset == run->offset + run->pages * vm_page_size;
}

void
resident_add(struct pager_object *object, uint64_t offset)
{
	struct run *last;

	/* Each run has a page at least, so there is room for one more. */
	while (pages >= RESIDENT_PAGES_MAX)
		take_oldest_back();
	pages++;
	last = run_at(count - 1);
	if (count > 0 && continues(last, object, offset)) {
		last->pages++;
		return;
	}
	*run_at(count++) = (struct run){object, offset, 1};
}

void
resident_forget(const struct pager_object *object)
{
	for (unsigned int i = 0; i < count; i++)
		if (run_at(i)->object == object)
			run_at(i)->object = NULL;
}
