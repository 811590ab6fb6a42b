/*
 * test/unit/test_vm_objects.c: memory that several maps share, against a plain
 * model.
 *
 * Long because the model has a step for each thing that is done to maps.
 *
 * Three tasks share ranges of their memory with each other, take views of it
 * (shared or copied), map these in places (shared or privately), send pieces,
 * write and read.  In the model each page of each task has a cell; who shares
 * memory has the same cells, and a copy has cells of its own.  Allocations fail
 * now and then, at any site.
 *
 * VM_STEPS in the environment says how many steps, VM_SEED which ones.
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

#include "kernel/kassert.h"
#include "kernel/zone.h"
#include "vm/object.h"
#include "vm/transfer.h"
#include "vm/view.h"
#include "vm/wire.h"
#include "chance.h"
#include "vm_host.h"

enum {
	TASKS = 3,
	SPAN = 3072, /* pages of a task that the model knows: 12 MiB */
	VIEWS = 4,
	RAM = 64 << 20,
};
#define BASE MAP_ANYWHERE_BASE

/* What a page holds, and how many places see it. */
struct cell {
	uint32_t tag; /* 0: zeros */
	uint32_t refs;
};

struct model_page {
	struct cell *cell; /* NULL: nothing is mapped */
	uint8_t prot, max_prot, inherit;
};

static struct task_model {
	struct map *map;
	struct model_page page[SPAN];
} tasks[TASKS];

static struct view_model {
	struct view *view;
	uint64_t pages;
	struct model_page page[SPAN];
} views[VIEWS];

static uint32_t next_tag = 1;

/* ---- helpers ---- */

static uaddr_t
address_of(uint64_t page)
{
	return BASE + page * PAGE_SIZE;
}

static uint64_t
random_count(void)
{
	switch (random_below(30)) {
	case 0:
		return 300 + random_below(900);
	case 1:
		return 512;
	default:
		return 1 + random_below(12);
	}
}

static uint64_t
random_page(uint64_t count)
{
	uint64_t page;

	switch (random_below(4)) {
	case 0:
		page = 512 * random_below(SPAN / 512);
		break;
	case 1:
		page =
		    512 * (1 + random_below(SPAN / 512 - 1)) - random_below(8);
		break;
	default:
		page = random_below(64);
	}
	return min_u64(page, SPAN - count);
}

static unsigned
random_prot(void)
{
	static const unsigned prots[] = {VM_PROT_DEFAULT, VM_PROT_DEFAULT,
	    VM_PROT_DEFAULT, VM_PROT_READ, VM_PROT_READ | VM_PROT_EXECUTE,
	    VM_PROT_ALL, VM_PROT_NONE};

	return prots[random_below(ARRAY_SIZE(prots))];
}

/* ---- the model ---- */

static struct cell *
cell_new(uint32_t tag)
{
	struct cell *cell = malloc(sizeof(*cell));

	*cell = (struct cell){.tag = tag, .refs = 1};
	return cell;
}

static void
page_clear(struct model_page *page)
{
	if (page->cell != NULL && --page->cell->refs == 0)
		free(page->cell);
	*page = (struct model_page){0};
}

/* Let *@to be like *@from, of the same cell or a copy of it. */
static void
page_set(struct model_page *to, const struct model_page *from, bool copied)
{
	page_clear(to);
	*to = *from;
	if (copied)
		to->cell = cell_new(from->cell->tag);
	else
		to->cell->refs++;
}

static void
model_clear(struct task_model *task, uint64_t first, uint64_t count)
{
	for (uint64_t i = first; i < first + count; i++)
		page_clear(&task->page[i]);
}

static bool
model_taken(const struct task_model *task, uint64_t first, uint64_t count)
{
	for (uint64_t i = first; i < first + count; i++) {
		if (task->page[i].cell != NULL)
			return true;
	}
	return false;
}

/* Is all of it mapped, with @prot at least? */
static bool
model_whole(const struct task_model *task, uint64_t first, uint64_t count,
    unsigned prot)
{
	for (uint64_t i = first; i < first + count; i++) {
		if (task->page[i].cell == NULL ||
		    (prot & ~task->page[i].prot) != 0)
			return false;
	}
	return true;
}

