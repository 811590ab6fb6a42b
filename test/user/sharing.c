/*
 * sharing.c: memory that several tasks see: remapped, by memory entries, and
 * what others are told of it.
 *
 * Long because each call has its wrong arguments here.
 */
#include "test/user/mach_test.h"

#include <mach/bootstrap.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define PAGE  4096UL
#define TABLE (2UL << 20)
/* Where a child finds what is shared with it. */
#define MEETING 0x200000000UL

static task_t self;

/* ---- small words ---- */

static kern_return_t
remap(mach_vm_address_t *to, mach_vm_size_t size, int flags, const void *from,
    boolean_t copy)
{
	vm_prot_t prot, max_prot;

	return mach_vm_remap(self, to, size, 0, flags, self,
	    (mach_vm_address_t)from, copy, &prot, &max_prot,
	    VM_INHERIT_DEFAULT);
}

static char *
alias_of(const void *from, size_t size, boolean_t copy)
{
	mach_vm_address_t to = 0;

	must(remap(&to, size, VM_FLAGS_ANYWHERE, from, copy));
	return (char *)to;
}

static kern_return_t
make_entry(const void *of, memory_object_size_t *size, vm_prot_t permission,
    mem_entry_name_port_t parent, mach_port_t *entry)
{
	*entry = MACH_PORT_NULL;
	return mach_make_memory_entry_64(
	    self, size, (memory_object_offset_t)of, permission, entry, parent);
}

static kern_return_t
map_entry(mach_port_t entry, mach_vm_address_t *at, mach_vm_size_t size,
    int flags, memory_object_offset_t offset, boolean_t copy, vm_prot_t prot,
    vm_prot_t max_prot)
{
	return mach_vm_map(self, at, size, 0, flags, entry, offset, copy, prot,
	    max_prot, VM_INHERIT_DEFAULT);
}

/* All of it, for reading and writing, anywhere. */
static char *
entry_at(mach_port_t entry, mach_vm_size_t size, boolean_t copy)
{
	mach_vm_address_t at = 0;

	must(map_entry(entry, &at, size, VM_FLAGS_ANYWHERE, 0, copy,
	    VM_PROT_DEFAULT, VM_PROT_DEFAULT));
	return (char *)at;
}

static void
forget(mach_port_t entry)
{
	must(mach_port_deallocate(self, entry));
}

/* ---- remapping ---- */

static void
test_remap(void)
{
	char *one = pages_new(8 * PAGE), *two, *part;

	pattern_fill(one, 8 * PAGE, 1);
	two = alias_of(one, 8 * PAGE, FALSE);
	ok(pattern_holds(two, 8 * PAGE, 1), "what was there is seen");
	two[PAGE] = 'x';
	is(one[PAGE], 'x', "what is written there");
	one[2 * PAGE] = 'y';
	is(two[2 * PAGE], 'y', "and here");
	part = alias_of(two + 2 * PAGE, 3 * PAGE, FALSE);
	is(part[0], 'y', "a part, of what was remapped");
	part[PAGE] = 'z';
	is(one[3 * PAGE], 'z', "is the same");
	pages_end(one, 8 * PAGE);
	is(two[3 * PAGE], 'z', "and there when the first has gone");
	pages_end(two, 8 * PAGE);
	is(part[PAGE], 'z', "or the second");
	pages_end(part, 3 * PAGE);
}

static void
test_remap_untouched(void)
{
	char *one = pages_new(64 * TABLE), *two;

	two = alias_of(one, 64 * TABLE, FALSE);
	two[40 * TABLE + 5] = 'x';
	is(one[40 * TABLE + 5], 'x', "memory that nobody had touched");
	one[0] = 'y';
	is(two[0], 'y', "is shared too");
	pages_end(one, 64 * TABLE);
	pages_end(two, 64 * TABLE);
}

static void
test_remap_large(void)
{
	const size_t size = 3 * TABLE + 5 * PAGE;
	char *one = pages_new(size), *two, *three;

	pattern_fill(one, size, 7);
	two = alias_of(one, size, FALSE);
	three = alias_of(one, size, TRUE);
	ok(pattern_holds(two, size, 7), "large memory is shared");
	ok(pattern_holds(three, size, 7), "and copied");
	pattern_fill(two, size, 8);
	ok(pattern_holds(one, size, 8), "of which one sees what is written");
	ok(pattern_holds(three, size, 7), "the other not");
	pages_end(one, size);
	pages_end(two, size);
	ok(pattern_holds(three, size, 7), "and is there without it");
	pages_end(three, size);
}

