/*
 * arch/superpage.h: what a thread keeps of a superpage that it will use.
 */
#pragma once
#include "kernel/types.h"

struct page;

/* A block that is being zeroed, in steps: see vm/superpage.h. */
struct superpage {
	struct page *block; /* NULL: none */
	uint32_t zeroed;    /* pages of it */
};