static bool
model_allows(const struct model_page *page, unsigned access)
{
	unsigned prot = page->prot;

	if (prot & VM_PROT_WRITE)
		prot |= VM_PROT_READ;
	return page->cell != NULL && (prot & access) != 0;
}

/* Mostly a range that is mapped, if there is one near. */
static uint64_t
choose_range(const struct task_model *task, uint64_t *countp)
{
	uint64_t count = random_count();
	uint64_t first = random_page(count);

	if (random_below(4) > 0) {
		while (first < SPAN && task->page[first].cell == NULL)
			first++;
		if (first == SPAN)
			first = 0;
		for (uint64_t i = 0; i < count; i++) {
			if (first + i == SPAN ||
			    task->page[first + i].cell == NULL)
				count = i > 0 ? i : 1;
		}
	}
	*countp = min_u64(count, SPAN - first);
	return first;
}

/* ---- steps: one map ---- */

static void
step_allocate(struct task_model *task)
{
	uint64_t count = random_count(), first = random_page(count);
	struct model_page like = {.prot = (uint8_t)random_prot(),
	    .max_prot = VM_PROT_ALL,
	    .inherit = (uint8_t)random_below(3)};
	uaddr_t address = address_of(first);
	kern_return_t kr;

	vm_host_maybe_fail();
	kr = map_allocate(task->map, &address, count * PAGE_SIZE, 0,
	    VM_FLAGS_FIXED, like.prot, like.max_prot, like.inherit);
	vm_host_stop_failing();
	if (model_taken(task, first, count)) {
		assert_int_equal(kr, KERN_NO_SPACE);
		return;
	}
	if (kr != KERN_SUCCESS) {
		assert_int_equal(kr, KERN_RESOURCE_SHORTAGE);
		return;
	}
	for (uint64_t i = first; i < first + count; i++) {
		task->page[i] = like;
		task->page[i].cell = cell_new(0);
	}
}

static void
step_deallocate(struct task_model *task)
{
	uint64_t count, first = choose_range(task, &count);
	uint64_t done = 0;
	kern_return_t kr;

	vm_host_maybe_fail();
	do
		kr = map_deallocate(
		    task->map, address_of(first), count * PAGE_SIZE, &done);
	while (kr == KERN_SUCCESS && done < count * PAGE_SIZE);
	vm_host_stop_failing();
	if (kr != KERN_SUCCESS)
		assert_int_equal(kr, KERN_RESOURCE_SHORTAGE);
	model_clear(task, first, done >> PAGE_SHIFT);
}

static void
step_protect(struct task_model *task)
{
	uint64_t count, first = choose_range(task, &count);
	unsigned prot = random_prot();
	uint64_t done = 0;
	kern_return_t kr;

	vm_host_maybe_fail();
	do
		kr = map_protect(task->map, address_of(first),
		    count * PAGE_SIZE, false, prot, &done);
	while (kr == KERN_SUCCESS && done < count * PAGE_SIZE);
	vm_host_stop_failing();
	for (uint64_t i = first; i < first + (done >> PAGE_SHIFT); i++)
		task->page[i].prot = (uint8_t)prot;
}

static void
access_page(struct task_model *task, uint64_t number, unsigned access)
{
	struct model_page *page = &task->page[number];
	uint64_t *words;
	void *bytes;
	kern_return_t kr;

	vm_host_superpages = random_below(4) == 0;
	kr = vm_host_access(task->map, address_of(number), access, &bytes);
	if (!model_allows(page, access)) {
		assert_int_equal(kr, page->cell != NULL
					 ? KERN_PROTECTION_FAILURE
					 : KERN_INVALID_ADDRESS);
		return;
	}
	if (kr != KERN_SUCCESS) {
		assert_int_equal(kr, KERN_RESOURCE_SHORTAGE);
		return;
	}
	words = bytes;
	assert_int_equal(words[0], page->cell->tag);
	assert_int_equal(words[PAGE_SIZE / 8 - 1], page->cell->tag);
	assert_int_equal(words[1 + random_below(PAGE_SIZE / 8 - 2)], 0);
	if (access == VM_PROT_WRITE) {
		page->cell->tag = next_tag;
		words[0] = words[PAGE_SIZE / 8 - 1] = next_tag++;
	}
}

