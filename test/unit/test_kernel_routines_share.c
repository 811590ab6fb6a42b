/*
 * test/unit/test_kernel_routines_share.c: remapping, memory entries and what is
 * told of regions, as calls: their steps, and what is left when memory is
 * short.
 *
 * Each call is made again and again with the first, the second, the third...
 * allocation failing, until it succeeds; a failure changes nothing that can be
 * seen.  The thread is told to give way at every preemption point.
 *
 * Sources: vm vm/user.c vm/region.c vm/contents.c vm/behavior.c vm/remap.c
 * Sources: vm/msync.c vm/memory_entry.c vm/view_call.c
 * Sources: test/unit/vm_calls_host.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mach/memory_object_types.h>
#include <mach/vm_region.h>
#include <mach/vm_sync.h>
#include <serve/mach_vm.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/zone.h"
#include "vm/memory_entry.h"
#include "vm/user.h"
#include "vm/view_call.h"
#include "vm_calls_host.h"

#define SIZE (20 * PAGE_SIZE)

static struct task ours, other;
static struct port our_port = {.kind = KOBJECT_TASK, .object = &ours};

/* ---- small words ---- */

/* Let the @count-th allocation fail, of zones or of pages. */
static void
fail_at(unsigned count)
{
	zone_fail_after(count % 2 ? count / 2 + 1 : 0);
	page_fail_after(count % 2 ? 0 : count / 2 + 1);
}

/* Regions of two kinds of rights; every other page is there. */
static uaddr_t
fill_source(void)
{
	uaddr_t at = 0;
	uint64_t done = 0;

	assert_int_equal(map_allocate(ours.map, &at, SIZE, 0, VM_FLAGS_ANYWHERE,
			     VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_DEFAULT),
	    KERN_SUCCESS);
	for (uint64_t i = 0; i < SIZE; i += 2 * PAGE_SIZE)
		assert_int_equal(
		    map_copy_to(ours.map, at + i, &i, sizeof(i)), KERN_SUCCESS);
	assert_int_equal(map_protect(ours.map, at + 8 * PAGE_SIZE,
			     2 * PAGE_SIZE, false, VM_PROT_READ, &done),
	    KERN_SUCCESS);
	return at;
}

static void
assert_source(struct map *map, uaddr_t at)
{
	for (uint64_t i = 0; i < SIZE; i += 2 * PAGE_SIZE) {
		uint64_t word;

		assert_int_equal(
		    map_copy_from(map, &word, at + i, sizeof(word)),
		    KERN_SUCCESS);
		assert_int_equal(word, i);
	}
}

/* A call failed: nothing of it is to be seen. */
static void
assert_nothing(uaddr_t source, kern_return_t kr)
{
	assert_int_equal(kr, KERN_RESOURCE_SHORTAGE);
	assert_int_equal(calls_progress[0], 0);
	assert_int_equal(other.map->size, 0);
	assert_int_equal(ours.map->size, SIZE);
	assert_int_equal(calls_rights_used, 0);
	map_check(ours.map);
	map_check(other.map);
	assert_source(ours.map, source);
}

static void
clear(struct task *task, uaddr_t at)
{
	uint64_t done = 0;

	do
		assert_int_equal(
		    map_deallocate(task->map, at, SIZE, &done), KERN_SUCCESS);
	while (done < SIZE);
}

/* ---- before and after each test ---- */

static uint64_t free_pages, objects;

static int
start(void **state)
{
	(void)state;
	calls_start(64UL << 20);
	return 0;
}

static int
set_up(void **state)
{
	(void)state;
	free_pages = vm_host_pages_at_rest();
	objects = vm_host_objects();
	ours = (struct task){.refs = 1, .map = vm_host_create()};
	other = (struct task){.refs = 1, .map = vm_host_create()};
	calls_rights_used = 0;
	return ours.map == NULL || other.map == NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	assert_int_equal(atomic_load(&ours.refs), 1);
	vm_host_destroy(ours.map);
	vm_host_destroy(other.map);
	assert_int_equal(vm_host_pages_at_rest(), free_pages);
	assert_int_equal(vm_host_objects(), objects);
	return 0;
}

