/*
 * vm/pager.h: objects whose contents a user task has.
 *
 *	memory object port		control port, name port
 *	(the pager's)			(the kernel's)
 *	     |   ^				|
 *	     |   +-- port ---- struct pager <---+
 *	     +------------------> |   ^
 *			   object v   | pager
 *				struct object --- slots, mappings
 *
 * There is one object for each memory object port that is mapped; who maps the
 * port finds it by that.  The protocol is what <mach/memory_object.h> and
 * <mach/memory_object_control.h> say; here is what the kernel keeps to:
 *
 *  - A page is asked for when a thread is about to wait for it, once, and no
 *    more than CONFIG_PAGER_REQUESTS at a time of one pager; who comes beyond
 *    waits until some have been answered.  No wait is longer than
 *    CONFIG_PAGER_MS: then it fails, and the next access asks again.
 *  - Who receives the requests may end with some in hand while the port goes on
 *    elsewhere, by a port-destroyed notification.  Then a new turn begins, in
 *    which everything that is still waited for is asked for again.  So it is
 *    when the last right to answer by has gone, once: if those that are sent
 *    then go unused too, who waits fails.
 *  - A page can be written only after its slot has become SLOT_DIRTY, for which
 *    each leaf that may write has been given that right by a fault.
 *  - What is taken away from those who map it is first marked SLOT_LEAVING,
 *    then unmapped (vm/object_unmap.h), then returned or forgotten: some pages
 *    at a time, each a struct pager_clean's chunk.
 *  - When nobody refers to the object any more, dirty pages are returned and
 *    memory_object_terminate() ends it.  Until then the port cannot be mapped
 *    anew: who tries waits.
 *  - A pager that gives up, or whose port dies, loses the object at once
 *    (@gone): every access fails, the pages go.
 */
#pragma once
#include <mach/memory_object_types.h>

#include "kernel/list.h"
#include "kernel/lock.h"
#include "kernel/reaper.h"
#include "kernel/types.h"

struct kmsg;
struct ledger;
struct object;
struct port;
struct thread;
struct transfer;
struct view;

/* A range to be cleaned, flushed or locked, and how far that is. */
struct pager_clean {
	/* The caller's: */
	uint64_t at, end; /* whole pages; @at moves */
	memory_object_return_t should_return;
	bool flush;
	bool protect; /* the right to write goes, and nothing else */
	bool spare;   /* pages that are not SLOT_CLOSED stay, and become it */
	bool set_locks;
	unsigned locks;	    /* VM_PROT_*: accesses that are allowed no more */
	bool wait_for_room; /* in the pager's queue, for what is returned ... */
	bool may_lose; /* ... or, if it makes none, lose that; else it stays */
	bool wait_taken; /* pager_clean_call(): until the pager has it */
	/* Its own: */
	struct object *object; /* a routine's: with a reference */
	uint64_t chunk_end;    /* [@at, this) is marked; 0: no chunk */
	bool closed;	       /* ... and nobody may write it ... */
	bool unmapped;	       /* ... since all have been visited ... */
	bool pinned;	       /* ... but where it is wired: it stays */
	uint32_t freed;	       /* pages that went, in all */
	uint64_t deadline;     /* for the pager to make room; 0: none yet */
	bool kept_back;	 /* some of it was not returned, for want of room */
	bool returned;	 /* all else was, and is waited for: */
	uint32_t last;	 /* ... the number of the pager's last page */
	unsigned looked; /* ... and how often that was looked at */
};

/* I: immutable   p: its lock   o: the object's lock   a: atomic */
struct pager {
	atomic_uint refs;      /* [a] the object's, its ports', calls' */
	struct spinlock lock;  /* rank LOCK_SYNC */
	struct object *object; /* [p] NULL: it has ended */
	/* I rights, until terminate, and a reference each */
	struct port *port;    /* a send right to the pager's */
	struct port *control; /* receive rights */
	struct port *name;
	struct kmsg *terminate; /* I the message, made beforehand */

	bool ready;	/* [o] the pager has said so */
	bool gone;	/* [o] nothing is asked of it any more */
	bool may_cache; /* [o] */
	bool passing;	/* [o] some pager_clean has a chunk */
	memory_object_copy_strategy_t copy_strategy; /* [o] */
	uint32_t asked;	   /* [o] slots with an open question: SLOT_ASKED */
	uint32_t turn;	   /* [o] SLOT_ASKED of what is asked now */
	bool dropped;	   /* [o] nobody could answer, and nobody has since */
	uint32_t writable; /* [o] slots that are SLOT_WRITABLE */
	mach_port_name_t control_name; /* [o] the pager's for it: a guess */
	atomic_uint returns; /* [a] messages that returned pages; @passing's */

	uint32_t dirty; /* [o] slots that are SLOT_DIRTY */

	bool cached;		    /* [cache_lock] pager_cache.c */
	bool tidy_again;	    /* [cache_lock] */
	struct list cache_link;	    /* [cache_lock] */
	struct pager_clean tidying; /* [the reaper's] but object: cache_lock */
	struct reap_item tidy;

	struct list link;	 /* [pagers_lock] all: pager_pageout.c */
	uint64_t hand;		 /* [page replacement's] how far it came */
	struct pager_clean last; /* [the reaper's] the end's */
	struct reap_item work;	 /* of a pager that is gone */
};

void pager_init(void);

static inline struct pager *
pager_get(struct pager *pager)
{
	atomic_fetch_add_explicit(&pager->refs, 1, memory_order_relaxed);
	return pager;
}

void pager_put(struct pager *pager);

