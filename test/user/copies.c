/* copies.c: mach_vm_copy, _read_list, _behavior_set, _machine_attribute, _wire;
 * flags that say how memory is allocated. */
#include <servers/bootstrap.h>
#include <string.h>

#include "test/user/mach_test.h"

#define PAGE  4096UL
#define SUPER (2UL << 20)

static task_t self;
static host_priv_t host_priv;

static vm_region_basic_info_data_64_t
region_at(const void *address)
{
	vm_region_basic_info_data_64_t info;
	mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;
	mach_vm_address_t start = (mach_vm_address_t)address;
	mach_vm_size_t size;
	mach_port_t object;

	must(mach_vm_region(self, &start, &size, VM_REGION_BASIC_INFO_64,
	    (vm_region_info_t)&info, &count, &object));
	return info;
}

static void
protect(const void *address, size_t size, vm_prot_t prot)
{
	must(mach_vm_protect(
	    self, (mach_vm_address_t)address, size, FALSE, prot));
}

static kern_return_t
copy(const void *from, size_t size, void *to)
{
	return mach_vm_copy(
	    self, (mach_vm_address_t)from, size, (mach_vm_address_t)to);
}

/* ---- copies ---- */

static void
test_copy(void)
{
	const size_t size = 3 * SUPER;
	char *from = pages_new(size), *to = pages_new(size);

	pattern_fill(from, size, 1);
	pattern_fill(to, size, 2);
	is(copy(from, size, to), KERN_SUCCESS, "6 MiB are copied");
	ok(pattern_holds(to, size, 1), "all of them");
	memset(from, 0, SUPER);
	memset(to + size - SUPER, 0, SUPER);
	ok(pattern_holds(to, size - SUPER, 1), "the copy is its own");
	ok(!all_zero(from + size - PAGE, PAGE), "the original too");

	pattern_fill(from, size, 3);
	is(copy(from + 100, SUPER + 5000, to + 777), KERN_SUCCESS,
	    "from anywhere to anywhere");
	ok(memcmp(from + 100, to + 777, SUPER + 5000) == 0, "byte by byte");
	is(copy(from, SUPER, from + 3 * PAGE), KERN_SUCCESS,
	    "onto a part of itself");
	pattern_fill(to, SUPER, 3);
	ok(memcmp(to, from + 3 * PAGE, SUPER) == 0, "as it was before");
	pages_end(from, size);
	pages_end(to, size);
}

static void
test_wrong_copies(void)
{
	char *from = pages_new(8 * PAGE), *to = pages_new(8 * PAGE);

	memset(from, 1, 8 * PAGE);
	memset(to, 2, 8 * PAGE);
	is(copy(from, 0, to), KERN_SUCCESS, "nothing is copied to anywhere");
	is(copy(from, ~0UL - 5, to), KERN_INVALID_ARGUMENT,
	    "a range round the end");
	is(mach_vm_copy(self, ~0UL - 100, 200, (mach_vm_address_t)to),
	    KERN_INVALID_ARGUMENT, "from the end on");
	is(mach_vm_copy(self, (mach_vm_address_t)from, 200, ~0UL - 100),
	    KERN_INVALID_ARGUMENT, "or to there");
	is(copy(from, 100, (void *)8), KERN_INVALID_ADDRESS, "to nowhere");
	is(copy((void *)8, 100, to), KERN_INVALID_ADDRESS, "from nowhere");
	is(mach_vm_copy(self, (mach_vm_address_t)from, 100, 0xffffffffc0000000),
	    KERN_INVALID_ADDRESS, "to the kernel");
	is(mach_vm_copy(
	       NO_NAME, (mach_vm_address_t)from, PAGE, (mach_vm_address_t)to),
	    MACH_SEND_INVALID_DEST, "in no task");
	protect(to + 7 * PAGE, PAGE, VM_PROT_READ);
	is(copy(from, 8 * PAGE, to), KERN_PROTECTION_FAILURE,
	    "over what may not be written");
	ok(to[0] == 2, "nothing was");
	protect(to + 7 * PAGE, PAGE, VM_PROT_DEFAULT);
	protect(from + 7 * PAGE, PAGE, VM_PROT_NONE);
	is(copy(from, 8 * PAGE, to), KERN_PROTECTION_FAILURE,
	    "from what may not be read");
	ok(to[0] == 2, "nothing was");
	pages_end(from + 3 * PAGE, PAGE);
	is(copy(from, 6 * PAGE, to), KERN_INVALID_ADDRESS, "over a hole");
	ok(to[0] == 2, "nothing was");
	pages_end(from, 8 * PAGE);
	pages_end(to, 8 * PAGE);
}

