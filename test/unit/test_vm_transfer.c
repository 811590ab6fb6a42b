/*
 * test/unit/test_vm_transfer.c: what a transfer promises, promise by promise.
 *
 * Long because a transfer promises much.
 *
 * Sources: vm
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arch/usercopy.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/ledger.h"
#include "kernel/zone.h"
#include "vm/transfer.h"
#include "vm/map_room.h"
#include "vm_host.h"

#define MiB   (1UL << 20)
#define TABLE (2 * MiB) /* what one leaf table maps */
#define GiB   (1UL << 30)

static struct map *sender, *receiver;
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
	pmap_asid_bits = 16;
	vm_host_elsewhere = false;
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
	assert_int_equal(vm_host_pages_at_rest(), free_pages);
	return 0;
}

/* ---- helpers ---- */

static uint8_t
pattern(uint64_t i)
{
	return (uint8_t)(1 + i % 251);
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

/* Page tables that @map has for more than its rooms. */
static uint64_t
tables_of(struct map *map)
{
	spin_lock(&map->lock);
	map_rooms_clear(map, 0, USER_END);
	spin_unlock(&map->lock);
	return map->pmap.table_count;
}

static void
protect(struct map *map, uaddr_t address, uint64_t size, unsigned prot)
{
	uint64_t done = 0;

	do
		assert_int_equal(
		    map_protect(map, address, size, false, prot, &done),
		    KERN_SUCCESS);
	while (map_range_more(address, size, done));
}

static uint8_t *
byte_at(struct map *map, uaddr_t va, unsigned access)
{
	void *byte;

	assert_int_equal(vm_host_access(map, va, access, &byte), KERN_SUCCESS);
	return byte;
}

static kern_return_t
try_access(struct map *map, uaddr_t va, unsigned access)
{
	void *byte;

	return vm_host_access(map, va, access, &byte);
}

static void
fill(struct map *map, uaddr_t va, uint64_t size)
{
	for (uint64_t i = 0; i < size; i++)
		*byte_at(map, va + i, VM_PROT_WRITE) = pattern(i);
}

static kern_return_t
take(uaddr_t address, uint64_t size, bool deallocate, struct transfer **out)
{
	kern_return_t kr;

	*out = NULL;
	do
		kr = transfer_take(sender, address, size,
		    deallocate ? TRANSFER_GIVE : TRANSFER_KEEP, out);
	while (kr == KERN_OPERATION_TIMED_OUT);
	return kr;
}

/* Take it and give it to the receiver; where it is there. */
static uaddr_t
move(uaddr_t address, uint64_t size, bool deallocate)
{
	struct transfer *transfer;
	uaddr_t arrived;

	assert_int_equal(
	    take(address, size, deallocate, &transfer), KERN_SUCCESS);
	assert_int_equal(transfer_size(transfer), size);
	assert_int_equal(
	    transfer_map(transfer, receiver, &arrived), KERN_SUCCESS);
	assert_int_equal(arrived & PAGE_MASK, address & PAGE_MASK);
	return arrived;
}

/* ---- ragged ends ---- */

/*
 * Of the pages that arrive, every byte that was sent is there, and every other
 * one is zero.
 */
static void
check_ragged(uint64_t offset, uint64_t size, bool deallocate)
{
	uaddr_t region = allocate(sender, 5 * PAGE_SIZE);
	uaddr_t arrived, first, end;
	uint64_t done = 0;

	fill(sender, region, 5 * PAGE_SIZE);
	arrived = move(region + offset, size, deallocate);
	first = page_floor(arrived);
	end = page_ceil(arrived + size);
	for (uaddr_t va = first; va < end; va++) {
		uint64_t i = va - first + (offset & ~PAGE_MASK);
		bool sent = va >= arrived && va < arrived + size;

		assert_int_equal(*byte_at(receiver, va, VM_PROT_READ),
		    sent ? pattern(i) : 0);
	}
	assert_int_equal(
	    try_access(receiver, end, VM_PROT_READ), KERN_INVALID_ADDRESS);
	/* The sender keeps all, or loses the pages that were touched. */
	for (uint64_t i = 0; i < 5 * PAGE_SIZE; i += 509) {
		bool lost = deallocate && i >= page_floor(offset) &&
			    i < page_ceil(offset + size);

		if (lost)
			assert_int_equal(
			    try_access(sender, region + i, VM_PROT_READ),
			    KERN_INVALID_ADDRESS);
		else
			assert_int_equal(
			    *byte_at(sender, region + i, VM_PROT_READ),
			    pattern(i));
	}
	assert_int_equal(
	    map_deallocate(receiver, first, end - first, &done), KERN_SUCCESS);
	done = 0;
	assert_int_equal(
	    map_deallocate(sender, region, 5 * PAGE_SIZE, &done), KERN_SUCCESS);
}

static void
test_ragged_ends(void **state)
{
	static const uint64_t offsets[] = {0, 1, 8, 2048, 4095, 4096, 4097};
	static const uint64_t sizes[] = {1, 7, 100, 2047, 2048, 2049, 4095,
	    4096, 4097, 5119, 5121, 8192, 10241, 12289};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(offsets); i++) {
		for (unsigned k = 0; k < ARRAY_SIZE(sizes); k++) {
			check_ragged(offsets[i], sizes[k], false);
			check_ragged(offsets[i], sizes[k], true);
		}
	}
}