static void
step_access(struct task_model *task)
{
	static const unsigned accesses[] = {VM_PROT_READ, VM_PROT_READ,
	    VM_PROT_WRITE, VM_PROT_WRITE, VM_PROT_WRITE, VM_PROT_EXECUTE};
	uint64_t count, first = choose_range(task, &count);

	if (random_below(8) == 0)
		vm_host_maybe_fail();
	for (uint64_t i = first; i < first + min_u64(count, 16); i++)
		access_page(
		    task, i, accesses[random_below(ARRAY_SIZE(accesses))]);
	vm_host_stop_failing();
}

/* ---- steps: sharing ---- */

static void
step_share(struct task_model *from, struct task_model *to)
{
	uint64_t count, first = choose_range(from, &count);
	struct map_share share = {
	    .from = from->map,
	    .to = to->map,
	    .next = address_of(first),
	    .end = address_of(first + count),
	};
	kern_return_t kr;

	if (from == to)
		return;
	vm_host_maybe_fail();
	do
		kr = map_share_step(&share);
	while (kr == KERN_OPERATION_TIMED_OUT);
	vm_host_stop_failing();
	map_share_end(&share);
	assert_true(kr == KERN_SUCCESS || kr == KERN_RESOURCE_SHORTAGE ||
		    kr == KERN_NO_SPACE);
	if (kr == KERN_SUCCESS)
		assert_int_equal(share.next, address_of(first + count));
	if (kr == KERN_NO_SPACE)
		assert_true(model_taken(to, first, count));
	count = (share.next - address_of(first)) >> PAGE_SHIFT;
	for (uint64_t i = first; i < first + count; i++) {
		if (from->page[i].cell == NULL)
			continue;
		assert_null(to->page[i].cell);
		page_set(&to->page[i], &from->page[i], false);
	}
}

static void
view_drop(struct view_model *view)
{
	if (view->view == NULL)
		return;
	view_put(view->view);
	for (uint64_t i = 0; i < view->pages; i++)
		page_clear(&view->page[i]);
	view->view = NULL;
}

static void
step_take(struct task_model *task, struct view_model *view)
{
	uint64_t count, first = choose_range(task, &count);
	struct view_take take = {
	    .share.from = task->map,
	    .share.next = address_of(first),
	    .share.end = address_of(first + count),
	    .kind = random_below(2) ? VIEW_COPY : VIEW_SHARE,
	};
	unsigned prot, max_prot;
	kern_return_t kr;

	vm_host_maybe_fail();
	do
		kr = view_take_step(&take);
	while (kr == KERN_OPERATION_TIMED_OUT);
	vm_host_stop_failing();
	if (kr != KERN_SUCCESS) {
		if (kr != KERN_RESOURCE_SHORTAGE) {
			assert_int_equal(kr, KERN_INVALID_ADDRESS);
			assert_false(model_whole(task, first, count, 0));
		}
		view_take_end(&take);
		return;
	}
	assert_true(model_whole(task, first, count, 0));
	assert_int_equal(view_size(take.view), count * PAGE_SIZE);
	view_rights(take.view, 0, count * PAGE_SIZE, &prot, &max_prot);
	assert_true(model_whole(task, first, count, prot));
	view->view = take.view;
	take.view = NULL;
	view_take_end(&take);
	view->pages = count;
	for (uint64_t i = 0; i < count; i++)
		page_set(&view->page[i], &task->page[first + i],
		    take.kind == VIEW_COPY);
}

/* What the place should look like afterwards. */
static void
model_place(struct task_model *task, const struct view_model *view,
    const struct view_place *place)
{
	uint64_t first = (place->address - BASE) >> PAGE_SHIFT;
	uint64_t offset = place->offset >> PAGE_SHIFT;

	for (uint64_t i = 0; i < place->size >> PAGE_SHIFT; i++) {
		struct model_page *page = &task->page[first + i];

		page_set(page, &view->page[offset + i], place->private);
		page->inherit = (uint8_t)place->inherit;
		if (!place->as_taken) {
			page->prot = VM_PROT_ALL;
			page->max_prot = VM_PROT_ALL;
		}
		page->prot &= (uint8_t)place->prot;
		page->max_prot &= (uint8_t)place->max_prot;
	}
}

static void
check_failed_place(
    struct task_model *task, const struct view_place *place, kern_return_t kr)
{
	uint64_t first = (place->address - BASE) >> PAGE_SHIFT;
	uint64_t count = place->size >> PAGE_SHIFT;
	struct map_region region;

