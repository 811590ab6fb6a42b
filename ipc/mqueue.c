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

void
mqueue_init(struct mqueue *queue)
{
	list_init(&queue->receivers);
	list_init(&queue->messages);
	list_init(&queue->senders);
	queue->count = 0;
	queue->limit = MACH_PORT_QLIMIT_DEFAULT;
}

static struct kmsg *
first_message(const struct mqueue *queue)
{
	if (list_empty(&queue->messages))
		return NULL;
	return list_first(&queue->messages, struct kmsg, link);
}

struct kmsg *
mqueue_peek(struct port *port)
{
	struct mqueue *queue = &port->queue;
	struct kmsg *kmsg = first_message(queue);

	KASSERT(spin_held(&port->lock));
	if (kmsg != NULL || list_empty(&queue->senders))
		return kmsg;
	return list_first(&queue->senders, struct thread, wait_link)->send.kmsg;
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

/* @kmsg leaves @port for a receiver: the trailer's words are settled now. */
static inline void
stamp(struct port *port, struct kmsg *kmsg)
{
	kmsg->sequence = port->sequence++;
	kmsg->context = port->context;
}

/*
 * Find the first of @waiters who takes @kmsg, and claim him.  Those whose
 * buffer is too small and who asked to be told so are told, and woken.
 */
static struct thread *
claim_receiver(struct list *waiters, struct port *port, struct kmsg *kmsg)
{
	struct thread *thread;

	while ((thread = first_waiter(waiters)) != NULL) {
		struct receive_state *receive = &thread->receive;

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
claim_set_receiver(struct port *port, struct kmsg *kmsg)
{
	struct thread *thread = NULL;
	struct list *at;

	list_for_each (at, &port->sets) {
		struct pset *pset =
		    container_of(at, struct pset_link, port_link)->pset;

		spin_lock(&pset->lock);
		thread = claim_receiver(&pset->receivers, port, kmsg);
		spin_unlock(&pset->lock);
		if (thread != NULL)
			break;
	}
	return thread;
}

static void
enqueue(struct port *port, struct kmsg *kmsg)
{
	struct mqueue *queue = &port->queue;

	list_add_tail(&queue->messages, &kmsg->link);
	queue->count++;
	ktrace(KT_QUEUE, (uint64_t)port, queue->count);
	if (!list_empty(&port->sets))
		pset_port_ready(port);
}

enum post_result
mqueue_post(
    struct port *port, struct kmsg *kmsg, bool force, struct thread **receiverp)
{
	struct mqueue *queue = &port->queue;
	struct thread *receiver;

	KASSERT(spin_held(&port->lock));
	receiver = claim_receiver(&queue->receivers, port, kmsg);
	if (receiver == NULL && !list_empty(&port->sets))
		receiver = claim_set_receiver(port, kmsg);
	if (receiver != NULL) {
		stamp(port, kmsg);
		receiver->receive.kmsg = kmsg;
		*receiverp = receiver;
		return POST_DELIVERED;
	}
	if (queue->count >= queue->limit && !force)
		return POST_FULL;
	enqueue(port, kmsg);
	this_cpu()->counters.queued++;
	return POST_QUEUED;
}

/* The message of the first sender that waits for room, who is woken. */
static struct kmsg *
take_from_sender(struct mqueue *queue)
{
	struct thread *sender;

	while ((sender = first_waiter(&queue->senders)) != NULL) {
		struct kmsg *kmsg = sender->send.kmsg;

		if (!thread_claim(sender, KERN_SUCCESS))
			continue;
		sender->send.kmsg = NULL; /* sent: it is ours */
		sched_wake(sender);
		return kmsg;
	}
	return NULL;
}

void
mqueue_admit(struct port *port)
{
	struct mqueue *queue = &port->queue;
	struct thread *receiver;
	struct kmsg *kmsg;

	KASSERT(spin_held(&port->lock));
	while (queue->count < queue->limit) {
		kmsg = take_from_sender(queue);
		if (kmsg == NULL)
			return;
		/* Senders wait only while nobody receives. */
		if (mqueue_post(port, kmsg, true, &receiver) == POST_DELIVERED)
			sched_wake(receiver);
	}
}

struct kmsg *
mqueue_take(struct port *port)
{
	struct mqueue *queue = &port->queue;
	struct kmsg *kmsg = first_message(queue);

	KASSERT(spin_held(&port->lock));
	if (kmsg != NULL) {
		list_remove(&kmsg->link);
		queue->count--;
		if (unlikely(!list_empty(&queue->senders)))
			mqueue_admit(port);
	} else {
		kmsg = take_from_sender(queue);
		if (kmsg == NULL)
			return NULL;
	}
	stamp(port, kmsg);
	if (!list_empty(&port->sets) && !mqueue_waiting(queue))
		pset_port_empty(port);
	return kmsg;
}

void
mqueue_wake(struct list *waiters, kern_return_t result, uint32_t most)
{
	struct thread *thread;

	while (most > 0 && (thread = first_waiter(waiters)) != NULL) {
		if (!thread_claim(thread, result))
			continue; /* it was leaving anyway, and takes nothing */
		sched_wake(thread);
		most--;
	}
}
