/*
 * test/unit/test_vm_random.c: maps and transfers against a plain model.
 *
 * Long because the model, the MMU and the walk over tables belong together.
 *
 * Three tasks do random things to their memory and send pieces of it to each
 * other; the model has, for each page of each task, what may be done to it and
 * what is in it.  Allocations fail now and then, at any site.  User accesses
 * go through the MMU of vm_host.h, whose TLB forgets nothing unasked.
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

#include <arch/usercopy.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kassert.h"
#include "kernel/zone.h"
#include "vm/copy.h"
#include "vm/passage.h"
#include "vm/map_sweep.h"
#include "vm/swap.h"
#include "vm/transfer.h"
#include "vm/wire.h"
#include "chance.h"
#include "vm_host.h"

enum {
	TASKS = 3,
	SPAN = 16384, /* pages of a task that the model knows: 64 MiB */
	SECTORS = 8,  /* per page: what is written and sent */
	IN_TRANSIT = 4,
	WINDOW_PAGES = 64,
	RAM = 96 << 20,
};
#define BASE	    MAP_ANYWHERE_BASE
#define SECTOR_SIZE (PAGE_SIZE / SECTORS)

struct model_page {
	uint32_t tag[SECTORS]; /* 0: zeros */
	uint32_t shared;       /* with those of this number, here in others */
	uint8_t mapped, kind, prot, max_prot, inherit, wired;
};

/* What a transfer carries. */
struct parcel {
	struct transfer *transfer;
	uint64_t sectors; /* in all */
	uint64_t skip;	  /* sectors of the first page before the first sent */
	uint32_t *tag;
};

static struct task_model {
	struct map *map;
	struct model_page page[SPAN];
} tasks[TASKS];

static struct parcel parcels[IN_TRANSIT];
static paddr_t window_pa;
static uint32_t next_tag = 1, next_shared = 1;
static uint64_t passages;    /* that were not declined */
static uint64_t pages_taken; /* by page replacement */

static uint64_t shares; /* pages that a fork shared */

/* ---- helpers ---- */

static uaddr_t
address_of(uint64_t page)
{
	return BASE + page * PAGE_SIZE;
}

static uint64_t
page_at(uaddr_t va)
{
	return (va - BASE) >> PAGE_SHIFT;
}

/* Mostly a few pages; now and then leaf tables and more. */
static uint64_t
random_count(void)
{
	switch (random_below(40)) {
	case 0:
		return 500 + random_below(1200);
	case 1:
	case 2:
		return 512 * (1 + random_below(3));
	default:
		return 1 + random_below(12);
	}
}

/* Near the start, and around the boundaries of leaf tables. */
static uint64_t
random_page(void)
{
	switch (random_below(4)) {
	case 0:
		return 512 * random_below(12);
	case 1:
		return 512 * (1 + random_below(12)) - random_below(8);
	default:
		return random_below(64);
	}
}

static unsigned
random_prot(void)
{
	static const unsigned prots[] = {VM_PROT_DEFAULT, VM_PROT_DEFAULT,
	    VM_PROT_DEFAULT, VM_PROT_READ, VM_PROT_READ | VM_PROT_EXECUTE,
	    VM_PROT_ALL, VM_PROT_NONE, VM_PROT_EXECUTE};

	return prots[random_below(ARRAY_SIZE(prots))];
}

static void
write_sector(void *bytes, uint32_t tag)
{
	uint64_t *words = bytes;

	words[0] = tag;
	words[SECTOR_SIZE / 8 - 1] = tag;
}

static void
check_sector(const void *bytes, uint32_t tag)
{
	const uint64_t *words = bytes;

	assert_int_equal(words[0], tag);
	assert_int_equal(words[SECTOR_SIZE / 8 - 1], tag);
	assert_int_equal(words[1 + random_below(SECTOR_SIZE / 8 - 2)], 0);
}

static uint32_t
window_tag(uint64_t page, uint64_t sector)
{
	return (uint32_t)(1000000000 + page * SECTORS + sector);
}

/* ---- the model's map ---- */

static void
model_clear(struct task_model *task, uint64_t first, uint64_t count)
{
	memset(&task->page[first], 0, count * sizeof(task->page[0]));
}

static void
model_enter(struct task_model *task, uint64_t first, uint64_t count,
    unsigned kind, unsigned prot, unsigned max_prot, unsigned inherit)
{
	for (uint64_t i = first; i < first + count; i++) {
		struct model_page *page = &task->page[i];

		assert_false(page->mapped);
		*page = (struct model_page){.mapped = 1,
		    .kind = (uint8_t)kind,
		    .prot = (uint8_t)prot,
		    .max_prot = (uint8_t)max_prot,
		    .inherit = (uint8_t)inherit};
	}
}

/* All who share the page see what is written. */
static void
set_tag(struct task_model *task, uint64_t sector, uint32_t tag)
{
	uint64_t number = sector / SECTORS;
	uint32_t shared = task->page[number].shared;

	task->page[number].tag[sector % SECTORS] = tag;
	for (unsigned i = 0; shared != 0 && i < TASKS; i++) {
		struct model_page *page = &tasks[i].page[number];

		if (page->shared == shared)
			page->tag[sector % SECTORS] = tag;
	}
}

/* Mostly a copy, or nothing. */
static unsigned
random_inherit(void)
{
	static const unsigned inherits[] = {VM_INHERIT_COPY, VM_INHERIT_COPY,
	    VM_INHERIT_NONE, VM_INHERIT_SHARE};

	return inherits[random_below(ARRAY_SIZE(inherits))];
}