/* ---- units ---- */

static pte_t
entry_at(struct map *map, uaddr_t va, unsigned level)
{
	pte_t *entry = pmap_find(&map->pmap, va, level);

	return entry != NULL ? *entry : 0;
}

static void
touch(struct map *map, uaddr_t va)
{
	*(uint64_t *)byte_at(map, va, VM_PROT_WRITE) = va;
}

static void
test_leaf_tables_move_whole(void **state)
{
	uaddr_t region = allocate(sender, 8 * MiB);
	uaddr_t arrived;
	pte_t tables[4];

	(void)state;
	assert_int_equal(region % SUPERPAGE_SIZE, 0);
	for (unsigned i = 0; i < 4; i++) {
		if (i != 2)
			touch(sender, region + i * SUPERPAGE_SIZE + 5 * 4096);
		tables[i] = entry_at(sender, region + i * SUPERPAGE_SIZE, 1);
	}
	arrived = move(region, 8 * MiB, true);
	assert_int_equal(arrived % SUPERPAGE_SIZE, 0);
	for (unsigned i = 0; i < 4; i++) {
		uaddr_t va = arrived + i * SUPERPAGE_SIZE;

		assert_int_equal(entry_at(receiver, va, 1), tables[i]);
		if (i != 2)
			assert_int_equal(*(uint64_t *)byte_at(receiver,
					     va + 5 * 4096, VM_PROT_READ),
			    region + i * SUPERPAGE_SIZE + 5 * 4096);
	}
	/* Its tables are gone, too. */
	assert_int_equal(tables_of(sender), 0);
}

/* An unaligned piece: pages, whole tables, pages. */
static void
test_mixed_units(void **state)
{
	uaddr_t region = allocate(sender, 8 * MiB);
	uaddr_t piece = region + 3 * PAGE_SIZE + 123;
	uint64_t size = 8 * MiB - 7 * PAGE_SIZE;
	uaddr_t arrived;
	pte_t middle;

	(void)state;
	for (uint64_t at = 0; at < 8 * MiB; at += 37 * PAGE_SIZE)
		touch(sender, region + at);
	middle = entry_at(sender, region + 2 * MiB, 1);
	arrived = move(piece, size, true);
	assert_int_equal((arrived - piece) % SUPERPAGE_SIZE, 0);
	assert_int_equal(
	    entry_at(receiver, arrived - piece + region + 2 * MiB, 1), middle);
	for (uint64_t at = 37 * PAGE_SIZE; at < 7 * MiB; at += 37 * PAGE_SIZE)
		assert_int_equal(
		    *(uint64_t *)byte_at(receiver,
			region + at + (arrived - piece), VM_PROT_READ),
		    region + at);
	/* The pages outside stay with the sender. */
	assert_int_equal(
	    *(uint64_t *)byte_at(sender, region, VM_PROT_READ), region);
}

