/*
 * map.c: what each range of a task's memory is: allocate, remove, change, ask.
 *
 * Long because what is done to entries is all here.
 *
 * Long ranges are worked through in steps.  A step covers as much as some
 * PMAP_STEP page-table entries and STEP_ENTRIES map entries allow, and leaves
 * the map whole: entries and leaves always agree up to where it got.
 */
#include "vm/map.h"
#include "kernel/kassert.h"
#include "kernel/ledger.h"
#include "kernel/zone.h"
#include "vm/map_range.h"
#include "vm/map_room.h"
#include "vm/map_sweep.h"
#include "vm/map_tree.h"
#include "vm/memory_wait.h"
#include "vm/object.h"
#include "vm/page.h"

/* Entries that one step visits, each for some 150 instructions. */
#define STEP_ENTRIES 48
/* Entries that a first step checks before it changes any, at 10 each. */
#define CHECK_ENTRIES 512

static struct zone map_zone, entry_zone;

void
map_zone_init(void)
{
	zone_init(&map_zone, "map", sizeof(struct map), 0);
	zone_init(&entry_zone, "map entry", sizeof(struct map_entry), 0);
	ledger_weigh(BATON_LEDGER_MAP_ENTRIES, sizeof(struct map_entry));
	object_zone_init();
	memory_wait_init();
}

/* ---- life ---- */

bool map_spreads = true;

/* Entries of a table that share a cache line, and such lines. */
#define LINE_ENTRIES (CACHE_LINE / sizeof(pte_t))
#define LINES	     (PTE_COUNT / LINE_ENTRIES)

/*
 * Where the next map begins: some lines on from the one before in the middle
 * table, and some others in the leaf table; the numbers have no divisor in
 * common with LINES, so it takes as many maps until one begins as another does.
 */
static uint64_t
next_base(void)
{
	static atomic_uint made;
	uint64_t number =
	    atomic_fetch_add_explicit(&made, 1, memory_order_relaxed);
	uint64_t middle = (5 * number + 5) % LINES * LINE_ENTRIES;
	uint64_t leaf = (9 * number + 9) % LINES * LINE_ENTRIES;

	return MAP_ANYWHERE_BASE + middle * pt_span(1) + leaf * pt_span(0);
}

kern_return_t
map_create(struct map **mapp)
{
	struct map *map = zone_alloc(&map_zone);

	if (map == NULL)
		return KERN_RESOURCE_SHORTAGE;
	spin_init(&map->lock, LOCK_MAP);
	map_tree_init(map);
	if (map_spreads)
		map->base = next_base();
	map->ending = false;
	map->resident = false;
	map->pages_seen = map->pages_so_far = 0;
	map->ledger = NULL;
	if (pmap_init(&map->pmap) != KERN_SUCCESS) {
		zone_free(&map_zone, map);
		return KERN_RESOURCE_SHORTAGE;
	}
	map_sweep_add(map);
	*mapp = map;
	return KERN_SUCCESS;
}

void
map_pay_from(struct map *map, struct ledger *ledger)
{
	map->ledger = ledger;
	map->pmap.ledger = ledger;
}

struct pmap_weight
map_spare(struct map *map)
{
	struct pmap_weight spare;

	spin_lock(&map->lock);
	spare = map->pmap.spare;
	spin_unlock(&map->lock);
	return spare;
}

bool
map_destroy_step(struct map *map)
{
	uint64_t reached;

	spin_lock(&map->lock);
	map->ending = true;
	map_rooms_clear(map, 0, USER_END);
	if (!list_empty(&map->entries)) {
		/* Whole entries from the first on: nothing is split. */
		kern_return_t kr = map_remove_step(map, 0, USER_END, &reached);

		KASSERT(kr == KERN_SUCCESS);
		spin_unlock(&map->lock);
		return true;
	}
	spin_unlock(&map->lock);
	if (pmap_in_use(&map->pmap))
		return true;
	map_sweep_remove(map);
	pmap_destroy(&map->pmap);
	zone_free(&map_zone, map);
	return false;
}

/* ---- entries ---- */

