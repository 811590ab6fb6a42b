/*
 * kernel/arguments.h: the words that the first task is given.
 *
 * A program finds them at its stack pointer:
 *
 *	sp -> argc | argv[0] .. argv[argc - 1] | NULL | NULL | strings
 *
 * (the second NULL ends an empty environment).  They fill one page, built here
 * and then copied to the top of the task's stack.
 */
#pragma once
#include "kernel/types.h"

#define ARGUMENTS_MAX 48 /* words; more are refused */

struct arguments {
	uint64_t *page; /* PAGE_SIZE bytes */
	uaddr_t base;	/* where the program will find the page; its sp */
	uint32_t used;	/* bytes of the page up to the end of the strings */
};

/* Start with no words in @page. */
void arguments_init(struct arguments *arguments, void *page, uaddr_t base);

/* Add the word of @length bytes at @word; false: it does not fit. */
bool arguments_add(
    struct arguments *arguments, const char *word, size_t length);

/* Add each word of @line, which are set apart by blanks; false: not all. */
bool arguments_add_line(struct arguments *arguments, const char *line);
