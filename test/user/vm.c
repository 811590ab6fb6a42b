/* vm.c: allocate, deallocate, protect, inherit, region, map, read, write. */
#include "test/user/mach_test.h"

#include <string.h>

#include <mach/vm_map.h>
#include <user/vm_map.h>

#define PAGE 4096UL

static task_t self;

static vm_region_basic_info_data_64_t
region_at(mach_vm_address_t *address, mach_vm_size_t *size, kern_return_t *kr)
{
	vm_region_basic_info_data_64_t info;
	mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;
	mach_port_t object = 1;

	memset(&info, 0, sizeof(info));
	*kr = mach_vm_region(self, address, size, VM_REGION_BASIC_INFO_64,
	    (vm_region_info_t)&info, &count, &object);
	return info;
}

static void
test_allocate(void)
{
	mach_vm_address_t address = 0, fixed;

	is(mach_vm_allocate(self, &address, 3 * PAGE, VM_FLAGS_ANYWHERE),
	    KERN_SUCCESS, "memory anywhere");
	is(address % PAGE, 0, "in whole pages");
	ok(all_zero((void *)address, 3 * PAGE), "is zero");
	memset((void *)address, 1, 3 * PAGE);
	fixed = address;
	is(mach_vm_allocate(self, &fixed, PAGE, VM_FLAGS_FIXED), KERN_NO_SPACE,
	    "not where there is some");
	fixed = address + 2 * PAGE + 5;
	is(mach_vm_allocate(self, &fixed, 2 * PAGE, VM_FLAGS_FIXED),
	    KERN_NO_SPACE, "nor over a part of it");
	is(mach_vm_deallocate(self, address + PAGE, PAGE), KERN_SUCCESS,
	    "a hole is made");
	fixed = address + PAGE + 9;
	is(mach_vm_allocate(self, &fixed, 10, VM_FLAGS_FIXED), KERN_SUCCESS,
	    "and filled");
	is(fixed, address + PAGE, "rounded to pages");
	ok(all_zero((void *)fixed, PAGE), "with zeros again");
	ok(*(char *)address == 1, "its neighbours kept theirs");
	is(mach_vm_deallocate(self, address, 3 * PAGE), KERN_SUCCESS, "gone");
	is(mach_vm_deallocate(self, address, 3 * PAGE), KERN_SUCCESS,
	    "holes are no error");
}

static void
test_wrong_allocations(void)
{
	mach_vm_address_t address = 0;

	is(mach_vm_allocate(self, &address, ~0UL - 5, VM_FLAGS_ANYWHERE),
	    KERN_INVALID_ARGUMENT, "a size that has no whole pages");
	ok(mach_vm_allocate(self, &address, 1UL << 50, VM_FLAGS_ANYWHERE) !=
		KERN_SUCCESS,
	    "more than there are addresses");
	address = 0;
	is(mach_vm_allocate(self, &address, PAGE, VM_FLAGS_FIXED),
	    KERN_INVALID_ADDRESS, "the null page");
	address = 0x4000000000;
	is(mach_vm_allocate(self, &address, PAGE, VM_FLAGS_FIXED),
	    KERN_INVALID_ADDRESS, "behind the user's half");
	address = 0xffffffffc0000000;
	is(mach_vm_allocate(self, &address, PAGE, VM_FLAGS_FIXED),
	    KERN_INVALID_ADDRESS, "the kernel's half");
	is(mach_vm_allocate(self, &address, PAGE, 0x200), KERN_INVALID_ARGUMENT,
	    "an unknown flag");
	is(_kernelrpc_mach_vm_allocate_trap(
	       self, (mach_vm_address_t *)8, PAGE, VM_FLAGS_ANYWHERE),
	    KERN_INVALID_ADDRESS, "a pointer to nowhere");
	is(_kernelrpc_mach_vm_allocate_trap(
	       NO_NAME, &address, PAGE, VM_FLAGS_ANYWHERE),
	    KERN_INVALID_ARGUMENT, "no task");
	is(mach_vm_allocate(self, &address, 0, VM_FLAGS_ANYWHERE), KERN_SUCCESS,
	    "no bytes");
	is(address, 0, "are at no address");
	is(mach_vm_deallocate(self, ~0UL - 4095, 8192), KERN_INVALID_ARGUMENT,
	    "a range round the end of all addresses");
	is(mach_vm_deallocate(self, PAGE, 0), KERN_SUCCESS, "no range");
}

