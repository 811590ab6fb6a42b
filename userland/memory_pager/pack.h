/*
 * memory_pager/pack.h: a page in fewer words.
 *
 * Words that repeat are stored once.  A packed page is a row of
 *
 *	count * 2 + 1, word		the word, count times
 *	count * 2, count words		these words
 *
 * and a run is made of three words and more, so that it saves one.  Between two
 * rows of other words there is always a run, so packing adds one word at most.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACK_PAGE_WORDS 512
#define PACK_WORDS_MAX	(PACK_PAGE_WORDS + 1)

/* Packs the page to @packed, of PACK_WORDS_MAX; returns the words used. */
size_t pack(const uint64_t *page, uint64_t *packed);

/* Fills the page at @page; false: @count words at @packed are no page. */
bool unpack(const uint64_t *packed, size_t count, uint64_t *page);
