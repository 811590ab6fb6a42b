/*
 * test/unit/test_vm_map.c: what the calls of vm/map.h say they do, at the
 * edges that random steps do not reach.
 *
 * Sources: vm
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kernel/zone.h"
#include "vm/map_room.h"
#include "vm_host.h"

#define MiB (1UL << 20)
#define GiB (1UL << 30)

static struct map *map;
static uint64_t free_pages;

static int
start(void **state)
{
	(void)state;
	vm_host_start(64 * MiB);
	return 0;
}

static int
set_up(void **state)
{
	(void)state;
	free_pages = vm_host_pages_at_rest();
	map = vm_host_create();
	vm_host_set_current(map);
	return map == NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	map_check(map);
	vm_host_check_references(&map, 1);
	vm_host_destroy(map);
	assert_int_equal(vm_host_pages_at_rest(), free_pages);
	return 0;
}

static kern_return_t
allocate_at(uaddr_t address, uint64_t size, unsigned prot)
{
	return map_allocate(map, &address, size, 0, VM_FLAGS_FIXED, prot,
	    VM_PROT_ALL, VM_INHERIT_DEFAULT);
}

static kern_return_t
allocate(uaddr_t *addressp, uint64_t size, uint64_t mask)
{
	return map_allocate(map, addressp, size, mask, VM_FLAGS_ANYWHERE,
	    VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_DEFAULT);
}

static kern_return_t
access_page(uaddr_t va, unsigned access)
{
	void *bytes;

	return vm_host_access(map, va, access, &bytes);
}

static void
test_bad_arguments(void **state)
{
	uaddr_t address = 0;
	uint64_t done = 0;

	(void)state;
	assert_int_equal(allocate(&address, 0, 0), KERN_INVALID_ARGUMENT);
	assert_int_equal(
	    allocate(&address, UINT64_MAX, 0), KERN_INVALID_ARGUMENT);
	assert_int_equal(allocate(&address, USER_END + 1, 0), KERN_NO_SPACE);
	assert_int_equal(map_allocate(map, &address, 1, 0, 0x10,
			     VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_DEFAULT),
	    KERN_INVALID_ARGUMENT);
	assert_int_equal(map_allocate(map, &address, 1, 0, VM_FLAGS_ANYWHERE,
			     VM_PROT_ALL, VM_PROT_READ, VM_INHERIT_DEFAULT),
	    KERN_INVALID_ARGUMENT);
	assert_int_equal(
	    map_allocate(map, &address, 1, 0, VM_FLAGS_ANYWHERE, VM_PROT_READ,
		0x10 | VM_PROT_ALL, VM_INHERIT_DEFAULT),
	    KERN_INVALID_ARGUMENT);
	assert_int_equal(map_allocate(map, &address, 1, 0, VM_FLAGS_ANYWHERE,
			     VM_PROT_READ, VM_PROT_ALL, 3),
	    KERN_INVALID_ARGUMENT);
	assert_int_equal(
	    allocate_at(0, 1, VM_PROT_DEFAULT), KERN_INVALID_ADDRESS);
	assert_int_equal(
	    allocate_at(USER_END, 1, VM_PROT_DEFAULT), KERN_INVALID_ADDRESS);
	assert_int_equal(
	    allocate_at(USER_END - PAGE_SIZE, 2 * PAGE_SIZE, VM_PROT_DEFAULT),
	    KERN_INVALID_ADDRESS);
	assert_int_equal(allocate_at(UINT64_MAX - 5, 4, VM_PROT_DEFAULT),
	    KERN_INVALID_ADDRESS);
	assert_int_equal(map_protect(map, UINT64_MAX - 5, 10, false, 1, &done),
	    KERN_INVALID_ARGUMENT);
	assert_int_equal(map_protect(map, PAGE_SIZE, 10, false, 8, &done),
	    KERN_INVALID_ARGUMENT);
	assert_int_equal(
	    map_inherit(map, PAGE_SIZE, 10, 3, &done), KERN_INVALID_ARGUMENT);
	assert_int_equal(
	    map_protect(map, PAGE_SIZE, 0, false, 1, &done), KERN_SUCCESS);
	assert_int_equal(map_deallocate(map, UINT64_MAX - 5, 10, &done),
	    KERN_INVALID_ARGUMENT);
	assert_int_equal(access_page(0, VM_PROT_READ), KERN_INVALID_ADDRESS);
	assert_int_equal(map_fault(map, DIRECT_BASE, VM_PROT_READ, NULL),
	    KERN_INVALID_ADDRESS);
}

/* A tag in the flags says what the memory is for, and changes nothing. */
static void
test_flags_and_masks(void **state)
{
	uaddr_t address = 0;

	(void)state;
	assert_int_equal(
	    map_allocate(map, &address, 1, 0, VM_FLAGS_ANYWHERE | 0x21000000,
		VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_DEFAULT),
	    KERN_SUCCESS);
	assert_int_equal(address, MAP_ANYWHERE_BASE);
	for (uint64_t mask = 0xffff; mask < GiB; mask = mask << 4 | 0xf) {
		assert_int_equal(
		    allocate(&address, PAGE_SIZE, mask), KERN_SUCCESS);
		assert_int_equal(address & mask, 0);
	}
	assert_int_equal(allocate(&address, 3 * MiB, 0), KERN_SUCCESS);
	assert_int_equal(address % SUPERPAGE_SIZE, 0);
	assert_int_equal(allocate(&address, 2 * GiB, 0), KERN_SUCCESS);
	assert_int_equal(address % GIGAPAGE_SIZE, 0);
	assert_int_equal(
	    allocate(&address, PAGE_SIZE, UINT64_MAX), KERN_NO_SPACE);
	/* No aligned room: better unaligned than not at all. */
	assert_int_equal(
	    allocate(&address, USER_END - address - 3 * GiB, 0), KERN_SUCCESS);
	assert_int_equal(allocate(&address, USER_END, 0), KERN_NO_SPACE);
}