static void
test_protect(void)
{
	char *pages = pages_new(8 * PAGE);
	mach_vm_address_t at = (mach_vm_address_t)pages, start = at + PAGE;
	mach_vm_size_t size;
	vm_region_basic_info_data_64_t info;
	kern_return_t kr;

	memset(pages, 2, 8 * PAGE);
	is(mach_vm_protect(self, at + PAGE, 2 * PAGE, FALSE, VM_PROT_READ),
	    KERN_SUCCESS, "two pages are made read-only");
	info = region_at(&start, &size, &kr);
	is(kr, KERN_SUCCESS, "a region begins there");
	is(start, at + PAGE, "with the first");
	is(size, 2 * PAGE, "and ends with the second");
	is(info.protection, VM_PROT_READ, "to be read");
	is(info.max_protection, VM_PROT_ALL, "and whatever one likes later");
	ok(pages[PAGE] == 2, "reading works");
	is(mach_vm_protect(self, at + PAGE, 2 * PAGE, FALSE, VM_PROT_DEFAULT),
	    KERN_SUCCESS, "made writable again");
	pages[PAGE] = 3;
	ok(pages[PAGE] == 3, "it may be written");
	start = at;
	region_at(&start, &size, &kr);
	ok(start <= at && start + size >= at + 8 * PAGE,
	    "neighbours that are alike are one region");

	is(mach_vm_protect(self, at, PAGE, TRUE, VM_PROT_READ), KERN_SUCCESS,
	    "a maximum is set");
	is(mach_vm_protect(self, at, PAGE, FALSE, VM_PROT_DEFAULT),
	    KERN_PROTECTION_FAILURE, "and holds");
	start = at;
	info = region_at(&start, &size, &kr);
	is(info.protection, VM_PROT_READ, "for what is allowed now, too");
	is(mach_vm_protect(self, at, PAGE, FALSE, 0x4000),
	    KERN_INVALID_ARGUMENT, "no such permission");
	pages_end(pages + 4 * PAGE, PAGE);
	is(mach_vm_protect(self, at + PAGE, 7 * PAGE, FALSE, VM_PROT_READ),
	    KERN_INVALID_ADDRESS, "a hole has no protection");
	pages[2 * PAGE] = 4;
	ok(pages[2 * PAGE] == 4, "and nothing was changed round it");
	pages_end(pages, 8 * PAGE);
}

static void
test_region(void)
{
	char *pages = pages_new(3 * PAGE);
	mach_vm_address_t at = (mach_vm_address_t)pages, start = 0;
	mach_vm_size_t size;
	vm_region_basic_info_data_64_t info;
	mach_msg_type_number_t count = 2;
	mach_port_t object;
	kern_return_t kr;
	unsigned regions = 0, wrong = 0;
	bool found = false;

	for (;;) {
		mach_vm_address_t previous = start;

		info = region_at(&start, &size, &kr);
		if (kr != KERN_SUCCESS)
			break;
		regions++;
		wrong += start < previous || size == 0 || size % PAGE != 0 ||
			 (info.protection & ~info.max_protection) != 0;
		found |= start <= at && at < start + size;
		start += size;
	}
	is(kr, KERN_INVALID_ADDRESS, "regions come to an end");
	ok(regions >= 4, "code, constants, data, stack: %u regions", regions);
	is(wrong, 0, "in order");
	ok(found, "ours among them");
	start = at + PAGE + 1;
	region_at(&start, &size, &kr);
	ok(start <= at, "an address in a region finds all of it");
	start = at;
	is(mach_vm_region(self, &start, &size, VM_REGION_BASIC_INFO_64,
	       (vm_region_info_t)&info, &count, &object),
	    KERN_INVALID_ARGUMENT, "no room for the answer");
	count = VM_REGION_BASIC_INFO_COUNT_64;
	is(mach_vm_region(self, &start, &size, 99, (vm_region_info_t)&info,
	       &count, &object),
	    KERN_INVALID_ARGUMENT, "no such flavor");
	pages_end(pages, 3 * PAGE);
}

