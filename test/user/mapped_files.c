/*
 * mapped_files.c: files of the boot archive as memory, byte for byte beside the
 * archive itself, which the manifest lets this program see; and programs, which
 * are such memory.
 *
 * With an argument this program is its own child, and waits to be ended.
 */
#include "test/user/mach_test.h"

#include <servers/bootstrap.h>
#include <servers/files.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096UL
#define SELF "test/mapped_files"

#define FILLER_PAGES 64

static task_t self;
static mach_port_t files;
/* A part of the program that is worth sharing. */
static const char filler[FILLER_PAGES * PAGE] = {1};

static const char *archive;
static uint64_t archive_size;

/* ---- the archive, read by hand ---- */

static void
map_archive(void)
{
	mach_port_t entry;
	mach_vm_address_t address = 0;
	uint64_t offset;

	must(bootstrap_archive(bootstrap_port, &entry, &offset, &archive_size));
	must(mach_vm_map(self, &address, round_page(offset + archive_size), 0,
	    VM_FLAGS_ANYWHERE, entry, 0, FALSE, VM_PROT_READ, VM_PROT_READ,
	    VM_INHERIT_NONE));
	archive = (const char *)address + offset;
	mach_port_deallocate(self, entry);
}

/* One of the 13 numbers of a member's header. */
static uint64_t
number(const char *header, unsigned index)
{
	char digits[9] = "";

	memcpy(digits, header + 6 + 8 * index, 8);
	return strtoul(digits, NULL, 16);
}

static const char *
archive_find(const char *name, uint64_t *size)
{
	uint64_t at = 0;

	while (at + 110 < archive_size) {
		const char *header = archive + at;
		uint64_t length = number(header, 11);
		uint64_t contents = (at + 110 + length + 3) & ~3UL;

		*size = number(header, 6);
		if (strcmp(header + 110, name) == 0)
			return archive + contents;
		at = (contents + *size + 3) & ~3UL;
	}
	must(KERN_NOT_FOUND);
	return NULL;
}

/* ---- contents ---- */

static const char *
map_file(mach_port_t object, uint64_t offset, uint64_t size, boolean_t copy)
{
	mach_vm_address_t address = 0;

	must(mach_vm_map(self, &address, size, 0, VM_FLAGS_ANYWHERE, object,
	    offset, copy, VM_PROT_READ, VM_PROT_ALL, VM_INHERIT_DEFAULT));
	return (const char *)address;
}

static void
unmap(const char *memory, uint64_t size)
{
	must(mach_vm_deallocate(
	    self, (mach_vm_address_t)memory, round_page(size)));
}

static void
test_whole_file(const char *name)
{
	uint64_t size = 0, wanted_size, room;
	const char *wanted = archive_find(name, &wanted_size), *memory;
	mach_port_t object;

	must(files_open(files, name, &object, &size));
	is(size, wanted_size, "%s: its size", name);
	room = round_page(size) + 2 * PAGE;
	memory = map_file(object, 0, room, FALSE);
	is(memcmp(memory, wanted, size), 0, "%s: all its bytes", name);
	ok(all_zero(memory + size, room - size), "%s: zeros behind its end",
	    name);
	unmap(memory, room);
	mach_port_deallocate(self, object);
}

/* Pieces that begin and end anywhere, each from a mapping of its own. */
static void
test_pieces(void)
{
	static const struct {
		uint64_t offset, size;
	} pieces[] = {{0, 1}, {0, PAGE}, {PAGE, 1}, {3 * PAGE, 2 * PAGE},
	    {5 * PAGE, 7 * PAGE - 1}, {2 * PAGE, 3 * PAGE + 1}};
	static const uint64_t starts[] = {
	    0, 1, 7, 8, 100, PAGE - 1, PAGE - 9, PAGE / 2};
	uint64_t size;
	const char *wanted = archive_find(SELF, &size);
	unsigned wrong = 0;
	mach_port_t object;

	must(files_open(files, SELF, &object, &size));
	for (unsigned i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		uint64_t offset = pieces[i].offset, length = pieces[i].size;
		const char *memory = map_file(object, offset, length, FALSE);

		for (unsigned j = 0; j < sizeof(starts) / sizeof(*starts); j++)
			wrong += starts[j] < length &&
				 memcmp(memory + starts[j],
				     wanted + offset + starts[j],
				     length - starts[j]) != 0;
		unmap(memory, length);
	}
	is(wrong, 0, "pieces that begin and end anywhere");
	mach_port_deallocate(self, object);
}