bool
map_can_join(const struct map_entry *low, const struct map_entry *high)
{
	return low->end == high->start && !low->placing && !high->placing &&
	       !low->apart && !high->apart && low->held == high->held &&
	       low->kind == high->kind && low->prot == high->prot &&
	       low->max_prot == high->max_prot &&
	       low->inherit == high->inherit && low->object == high->object &&
	       low->behavior == high->behavior && low->wired == high->wired &&
	       low->object_pass == high->object_pass &&
	       (map_is_zeroed(low) ||
		   high->window - low->window == low->end - low->start);
}

/* @entry, new or a copy of another, is one more that maps its object. */
static void
hold_object(struct map *map, struct map_entry *entry)
{
	entry->map = map;
	if (entry->object == NULL)
		return;
	object_get(entry->object);
	if (entry->kind == MAP_OBJECT)
		object_add_mapping(entry->object, entry);
}

/* NULL: no memory, or more than the map's task may have. */
static struct map_entry *
entry_alloc(struct map *map)
{
	struct map_entry *entry;

	if (!ledger_charge(map->ledger, BATON_LEDGER_MAP_ENTRIES, 1))
		return NULL;
	entry = zone_alloc(&entry_zone);
	if (entry == NULL)
		ledger_credit(map->ledger, BATON_LEDGER_MAP_ENTRIES, 1);
	return entry;
}

void
map_entry_free(struct map *map, struct map_entry *entry)
{
	if (entry->kind == MAP_OBJECT)
		object_remove_mapping(entry->object, entry);
	if (entry->object != NULL)
		object_put(entry->object);
	zone_free(&entry_zone, entry);
	ledger_credit(map->ledger, BATON_LEDGER_MAP_ENTRIES, 1);
}

/* Make one of @entry and what follows it, if they say the same. */
static void
join_next(struct map *map, struct map_entry *entry)
{
	struct map_entry *next = map_next(map, entry);
	uint64_t end;

	if (next == NULL || !map_can_join(entry, next))
		return;
	end = next->end;
	map_tree_remove(map, next);
	map_entry_free(map, next);
	map_tree_resize(map, entry, entry->start, end);
}

/* The same with what stands before it; returns the entry that is left. */
static struct map_entry *
join_previous(struct map *map, struct map_entry *entry)
{
	struct map_entry *previous = map_previous(map, entry);

	if (previous == NULL || !map_can_join(previous, entry))
		return entry;
	join_next(map, previous);
	return previous;
}

kern_return_t
map_enter(struct map *map, const struct map_entry *template)
{
	struct map_entry *above = map_find(map, template->start);
	struct map_entry *below =
	    above != NULL ? map_previous(map, above) : map_last(map);
	struct map_entry *entry;

	KASSERT(above == NULL || above->start >= template->end);
	map_rooms_clear(map, template->start, template->end);
	if (below != NULL && map_can_join(below, template)) {
		map_tree_resize(map, below, below->start, template->end);
		join_next(map, below);
		return KERN_SUCCESS;
	}
	entry = entry_alloc(map);
	if (entry == NULL)
		return KERN_RESOURCE_SHORTAGE;
	*entry = *template;
	hold_object(map, entry);
	map_tree_insert(map, entry);
	join_next(map, entry);
	return KERN_SUCCESS;
}

/*
 * Cut @entry in two at @at, inside it: @upper, fresh memory, takes the part
 * from @at on.
 */
static void
entry_split(struct map *map, struct map_entry *entry, uint64_t at,
    struct map_entry *upper)
{
	uint64_t end = entry->end;

	*upper = *entry;
	hold_object(map, upper);
	upper->start = at;
	upper->window += at - entry->start;
	map_tree_resize(map, entry, entry->start, at);
	upper->end = end;
	map_tree_insert(map, upper);
}

/* Let no entry reach across @at.  KERN_RESOURCE_SHORTAGE. */
static kern_return_t
clip_at(struct map *map, uint64_t at)
{
	struct map_entry *entry = map_find(map, at);
	struct map_entry *upper;

	if (entry == NULL || entry->start >= at)
		return KERN_SUCCESS;
	upper = entry_alloc(map);
	if (upper == NULL)
		return KERN_RESOURCE_SHORTAGE;
	entry_split(map, entry, at, upper);
	return KERN_SUCCESS;
}

