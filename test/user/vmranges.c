/*
 * vmranges.c: every memory call with ranges that are none: round the end of all
 * addresses, outside the user's half, with holes, empty, or parts of pages.
 *
 * Each call has one documented answer for each sort of range, as a trap on the
 * task itself and as a message to another, by its mach_vm_ and its vm_ name;
 * and whatever it answers, neither task has another region, right, or byte than
 * before.
 */
#include <string.h>

#include <mach/mach_host.h>
#include <mach/memory_object_types.h>
#include <mach/vm_attributes.h>
#include <mach/vm_behavior.h>
#include <servers/bootstrap.h>

#include "test/user/mach_test.h"

#define PAGE	 4096UL
#define ARENA	 0x3000000000UL
#define USER_END 0x4000000000UL
#define TARGET	 (ARENA + 64 * PAGE) /* where copies would go */

static task_t self;
static host_priv_t host_priv;

/* ---- ranges ---- */

enum sort {
	ENDLESS, /* no number of pages is so large */
	WRAPPED, /* it goes round the end of all addresses */
	OUTSIDE, /* of the user's half, some of it at least */
	HOLE,	 /* nothing is there, or not everywhere */
	EMPTY,
	SORTS
};

static const struct range {
	mach_vm_address_t start;
	mach_vm_size_t size;
	enum sort sort;
} ranges[] = {
    {~0UL, 1, WRAPPED},
    {~0UL - 4095, 4096, WRAPPED},
    {~0UL - 4096, 2, WRAPPED},
    {ARENA, ~0UL, ENDLESS},
    {ARENA, ~0UL - 4096, WRAPPED},
    {ARENA + 5, ~0UL - ARENA - 4, WRAPPED},
    {1UL << 63, 1UL << 63, WRAPPED},
    {~0UL, ~0UL, ENDLESS},
    {ARENA, ~0UL - 4094, ENDLESS},
    {USER_END, PAGE, OUTSIDE},
    {USER_END + 5, 1, OUTSIDE},
    {0xffffffc000000000, PAGE, OUTSIDE},
    {1UL << 63, PAGE, OUTSIDE},
    {1UL << 40, 1, OUTSIDE},
    {0, PAGE, HOLE},
    {0, 1, HOLE},
    {ARENA + 4 * PAGE, PAGE, HOLE},
    {ARENA + 4 * PAGE + 77, 1, HOLE},
    {ARENA + 3 * PAGE, 3 * PAGE, HOLE},
    {ARENA + 4 * PAGE - 1, 2, HOLE},
    {ARENA - 1, 2, HOLE},
    {ARENA, 0, EMPTY},
    {ARENA + 5, 0, EMPTY},
    {ARENA + 4 * PAGE, 0, EMPTY},
    {8, 0, EMPTY},
};
#define RANGES (sizeof(ranges) / sizeof(ranges[0]))

/* ---- calls ---- */

static char bytes[PAGE];
static union {
	mach_vm_address_t address;
	vm_address_t old_address;
	mach_vm_size_t size;
	vm_size_t old_size;
	vm_offset_t data;
} out;
static mach_msg_type_number_t count;
static vm_prot_t prot, max_prot;
static mem_entry_name_port_t entry;

#define CALL(name, call)                                                       \
	static kern_return_t name(                                             \
	    task_t task, mach_vm_address_t at, mach_vm_size_t size)            \
	{                                                                      \
		out.address = at;                                              \
		return (call);                                                 \
	}

CALL(allocate, mach_vm_allocate(task, &out.address, size, VM_FLAGS_FIXED))
CALL(allocate_over, mach_vm_allocate(task, &out.address, size,
			VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE))
CALL(old_allocate, vm_allocate(task, &out.old_address, size, VM_FLAGS_FIXED))
CALL(map, mach_vm_map(task, &out.address, size, 0,
	      VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE, MACH_PORT_NULL, 0, FALSE,
	      VM_PROT_READ, VM_PROT_READ, VM_INHERIT_NONE))
