/*
 * kernel/arguments.c: build a program's argument block.
 */
#include "kernel/arguments.h"

#include "kernel/string.h"

/* Word 0 is argc, and two NULLs follow the last argument. */
#define STRINGS_START ((1 + ARGUMENTS_MAX + 2) * sizeof(uint64_t))

void
arguments_init(struct arguments *arguments, void *page, uaddr_t base)
{
	memset(page, 0, PAGE_SIZE);
	*arguments = (struct arguments){
	    .page = page, .base = base, .used = STRINGS_START};
}

bool
arguments_add(struct arguments *arguments, const char *word, size_t length)
{
	uint64_t count = arguments->page[0];

	if (count == ARGUMENTS_MAX || length >= PAGE_SIZE - arguments->used)
		return false;

	/* The page was zero, so the string's end is there already. */
	memcpy((char *)arguments->page + arguments->used, word, length);
	arguments->page[1 + count] = arguments->base + arguments->used;
	arguments->page[0] = count + 1;
	arguments->used += length + 1;
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool
arguments_add_line(struct arguments *arguments, const char *line)
{
	for (;;) {
		size_t length = 0;

		while (is_blank(*line))
			line++;
		while (line[length] != '\0' && !is_blank(line[length]))
			length++;
		if (length == 0)
			return true;
		if (!arguments_add(arguments, line, length))
			return false;
		line += length;
	}
}
