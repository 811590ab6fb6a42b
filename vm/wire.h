/*
 * vm/wire.h: memory that is there and stays there.
 *
 * A region counts how often it was wired (struct map_entry, wired).  While that
 * is not 0:
 *
 *  - its pages are in memory, with the access that was asked for, and page
 *    replacement passes them over;
 *  - they stay the same pages: a copy of the region copies bytes, so that no
 *    access to it faults for a copy later.
 *
 * Regions that are deallocated or given away in a message are wired no more;
 * a child's copy never is.
 */
#pragma once
#include "kernel/types.h"

struct map;

/* How far a call is that wires: all 0 at first. */
struct wire_progress {
	uint64_t counted; /* bytes from the start on */
	uint64_t ready;	  /* ... that are there; then, that are dealt with */
	uint64_t over;	  /* WIRE_OVER, and what it will answer */
};
#define WIRE_OVER (1UL << 32)

/*
 * Wire whole pages for @access, in steps.
 *
 * Returns: KERN_SUCCESS, or
 *          KERN_OPERATION_TIMED_OUT  give way to others, then call again
 *          KERN_MEMORY_WAIT          wait, then call again
 *          KERN_INVALID_ADDRESS      a hole
 *          KERN_PROTECTION_FAILURE   @access is more than is allowed
 *          KERN_FAILURE              wired too often already
 *          KERN_RESOURCE_SHORTAGE
 *          KERN_MEMORY_ERROR         a page's bytes do not come
 * On failure no page is wired that was not before.
 */
kern_return_t must_check map_wire_step(struct map *map, uaddr_t start,
    uint64_t size, unsigned access, struct wire_progress *progress);
/*
 * The other way: *@donep is 0 at first, and is @size after the last.  Of what
 * was not wired nothing is said.
 * Errors: KERN_INVALID_ADDRESS, KERN_RESOURCE_SHORTAGE
 */
kern_return_t must_check map_unwire_step(
    struct map *map, uaddr_t start, uint64_t size, uint64_t *donep);