	if (kr == KERN_NO_SPACE) {
		assert_false(place->overwrite);
		assert_true(model_taken(task, first, count));
		return;
	}
	assert_int_equal(kr, KERN_RESOURCE_SHORTAGE);
	if (place->anywhere || !place->overwrite)
		return;
	/* A first part of what was there may have gone. */
	for (uint64_t i = first; i < first + count; i++) {
		kr = map_region(task->map, address_of(i), &region);
		if (kr != KERN_SUCCESS || region.start > address_of(i))
			page_clear(&task->page[i]);
	}
}

static void
step_place(struct task_model *task, struct view_model *view)
{
	uint64_t offset = random_below(view->pages);
	uint64_t count = 1 + random_below(view->pages - offset);
	struct view_place place = {
	    .view = view->view,
	    .map = task->map,
	    .offset = offset * PAGE_SIZE,
	    .size = count * PAGE_SIZE,
	    .address = address_of(random_page(count)),
	    .anywhere = random_below(4) == 0,
	    .overwrite = random_below(2) == 0,
	    .private = random_below(2) == 0,
	    .as_taken = random_below(2) == 0,
	    .prot = random_below(3) == 0 ? VM_PROT_READ : VM_PROT_DEFAULT,
	    .max_prot = VM_PROT_ALL,
	    .inherit = (unsigned)random_below(3),
	};
	kern_return_t kr;

	vm_host_maybe_fail();
	do
		kr = view_place_step(&place);
	while (kr == KERN_OPERATION_TIMED_OUT);
	vm_host_stop_failing();
	if (kr != KERN_SUCCESS) {
		check_failed_place(task, &place, kr);
		return;
	}
	if (place.address + place.size <= address_of(SPAN)) {
		model_place(task, view, &place);
	} else {
		uint64_t done = 0;

		do
			assert_int_equal(map_deallocate(task->map,
					     place.address, place.size, &done),
			    KERN_SUCCESS);
		while (done < place.size);
	}
}

static void
step_view(struct task_model *task)
{
	struct view_model *view = &views[random_below(VIEWS)];

	if (view->view == NULL)
		step_take(task, view);
	else if (random_below(4) > 0)
		step_place(task, view);
	else
		view_drop(view);
}

/* ---- steps: sending ---- */

/* What came is what was there, and nobody's any more. */
static void
arrive(struct transfer *transfer, struct task_model *to, const uint32_t *tags,
    uint64_t count)
{
	uaddr_t address = 0;
	uint64_t first, done = 0;

	if (random_below(4) == 0 ||
	    transfer_map(transfer, to->map, &address) != KERN_SUCCESS) {
		transfer_destroy(transfer);
		return;
	}
	first = (address - BASE) >> PAGE_SHIFT;
	if (first + count > SPAN) {
		do
			assert_int_equal(map_deallocate(to->map, address,
					     count * PAGE_SIZE, &done),
			    KERN_SUCCESS);
		while (done < count * PAGE_SIZE);
		return;
	}
	for (uint64_t i = 0; i < count; i++) {
		assert_null(to->page[first + i].cell);
		to->page[first + i] = (struct model_page){
		    .cell = cell_new(tags[i]),
		    .prot = VM_PROT_DEFAULT,
		    .max_prot = VM_PROT_ALL,
		    .inherit = VM_INHERIT_DEFAULT,
		};
	}
}

static void
step_send(struct task_model *from, struct task_model *to)
{
	static uint32_t tags[SPAN];
	uint64_t count, first = choose_range(from, &count);
	bool deallocate = random_below(2) == 0;
	bool expected = model_whole(from, first, count, VM_PROT_READ);
	struct transfer *transfer = NULL;
	kern_return_t kr;

	vm_host_set_current(from->map);
	vm_host_maybe_fail();
	do
		kr = transfer_take(from->map, address_of(first),
		    count * PAGE_SIZE, deallocate, &transfer);
	while (kr == KERN_OPERATION_TIMED_OUT);
	vm_host_stop_failing();
	vm_host_set_current(NULL);
	if (kr != KERN_SUCCESS) {
		if (expected)
			assert_true(kr == KERN_RESOURCE_SHORTAGE ||
				    kr == KERN_INVALID_ADDRESS);
		return;
	}
	for (uint64_t i = 0; i < count; i++)
		tags[i] = from->page[first + i].cell->tag;
	if (deallocate)
		model_clear(from, first, count);
	/* What is written now is not sent any more. */
	step_access(from);
	arrive(transfer, to, tags, count);
}

