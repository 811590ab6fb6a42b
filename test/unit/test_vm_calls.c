/*
 * test/unit/test_vm_calls.c: every call about memory, in random order, against
 * a plain model.
 *
 * Long because each call has a step here, and what the model says of it.
 *
 * Three tasks call what is served at their ports, on themselves and on each
 * other, send memory in every form, and read, write and execute it.
 * Allocations fail now and then, at any site; arguments are wrong now and then.
 * After each step the page tables of all that it was about, and of some other
 * place, are compared with the model (vm_model.h); now and then everything is,
 * and then each page's references are counted, each page of RAM is
 * accounted for, and so is all that was charged.
 *
 * VM_STEPS in the environment says how many steps, VM_SEED which ones.
 *
 * Sources: vm/msync.c
 * Sources: vm vm/user.c vm/region.c vm/contents.c vm/behavior.c vm/remap.c
 * Sources: vm/memory_entry.c vm/view_call.c
 * Sources: test/unit/vm_model.c test/unit/vm_calls_host.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mach/memory_object_types.h>
#include <mach/vm_attributes.h>
#include <mach/vm_behavior.h>
#include <mach/vm_region.h>
#include <mach/vm_sync.h>
#include <serve/host_priv.h>
#include <serve/mach_vm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/list.h"
#include "kernel/thread.h"
#include "kernel/zone.h"
#include "vm/copy.h"
#include "vm/map_sweep.h"
#include "vm/swap.h"
#include "vm/transfer.h"
#include "vm_calls_host.h"
#include "vm_model.h"

enum {
	PARCELS = 4,
	ENTRIES = 4,
	RAM = 64 << 20,
	CHECK_STEPS = 16,  /* until all tables are compared */
	COUNT_STEPS = 512, /* until all references are counted */
};

/* Memory on its way. */
static struct parcel {
	struct transfer *transfer;
	uint64_t sectors; /* in all */
	uint64_t skip;	  /* sectors of the first page before the first sent */
	uint32_t *tag;
} parcels[PARCELS];

/* A memory entry. */
static struct entry {
	struct port *port;
	uint64_t pages;
	unsigned prot;
	struct model_page *page;
} entries[ENTRIES];

static struct port task_port[TASKS];
static uint32_t next_tag = 1;
static uint64_t refused; /* steps that memory was too short for */

/* ---- what a step was about ---- */

static struct {
	const struct model *model;
	uint64_t first, last;
} touched[8];
static unsigned touched_count;

static void
touch(const struct model *model, uint64_t first, uint64_t count)
{
	assert_true(touched_count < ARRAY_SIZE(touched));
	touched[touched_count].model = model;
	touched[touched_count].first = min_u64(first, SPAN);
	touched[touched_count++].last = min_u64(first + count, SPAN);
}

static void
touch_sectors(const struct model *model, uint64_t sector, uint64_t count)
{
	uint64_t first = sector / SECTORS;

	touch(model, first, (sector + count - 1) / SECTORS - first + 1);
}

/* ---- chance ---- */

/* Mostly a few pages; now and then leaf tables and more. */
static uint64_t
random_count(void)
{
	switch (random_below(40)) {
	case 0:
		return 500 + random_below(600);
	case 1:
	case 2:
	case 3:
		return 512 * (1 + random_below(2));
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
		return 512 * random_below(5);
	case 1:
		return 512 * (1 + random_below(5)) - random_below(8);
	default:
		return random_below(64);
	}
}

/* Pages that are mapped, mostly, if there are any near a random place. */
static uint64_t
random_range(const struct model *model, uint64_t *countp)
{
	uint64_t first = random_page(), count = random_count();

	if (random_below(5) > 0) {
		for (unsigned i = 0; i < 64 && !model->page[first].mapped; i++)
			first++;
		count = mapped_until(model, first, first + count) - first;
	}
	*countp = max_u64(count, 1);
	return first;
}

static uint8_t
random_prot(void)
{
	static const uint8_t prots[] = {VM_PROT_DEFAULT, VM_PROT_DEFAULT,
	    VM_PROT_DEFAULT, VM_PROT_DEFAULT, VM_PROT_READ,
	    VM_PROT_READ | VM_PROT_EXECUTE, VM_PROT_ALL, VM_PROT_NONE};

	return prots[random_below(ARRAY_SIZE(prots))];
}

static struct model *
random_model(void)
{
	return &models[random_below(TASKS)];
}

static bool may_fail; /* the call being made, for want of memory */

/* Let one of the next allocations fail, sometimes. */
static void
maybe_fail(void)
{
	bool pages = random_below(6) == 0, zones = random_below(6) == 0;

	may_fail = pages || zones;
	if (pages)
		page_fail_after(1 + random_below(8));
	if (zones)
		zone_fail_after(1 + random_below(5));
}

/* Was memory too short for it? */
static bool
was_short(kern_return_t kr)
{
	refused += kr == KERN_RESOURCE_SHORTAGE;
	return kr == KERN_RESOURCE_SHORTAGE;
}

/* ---- what the model says ---- */

static bool
is_taken(const struct model *model, uint64_t first, uint64_t count)
{
	for (uint64_t i = first; i < first + count; i++) {
		if (model->page[i].mapped)
			return true;
	}
	return false;
}

/* Why these pages do not all allow @access; NONE: why they are not there. */
static kern_return_t
why_not(
    const struct model *model, uint64_t first, uint64_t count, unsigned access)
{
	for (uint64_t i = first; i < first + count; i++) {
		if (!model->page[i].mapped)
			return KERN_INVALID_ADDRESS;
		if (access != VM_PROT_NONE &&
		    !page_allows(&model->page[i], access))
			return KERN_PROTECTION_FAILURE;
	}
	return KERN_SUCCESS;
}

static kern_return_t
why_not_sectors(
    const struct model *model, uint64_t sector, uint64_t count, unsigned access)
{
	uint64_t first = sector / SECTORS;

	return why_not(
	    model, first, (sector + count - 1) / SECTORS - first + 1, access);
}

/* Is there a page that @kr can be about?  Ends may be looked at first. */
static bool
is_why(const struct model *model, uint64_t sector, uint64_t count,
    unsigned access, kern_return_t kr)
{
	for (uint64_t i = sector / SECTORS; i <= (sector + count - 1) / SECTORS;
	     i++) {
		const struct model_page *page = &model->page[i];

		if (kr == (page->mapped ? KERN_PROTECTION_FAILURE
					: KERN_INVALID_ADDRESS) &&
		    !page_allows(page, access))
			return true;
	}
	return false;
}

