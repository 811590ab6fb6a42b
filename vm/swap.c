/*
 * swap.c: see swap.h.
 *
 * Long because all that changes a slot's state is here.
 *
 * Slots are numbered from 1, so that no entry with one is 0, and stand in pages
 * that are never given back: 256 in each, and the next page is had when the
 * free ones have run out.
 *
 * Each slot that the store knows of says since which opening of the store
 * (@generation): so closing it takes no look at each.
 */
#include "vm/swap.h"

#include "kernel/config.h"
#include "kernel/kassert.h"
#include "kernel/lock.h"
#include "kernel/timer.h"
#include "vm/memory_wait.h"
#include "vm/page.h"

enum slot_state {
	SLOT_FREE,
	SLOT_HELD,
	SLOT_TIED,
	SLOT_LEAVING,
	SLOT_KEPT,
	SLOT_STORED,
	SLOT_ASKED,
	SLOT_FILLING,
	SLOT_DEAD,
};

/* [swap_lock] */
struct swap_slot {
	union {
		struct page *page; /* with a reference, or NULL */
		uint64_t next;	   /* SLOT_FREE, SLOT_DEAD: in its list, or 0 */
	};
	uint32_t refs; /* entries that speak of it */
	uint32_t state : 4;
	uint32_t generation : 28; /* LEAVING to FILLING, DEAD */
};
static_assert(sizeof(struct swap_slot) == 16, "256 in a page");

#define CHUNK_SLOTS (PAGE_SIZE / sizeof(struct swap_slot))
#define GENERATIONS (1U << 28)
/* Slots that one call looks at. */
#define LOOK_MAX 64

static struct spinlock swap_lock = SPINLOCK_INIT(LOCK_SWAP);
static struct swap_slot *chunks[SWAP_SLOTS_MAX / CHUNK_SLOTS]; /* [swap_lock] */
static uint32_t slot_count; /* [swap_lock] that there are, less slot 0 */
static uint32_t first_free, first_dead; /* [swap_lock] or 0 */
static struct swap_counts counts;	/* [swap_lock] less what is asked for */
static uint32_t generation = 1;		/* [swap_lock] odd: there is no store */
/* [swap_lock] pages in slots of these states, by struct page's link, the oldest
 * first; owner says which slot */
static struct list held = {&held, &held};
static struct list tied = {&tied, &tied};
static struct list leaving = {&leaving, &leaving};
static struct list kept = {&kept, &kept};
static struct list asked = {&asked, &asked};

static struct swap_slot *
slot_of(uint32_t number)
{
	KASSERT(number != 0);
	KASSERT(number <= slot_count);
	return &chunks[number / CHUNK_SLOTS][number % CHUNK_SLOTS];
}

static bool
is_current(const struct swap_slot *slot)
{
	return slot->generation == generation;
}

/* ---- free slots; the lock is held ---- */

static void
slot_free(uint32_t number)
{
	struct swap_slot *slot = slot_of(number);

	slot->state = SLOT_FREE;
	slot->next = first_free;
	first_free = number;
}

/* Let there be more; false: no memory, or there are as many as can be. */
static bool
add_chunk(void)
{
	/* Slot 0 is there, too, and never used. */
	uint32_t first = slot_count == 0 ? 0 : slot_count + 1;
	struct page *page;

	if (first == SWAP_SLOTS_MAX)
		return false;
	page = page_alloc_zeroed();
	if (page == NULL)
		return false;
	chunks[first / CHUNK_SLOTS] = page_va(page);
	slot_count = first + CHUNK_SLOTS - 1;
	for (uint32_t i = slot_count; i >= first && i > 0; i--)
		slot_free(i);
	return true;
}

/* 0: there is none. */
static uint32_t
slot_alloc(void)
{
	uint32_t number;

	if (first_free == 0 && !add_chunk())
		return 0;
	number = first_free;
	first_free = (uint32_t)slot_of(number)->next;
	return number;
}

/* ---- states; the lock is held ---- */

static uint64_t *
state_count(unsigned state)
{
	switch (state) {
	case SLOT_HELD:
		return &counts.held;
	case SLOT_TIED:
		return &counts.tied;
	case SLOT_LEAVING:
		return &counts.leaving;
	case SLOT_KEPT:
		return &counts.kept;
	}
	KASSERT(state == SLOT_ASKED);
	return &counts.asked;
}