static void
test_remap_copy(void)
{
	char *one = pages_new(4 * PAGE), *two, *three;

	pattern_fill(one, 4 * PAGE, 3);
	two = alias_of(one, 4 * PAGE, TRUE);
	one[0]++;
	two[PAGE]++;
	ok(pattern_holds(two, PAGE, 3), "a copy keeps what it is of");
	one[0]--;
	ok(pattern_holds(one, 4 * PAGE, 3), "and so does the original");
	two[PAGE]--;
	three = alias_of(one, 4 * PAGE, FALSE);
	one[5] = 99;
	is(three[5], 99, "the original is shared");
	ok(pattern_holds(two, 4 * PAGE, 3), "its copy is not");
	pages_end(one, 4 * PAGE);
	pages_end(two, 4 * PAGE);
	pages_end(three, 4 * PAGE);
}

static void
test_remap_places(void)
{
	char *one = pages_new(4 * PAGE), *taken = pages_new(4 * PAGE);
	mach_vm_address_t to = (mach_vm_address_t)taken + PAGE;
	vm_prot_t prot = 0, max_prot = 0;

	pattern_fill(one, 4 * PAGE, 4);
	pattern_fill(taken, 4 * PAGE, 5);
	is(remap(&to, 2 * PAGE, VM_FLAGS_FIXED, one, FALSE), KERN_NO_SPACE,
	    "not over other memory");
	ok(pattern_holds(taken, 4 * PAGE, 5), "which is as it was");
	is(remap(
	       &to, 2 * PAGE, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE, one, FALSE),
	    KERN_SUCCESS, "but if that is meant");
	ok(pattern_holds(taken + PAGE, 2 * PAGE, 4), "it is there");
	ok(pattern_holds(taken, PAGE, 5), "and its neighbours are");
	is(remap(&to, 2 * PAGE, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE, (char *)to,
	       TRUE),
	    KERN_SUCCESS, "a copy over what it is of");
	ok(pattern_holds((char *)to, 2 * PAGE, 4), "is that");
	((char *)to)[0] = 'n';
	ok(one[0] != 'n', "and private");

	must(mach_vm_protect(
	    self, (mach_vm_address_t)one + PAGE, PAGE, FALSE, VM_PROT_READ));
	is(mach_vm_remap(self, &to, 3 * PAGE, 0, VM_FLAGS_ANYWHERE, self,
	       (mach_vm_address_t)one, FALSE, &prot, &max_prot,
	       VM_INHERIT_NONE),
	    KERN_SUCCESS, "regions of different rights");
	is(prot, VM_PROT_READ, "what all allow is said");
	is(max_prot, VM_PROT_ALL, "and may");
	is(access_to((char *)to), VM_PROT_DEFAULT, "each has its own");
	is(access_to((char *)to + PAGE), VM_PROT_READ, "as it had");
	pages_end((char *)to, 3 * PAGE);

	to = 0;
	is(mach_vm_remap(self, &to, 10, 0xffff,
	       VM_FLAGS_ANYWHERE | VM_FLAGS_RETURN_DATA_ADDR, self,
	       (mach_vm_address_t)one + 100, FALSE, &prot, &max_prot,
	       VM_INHERIT_NONE),
	    KERN_SUCCESS, "ten bytes of a page, at an address with a mask");
	is(to & 0xffff, 100, "are where they are in it");
	pages_end((char *)(to & ~0xfffUL), PAGE);
	pages_end(one, 4 * PAGE);
	pages_end(taken, 4 * PAGE);
}

