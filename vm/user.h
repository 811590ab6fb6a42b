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
#include "ipc/kserver.h"
#include "kernel/types.h"

/* -10: zeroed memory; a @size of 0 gives address 0 */
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

/*
 * Count the pages of @map that are in memory, in bounded steps from *@addressp
 * (0 at first) on; adds to *@pagesp.  True while there is more.
 */
bool must_check vm_count_step(
    struct map *map, uaddr_t *addressp, uint64_t *pagesp);
