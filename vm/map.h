/*
 * vm/map.h: an address map says what each range of a task's memory is; the
 * page tables below it say which pages are there.
 *
 * Entries stand in a balanced tree ordered by address, each knowing the
 * largest gap in its subtree (map_tree.h), so look-up, fault and allocation
 * take logarithmic time.  Neighbours that say the same are one entry.
 *
 * Kinds of memory (enum map_kind):
 *  ANONYMOUS  zero-filled at first touch.  The page tables are the only record
 *	       of its pages: they move between tasks entry by entry, or a whole
 *	       table at a time (vm/transfer.h).  Pages may be shared
 *	       copy-on-write; struct page counts the sharers.  With an object,
 *	       a snapshot (vm/snapshot.h), it begins with what that has.
 *  OBJECT     an object's (vm/object.h), which others may have too: what is
 *	       written is seen by all.
 *  WINDOW     a fixed range of physical addresses: a device's registers, or the
 *	       boot archive.  Never freed with the map, never moved.
 *
 * Permissions are given by faults and taken at once.  A leaf never allows more
 * than its entry; it may allow less, and then the next fault (fault.c) looks
 * whether the page is shared, or its instructions need a fence, and adds what
 * is missing.  No leaf allows both writing and executing.
 *
 * Every call checks all its arguments before anything changes.
 */
#pragma once
#include <arch/pmap.h>

#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>
#include <mach/vm_statistics.h>

#include "kernel/list.h"
#include "kernel/lock.h"
#include "kernel/types.h"

struct ledger;
struct object;
struct superpage;

enum map_kind {
	MAP_ANONYMOUS,
	MAP_WINDOW,
	MAP_OBJECT,
	MAP_ROOM, /* no memory: see map_room.h */
};

/* Rooms that a map keeps. */
#define MAP_ROOMS 4

/* m: the map's lock */
struct map_entry {
	struct list link;	    /* [m] the map's entries, by address */
	struct map_entry *parent;   /* [m] in the tree; NULL: its root */
	struct map_entry *child[2]; /* [m] below and above */
	uint64_t start, end;	    /* [m] page aligned, start < end */
	uint64_t gap;		    /* [m] free bytes just below start */
	uint64_t max_gap;	    /* [m] largest gap in this subtree */
	/* [m] of start: MAP_WINDOW: physical address; else offset in @object */
	uint64_t window;
	/* [m] MAP_OBJECT, or a snapshot: with a reference; or NULL */
	struct object *object;
	struct map *map;	 /* I where it is */
	struct list object_link; /* [the object's lock] its mappings */
	uint32_t object_pass;	 /* [the object's lock] when it was visited */
	union {
		struct {
			uint8_t kind;	  /* [m] enum map_kind */
			uint8_t prot;	  /* [m] VM_PROT_* */
			uint8_t max_prot; /* [m] the same */
			uint8_t inherit;  /* [m] VM_INHERIT_* */
			uint8_t behavior; /* [m] VM_BEHAVIOR_* that lasts */
			/* [m] joined with nothing: may go again, */
			bool placing;
			bool apart; /* [m] ... may leave a room */
			/* [m] being wired: joined with its like alone */
			bool held;
		};
		uint64_t says; /* [m] all of these */
	};
	uint16_t wired; /* [m] how often: see vm/wire.h */
	uint8_t height; /* [m] of this subtree */
};

/* Is it private memory that begins with zeros? */
static inline bool
map_is_zeroed(const struct map_entry *entry)
{
	return entry->kind == MAP_ANONYMOUS && entry->object == NULL;
}

/* Is it private memory that begins with what a snapshot has? */
static inline bool
map_is_backed(const struct map_entry *entry)
{
	return entry->kind == MAP_ANONYMOUS && entry->object != NULL;
}

