/*
 * test/unit/test_vm_rooms.c: regions that went whole leave a room for the next
 * (vm/map_room.h), which nobody notices but by what it costs.
 *
 * Sources: vm
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/ledger.h"
#include "vm/map_room.h"
#include "vm/passage.h"
#include "vm/transfer.h"
#include "vm_host.h"

#define MiB (1UL << 20)
#define GiB (1UL << 30)

static struct map *sender, *receiver;

static int
start(void **state)
{
	(void)state;
	vm_host_start(64 * MiB);
	ledger_init();
	return 0;
}

static int
set_up(void **state)
{
	(void)state;
	sender = vm_host_create();
	receiver = vm_host_create();
	vm_host_set_current(sender);
	return sender == NULL || receiver == NULL;
}

static int
tear_down(void **state)
{
	struct map *maps[] = {sender, receiver};

	(void)state;
	map_check(sender);
	map_check(receiver);
	vm_host_check_references(maps, 2);
	vm_host_destroy(sender);
	vm_host_destroy(receiver);
	return 0;
}

static uaddr_t
allocate(struct map *map, uint64_t size)
{
	uaddr_t address = 0;

	assert_int_equal(map_allocate(map, &address, size, 0, VM_FLAGS_ANYWHERE,
			     VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_DEFAULT),
	    KERN_SUCCESS);
	return address;
}

static void
deallocate(struct map *map, uaddr_t address, uint64_t size)
{
	uint64_t done = 0;

	do
		assert_int_equal(
		    map_deallocate(map, address, size, &done), KERN_SUCCESS);
	while (map_range_more(address, size, done));
}

static void
touch(struct map *map, uaddr_t address, uint64_t size)
{
	for (uint64_t at = 0; at < size; at += PAGE_SIZE) {
		void *byte;

		assert_int_equal(
		    vm_host_access(map, address + at, VM_PROT_WRITE, &byte),
		    KERN_SUCCESS);
		*(uint8_t *)byte = (uint8_t)(1 + at / PAGE_SIZE);
	}
}

static bool
holds(struct map *map, uaddr_t address, uint64_t size)
{
	for (uint64_t at = 0; at < size; at += PAGE_SIZE) {
		void *byte;

		if (vm_host_access(map, address + at, VM_PROT_READ, &byte) !=
			KERN_SUCCESS ||
		    *(uint8_t *)byte != (uint8_t)(1 + at / PAGE_SIZE))
			return false;
	}
	return true;
}

/* Send it away; where it arrives. */
static uaddr_t
give(uaddr_t address, uint64_t size)
{
	struct transfer *transfer = NULL;
	kern_return_t kr;
	uaddr_t arrived;

	do
		kr = transfer_take(
		    sender, address, size, TRANSFER_GIVE, &transfer);
	while (kr == KERN_OPERATION_TIMED_OUT);
	assert_int_equal(kr, KERN_SUCCESS);
	assert_int_equal(
	    transfer_map(transfer, receiver, &arrived), KERN_SUCCESS);
	return arrived;
}

static bool
has_room(struct map *map, uint64_t size)
{
	return map_room_find(map, size, PAGE_SIZE) != NULL;
}

/* The same buffers come and go: in the same places, with no entries made. */
static void
test_come_and_go(void **state)
{
	const uint64_t sizes[] = {PAGE_SIZE, 5 * PAGE_SIZE, 2 * MiB};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		uint64_t size = sizes[i];
		uaddr_t from = allocate(sender, size), to;

		touch(sender, from, size);
		to = give(from, size);
		for (unsigned round = 0; round < 5; round++) {
			assert_true(has_room(sender, size));
			assert_true(holds(receiver, to, size));
			deallocate(receiver, to, size);
			assert_true(has_room(receiver, size));
			assert_int_equal(receiver->entry_count, 0);
			assert_int_equal(receiver->size, 0);
			assert_int_equal(allocate(sender, size), from);
			touch(sender, from, size);
			assert_int_equal(give(from, size), to);
			map_check(sender);
			map_check(receiver);
		}
		deallocate(receiver, to, size);
	}
}

