/* memory_pager/pack.c: see pack.h. */
#include "pack.h"

#include <string.h>

#define RUN_MIN 3

/* How often the word at @first comes at once, up to @end. */
static size_t
repeats(const uint64_t *page, size_t first, size_t end)
{
	size_t next = first + 1;

	while (next < end && page[next] == page[first])
		next++;
	return next - first;
}

/* Where the next run begins, at or behind @first. */
static size_t
find_run(const uint64_t *page, size_t first)
{
	while (first < PACK_PAGE_WORDS) {
		size_t count = repeats(page, first, PACK_PAGE_WORDS);

		if (count >= RUN_MIN)
			break;
		first += count;
	}
	return first;
}

size_t
pack(const uint64_t *page, uint64_t *packed)
{
	uint64_t *out = packed;
	size_t next = 0;

	while (next < PACK_PAGE_WORDS) {
		size_t run = find_run(page, next), count = run - next;

		if (count > 0) {
			*out++ = count * 2;
			memcpy(out, page + next, count * sizeof(*out));
			out += count;
		}
		if (run < PACK_PAGE_WORDS) {
			count = repeats(page, run, PACK_PAGE_WORDS);
			*out++ = count * 2 + 1;
			*out++ = page[run];
			run += count;
		}
		next = run;
	}
	return (size_t)(out - packed);
}

bool
unpack(const uint64_t *packed, size_t count, uint64_t *page)
{
	size_t next = 0, place = 0;

	while (next < count) {
		uint64_t control = packed[next++], words = control / 2;
		bool run = control % 2 != 0;

		if (words == 0 || words > PACK_PAGE_WORDS - place ||
		    (run ? 1 : words) > count - next)
			return false;
		for (uint64_t i = 0; i < words; i++)
			page[place++] = packed[run ? next : next + i];
		next += run ? 1 : words;
	}
	return place == PACK_PAGE_WORDS;
}
