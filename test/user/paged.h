/*
 * test/user/paged.h: memory objects that a thread of the test itself serves,
 * which counts what it is asked.
 */
#pragma once

#include <baton/pager.h>
#include <stdatomic.h>

#include "test/user/mach_test.h"

#define PAGE 4096UL

/* One object; its contents are pattern_fill() with seed 1 at first. */
struct paged {
	struct pager_object object; /* first: it is what calls are given */
	size_t size;		    /* behind it reads are errors */
	char *store;		    /* what it has now */
	atomic_int error;	    /* every read's result, if not 0 */
	atomic_uint reads, writes, flushed, ended;
};

/* Starts the thread. */
void paged_start(void);

/* An object of @size bytes, which may be written or not.  A send right. */
mach_port_t paged_make(struct paged *paged, size_t size, bool writable);
/* Ends it, and forgets the right. */
void paged_end(struct paged *paged, mach_port_t right);
/* Has the kernel give up all pages, and waits until it has. */
void paged_flush(struct paged *paged);

/* Maps @size bytes of an object for reading and writing. */
char *paged_map(mach_port_t right, size_t offset, size_t size, boolean_t copy);
/* The same in a small task, at PAGED_AT. */
#define PAGED_AT 0x40000000UL
void paged_map_small(struct small *small, mach_port_t right, size_t size);

/* Wait, five seconds at most, until @count has become @wanted. */
bool paged_counts(atomic_uint *count, unsigned wanted);