CALL(old_map,
    vm_map(task, &out.old_address, size, 0, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE,
	MACH_PORT_NULL, 0, FALSE, VM_PROT_READ, VM_PROT_READ, VM_INHERIT_NONE))
CALL(deallocate, mach_vm_deallocate(task, at, size))
CALL(old_deallocate, vm_deallocate(task, at, size))
CALL(protect, mach_vm_protect(task, at, size, FALSE, VM_PROT_NONE))
CALL(protect_max, mach_vm_protect(task, at, size, TRUE, VM_PROT_NONE))
CALL(old_protect, vm_protect(task, at, size, FALSE, VM_PROT_NONE))
CALL(inherit, mach_vm_inherit(task, at, size, VM_INHERIT_NONE))
CALL(old_inherit, vm_inherit(task, at, size, VM_INHERIT_NONE))
CALL(read, mach_vm_read(task, at, size, &out.data, &count))
CALL(old_read, vm_read(task, at, size, &out.data, &count))
CALL(read_over,
    mach_vm_read_overwrite(task, at, size, (mach_vm_address_t)bytes, &out.size))
CALL(old_read_over,
    vm_read_overwrite(task, at, size, (vm_address_t)bytes, &out.old_size))
CALL(write_to,
    mach_vm_write(task, at, (vm_offset_t)bytes, (mach_msg_type_number_t)size))
CALL(old_write,
    vm_write(task, at, (vm_offset_t)bytes, (mach_msg_type_number_t)size))
CALL(copy, mach_vm_copy(task, at, size, TARGET))
CALL(old_copy, vm_copy(task, at, size, TARGET))
CALL(copy_to, mach_vm_copy(task, TARGET, size, at))
CALL(zero, mach_vm_behavior_set(task, at, size, VM_BEHAVIOR_ZERO))
CALL(free_pages, mach_vm_behavior_set(task, at, size, VM_BEHAVIOR_FREE))
CALL(advise, mach_vm_behavior_set(task, at, size, VM_BEHAVIOR_RANDOM))
CALL(need, mach_vm_behavior_set(task, at, size, VM_BEHAVIOR_WILLNEED))
CALL(old_advise, vm_behavior_set(task, at, size, VM_BEHAVIOR_RANDOM))
CALL(wire, mach_vm_wire(host_priv, task, at, size, VM_PROT_READ))
CALL(unwire, mach_vm_wire(host_priv, task, at, size, VM_PROT_NONE))
CALL(old_wire, vm_wire(host_priv, task, at, size, VM_PROT_READ))
CALL(sync_range,
    mach_vm_msync(task, at, size, VM_SYNC_SYNCHRONOUS | VM_SYNC_CONTIGUOUS))
CALL(old_sync,
    vm_msync(task, at, size, VM_SYNC_SYNCHRONOUS | VM_SYNC_CONTIGUOUS))

/* Into memory of ours, wherever it comes from. */
static kern_return_t
read_to(task_t task, mach_vm_address_t at, mach_vm_size_t size)
{
	return mach_vm_read_overwrite(task, TARGET, size, at, &out.size);
}

static kern_return_t
attribute(task_t task, mach_vm_address_t at, mach_vm_size_t size)
{
	vm_machine_attribute_val_t value = MATTR_VAL_CACHE_SYNC;

	return mach_vm_machine_attribute(task, at, size, MATTR_CACHE, &value);
}

static kern_return_t
remap_from(task_t task, mach_vm_address_t at, mach_vm_size_t size)
{
	out.address = TARGET;
	return mach_vm_remap(task, &out.address, size, 0,
	    VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE, task, at, FALSE, &prot,
	    &max_prot, VM_INHERIT_NONE);
}

static kern_return_t
remap_copy(task_t task, mach_vm_address_t at, mach_vm_size_t size)
{
	out.address = TARGET;
	return mach_vm_remap(task, &out.address, size, 0,
	    VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE, task, at, TRUE, &prot,
	    &max_prot, VM_INHERIT_NONE);
}

