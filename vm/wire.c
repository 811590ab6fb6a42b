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

/* Some more of what has been counted. */
static kern_return_t
fault_in_counted(struct map *map, uaddr_t start, struct wire_progress *progress)
{
	kern_return_t kr = KERN_SUCCESS;

	while (kr == KERN_SUCCESS && progress->ready < progress->counted) {
		kr = fault_in(map, start + progress->ready);
		if (kr == KERN_SUCCESS)
			progress->ready += PAGE_SIZE;
	}
	return kr;
}

static kern_return_t
wire_step(struct map *map, uaddr_t start, uint64_t size, unsigned access,
    struct wire_progress *progress)
{
	uint64_t done = 0;
	kern_return_t kr = KERN_SUCCESS;

	/* Counted first: from then on nobody shares what we fault in. */
	if (progress->ready == progress->counted)
		kr = map_count_wire(map, start + progress->counted,
		    min_u64(size - progress->counted, STEP_SIZE), access,
		    &done);
	progress->counted += done;
	if (kr == KERN_SUCCESS)
		kr = fault_in_counted(map, start, progress);
	if (kr == KERN_SUCCESS && progress->counted < size)
		return KERN_OPERATION_TIMED_OUT;
	return kr;
}

/*
 * What is counted is let go, or with @undo given up: a step of that, over
 * holes; true while there is more.
 */
static bool
end_step(
    struct map *map, uaddr_t start, struct wire_progress *progress, bool undo)
{
	struct map_region region;
	uaddr_t at = start + progress->ready, end = start + progress->counted;
	uint64_t done = 0;

	if (at >= end || map_region(map, at, &region) != KERN_SUCCESS ||
	    region.start >= end)
		return false;
	at = max_u64(at, region.start);
	end = min_u64(end, region.start + region.size);
	/* It fails only if other threads made it larger, and memory is short:
	 * then it stays as it is. */
	if (map_count_end(map, at, end - at, undo, &done) != KERN_SUCCESS)
		done = end - at;
	progress->ready = at + done - start;
	return progress->ready < progress->counted;
}

kern_return_t
map_wire_step(struct map *map, uaddr_t start, uint64_t size, unsigned access,
    struct wire_progress *progress)
{
	kern_return_t kr;

	if (!(progress->over & WIRE_OVER)) {
		kr = wire_step(map, start, size, access, progress);
		if (kr == KERN_OPERATION_TIMED_OUT || kr == KERN_MEMORY_WAIT)
			return kr;
		progress->over = WIRE_OVER | (uint32_t)kr;
		progress->ready = 0;
		return KERN_OPERATION_TIMED_OUT;
	}
	kr = (kern_return_t)(uint32_t)progress->over;
	if (end_step(map, start, progress, kr != KERN_SUCCESS))
		return KERN_OPERATION_TIMED_OUT;
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