static void
test_map(void)
{
	mach_vm_address_t address = 0;
	mach_vm_size_t size;
	vm_region_basic_info_data_64_t info;
	kern_return_t kr;

	is(mach_vm_map(self, &address, 5 * PAGE, 0x1fffff, VM_FLAGS_ANYWHERE,
	       MACH_PORT_NULL, 0, FALSE, VM_PROT_READ,
	       VM_PROT_READ | VM_PROT_WRITE, VM_INHERIT_NONE),
	    KERN_SUCCESS, "memory by all its properties");
	is(address & 0x1fffff, 0, "aligned as the mask says");
	info = region_at(&address, &size, &kr);
	is(info.protection, VM_PROT_READ, "protected as asked");
	is(info.max_protection, VM_PROT_READ | VM_PROT_WRITE, "at most so");
	is(info.inheritance, VM_INHERIT_NONE, "inherited as asked");
	is(mach_vm_inherit(self, address, 5 * PAGE, VM_INHERIT_SHARE),
	    KERN_SUCCESS, "which can be changed");
	info = region_at(&address, &size, &kr);
	is(info.inheritance, VM_INHERIT_SHARE, "to this");
	is(mach_vm_inherit(self, address, PAGE, 7), KERN_INVALID_ARGUMENT,
	    "but not to that");
	ok(all_zero((void *)address, 5 * PAGE), "zero, as ever");
	pages_end((void *)address, 5 * PAGE);
	address = 0;
	is(mach_vm_map(self, &address, PAGE, 0, VM_FLAGS_ANYWHERE,
	       MACH_PORT_NULL, 0, FALSE, VM_PROT_ALL, VM_PROT_READ,
	       VM_INHERIT_COPY),
	    KERN_INVALID_ARGUMENT, "not more than the maximum");
	is(mach_vm_map(self, &address, 0, 0, VM_FLAGS_ANYWHERE, MACH_PORT_NULL,
	       0, FALSE, VM_PROT_READ, VM_PROT_ALL, VM_INHERIT_COPY),
	    KERN_INVALID_ARGUMENT, "not of no bytes");
}

static void
test_read_write(void)
{
	const size_t size = 70000;
	char *pages = pages_new(size);
	vm_offset_t data = 0;
	mach_msg_type_number_t count = 0;

	pattern_fill(pages, size, 8);
	is(mach_vm_read(
	       self, (mach_vm_address_t)pages + 100, 60000, &data, &count),
	    KERN_SUCCESS, "a piece is read");
	is(count, 60000, "whole");
	ok(memcmp((void *)data, pages + 100, 60000) == 0, "as it is");
	pages[100]++;
	ok(*(char *)data != pages[100], "and a copy");
	is(mach_vm_write(self, (mach_vm_address_t)pages, data, count),
	    KERN_SUCCESS, "written elsewhere");
	ok(memcmp((void *)data, pages, 60000) == 0, "it is there");
	pages_end((void *)data, count);

	is(mach_vm_read(self, 0, 100, &data, &count), KERN_INVALID_ADDRESS,
	    "nothing to read");
	is(mach_vm_write(self, 0, (vm_offset_t)pages, 100),
	    KERN_INVALID_ADDRESS, "nothing to write to");
	must(mach_vm_protect(
	    self, (mach_vm_address_t)pages, PAGE, FALSE, VM_PROT_READ));
	is(mach_vm_write(
	       self, (mach_vm_address_t)pages, (vm_offset_t)pages + PAGE, 100),
	    KERN_PROTECTION_FAILURE, "read-only memory is not written");
	must(mach_vm_protect(
	    self, (mach_vm_address_t)pages, PAGE, FALSE, VM_PROT_NONE));
	is(mach_vm_read(self, (mach_vm_address_t)pages, 100, &data, &count),
	    KERN_PROTECTION_FAILURE, "nor unreadable memory read");
	pages_end(pages, size);
}

/* Another task's memory, by its port. */
static void
test_other_task(void)
{
	mach_vm_address_t address = 0x40000000;
	vm_offset_t data;
	mach_msg_type_number_t count;
	char *pages = pages_new(3 * PAGE);
	task_t other;

	must(task_create(self, NULL, 0, FALSE, &other));
	is(mach_vm_allocate(other, &address, 3 * PAGE, VM_FLAGS_FIXED),
	    KERN_SUCCESS, "another task is given memory");
	is(address, 0x40000000, "where we like it");
	pattern_fill(pages, 3 * PAGE, 4);
	is(mach_vm_write(other, address + 11, (vm_offset_t)pages, 9000),
	    KERN_SUCCESS, "it is written to");
	is(mach_vm_read(other, address, 3 * PAGE, &data, &count), KERN_SUCCESS,
	    "and read");
	ok(all_zero((void *)data, 11) &&
		pattern_holds((char *)data + 11, 9000, 4) &&
		all_zero((char *)data + 9011, 3 * PAGE - 9011),
	    "in the right places");
	pages_end((void *)data, count);
	is(mach_vm_protect(other, address, PAGE, FALSE, VM_PROT_READ),
	    KERN_SUCCESS, "it is protected");
	is(mach_vm_write(other, address, (vm_offset_t)pages, 8),
	    KERN_PROTECTION_FAILURE, "and that holds for us too");
	is(mach_vm_deallocate(other, address, 3 * PAGE), KERN_SUCCESS,
	    "and taken away");
	is(mach_vm_read(other, address, 8, &data, &count), KERN_INVALID_ADDRESS,
	    "nothing is left");
	must(task_terminate(other));
	ok(mach_vm_allocate(other, &address, PAGE, VM_FLAGS_ANYWHERE) !=
		KERN_SUCCESS,
	    "the dead own nothing");
	must(mach_port_deallocate(self, other));
	pages_end(pages, 3 * PAGE);
}