static void
model_enter(
    struct model *model, uint64_t first, uint64_t count, struct model_page like)
{
	like.mapped = 1;
	for (uint64_t i = first; i < first + count; i++) {
		assert_false(model->page[i].mapped);
		model->page[i] = like;
	}
}

static const struct model_page plain = {.prot = VM_PROT_DEFAULT,
    .max_prot = VM_PROT_ALL,
    .inherit = VM_INHERIT_DEFAULT};

/* Forget what is not in the map any more. */
static void
sync_gone(struct model *model, uint64_t first, uint64_t count)
{
	uint64_t last = min_u64(first + count, SPAN);
	struct map_region region;

	for (uint64_t i = first; i < last; i++) {
		if (!model->page[i].mapped)
			continue;
		if (map_region(model->task.map, address_of(i), &region) !=
			KERN_SUCCESS ||
		    region.start > address_of(i))
			page_clear(&model->page[i]);
	}
}

/* The kernel chose a place that the model does not know: give it up. */
static bool
is_beyond(struct model *model, uaddr_t address, uint64_t pages)
{
	uint64_t done = 0;

	if (page_at(address) + pages <= SPAN)
		return false;
	do
		assert_int_equal(map_deallocate(model->task.map, address,
				     pages * PAGE_SIZE, &done),
		    KERN_SUCCESS);
	while (map_range_more(address, pages * PAGE_SIZE, done));
	return true;
}

/* ---- a user ---- */

static void
access_sector(
    struct model *model, uint64_t number, uint64_t sector, unsigned access)
{
	struct model_page *page = &model->page[number];
	uaddr_t va = address_of(number) + sector * SECTOR_SIZE;
	kern_return_t kr;
	void *bytes;

	kr = vm_host_access(model->task.map, va, access, &bytes);
	if (!page_allows(page, access)) {
		assert_int_equal(kr, page->mapped ? KERN_PROTECTION_FAILURE
						  : KERN_INVALID_ADDRESS);
		return;
	}
	if (kr != KERN_SUCCESS) {
		assert_true(was_short(kr));
		return;
	}
	sector_check(bytes, tag_of(page, sector));
	if (access == VM_PROT_WRITE) {
		tag_set(page, sector, next_tag);
		sector_write(bytes, next_tag++);
	}
}

/* ---- steps: regions ---- */

static void
step_allocate(struct model *model)
{
	uint64_t count = random_count(), first = random_page();
	bool anywhere = random_below(2) == 0, over = random_below(4) == 0;
	bool simple = random_below(2) == 0;
	int flags = (anywhere ? VM_FLAGS_ANYWHERE : VM_FLAGS_FIXED) |
		    (over ? VM_FLAGS_OVERWRITE : 0);
	struct model_page like = plain;
	uint64_t size, address;
	kern_return_t kr;

	if (random_below(6) == 0) {
		count = 512 * (1 + random_below(2));
		first = 512 * random_below(6);
		flags |= VM_FLAGS_SUPERPAGE_SIZE_2MB;
	}
	size = count * PAGE_SIZE;
	address = address_of(first);
	if (!(flags & VM_FLAGS_SUPERPAGE_MASK) && random_below(2) == 0) {
		size -= random_below(PAGE_SIZE);
		address += random_below(PAGE_SIZE);
	}
	if (!simple) {
		like.prot = random_prot();
		like.max_prot = like.prot | random_prot();
		like.inherit = (uint8_t)random_below(3);
	}
	maybe_fail();
	kr = simple ? SERVE(serve_mach_vm_allocate(
			  model->task.map, &address, size, flags))
		    : SERVE(serve_mach_vm_map(model->task.map, &address, size,
			  0, flags, NULL, 0, FALSE, like.prot, like.max_prot,
			  like.inherit));
	vm_host_stop_failing();
	if (!anywhere)
		touch(model, first, count);
	if (kr != KERN_SUCCESS) {
		if (!was_short(kr)) {
			assert_int_equal(kr, KERN_NO_SPACE);
			assert_true(!anywhere && !over);
			assert_true(is_taken(model, first, count));
		} else if (over && !anywhere) {
			sync_gone(model, first, count);
		}
		return;
	}
	if (!anywhere) {
		assert_int_equal(address, address_of(first));
		model_clear(model, first, over ? count : 0);
	} else if (is_beyond(model, address, count)) {
		return;
	}
	first = page_at(address);
	model_enter(model, first, count, like);
	touch(model, first, count);
	if (flags & VM_FLAGS_SUPERPAGE_MASK)
		access_sector(
		    model, first + random_below(count), 0, VM_PROT_WRITE);
}

static void
step_deallocate(struct model *model)
{
	uint64_t count, first = random_range(model, &count);
	uaddr_t address = address_of(first) + random_below(PAGE_SIZE);
	uint64_t size = address_of(first + count) - address;
	kern_return_t kr;

	maybe_fail();
	kr = SERVE(serve_mach_vm_deallocate(model->task.map, address, size));
	vm_host_stop_failing();
	if (!was_short(kr)) {
		assert_int_equal(kr, KERN_SUCCESS);
		assert_int_equal(calls_progress[0], count * PAGE_SIZE);
	}
	model_clear(model, first, calls_progress[0] >> PAGE_SHIFT);
	touch(model, first, count);
}

static void
step_protect(struct model *model)
{
	uint64_t count, first = random_range(model, &count);
	uint8_t prot = random_prot();
	bool maximum = random_below(8) == 0;
	kern_return_t kr, expected = KERN_SUCCESS;

	for (uint64_t i = first; i < first + count; i++) {
		if (!model->page[i].mapped)
			expected = KERN_INVALID_ADDRESS;
		else if (prot & ~model->page[i].max_prot)
			expected = KERN_PROTECTION_FAILURE;
		if (expected != KERN_SUCCESS)
			break;
	}
	maybe_fail();
	kr = SERVE(serve_mach_vm_protect(model->task.map, address_of(first),
	    count * PAGE_SIZE, maximum, prot));
	vm_host_stop_failing();
	if (!was_short(kr))
		assert_int_equal(kr, expected);
	for (uint64_t i = 0; i < calls_progress[0] >> PAGE_SHIFT; i++) {
		struct model_page *page = &model->page[first + i];

		page->prot = maximum ? page->prot & prot : prot;
		if (maximum)
			page->max_prot = prot;
	}
	touch(model, first, count);
}