static bool
model_taken(const struct task_model *task, uint64_t first, uint64_t count)
{
	for (uint64_t i = first; i < first + count; i++) {
		if (task->page[i].mapped)
			return true;
	}
	return false;
}

static bool
model_allows(const struct model_page *page, unsigned access)
{
	unsigned prot = page->prot;

	if (prot & VM_PROT_WRITE)
		prot |= VM_PROT_READ;
	return page->mapped && (prot & access) != 0;
}

/* ---- steps ---- */

static void
free_all(struct map *map, uaddr_t address, uint64_t size)
{
	uint64_t done = 0;

	do
		assert_int_equal(
		    map_deallocate(map, address, size, &done), KERN_SUCCESS);
	while (map_range_more(address, size, done));
}

static void
step_allocate(struct task_model *task)
{
	uint64_t count = random_count(), first = random_page();
	unsigned prot = random_prot();
	unsigned max_prot;
	unsigned inherit = random_inherit();
	bool anywhere = random_below(2) == 0;
	uaddr_t address;
	kern_return_t kr;

	if (random_below(8) == 0) {
		first = 512 * random_below(12);
		count = 512 * (1 + random_below(3));
		prot = VM_PROT_DEFAULT;
	}
	max_prot = prot | (random_below(3) == 0 ? random_prot() : VM_PROT_ALL);
	address = address_of(first);
	vm_host_maybe_fail();
	kr = map_allocate(task->map, &address, count * PAGE_SIZE, 0,
	    anywhere ? VM_FLAGS_ANYWHERE : VM_FLAGS_FIXED, prot, max_prot,
	    inherit);
	vm_host_stop_failing();
	if (!anywhere && model_taken(task, first, count)) {
		assert_int_equal(kr, KERN_NO_SPACE);
		return;
	}
	if (kr != KERN_SUCCESS) {
		assert_int_equal(kr, KERN_RESOURCE_SHORTAGE);
		return;
	}
	first = page_at(address);
	if (count >= 512 && anywhere)
		assert_int_equal(address % SUPERPAGE_SIZE, 0);
	if (first + count > SPAN)
		free_all(task->map, address, count * PAGE_SIZE);
	else
		model_enter(
		    task, first, count, MAP_ANONYMOUS, prot, max_prot, inherit);
}

static void
step_window(struct task_model *task)
{
	uint64_t start = random_below(WINDOW_PAGES);
	uint64_t count = 1 + random_below(WINDOW_PAGES - start);
	uaddr_t address = 0;
	uint64_t first;
	kern_return_t kr;

	vm_host_maybe_fail();
	kr = map_window(task->map, &address, window_pa + start * PAGE_SIZE,
	    count * PAGE_SIZE, VM_PROT_READ);
	vm_host_stop_failing();
	if (kr != KERN_SUCCESS) {
		assert_int_equal(kr, KERN_RESOURCE_SHORTAGE);
		return;
	}
	first = page_at(address);
	if (first + count > SPAN) {
		free_all(task->map, address, count * PAGE_SIZE);
		return;
	}
	model_enter(task, first, count, MAP_WINDOW, VM_PROT_READ, VM_PROT_READ,
	    VM_INHERIT_NONE);
	for (uint64_t i = 0; i < count; i++) {
		for (uint64_t k = 0; k < SECTORS; k++)
			task->page[first + i].tag[k] = window_tag(start + i, k);
	}
}

static void
step_deallocate(struct task_model *task)
{
	uint64_t count = random_count(), first = random_page();
	uaddr_t address = address_of(first) + random_below(PAGE_SIZE);
	uint64_t size = address_of(first + count) - address;
	uint64_t done = 0;
	kern_return_t kr;

	vm_host_maybe_fail();
	do
		kr = map_deallocate(task->map, address, size, &done);
	while (kr == KERN_SUCCESS && map_range_more(address, size, done));
	vm_host_stop_failing();
	if (kr == KERN_SUCCESS)
		assert_int_equal(done, count * PAGE_SIZE);
	else
		assert_int_equal(kr, KERN_RESOURCE_SHORTAGE);
	model_clear(task, first, done >> PAGE_SHIFT);
}

/* What changing @count pages should give. */
static kern_return_t
expect_change(const struct task_model *task, uint64_t first, uint64_t count,
    unsigned prot)
{
	for (uint64_t i = first; i < first + count; i++) {
		if (!task->page[i].mapped)
			return KERN_INVALID_ADDRESS;
		if (prot & ~task->page[i].max_prot)
			return KERN_PROTECTION_FAILURE;
	}
	return KERN_SUCCESS;
}

static void
step_protect(struct task_model *task)
{
	uint64_t count = random_count(), first = random_page();
	unsigned prot = random_prot();
	bool set_maximum = random_below(8) == 0;
	kern_return_t expected = expect_change(task, first, count, prot);
	uint64_t done = 0;
	kern_return_t kr;

	vm_host_maybe_fail();
	do
		kr = map_protect(task->map, address_of(first),
		    count * PAGE_SIZE, set_maximum, prot, &done);
	while (kr == KERN_SUCCESS && done < count * PAGE_SIZE);
	vm_host_stop_failing();
	if (kr != KERN_RESOURCE_SHORTAGE)
		assert_int_equal(kr, expected);
	for (uint64_t i = first; i < first + (done >> PAGE_SHIFT); i++) {
		struct model_page *page = &task->page[i];

		if (set_maximum) {
			page->max_prot = (uint8_t)prot;
			page->prot &= (uint8_t)prot;
		} else {
			page->prot = (uint8_t)prot;
		}
	}
}