static void
test_read_list(void)
{
	static mach_vm_read_entry_t list;
	char *pages = pages_new(20 * PAGE);
	unsigned wrong = 0;

	pattern_fill(pages, 20 * PAGE, 5);
	for (unsigned i = 0; i < VM_MAP_ENTRY_MAX; i++) {
		list[i].address = (mach_vm_address_t)pages + 10 * i;
		list[i].size = i % 4 == 3 ? 0 : i % 4 * 2 * PAGE + 100;
	}
	is(mach_vm_read_list(self, list, VM_MAP_ENTRY_MAX), KERN_SUCCESS,
	    "256 pieces are read");
	for (unsigned i = 0; i < VM_MAP_ENTRY_MAX; i++) {
		if (list[i].size == 0) {
			wrong += list[i].address != 0;
			continue;
		}
		wrong += memcmp((void *)list[i].address, pages + 10 * i,
			     list[i].size) != 0;
		must(mach_vm_deallocate(self, list[i].address, list[i].size));
	}
	is(wrong, 0, "each as it is");
	is(mach_vm_read_list(self, list, VM_MAP_ENTRY_MAX + 1),
	    KERN_INVALID_ARGUMENT, "not more than there are");
	is(mach_vm_read_list(self, list, 0), KERN_SUCCESS, "but none");
	for (unsigned i = 0; i < 3; i++) {
		list[i].address = (mach_vm_address_t)pages;
		list[i].size = 5 * PAGE;
	}
	list[2].address = 8;
	is(mach_vm_read_list(self, list, 3), KERN_INVALID_ADDRESS,
	    "one of them is nowhere");
	is(list[0].address, pages, "then there is none");
	list[2].address = ~0UL - 8;
	is(mach_vm_read_list(self, list, 3), KERN_INVALID_ARGUMENT,
	    "or has no end");
	pages_end(pages, 20 * PAGE);
}

/* ---- advice ---- */

static kern_return_t
behave(const void *address, size_t size, vm_behavior_t behavior)
{
	return mach_vm_behavior_set(
	    self, (mach_vm_address_t)address, size, behavior);
}

static void
test_behavior(void)
{
	const size_t size = 2 * SUPER;
	char *pages = pages_new(size);
	unsigned wrong = 0;

	pattern_fill(pages, size, 6);
	for (vm_behavior_t i = 0; i <= VM_BEHAVIOR_LAST_VALID; i++) {
		if (i == VM_BEHAVIOR_ZERO || i == VM_BEHAVIOR_FREE ||
		    i == VM_BEHAVIOR_REUSABLE)
			continue;
		wrong += behave(pages, size, i) != KERN_SUCCESS;
	}
	is(wrong, 0, "all advice is taken");
	ok(pattern_holds(pages, size, 6), "nothing is lost");
	must(behave(pages + PAGE, PAGE, VM_BEHAVIOR_SEQUENTIAL));
	is(region_at(pages + PAGE).behavior, VM_BEHAVIOR_SEQUENTIAL,
	    "some is remembered");
	is(region_at(pages).behavior, VM_BEHAVIOR_RSEQNTL, "for its range");
	is(behave(pages + 100, size - 200, VM_BEHAVIOR_ZERO), KERN_SUCCESS,
	    "bytes are made zero");
	ok(all_zero(pages + 100, size - 200), "all of them");
	ok(pages[99] != 0 || pages[98] != 0, "not those before");
	ok(pages[size - 1] != 0 || pages[size - 2] != 0, "nor those behind");
	pattern_fill(pages, size, 7);
	is(behave(pages + PAGE - 1, 2 * PAGE + 2, VM_BEHAVIOR_FREE),
	    KERN_SUCCESS, "pages are given back");
	ok(all_zero(pages + PAGE, 2 * PAGE), "and are zero then");
	ok(pages[PAGE - 1] != 0 || pages[PAGE - 2] != 0,
	    "parts of pages are not");
	is(behave(pages, size, 13), KERN_INVALID_ARGUMENT, "no such advice");
	is(behave(pages, size, -1), KERN_INVALID_ARGUMENT, "nor that");
	is(behave(pages, ~0UL, VM_BEHAVIOR_ZERO), KERN_INVALID_ARGUMENT,
	    "for no range");
	is(behave(pages, 0, VM_BEHAVIOR_ZERO), KERN_SUCCESS, "for no bytes");
	is(behave((void *)8, PAGE, VM_BEHAVIOR_WILLNEED), KERN_INVALID_ADDRESS,
	    "for no memory");
	is(behave((void *)8, PAGE, VM_BEHAVIOR_RANDOM), KERN_INVALID_ADDRESS,
	    "none to remember it of");
	protect(pages, PAGE, VM_PROT_READ);
	is(behave(pages, PAGE, VM_BEHAVIOR_ZERO), KERN_PROTECTION_FAILURE,
	    "what may not be written is not made zero");
	is(behave(pages, PAGE, VM_BEHAVIOR_FREE), KERN_PROTECTION_FAILURE,
	    "nor given back");
	pages_end(pages, size);
}