static void
step_inherit(struct model *model)
{
	uint64_t count, first = random_range(model, &count);
	uint8_t inherit = (uint8_t)random_below(3);
	kern_return_t kr;

	maybe_fail();
	kr = SERVE(serve_mach_vm_inherit(
	    model->task.map, address_of(first), count * PAGE_SIZE, inherit));
	vm_host_stop_failing();
	if (!was_short(kr))
		assert_int_equal(
		    kr, why_not(model, first, count, VM_PROT_NONE));
	for (uint64_t i = 0; i < calls_progress[0] >> PAGE_SHIFT; i++)
		model->page[first + i].inherit = inherit;
	touch(model, first, count);
}

/* ---- steps: users ---- */

static void
step_access(struct model *model)
{
	static const unsigned accesses[] = {VM_PROT_READ, VM_PROT_READ,
	    VM_PROT_WRITE, VM_PROT_WRITE, VM_PROT_WRITE, VM_PROT_EXECUTE};
	uint64_t count, first = random_range(model, &count);

	count = min_u64(count, 12);
	if (random_below(8) == 0)
		maybe_fail();
	for (uint64_t i = first; i < first + count; i++)
		access_sector(model, i, random_below(SECTORS),
		    accesses[random_below(ARRAY_SIZE(accesses))]);
	vm_host_stop_failing();
	touch(model, first, count);
}

/* Write to each page of what may be a superpage. */
static void
step_write_all(struct model *model)
{
	uint64_t first = 512 * random_below(6);

	if (why_not(model, first, 512, VM_PROT_WRITE) != KERN_SUCCESS)
		return;
	for (uint64_t i = first; i < first + 512; i++)
		access_sector(model, i, 0, VM_PROT_WRITE);
	touch(model, first, 512);
}

/* The kernel's own copies, of whole sectors. */
static void
step_kernel_copy(struct model *model)
{
	static uint64_t buffer[3 * PAGE_SIZE / 8];
	uint64_t sector = random_page() * SECTORS + random_below(SECTORS);
	uint64_t count = 1 + random_below(3 * SECTORS - 1);
	uaddr_t va = BASE + sector * SECTOR_SIZE;
	struct map *map = model->task.map;
	bool to = random_below(2) == 0;
	kern_return_t kr, expected = why_not_sectors(model, sector, count,
			      to ? VM_PROT_WRITE : VM_PROT_READ);

	memset(buffer, 0, sizeof(buffer));
	for (uint64_t i = 0; to && i < count; i++)
		sector_write(
		    &buffer[i * SECTOR_SIZE / 8], (uint32_t)(next_tag + i));
	if (!to)
		maybe_fail();
	kr = to ? map_copy_to(map, va, buffer, count * SECTOR_SIZE)
		: map_copy_from(map, buffer, va, count * SECTOR_SIZE);
	vm_host_stop_failing();
	touch_sectors(model, sector, count);
	if (was_short(kr) && !to)
		return;
	assert_int_equal(kr, expected);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t at = sector + i;
		struct model_page *page = &model->page[at / SECTORS];

		if (to && !page_allows(page, VM_PROT_WRITE))
			break;
		if (to)
			tag_set(page, at % SECTORS, (uint32_t)(next_tag + i));
		else if (kr == KERN_SUCCESS)
			sector_check(&buffer[i * SECTOR_SIZE / 8],
			    tag_of(page, at % SECTORS));
	}
	next_tag += (uint32_t)count;
}

/* ---- steps: transfers ---- */

/* Whole pages, or some sectors less at both ends. */
static uint64_t
random_sectors(const struct model *model, uint64_t *countp)
{
	uint64_t count, sector = random_range(model, &count) * SECTORS;

	count *= SECTORS;
	if (random_below(2) == 0) {
		sector += random_below(SECTORS);
		count -= SECTORS - 1;
	}
	*countp = count;
	return sector;
}

static uint32_t *
tags_of(struct model *model, uint64_t sector, uint64_t count)
{
	uint32_t *tags = calloc(count + 1, sizeof(*tags));

	for (uint64_t i = 0; i < count; i++)
		tags[i] = tag_of(&model->page[(sector + i) / SECTORS],
		    (sector + i) % SECTORS);
	return tags;
}

/* Bytes have come to @sector of @model. */
static void
set_tags(
    struct model *model, uint64_t sector, const uint32_t *tags, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		tag_set(&model->page[(sector + i) / SECTORS],
		    (sector + i) % SECTORS, tags[i]);
}

/* Steps after which a caller has ended; mostly it has not. */
static unsigned
random_patience(void)
{
	return random_below(8) == 0 ? (unsigned)random_below(3) : ~0U;
}

static void
random_harts(void)
{
	vm_host_elsewhere = random_below(3) == 0;
	pmap_asid_bits = random_below(3) == 0 ? 0 : 16;
}

/* What a message would take of @model, or NULL. */
static struct transfer *
take(
    struct model *model, uint64_t sector, uint64_t count, enum transfer_how how)
{
	struct transfer *transfer = NULL;
	unsigned patience = random_patience();
	kern_return_t kr,
	    expected = why_not_sectors(model, sector, count, VM_PROT_READ);

	/* What leaves its sender leaves him once that has begun. */
	if (how == TRANSFER_GIVE)
		patience = ~0U;
	random_harts();
	vm_host_set_current(model->task.map);
	maybe_fail();
	do
		kr = transfer_take(model->task.map, BASE + sector * SECTOR_SIZE,
		    count * SECTOR_SIZE, how, &transfer);
	while (kr == KERN_OPERATION_TIMED_OUT && patience-- > 0);
	vm_host_stop_failing();
	vm_host_set_current(NULL);
	touch_sectors(model, sector, count);
	if (kr == KERN_OPERATION_TIMED_OUT) {
		transfer_destroy(transfer);
		return NULL;
	}
	if (kr == KERN_SUCCESS) {
		assert_int_equal(expected, KERN_SUCCESS);
		return transfer;
	}
	assert_null(transfer);
	/* A shortage within copyin() looks like a bad address. */
	assert_true(
	    was_short(kr) || kr == KERN_INVALID_ADDRESS || kr == expected);
	return NULL;
}

