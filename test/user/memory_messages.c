/*
 * memory_messages.c: memory in messages: moved, copied, and never more of it
 * than was sent.
 */
#include "test/user/mach_test.h"

#include <stdlib.h>
#include <string.h>

#define PAGE  4096UL
#define TABLE (2UL << 20) /* what one leaf table maps */

static mach_port_t self, box;

static void
send_region(
    void *from, uint32_t size, bool deallocate, mach_msg_copy_options_t copy)
{
	struct crate crate;

	crate_fill(&crate, box, from, size, deallocate, copy);
	must(send_message(&crate, CRATE_SIZE));
}

/* Take the region out of the box: where it is now. */
static void *
receive_region(uint32_t size)
{
	struct crate crate;

	memset(&crate, 0, sizeof(crate));
	must(poll_for(&crate, sizeof(crate), box));
	if (crate.memory.size != size ||
	    crate.memory.type != MACH_MSG_OOL_DESCRIPTOR ||
	    !MACH_MSGH_BITS_IS_COMPLEX(crate.header.msgh_bits))
		note("a descriptor came back wrong");
	return crate.memory.address;
}

/* Is the first or the last byte of a region still there? */
static bool
is_there(const char *from, uint32_t size)
{
	return is_mapped(from) || is_mapped(from + size - 1);
}

/*
 * Both.  What moves must be gone in between; it may well come back to where it
 * was, since that is free then.
 */
static void *
pass(void *from, uint32_t size, bool deallocate, mach_msg_copy_options_t copy)
{
	send_region(from, size, deallocate, copy);
	if (is_there(from, size) == deallocate)
		ok(false, "%u bytes left their sender", size);
	return receive_region(size);
}

static uint64_t
offset_in_page(const void *address)
{
	return (uint64_t)address & (PAGE - 1);
}

/* ---- moving ---- */

static void
test_move_pages(void)
{
	char *from = pages_new(16 * PAGE), *to;
	unsigned wrong = 0;

	pattern_fill(from, 16 * PAGE, 1);
	send_region(from + 3 * PAGE, 5 * PAGE, true, MACH_MSG_VIRTUAL_COPY);
	for (size_t i = 0; i < 16; i++)
		wrong += is_mapped(from + i * PAGE) != (i < 3 || i >= 8);
	is(wrong, 0, "five pages leave their sender, and no more");
	ok(pattern_holds(from, 3 * PAGE, 1), "what was before them stays");
	to = receive_region(5 * PAGE);
	ok(to != NULL && offset_in_page(to) == 0, "they arrive");
	to[0] = 7;
	to[5 * PAGE - 1] = 8;
	ok(to[0] == 7, "and may be written");
	pages_end(to, 5 * PAGE);
	pages_end(from, 16 * PAGE);
}

static void
test_move_keeps_bytes(void)
{
	static const uint32_t sizes[] = {1, 8, 4095, 4096, 4097, 8192, 65536,
	    262144, 1U << 20, (2U << 20) - 4096, 2U << 20, (2U << 20) + 4096,
	    3U << 20, 8U << 20};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint32_t size = sizes[i];
		char *from = pages_new(size), *to;

		pattern_fill(from, size, i);
		to = pass(from, size, true, MACH_MSG_VIRTUAL_COPY);
		ok(to != NULL && pattern_holds(to, size, i),
		    "%u bytes moved are what they were", size);
		pages_end(to, size);
	}
}

/* Where whole tables move, with pages before and behind them. */
static void
test_move_tables(void)
{
	const size_t size = 10 * TABLE;
	char *region = pages_new(size);
	char *aligned =
	    (char *)(((uint64_t)region + 2 * TABLE - 1) & ~(TABLE - 1));
	unsigned wrong = 0;

	for (int before = 0; before <= 2; before++) {
		char *from = aligned + TABLE - (size_t)before * PAGE, *to;
		uint32_t length = (uint32_t)(2 * TABLE) +
				  (uint32_t)(before + 2) * (uint32_t)PAGE;

		memset(region, 0, size);
		pattern_fill(from, length, (unsigned)before);
		send_region(from, length, true, MACH_MSG_VIRTUAL_COPY);
		wrong += is_there(from, length) || !is_mapped(from - 1) ||
			 !is_mapped(from + length);
		to = receive_region(length);
		ok(pattern_holds(to, length, (unsigned)before),
		    "two tables with %d pages before them", before);
		is((uint64_t)to & (TABLE - 1), (uint64_t)from & (TABLE - 1),
		    "at an address that agrees");
		pages_end(to, length);
		pages_end(region, size);
		region = pages_new(size);
		aligned =
		    (char *)(((uint64_t)region + 2 * TABLE - 1) & ~(TABLE - 1));
	}
	is(wrong, 0, "and exactly that left its sender");
	pages_end(region, size);
}

