/*
 * vm/map.h: an address map says what each range of a task's memory is; the
 * page tables below it say which pages are there.
 *
 * Entries stand in a balanced tree ordered by address, each knowing the
 * largest gap in its subtree, so look-up, fault and allocation take
 * logarithmic time.
 *
 * Kinds of memory (enum map_kind):
 *  ANONYMOUS  zero-filled at first touch.  The page tables are the only record
 *	       of its pages: they move between tasks entry by entry, or a whole
 *	       table at a time (vm/transfer.h).  Pages may be shared
 *	       copy-on-write; struct page counts the sharers.
 *  WINDOW     a fixed range of physical addresses: a device's registers, or the
 *	       boot archive.  Never freed with the map, never moved.
 *
 * Every call checks all its arguments before anything changes.
 */
#pragma once
#include <arch/pmap.h>

#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>

#include "kernel/lock.h"
#include "kernel/types.h"

enum map_kind { MAP_ANONYMOUS, MAP_WINDOW };

/* m: the map's lock */
struct map_entry {
	struct map_entry *left, *right; /* [m] */
	uint64_t start, end;	/* [m] page aligned, start < end */
	uint64_t gap;		/* [m] free bytes just below start */
	uint64_t max_gap;	/* [m] largest gap in this subtree */
	paddr_t window;		/* [m] MAP_WINDOW: physical address of start */
	uint8_t height;		/* [m] of this subtree */
	uint8_t kind;		/* [m] enum map_kind */
	uint8_t prot, max_prot; /* [m] VM_PROT_* */
	uint8_t inherit;	/* [m] VM_INHERIT_* */
};

struct map {
	struct spinlock lock;	/* rank LOCK_MAP */
	struct map_entry *root;	/* [m] */
	uint64_t size;		/* [m] bytes that entries span */
	uint64_t entry_count;	/* [m] */
	uint64_t resident;	/* [m] pages mapped, PTE_FOREIGN less */
	struct pmap pmap;	/* [m] */
};

void map_zone_init(void);

/* A new, empty map; KERN_RESOURCE_SHORTAGE. */
kern_return_t must_check map_create(struct map **mapp);

/*
 * One bounded step of tearing @map down (a dying task's; no thread is in it):
 * true when there is more to do.  After the last, the map is freed.
 */
bool must_check map_destroy_step(struct map *map);

/*
 * Make a zero-filled region.  With VM_FLAGS_ANYWHERE the kernel chooses the
 * address, else *@addressp does (rounded down; the size rounded up).  @mask:
 * bits that the chosen address must have clear.
 *
 * Returns: KERN_SUCCESS, and the region's start in *@addressp
 *          KERN_INVALID_ARGUMENT  size 0 or overflow, or unknown flags
 *          KERN_NO_SPACE          no gap, or the range is (partly) taken
 *          KERN_INVALID_ADDRESS   a fixed range outside the user's half
 *          KERN_RESOURCE_SHORTAGE
 */
kern_return_t must_check map_allocate(struct map *map, uaddr_t *addressp,
    uint64_t size, uint64_t mask, unsigned flags, unsigned prot,
    unsigned max_prot, unsigned inherit);

/* A view of physical memory that is not RAM of the page allocator's. */
kern_return_t must_check map_window(struct map *map, uaddr_t *addressp,
    paddr_t pa, uint64_t size, unsigned prot);

/*
 * Remove whatever lies in the range, holes allowed.  Long ranges are done in
 * steps: KERN_ABORTED is never returned; instead *@donep says how far it got
 * and the caller yields and calls again until all is done.
 */
kern_return_t must_check map_deallocate(
    struct map *map, uaddr_t address, uint64_t size, uint64_t *donep);

kern_return_t must_check map_protect(struct map *map, uaddr_t address,
    uint64_t size, bool set_maximum, unsigned prot);
kern_return_t must_check map_inherit(
    struct map *map, uaddr_t address, uint64_t size, unsigned inherit);

/* What mach_vm_region reports about the first region at or above *@addressp. */
struct map_region {
	uint64_t start, size;
	unsigned prot, max_prot, inherit, kind;
};
kern_return_t must_check map_region(
    struct map *map, uaddr_t address, struct map_region *region);

/*
 * Serve a fault at @address for @access (one of VM_PROT_READ, _WRITE,
 * _EXECUTE) in @map, current or not.
 *
 * Returns: KERN_SUCCESS            the access can be tried again
 *          KERN_INVALID_ADDRESS    nothing is mapped there
 *          KERN_PROTECTION_FAILURE
 *          KERN_RESOURCE_SHORTAGE
 */
kern_return_t must_check map_fault(
    struct map *map, uaddr_t address, unsigned access);

/*
 * Copy between the kernel and another task's memory, faulting pages in and
 * checking protections; no need for the map to be current.  Bounded by the
 * caller: at most 64 KiB a call.
 */
kern_return_t must_check map_copy_to(
    struct map *map, uaddr_t to, const void *from, uint64_t size);
kern_return_t must_check map_copy_from(
    struct map *map, void *to, uaddr_t from, uint64_t size);

/* Debug and tests: entries sorted, disjoint, gaps exact, tables consistent. */
void map_check(struct map *map);
