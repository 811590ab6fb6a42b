/*
 * mqueue.c: messages meet receivers.
 */
#include "ipc/mqueue.h"

#include "ipc/kmsg.h"
#include "ipc/message.h"
#include "ipc/port.h"
#include "ipc/pset.h"
#include "kernel/cpu.h"
#include "kernel/sched.h"
#include "kernel/thread.h"

/* Senders that are let in at once: each message may be told to many sets. */
#define ADMIT_AT_ONCE 4
/* Receivers that a message is offered to at once. */
#define OFFER_AT_ONCE 32

void
mqueue_init(struct mqueue *queue)
{
	list_init(&queue->receivers);
	list_init(&queue->messages);
	list_init(&queue->senders);
	queue->count = 0;
	queue->limit = MACH_PORT_QLIMIT_DEFAULT;
}

static inline void
stamp(struct port *port, struct kmsg *kmsg)
{
	/* Atomic, for a leg of the fast path counts without the lock. */
	kmsg->sequence =
	    atomic_fetch_add_explicit(&port->sequence, 1, memory_order_relaxed);
	kmsg->context = port->context;
	if (unlikely(kmsg->timer))
		port->timer_posted = false;
}

void
mqueue_stamp(struct port *port, struct kmsg *kmsg)
{
	stamp(port, kmsg);
}

/* ---- messages in order ---- */

/* The first message of @messages; NULL: there is none. */
static inline struct kmsg *
first_of(const struct list *messages)
{
	if (list_empty(messages))
		return NULL;
	return list_first(messages, struct kmsg, link);
}

static inline struct kmsg *
at_link(struct list *link)
{
	return container_of(link, struct kmsg, link);
}

/* Does @kmsg open its order, at its place in @messages? */
static bool
opens_order(const struct list *messages, const struct kmsg *kmsg)
{
	return kmsg->link.prev == messages ||
	       at_link(kmsg->link.prev)->order != kmsg->order;
}

/* The first message of a lower order than @order; the last one has it. */
static struct kmsg *
first_below(struct list *messages, uint32_t order)
{
	struct kmsg *at = first_of(messages);

	while (at->order >= order)
		at = container_of(at->level.next, struct kmsg, level);
	return at;
}

static inline void
insert(struct list *messages, struct kmsg *kmsg)
{
	struct kmsg *behind = first_of(messages);

	list_init(&kmsg->level);
	if (likely(behind == NULL ||
		   at_link(messages->prev)->order >= kmsg->order)) {
		list_add_tail(messages, &kmsg->link);
	} else {
		behind = first_below(messages, kmsg->order);
		list_add_tail(&behind->link, &kmsg->link);
	}
	/* Before the first of the ring is also behind its last. */
	if (behind != NULL && opens_order(messages, kmsg))
		list_add_tail(&behind->level, &kmsg->level);
}

/* Take @kmsg out of @messages, if it is in it still. */
static inline void
take_out(struct list *messages, struct kmsg *kmsg)
{
	struct list *next = kmsg->link.next;

	if (next != messages && next != &kmsg->link &&
	    at_link(next)->order == kmsg->order && opens_order(messages, kmsg))
		list_add_tail(&kmsg->level, &at_link(next)->level);
	list_remove(&kmsg->level);
	list_remove(&kmsg->link);
}

struct kmsg *
mqueue_peek(struct port *port)
{
	struct mqueue *queue = &port->queue;
	struct kmsg *kmsg = first_of(&queue->messages);

	KASSERT(spin_held(&port->lock));
	return kmsg != NULL ? kmsg : first_of(&queue->senders);
}

struct kmsg *
mqueue_at(struct port *port, uint32_t position)
{
	struct list *at;

	if (position == 0)
		return mqueue_peek(port);
	if (position >= port->queue.count || position >= MQUEUE_LOOK_MAX)
		return NULL;
	at = port->queue.messages.next;
	while (position-- > 0)
		at = at->next;
	return at_link(at);
}

static struct thread *
first_waiter(struct list *waiters)
{
	struct thread *thread;

	if (list_empty(waiters))
		return NULL;
	thread = list_first(waiters, struct thread, wait_link);
	list_remove(&thread->wait_link);
	return thread;
}