/* Memory that was never touched is zero on the other side, and costs none. */
static void
test_move_untouched(void)
{
	char *from = pages_new(64 * TABLE), *to;

	from[40 * TABLE] = 5;
	to = pass(from, (uint32_t)(64 * TABLE), true, MACH_MSG_VIRTUAL_COPY);
	ok(to[40 * TABLE] == 5, "the one byte there was");
	ok(to[0] == 0 && to[64 * TABLE - 1] == 0, "among zeros");
	pages_end(to, 64 * TABLE);
}

/* A thing moved and moved back, many times. */
static void
test_there_and_back(void)
{
	char *at = pages_new(TABLE + 3 * PAGE);
	struct baton_kernel_counters before, after;

	pattern_fill(at, TABLE + 3 * PAGE, 9);
	at = pass(at, TABLE + 3 * PAGE, true, MACH_MSG_VIRTUAL_COPY);
	before = quiet_counters();
	for (int i = 0; i < 200; i++)
		at = pass(at, TABLE + 3 * PAGE, true, MACH_MSG_VIRTUAL_COPY);
	ok(pattern_holds(at, TABLE + 3 * PAGE, 9), "moved two hundred times");
	after = quiet_counters();
	ok(after.pages_free + 16 >= before.pages_free,
	    "and no page was lost: %llu, %llu",
	    (unsigned long long)before.pages_free,
	    (unsigned long long)after.pages_free);
	pages_end(at, TABLE + 3 * PAGE);
}

/* ---- ends that are not whole pages ---- */

static void
test_ends(void)
{
	static const struct {
		unsigned start, size;
	} cases[] = {{0, 1}, {1, 1}, {4095, 1}, {100, 200}, {4000, 200},
	    {1, 4095}, {4095, 4098}, {17, 3 * 4096}, {100, 20000},
	    {4000, 2 * 1024 * 1024}, {0, 65537}};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int deallocate = 0; deallocate <= 1; deallocate++) {
			size_t span = cases[i].start + cases[i].size;
			size_t whole = (span + PAGE - 1) & ~(PAGE - 1);
			char *from = pages_new(whole), *to, *first;
			size_t head;

			memset(from, 0xa5, whole);
			pattern_fill(from + cases[i].start, cases[i].size, i);
			to = pass(from + cases[i].start, cases[i].size,
			    deallocate != 0, MACH_MSG_VIRTUAL_COPY);
			head = offset_in_page(to);
			first = to - head;
			ok(pattern_holds(to, cases[i].size, i),
			    "%u bytes from %u, %s", cases[i].size,
			    cases[i].start, deallocate ? "moved" : "copied");
			span = head + cases[i].size;
			whole = (span + PAGE - 1) & ~(PAGE - 1);
			ok(all_zero(first, head) &&
				all_zero(first + span, whole - span),
			    "with zeros round them");
			pages_end(first, whole);
			if (!deallocate)
				pages_end(from, cases[i].start + cases[i].size);
		}
}

/* ---- copying ---- */

static void
test_copies(void)
{
	static const mach_msg_copy_options_t kinds[] = {
	    MACH_MSG_PHYSICAL_COPY, MACH_MSG_VIRTUAL_COPY};
	const uint32_t size = 3U << 20;

	for (int i = 0; i < 2; i++) {
		struct crate crate;
		char *from = pages_new(size), *to;

		pattern_fill(from, size, 3);
		crate_fill(&crate, box, from, size, false, kinds[i]);
		must(send_message(&crate, CRATE_SIZE));
		/* Sent is sent: what the sender does now is its own affair. */
		memset(from, 0x11, size);
		must(poll_for(&crate, sizeof(crate), box));
		to = crate.memory.address;
		ok(pattern_holds(to, size, 3),
		    "what was sent does not change (%s copy)",
		    i ? "virtual" : "physical");
		pattern_fill(to, size, 4);
		ok(from[0] == 0x11 && from[size - 1] == 0x11,
		    "nor does the receiver's writing change the sender's");
		memset(from, 0x22, size);
		ok(pattern_holds(to, size, 4), "each has its own");
		pages_end(to, size);
		pages_end(from, size);
	}
}

