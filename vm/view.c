/* view.c: how views are entered into maps; see view.h. */
#include "vm/view.h"

#include <arch/pmap.h>

#include "vm/map_range.h"
#include "vm/map_tree.h"
#include "vm/memory_wait.h"
#include "vm/object.h"
#include "vm/page_count.h"
#include "vm/view_pieces.h"

/* Regions entered, and pages filled in, in one step. */
#define STEP_PIECES 16
#define STEP_PAGES  8

/* ---- where @place->done is ---- */

/* Start again from the first byte to be entered. */
static void
rewind(struct view_place *place)
{
	place->done = 0;
	place->piece = 0;
	place->before = 0;
}

/* The piece that the next byte is in; *@offsetp: where; *@sizep: how many
 * bytes of it. */
static const struct view_piece *
next_piece(struct view_place *place, uint64_t *offsetp, uint64_t *sizep)
{
	uint64_t at = place->offset + place->done;
	const struct view_piece *piece = &place->view->piece[place->piece];

	while (place->before + piece->size <= at) {
		place->before += piece->size;
		place->piece++;
		piece++;
	}
	*offsetp = piece->offset + (at - place->before);
	*sizep = min_u64(
	    place->size - place->done, place->before + piece->size - at);
	return piece;
}

/* ---- steps ---- */

static kern_return_t
undo(struct view_place *place, kern_return_t kr)
{
	place->failure = kr;
	place->phase = VIEW_UNDO;
	return KERN_OPERATION_TIMED_OUT;
}

/*
 * A private view of a pager's object need not have its pages yet, if there can
 * be a snapshot.
 */
static kern_return_t
begin_step(struct view_place *place)
{
	const struct view_piece *piece = &place->view->piece[0];

	place->phase = VIEW_CLEAR;
	if (!place->private || place->view->count > 1 ||
	    piece->object == NULL || piece->object->pager == NULL)
		return KERN_OPERATION_TIMED_OUT;
	place->moment.object = piece->object;
	place->moment.start = piece->offset + place->offset;
	place->moment.end = place->moment.start + place->size;
	place->phase = VIEW_MOMENT;
	return KERN_OPERATION_TIMED_OUT;
}

static kern_return_t
moment_step(struct view_place *place)
{
	kern_return_t kr = snapshot_take_step(&place->moment);

	if (kr != KERN_SUCCESS && kr != KERN_NOT_SUPPORTED)
		return kr;
	place->phase = VIEW_CLEAR;
	return KERN_OPERATION_TIMED_OUT;
}

void
view_place_end(struct view_place *place)
{
	if (place->moment.snapshot != NULL)
		object_put(place->moment.snapshot);
}

/* What keeps the place until its regions are entered. */
static struct map_entry
stand_in(const struct view_place *place)
{
	return (struct map_entry){
	    .start = place->address,
	    .end = place->address + place->size,
	    .kind = MAP_ANONYMOUS,
	    .prot = VM_PROT_NONE,
	    .max_prot = VM_PROT_NONE,
	    .inherit = VM_INHERIT_NONE,
	    .placing = true,
	};
}

/* Have nothing at the place; the map is locked. */
static kern_return_t
make_room(struct view_place *place)
{
	uint64_t end = place->address + place->size;
	kern_return_t kr;
	uint64_t reached;

	if (place->anywhere)
		return map_find_room(
		    place->map, place->size, place->mask, &place->address);
	kr = map_check_room(place->map, place->address, place->size);
	if (kr != KERN_NO_SPACE || !place->overwrite)
		return kr;
	kr = map_remove_step(place->map, place->address, end, &reached);
	if (kr == KERN_SUCCESS && reached < end)
		kr = KERN_OPERATION_TIMED_OUT;
	return kr;
}

static kern_return_t
clear_step(struct view_place *place)
{
	struct map_entry region;
	kern_return_t kr;

	spin_lock(&place->map->lock);
	kr = make_room(place);
	if (kr == KERN_SUCCESS) {
		region = stand_in(place);
		kr = map_enter(place->map, &region);
	}
	spin_unlock(&place->map->lock);
	if (kr != KERN_SUCCESS)
		return kr;
	place->phase = VIEW_ENTER;
	return KERN_OPERATION_TIMED_OUT;
}

/* The region that a part of @piece becomes. */
static struct map_entry
region_of(const struct view_place *place, const struct view_piece *piece,
    uint64_t offset, uint64_t size)
{
	unsigned prot = place->prot, max_prot = place->max_prot;
	struct map_entry region = {
	    .start = place->address + place->done,
	    .end = place->address + place->done + size,
	    .kind = MAP_ANONYMOUS,
	    .inherit = (uint8_t)place->inherit,
	    .placing = true,
	};

	if (place->as_taken) {
		prot &= piece->prot;
		max_prot &= piece->max_prot;
	}
	region.prot = (uint8_t)prot;
	region.max_prot = (uint8_t)max_prot;
	if (place->moment.snapshot != NULL) {
		region.object = place->moment.snapshot;
		region.window = offset;
	} else if (!place->private) {
		region.kind = piece->object != NULL ? MAP_OBJECT : MAP_WINDOW;
		region.object = piece->object;
		region.window = offset;
	}
	return region;
}