struct map {
	struct spinlock lock;		   /* rank LOCK_MAP */
	struct list entries;		   /* [m] in order of address */
	struct map_entry *root;		   /* [m] of the tree */
	struct map_entry *hint;		   /* [m] the one found last, or NULL */
	uint64_t size;			   /* [m] bytes that entries span */
	uint64_t entry_count;		   /* [m] but for rooms */
	uint64_t apart_count;		   /* [m] entries that stand apart */
	struct map_entry **newest_room;	   /* [m] where one came or went last */
	struct map_entry *room[MAP_ROOMS]; /* [m] or NULL */
	uint64_t base;	       /* [I] addresses are chosen from here on */
	bool ending;	       /* [m] map_destroy_step() was called */
	bool resident;	       /* [m] page replacement passes it by */
	struct list ring;      /* [LOCK_SWEEP] all maps: vm/map_sweep.h */
	uint64_t pages_seen;   /* [m] private ones, when the hand went by */
	uint64_t pages_so_far; /* [m] the same, while it does */
	struct ledger *ledger; /* I: who pays; NULL: the kernel */
	struct pmap pmap;      /* [m] */
};

/*
 * Where the kernel looks for room when it may choose: above 4 GiB, so that a
 * pointer cut to 32 bits faults.
 */
#define MAP_ANYWHERE_BASE 0x100000000UL

/*
 * In fact a little higher, and in each map elsewhere.  The first entries of all
 * tables are in the same one or two sets of a cache: were each task's memory to
 * begin there, the tables of those who call each other would drive each other
 * out.  So maps begin at different lines of their middle and leaf tables: 120
 * to 220 cycles less for a transfer between two tasks of a measured core.
 * False: all begin at MAP_ANYWHERE_BASE, for tests that know addresses.
 */
extern bool map_spreads;

void map_zone_init(void);

/* A new, empty map.  KERN_RESOURCE_SHORTAGE. */
kern_return_t must_check map_create(struct map **mapp);
/* @ledger, which outlives it, pays for what will be in it. */
void map_pay_from(struct map *map, struct ledger *ledger);

/* Pages and tables that are charged, and not there: ready for the next. */
struct pmap_weight map_spare(struct map *map);

/*
 * One bounded step of tearing @map down (a dying task's; no thread is in it):
 * true when there is more to do, also while a hart's satp still names it.
 * After the last, the map is freed.
 */
bool must_check map_destroy_step(struct map *map);

/*
 * Make a zero-filled region.  With VM_FLAGS_ANYWHERE the kernel chooses the
 * address, else *@addressp does (rounded down; the size rounded up).  @mask:
 * bits that the chosen address must have clear, of the form 2^n - 1.
 *
 * Returns: KERN_SUCCESS, and the region's start in *@addressp
 *          KERN_INVALID_ARGUMENT  size 0 or overflow, or unknown flags,
 *                                 protections or inheritance
 *          KERN_NO_SPACE          no gap, or the range is (partly) taken
 *          KERN_INVALID_ADDRESS   a fixed range outside the user's half
 *          KERN_RESOURCE_SHORTAGE
 *          KERN_OPERATION_TIMED_OUT  with VM_FLAGS_OVERWRITE: some of what was
 *                                 there is gone: give way, and call again
 */
kern_return_t must_check map_allocate(struct map *map, uaddr_t *addressp,
    uint64_t size, uint64_t mask, unsigned flags, unsigned prot,
    unsigned max_prot, unsigned inherit);

/*
 * A view of physical memory that is not RAM of the page allocator's, at an
 * address that the kernel chooses.  @pa and @size are whole pages.
 */
kern_return_t must_check map_window(struct map *map, uaddr_t *addressp,
    paddr_t pa, uint64_t size, unsigned prot);

/*
 * The calls below change a range that may be long, in bounded steps.  Start
 * with *@donep 0.  KERN_SUCCESS with *@donep less than the rounded size means:
 * give way to others, then call again with the same arguments:
 * map_range_more() says.
 */

/* Remove whatever lies in the range; holes are allowed. */
kern_return_t must_check map_deallocate(
    struct map *map, uaddr_t address, uint64_t size, uint64_t *donep);

