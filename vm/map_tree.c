/*
 * map_tree.c: an AVL tree of map entries, augmented with gaps.
 *
 * An entry's gap is what is free between the entry below it and itself, as far
 * as the kernel may choose addresses there: above the map's base.  What is
 * free above the last entry is nobody's gap.
 *
 *	   base      entry        entry              USER_END
 *	-----|========[ ]==========[  ]==================|
 *	      its gap     its gap       tail
 */
#include "vm/map_tree.h"
#include "kernel/kassert.h"

enum side {
	BELOW,
	ABOVE
};

void
map_tree_init(struct map *map)
{
	map->base = MAP_ANYWHERE_BASE;
	list_init(&map->entries);
	map->root = NULL;
	map->hint = NULL;
	map->size = 0;
	map->entry_count = 0;
	map->apart_count = 0;
	map->newest_room = map->room;
	for (unsigned i = 0; i < MAP_ROOMS; i++)
		map->room[i] = NULL;
}

/* ---- neighbours, rooms among them ---- */

static struct map_entry *
entry_of(const struct map *map, struct list *link)
{
	return link != &map->entries
		   ? container_of(link, struct map_entry, link)
		   : NULL;
}

static struct map_entry *
next_of(const struct map *map, const struct map_entry *entry)
{
	return entry_of(map, entry->link.next);
}

struct map_entry *
map_tree_previous(const struct map *map, const struct map_entry *entry)
{
	return entry_of(
	    map, entry != NULL ? entry->link.prev : map->entries.prev);
}

/* ---- balance ---- */

static int
height_of(const struct map_entry *entry)
{
	return entry != NULL ? entry->height : 0;
}

static uint64_t
max_gap_of(const struct map_entry *entry)
{
	return entry != NULL ? entry->max_gap : 0;
}

/* Work out what @entry says about its subtree. */
static void
entry_update(struct map_entry *entry)
{
	struct map_entry *below = entry->child[BELOW];
	struct map_entry *above = entry->child[ABOVE];
	int low = height_of(below), high = height_of(above);

	entry->height = (uint8_t)(1 + (low > high ? low : high));
	entry->max_gap =
	    max_u64(entry->gap, max_u64(max_gap_of(below), max_gap_of(above)));
}

/* Let @new stand where @old stands. */
static void
take_place(struct map *map, struct map_entry *old, struct map_entry *new)
{
	struct map_entry *parent = old->parent;

	if (parent == NULL)
		map->root = new;
	else
		parent->child[parent->child[ABOVE] == old] = new;
	if (new != NULL)
		new->parent = parent;
}

static void
adopt(struct map_entry *parent, enum side side, struct map_entry *child)
{
	parent->child[side] = child;
	if (child != NULL)
		child->parent = parent;
}

/* @entry goes down to @side; its child of the other side takes its place. */
static struct map_entry *
rotate(struct map *map, struct map_entry *entry, enum side side)
{
	struct map_entry *riser = entry->child[!side];

	take_place(map, entry, riser);
	adopt(entry, !side, riser->child[side]);
	adopt(riser, side, entry);
	entry_update(entry);
	entry_update(riser);
	return riser;
}

/* @entry leans by two to the side @heavy: who stands there when it does not. */
static struct map_entry *
straighten(struct map *map, struct map_entry *entry, enum side heavy)
{
	struct map_entry *child = entry->child[heavy];

	if (height_of(child->child[!heavy]) > height_of(child->child[heavy]))
		rotate(map, child, heavy);
	return rotate(map, entry, !heavy);
}

/*
 * Update and balance from @entry towards the root, up to where what a subtree
 * says of itself is what it said before.
 */
