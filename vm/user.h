/*
 * vm/user.h: what a task may ask about memory, by trap; the same and more by
 * message to a task's port is in mach/mach_vm.defs.
 *
 * Arguments come as the user's registers hold them: 64 bits each, whatever the
 * caller put into the upper halves; the handlers cut them to size themselves.
 *
 * Common results: KERN_INVALID_ARGUMENT for a @target that is no task's port or
 * a range that overflows, KERN_INVALID_ADDRESS for a bad pointer, and those of
 * the call in vm/map.h that does the work.
 */
#pragma once
#include <mach/vm_statistics.h>

#include "ipc/kserver.h"
#include "kernel/types.h"

/* -10: zeroed memory; a @size of 0 gives address 0; not VM_FLAGS_OVERWRITE */
kern_return_t vm_allocate_trap(
    uint64_t target, uaddr_t address, uint64_t size, uint64_t flags);
/* -12: holes are no error */
kern_return_t vm_deallocate_trap(
    uint64_t target, uint64_t address, uint64_t size);
/* -14 */
kern_return_t vm_protect_trap(uint64_t target, uint64_t address, uint64_t size,
    uint64_t set_maximum, uint64_t prot);
/* -15: zeroed memory with an alignment and a protection */
kern_return_t vm_map_trap(uint64_t target, uaddr_t address, uint64_t size,
    uint64_t mask, uint64_t flags, uint64_t prot);

struct map;

/* Wishes about memory that change nothing here. */
#define VM_FLAGS_IGNORED                                                       \
	(VM_FLAGS_4GB_CHUNK | VM_FLAGS_RANDOM_ADDR | VM_FLAGS_NO_CACHE |       \
	    VM_FLAGS_RESILIENT_CODESIGN | VM_FLAGS_RESILIENT_MEDIA |           \
	    VM_FLAGS_PERMANENT | VM_FLAGS_TPRO | VM_FLAGS_ALIAS_MASK)

/*
 * Make [*@addressp, *@addressp + *@sizep) whole pages.  KERN_INVALID_ARGUMENT
 * when that has no end.
 */
kern_return_t must_check vm_whole_pages(uint64_t *addressp, uint64_t *sizep);

/*
 * Count the pages of @map that are in memory, in bounded steps from *@addressp
 * (0 at first) on; adds to *@pagesp.  True while there is more.
 */
bool must_check vm_count_step(
    struct map *map, uaddr_t *addressp, uint64_t *pagesp);
/* The same of those below @end. */
bool must_check vm_count_range_step(
    struct map *map, uaddr_t *addressp, uint64_t end, uint64_t *pagesp);
