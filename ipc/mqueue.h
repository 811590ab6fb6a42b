/*
 * ipc/mqueue.h: a port's queue: messages, threads that wait for one, threads
 * that wait for room.
 *
 * At most one of @messages and @receivers is not empty, and threads stand in
 * @senders only while @count >= @limit, or until the reaper has let them in
 * after the limit was raised; while @count is 0 none do, unless @limit is 0.
 * All of it is under the port's lock.
 *
 * Messages, and waiting senders, stand in the order of kmsg->order, highest
 * first, and first come first served within one.  The first message of each
 * order is linked to those of the others (kmsg->level), in a ring in which
 * the queue's first message stands for the head: so a place is found in as
 * many steps as there are orders in use, and none if it is the last.
 *
 * A receiver who finds no message stands in @receivers of the port, or in the
 * same list of a set.  A sender takes the first that it can claim and puts the
 * message into its hands: such a message is never in the queue.
 *
 * A sender who finds the queue full waits, and its message stands in @senders
 * with the thread's address (kmsg->waiter).  Who makes room moves the first
 * such message into the queue and wakes its sender, whose send has then
 * happened.  Nobody gets in before those who wait.
 */
#pragma once
#include "kernel/list.h"
#include "kernel/types.h"

struct kmsg;
struct port;
struct thread;

struct mqueue {
	struct list receivers; /* struct thread by wait_link */
	struct list messages;  /* struct kmsg by link */
	struct list senders;   /* struct kmsg by link */
	uint32_t count; /* of messages, many more than @limit if forced */
	uint32_t limit; /* MACH_PORT_QLIMIT_* */
};

void mqueue_init(struct mqueue *queue);

/* Is there something to receive?  With a limit of 0 messages wait with their
 * senders. */
static inline bool
mqueue_waiting(const struct mqueue *queue)
{
	return !list_empty(&queue->messages) || !list_empty(&queue->senders);
}

/* Would a message get in?  With a limit of 0, into the hands of a receiver. */
static inline bool
mqueue_has_room(const struct mqueue *queue)
{
	return (queue->count < queue->limit && list_empty(&queue->senders)) ||
	       !list_empty(&queue->receivers);
}

/*
 * Is there nothing to receive, and room?  Senders wait only while the queue is
 * full, so the numbers tell; a limit of 0 says no more than that it may be.
 */
static inline bool
mqueue_idle(const struct mqueue *queue)
{
	return queue->count == 0 && queue->limit != 0;
}

/* What became of a message that mqueue_post() was given. */
enum post_result {
	POST_QUEUED,	/* in the queue: nobody waited */
	POST_DELIVERED, /* in the hands of *@receiverp, claimed */
	POST_FULL,	/* nowhere: the caller may wait for room */
};

/*
 * Give @kmsg to a thread waiting on @port or on a set that it is in, else to
 * its queue if there is room or @force.
 * Locks: the port's; takes those of its sets.
 */
enum post_result mqueue_post(struct port *port, struct kmsg *kmsg, bool force,
    struct thread **receiverp) must_check;

/* The same where the queue of @port has room and nobody waits on it, nor is it
 * in a set.  Locks: the port's. */
void mqueue_append(struct port *port, struct kmsg *kmsg);

/* @kmsg leaves @port for a receiver: the trailer's words are settled now.
 * Locks: the port's. */
void mqueue_stamp(struct port *port, struct kmsg *kmsg);

/*
 * Take the first message, the one that mqueue_peek() shows; NULL: there is
 * none, or it was a waiting sender's who was leaving anyway.  Room that this
 * makes goes to the first waiting senders.  Locks: the port's.
 */
struct kmsg *mqueue_take(struct port *port) must_check;
/* Look at it, leave it there. */
struct kmsg *mqueue_peek(struct port *port);

/* Who looks at more of them than this does so in steps.  Locks: the port's. */
struct kmsg *mqueue_at(struct port *port, uint32_t position);
#define MQUEUE_LOOK_MAX MACH_PORT_QLIMIT_MAX

/* The queue is full: @kmsg stands there until there is room.  Its sender takes
 * it away again if his wait ends otherwise.  Locks: the port's. */
void mqueue_wait(struct port *port, struct kmsg *kmsg, struct thread *sender);
void mqueue_leave(struct port *port, struct kmsg *kmsg);

/* There is room: let in some of the waiting senders; port_room_due() tells if
 * more would fit.  Locks: the port's. */
void mqueue_admit(struct port *port);

/* The first message, off the queue of a dead port; it carries nothing. */
void mqueue_drop_first(struct port *port);

/*
 * End the wait of the first @most receivers in @waiters with @result, except of
 * those who are leaving anyway.  Locks: that of the port or set whose list it
 * is.
 */
void mqueue_wake(struct list *waiters, kern_return_t result, uint32_t most);
/* The same for senders, each of whom still has its message. */
void mqueue_wake_senders(
    struct mqueue *queue, kern_return_t result, uint32_t most);