static void
test_remap_wrong(void)
{
	char *one = pages_new(4 * PAGE);
	mach_vm_address_t to = 0;
	mach_vm_address_t from = (mach_vm_address_t)one;
	mach_port_t port = port_new_send();
	vm_prot_t prot, max_prot;

#define TRY(size, flags, source, address, inherit)                             \
	mach_vm_remap(self, &to, (size), 0, (flags), (source), (address),      \
	    FALSE, &prot, &max_prot, (inherit))
	is(TRY(0, 1, self, from, 0), KERN_INVALID_ARGUMENT, "no bytes");
	is(TRY(~0UL, 1, self, from, 0), KERN_INVALID_ARGUMENT, "no end");
	is(TRY(PAGE, 0x200, self, from, 0), KERN_INVALID_ARGUMENT,
	    "an unknown flag");
	is(TRY(PAGE, 1, self, from, 9), KERN_INVALID_ARGUMENT,
	    "no inheritance");
	is(TRY(PAGE, 1, port, from, 0), KERN_INVALID_ARGUMENT,
	    "a source that is no task");
	is(TRY(PAGE, 1, MACH_PORT_NULL, from, 0), KERN_INVALID_ARGUMENT,
	    "no source");
	is(TRY(PAGE, 1, self, 0, 0), KERN_INVALID_ADDRESS, "nothing there");
	is(TRY(1UL << 60, 1, self, from, 0), KERN_INVALID_ADDRESS,
	    "beyond all memory");
	is(TRY(PAGE, 1, self, 0xffffffc000000000, 0), KERN_INVALID_ADDRESS,
	    "the kernel's");
	must(mach_vm_deallocate(self, from + PAGE, PAGE));
	is(TRY(4 * PAGE, 1, self, from, 0), KERN_INVALID_ADDRESS, "a hole");
	to = 0;
	is(TRY(PAGE, 0, self, from, 0), KERN_INVALID_ADDRESS, "to null");
	to = 0x4000000000;
	is(TRY(PAGE, 0, self, from, 0), KERN_INVALID_ADDRESS, "out of reach");
#undef TRY
	is(send_refs(port), 1, "rights are where they were");
	port_end(port);
	pages_end(one, 4 * PAGE);
}

/* ---- memory entries ---- */

static void
test_new_entry(void)
{
	memory_object_size_t size = 3 * PAGE + 1;
	mach_port_t entry;
	char *one, *two, *copy;

	is(make_entry(NULL, &size, MAP_MEM_NAMED_CREATE | VM_PROT_DEFAULT,
	       MACH_PORT_NULL, &entry),
	    KERN_SUCCESS, "new memory");
	is(size, 4 * PAGE, "of whole pages");
	one = entry_at(entry, size, FALSE);
	two = entry_at(entry, size, FALSE);
	ok(all_zero(one, size), "is zero");
	one[PAGE] = 'a';
	is(two[PAGE], 'a', "who maps it sees it");
	copy = entry_at(entry, size, TRUE);
	is(copy[PAGE], 'a', "a copy is of now");
	two[PAGE] = 'b';
	is(copy[PAGE], 'a', "and stays");
	copy[2 * PAGE] = 'c';
	is(one[2 * PAGE], 0, "by itself");
	forget(entry);
	is(one[PAGE], 'b', "it outlives its port");
	pages_end(one, size);
	pages_end(two, size);
	pages_end(copy, size);
}

static void
test_entry_of_ours(void)
{
	memory_object_size_t size = 4 * PAGE;
	char *ours = pages_new(8 * PAGE), *one;
	mach_vm_address_t at = 0;
	mach_port_t entry, part;

	pattern_fill(ours, 8 * PAGE, 6);
	must(make_entry(ours + 2 * PAGE, &size,
	    MAP_MEM_VM_SHARE | VM_PROT_DEFAULT, MACH_PORT_NULL, &entry));
	one = entry_at(entry, 4 * PAGE, FALSE);
	ok(memcmp(one, ours + 2 * PAGE, 4 * PAGE) == 0, "memory of ours");
	one[0] = 'k';
	is(ours[2 * PAGE], 'k', "stays ours");
	pages_end(one, 4 * PAGE);

	size = PAGE;
	must(make_entry((void *)PAGE, &size, VM_PROT_READ, entry, &part));
	is(map_entry(part, &at, PAGE, VM_FLAGS_ANYWHERE, 0, FALSE, VM_PROT_READ,
	       VM_PROT_READ),
	    KERN_SUCCESS, "a part of it, to be read");
	ours[3 * PAGE] = 'm';
	is(*(char *)at, 'm', "is that part");
	pages_end((char *)at, PAGE);
	is(map_entry(part, &at, PAGE, VM_FLAGS_ANYWHERE, 0, FALSE,
	       VM_PROT_DEFAULT, VM_PROT_DEFAULT),
	    KERN_INVALID_RIGHT, "not to be written");
	is(map_entry(part, &at, PAGE, VM_FLAGS_ANYWHERE, 0, FALSE, VM_PROT_READ,
	       VM_PROT_ALL),
	    KERN_INVALID_RIGHT, "nor later");
	is(map_entry(part, &at, PAGE, VM_FLAGS_ANYWHERE, 0, FALSE,
	       VM_PROT_DEFAULT | VM_PROT_IS_MASK,
	       VM_PROT_ALL | VM_PROT_IS_MASK),
	    KERN_SUCCESS, "as much as there is");
	is(access_to((char *)at), VM_PROT_READ, "is to be read");
	is(mach_vm_protect(self, at, PAGE, FALSE, VM_PROT_DEFAULT),
	    KERN_PROTECTION_FAILURE, "for ever");
	pages_end((char *)at, PAGE);
	forget(part);
	forget(entry);
	pages_end(ours, 8 * PAGE);
}