/* ---- ranges; map_range.h ---- */

kern_return_t
map_clip(struct map *map, uint64_t start, uint64_t end)
{
	if (clip_at(map, start) != KERN_SUCCESS)
		return KERN_RESOURCE_SHORTAGE;
	if (clip_at(map, end) == KERN_SUCCESS)
		return KERN_SUCCESS;
	/* Undo the clip: what was one entry is one again. */
	join_previous(map, map_find(map, start));
	return KERN_RESOURCE_SHORTAGE;
}

uint64_t
map_settle(struct map *map, uint64_t start, uint64_t end)
{
	struct map_entry *entry = map_find(map, start);

	for (unsigned i = 0;
	     i < STEP_ENTRIES && entry != NULL && entry->start < end; i++) {
		entry->placing = false;
		entry = map_next(map, join_previous(map, entry));
	}
	if (entry != NULL && entry->start < end)
		return entry->start;
	if (entry != NULL)
		join_previous(map, entry);
	return end;
}

void
map_become_object(struct map *map, struct map_entry *entry,
    struct object *object, uint64_t offset)
{
	KASSERT(entry->kind == MAP_ANONYMOUS);
	if (entry->object != NULL)
		object_put(entry->object);
	entry->kind = MAP_OBJECT;
	entry->object = object;
	entry->window = offset;
	hold_object(map, entry);
	join_next(map, join_previous(map, entry));
}

bool
map_is_free(struct map *map, uint64_t start, uint64_t end)
{
	struct map_entry *entry = map_find(map, start);

	return entry == NULL || entry->start >= end;
}

bool
map_covered(struct map *map, uint64_t start, uint64_t end, unsigned most)
{
	struct map_entry *entry = map_find(map, start);

	for (; most > 0 && entry != NULL && entry->start <= start; most--) {
		start = entry->end;
		if (start >= end)
			return true;
		entry = map_next(map, entry);
	}
	return false;
}

static uint64_t
pages_within(const struct map_entry *entry, uint64_t start, uint64_t end)
{
	return (min_u64(entry->end, end) - max_u64(entry->start, start)) >>
	       PAGE_SHIFT;
}

kern_return_t
map_cut(struct map *map, uint64_t start, uint64_t end)
{
	struct map_entry *entry = map_find(map, start);
	struct map_entry *next;

	if (entry == NULL || entry->start >= end)
		return KERN_SUCCESS;
	if (entry->start < start && entry->end > end) {
		struct map_entry *upper = entry_alloc(map);

		if (upper == NULL)
			return KERN_RESOURCE_SHORTAGE;
		entry_split(map, entry, end, upper);
	}
	for (; entry != NULL && entry->start < end; entry = next) {
		next = map_next(map, entry);
		if (unlikely(entry->wired > 0))
			ledger_credit(map->ledger, BATON_LEDGER_WIRED,
			    pages_within(entry, start, end));
		if (entry->start < start) {
			map_tree_resize(map, entry, entry->start, start);
		} else if (entry->end > end) {
			map_tree_resize(map, entry, end, entry->end);
		} else {
			map_tree_remove(map, entry);
			map_entry_free(map, entry);
		}
	}
	return KERN_SUCCESS;
}

struct pmap_hole
map_hole(struct map *map, uint64_t at)
{
	struct map_entry *above = map_find(map, at);
	struct map_entry *below =
	    map_tree_previous(map, above); /* rooms keep tables, too */

	while (below != NULL && below->start > at) {
		above = below;
		below = map_tree_previous(map, above);
	}
	KASSERT(above == NULL || above->start > at);
	KASSERT(below == NULL || below->end <= at);
	return (struct pmap_hole){
	    .start = below != NULL ? below->end : 0,
	    .end = above != NULL ? above->start : USER_END,
	};
}

