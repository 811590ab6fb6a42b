/*
 * ipc/port.h: ports, their states, references and counts.  Read right.h next.
 *
 *	 port_create()                        port_create_kernel()
 *	      |                                       |
 *	      v         copied in                     v
 *	   SPACE  ----------------------> TRANSIT   KERNEL
 *	      ^   <----------------------     |       |
 *	      |         copied out            |       |  port_destroy_kernel()
 *	      |                               |       |
 *	      +---- receive right destroyed --+-------+
 *				   |
 *				   v
 *				 DEAD
 *
 * SPACE    a name space holds the receive right: @receiver, @name
 * TRANSIT  a message (or the kernel, for a moment) holds it
 * KERNEL   the kernel serves it: @kind, @object
 * DEAD     no more messages; names of it turn into dead names when looked at
 *
 * Who refers to a port.  Each name table entry that names it holds one
 * reference, and so does each right on its way in a message, each receive
 * right, each thread that waits on it.  The counts of send and send-once
 * rights are another matter: they count rights, not references, and are what
 * the no-senders notification goes by.  A space counts as one send right,
 * whatever its user references are.
 */
#pragma once
#include <mach/message.h>
#include <mach/port.h>

#include "ipc/mqueue.h"
#include "kernel/kassert.h"
#include "kernel/list.h"
#include "kernel/lock.h"
#include "kernel/reaper.h"
#include "kernel/types.h"

struct kmsg;
struct ledger;
struct space;
struct task;
struct thread;

enum port_state {
	PORT_IN_SPACE,
	PORT_IN_TRANSIT,
	PORT_IN_KERNEL,
	PORT_IS_DEAD,
};

/* What a port of the kernel's stands for. */
enum kobject_kind {
	KOBJECT_NONE,
	KOBJECT_TASK,	       /* struct task: a reference per call */
	KOBJECT_THREAD,	       /* struct thread: a reference per call */
	KOBJECT_HOST,	       /* NULL */
	KOBJECT_HOST_PRIV,     /* NULL */
	KOBJECT_DEVICE_MASTER, /* NULL */
	KOBJECT_DEVICE,	       /* struct device, never freed */
	KOBJECT_SEMAPHORE,     /* struct semaphore: a reference per call */
	KOBJECT_EXCEPTION,     /* struct thread: see exception.h */
	KOBJECT_EVENTLINK,     /* struct eventlink_side: the same */
	KOBJECT_CLOCK,	       /* struct clock, never freed */
	KOBJECT_TIMER,	       /* struct mk_timer, of a port of a user's */
	KOBJECT_MEMORY_ENTRY,  /* struct memory_entry: a reference per call */
	KOBJECT_PAGER,	       /* struct pager: a reference per call */
	KOBJECT_MEMORY_NAME,   /* NULL */
	KOBJECT_MEMORY_OBJECT, /* struct pager, of a port of a user's */
	KOBJECT_DEFAULT_PAGER, /* vm/pageout.c's state, never freed */
	KOBJECT_KIND_COUNT
};

/* Why nobody receives from a port any more who waits on it; what port.c tells
 * him. */
enum eviction {
	EVICT_DIED,
	EVICT_CHANGED, /* it is another's, or in a set that he does not know */
	EVICT_LOOK_AGAIN,
};

/* p: this port's lock   a: atomic   I: immutable   R: transit_lock */
struct port {
	atomic_ulong word; /* [a] see fast_word.h; most of all PORT_GENERAL */
	struct spinlock lock;	  /* rank LOCK_PORT */
	atomic_uint sequence;	  /* [a] of the next message received */
	atomic_uint refs;	  /* [a] */
	mach_port_name_t name;	  /* [p] SPACE: the receiver's name for it */
	uint32_t no_senders_sync; /* [p] make-send count of @no_senders */
	struct space *receiver;	  /* [p] SPACE: who holds the receive right */
	struct mqueue queue;	  /* [p] messages, waiting receivers, senders */

	uint8_t state; /* [p] enum port_state */
	uint8_t kind;  /* [p] enum kobject_kind; of a user's: TIMER and such */
	bool reaping;  /* [p] the reaper holds @reap */
	uint8_t flags; /* [p] MACH_PORT_STATUS_FLAG_*, kept */
	bool orphaned; /* [p] KERNEL: its object is to hear of no senders */
	bool timer_posted;	   /* [p] its timer's message is in the queue */
	uint8_t set_count;	   /* [p] length of @sets */
	uint8_t eviction;	   /* [p] enum eviction: why the @evicted go */
	uint32_t send_rights;	   /* [p] in spaces, messages and the kernel */
	uint32_t send_once_rights; /* [p] the same */
	uint32_t make_send_count;  /* [p] since it was moved or reset */
	uint32_t notices_owed;	 /* [p] send-once notices that lacked memory */
	void *object;		 /* [p] KERNEL, or a timer */
	uint64_t context;	 /* [p] the receiver's own word, or guard */
	struct kmsg *carrier;	 /* [R] TRANSIT: the message that holds it */
	struct list sets;	 /* [p] struct pset_link by port_link */
	struct list evicted;	 /* [p] receivers that the reaper will wake */
	struct list requests;	 /* [p] struct name_request by port_link */
	struct kmsg *no_senders; /* [p] notice set aside, or NULL */
	struct kmsg *destroyed;	 /* [p] port-destroyed notice, or NULL */
	struct reap_item reap;	 /* for the long part of dying */
	struct ledger *ledger;	 /* [p] who pays for it; NULL: the kernel */
};
/* Every port of a task is paid for by the byte. */
static_assert(sizeof(struct port) <= 240, "seventeen to a page");