static void
step_take(struct model *model, struct parcel *parcel)
{
	static const enum transfer_how hows[] = {
	    TRANSFER_GIVE, TRANSFER_GIVE, TRANSFER_KEEP, TRANSFER_COPY};
	enum transfer_how how = hows[random_below(ARRAY_SIZE(hows))];
	uint64_t count, sector = random_sectors(model, &count);

	parcel->transfer = take(model, sector, count, how);
	if (parcel->transfer == NULL)
		return;
	assert_int_equal(transfer_size(parcel->transfer), count * SECTOR_SIZE);
	parcel->sectors = count;
	parcel->skip = sector % SECTORS;
	parcel->tag = tags_of(model, sector, count);
	if (how == TRANSFER_GIVE)
		model_clear(model, sector / SECTORS,
		    (sector + count - 1) / SECTORS - sector / SECTORS + 1);
}

static void
parcel_drop(struct parcel *parcel)
{
	transfer_destroy(parcel->transfer);
	free(parcel->tag);
	*parcel = (struct parcel){0};
}

/* Sectors have come to @address. */
static void
entered(
    struct model *model, uaddr_t address, const uint32_t *tags, uint64_t count)
{
	uint64_t skip = address % PAGE_SIZE / SECTOR_SIZE;
	uint64_t pages = (skip + count + SECTORS - 1) / SECTORS;
	uint64_t first = page_at(address);

	if (is_beyond(model, page_floor(address), pages))
		return;
	model_enter(model, first, pages, plain);
	set_tags(model, first * SECTORS + skip, tags, count);
	touch(model, first, pages);
}

/* What was sent is entered into @model; true: it was, or is gone. */
static bool
enter(struct model *model, struct transfer *transfer, uint64_t skip,
    const uint32_t *tags, uint64_t count)
{
	uaddr_t address = 0;
	kern_return_t kr;

	maybe_fail();
	kr = transfer_map(transfer, model->task.map, &address);
	vm_host_stop_failing();
	if (kr != KERN_SUCCESS) {
		assert_true(was_short(kr));
		return false;
	}
	assert_int_equal(address % PAGE_SIZE / SECTOR_SIZE, skip);
	entered(model, address, tags, count);
	return true;
}

static void
step_transfer(struct model *model)
{
	struct parcel *parcel = &parcels[random_below(PARCELS)];

	if (parcel->transfer == NULL) {
		step_take(model, parcel);
	} else if (random_below(6) == 0) {
		parcel_drop(parcel);
	} else if (enter(model, parcel->transfer, parcel->skip, parcel->tag,
		       parcel->sectors)) {
		parcel->transfer = NULL;
		parcel_drop(parcel);
	}
}

/* ---- steps: reading and writing of others ---- */

static void
step_read(struct model *model, struct model *caller)
{
	uint64_t count, sector = random_sectors(model, &count);
	struct transfer *data = NULL;
	mach_msg_type_number_t size = 0;
	uint32_t *tags;
	kern_return_t kr;

	random_harts();
	maybe_fail();
	kr = SERVE(serve_mach_vm_read(model->task.map,
	    BASE + sector * SECTOR_SIZE, count * SECTOR_SIZE, &data, &size));
	vm_host_stop_failing();
	touch_sectors(model, sector, count);
	if (kr != KERN_SUCCESS) {
		assert_true(was_short(kr) ||
			    is_why(model, sector, count, VM_PROT_READ, kr));
		return;
	}
	assert_int_equal(size, count * SECTOR_SIZE);
	tags = tags_of(model, sector, count);
	/* It is written to before it arrives. */
	step_access(model);
	if (!enter(caller, data, sector % SECTORS, tags, count))
		transfer_destroy(data);
	free(tags);
}

static void
step_read_list(struct model *model, struct model *caller)
{
	static mach_vm_read_entry_t list;
	uint64_t sector[3], count[3];
	kern_return_t kr;

	memset(list, 0, sizeof(list));
	for (unsigned i = 0; i < 3; i++) {
		sector[i] = random_sectors(model, &count[i]);
		count[i] = min_u64(count[i], 40 * SECTORS);
		list[i].address = BASE + sector[i] * SECTOR_SIZE;
		list[i].size = count[i] * SECTOR_SIZE;
	}
	maybe_fail();
	kr = SERVE(
	    serve_mach_vm_read_list(model->task.map, (natural_t *)list, 3));
	vm_host_stop_failing();
	for (unsigned i = 0; i < 3; i++)
		touch_sectors(model, sector[i], count[i]);
	if (was_short(kr) || kr != KERN_SUCCESS)
		return;
	/* The one may have come to where the next is read. */
	for (unsigned i = 0; i < 3; i++) {
		uint32_t *tags = tags_of(model, sector[i], count[i]);

		assert_int_equal(list[i].size, count[i] * SECTOR_SIZE);
		entered(caller, list[i].address, tags, count[i]);
		free(tags);
	}
}

/* Where @count sectors go that come from @sector. */
static uint64_t
random_target(const struct model *model, uint64_t sector, uint64_t *countp)
{
	uint64_t pages, at = random_range(model, &pages) * SECTORS;

	if (random_below(3) == 0)
		at += random_below(SECTORS);
	else
		at += sector % SECTORS;
	if (random_below(3) == 0)
		at = at / (512 * SECTORS) * (512 * SECTORS) +
		     sector % (512 * SECTORS);
	if (random_below(3) > 0) {
		uint64_t good = 0;

		while (good < *countp && at + good < LAST_SECTOR &&
		       page_allows(
			   &model->page[(at + good) / SECTORS], VM_PROT_WRITE))
			good++;
		*countp = max_u64(good, 1);
	}
	return at;
}

/* Bytes were to go over others; @done of them did. */
static void
written_over(struct model *to, uint64_t at, const uint32_t *tags,
    uint64_t count, uint64_t done, kern_return_t kr, bool readable)
{
	kern_return_t expected = why_not_sectors(to, at, count, VM_PROT_WRITE);

	if (kr == KERN_SUCCESS) {
		assert_int_equal(done, count * SECTOR_SIZE);
		assert_true(readable);
		assert_int_equal(expected, KERN_SUCCESS);
	} else if (!was_short(kr)) {
		assert_true(!readable || expected != KERN_SUCCESS);
		assert_int_equal(done, 0);
	}
	assert_int_equal(done % SECTOR_SIZE, 0);
	set_tags(to, at, tags, done / SECTOR_SIZE);
	touch_sectors(to, at, count);
}

