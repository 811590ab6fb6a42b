/* wire.c: see wire.h. */
#include "vm/wire.h"

#include "vm/map.h"
#include "vm/memory_wait.h"

/* Pages that a step faults in, at some 1 000 instructions each. */
#define STEP_SIZE (12 * PAGE_SIZE)

/* The most that a fault may ask for at @va: whoever may write gets a page that
 * is not shared any more. */
static kern_return_t
fault_in(struct map *map, uaddr_t va)
{
	static const unsigned accesses[] = {
	    VM_PROT_WRITE, VM_PROT_READ, VM_PROT_EXECUTE};
	kern_return_t kr = KERN_PROTECTION_FAILURE;

	for (unsigned i = 0;
	     i < ARRAY_SIZE(accesses) && kr == KERN_PROTECTION_FAILURE; i++)
		kr = map_fault(map, va, accesses[i], NULL);
	/* Wired for no access, or changed since by another thread. */
	if (kr == KERN_PROTECTION_FAILURE || kr == KERN_INVALID_ADDRESS)
		return KERN_SUCCESS;
	return kr;
}

kern_return_t
map_wire_step(struct map *map, uaddr_t start, uint64_t size, unsigned access,
    uint64_t *donep)
{
	uaddr_t from = start + *donep;
	uint64_t piece = min_u64(size - *donep, STEP_SIZE);
	uint64_t counted = 0, done;
	kern_return_t kr = KERN_SUCCESS;

	/* Counted first: from then on nobody shares what we fault in. */
	kr = map_count_wire(map, from, piece, access, &counted);
	if (kr != KERN_SUCCESS)
		return kr;
	*donep += counted;
	for (uaddr_t va = from; kr == KERN_SUCCESS && va < from + counted;
	     va += PAGE_SIZE)
		kr = fault_in(map, va);
	if (kr == KERN_SUCCESS && *donep < size)
		return KERN_OPERATION_TIMED_OUT;
	if (kr == KERN_MEMORY_WAIT) {
		/* Once more from there, as if it had not been counted. */
		*donep -= counted;
		done = 0;
		if (map_count_unwire(map, from, counted, &done) != KERN_SUCCESS)
			return KERN_RESOURCE_SHORTAGE;
	}
	return kr;
}

kern_return_t
map_unwire_step(struct map *map, uaddr_t start, uint64_t size, uint64_t *donep)
{
	kern_return_t kr = map_count_unwire(map, start, size, donep);

	if (kr == KERN_SUCCESS && *donep < size)
		return KERN_OPERATION_TIMED_OUT;
	return kr;
}

bool
map_unwire_undo(struct map *map, uaddr_t start, uint64_t size, uint64_t *donep)
{
	struct map_region region;
	uaddr_t at = start + *donep, end = start + size;
	uint64_t done = 0;

	if (at >= end || map_region(map, at, &region) != KERN_SUCCESS ||
	    region.start >= end)
		return false;
	at = max_u64(at, region.start);
	end = min_u64(end, region.start + region.size);
	/* If it fails, the rest stays wired: memory is short, and the count
	 * a lie on the safe side. */
	if (map_count_unwire(map, at, end - at, &done) != KERN_SUCCESS)
		done = end - at;
	*donep = at + done - start;
	return *donep < size;
}