static void
check_gigabytes(bool deallocate)
{
	uaddr_t region = allocate(sender, 4 * GiB);
	uaddr_t piece = region + GiB - 4 * MiB;
	uint64_t size = 2 * GiB + 10 * MiB;
	uint64_t done = 0;
	uaddr_t arrived;
	pte_t middle;

	assert_int_equal(region % GiB, 0);
	for (uint64_t at = 0; at < 4 * GiB; at += 96 * MiB + PAGE_SIZE)
		touch(sender, region + at);
	middle = entry_at(sender, region + GiB, 2);
	arrived = move(piece, size, deallocate);
	assert_int_equal((arrived - piece) % GiB, 0);
	assert_int_equal(
	    entry_at(receiver, arrived - piece + region + GiB, 2) == middle,
	    deallocate);
	for (uint64_t at = 0; at < 4 * GiB; at += 96 * MiB + PAGE_SIZE) {
		uaddr_t va = region + at;

		if (va < piece || va >= piece + size) {
			assert_int_equal(
			    *(uint64_t *)byte_at(sender, va, VM_PROT_READ), va);
			continue;
		}
		assert_int_equal(*(uint64_t *)byte_at(receiver,
				     va + (arrived - piece), VM_PROT_READ),
		    va);
		assert_int_equal(try_access(sender, va, VM_PROT_READ),
		    deallocate ? KERN_INVALID_ADDRESS : KERN_SUCCESS);
	}
	map_check(sender);
	map_check(receiver);
	do
		assert_int_equal(map_deallocate(receiver, arrived, size, &done),
		    KERN_SUCCESS);
	while (map_range_more(arrived, size, done));
	assert_int_equal(tables_of(receiver), 0);
}

static void
test_middle_tables(void **state)
{
	(void)state;
	check_gigabytes(true);
	check_gigabytes(false);
}

/* ---- what the receiver has cannot change ---- */

static void
test_shared_pages_are_still(void **state)
{
	uaddr_t region = allocate(sender, 64 * PAGE_SIZE);
	uaddr_t arrived;

	(void)state;
	fill(sender, region, 64 * PAGE_SIZE);
	arrived = move(region, 64 * PAGE_SIZE, false);
	assert_int_equal(entry_at(sender, region, 0) >> PTE_PPN_SHIFT,
	    entry_at(receiver, arrived, 0) >> PTE_PPN_SHIFT);
	for (uint64_t i = 0; i < 64 * PAGE_SIZE; i += 777)
		*byte_at(sender, region + i, VM_PROT_WRITE) = 0;
	for (uint64_t i = 0; i < 64 * PAGE_SIZE; i += 777) {
		assert_int_equal(
		    *byte_at(receiver, arrived + i, VM_PROT_READ), pattern(i));
		*byte_at(receiver, arrived + i, VM_PROT_WRITE) = 0xff;
		assert_int_equal(*byte_at(sender, region + i, VM_PROT_READ), 0);
	}
}

static bool
is_writable(uaddr_t va)
{
	return (entry_at(sender, va, 0) & PTE_W) != 0;
}

/* Where sharing costs more than it saves, the sender keeps its right. */
static void
test_small_regions_are_copied(void **state)
{
	uaddr_t region = allocate(sender, 4 * PAGE_SIZE);

	(void)state;
	fill(sender, region, 4 * PAGE_SIZE);
	pmap_asid_bits = 0;
	move(region, 5 * 1024, false);
	assert_true(is_writable(region));
	move(region, 5 * 1024 + 1, false);
	assert_false(is_writable(region));
	touch(sender, region);
	pmap_asid_bits = 16;
	move(region, PAGE_SIZE, false);
	assert_false(is_writable(region));
	touch(sender, region);
	vm_host_elsewhere = true;
	move(region, 10 * 1024, false);
	assert_true(is_writable(region));
	move(region, 10 * 1024 + 1, false);
	assert_false(is_writable(region));
}