static void
test_entries_join(void **state)
{
	struct map_region region;
	uint64_t done = 0;

	(void)state;
	for (uint64_t i = 0; i < 8; i += 2)
		assert_int_equal(allocate_at((16 + i) * PAGE_SIZE, PAGE_SIZE,
				     VM_PROT_DEFAULT),
		    KERN_SUCCESS);
	assert_int_equal(map->entry_count, 4);
	for (uint64_t i = 1; i < 8; i += 2)
		assert_int_equal(allocate_at((16 + i) * PAGE_SIZE, PAGE_SIZE,
				     VM_PROT_DEFAULT),
		    KERN_SUCCESS);
	assert_int_equal(map->entry_count, 1);
	assert_int_equal(map_protect(map, 18 * PAGE_SIZE, PAGE_SIZE, false,
			     VM_PROT_READ, &done),
	    KERN_SUCCESS);
	assert_int_equal(map->entry_count, 3);
	assert_int_equal(
	    map_region(map, 18 * PAGE_SIZE + 1, &region), KERN_SUCCESS);
	assert_int_equal(region.start, 18 * PAGE_SIZE);
	assert_int_equal(region.size, PAGE_SIZE);
	assert_int_equal(region.prot, VM_PROT_READ);
	done = 0;
	assert_int_equal(map_protect(map, 17 * PAGE_SIZE, 3 * PAGE_SIZE, false,
			     VM_PROT_DEFAULT, &done),
	    KERN_SUCCESS);
	assert_int_equal(map->entry_count, 1);
	done = 0;
	assert_int_equal(
	    map_inherit(map, 17 * PAGE_SIZE, PAGE_SIZE, VM_INHERIT_NONE, &done),
	    KERN_SUCCESS);
	assert_int_equal(map->entry_count, 3);
}

