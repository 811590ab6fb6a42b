/*
 * vm/view.h: a range of some map's memory apart from any map: to be entered
 * into another map, or to be what a memory entry stands for.
 *
 * A view is a row of pieces, each with an object (or a window's physical
 * addresses) and the rights that its region gave.  It is taken from a map
 * piece by piece, and from then on nobody changes it.
 *
 *	taken		VIEW_SHARE	what is written is seen by both
 *			VIEW_COPY	what was there when it was taken
 *	entered		as it is	who maps it sees what others write
 *			private		each who maps it has a copy of his own
 */
#pragma once
#include "kernel/types.h"
#include "vm/share.h"
#include "vm/snapshot.h"

struct map;
struct ledger;
struct object;
struct view;

/* Pieces that a view may have: a range of more regions cannot be one. */
#define VIEW_PIECES_MAX 512

enum view_kind {
	VIEW_SHARE,
	VIEW_COPY,
};

/* A view that is being taken; who asks for it pays for its pieces. */
struct view_take {
	struct map_share share; /* from, next and end: the caller's */
	enum view_kind kind;	/* the caller's */
	struct view *view;
};

void view_zone_init(void);

/*
 * A bounded step of taking it.
 *
 * Returns: KERN_SUCCESS	      @take->view is the caller's
 *	    KERN_OPERATION_TIMED_OUT  progress was made: call again
 *	    KERN_INVALID_ADDRESS      a hole in the range
 *	    KERN_PROTECTION_FAILURE   a copy of a window
 *	    KERN_RESOURCE_SHORTAGE    no memory, or too many regions
 * On failure view_take_end() is all that is left to do.
 */
kern_return_t must_check view_take_step(struct view_take *take);
/* Forget it; a view that was taken has been moved away. */
void view_take_end(struct view_take *take);

/* A view of all of @object, whose reference it takes over unless it is NULL. */
struct view *must_check view_create_object(struct object *object);
/* A view of a new, zeroed object; NULL: no memory. */
struct view *must_check view_create_zero(struct ledger *ledger, uint64_t size);
struct view *view_get(struct view *view);
void view_put(struct view *view);

uint64_t view_size(const struct view *view);
/* What all of [@offset, @offset + @size) allows, and may be made to allow. */
void view_rights(const struct view *view, uint64_t offset, uint64_t size,
    unsigned *protp, unsigned *max_protp);
/* Is any of it physical memory, which nobody copies? */
bool view_has_windows(const struct view *view);

/* ---- entering ---- */

enum view_phase {
	VIEW_BEGIN,
	VIEW_MOMENT, /* a private one's snapshot is made, if there can be one */
	VIEW_CLEAR,  /* room is chosen, or made */
	VIEW_ENTER,  /* its regions are entered */
	VIEW_FILL,   /* a private one without a snapshot gets its pages */
	VIEW_SETTLE, /* they become regions like others */
	VIEW_UNDO,   /* what was entered is removed, because of @failure */
};

/* The first part is the caller's, the rest is 0. */
struct view_place {
	struct view *view;
	struct map *map;
	uint64_t offset, size; /* of the view: whole pages, in it */
	uint64_t mask;	       /* bits that an address chosen has clear */
	uaddr_t address;       /* where, or where it has come to be */
	bool anywhere, overwrite, private;
	bool as_taken;		 /* rights of each piece, less than these: */
	unsigned prot, max_prot; /* ... else just these */
	unsigned inherit;

	enum view_phase phase;
	kern_return_t failure;
	struct snapshot_take moment; /* of the only piece's object */
	uint64_t done;		     /* bytes entered, or filled */
	uint32_t piece;		     /* the one that @done is in */
	uint64_t before;	     /* bytes of the view before that piece */
};

/*
 * A bounded step of entering it; the pieces keep to the view.
 *
 * Returns: KERN_SUCCESS
 *	    KERN_OPERATION_TIMED_OUT  progress was made: call again
 *	    KERN_NO_SPACE	      no gap, or the range is (partly) taken
 *	    KERN_INVALID_ADDRESS      a fixed range outside the user's half
 *	    KERN_RESOURCE_SHORTAGE
 * On failure nothing of it is left in the map; what was to be overwritten may
 * be gone.  Until it is done, threads of the map that look there find what
 * they find.
 */
kern_return_t must_check view_place_step(struct view_place *place);
/* After the last: what it has at hand goes, but not the view. */
void view_place_end(struct view_place *place);
