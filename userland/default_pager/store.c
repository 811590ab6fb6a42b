/* store.c: see store.h. */
#include "store.h"

#include <string.h>

#include "squeeze.h"

#define PIECE_STEP 128 /* sizes of pieces are multiples of it */
#define PIECE_MAX  (STORE_PAGE / 4 * 3)
#define SIZES	   (PIECE_MAX / PIECE_STEP + 1)
#define NO_PIECE   0xffff

enum kind {
	KIND_NONE,
	KIND_SAME,     /* one word over and over */
	KIND_SQUEEZED, /* in a piece */
};

struct record {
	uint32_t kind : 2;
	uint32_t size : 14;  /* SQUEEZED: bytes */
	uint32_t chunk : 16; /* SQUEEZED: its number */
	uint32_t word;	     /* SAME: that; SQUEEZED: the number of the piece */
};

/* In steps of sizes; a chunk's free pieces each begin with the next's number */
struct chunk {
	uint8_t *bytes;		 /* NULL: there is none of this number */
	uint16_t size;		 /* of its pieces, in steps */
	uint16_t used;		 /* pieces */
	uint16_t free;		 /* the first free one, or NO_PIECE */
	uint16_t fresh;		 /* from here on none was ever used */
	uint16_t next, previous; /* among those with room for more, or 0 */
};

/* What a chunk has room for that keeps records, or such structs. */
#define RECORDS_EACH (STORE_CHUNK / sizeof(struct record))
#define CHUNKS_EACH  (STORE_CHUNK / sizeof(struct chunk))

static const struct store_memory *memory;
static struct record *records[STORE_SLOTS_MAX / RECORDS_EACH];
/* Numbers are used again from the lowest; 0 is none. */
static struct chunk *chunks[STORE_CHUNKS_MAX / CHUNKS_EACH + 1];
static uint16_t lowest; /* all below are in use */
static uint64_t chunks_most;
static uint16_t with_room[SIZES + 1]; /* the first chunk of a size, or 0 */
static struct store_counts counts;
static uint8_t squeezed[PIECE_MAX];

void
store_init(const struct store_memory *from, uint64_t bytes)
{
	memory = from;
	chunks_most = bytes / STORE_CHUNK;
	if (chunks_most > STORE_CHUNKS_MAX)
		chunks_most = STORE_CHUNKS_MAX;
	lowest = 1;
}

struct store_counts
store_counts(void)
{
	return counts;
}

/* ---- chunks ---- */

static struct chunk *
chunk_of(uint16_t number)
{
	return &chunks[number / CHUNKS_EACH][number % CHUNKS_EACH];
}

/* The same, of any number; NULL: there is no memory for it. */
static struct chunk *
chunk_make(uint16_t number)
{
	struct chunk **part = &chunks[number / CHUNKS_EACH];

	if (*part == NULL) {
		*part = memory->get();
		if (*part == NULL)
			return NULL;
		memset(*part, 0, STORE_CHUNK);
	}
	return chunk_of(number);
}

static unsigned
pieces_of(const struct chunk *chunk)
{
	return STORE_CHUNK / (chunk->size * PIECE_STEP);
}

static uint8_t *
piece_bytes(const struct chunk *chunk, unsigned piece)
{
	return chunk->bytes + piece * chunk->size * PIECE_STEP;
}

/* @number has room for more. */
static void
chunk_list(uint16_t number)
{
	struct chunk *chunk = chunk_of(number);
	uint16_t *first = &with_room[chunk->size];

	chunk->next = *first;
	chunk->previous = 0;
	if (*first != 0)
		chunk_of(*first)->previous = number;
	*first = number;
}

static void
chunk_unlist(uint16_t number)
{
	struct chunk *chunk = chunk_of(number);

	if (chunk->next != 0)
		chunk_of(chunk->next)->previous = chunk->previous;
	if (chunk->previous != 0)
		chunk_of(chunk->previous)->next = chunk->next;
	else
		with_room[chunk->size] = chunk->next;
}

/* The lowest number that no chunk has; NULL: there is no memory for more. */
static struct chunk *
chunk_number(uint16_t *numberp)
{
	struct chunk *chunk = chunk_make(lowest);

	while (chunk != NULL && chunk->bytes != NULL)
		chunk = chunk_make(++lowest);
	*numberp = lowest;
	return chunk;
}

