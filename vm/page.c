/*
 * page.c: the buddy allocator, the caches in front of it, and what boot takes
 * before either runs.
 *
 *	page_alloc(0)      page_alloc(n)
 *	     |                  |
 *	 cpu->pages             |        no lock; refilled and drained by halves
 *	     |                  |
 *	 free[0] .. free[9] ----+        buddy_lock
 *
 * Why no descriptor of an unused page is ever read: a block of order k < 9
 * exists only because a block of order k + 1 was split, which initialised the
 * descriptors of both halves, and either half is the head of some block until
 * they merge again.  The ragged ends of RAM, which no split made, are
 * initialised page by page up to the next 2 MiB boundary.
 */
#include "vm/page.h"
#include "drivers/machine.h"
#include "kernel/cpu.h"
#include "kernel/kassert.h"
#include "kernel/klog.h"

#define ORDERS	    (PAGE_ORDER_MAX + 1)
#define BLOCK_PAGES (1UL << PAGE_ORDER_MAX)
#define CACHE_PAGES ARRAY_SIZE(((struct page_cache *)NULL)->free)
#define CACHE_HALF  (CACHE_PAGES / 2)
#define CACHE_ORDER 5 /* the block that fills half a cache */
static_assert(1 << CACHE_ORDER == CACHE_HALF, "both name the half");

static struct spinlock buddy_lock = SPINLOCK_INIT(LOCK_PAGE);
static struct list free_lists[ORDERS]; /* [buddy_lock] */
static uint32_t nonempty;	       /* [buddy_lock] bit per order */
static uint64_t buddy_free;	       /* [buddy_lock] pages on the lists */
static uint64_t total_pages;	       /* I after page_init() */

_Atomic uint8_t page_level; /* written with buddy_lock */

/* See vm/pageout.h: parts of all pages, and the most. */
#define TARGET_PART 12
#define TARGET_MOST 8192
#define LOW_PART    16
#define LOW_MOST    4096
#define SHORT_PART  32
#define SHORT_MOST  1024
#define SCARCE_PART 64
#define SCARCE_MOST 512

/* ---- before the allocator runs: boot hart only ---- */

static struct machine_range boot_ranges[MACHINE_USABLE_MAX];
static uint32_t boot_range_count;

void
page_boot_add(const struct machine *machine, paddr_t start, paddr_t end)
{
	for (uint32_t i = 0; i < machine->usable_count; i++) {
		struct machine_range range = {
		    .start = max_u64(start, machine->usable[i].start),
		    .end = min_u64(end, machine->usable[i].end),
		};

		if (range.start >= range.end)
			continue;
		if (boot_range_count == MACHINE_USABLE_MAX)
			break;
		boot_ranges[boot_range_count++] = range;
	}
}

/*
 * Take [@start, @start + @size) out of a range.  What is left above it becomes
 * a range of its own, or is lost when the list is full.
 */
static void
boot_range_cut(struct machine_range *range, paddr_t start, uint64_t size)
{
	if (start + size < range->end && boot_range_count < MACHINE_USABLE_MAX)
		boot_ranges[boot_range_count++] = (struct machine_range){
		    .start = start + size, .end = range->end};
	range->end = start;
}

paddr_t
page_boot_alloc(uint64_t size, uint64_t alignment)
{
	size = page_ceil(size);
	for (uint32_t i = 0; i < boot_range_count; i++) {
		struct machine_range *range = &boot_ranges[i];
		paddr_t start;

		if (machine_range_size(*range) < size)
			continue;
		/* From the top: large blocks below stay whole. */
		start = (range->end - size) & ~(alignment - 1);
		if (start < range->start)
			continue;
		boot_range_cut(range, start, size);
		return start;
	}
	return 0;
}

/* ---- buddy lists; the lock is held ---- */

static void
buddy_push(struct page *page, unsigned order)
{
	page->order = (uint8_t)order;
	page->state = PAGE_FREE;
	list_add_head(&free_lists[order], &page->link);
	nonempty |= 1U << order;
}

static void
buddy_unlist(struct page *page)
{
	list_remove(&page->link);
	if (list_empty(&free_lists[page->order]))
		nonempty &= ~(1U << page->order);
}

/* The other half of the block of order @order + 1 that @page is in. */
static struct page *
buddy_of(const struct page *page, unsigned order)
{
	return page_of(page_pa(page) ^ PAGE_SIZE << order);
}

/* The lowest order from @order on of which there is a block; or ORDERS. */
static unsigned
order_at_hand(unsigned order)
{
	while (order < ORDERS && !(nonempty >> order & 1))
		order++;
	return order;
}

static struct page *
buddy_take(unsigned order)
{
	unsigned have = order_at_hand(order);
	struct page *page;

	if (have == ORDERS)
		return NULL;
	page = list_first(&free_lists[have], struct page, link);
	buddy_unlist(page);
	while (have > order) {
		have--;
		buddy_push(page + (1UL << have), have);
	}
	page->order = (uint8_t)order;
	page->state = PAGE_USED;
	buddy_free -= 1UL << order;
	return page;
}

