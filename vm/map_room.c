/*
 * map_room.c: see map_room.h.
 */
#include "vm/map_room.h"

#include "kernel/kassert.h"
#include "vm/map_range.h"
#include "vm/map_tree.h"

struct map_entry **
map_room_search(struct map *map, uint64_t size, uint64_t unit)
{
	for (unsigned i = 0; i < MAP_ROOMS; i++) {
		if (map_room_fits(map->room[i], size, unit))
			return &map->room[i];
	}
	return NULL;
}

struct map_entry **
map_room_search_free(struct map *map)
{
	for (unsigned i = 0; i < MAP_ROOMS; i++) {
		if (map->room[i] == NULL)
			return &map->room[i];
	}
	return NULL;
}

/* The room at @place goes, with the tables that were kept for it. */
static void
dissolve(struct map *map, struct map_entry **place)
{
	struct map_entry *room = *place;
	uint64_t start = room->start, end = room->end;
	struct pmap_hole hole;

	*place = NULL;
	map_tree_remove(map, room);
	map_entry_free(map, room);
	hole = map_hole(map, start);
	pmap_remove(&map->pmap, start, end, &hole);
	map->pmap.keep = PMAP_SPARE_PAGES;
	pmap_settle(&map->pmap);
}

void
map_room_keep(struct map *map, struct map_entry *entry)
{
	struct map_entry **place = map_room_free(map);

	KASSERT(map_is_zeroed(entry));
	if (place == NULL) {
		place = map->newest_room + 1;
		if (place == &map->room[MAP_ROOMS])
			place = map->room;
		dissolve(map, place);
	}
	map_room_put(map, place, entry);
}

void
map_room_widen(struct map *map, uint64_t start, uint64_t end)
{
	struct map_entry *room = *map->newest_room;
	const struct map_entry *below;
	struct pmap_hole hole;

	/* Below, nobody is to be given an address. */
	start = max_u64(start, USER_BASE);
	if (room == NULL || room->end != end || room->start <= start)
		return;
	below = map_tree_previous(map, room);
	if (below != NULL && below->end > start)
		return;
	if (end - start > MAP_ROOM_MAX) {
		dissolve(map, map->newest_room);
		return;
	}
	map_tree_resize(map, room, start, end);
	/* The table that reached across where the last step began. */
	hole = (struct pmap_hole){.start = start, .end = end};
	if (end - start >= SUPERPAGE_SIZE)
		pmap_remove(&map->pmap, start, end, &hole);
	map->pmap.keep = PMAP_SPARE_PAGES;
	pmap_settle(&map->pmap);
}

void
map_rooms_dissolve(struct map *map, uint64_t start, uint64_t end)
{
	for (unsigned i = 0; i < MAP_ROOMS; i++) {
		struct map_entry *room = map->room[i];

		if (room != NULL && room->start < end && start < room->end)
			dissolve(map, &map->room[i]);
	}
}