static void
step_inherit(struct task_model *task)
{
	uint64_t count = random_count(), first = random_page();
	unsigned inherit = random_inherit();
	uint64_t done = 0;
	kern_return_t kr;

	vm_host_maybe_fail();
	do
		kr = map_inherit(task->map, address_of(first),
		    count * PAGE_SIZE, inherit, &done);
	while (kr == KERN_SUCCESS && done < count * PAGE_SIZE);
	vm_host_stop_failing();
	if (kr != KERN_RESOURCE_SHORTAGE)
		assert_int_equal(kr, expect_change(task, first, count, 0));
	for (uint64_t i = first; i < first + (done >> PAGE_SHIFT); i++)
		task->page[i].inherit = (uint8_t)inherit;
}

/* A user's read, write or fetch. */
static void
access_sector(
    struct task_model *task, uint64_t number, uint64_t sector, unsigned access)
{
	struct model_page *page = &task->page[number];
	uaddr_t va = address_of(number) + sector * SECTOR_SIZE;
	void *bytes;
	kern_return_t kr;

	if (random_below(16) == 0)
		vm_host_superpages = random_below(4) == 0;
	kr = vm_host_access(task->map, va, access, &bytes);
	if (!model_allows(page, access)) {
		assert_int_equal(kr, page->mapped ? KERN_PROTECTION_FAILURE
						  : KERN_INVALID_ADDRESS);
		return;
	}
	if (kr != KERN_SUCCESS) {
		assert_int_equal(kr, KERN_RESOURCE_SHORTAGE);
		return;
	}
	check_sector(bytes, page->tag[sector]);
	if (access == VM_PROT_WRITE) {
		set_tag(task, number * SECTORS + sector, next_tag);
		write_sector(bytes, next_tag++);
	}
	/* Of what others write they have to tell. */
	if (access == VM_PROT_EXECUTE && page->kind != MAP_OBJECT)
		assert_false(vm_host_is_stale_code(bytes));
}

/* A few accesses to one place, maybe by threads on both harts. */
static void
access_place(struct task_model *task, uint64_t number)
{
	static const unsigned accesses[] = {VM_PROT_READ, VM_PROT_READ,
	    VM_PROT_WRITE, VM_PROT_WRITE, VM_PROT_WRITE, VM_PROT_EXECUTE};
	uint64_t sector = random_below(SECTORS);

	do
		access_sector(task, number, sector,
		    accesses[random_below(ARRAY_SIZE(accesses))]);
	while (random_below(2) == 0);
}

static void
step_access(struct task_model *task)
{
	uint64_t first = random_page();
	uint64_t count = 1 + random_below(10);

	if (random_below(8) == 0)
		vm_host_maybe_fail();
	for (uint64_t i = first; i < first + count; i++)
		access_place(task, i);
	vm_host_stop_failing();
}

/* The kernel's copies, whole sectors from anywhere. */
static void
step_copy(struct task_model *task)
{
	static uint64_t buffer[4 * PAGE_SIZE / 8];
	uint64_t sector = random_page() * SECTORS + random_below(SECTORS);
	uint64_t count = 1 + random_below(3 * SECTORS);
	uaddr_t va = BASE + sector * SECTOR_SIZE;
	bool to = random_below(2) == 0;
	unsigned access = to ? VM_PROT_WRITE : VM_PROT_READ;
	uint64_t good = 0;
	kern_return_t kr;

	memset(buffer, 0, sizeof(buffer));
	for (uint64_t i = 0; i < count; i++)
		write_sector(&buffer[i * SECTOR_SIZE / 8], next_tag + i);
	vm_host_maybe_fail();
	do
		kr =
		    to ? map_copy_to(task->map, va, buffer, count * SECTOR_SIZE)
		       : map_copy_from(
			     task->map, buffer, va, count * SECTOR_SIZE);
	while (vm_host_brings(kr));
	vm_host_stop_failing();
	while (good < count) {
		const struct model_page *page =
		    &task->page[(sector + good) / SECTORS];

		if (!model_allows(page, access) || page->kind == MAP_WINDOW)
			break;
		good++;
	}
	if (kr == KERN_RESOURCE_SHORTAGE) {
		/* How far it got is not said: ask the memory itself. */
		for (uint64_t i = 0; to && i < good; i++) {
			void *bytes;

			if (vm_host_access(task->map, va + i * SECTOR_SIZE,
				VM_PROT_READ, &bytes) != KERN_SUCCESS)
				break;
			if (*(uint64_t *)bytes == next_tag + i)
				set_tag(
				    task, sector + i, (uint32_t)(next_tag + i));
		}
		next_tag += (uint32_t)count;
		return;
	}
	assert_int_equal(kr == KERN_SUCCESS, good == count);
	for (uint64_t i = 0; i < good; i++) {
		uint32_t tag = task->page[(sector + i) / SECTORS]
				   .tag[(sector + i) % SECTORS];

		if (to)
			set_tag(task, sector + i, (uint32_t)(next_tag + i));
		else if (good == count)
			check_sector(&buffer[i * SECTOR_SIZE / 8], tag);
	}
	next_tag += (uint32_t)count;
}