static void
step_copy_over(struct model *from, struct model *to)
{
	uint64_t count, sector = random_sectors(from, &count);
	uint64_t at = random_target(to, sector, &count);
	mach_vm_size_t copied;
	uint32_t *tags;
	kern_return_t kr;
	bool readable;

	if (at + count > LAST_SECTOR)
		return;
	tags = tags_of(from, sector, count);
	readable =
	    why_not_sectors(from, sector, count, VM_PROT_READ) == KERN_SUCCESS;
	random_harts();
	current_thread()->task = &to->task;
	maybe_fail();
	kr = from == to && random_below(2) == 0
		 ? SERVE(serve_mach_vm_copy(from->task.map,
		       BASE + sector * SECTOR_SIZE, count * SECTOR_SIZE,
		       BASE + at * SECTOR_SIZE))
		 : SERVE(serve_mach_vm_read_overwrite(from->task.map,
		       BASE + sector * SECTOR_SIZE, count * SECTOR_SIZE,
		       BASE + at * SECTOR_SIZE, &copied));
	vm_host_stop_failing();
	touch_sectors(from, sector, count);
	written_over(to, at, tags, count, calls_progress[1], kr, readable);
	free(tags);
}

static void
step_write(struct model *from, struct model *to)
{
	uint64_t count, sector = random_sectors(from, &count);
	uint64_t at = random_target(to, sector, &count);
	struct transfer *data;
	uint32_t *tags;
	kern_return_t kr;

	if (at + count > LAST_SECTOR)
		return;
	data = take(from, sector, count, TRANSFER_KEEP);
	if (data == NULL)
		return;
	tags = tags_of(from, sector, count);
	maybe_fail();
	kr = SERVE(serve_mach_vm_write(to->task.map, BASE + at * SECTOR_SIZE,
	    data, (mach_msg_type_number_t)(count * SECTOR_SIZE)));
	vm_host_stop_failing();
	written_over(to, at, tags, count, calls_progress[1], kr, true);
	transfer_destroy(data);
	free(tags);
}

/* ---- steps: sharing ---- */

/* A place for @count pages: where, and with which flags. */
static int
random_place(uint64_t count, uaddr_t *addressp)
{
	*addressp = address_of(min_u64(random_page(), SPAN - count));
	return (random_below(3) == 0 ? VM_FLAGS_ANYWHERE : VM_FLAGS_FIXED) |
	       (random_below(2) == 0 ? VM_FLAGS_OVERWRITE : 0);
}

/* Copies of some pages, or the pages themselves. */
static struct model_page *
pages_of(struct model_page *from, uint64_t count, bool copy)
{
	struct model_page *pages = calloc(count, sizeof(*pages));

	for (uint64_t i = 0; i < count; i++) {
		if (copy)
			page_like(&pages[i], &from[i]);
		else
			page_share(&pages[i], &from[i]);
	}
	return pages;
}

static void
pages_drop(struct model_page *pages, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		page_clear(&pages[i]);
	free(pages);
}

/* Something was to be placed; or was, at @address. */
static void
placed(struct model *model, uaddr_t address, int flags,
    struct model_page *pages, uint64_t count, kern_return_t kr)
{
	uint64_t first = page_at(address);
	bool anywhere = (flags & VM_FLAGS_ANYWHERE) != 0;
	bool over = (flags & VM_FLAGS_OVERWRITE) != 0;

	if (kr != KERN_SUCCESS) {
		if (anywhere)
			return;
		touch(model, first, count);
		if (was_short(kr) && over)
			sync_gone(model, first, count);
		if (!was_short(kr))
			assert_true(!over && is_taken(model, first, count));
		return;
	}
	if (anywhere && is_beyond(model, address, count))
		return;
	if (over && !anywhere)
		model_clear(model, first, count);
	for (uint64_t i = 0; i < count; i++) {
		assert_false(model->page[first + i].mapped);
		page_share(&model->page[first + i], &pages[i]);
	}
	touch(model, first, count);
}

static void
step_remap(struct model *from, struct model *to)
{
	uint64_t count, first = random_range(from, &count);
	bool copy = random_below(2) == 0;
	uint8_t inherit = (uint8_t)random_below(3);
	vm_prot_t prot, max_prot;
	struct model_page *pages;
	uaddr_t address;
	int flags = random_place(count, &address);
	kern_return_t kr, expected = why_not(from, first, count, VM_PROT_NONE);

	calls_rights_used = 0;
	maybe_fail();
	kr = SERVE(serve_mach_vm_remap(to->task.map, &address,
	    count * PAGE_SIZE, 0, flags, &task_port[from - models],
	    address_of(first), copy, &prot, &max_prot, inherit));
	vm_host_stop_failing();
	assert_int_equal(calls_rights_used, kr == KERN_SUCCESS);
	touch(from, first, count);
	if (expected != KERN_SUCCESS) {
		assert_true(was_short(kr) || kr == expected);
		return;
	}
	pages = pages_of(&from->page[first], count, copy);
	for (uint64_t i = 0; i < count; i++)
		pages[i].inherit = inherit;
	placed(to, address, flags, pages, count, kr);
	pages_drop(pages, count);
}

static void
entry_drop(struct entry *entry)
{
	if (entry->port == NULL)
		return;
	calls_drop_entry(entry->port);
	pages_drop(entry->page, entry->pages);
	*entry = (struct entry){0};
}

/* What an entry of these pages could give. */
static unsigned
rights_of(const struct model *model, uint64_t first, uint64_t count, bool copy)
{
	unsigned prot = VM_PROT_ALL;

	for (uint64_t i = first; i < first + count; i++)
		prot &= model->page[i].prot;
	return copy && (prot & VM_PROT_READ) ? VM_PROT_ALL : prot;
}

static void
step_make_entry(struct model *model, struct entry *entry)
{
	uint64_t count, first = random_range(model, &count);
	unsigned prot = VM_PROT_READ | random_prot();
	bool copy = random_below(2) == 0;
	memory_object_size_t size = count * PAGE_SIZE;
	kern_return_t kr, expected = why_not(model, first, count, VM_PROT_NONE);

	if (expected == KERN_SUCCESS &&
	    (prot & ~rights_of(model, first, count, copy)) != 0)
		expected = KERN_PROTECTION_FAILURE;
	maybe_fail();
	kr = SERVE(serve_mach_vm_make_memory_entry(model->task.map, &size,
	    address_of(first),
	    (vm_prot_t)(prot | (copy ? MAP_MEM_VM_COPY : MAP_MEM_VM_SHARE)),
	    &entry->port, NULL));
	vm_host_stop_failing();
	touch(model, first, count);
	if (kr != KERN_SUCCESS) {
		assert_null(entry->port);
		assert_true(was_short(kr) || kr == expected);
		return;
	}
	assert_int_equal(expected, KERN_SUCCESS);
	assert_int_equal(size, count * PAGE_SIZE);
	entry->pages = count;
	entry->prot = prot;
	entry->page = pages_of(&model->page[first], count, copy);
}

