/*
 * larger_memory.c: objects of the memory pager, larger than the machine's
 * memory where that is small, and than what the pager lets the kernel have
 * anywhere.
 */
#include "test/user/mach_test.h"

#include <servers/bootstrap.h>
#include <servers/memory_pager.h>
#include <string.h>

#define PAGE	   4096UL
#define PAGE_WORDS (PAGE / sizeof(uint64_t))
#define MIB	   (1UL << 20)
#define SEED	   0x1234567

static task_t self;
static mach_port_t server;

/* A machine of 64 MiB is walked past its end; of larger ones a part. */
static uint64_t
size_to_walk(void)
{
	mach_port_t host = mach_host_self();
	host_basic_info_data_t info;
	mach_msg_type_number_t count = HOST_BASIC_INFO_COUNT;

	must(host_info(host, HOST_BASIC_INFO, (host_info_t)&info, &count));
	mach_port_deallocate(self, host);
	return info.max_mem <= 64 * MIB ? info.max_mem + 8 * MIB : 20 * MIB;
}

static uint64_t *
map_new(uint64_t size, uint64_t seed)
{
	mach_vm_address_t address = 0;
	mach_port_t object;

	must(memory_pager_create(server, size, seed, &object));
	must(mach_vm_map(self, &address, size, 0, VM_FLAGS_ANYWHERE, object, 0,
	    FALSE, VM_PROT_DEFAULT, VM_PROT_DEFAULT, VM_INHERIT_NONE));
	mach_port_deallocate(self, object);
	return (uint64_t *)address;
}

static void
unmap(const uint64_t *words, uint64_t size)
{
	must(mach_vm_deallocate(self, (mach_vm_address_t)words, size));
}

static void
test_arguments(void)
{
	mach_port_t object;

	is(memory_pager_create(server, 0, 0, &object), KERN_INVALID_ARGUMENT,
	    "an object of no size");
	is(memory_pager_create(server, MEMORY_PAGER_SIZE_MAX + 1, 0, &object),
	    KERN_INVALID_ARGUMENT, "and one too large");
}

static bool
is_generated(const uint64_t *words, uint64_t first, uint64_t count)
{
	for (uint64_t i = first; i < first + count; i++)
		if (words[i] != memory_pager_word(SEED, i * sizeof(*words)))
			return false;
	return true;
}

static void
test_generated(uint64_t size)
{
	uint64_t *words = map_new(size, SEED);
	uint64_t pages = size / PAGE, wrong = 0;

	for (uint64_t i = 0; i < pages; i++)
		wrong += !is_generated(words, i * PAGE_WORDS + i % 500, 12);
	is(wrong, 0, "%u MiB are generated", (unsigned)(size / MIB));
	ok(is_generated(words, 0, PAGE_WORDS), "every word, of one page");
	unmap(words, size);
}

/* What is written at the front of a page, and once in a while in all of it. */
static uint64_t
word_of(uint64_t page, uint64_t index)
{
	return page % 97 == 0 || index < 4 ? memory_pager_word(page, index * 8)
					   : 0;
}

static void
write_page(uint64_t *words, uint64_t page)
{
	uint64_t count = page % 97 == 0 ? PAGE_WORDS : 4;

	for (uint64_t i = 0; i < count; i++)
		words[page * PAGE_WORDS + i] = word_of(page, i);
}

static bool
page_holds(const uint64_t *words, uint64_t page)
{
	uint64_t step = page % 31 == 0 ? 1 : 3;

	for (uint64_t i = 0; i < PAGE_WORDS; i += step)
		if (words[page * PAGE_WORDS + i] != word_of(page, i))
			return false;
	return true;
}

static void
test_compressed(uint64_t size)
{
	uint64_t *words = map_new(size, 0);
	uint64_t pages = size / PAGE, wrong = 0;
	uint64_t objects, kept, bytes, kept_before;

	must(memory_pager_usage(server, &objects, &kept_before, &bytes));
	for (uint64_t i = 0; i < pages; i++)
		write_page(words, i);
	must(memory_pager_usage(server, &objects, &kept, &bytes));
	ok(objects > 0, "the pager has the object");
	ok(kept - kept_before > pages / 4, "and most of its pages: %u of %u",
	    (unsigned)(kept - kept_before), (unsigned)pages);
	ok(bytes < size / 8, "in little room: %u KiB",
	    (unsigned)(bytes / 1024));
	for (uint64_t i = 0; i < pages; i++)
		wrong += !page_holds(words, i);
	is(wrong, 0, "all %u MiB are what was written", (unsigned)(size / MIB));
	for (uint64_t i = 0; i < 500; i++)
		wrong += !page_holds(words, (i * 7919) % pages);
	is(wrong, 0, "in any order");
	unmap(words, size);
}

static void
test_end(void)
{
	uint64_t objects = 1, pages, bytes;

	for (int i = 0; i < 2500 && objects > 0; i++) {
		must(memory_pager_usage(server, &objects, &pages, &bytes));
		sleep_ms(2);
	}
	is(objects, 0, "objects that nobody maps end");
	is(pages, 0, "with all that was kept for them");
}

int
main(void)
{
	uint64_t size;

	self = mach_task_self();
	size = size_to_walk();
	must(bootstrap_look_up(bootstrap_port, MEMORY_PAGER_SERVICE, &server));
	test_arguments();
	test_generated(size);
	test_compressed(size);
	test_end();
	return done();
}