static void
step_region(struct task_model *task)
{
	struct map_region region;
	uint64_t page = random_page();
	kern_return_t kr = map_region(task->map, address_of(page), &region);
	uint64_t start = page;

	while (start < SPAN && !task->page[start].mapped)
		start++;
	if (start == SPAN) {
		assert_int_equal(kr, KERN_INVALID_ADDRESS);
		return;
	}
	assert_int_equal(kr, KERN_SUCCESS);
	if (start != page)
		assert_int_equal(region.start, address_of(start));
	assert_true(region.start <= address_of(start));
	for (uint64_t i = page_at(region.start);
	     i < page_at(region.start + region.size); i++) {
		const struct model_page *at = &task->page[i];

		assert_true(at->mapped);
		assert_int_equal(at->prot, region.prot);
		assert_int_equal(at->max_prot, region.max_prot);
		assert_int_equal(at->inherit, region.inherit);
		assert_int_equal(at->kind, region.kind);
		assert_int_equal(at->wired, region.wired);
	}
}

/* ---- transfers ---- */

/*
 * Should taking succeed?  Ragged ends are read as the user would; the pages
 * between them must have VM_PROT_READ; windows do not leave.
 */
static bool
expect_take(const struct task_model *task, uint64_t sector, uint64_t count,
    bool deallocate)
{
	uint64_t first = sector / SECTORS;
	uint64_t last = (sector + count - 1) / SECTORS;

	for (uint64_t i = first; i <= last; i++) {
		const struct model_page *page = &task->page[i];

		if (!model_allows(page, VM_PROT_READ))
			return false;
		if (deallocate && page->kind == MAP_WINDOW)
			return false;
	}
	return true;
}

/* A piece that can be read all through, if there is one at a random place. */
static void
choose_readable(
    const struct task_model *task, uint64_t *sectorp, uint64_t *countp)
{
	uint64_t first = random_page(), last;

	while (first > 0 && model_allows(&task->page[first - 1], VM_PROT_READ))
		first--;
	for (last = first;
	     last < SPAN && model_allows(&task->page[last], VM_PROT_READ);)
		last++;
	if (last == first)
		return;
	if (random_below(2) == 0)
		first += random_below(min_u64(last - first, 16));
	if (random_below(2) == 0)
		last -= random_below(min_u64(last - first, 16));
	*sectorp = first * SECTORS;
	*countp = (last - first) * SECTORS;
}

static void
parcel_fill(struct parcel *parcel, const struct task_model *task,
    uint64_t sector, uint64_t count)
{
	parcel->sectors = count;
	parcel->skip = sector % SECTORS;
	parcel->tag = calloc(count, sizeof(*parcel->tag));
	for (uint64_t i = 0; i < count; i++)
		parcel->tag[i] = task->page[(sector + i) / SECTORS]
				     .tag[(sector + i) % SECTORS];
}

static void
parcel_drop(struct parcel *parcel)
{
	free(parcel->tag);
	memset(parcel, 0, sizeof(*parcel));
}

static void
step_take(struct task_model *task, struct parcel *parcel)
{
	uint64_t pages = random_count();
	uint64_t sector = random_page() * SECTORS;
	uint64_t count = pages * SECTORS;
	bool deallocate = random_below(2) == 0;
	enum transfer_how how = deallocate	       ? TRANSFER_GIVE
				: random_below(3) == 0 ? TRANSFER_COPY
						       : TRANSFER_KEEP;
	bool expected;
	kern_return_t kr;

	if (random_below(2) == 0)
		choose_readable(task, &sector, &count);
	if (random_below(2) == 0) {
		sector += random_below(SECTORS);
		count -= SECTORS - 1;
	}
	expected = expect_take(task, sector, count, deallocate);
	vm_host_elsewhere = random_below(3) == 0;
	pmap_asid_bits = random_below(3) == 0 ? 0 : 16;
	vm_host_set_current(task->map);
	vm_host_maybe_fail();
	do
		kr = transfer_take(task->map, BASE + sector * SECTOR_SIZE,
		    count * SECTOR_SIZE, how, &parcel->transfer);
	while (kr == KERN_OPERATION_TIMED_OUT || vm_host_brings(kr));
	vm_host_stop_failing();
	vm_host_set_current(NULL);
	if (kr != KERN_SUCCESS) {
		assert_null(parcel->transfer);
		/* A shortage within copyin() looks like a bad address. */
		assert_true(kr == KERN_RESOURCE_SHORTAGE ||
			    kr == KERN_INVALID_ADDRESS ||
			    (!expected && kr == KERN_PROTECTION_FAILURE));
		return;
	}
	assert_true(expected);
	parcel_fill(parcel, task, sector, count);
	assert_int_equal(transfer_size(parcel->transfer), count * SECTOR_SIZE);
	if (deallocate)
		model_clear(task, sector / SECTORS,
		    (sector + count - 1) / SECTORS - sector / SECTORS + 1);
}

static void
read_parcel(const struct parcel *parcel)
{
	static uint64_t buffer[3 * PAGE_SIZE / 8];
	uint64_t first = random_below(parcel->sectors);
	uint64_t count =
	    min_u64(parcel->sectors - first, 1 + random_below(3 * SECTORS));
	kern_return_t kr;

	do
		kr = transfer_to_kernel(parcel->transfer, first * SECTOR_SIZE,
		    buffer, count * SECTOR_SIZE);
	while (vm_host_brings(kr));
	assert_int_equal(kr, KERN_SUCCESS);
	for (uint64_t i = 0; i < count; i++)
		check_sector(
		    &buffer[i * SECTOR_SIZE / 8], parcel->tag[first + i]);
	assert_int_equal(transfer_to_kernel(parcel->transfer, 1, buffer,
			     parcel->sectors * SECTOR_SIZE),
	    KERN_INVALID_ARGUMENT);
}