/* A room is no memory. */
static void
test_nothing_is_there(void **state)
{
	struct map_region region;
	uaddr_t from = allocate(sender, 3 * PAGE_SIZE);
	uaddr_t above = allocate(sender, PAGE_SIZE);
	uint64_t done = 0;
	void *byte;

	(void)state;
	touch(sender, from, 3 * PAGE_SIZE);
	give(from, 3 * PAGE_SIZE);
	assert_true(has_room(sender, 3 * PAGE_SIZE));
	assert_int_equal(vm_host_access(sender, from, VM_PROT_READ, &byte),
	    KERN_INVALID_ADDRESS);
	assert_int_equal(map_region(sender, from, &region), KERN_SUCCESS);
	assert_int_equal(region.start, above);
	assert_int_equal(map_protect(sender, from, 3 * PAGE_SIZE, false,
			     VM_PROT_READ, &done),
	    KERN_INVALID_ADDRESS);
	assert_int_equal(sender->size, PAGE_SIZE);
	/* What is asked to be there goes over it. */
	from += PAGE_SIZE;
	assert_int_equal(
	    map_allocate(sender, &from, PAGE_SIZE, 0, VM_FLAGS_FIXED,
		VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_DEFAULT),
	    KERN_SUCCESS);
	assert_false(has_room(sender, 3 * PAGE_SIZE));
	touch(sender, from, PAGE_SIZE);
}

/* Neither the number of rooms nor of regions apart grows. */
static void
test_bounds(void **state)
{
	uint64_t total = 0;

	(void)state;
	for (uint64_t i = 1; i <= 3 * MAP_APART_MAX; i++) {
		uaddr_t from = allocate(sender, i * PAGE_SIZE);

		touch(sender, from, i * PAGE_SIZE);
		assert_true(
		    holds(receiver, give(from, i * PAGE_SIZE), i * PAGE_SIZE));
		total += i * PAGE_SIZE;
		map_check(sender);
	}
	assert_true(receiver->entry_count <= MAP_APART_MAX + 2);
	assert_int_equal(receiver->size, total);
	deallocate(receiver, MAP_ANYWHERE_BASE, 2 * total);
	assert_int_equal(receiver->size, 0);
}

/* Rooms under one table keep their tables when one of them goes. */
static void
test_neighbours(void **state)
{
	uaddr_t from[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		from[i] = allocate(sender, 2 * MiB + i * PAGE_SIZE);
		touch(sender, from[i], 2 * MiB);
	}
	for (unsigned i = 0; i < 3; i++) {
		give(from[i], 2 * MiB + i * PAGE_SIZE);
		map_check(sender);
	}
	/* Over the second one. */
	assert_int_equal(
	    map_allocate(sender, &from[1], PAGE_SIZE, 0, VM_FLAGS_FIXED,
		VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_DEFAULT),
	    KERN_SUCCESS);
	touch(sender, from[1], PAGE_SIZE);
	map_check(sender);
	deallocate(sender, from[1], PAGE_SIZE);
	map_check(sender);
	assert_int_equal(allocate(sender, 2 * MiB), from[0]);
	touch(sender, from[0], 2 * MiB);
	map_check(sender);
}

/* Rights and sizes of who moves in are his own. */
static void
test_other_rights(void **state)
{
	struct map_region region;
	uaddr_t from = allocate(sender, PAGE_SIZE), again = 0;
	void *byte;

	(void)state;
	touch(sender, from, PAGE_SIZE);
	give(from, PAGE_SIZE);
	assert_int_equal(
	    map_allocate(sender, &again, PAGE_SIZE, 0, VM_FLAGS_ANYWHERE,
		VM_PROT_READ, VM_PROT_READ, VM_INHERIT_NONE),
	    KERN_SUCCESS);
	assert_int_equal(again, from);
	assert_int_equal(map_region(sender, from, &region), KERN_SUCCESS);
	assert_int_equal(region.size, PAGE_SIZE);
	assert_int_equal(region.max_prot, VM_PROT_READ);
	assert_int_equal(region.inherit, VM_INHERIT_NONE);
	assert_int_equal(vm_host_access(sender, from, VM_PROT_WRITE, &byte),
	    KERN_PROTECTION_FAILURE);
	assert_int_equal(
	    vm_host_access(sender, from, VM_PROT_READ, &byte), KERN_SUCCESS);
	assert_int_equal(*(uint8_t *)byte, 0);
}

/* Where there is no other gap, rooms are gaps. */
static void
test_last_gap(void **state)
{
	uaddr_t from = allocate(sender, GiB), all = MAP_ANYWHERE_BASE;
	uint64_t size;

	(void)state;
	give(from, GiB);
	assert_true(has_room(sender, GiB));
	size = USER_END - MAP_ANYWHERE_BASE;
	assert_int_equal(allocate(sender, size), all);
	assert_false(has_room(sender, GiB));
}

/* Two regions beside each other that stand apart are two until they go. */
static void
test_part_of_one_goes(void **state)
{
	uaddr_t from = allocate(sender, 4 * PAGE_SIZE), to;

	(void)state;
	touch(sender, from, 4 * PAGE_SIZE);
	to = give(from, 4 * PAGE_SIZE);
	deallocate(receiver, to + PAGE_SIZE, PAGE_SIZE);
	assert_false(has_room(receiver, PAGE_SIZE));
	map_check(receiver);
	deallocate(receiver, to, PAGE_SIZE);
	map_check(receiver);
	deallocate(receiver, to, 4 * PAGE_SIZE);
	assert_int_equal(receiver->size, 0);
}