/* Of new memory, or of a part of another's. */
static void
step_make_other_entry(
    struct model *model, struct entry *entry, struct entry *parent)
{
	uint64_t offset = 0, count = random_count();
	unsigned prot = VM_PROT_DEFAULT;
	memory_object_size_t size;
	kern_return_t kr;

	if (parent->port != NULL && parent != entry) {
		offset = random_below(parent->pages);
		count = 1 + random_below(parent->pages - offset);
		prot &= parent->prot;
	} else {
		parent = NULL;
	}
	size = count * PAGE_SIZE;
	maybe_fail();
	kr = SERVE(serve_mach_vm_make_memory_entry(model->task.map, &size,
	    offset * PAGE_SIZE,
	    (vm_prot_t)(prot | (parent == NULL ? MAP_MEM_NAMED_CREATE : 0)),
	    &entry->port, parent != NULL ? parent->port : NULL));
	vm_host_stop_failing();
	if (kr != KERN_SUCCESS) {
		assert_true(was_short(kr));
		return;
	}
	entry->pages = count;
	entry->prot = prot;
	if (parent != NULL) {
		entry->page = pages_of(&parent->page[offset], count, false);
		return;
	}
	entry->page = calloc(count, sizeof(*entry->page));
	for (uint64_t i = 0; i < count; i++)
		entry->page[i].mapped = 1;
}

static void
step_map_entry(struct model *model, struct entry *entry)
{
	uint64_t offset = random_below(entry->pages);
	uint64_t count = 1 + random_below(entry->pages - offset);
	uint8_t inherit = (uint8_t)random_below(3);
	uint8_t max_prot = VM_PROT_READ | random_prot();
	uint8_t prot = max_prot & random_prot();
	bool copy = random_below(2) == 0;
	struct model_page *pages;
	uaddr_t address;
	int flags = random_place(count, &address);
	kern_return_t kr;

	maybe_fail();
	kr = SERVE(serve_mach_vm_map(model->task.map, &address,
	    count * PAGE_SIZE, 0, flags, entry->port, offset * PAGE_SIZE, copy,
	    prot, max_prot, inherit));
	vm_host_stop_failing();
	if ((max_prot & ~entry->prot) != 0) {
		assert_int_equal(kr, KERN_INVALID_RIGHT);
		return;
	}
	pages = pages_of(&entry->page[offset], count, copy);
	for (uint64_t i = 0; i < count; i++) {
		pages[i].prot = prot;
		pages[i].max_prot = max_prot;
		pages[i].inherit = inherit;
	}
	placed(model, address, flags, pages, count, kr);
	pages_drop(pages, count);
}

static void
step_entry(struct model *model)
{
	struct entry *entry = &entries[random_below(ENTRIES)];

	if (entry->port == NULL && random_below(3) > 0)
		step_make_entry(model, entry);
	else if (entry->port == NULL)
		step_make_other_entry(
		    model, entry, &entries[random_below(ENTRIES)]);
	else if (random_below(4) > 0)
		step_map_entry(model, entry);
	else
		entry_drop(entry);
}

/* All of one task becomes a copy of another. */
static void
step_fork(struct model *parent, struct model *child)
{
	struct map *map = vm_host_create();
	kern_return_t kr = KERN_RESOURCE_SHORTAGE;
	unsigned patience = random_patience();
	struct map_fork *fork;

	assert_non_null(map);
	maybe_fail();
	fork = map_fork_begin(parent->task.map, map);
	if (fork != NULL) {
		do
			kr = map_fork_step(fork);
		while (kr == KERN_OPERATION_TIMED_OUT && patience-- > 0);
		while (map_fork_end_step(fork))
			continue;
	}
	vm_host_stop_failing();
	touch(parent, 0, SPAN);
	if (kr != KERN_SUCCESS) {
		assert_true(was_short(kr) || kr == KERN_OPERATION_TIMED_OUT);
		vm_host_destroy(map);
		return;
	}
	vm_host_destroy(child->task.map);
	child->task.map = map;
	for (uint64_t i = 0; i < SPAN; i++) {
		struct model_page *page = &parent->page[i];

		page_clear(&child->page[i]);
		if (page->mapped && page->inherit == VM_INHERIT_COPY)
			page_like(&child->page[i], page);
		else if (page->mapped && page->inherit == VM_INHERIT_SHARE)
			page_share(&child->page[i], page);
	}
	touch(child, 0, SPAN);
}

/* ---- steps: advice, caches, wiring ---- */

/* Is the page private memory that may be exchanged? */
static bool
is_exchangeable(const struct model *model, uint64_t page)
{
	struct map_region region;

	assert_int_equal(map_region(model->task.map, address_of(page), &region),
	    KERN_SUCCESS);
	return region.kind == MAP_ANONYMOUS && model->page[page].wired == 0;
}

static void
step_forget(struct model *model)
{
	uint64_t count, first = random_range(model, &count);
	bool zero = random_below(2) == 0;
	kern_return_t kr;

	maybe_fail();
	kr =
	    SERVE(serve_mach_vm_behavior_set(model->task.map, address_of(first),
		count * PAGE_SIZE, zero ? VM_BEHAVIOR_ZERO : VM_BEHAVIOR_FREE));
	vm_host_stop_failing();
	if (!was_short(kr))
		assert_int_equal(
		    kr, why_not(model, first, count, VM_PROT_WRITE));
	for (uint64_t i = first; i < first + (calls_progress[0] >> PAGE_SHIFT);
	     i++) {
		if (!zero && !is_exchangeable(model, i))
			continue;
		for (uint64_t k = 0; k < SECTORS; k++)
			tag_set(&model->page[i], k, 0);
	}
	touch(model, first, count);
}

