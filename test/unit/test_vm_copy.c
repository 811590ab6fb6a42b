/*
 * test/unit/test_vm_copy.c: copies within maps and between them, forks, wired
 * memory, and superpages that are split and made again.
 *
 * Sources: vm
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "kernel/ledger.h"
#include "kernel/zone.h"
#include "vm/copy.h"
#include "vm/transfer.h"
#include "vm/wire.h"
#include "vm_host.h"

#define MiB (1UL << 20)

static struct map *ours, *other;
static struct ledger *ledger; /* nobody's */
static uint64_t free_pages;

static int
start(void **state)
{
	(void)state;
	vm_host_start(128 * MiB);
	ledger_init();
	ledger = ledger_create_root(10000);
	return ledger == NULL;
}

static int
set_up(void **state)
{
	(void)state;
	free_pages = vm_host_pages_at_rest();
	pmap_asid_bits = 16;
	vm_host_elsewhere = false;
	vm_host_superpages = true;
	ours = vm_host_create();
	other = vm_host_create();
	return ours == NULL || other == NULL;
}

static int
tear_down(void **state)
{
	struct map *maps[] = {ours, other};

	(void)state;
	map_check(ours);
	map_check(other);
	vm_host_check_references(maps, 2);
	vm_host_destroy(ours);
	vm_host_destroy(other);
	assert_int_equal(vm_host_pages_at_rest(), free_pages);
	return 0;
}

/* ---- helpers ---- */

static uaddr_t
allocate(struct map *map, uint64_t size, unsigned inherit)
{
	uaddr_t address = 0;

	assert_int_equal(map_allocate(map, &address, size, 0, VM_FLAGS_ANYWHERE,
			     VM_PROT_DEFAULT, VM_PROT_ALL, inherit),
	    KERN_SUCCESS);
	return address;
}

static uint64_t *
word(struct map *map, uaddr_t at, unsigned access)
{
	void *bytes;

	assert_int_equal(vm_host_access(map, at, access, &bytes), KERN_SUCCESS);
	return bytes;
}

/* A word in each page says where it was written. */
static void
fill(struct map *map, uaddr_t address, uint64_t size, uint64_t seed)
{
	for (uint64_t at = 0; at < size; at += PAGE_SIZE)
		*word(map, address + at, VM_PROT_WRITE) = seed + at;
}

