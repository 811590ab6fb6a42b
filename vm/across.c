/*
 * across.c: see across.h.
 */
#include "vm/across.h"

#include <arch/usercopy.h>
#include <mach/message.h>

#include "kernel/thread.h"

/* Words of memory, whatever is kept there. */
typedef uint64_t __attribute__((may_alias)) word_t;
typedef uint32_t __attribute__((may_alias)) half_t;

/* A header's words, and the shortest trailer. */
#define HEAD  sizeof(mach_msg_header_t)
#define WORDS (2 * sizeof(uint64_t))
static const mach_msg_trailer_t shortest_trailer = {
    .msgh_trailer_type = MACH_MSG_TRAILER_FORMAT_0,
    .msgh_trailer_size = sizeof(mach_msg_trailer_t),
};

/* Eight of them, as @type; the loads come first, since each takes a while. */
#define COPY_EIGHT(type, to, from)                                             \
	do {                                                                   \
		const type *in = (const void *)(from);                         \
		type *out = (void *)(to);                                      \
		type a = in[0], b = in[1], c = in[2], d = in[3];               \
		type e = in[4], f = in[5], g = in[6], h = in[7];               \
		out[0] = a, out[1] = b, out[2] = c, out[3] = d;                \
		out[4] = e, out[5] = f, out[6] = g, out[7] = h;                \
	} while (0)

always_inline void
copy_half(uint8_t *to, const uint8_t *from)
{
	*(half_t *)(void *)to = *(const half_t *)(const void *)from;
}

/* All are multiples of 4. */
always_inline void
copy_halves(uint8_t *to, const uint8_t *from, uint64_t size)
{
	const uint8_t *end = from + (size & ~31UL);

	for (; from < end; from += 32, to += 32)
		COPY_EIGHT(half_t, to, from);
	end = from + (size & 31);
	for (; from < end; from += 4, to += 4)
		copy_half(to, from);
}

/*
 * Where the kernel sees the byte at @va, if its page allows what @wanted says;
 * NULL: it is not there.  *@leftp: so many bytes are, at most as before.
 */
always_inline uint8_t *
here(const struct map *map, uaddr_t va, pte_t wanted, uint64_t *leftp)
{
	const pte_t *entry = pmap_own_entry(&map->pmap, va, 1);
	uint64_t span = PAGE_SIZE;

	if (unlikely(entry == NULL))
		return NULL;
	if (likely(pte_is_table(*entry)))
		entry = &pte_table(*entry)[pt_index(va, 0)];
	else
		span = SUPERPAGE_SIZE;
	wanted |= PTE_V | PTE_U;
	if (unlikely((*entry & (wanted | PTE_FOREIGN)) != wanted))
		return NULL;
	va &= span - 1;
	if (*leftp > span - va)
		*leftp = span - va;
	return (uint8_t *)pa_to_va(pte_pa(*entry)) + va;
}

/* A part of what comes in the middle. */
always_inline bool
read_middle(uint8_t *to, uaddr_t source, uint64_t size)
{
	return size == 0 ||
	       likely(copyin_present(to, source, size) == KERN_SUCCESS);
}

/* The kernel's words at @words; NULL: the user's at @source. */
static bool
write(struct map *to, uaddr_t target, const uint8_t *words, uaddr_t source,
    uint64_t size)
{
	while (size > 0) {
		uint64_t count = size;
		uint8_t *out = here(to, target, PTE_W, &count);

		if (unlikely(out == NULL))
			return false;
		if (words != NULL) {
			copy_halves(out, words, count);
			words += count;
		} else if (unlikely(!read_middle(out, source, count))) {
			return false;
		}
		target += count;
		source += count;
		size -= count;
	}
	return true;
}

always_inline void
copy_head(uint8_t *to, const uint64_t *head, uint64_t size)
{
	word_t *word = (void *)to;

	if (unlikely(((uintptr_t)to & 4) != 0)) {
		copy_halves(to, (const uint8_t *)head, size);
		return;
	}
	word[0] = head[0];
	word[1] = head[1];
	word[2] = head[2];
	if (likely(size == 3 * sizeof(*head)))
		return;
	word[3] = head[3];
	word[4] = head[4];
}

always_inline void
put_shortest_trailer(uint8_t *to)
{
	((half_t *)(void *)to)[0] = MACH_MSG_TRAILER_FORMAT_0;
	((half_t *)(void *)to)[1] = sizeof(shortest_trailer);
}

/* The same of two words. */
always_inline void
copy_pair(uint8_t *to, const uint64_t *words)
{
	word_t *word = (void *)to;

	if (unlikely(((uintptr_t)to & 4) != 0)) {
		copy_halves(to, (const uint8_t *)words, WORDS);
		return;
	}
	word[0] = words[0];
	word[1] = words[1];
}

/* To more than one page. */
static never_inline bool
write_apart(const struct across *across)
{
	uaddr_t middle = across->target + across->head_size;

	return write(across->to, across->target, (const uint8_t *)across->head,
		   0, across->head_size) &&
	       write(across->to, middle, NULL, across->source, across->size) &&
	       write(across->to, middle + across->size, across->tail, 0,
		   across->tail_size);
}