/* ---- checks ---- */

static void
check_contents(struct task_model *task)
{
	for (uint64_t i = 0; i < SPAN; i++) {
		const struct model_page *page = &task->page[i];

		if (model_allows(page, VM_PROT_READ) &&
		    (page->cell->tag != 0 || random_below(8) == 0))
			access_page(task, i, VM_PROT_READ);
	}
}

static void
check_rights(struct task_model *task)
{
	struct map_region region;
	uint64_t pages = 0;

	for (uint64_t i = 0; i < SPAN; i++) {
		const struct model_page *page = &task->page[i];

		if (page->cell == NULL)
			continue;
		pages++;
		assert_int_equal(map_region(task->map, address_of(i), &region),
		    KERN_SUCCESS);
		assert_true(region.start <= address_of(i));
		assert_int_equal(region.prot, page->prot);
		assert_int_equal(region.max_prot, page->max_prot);
		assert_int_equal(region.inherit, page->inherit);
		/* Who sees the same memory, sees an object. */
		if (page->cell->refs > 1)
			assert_int_equal(region.kind, MAP_OBJECT);
	}
	assert_int_equal(task->map->size, pages * PAGE_SIZE);
}

static void
check_all(void)
{
	struct map *maps[TASKS];

	for (unsigned i = 0; i < VIEWS; i++)
		view_drop(&views[i]);
	for (unsigned i = 0; i < TASKS; i++) {
		maps[i] = tasks[i].map;
		map_check(tasks[i].map);
		check_rights(&tasks[i]);
	}
	vm_host_check_references(maps, TASKS);
}

static void
renew_task(struct task_model *task)
{
	vm_host_destroy(task->map);
	model_clear(task, 0, SPAN);
	task->map = vm_host_create();
	assert_non_null(task->map);
}

static void
one_step(void)
{
	struct task_model *task = &tasks[random_below(TASKS)];
	struct task_model *other = &tasks[random_below(TASKS)];

	switch (random_below(16)) {
	case 0:
	case 1:
		step_allocate(task);
		break;
	case 2:
	case 3:
		step_deallocate(task);
		break;
	case 4:
		step_protect(task);
		break;
	case 5:
		step_share(task, other);
		break;
	case 6:
	case 7:
	case 8:
		step_view(task);
		break;
	case 9:
		step_send(task, other);
		break;
	default:
		step_access(task);
		break;
	}
}

static void
test_random_steps(void **state)
{
	uint64_t steps = number_from("VM_STEPS", 500000);
	uint64_t start, objects;

	(void)state;
	random_state = number_from("VM_SEED", 1);
	objects = vm_host_objects();
	start = vm_host_pages_at_rest();
	for (unsigned i = 0; i < TASKS; i++)
		tasks[i].map = vm_host_create();
	for (uint64_t step = 0; step < steps; step++) {
		one_step();
		if (step % 1024 == 0)
			check_all();
		if (step % 4096 == 0)
			check_contents(&tasks[random_below(TASKS)]);
		if (page_free_count() < page_total_count() / 2)
			renew_task(&tasks[random_below(TASKS)]);
	}
	check_all();
	for (unsigned i = 0; i < TASKS; i++) {
		check_contents(&tasks[i]);
		vm_host_destroy(tasks[i].map);
		model_clear(&tasks[i], 0, SPAN);
	}
	vm_host_reap();
	assert_int_equal(vm_host_objects(), objects);
	assert_int_equal(vm_host_pages_at_rest(), start);
}

/* ---- by hand ---- */

