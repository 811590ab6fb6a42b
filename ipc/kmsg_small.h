/*
 * ipc/kmsg_small.h: short messages, in place; for kmsg.c and the fast paths.
 */
#pragma once
#include "ipc/kmsg.h"
#include "kernel/ledger.h"
#include "kernel/thread.h"
#include "kernel/zone_here.h"

/* What the struct itself needs, and the longest trailer behind the body. */
#define KMSG_OVERHEAD (sizeof(struct kmsg) + MAX_TRAILER_SIZE)
/* The first class of messages, all told; and the longest body in it. */
#define KMSG_SMALL	    320
#define KMSG_SMALL_CAPACITY (KMSG_SMALL - (uint32_t)KMSG_OVERHEAD)

/* One for each class, the first is of KMSG_SMALL. */
extern struct zone kmsg_zones[];

/* Its fields as those of a new message are: kmsg_reuse(). */
static inline void
kmsg_fresh(struct kmsg *kmsg, uint32_t body_size)
{
	KASSERT(body_size <= kmsg->capacity);
	kmsg->fresh = (struct kmsg_words){0};
	static_assert(PRIORITY_IDLE == 0, "nothing is lent");
	static_assert(MACH_MSG_SUCCESS == 0, "nothing went wrong");
	kmsg->order = KMSG_ORDER_DEFAULT;
	kmsg->size = HEADER_SIZE + body_size;
	list_init(&kmsg->link);
}

/* kmsg_alloc() of at most KMSG_SMALL_CAPACITY bytes, and no descriptors. */
static inline struct kmsg *must_check
kmsg_alloc_small(struct ledger *ledger, uint32_t body_size)
{
	struct kmsg *kmsg;

	if (unlikely(
		!ledger_hold_bytes(ledger, BATON_LEDGER_MESSAGES, KMSG_SMALL)))
		return NULL;
	kmsg = zone_alloc_here(&kmsg_zones[0]);
	if (unlikely(kmsg == NULL)) {
		ledger_release_bytes(ledger, BATON_LEDGER_MESSAGES, KMSG_SMALL);
		return NULL;
	}
	kmsg->class = 0;
	kmsg->capacity = KMSG_SMALL_CAPACITY;
	kmsg->ledger = ledger;
	kmsg->charged = KMSG_SMALL;
	kmsg_fresh(kmsg, body_size);
	return kmsg;
}

/* kmsg_free() of one that has still no descriptors. */
static inline void
kmsg_free_small(struct kmsg *kmsg)
{
	KASSERT(kmsg->class == 0);
	ledger_release_bytes(
	    kmsg->ledger, BATON_LEDGER_MESSAGES, kmsg->charged);
	zone_free_here(&kmsg_zones[0], kmsg);
}
