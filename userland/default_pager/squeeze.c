/* squeeze.c: see squeeze.h. */
#include "squeeze.h"

#include <stdbool.h>
#include <string.h>

#define PLACE_BITS 4
#define LOW_BITS   10
#define LOW_MASK   ((1U << LOW_BITS) - 1)

enum tag {
	TAG_ZERO,
	TAG_SAME,
	TAG_NEAR,
	TAG_NEW,
};

/* Where a word goes: neighbouring upper parts go to different places. */
static unsigned
place_of(uint32_t word)
{
	return (word >> LOW_BITS) * 0x9e3779b1U >> (32 - PLACE_BITS);
}

/* ---- bits, the lowest first ---- */

struct writer {
	uint8_t *at, *end;
	uint64_t bits;
	unsigned count; /* in @bits, less than 8 between calls */
	bool full;
};

static void
put(struct writer *to, uint64_t bits, unsigned count)
{
	to->bits |= bits << to->count;
	to->count += count;
	for (; to->count >= 8; to->count -= 8, to->bits >>= 8) {
		if (to->at == to->end)
			to->full = true;
		else
			*to->at++ = (uint8_t)to->bits;
	}
}

struct reader {
	const uint8_t *at, *end;
	uint64_t bits;
	unsigned count;
};

static uint32_t
get(struct reader *from, unsigned count)
{
	uint64_t bits;

	for (; from->count < count; from->count += 8) {
		uint64_t next = from->at < from->end ? *from->at++ : 0;

		from->bits |= next << from->count;
	}
	bits = from->bits & ((1UL << count) - 1);
	from->bits >>= count;
	from->count -= count;
	return (uint32_t)bits;
}

/* ---- words ---- */

static void
put_word(struct writer *to, uint32_t word, uint32_t *places)
{
	unsigned place = place_of(word);
	uint32_t old = places[place];

	if (word == 0) {
		put(to, TAG_ZERO, 2);
		return;
	}
	places[place] = word;
	if (word == old) {
		put(to, TAG_SAME | place << 2, 2 + PLACE_BITS);
	} else if (word >> LOW_BITS == old >> LOW_BITS) {
		put(to, TAG_NEAR | place << 2, 2 + PLACE_BITS);
		put(to, word & LOW_MASK, LOW_BITS);
	} else {
		put(to, TAG_NEW, 2);
		put(to, word, 32);
	}
}

size_t
squeeze(const uint32_t page[SQUEEZE_WORDS], uint8_t *out, size_t room)
{
	struct writer to = {.at = out, .end = out + room};
	uint32_t places[1 << PLACE_BITS] = {0};

	for (unsigned i = 0; i < SQUEEZE_WORDS && !to.full; i++)
		put_word(&to, page[i], places);
	put(&to, 0, 7); /* the last byte, if it is not whole */
	return to.full ? 0 : (size_t)(to.at - out);
}

static uint32_t
get_word(struct reader *from, uint32_t *places)
{
	enum tag tag = get(from, 2);
	uint32_t word = 0;

	if (tag == TAG_ZERO)
		return 0;
	if (tag == TAG_NEW) {
		word = get(from, 32);
	} else {
		word = places[get(from, PLACE_BITS)];
		if (tag == TAG_NEAR)
			word = (word & ~LOW_MASK) | get(from, LOW_BITS);
	}
	places[place_of(word)] = word;
	return word;
}

void
unsqueeze(const uint8_t *in, size_t size, uint32_t page[SQUEEZE_WORDS])
{
	struct reader from = {.at = in, .end = in + size};
	uint32_t places[1 << PLACE_BITS] = {0};

	for (unsigned i = 0; i < SQUEEZE_WORDS; i++)
		page[i] = get_word(&from, places);
}
