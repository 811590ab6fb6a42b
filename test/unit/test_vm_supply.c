/*
 * test/unit/test_vm_supply.c: pages that leave a map the short way
 * (vm/pager_fast.h), wherever they lie in regions and page tables.
 *
 * Sources: vm vm/pager_fast.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chance.h"
#include "kernel/cpu.h"
#include "kernel/ledger.h"
#include "kernel/task.h"
#include "vm/map_tree.h"
#include "vm/memory_wait.h"
#include "vm/object_slots.h"
#include "vm/pager.h"
#include "vm/pager_fast.h"
#include "vm_host.h"

#define MiB   (1UL << 20)
#define BASE  0x200000000UL /* where a leaf table begins */
#define TABLE (2 * MiB)

static struct map *map;
static struct task task;
static struct thread thread;
static struct object *object;
static struct pager pager;
static unsigned taken, declined;

/* ---- what it calls ---- */

void
pager_answered(struct pager *of, uint64_t *slot)
{
	assert_ptr_equal(of, &pager);
	assert_true((*slot & SLOT_BUSY) != 0);
	*slot = 0;
}

struct thread *
memory_wake_rest(const void *of, uint64_t start, uint64_t end)
{
	assert_ptr_equal(of, object);
	assert_int_equal(end - start, PAGE_SIZE);
	return NULL;
}

void
pmap_stay(struct pmap *pmap)
{
	assert_ptr_equal(pmap, &map->pmap);
}

/* ---- a map, and an object of one page that is always wanted ---- */

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
	taken = declined = 0;
	map = vm_host_create();
	object = object_create(NULL, PAGE_SIZE);
	if (map == NULL || object == NULL)
		return 1;
	vm_host_set_current(map);
	task.map = map;
	thread.task = &task;
	thread.cpu = &cpus[0];
	arch_set_current(&thread);
	pager = (struct pager){.object = object, .ready = true};
	spin_init(&pager.lock, LOCK_SYNC);
	object->pager = &pager;
	object->pages_ledger = ledger_get(map->ledger);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	object->pager = NULL;
	object_put(object);
	map_check(map);
	(void)vm_host_check_references(&map, 1);
	vm_host_destroy(map);
	return 0;
}

static void
allocate(uaddr_t address, uint64_t size, unsigned prot)
{
	assert_int_equal(map_allocate(map, &address, size, 0, VM_FLAGS_FIXED,
			     prot, VM_PROT_ALL, VM_INHERIT_DEFAULT),
	    KERN_SUCCESS);
}

static void
deallocate(uaddr_t address, uint64_t size)
{
	uint64_t done = 0;

	do
		assert_int_equal(
		    map_deallocate(map, address, size, &done), KERN_SUCCESS);
	while (map_range_more(address, size, done));
}

static kern_return_t
access_page(uaddr_t va, unsigned access, uint64_t **wordp)
{
	void *bytes;
	kern_return_t kr = vm_host_access(map, va, access, &bytes);

	*wordp = bytes;
	return kr;
}

/* Each page's first word says where it is. */
static void
touch(uaddr_t va)
{
	uint64_t *word;

	assert_int_equal(access_page(va, VM_PROT_WRITE, &word), KERN_SUCCESS);
	*word = va;
}

static void
look(uaddr_t va)
{
	uint64_t *word;

	assert_int_equal(access_page(va, VM_PROT_READ, &word), KERN_SUCCESS);
	assert_int_equal(*word, va);
}

/* Does the page at @va go?  It is in its place, or nothing has changed. */
static bool
supply(uaddr_t va)
{
	struct pager_supply supply = {.address = va, .flags = SLOT_PRECIOUS};
	uint64_t entries = map->entry_count, size = map->size, busy, *word;
	bool done;

	object->top = busy = slot_busy(5);
	done = pager_supply_fast(&pager, &supply);
	map_check(map);
	if (!done) {
		assert_int_equal(object->top, busy);
		assert_int_equal(map->entry_count, entries);
		assert_int_equal(map->size, size);
		object->top = 0;
		declined++;
		return false;
	}
	assert_null(pager_supplied(&supply));
	assert_int_equal(object->top & SLOT_FLAGS, SLOT_PRECIOUS);
	assert_int_equal(*(uint64_t *)page_va(slot_page(object->top)), va);
	assert_int_equal(map->size, size - PAGE_SIZE);
	assert_int_equal(
	    access_page(va, VM_PROT_READ, &word), KERN_INVALID_ADDRESS);
	page_put(slot_page(object->top));
	object->top = 0;
	object->pages--;
	object_unpay(object, 1);
	(void)vm_host_check_references(&map, 1);
	taken++;
	return true;
}

/* ---- the cases ---- */

