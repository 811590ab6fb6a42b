/*
 * vm/object.h: memory that belongs to no map, so that several can have it.
 *
 * An object is an array of pages, at first absent, which is zeros.  Its slots
 * stand in a tree of 512-ary nodes, as deep as its size needs:
 *
 *	top ---> node ---> node ---> page	2 levels: up to 1 GiB
 *
 *	slot	0		never touched
 *		page		the object's own: it may be mapped for writing
 *		page, SHARED	somebody has a private copy of it, which is the
 *				page itself: nobody maps it from here, and who
 *				wants to makes the object an own one first
 *
 * Where a pager has the contents (vm/pager.h) absent means that they are to be
 * asked for, slots can be emptied again, and pages have some more flags
 * (vm/object_slots.h); the rest of this is for all others.
 *
 * The object holds one reference to each page in a slot, and so does each leaf
 * that maps one; an own page with one reference is mapped nowhere.  Slots only
 * ever change from absent to a page, and from a SHARED page to an own one:
 * so a leaf of a MAP_OBJECT entry, once there, is right.
 *
 * Who refers to an object: each map entry of it, each memory entry, and calls
 * under way.  The last one has it taken apart in steps by the reaper.
 *
 * Each slot with a page is one page (BATON_LEDGER_RESIDENT) that somebody pays
 * for, beside those who have it in their tables: who made the object; of a
 * pager's, the first task that supplied something.  A page of slots is kernel
 * memory: who made the object pays; of a pager's, whoever asked for or supplied
 * what is there, since anybody can make those many.
 */
#pragma once
#include "kernel/list.h"
#include "kernel/lock.h"
#include "kernel/reaper.h"
#include "kernel/types.h"

struct ledger;
struct page;
struct pager;

/* I: immutable   o: this object's lock   a: atomic */
struct object {
	struct spinlock lock; /* rank LOCK_OBJECT */
	atomic_uint refs;     /* [a] */
	uint32_t levels;      /* [I] of nodes above the slots */
	uint32_t id;	      /* [I] never 0; for people */
	uint64_t size;	      /* [I] bytes, whole pages */
	uint64_t pages;	      /* [o] slots that are not absent */
	uint64_t top;	      /* [o] the first node, or the only slot */
	/* [o] The node that was looked at last, and which it is; NULL: none. */
	uint64_t *near;
	uint64_t near_index;
	struct list mappings;	/* [o] struct map_entry by object_link */
	uint32_t pass;		/* [o] of visits to them: vm/object_unmap.h */
	struct pager *pager;	/* [I] a reference, or NULL: vm/pager.h */
	uint32_t mapping_count; /* [o] */
	/* Snapshots of it, of an object that has a pager: vm/snapshot.h */
	uint32_t snapshot_count; /* [o] */
	struct list snapshots;	 /* [o] struct object by snapshot_link */
	/* One of those itself; s: the source's lock, and all above that is [o]
	 */
	struct object *source;	   /* [I] a reference; NULL: it is none */
	struct list snapshot_link; /* [s] */
	uint64_t snapshot_start;   /* [s] what of it is wanted */
	uint64_t snapshot_end;	   /* [s] */
	bool snapshot_whole;	   /* [s] it has been made */
	bool snapshot_old;	   /* [s] something was written since */
	bool snapshot_lost;	   /* [s] what it has not got is no more */
	struct reap_item reap;
	struct ledger *ledger; /* [I] who pays for it; NULL: the kernel */
	/* [o] Who pays for its pages, with a reference if it is another; NULL:
	 * the kernel, or nobody has supplied any to a pager's. */
	struct ledger *pages_ledger;
};

/* Bytes that an object may have: all that a map could show. */
#define OBJECT_SIZE_MAX (1UL << 38)

void object_zone_init(void);

/* An object of @size bytes, whole pages, all zero, for which @ledger pays.
 * NULL: no memory, or more than @ledger may have. */
struct object *must_check object_create(struct ledger *ledger, uint64_t size);

static inline struct object *
object_get(struct object *object)
{
	atomic_fetch_add_explicit(&object->refs, 1, memory_order_relaxed);
	return object;
}

/* The same for who has none, of one that is there: false, the last reference
 * has gone for good. */
bool must_check object_get_alive(struct object *object);

/* The last goes to the reaper, or to the cache of pagers' objects; or just to
 * the reaper.  Locks: at most a map's. */
void object_put(struct object *object);
void object_put_now(struct object *object);

/* Is it one of a pager's, or a snapshot of such a one? */
static inline bool
object_is_paged(const struct object *object)
{
	return object->pager != NULL || object->source != NULL;
}

/*
 * The page at @offset to be mapped from here, with a reference for the leaf;
 * zeroed if it was absent.  KERN_RESOURCE_SHORTAGE.
 *
 * With a pager it is the pager's: KERN_MEMORY_WAIT until it is there, and may
 * be accessed so; then or before, KERN_MEMORY_ERROR.  Only with VM_PROT_WRITE
 * for @access, one of VM_PROT_*, may the leaf allow writing.
 */
kern_return_t must_check object_page(struct object *object, uint64_t offset,
    unsigned access, struct page **pagep);
/* With a pager, before a leaf of such a page gets the right for @access. */
kern_return_t must_check object_allow(
    struct object *object, uint64_t offset, unsigned access);
/*
 * The same contents for a private mapping, whose leaf may not write a page that
 * it has not alone: the page with a reference; NULL if it is absent.
 * KERN_RESOURCE_SHORTAGE; with a pager, as object_page() for reading.
 */
kern_return_t must_check object_copy_page(
    struct object *object, uint64_t offset, struct page **pagep);

/* Let @pages be inserted into [@offset, @end), of some nodes at most: they are
 * paid for.  KERN_RESOURCE_SHORTAGE. */
kern_return_t must_check object_prepare(
    struct object *object, uint64_t offset, uint64_t end, uint64_t pages);
/* So many are not inserted after all. */
void object_unprepare(struct object *object, uint64_t pages);
/*
 * After that: let @page, with a reference of the caller's, be at @offset, where
 * none is.  @shared: others have it, privately.
 */
void object_insert(
    struct object *object, uint64_t offset, struct page *page, bool shared);

/* An address up to which no slots are filled from @offset on, at most @end;
 * @offset itself: there is one.  In steps of whole nodes that are missing. */
uint64_t object_absent_until(
    struct object *object, uint64_t offset, uint64_t end);

/* Another entry, or one less, maps it.  Locks: the entry's map's. */
struct map_entry;
void object_add_mapping(struct object *object, struct map_entry *entry);
void object_remove_mapping(struct object *object, struct map_entry *entry);

uint32_t object_mappings(struct object *object);

/* Checks: is @page its own one at @offset? */
bool must_check object_owns(
    struct object *object, uint64_t offset, const struct page *page);

/* Tests: what it holds agrees with what it says.  @visit is called with each
 * page in a slot, and each page that slots stand in. */
void object_check(struct object *object,
    void (*visit)(void *context, struct page *page), void *context);