/* ---- caches ---- */

static kern_return_t
attribute(const void *address, size_t size, vm_machine_attribute_t which,
    vm_machine_attribute_val_t value)
{
	return mach_vm_machine_attribute(
	    self, (mach_vm_address_t)address, size, which, &value);
}

static void
test_attributes(void)
{
	char *pages = pages_new(4 * PAGE);

	for (int i = MATTR_VAL_CACHE_FLUSH; i <= MATTR_VAL_CACHE_SYNC; i++)
		is(attribute(pages, 4 * PAGE, MATTR_CACHE, i), KERN_SUCCESS,
		    "caches are in order (%d)", i);
	is(attribute(pages, PAGE, MATTR_CACHE, MATTR_VAL_OFF),
	    KERN_INVALID_ARGUMENT, "they stay on");
	is(attribute(pages, PAGE, MATTR_CACHE, 99), KERN_INVALID_ARGUMENT,
	    "no such value");
	is(attribute(pages, PAGE, MATTR_MIGRATE, MATTR_VAL_GET),
	    KERN_NOT_SUPPORTED, "memory does not migrate");
	is(attribute(pages, PAGE, 77, MATTR_VAL_GET), KERN_INVALID_ARGUMENT,
	    "no such attribute");
	is(attribute(pages, ~0UL, MATTR_CACHE, MATTR_VAL_CACHE_SYNC),
	    KERN_INVALID_ARGUMENT, "no such range");
	is(attribute((void *)8, PAGE, MATTR_CACHE, MATTR_VAL_CACHE_SYNC),
	    KERN_INVALID_ADDRESS, "no memory there");
	pages_end(pages, 4 * PAGE);
}

/* ---- wiring ---- */

static kern_return_t
wire(const void *address, size_t size, vm_prot_t access)
{
	return mach_vm_wire(
	    host_priv, self, (mach_vm_address_t)address, size, access);
}

static void
test_wire(void)
{
	const size_t size = 50 * PAGE;
	char *pages = pages_new(size), *copied = pages_new(size);
	struct crate crate;
	mach_port_t port = port_new_send();

	is(wire(pages, size, VM_PROT_READ | VM_PROT_WRITE), KERN_SUCCESS,
	    "memory is wired");
	is(wire(pages + PAGE, PAGE + 1, VM_PROT_READ), KERN_SUCCESS,
	    "a part of it twice");
	is(region_at(pages).user_wired_count, 1, "that is counted");
	is(region_at(pages + 2 * PAGE).user_wired_count, 2, "page by page");
	pattern_fill(pages, size, 9);
	is(copy(pages, size, copied), KERN_SUCCESS, "it is copied");
	ok(pattern_holds(copied, size, 9), "as other memory is");
	pattern_fill(copied, size, 10);
	is(copy(copied, size, pages), KERN_SUCCESS, "and copied over");
	ok(pattern_holds(pages, size, 10), "the same");
	is(wire(pages, size, VM_PROT_NONE), KERN_SUCCESS, "it is unwired");
	is(region_at(pages + PAGE).user_wired_count, 1,
	    "and a part still wired");
	is(wire(pages, size, VM_PROT_NONE), KERN_SUCCESS, "now none is");
	is(region_at(pages + PAGE).user_wired_count, 0, "not a page");

	must(wire(pages, size, VM_PROT_READ));
	crate_fill(&crate, port, pages, size, true, MACH_MSG_VIRTUAL_COPY);
	is(send_message(&crate, CRATE_SIZE), KERN_SUCCESS,
	    "wired memory is given away");
	must(await(&crate, sizeof(crate), port));
	ok(pattern_holds(crate.memory.address, size, 10), "and arrives");
	is(region_at(crate.memory.address).user_wired_count, 0,
	    "wired no more");
	pages_end(crate.memory.address, size);
	pages_end(copied, size);
	port_end(port);
}