/* ---- what may be sent ---- */

static void
test_refused(void **state)
{
	uaddr_t region = allocate(sender, 8 * PAGE_SIZE);
	uint64_t done = 0;
	struct transfer *transfer;

	(void)state;
	assert_int_equal(take(0, 1, false, &transfer), KERN_INVALID_ADDRESS);
	assert_int_equal(
	    take(USER_END - 1, 2, true, &transfer), KERN_INVALID_ADDRESS);
	assert_int_equal(take(UINT64_MAX, UINT64_MAX, true, &transfer),
	    KERN_INVALID_ADDRESS);
	assert_int_equal(take(region, 9 * PAGE_SIZE, false, &transfer),
	    KERN_INVALID_ADDRESS);
	assert_int_equal(
	    take(region, 9 * PAGE_SIZE, true, &transfer), KERN_INVALID_ADDRESS);
	assert_int_equal(take(region, 0, true, &transfer), KERN_SUCCESS);
	assert_null(transfer);
	protect(sender, region + PAGE_SIZE, PAGE_SIZE, VM_PROT_NONE);
	assert_int_equal(take(region, 8 * PAGE_SIZE, true, &transfer),
	    KERN_PROTECTION_FAILURE);
	assert_int_equal(take(region, 8 * PAGE_SIZE, false, &transfer),
	    KERN_PROTECTION_FAILURE);
	assert_int_equal(
	    map_deallocate(sender, region + 5 * PAGE_SIZE, 1, &done),
	    KERN_SUCCESS);
	assert_int_equal(
	    take(region + 4 * PAGE_SIZE, 4 * PAGE_SIZE, true, &transfer),
	    KERN_INVALID_ADDRESS);
}

/* Code arrives as data; a long enough region takes several steps to leave. */
static void
test_executable_pages(void **state)
{
	uint64_t size = 3 * MiB;
	uaddr_t region = allocate(sender, size);
	uaddr_t arrived;

	(void)state;
	for (uint64_t at = 0; at < size; at += PAGE_SIZE)
		touch(sender, region + at);
	protect(sender, region, size, VM_PROT_READ | VM_PROT_EXECUTE);
	byte_at(sender, region, VM_PROT_EXECUTE);
	arrived = move(region, size, true);
	assert_int_equal(try_access(receiver, arrived, VM_PROT_EXECUTE),
	    KERN_PROTECTION_FAILURE);
	for (uint64_t at = 0; at < size; at += PAGE_SIZE) {
		assert_int_equal(
		    *(uint64_t *)byte_at(receiver, arrived + at, VM_PROT_WRITE),
		    region + at);
		assert_int_equal(try_access(sender, region + at, VM_PROT_READ),
		    KERN_INVALID_ADDRESS);
	}
}

/* More map entries than a move looks at. */
static void
test_many_entries(void **state)
{
	uint64_t size = 100 * PAGE_SIZE;
	uaddr_t region = allocate(sender, size);
	uaddr_t arrived;

	(void)state;
	for (uint64_t at = 0; at < size; at += PAGE_SIZE)
		touch(sender, region + at);
	for (uint64_t at = 0; at < size; at += 2 * PAGE_SIZE)
		protect(sender, region + at, PAGE_SIZE, VM_PROT_READ);
	assert_int_equal(sender->entry_count, 100);
	arrived = move(region, size, true);
	assert_int_equal(sender->entry_count, 0);
	assert_int_equal(receiver->entry_count, 1);
	for (uint64_t at = 0; at < size; at += PAGE_SIZE)
		assert_int_equal(
		    *(uint64_t *)byte_at(receiver, arrived + at, VM_PROT_WRITE),
		    region + at);
}

/* ---- given up, refused, failed ---- */

