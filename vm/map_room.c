/*
 * map_room.c: see map_room.h.
 */
#include "vm/map_room.h"

#include "kernel/kassert.h"
#include "vm/map_range.h"
#include "vm/map_tree.h"

/* The room at @place goes, with the tables that were kept for it. */
static void
dissolve(struct map *map, unsigned place)
{
	struct map_entry *room = map->room[place];
	uint64_t start = room->start, end = room->end;
	struct pmap_hole hole;

	map->room[place] = NULL;
	map_tree_remove(map, room);
	map_entry_free(map, room);
	hole = map_hole(map, start);
	pmap_remove(&map->pmap, start, end, &hole);
}

void
map_room_keep(struct map *map, struct map_entry *entry)
{
	unsigned place = map_room_free(map);

	KASSERT(map_is_zeroed(entry));
	if (place == MAP_ROOMS) {
		place = (map->newest_room + 1) % MAP_ROOMS;
		dissolve(map, place);
	}
	map_room_put(map, place, entry);
}

void
map_room_widen(struct map *map, uint64_t start, uint64_t end)
{
	struct map_entry *room = map->room[map->newest_room];
	const struct map_entry *below;
	struct pmap_hole hole;

	/* Below, nobody is to be given an address. */
	start = max_u64(start, USER_BASE);
	if (room == NULL || room->end != end || room->start <= start)
		return;
	below = map_tree_previous(map, room);
	if (below != NULL && below->end > start)
		return;
	map_tree_resize(map, room, start, end);
	/* The table that reached across where the last step began. */
	hole = (struct pmap_hole){.start = start, .end = end};
	if (end - start >= SUPERPAGE_SIZE)
		pmap_remove(&map->pmap, start, end, &hole);
}

void
map_rooms_clear(struct map *map, uint64_t start, uint64_t end)
{
	for (unsigned i = 0; i < MAP_ROOMS; i++) {
		struct map_entry *room = map->room[i];

		if (room != NULL && room->start < end && start < room->end)
			dissolve(map, i);
	}
}