static void
test_wrong_wires(void)
{
	char *pages = pages_new(8 * PAGE);
	mach_vm_address_t at = (mach_vm_address_t)pages;

	ok(mach_vm_wire(mach_host_self(), self, at, PAGE, VM_PROT_READ) !=
		KERN_SUCCESS,
	    "not everybody may");
	is(mach_vm_wire(host_priv, MACH_PORT_NULL, at, PAGE, VM_PROT_READ),
	    KERN_INVALID_ARGUMENT, "of no task");
	is(wire(pages, PAGE, 0x40), KERN_INVALID_ARGUMENT, "no such access");
	is(wire(pages, ~0UL, VM_PROT_READ), KERN_INVALID_ARGUMENT,
	    "no such range");
	is(wire(pages, 0, VM_PROT_READ), KERN_SUCCESS, "no bytes");
	protect(pages + 7 * PAGE, PAGE, VM_PROT_READ);
	is(wire(pages, 8 * PAGE, VM_PROT_WRITE), KERN_PROTECTION_FAILURE,
	    "for more than is allowed");
	is(region_at(pages).user_wired_count, 0, "then none is");
	pages_end(pages + 3 * PAGE, PAGE);
	is(wire(pages, 6 * PAGE, VM_PROT_READ), KERN_INVALID_ADDRESS,
	    "over a hole");
	is(region_at(pages).user_wired_count, 0, "then none is");
	is(region_at(pages + 4 * PAGE).user_wired_count, 0, "nor behind it");
	pages_end(pages, 8 * PAGE);
}

/* ---- flags ---- */

static void
test_overwrite(void)
{
	char *pages = pages_new(3 * SUPER);
	mach_vm_address_t at = (mach_vm_address_t)pages + PAGE;

	memset(pages, 1, 3 * SUPER);
	is(mach_vm_allocate(self, &at, 2 * SUPER, VM_FLAGS_OVERWRITE),
	    KERN_SUCCESS, "memory in the place of other");
	is(at, pages + PAGE, "where it was");
	ok(all_zero((void *)at, 2 * SUPER), "is zero");
	ok(pages[0] == 1 && pages[2 * SUPER + PAGE] == 1, "but not around it");
	at = (mach_vm_address_t)pages;
	is(mach_vm_map(self, &at, PAGE, 0, VM_FLAGS_OVERWRITE, MACH_PORT_NULL,
	       0, FALSE, VM_PROT_READ, VM_PROT_READ, VM_INHERIT_NONE),
	    KERN_SUCCESS, "by mach_vm_map");
	is(region_at(pages).max_protection, VM_PROT_READ, "with its rights");
	is(mach_vm_map(self, &at, PAGE, 0, VM_FLAGS_OVERWRITE, MACH_PORT_NULL,
	       0, FALSE, VM_PROT_ALL, VM_PROT_READ, VM_INHERIT_NONE),
	    KERN_INVALID_ARGUMENT, "not with more than that");
	ok(is_mapped(pages), "and nothing is gone then");
	pages_end(pages, 3 * SUPER);
}

static void
test_superpage_flags(void)
{
	mach_vm_address_t at = 0;

	is(mach_vm_allocate(self, &at, 2 * SUPER,
	       VM_FLAGS_ANYWHERE | VM_FLAGS_SUPERPAGE_SIZE_2MB),
	    KERN_SUCCESS, "two superpages");
	is(at % SUPER, 0, "where superpages are");
	memset((void *)at, 1, 2 * SUPER);
	must(mach_vm_deallocate(self, at, 2 * SUPER));
	is(mach_vm_allocate(self, &at, SUPER + PAGE,
	       VM_FLAGS_ANYWHERE | VM_FLAGS_SUPERPAGE_SIZE_2MB),
	    KERN_INVALID_ARGUMENT, "one and a bit");
	is(mach_vm_allocate(self, &at, SUPER,
	       VM_FLAGS_ANYWHERE | (7 << VM_FLAGS_SUPERPAGE_SHIFT)),
	    KERN_INVALID_ARGUMENT, "of another size");
	at += PAGE;
	is(mach_vm_allocate(self, &at, SUPER, VM_FLAGS_SUPERPAGE_SIZE_ANY),
	    KERN_INVALID_ARGUMENT, "where superpages are not");
	at -= PAGE;
	is(mach_vm_allocate(self, &at, SUPER, VM_FLAGS_SUPERPAGE_SIZE_ANY),
	    KERN_SUCCESS, "or are");
	must(mach_vm_deallocate(self, at, SUPER));
}

