/*
 * memory_pager/resident.h: which pages the kernel has from us.
 *
 * A queue of them, in the order in which they were asked for; beyond
 * RESIDENT_PAGES_MAX the oldest are taken back.  The kernel may have given some
 * back by itself, which does no harm.  So objects may be of any size and fill
 * no more than this of the machine, whether or not the kernel is short of
 * memory.
 */
#pragma once
#include <stdint.h>

struct pager_object;

#define RESIDENT_PAGES_MAX 2048

/* The page at @offset is going to be supplied. */
void resident_add(struct pager_object *object, uint64_t offset);

/* The object ends. */
void resident_forget(const struct pager_object *object);
