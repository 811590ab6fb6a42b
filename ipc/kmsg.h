/*
 * ipc/kmsg.h: a message while the kernel has it.
 *
 *	struct kmsg ... header | body | trailer | kdescriptors
 *
 * From @header on it looks as the user has it, so that it is copied in and out
 * in one piece.  But what the header says is in fields of the struct's own,
 * with names replaced by ports, and what a descriptor says is in the
 * kdescriptor; the user's forms are written anew for the receiver.  The
 * kdescriptors stand behind the trailer if the memory leaves room, else apart.
 *
 * A kmsg owns what it names: its two header rights, the first @done of its
 * descriptors.  kmsg_destroy() gives all of it up; kmsg_free() is for a message
 * that owns nothing (any more).
 */
#pragma once
#include <mach/message.h>

#include "kernel/reaper.h"
#include "kernel/kassert.h"
#include "kernel/list.h"
#include "kernel/types.h"

struct ledger;
struct port;
struct space;
struct task;
struct thread;
struct transfer;

#define HEADER_SIZE ((uint32_t)sizeof(mach_msg_header_t))
static_assert(HEADER_SIZE == 24, "the user's header");

/* Where in audit_token_t.val[] the sender's task id is. */
#define AUDIT_TASK_ID 5

/* Longest message, header included; more gives MACH_SEND_TOO_LARGE. */
#define MESSAGE_SIZE_MAX (256 * 1024 + 4096)
/* Most descriptors of one message; more gives MACH_SEND_TOO_LARGE. */
#define DESCRIPTORS_MAX 16383
/* Most rights of one out-of-line array; more gives MACH_SEND_TOO_LARGE. */
#define OOL_PORTS_MAX 16384

/* In an array of rights: what was MACH_PORT_DEAD when sent.  Messages to the
 * kernel's own ports have NULL there. */
#define RIGHT_DEAD ((struct port *)UINTPTR_MAX)

/* A descriptor: what it carries, instead of what the user wrote. */
struct kdescriptor {
	union {
		struct port *port;	   /* PORT, GUARDED_PORT; may be NULL */
		struct transfer *transfer; /* OOL; NULL: 0 bytes */
		struct port **ports;	   /* OOL_PORTS; NULL: none */
	};
	uint32_t size;	     /* bytes of OOL, rights of OOL_PORTS */
	uint8_t type;	     /* MACH_MSG_*_DESCRIPTOR */
	uint8_t disposition; /* MACH_MSG_TYPE_PORT_*: as received */
	union {
		uint8_t copy;	     /* OOL, OOL_PORTS: MACH_MSG_*_COPY */
		uint8_t guard_flags; /* GUARDED_PORT: MACH_MSG_GUARD_FLAGS_* */
	};
	bool dead; /* the right was MACH_PORT_DEAD when sent */
};
static_assert(sizeof(struct kdescriptor) == 16, "two words");

/* So many are set at once. */
struct kmsg_words {
	uint64_t word[11];
};

/* Belongs to one thread at a time, or to the queue it is in. */
struct kmsg {
	union {
		struct {
			struct list link;  /* in a port's queue */
			struct list level; /* mqueue.c */
		};
		struct reap_item reap; /* while being destroyed */
	};
	union {
		struct kmsg_words fresh; /* all 0, but for @order */
		struct {
			struct thread *waiter; /* for room: its sender */
			struct port *remote; /* to it: a right of remote_type */
			struct port *local;  /* to answer: of local_type */
			struct kdescriptor *descriptor;
			uint64_t sender; /* task id; 0: the kernel */
			uint32_t descriptor_count;
			uint32_t done;	   /* descriptors that own something */
			uint32_t index;	   /* the one that is worked on */
			uint32_t cursor;   /* where its user form is */
			uint32_t progress; /* bytes, or rights, of it done */
			uint32_t errors;   /* MACH_MSG_*_SPACE, *_KERNEL met */
			uint32_t gap;	   /* bytes that there are fewer */
			kern_return_t result; /* of copying out, if bad */
			int32_t id;
			/* MACH_MSG_TYPE_PORT_SEND, _SEND_ONCE or 0 */
			uint8_t remote_type;
			uint8_t local_type;
			bool local_dead; /* it was MACH_PORT_DEAD */
			bool complex;
			bool has_receive; /* some descriptor has such a right */
			uint8_t phase;	  /* of copying in or out */
			bool pseudo;	  /* it goes back to its sender */
			/* [transit_lock] what it carries is given up */
			bool ending;
			bool timer; /* says that the port's timer expired */
			/* Who serves it runs at this priority or more. */
			uint8_t lend;
			/* Queues stand in this order, highest first. */
			uint8_t order;
			uint8_t unused;
		};
	};
	uint32_t size;	       /* header and body, as the user counts */
	uint32_t capacity;     /* bytes that fit behind this struct */
	uint32_t sequence;     /* set when it leaves the queue */
	uint8_t class;	       /* where its memory came from */
	uint64_t context;      /* the port's, set at the same time */
	struct ledger *ledger; /* who pays for it; NULL: the kernel */
	uint64_t charged;      /* so many bytes */
	/* As the user sees it: filled in before it is copied out. */
	mach_msg_header_t header;
	uint8_t body[];
};
static_assert(offsetof(struct kmsg, header) % 8 == 0, "copied in words");
static_assert(offsetof(struct kmsg, body) ==
		  offsetof(struct kmsg, header) + sizeof(mach_msg_header_t),
    "one piece");

