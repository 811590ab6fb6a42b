/* memory_pager/store.c: see store.h. */
#include "store.h"

#include <stdlib.h>
#include <string.h>

#include "pack.h"

#define LEAF_PAGES 512

struct kept {
	size_t count;
	uint64_t words[];
};

static struct kept lost;
static uint64_t kept_pages, kept_bytes;

static size_t
bytes_of(size_t count)
{
	return sizeof(struct kept) + count * sizeof(uint64_t);
}

static uint64_t
leaf_count(const struct store *store)
{
	return (store->pages + LEAF_PAGES - 1) / LEAF_PAGES;
}

bool
store_init(struct store *store, uint64_t pages)
{
	store->pages = pages;
	store->leaves = calloc(leaf_count(store), sizeof(store->leaves[0]));
	return store->leaves != NULL;
}

/* Its leaf must be there. */
static struct kept **
place_of(const struct store *store, uint64_t index)
{
	return &store->leaves[index / LEAF_PAGES][index % LEAF_PAGES];
}

static void
drop(struct kept **place)
{
	struct kept *kept = *place;

	*place = NULL;
	if (kept == NULL || kept == &lost)
		return;
	kept_pages--;
	kept_bytes -= bytes_of(kept->count);
	free(kept);
}

void
store_end(struct store *store)
{
	for (uint64_t i = 0; i < leaf_count(store); i++) {
		for (unsigned int j = 0;
		     store->leaves[i] != NULL && j < LEAF_PAGES; j++)
			drop(&store->leaves[i][j]);
		free(store->leaves[i]);
	}
	free(store->leaves);
}

bool
store_expect(struct store *store, uint64_t index)
{
	struct kept ***leaf = &store->leaves[index / LEAF_PAGES];

	if (*leaf == NULL)
		*leaf = calloc(LEAF_PAGES, sizeof(**leaf));
	return *leaf != NULL;
}

void
store_put(struct store *store, uint64_t index, const void *page)
{
	static uint64_t packed[PACK_WORDS_MAX];
	struct kept **place = place_of(store, index);
	size_t count = pack(page, packed);
	struct kept *kept;

	drop(place);
	kept = malloc(bytes_of(count));
	if (kept == NULL) {
		*place = &lost;
		return;
	}
	kept->count = count;
	memcpy(kept->words, packed, count * sizeof(packed[0]));
	*place = kept;
	kept_pages++;
	kept_bytes += bytes_of(count);
}

enum store_result
store_get(const struct store *store, uint64_t index, void *page)
{
	const struct kept *kept = *place_of(store, index);

	if (kept == NULL)
		return STORE_ABSENT;
	if (kept == &lost || !unpack(kept->words, kept->count, page))
		return STORE_LOST;
	return STORE_FOUND;
}

void
store_usage(uint64_t *pages, uint64_t *bytes)
{
	*pages = kept_pages;
	*bytes = kept_bytes;
}