/* A maximum can only shrink, and takes the rights above it along. */
static void
test_maximum(void **state)
{
	const uaddr_t va = 16 * PAGE_SIZE;
	uint64_t done = 0;

	(void)state;
	assert_int_equal(
	    allocate_at(va, PAGE_SIZE, VM_PROT_DEFAULT), KERN_SUCCESS);
	assert_int_equal(access_page(va, VM_PROT_WRITE), KERN_SUCCESS);
	assert_int_equal(
	    map_protect(map, va, 1, true, VM_PROT_READ, &done), KERN_SUCCESS);
	assert_int_equal(
	    access_page(va, VM_PROT_WRITE), KERN_PROTECTION_FAILURE);
	assert_int_equal(access_page(va, VM_PROT_READ), KERN_SUCCESS);
	done = 0;
	assert_int_equal(map_protect(map, va, 1, false, VM_PROT_DEFAULT, &done),
	    KERN_PROTECTION_FAILURE);
	assert_int_equal(map_protect(map, va, 1, true, VM_PROT_ALL, &done),
	    KERN_PROTECTION_FAILURE);
}

/* Pages that lose all rights keep what is in them. */
static void
test_no_access_and_back(void **state)
{
	const uaddr_t va = 16 * PAGE_SIZE;
	uint64_t done = 0;
	void *bytes;

	(void)state;
	assert_int_equal(
	    allocate_at(va, PAGE_SIZE, VM_PROT_WRITE), KERN_SUCCESS);
	assert_int_equal(
	    vm_host_access(map, va, VM_PROT_WRITE, &bytes), KERN_SUCCESS);
	memset(bytes, 0x5a, PAGE_SIZE);
	/* Who may write may read: the hardware has it so. */
	assert_int_equal(access_page(va, VM_PROT_READ), KERN_SUCCESS);
	assert_int_equal(
	    map_protect(map, va, 1, false, VM_PROT_NONE, &done), KERN_SUCCESS);
	assert_int_equal(
	    access_page(va, VM_PROT_READ), KERN_PROTECTION_FAILURE);
	done = 0;
	assert_int_equal(
	    map_protect(map, va, 1, false, VM_PROT_ALL, &done), KERN_SUCCESS);
	assert_int_equal(
	    vm_host_access(map, va, VM_PROT_EXECUTE, &bytes), KERN_SUCCESS);
	assert_int_equal(*(uint8_t *)bytes, 0x5a);
	assert_false(vm_host_is_stale_code(bytes));
}

static void
test_copies(void **state)
{
	static uint8_t out[3 * PAGE_SIZE], in[3 * PAGE_SIZE];
	const uaddr_t va = 16 * PAGE_SIZE;
	uint64_t done = 0;
	uaddr_t window;

	(void)state;
	for (unsigned i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i % 253);
	assert_int_equal(
	    allocate_at(va, 4 * PAGE_SIZE, VM_PROT_DEFAULT), KERN_SUCCESS);
	vm_host_set_current(NULL);
	assert_int_equal(
	    map_copy_to(map, va + 77, out, sizeof(out)), KERN_SUCCESS);
	assert_int_equal(
	    map_copy_from(map, in, va + 77, sizeof(in)), KERN_SUCCESS);
	assert_memory_equal(in, out, sizeof(in));
	assert_int_equal(map_copy_to(map, va + 2 * PAGE_SIZE, out, sizeof(out)),
	    KERN_INVALID_ADDRESS);
	assert_int_equal(
	    map_copy_from(map, in, UINT64_MAX - 3, 16), KERN_INVALID_ADDRESS);
	assert_int_equal(
	    map_protect(map, va, 1, false, VM_PROT_READ, &done), KERN_SUCCESS);
	assert_int_equal(map_copy_to(map, va, out, 1), KERN_PROTECTION_FAILURE);
	/* A device's registers are not to be read like memory. */
	assert_int_equal(
	    map_window(map, &window, 0x10000000, PAGE_SIZE, VM_PROT_DEFAULT),
	    KERN_SUCCESS);
	assert_int_equal(
	    map_copy_from(map, in, window, 1), KERN_PROTECTION_FAILURE);
	assert_int_equal(
	    map_copy_to(map, window, out, 1), KERN_PROTECTION_FAILURE);
	assert_int_equal(
	    map_window(map, &window, 0x10000800, PAGE_SIZE, VM_PROT_DEFAULT),
	    KERN_INVALID_ARGUMENT);
}

