/*
 * vm/map_tree.h: the entries of a map: in a list by address, and in a balanced
 * (AVL) tree in which each knows the largest gap below it.  The map's lock is
 * held throughout.
 */
#pragma once
#include "vm/map.h"

void map_tree_init(struct map *map);

/* The entry that covers @address, or else the next above it, or NULL. */
struct map_entry *map_find(struct map *map, uint64_t address);

static inline struct map_entry *
map_next(const struct map *map, const struct map_entry *entry)
{
	return entry->link.next == &map->entries
		   ? NULL
		   : container_of(entry->link.next, struct map_entry, link);
}

static inline struct map_entry *
map_previous(const struct map *map, const struct map_entry *entry)
{
	return entry->link.prev == &map->entries
		   ? NULL
		   : container_of(entry->link.prev, struct map_entry, link);
}

static inline struct map_entry *
map_last(const struct map *map)
{
	return list_empty(&map->entries)
		   ? NULL
		   : container_of(map->entries.prev, struct map_entry, link);
}

/* Put in @entry, whose range nobody covers. */
void map_tree_insert(struct map *map, struct map_entry *entry);
void map_tree_remove(struct map *map, struct map_entry *entry);
/* New bounds, which overlap no neighbour; a window's start follows. */
void map_tree_resize(
    struct map *map, struct map_entry *entry, uint64_t start, uint64_t end);

/*
 * Room for @size bytes at an address that is @offset modulo @unit, a power of
 * two: the lowest gap that has it wherever it starts.  false: none has.
 */
bool must_check map_tree_room(struct map *map, uint64_t size, uint64_t unit,
    uint64_t offset, uaddr_t *addressp);

/* KASSERT all that is said above. */
void map_tree_check(struct map *map);
