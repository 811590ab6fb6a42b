/*
 * vm/map_room.h: rooms: where a region was, kept for the next one as large.
 *
 * Who sends memory away allocates the next buffer soon, and who receives it
 * gives that up again: the same sizes come and go.  So the entry of a region
 * that went whole stays in the tree, empty, as a room (MAP_ROOM), and with it
 * the page tables above; the next region of that size moves in, with no work
 * in the tree, nor in the tables.
 *
 * A room is no memory: map_find(), map_next() and map_previous() pass it by,
 * and only the tree knows that the kernel is not to choose addresses in it.  It
 * goes when something is placed over it, when the kernel finds no other gap,
 * when its task may have no more entries, or when it is the oldest of too many.
 *
 * A region that arrives by message (up to some of them), or that moved into a
 * room, stands apart: it is never joined with its neighbours, so that it can
 * leave a room again.  What is no part of a larger region leaves one as well.
 *
 * The map's lock is held throughout.
 */
#pragma once
#include "kernel/ledger.h"
#include "vm/map.h"

/* Larger ones would divide the user's half for whatever comes next. */
#define MAP_ROOM_MAX (4UL << 30)

/* Entries of a map that may stand apart. */
#define MAP_APART_MAX 32

/* Is there a room of @size bytes that begins at a multiple of @unit? */
always_inline bool
map_room_fits(const struct map_entry *room, uint64_t size, uint64_t unit)
{
	return room != NULL && room->end - room->start == size &&
	       (room->start & (unit - 1)) == 0;
}

/* The same two of all places. */
struct map_entry **map_room_search(
    struct map *map, uint64_t size, uint64_t unit);
struct map_entry **map_room_search_free(struct map *map);

/*
 * Where in @map->room there is one of @size bytes at a multiple of @unit, a
 * power of two; or NULL.  Usually it is where one came or went last.
 */
always_inline struct map_entry **
map_room_find(struct map *map, uint64_t size, uint64_t unit)
{
	struct map_entry **place = map->newest_room;

	return likely(map_room_fits(*place, size, unit))
		   ? place
		   : map_room_search(map, size, unit);
}

/* A place for one more, with none that has to go; or NULL. */
always_inline struct map_entry **
map_room_free(struct map *map)
{
	struct map_entry **place = map->newest_room;

	return likely(*place == NULL) ? place : map_room_search_free(map);
}

/* The room at @place becomes a region of anonymous memory that stands apart,
 * of which @template says all but where. */
always_inline struct map_entry *
map_room_fill(
    struct map *map, struct map_entry **place, const struct map_entry *template)
{
	struct map_entry *room = *place;

	*place = NULL;
	map->newest_room = place;
	room->says = template->says;
	room->apart = true;
	map->size += room->end - room->start;
	map->entry_count++;
	map->apart_count++;
	map->hint = room;
	return room;
}

/*
 * The region of @entry, anonymous memory, goes, but for the entry: a room, at
 * @place, which is free.  No leaves of it are left, nor tables below its own
 * level.
 */
always_inline void
map_room_put(struct map *map, struct map_entry **place, struct map_entry *entry)
{
	uint64_t size = entry->end - entry->start;

	*place = entry;
	map->newest_room = place;
	/* What was charged for it is kept, too. */
	map->pmap.keep =
	    PMAP_SPARE_PAGES + min_u64(size >> PAGE_SHIFT, PMAP_KEEP_MAX);
	map->size -= size;
	map->entry_count--;
	map->apart_count -= entry->apart;
	entry->says = MAP_ROOM;
	if (unlikely(entry->wired > 0))
		ledger_credit(
		    map->ledger, BATON_LEDGER_WIRED, size >> PAGE_SHIFT);
	entry->wired = 0;
	if (map->hint == entry)
		map->hint = NULL;
}

/* The same at any place: the oldest room may have to go.  No more than 512
 * entries of a table are looked at for that. */
void map_room_keep(struct map *map, struct map_entry *entry);

/*
 * All of [@start, @end) has gone, in steps.  If the last one left a room, and
 * nothing has come before it since, it is as large as all of them, or goes if
 * that is too much.
 */
void map_room_widen(struct map *map, uint64_t start, uint64_t end);

/* May a region that leaves from here become a room?  The oldest goes, if it has
 * to. */
static inline bool
map_room_is_worth(const struct map_entry *entry)
{
	return map_is_zeroed(entry) &&
	       entry->end - entry->start <= MAP_ROOM_MAX;
}

/* There are rooms, some of which may lie in [@start, @end): none does. */
void map_rooms_dissolve(struct map *map, uint64_t start, uint64_t end);

/* Nothing of a room is left in [@start, @end). */
static inline void
map_rooms_clear(struct map *map, uint64_t start, uint64_t end)
{
	for (unsigned i = 0; i < MAP_ROOMS; i++) {
		const struct map_entry *room = map->room[i];

		if (unlikely(room != NULL && room->start < end &&
			     start < room->end)) {
			map_rooms_dissolve(map, start, end);
			break;
		}
	}
}