/* The slots of an object of every depth. */
static void
test_slots(void **state)
{
	static const uint64_t sizes[] = {PAGE_SIZE, 2 * PAGE_SIZE, 2UL << 20,
	    (2UL << 20) + PAGE_SIZE, 1UL << 30, OBJECT_SIZE_MAX};
	uint64_t start;

	(void)state;
	start = vm_host_pages_at_rest();
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct object *object = object_create(NULL, sizes[i]);
		uint64_t last = sizes[i] - PAGE_SIZE;
		struct page *page, *again;

		assert_int_equal(
		    object_absent_until(object, 0, sizes[i]), sizes[i]);
		assert_int_equal(
		    object_page(object, last, VM_PROT_WRITE, &page),
		    KERN_SUCCESS);
		assert_int_equal(
		    object_page(object, last, VM_PROT_WRITE, &again),
		    KERN_SUCCESS);
		assert_ptr_equal(page, again);
		assert_int_equal(
		    object_absent_until(object, last, sizes[i]), last);
		assert_true(object_owns(object, last, page));
		assert_int_equal(page->refs, 3);
		page_put(page);
		page_put(page);
		object_check(object, NULL, NULL);
		object_put(object);
	}
	vm_host_reap();
	assert_int_equal(vm_host_pages_at_rest(), start);
}

/* A page that nobody maps is not copied before somebody writes to it. */
static void
test_copies_are_late(void **state)
{
	struct object *object = object_create(NULL, 4 * PAGE_SIZE);
	struct page *own, *copy, *other;

	(void)state;
	assert_int_equal(
	    object_page(object, 0, VM_PROT_WRITE, &own), KERN_SUCCESS);
	assert_int_equal(object_copy_page(object, 0, &copy), KERN_SUCCESS);
	assert_ptr_not_equal(copy, own);
	page_put(copy);
	page_put(own);
	assert_int_equal(object_copy_page(object, 0, &copy), KERN_SUCCESS);
	assert_ptr_equal(copy, own);
	assert_false(object_owns(object, 0, own));
	assert_int_equal(
	    object_page(object, 0, VM_PROT_WRITE, &other), KERN_SUCCESS);
	assert_ptr_not_equal(other, copy);
	page_put(other);
	page_put(copy);
	assert_int_equal(
	    object_copy_page(object, PAGE_SIZE, &copy), KERN_SUCCESS);
	assert_null(copy);
	object_put(object);
	vm_host_reap();
}

/* All that any hart of @map reads at @va is @word. */
static void
assert_reads(struct map *map, uaddr_t va, uint64_t word)
{
	for (int i = 0; i < 16; i++) {
		void *bytes;

		assert_int_equal(vm_host_access(map, va, VM_PROT_READ, &bytes),
		    KERN_SUCCESS);
		assert_int_equal(*(uint64_t *)bytes, word);
	}
}

static void
write_word(struct map *map, uaddr_t va, uint64_t word)
{
	void *bytes;

	assert_int_equal(
	    vm_host_access(map, va, VM_PROT_WRITE, &bytes), KERN_SUCCESS);
	*(uint64_t *)bytes = word;
}

/* No hart goes on reading a page that others have privately, when it is
 * another's that the object has. */
static void
test_harts_hear_of_it(void **state)
{
	struct map *one = vm_host_create(), *two = vm_host_create();
	struct transfer *transfer = NULL;
	struct map_share share = {.from = one, .to = two};
	uaddr_t va = BASE;

	(void)state;
	assert_int_equal(map_allocate(one, &va, PAGE_SIZE, 0, VM_FLAGS_FIXED,
			     VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_DEFAULT),
	    KERN_SUCCESS);
	write_word(one, va, 1);
	vm_host_set_current(one);
	assert_int_equal(
	    transfer_take(one, va, PAGE_SIZE, false, &transfer), KERN_SUCCESS);
	vm_host_set_current(NULL);
	assert_reads(one, va, 1);
	share.next = va;
	share.end = va + PAGE_SIZE;
	assert_int_equal(map_share_step(&share), KERN_SUCCESS);
	map_share_end(&share);
	write_word(two, va, 2);
	assert_reads(one, va, 2);
	write_word(one, va, 3);
	assert_reads(two, va, 3);
	transfer_destroy(transfer);
	vm_host_destroy(one);
	vm_host_destroy(two);
}

/* Wired memory that is shared or copied is there all the time, and written
 * without a fault. */