static void
test_entry_copy(void)
{
	memory_object_size_t size = 4 * PAGE;
	char *ours = pages_new(4 * PAGE), *one, *two;
	mach_port_t entry;

	pattern_fill(ours, size, 2);
	must(make_entry(ours, &size, MAP_MEM_VM_COPY | VM_PROT_DEFAULT,
	    MACH_PORT_NULL, &entry));
	memset(ours, 0, size);
	one = entry_at(entry, size, FALSE);
	two = entry_at(entry, size, FALSE);
	ok(pattern_holds(one, size, 2), "an entry of a copy");
	one[7] = 'q';
	is(two[7], 'q', "is shared by who maps it");
	is(ours[7], 0, "and not with us");
	pages_end(one, size);
	pages_end(two, size);
	pages_end(ours, size);
	forget(entry);
}

static void
test_entry_wrong(void)
{
	memory_object_size_t size = 0;
	char *ours = pages_new(4 * PAGE);
	mach_port_t entry, port = port_new_send(), null = MACH_PORT_NULL;
	mach_vm_address_t at = 0;

	is(make_entry(ours, &size, VM_PROT_READ, null, &entry),
	    KERN_INVALID_ARGUMENT, "no bytes");
	is(make_entry(NULL, &size, MAP_MEM_NAMED_CREATE, null, &entry),
	    KERN_INVALID_ARGUMENT, "no new bytes");
	size = 1UL << 50;
	is(make_entry(NULL, &size, MAP_MEM_NAMED_CREATE, null, &entry),
	    KERN_INVALID_ARGUMENT, "more than there are addresses");
	is(make_entry(ours, &size, VM_PROT_READ, null, &entry),
	    KERN_INVALID_ADDRESS, "of ours");
	size = PAGE;
	is(make_entry(ours, &size, 0x1000 | VM_PROT_READ, null, &entry),
	    KERN_INVALID_VALUE, "an unknown flag");
	is(make_entry(ours, &size, 0x20 | VM_PROT_READ, null, &entry),
	    KERN_INVALID_ARGUMENT, "an unknown right");
	is(make_entry(
	       ours, &size, MAP_MEM_WCOMB << 24 | VM_PROT_READ, null, &entry),
	    KERN_NOT_SUPPORTED, "another way to cache");
	is(make_entry(ours, &size, MAP_MEM_ONLY, null, &entry),
	    KERN_INVALID_ARGUMENT, "only that, of nothing");
	is(make_entry(NULL, &size, VM_PROT_READ, null, &entry),
	    KERN_INVALID_ADDRESS, "of nothing");
	is(make_entry(NULL, &size, VM_PROT_READ, port, &entry),
	    KERN_INVALID_ARGUMENT, "a parent that is none");
	must(mach_vm_protect(
	    self, (mach_vm_address_t)ours, PAGE, FALSE, VM_PROT_READ));
	is(make_entry(ours, &size, VM_PROT_DEFAULT, null, &entry),
	    KERN_PROTECTION_FAILURE, "rights that it has not");
	must(make_entry(
	    ours, &size, VM_PROT_DEFAULT | VM_PROT_IS_MASK, null, &entry));
	is(map_entry(entry, &at, 2 * PAGE, 1, 0, FALSE, 1, 1),
	    KERN_INVALID_ARGUMENT, "more than there is");
	is(map_entry(entry, &at, PAGE, 1, PAGE, FALSE, 1, 1),
	    KERN_INVALID_ARGUMENT, "behind its end");
	is(map_entry(entry, &at, PAGE, 1, ~0xfffUL, FALSE, 1, 1),
	    KERN_INVALID_ARGUMENT, "far behind");
	is(map_entry(entry, &at, 8, 1, 8, FALSE, 1, 1), KERN_INVALID_ARGUMENT,
	    "within a page");
	is(map_entry(entry, &at, 0, 1, 0, FALSE, 1, 1), KERN_INVALID_ARGUMENT,
	    "nothing of it");
	is(map_entry(entry, &at, PAGE, 0x200, 0, FALSE, 1, 1),
	    KERN_INVALID_ARGUMENT, "an unknown flag");
	is(map_entry(entry, &at, PAGE, 1, 0, FALSE, 3, 1),
	    KERN_INVALID_ARGUMENT, "more than its most");
	is(map_entry(entry, &at, PAGE, 0, 0, FALSE, 1, 1), KERN_INVALID_ADDRESS,
	    "to null");
	is(map_entry(mach_task_self(), &at, PAGE, 1, 0, FALSE, 1, 1),
	    KERN_INVALID_OBJECT, "a port of the kernel's that is no entry");
	size = 2 * PAGE;
	is(make_entry(NULL, &size, VM_PROT_READ, entry, &port),
	    KERN_INVALID_ARGUMENT, "a part that is larger");
	forget(entry);
	pages_end(ours, 4 * PAGE);
}

