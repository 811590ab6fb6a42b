/*
 * vm/map_range.h: what map.c does for the other files of vm/ on part of a map.
 * The map's lock is held throughout; ranges are whole pages.
 */
#pragma once
#include "vm/map.h"

/* Free what is in no tree any more, and what it holds. */
void map_entry_free(struct map *map, struct map_entry *entry);

/* Does @high start where @low ends, and say the same? */
bool map_can_join(const struct map_entry *low, const struct map_entry *high);

/*
 * Enter a region where nothing is, as @template says (bounds, kind, rights);
 * joined with its neighbours where they say the same.  KERN_RESOURCE_SHORTAGE.
 */
kern_return_t must_check map_enter(
    struct map *map, const struct map_entry *template);

/*
 * Where a region of @size bytes, whole pages, can be: room anywhere, with the
 * bits of @mask clear (KERN_NO_SPACE), or at *@startp: KERN_INVALID_ADDRESS,
 * not in the user's half; KERN_NO_SPACE, something is there.
 */
kern_return_t must_check map_find_room(
    struct map *map, uint64_t size, uint64_t mask, uaddr_t *startp);
/* The same at an address that is @offset modulo @unit; false: KERN_NO_SPACE. */
bool must_check map_find_room_at(struct map *map, uint64_t size, uint64_t unit,
    uint64_t offset, uaddr_t *startp);
kern_return_t must_check map_check_room(
    struct map *map, uaddr_t start, uint64_t size);
/*
 * Let a region of @size bytes, whole pages, of which @template says all but
 * where, move into a room at a multiple of @unit: @template's bounds.  False:
 * there is none that fits.
 */
bool must_check map_move_in(
    struct map *map, uint64_t size, uint64_t unit, struct map_entry *template);
/* Is nothing in [@start, @end)? */
bool must_check map_is_free(struct map *map, uint64_t start, uint64_t end);

/* Do at most @most entries cover all of [@start, @end)? */
bool must_check map_covered(
    struct map *map, uint64_t start, uint64_t end, unsigned most);

/*
 * Let no entry reach across @start or @end.  KERN_RESOURCE_SHORTAGE, with
 * nothing changed.
 */
kern_return_t must_check map_clip(
    struct map *map, uint64_t start, uint64_t end);

/*
 * Entries of [@start, @end) that were placing are so no more, and are joined
 * with others: a bounded step, up to the address returned.
 */
uint64_t map_settle(struct map *map, uint64_t start, uint64_t end);

/* The private pages of @entry are in @object now, from @offset on.  @entry may
 * become part of a neighbour. */
void map_become_object(struct map *map, struct map_entry *entry,
    struct object *object, uint64_t offset);

/*
 * Take the range out of the entries; the leaves are the caller's business.
 * KERN_RESOURCE_SHORTAGE, with nothing changed, is possible only where the
 * range lies inside one entry.
 */
kern_return_t must_check map_cut(struct map *map, uint64_t start, uint64_t end);

/*
 * The entry that speaks of the page at @va, brought in if it was elsewhere, for
 * those who read the page while the map is locked; 0: none.
 */
kern_return_t must_check map_swap_in(struct map *map, uaddr_t va, pte_t *ptep);

/* The hole around @at, which no entry covers, nor a room. */
struct pmap_hole map_hole(struct map *map, uint64_t at);

/*
 * Remove a first part of the range, pages and all, in bounded time; *@reachedp
 * says up to where.
 */
kern_return_t must_check map_remove_step(
    struct map *map, uint64_t start, uint64_t end, uint64_t *reachedp);