static void
assert_filled(struct map *map, uaddr_t address, uint64_t size, uint64_t seed)
{
	for (uint64_t at = 0; at < size; at += PAGE_SIZE)
		assert_int_equal(
		    *word(map, address + at, VM_PROT_READ), seed + at);
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

static kern_return_t
copy(struct map *from, uaddr_t address, uint64_t size, struct map *to,
    uaddr_t at)
{
	struct transfer *transfer = NULL;
	uint64_t done = 0;
	kern_return_t kr;

	do
		kr = transfer_take(
		    from, address, size, TRANSFER_READ, &transfer);
	while (kr == KERN_OPERATION_TIMED_OUT);
	if (kr != KERN_SUCCESS)
		return kr;
	do
		kr = transfer_overwrite(transfer, to, at, &done);
	while (kr == KERN_OPERATION_TIMED_OUT);
	transfer_destroy(transfer);
	return kr;
}

static kern_return_t
fork_map(struct map *from, struct map *to)
{
	struct map_fork *state = map_fork_begin(from, to);
	kern_return_t kr;

	if (state == NULL)
		return KERN_RESOURCE_SHORTAGE;
	do
		kr = map_fork_step(state);
	while (kr == KERN_OPERATION_TIMED_OUT);
	while (map_fork_end_step(state))
		continue;
	return kr;
}

static bool
is_superpage(struct map *map, uaddr_t at)
{
	return pmap_superpage(&map->pmap, at) != NULL;
}

/* ---- copies ---- */

static void
test_superpages(void **state)
{
	const uint64_t size = 8 * MiB;
	uaddr_t from = allocate(ours, size, VM_INHERIT_COPY);
	uaddr_t to = allocate(other, size, VM_INHERIT_COPY);
	uint64_t before;

	(void)state;
	fill(ours, from, size, 7);
	fill(other, to, size, 1);
	assert_true(is_superpage(ours, from));
	before = vm_host_pages_at_rest();
	assert_int_equal(copy(ours, from, size, other, to), KERN_SUCCESS);
	/* Not a page was copied, and what was there is free. */
	assert_int_equal(
	    vm_host_pages_at_rest(), before + (size >> PAGE_SHIFT));
	assert_filled(other, to, size, 7);
	fill(ours, from, size, 9);
	assert_filled(other, to, size, 7);
	fill(other, to, 2 * MiB, 11);
	assert_filled(ours, from, size, 9);
	assert_filled(other, to, 2 * MiB, 11);
}

static void
test_tables(void **state)
{
	const uint64_t size = 6 * MiB;
	uaddr_t from, to;

	(void)state;
	vm_host_superpages = false;
	from = allocate(ours, size, VM_INHERIT_COPY);
	to = allocate(other, size + 2 * MiB, VM_INHERIT_COPY);
	fill(ours, from, size, 7);
	fill(other, to, size + 2 * MiB, 1);
	assert_int_equal(copy(ours, from, size, other, to), KERN_SUCCESS);
	assert_filled(other, to, size, 7);
	assert_int_equal(*word(other, to + size, VM_PROT_READ), 1 + size);
	/* Not where the tables fit: page by page. */
	fill(ours, from, size, 9);
	assert_int_equal(
	    copy(ours, from, size, other, to + 5 * PAGE_SIZE), KERN_SUCCESS);
	assert_filled(other, to + 5 * PAGE_SIZE, size, 9);
	assert_filled(other, to, 5 * PAGE_SIZE, 7);
	/* Nor where pages do. */
	assert_int_equal(copy(ours, from, MiB, other, to + 104), KERN_SUCCESS);
	assert_int_equal(
	    *word(other, to + 104 + PAGE_SIZE, VM_PROT_READ), 9 + PAGE_SIZE);
}

/* Nothing over something; something over nothing; and a GiB of each. */
static void
test_nothing(void **state)
{
	const uint64_t size = (1UL << 30) + 4 * MiB;
	uaddr_t from = allocate(ours, size, VM_INHERIT_COPY);
	uaddr_t to = allocate(other, size, VM_INHERIT_COPY);

	(void)state;
	fill(other, to, 4 * MiB, 3);
	fill(other, to + (1UL << 30), MiB, 4);
	assert_int_equal(copy(ours, from, size, other, to), KERN_SUCCESS);
	assert_int_equal(*word(other, to, VM_PROT_READ), 0);
	assert_int_equal(*word(other, to + (1UL << 30), VM_PROT_READ), 0);
	fill(ours, from + 512 * MiB, MiB, 5);
	assert_int_equal(copy(ours, from, size, other, to), KERN_SUCCESS);
	assert_filled(other, to + 512 * MiB, MiB, 5);
	assert_int_equal(*word(other, to, VM_PROT_READ), 0);
}

static void
test_overlap(void **state)
{
	const uint64_t size = 10 * MiB;
	uaddr_t at = allocate(ours, size, VM_INHERIT_COPY);

	(void)state;
	fill(ours, at, size, 100);
	assert_int_equal(
	    copy(ours, at, 8 * MiB, ours, at + 2 * MiB), KERN_SUCCESS);
	assert_filled(ours, at + 2 * MiB, 8 * MiB, 100);
	assert_filled(ours, at, 2 * MiB, 100);
	assert_int_equal(
	    copy(ours, at + 3 * PAGE_SIZE, 4 * MiB, ours, at), KERN_SUCCESS);
	assert_int_equal(
	    *word(ours, at + PAGE_SIZE, VM_PROT_READ), 100 + 4 * PAGE_SIZE);
	assert_int_equal(copy(ours, at, size, ours, at), KERN_SUCCESS);
}

static void
test_wrong_places(void **state)
{
	uaddr_t from = allocate(ours, 8 * MiB, VM_INHERIT_COPY);
	uaddr_t to = allocate(other, 8 * MiB, VM_INHERIT_COPY);
	uint64_t done = 0;

	(void)state;
	fill(ours, from, 8 * MiB, 1);
	fill(other, to, 8 * MiB, 2);
	protect(other, to + 7 * MiB, PAGE_SIZE, VM_PROT_READ);
	assert_int_equal(
	    copy(ours, from, 8 * MiB, other, to), KERN_PROTECTION_FAILURE);
	assert_filled(other, to, 8 * MiB, 2);
	protect(ours, from + 6 * MiB, PAGE_SIZE, VM_PROT_NONE);
	assert_int_equal(
	    copy(ours, from, 7 * MiB, other, to), KERN_PROTECTION_FAILURE);
	assert_filled(other, to, 8 * MiB, 2);
	assert_int_equal(
	    map_deallocate(other, to + MiB, PAGE_SIZE, &done), KERN_SUCCESS);
	assert_int_equal(
	    copy(ours, from, 2 * MiB, other, to), KERN_INVALID_ADDRESS);
	assert_int_equal(copy(ours, from, 2 * MiB, other, USER_END - MiB),
	    KERN_INVALID_ADDRESS);
	assert_filled(other, to, MiB, 2);
}

/* Memory fails at each site in turn: a first part is there, and no more. */
static void
test_copy_without_memory(void **state)
{
	const uint64_t size = 4 * MiB;
	uaddr_t from = allocate(ours, size, VM_INHERIT_COPY);
	uaddr_t to = allocate(other, size + PAGE_SIZE, VM_INHERIT_COPY);
	kern_return_t kr = KERN_RESOURCE_SHORTAGE;

	(void)state;
	fill(ours, from, size, 1);
	fill(other, to, size + PAGE_SIZE, 2);
	for (uint64_t count = 1; kr != KERN_SUCCESS; count++) {
		assert_true(count < 1000);
		page_fail_after(count);
		kr = copy(ours, from, size, other, to + PAGE_SIZE);
		page_fail_after(0);
		assert_filled(ours, from, size, 1);
		map_check(other);
	}
	assert_filled(other, to + PAGE_SIZE, size, 1);
}

/* ---- forks ---- */

static void
test_fork(void **state)
{
	uaddr_t copied = allocate(ours, 4 * MiB, VM_INHERIT_COPY);
	uaddr_t none = allocate(ours, PAGE_SIZE, VM_INHERIT_NONE);
	uaddr_t shared = allocate(ours, 3 * MiB, VM_INHERIT_SHARE);
	uaddr_t hidden = allocate(ours, 4 * MiB, VM_INHERIT_COPY);
	struct map_region region;

	(void)state;
	fill(ours, copied, 4 * MiB, 1);
	fill(ours, none, PAGE_SIZE, 2);
	fill(ours, shared, 2 * MiB, 3);
	fill(ours, hidden, 4 * MiB, 4);
	protect(ours, hidden, 4 * MiB, VM_PROT_NONE);
	assert_int_equal(fork_map(ours, other), KERN_SUCCESS);

	assert_filled(other, copied, 4 * MiB, 1);
	fill(ours, copied, 2 * MiB, 10);
	fill(other, copied + 2 * MiB, 2 * MiB, 20);
	assert_filled(other, copied, 2 * MiB, 1);
	assert_filled(ours, copied + 2 * MiB, 2 * MiB, 1 + 2 * MiB);

	assert_int_equal(map_region(other, none, &region), KERN_SUCCESS);
	assert_true(region.start > none);

	assert_filled(other, shared, 2 * MiB, 3);
	fill(other, shared, 3 * MiB, 30);
	assert_filled(ours, shared, 3 * MiB, 30);

	protect(other, hidden, 4 * MiB, VM_PROT_READ);
	assert_filled(other, hidden, 4 * MiB, 4);
}

static void
test_fork_of_windows(void **state)
{
	struct page *block = page_alloc(2);
	uaddr_t window = 0;
	uint64_t done = 0;

	(void)state;
	memset(page_va(block), 0x55, 4 * PAGE_SIZE);
	assert_int_equal(map_window(ours, &window, page_pa(block),
			     4 * PAGE_SIZE, VM_PROT_READ),
	    KERN_SUCCESS);
	assert_int_equal(fork_map(ours, other), KERN_SUCCESS);
	assert_int_equal(other->size, 0);
	assert_int_equal(map_inherit(ours, window + PAGE_SIZE, 2 * PAGE_SIZE,
			     VM_INHERIT_SHARE, &done),
	    KERN_SUCCESS);
	assert_int_equal(fork_map(ours, other), KERN_SUCCESS);
	assert_int_equal(other->size, 2 * PAGE_SIZE);
	assert_ptr_equal(word(other, window + PAGE_SIZE, VM_PROT_READ),
	    (char *)page_va(block) + PAGE_SIZE);
	done = 0;
	assert_int_equal(
	    map_deallocate(ours, window, 4 * PAGE_SIZE, &done), KERN_SUCCESS);
	done = 0;
	assert_int_equal(
	    map_deallocate(other, window, 4 * PAGE_SIZE, &done), KERN_SUCCESS);
	page_free(block);
}

static void
test_fork_without_memory(void **state)
{
	uaddr_t at = allocate(ours, 4 * MiB, VM_INHERIT_COPY);
	uaddr_t small = allocate(ours, 20 * PAGE_SIZE, VM_INHERIT_COPY);
	kern_return_t kr = KERN_RESOURCE_SHORTAGE;

	(void)state;
	fill(ours, at, 4 * MiB, 1);
	fill(ours, small, 20 * PAGE_SIZE, 2);
	for (uint64_t count = 1; kr != KERN_SUCCESS; count++) {
		assert_true(count < 1000);
		vm_host_destroy(other);
		other = vm_host_create();
		page_fail_after(count / 2);
		zone_fail_after(count - count / 2);
		kr = fork_map(ours, other);
		page_fail_after(0);
		zone_fail_after(0);
		assert_filled(ours, at, 4 * MiB, 1);
	}
	assert_filled(other, small, 20 * PAGE_SIZE, 2);
}

/*
 * Each generation writes one page and dies when it has a child.  Nothing is
 * left of the dead but their pages that the living still have.
 */
static void
test_generations(void **state)
{
	const uint64_t size = 4 * MiB;
	uaddr_t at = allocate(ours, size, VM_INHERIT_COPY);
	uint64_t rest = 0;

	(void)state;
	vm_host_destroy(other);
	fill(ours, at, size, 0);
	for (unsigned generation = 0; generation < 10000; generation++) {
		uaddr_t page = at + generation * 37 % 1024 * PAGE_SIZE;

		other = vm_host_create();
		assert_int_equal(fork_map(ours, other), KERN_SUCCESS);
		*word(other, page, VM_PROT_WRITE) += 1UL << 32;
		if (generation % 7 == 0)
			*word(ours, page, VM_PROT_WRITE) = 0;
		vm_host_destroy(ours);
		ours = other;
		if (generation == 2000)
			rest = vm_host_pages_at_rest();
		if (generation > 2000)
			assert_true(vm_host_pages_at_rest() + 8 >= rest);
	}
	for (uint64_t i = 0; i < 1024; i++) {
		uint64_t value = *word(ours, at + i * PAGE_SIZE, VM_PROT_READ);

		assert_int_equal((uint32_t)value, i * PAGE_SIZE);
		assert_in_range(value >> 32, 9, 10);
	}
	other = vm_host_create();
}

/* ---- superpages made again ---- */

static void
test_join(void **state)
{
	const uint64_t size = 4 * MiB;
	uaddr_t at = allocate(ours, size, VM_INHERIT_COPY);

	(void)state;
	fill(ours, at, size, 1);
	assert_true(is_superpage(ours, at));
	protect(ours, at + 9 * PAGE_SIZE, PAGE_SIZE, VM_PROT_READ);
	assert_false(is_superpage(ours, at));
	protect(ours, at + 9 * PAGE_SIZE, PAGE_SIZE, VM_PROT_DEFAULT);
	fill(ours, at, size, 2);
	assert_true(is_superpage(ours, at));
	assert_filled(ours, at, size, 2);

	/* And when a child that had its pages is gone. */
	assert_int_equal(fork_map(ours, other), KERN_SUCCESS);
	*word(ours, at, VM_PROT_WRITE) = 3;
	assert_false(is_superpage(ours, at));
	vm_host_destroy(other);
	other = vm_host_create();
	fill(ours, at, size, 4);
	assert_filled(ours, at, size, 4);
	assert_true(is_superpage(ours, at + 2 * MiB));
	/* One page of the first is another's: it is none. */
	assert_false(is_superpage(ours, at));
}

/* ---- wired memory ---- */

static void
test_wired(void **state)
{
	const uint64_t size = 40 * PAGE_SIZE;
	uaddr_t at = allocate(ours, size, VM_INHERIT_COPY);
	struct wire_progress progress = {0};
	kern_return_t kr;
	pte_t first, second;

	(void)state;
	do
		kr = map_wire_step(ours, at, size, VM_PROT_READ, &progress);
	while (kr == KERN_OPERATION_TIMED_OUT);
	assert_int_equal(kr, KERN_SUCCESS);
	first = pmap_look(&ours->pmap, at);
	assert_int_not_equal(first, 0);
	fill(ours, at, size, 5);
	assert_int_equal(fork_map(ours, other), KERN_SUCCESS);
	/* The child's are others, and ours may still be written at once. */
	second = pmap_look(&other->pmap, at);
	assert_int_not_equal(second, 0);
	assert_int_not_equal(pte_pa(first), pte_pa(second));
	assert_true(*pmap_find(&ours->pmap, at, 0) & PTE_W);
	assert_filled(other, at, size, 5);
	/* What is copied over it is copied into it. */
	assert_int_equal(copy(other, at, size, ours, at), KERN_SUCCESS);
	second = pmap_look(&ours->pmap, at);
	assert_int_equal(pte_pa(first), pte_pa(second));
}

/* Who has got no memory for all of it has wired nothing, though he gets none to
 * undo it either. */
static void
test_wire_undone(void **state)
{
	const uint64_t size = 60 * PAGE_SIZE, part = 20 * PAGE_SIZE;
	struct wire_progress progress = {0};
	struct map_region region;
	uint64_t taken = 0, done = 0;
	kern_return_t kr;
	uaddr_t at;

	(void)state;
	ours->ledger = ledger;
	at = allocate(ours, size, VM_INHERIT_COPY);
	do
		kr = map_wire_step(ours, at, part, VM_PROT_READ, &progress);
	while (kr == KERN_OPERATION_TIMED_OUT);
	assert_int_equal(kr, KERN_SUCCESS);
	progress = (struct wire_progress){0};
	page_fail_after(1);
	kr = map_wire_step(ours, at + part, part, VM_PROT_READ, &progress);
	while (ledger_charge(ledger, BATON_LEDGER_MAP_ENTRIES, 1))
		taken++;
	while (kr == KERN_OPERATION_TIMED_OUT)
		kr = map_wire_step(
		    ours, at + part, part, VM_PROT_READ, &progress);
	page_fail_after(0);
	assert_int_equal(kr, KERN_RESOURCE_SHORTAGE);
	assert_int_equal(map_region(ours, at, &region), KERN_SUCCESS);
	assert_int_equal(region.wired, 1);
	assert_int_equal(region.size, part);
	assert_int_equal(map_region(ours, at + part, &region), KERN_SUCCESS);
	assert_int_equal(region.wired, 0);
	assert_int_equal(region.size, size - part);
	ledger_credit(ledger, BATON_LEDGER_MAP_ENTRIES, taken);
	assert_int_equal(map_deallocate(ours, at, size, &done), KERN_SUCCESS);
	vm_host_destroy(ours);
	ours = vm_host_create();
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(test_superpages),
	    TEST(test_tables),
	    TEST(test_nothing),
	    TEST(test_overlap),
	    TEST(test_wrong_places),
	    TEST(test_copy_without_memory),
	    TEST(test_fork),
	    TEST(test_fork_of_windows),
	    TEST(test_fork_without_memory),
	    TEST(test_generations),
	    TEST(test_join),
	    TEST(test_wired),
	    TEST(test_wire_undone),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