static void
buddy_give(struct page *page, unsigned order)
{
	buddy_free += 1UL << order;
	for (; order < PAGE_ORDER_MAX; order++) {
		struct page *buddy = buddy_of(page, order);

		if (buddy->state != PAGE_FREE || buddy->order != order)
			break;
		buddy_unlist(buddy);
		if (buddy < page)
			page = buddy;
	}
	buddy_push(page, order);
}

static bool
fewer_than(uint64_t most, uint64_t part)
{
	return buddy_free < most && buddy_free < total_pages / part;
}

/* Pages came or went: what is there to be said of them? */
static void
update_level(void)
{
	uint8_t level = PAGE_LEVEL_ENOUGH;

	if (unlikely(fewer_than(LOW_MOST, LOW_PART))) {
		level = PAGE_LEVEL_LOW;
		if (fewer_than(SHORT_MOST, SHORT_PART))
			level = PAGE_LEVEL_SHORT;
		if (fewer_than(SCARCE_MOST, SCARCE_PART))
			level = PAGE_LEVEL_SCARCE;
	}
	atomic_store_explicit(&page_level, level, memory_order_relaxed);
}

/* ---- boot: from ranges to blocks ---- */

/* No page of the 2 MiB block around @pa is the allocator's, so far. */
static void
block_init(paddr_t pa)
{
	struct page *first = page_of(pa & ~(paddr_t)(SUPERPAGE_SIZE - 1));

	for (uint64_t i = 0; i < BLOCK_PAGES; i++)
		first[i].state = PAGE_NONE;
}

/* The largest block that starts at @at and ends at or below @end. */
static unsigned
fitting_order(paddr_t at, paddr_t end)
{
	unsigned order = PAGE_ORDER_MAX;

	while ((at & ((PAGE_SIZE << order) - 1)) != 0 ||
	       end - at < PAGE_SIZE << order)
		order--;
	return order;
}

static void
range_give(const struct machine_range *range)
{
	for (paddr_t at = range->start; at < range->end;) {
		unsigned order = fitting_order(at, range->end);

		buddy_give(page_of(at), order);
		total_pages += 1UL << order;
		at += PAGE_SIZE << order;
	}
}

void
page_init(void)
{
	for (unsigned order = 0; order < ORDERS; order++)
		list_init(&free_lists[order]);
	nonempty = 0;
	buddy_free = 0;
	total_pages = 0;
	/*
	 * All ragged blocks first: two ranges may end in the same one.
	 * pmap_boot() backed descriptors of whole blocks, so all of them are
	 * there even where RAM itself ends in the middle of one.
	 */
	for (uint32_t i = 0; i < boot_range_count; i++) {
		if (boot_ranges[i].start & (SUPERPAGE_SIZE - 1))
			block_init(boot_ranges[i].start);
		if (boot_ranges[i].end & (SUPERPAGE_SIZE - 1))
			block_init(boot_ranges[i].end);
	}
	spin_lock(&buddy_lock);
	for (uint32_t i = 0; i < boot_range_count; i++)
		range_give(&boot_ranges[i]);
	spin_unlock(&buddy_lock);
	boot_range_count = 0;
}

/* ---- failure on demand ---- */

/* Allocations until failure is injected, plus one; 0: never. */
static atomic_ulong fail_countdown;

void
page_fail_after(uint64_t count)
{
	atomic_store_explicit(&fail_countdown, count, memory_order_relaxed);
}

static bool
fail_now(void)
{
	uint64_t left =
	    atomic_load_explicit(&fail_countdown, memory_order_relaxed);

	if (likely(left == 0))
		return false;
	if (left == 1)
		return true;
	atomic_store_explicit(&fail_countdown, left - 1, memory_order_relaxed);
	return false;
}

/* ---- the caches ---- */

/* Of how many pages one of the right colour is sought. */
#define COLOUR_LOOKS 8

struct page *
page_cache_take(struct page_cache *cache, unsigned colour)
{
	struct page **last = &cache->free[--cache->count];
	struct page *page = *last;

	for (uint32_t i = 0; i < COLOUR_LOOKS && i <= cache->count; i++) {
		if (page_colour(last[-(int)i]) != colour)
			continue;
		page = last[-(int)i];
		last[-(int)i] = *last;
		break;
	}
	return page;
}

/* Split a block, which is ours, into pages at the end of @cache. */
static void
cache_add_block(struct page_cache *cache, struct page *block, unsigned order)
{
	for (uint32_t i = 1U << order; i-- > 0;) {
		block[i].order = 0;
		block[i].state = PAGE_USED;
		cache->free[cache->count++] = &block[i];
	}
}