/* ---- the same by their older names, as calls and as messages ---- */

static void
test_older_calls(void)
{
	vm_address_t address = 0, mapped = 0, found;
	vm_region_basic_info_data_64_t info;
	mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;
	mach_port_t object;
	vm_offset_t data;
	vm_size_t size;

	is(vm_allocate(self, &address, 2 * PAGE, VM_FLAGS_ANYWHERE),
	    KERN_SUCCESS, "vm_allocate");
	is(vm_protect(self, address, PAGE, FALSE, VM_PROT_READ), KERN_SUCCESS,
	    "vm_protect");
	is(vm_inherit(self, address, PAGE, VM_INHERIT_NONE), KERN_SUCCESS,
	    "vm_inherit");
	found = address;
	is(vm_region(self, &found, &size, VM_REGION_BASIC_INFO,
	       (vm_region_info_t)&info, &count, &object),
	    KERN_SUCCESS, "vm_region");
	ok(found == address && size == PAGE &&
		info.protection == VM_PROT_READ &&
		info.inheritance == VM_INHERIT_NONE,
	    "it sees what they did");
	*(char *)(address + PAGE) = 'x';
	is(vm_read(self, address + PAGE, 10, &data, &count), KERN_SUCCESS,
	    "vm_read");
	ok(count == 10 && *(char *)data == 'x', "reads");
	*(char *)data = 'y';
	is(vm_write(self, address + PAGE, data, 10), KERN_SUCCESS, "vm_write");
	is(*(char *)(address + PAGE), 'y', "writes");
	is(vm_read_overwrite(self, address + PAGE, 8, data + 100, &size),
	    KERN_SUCCESS, "vm_read_overwrite");
	ok(size == 8 && *(char *)(data + 100) == 'y', "reads to a place");
	pages_end((void *)data, PAGE);
	is(vm_map(self, &mapped, PAGE, 0xffff, VM_FLAGS_ANYWHERE,
	       MACH_PORT_NULL, 0, FALSE, VM_PROT_READ, VM_PROT_ALL,
	       VM_INHERIT_COPY),
	    KERN_SUCCESS, "vm_map");
	is(mapped & 0xffff, 0, "maps by a mask");
	is(vm_deallocate(self, mapped, PAGE), KERN_SUCCESS, "vm_deallocate");
	pages_end((void *)address, 2 * PAGE);
}

