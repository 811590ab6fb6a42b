/*
 * test/unit/test_kernel_routines_share.c: remapping, memory entries and what is
 * told of regions, as calls: their steps, and what is left when memory is
 * short.
 *
 * Each call is made again and again with the first, the second, the third...
 * allocation failing, until it succeeds; a failure changes nothing that can be
 * seen.  The thread is told to give way at every preemption point.
 *
 * Sources: vm/msync.c
 * Sources: vm vm/remap.c vm/memory_entry.c vm/view_call.c vm/region.c
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

#include "ipc/port.h"
#include "ipc/kserver.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/zone.h"
#include "vm/memory_entry.h"
#include "vm/user.h"
#include "vm/view_call.h"
#include "vm_host.h"

#define SIZE (20 * PAGE_SIZE)

static struct task ours, other;
static struct port our_port = {.kind = KOBJECT_TASK, .object = &ours};
static uint64_t progress[CALL_PROGRESS_WORDS];

/* ---- stand-ins for the rest of the kernel ---- */

static const struct kobject_class *entry_class;
static unsigned rights_used; /* of ports that calls were given */

void
kobject_register(enum kobject_kind kind, const struct kobject_class *class)
{
	assert_int_equal(kind, KOBJECT_MEMORY_ENTRY);
	entry_class = class;
}

struct port *
port_create_kernel(enum kobject_kind kind, void *object)
{
	static struct zone zone;
	struct port *port;

	if (zone.size == 0)
		zone_init(&zone, "port of a test", sizeof(struct port), 0);
	port = zone_alloc_zeroed(&zone);
	if (port != NULL) {
		port->kind = (uint8_t)kind;
		port->object = object;
		port->lock.rank = 0;
		list_init(&port->reap.link);
		port->receiver = (struct space *)&zone;
	}
	return port;
}

void
port_destroy_kernel(struct port *port)
{
	zone_free((struct zone *)port->receiver, port);
}

struct port *
right_make_send(struct port *port)
{
	return port;
}

void
right_release_send(struct port *port)
{
	rights_used += port != NULL;
}

void *
port_object_get(struct port *port, enum kobject_kind kind)
{
	if (port == NULL || port->kind != kind)
		return NULL;
	if (kind == KOBJECT_TASK)
		return task_get(port->object);
	entry_class->get(port->object);
	return port->object;
}

void
task_put(struct task *task)
{
	atomic_fetch_sub(&task->refs, 1);
}

bool
thread_should_yield(void)
{
	return true;
}

uint64_t *
call_progress(void)
{
	return progress;
}

kern_return_t
call_put_info(void *words, uint32_t *countp, const void *info, uint32_t size)
{
	if (*countp < size / sizeof(natural_t))
		return KERN_INVALID_ARGUMENT;
	memcpy(words, info, size);
	*countp = size / (uint32_t)sizeof(natural_t);
	return KERN_SUCCESS;
}

kern_return_t
vm_whole_pages(uint64_t *addressp, uint64_t *sizep)
{
	uint64_t end;

	if (__builtin_add_overflow(*addressp, *sizep, &end) ||
	    end > UINT64_MAX - PAGE_MASK)
		return KERN_INVALID_ARGUMENT;
	*sizep = page_ceil(end) - page_floor(*addressp);
	*addressp = page_floor(*addressp);
	return KERN_SUCCESS;
}

bool
vm_count_range_step(
    struct map *map, uaddr_t *addressp, uint64_t end, uint64_t *pagesp)
{
	return pmap_count_step(&map->pmap, addressp, end, pagesp);
}

/* ---- small words ---- */

static unsigned rounds;

/* Serve a call until it is done. */
#define SERVE(call)                                                            \
	({                                                                     \
		kern_return_t answer_;                                         \
		memset(progress, 0, sizeof(progress));                         \
		for (rounds = 0; (answer_ = (call)) == KCALL_AGAIN; rounds++)  \
			assert_true(rounds < 10000);                           \
		answer_;                                                       \
	})

/* Let the @count-th allocation fail, of zones or of pages. */
static void
fail_at(unsigned count)
{
	zone_fail_after(count % 2 ? count / 2 + 1 : 0);
	page_fail_after(count % 2 ? 0 : count / 2 + 1);
}

static void
stop_failing(void)
{
	zone_fail_after(0);
	page_fail_after(0);
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
	assert_int_equal(progress[0], 0);
	assert_int_equal(other.map->size, 0);
	assert_int_equal(ours.map->size, SIZE);
	assert_int_equal(rights_used, 0);
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

static void
drop_entry(struct port *port)
{
	entry_class->no_senders(port->object);
}

/* ---- before and after each test ---- */

static uint64_t free_pages, objects;

static int
start(void **state)
{
	(void)state;
	vm_host_start(64UL << 20);
	view_zone_init();
	view_call_init();
	memory_entry_init();
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
	rights_used = 0;
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
		stop_failing();
		/* The one kind may fail further on than the other. */
		if (kr == KERN_SUCCESS && count > 60)
			break;
		if (kr == KERN_SUCCESS) {
			clear(&other, to);
			rights_used = 0;
			continue;
		}
		assert_nothing(from, kr);
		failures++;
	}
	assert_true(failures > 4);
	assert_int_equal(rights_used, 1);
	assert_true(rounds > 2);
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
		stop_failing();
		if (kr != KERN_SUCCESS) {
			assert_nothing(from, kr);
			continue;
		}
		fail_at(count);
		kr = make(0, VM_PROT_READ, entry, &part);
		stop_failing();
		if (kr != KERN_SUCCESS) {
			assert_nothing(from, kr);
			drop_entry(entry);
			continue;
		}
		assert_int_equal(rights_used, 1);
		rights_used = 0;
		drop_entry(entry);
		fail_at(count);
		kr = map_it(part, &to, copy);
		stop_failing();
		if (kr != KERN_SUCCESS) {
			assert_nothing(from, kr);
			drop_entry(part);
			continue;
		}
		assert_int_equal(rights_used, 1);
		rights_used = 0;
		drop_entry(part);
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
		stop_failing();
		if (kr == KERN_SUCCESS) {
			made++;
			drop_entry(entry);
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
