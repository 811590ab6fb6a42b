/*
 * zone.c: slabs of equal objects, and a magazine of spare ones on each hart.
 *
 *	slab (a block of pages, aligned to its size):
 *	| struct slab | colour | object | object | ... |
 *
 * Objects are spread over cache sets: each slab starts its first object one
 * cache line further than the slab before it.  A slab that is empty again goes
 * back to the page allocator, save one that each zone keeps.
 */
#include "kernel/zone.h"
#include "kernel/cpu.h"
#include "kernel/kassert.h"
#include "kernel/string.h"
#include "kernel/zone_here.h"
#include "vm/page.h"

/* A free object is a link. */
struct zone_object {
	struct zone_object *next;
};

/* z: the zone's lock */
struct slab {
	struct list link;	  /* [z] on zone->partial while it has room */
	struct zone *zone;	  /* I */
	struct zone_object *free; /* [z] */
	uint32_t in_use;	  /* [z] */
	uint32_t magic;		  /* I: catches a free of something else */
};

#define SLAB_MAGIC	 0x51ab51ab
#define OBJECTS_PER_SLAB 8 /* at least, so that little is wasted */

static struct spinlock zones_lock = SPINLOCK_INIT(LOCK_ZONE);
static struct zone *zones[ZONE_MAX];
static uint32_t zone_count;

/* Allocations until failure is injected, plus one; 0: never. */
static atomic_ulong fail_countdown;

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

void
zone_fail_after(uint64_t count)
{
	atomic_store_explicit(&fail_countdown, count, memory_order_relaxed);
}

void
zone_init(struct zone *zone, const char *name, size_t size, size_t alignment)
{
	if (alignment == 0)
		alignment = 16;
	size = (size + alignment - 1) & ~(alignment - 1);
	*zone = (struct zone){.name = name, .size = (uint32_t)size};
	spin_init(&zone->lock, LOCK_ZONE);
	list_init(&zone->partial);
	while ((PAGE_SIZE << zone->order) < size * OBJECTS_PER_SLAB &&
	       zone->order < 3)
		zone->order++;

	spin_lock(&zones_lock);
	KASSERT(zone_count < ZONE_MAX);
	zone->index = zone_count;
	zone->magazine_at = offsetof(struct cpu, magazine[zone_count]);
	zones[zone_count++] = zone;
	spin_unlock(&zones_lock);
}

void
zone_init_made(struct zone *zone, const char *name, size_t size,
    size_t alignment, void (*make)(void *object))
{
	zone_init(zone, name, size, alignment);
	zone->make = make;
}

static struct slab *
slab_of(const struct zone *zone, const void *object)
{
	return (struct slab *)((uintptr_t)object &
			       ~((PAGE_SIZE << zone->order) - 1));
}

/* A new slab with all its objects on its free list; NULL: no memory. */
static struct slab *
slab_create(struct zone *zone, uint32_t colour)
{
	struct page *page = page_alloc(zone->order);
	size_t bytes = PAGE_SIZE << zone->order;
	size_t room = (bytes - CACHE_LINE) % zone->size;
	struct slab *slab;
	char *first;

	if (page == NULL)
		return NULL;
	page->owner = zone;
	slab = page_va(page);
	*slab = (struct slab){.zone = zone, .magic = SLAB_MAGIC};
	first = (char *)slab + CACHE_LINE +
		(colour * CACHE_LINE) % (room + 1) / CACHE_LINE * CACHE_LINE;
	for (char *at = first; at + zone->size <= (char *)slab + bytes;
	     at += zone->size) {
		struct zone_object *object = (struct zone_object *)(void *)at;

		if (zone->make != NULL)
			zone->make(object);
		object->next = slab->free;
		slab->free = object;
	}
	return slab;
}

static struct zone_object *
slab_take(struct zone *zone, struct slab *slab)
{
	struct zone_object *object = slab->free;

	slab->free = object->next;
	slab->in_use++;
	if (slab->free == NULL)
		list_remove(&slab->link);
	zone->in_slabs--;
	return object;
}

/* Take up to @want objects from the slabs; how many there were. */
static uint32_t
slabs_take(struct zone *zone, void **objects, uint32_t want)
{
	uint32_t count = 0;

	spin_lock(&zone->lock);
	while (count < want && !list_empty(&zone->partial))
		objects[count++] = slab_take(
		    zone, list_first(&zone->partial, struct slab, link));
	spin_unlock(&zone->lock);
	return count;
}

static uint32_t
objects_of(const struct slab *slab)
{
	uint32_t count = 0;

	for (struct zone_object *o = slab->free; o != NULL; o = o->next)
		count++;
	return count;
}

/* Add a slab to the zone; false when there is no memory. */
static bool
zone_grow(struct zone *zone)
{
	struct slab *slab = slab_create(zone,
	    atomic_fetch_add_explicit(&zone->colour, 1, memory_order_relaxed));
	uint32_t count;

	if (slab == NULL)
		return false;
	count = objects_of(slab);
	spin_lock(&zone->lock);
	list_add_tail(&zone->partial, &slab->link);
	zone->total += count;
	zone->in_slabs += count;
	spin_unlock(&zone->lock);
	return true;
}

/* The magazine is empty, or failure is to be injected; apart, so that the
 * rest is small. */