/* ---- remapping ---- */

static kern_return_t
remap(uaddr_t *to, uaddr_t from, bool copy)
{
	vm_prot_t prot = 0, max_prot = 0;
	kern_return_t kr =
	    SERVE(serve_mach_vm_remap(other.map, to, SIZE, 0, VM_FLAGS_ANYWHERE,
		&our_port, from, copy, &prot, &max_prot, VM_INHERIT_SHARE));

	if (kr == KERN_SUCCESS) {
		assert_int_equal(prot, VM_PROT_READ);
		assert_int_equal(max_prot, VM_PROT_ALL);
	}
	return kr;
}

static void
try_remap(bool copy)
{
	uaddr_t from = fill_source(), to = 0;
	uint64_t word = 77, seen;
	unsigned count = 0, failures = 0;
	kern_return_t kr;

	for (;; count++) {
		fail_at(count);
		kr = remap(&to, from, copy);
		vm_host_stop_failing();
		/* The one kind may fail further on than the other. */
		if (kr == KERN_SUCCESS && count > 60)
			break;
		if (kr == KERN_SUCCESS) {
			clear(&other, to);
			calls_rights_used = 0;
			continue;
		}
		assert_nothing(from, kr);
		failures++;
	}
	assert_true(failures > 4);
	assert_int_equal(calls_rights_used, 1);
	assert_true(calls_rounds > 2);
	assert_source(other.map, to);
	assert_int_equal(
	    map_copy_to(other.map, to, &word, sizeof(word)), KERN_SUCCESS);
	assert_int_equal(
	    map_copy_from(ours.map, &seen, from, sizeof(seen)), KERN_SUCCESS);
	assert_int_equal(seen, copy ? 0 : 77);
	assert_int_equal(
	    map_copy_to(other.map, to + 8 * PAGE_SIZE, &word, sizeof(word)),
	    KERN_PROTECTION_FAILURE);
}

static void
test_remap_share(void **state)
{
	(void)state;
	try_remap(false);
}

static void
test_remap_copy(void **state)
{
	(void)state;
	try_remap(true);
}

/* ---- memory entries ---- */

static kern_return_t
make(uaddr_t of, unsigned permission, struct port *parent, struct port **port)
{
	memory_object_size_t size = SIZE;

	*port = NULL;
	return SERVE(serve_mach_vm_make_memory_entry(
	    ours.map, &size, of, (vm_prot_t)permission, port, parent));
}

static kern_return_t
map_it(struct port *port, uaddr_t *at, bool copy)
{
	struct memory_entry_request request = {
	    .size = SIZE,
	    .flags = VM_FLAGS_ANYWHERE,
	    .copy = copy,
	    .prot = VM_PROT_READ,
	    .max_prot = VM_PROT_READ,
	    .inherit = VM_INHERIT_NONE,
	};

	return SERVE(memory_entry_map(other.map, at, port, &request));
}

static void
try_entry(unsigned permission, bool copy)
{
	uaddr_t from = fill_source(), to = 0;
	struct port *entry, *part;

	for (unsigned count = 0; count < 80; count++) {
		kern_return_t kr;

		fail_at(count);
		kr = make(from, permission | VM_PROT_READ, NULL, &entry);
		vm_host_stop_failing();
		if (kr != KERN_SUCCESS) {
			assert_nothing(from, kr);
			continue;
		}
		fail_at(count);
		kr = make(0, VM_PROT_READ, entry, &part);
		vm_host_stop_failing();
		if (kr != KERN_SUCCESS) {
			assert_nothing(from, kr);
			calls_drop_entry(entry);
			continue;
		}
		assert_int_equal(calls_rights_used, 1);
		calls_rights_used = 0;
		calls_drop_entry(entry);
		fail_at(count);
		kr = map_it(part, &to, copy);
		vm_host_stop_failing();
		if (kr != KERN_SUCCESS) {
			assert_nothing(from, kr);
			calls_drop_entry(part);
			continue;
		}
		assert_int_equal(calls_rights_used, 1);
		calls_rights_used = 0;
		calls_drop_entry(part);
		assert_source(other.map, to);
		clear(&other, to);
	}
}

