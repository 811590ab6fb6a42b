/*
 * test_vm_swap.c: slots of page replacement, whatever becomes of the store.
 *
 * Sources: vm
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "kernel/kassert.h"
#include "vm/copy.h"
#include "vm/map_sweep.h"
#include "vm/memory_wait.h"
#include "vm/swap.h"
#include "vm_host.h"

#define PAGES 40

static struct map *map, *other;
static uaddr_t base;

static char *
touch(struct map *in, uint64_t page, unsigned access)
{
	void *bytes;

	assert_int_equal(
	    vm_host_access(in, base + page * PAGE_SIZE, access, &bytes),
	    KERN_SUCCESS);
	return bytes;
}

/* Everything there is goes to slots: closed, then taken. */
static void
take_all(struct map *from)
{
	struct pmap_sweep sweep = {0};

	for (unsigned pass = 0; pass < 2; pass++) {
		uaddr_t va = base;

		while (va < base + PAGES * PAGE_SIZE)
			assert_int_equal(
			    map_sweep_range(from, va, base + PAGES * PAGE_SIZE,
				&va, &sweep),
			    KERN_SUCCESS);
	}
}

/* The store gets all that it can have. */
static void
write_all(bool stored)
{
	while (swap_counts().held > 0) {
		vm_host_store_write(16);
		vm_host_store_answer(stored);
	}
}

static void
assert_pages(struct map *in)
{
	for (uint64_t i = 0; i < PAGES; i++)
		assert_int_equal(*touch(in, i, VM_PROT_READ), (char)(i + 1));
}

static void
check(void)
{
	struct map *const maps[] = {map, other};

	map_check(map);
	map_check(other);
	vm_host_check_references(maps, 2);
}

static int
set_up(void **state)
{
	(void)state;
	map = vm_host_create();
	other = vm_host_create();
	vm_host_superpages = false;
	base = 0;
	swap_store_open();
	assert_int_equal(
	    map_allocate(map, &base, PAGES * PAGE_SIZE, 0, VM_FLAGS_ANYWHERE,
		VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY),
	    KERN_SUCCESS);
	for (uint64_t i = 0; i < PAGES; i++)
		*touch(map, i, VM_PROT_WRITE) = (char)(i + 1);
	return 0;
}

/* No store any more, and nothing of it left. */
static void
close_store(void)
{
	swap_store_close();
	vm_host_store_drop();
	while (swap_store_settle_step())
		continue;
}

static int
tear_down(void **state)
{
	(void)state;
	vm_host_destroy(map);
	vm_host_destroy(other);
	assert_int_equal(swap_counts().used, 0);
	close_store();
	vm_host_store_forget();
	assert_int_equal(swap_counts().dead, 0);
	assert_int_equal(swap_counts().held + swap_counts().leaving +
			     swap_counts().asked + swap_counts().stored,
	    0);
	return 0;
}

/* What leaves comes back, and is at once there until it has left. */
static void
test_there_and_back(void **state)
{
	uint64_t reactivations = swap_counts().reactivations;

	(void)state;
	take_all(map);
	assert_int_equal(swap_counts().held, PAGES);
	check();
	assert_pages(map);
	assert_int_equal(swap_counts().reactivations, reactivations + PAGES);
	take_all(map);
	write_all(true);
	assert_int_equal(swap_counts().stored, PAGES);
	check();
	assert_pages(map);
	assert_int_equal(swap_counts().stored, 0);
	check();
}

/* While it is being written it is here, and may be changed. */
static void
test_taken_while_written(void **state)
{
	(void)state;
	take_all(map);
	vm_host_store_write(16);
	assert_int_equal(swap_counts().leaving, 16);
	for (uint64_t i = 0; i < PAGES; i++)
		*touch(map, i, VM_PROT_WRITE) = (char)(i + 100);
	vm_host_store_answer(true);
	for (uint64_t i = 0; i < PAGES; i++)
		assert_int_equal(*touch(map, i, VM_PROT_READ), (char)(i + 100));
	/* What the store has nobody wants. */
	assert_int_equal(swap_counts().dead, 16);
	vm_host_store_forget();
	assert_int_equal(swap_counts().dead, 0);
	check();
}

static void
test_refused(void **state)
{
	(void)state;
	take_all(map);
	write_all(false);
	assert_int_equal(swap_counts().kept, PAGES);
	check();
	assert_int_equal(*touch(map, 3, VM_PROT_READ), 4);
	while (swap_write_again())
		continue;
	write_all(true);
	assert_int_equal(swap_counts().stored, PAGES - 1);
	assert_pages(map);
	check();
}