static kern_return_t
make_entry(task_t task, mach_vm_address_t at, mach_vm_size_t size)
{
	memory_object_size_t length = size;

	return mach_make_memory_entry_64(task, &length, at,
	    MAP_MEM_VM_SHARE | VM_PROT_READ, &entry, MACH_PORT_NULL);
}

static kern_return_t
read_list(task_t task, mach_vm_address_t at, mach_vm_size_t size)
{
	static mach_vm_read_entry_t list;
	kern_return_t kr;

	list[0].address = ARENA;
	list[0].size = PAGE + 10;
	list[1].address = at;
	list[1].size = size;
	kr = mach_vm_read_list(task, list, 2);
	if (kr == KERN_SUCCESS)
		must(mach_vm_deallocate(self, list[0].address, PAGE + 10));
	return kr;
}

#define ARGUMENT KERN_INVALID_ARGUMENT
#define ADDRESS	 KERN_INVALID_ADDRESS
#define GOOD	 KERN_SUCCESS
/* It would do something, which is right: not tried. */
#define WORKS (-1)

static const struct call {
	const char *name;
	kern_return_t (*call)(
	    task_t task, mach_vm_address_t at, mach_vm_size_t size);
	kern_return_t answer[SORTS];
	bool small; /* only with ranges of no more than a page */
} calls[] = {
    {"allocate", allocate, {ARGUMENT, ADDRESS, ADDRESS, WORKS, GOOD}},
    {"allocate over", allocate_over, {ARGUMENT, ADDRESS, ADDRESS, WORKS, GOOD}},
    {"vm_allocate", old_allocate, {ARGUMENT, ADDRESS, ADDRESS, WORKS, GOOD}},
    {"map", map, {ARGUMENT, ADDRESS, ADDRESS, WORKS, ARGUMENT}},
    {"vm_map", old_map, {ARGUMENT, ADDRESS, ADDRESS, WORKS, ARGUMENT}},
    {"deallocate", deallocate, {ARGUMENT, ARGUMENT, GOOD, WORKS, GOOD}},
    {"vm_deallocate", old_deallocate, {ARGUMENT, ARGUMENT, GOOD, WORKS, GOOD}},
    {"protect", protect, {ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}},
    {"protect maximum", protect_max,
	{ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}},
    {"vm_protect", old_protect, {ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}},
    {"inherit", inherit, {ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}},
    {"vm_inherit", old_inherit, {ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}},
    {"read", read, {ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}},
    {"vm_read", old_read, {ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}},
    {"read_list", read_list, {ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}},
    {"read_overwrite", read_over, {ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}},
    {"vm_read_overwrite", old_read_over,
	{ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}},
    {"read_overwrite to", read_to, {ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD},
	true},
    {"write", write_to, {ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}, true},
    {"vm_write", old_write, {ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}, true},
    {"copy from", copy, {ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}},
    {"copy to", copy_to, {ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}},
    {"vm_copy", old_copy, {ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}},
    {"behavior zero", zero, {ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}},
    {"behavior free", free_pages, {ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}},
    {"behavior random", advise, {ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}},
    {"behavior need", need, {ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}},
    {"vm_behavior_set", old_advise,
	{ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}},
    {"attribute", attribute, {ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}},
    {"wire", wire, {ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}},
    {"unwire", unwire, {ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}},
    {"vm_wire", old_wire, {ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}},
    {"msync", sync_range, {ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}},
    {"vm_msync", old_sync, {ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, GOOD}},
    {"remap", remap_from, {ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, ARGUMENT}},
    {"remap a copy", remap_copy,
	{ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, ARGUMENT}},
    {"memory entry", make_entry,
	{ARGUMENT, ARGUMENT, ADDRESS, ADDRESS, ARGUMENT}},
};
#define CALLS (sizeof(calls) / sizeof(calls[0]))

/* ---- what a task has ---- */

static uint64_t
mix(uint64_t sum, uint64_t word)
{
	return (sum ^ word) * 0x100000001b3;
}

