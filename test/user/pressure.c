/*
 * pressure.c: more memory than there is: pages leave it for the default pager,
 * and come back as they were.
 *
 * For machines with little of it: elsewhere it would take long.
 */
#include <string.h>

#include "test/user/mach_test.h"

#define PAGE  4096UL
#define WORDS (PAGE / sizeof(uint64_t))
#define MOST  (160UL << 20) /* of free memory */

static task_t self;

static vm_statistics64_data_t
statistics(void)
{
	vm_statistics64_data_t now;
	mach_msg_type_number_t count = HOST_VM_INFO64_COUNT;

	must(host_statistics64(
	    mach_host_self(), HOST_VM_INFO64, (host_info64_t)&now, &count));
	return now;
}

/* Memory of @pages, of which each tells its number and @seed. */
static uint64_t
word_of(uint64_t seed, size_t page, unsigned at)
{
	return seed << 48 ^ page << 16 ^ at;
}

static void
fill(uint64_t *words, size_t pages, uint64_t seed)
{
	for (size_t i = 0; i < pages; i++)
		for (unsigned k = 0; k < WORDS; k += 61)
			words[i * WORDS + k] = word_of(seed, i, k);
}

static size_t
wrong(const uint64_t *words, size_t pages, uint64_t seed)
{
	size_t count = 0;

	for (size_t i = 0; i < pages; i++) {
		bool good = words[i * WORDS + 1] == 0;

		for (unsigned k = 0; k < WORDS; k += 61)
			good &= words[i * WORDS + k] == word_of(seed, i, k);
		count += !good;
	}
	return count;
}

static void
test_more_than_there_is(size_t pages)
{
	vm_statistics64_data_t before = statistics(), after;
	uint64_t *words = pages_new(pages * PAGE);

	fill(words, pages, 1);
	is(wrong(words, pages, 1), 0, "%zu MiB are what was written",
	    pages * PAGE >> 20);
	fill(words, pages / 2, 2);
	is(wrong(words, pages / 2, 2), 0, "and may be written again");
	is(wrong(words + pages / 2 * WORDS, pages - pages / 2, 0) != 0, 1,
	    "(another pattern would be noticed)");
	after = statistics();
	ok(after.pageouts > before.pageouts, "%llu pages left",
	    (unsigned long long)(after.pageouts - before.pageouts));
	ok(after.pageins > before.pageins, "%llu came back",
	    (unsigned long long)(after.pageins - before.pageins));
	pages_end(words, pages * PAGE);
}

int
main(void)
{
	size_t free = statistics().free_count;

	self = mach_task_self();
	if (free * PAGE > MOST) {
		skip("more memory than there is", "there is much");
		return done();
	}
	test_more_than_there_is(free + free / 2);
	return done();
}