static_assert(offsetof(struct kmsg, size) ==
		  offsetof(struct kmsg, fresh) + sizeof(struct kmsg_words),
    "whole words");

/* The place of a message whose sender asked for none: in the middle. */
#define KMSG_ORDER_DEFAULT 31

void kmsg_init(void);

/*
 * A message with room for @body_size bytes behind the header and for
 * @descriptors.  Fields are zero, @size is 24 + @body_size, the body is not
 * cleared.  @ledger pays for it until it is freed: received, or destroyed.
 * NULL: no memory, or more than @ledger may have.
 */
struct kmsg *kmsg_alloc(
    struct ledger *ledger, uint32_t body_size, uint32_t descriptors) must_check;
/* What it carries takes @size more, of kmem_alloc(), until it is freed. */
bool kmsg_charge(struct kmsg *kmsg, size_t size) must_check;
/* Make a message that owns nothing any more a new one of @body_size bytes,
 * which its @capacity has room for. */
void kmsg_reuse(struct kmsg *kmsg, uint32_t body_size);
void kmsg_free(struct kmsg *kmsg);
/* The same descriptors later on; false: no memory. */
bool kmsg_add_descriptors(struct kmsg *kmsg, uint32_t count) must_check;
/* It has none after all; they carry nothing. */
void kmsg_drop_descriptors(struct kmsg *kmsg);

/* Give up everything it carries, in bounded steps, then free it.  From the
 * start a receive right in it is as good as out of it: kmsg_is_circular(). */
void kmsg_destroy(struct kmsg *kmsg);
void kmsg_destroy_later(struct kmsg *kmsg);
/* One of these steps; false: it carries nothing any more. */
bool kmsg_release_step(struct kmsg *kmsg) must_check;
/* The destination's right is no longer the message's. */
void kmsg_clear_remote(struct kmsg *kmsg);

/*
 * Would queueing @kmsg put a receive right into its own port's queue, directly
 * or through other messages that carry receive rights?  Such a message could
 * never be received, so it is destroyed.  Chains of more than
 * CARRIER_DEPTH_MAX messages count as circular.
 *
 * Every receive right in transit names its message (port->carrier) before this
 * is asked; of two messages that close a ring between them, the one that asks
 * last sees the other.
 */
#define CARRIER_DEPTH_MAX 1000
bool kmsg_is_circular(struct kmsg *kmsg) must_check;

/* Fields behind the header of a message that the kernel makes. */
static inline void *
kmsg_at(struct kmsg *kmsg, uint32_t user_offset, uint32_t size)
{
	KASSERT(user_offset >= HEADER_SIZE);
	KASSERT(user_offset + size <= kmsg->size);
	return kmsg->body + (user_offset - HEADER_SIZE);
}

/*
 * The kernel sends: a notification, an interrupt, a reply.  Never blocks,
 * ignores the queue limit, cannot fail; to a dead port, or where it could never
 * be received, the message is destroyed.  Consumes the message and one right to
 * @port of @type (MACH_MSG_TYPE_PORT_SEND or _SEND_ONCE).  No lock of rank
 * LOCK_PORT or above held; may be called from an interrupt.
 */
void port_send_kernel(
    struct port *port, mach_msg_type_name_t type, struct kmsg *kmsg);