/*
 * Find the first of @waiters who takes @kmsg, and claim him.  Those whose
 * buffer is too small and who asked to be told so are told, and woken.  After
 * *@offersp of them the search ends: there may be more.
 */
static struct thread *
claim_receiver(struct list *waiters, struct port *port, struct kmsg *kmsg,
    unsigned *offersp)
{
	struct thread *thread;

	while (*offersp > 0 && (thread = first_waiter(waiters)) != NULL) {
		struct receive_state *receive = &thread->receive;

		--*offersp;
		if (likely(message_fits(receive, kmsg) ||
			   !(receive->option & MACH_RCV_LARGE))) {
			if (thread_claim(thread, KERN_SUCCESS))
				return thread;
			continue;
		}
		if (thread_claim(thread, MACH_RCV_TOO_LARGE)) {
			receive->actual = kmsg->size;
			receive->name = port->name;
			sched_wake(thread);
		}
	}
	return NULL;
}

/* The same among the threads that wait on a set that @port is in. */
static struct thread *
claim_set_receiver(struct port *port, struct kmsg *kmsg, unsigned *offersp)
{
	struct thread *thread = NULL;
	struct list *at;

	list_for_each (at, &port->sets) {
		struct pset *pset =
		    container_of(at, struct pset_link, port_link)->pset;

		pset_lock(pset);
		thread = claim_receiver(&pset->receivers, port, kmsg, offersp);
		spin_unlock(&pset->lock);
		if (thread != NULL)
			break;
	}
	return thread;
}

/* Whoever takes @kmsg now, claimed; NULL: nobody. */
static struct thread *
find_receiver(struct port *port, struct kmsg *kmsg)
{
	struct mqueue *queue = &port->queue;
	unsigned offers = OFFER_AT_ONCE;
	struct thread *thread;

	thread = claim_receiver(&queue->receivers, port, kmsg, &offers);
	if (likely(thread != NULL))
		return thread;
	/* The rest find the message, or that it is too large, themselves. */
	if (unlikely(!list_empty(&queue->receivers)))
		port_evict_receivers(port, EVICT_LOOK_AGAIN);
	/* Who waits on a set while there are messages is about to look. */
	if (!list_empty(&port->sets) && !mqueue_waiting(queue))
		thread = claim_set_receiver(port, kmsg, &offers);
	return thread;
}

/* Into the queue, of which sets of the port have not heard. */
static inline void
append(struct port *port, struct kmsg *kmsg)
{
	struct mqueue *queue = &port->queue;

	insert(&queue->messages, kmsg);
	queue->count++;
	this_cpu()->counters.queued++;
	ktrace(KT_QUEUE, (uint64_t)port, queue->count);
}

void
mqueue_append(struct port *port, struct kmsg *kmsg)
{
	append(port, kmsg);
}

/* Nobody takes @kmsg now: into the queue, if there is room. */
static inline enum post_result
post_nobody(struct port *port, struct kmsg *kmsg, bool force)
{
	struct mqueue *queue = &port->queue;

	/* Nobody gets in before those who wait. */
	if (!force && (queue->count >= queue->limit ||
			  unlikely(!list_empty(&queue->senders))))
		return POST_FULL;
	append(port, kmsg);
	return POST_QUEUED;
}

static never_inline enum post_result
post_anybody(
    struct port *port, struct kmsg *kmsg, bool force, struct thread **receiverp)
{
	struct thread *receiver = find_receiver(port, kmsg);
	enum post_result result;

	if (receiver == NULL) {
		result = post_nobody(port, kmsg, force);
		if (result == POST_QUEUED && !list_empty(&port->sets))
			pset_port_ready(port);
		return result;
	}
	mqueue_stamp(port, kmsg);
	receiver->receive.kmsg = kmsg;
	if (receiver->priority < kmsg->lend)
		receiver->priority = kmsg->lend;
	*receiverp = receiver;
	return POST_DELIVERED;
}