static void
step_map(struct task_model *task, struct parcel *parcel)
{
	uaddr_t address = 0;
	uint64_t first, pages;
	kern_return_t kr;

	vm_host_maybe_fail();
	kr = transfer_map(parcel->transfer, task->map, &address);
	vm_host_stop_failing();
	if (kr != KERN_SUCCESS) {
		assert_int_equal(kr, KERN_RESOURCE_SHORTAGE);
		return;
	}
	assert_int_equal(address % PAGE_SIZE / SECTOR_SIZE, parcel->skip);
	first = page_at(address);
	pages = (parcel->skip + parcel->sectors + SECTORS - 1) / SECTORS;
	if (first + pages > SPAN) {
		free_all(task->map, address, parcel->sectors * SECTOR_SIZE);
		parcel_drop(parcel);
		return;
	}
	model_enter(task, first, pages, MAP_ANONYMOUS, VM_PROT_DEFAULT,
	    VM_PROT_ALL, VM_INHERIT_DEFAULT);
	for (uint64_t i = 0; i < parcel->sectors; i++) {
		uint64_t at = parcel->skip + i;

		task->page[first + at / SECTORS].tag[at % SECTORS] =
		    parcel->tag[i];
	}
	parcel_drop(parcel);
}

/* ---- straight from map to map ---- */

/* Let @task's map have a room of @size bytes: something of that size goes. */
static void
make_room_of(struct task_model *task, uint64_t size)
{
	struct transfer *gone = NULL;
	uaddr_t address = 0;
	kern_return_t kr;

	if (map_allocate(task->map, &address, size, 0, VM_FLAGS_ANYWHERE,
		VM_PROT_DEFAULT, VM_PROT_ALL,
		VM_INHERIT_DEFAULT) != KERN_SUCCESS)
		return;
	do
		kr = transfer_take(
		    task->map, address, size, TRANSFER_GIVE, &gone);
	while (kr == KERN_OPERATION_TIMED_OUT);
	if (kr == KERN_SUCCESS)
		transfer_destroy(gone);
	else
		free_all(task->map, address, size);
}

/* What the model says has to be so, or it would have been declined. */
static void
model_pass(struct task_model *from, uint64_t first, struct task_model *to,
    uint64_t into, uint64_t pages, bool give)
{
	for (uint64_t i = first; i < first + pages; i++) {
		assert_true(from->page[i].mapped);
		assert_int_equal(from->page[i].kind, MAP_ANONYMOUS);
		assert_int_equal(from->page[i].wired, 0);
		assert_int_equal(
		    from->page[i].prot & (VM_PROT_READ | VM_PROT_EXECUTE),
		    VM_PROT_READ);
	}
	model_enter(to, into, pages, MAP_ANONYMOUS, VM_PROT_DEFAULT,
	    VM_PROT_ALL, VM_INHERIT_DEFAULT);
	for (uint64_t i = 0; i < pages; i++)
		memcpy(to->page[into + i].tag, from->page[first + i].tag,
		    sizeof(to->page[0].tag));
	if (give)
		model_clear(from, first, pages);
}

static void
step_pass(struct task_model *from, struct task_model *to)
{
	struct passage passage = {.from = from->map};
	struct map_region region;
	uint64_t first, into, pages;
	bool prepared;

	if (from == to ||
	    map_region(from->map, BASE + random_page() * PAGE_SIZE, &region) !=
		KERN_SUCCESS)
		return;
	first = page_at(region.start);
	pages = region.size >> PAGE_SHIFT;
	passage.give = random_below(2) == 0;
	if (!passage.give && random_below(2) == 0)
		pages = 1 + random_below(pages);
	if (first + pages > SPAN)
		return;
	passage.address = region.start;
	passage.size = pages << PAGE_SHIFT;
	vm_host_elsewhere = random_below(3) == 0;
	make_room_of(to, passage.size);
	vm_host_maybe_fail();
	prepared = passage_prepare(&passage, to->map);
	vm_host_stop_failing();
	if (!prepared)
		return;
	if (random_below(8) == 0) {
		passage_abandon(&passage);
		return;
	}
	into = page_at(passage_commit(&passage));
	passages++;
	if (into + pages > SPAN) {
		/* Out of what the model knows. */
		free_all(to->map, BASE + into * PAGE_SIZE, passage.size);
		if (passage.give)
			model_clear(from, first, pages);
		return;
	}
	model_pass(from, first, to, into, pages, passage.give);
}

static void
step_transfer(void)
{
	struct parcel *parcel = &parcels[random_below(IN_TRANSIT)];
	struct task_model *task = &tasks[random_below(TASKS)];

	if (parcel->transfer == NULL) {
		step_take(task, parcel);
		return;
	}
	read_parcel(parcel);
	if (random_below(5) > 0) {
		step_map(task, parcel);
		return;
	}
	transfer_destroy(parcel->transfer);
	parcel_drop(parcel);
}

/* ---- copies ---- */