/* ---- what is said ---- */

static vm_region_submap_info_data_64_t
tell(const void *address)
{
	mach_msg_type_number_t count = VM_REGION_SUBMAP_INFO_COUNT_64;
	mach_vm_address_t at = (mach_vm_address_t)address;
	vm_region_submap_info_data_64_t info;
	mach_vm_size_t size;
	natural_t depth = 9;

	memset(&info, 0, sizeof(info));
	must(mach_vm_region_recurse(
	    self, &at, &size, &depth, (vm_region_recurse_info_t)&info, &count));
	if (depth != 0 || count != VM_REGION_SUBMAP_INFO_COUNT_64)
		ok(false, "depth %u, %u words", depth, count);
	return info;
}

static void
test_regions(void)
{
	vm_region_extended_info_data_t extended;
	vm_region_submap_info_data_64_t one, two;
	vm_region_basic_info_data_64_t basic;
	vm_region_top_info_data_t top;
	char *memory = pages_new(4 * PAGE), *alias;
	mach_vm_address_t at = (mach_vm_address_t)memory;
	mach_msg_type_number_t count;
	mach_vm_size_t size;
	mach_port_t object;
	natural_t depth;

	is(tell(memory).share_mode, SM_EMPTY, "nothing touched");
	memory[PAGE] = 1;
	one = tell(memory);
	is(one.share_mode, SM_PRIVATE, "private memory");
	is(one.pages_resident, 1, "of which one page is there");
	is(one.object_id, 0, "of no object");
	alias = alias_of(memory + PAGE, 2 * PAGE, FALSE);
	one = tell(memory + PAGE);
	two = tell(alias);
	is(one.share_mode, SM_SHARED, "shared memory");
	is(one.ref_count, 2, "by two");
	is(two.object_id, one.object_id, "is of one object");
	ok(one.object_id != 0, "that has a number");
	is(two.offset, one.offset, "at one place in it");

	count = VM_REGION_EXTENDED_INFO_COUNT;
	at = (mach_vm_address_t)alias;
	must(mach_vm_region(self, &at, &size, VM_REGION_EXTENDED_INFO,
	    (vm_region_info_t)&extended, &count, &object));
	is(extended.share_mode, SM_SHARED, "the same at length");
	is(size, 2 * PAGE, "of two pages");
	count = VM_REGION_TOP_INFO_COUNT;
	must(mach_vm_region(self, &at, &size, VM_REGION_TOP_INFO,
	    (vm_region_info_t)&top, &count, &object));
	is(top.obj_id, one.object_id, "and in short");
	is(top.ref_count, 2, "of two");
	count = VM_REGION_BASIC_INFO_COUNT_64;
	must(vm_region_64(self, &at, &size, VM_REGION_BASIC_INFO_64,
	    (vm_region_info_t)&basic, &count, &object));
	is(basic.shared, TRUE, "basically");
	count = 3;
	is(mach_vm_region(self, &at, &size, VM_REGION_TOP_INFO,
	       (vm_region_info_t)&top, &count, &object),
	    KERN_INVALID_ARGUMENT, "no room for it");
	count = 5;
	is(mach_vm_region_recurse(self, &at, &size, &depth,
	       (vm_region_recurse_info_t)&one, &count),
	    KERN_INVALID_ARGUMENT, "nor for this");
	count = VM_REGION_SUBMAP_SHORT_INFO_COUNT_64;
	is(mach_vm_region_recurse(self, &at, &size, &depth,
	       (vm_region_recurse_info_t)&one, &count),
	    KERN_SUCCESS, "but for its short form");
	pages_end(alias, 2 * PAGE);
	is(tell(memory + PAGE).share_mode, SM_PRIVATE, "alone again");
	pages_end(memory, 4 * PAGE);
}