/* The receiver's map is locked. */
always_inline bool
write_all(const struct across *across, uint64_t size)
{
	uint64_t left = size;
	uint8_t *to = here(across->to, across->target, PTE_W, &left);

	if (unlikely(to == NULL))
		return false;
	if (unlikely(left < size))
		return write_apart(across);
	copy_head(to, across->head, across->head_size);
	to += across->head_size;
	if (unlikely(!read_middle(to, across->source, across->size)))
		return false;
	to += across->size;
	if (likely(across->tail_size == sizeof(shortest_trailer)))
		put_shortest_trailer(to);
	else
		copy_halves(to, across->tail, across->tail_size);
	return true;
}

/* In one space: would what is written be read? */
always_inline bool
overlaps(uaddr_t source, uint64_t count, uaddr_t target, uint64_t size)
{
	return source < target + size && target < source + count;
}

bool
across_copy(const struct across *across)
{
	uint64_t size = across->head_size + across->size + across->tail_size;
	bool written;

	if (unlikely(((across->source | across->target) & 3) != 0 ||
		     !user_range_ok(across->source, across->size) ||
		     !user_range_ok(across->target, size)))
		return false;
	if (across->from == across->to &&
	    overlaps(across->source, across->size, across->target, size))
		return false;
	if (unlikely(!spin_trylock(&across->to->lock)))
		return false;
	written = write_all(across, size);
	spin_unlock(&across->to->lock);
	return written;
}

/* The body and its trailer, from the second page on, at @to there. */
static never_inline bool
write_rest(struct map *to, uaddr_t target, uaddr_t source, uint64_t size)
{
	for (;;) {
		uint64_t left = size + sizeof(shortest_trailer), most = left;
		uint8_t *out = here(to, target, PTE_W, &left);

		if (unlikely(out == NULL))
			return false;
		if (likely(left == most)) {
			if (unlikely(!read_middle(out, source, size)))
				return false;
			put_shortest_trailer(out + size);
			return true;
		}
		if (left > size)
			left = size;
		/* The trailer alone is on two pages. */
		if (size == 0)
			return write(to, target,
			    (const uint8_t *)&shortest_trailer, 0,
			    sizeof(shortest_trailer));
		if (unlikely(!read_middle(out, source, left)))
			return false;
		target += left;
		source += left;
		size -= left;
	}
}

/* What is written first: the header, and two words, or NULL. */
struct start {
	uint64_t w0, w1, w2;
	const uint64_t *words;
};

always_inline void
copy_start(uint8_t *to, const struct start *start)
{
	word_t *word = (void *)to;

	if (unlikely(((uintptr_t)to & 4) != 0)) {
		const uint64_t head[] = {start->w0, start->w1, start->w2};

		copy_halves(to, (const uint8_t *)head, HEAD);
		return;
	}
	word[0] = start->w0;
	word[1] = start->w1;
	word[2] = start->w2;
}

always_inline bool
write_body(struct map *to, uaddr_t target, uaddr_t source, uint64_t size,
    const struct start *start)
{
	uint64_t left = HEAD + size + sizeof(shortest_trailer), most = left;
	uint8_t *out = here(to, target, PTE_W, &left);

	if (unlikely(out == NULL ||
		     left < HEAD + (start->words != NULL ? WORDS : 0)))
		return false;
	copy_start(out, start);
	out += HEAD;
	left -= HEAD;
	most -= HEAD;
	if (start->words != NULL) {
		copy_pair(out, start->words);
		out += WORDS;
		target += WORDS;
		source += WORDS;
		size -= WORDS;
		left -= WORDS;
		most -= WORDS;
	}
	if (likely(left == most)) {
		if (unlikely(!read_middle(out, source, size)))
			return false;
		put_shortest_trailer(out + size);
		return true;
	}
	/* As much as its first page takes. */
	if (left > size)
		left = size;
	return read_middle(out, source, left) &&
	       write_rest(to, target + HEAD + left, source + left, size - left);
}

always_inline bool
body_of(struct map *to, uaddr_t target, uaddr_t source, uint64_t size,
    const struct start *start)
{
	uint64_t all = HEAD + size + sizeof(shortest_trailer);
	bool written;

	if (unlikely(((source | target) & 3) != 0 ||
		     !user_range_ok(source, size) ||
		     !user_range_ok(target, all)))
		return false;
	if (unlikely(&to->pmap == current_thread()->fast.pmap) &&
	    overlaps(source, size, target, all))
		return false;
	if (unlikely(!spin_trylock(&to->lock)))
		return false;
	written = write_body(to, target, source, size, start);
	spin_unlock(&to->lock);
	return written;
}

bool
across_body(struct map *to, uaddr_t target, uaddr_t source, uint64_t size,
    uint64_t w0, uint64_t w1, uint64_t w2)
{
	const struct start start = {w0, w1, w2, NULL};

	return body_of(to, target, source, size, &start);
}

bool
across_words(struct map *to, uaddr_t target, uaddr_t source, uint64_t size,
    uint64_t w0, uint64_t w1, uint64_t w2, const uint64_t *words)
{
	const struct start start = {w0, w1, w2, words};

	return body_of(to, target, source, size, &start);
}