/* Bytes of one task, or what is taken of them, go over @to's from @at on. */
static kern_return_t
copy_over(struct map *from, uaddr_t address, uint64_t size, struct map *to,
    uaddr_t at, uint64_t *donep)
{
	struct transfer *transfer = NULL;
	kern_return_t kr;

	do
		kr = transfer_take(
		    from, address, size, TRANSFER_READ, &transfer);
	while (kr == KERN_OPERATION_TIMED_OUT || vm_host_brings(kr));
	if (kr != KERN_SUCCESS)
		return kr;
	do
		kr = transfer_overwrite(transfer, to, at, donep);
	while (kr == KERN_OPERATION_TIMED_OUT || vm_host_brings(kr));
	transfer_destroy(transfer);
	return kr;
}

static bool
is_readable(const struct task_model *task, uint64_t sector, uint64_t count)
{
	for (uint64_t i = sector / SECTORS; i <= (sector + count - 1) / SECTORS;
	     i++) {
		if (!model_allows(&task->page[i], VM_PROT_READ) ||
		    task->page[i].kind == MAP_WINDOW)
			return false;
	}
	return true;
}

/* Sectors from @sector on that may be written over, at most @count. */
static uint64_t
writable_sectors(const struct task_model *task, uint64_t sector, uint64_t count)
{
	uint64_t good = 0;

	while (good < count) {
		const struct model_page *page =
		    &task->page[(sector + good) / SECTORS];

		if (!model_allows(page, VM_PROT_WRITE) ||
		    page->kind == MAP_WINDOW)
			break;
		good++;
	}
	return good;
}

/* Where @countp sectors fit that look like @sector in a leaf table, mostly. */
static uint64_t
choose_writable(const struct task_model *to, uint64_t sector, uint64_t *countp)
{
	uint64_t at = random_page() * SECTORS;

	if (random_below(3) > 0)
		at = at / (512 * SECTORS) * (512 * SECTORS) +
		     sector % (512 * SECTORS);
	if (random_below(4) > 0)
		*countp = writable_sectors(to, at, *countp);
	if (*countp == 0)
		*countp = 1;
	return at;
}

/* The span of a leaf table all of which may be written; or any. */
static uint64_t
choose_table(const struct task_model *task)
{
	uint64_t sector = 0;

	for (unsigned i = 0; i < 16; i++) {
		sector = random_below(12) * 512 * SECTORS;
		if (writable_sectors(task, sector, 512 * SECTORS) ==
		    512 * SECTORS)
			break;
	}
	return sector;
}

/* Two places that suit each other, mostly. */
static void
choose_places(const struct task_model *from, const struct task_model *to,
    uint64_t *sectorp, uint64_t *countp, uint64_t *top)
{
	if (random_below(3) == 0) {
		*sectorp = choose_table(from);
		*countp = 512 * SECTORS;
		*top = choose_table(to);
		return;
	}
	*sectorp = random_page() * SECTORS;
	*countp = random_count() * SECTORS;
	if (random_below(4) > 0)
		choose_readable(from, sectorp, countp);
	if (*countp > 4000 * SECTORS)
		*countp = 4000 * SECTORS;
	*top = choose_writable(to, *sectorp, countp);
	if (random_below(3) == 0 && *countp >= SECTORS) {
		*sectorp += random_below(SECTORS);
		*countp -= SECTORS - 1;
	}
	if (random_below(4) == 0)
		*top += random_below(SECTORS);
}

static void
step_copy_over(struct task_model *from, struct task_model *to)
{
	uint64_t sector, count, at, done = 0, good;
	uint32_t *tag;
	kern_return_t kr;

	choose_places(from, to, &sector, &count, &at);
	good = writable_sectors(to, at, count);
	vm_host_elsewhere = random_below(3) == 0;
	vm_host_maybe_fail();
	kr = copy_over(from->map, BASE + sector * SECTOR_SIZE,
	    count * SECTOR_SIZE, to->map, BASE + at * SECTOR_SIZE, &done);
	vm_host_stop_failing();
	if (kr == KERN_SUCCESS) {
		assert_int_equal(done, count * SECTOR_SIZE);
		assert_int_equal(good, count);
		assert_true(is_readable(from, sector, count));
	} else if (kr != KERN_RESOURCE_SHORTAGE) {
		assert_true(good < count || !is_readable(from, sector, count));
		/* So few regions are all checked first. */
		assert_int_equal(done, 0);
	}
	/* The two may overlap. */
	assert_int_equal(done % SECTOR_SIZE, 0);
	count = done / SECTOR_SIZE;
	tag = calloc(count + 1, sizeof(*tag));
	for (uint64_t i = 0; i < count; i++)
		tag[i] = from->page[(sector + i) / SECTORS]
			     .tag[(sector + i) % SECTORS];
	for (uint64_t i = 0; i < count; i++)
		set_tag(to, at + i, tag[i]);
	free(tag);
}

/* Private memory of @parent that is to be shared may be an object's by now. */
static void
learn_kinds(struct task_model *parent)
{
	struct map_region region;

	for (uint64_t i = 0; i < SPAN; i++) {
		struct model_page *page = &parent->page[i];

		if (!page->mapped || page->inherit != VM_INHERIT_SHARE ||
		    page->kind != MAP_ANONYMOUS)
			continue;
		assert_int_equal(
		    map_region(parent->map, address_of(i), &region),
		    KERN_SUCCESS);
		assert_true(
		    region.kind == MAP_ANONYMOUS || region.kind == MAP_OBJECT);
		page->kind = (uint8_t)region.kind;
	}
}