/* What both keep is shared by tables, once or more than once, and stays. */
static void
test_shared_tables(void **state)
{
	uint64_t size = 6 * MiB;
	uaddr_t region = allocate(sender, size);
	uint64_t free;
	struct transfer *transfer[3] = {NULL};
	uaddr_t arrived[2];

	(void)state;
	for (uint64_t at = 0; at < size; at += PAGE_SIZE)
		touch(sender, region + at);
	free = page_free_count();
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(
		    take(region, size, false, &transfer[i]), KERN_SUCCESS);
	/* No page was copied, no table made. */
	assert_int_equal(page_free_count(), free);

	/* The sender writes some of it; the others have what was. */
	for (uint64_t at = 0; at < size; at += MiB)
		*(uint64_t *)byte_at(sender, region + at, VM_PROT_WRITE) = 1;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(
		    transfer_map(transfer[i], receiver, &arrived[i]),
		    KERN_SUCCESS);
		for (uint64_t at = 0; at < size; at += PAGE_SIZE) {
			unsigned access = at % (3 * PAGE_SIZE) != 0
					      ? VM_PROT_READ
					      : VM_PROT_WRITE;

			assert_int_equal(*(uint64_t *)byte_at(
					     receiver, arrived[i] + at, access),
			    region + at);
		}
	}
	transfer_destroy(transfer[2]);
	for (uint64_t at = 0; at < size; at += PAGE_SIZE)
		assert_int_equal(
		    *(uint64_t *)byte_at(sender, region + at, VM_PROT_READ),
		    at % MiB == 0 ? 1 : region + at);
}

/* Part of a table that is shared: removed, protected, sent. */
static void
test_part_of_shared_table(void **state)
{
	uint64_t size = 4 * MiB, done = 0;
	uaddr_t region = allocate(sender, size);
	struct transfer *whole = NULL, *part = NULL;
	uaddr_t arrived;

	(void)state;
	for (uint64_t at = 0; at < size; at += PAGE_SIZE)
		touch(sender, region + at);
	assert_int_equal(take(region, size, false, &whole), KERN_SUCCESS);
	assert_int_equal(
	    map_deallocate(sender, region + PAGE_SIZE, 5 * PAGE_SIZE, &done),
	    KERN_SUCCESS);
	assert_int_equal(
	    take(region + 3 * MiB, 8 * PAGE_SIZE, true, &part), KERN_SUCCESS);
	assert_int_equal(transfer_map(part, receiver, &arrived), KERN_SUCCESS);
	for (uint64_t at = 0; at < 8 * PAGE_SIZE; at += PAGE_SIZE)
		assert_int_equal(
		    *(uint64_t *)byte_at(receiver, arrived + at, VM_PROT_WRITE),
		    region + 3 * MiB + at);
	assert_int_equal(transfer_map(whole, receiver, &arrived), KERN_SUCCESS);
	for (uint64_t at = 0; at < size; at += PAGE_SIZE)
		assert_int_equal(
		    *(uint64_t *)byte_at(receiver, arrived + at, VM_PROT_READ),
		    region + at);
}

static void
test_given_up_half_way(void **state)
{
	/* But for its ends, which go page by page, it goes by tables. */
	uint64_t size = 5 * MiB;
	uaddr_t region = allocate(sender, size + 2 * PAGE_SIZE) + PAGE_SIZE;
	struct transfer *transfer = NULL;
	unsigned steps = 0;

	(void)state;
	for (uint64_t at = 0; at < size; at += PAGE_SIZE)
		touch(sender, region + at);
	while (transfer_take(sender, region, size, TRANSFER_KEEP, &transfer) ==
	       KERN_OPERATION_TIMED_OUT)
		assert_true(++steps < 100);
	assert_true(steps >= 5);
	transfer_destroy(transfer);

	transfer = NULL;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(transfer_take(sender, region, size,
				     TRANSFER_KEEP, &transfer),
		    KERN_OPERATION_TIMED_OUT);
	transfer_destroy(transfer);
	for (uint64_t at = 0; at < size; at += PAGE_SIZE)
		assert_int_equal(
		    *(uint64_t *)byte_at(sender, region + at, VM_PROT_WRITE),
		    region + at);
}