/* A page that two have leaves when both have been swept. */
static void
test_shared(void **state)
{
	struct map_fork *fork;
	kern_return_t kr;

	(void)state;
	fork = map_fork_begin(map, other);
	assert_non_null(fork);
	do
		kr = map_fork_step(fork);
	while (kr == KERN_OPERATION_TIMED_OUT);
	assert_int_equal(kr, KERN_SUCCESS);
	while (map_fork_end_step(fork))
		continue;
	assert_pages(map);
	assert_pages(other);
	take_all(map);
	write_all(true);
	assert_int_equal(swap_counts().tied, PAGES);
	assert_int_equal(swap_counts().stored, 0);
	check();
	take_all(other);
	write_all(true);
	assert_int_equal(swap_counts().stored, PAGES);
	check();
	assert_pages(map);
	*touch(map, 0, VM_PROT_WRITE) = 77;
	assert_pages(other);
	check();
}

/* Of what a store that ends was at work on, nothing is lost but what it had. */
static void
test_store_ends(void **state)
{
	struct thread *next;
	void *bytes;

	(void)state;
	take_all(map);
	vm_host_store_write(16);
	vm_host_store_answer(true);
	vm_host_store_write(16);
	assert_int_equal(swap_counts().stored, 16);
	assert_int_equal(swap_counts().leaving, 16);
	/* One is asked for, and never comes. */
	assert_int_equal(
	    map_fault(map, base, VM_PROT_READ, NULL), KERN_MEMORY_WAIT);
	assert_int_equal(vm_host_wait.source->ask(
			     vm_host_wait.object, vm_host_wait.where, &next),
	    KERN_SUCCESS);
	memory_wait_forget();
	assert_int_equal(swap_counts().asked, 1);
	close_store();
	check();
	for (uint64_t i = 0; i < PAGES; i++) {
		if (i < 16)
			assert_int_equal(
			    vm_host_access(map, base + i * PAGE_SIZE,
				VM_PROT_READ, &bytes),
			    KERN_MEMORY_ERROR);
		else
			assert_int_equal(
			    *touch(map, i, VM_PROT_READ), (char)(i + 1));
	}
	check();
	/* Another one knows nothing of them. */
	swap_store_open();
	assert_int_equal(
	    vm_host_access(map, base, VM_PROT_READ, &bytes), KERN_MEMORY_ERROR);
	take_all(map);
	write_all(true);
	for (uint64_t i = 16; i < PAGES; i++)
		assert_int_equal(*touch(map, i, VM_PROT_READ), (char)(i + 1));
	check();
}

/* Who waits for what another could not ask for hears of it, and asks. */
static void
test_not_asked(void **state)
{
	struct thread *next;
	unsigned woken;

	(void)state;
	take_all(map);
	write_all(true);
	assert_int_equal(
	    map_fault(map, base, VM_PROT_READ, NULL), KERN_MEMORY_WAIT);
	woken = vm_host_wait.woken;
	vm_host_store_deaf = true;
	assert_int_equal(vm_host_wait.source->ask(
			     vm_host_wait.object, vm_host_wait.where, &next),
	    KERN_RESOURCE_SHORTAGE);
	vm_host_store_deaf = false;
	assert_int_equal(swap_counts().asked, 0);
	assert_int_equal(vm_host_wait.woken, woken + 1);
	memory_wait_forget();
	assert_pages(map);
	check();
}

/* Answers that nobody asked for. */
static void
test_wrong_answers(void **state)
{
	struct page *page;

	(void)state;
	take_all(map);
	for (uint32_t slot = 0; slot < 2000; slot++) {
		assert_int_equal(
		    swap_write_end(slot, true), KERN_INVALID_ARGUMENT);
		assert_int_equal(
		    swap_supply_begin(slot, &page), KERN_INVALID_ARGUMENT);
	}
	assert_int_equal(
	    swap_write_end(UINT32_MAX, true), KERN_INVALID_ARGUMENT);
	assert_int_equal(
	    swap_supply_begin(SWAP_SLOTS_MAX, &page), KERN_INVALID_ARGUMENT);
	assert_pages(map);
	check();
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(test_there_and_back),
	    TEST(test_taken_while_written),
	    TEST(test_refused),
	    TEST(test_shared),
	    TEST(test_store_ends),
	    TEST(test_not_asked),
	    TEST(test_wrong_answers),
	};

	vm_host_start(32 << 20);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
