/*
 * test/unit/test_vm_tree.c: the tree of map entries against a plain array.
 *
 * Sources: vm/map_tree.c kernel/lock.c test/unit/chance.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "vm/map_tree.h"
#include "chance.h"

enum {
	SLOTS = 512
}; /* pages from FIRST on */
#define FIRST MAP_ANYWHERE_BASE

static struct map map;
static struct map_entry *at[SLOTS]; /* the entry that covers each page */

static uint64_t
address_of(uint64_t slot)
{
	return FIRST + slot * PAGE_SIZE;
}

static void
mark(struct map_entry *entry, struct map_entry *value)
{
	for (uint64_t va = entry->start; va < entry->end; va += PAGE_SIZE)
		at[(va - FIRST) / PAGE_SIZE] = value;
}

static bool
is_free(uint64_t slot, uint64_t count)
{
	if (slot + count > SLOTS)
		return false;
	for (uint64_t i = 0; i < count; i++) {
		if (at[slot + i] != NULL)
			return false;
	}
	return true;
}

static void
insert(uint64_t slot, uint64_t count)
{
	struct map_entry *entry;

	if (!is_free(slot, count))
		return;
	entry = calloc(1, sizeof(*entry));
	entry->start = address_of(slot);
	entry->end = address_of(slot + count);
	map_tree_insert(&map, entry);
	mark(entry, entry);
}

static void
erase(struct map_entry *entry)
{
	mark(entry, NULL);
	map_tree_remove(&map, entry);
	free(entry);
}

static void
resize(struct map_entry *entry)
{
	uint64_t start = entry->start, end = entry->end;

	if (random_below(2) == 0 && end - start > PAGE_SIZE)
		start += PAGE_SIZE;
	else if (is_free((end - FIRST) / PAGE_SIZE, 1))
		end += PAGE_SIZE;
	mark(entry, NULL);
	map_tree_resize(&map, entry, start, end);
	mark(entry, entry);
}

static void
compare_find(uint64_t slot)
{
	struct map_entry *found =
	    map_find(&map, address_of(slot) + random_below(PAGE_SIZE));
	struct map_entry *expected = NULL;

	for (uint64_t i = slot; i < SLOTS && expected == NULL; i++)
		expected = at[i];
	assert_ptr_equal(found, expected);
}

/* Room must be free, aligned, and found if some gap has it for certain. */
static void
compare_room(uint64_t count, uint64_t unit_pages, uint64_t offset_pages)
{
	uint64_t unit = unit_pages * PAGE_SIZE;
	uint64_t offset = offset_pages * PAGE_SIZE;
	uint64_t need = count + unit_pages - 1;
	uint64_t address, low, run = 0;

	assert_true(
	    map_tree_room(&map, count * PAGE_SIZE, unit, offset, &address));
	assert_int_equal((address - offset) & (unit - 1), 0);
	for (low = 0; low < SLOTS; low++) {
		run = at[low] == NULL ? run + 1 : 0;
		/* The gap must have ended below, for it to be a gap. */
		if (run >= need)
			break;
	}
	if (low < SLOTS)
		assert_true(address <= address_of(low));
	for (uint64_t i = 0; i < count; i++) {
		uint64_t slot = (address - FIRST) / PAGE_SIZE + i;

		if (slot < SLOTS)
			assert_null(at[slot]);
	}
}

static void
test_random(void **state)
{
	(void)state;
	map_tree_init(&map);
	for (unsigned step = 0; step < 60000; step++) {
		uint64_t slot = random_below(SLOTS);
		struct map_entry *entry = at[slot];

		if (entry == NULL)
			insert(slot,
			    1 + random_below(step % 4096 < 2048 ? 4 : 40));
		else if (random_below(3) == 0)
			resize(entry);
		else if (random_below(step % 4096 < 2048 ? 4 : 2) == 0)
			erase(entry);
		compare_find(random_below(SLOTS));
		compare_room(1 + random_below(20), 1UL << random_below(5),
		    random_below(16));
		if (step % 16 == 0)
			map_tree_check(&map);
	}
	while (map.root != NULL) {
		erase(map.root);
		map_tree_check(&map);
	}
	assert_int_equal(map.size, 0);
	assert_int_equal(map.entry_count, 0);
}

/* In order, in reverse: what makes trees lean. */
static void
test_sorted(void **state)
{
	(void)state;
	map_tree_init(&map);
	for (uint64_t i = 0; i < SLOTS; i++)
		insert(i, 1);
	map_tree_check(&map);
	assert_true(map.root->height <= 13);
	for (uint64_t i = 0; i < SLOTS; i++)
		erase(at[i]);
	for (uint64_t i = SLOTS; i-- > 0;)
		insert(i, 1);
	map_tree_check(&map);
	assert_true(map.root->height <= 13);
	for (uint64_t i = SLOTS; i-- > 0;)
		erase(at[i]);
	assert_null(map.root);
}

static void
test_no_room(void **state)
{
	uint64_t address;

	(void)state;
	map_tree_init(&map);
	assert_true(
	    map_tree_room(&map, USER_END - FIRST, PAGE_SIZE, 0, &address));
	assert_int_equal(address, FIRST);
	assert_false(map_tree_room(
	    &map, USER_END - FIRST + PAGE_SIZE, PAGE_SIZE, 0, &address));
	insert(0, 1);
	assert_false(
	    map_tree_room(&map, USER_END - FIRST, PAGE_SIZE, 0, &address));
	assert_true(map_tree_room(
	    &map, GIGAPAGE_SIZE, GIGAPAGE_SIZE, 5 * PAGE_SIZE, &address));
	assert_int_equal(address, FIRST + 5 * PAGE_SIZE);
	erase(at[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_sorted),
	    cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