/* ---- ranges that are none ---- */

static void
test_edges(void)
{
	static const struct {
		mach_vm_address_t address;
		mach_vm_size_t size;
	} ranges[] = {{~0UL, 1}, {~0UL - 4095, 4096}, {4096, ~0UL},
	    {4096, ~0UL - 4096}, {0x8000000000000000, 0x8000000000000000},
	    {~0UL, ~0UL}};
	char *pages = pages_new(2 * PAGE);
	vm_offset_t data;
	mach_vm_size_t copied;
	mach_msg_type_number_t count;

	for (unsigned i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		mach_vm_address_t at = ranges[i].address, start = at;
		mach_vm_size_t size = ranges[i].size;

		note("%#llx, %#llx", (unsigned long long)at,
		    (unsigned long long)size);
		is(mach_vm_deallocate(self, at, size), KERN_INVALID_ARGUMENT,
		    "deallocate");
		is(mach_vm_protect(self, at, size, FALSE, VM_PROT_READ),
		    KERN_INVALID_ARGUMENT, "protect");
		is(mach_vm_inherit(self, at, size, VM_INHERIT_NONE),
		    KERN_INVALID_ARGUMENT, "inherit");
		is(mach_vm_read(self, at, size, &data, &count),
		    KERN_INVALID_ARGUMENT, "read");
		is(mach_vm_read_overwrite(
		       self, at, size, (mach_vm_address_t)pages, &copied),
		    KERN_INVALID_ARGUMENT, "read over");
		is(mach_vm_behavior_set(self, at, size, VM_BEHAVIOR_DEFAULT),
		    KERN_INVALID_ARGUMENT, "behave");
		is(wire((void *)at, size, VM_PROT_READ), KERN_INVALID_ARGUMENT,
		    "wire");
		ok(mach_vm_allocate(self, &start, size, VM_FLAGS_FIXED) !=
			KERN_SUCCESS,
		    "allocate");
		ok(mach_vm_map(self, &start, size, 0, VM_FLAGS_FIXED,
		       MACH_PORT_NULL, 0, FALSE, VM_PROT_READ, VM_PROT_READ,
		       VM_INHERIT_NONE) != KERN_SUCCESS,
		    "map");
	}
	is(mach_vm_write(self, ~0UL - 5, (vm_offset_t)pages, 100),
	    KERN_INVALID_ARGUMENT, "written round the end");
	pages_end(pages, 2 * PAGE);
}

/* Ranges of no bytes, and of parts of pages. */
static void
test_small_ranges(void)
{
	char *pages = pages_new(2 * PAGE);
	vm_offset_t data;
	mach_vm_size_t copied;
	mach_msg_type_number_t count;

	is(mach_vm_write(self, (mach_vm_address_t)pages, 0, 0), KERN_SUCCESS,
	    "nothing written");
	is(mach_vm_read(self, 8, 0, &data, &count), KERN_SUCCESS,
	    "nothing read");
	is(count, 0, "no bytes");
	is(mach_vm_read_overwrite(self, 8, 0, 8, &copied), KERN_SUCCESS,
	    "to nowhere");
	is(mach_vm_protect(self, 8, 0, FALSE, VM_PROT_READ), KERN_SUCCESS,
	    "nothing protected");
	is(mach_vm_protect(
	       self, (mach_vm_address_t)pages + 5, 1, FALSE, VM_PROT_READ),
	    KERN_SUCCESS, "a byte is a page");
	is(access_to(pages), VM_PROT_READ, "of which it is one");
	is(access_to(pages + PAGE), VM_PROT_DEFAULT, "and not the next");
	is(mach_vm_protect(self, (mach_vm_address_t)pages + PAGE - 1, 2, FALSE,
	       VM_PROT_NONE),
	    KERN_SUCCESS, "two bytes may be two pages");
	is(access_to(pages + PAGE), VM_PROT_NONE, "both of them");
	pages_end(pages, 2 * PAGE);
}

int
main(void)
{
	self = mach_task_self();
	must(bootstrap_device(bootstrap_port, "host_priv", &host_priv));
	test_copy();
	test_wrong_copies();
	test_read_list();
	test_behavior();
	test_attributes();
	test_wire();
	test_wrong_wires();
	test_overwrite();
	test_superpage_flags();
	test_edges();
	test_small_ranges();
	return done();
}
