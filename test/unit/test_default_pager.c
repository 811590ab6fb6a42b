/*
 * test_default_pager.c: pages squeezed and back; the store that keeps them.
 *
 * Sources: userland/default_pager/squeeze.c userland/default_pager/store.c
 * Sources: test/unit/chance.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "userland/default_pager/squeeze.h"
#include "userland/default_pager/store.h"
#include "chance.h"

enum {
	SLOTS = 3000,
	CHUNKS = 56,
	STEPS = 200000,
};

/* ---- pages ---- */

/* Pages of all sorts, the same for the same @seed. */
static void
make_page(uint32_t seed, uint32_t *page)
{
	uint64_t saved = random_state;
	uint32_t sort = seed % 6;

	random_state = seed;
	for (unsigned i = 0; i < SQUEEZE_WORDS; i++) {
		uint32_t any = (uint32_t)random_word();

		switch (sort) {
		case 0:
			page[i] = 0;
			break;
		case 1:
			page[i] = seed;
			break;
		case 2: /* pointers near each other */
			page[i] = i % 2 ? 1 : 0x80000000 + any % 4096;
			break;
		case 3: /* few words, here and there */
			page[i] = any % 16 == 0 ? any : 0;
			break;
		case 4: /* half of it cannot be squeezed */
			page[i] = i % 2 ? any : seed;
			break;
		default:
			page[i] = any;
		}
	}
	random_state = saved;
}

static void
test_squeeze(void **state)
{
	static uint32_t page[SQUEEZE_WORDS], back[SQUEEZE_WORDS];

	(void)state;
	for (uint32_t seed = 1; seed < 3000; seed++) {
		uint8_t *out;
		size_t size;

		make_page(seed, page);
		out = malloc(4400);
		size = squeeze(page, out, 4400);
		assert_true(size > 0);
		/* Not one byte more than it says is needed, or read. */
		out = realloc(out, size);
		assert_int_equal(squeeze(page, out, size), size);
		assert_int_equal(squeeze(page, out, size - 1), 0);
		assert_int_equal(squeeze(page, out, size), size);
		memset(back, 0xff, sizeof(back));
		unsqueeze(out, size, back);
		assert_memory_equal(page, back, sizeof(page));
		if (seed % 6 < 2)
			assert_true(size < 800);
		if (seed % 6 == 5)
			assert_true(size > 4096);
		free(out);
	}
}

/* ---- the store ---- */

static unsigned chunks_given;

static void *
chunk_get(void)
{
	if (chunks_given == CHUNKS)
		return NULL;
	chunks_given++;
	return malloc(STORE_CHUNK);
}

static void
chunk_put(void *chunk)
{
	chunks_given--;
	free(chunk);
}

static const struct store_memory chunks = {
    .get = chunk_get,
    .put = chunk_put,
};

/* Which page is in which slot; 0: none. */
static uint32_t kept[SLOTS + 1];

static void
put_one(uint32_t slot, unsigned *fullp)
{
	static uint32_t page[SQUEEZE_WORDS];
	uint32_t seed = 1 + random_below(1000000);
	enum store_result result;

	make_page(seed, page);
	result = store_put(slot, page);
	kept[slot] = result == STORE_DONE ? seed : 0;
	if (seed % 6 == 5)
		assert_int_not_equal(result, STORE_DONE);
	if (result == STORE_FULL) {
		assert_int_equal(chunks_given, CHUNKS);
		++*fullp;
	}
}

static void
get_one(uint32_t slot)
{
	static uint32_t page[SQUEEZE_WORDS], back[SQUEEZE_WORDS];
	enum store_result result = store_get(slot, back);

	if (kept[slot] == 0) {
		assert_int_equal(result, STORE_NO_PAGE);
		return;
	}
	assert_int_equal(result, STORE_DONE);
	make_page(kept[slot], page);
	assert_memory_equal(page, back, sizeof(page));
}

static void
test_store(void **state)
{
	uint32_t page[SQUEEZE_WORDS] = {0};
	unsigned full = 0;
	uint64_t pages = 0;

	(void)state;
	store_init(&chunks, CHUNKS * (uint64_t)STORE_CHUNK);
	assert_int_equal(store_get(1, page), STORE_NO_PAGE);
	assert_int_equal(store_put(STORE_SLOTS_MAX, page), STORE_FULL);
	assert_int_equal(store_get(UINT32_MAX, page), STORE_NO_PAGE);
	store_forget(STORE_SLOTS_MAX);
	for (unsigned step = 0; step < STEPS; step++) {
		uint32_t slot = 1 + random_below(SLOTS);

		/* It fills up, and empties again, by turns. */
		if (random_below(10) < (step / 20000 % 2 ? 2 : 5))
			put_one(slot, &full);
		else if (random_below(2) == 0)
			get_one(slot);
		else {
			store_forget(slot);
			kept[slot] = 0;
		}
	}
	assert_true(full > 100);
	for (uint32_t slot = 1; slot <= SLOTS; slot++) {
		get_one(slot);
		pages += kept[slot] != 0;
	}
	assert_int_equal(store_counts().pages, pages);
	for (uint32_t slot = 1; slot <= SLOTS; slot++)
		store_forget(slot);
	assert_int_equal(store_counts().pages, 0);
	assert_int_equal(store_counts().chunks, 0);
	/* What says which slot is where, and what chunks there are, is left. */
	assert_int_equal(chunks_given, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_squeeze),
	    cmocka_unit_test(test_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