/* The flags that say what the holder of the receive right may do with it. */
#define PORT_GUARDED	MACH_PORT_STATUS_FLAG_GUARDED
#define PORT_STRICT	MACH_PORT_STATUS_FLAG_STRICT_GUARD
#define PORT_IMMOVABLE	MACH_PORT_STATUS_FLAG_GUARD_IMMOVABLE_RECEIVE
#define PORT_GUARD_MASK (PORT_GUARDED | PORT_STRICT | PORT_IMMOVABLE)

/* The same of a guard that is asked for with MPG_*. */
static inline uint8_t
port_guard_flags(uint64_t flags)
{
	uint8_t result = PORT_GUARDED;

	if (flags & MPG_STRICT)
		result |= PORT_STRICT;
	if (flags & MPG_IMMOVABLE_RECEIVE)
		result |= PORT_IMMOVABLE;
	return result;
}

/* Any live or dead port, or none, as a right in a message may be. */
#define PORT_NONE ((struct port *)NULL)

extern struct spinlock transit_lock; /* rank LOCK_MQUEUE: @carrier of all */

void port_init(void);

static inline struct port *
port_get(struct port *port)
{
	atomic_fetch_add_explicit(&port->refs, 1, memory_order_relaxed);
	return port;
}

/* Frees with the last reference. */
void port_put(struct port *port);

/* The word of a port that is nobody's but the lock holder's: fast_word.h. */
#define PORT_GENERAL 0UL

/* @port, whose lock is held and whose word was @word, is everybody's. */
void port_absorb(struct port *port, uint64_t word);

/* Shut out who works on the port without its lock.  Locks: the port's. */
static inline void
port_close(struct port *port)
{
	uint64_t word;

	if (likely(atomic_load_explicit(&port->word, memory_order_relaxed) ==
		   PORT_GENERAL))
		return;
	/* acquire: pairs with the release of who waits there */
	word = atomic_exchange_explicit(
	    &port->word, PORT_GENERAL, memory_order_acq_rel);
	if (word != PORT_GENERAL)
		port_absorb(port, word);
}

/* A port's lock, or the second of two; the way to let go is spin_unlock(). */
static inline void
port_lock(struct port *port)
{
	spin_lock(&port->lock);
	port_close(port);
}

static inline void
port_lock_second(struct port *port)
{
	spin_lock_second(&port->lock);
	port_close(port);
}

/* Lock two ports, which may be one and the same, in the order of addresses. */
void port_lock_pair(struct port *a, struct port *b);
void port_unlock_pair(struct port *a, struct port *b);

static inline bool
port_is_dead(const struct port *port)
{
	return port->state == PORT_IS_DEAD;
}

/*
 * A new port in state TRANSIT without rights: the caller holds its receive
 * right, and its only reference with it.  @ledger pays for it, wherever that
 * right goes, until it dies.  NULL: no memory, or more than @ledger may have.
 */
struct port *port_create(struct ledger *ledger) must_check;

/*
 * The receive right that the caller holds ends: rights to the port turn into
 * dead names, what waits is woken, what is queued is destroyed.  A pending
 * port-destroyed request gets the right instead.  Long work is left to the
 * reaper; the _later form leaves all of it, for callers that are themselves
 * part of a destruction.
 * Refs: consumes the receive right's.  Locks: none held.
 */
void port_destroy(struct port *port);
void port_destroy_later(struct port *port);

/*
 * The same at once for a port that nobody but its receive right knows of, with
 * nothing in it: true, and it is dead, its reference still the caller's, for
 * port_free_alone().  False: there is more to it, and nothing has changed.
 * Locks: the space's that holds the right, so that nobody comes to know it.
 */
bool must_check port_end_alone(struct port *port);
void port_free_alone(struct port *port);
/* The same of one that port_renew() was called for, and nobody pays for. */
void port_free_unpaid(struct port *port);

/* Does nobody know @port but who asks?  Who waits on it, is a set of it, has a
 * right or a request, or remembers it has a reference; messages and notices
 * have none. */
static inline bool
port_is_sole(const struct port *port)
{
	/* acquire: what others did before they gave up theirs comes before */
	return likely(
	    atomic_load_explicit(&port->refs, memory_order_acquire) == 1);
}

/* Is nothing in such a port, nor to be told of its end?  Locks: the port's, or
 * nobody has it and it is the caller's alone. */
