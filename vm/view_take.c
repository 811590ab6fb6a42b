/* view_take.c: views, and how they are taken of a map; see view.h. */
#include "kernel/ledger.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/zone.h"
#include "vm/map_tree.h"
#include "vm/object.h"
#include "vm/view.h"
#include "vm/view_pieces.h"

/* Room for so many pieces at first. */
#define FIRST_ROOM 4

static struct zone view_zone;

void
view_zone_init(void)
{
	zone_init(&view_zone, "view", sizeof(struct view), 0);
	/* A memory entry has one. */
	ledger_weigh(BATON_LEDGER_OBJECTS, sizeof(struct view));
}

/* ---- life ---- */

/* Room for pieces, which @ledger pays for. */
static struct view_piece *
room_alloc(struct ledger *ledger, uint64_t size)
{
	struct view_piece *piece;

	if (!ledger_charge(ledger, BATON_LEDGER_KERNEL, size))
		return NULL;
	piece = kmem_alloc(size);
	if (piece == NULL)
		ledger_credit(ledger, BATON_LEDGER_KERNEL, size);
	return piece;
}

static void
room_free(struct view *view)
{
	kmem_free(view->piece, view->room * sizeof(*view->piece));
	ledger_credit(view->ledger, BATON_LEDGER_KERNEL,
	    view->room * sizeof(*view->piece));
}

static struct view *
view_create(void)
{
	struct view *view = zone_alloc(&view_zone);

	if (view == NULL)
		return NULL;
	*view = (struct view){.refs = 1, .room = FIRST_ROOM};
	view->ledger = ledger_of_caller();
	view->piece =
	    room_alloc(view->ledger, FIRST_ROOM * sizeof(*view->piece));
	if (view->piece == NULL) {
		zone_free(&view_zone, view);
		return NULL;
	}
	ledger_get(view->ledger);
	return view;
}

struct view *
view_get(struct view *view)
{
	atomic_fetch_add_explicit(&view->refs, 1, memory_order_relaxed);
	return view;
}

void
view_put(struct view *view)
{
	/* acq_rel: who frees sees what every earlier holder wrote */
	if (atomic_fetch_sub_explicit(&view->refs, 1, memory_order_acq_rel) !=
	    1)
		return;
	for (uint32_t i = 0; i < view->count; i++) {
		if (view->piece[i].object != NULL)
			object_put(view->piece[i].object);
	}
	room_free(view);
	ledger_put(view->ledger);
	zone_free(&view_zone, view);
}

struct view *
view_create_object(struct object *object)
{
	struct view *view = view_create();

	if (view == NULL)
		return NULL;
	view->piece[view->count++] = (struct view_piece){
	    .size = object->size,
	    .object = object,
	    .prot = VM_PROT_ALL,
	    .max_prot = VM_PROT_ALL,
	};
	view->size = object->size;
	return view;
}

struct view *
view_create_zero(struct ledger *ledger, uint64_t size)
{
	struct object *object = object_create(ledger, size);
	struct view *view;

	if (object == NULL)
		return NULL;
	view = view_create_object(object);
	if (view == NULL)
		object_put(object);
	return view;
}

/* ---- pieces ---- */

static bool
more_room(struct view *view)
{
	uint32_t room = view->room * 2;
	struct view_piece *piece;

	if (room > VIEW_PIECES_MAX)
		return false;
	piece = room_alloc(view->ledger, room * sizeof(*piece));
	if (piece == NULL)
		return false;
	memcpy(piece, view->piece, view->count * sizeof(*piece));
	room_free(view);
	view->piece = piece;
	view->room = room;
	return true;
}

static bool
continues(const struct view_piece *piece, const struct map_entry *next)
{
	return piece->object == next->object &&
	       piece->offset + piece->size == next->window &&
	       piece->prot == next->prot && piece->max_prot == next->max_prot;
}

/* Takes over the reference to the object; false: it has not. */
static bool
append(struct view *view, const struct map_entry *next)
{
	uint64_t size = next->end - next->start;

	if (view->count > 0 && continues(&view->piece[view->count - 1], next)) {
		view->piece[view->count - 1].size += size;
		if (next->object != NULL)
			object_put(next->object);
	} else if (view->count < view->room || more_room(view)) {
		view->piece[view->count++] = (struct view_piece){
		    .size = size,
		    .object = next->object,
		    .offset = next->window,
		    .prot = next->prot,
		    .max_prot = next->max_prot,
		};
	} else {
		return false;
	}
	view->size += size;
	view->windows |= next->object == NULL;
	return true;
}

uint64_t
view_size(const struct view *view)
{
	return view->size;
}

bool
view_has_windows(const struct view *view)
{
	return view->windows;
}

void
view_rights(const struct view *view, uint64_t offset, uint64_t size,
    unsigned *protp, unsigned *max_protp)
{
	uint64_t at = 0;

	*protp = *max_protp = VM_PROT_ALL;
	for (uint32_t i = 0; i < view->count && at < offset + size; i++) {
		const struct view_piece *piece = &view->piece[i];

		at += piece->size;
		if (at <= offset)
			continue;
		*protp &= piece->prot;
		*max_protp &= piece->max_prot;
	}
}

/* ---- taking ---- */

/*
 * Is there a hole before so many pieces that they are too many anyhow?  What
 * another thread is placing there is not there yet.
 */
static bool
has_hole(const struct map_share *share)
{
	struct map_entry *entry;
	uint64_t at = share->next;
	unsigned count;

	spin_lock(&share->from->lock);
	entry = map_find(share->from, at);
	for (count = 0; at < share->end && count < VIEW_PIECES_MAX; count++) {
		if (entry == NULL || entry->start > at || entry->placing)
			break;
		at = entry->end;
		entry = map_next(share->from, entry);
	}
	spin_unlock(&share->from->lock);
	return at < share->end && count < VIEW_PIECES_MAX;
}

kern_return_t
view_take_step(struct view_take *take)
{
	uint64_t at = take->share.next;
	struct map_entry piece;
	kern_return_t kr;

	/* Before anything of it becomes an object's. */
	if (take->view == NULL && has_hole(&take->share))
		return KERN_INVALID_ADDRESS;
	if (take->view == NULL)
		take->view = view_create();
	if (take->view == NULL)
		return KERN_RESOURCE_SHORTAGE;
	kr = take->kind == VIEW_COPY ? map_copy_piece(&take->share, &piece)
				     : map_share_piece(&take->share, &piece);
	if (kr != KERN_SUCCESS)
		return kr;
	if (piece.start != at)
		kr = KERN_INVALID_ADDRESS;
	else if (!append(take->view, &piece))
		kr = KERN_RESOURCE_SHORTAGE;
	if (kr != KERN_SUCCESS) {
		if (piece.object != NULL)
			object_put(piece.object);
		return kr;
	}
	return take->share.next < take->share.end ? KERN_OPERATION_TIMED_OUT
						  : KERN_SUCCESS;
}

void
view_take_end(struct view_take *take)
{
	map_share_end(&take->share);
	if (take->view != NULL)
		view_put(take->view);
	take->view = NULL;
}