/*
 * Returns: KERN_INVALID_ADDRESS     a hole in the range
 *          KERN_PROTECTION_FAILURE  more than some region's maximum
 *          KERN_INVALID_ARGUMENT    unknown bits, or a range that wraps
 *          KERN_RESOURCE_SHORTAGE
 * Nothing has changed then, save for ranges of so many regions that they take
 * several steps.
 */
kern_return_t must_check map_protect(struct map *map, uaddr_t address,
    uint64_t size, bool set_maximum, unsigned prot, uint64_t *donep);
kern_return_t must_check map_inherit(struct map *map, uaddr_t address,
    uint64_t size, unsigned inherit, uint64_t *donep);

/* What is remembered of how the memory will be used: a VM_BEHAVIOR_*. */
kern_return_t must_check map_behave(struct map *map, uaddr_t address,
    uint64_t size, unsigned behavior, uint64_t *donep);
/*
 * Count one more reason to keep the memory wired, which has to allow @access;
 * or one less, where there is one.  KERN_FAILURE: too many.  See vm/wire.h.
 */
kern_return_t must_check map_count_wire(struct map *map, uaddr_t address,
    uint64_t size, unsigned access, uint64_t *donep);
kern_return_t must_check map_count_unwire(
    struct map *map, uaddr_t address, uint64_t size, uint64_t *donep);
/*
 * What was counted is held: its ends stay what they are, until it is let go, or
 * with @undo counted back.  So neither needs memory, unless other threads have
 * changed the range meanwhile.
 */
kern_return_t must_check map_count_end(struct map *map, uaddr_t address,
    uint64_t size, bool undo, uint64_t *donep);

/* Is there more to do of a range after the step that set @done? */
static inline bool
map_range_more(uaddr_t address, uint64_t size, uint64_t done)
{
	return done < page_ceil(address + size) - page_floor(address);
}

/* What mach_vm_region reports about the first region at or above @address. */
struct map_region {
	uint64_t start, size;
	unsigned prot, max_prot, inherit, kind, behavior, wired;
	/* With an object; else 0 */
	uint64_t offset;    /* of the region in it */
	uint32_t object_id; /* never 0 */
	uint32_t mappings;  /* regions of whatever maps that are its */
	bool has_pager;	    /* that is a user task */
	bool backed;	    /* private, and begins with what an object has */
};
/* KERN_INVALID_ADDRESS: there is none. */
kern_return_t must_check map_region(
    struct map *map, uaddr_t address, struct map_region *region);

/*
 * Serve a fault at @address for @access (one of VM_PROT_READ, _WRITE, _EXECUTE)
 * in @map, current or not.  @fresh: the caller's, for superpages, which are
 * zeroed in steps; NULL: let it be pages.
 *
 * Returns: KERN_SUCCESS            the access can be tried again
 *          KERN_INVALID_ADDRESS    nothing is mapped there
 *          KERN_PROTECTION_FAILURE
 *          KERN_RESOURCE_SHORTAGE
 *          KERN_OPERATION_TIMED_OUT  @fresh came a step further: give way to
 *                                  others, then call again
 */
kern_return_t must_check map_fault(
    struct map *map, uaddr_t address, unsigned access, struct superpage *fresh);

/*
 * Copy between the kernel and another task's memory, faulting pages in and
 * checking protections; no need for the map to be current.  Bounded by the
 * caller: at most 64 KiB a call.  On failure some bytes may have been copied.
 */
kern_return_t must_check map_copy_to(
    struct map *map, uaddr_t to, const void *from, uint64_t size);
kern_return_t must_check map_copy_from(
    struct map *map, void *to, uaddr_t from, uint64_t size);

/*
 * Debug and tests: entries sorted, disjoint and merged, gaps exact, the tree
 * balanced, leaves within what entries allow.  Slow: visits every leaf.
 */
void map_check(struct map *map);