/* A new chunk of pieces of @size steps; 0: there is no memory. */
static uint16_t
chunk_new(unsigned size)
{
	struct chunk *chunk;
	uint16_t number;
	uint8_t *bytes;

	if (counts.chunks >= chunks_most)
		return 0;
	chunk = chunk_number(&number);
	bytes = chunk != NULL ? memory->get() : NULL;
	if (bytes == NULL)
		return 0;
	*chunk = (struct chunk){
	    .bytes = bytes,
	    .size = (uint16_t)size,
	    .free = NO_PIECE,
	};
	counts.chunks++;
	chunk_list(number);
	return number;
}

static void
chunk_end(uint16_t number)
{
	chunk_unlist(number);
	memory->put(chunk_of(number)->bytes);
	chunk_of(number)->bytes = NULL;
	counts.chunks--;
	if (number < lowest)
		lowest = number;
}

/* ---- pieces ---- */

static bool
has_room(const struct chunk *chunk)
{
	return chunk->used < pieces_of(chunk);
}

static unsigned
piece_take(uint16_t number)
{
	struct chunk *chunk = chunk_of(number);
	unsigned piece = chunk->free;

	if (piece == NO_PIECE)
		piece = chunk->fresh++;
	else
		memcpy(&chunk->free, piece_bytes(chunk, piece),
		    sizeof(chunk->free));
	chunk->used++;
	if (!has_room(chunk))
		chunk_unlist(number);
	return piece;
}

static void
piece_give(uint16_t number, unsigned piece)
{
	struct chunk *chunk = chunk_of(number);

	if (!has_room(chunk))
		chunk_list(number);
	memcpy(piece_bytes(chunk, piece), &chunk->free, sizeof(chunk->free));
	chunk->free = (uint16_t)piece;
	if (--chunk->used == 0)
		chunk_end(number);
}

/* ---- records ---- */

/* Of @slot; NULL: there is none, and no memory to @make it. */
static struct record *
record_of(uint32_t slot, bool make)
{
	struct record **place;

	if (slot >= STORE_SLOTS_MAX)
		return NULL;
	place = &records[slot / RECORDS_EACH];
	if (*place == NULL && make) {
		*place = memory->get();
		if (*place != NULL)
			memset(*place, 0, STORE_CHUNK);
	}
	return *place != NULL ? &(*place)[slot % RECORDS_EACH] : NULL;
}

static void
record_clear(struct record *record)
{
	if (record->kind == KIND_NONE)
		return;
	if (record->kind == KIND_SQUEEZED)
		piece_give((uint16_t)record->chunk, record->word);
	record->kind = KIND_NONE;
	counts.pages--;
}

/* ---- pages ---- */

static bool
is_same(const uint32_t *words)
{
	for (unsigned i = 1; i < SQUEEZE_WORDS; i++) {
		if (words[i] != words[0])
			return false;
	}
	return true;
}

static enum store_result
keep_squeezed(struct record *record, const uint32_t *words)
{
	size_t size = squeeze(words, squeezed, sizeof(squeezed));
	unsigned steps = (unsigned)(size + PIECE_STEP - 1) / PIECE_STEP;
	uint16_t number;

	if (size == 0)
		return STORE_PLAIN;
	number = with_room[steps];
	if (number == 0)
		number = chunk_new(steps);
	if (number == 0)
		return STORE_FULL;
	record->kind = KIND_SQUEEZED;
	record->size = (uint32_t)size & 0x3fff;
	record->chunk = number;
	record->word = piece_take(number);
	memcpy(piece_bytes(chunk_of(number), record->word), squeezed, size);
	return STORE_DONE;
}

enum store_result
store_put(uint32_t slot, const void *page)
{
	struct record *record = record_of(slot, true);
	const uint32_t *words = page;
	enum store_result result = STORE_DONE;

	if (record == NULL)
		return STORE_FULL;
	record_clear(record);
	if (is_same(words)) {
		record->kind = KIND_SAME;
		record->word = words[0];
	} else {
		result = keep_squeezed(record, words);
	}
	if (result == STORE_DONE)
		counts.pages++;
	return result;
}

enum store_result
store_get(uint32_t slot, void *page)
{
	const struct record *record = record_of(slot, false);
	uint32_t *words = page;

	if (record == NULL || record->kind == KIND_NONE)
		return STORE_NO_PAGE;
	if (record->kind == KIND_SQUEEZED) {
		unsqueeze(piece_bytes(
			      chunk_of((uint16_t)record->chunk), record->word),
		    record->size, words);
		return STORE_DONE;
	}
	for (unsigned i = 0; i < SQUEEZE_WORDS; i++)
		words[i] = record->word;
	return STORE_DONE;
}

void
store_forget(uint32_t slot)
{
	struct record *record = record_of(slot, false);

	if (record != NULL)
		record_clear(record);
}