/* Enter the next piece; the map is locked. */
static kern_return_t
enter_piece(struct view_place *place)
{
	uint64_t offset, size, reached;
	const struct view_piece *piece = next_piece(place, &offset, &size);
	struct map_entry region = region_of(place, piece, offset, size);
	kern_return_t kr =
	    map_remove_step(place->map, region.start, region.end, &reached);

	/* From its start on once more, if others should fill it meanwhile. */
	if (kr == KERN_SUCCESS && reached < region.end)
		return KERN_OPERATION_TIMED_OUT;
	if (kr == KERN_SUCCESS)
		kr = map_enter(place->map, &region);
	if (kr == KERN_SUCCESS)
		place->done += size;
	return kr;
}

static kern_return_t
enter_step(struct view_place *place)
{
	kern_return_t kr = KERN_SUCCESS;

	spin_lock(&place->map->lock);
	for (unsigned i = 0;
	     i < STEP_PIECES && kr == KERN_SUCCESS && place->done < place->size;
	     i++)
		kr = enter_piece(place);
	spin_unlock(&place->map->lock);
	if (kr == KERN_OPERATION_TIMED_OUT)
		return kr;
	if (kr != KERN_SUCCESS)
		return undo(place, kr);
	if (place->done < place->size)
		return KERN_OPERATION_TIMED_OUT;
	rewind(place);
	place->phase = place->private && place->moment.snapshot == NULL
			   ? VIEW_FILL
			   : VIEW_SETTLE;
	return KERN_OPERATION_TIMED_OUT;
}

/* Let @page be at @va, read-only, unless its threads were faster; consumes it,
 * unless memory is short. */
static kern_return_t
fill_page(struct map *map, uaddr_t va, struct page *page)
{
	struct map_entry *entry;
	pte_t *leaf = NULL;
	bool wanted;

	spin_lock(&map->lock);
	entry = map_find(map, va);
	/* What others have put there meanwhile is theirs. */
	wanted = entry != NULL && entry->start <= va && entry->placing &&
		 entry->kind == MAP_ANONYMOUS;
	if (wanted && pmap_can_pay(&map->pmap, 1, 0))
		leaf = pmap_make(&map->pmap, va, 0, 0);
	if (leaf != NULL && *leaf == 0) {
		pte_t bits = entry->prot & VM_PROT_READ
				 ? pte_protection(VM_PROT_READ)
				 : PTE_U | PTE_A;

		/* The page must be in memory before a walk finds it. */
		atomic_thread_fence(memory_order_release);
		*leaf = pte_make(page_pa(page), bits);
		pages_come(&map->pmap, va, leaf, 1);
		page = NULL;
	}
	spin_unlock(&map->lock);
	if (wanted && leaf == NULL)
		return KERN_RESOURCE_SHORTAGE;
	if (page != NULL)
		page_put(page);
	return KERN_SUCCESS;
}

/* The next page of a private one, or the next of those that are absent. */
static kern_return_t
fill_next(struct view_place *place)
{
	uint64_t offset, size;
	const struct view_piece *piece = next_piece(place, &offset, &size);
	uint64_t absent =
	    object_absent_until(piece->object, offset, offset + size);
	struct page *page;
	kern_return_t kr;

	if (absent > offset) {
		place->done += absent - offset;
		return KERN_SUCCESS;
	}
	kr = object_copy_page(piece->object, offset, &page);
	if (kr == KERN_SUCCESS && page != NULL) {
		kr = fill_page(place->map, place->address + place->done, page);
		if (kr != KERN_SUCCESS)
			page_put(page);
	}
	if (kr == KERN_SUCCESS)
		place->done += PAGE_SIZE;
	return kr;
}

static kern_return_t
fill_step(struct view_place *place)
{
	for (unsigned i = 0; i < STEP_PAGES && place->done < place->size; i++) {
		kern_return_t kr = fill_next(place);

		if (kr == KERN_MEMORY_WAIT)
			return kr;
		if (kr != KERN_SUCCESS)
			return undo(place, kr);
	}
	if (place->done < place->size)
		return KERN_OPERATION_TIMED_OUT;
	rewind(place);
	place->phase = VIEW_SETTLE;
	return KERN_OPERATION_TIMED_OUT;
}

static kern_return_t
settle_step(struct view_place *place)
{
	uint64_t end = place->address + place->size;
	uint64_t reached;

	spin_lock(&place->map->lock);
	reached = map_settle(place->map, place->address + place->done, end);
	spin_unlock(&place->map->lock);
	place->done = reached - place->address;
	return reached < end ? KERN_OPERATION_TIMED_OUT : KERN_SUCCESS;
}

/* Its regions were joined with no others, so none has to be split. */
static kern_return_t
undo_step(struct view_place *place)
{
	uint64_t end = place->address + place->size;
	kern_return_t kr;
	uint64_t reached;

	spin_lock(&place->map->lock);
	kr = map_remove_step(place->map, place->address, end, &reached);
	spin_unlock(&place->map->lock);
	if (kr == KERN_SUCCESS && reached < end)
		return KERN_OPERATION_TIMED_OUT;
	return place->failure;
}

kern_return_t
view_place_step(struct view_place *place)
{
	switch (place->phase) {
	case VIEW_BEGIN:
		return begin_step(place);
	case VIEW_MOMENT:
		return moment_step(place);
	case VIEW_CLEAR:
		return clear_step(place);
	case VIEW_ENTER:
		return enter_step(place);
	case VIEW_FILL:
		return fill_step(place);
	case VIEW_SETTLE:
		return settle_step(place);
	case VIEW_UNDO:
		break;
	}
	return undo_step(place);
}
