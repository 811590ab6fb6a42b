/*
 * kernel/zone_here.h: zone_alloc() and zone_free() in place, where a hart has
 * an object at hand and room for another; for paths that are counted in
 * instructions.
 */
#pragma once
#include "kernel/cpu.h"
#include "kernel/zone.h"

/* This hart's magazine of @zone. */
static inline struct zone_magazine *
zone_magazine_here(const struct zone *zone)
{
	return (void *)((char *)this_cpu() + zone->magazine_at);
}

static inline void *must_check
zone_alloc_here(struct zone *zone)
{
	struct zone_magazine *magazine = zone_magazine_here(zone);
	uint64_t count = magazine->count;

	if (unlikely(count == 0))
		return zone_alloc(zone);
	magazine->count = count - 1;
	return magazine->object[count - 1];
}

static inline void
zone_free_here(struct zone *zone, void *object)
{
	struct zone_magazine *magazine = zone_magazine_here(zone);
	uint64_t count = magazine->count;

	/* One that is empty may be of a zone that uses none. */
	if (unlikely(count - 1 >= MAGAZINE_SIZE - 1)) {
		zone_free(zone, object);
		return;
	}
	magazine->object[count] = object;
	magazine->count = count + 1;
}
