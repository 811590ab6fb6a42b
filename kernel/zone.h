/*
 * kernel/zone.h: fixed-size caches of kernel objects, typed by their zone.
 *
 * An allocation usually takes the last freed object from this hart's magazine
 * and touches no lock.  Every allocation can fail; tests make it do so with
 * zone_fail_after().  Objects come back as they were freed, not zeroed.
 */
#pragma once
#include "kernel/list.h"
#include "kernel/lock.h"
#include "kernel/types.h"

/* I: immutable   z: lock   a: atomic */
struct zone {
	const char *name;     /* I */
	uint32_t size;	      /* I: of one object */
	uint32_t index;	      /* I: which magazine of each hart is its own */
	uint64_t magazine_at; /* I: and where in struct cpu that is */
	uint32_t order;	      /* I: a slab is 2^order pages */
	atomic_uint colour;   /* a: of the next slab */
	struct spinlock lock; /* rank LOCK_ZONE */
	struct list partial;  /* z: slabs that have a free object */
	uint64_t total;	      /* z: objects that exist */
	uint64_t in_slabs;    /* z: of these, free in slabs */
	void (*make)(
	    void *); /* I: of each object when there is memory for it */
};

/* The zones behind kmem_alloc(). */
void kmem_init(void);

/* @alignment is a power of two; 0: 16 bytes. */
void zone_init(
    struct zone *zone, const char *name, size_t size, size_t alignment);
/*
 * The same for objects that are given back as they were made, so that who takes
 * one need not make it again: @make is called once for each.  Their first
 * eight bytes are the zone's while they are free.
 */
void zone_init_made(struct zone *zone, const char *name, size_t size,
    size_t alignment, void (*make)(void *object));
void *zone_alloc(struct zone *zone) must_check;
void *zone_alloc_zeroed(struct zone *zone) must_check;
void zone_free(struct zone *zone, void *object);

/* Objects in use: allocated and not yet freed.  Exact when harts are quiet. */
uint64_t zone_in_use(struct zone *zone);
/* Visit all zones, in the order they were made; NULL after the last. */
struct zone *zone_next(struct zone *zone);

/* Memory of any size, for tables and message bodies; NULL: none. */
void *kmem_alloc(size_t size) must_check;
void kmem_free(void *memory, size_t size);

/* What so much takes: powers of two are handed out. */
static inline size_t
kmem_footprint(size_t size)
{
	size_t taken = 64;

	while (taken < size)
		taken <<= 1;
	return taken;
}

/* Tests: the @count-th allocation from now fails, and all after; 0: none. */
void zone_fail_after(uint64_t count);