static void
test_no_space(void **state)
{
	uaddr_t region = allocate(sender, PAGE_SIZE);
	uaddr_t all = allocate(receiver, USER_END - MAP_ANYWHERE_BASE);
	struct transfer *transfer;
	uaddr_t arrived;
	uint64_t done = 0;

	(void)state;
	touch(sender, region);
	assert_int_equal(
	    take(region, PAGE_SIZE, true, &transfer), KERN_SUCCESS);
	assert_int_equal(
	    transfer_map(transfer, receiver, &arrived), KERN_NO_SPACE);
	assert_int_equal(
	    map_deallocate(receiver, all, USER_END - MAP_ANYWHERE_BASE, &done),
	    KERN_SUCCESS);
	assert_int_equal(
	    transfer_map(transfer, receiver, &arrived), KERN_SUCCESS);
	assert_int_equal(
	    *(uint64_t *)byte_at(receiver, arrived, VM_PROT_READ), region);
}

/* What arrives brings tables and needs one above them: both are paid for. */
static void
test_tables_are_paid_for(void **state)
{
	uint64_t size = 4 * SUPERPAGE_SIZE;
	uaddr_t region = allocate(sender, size);
	struct ledger_line *line =
	    &receiver->ledger->line[BATON_LEDGER_PAGE_TABLES];
	uint64_t part = line->part;
	struct transfer *transfer;
	uaddr_t arrived;

	(void)state;
	for (uint64_t at = 0; at < size; at += SUPERPAGE_SIZE)
		touch(sender, region + at);
	assert_int_equal(take(region, size, true, &transfer), KERN_SUCCESS);
	line->part = line->limit = line->use;
	assert_int_equal(
	    transfer_map(transfer, receiver, &arrived), KERN_RESOURCE_SHORTAGE);
	line->part = line->limit = part;
	assert_int_equal(
	    transfer_map(transfer, receiver, &arrived), KERN_SUCCESS);
	assert_int_equal(
	    *(uint64_t *)byte_at(receiver, arrived, VM_PROT_READ), region);
}

typedef void (*failure_t)(uint64_t count);

/*
 * Let the first allocation fail, then the second, and so on until none does:
 * each time the sender has everything, and nothing is lost.
 */
static void
check_failures(failure_t fail_after, uint64_t offset, uint64_t size,
    unsigned prot, bool deallocate)
{
	uint64_t whole = page_ceil(offset + size) + PAGE_SIZE;
	uaddr_t region = allocate(sender, whole);
	struct transfer *transfer = NULL;
	kern_return_t kr = KERN_RESOURCE_SHORTAGE;
	uaddr_t arrived;
	uint64_t sites = 0;

	for (uint64_t at = 0; at < whole; at += PAGE_SIZE)
		touch(sender, region + at);
	protect(sender, region, whole, prot);
	while (kr != KERN_SUCCESS) {
		fail_after(++sites);
		kr = take(region + offset, size, deallocate, &transfer);
		fail_after(0);
		assert_true(kr == KERN_SUCCESS || kr == KERN_RESOURCE_SHORTAGE);
		map_check(sender);
		for (uint64_t at = 0; kr != KERN_SUCCESS && at < whole;
		     at += PAGE_SIZE)
			assert_int_equal(*(uint64_t *)byte_at(
					     sender, region + at, VM_PROT_READ),
			    region + at);
	}
	for (kr = KERN_RESOURCE_SHORTAGE, sites = 0; kr != KERN_SUCCESS;) {
		fail_after(++sites);
		kr = transfer_map(transfer, receiver, &arrived);
		fail_after(0);
		map_check(receiver);
	}
	for (uint64_t at = page_ceil(offset); at + 8 < offset + size;
	     at += PAGE_SIZE)
		assert_int_equal(*(uint64_t *)byte_at(receiver,
				     arrived + at - offset, VM_PROT_READ),
		    region + at);
}

static void
check_failures_of_all_kinds(failure_t fail_after)
{
	const unsigned code = VM_PROT_READ | VM_PROT_EXECUTE;

	for (unsigned deallocate = 0; deallocate < 2; deallocate++) {
		check_failures(
		    fail_after, 0, 3 * PAGE_SIZE, VM_PROT_DEFAULT, deallocate);
		check_failures(fail_after, 100, 6 * MiB + 5000, VM_PROT_DEFAULT,
		    deallocate);
		check_failures(fail_after, 4000, 3 * MiB, code, deallocate);
	}
}