/* What the child has of it. */
static void
inherit_page(struct task_model *parent, struct task_model *child, uint64_t i)
{
	struct model_page *from = &parent->page[i], *to = &child->page[i];

	model_clear(child, i, 1);
	if (!from->mapped || from->inherit == VM_INHERIT_NONE)
		return;
	if (from->inherit == VM_INHERIT_SHARE && from->kind != MAP_WINDOW) {
		assert_int_equal(from->kind, MAP_OBJECT);
		if (from->shared == 0)
			from->shared = next_shared++;
		shares++;
	}
	*to = *from;
	to->wired = 0;
	if (from->inherit == VM_INHERIT_COPY && from->kind == MAP_OBJECT) {
		to->kind = MAP_ANONYMOUS;
		to->shared = 0;
	}
}

/* All of one task becomes a copy of another. */
static void
step_fork(struct task_model *parent, struct task_model *child)
{
	struct map *map;
	struct map_fork *fork;
	kern_return_t kr = KERN_RESOURCE_SHORTAGE;

	if (parent == child)
		return;
	map = vm_host_create();
	assert_non_null(map);
	vm_host_maybe_fail();
	fork = map_fork_begin(parent->map, map);
	if (fork != NULL) {
		do
			kr = map_fork_step(fork);
		while (kr == KERN_OPERATION_TIMED_OUT || vm_host_brings(kr));
		while (map_fork_end_step(fork))
			continue;
	}
	vm_host_stop_failing();
	learn_kinds(parent);
	if (kr != KERN_SUCCESS) {
		assert_int_equal(kr, KERN_RESOURCE_SHORTAGE);
		vm_host_destroy(map);
		return;
	}
	vm_host_destroy(child->map);
	child->map = map;
	for (uint64_t i = 0; i < SPAN; i++)
		inherit_page(parent, child, i);
}

/* Write to each page of what may be a superpage. */
static void
step_write_all(struct task_model *task)
{
	uint64_t first = choose_table(task) / SECTORS;

	if (writable_sectors(task, first * SECTORS, 512 * SECTORS) <
	    512 * SECTORS)
		return;
	vm_host_superpages = true;
	for (uint64_t i = first; i < first + 512; i++)
		access_place(task, i);
}

/* ---- wired memory ---- */

static void
step_wire(struct task_model *task)
{
	uint64_t first = random_page(), count = 1 + random_below(40);
	uaddr_t start = address_of(first);
	unsigned access = 1 + (unsigned)random_below(VM_PROT_ALL);
	kern_return_t kr, expected = KERN_SUCCESS;
	struct wire_progress progress = {0};

	for (uint64_t i = first; i < first + count; i++) {
		const struct model_page *page = &task->page[i];

		if (!page->mapped)
			expected = KERN_INVALID_ADDRESS;
		else if (access & ~(unsigned)page->prot)
			expected = KERN_PROTECTION_FAILURE;
		if (expected != KERN_SUCCESS)
			break;
	}
	vm_host_maybe_fail();
	do
		kr = map_wire_step(
		    task->map, start, count * PAGE_SIZE, access, &progress);
	while (kr == KERN_OPERATION_TIMED_OUT || vm_host_brings(kr));
	vm_host_stop_failing();
	if (kr != KERN_SUCCESS) {
		assert_true(kr == expected || kr == KERN_RESOURCE_SHORTAGE);
		return;
	}
	assert_int_equal(expected, KERN_SUCCESS);
	for (uint64_t i = first; i < first + count; i++)
		task->page[i].wired++;
}

static void
step_unwire(struct task_model *task)
{
	uint64_t first = random_page(), count = 1 + random_below(40);
	uint64_t done = 0;
	kern_return_t kr;

	vm_host_maybe_fail();
	do
		kr = map_unwire_step(
		    task->map, address_of(first), count * PAGE_SIZE, &done);
	while (kr == KERN_OPERATION_TIMED_OUT);
	vm_host_stop_failing();
	if (kr != KERN_RESOURCE_SHORTAGE)
		assert_int_equal(kr, expect_change(task, first, count, 0));
	for (uint64_t i = first; i < first + (done >> PAGE_SHIFT); i++)
		task->page[i].wired -= task->page[i].wired > 0;
}

/* Page replacement: of one place, or wherever the hand is. */
static void
step_sweep(struct task_model *task)
{
	uaddr_t va = address_of(random_page()), reached;
	uint64_t end = va + random_count() * PAGE_SIZE;
	struct pmap_sweep sweep = {0};
	bool twice = random_below(2) == 0;

	vm_host_maybe_fail();
	if (random_below(4) == 0) {
		for (unsigned i = 0; i < 100 && !map_sweep_step(&sweep); i++)
			continue;
	} else {
		while (va < end && map_sweep_range(task->map, va, end, &reached,
				       &sweep) == KERN_SUCCESS) {
			assert_true(reached > va);
			if (!twice || random_below(2) == 0)
				va = reached;
		}
	}
	vm_host_stop_failing();
	pages_taken += sweep.taken;
}

/* What was taken leaves, or is refused; some of it a while later. */
static void
step_store(void)
{
	vm_host_store_write(1 + (unsigned)random_below(16));
	if (random_below(3) > 0)
		vm_host_store_answer(random_below(8) > 0);
	if (random_below(4) == 0)
		vm_host_store_forget();
	if (random_below(64) == 0)
		while (swap_write_again())
			continue;
}

