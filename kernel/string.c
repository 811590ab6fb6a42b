/*
 * string.c: memory and strings.  Words are copied eight bytes at a time where
 * both sides allow it, since a misaligned access may trap into firmware.
 */
#include "kernel/string.h"
#include "kernel/types.h"

/* May alias anything, as memory that is copied does. */
typedef uint64_t __attribute__((may_alias)) word_t;

#define LINE (8 * sizeof(word_t))

/* All is loaded before any is stored: each load takes a while, and memmove()
 * relies on it. */
always_inline void
copy_line(word_t *to, const word_t *from)
{
	word_t a = from[0], b = from[1], c = from[2], d = from[3];
	word_t e = from[4], f = from[5], g = from[6], h = from[7];

	to[0] = a;
	to[1] = b;
	to[2] = c;
	to[3] = d;
	to[4] = e;
	to[5] = f;
	to[6] = g;
	to[7] = h;
}

always_inline void
fill_line(word_t *to, word_t word)
{
	to[0] = word;
	to[1] = word;
	to[2] = word;
	to[3] = word;
	to[4] = word;
	to[5] = word;
	to[6] = word;
	to[7] = word;
}

static bool
both_aligned(const void *a, const void *b)
{
	return (((uintptr_t)a | (uintptr_t)b) & (sizeof(word_t) - 1)) == 0;
}

void *
memcpy(void *restrict to, const void *restrict from, size_t size)
{
	char *out = to;
	const char *in = from;

	if (both_aligned(out, in)) {
		for (; size >= LINE; size -= LINE) {
			copy_line((word_t *)(void *)out,
			    (const word_t *)(const void *)in);
			out += LINE;
			in += LINE;
		}
		for (; size >= sizeof(word_t); size -= sizeof(word_t)) {
			*(word_t *)(void *)out =
			    *(const word_t *)(const void *)in;
			out += sizeof(word_t);
			in += sizeof(word_t);
		}
	}
	while (size-- > 0)
		*out++ = *in++;
	return to;
}

void *
memmove(void *to, const void *from, size_t size)
{
	char *out = to;
	const char *in = from;

	if (out <= in || out >= in + size)
		return memcpy(to, from, size);
	while (size-- > 0)
		out[size] = in[size];
	return to;
}

void *
memset(void *to, int byte, size_t size)
{
	char *out = to;
	word_t word = (unsigned char)byte * 0x0101010101010101UL;

	while (size > 0 && ((uintptr_t)out & (sizeof(word_t) - 1)) != 0) {
		*out++ = (char)byte;
		size--;
	}
	for (; size >= LINE; size -= LINE) {
		fill_line((word_t *)(void *)out, word);
		out += LINE;
	}
	for (; size >= sizeof(word_t); size -= sizeof(word_t)) {
		*(word_t *)(void *)out = word;
		out += sizeof(word_t);
	}
	while (size-- > 0)
		*out++ = (char)byte;
	return to;
}

int
memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *x = a;
	const unsigned char *y = b;

	for (; size > 0; size--, x++, y++) {
		if (*x != *y)
			return *x - *y;
	}
	return 0;
}

void *
memchr(const void *bytes, int byte, size_t size)
{
	const char *at = bytes;

	for (; size > 0; size--, at++) {
		if (*at == (char)byte)
			return (void *)at;
	}
	return NULL;
}

size_t
strlen(const char *string)
{
	size_t length = 0;

	while (string[length] != '\0')
		length++;
	return length;
}

int
strncmp(const char *a, const char *b, size_t size)
{
	for (; size > 0; size--, a++, b++) {
		if (*a != *b)
			return (unsigned char)*a - (unsigned char)*b;
		if (*a == '\0')
			break;
	}
	return 0;
}

int
strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

void
string_copy(char *to, const char *from, size_t size)
{
	size_t length = strlen(from);

	if (length >= size)
		length = size - 1;
	memcpy(to, from, length);
	to[length] = '\0';
}

const char *
string_option(const char *line, const char *word)
{
	size_t length = strlen(word);
	bool exact = word[length - 1] != '=';

	while (*line != '\0') {
		while (*line == ' ')
			line++;
		if (strncmp(line, word, length) == 0 &&
		    (!exact || line[length] == ' ' || line[length] == '\0'))
			return line + length;
		while (*line != ' ' && *line != '\0')
			line++;
	}
	return NULL;
}
