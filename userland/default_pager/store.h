/*
 * default_pager/store.h: pages by their slots, in as little memory as they can
 * be squeezed into.
 *
 *	slot ---> record	the page is all zeros, or
 *		    |		one word over and over, or
 *		    v		squeezed, in a piece of a chunk
 *	chunk	[ piece | piece | piece | ... ]	16 KiB, all of one size
 *
 * A page that does not shrink to three quarters is refused: as much memory
 * would be used as is won.  Chunks are had when they are needed, up to a limit,
 * and given back when they are empty.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_PAGE  4096
#define STORE_CHUNK 16384
/* Slots run from 1 to below this; chunks in all: 512 MiB. */
#define STORE_SLOTS_MAX	 (1U << 20)
#define STORE_CHUNKS_MAX 32768

/*
 * Where memory comes from, always in chunks: @get returns NULL when there is
 * none, and what it returns never has to be waited for.
 */
struct store_memory {
	void *(*get)(void);
	void (*put)(void *chunk);
};

enum store_result {
	STORE_DONE,
	STORE_FULL,    /* there is no memory for it */
	STORE_PLAIN,   /* it cannot be squeezed */
	STORE_NO_PAGE, /* there is none in that slot */
};

/* Once, before all else: the store may have up to @bytes for pages. */
void store_init(const struct store_memory *memory, uint64_t bytes);

/* Keep @page for @slot, instead of what is there. */
enum store_result store_put(uint32_t slot, const void *page);
/* Write what is kept for @slot to @page. */
enum store_result store_get(uint32_t slot, void *page);
/* Nothing is kept for @slot any more. */
void store_forget(uint32_t slot);

struct store_counts {
	uint64_t pages;	 /* kept */
	uint64_t chunks; /* of memory in use */
};
struct store_counts store_counts(void);
