/*
 * swap.c: see swap.h.
 *
 * Slots are numbered from 1, so that no entry with one is 0, and stand in pages
 * that are never given back: 256 in each, and the next page is had when the
 * free ones have run out.
 */
#include "vm/swap.h"

#include "kernel/kassert.h"
#include "kernel/lock.h"
#include "vm/page.h"

enum slot_state {
	SLOT_FREE, /* in the list of free ones */
	SLOT_HELD, /* the page is in memory, and the slot has a reference */
};

/* [swap_lock] */
struct swap_slot {
	union {
		struct page *page; /* SLOT_HELD */
		uint64_t next;	   /* SLOT_FREE: the next free one, or 0 */
	};
	uint32_t refs; /* entries that speak of it */
	uint8_t state; /* enum slot_state */
};

#define CHUNK_SLOTS (PAGE_SIZE / sizeof(struct swap_slot))
static_assert(CHUNK_SLOTS == 256, "a page of slots");

static struct spinlock swap_lock = SPINLOCK_INIT(LOCK_PMAP);
static struct swap_slot *chunks[SWAP_SLOTS_MAX / CHUNK_SLOTS]; /* [swap_lock] */
static uint32_t slot_count;	  /* [swap_lock] that there are, less slot 0 */
static uint32_t first_free;	  /* [swap_lock] or 0 */
static struct swap_counts counts; /* [swap_lock] less what is asked for */
/* [swap_lock] pages in slots, by struct page's link, the oldest first */
static struct list held = {&held, &held};

static struct swap_slot *
slot_of(uint32_t number)
{
	KASSERT(number != 0);
	KASSERT(number <= slot_count);
	return &chunks[number / CHUNK_SLOTS][number % CHUNK_SLOTS];
}

/* ---- free slots; the lock is held ---- */

static void
slot_free(uint32_t number)
{
	struct swap_slot *slot = slot_of(number);

	slot->state = SLOT_FREE;
	slot->next = first_free;
	first_free = number;
	counts.used--;
}

/* Let there be more; false: no memory, or there are as many as can be. */
static bool
add_chunk(void)
{
	uint32_t first = slot_count + 1;
	struct page *page;

	if (first == SWAP_SLOTS_MAX)
		return false;
	/* Slot 0 is there, too, and never used. */
	if (slot_count == 0)
		first = 0;
	page = page_alloc_zeroed();
	if (page == NULL)
		return false;
	chunks[first / CHUNK_SLOTS] = page_va(page);
	slot_count = first + CHUNK_SLOTS - 1;
	counts.used += slot_count + 1 - max_u64(first, 1);
	for (uint32_t i = slot_count; i >= first && i > 0; i--)
		slot_free(i);
	return true;
}

/* 0: there is none. */
static uint32_t
slot_alloc(void)
{
	uint32_t number = first_free;

	if (number == 0 && !add_chunk())
		return 0;
	number = first_free;
	first_free = (uint32_t)slot_of(number)->next;
	counts.used++;
	return number;
}

/* ---- pages ---- */

uint32_t
swap_out(struct page *page)
{
	uint32_t number;

	KASSERT(page_is_sole(page));
	spin_lock(&swap_lock);
	number = slot_alloc();
	if (number != 0) {
		*slot_of(number) = (struct swap_slot){
		    .page = page,
		    .refs = 1,
		    .state = SLOT_HELD,
		};
		list_add_tail(&held, &page->link);
		counts.held++;
	}
	spin_unlock(&swap_lock);
	return number;
}

void
swap_get(uint32_t number)
{
	spin_lock(&swap_lock);
	KASSERT(slot_of(number)->refs > 0);
	slot_of(number)->refs++;
	spin_unlock(&swap_lock);
}

/* The last entry spoke of it: whose the page is now. */
static struct page *
slot_end(uint32_t number)
{
	struct page *page = slot_of(number)->page;

	list_remove(&page->link);
	counts.held--;
	slot_free(number);
	return page;
}

void
swap_put(uint32_t number)
{
	struct page *page = NULL;

	spin_lock(&swap_lock);
	KASSERT(slot_of(number)->refs > 0);
	if (--slot_of(number)->refs == 0)
		page = slot_end(number);
	spin_unlock(&swap_lock);
	if (page != NULL)
		page_put(page);
}

/* An entry's reference to the slot becomes one to the page. */
static struct page *
take_page(uint32_t number)
{
	struct swap_slot *slot = slot_of(number);
	struct page *page = slot->page;

	KASSERT(slot->state == SLOT_HELD);
	KASSERT(slot->refs > 0);
	counts.reactivations++;
	if (--slot->refs == 0)
		return slot_end(number);
	page_get(page);
	return page;
}

kern_return_t
swap_in(pte_t *entry)
{
	struct page *page;

	KASSERT(*entry & PTE_SWAP);
	spin_lock(&swap_lock);
	page = take_page(pte_slot(*entry));
	spin_unlock(&swap_lock);
	*entry = pte_make(page_pa(page), PTE_U | PTE_A);
	return KERN_SUCCESS;
}

/* ---- counts and checks ---- */

struct swap_counts
swap_counts(void)
{
	struct swap_counts now;

	spin_lock(&swap_lock);
	now = counts;
	now.tables = (slot_count + 1) / CHUNK_SLOTS;
	spin_unlock(&swap_lock);
	return now;
}

void
swap_check(void (*visit)(
	       void *context, uint32_t slot, uint32_t refs, struct page *page),
    void *context)
{
	uint64_t used = 0;

	spin_lock(&swap_lock);
	for (uint32_t i = 1; i <= slot_count; i++) {
		const struct swap_slot *slot = slot_of(i);

		if (slot->state == SLOT_FREE)
			continue;
		used++;
		KASSERT(slot->refs > 0);
		visit(context, i, slot->refs, slot->page);
	}
	KASSERT(used == counts.used);
	spin_unlock(&swap_lock);
}