static void
test_older_messages(void)
{
	vm_address_t address = 0x40000000, mapped = 0x50000000, found = 0;
	vm_region_basic_info_data_64_t info;
	mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;
	mach_port_t object;
	char word[] = "a word", *back = pages_new(PAGE);
	vm_offset_t data;
	vm_size_t size;
	task_t other;

	must(task_create(self, NULL, 0, FALSE, &other));
	is(_kernelrpc_vm_allocate(other, &address, 3 * PAGE, VM_FLAGS_FIXED),
	    KERN_SUCCESS, "3801: another task is given memory");
	is(vm_write(other, address + PAGE, (vm_offset_t)word, sizeof(word)),
	    KERN_SUCCESS, "3807: it is written to");
	is(vm_read(other, address + PAGE, sizeof(word), &data, &count),
	    KERN_SUCCESS, "3805: read");
	ok(strcmp((char *)data, word) == 0 && count == sizeof(word),
	    "as it is");
	pages_end((void *)data, count);
	is(vm_read_overwrite(
	       other, address + PAGE, sizeof(word), (vm_address_t)back, &size),
	    KERN_SUCCESS, "3809: once more");
	ok(strcmp(back, word) == 0 && size == sizeof(word), "to where we like");
	is(_kernelrpc_vm_protect(other, address, PAGE, FALSE, VM_PROT_READ),
	    KERN_SUCCESS, "3803: protected");
	is(vm_write(other, address, (vm_offset_t)word, sizeof(word)),
	    KERN_PROTECTION_FAILURE, "which holds");
	is(vm_inherit(other, address, PAGE, VM_INHERIT_SHARE), KERN_SUCCESS,
	    "3804: inherited");
	count = VM_REGION_BASIC_INFO_COUNT_64;
	is(vm_region_64(other, &found, &size, VM_REGION_BASIC_INFO_64,
	       (vm_region_info_t)&info, &count, &object),
	    KERN_SUCCESS, "3824: looked at");
	ok(found == address && size == PAGE &&
		info.protection == VM_PROT_READ &&
		info.inheritance == VM_INHERIT_SHARE && object == 0,
	    "as it is");
	is(vm_map(other, &mapped, PAGE, 0, VM_FLAGS_FIXED, MACH_PORT_NULL, 0,
	       FALSE, VM_PROT_READ, VM_PROT_READ, VM_INHERIT_COPY),
	    KERN_SUCCESS, "3812: mapped");
	is(vm_map_64(other, &mapped, PAGE, 0, VM_FLAGS_FIXED, MACH_PORT_NULL, 0,
	       FALSE, VM_PROT_READ, VM_PROT_READ, VM_INHERIT_COPY),
	    KERN_NO_SPACE, "3826: where something is already");
	found = mapped;
	is(vm_region(other, &found, &size, VM_REGION_BASIC_INFO_64,
	       (vm_region_info_t)&info, &count, &object),
	    KERN_SUCCESS, "3800: looked at");
	ok(found == mapped && info.max_protection == VM_PROT_READ,
	    "that is it");
	is(_kernelrpc_vm_deallocate(other, address, 3 * PAGE), KERN_SUCCESS,
	    "3802: taken away");
	is(vm_read(other, address, 8, &data, &count), KERN_INVALID_ADDRESS,
	    "nothing is left");
	must(task_terminate(other));
	must(mach_port_deallocate(self, other));
	pages_end(back, PAGE);
}

/* Many regions, which no table of fixed size holds. */
static void
test_many_regions(void)
{
	enum {
		MANY = 2000
	};
	const size_t size = 2 * MANY * PAGE;
	char *pages = pages_new(size);
	unsigned wrong = 0;

	for (size_t i = 0; i < MANY; i++)
		wrong += mach_vm_deallocate(self,
			     (mach_vm_address_t)pages + 2 * i * PAGE,
			     PAGE) != KERN_SUCCESS;
	for (size_t i = 0; i < MANY; i++) {
		wrong += is_mapped(pages + 2 * i * PAGE);
		pages[(2 * i + 1) * PAGE] = (char)i;
	}
	for (size_t i = 0; i < MANY; i++)
		wrong += pages[(2 * i + 1) * PAGE] != (char)i;
	is(wrong, 0, "%d regions, each where it should be", MANY);
	pages_end(pages, size);
	ok(!is_mapped(pages + PAGE), "ended in one call");
}

/* Large memory costs nothing until it is touched, and comes back. */
static void
test_large(void)
{
	const uint64_t size = 100UL << 30;
	struct baton_kernel_counters before = quiet_counters(), after;
	char *pages = pages_new(size);

	for (uint64_t at = 0; at < size; at += size / 16)
		pages[at] = 1;
	ok(pages[size / 2] == 1, "100 GiB, here and there touched");
	ok(counters().pages_free + 200 > before.pages_free, "cost little");
	pages_end(pages, size);
	after = quiet_counters();
	ok(after.pages_free + 16 >= before.pages_free,
	    "and all came back: %llu, %llu",
	    (unsigned long long)before.pages_free,
	    (unsigned long long)after.pages_free);
}

/* What the caller cannot be told of is not there. */
static void
test_not_told(void)
{
	const mach_vm_size_t size = 200ULL << 30;
	mach_vm_address_t *place = pages_new(4096), address = 0;

	must(mach_vm_protect(
	    self, (mach_vm_address_t)place, 4096, FALSE, VM_PROT_READ));
	is(_kernelrpc_mach_vm_allocate_trap(
	       self, place, size, VM_FLAGS_ANYWHERE),
	    KERN_INVALID_ADDRESS, "an address that cannot be written");
	is(mach_vm_allocate(self, &address, size, VM_FLAGS_ANYWHERE),
	    KERN_SUCCESS, "leaves room for as much");
	must(mach_vm_deallocate(self, address, size));
	pages_end(place, 4096);
}

int
main(void)
{
	self = mach_task_self();
	test_allocate();
	test_wrong_allocations();
	test_protect();
	test_region();
	test_map();
	test_read_write();
	test_other_task();
	test_older_calls();
	test_older_messages();
	test_many_regions();
	test_large();
	test_not_told();
	return done();
}