/* How far a step from @start may go for its map entries; at most @end. */
static uint64_t
entries_step_end(struct map *map, struct map_entry *entry, uint64_t end)
{
	for (unsigned i = 0; i < STEP_ENTRIES; i++) {
		if (entry == NULL || entry->start >= end)
			return end;
		entry = map_next(map, entry);
	}
	return entry != NULL ? min_u64(entry->start, end) : end;
}

/* All of a region that stands apart goes, and leaves a room. */
static void
leave_room(struct map *map, struct map_entry *entry)
{
	struct pmap_hole hole = {.start = entry->start, .end = entry->end};

	pmap_remove(&map->pmap, entry->start, entry->end, &hole);
	map_room_keep(map, entry);
}

kern_return_t
map_remove_step(
    struct map *map, uint64_t start, uint64_t end, uint64_t *reachedp)
{
	struct map_entry *entry = map_find(map, start);
	uint64_t last = min_u64(end, USER_END);
	struct pmap_hole hole;
	uint64_t stop;

	if (entry == NULL || entry->start >= end) {
		*reachedp = end;
		return KERN_SUCCESS;
	}
	start = max_u64(start, entry->start);
	stop = entries_step_end(map, entry, last);
	stop = pmap_step_end(&map->pmap, start, stop);
	if (!pmap_own_ends(&map->pmap, start, stop) && !map->ending)
		return KERN_RESOURCE_SHORTAGE;
	if (map_room_is_worth(entry) && entry->start == start &&
	    entry->end == stop && !map->ending) {
		leave_room(map, entry);
		*reachedp = stop == last ? end : stop;
		return KERN_SUCCESS;
	}
	/* Or there would be several holes. */
	map_rooms_clear(map, start, stop);
	if (map_cut(map, start, stop) != KERN_SUCCESS)
		return KERN_RESOURCE_SHORTAGE;

	/* ---- committed: nothing below can fail ---- */
	/* A shared table that an ending map could not own goes with the last
	 * entry over its span: nobody touches it any more. */
	hole = map_hole(map, start);
	pmap_remove(&map->pmap, start, stop, &hole);
	*reachedp = stop == last ? end : stop;
	return KERN_SUCCESS;
}

/* ---- allocating ---- */

/* Sizes and addresses that a region may have, rounded to pages. */
static kern_return_t
check_region(
    uint64_t *sizep, unsigned prot, unsigned max_prot, unsigned inherit)
{
	if (*sizep == 0 || *sizep > UINT64_MAX - PAGE_MASK)
		return KERN_INVALID_ARGUMENT;
	if ((max_prot & ~(unsigned)VM_PROT_ALL) != 0 ||
	    (prot & ~max_prot) != 0 || inherit > VM_INHERIT_LAST_VALID)
		return KERN_INVALID_ARGUMENT;
	*sizep = page_ceil(*sizep);
	return KERN_SUCCESS;
}

/*
 * Large regions start where whole page tables do, so that they can be sent by
 * whole tables; smaller ones of round sizes so that they lie in one table.
 */
#define ROUND_SIZE (16 * PAGE_SIZE)
static uint64_t
better_unit(uint64_t size)
{
	if (size >= GIGAPAGE_SIZE)
		return GIGAPAGE_SIZE;
	if (size >= SUPERPAGE_SIZE)
		return SUPERPAGE_SIZE;
	return size >= ROUND_SIZE && (size & (size - 1)) == 0 ? size
							      : PAGE_SIZE;
}

bool
map_find_room_at(struct map *map, uint64_t size, uint64_t unit, uint64_t offset,
    uaddr_t *startp)
{
	const uint64_t better = better_unit(size);

	if (better > unit &&
	    map_tree_room(map, size, better, offset & (unit - 1), startp))
		return true;
	if (map_tree_room(map, size, unit, offset, startp))
		return true;
	map_rooms_clear(map, 0, USER_END);
	return map_tree_room(map, size, unit, offset, startp);
}