static void
test_backwards(void)
{
	uint64_t size, wrong = 0;
	const char *wanted = archive_find(SELF, &size), *memory;
	mach_port_t object;

	must(files_open(files, SELF, &object, &size));
	memory = map_file(object, 0, size, TRUE);
	for (uint64_t i = size; i-- > 0; i -= i < 61 ? i : 61)
		wrong += memory[i] != wanted[i];
	is(wrong, 0, "a private copy, from the end to the beginning");
	unmap(memory, size);
	mach_port_deallocate(self, object);
}

static void
test_copies_are_private(void)
{
	uint64_t size;
	const char *wanted = archive_find(SELF, &size), *memory;
	mach_port_t object;
	char *copy;

	must(files_open(files, SELF, &object, &size));
	memory = map_file(object, 0, size, FALSE);
	copy = (char *)map_file(object, 0, size, TRUE);
	must(mach_vm_protect(self, (mach_vm_address_t)copy, size, FALSE,
	    VM_PROT_READ | VM_PROT_WRITE));
	for (uint64_t i = 0; i < size; i += PAGE)
		copy[i] = (char)~copy[i];
	is(memcmp(memory, wanted, size), 0, "a file is as it was");
	is(copy[0], (char)~wanted[0], "whatever is done to a copy");
	unmap(memory, size);
	unmap(copy, size);
	mach_port_deallocate(self, object);
}

/* ---- programs ---- */

/* Started, and has told under @name that all of it is there. */
static task_t
start_child(char *name)
{
	char *argv[] = {"mapped_files", name, NULL};
	mach_port_t here = MACH_PORT_NULL;
	task_t task;

	must(bootstrap_spawn(bootstrap_port, SELF, argv, &task));
	for (int i = 0; i < 2500; i++) {
		if (bootstrap_look_up(bootstrap_port, name, &here) ==
		    BOOTSTRAP_SUCCESS)
			break;
		sleep_ms(2);
	}
	mach_port_deallocate(self, here);
	return task;
}

static unsigned
touch_filler(void)
{
	const volatile char *bytes = filler;
	unsigned sum = 0;

	for (unsigned i = 0; i < sizeof(filler); i += PAGE)
		sum += (unsigned char)bytes[i];
	return sum;
}

static int
child(char *name)
{
	mach_port_t port = port_new_send();
	struct note message;

	if (touch_filler() != 1)
		return EXIT_FAILURE;
	must(bootstrap_register(bootstrap_port, name, port));
	(void)await(&message, sizeof(message), port);
	for (;;)
		sleep_ms(1000);
	return EXIT_SUCCESS;
}

static void
region_of(task_t task, mach_vm_address_t address,
    vm_region_submap_info_data_64_t *info, mach_vm_size_t *size)
{
	mach_msg_type_number_t count = VM_REGION_SUBMAP_INFO_V2_COUNT_64;
	natural_t depth = 0;

	must(mach_vm_region_recurse(task, &address, size, &depth,
	    (vm_region_recurse_info_t)info, &count));
}

/* Two children's: we may have been started before the file pager was. */
static void
test_text_is_shared(void)
{
	vm_region_submap_info_data_64_t info[2];
	mach_vm_size_t size[2];
	mach_vm_address_t code = (mach_vm_address_t)&test_text_is_shared;
	uint64_t before, used;
	task_t task[2];

	task[0] = start_child("test.mapped_files.0");
	before = quiet_counters().pages_free;
	task[1] = start_child("test.mapped_files.1");
	used = before - quiet_counters().pages_free;
	ok(used < FILLER_PAGES, "a second task of a program: %u pages more",
	    (unsigned)used);
	for (int i = 0; i < 2; i++) {
		region_of(task[i], code, &info[i], &size[i]);
		is(info[i].protection, VM_PROT_READ | VM_PROT_EXECUTE,
		    "its code can be executed");
		is(info[i].max_protection & VM_PROT_WRITE, 0,
		    "and never written");
		ok(info[i].external_pager, "it comes from a pager");
	}
	is(size[1], size[0], "both have as much of it");
	is(info[1].object_id_full, info[0].object_id_full, "of one object");
	for (int i = 0; i < 2; i++) {
		must(task_terminate(task[i]));
		ok(dies(task[i]), "they end");
		mach_port_deallocate(self, task[i]);
	}
}

int
main(int argc, char *argv[])
{
	self = mach_task_self();
	if (argc > 1)
		return child(argv[1]);
	must(bootstrap_look_up(bootstrap_port, FILES_SERVICE, &files));
	map_archive();
	test_whole_file("manifest");
	test_whole_file(SELF);
	test_whole_file("bootstrap");
	test_pieces();
	test_backwards();
	test_copies_are_private();
	test_text_is_shared();
	return done();
}