/* What changes no byte. */
static void
step_advise(struct model *model)
{
	static const vm_behavior_t behaviors[] = {VM_BEHAVIOR_DEFAULT,
	    VM_BEHAVIOR_RANDOM, VM_BEHAVIOR_SEQUENTIAL, VM_BEHAVIOR_WILLNEED,
	    VM_BEHAVIOR_DONTNEED, VM_BEHAVIOR_PAGEOUT, VM_BEHAVIOR_PAGEOUT};
	uint64_t count, first = random_range(model, &count);
	vm_machine_attribute_val_t value = MATTR_VAL_CACHE_SYNC;
	kern_return_t kr, expected = why_not(model, first, count, VM_PROT_NONE);
	uaddr_t start = address_of(first);
	uint64_t size = count * PAGE_SIZE;
	unsigned kind = (unsigned)random_below(4);

	maybe_fail();
	switch (kind) {
	case 0:
		kr = SERVE(serve_mach_vm_machine_attribute(
		    model->task.map, start, size, MATTR_CACHE, &value));
		break;
	case 1:
		kr = SERVE(serve_mach_vm_msync(model->task.map, start, size,
		    VM_SYNC_SYNCHRONOUS | VM_SYNC_CONTIGUOUS));
		break;
	default:
		kr = SERVE(serve_mach_vm_behavior_set(model->task.map, start,
		    size, behaviors[random_below(ARRAY_SIZE(behaviors))]));
		break;
	}
	vm_host_stop_failing();
	touch(model, first, count);
	assert_true(was_short(kr) || kr == expected ||
		    (kind > 1 && kr == KERN_INVALID_ADDRESS));
}

/* Memory was too short for wiring, and may be for undoing it: some of it may be
 * wired once more than it says. */
static void
sync_wired(struct model *model, uint64_t first, uint64_t count)
{
	struct map_region region;

	for (uint64_t i = first; i < first + count; i++) {
		struct model_page *page = &model->page[i];

		if (!page->mapped)
			continue;
		assert_int_equal(
		    map_region(model->task.map, address_of(i), &region),
		    KERN_SUCCESS);
		assert_true(region.wired - page->wired <= 1);
		page->wired = (uint8_t)region.wired;
	}
}

static void
step_wire(struct model *model)
{
	uint64_t first = random_page(), count = 1 + random_below(40);
	vm_prot_t access = (vm_prot_t)random_below(VM_PROT_ALL + 1);
	kern_return_t kr, expected = KERN_SUCCESS;

	for (uint64_t i = first; i < first + count; i++) {
		const struct model_page *page = &model->page[i];

		if (!page->mapped)
			expected = KERN_INVALID_ADDRESS;
		else if ((unsigned)access & ~(unsigned)page->prot)
			expected = KERN_PROTECTION_FAILURE;
		if (expected != KERN_SUCCESS)
			break;
		if (page->wired > 200)
			return;
	}
	maybe_fail();
	kr = SERVE(serve_mach_vm_wire(
	    &model->task, address_of(first), count * PAGE_SIZE, access));
	vm_host_stop_failing();
	touch(model, first, count);
	if (kr != KERN_SUCCESS && access != VM_PROT_NONE) {
		if (!was_short(kr))
			assert_int_equal(kr, expected);
		/* Undoing it may have been short of memory, too. */
		if (may_fail)
			sync_wired(model, first, count);
		return;
	}
	if (!was_short(kr))
		assert_int_equal(kr, expected);
	if (kr != KERN_SUCCESS)
		count = calls_progress[0] >> PAGE_SHIFT;
	for (uint64_t i = first; i < first + count; i++) {
		struct model_page *page = &model->page[i];

		if (access != VM_PROT_NONE)
			page->wired++;
		else if (page->wired > 0)
			page->wired--;
	}
}

static void
step_sweep(struct model *model)
{
	uaddr_t va = address_of(random_page()), reached;
	uint64_t end = va + random_count() * PAGE_SIZE;
	struct pmap_sweep sweep = {0};

	touch(model, page_at(va), page_at(end) - page_at(va));
	maybe_fail();
	while (va < end && map_sweep_range(model->task.map, va, end, &reached,
			       &sweep) == KERN_SUCCESS)
		va = random_below(2) == 0 ? reached : va;
	vm_host_stop_failing();
}

/* ---- steps: questions, and nonsense ---- */

static void
step_region(struct model *model)
{
	uint64_t page = random_page(), start = page;
	mach_vm_address_t address = address_of(page);
	vm_region_submap_info_data_64_t info;
	mach_msg_type_number_t count = VM_REGION_SUBMAP_INFO_COUNT_64;
	mach_vm_size_t size;
	natural_t depth = 7;
	kern_return_t kr = SERVE(serve_mach_vm_region_recurse(
	    model->task.map, &address, &size, &depth, (int *)&info, &count));

	while (start < SPAN && !model->page[start].mapped)
		start++;
	if (start == SPAN) {
		assert_int_equal(kr, KERN_INVALID_ADDRESS);
		return;
	}
	assert_int_equal(kr, KERN_SUCCESS);
	assert_int_equal(depth, 0);
	assert_true(
	    address <= address_of(start) && address + size > address_of(start));
	for (uint64_t i = page_at(address); i < page_at(address + size); i++) {
		const struct model_page *at = &model->page[i];

		assert_true(at->mapped);
		assert_int_equal(info.protection, at->prot);
		assert_int_equal(info.max_protection, at->max_prot);
		assert_int_equal(info.inheritance, at->inherit);
		assert_int_equal(info.user_wired_count, at->wired);
	}
}

#define WRONG_CALLS 13

static kern_return_t
call_wrongly(struct map *map, unsigned call, uaddr_t at, uint64_t size)
{
	mach_vm_address_t to = BASE, moved = at;
	vm_machine_attribute_val_t value = MATTR_VAL_CACHE_SYNC;
	mach_msg_type_number_t count;
	struct transfer *data = NULL;
	mach_vm_size_t copied;
	vm_prot_t prot, max_prot;

	switch (call) {
	case 0:
		return SERVE(serve_mach_vm_allocate(
		    map, &moved, size, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE));
	case 1:
		return SERVE(serve_mach_vm_deallocate(map, at, size));
	case 2:
		return SERVE(serve_mach_vm_protect(
		    map, at, size, random_below(2) == 0, VM_PROT_READ));
	case 3:
		return SERVE(
		    serve_mach_vm_inherit(map, at, size, VM_INHERIT_NONE));
	case 4:
		return SERVE(serve_mach_vm_read(map, at, size, &data, &count));
	case 5:
		return SERVE(
		    serve_mach_vm_read_overwrite(map, at, size, BASE, &copied));
	case 6:
		return SERVE(serve_mach_vm_copy(map, at, size, BASE));
	case 7:
		return SERVE(serve_mach_vm_copy(map, BASE, size, at));
	case 8:
		return SERVE(serve_mach_vm_behavior_set(
		    map, at, size, VM_BEHAVIOR_ZERO));
	case 9:
		return SERVE(serve_mach_vm_machine_attribute(
		    map, at, size, MATTR_CACHE, &value));
	case 10:
		return SERVE(serve_mach_vm_remap(map, &to, size, 0,
		    VM_FLAGS_OVERWRITE, &task_port[0], at, FALSE, &prot,
		    &max_prot, VM_INHERIT_NONE));
	case 11:
		return SERVE(serve_mach_vm_map(map, &moved, size, 0,
		    VM_FLAGS_OVERWRITE, NULL, 0, FALSE, VM_PROT_READ,
		    VM_PROT_READ, VM_INHERIT_NONE));
	default:
		return SERVE(serve_mach_vm_msync(
		    map, at, size, VM_SYNC_SYNCHRONOUS | VM_SYNC_CONTIGUOUS));
	}
}