/*
 * A view of all that is behind the memory object @port, of which the caller has
 * a send right.
 *
 * Returns: KERN_SUCCESS
 *	    KERN_INVALID_OBJECT	    dead, or no port that a pager could have
 *	    KERN_MEMORY_WAIT	    it is about to be terminated
 *	    KERN_RESOURCE_SHORTAGE
 */
kern_return_t must_check pager_view(struct port *port, struct view **viewp);
/* Its object, with a reference; NULL: it has ended. */
struct object *must_check pager_object(struct pager *pager);
/* A send right to the port that @object, or what it is a snapshot of, is known
 * by to those who have it mapped; NULL: it has no pager any more.  Locks: at
 * most a map's. */
struct port *must_check pager_name(struct object *object);
/* It is not asked for anything any more. */
void pager_give_up(struct pager *pager);

/* ---- for object.c ---- */

/* A step of the end of an object that nobody refers to, with the results of
 * pager_clean_step(); after the last it has no pager. */
kern_return_t must_check pager_end_step(struct object *object);

/* ---- pager_ask.c ---- */

/*
 * May what is at @offset be accessed so, VM_PROT_*?  It has a page then.
 * KERN_MEMORY_WAIT, KERN_MEMORY_ERROR.  Locks: the object's.
 */
kern_return_t must_check pager_allow(
    struct object *object, uint64_t offset, unsigned access);
/* What the slot was asked for has been answered; that there is room to ask for
 * more is told to those who wait.  Locks: the object's. */
void pager_answered(struct pager *pager, uint64_t *slot);
/* The last right to the control port has gone.  Either he who had it has just
 * ended, and the next is asked, or that is the pager's way: who waits fails. */
void pager_unanswered(void *pager);
/* The port's receiver has ended, and somebody else gets the port. */
void pager_returned(void *pager);

/* ---- pager_clean.c ---- */

/*
 * A bounded step of @clean.
 *
 * Returns: KERN_SUCCESS	      all is done, and has been sent
 *	    KERN_OPERATION_TIMED_OUT  progress was made: call again
 *	    KERN_NOT_WAITING	      not now: call again in a while
 */
kern_return_t must_check pager_clean_step(
    struct object *object, struct pager_clean *clean);

/* KERN_NOT_WAITING came of a step: to come back in a while, KERN_MEMORY_WAIT,
 * or at once, KERN_OPERATION_TIMED_OUT. */
kern_return_t must_check pager_pause(struct object *object);
/* The pager has yet to say that it is ready: KERN_MEMORY_WAIT, or
 * KERN_MEMORY_ERROR.  Locks: the object's. */
kern_return_t must_check pager_wait_ready(struct object *object);

/* No more of it: what is left of the chunk at hand stays as it was. */
void pager_clean_stop(struct pager_clean *clean);

/*
 * All of @template, of @object, for a kernel routine, which has to call again
 * on KCALL_AGAIN or KERN_MEMORY_WAIT, then with these or without; *@progress is
 * its own, 0 at first and when it is done.  KERN_RESOURCE_SHORTAGE, or with
 * @wait_taken, KERN_MEMORY_ERROR: the pager has not taken what was written.
 */
kern_return_t must_check pager_clean_call(struct object *object,
    const struct pager_clean *template, uint64_t *progress);

/* ---- pager_cache.c ---- */

/* May @object, whose last reference is the caller's, be kept?  The reference is
 * the cache's then.  Locks: at most a map's. */
bool must_check pager_cache_keep(struct object *object);
/* It is not to be kept, or somebody has mapped it: the cache's reference, if it
 * has one, goes.  The caller has another. */
void pager_cache_drop(struct object *object);
/* Memory is short: what has been kept longest goes; false: nothing is. */
bool must_check pager_cache_drop_oldest(void);

/* ---- pager_pageout.c ---- */

/* @pager has an object; or will have none. */
void pager_list_add(struct pager *pager);
void pager_list_remove(struct pager *pager);
/*
 * Memory is short: a bounded step of taking pages back, from all objects in
 * turn, first come first.  False: there are none just now.  The thread of page
 * replacement alone calls it.
 */
bool must_check pager_pageout_step(void);
/* There is memory enough: a step of leaving things in order, true: call again.
 */
bool must_check pager_pageout_rest_step(void);

/* ---- pager_message.c: what the pager is told ---- */

/* Messages to the pager: made (NULL: no memory), addressed while it is not
 * gone, and sent. */
struct kmsg *must_check pager_message_init(struct pager *pager);
struct kmsg *must_check pager_message_request(struct pager *pager);
struct kmsg *must_check pager_message_return(struct ledger *ledger,
    struct pager *pager, uint64_t offset, uint64_t size, bool dirty,
    bool kernel_copy, struct transfer *data);
/* What a request is for: @offset, or to unlock it. */
void pager_message_ask(struct kmsg *kmsg, bool unlock, uint64_t offset,
    uint64_t size, unsigned access);
/* A send right to the pager's port goes with it. */
void pager_message_address(struct pager *pager, struct kmsg *kmsg);
/* *@nextp: see struct memory_source. */
void pager_message_send(struct kmsg *kmsg, struct thread **nextp);

/* The last one: the two ports' receive rights, and the right to the pager's
 * own, go with it. */
struct kmsg *must_check pager_message_terminate(void);
void pager_message_end(struct pager *pager);

/* Answers to @to, a send-once right that is consumed; NULL: to nobody. */
void pager_answer_lock(
    struct pager *pager, struct port *to, uint64_t offset, uint64_t size);
void pager_answer_supply(struct pager *pager, struct port *to, uint64_t offset,
    uint64_t size, kern_return_t result, uint64_t error_offset);
void pager_answer_change(struct port *to, bool may_cache, int copy_strategy);
