/*
 * vm/object_slots.h: the slots of an object, for object.c and its pagers.
 *
 *	page number ... | flags			a page
 *	deadline ...	| BUSY			asked of the pager, until then
 *	0					neither
 *
 * The object's lock is held throughout; a snapshot's is its source's.
 */
#pragma once
#include "vm/object.h"
#include "vm/page.h"

#define SLOT_SHARED 0x1UL /* see object.h */
/* Of objects that have a pager, besides: */
#define SLOT_DIRTY    0x2UL  /* it was, or may be, written */
#define SLOT_PRECIOUS 0x4UL  /* the pager wants it back */
#define SLOT_BUSY     0x40UL /* there is no page, but it was asked for */
#define SLOT_LEAVING  0x80UL /* nobody may map it just now */
/* The turn (pager->turn) in which the pager was asked for it, or to unlock it;
 * 0: it was not, or has answered. */
#define SLOT_ASKED	0xf00UL
#define SLOT_FIRST_TURN 0x100UL
#define SLOT_WRITABLE	(1UL << 63) /* who maps it may write it already */
/* Nobody has mapped it since page replacement came by. */
#define SLOT_CLOSED (1UL << 62)
#define SLOT_FLAGS  (PAGE_MASK | SLOT_WRITABLE | SLOT_CLOSED)

/* Accesses that the pager does not allow, VM_PROT_*. */
#define SLOT_LOCK_SHIFT 3
#define SLOT_LOCKS	(7UL << SLOT_LOCK_SHIFT)

static inline uint64_t
slot_locks(unsigned prot)
{
	return (uint64_t)prot << SLOT_LOCK_SHIFT & SLOT_LOCKS;
}

static inline bool
slot_has_page(uint64_t slot)
{
	return slot != 0 && !(slot & SLOT_BUSY);
}

static inline struct page *
slot_page(uint64_t slot)
{
	return page_of(slot & ~SLOT_FLAGS);
}

static inline uint64_t
slot_of(const struct page *page, uint64_t flags)
{
	return page_pa(page) | flags;
}

static inline uint64_t
slot_busy(uint64_t deadline)
{
	return deadline << PAGE_SHIFT | SLOT_BUSY;
}

static inline uint64_t
slot_deadline(uint64_t slot)
{
	return slot >> PAGE_SHIFT;
}

/* Slots of a node. */
#define OBJECT_NODE_BITS 9

/* The slot at @offset, which is in the object; NULL: it is absent, or no memory
 * for the nodes above it that are to be made, or for who pays. */
uint64_t *object_slot_far(struct object *object, uint64_t offset, bool make);

static inline uint64_t *
object_slot(struct object *object, uint64_t offset, bool make)
{
	uint64_t index = offset >> PAGE_SHIFT;

	/* Nodes stay for as long as the object does. */
	if (likely(object->near != NULL &&
		   object->near_index == index >> OBJECT_NODE_BITS))
		return &object->near[index & ((1UL << OBJECT_NODE_BITS) - 1)];
	return object_slot_far(object, offset, make);
}

/*
 * @count pages more are to be in slots, or fewer are there: whoever pays for
 * them is charged, false: he may not have so many; or credited.  Who supplies
 * the first of a pager's object pays for all of it from then on.
 */
bool must_check object_pay(struct object *object, uint64_t count);
void object_unpay(struct object *object, uint64_t count);
/* A zeroed page for slots of @object, which is paid for, or NULL; and when it
 * goes. */
struct page *must_check object_node_alloc(const struct object *object);
void object_node_free(struct page *node);
/* Could it not have another node even if there were memory for it, since who
 * pays for those of a snapshot may have no more? */
bool must_check object_is_poor(const struct object *object);
/* The first slot from @offset on that may not be 0, at most @end: nodes that
 * are missing are passed over, some of them in one call. */
uint64_t object_slot_next(struct object *object, uint64_t offset, uint64_t end);
/* Let the page in @slot be the object's own.  KERN_RESOURCE_SHORTAGE. */
kern_return_t must_check object_make_own(uint64_t *slot);
