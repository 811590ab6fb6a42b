/*
 * default_pager/squeeze.h: a page in fewer bytes.
 *
 * Memory is mostly words that were there a moment ago, or differ from such a
 * one in their low bits: small numbers, pointers near each other, runs.  So
 * each word of 32 bits becomes two bits that say what it is, and what is to be
 * known besides:
 *
 *	00	zero
 *	01 i	   the word at place i of 16
 *	10 i low   the same, but for its low 10 bits
 *	11 word
 *
 * Every word goes to the place that its upper 22 bits say, as these words come.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define SQUEEZE_WORDS 1024 /* a page */

/*
 * Write the words at @page to @out, in at most @room bytes.  Returns how many;
 * 0: they do not fit.
 */
size_t squeeze(const uint32_t page[SQUEEZE_WORDS], uint8_t *out, size_t room);

/* Back again; @size bytes at @in are what squeeze() wrote. */
void unsqueeze(const uint8_t *in, size_t size, uint32_t page[SQUEEZE_WORDS]);