/* All its regions, and the bytes of the arena. */
static uint64_t
state_of(task_t task)
{
	static uint64_t page[PAGE / 8];
	mach_vm_address_t at = 0;
	mach_vm_size_t size;
	uint64_t sum = 0;

	for (;; at += size) {
		vm_region_submap_short_info_data_64_t info;
		mach_msg_type_number_t words =
		    VM_REGION_SUBMAP_SHORT_INFO_COUNT_64;
		natural_t depth = 0;

		if (mach_vm_region_recurse(task, &at, &size, &depth,
			(vm_region_recurse_info_t)&info,
			&words) != KERN_SUCCESS)
			break;
		sum = mix(mix(sum, at), size);
		sum = mix(mix(sum, (uint64_t)info.protection),
		    (uint64_t)info.max_protection);
		sum = mix(mix(sum, info.inheritance), info.user_wired_count);
		sum = mix(sum, (uint64_t)info.behavior);
	}
	for (at = ARENA; at < ARENA + 6 * PAGE; at += PAGE) {
		if (mach_vm_read_overwrite(task, at, PAGE,
			(mach_vm_address_t)page, &size) != KERN_SUCCESS)
			continue;
		for (unsigned i = 0; i < PAGE / 8; i++)
			sum = mix(sum, page[i]);
	}
	return sum;
}

/* Four pages with bytes, a hole, one more that may be read, and the target. */
static void
furnish(task_t task)
{
	static const struct {
		mach_vm_address_t start;
		mach_vm_size_t size;
	} parts[] = {
	    {ARENA, 4 * PAGE}, {ARENA + 5 * PAGE, PAGE}, {TARGET, 8 * PAGE}};
	static char page[PAGE];

	pattern_fill(page, PAGE, 3);
	for (unsigned i = 0; i < 3; i++) {
		mach_vm_address_t at = parts[i].start;

		must(
		    mach_vm_allocate(task, &at, parts[i].size, VM_FLAGS_FIXED));
		must(mach_vm_write(task, at, (vm_offset_t)page, PAGE));
	}
	must(
	    mach_vm_protect(task, ARENA + 5 * PAGE, PAGE, FALSE, VM_PROT_READ));
}

/* ---- tests ---- */

static void
try_call(const struct call *call, task_t task, const char *whose)
{
	uint64_t mine = state_of(self), theirs = state_of(task);
	unsigned names = name_count(), wrong = 0, changes = 0;

	for (unsigned i = 0; i < RANGES; i++) {
		kern_return_t expected = call->answer[ranges[i].sort], kr;

		if (expected == WORKS || (call->small && ranges[i].size > PAGE))
			continue;
		kr = call->call(task, ranges[i].start, ranges[i].size);
		if (kr != expected) {
			note("%s, %s: %#lx, %#lx: %d, not %d", call->name,
			    whose, ranges[i].start, ranges[i].size, kr,
			    expected);
			wrong++;
		}
		if (state_of(self) != mine || state_of(task) != theirs) {
			note("%s, %s: %#lx, %#lx: something has changed",
			    call->name, whose, ranges[i].start, ranges[i].size);
			changes++;
			mine = state_of(self);
			theirs = state_of(task);
		}
	}
	is(wrong, 0, "%s, %s: the documented codes", call->name, whose);
	is(changes, 0, "%s, %s: nothing is changed", call->name, whose);
	is(name_count(), names, "%s, %s: no name is left", call->name, whose);
}

int
main(void)
{
	task_t other;

	self = mach_task_self();
	must(bootstrap_device(bootstrap_port, "host_priv", &host_priv));
	must(task_create(self, NULL, 0, FALSE, &other));
	furnish(self);
	furnish(other);
	ok(state_of(other) != 0, "there is a task");
	/* What is kept from one call to the next is there from now on. */
	for (unsigned i = 0; i < CALLS; i++)
		(void)calls[i].call(self, ~0UL, 1);
	for (unsigned i = 0; i < CALLS; i++) {
		try_call(&calls[i], self, "itself");
		try_call(&calls[i], other, "another");
	}
	must(task_terminate(other));
	return done();
}