static void
test_wired(void **state)
{
	const uint64_t size = 40 * PAGE_SIZE;
	struct map *one = vm_host_create(), *two = vm_host_create();
	struct view_take take = {.share.from = one, .kind = VIEW_COPY};
	struct map_share share = {.from = one, .to = two};
	uaddr_t va = BASE;
	struct wire_progress progress = {0};

	(void)state;
	assert_int_equal(map_allocate(one, &va, size, 0, VM_FLAGS_FIXED,
			     VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_DEFAULT),
	    KERN_SUCCESS);
	while (map_wire_step(one, va, size, VM_PROT_READ, &progress) ==
	       KERN_OPERATION_TIMED_OUT)
		continue;
	assert_int_equal(progress.counted, size);
	write_word(one, va, 1);
	take.share.next = share.next = va;
	take.share.end = share.end = va + size;
	while (view_take_step(&take) == KERN_OPERATION_TIMED_OUT)
		continue;
	assert_int_equal(take.share.next, va + size);
	while (map_share_step(&share) == KERN_OPERATION_TIMED_OUT)
		continue;
	assert_int_equal(share.next, va + size);
	for (uint64_t at = 0; at < size; at += PAGE_SIZE) {
		pte_t *leaf = pmap_find(&one->pmap, va + at, 0);

		assert_non_null(leaf);
		assert_true(*leaf & PTE_W);
	}
	write_word(one, va, 2);
	assert_reads(two, va, 2);
	view_take_end(&take);
	map_share_end(&share);
	map_check(one);
	map_check(two);
	vm_host_destroy(one);
	vm_host_destroy(two);
}

/* What was placed between neighbours that say the same goes again, however
 * short memory is. */
static void
test_undone(void **state)
{
	const uint64_t size = 16 * PAGE_SIZE;
	struct map *map = vm_host_create();
	struct view_take take = {.share.from = map, .kind = VIEW_SHARE};
	uaddr_t va = BASE;
	unsigned failures = 0;

	(void)state;
	assert_int_equal(map_allocate(map, &va, size, 0, VM_FLAGS_FIXED,
			     VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_DEFAULT),
	    KERN_SUCCESS);
	for (uint64_t at = 0; at < size; at += PAGE_SIZE)
		write_word(map, va + at, at);
	/* Pages that are mapped, so that a private place needs copies. */
	take.share.next = va + 12 * PAGE_SIZE;
	take.share.end = va + size;
	while (view_take_step(&take) == KERN_OPERATION_TIMED_OUT)
		continue;
	for (unsigned count = 0; count < 64; count++) {
		struct view_place place = {
		    .view = take.view,
		    .map = map,
		    .size = 4 * PAGE_SIZE,
		    .address = va + 4 * PAGE_SIZE,
		    .private = true,
		    .as_taken = true,
		    .prot = VM_PROT_ALL,
		    .max_prot = VM_PROT_ALL,
		    .inherit = VM_INHERIT_DEFAULT,
		};
		uint64_t done = 0;
		kern_return_t kr;

		assert_int_equal(
		    map_deallocate(map, place.address, place.size, &done),
		    KERN_SUCCESS);
		/* Of one kind a few, of the other none, or so. */
		page_fail_after(1 + count / 8);
		zone_fail_after(1 + count % 8);
		do
			kr = view_place_step(&place);
		while (kr == KERN_OPERATION_TIMED_OUT);
		vm_host_stop_failing();
		if (kr != KERN_SUCCESS)
			failures++;
		assert_int_equal(
		    map->size, kr == KERN_SUCCESS ? size : size - place.size);
		map_check(map);
	}
	assert_true(failures > 0);
	view_take_end(&take);
	vm_host_destroy(map);
}

/* An object of few pages far from each other takes many steps to end, for its
 * nodes are looked through. */
static void
test_sparse_end(void **state)
{
	const unsigned nodes = 64;
	struct object *object = object_create(NULL, nodes * SUPERPAGE_SIZE);
	struct page *page;
	unsigned steps = 1;

	(void)state;
	for (unsigned i = 0; i < nodes; i++) {
		assert_int_equal(object_page(object, i * SUPERPAGE_SIZE,
				     VM_PROT_WRITE, &page),
		    KERN_SUCCESS);
		page_put(page);
	}
	while (object->reap.step(&object->reap))
		steps++;
	assert_true(steps >= nodes / 16);
}

static int
setup(void **state)
{
	(void)state;
	vm_host_start(RAM);
	view_zone_init();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_slots),
	    cmocka_unit_test(test_copies_are_late),
	    cmocka_unit_test(test_harts_hear_of_it),
	    cmocka_unit_test(test_wired),
	    cmocka_unit_test(test_undone),
	    cmocka_unit_test(test_sparse_end),
	    cmocka_unit_test(test_random_steps),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