static void
test_msync(void)
{
	mach_vm_address_t at = (mach_vm_address_t)pages_new(3 * PAGE);

	is(mach_vm_msync(self, at, 3 * PAGE, VM_SYNC_SYNCHRONOUS), KERN_SUCCESS,
	    "nothing is to be written");
	is(mach_vm_msync(self, at, PAGE, 3), KERN_INVALID_ARGUMENT,
	    "now and later");
	is(mach_vm_msync(self, at, PAGE, 0x1000), KERN_INVALID_ARGUMENT,
	    "an unknown flag");
	is(mach_vm_msync(self, at, ~0UL, VM_SYNC_SYNCHRONOUS),
	    KERN_INVALID_ARGUMENT, "without end");
	must(mach_vm_deallocate(self, at + PAGE, PAGE));
	is(mach_vm_msync(self, at, 3 * PAGE, VM_SYNC_SYNCHRONOUS), KERN_SUCCESS,
	    "with a hole");
	is(vm_msync(
	       self, at, 3 * PAGE, VM_SYNC_SYNCHRONOUS | VM_SYNC_CONTIGUOUS),
	    KERN_INVALID_ADDRESS, "which may matter");
	pages_end((void *)at, 3 * PAGE);
}

/* ---- sending what is shared ---- */

static void
test_send(void)
{
	mach_port_t box = port_new_send();

	for (int deallocate = 0; deallocate <= 1; deallocate++) {
		char *one = pages_new(6 * PAGE), *two, *came;
		struct crate crate;

		pattern_fill(one, 6 * PAGE, 9);
		two = alias_of(one, 6 * PAGE, FALSE);
		crate_fill(&crate, box, one, 6 * PAGE, deallocate != 0,
		    MACH_MSG_VIRTUAL_COPY);
		must(send_message(&crate, CRATE_SIZE));
		is(is_mapped(one), !deallocate, "sent away, or a copy of it");
		memset(two, 0, 6 * PAGE);
		must(poll_for(&crate, sizeof(crate), box));
		came = crate.memory.address;
		ok(pattern_holds(came, 6 * PAGE, 9),
		    "what was sent does not change");
		came[0] = 'v';
		is(two[0], 0, "nor what it was of");
		pages_end(came, 6 * PAGE);
		pages_end(two, 6 * PAGE);
		if (!deallocate)
			pages_end(one, 6 * PAGE);
	}
	port_end(box);
}

/* ---- several tasks ---- */

#define CHILDREN 3
#define ROUNDS	 20000
#define ROOM	 (16 * PAGE)

/* At the start of what all share. */
struct meeting {
	atomic_uint there, started, sum, left;
	atomic_uint word[CHILDREN + 1][256]; /* a page for each */
};

/* All add to one number, and write in pages of their own that all read. */
static void
take_part(struct meeting *meeting, unsigned number)
{
	atomic_fetch_add(&meeting->there, 1);
	while (!atomic_load(&meeting->started))
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_DEPRESS, 1);
	for (unsigned i = 1; i <= ROUNDS; i++) {
		atomic_fetch_add(&meeting->sum, 1);
		atomic_store(&meeting->word[number][i % 256], i);
		if (i % 512 == 0)
			atomic_fetch_add(&meeting->word[0][i % 256], 1);
	}
	atomic_fetch_add(&meeting->left, 1);
}

