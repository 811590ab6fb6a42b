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

/* The same, which usually is the one found last. */
always_inline struct map_entry *
map_find_again(struct map *map, uint64_t address)
{
	struct map_entry *entry = map->hint;

	if (likely(entry != NULL &&
		   address - entry->start < entry->end - entry->start))
		return entry;
	return map_find(map, address);
}

/* The entry of @link, or the first behind it (or before) that is no room. */
static inline struct map_entry *
map_upward(const struct map *map, const struct list *link)
{
	for (; link != &map->entries; link = link->next) {
		struct map_entry *entry =
		    container_of(link, struct map_entry, link);

		if (likely(entry->kind != MAP_ROOM))
			return entry;
	}
	return NULL;
}

static inline struct map_entry *
map_downward(const struct map *map, const struct list *link)
{
	for (; link != &map->entries; link = link->prev) {
		struct map_entry *entry =
		    container_of(link, struct map_entry, link);

		if (likely(entry->kind != MAP_ROOM))
			return entry;
	}
	return NULL;
}

static inline struct map_entry *
map_next(const struct map *map, const struct map_entry *entry)
{
	return map_upward(map, entry->link.next);
}

static inline struct map_entry *
map_previous(const struct map *map, const struct map_entry *entry)
{
	return map_downward(map, entry->link.prev);
}

static inline struct map_entry *
map_last(const struct map *map)
{
	return map_downward(map, map->entries.prev);
}

/* The entry, or room, before @entry; of NULL: the last. */
struct map_entry *map_tree_previous(
    const struct map *map, const struct map_entry *entry);

/* @entry counts, or (@sign -1) no longer counts, as memory of @map's. */
static inline void
map_tree_count(struct map *map, const struct map_entry *entry, int sign)
{
	if (entry->kind == MAP_ROOM)
		return;
	map->size += (uint64_t)sign * (entry->end - entry->start);
	map->entry_count += (uint64_t)sign;
	if (entry->apart)
		map->apart_count += (uint64_t)sign;
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
