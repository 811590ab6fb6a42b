/*
 * vm/view_pieces.h: what a view is made of; for view.c and view_take.c alone.
 */
#pragma once
#include "kernel/types.h"

struct ledger;
struct object;

struct view_piece {
	uint64_t size;
	struct object *object; /* with a reference; NULL: a window */
	uint64_t offset;       /* in it, or a physical address */
	uint8_t prot, max_prot;
};

/* I, once it is taken, but a: atomic */
struct view {
	atomic_uint refs; /* [a] */
	uint32_t count, room;
	uint64_t size;
	bool windows;
	struct view_piece *piece;
	struct ledger *ledger; /* [I] who pays for its pieces */
};