/* Ranges that are none, beyond the user's half, or round the end. */
static void
step_nonsense(struct model *model)
{
	static const struct {
		uint64_t at, size;
	} ranges[] = {{~0UL, 1}, {~0UL - 4095, 4096}, {BASE, ~0UL},
	    {BASE, ~0UL - PAGE_SIZE}, {BASE + 5, ~0UL - BASE},
	    {1UL << 63, 1UL << 63}, {~0UL, ~0UL}, {USER_END, PAGE_SIZE},
	    {USER_END - PAGE_SIZE, 2 * PAGE_SIZE},
	    {0xffffffc000000000, PAGE_SIZE}};
	unsigned which = (unsigned)random_below(ARRAY_SIZE(ranges));
	unsigned call = (unsigned)random_below(WRONG_CALLS);
	kern_return_t kr;

	current_thread()->task = &model->task;
	kr = call_wrongly(
	    model->task.map, call, ranges[which].at, ranges[which].size);
	/* Nothing has to be there to be removed. */
	if (call == 1 && ranges[which].at >= USER_END - PAGE_SIZE)
		return;
	if (kr == KERN_SUCCESS)
		fail_msg("call %u serves range %u", call, which);
	assert_true(kr == KERN_INVALID_ARGUMENT || kr == KERN_INVALID_ADDRESS ||
		    kr == KERN_NO_SPACE || kr == KERN_PROTECTION_FAILURE);
	touch(model, 0, SPAN);
}

/* ---- checks ---- */

static void
check_touched(void)
{
	const struct model *model = random_model();
	uint64_t first = random_below(SPAN / 512) * 512;

	for (unsigned i = 0; i < touched_count; i++)
		model_compare(
		    touched[i].model, touched[i].first, touched[i].last);
	touched_count = 0;
	model_compare(model, first, first + 512);
}

static void
check_tables(void)
{
	for (unsigned i = 0; i < TASKS; i++) {
		map_check(models[i].task.map);
		model_compare(&models[i], 0, SPAN);
		model_compare_map(&models[i]);
	}
}

static uint64_t pages_at_start;

/* Nothing is in transit then.  Every page of RAM is accounted for. */
static void
check_references(void)
{
	struct map *maps[TASKS];
	uint64_t named;

	for (unsigned i = 0; i < PARCELS; i++)
		parcel_drop(&parcels[i]);
	for (unsigned i = 0; i < ENTRIES; i++)
		entry_drop(&entries[i]);
	for (unsigned i = 0; i < TASKS; i++)
		maps[i] = models[i].task.map;
	named = vm_host_check_references(maps, TASKS);
	assert_int_equal(vm_host_pages_at_rest() + swap_counts().tables + named,
	    pages_at_start);
}

/* ---- all of it ---- */

static void
renew(struct model *model)
{
	if (model->task.map != NULL)
		vm_host_destroy(model->task.map);
	model_clear(model, 0, SPAN);
	model->task.map = vm_host_create();
	assert_non_null(model->task.map);
}

typedef void (*step_t)(struct model *model);

static void
step_two(struct model *model)
{
	struct model *other = random_model();

	current_thread()->task = &other->task;
	switch (random_below(8)) {
	case 0:
		step_read(model, other);
		break;
	case 1:
		step_read_list(model, other);
		break;
	case 2:
	case 3:
		step_copy_over(model, other);
		break;
	case 4:
		step_write(model, other);
		break;
	case 5:
	case 6:
		step_remap(model, other);
		break;
	default:
		if (random_below(20) == 0 && model != other)
			step_fork(model, other);
		break;
	}
}

static void
step_seldom(struct model *model)
{
	switch (random_below(24)) {
	case 0:
		step_write_all(model);
		break;
	case 1:
		renew(model);
		break;
	case 2:
		step_nonsense(model);
		break;
	default:
		step_region(model);
		break;
	}
}

static const step_t steps[] = {step_allocate, step_allocate, step_deallocate,
    step_protect, step_inherit, step_access, step_access, step_access,
    step_access, step_kernel_copy, step_transfer, step_transfer, step_transfer,
    step_two, step_two, step_two, step_two, step_entry, step_entry, step_forget,
    step_advise, step_wire, step_sweep, step_seldom};

static void
run(uint64_t count)
{
	for (uint64_t step = 1; step <= count; step++) {
		vm_host_superpages = random_below(2) == 0;
		steps[random_below(ARRAY_SIZE(steps))](random_model());
		check_touched();
		if (step % CHECK_STEPS == 0)
			check_tables();
		if (step % COUNT_STEPS == 0)
			check_references();
		if (page_free_count() < page_total_count() / 2)
			renew(random_model());
	}
}

static void
test_all_calls(void **state)
{
	uint64_t count = number_from("VM_STEPS", 3000000);
	uint64_t objects;

	(void)state;
	random_state = number_from("VM_SEED", 1);
	calls_start(RAM);
	pages_at_start = vm_host_pages_at_rest();
	objects = vm_host_objects();
	for (unsigned i = 0; i < TASKS; i++) {
		models[i].task.refs = 1;
		models[i].task.ledger = vm_host_ledger();
		renew(&models[i]);
		task_port[i].kind = KOBJECT_TASK;
		task_port[i].object = &models[i].task;
	}
	current_thread()->task = &models[0].task;
	run(count);
	check_tables();
	check_references();
	for (unsigned i = 0; i < TASKS; i++) {
		assert_int_equal(atomic_load(&models[i].task.refs), 1);
		vm_host_destroy(models[i].task.map);
		model_clear(&models[i], 0, SPAN);
	}
	vm_host_reap();
	assert_true(refused > count / 100);
	assert_int_equal(swap_counts().used, 0);
	assert_int_equal(
	    vm_host_pages_at_rest() + swap_counts().tables, pages_at_start);
	assert_int_equal(vm_host_objects(), objects);
	printf(
	    "# note: %lu steps, %lu of them short of memory\n", count, refused);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_all_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