static struct list *
state_list(unsigned state)
{
	switch (state) {
	case SLOT_HELD:
		return &held;
	case SLOT_TIED:
		return &tied;
	case SLOT_LEAVING:
		return &leaving;
	case SLOT_KEPT:
		return &kept;
	}
	KASSERT(state == SLOT_ASKED);
	return &asked;
}

/* Is the page here, with its bytes? */
static bool
has_bytes(const struct swap_slot *slot)
{
	return slot->state == SLOT_HELD || slot->state == SLOT_TIED ||
	       slot->state == SLOT_LEAVING || slot->state == SLOT_KEPT;
}

static void
page_list(uint32_t number, struct page *page, unsigned state)
{
	struct swap_slot *slot = slot_of(number);

	slot->page = page;
	slot->state = state;
	page->owner = (void *)(uintptr_t)number;
	list_add_tail(state_list(state), &page->link);
	(*state_count(state))++;
}

/* The page leaves its list, and the slot. */
static struct page *
page_unlist(struct swap_slot *slot)
{
	struct page *page = slot->page;

	list_remove(&page->link);
	(*state_count(slot->state))--;
	page->owner = NULL;
	slot->page = NULL;
	return page;
}

static uint32_t
slot_of_page(const struct page *page)
{
	return (uint32_t)(uintptr_t)page->owner;
}

/* Only the store has its page, if anybody. */
static void
set_stored(struct swap_slot *slot)
{
	slot->state = SLOT_STORED;
	counts.stored++;
}

/* Nobody wants what the store has of it, which is to forget it; unless it was
 * another one's. */
static void
slot_die(uint32_t number)
{
	struct swap_slot *slot = slot_of(number);

	if (!is_current(slot)) {
		slot_free(number);
		return;
	}
	slot->state = SLOT_DEAD;
	slot->next = first_dead;
	first_dead = number;
	counts.dead++;
}

/*
 * No entry speaks of it any more: the page, which is the caller's to give up,
 * or NULL.  What the store is at work on ends when it is done.
 */
static struct page *
slot_end(uint32_t number)
{
	struct swap_slot *slot = slot_of(number);
	struct page *page = NULL;

	counts.used--;
	if (has_bytes(slot) && slot->state != SLOT_LEAVING) {
		page = page_unlist(slot);
		slot_free(number);
	} else if (slot->state == SLOT_STORED) {
		counts.stored--;
		slot_die(number);
	}
	return page;
}

/* ---- entries ---- */

/* The slot that has @page, or 0: for owner means something else elsewhere. */
static uint32_t
slot_with(const struct page *page)
{
	uint64_t number = (uintptr_t)page->owner;

	if (number == 0 || number > slot_count)
		return 0;
	if (!has_bytes(slot_of((uint32_t)number)) ||
	    slot_of((uint32_t)number)->page != page)
		return 0;
	return (uint32_t)number;
}

/* Another entry that named @page speaks of its slot, @number, instead. */
static void
join(uint32_t number, struct page *page)
{
	struct swap_slot *slot = slot_of(number);

	/* One that nobody wanted, and is being written, is wanted. */
	if (slot->refs++ == 0)
		counts.used++;
	page_put(page);
	if (slot->state == SLOT_TIED && page_is_sole(page)) {
		page_unlist(slot);
		page_list(number, page, SLOT_HELD);
	}
}

