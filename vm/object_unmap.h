/*
 * vm/object_unmap.h: take an object's pages out of the tables of all who map
 * them.
 *
 * For objects with a pager alone: others' leaves stay right for ever.  Each
 * entry that maps the object is visited once in a pass; those that have been
 * stand behind the others in object->mappings, with the pass's number.  An
 * entry that comes to be meanwhile is visited too, for nothing: who makes a
 * pass has first marked the slots, so that nobody maps their pages again.
 *
 *	unvisited ... unvisited | visited ... visited
 */
#pragma once
#include "kernel/types.h"

struct object;

/* A pass begins; there is one at a time.  Locks: the object's. */
void object_unmap_begin(struct object *object);
/*
 * A bounded step of it for [@start, @end), some pages: leaves go, or with
 * @only_writing lose that right; true while there is more.  Wired ones only
 * lose that right, and *@pinnedp becomes true.
 */
bool must_check object_unmap_step(struct object *object, uint64_t start,
    uint64_t end, bool only_writing, bool *pinnedp);
