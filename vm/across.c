/*
 * across.c: see across.h.
 */
#include "vm/across.h"

#include <arch/usercopy.h>

/* Words of memory, whatever is kept there. */
typedef uint64_t __attribute__((may_alias)) word_t;
typedef uint32_t __attribute__((may_alias)) half_t;

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

/* To and from multiples of 8; @size is one of 4. */
always_inline void
copy_words(uint8_t *to, const uint8_t *from, uint64_t size)
{
	const uint8_t *end = from + (size & ~63UL);

	if (size & 64) {
		COPY_EIGHT(word_t, to, from);
		from += 64;
		to += 64;
	}
	for (; from < end; from += 128, to += 128) {
		COPY_EIGHT(word_t, to, from);
		COPY_EIGHT(word_t, to + 64, from + 64);
	}
	end = from + (size & 56);
	for (; from < end; from += 8, to += 8)
		*(word_t *)(void *)to = *(const word_t *)(const void *)from;
	if (size & 4)
		copy_half(to, from);
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

static never_inline void
copy_odd(uint8_t *to, const uint8_t *from, uint64_t size)
{
	if ((((uintptr_t)to ^ (uintptr_t)from) & 4) != 0) {
		copy_halves(to, from, size);
		return;
	}
	copy_half(to, from);
	copy_words(to + 4, from + 4, size - 4);
}

/* @size, a multiple of 4, is not 0. */
always_inline void
copy(uint8_t *to, const uint8_t *from, uint64_t size)
{
	if (likely((((uintptr_t)to | (uintptr_t)from) & 4) == 0))
		copy_words(to, from, size);
	else
		copy_odd(to, from, size);
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

/* What comes in the middle, to where the kernel sees it. */
always_inline bool
read_middle(const struct across *across, uint8_t *to)
{
	uaddr_t source = across->source;
	uint64_t left = across->size;

	while (left > 0) {
		uint64_t count = left;
		const uint8_t *from = here(across->from, source, PTE_R, &count);

		if (unlikely(from == NULL))
			return false;
		copy(to, from, count);
		source += count;
		to += count;
		left -= count;
	}
	return true;
}

/* The kernel's words, or with @from those of the user's. */
static bool
write(struct map *to, uaddr_t target, const struct map *from, uintptr_t source,
    uint64_t size)
{
	while (size > 0) {
		uint64_t count = size;
		uint8_t *out = here(to, target, PTE_W, &count);
		const uint8_t *in = from == NULL
					? (const uint8_t *)source
					: here(from, source, PTE_R, &count);

		if (unlikely(out == NULL || in == NULL))
			return false;
		copy(out, in, count);
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
		copy_odd(to, (const uint8_t *)head, size);
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

/* To more than one page. */
static never_inline bool
write_apart(const struct across *across)
{
	uaddr_t middle = across->target + across->head_size;

	return write(across->to, across->target, NULL, (uintptr_t)across->head,
		   across->head_size) &&
	       write(across->to, middle, across->from, across->source,
		   across->size) &&
	       write(across->to, middle + across->size, NULL,
		   (uintptr_t)across->tail, across->tail_size);
}

/* Both maps are locked. */
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
	if (unlikely(!read_middle(across, to)))
		return false;
	copy_halves(to + across->size, across->tail, across->tail_size);
	return true;
}

/* In one space: would what is written be read? */
static bool
overlaps(const struct across *across, uint64_t size)
{
	return across->source < across->target + size &&
	       across->target < across->source + across->size;
}

bool
across_copy(const struct across *across)
{
	struct map *from = across->from, *to = across->to;
	uint64_t size = across->head_size + across->size + across->tail_size;
	bool written;

	if (unlikely(((across->source | across->target) & 3) != 0 ||
		     !user_range_ok(across->source, across->size) ||
		     !user_range_ok(across->target, size)))
		return false;
	if (from == to && overlaps(across, size))
		return false;
	if (unlikely(!spin_trylock(&from->lock)))
		return false;
	if (unlikely(from != to && !spin_trylock(&to->lock))) {
		spin_unlock(&from->lock);
		return false;
	}
	written = write_all(across, size);
	if (from != to)
		spin_unlock(&to->lock);
	spin_unlock(&from->lock);
	return written;
}
