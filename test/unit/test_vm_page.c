/*
 * test/unit/test_vm_page.c: the page allocator, on RAM full of rubbish.
 *
 * Sources: vm/page.c kernel/lock.c test/unit/chance.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "drivers/machine.h"
#include "kernel/cpu.h"
#include "vm/page.h"
#include "chance.h"

#define RAM_SIZE (64UL << 20)
#define RAM_END	 (HOST_RAM_BASE + RAM_SIZE)

/* What a machine leaves of its RAM: ragged, with holes. */
static struct machine ragged_machine = {
    .usable =
	{
	    {HOST_RAM_BASE + 0x3000, HOST_RAM_BASE + 0x1ff000},
	    {HOST_RAM_BASE + 0x201000, HOST_RAM_BASE + 0x205000},
	    {HOST_RAM_BASE + 0x206000, HOST_RAM_BASE + 0x1400000},
	    {HOST_RAM_BASE + 0x1401000, RAM_END - 0x7000},
	},
    .usable_count = 4,
};

static uint64_t
usable_pages(const struct machine *machine)
{
	uint64_t pages = 0;

	for (uint32_t i = 0; i < machine->usable_count; i++)
		pages += machine_range_size(machine->usable[i]) >> PAGE_SHIFT;
	return pages;
}

static bool
is_usable(const struct machine *machine, paddr_t start, uint64_t size)
{
	for (uint32_t i = 0; i < machine->usable_count; i++) {
		if (start >= machine->usable[i].start &&
		    start + size <= machine->usable[i].end)
			return true;
	}
	return false;
}

static int
set_up(void **state)
{
	(void)state;
	host_ram_init(RAM_SIZE);
	memset(cpus, 0, sizeof(cpus));
	cpus[0].index = 0;
	page_boot_add(&ragged_machine, HOST_RAM_BASE, RAM_END);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	page_fail_after(0);
	host_ram_free();
	return 0;
}

/* Boot takes blocks; none overlap, all are aligned and usable. */
static void
test_boot_alloc(void **state)
{
	static const uint64_t sizes[] = {0x1000, 0x200000, 0x3000, 0x1000,
	    0x200000, 0x10000, 0x1000, 0x200000};
	struct machine_range taken[ARRAY_SIZE(sizes)];
	uint64_t taken_pages = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint64_t alignment = sizes[i] & -sizes[i];
		paddr_t pa = page_boot_alloc(sizes[i], alignment);

		assert_int_not_equal(pa, 0);
		assert_int_equal(pa & (alignment - 1), 0);
		assert_true(is_usable(&ragged_machine, pa, sizes[i]));
		for (unsigned k = 0; k < i; k++)
			assert_true(pa >= taken[k].end ||
				    pa + sizes[i] <= taken[k].start);
		taken[i] = (struct machine_range){pa, pa + sizes[i]};
		taken_pages += sizes[i] >> PAGE_SHIFT;
	}
	assert_int_equal(page_boot_alloc(RAM_SIZE, PAGE_SIZE), 0);
	page_init();
	assert_int_equal(
	    page_total_count(), usable_pages(&ragged_machine) - taken_pages);
	assert_int_equal(page_free_count(), page_total_count());
	/* What boot took is never handed out. */
	for (struct page *page; (page = page_alloc(0)) != NULL;) {
		for (unsigned k = 0; k < ARRAY_SIZE(sizes); k++)
			assert_true(page_pa(page) < taken[k].start ||
				    page_pa(page) >= taken[k].end);
	}
	assert_int_equal(page_free_count(), 0);
}

/* Every page once, none that is not usable, and all come back as they were. */
static void
test_exhaust(void **state)
{
	static struct page *pages[RAM_SIZE >> PAGE_SHIFT];
	static bool seen[RAM_SIZE >> PAGE_SHIFT];
	uint64_t total, count = 0;
	uint64_t blocks = 0;

	(void)state;
	page_init();
	total = page_total_count();
	assert_int_equal(total, usable_pages(&ragged_machine));
	memset(seen, 0, sizeof(seen));
	for (struct page *page; (page = page_alloc_zeroed()) != NULL;) {
		uint64_t index = (page_pa(page) - HOST_RAM_BASE) >> PAGE_SHIFT;
		const uint64_t *words = page_va(page);

		assert_true(is_usable(&ragged_machine, page_pa(page), 4096));
		assert_false(seen[index]);
		seen[index] = true;
		for (unsigned i = 0; i < 512; i++)
			assert_int_equal(words[i], 0);
		pages[count++] = page;
	}
	assert_int_equal(count, total);
	while (count > 0)
		page_put(pages[--count]);
	assert_int_equal(page_free_count(), total);
	/* All merged again: as many large blocks as there can be, less those
	 * that the pages in this hart's cache keep apart. */
	while (page_alloc(PAGE_ORDER_MAX) != NULL)
		blocks++;
	assert_true(blocks >= 26);
}

