/*
 * vm/behavior.c: messages to a task's port about memory and how it is used:
 * advice, caches, wiring.
 */
#include <arch/cpu.h>
#include <arch/layout.h>
#include <mach/vm_attributes.h>
#include <mach/vm_behavior.h>
#include <serve/baton_host.h>
#include <serve/host_priv.h>
#include <serve/mach_vm.h>

#include "ipc/kserver.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "vm/map.h"
#include "vm/map_range.h"
#include "vm/map_sweep.h"
#include "vm/map_tree.h"
#include "vm/wire.h"

/* Map entries that one step looks at. */
#define STEP_ENTRIES 256

static const char zeros[PAGE_SIZE];

/* A range in bytes, and how much of it is done. */
struct piece {
	struct map *map;
	uaddr_t start, end;
	uint64_t *donep;
};

/* One step of something; KERN_SUCCESS with less than all done: more to do. */
typedef kern_return_t (*step_t)(const struct piece *piece);

static kern_return_t
all_steps(const struct piece *piece, step_t step)
{
	uint64_t size = piece->end - piece->start;

	while (*piece->donep < size) {
		kern_return_t kr = step(piece);

		if (kr != KERN_SUCCESS)
			return kr;
		if (*piece->donep < size && thread_should_yield())
			return KCALL_AGAIN;
	}
	return KERN_SUCCESS;
}

/* KERN_INVALID_ARGUMENT: a range that has no end. */
static kern_return_t
check_range(uaddr_t address, uint64_t size)
{
	return address <= UINT64_MAX - PAGE_MASK &&
		       size <= UINT64_MAX - PAGE_MASK - address
		   ? KERN_SUCCESS
		   : KERN_INVALID_ARGUMENT;
}

/* ---- advice ---- */

/* The range is there; nothing is done about it. */
static kern_return_t
covered_step(const struct piece *piece)
{
	uaddr_t at = piece->start + *piece->donep;
	struct map *map = piece->map;
	kern_return_t kr = KERN_SUCCESS;
	struct map_entry *entry;

	spin_lock(&map->lock);
	entry = map_find(map, at);
	for (unsigned i = 0; i < STEP_ENTRIES && at < piece->end; i++) {
		if (entry == NULL || entry->start > at) {
			kr = KERN_INVALID_ADDRESS;
			break;
		}
		at = min_u64(entry->end, piece->end);
		entry = map_next(map, entry);
	}
	spin_unlock(&map->lock);
	*piece->donep = at - piece->start;
	return kr;
}

/*
 * Whole pages of zeroed memory from @at on go, up to *@atp afterwards: where it
 * did not move, bytes have to be written.  The map is locked.
 */
static kern_return_t
discard_locked(const struct piece *piece, uaddr_t *atp)
{
	struct map *map = piece->map;
	struct map_entry *entry = map_find(map, *atp);
	struct pmap_hole hole = {.start = *atp};
	uint64_t end = page_floor(piece->end);

	if (entry == NULL || entry->start > *atp)
		return KERN_INVALID_ADDRESS;
	if (!(entry->prot & VM_PROT_WRITE))
		return KERN_PROTECTION_FAILURE;
	if ((*atp & PAGE_MASK) != 0 || *atp >= end || !map_is_zeroed(entry) ||
	    entry->wired > 0)
		return KERN_SUCCESS;
	end = min_u64(end, entry->end);
	hole.end = pmap_step_end(&map->pmap, *atp, end);
	if (!pmap_own_ends(&map->pmap, *atp, hole.end))
		return KERN_RESOURCE_SHORTAGE;
	pmap_remove(&map->pmap, *atp, hole.end, &hole);
	*atp = hole.end;
	return KERN_SUCCESS;
}

static kern_return_t
discard(const struct piece *piece, uaddr_t *atp)
{
	kern_return_t kr;

	spin_lock(&piece->map->lock);
	kr = discard_locked(piece, atp);
	spin_unlock(&piece->map->lock);
	return kr;
}

/* Zeros: new pages will be, others are written. */
static kern_return_t
zero_step(const struct piece *piece)
{
	uaddr_t at = piece->start + *piece->donep, from = at;
	kern_return_t kr = discard(piece, &at);

	if (kr == KERN_SUCCESS && at == from) {
		uint64_t size =
		    min_u64(piece->end - at, PAGE_SIZE - (at & PAGE_MASK));

		kr = map_copy_to(piece->map, at, zeros, size);
		at += size;
	}
	if (kr == KERN_SUCCESS)
		*piece->donep = at - piece->start;
	return kr;
}

/* What is in whole pages is not wanted any more; wired ones stay. */
static kern_return_t
free_step(const struct piece *piece)
{
	uaddr_t at = piece->start + *piece->donep, from = at;
	kern_return_t kr = discard(piece, &at);

	if (at == from)
		at = min_u64(page_floor(at) + PAGE_SIZE, piece->end);
	if (kr == KERN_SUCCESS)
		*piece->donep = at - piece->start;
	return kr;
}

/* What is in these pages will not be used soon: closed, and taken. */
static kern_return_t
pageout_step(const struct piece *piece)
{
	uint64_t start = page_floor(piece->start + *piece->donep);
	uint64_t end = page_ceil(piece->end);
	struct pmap_sweep sweep = {0};
	kern_return_t kr;

	kr = map_sweep_range(piece->map, start, end, &end, &sweep);
	if (kr == KERN_SUCCESS)
		kr = map_sweep_range(piece->map, start, end, &end, &sweep);
	if (kr == KERN_SUCCESS)
		*piece->donep = min_u64(end, piece->end) - piece->start;
	return kr;
}