/* Room for @size bytes at a multiple of @unit. */
static kern_return_t
choose_address(struct map *map, uint64_t size, uint64_t unit, uaddr_t *addressp)
{
	if (size > USER_END)
		return KERN_NO_SPACE;
	return map_find_room_at(map, size, unit, 0, addressp) ? KERN_SUCCESS
							      : KERN_NO_SPACE;
}

bool
map_move_in(
    struct map *map, uint64_t size, uint64_t unit, struct map_entry *template)
{
	struct map_entry **place =
	    map_room_find(map, size, max_u64(unit, better_unit(size)));
	const struct map_entry *room;

	if (place == NULL)
		return false;
	room = map_room_fill(map, place, template);
	template->start = room->start;
	template->end = room->end;
	return true;
}

kern_return_t
map_check_room(struct map *map, uaddr_t start, uint64_t size)
{
	if (start < USER_BASE || size > USER_END || start > USER_END - size)
		return KERN_INVALID_ADDRESS;
	return map_is_free(map, start, start + size) ? KERN_SUCCESS
						     : KERN_NO_SPACE;
}

/* The power of two whose multiples have the bits of @mask clear. */
static uint64_t
unit_of_mask(uint64_t mask)
{
	uint64_t unit = PAGE_SIZE;

	while (unit <= mask && unit < USER_END)
		unit <<= 1;
	return unit;
}

/*
 * Remove what stands in the way, or a first part: then the caller is to come
 * again.
 */
static kern_return_t
make_room(struct map *map, uaddr_t start, uint64_t size)
{
	uint64_t reached;
	kern_return_t kr = map_remove_step(map, start, start + size, &reached);

	if (kr != KERN_SUCCESS)
		return kr;
	return map_is_free(map, start, start + size) ? KERN_SUCCESS
						     : KERN_OPERATION_TIMED_OUT;
}

/* Who asks for superpages has to ask for whole ones. */
static kern_return_t
check_superpages(
    uaddr_t address, uint64_t size, uint64_t *maskp, unsigned flags)
{
	unsigned wanted = flags & VM_FLAGS_SUPERPAGE_MASK;

	if (wanted == VM_FLAGS_SUPERPAGE_NONE)
		return KERN_SUCCESS;
	if (wanted > VM_FLAGS_SUPERPAGE_SIZE_2MB ||
	    (size & (SUPERPAGE_SIZE - 1)) != 0)
		return KERN_INVALID_ARGUMENT;
	if (!(flags & VM_FLAGS_ANYWHERE) &&
	    (address & (SUPERPAGE_SIZE - 1)) != 0)
		return KERN_INVALID_ARGUMENT;
	*maskp |= SUPERPAGE_SIZE - 1;
	return KERN_SUCCESS;
}

/* What map_allocate() knows; and of these, what says to put it over others. */
#define ALLOCATE_FLAGS                                                         \
	(unsigned)(VM_FLAGS_ANYWHERE | VM_FLAGS_OVERWRITE |                    \
		   VM_FLAGS_SUPERPAGE_MASK | VM_FLAGS_ALIAS_MASK)
#define FLAGS_REPLACE (unsigned)(VM_FLAGS_ANYWHERE | VM_FLAGS_OVERWRITE)

kern_return_t
map_find_room(struct map *map, uint64_t size, uint64_t mask, uaddr_t *startp)
{
	return choose_address(map, size, unit_of_mask(mask), startp);
}