static never_inline void *
alloc_slowly(struct zone *zone, struct zone_magazine *magazine)
{
	if (unlikely(fail_now()))
		return NULL;
	if (magazine->count == 0)
		magazine->count =
		    slabs_take(zone, magazine->object, MAGAZINE_SIZE / 2);
	if (magazine->count == 0 && zone_grow(zone))
		magazine->count =
		    slabs_take(zone, magazine->object, MAGAZINE_SIZE / 2);
	if (magazine->count == 0)
		return NULL;
	return magazine->object[--magazine->count];
}

void *
zone_alloc(struct zone *zone)
{
	struct zone_magazine *magazine = zone_magazine_here(zone);
	uint64_t count = magazine->count;

	if (unlikely(atomic_load_explicit(
			 &fail_countdown, memory_order_relaxed) != 0 ||
		     count == 0))
		return alloc_slowly(zone, magazine);
	magazine->count = count - 1;
	return magazine->object[count - 1];
}

void *
zone_alloc_zeroed(struct zone *zone)
{
	void *object = zone_alloc(zone);

	if (object != NULL)
		memset(object, 0, zone->size);
	return object;
}

/* Put an object back into its slab; returns a slab to free, or NULL. */
static struct slab *
slab_return(struct zone *zone, struct zone_object *object)
{
	struct slab *slab = slab_of(zone, object);
	uint32_t count;

	KASSERT(slab->magic == SLAB_MAGIC);
	KASSERT(slab->zone == zone);
	if (slab->free == NULL)
		list_add_head(&zone->partial, &slab->link);
	object->next = slab->free;
	slab->free = object;
	slab->in_use--;
	zone->in_slabs++;
	if (slab->in_use > 0)
		return NULL;
	count = objects_of(slab);
	if (zone->in_slabs == count) {
		/* The only free ones: keep the slab, at the list's end. */
		list_remove(&slab->link);
		list_add_tail(&zone->partial, &slab->link);
		return NULL;
	}
	list_remove(&slab->link);
	zone->in_slabs -= count;
	zone->total -= count;
	return slab;
}

static void
slabs_return(struct zone *zone, void **objects, uint32_t count)
{
	struct list empty;

	list_init(&empty);
	spin_lock(&zone->lock);
	while (count-- > 0) {
		struct slab *slab = slab_return(zone, objects[count]);

		if (slab != NULL)
			list_add_tail(&empty, &slab->link);
	}
	spin_unlock(&zone->lock);
	while (!list_empty(&empty)) {
		struct slab *slab = list_first(&empty, struct slab, link);

		list_remove(&slab->link);
		slab->magic = 0;
		page_free(page_of(va_to_pa(slab)));
	}
}

/* The magazine is full. */
static never_inline void
free_slowly(struct zone *zone, struct zone_magazine *magazine, void *object)
{
	magazine->count = MAGAZINE_SIZE / 2;
	slabs_return(zone, &magazine->object[MAGAZINE_SIZE / 2],
	    MAGAZINE_SIZE - MAGAZINE_SIZE / 2);
	magazine->object[magazine->count++] = object;
}

void
zone_free(struct zone *zone, void *object)
{
	struct zone_magazine *magazine = zone_magazine_here(zone);
	uint64_t count = magazine->count;

	KASSERT(object != NULL);
	if (unlikely(count == MAGAZINE_SIZE)) {
		free_slowly(zone, magazine, object);
		return;
	}
	magazine->object[count] = object;
	magazine->count = count + 1;
}

uint64_t
zone_in_use(struct zone *zone)
{
	uint64_t spare;

	spin_lock(&zone->lock);
	spare = zone->in_slabs;
	for (uint32_t i = 0; i < cpu_count; i++)
		spare += cpus[i].magazine[zone->index].count;
	spare = zone->total - spare;
	spin_unlock(&zone->lock);
	return spare;
}

struct zone *
zone_next(struct zone *zone)
{
	uint32_t index = zone != NULL ? zone->index + 1 : 0;

	return index < zone_count ? zones[index] : NULL;
}

/* ---- memory of any size ---- */

#define KMEM_SMALLEST_SHIFT 6
#define KMEM_CLASSES	    6 /* 64 bytes to 2 KiB */

static struct zone kmem_zones[KMEM_CLASSES];

void
kmem_init(void)
{
	static const char *const names[KMEM_CLASSES] = {"kmem.64", "kmem.128",
	    "kmem.256", "kmem.512", "kmem.1024", "kmem.2048"};

	for (unsigned i = 0; i < KMEM_CLASSES; i++)
		zone_init(&kmem_zones[i], names[i],
		    1UL << (KMEM_SMALLEST_SHIFT + i), 0);
}

/* The zone for @size bytes; NULL: whole pages serve it. */
static struct zone *
kmem_zone(size_t size)
{
	for (unsigned i = 0; i < KMEM_CLASSES; i++) {
		if (size <= 1UL << (KMEM_SMALLEST_SHIFT + i))
			return &kmem_zones[i];
	}
	return NULL;
}

void *
kmem_alloc(size_t size)
{
	struct zone *zone = kmem_zone(size);
	struct page *page;
	unsigned order = 0;

	if (zone != NULL)
		return zone_alloc(zone);
	while (PAGE_SIZE << order < size) {
		if (++order > PAGE_ORDER_MAX)
			return NULL;
	}
	if (unlikely(fail_now()))
		return NULL;
	page = page_alloc(order);
	return page != NULL ? page_va(page) : NULL;
}

void
kmem_free(void *memory, size_t size)
{
	struct zone *zone = kmem_zone(size);

	if (zone != NULL)
		zone_free(zone, memory);
	else
		page_free(page_of(va_to_pa(memory)));
}