static inline bool
port_is_bare(const struct port *port)
{
	return port->state == PORT_IN_SPACE && port->kind == KOBJECT_NONE &&
	       (port->flags & PORT_GUARDED) == 0 && port->queue.count == 0 &&
	       port->no_senders == NULL && port->destroyed == NULL;
}

/* Make one that is so what a new one is, but for its receiver: the lists are
 * empty, the counts of rights and what stands for a kernel's object are 0. */
static inline void
port_renew(struct port *port)
{
	port->flags = 0;
	port->context = 0;
	port->carrier = NULL;
	port->make_send_count = 0;
	port->no_senders_sync = 0;
	port->queue.limit = MACH_PORT_QLIMIT_DEFAULT;
	atomic_store_explicit(&port->sequence, 0, memory_order_relaxed);
}

/* ---- the kernel's own ports ---- */

/*
 * A port that stands for @object, whose charge includes it.  The kernel holds
 * its receive right.
 * Refs: the caller's one is that receive right's; NULL: no memory.
 */
struct port *port_create_kernel(
    enum kobject_kind kind, void *object) must_check;

/*
 * The object is going: no message reaches it any more once this returns
 * (those being served hold references of their own to it).
 * Refs: consumes the receive right's.
 */
void port_destroy_kernel(struct port *port);

/*
 * The kernel serves @port, its own, no more, but does not end it: it holds the
 * receive right, and can send it on.
 */
void port_release_kernel(struct port *port);

/*
 * What @port stands for if it is of @kind, else NULL.  Tasks and threads come
 * with a reference of their own.  @port may be NULL.
 */
void *port_object_get(struct port *port, enum kobject_kind kind) must_check;
void kobject_put(enum kobject_kind kind, void *object);
/* The same for kinds whose object may be NULL: is @port of @kind? */
bool port_kobject_get(
    struct port *port, enum kobject_kind kind, void **objectp) must_check;

/*
 * What ipc/ has to do for objects of a kind that it knows nothing about; each
 * may be NULL.  Registered at boot.
 */
struct kobject_class {
	/* One reference more, under the port's lock; one less. */
	void (*get)(void *object);
	void (*put)(void *object);
	/* The last send right to its kernel port has gone; no lock held. */
	void (*no_senders)(void *object);
	/* A user's port that it belonged to has died; no lock held. */
	void (*ended)(void *object);
	/* The port's receiver has ended, but not the port: it is on its way to
	 * who asked for it.  With @get and @put; no lock held. */
	void (*returned)(void *object);
};

void kobject_register(
    enum kobject_kind kind, const struct kobject_class *class);

/* What @port, locked and the kernel's, stands for, with a reference. */
void *port_object_keep(struct port *port);

static inline struct task *
port_task_get(struct port *port)
{
	return port_object_get(port, KOBJECT_TASK);
}

static inline struct thread *
port_thread_get(struct port *port)
{
	return port_object_get(port, KOBJECT_THREAD);
}

/* ---- rights that the kernel itself holds ---- */

/*
 * A new send right to @port, with a reference: for task special ports,
 * replies, boot.  MAKE_SEND: counts as one.  NULL or dead gives it back as it
 * is (a right to a dead port is carried like any other).
 */
struct port *right_make_send(struct port *port);
/* Another send right of one that the caller holds. */
struct port *right_copy_send(struct port *port);
/* A send-once right. */
struct port *right_make_send_once(struct port *port);
/* Give one up; NULL is nothing.  May send a no-senders notification. */
void right_release_send(struct port *port);
/* Give one up unused: its port gets a send-once notification. */
void right_release_send_once(struct port *port);
/* @type: MACH_MSG_TYPE_PORT_SEND, _SEND_ONCE or _RECEIVE. */
void right_release(struct port *port, mach_msg_type_name_t type);
/* The same for callers that are themselves part of a destruction. */
void right_release_later(struct port *port, mach_msg_type_name_t type);

/* ---- for ipc/ alone ---- */

/* One send right less; the no-senders notice that is now due, or NULL.
 * Locks: the port's. */
struct kmsg *port_drop_send(
    struct port *port, uint32_t *make_send_countp) must_check;
/* A header's destination right did its work: unlike one given up, a send-once
 * right that was used tells nobody. */
void right_used(struct port *port, mach_msg_type_name_t type);

/* The port changes hands: nobody who waits on it gets its messages any more.
 * A few are woken at once, the rest by the reaper.  Locks: the port's. */
void port_evict_receivers(struct port *port, enum eviction why);
/* A send-once notice could not be made for want of memory: try again later.
 * The right that it would have used up stays counted until then. */
void port_owe_notice(struct port *port);
/*
 * Is there room for messages, and somebody who waits for it or asked to be
 * told?  True: the caller must pass @port->reap to reap_now(), when it has
 * unlocked the port, or to reap_later().  Locks: the port's.
 */
bool port_room_due(struct port *port) must_check;
/* The message that holds the receive right; NULL: none does any more. */
void port_set_carrier(struct port *port, struct kmsg *carrier);

/* The last send right to a kernel port has gone.  Locks: the port's. */
void port_orphaned(struct port *port);

/* Debug and tests: the fields agree with each other. */
void port_check(struct port *port);