/* Random sizes; contents never overlap; references free at the last drop. */
static void
test_random(void **state)
{
	enum {
		LIVE = 600,
		STEPS = 200000
	};
	static struct {
		struct page *page;
		unsigned order, refs;
		uint64_t tag;
	} live[LIVE];

	(void)state;
	page_init();
	memset(live, 0, sizeof(live));
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned i = (unsigned)random_below(LIVE);
		struct page *page = live[i].page;

		if (page == NULL) {
			unsigned order =
			    random_below(4) == 0
				? (unsigned)random_below(PAGE_ORDER_MAX + 1)
				: 0;

			page = page_alloc(order);
			if (page == NULL)
				continue;
			live[i].page = page;
			live[i].order = order;
			live[i].refs = 1;
			live[i].tag = step;
			assert_true(is_usable(&ragged_machine, page_pa(page),
			    PAGE_SIZE << order));
			assert_int_equal(
			    page_pa(page) & ((PAGE_SIZE << order) - 1), 0);
			for (uint64_t at = 0; at < 1UL << order; at++)
				*(uint64_t *)page_va(page + at) = step + at;
			continue;
		}
		if (random_below(4) == 0) {
			page_get(page);
			live[i].refs++;
			continue;
		}
		for (uint64_t at = 0; at < 1UL << live[i].order; at++)
			assert_int_equal(
			    *(uint64_t *)page_va(page + at), live[i].tag + at);
		assert_int_equal(page->refs, live[i].refs);
		assert_int_equal(page_is_sole(page), live[i].refs == 1);
		page_put(page);
		if (--live[i].refs == 0)
			live[i].page = NULL;
	}
	for (unsigned i = 0; i < LIVE; i++) {
		for (; live[i].refs > 0; live[i].refs--)
			page_put(live[i].page);
	}
	assert_int_equal(page_free_count(), page_total_count());
}

static void
test_fail_on_demand(void **state)
{
	struct page *page;

	(void)state;
	page_init();
	page_fail_after(3);
	page = page_alloc(0);
	assert_non_null(page);
	page_put(page);
	page = page_alloc(3);
	assert_non_null(page);
	page_put(page);
	assert_null(page_alloc(0));
	assert_null(page_alloc_zeroed());
	page_fail_after(0);
	page = page_alloc(0);
	assert_non_null(page);
	page_put(page);
}

/* As wanted where there is a choice, and any where there is none. */
static void
test_colours(void **state)
{
	unsigned matches = 0;
	struct page *page;
	uint64_t count = 0;

	(void)state;
	page_init();
	/* The pieces of what is ragged come first. */
	for (unsigned i = 0; i < 400; i++) {
		page = page_alloc_coloured(i % PAGE_COLOURS);
		assert_non_null(page);
		assert_int_equal(page->refs, 1);
		matches += page_colour(page) == i % PAGE_COLOURS;
		count++;
	}
	assert_true(matches > 360);
	while ((page = page_alloc_coloured(2)) != NULL)
		count++;
	assert_int_equal(count, page_total_count());
}

static void
test_copy(void **state)
{
	struct page *from, *to;
	uint8_t *bytes;

	(void)state;
	page_init();
	from = page_alloc(0);
	to = page_alloc(0);
	assert_non_null(from);
	assert_non_null(to);
	bytes = page_va(from);
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		bytes[i] = (uint8_t)random_below(256);
	page_copy(page_va(to), bytes);
	assert_memory_equal(page_va(to), bytes, PAGE_SIZE);
	page_zero(page_va(to));
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		assert_int_equal(((uint8_t *)page_va(to))[i], 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_boot_alloc, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_exhaust, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_random, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_fail_on_demand, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_colours, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_copy, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
