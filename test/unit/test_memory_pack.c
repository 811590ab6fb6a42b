/*
 * test_memory_pack.c: what the memory pager keeps pages in: packed, byte for
 * byte, whatever is in them, and lost only if there is no memory.
 *
 * Sources: userland/memory_pager/pack.c userland/memory_pager/store.c
 * Sources: test/unit/chance.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "userland/memory_pager/pack.h"
#include "userland/memory_pager/store.h"
#include "chance.h"

#define PAGE_BYTES (PACK_PAGE_WORDS * sizeof(uint64_t))

static uint64_t page[PACK_PAGE_WORDS], back[PACK_PAGE_WORDS];
/* Packs the page and unpacks it again, from room of exactly the size used. */
static size_t
there_and_back(void)
{
	uint64_t packed[PACK_WORDS_MAX], *exact;
	size_t count = pack(page, packed);

	assert_true(count <= PACK_WORDS_MAX);
	exact = malloc(count * sizeof(*exact));
	assert_non_null(exact);
	memcpy(exact, packed, count * sizeof(*exact));
	memset(back, 0xa5, sizeof(back));
	assert_true(unpack(exact, count, back));
	free(exact);
	assert_memory_equal(page, back, PAGE_BYTES);
	return count;
}

static void
test_simple_pages(void **state)
{
	(void)state;
	memset(page, 0, sizeof(page));
	assert_int_equal(there_and_back(), 2);
	for (unsigned i = 0; i < PACK_PAGE_WORDS; i++)
		page[i] = i;
	assert_int_equal(there_and_back(), PACK_WORDS_MAX);
	for (unsigned i = 0; i < PACK_PAGE_WORDS; i++)
		page[i] = i / 2;
	assert_int_equal(there_and_back(), PACK_WORDS_MAX);
	for (unsigned i = 0; i < PACK_PAGE_WORDS; i++)
		page[i] = i / 64;
	assert_int_equal(there_and_back(), 16);
}

/* Runs and other words of random lengths, at both ends too. */
static void
test_random_pages(void **state)
{
	(void)state;
	for (int round = 0; round < 20000; round++) {
		unsigned kinds = 1 + random_word() % 4;

		for (unsigned i = 0; i < PACK_PAGE_WORDS;) {
			unsigned length = 1 + random_word() % 7;
			uint64_t word = random_word() % kinds;

			while (length-- > 0 && i < PACK_PAGE_WORDS)
				page[i++] = word;
		}
		there_and_back();
	}
}

/* No row of words makes unpack() leave its page. */
static void
test_nonsense_is_no_page(void **state)
{
	uint64_t packed[8] = {0};

	(void)state;
	assert_false(unpack(packed, 0, back));
	for (int round = 0; round < 200000; round++) {
		for (unsigned i = 0; i < 8; i++)
			packed[i] = random_word() % 600;
		if (round % 5 == 0)
			packed[round % 8] = UINT64_MAX - round % 2;
		unpack(packed, 1 + random_word() % 8, back);
	}
}

static void
page_fill(uint64_t seed)
{
	for (unsigned i = 0; i < PACK_PAGE_WORDS; i++)
		page[i] = seed % 3 == 0 ? seed : seed * i;
}

static void
test_store(void **state)
{
	static const uint64_t places[] = {0, 1, 511, 512, 1000, 1535};
	struct store store;
	uint64_t pages, bytes;

	(void)state;
	assert_true(store_init(&store, 1536));
	for (unsigned round = 0; round < 4; round++) {
		for (unsigned i = 0; i < 6; i++) {
			assert_true(store_expect(&store, places[i]));
			page_fill(round * 10 + i);
			store_put(&store, places[i], page);
		}
		for (unsigned i = 0; i < 6; i++) {
			page_fill(round * 10 + i);
			assert_int_equal(
			    store_get(&store, places[i], back), STORE_FOUND);
			assert_memory_equal(page, back, PAGE_BYTES);
		}
		store_usage(&pages, &bytes);
		assert_int_equal(pages, 6);
		assert_true(bytes >= 6 * 24);
	}
	assert_int_equal(store_get(&store, 2, back), STORE_ABSENT);
	assert_int_equal(store_get(&store, 1534, back), STORE_ABSENT);
	store_end(&store);
	store_usage(&pages, &bytes);
	assert_int_equal(pages, 0);
	assert_int_equal(bytes, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_simple_pages),
	    cmocka_unit_test(test_random_pages),
	    cmocka_unit_test(test_nonsense_is_no_page),
	    cmocka_unit_test(test_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