static void
rebalance(struct map *map, struct map_entry *entry)
{
	for (; entry != NULL; entry = entry->parent) {
		int height = entry->height;
		uint64_t max_gap = entry->max_gap;
		int lean = height_of(entry->child[ABOVE]) -
			   height_of(entry->child[BELOW]);

		if (likely(lean >= -1 && lean <= 1))
			entry_update(entry);
		else
			entry =
			    straighten(map, entry, lean > 0 ? ABOVE : BELOW);
		if (entry->height == height && entry->max_gap == max_gap)
			break;
	}
}

/* ---- gaps ---- */

/* Where the gap below @entry starts; @entry NULL: the tail's. */
static uint64_t
gap_start(const struct map *map, const struct map_entry *entry)
{
	const struct map_entry *previous = map_tree_previous(map, entry);

	return max_u64(previous != NULL ? previous->end : 0, map->base);
}

static uint64_t
gap_of(const struct map *map, const struct map_entry *entry)
{
	uint64_t low = gap_start(map, entry);

	return entry->start > low ? entry->start - low : 0;
}

/* Something next to @entry changed; NULL is no entry. */
static void
regap(struct map *map, struct map_entry *entry)
{
	if (entry == NULL)
		return;
	entry->gap = gap_of(map, entry);
	rebalance(map, entry);
}

/* The same of one whose neighbour, or itself, was resized: the tree is as it
 * was, and what only grew is all that those above need to hear. */
static void
regap_in_place(struct map *map, struct map_entry *entry)
{
	uint64_t gap;

	if (entry == NULL)
		return;
	gap = gap_of(map, entry);
	if (gap < entry->gap) {
		entry->gap = gap;
		rebalance(map, entry);
		return;
	}
	entry->gap = gap;
	for (; entry != NULL && entry->max_gap < gap; entry = entry->parent)
		entry->max_gap = gap;
}

bool
map_tree_room(struct map *map, uint64_t size, uint64_t unit, uint64_t offset,
    uaddr_t *addressp)
{
	/* Enough for any start of the gap, so that one descent finds it. */
	const uint64_t need = size + unit - PAGE_SIZE;
	struct map_entry *entry = map->root;
	uint64_t low;

	if (max_gap_of(entry) < need)
		entry = NULL;
	while (entry != NULL) {
		if (max_gap_of(entry->child[BELOW]) >= need)
			entry = entry->child[BELOW];
		else if (entry->gap >= need)
			break;
		else
			entry = entry->child[ABOVE];
	}
	low = gap_start(map, entry);
	low += (offset - low) & (unit - 1);
	if (entry == NULL && (low > USER_END || USER_END - low < size))
		return false;
	*addressp = low;
	return true;
}

/* ---- finding, inserting, removing ---- */

struct map_entry *
map_find(struct map *map, uint64_t address)
{
	struct map_entry *entry = map->hint;
	struct map_entry *above = NULL;

	if (entry != NULL && address - entry->start < entry->end - entry->start)
		return entry;
	for (entry = map->root; entry != NULL;) {
		if (address >= entry->end) {
			entry = entry->child[ABOVE];
		} else if (address < entry->start) {
			above = entry;
			entry = entry->child[BELOW];
		} else if (unlikely(entry->kind == MAP_ROOM)) {
			return map_upward(map, &entry->link);
		} else {
			map->hint = entry;
			return entry;
		}
	}
	return above != NULL ? map_upward(map, &above->link) : NULL;
}

void
map_tree_insert(struct map *map, struct map_entry *entry)
{
	struct map_entry *parent = NULL;
	struct list *before = &map->entries;
	enum side side = BELOW;

	for (struct map_entry *at = map->root; at != NULL;
	     at = at->child[side]) {
		parent = at;
		side = entry->start >= at->end ? ABOVE : BELOW;
		if (side == BELOW)
			before = &at->link;
	}
	entry->parent = parent;
	entry->child[BELOW] = NULL;
	entry->child[ABOVE] = NULL;
	entry->height = 0;
	entry->max_gap = 0;
	if (parent == NULL)
		map->root = entry;
	else
		parent->child[side] = entry;
	list_add_tail(before, &entry->link);
	map_tree_count(map, entry, 1);
	regap(map, entry);
	regap(map, next_of(map, entry));
}