static void
test_entries(void **state)
{
	(void)state;
	try_entry(MAP_MEM_VM_SHARE, false);
	clear(&ours, MAP_ANYWHERE_BASE);
	try_entry(MAP_MEM_VM_SHARE, true);
	clear(&ours, MAP_ANYWHERE_BASE);
	try_entry(MAP_MEM_VM_COPY, false);
	clear(&ours, MAP_ANYWHERE_BASE);
	try_entry(MAP_MEM_VM_COPY, true);
}

static void
test_new_entries(void **state)
{
	unsigned made = 0;

	(void)state;
	for (unsigned count = 0; count < 12; count++) {
		struct port *entry;
		kern_return_t kr;

		fail_at(count);
		kr = make(
		    0, MAP_MEM_NAMED_CREATE | VM_PROT_DEFAULT, NULL, &entry);
		vm_host_stop_failing();
		if (kr == KERN_SUCCESS) {
			made++;
			calls_drop_entry(entry);
		} else {
			assert_int_equal(kr, KERN_RESOURCE_SHORTAGE);
			assert_null(entry);
		}
	}
	assert_true(made > 0);
	assert_true(made < 12);
}

/* ---- too many regions; physical memory ---- */

/* Every page another region than its neighbours. */
static uaddr_t
make_patchwork(uint64_t pages)
{
	uaddr_t at = 0;
	uint64_t done;

	assert_int_equal(
	    map_allocate(ours.map, &at, pages * PAGE_SIZE, 0, VM_FLAGS_ANYWHERE,
		VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_DEFAULT),
	    KERN_SUCCESS);
	for (uint64_t i = 0; i < pages; i += 2) {
		done = 0;
		assert_int_equal(map_protect(ours.map, at + i * PAGE_SIZE,
				     PAGE_SIZE, false, VM_PROT_READ, &done),
		    KERN_SUCCESS);
	}
	return at;
}

static void
test_many_regions(void **state)
{
	uaddr_t from = make_patchwork(VIEW_PIECES_MAX + 2), to = 0;
	vm_prot_t prot, max_prot;

	(void)state;
#define TRY(pages)                                                             \
	SERVE(serve_mach_vm_remap(other.map, &to, (pages)*PAGE_SIZE, 0,        \
	    VM_FLAGS_ANYWHERE, &our_port, from, false, &prot, &max_prot,       \
	    VM_INHERIT_SHARE))
	assert_int_equal(TRY(VIEW_PIECES_MAX + 1), KERN_RESOURCE_SHORTAGE);
	assert_int_equal(other.map->size, 0);
	assert_int_equal(TRY(VIEW_PIECES_MAX), KERN_SUCCESS);
#undef TRY
	assert_int_equal(other.map->entry_count, VIEW_PIECES_MAX);
	map_check(ours.map);
	map_check(other.map);
}

static void
test_windows(void **state)
{
	struct page *page = page_alloc(0);
	uaddr_t from = 0, to = 0;
	vm_prot_t prot, max_prot;
	struct map_region region;

	(void)state;
	assert_int_equal(map_window(ours.map, &from, page_pa(page), PAGE_SIZE,
			     VM_PROT_DEFAULT),
	    KERN_SUCCESS);
#define TRY(copy)                                                              \
	SERVE(serve_mach_vm_remap(other.map, &to, PAGE_SIZE, 0,                \
	    VM_FLAGS_ANYWHERE, &our_port, from, (copy), &prot, &max_prot,      \
	    VM_INHERIT_NONE))
	assert_int_equal(TRY(true), KERN_PROTECTION_FAILURE);
	assert_int_equal(TRY(false), KERN_SUCCESS);
#undef TRY
	assert_int_equal(map_region(other.map, to, &region), KERN_SUCCESS);
	assert_int_equal(region.kind, MAP_WINDOW);
	assert_int_equal(max_prot, VM_PROT_DEFAULT);
	map_check(other.map);
	vm_host_destroy(other.map);
	vm_host_destroy(ours.map);
	page_free(page);
	ours.map = vm_host_create();
	other.map = vm_host_create();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_remap_share, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_remap_copy, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_entries, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_new_entries, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_many_regions, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_windows, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