static void
test_pages_run_out(void **state)
{
	(void)state;
	check_failures_of_all_kinds(page_fail_after);
}

static void
test_objects_run_out(void **state)
{
	(void)state;
	check_failures_of_all_kinds(zone_fail_after);
}

/* ---- kernel buffers ---- */

static void
test_kernel_buffers(void **state)
{
	static uint8_t bytes[3 * PAGE_SIZE], back[3 * PAGE_SIZE];
	struct transfer *transfer;
	uaddr_t arrived;

	(void)state;
	for (uint64_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = pattern(i);
	for (uint64_t size = 1; size < sizeof(bytes); size += 1111) {
		assert_int_equal(
		    transfer_from_kernel(NULL, bytes, size, &transfer),
		    KERN_SUCCESS);
		assert_int_equal(transfer_size(transfer), size);
		memset(back, 0, sizeof(back));
		assert_int_equal(transfer_to_kernel(
				     transfer, size / 3, back, size - size / 3),
		    KERN_SUCCESS);
		assert_memory_equal(back, bytes + size / 3, size - size / 3);
		assert_int_equal(
		    transfer_map(transfer, receiver, &arrived), KERN_SUCCESS);
		for (uint64_t i = 0; i < page_ceil(size); i++)
			assert_int_equal(
			    *byte_at(receiver, arrived + i, VM_PROT_READ),
			    i < size ? bytes[i] : 0);
	}
	assert_int_equal(
	    transfer_from_kernel(NULL, bytes, 0, &transfer), KERN_SUCCESS);
	assert_null(transfer);
	assert_int_equal(
	    transfer_to_kernel(NULL, 0, back, 1), KERN_INVALID_ARGUMENT);
	assert_int_equal(transfer_map(NULL, receiver, &arrived), KERN_SUCCESS);
	for (uint64_t i = 1; i < 5; i++) {
		page_fail_after(i);
		if (transfer_from_kernel(
			NULL, bytes, sizeof(bytes), &transfer) == KERN_SUCCESS)
			transfer_destroy(transfer);
		page_fail_after(0);
	}
}

/* What is written piece by piece arrives whole, zeros where nothing was. */
static void
test_written(void **state)
{
	static uint8_t bytes[PAGE_SIZE], back[PAGE_SIZE];
	const uint64_t size = 5 * TABLE + 3 * PAGE_SIZE + 100;
	struct transfer *transfer;
	uaddr_t arrived;

	(void)state;
	for (uint64_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = pattern(i);
	assert_int_equal(transfer_blank(NULL, 0, &transfer), KERN_SUCCESS);
	assert_null(transfer);
	assert_true(transfer_trim(NULL, 0));
	assert_int_equal(transfer_blank(NULL, size, &transfer), KERN_SUCCESS);
	assert_int_equal(
	    transfer_write(transfer, size, bytes, 1), KERN_INVALID_ARGUMENT);
	assert_int_equal(
	    transfer_write(transfer, size, bytes, 0), KERN_SUCCESS);
	for (uint64_t at = 77; at < size; at += TABLE - 1000) {
		uint64_t count = size - at < 3000 ? size - at : 3000;

		assert_int_equal(
		    transfer_write(transfer, at, bytes, count), KERN_SUCCESS);
		assert_int_equal(transfer_to_kernel(transfer, at, back, count),
		    KERN_SUCCESS);
		assert_memory_equal(back, bytes, count);
	}
	assert_false(transfer_trim(transfer, size - 101));
	assert_true(transfer_trim(transfer, size - 1));
	assert_int_equal(transfer_size(transfer), size - 1);
	assert_int_equal(
	    transfer_map(transfer, receiver, &arrived), KERN_SUCCESS);
	assert_int_equal(
	    *byte_at(receiver, arrived + 77, VM_PROT_READ), bytes[0]);
	assert_int_equal(*byte_at(receiver, arrived + 76, VM_PROT_READ), 0);
	assert_int_equal(
	    *byte_at(
		receiver, arrived + 77 + 2 * (TABLE - 1000) + 5, VM_PROT_READ),
	    bytes[5]);
	for (uint64_t i = 1; i < 5; i++) {
		page_fail_after(i);
		if (transfer_blank(NULL, size, &transfer) == KERN_SUCCESS) {
			kern_return_t kr =
			    transfer_write(transfer, TABLE - 10, bytes, 20);

			assert_true(
			    kr == KERN_SUCCESS || kr == KERN_RESOURCE_SHORTAGE);
			transfer_destroy(transfer);
		}
		page_fail_after(0);
	}
}

#define TEST(function)                                                         \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)

/* To look through a table takes time, too, were there but one page. */
static void
test_sparse_tables(void **state)
{
	const unsigned tables = 64;
	uaddr_t from = allocate(sender, tables * SUPERPAGE_SIZE);
	struct transfer *transfer = NULL;
	unsigned steps = 1;

	(void)state;
	for (unsigned i = 0; i < tables; i++)
		*byte_at(sender, from + i * SUPERPAGE_SIZE, VM_PROT_WRITE) = 1;
	assert_int_equal(transfer_take(sender, from, tables * SUPERPAGE_SIZE,
			     TRANSFER_GIVE, &transfer),
	    KERN_SUCCESS);
	while (transfer_destroy_step(transfer))
		steps++;
	assert_true(steps >= tables / 16);
}

/* Superpages that another has in pages are given up page by page: that is not
 * done to many in one step, be they unmapped or on their way. */
static void
test_broken_superpages(void **state)
{
	const unsigned blocks = 8;
	const uint64_t size = blocks * SUPERPAGE_SIZE;
	struct transfer *transfer = NULL, *other = NULL;
	uaddr_t from = allocate(sender, size), to;
	uint64_t done = 0, before;
	unsigned steps = 1;

	(void)state;
	vm_host_superpages = true;
	for (unsigned i = 0; i < blocks; i++)
		*byte_at(sender, from + i * SUPERPAGE_SIZE, VM_PROT_WRITE) = 1;
	vm_host_superpages = false;
	assert_int_equal(
	    transfer_take(sender, from, size, TRANSFER_KEEP, &transfer),
	    KERN_SUCCESS);
	assert_int_equal(transfer_map(transfer, receiver, &to), KERN_SUCCESS);
	assert_int_equal(
	    transfer_take(sender, from, size, TRANSFER_KEEP, &other),
	    KERN_SUCCESS);
	for (unsigned i = 0; i < blocks; i++)
		*byte_at(sender, from + i * SUPERPAGE_SIZE, VM_PROT_WRITE) = 2;
	assert_int_equal(*byte_at(receiver, to, VM_PROT_READ), 1);
	while (transfer_destroy_step(other))
		steps++;
	assert_true(steps >= blocks / 2);
	for (steps = 0; done < size; steps++) {
		before = done;
		assert_int_equal(
		    map_deallocate(receiver, to, size, &done), KERN_SUCCESS);
		assert_true(done > before);
	}
	assert_true(steps >= blocks / 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_ragged_ends),
	    TEST(test_leaf_tables_move_whole),
	    TEST(test_mixed_units),
	    TEST(test_middle_tables),
	    TEST(test_shared_pages_are_still),
	    TEST(test_small_regions_are_copied),
	    TEST(test_refused),
	    TEST(test_executable_pages),
	    TEST(test_many_entries),
	    TEST(test_shared_tables),
	    TEST(test_part_of_shared_table),
	    TEST(test_given_up_half_way),
	    TEST(test_no_space),
	    TEST(test_tables_are_paid_for),
	    TEST(test_sparse_tables),
	    TEST(test_broken_superpages),
	    TEST(test_pages_run_out),
	    TEST(test_objects_run_out),
	    TEST(test_kernel_buffers),
	    TEST(test_written),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