void
map_tree_remove(struct map *map, struct map_entry *entry)
{
	struct map_entry *next = next_of(map, entry);
	struct map_entry *lowest_changed = entry->parent;

	if (entry->child[BELOW] == NULL) {
		take_place(map, entry, entry->child[ABOVE]);
	} else if (entry->child[ABOVE] == NULL) {
		take_place(map, entry, entry->child[BELOW]);
	} else {
		/* The next one has nothing below it: it can come up. */
		lowest_changed = next->parent == entry ? next : next->parent;
		take_place(map, next, next->child[ABOVE]);
		adopt(next, BELOW, entry->child[BELOW]);
		adopt(next, ABOVE, entry->child[ABOVE]);
		take_place(map, entry, next);
		/* What was said of this subtree so far. */
		next->height = entry->height;
		next->max_gap = entry->max_gap;
	}
	list_remove(&entry->link);
	map_tree_count(map, entry, -1);
	if (map->hint == entry)
		map->hint = NULL;
	rebalance(map, lowest_changed);
	regap(map, next);
}

void
map_tree_resize(
    struct map *map, struct map_entry *entry, uint64_t start, uint64_t end)
{
	bool starts, ends;

	if (entry->kind != MAP_ROOM)
		map->size += (end - start) - (entry->end - entry->start);
	entry->window += start - entry->start;
	starts = start != entry->start;
	ends = end != entry->end;
	entry->start = start;
	entry->end = end;
	if (starts)
		regap_in_place(map, entry);
	if (ends)
		regap_in_place(map, next_of(map, entry));
}

/* ---- checks ---- */

/* Recursion: the depth is that of a balanced tree. */
static uint64_t
check_subtree(const struct map *map, const struct map_entry *entry)
{
	uint64_t count = 1;
	int lean = 0;

	for (unsigned side = BELOW; side <= ABOVE; side++) {
		const struct map_entry *child = entry->child[side];

		if (child == NULL)
			continue;
		KASSERT(child->parent == entry);
		KASSERT((child->start > entry->start) == (side == ABOVE));
		KASSERT(child->height < entry->height);
		KASSERT(child->max_gap <= entry->max_gap);
		count += check_subtree(map, child);
		lean += side == ABOVE ? child->height : -child->height;
	}
	KASSERT(lean >= -1 && lean <= 1);
	KASSERT(entry->gap == gap_of(map, entry));
	KASSERT(entry->max_gap == entry->gap ||
		entry->max_gap == max_gap_of(entry->child[BELOW]) ||
		entry->max_gap == max_gap_of(entry->child[ABOVE]));
	KASSERT(entry->gap <= entry->max_gap);
	return count;
}

static uint64_t
room_count(const struct map *map)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < MAP_ROOMS; i++)
		count += map->room[i] != NULL;
	return count;
}

void
map_tree_check(struct map *map)
{
	uint64_t end = USER_BASE, size = 0, rooms = 0, apart = 0;
	struct list *link;

	list_for_each (link, &map->entries) {
		struct map_entry *entry =
		    container_of(link, struct map_entry, link);

		KASSERT(entry->start >= end);
		KASSERT(entry->start < entry->end);
		KASSERT(((entry->start | entry->end) & PAGE_MASK) == 0);
		if (entry->kind == MAP_ROOM)
			rooms++;
		else
			size += entry->end - entry->start;
		apart += entry->apart;
		end = entry->end;
	}
	KASSERT(end <= USER_END);
	KASSERT(size == map->size);
	KASSERT(apart == map->apart_count);
	KASSERT(rooms == room_count(map));
	KASSERT(map->entry_count + rooms ==
		(map->root != NULL ? check_subtree(map, map->root) : 0));
	KASSERT(map->root == NULL || map->root->parent == NULL);
}