/* Whose task may have no more entries gives rooms up, and not the tables that
 * are to be used. */
static void
test_no_more_entries(void **state)
{
	struct ledger *ledger = ledger_create_root(10000);
	uaddr_t from = allocate(sender, 2 * PAGE_SIZE), to;
	uint64_t taken = 0;

	(void)state;
	assert_non_null(ledger);
	receiver->ledger = ledger;
	touch(sender, from, 2 * PAGE_SIZE);
	to = give(from, 2 * PAGE_SIZE);
	deallocate(receiver, to, 2 * PAGE_SIZE);
	assert_true(has_room(receiver, 2 * PAGE_SIZE));
	while (ledger_charge(ledger, BATON_LEDGER_MAP_ENTRIES, 1))
		taken++;
	from = allocate(sender, 3 * PAGE_SIZE);
	touch(sender, from, 3 * PAGE_SIZE);
	to = give(from, 3 * PAGE_SIZE);
	assert_true(holds(receiver, to, 3 * PAGE_SIZE));
	map_check(receiver);
	deallocate(receiver, to, 3 * PAGE_SIZE);
	assert_int_equal(allocate(receiver, PAGE_SIZE), MAP_ANYWHERE_BASE);
	deallocate(receiver, MAP_ANYWHERE_BASE, PAGE_SIZE);
	spin_lock(&receiver->lock);
	map_rooms_clear(receiver, 0, USER_END);
	spin_unlock(&receiver->lock);
	ledger_credit(ledger, BATON_LEDGER_MAP_ENTRIES, taken);
	receiver->ledger = NULL;
}

/* Address 0 is never chosen, whatever was given up around it. */
static void
test_nothing_at_zero(void **state)
{
	uaddr_t low = USER_BASE;

	(void)state;
	assert_int_equal(
	    map_allocate(sender, &low, PAGE_SIZE, 0, VM_FLAGS_FIXED,
		VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_DEFAULT),
	    KERN_SUCCESS);
	deallocate(sender, 0, low + PAGE_SIZE);
	map_check(sender);
	assert_int_not_equal(allocate(sender, low + PAGE_SIZE), 0);
}

/* Straight across with a port locked: no lock is taken that comes before. */
static void
test_passage_under_port(void **state)
{
	struct spinlock port = SPINLOCK_INIT(LOCK_PORT);
	struct passage passage = {.from = sender, .size = 2 * MiB};
	uaddr_t to = allocate(receiver, 2 * MiB);

	(void)state;
	passage.address = allocate(sender, 2 * MiB);
	vm_host_superpages = true;
	touch(sender, passage.address, 2 * MiB);
	touch(receiver, to, 2 * MiB);
	vm_host_superpages = false;
	assert_non_null(pmap_superpage(&sender->pmap, passage.address));
	deallocate(receiver, to, 2 * MiB);
	spin_lock(&port);
	assert_true(passage_prepare(&passage, receiver));
	assert_int_equal(passage_commit(&passage), to);
	spin_unlock(&port);
	assert_true(holds(receiver, to, 2 * MiB));
	touch(sender, passage.address, PAGE_SIZE);
}

/* What is left of most of the user's half does not lie in the way. */
static void
test_no_large_rooms(void **state)
{
	const uint64_t size = 200UL << 30;
	uaddr_t address = allocate(sender, size), kept;

	(void)state;
	touch(sender, address, PAGE_SIZE);
	touch(sender, address + size - PAGE_SIZE, PAGE_SIZE);
	deallocate(sender, address, size);
	assert_false(has_room(sender, size));
	kept = allocate(sender, PAGE_SIZE);
	address = allocate(sender, size);
	deallocate(sender, kept, PAGE_SIZE);

	/* Nor when it is sent away. */
	address = give(address, size);
	assert_false(has_room(sender, size));
	deallocate(receiver, address, size);
	assert_false(has_room(receiver, size));
}

#define TEST(function)                                                         \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_come_and_go),
	    TEST(test_nothing_is_there),
	    TEST(test_bounds),
	    TEST(test_neighbours),
	    TEST(test_other_rights),
	    TEST(test_last_gap),
	    TEST(test_no_more_entries),
	    TEST(test_part_of_one_goes),
	    TEST(test_nothing_at_zero),
	    TEST(test_no_large_rooms),
	    TEST(test_passage_under_port),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