static int
child(unsigned number)
{
	while (!is_mapped((void *)MEETING))
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_DEPRESS, 1);
	take_part((struct meeting *)MEETING, number);
	return 0;
}

/* Meanwhile its protection changes, and it is mapped and unmapped. */
static void
disturb(struct meeting *meeting)
{
	for (int i = 0; i < 40; i++) {
		mach_vm_address_t at = (mach_vm_address_t)meeting;
		char *alias = alias_of(meeting, ROOM, i % 2 == 0);

		alias[ROOM - 1 - (size_t)i] = 1;
		pages_end(alias, ROOM);
		must(mach_vm_protect(self, at, ROOM, FALSE, VM_PROT_READ));
		must(mach_vm_protect(self, at, ROOM, FALSE, VM_PROT_DEFAULT));
	}
}

static void
test_tasks(void)
{
	struct meeting *meeting = pages_new(ROOM);
	mach_vm_address_t at = MEETING;
	task_t task[CHILDREN];
	unsigned ended = 0;

	for (unsigned i = 0; i < CHILDREN; i++) {
		char number[] = {(char)('1' + i), '\0'};
		char *argv[] = {"sharing", number, NULL};
		vm_prot_t prot, max_prot;

		must(bootstrap_spawn(
		    bootstrap_port, "test/sharing", argv, &task[i]));
		must(mach_vm_remap(task[i], &at, ROOM, 0, VM_FLAGS_FIXED, self,
		    (mach_vm_address_t)meeting, FALSE, &prot, &max_prot,
		    VM_INHERIT_SHARE));
	}
	while (atomic_load(&meeting->there) < CHILDREN)
		sleep_ms(1);
	atomic_store(&meeting->started, 1);
	disturb(meeting);
	for (unsigned i = 0; i < CHILDREN; i++) {
		int status = -1;

		must(bootstrap_wait(bootstrap_port, task[i], &status));
		ended += status == EXIT_SUCCESS;
		must(mach_port_deallocate(self, task[i]));
	}
	is(ended, CHILDREN, "%u tasks that share memory", CHILDREN);
	is(atomic_load(&meeting->sum), CHILDREN * ROUNDS, "count together");
	is(atomic_load(&meeting->left), CHILDREN, "to the end");
	is(atomic_load(&meeting->word[2][ROUNDS % 256]), ROUNDS,
	    "what each wrote is there");
	pages_end(meeting, ROOM);
}

/* ---- nothing is lost ---- */

static void
test_nothing_lost(void)
{
	struct baton_kernel_counters before, after;

	before = quiet_counters();
	for (int i = 0; i < 30; i++) {
		memory_object_size_t size = 40 * PAGE;
		char *one = pages_new(40 * PAGE), *two, *three;
		mach_port_t entry;

		memset(one, 1, 40 * PAGE);
		two = alias_of(one, 40 * PAGE, FALSE);
		must(make_entry(
		    two, &size, VM_PROT_DEFAULT, MACH_PORT_NULL, &entry));
		three = entry_at(entry, size, i % 2);
		three[0] = 2;
		pages_end(one, 40 * PAGE);
		forget(entry);
		pages_end(two, 40 * PAGE);
		pages_end(three, 40 * PAGE);
	}
	after = quiet_counters();
	ok(after.pages_free + 16 >= before.pages_free,
	    "no page is lost: %llu, %llu",
	    (unsigned long long)before.pages_free,
	    (unsigned long long)after.pages_free);
}

int
main(int argc, char *argv[])
{
	self = mach_task_self();
	if (argc > 1)
		return child((unsigned)atoi(argv[1]));
	test_remap();
	test_remap_untouched();
	test_remap_large();
	test_remap_copy();
	test_remap_places();
	test_remap_wrong();
	test_new_entry();
	test_entry_of_ours();
	test_entry_copy();
	test_entry_wrong();
	test_regions();
	test_msync();
	test_send();
	test_tasks();
	test_nothing_lost();
	return done();
}