kern_return_t
map_allocate(struct map *map, uaddr_t *addressp, uint64_t size, uint64_t mask,
    unsigned flags, unsigned prot, unsigned max_prot, unsigned inherit)
{
	struct map_entry region = {
	    .start = page_floor(*addressp),
	    .kind = MAP_ANONYMOUS,
	    .prot = (uint8_t)prot,
	    .max_prot = (uint8_t)max_prot,
	    .inherit = (uint8_t)inherit,
	};
	kern_return_t kr;

	/* A tag says what the memory is for, in lists: accepted and unused. */
	if (flags & ~ALLOCATE_FLAGS)
		return KERN_INVALID_ARGUMENT;
	kr = check_region(&size, prot, max_prot, inherit);
	if (kr == KERN_SUCCESS)
		kr = check_superpages(*addressp, size, &mask, flags);
	if (kr != KERN_SUCCESS)
		return kr;

	spin_lock(&map->lock);
	if ((flags & VM_FLAGS_ANYWHERE) &&
	    map_move_in(map, size, unit_of_mask(mask), &region)) {
		spin_unlock(&map->lock);
		*addressp = region.start;
		return KERN_SUCCESS;
	}
	if (flags & VM_FLAGS_ANYWHERE)
		kr = choose_address(
		    map, size, unit_of_mask(mask), &region.start);
	else
		kr = map_check_room(map, region.start, size);
	if (kr == KERN_NO_SPACE &&
	    (flags & FLAGS_REPLACE) == VM_FLAGS_OVERWRITE)
		kr = make_room(map, region.start, size);
	region.end = region.start + size;
	if (kr == KERN_SUCCESS) {
		kr = map_enter(map, &region);
		if (kr == KERN_RESOURCE_SHORTAGE) {
			/* Rooms are entries, and may be what is too many. */
			map_rooms_clear(map, 0, USER_END);
			kr = map_enter(map, &region);
		}
	}
	spin_unlock(&map->lock);
	if (kr == KERN_SUCCESS)
		*addressp = region.start;
	return kr;
}

kern_return_t
map_window(struct map *map, uaddr_t *addressp, paddr_t pa, uint64_t size,
    unsigned prot)
{
	struct map_entry region = {
	    .window = pa,
	    .kind = MAP_WINDOW,
	    .prot = (uint8_t)prot,
	    .max_prot = (uint8_t)prot,
	    .inherit = VM_INHERIT_NONE,
	};
	kern_return_t kr = check_region(&size, prot, prot, VM_INHERIT_NONE);

	if (kr != KERN_SUCCESS)
		return kr;
	if ((pa & PAGE_MASK) != 0)
		return KERN_INVALID_ARGUMENT;

	spin_lock(&map->lock);
	kr = choose_address(map, size, PAGE_SIZE, &region.start);
	region.end = region.start + size;
	if (kr == KERN_SUCCESS)
		kr = map_enter(map, &region);
	spin_unlock(&map->lock);
	if (kr == KERN_SUCCESS)
		*addressp = region.start;
	return kr;
}

/* ---- removing ---- */

/*
 * The pages that [@address, @address + @size) touches; false when the end
 * wraps.  Nothing lies above USER_END.
 */
static bool must_check
page_range(uaddr_t address, uint64_t size, uint64_t *startp, uint64_t *endp)
{
	if (address > UINT64_MAX - PAGE_MASK ||
	    size > UINT64_MAX - PAGE_MASK - address)
		return false;
	*startp = page_floor(address);
	*endp = page_ceil(address + size);
	return true;
}

kern_return_t
map_deallocate(struct map *map, uaddr_t address, uint64_t size, uint64_t *donep)
{
	uint64_t start, end, reached;
	kern_return_t kr;

	if (size == 0)
		return KERN_SUCCESS;
	if (!page_range(address, size, &start, &end))
		return KERN_INVALID_ARGUMENT;
	spin_lock(&map->lock);
	kr = map_remove_step(map, start + *donep, end, &reached);
	if (kr == KERN_SUCCESS && reached == end)
		map_room_widen(map, start, end);
	spin_unlock(&map->lock);
	if (kr == KERN_SUCCESS)
		*donep = reached - start;
	return kr;
}

/* ---- changing ---- */

/* What to make of the entries in a range. */
struct change {
	enum change_kind {
		CHANGE_PROTECTION, /* to @value */
		CHANGE_MAXIMUM,	   /* to @value, and what is more goes */
		CHANGE_INHERITANCE,
		CHANGE_BEHAVIOR,
		CHANGE_WIRE, /* once more; it has to allow @value */
		CHANGE_UNWIRE,
		CHANGE_UNDO_WIRE, /* the same of what is held, */
		CHANGE_LET_GO,	  /* ... which it is no more */
	} kind;
	unsigned value;
};