/* Advice that lasts: the behavior is the call's own. */
static kern_return_t
remember(const struct piece *piece, vm_behavior_t behavior)
{
	uint64_t size = piece->end - piece->start;

	while (map_range_more(piece->start, size, *piece->donep)) {
		kern_return_t kr = map_behave(piece->map, piece->start, size,
		    (unsigned)behavior, piece->donep);

		if (kr != KERN_SUCCESS)
			return kr;
		if (thread_should_yield())
			return KCALL_AGAIN;
	}
	return KERN_SUCCESS;
}

kern_return_t
serve_mach_vm_behavior_set(struct map *map, mach_vm_address_t address,
    mach_vm_size_t size, vm_behavior_t behavior)
{
	struct piece piece = {
	    .map = map,
	    .start = address,
	    .end = address + size,
	    .donep = call_progress(),
	};
	kern_return_t kr = check_range(address, size);

	if (kr != KERN_SUCCESS)
		return kr;
	switch (behavior) {
	case VM_BEHAVIOR_DEFAULT:
	case VM_BEHAVIOR_RANDOM:
	case VM_BEHAVIOR_SEQUENTIAL:
	case VM_BEHAVIOR_RSEQNTL:
		return size > 0 ? remember(&piece, behavior) : KERN_SUCCESS;
	case VM_BEHAVIOR_ZERO:
		return all_steps(&piece, zero_step);
	case VM_BEHAVIOR_FREE:
	case VM_BEHAVIOR_REUSABLE:
		return all_steps(&piece, free_step);
	case VM_BEHAVIOR_PAGEOUT:
		return all_steps(&piece, pageout_step);
	/* Zeroed memory is where it is wanted, and pages that are freed are
	 * zeroed before anybody else has them. */
	case VM_BEHAVIOR_WILLNEED:
	case VM_BEHAVIOR_DONTNEED:
	case VM_BEHAVIOR_REUSE:
	case VM_BEHAVIOR_CAN_REUSE:
	case VM_BEHAVIOR_ZERO_WIRED_PAGES:
		return all_steps(&piece, covered_step);
	}
	return KERN_INVALID_ARGUMENT;
}

/* ---- caches ---- */

kern_return_t
serve_mach_vm_machine_attribute(struct map *map, mach_vm_address_t address,
    mach_vm_size_t size, vm_machine_attribute_t attribute,
    vm_machine_attribute_val_t *value)
{
	struct piece piece = {
	    .map = map,
	    .start = address,
	    .end = address + size,
	    .donep = call_progress(),
	};
	kern_return_t kr = check_range(address, size);

	if (attribute == MATTR_MIGRATE || attribute == MATTR_REPLICATE)
		return KERN_NOT_SUPPORTED;
	if (attribute != MATTR_CACHE || *value < MATTR_VAL_CACHE_FLUSH ||
	    *value > MATTR_VAL_CACHE_SYNC)
		return KERN_INVALID_ARGUMENT;
	if (kr == KERN_SUCCESS)
		kr = all_steps(&piece, covered_step);
	/* Data caches are coherent: what was written is what others read, but
	 * for fetches of instructions. */
	if (kr == KERN_SUCCESS && *value != MATTR_VAL_DCACHE_FLUSH && size > 0)
		arch_sync_code();
	return kr;
}

/* ---- wiring ---- */

static_assert(
    sizeof(struct wire_progress) <= CALL_PROGRESS_WORDS * sizeof(uint64_t),
    "progress of a call");

static kern_return_t
wire(const struct piece *piece, vm_prot_t access)
{
	kern_return_t kr;

	do {
		kr = map_wire_step(piece->map, piece->start,
		    piece->end - piece->start, (unsigned)access,
		    (struct wire_progress *)piece->donep);
		if (kr != KERN_OPERATION_TIMED_OUT)
			return kr;
	} while (!thread_should_yield());
	return KCALL_AGAIN;
}

static kern_return_t
unwire(const struct piece *piece)
{
	kern_return_t kr;

	do {
		kr = map_unwire_step(piece->map, piece->start,
		    piece->end - piece->start, piece->donep);
		if (kr != KERN_OPERATION_TIMED_OUT)
			return kr;
	} while (!thread_should_yield());
	return KCALL_AGAIN;
}

/* Not wired: what it never touched may still be absent. */
kern_return_t
serve_host_set_resident(struct task *task, boolean_t resident)
{
	if (task == NULL)
		return KERN_INVALID_ARGUMENT;
	spin_lock(&task->map->lock);
	task->map->resident = resident != FALSE;
	spin_unlock(&task->map->lock);
	return KERN_SUCCESS;
}

kern_return_t
serve_mach_vm_wire(struct task *task, mach_vm_address_t address,
    mach_vm_size_t size, vm_prot_t access)
{
	kern_return_t kr = check_range(address, size);
	struct piece piece = {.donep = call_progress()};

	if (kr != KERN_SUCCESS || task == NULL || (access & ~VM_PROT_ALL) != 0)
		return KERN_INVALID_ARGUMENT;
	if (size == 0)
		return KERN_SUCCESS;
	piece.map = task->map;
	piece.start = page_floor(address);
	piece.end = page_ceil(address + size);
	return access != VM_PROT_NONE ? wire(&piece, access) : unwire(&piece);
}
