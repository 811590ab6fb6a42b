/*
 * vm/map_sweep.h: one hand that goes round all maps, for page replacement.
 *
 * Second chance: the hand closes pages on its way, and takes those that are
 * still closed when it comes by again (pmap_sweep_step()).  Whoever uses one in
 * between opens it by a fault.
 */
#pragma once
#include <arch/pmap.h>

struct map;

/* @map is there, for the hand to visit; or will be gone. */
void map_sweep_add(struct map *map);
void map_sweep_remove(struct map *map);

/* How many there are. */
uint64_t map_sweep_count(void);

/* Let the hand move on by one bounded step.  True: it is at its start again. */
bool map_sweep_step(struct pmap_sweep *sweep);

/*
 * The same for a first part of [@start, @end) of one map, whose hand this is,
 * up to *@reachedp.  KERN_INVALID_ADDRESS: something there is not mapped.
 */
kern_return_t must_check map_sweep_range(struct map *map, uaddr_t start,
    uint64_t end, uint64_t *reachedp, struct pmap_sweep *sweep);