static void
test_ends(void **state)
{
	(void)state;
	allocate(BASE, 4 * PAGE_SIZE, VM_PROT_DEFAULT);
	for (unsigned i = 0; i < 4; i++)
		touch(BASE + i * PAGE_SIZE);
	assert_false(supply(BASE + PAGE_SIZE));
	assert_true(supply(BASE));
	assert_true(supply(BASE + 3 * PAGE_SIZE));
	look(BASE + PAGE_SIZE);
	look(BASE + 2 * PAGE_SIZE);
	assert_true(supply(BASE + 2 * PAGE_SIZE));
	assert_true(supply(BASE + PAGE_SIZE));
	assert_int_equal(map->entry_count, 0);
}

/* No table is left behind that no region reaches. */
static void
test_tables(void **state)
{
	uaddr_t low = BASE + TABLE - PAGE_SIZE, high = BASE + TABLE;

	(void)state;
	allocate(low, 3 * PAGE_SIZE, VM_PROT_DEFAULT);
	for (unsigned i = 0; i < 3; i++)
		touch(low + i * PAGE_SIZE);
	assert_false(supply(low)); /* it has a table for itself */
	assert_true(supply(high + PAGE_SIZE));
	assert_false(supply(high));
	look(low);
	look(high);
	deallocate(low, 2 * PAGE_SIZE);
}

static void
test_declined(void **state)
{
	struct pager_supply crooked = {.address = BASE + 8};
	struct ledger_line *line = &map->ledger->line[BATON_LEDGER_RESIDENT];

	(void)state;
	allocate(BASE, 2 * PAGE_SIZE, VM_PROT_DEFAULT);
	allocate(BASE + TABLE, 2 * PAGE_SIZE, VM_PROT_ALL);
	assert_false(supply(BASE)); /* it is not there yet */
	assert_false(supply(BASE + 4 * PAGE_SIZE));
	touch(BASE);
	touch(BASE + TABLE);
	assert_false(supply(BASE + TABLE)); /* it may be executed */
	object->top = slot_busy(5);
	assert_false(pager_supply_fast(&pager, &crooked));
	crooked = (struct pager_supply){.address = BASE, .offset = PAGE_SIZE};
	assert_false(pager_supply_fast(&pager, &crooked));
	crooked.offset = 0;
	pager.asked = CONFIG_PAGER_REQUESTS;
	assert_false(pager_supply_fast(&pager, &crooked));
	pager.asked = 0;
	pager.gone = true;
	assert_false(pager_supply_fast(&pager, &crooked));
	pager.gone = false;
	pager.object = NULL;
	assert_false(pager_supply_fast(&pager, &crooked));
	pager.object = object;
	spin_lock(&map->lock);
	assert_false(pager_supply_fast(&pager, &crooked));
	spin_unlock(&map->lock);
	spin_lock(&object->lock);
	assert_false(pager_supply_fast(&pager, &crooked));
	spin_unlock(&object->lock);
	/* Somebody else pays for what is in the object; or may have no more. */
	object->pages_ledger = NULL;
	assert_false(pager_supply_fast(&pager, &crooked));
	object->pages_ledger = map->ledger;
	line->use += line->limit / 4 * 3;
	assert_false(pager_supply_fast(&pager, &crooked));
	line->use -= line->limit / 4 * 3;
	object->top = 0; /* nobody waits for it */
	assert_false(pager_supply_fast(&pager, &crooked));
	look(BASE);
	assert_true(supply(BASE));
	deallocate(BASE + PAGE_SIZE, PAGE_SIZE);
	deallocate(BASE + TABLE, 2 * PAGE_SIZE);
}

/* Regions around where two tables meet, whose pages go one by one. */
static void
test_random(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 400; round++) {
		uint64_t pages = 1 + random_below(6);
		uaddr_t at = BASE + TABLE - random_below(8) * PAGE_SIZE;
		uint64_t left = pages;

		allocate(at, pages * PAGE_SIZE, VM_PROT_DEFAULT);
		for (uint64_t i = 0; i < pages; i++)
			touch(at + i * PAGE_SIZE);
		for (unsigned i = 0; i < 10 && left > 0; i++) {
			bool first = random_below(2) != 0;
			uaddr_t va = first ? at : at + (left - 1) * PAGE_SIZE;

			if (!supply(va))
				continue;
			at += first ? PAGE_SIZE : 0;
			left--;
			for (uint64_t k = 0; k < left; k++)
				look(at + k * PAGE_SIZE);
		}
		if (left > 0)
			deallocate(at, left * PAGE_SIZE);
	}
	assert_true(taken > 100);
	assert_true(declined > 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_ends, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_tables, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_declined, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_random, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