/* The smallest blocks are used up first, so large ones stay whole. */
static void
cache_refill(struct page_cache *cache)
{
	spin_lock(&buddy_lock);
	while (cache->count < CACHE_HALF) {
		unsigned order =
		    (unsigned)min_u64(order_at_hand(0), CACHE_ORDER);
		struct page *block = buddy_take(order);

		if (block == NULL)
			break;
		cache_add_block(cache, block, order);
	}
	update_level();
	spin_unlock(&buddy_lock);
}

static void
cache_drain(struct page_cache *cache)
{
	spin_lock(&buddy_lock);
	while (cache->count > CACHE_HALF)
		buddy_give(cache->free[--cache->count], 0);
	update_level();
	spin_unlock(&buddy_lock);
}

static struct page *
block_alloc(unsigned order)
{
	struct page *page;

	KASSERT(order <= PAGE_ORDER_MAX);
	spin_lock(&buddy_lock);
	page = buddy_take(order);
	update_level();
	spin_unlock(&buddy_lock);
	return page;
}

static struct page *
begin_use(struct page *page)
{
	atomic_store_explicit(&page->refs, 1, memory_order_relaxed);
	page->owner = NULL;
	return page;
}

struct page *
page_alloc(unsigned order)
{
	struct page *page;

	if (unlikely(fail_now()))
		return NULL;
	if (order == 0) {
		struct page_cache *cache = &this_cpu()->pages;

		if (unlikely(cache->count == 0))
			cache_refill(cache);
		page = cache->count > 0 ? cache->free[--cache->count] : NULL;
	} else {
		page = block_alloc(order);
	}
	if (unlikely(page == NULL))
		return NULL;
	return begin_use(page);
}

struct page *
page_alloc_coloured(unsigned colour)
{
	struct page_cache *cache = &this_cpu()->pages;

	if (unlikely(fail_now()))
		return NULL;
	if (unlikely(cache->count == 0))
		cache_refill(cache);
	if (unlikely(cache->count == 0))
		return NULL;
	return begin_use(page_cache_take(cache, colour));
}

void
page_free(struct page *page)
{
	KASSERT(page->state == PAGE_USED);
	KASSERT(atomic_load_explicit(&page->refs, memory_order_relaxed) == 1);
	atomic_store_explicit(&page->refs, 0, memory_order_relaxed);
	if (page->order == 0) {
		struct page_cache *cache = &this_cpu()->pages;

		if (unlikely(cache->count == CACHE_PAGES))
			cache_drain(cache);
		cache->free[cache->count++] = page;
		return;
	}
	spin_lock(&buddy_lock);
	buddy_give(page, page->order);
	update_level();
	spin_unlock(&buddy_lock);
}

void
page_put(struct page *page)
{
	if (page_drop(page))
		page_free(page);
}

struct page *
page_alloc_zeroed(void)
{
	struct page *page = page_alloc(0);

	if (likely(page != NULL))
		page_zero(page_va(page));
	return page;
}

/* ---- contents ---- */

static inline void
zero_line(uint64_t *word)
{
	word[0] = 0;
	word[1] = 0;
	word[2] = 0;
	word[3] = 0;
	word[4] = 0;
	word[5] = 0;
	word[6] = 0;
	word[7] = 0;
}

/* Four cache lines a turn. */
void
page_zero(void *page)
{
	uint64_t *word = page;
	uint64_t *end = word + PAGE_SIZE / sizeof(*word);

	for (; word < end; word += 32) {
		zero_line(word);
		zero_line(word + 8);
		zero_line(word + 16);
		zero_line(word + 24);
	}
}

static inline void
copy_line(uint64_t *restrict out, const uint64_t *restrict in)
{
	uint64_t a = in[0], b = in[1], c = in[2], d = in[3];
	uint64_t e = in[4], f = in[5], g = in[6], h = in[7];

	out[0] = a;
	out[1] = b;
	out[2] = c;
	out[3] = d;
	out[4] = e;
	out[5] = f;
	out[6] = g;
	out[7] = h;
}

/* Forwards, a cache line at a time, as prefetchers of real cores like best; two
 * lines a turn are what registers have room for. */
void
page_copy(void *restrict to, const void *restrict from)
{
	uint64_t *restrict out = to;
	const uint64_t *restrict in = from;
	const uint64_t *end = in + PAGE_SIZE / sizeof(*in);

	for (; in < end; in += 16, out += 16) {
		copy_line(out, in);
		copy_line(out + 8, in + 8);
	}
}

/* ---- counts ---- */

uint64_t
page_free_count(void)
{
	uint64_t count;

	spin_lock(&buddy_lock);
	count = buddy_free;
	spin_unlock(&buddy_lock);
	for (uint32_t i = 0; i < cpu_count; i++)
		count += cpus[i].pages.count + cpus[i].tables.count;
	return count;
}

uint64_t
page_free_target(void)
{
	return min_u64(total_pages / TARGET_PART, TARGET_MOST);
}

uint64_t
page_total_count(void)
{
	return total_pages;
}