static bool
is_about_rights(const struct change *change)
{
	return change->kind == CHANGE_PROTECTION ||
	       change->kind == CHANGE_MAXIMUM;
}

static kern_return_t
check_change(const struct map_entry *entry, const struct change *change)
{
	unsigned most = is_about_rights(change) ? entry->max_prot : entry->prot;
	bool allows = is_about_rights(change) || change->kind == CHANGE_WIRE;

	if (allows && (change->value & ~most) != 0)
		return KERN_PROTECTION_FAILURE;
	if (change->kind == CHANGE_WIRE && entry->wired == UINT16_MAX)
		return KERN_FAILURE;
	return KERN_SUCCESS;
}

/* Can all of [@start, @end), or its first CHECK_ENTRIES, be changed? */
static kern_return_t
check_changes(
    struct map *map, uint64_t start, uint64_t end, const struct change *change)
{
	struct map_entry *entry = map_find(map, start);

	for (unsigned i = 0; i < CHECK_ENTRIES && start < end; i++) {
		kern_return_t kr;

		if (entry == NULL || entry->start > start)
			return KERN_INVALID_ADDRESS;
		kr = check_change(entry, change);
		if (kr != KERN_SUCCESS)
			return kr;
		start = entry->end;
		entry = map_next(map, entry);
	}
	return KERN_SUCCESS;
}

static void
change_entry(struct map_entry *entry, const struct change *change)
{
	uint8_t value = (uint8_t)change->value;

	switch (change->kind) {
	case CHANGE_PROTECTION:
		entry->prot = value;
		break;
	case CHANGE_MAXIMUM:
		entry->max_prot = value;
		entry->prot &= value;
		break;
	case CHANGE_INHERITANCE:
		entry->inherit = value;
		break;
	case CHANGE_BEHAVIOR:
		entry->behavior = value;
		break;
	case CHANGE_WIRE:
		entry->wired++;
		entry->held = true;
		break;
	case CHANGE_UNDO_WIRE:
		entry->held = false;
		/* fall through */
	case CHANGE_UNWIRE:
		entry->wired -= entry->wired > 0;
		break;
	case CHANGE_LET_GO:
		entry->held = false;
		break;
	}
}

/* Apply @change to the entries of [@start, @end), of which no end is inside. */
static void
change_entries(
    struct map *map, uint64_t start, uint64_t end, const struct change *change)
{
	struct map_entry *entry = map_find(map, start);

	while (entry != NULL && entry->start < end) {
		change_entry(entry, change);
		entry = map_next(map, join_previous(map, entry));
	}
	if (entry != NULL)
		join_previous(map, entry);
}

/* Pages of [@start, @end) in entries that are wired @often. */
static uint64_t
pages_wired(struct map *map, uint64_t start, uint64_t end, unsigned often)
{
	struct map_entry *entry = map_find(map, start);
	uint64_t pages = 0;

	for (; entry != NULL && entry->start < end;
	     entry = map_next(map, entry))
		if (entry->wired == often)
			pages += pages_within(entry, start, end);
	return pages;
}

static kern_return_t
change_step(struct map *map, uint64_t start, uint64_t end,
    const struct change *change, uint64_t *reachedp)
{
	kern_return_t kr = check_changes(map, start, end, change);
	uint64_t stop, wired = 0;

	if (kr != KERN_SUCCESS)
		return kr;
	stop = entries_step_end(map, map_find(map, start), end);
	if (is_about_rights(change))
		stop = pmap_step_end(&map->pmap, start, stop);
	if (is_about_rights(change) && !pmap_own_ends(&map->pmap, start, stop))
		return KERN_RESOURCE_SHORTAGE;
	if (change->kind == CHANGE_WIRE)
		wired = pages_wired(map, start, stop, 0);
	if (!ledger_charge(map->ledger, BATON_LEDGER_WIRED, wired))
		return KERN_RESOURCE_SHORTAGE;
	if (map_clip(map, start, stop) != KERN_SUCCESS) {
		ledger_credit(map->ledger, BATON_LEDGER_WIRED, wired);
		return KERN_RESOURCE_SHORTAGE;
	}

	/* ---- committed: nothing below can fail ---- */
	if (change->kind == CHANGE_UNWIRE || change->kind == CHANGE_UNDO_WIRE)
		ledger_credit(map->ledger, BATON_LEDGER_WIRED,
		    pages_wired(map, start, stop, 1));
	change_entries(map, start, stop, change);
	/* More rights are given by faults. */
	if (is_about_rights(change))
		pmap_restrict(&map->pmap, start, stop, change->value);
	*reachedp = stop;
	return KERN_SUCCESS;
}