uint32_t
swap_out(struct page *page)
{
	uint32_t number;

	spin_lock(&swap_lock);
	number = slot_with(page);
	if (number != 0) {
		join(number, page);
	} else if (page->owner == NULL) {
		number = slot_alloc();
		if (number != 0) {
			slot_of(number)->refs = 1;
			counts.used++;
			page_list(number, page, SLOT_HELD);
		}
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

/* An entry's reference to the slot, which has a page, becomes one to that. */
static struct page *
take_page(uint32_t number)
{
	struct swap_slot *slot = slot_of(number);
	struct page *page = slot->page;

	counts.reactivations++;
	if (--slot->refs > 0 || slot_end(number) == NULL)
		page_get(page);
	return page;
}

/* ---- waiting ---- */

/* What threads wait for, as if it were of an object: a slot's number. */
static char waited;

/* Let the store be asked, and @page be for its answer; false: it need not. */
static bool
begin_asking(uint32_t number, struct page *page)
{
	struct swap_slot *slot = slot_of(number);
	bool ask;

	spin_lock(&swap_lock);
	ask = slot->state == SLOT_STORED && is_current(slot);
	if (ask) {
		counts.stored--;
		page_list(number, page, SLOT_ASKED);
	}
	spin_unlock(&swap_lock);
	return ask;
}

/* Of what was asked, nothing came: the page is the caller's to give up. */
static struct page *
end_asking(uint32_t number)
{
	struct swap_slot *slot = slot_of(number);
	struct page *page = page_unlist(slot);

	set_stored(slot);
	if (slot->refs == 0) {
		counts.stored--;
		slot_die(number);
	}
	return page;
}

static void
undo_asking(uint32_t number)
{
	struct page *page = NULL;

	spin_lock(&swap_lock);
	/* Unless the store was closed meanwhile. */
	if (slot_of(number)->state == SLOT_ASKED)
		page = end_asking(number);
	spin_unlock(&swap_lock);
	if (page != NULL)
		page_put(page);
	/* Others wait, since they found it asked for: let them try. */
	memory_wake(&waited, number, number + 1UL, KERN_SUCCESS);
}

static kern_return_t
source_ask(void *object, uint64_t where, struct thread **nextp)
{
	uint32_t number = (uint32_t)where;
	struct page *page = page_alloc(0);
	kern_return_t kr;

	(void)object;
	*nextp = NULL;
	if (page == NULL)
		return KERN_RESOURCE_SHORTAGE;
	if (!begin_asking(number, page)) {
		page_put(page);
		return KERN_SUCCESS;
	}
	kr = swap_store_ask(number);
	if (kr != KERN_SUCCESS)
		undo_asking(number);
	return kr;
}

static void
source_put(void *object)
{
	(void)object;
}

static const struct memory_source source = {
    .ask = source_ask,
    .put = source_put,
};

/* The page of @number is not here. */
static kern_return_t
wait_for(uint32_t number)
{
	if (!is_current(slot_of(number)))
		return KERN_MEMORY_ERROR;
	return memory_wait_note(
	    &source, &waited, number, timer_after_ms(CONFIG_PAGER_MS));
}

kern_return_t
swap_in(pte_t *entry)
{
	uint32_t number = pte_slot(*entry);
	kern_return_t kr = KERN_SUCCESS;
	struct page *page = NULL;

	KASSERT(*entry & PTE_SWAP);
	spin_lock(&swap_lock);
	KASSERT(slot_of(number)->refs > 0);
	if (has_bytes(slot_of(number)))
		page = take_page(number);
	else
		kr = wait_for(number);
	spin_unlock(&swap_lock);
	if (page != NULL)
		*entry = pte_make(page_pa(page), PTE_U | PTE_A);
	return kr;
}

/* ---- the store ---- */

void
swap_store_open(void)
{
	spin_lock(&swap_lock);
	KASSERT(generation & 1);
	generation = (generation + 1) % GENERATIONS;
	spin_unlock(&swap_lock);
}

void
swap_store_close(void)
{
	spin_lock(&swap_lock);
	KASSERT(!(generation & 1));
	generation = (generation + 1) % GENERATIONS;
	spin_unlock(&swap_lock);
	memory_wake(&waited, 0, SWAP_SLOTS_MAX, KERN_MEMORY_ERROR);
}

/* The page of @list's first slot, which goes; or NULL. */
static struct page *
settle_leaving(void)
{
	struct page *page = list_first(&leaving, struct page, link);
	uint32_t number = slot_of_page(page);

	page_unlist(slot_of(number));
	if (slot_of(number)->refs > 0) {
		page_list(number, page, SLOT_HELD);
		return NULL;
	}
	slot_free(number);
	return page;
}

bool
swap_store_settle_step(void)
{
	bool more = true;

	for (unsigned i = 0; more && i < LOOK_MAX; i++) {
		struct page *page = NULL;

		spin_lock(&swap_lock);
		KASSERT(generation & 1);
		if (!list_empty(&leaving))
			page = settle_leaving();
		else if (!list_empty(&asked))
			page = end_asking(slot_of_page(
			    list_first(&asked, struct page, link)));
		else
			more = false;
		spin_unlock(&swap_lock);
		if (page != NULL)
			page_put(page);
	}
	return more;
}

static bool
is_open(void)
{
	return !(generation & 1);
}

/* Look at some of those that others had besides: do they still? */
static void
untie(void)
{
	for (unsigned i = 0; i < LOOK_MAX / 4 && !list_empty(&tied); i++) {
		struct page *page = list_first(&tied, struct page, link);
		uint32_t number = slot_of_page(page);

		page_unlist(slot_of(number));
		page_list(
		    number, page, page_is_sole(page) ? SLOT_HELD : SLOT_TIED);
	}
}

unsigned
swap_write_begin(uint32_t *slots, struct page **pages, unsigned most)
{
	unsigned count = 0;

	spin_lock(&swap_lock);
	untie();
	for (unsigned i = 0;
	     is_open() && i < LOOK_MAX && count < most && !list_empty(&held);
	     i++) {
		struct page *page = list_first(&held, struct page, link);
		uint32_t number = slot_of_page(page);
		bool sole = page_is_sole(page);

		page_unlist(slot_of(number));
		/* Writing what others have too would make no room. */
		page_list(number, page, sole ? SLOT_LEAVING : SLOT_TIED);
		if (!sole)
			continue;
		slot_of(number)->generation = generation;
		page_get(page);
		slots[count] = number;
		pages[count++] = page;
	}
	spin_unlock(&swap_lock);
	return count;
}

static bool
is_in(const struct swap_slot *slot, unsigned state)
{
	return slot->state == state && is_current(slot);
}

/* Its page has been written, or refused, and is given up, or NULL. */
static struct page *
write_end(uint32_t number, bool stored)
{
	struct swap_slot *slot = slot_of(number);
	struct page *page = page_unlist(slot);

	if (slot->refs == 0) {
		if (stored)
			slot_die(number);
		else
			slot_free(number);
	} else if (stored) {
		set_stored(slot);
		counts.pageouts++;
	} else {
		page_list(number, page, SLOT_KEPT);
		page = NULL;
	}
	return page;
}

kern_return_t
swap_write_end(uint32_t number, bool stored)
{
	kern_return_t kr = KERN_INVALID_ARGUMENT;
	struct page *page = NULL;

	spin_lock(&swap_lock);
	if (number != 0 && number <= slot_count &&
	    is_in(slot_of(number), SLOT_LEAVING)) {
		page = write_end(number, stored);
		kr = KERN_SUCCESS;
	}
	spin_unlock(&swap_lock);
	if (page != NULL)
		page_put(page);
	return kr;
}

bool
swap_write_again(void)
{
	bool more;

	spin_lock(&swap_lock);
	for (unsigned i = 0; i < LOOK_MAX && !list_empty(&kept); i++) {
		struct page *page = list_first(&kept, struct page, link);
		uint32_t number = slot_of_page(page);

		page_unlist(slot_of(number));
		page_list(number, page, SLOT_HELD);
	}
	more = !list_empty(&kept);
	spin_unlock(&swap_lock);
	return more;
}

kern_return_t
swap_supply_begin(uint32_t number, struct page **pagep)
{
	kern_return_t kr = KERN_INVALID_ARGUMENT;

	spin_lock(&swap_lock);
	if (number != 0 && number <= slot_count &&
	    is_in(slot_of(number), SLOT_ASKED)) {
		*pagep = page_unlist(slot_of(number));
		slot_of(number)->state = SLOT_FILLING;
		kr = KERN_SUCCESS;
	}
	spin_unlock(&swap_lock);
	return kr;
}

void
swap_supply_end(uint32_t number, struct page *page, bool good)
{
	struct swap_slot *slot = slot_of(number);

	spin_lock(&swap_lock);
	KASSERT(slot->state == SLOT_FILLING);
	if (slot->refs == 0) {
		slot_free(number);
	} else if (good) {
		page_list(number, page, SLOT_HELD);
		counts.pageins++;
		page = NULL;
	} else {
		/* As if it were another store's, that is gone. */
		slot->generation = generation - 1;
		set_stored(slot);
	}
	spin_unlock(&swap_lock);
	if (page != NULL)
		page_put(page);
	memory_wake(&waited, number, number + 1UL,
	    good ? KERN_SUCCESS : KERN_MEMORY_ERROR);
}

unsigned
swap_forget(uint32_t *slots, unsigned most)
{
	unsigned count = 0;

	spin_lock(&swap_lock);
	while (count < most && first_dead != 0) {
		uint32_t number = first_dead;

		first_dead = (uint32_t)slot_of(number)->next;
		counts.dead--;
		slots[count++] = number;
		slot_free(number);
	}
	spin_unlock(&swap_lock);
	return count;
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

		if (slot->state == SLOT_FREE || slot->state == SLOT_DEAD)
			continue;
		used += slot->refs > 0;
		KASSERT(slot->refs > 0 || !has_bytes(slot) ||
			slot->state == SLOT_LEAVING);
		visit(context, i, slot->refs,
		    slot->state == SLOT_STORED ? NULL : slot->page);
	}
	KASSERT(used == counts.used);
	spin_unlock(&swap_lock);
}
