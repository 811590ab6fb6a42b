/*
 * charges.c: who pays for memory that is in objects: what a memory entry has,
 * what a pager supplied, what a snapshot keeps; that it is what is there, to
 * the page, and what becomes of a supply beyond the pager's limit.
 */
#include <string.h>

#include <baton/ledger.h>
#include <mach/memory_object_types.h>

#include "test/user/greed.h"
#include "test/user/paged.h"

#define PAGES 256
#define SIZE  (PAGES * PAGE)

static task_t self;

static uint64_t
use(void)
{
	return ledger_use(self, BATON_LEDGER_RESIDENT);
}

/* What is freed by the kernel's threads may take a moment. */
static bool
comes_to(enum baton_ledger_kind kind, uint64_t wanted)
{
	for (unsigned i = 0; i < 300; i++) {
		if (ledger_use(self, kind) == wanted)
			return true;
		sleep_ms(10);
	}
	return false;
}

/* Of resident pages; the last that a pager gave away goes a moment later. */
static void
is_used(uint64_t wanted, const char *what)
{
	(void)comes_to(BATON_LEDGER_RESIDENT, wanted);
	is(use(), wanted, what);
}

static void
touch(char *memory)
{
	for (unsigned i = 0; i < PAGES; i++)
		memory[i * PAGE] = (char)i;
}

/* Is every page what touch() made it? */
static bool
is_touched(const char *memory)
{
	for (unsigned i = 0; i < PAGES; i++)
		if (memory[i * PAGE] != (char)i)
			return false;
	return true;
}

static void
unmap(const char *memory)
{
	must(mach_vm_deallocate(self, (mach_vm_address_t)memory, SIZE));
}

/* ---- memory entries ---- */

static mach_port_t
entry_new(void)
{
	memory_object_size_t size = SIZE;
	mach_port_t entry;

	must(mach_make_memory_entry_64(self, &size, 0,
	    MAP_MEM_NAMED_CREATE | VM_PROT_ALL, &entry, MACH_PORT_NULL));
	return entry;
}

/* What libraries and the stack take is there then. */
static void
warm_up(void)
{
	mach_port_t entry = entry_new();
	char *memory = paged_map(entry, 0, SIZE, FALSE);

	touch(memory);
	ok(comes_to(BATON_LEDGER_RESIDENT, use()), "what there is");
	unmap(memory);
	mach_port_deallocate(self, entry);
	sleep_ms(100);
}

static void
test_entry(void)
{
	uint64_t before = use();
	uint64_t kernel = ledger_use(self, BATON_LEDGER_KERNEL);
	mach_port_t entry = entry_new();
	char *memory;

	is_used(before, "memory that nobody has touched is no page");
	memory = paged_map(entry, 0, SIZE, FALSE);
	touch(memory);
	is_used(before + 2 * PAGES,
	    "what is touched is the entry's, and the map's");
	unmap(memory);
	is_used(before + PAGES, "then the entry's alone");
	ok(ledger_use(self, BATON_LEDGER_KERNEL) > kernel + PAGE,
	    "which takes some of the kernel's memory");
	memory = paged_map(entry, 0, SIZE, FALSE);
	ok(is_touched(memory), "it is there");
	unmap(memory);
	mach_port_deallocate(self, entry);
	ok(comes_to(BATON_LEDGER_RESIDENT, before), "in the end nobody's");
	ok(comes_to(BATON_LEDGER_KERNEL, kernel), "nor is anything else");
}

static void
test_shared(void)
{
	uint64_t before = use();
	memory_object_size_t size = SIZE;
	char *memory = pages_new(SIZE);
	mach_port_t entry;

	touch(memory);
	is_used(before + PAGES, "private memory is the map's");
	must(mach_make_memory_entry_64(self, &size, (mach_vm_address_t)memory,
	    MAP_MEM_VM_SHARE | VM_PROT_DEFAULT, &entry, MACH_PORT_NULL));
	is_used(before + 2 * PAGES, "shared, it is an object's as well");
	pages_end(memory, SIZE);
	is_used(before + PAGES, "and that alone when it goes");
	mach_port_deallocate(self, entry);
	ok(comes_to(BATON_LEDGER_RESIDENT, before), "until that ends");
}

/* ---- a pager's objects ---- */

static struct paged paged;

/* We are pager and client. */
static void
test_supplied(void)
{
	mach_port_t right = paged_make(&paged, SIZE, true);
	uint64_t before;
	char *memory, *copy;

	/* The store is there, and so is what serving takes. */
	memory = paged_map(right, 0, SIZE, FALSE);
	touch(memory);
	paged_flush(&paged);
	before = use();
	ok(is_touched(memory), "a pager's object");
	is_used(before + 2 * PAGES, "is paid for by the pager, and who maps");
	copy = paged_map(right, 0, SIZE, TRUE);
	is_used(before + 2 * PAGES, "a copy has no pages yet");
	memset(memory, 'n', SIZE);
	is_used(before + 3 * PAGES, "but those that are written");
	ok(is_touched(copy), "which are what it has");
	is_used(before + 4 * PAGES, "for those who touch them, too");
	unmap(copy);
	ok(comes_to(BATON_LEDGER_RESIDENT, before + 2 * PAGES),
	    "and nobody's when it goes");
	unmap(memory);
	ok(comes_to(BATON_LEDGER_RESIDENT, before), "and is nobody's");
	paged_end(&paged, right);
}

/* Reads a byte of each page as the kernel does; how many could be read. */
static unsigned
readable(const char *memory)
{
	unsigned count = 0;
	char byte;

	for (unsigned i = 0; i < PAGES; i++) {
		mach_vm_size_t size = 1;

		if (mach_vm_read_overwrite(self,
			(mach_vm_address_t)memory + i * PAGE, 1,
			(mach_vm_address_t)&byte, &size) == KERN_SUCCESS)
			count += byte == (char)i;
	}
	return count;
}

/* The last test: nobody gives himself more again. */
static void
test_limit(void)
{
	mach_port_t right = paged_make(&paged, SIZE, true);
	char *memory = paged_map(right, 0, SIZE, FALSE);
	unsigned got, writes;

	touch(memory);
	is(readable(memory), PAGES, "without a limit all can be had");
	paged_flush(&paged);
	writes = atomic_load(&paged.writes);
	/* There is room for half of them below three quarters, each twice. */
	must(task_ledger_set(
	    self, BATON_LEDGER_RESIDENT, (use() + PAGES) * 4 / 3 + 1, 0));
	got = readable(memory);
	ok(got > 0 && got < PAGES,
	    "of a pager that is near its limit, %u of %u", got, PAGES);
	ok(paged_counts(&paged.writes, writes + PAGES - got),
	    "what was not kept came back to it: %u",
	    atomic_load(&paged.writes) - writes);
	paged_flush(&paged);
	ok(readable(memory) > 0, "when some has gone there is room again");
	unmap(memory);
	paged_end(&paged, right);
}

int
main(void)
{
	self = mach_task_self();
	paged_start();
	warm_up();
	test_entry();
	test_shared();
	test_supplied();
	test_limit();
	return done();
}