/* The same pages sent again and again share, and part when written. */
static void
test_many_copies(void)
{
	enum {
		COPIES = 8
	};
	char *from = pages_new(4 * PAGE), *to[COPIES];
	unsigned wrong = 0;

	pattern_fill(from, 4 * PAGE, 5);
	for (int i = 0; i < COPIES; i++)
		to[i] = pass(from, 4 * PAGE, false, MACH_MSG_VIRTUAL_COPY);
	for (int i = 0; i < COPIES; i++)
		to[i][PAGE] = (char)i;
	for (int i = 0; i < COPIES; i++)
		wrong +=
		    to[i][PAGE] != (char)i || !pattern_holds(to[i], PAGE, 5);
	ok(pattern_holds(from, 4 * PAGE, 5), "the first is untouched");
	is(wrong, 0, "each of %d copies has its own change", COPIES);
	for (int i = 0; i < COPIES; i++)
		pages_end(to[i], 4 * PAGE);
	pages_end(from, 4 * PAGE);
}

/* ---- what is wrong ---- */

static kern_return_t
try(void *address, uint32_t size, bool deallocate)
{
	struct crate crate;

	crate_fill(
	    &crate, box, address, size, deallocate, MACH_MSG_VIRTUAL_COPY);
	return send_message(&crate, CRATE_SIZE);
}

static void
test_wrong_memory(void)
{
	char *pages = pages_new(4 * PAGE);

	pattern_fill(pages, 4 * PAGE, 6);
	must(mach_vm_deallocate(
	    self, (mach_vm_address_t)pages + 2 * PAGE, PAGE));
	for (int deallocate = 0; deallocate <= 1; deallocate++) {
		is(try((void *)0, 16, deallocate), MACH_SEND_INVALID_MEMORY,
		    "nothing at null");
		is(try(pages, 4 * PAGE, deallocate), MACH_SEND_INVALID_MEMORY,
		    "a hole in the middle");
		is(try((void *)0xffffffc000000000, 64, deallocate),
		    MACH_SEND_INVALID_MEMORY, "the kernel's memory");
		is(try((void *)~0xfffUL, 8192, deallocate),
		    MACH_SEND_INVALID_MEMORY, "round the end of all addresses");
		is(try((void *)0x3fffffff00, 0xffffff00, deallocate),
		    MACH_SEND_INVALID_MEMORY, "beyond the user's half");
	}
	ok(pattern_holds(pages, 2 * PAGE, 6), "all is as it was");
	ok(is_mapped(pages + 3 * PAGE), "on both sides of the hole");

	must(mach_vm_protect(
	    self, (mach_vm_address_t)pages, PAGE, FALSE, VM_PROT_NONE));
	is(try(pages, PAGE, false), MACH_SEND_INVALID_MEMORY,
	    "what may not be read may not be sent");
	is(take(box), -1, "none of these arrived");
	pages_end(pages, 4 * PAGE);
}

static void
test_nothing(void)
{
	struct crate crate;

	crate_fill(&crate, box, NULL, 0, true, MACH_MSG_VIRTUAL_COPY);
	is(send_message(&crate, CRATE_SIZE), KERN_SUCCESS, "no bytes");
	must(poll_for(&crate, sizeof(crate), box));
	is(crate.memory.size, 0, "are no bytes");
	ok(crate.memory.address == NULL, "at no address");
}

/* Memory of a message that nobody receives goes back where it came from. */
static void
test_unreceived(void)
{
	struct baton_kernel_counters before, after;
	mach_port_t port;
	struct crate crate;

	port = port_new_send();
	set_limit(port, 64);
	before = quiet_counters();
	for (int i = 0; i < 20; i++) {
		char *from = pages_new(64 * PAGE);

		memset(from, 1, 64 * PAGE);
		crate_fill(
		    &crate, port, from, 64 * PAGE, true, MACH_MSG_VIRTUAL_COPY);
		must(send_message(&crate, CRATE_SIZE));
	}
	ok(counters().pages_free < before.pages_free - 1000,
	    "memory on its way is in use");
	port_end(port);
	after = quiet_counters();
	ok(after.pages_free + 32 >= before.pages_free,
	    "and free when its port dies: %llu, %llu",
	    (unsigned long long)before.pages_free,
	    (unsigned long long)after.pages_free);
}

int
main(void)
{
	self = mach_task_self();
	box = port_new_send();
	test_move_pages();
	test_move_keeps_bytes();
	test_move_tables();
	test_move_untouched();
	test_there_and_back();
	test_ends();
	test_copies();
	test_many_copies();
	test_wrong_memory();
	test_nothing();
	test_unreceived();
	return done();
}