static kern_return_t
change_range(struct map *map, uaddr_t address, uint64_t size,
    const struct change *change, uint64_t *donep)
{
	uint64_t start, end, reached;
	kern_return_t kr;

	if (size == 0)
		return KERN_SUCCESS;
	if (!page_range(address, size, &start, &end))
		return KERN_INVALID_ARGUMENT;
	spin_lock(&map->lock);
	kr = change_step(map, start + *donep, end, change, &reached);
	spin_unlock(&map->lock);
	if (kr == KERN_SUCCESS)
		*donep = reached - start;
	return kr;
}

kern_return_t
map_protect(struct map *map, uaddr_t address, uint64_t size, bool set_maximum,
    unsigned prot, uint64_t *donep)
{
	struct change change = {
	    .kind = set_maximum ? CHANGE_MAXIMUM : CHANGE_PROTECTION,
	    .value = prot,
	};

	if ((prot & ~(unsigned)VM_PROT_ALL) != 0)
		return KERN_INVALID_ARGUMENT;
	return change_range(map, address, size, &change, donep);
}

kern_return_t
map_inherit(struct map *map, uaddr_t address, uint64_t size, unsigned inherit,
    uint64_t *donep)
{
	struct change change = {.kind = CHANGE_INHERITANCE, .value = inherit};

	if (inherit > VM_INHERIT_LAST_VALID)
		return KERN_INVALID_ARGUMENT;
	return change_range(map, address, size, &change, donep);
}

kern_return_t
map_behave(struct map *map, uaddr_t address, uint64_t size, unsigned behavior,
    uint64_t *donep)
{
	struct change change = {.kind = CHANGE_BEHAVIOR, .value = behavior};

	return change_range(map, address, size, &change, donep);
}

kern_return_t
map_count_wire(struct map *map, uaddr_t address, uint64_t size, unsigned access,
    uint64_t *donep)
{
	struct change change = {.kind = CHANGE_WIRE, .value = access};

	return change_range(map, address, size, &change, donep);
}

kern_return_t
map_count_unwire(
    struct map *map, uaddr_t address, uint64_t size, uint64_t *donep)
{
	struct change change = {.kind = CHANGE_UNWIRE};

	return change_range(map, address, size, &change, donep);
}

kern_return_t
map_count_end(
    struct map *map, uaddr_t address, uint64_t size, bool undo, uint64_t *donep)
{
	struct change change = {
	    .kind = undo ? CHANGE_UNDO_WIRE : CHANGE_LET_GO};

	return change_range(map, address, size, &change, donep);
}

/* ---- asking ---- */

kern_return_t
map_region(struct map *map, uaddr_t address, struct map_region *region)
{
	struct map_entry *entry;

	spin_lock(&map->lock);
	entry = map_find(map, address);
	if (entry != NULL) {
		*region = (struct map_region){
		    .start = entry->start,
		    .size = entry->end - entry->start,
		    .prot = entry->prot,
		    .max_prot = entry->max_prot,
		    .inherit = entry->inherit,
		    .kind = entry->kind,
		    .behavior = entry->behavior,
		    .wired = entry->wired,
		};
		if (entry->object != NULL) {
			region->offset = entry->window;
			region->object_id = entry->object->id;
			region->mappings = object_mappings(entry->object);
			region->has_pager = object_is_paged(entry->object);
			region->backed = map_is_backed(entry);
		}
	}
	spin_unlock(&map->lock);
	return entry != NULL ? KERN_SUCCESS : KERN_INVALID_ADDRESS;
}
