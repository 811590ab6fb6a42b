/*
 * ipc/kmsg_small.h: short messages, in place; for kmsg.c and the fast paths.
 */
#pragma once
#include "ipc/kmsg.h"
#include "kernel/ledger.h"
#include "kernel/thread.h"
#include "kernel/zone.h"

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
	kmsg->size = HEADER_SIZE + body_size;
	kmsg->waiter = NULL;
	kmsg->remote = NULL;
	kmsg->local = NULL;
	kmsg->order = KMSG_ORDER_DEFAULT;
	kmsg->lend = PRIORITY_IDLE;
	kmsg->id = 0;
	kmsg->remote_type = 0;
	kmsg->local_type = 0;
	kmsg->complex = false;
	kmsg->has_receive = false;
	kmsg->ending = false;
	kmsg->local_dead = false;
	kmsg->phase = 0;
	kmsg->pseudo = false;
	kmsg->timer = false;
	kmsg->result = MACH_MSG_SUCCESS;
	kmsg->descriptor_count = 0;
	kmsg->descriptor = NULL;
	kmsg->done = 0;
	kmsg->index = 0;
	kmsg->cursor = 0;
	kmsg->progress = 0;
	kmsg->errors = 0;
	kmsg->gap = 0;
	kmsg->sender = 0;
	list_init(&kmsg->link);
}

/* kmsg_alloc() of at most KMSG_SMALL_CAPACITY bytes, and no descriptors. */
static inline struct kmsg *must_check
kmsg_alloc_small(struct ledger *ledger, uint32_t body_size)
{
	struct kmsg *kmsg;

	if (unlikely(!ledger_hold(ledger, BATON_LEDGER_MESSAGES, KMSG_SMALL)))
		return NULL;
	kmsg = zone_alloc(&kmsg_zones[0]);
	if (unlikely(kmsg == NULL)) {
		ledger_release(ledger, BATON_LEDGER_MESSAGES, KMSG_SMALL);
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
	ledger_release(kmsg->ledger, BATON_LEDGER_MESSAGES, kmsg->charged);
	zone_free(&kmsg_zones[0], kmsg);
}