enum post_result
mqueue_post(
    struct port *port, struct kmsg *kmsg, bool force, struct thread **receiverp)
{
	KASSERT(spin_held(&port->lock));
	return list_empty(&port->queue.receivers) && list_empty(&port->sets)
		   ? post_nobody(port, kmsg, force)
		   : post_anybody(port, kmsg, force, receiverp);
}

/*
 * The message of the first sender that waits for room, who is woken.  NULL: he
 * was leaving anyway, and keeps it; or there is none.
 */
static struct kmsg *
take_from_sender(struct mqueue *queue)
{
	struct kmsg *kmsg = first_of(&queue->senders);
	struct thread *sender;

	if (kmsg == NULL)
		return NULL;
	sender = kmsg->waiter;
	take_out(&queue->senders, kmsg);
	if (!thread_claim(sender, KERN_SUCCESS))
		return NULL;
	kmsg->waiter = NULL;
	sender->send.kmsg = NULL; /* sent: it is ours */
	sched_wake(sender);
	return kmsg;
}

void
mqueue_wait(struct port *port, struct kmsg *kmsg, struct thread *sender)
{
	KASSERT(spin_held(&port->lock));
	kmsg->waiter = sender;
	insert(&port->queue.senders, kmsg);
}

void
mqueue_leave(struct port *port, struct kmsg *kmsg)
{
	KASSERT(spin_held(&port->lock));
	take_out(&port->queue.senders, kmsg);
	kmsg->waiter = NULL;
}

void
mqueue_admit(struct port *port)
{
	struct mqueue *queue = &port->queue;
	struct thread *receiver;
	struct kmsg *kmsg;

	KASSERT(spin_held(&port->lock));
	for (int i = 0; i < ADMIT_AT_ONCE; i++) {
		if (queue->count >= queue->limit || list_empty(&queue->senders))
			return;
		kmsg = take_from_sender(queue);
		if (kmsg == NULL)
			continue;
		/* Senders wait only while nobody receives. */
		if (mqueue_post(port, kmsg, true, &receiver) == POST_DELIVERED)
			sched_wake(receiver);
	}
}

/* mqueue_take() where more has to be done than to take it out. */
static never_inline struct kmsg *
take_slowly(struct port *port)
{
	struct mqueue *queue = &port->queue;
	struct kmsg *kmsg = first_of(&queue->messages);

	if (kmsg != NULL) {
		take_out(&queue->messages, kmsg);
		queue->count--;
		/* Those for whom there is more room, the reaper lets in. */
		if (unlikely(!list_empty(&queue->senders)))
			mqueue_admit(port);
	} else {
		kmsg = take_from_sender(queue);
		if (kmsg == NULL)
			return NULL;
	}
	mqueue_stamp(port, kmsg);
	if (!list_empty(&port->sets) && !mqueue_waiting(queue))
		pset_port_empty(port);
	return kmsg;
}

struct kmsg *
mqueue_take(struct port *port)
{
	struct mqueue *queue = &port->queue;
	struct kmsg *kmsg = first_of(&queue->messages);

	KASSERT(spin_held(&port->lock));
	if (kmsg == NULL || !list_empty(&queue->senders) ||
	    !list_empty(&port->sets))
		return take_slowly(port);
	take_out(&queue->messages, kmsg);
	queue->count--;
	stamp(port, kmsg);
	return kmsg;
}

void
mqueue_drop_first(struct port *port)
{
	KASSERT(spin_held(&port->lock));
	take_out(&port->queue.messages, first_of(&port->queue.messages));
	port->queue.count--;
}

void
mqueue_wake_senders(struct mqueue *queue, kern_return_t result, uint32_t most)
{
	struct kmsg *kmsg;

	while (most-- > 0 && (kmsg = first_of(&queue->senders)) != NULL) {
		struct thread *sender = kmsg->waiter;

		take_out(&queue->senders, kmsg);
		if (thread_claim(sender, result))
			sched_wake(sender);
	}
}

void
mqueue_wake(struct list *waiters, kern_return_t result, uint32_t most)
{
	struct thread *thread;

	while (most-- > 0 && (thread = first_waiter(waiters)) != NULL) {
		if (thread_claim(thread, result))
			sched_wake(thread);
	}
}