/* A page that is wired and may be written is there, and not shared. */
static void
check_wired(struct task_model *task)
{
	for (uint64_t i = 0; i < SPAN; i++) {
		const struct model_page *page = &task->page[i];
		pte_t pte;

		if (page->wired == 0 || page->kind == MAP_WINDOW ||
		    page->prot == VM_PROT_NONE)
			continue;
		spin_lock(&task->map->lock);
		pte = pmap_look(&task->map->pmap, address_of(i));
		assert_true(pte != 0 && !(pte & PTE_SWAP));
		spin_unlock(&task->map->lock);
	}
}

/* ---- checks ---- */

/* Everything that a task can read is what the model has. */
static void
check_contents(struct task_model *task)
{
	for (uint64_t i = 0; i < SPAN; i++) {
		const struct model_page *page = &task->page[i];
		void *bytes;

		/* Reading what was never written would fill it with pages. */
		if (!model_allows(page, VM_PROT_READ) ||
		    (page->tag[0] == 0 && random_below(8) != 0))
			continue;
		for (uint64_t k = 0; k < SECTORS; k++) {
			assert_int_equal(vm_host_access(task->map,
					     address_of(i) + k * SECTOR_SIZE,
					     VM_PROT_READ, &bytes),
			    KERN_SUCCESS);
			check_sector(bytes, page->tag[k]);
		}
	}
}

static void
check_sizes(struct task_model *task)
{
	uint64_t pages = 0;

	for (uint64_t i = 0; i < SPAN; i++)
		pages += task->page[i].mapped;
	assert_int_equal(task->map->size, pages * PAGE_SIZE);
}

static void
drop_parcels(void)
{
	for (unsigned i = 0; i < IN_TRANSIT; i++) {
		transfer_destroy(parcels[i].transfer);
		parcel_drop(&parcels[i]);
	}
}

static void
check_all(void)
{
	struct map *maps[TASKS];

	for (unsigned i = 0; i < TASKS; i++) {
		maps[i] = tasks[i].map;
		map_check(tasks[i].map);
		check_wired(&tasks[i]);
		check_sizes(&tasks[i]);
	}
	drop_parcels();
	vm_host_store_answer(true);
	vm_host_check_references(maps, TASKS);
}

/* Not let memory fill up: half of the pages stay free. */
static void
renew_task(struct task_model *task)
{
	vm_host_destroy(task->map);
	memset(task->page, 0, sizeof(task->page));
	task->map = vm_host_create();
	assert_non_null(task->map);
}

static void
one_step(void)
{
	struct task_model *task = &tasks[random_below(TASKS)];

	switch (random_below(20)) {
	case 0:
	case 1:
		step_allocate(task);
		break;
	case 2:
		step_deallocate(task);
		break;
	case 3:
		step_protect(task);
		break;
	case 4:
		step_inherit(task);
		break;
	case 5:
		step_copy(task);
		break;
	case 6:
		step_region(task);
		break;
	case 7:
		if (random_below(4) == 0)
			step_window(task);
		break;
	case 8:
	case 9:
	case 10:
		if (random_below(3) == 0)
			step_pass(task, &tasks[random_below(TASKS)]);
		else
			step_transfer();
		break;
	case 11:
	case 12:
		step_copy_over(task, &tasks[random_below(TASKS)]);
		break;
	case 13:
		if (random_below(12) == 0)
			step_fork(task, &tasks[random_below(TASKS)]);
		else if (random_below(8) == 0)
			step_write_all(task);
		else if (random_below(3) == 0)
			step_wire(task);
		else
			step_unwire(task);
		break;
	case 14:
	case 15:
		step_sweep(task);
		step_store();
		break;
	default:
		step_access(task);
		break;
	}
}

static void
make_window(void)
{
	struct page *block = page_alloc(6);

	window_pa = page_pa(block);
	for (uint64_t i = 0; i < WINDOW_PAGES; i++) {
		char *page = page_va(block + i);

		memset(page, 0, PAGE_SIZE);
		for (uint64_t k = 0; k < SECTORS; k++)
			write_sector(page + k * SECTOR_SIZE, window_tag(i, k));
	}
}

static void
test_random_steps(void **state)
{
	uint64_t steps = number_from("VM_STEPS", 1000000);
	uint64_t start, objects;

	(void)state;
	random_state = number_from("VM_SEED", 1);
	vm_host_start(RAM);
	swap_store_open();
	make_window();
	start = vm_host_pages_at_rest();
	objects = vm_host_objects();
	for (unsigned i = 0; i < TASKS; i++)
		tasks[i].map = vm_host_create();
	for (uint64_t step = 0; step < steps; step++) {
		one_step();
		if (step % 4096 == 0)
			check_all();
		if (step % 16384 == 0)
			check_contents(&tasks[random_below(TASKS)]);
		if (page_free_count() < page_total_count() / 2)
			renew_task(&tasks[random_below(TASKS)]);
	}
	assert_true(steps < 10000 || passages > steps / 1000);
	check_all();
	for (unsigned i = 0; i < TASKS; i++) {
		check_contents(&tasks[i]);
		vm_host_destroy(tasks[i].map);
	}
	assert_int_equal(vm_host_objects(), objects);
	assert_true(shares > steps / 64);
	assert_true(pages_taken > steps / 16);
	assert_true(swap_counts().pageins > steps / 64);
	while (swap_counts().dead > 0)
		vm_host_store_forget();
	assert_int_equal(swap_counts().used, 0);
	assert_int_equal(vm_host_pages_at_rest() + swap_counts().tables, start);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
