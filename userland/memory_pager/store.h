/*
 * memory_pager/store.h: the pages of one object that were written, packed.
 *
 *	leaves	| * | 0 | * | ...	one for 512 pages
 *		  |
 *		| 0 | * | 0 | ...	a page each: NULL, never written
 *		      |
 *		    packed words
 *
 * What the kernel returns cannot be refused, so a page that there is no memory
 * for is lost, which is remembered.  For that its leaf is made before the page
 * is given to anybody.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct kept;

struct store {
	struct kept ***leaves;
	uint64_t pages;
};

enum store_result {
	STORE_FOUND,
	STORE_ABSENT, /* never written */
	STORE_LOST,
};

/* For @pages pages; false: no memory. */
bool store_init(struct store *store, uint64_t pages);
void store_end(struct store *store);

/* The page @index may come; false: no memory. */
bool store_expect(struct store *store, uint64_t index);

/* Keeps a copy of the expected page at @page, instead of an earlier one. */
void store_put(struct store *store, uint64_t index, const void *page);

/* Fills @page, if it is found. */
enum store_result store_get(
    const struct store *store, uint64_t index, void *page);

/* Of all stores: how many pages are kept, in how many bytes. */
void store_usage(uint64_t *pages, uint64_t *bytes);
