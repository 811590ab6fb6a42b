/*
 * servers/memory_pager.h: the memory pager, service "memory_pager".
 *
 * It makes memory objects of any size, larger than the machine's memory if need
 * be: a page that was never written is a function of its place, and one that
 * was written is kept compressed while nobody uses it.  The kernel has no more
 * than some MiB of all objects at a time.  What compresses badly needs as much
 * memory as there is of it.  The messages are defined in
 * servers/memory_pager.defs.
 */
#pragma once

#include <mach/cdefs.h>
#include <mach/mach_types.h>

MACH_BEGIN_DECLS

#define MEMORY_PAGER_SERVICE  "memory_pager"
#define MEMORY_PAGER_SIZE_MAX (64ULL << 30)

/*
 * A new object of @size bytes, rounded up to pages: a send right to be mapped.
 * It lasts as long as there are send rights or mappings.  @seed: 0 for zeros,
 * else the object begins as memory_pager_word() says.  Behind its end there is
 * nothing, and an access fails.
 * KERN_INVALID_ARGUMENT: @size is 0 or above MEMORY_PAGER_SIZE_MAX.
 * KERN_RESOURCE_SHORTAGE.
 */
kern_return_t memory_pager_create(
    mach_port_t server, uint64_t size, uint64_t seed, memory_object_t *object);

/* How many objects there are, how many pages are kept compressed, and in how
 * many bytes. */
kern_return_t memory_pager_usage(
    mach_port_t server, uint64_t *objects, uint64_t *pages, uint64_t *bytes);

/* What is at @offset, a multiple of 8, of an object that begins with @seed. */
static inline uint64_t
memory_pager_word(uint64_t seed, uint64_t offset)
{
	uint64_t word = seed + offset * 0x9e3779b97f4a7c15;

	word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
	return word ^ word >> 27;
}

MACH_END_DECLS