/* A long range takes steps; each leaves the map whole. */
static void
test_steps(void **state)
{
	const uint64_t pages = 2000;
	uaddr_t address;
	uint64_t done = 0, last;
	unsigned steps = 0;

	(void)state;
	assert_int_equal(
	    allocate(&address, pages * PAGE_SIZE, 0), KERN_SUCCESS);
	for (uint64_t i = 0; i < pages; i++)
		assert_int_equal(
		    access_page(address + i * PAGE_SIZE, VM_PROT_WRITE),
		    KERN_SUCCESS);
	do {
		last = done;
		assert_int_equal(map_protect(map, address, pages * PAGE_SIZE,
				     false, VM_PROT_READ, &done),
		    KERN_SUCCESS);
		assert_true(done > last);
		assert_true(done - last <= PMAP_STEP * PAGE_SIZE);
		map_check(map);
	} while (map_range_more(address, pages * PAGE_SIZE, done));
	assert_int_equal(map->entry_count, 1);
	for (done = 0; map_range_more(address, pages * PAGE_SIZE, done);
	     steps++) {
		assert_int_equal(
		    map_deallocate(map, address, pages * PAGE_SIZE, &done),
		    KERN_SUCCESS);
		map_check(map);
	}
	assert_true(steps >= pages / PMAP_STEP);
	spin_lock(&map->lock);
	map_rooms_clear(map, 0, USER_END);
	spin_unlock(&map->lock);
	assert_int_equal(map->pmap.table_count, 0);
	/* What was never touched goes in long strides. */
	assert_int_equal(allocate(&address, 100 * GiB, 0), KERN_SUCCESS);
	for (done = 0, steps = 0; map_range_more(address, 100 * GiB, done);
	     steps++)
		assert_int_equal(map_deallocate(map, address, 100 * GiB, &done),
		    KERN_SUCCESS);
	assert_true(steps <= 2);
}

#define TEST(function)                                                         \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)

/* Maps begin at different lines of their tables. */
static void
test_spread(void **state)
{
	struct map *maps[6];
	uaddr_t first[6];

	(void)state;
	map_spreads = true;
	for (unsigned i = 0; i < 6; i++) {
		maps[i] = vm_host_create();
		first[i] = 0;
		assert_int_equal(map_allocate(maps[i], &first[i], PAGE_SIZE, 0,
				     VM_FLAGS_ANYWHERE, VM_PROT_DEFAULT,
				     VM_PROT_ALL, VM_INHERIT_DEFAULT),
		    KERN_SUCCESS);
		assert_int_equal(
		    pt_index(first[i], 2), pt_index(MAP_ANYWHERE_BASE, 2));
		for (unsigned k = 0; k < i; k++) {
			assert_int_not_equal(pt_index(first[i], 1) / 8,
			    pt_index(first[k], 1) / 8);
			assert_int_not_equal(pt_index(first[i], 0) / 8,
			    pt_index(first[k], 0) / 8);
		}
	}
	for (unsigned i = 0; i < 6; i++)
		vm_host_destroy(maps[i]);
	map_spreads = false;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_bad_arguments),
	    TEST(test_flags_and_masks),
	    TEST(test_spread),
	    TEST(test_entries_join),
	    TEST(test_maximum),
	    TEST(test_no_access_and_back),
	    TEST(test_copies),
	    TEST(test_steps),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
