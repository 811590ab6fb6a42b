/*
 * message.c: mach_msg(): send, wait, hand off, receive.
 *
 * This is the general path, and what it does is what mach_msg() means.  It is
 * long because one call is one story, told in one place.  The
 * trap's arguments are put into struct thread first (send, receive), because
 * any part of the call may have to wait and go on in a continuation:
 *
 *	begin -> copy in -> deliver -> finish -> receive -> copy out
 *	           |           |                    |          |
 *	 copyin_continue  send_continue    receive_continue  copyout_continue
 *	                  serve_continue
 *
 * Handoff.  A sender whose message finds a waiting receiver has claimed it: the
 * receiver is neither on a queue nor running, and it is carried along as
 * @receiver until the sender knows what becomes of itself.  If it waits, the
 * receiver takes its place; otherwise the receiver is woken like anybody.
 */
#include "ipc/message.h"

#include <arch/usercopy.h>

#include "ipc/copy.h"
#include "ipc/exception.h"
#include "ipc/fast.h"
#include "ipc/fast_word.h"
#include "ipc/kserver.h"
#include "ipc/mach_port.h"
#include "ipc/notify.h"
#include "ipc/pset.h"
#include "ipc/right.h"
#include "ipc/traps.h"
#include "kernel/cpu.h"
#include "kernel/sched.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "vm/memory_wait.h"

bool ipc_fast_enabled = true;

/* The most that a class in mach_msg_priority_t can be. */
#define MACH_MSG_PRIORITY_CLASS_MAX 0xf

void
ipc_init(void)
{
	port_init();
	pset_init();
	space_init();
	kmsg_init();
	notify_init();
}

/* A claimed receiver whose place is not ours to give: let it be scheduled. */
static void
wake(struct thread *receiver)
{
	if (receiver == NULL)
		return;
	this_cpu()->counters.woken++;
	sched_wake(receiver);
}

/* ---- receiving ---- */

static void
copyout_continue(void)
{
	struct kmsg *kmsg = current_thread()->receive.kmsg;

	(void)memory_wait_end();
	thread_return_value(
	    (uint64_t)(int64_t)kmsg_copyout(kmsg, copyout_continue));
}

/* Give @kmsg, which is ours, to the user. */
static kern_return_t
message_copyout(struct thread *self, struct kmsg *kmsg)
{
	self->receive.kmsg = kmsg; /* for copyout_continue() */
	return kmsg_copyout(kmsg, copyout_continue);
}

struct kmsg *
message_keep(
    uint32_t size, const void *head, uint32_t head_size, const void *rest)
{
	/* The kernel pays, or it would be lost; one a thread, for a moment. */
	struct kmsg *kmsg = kmsg_alloc(NULL, size - HEADER_SIZE, 0);
	uint8_t *to;

	if (kmsg == NULL)
		return NULL;
	to = (uint8_t *)&kmsg->header;
	if (head_size > size)
		head_size = size;
	memcpy(to, head, head_size);
	if (size > head_size)
		memcpy(to + head_size, rest, size - head_size);
	kmsg_given(kmsg);
	return kmsg;
}

noreturn void
message_write_later(struct kmsg *kmsg)
{
	if (kmsg == NULL) {
		memory_wait_forget();
		thread_return_value(MACH_RCV_INVALID_DATA);
	}
	current_thread()->receive.kmsg = kmsg;
	memory_wait_block(copyout_continue);
}

noreturn void
message_words_later(uaddr_t to, uint64_t w0, uint64_t w1, uint64_t w2)
{
	uint64_t words[] = {w0, w1, w2};

	(void)to; /* receive.buffer */
	static_assert(sizeof(words) == HEADER_SIZE, "a header");
	message_write_later(
	    message_keep(HEADER_SIZE, words, HEADER_SIZE, NULL));
}

/* The wait that say_too_large() had to make is over. */
static void too_large_continue(void);

/*
 * MACH_RCV_LARGE: the message stays where it is; say how large it is.  These
 * words of the header are written whatever room there is said to be: who asks
 * with no room at all wants to know just that.
 */
static kern_return_t
say_too_large(const struct receive_state *receive)
{
	uaddr_t size = receive->buffer + offsetof(mach_msg_header_t, msgh_size);
	uaddr_t port =
	    receive->buffer + offsetof(mach_msg_header_t, msgh_local_port);
	kern_return_t kr = KERN_SUCCESS;

	if (receive->option & MACH_RCV_LARGE_IDENTITY)
		kr = copyout(port, &receive->name, sizeof(receive->name));
	if (kr == KERN_SUCCESS)
		kr = copyout(size, &receive->actual, sizeof(receive->actual));
	if (kr == KERN_MEMORY_WAIT)
		memory_wait_block(too_large_continue);
	return kr == KERN_SUCCESS ? MACH_RCV_TOO_LARGE : MACH_RCV_INVALID_DATA;
}

static void
too_large_continue(void)
{
	(void)memory_wait_end();
	thread_return_value(
	    (uint64_t)(int64_t)say_too_large(&current_thread()->receive));
}

/* What became of a look at a port's queue. */
enum look {
	LOOK_EMPTY,
	LOOK_TAKEN,
	LOOK_TOO_LARGE,
	LOOK_LATER /* there is much to pass over: let others have their turn */
};

/* Senders who are leaving that one look passes over. */
#define PASS_AT_ONCE 16
/* Members of a set whose only senders were leaving, the same. */
#define EMPTY_AT_ONCE 16

/* Take the first message.  Locks: the port's. */
static enum look
look(struct receive_state *receive, struct port *port, struct kmsg **kmsgp)
{
	struct kmsg *kmsg;

	for (int i = 0; i < PASS_AT_ONCE; i++) {
		kmsg = mqueue_peek(port);
		if (kmsg == NULL)
			return LOOK_EMPTY;
		if (unlikely(!message_fits(receive, kmsg)) &&
		    (receive->option & MACH_RCV_LARGE)) {
			receive->actual = kmsg->size;
			receive->name = port->name;
			return LOOK_TOO_LARGE;
		}
		/* It was a waiting sender's, and his time may just be over. */
		*kmsgp = mqueue_take(port);
		if (*kmsgp != NULL)
			return LOOK_TAKEN;
	}
	return LOOK_LATER;
}

static bool
is_poll(const struct receive_state *receive)
{
	return (receive->option & MACH_RCV_TIMEOUT) && receive->timeout == 0;
}

/* However often the wait begins anew, it ends at the same time. */
static uint64_t
receive_deadline(struct receive_state *receive)
{
	if (receive->deadline == 0)
		receive->deadline = timer_after_ms(receive->timeout);
	return receive->deadline;
}

/*
 * Wait, standing in the queue that @lock protects, which is unlocked; in our
 * place runs @receiver, if there is one.
 */
static noreturn void
receive_wait(
    struct thread *self, struct thread *receiver, struct spinlock *lock)
{
	uint64_t deadline = TIMER_NEVER;

	self->fast.room = self->receive.option & FAST_DECLINES
			      ? INT32_MIN
			      : fast_room(self->receive.size);
	if (self->receive.option & MACH_RCV_TIMEOUT)
		deadline = receive_deadline(&self->receive);
	wait_begin(self, receive_continue, deadline, lock);
	if (receiver == NULL)
		sched_switch();
	if (sched_can_handoff(receiver))
		this_cpu()->counters.handed_off++;
	else
		this_cpu()->counters.woken++;
	ktrace(KT_HANDOFF, (uint64_t)self, (uint64_t)receiver);
	sched_handoff(receiver);
}

static kern_return_t message_receive(
    struct thread *self, struct thread *receiver);

static void
look_continue(void)
{
	thread_return_value(
	    (uint64_t)(int64_t)message_receive(current_thread(), NULL));
}

/*
 * The look at a queue is over.  What was lent to us for the last message goes
 * back, and who sent the next one lends what he can.
 */
static kern_return_t
receive_found(struct thread *self, enum look found, struct kmsg *kmsg,
    kern_return_t otherwise)
{
	uint32_t priority = self->base_priority;

	if (unlikely(found == LOOK_LATER))
		sched_yield(look_continue);
	if (found == LOOK_TAKEN && kmsg->lend > priority)
		priority = kmsg->lend;
	if (self->priority != priority)
		sched_run_at(self, priority);
	if (found == LOOK_TAKEN)
		return message_copyout(self, kmsg);
	if (found == LOOK_TOO_LARGE)
		return say_too_large(&self->receive);
	return otherwise;
}

/* Locks: the port's, which is unlocked. */
static kern_return_t
receive_port(struct thread *self, struct port *port, struct thread *receiver)
{
	struct receive_state *receive = &self->receive;
	struct kmsg *kmsg = NULL;
	enum look found = look(receive, port, &kmsg);

	bool tell;

	if (found == LOOK_EMPTY && !is_poll(receive)) {
		/* What it remembers it has a reference to. */
		receive->port = self->fast.from == port ? port : port_get(port);
		receive->pset = NULL;
		list_add_tail(&port->queue.receivers, &self->wait_link);
		/* Where the limit is 0, that is room. */
		if (port_room_due(port))
			reap_later(&port->reap);
		receive_wait(self, receiver, &port->lock);
	}
	if (found == LOOK_TAKEN)
		ktrace(KT_RECEIVE, (uint64_t)port, (uint64_t)kmsg->id);
	tell = port_room_due(port);
	spin_unlock(&port->lock);
	wake(receiver);
	if (tell)
		reap_now(&port->reap);
	return receive_found(self, found, kmsg, MACH_RCV_TIMED_OUT);
}

/* Look at one member that seemed to have a message; drops its reference. */
static enum look
look_at_member(struct receive_state *receive, struct pset *pset,
    struct port *port, struct kmsg **kmsgp)
{
	enum look found = LOOK_EMPTY;
	bool tell = false;

	port_lock(port);
	if (pset_find(pset, port) != NULL) {
		found = look(receive, port, kmsgp);
		if (found == LOOK_EMPTY)
			pset_port_empty(port);
		else if (mqueue_waiting(&port->queue))
			pset_wake_next(pset);
		tell = port_room_due(port);
	}
	spin_unlock(&port->lock);
	if (tell)
		reap_now(&port->reap);
	port_put(port);
	return found;
}

/* Refs: consumes that of @pset. */
static kern_return_t
receive_pset(struct thread *self, struct pset *pset, struct thread *receiver)
{
	struct receive_state *receive = &self->receive;
	enum look found = LOOK_EMPTY;
	kern_return_t kr = MACH_RCV_TIMED_OUT;
	int members = EMPTY_AT_ONCE;
	struct kmsg *kmsg = NULL;
	struct port *port;

	pset_lock(pset);
	while (!pset->dead && (port = pset_next_ready(pset)) != NULL) {
		spin_unlock(&pset->lock);
		found = look_at_member(receive, pset, port, &kmsg);
		if (found == LOOK_EMPTY && --members == 0)
			found = LOOK_LATER;
		if (found != LOOK_EMPTY)
			goto found;
		pset_lock(pset);
	}
	if (pset->dead)
		kr = MACH_RCV_PORT_DIED;
	if (kr == MACH_RCV_TIMED_OUT && !is_poll(receive)) {
		receive->port = NULL;
		receive->pset = pset;
		list_add_tail(&pset->receivers, &self->wait_link);
		receive_wait(self, receiver, &pset->lock);
	}
	spin_unlock(&pset->lock);
found:
	pset_put(pset);
	wake(receiver);
	return receive_found(self, found, kmsg, kr);
}

/* Receive by name; @receiver, claimed by our send, runs if we wait. */
static kern_return_t
message_receive(struct thread *self, struct thread *receiver)
{
	struct space *space = self->task->space;
	struct entry *entry;

	spin_lock(&space->lock);
	entry = space_lookup(space, self->receive.name);
	if (likely(entry != NULL && (entry->key & MACH_PORT_TYPE_RECEIVE))) {
		struct port *port = entry->port;

		port_lock(port);
		spin_unlock(&space->lock);
		return receive_port(self, port, receiver);
	}
	if (entry != NULL && (entry->key & MACH_PORT_TYPE_PORT_SET)) {
		struct pset *pset = pset_get(entry->pset);

		spin_unlock(&space->lock);
		return receive_pset(self, pset, receiver);
	}
	spin_unlock(&space->lock);
	wake(receiver);
	return MACH_RCV_INVALID_NAME;
}

/* Who is to look again does so if where he waited is still his to look at; else
 * he hears why not.  Locks: that of the port or set. */
static kern_return_t
check_look_again(const struct thread *self)
{
	const struct receive_state *receive = &self->receive;
	const struct port *port = receive->port;

	if (port == NULL)
		return receive->pset->dead ? MACH_RCV_PORT_DIED
					   : RECEIVE_LOOK_AGAIN;
	if (port_is_dead(port))
		return MACH_RCV_PORT_DIED;
	return port->receiver == self->task->space ? RECEIVE_LOOK_AGAIN
						   : MACH_RCV_PORT_CHANGED;
}

/* Stand in no queue any more, and refer to none; what to do about the wait,
 * that ended with @result. */
static kern_return_t
receive_leave(struct thread *self, kern_return_t result)
{
	struct receive_state *receive = &self->receive;
	struct spinlock *lock =
	    receive->port != NULL ? &receive->port->lock : &receive->pset->lock;

	/* Who gave us a message took us off the queue for it. */
	if (result != KERN_SUCCESS) {
		spin_lock(lock);
		list_remove(&self->wait_link);
		/* A message that came while we were leaving is for another. */
		if (receive->port == NULL && result != RECEIVE_LOOK_AGAIN &&
		    !list_empty(&receive->pset->ready))
			mqueue_wake(
			    &receive->pset->receivers, RECEIVE_LOOK_AGAIN, 1);
		if (result == RECEIVE_LOOK_AGAIN)
			result = check_look_again(self);
		spin_unlock(lock);
	}
	if (unlikely(result == MACH_RCV_PORT_DIED) && receive->pset != NULL)
		fast_forget_set(self, receive->pset);
	if (receive->port == NULL)
		pset_put(receive->pset);
	else if (receive->port != self->fast.from)
		port_put(receive->port);
	receive->port = NULL;
	receive->pset = NULL;
	return result;
}

void
message_wait_over(struct thread *self)
{
	(void)receive_leave(self, wait_finish(self));
}

/*
 * Who is interrupted while he receives finds what the trap takes where it was,
 * so that he can ask again; mach_msg2_fast() did not keep it.
 */
static void
keep_arguments(struct thread *self)
{
	const struct receive_state *receive = &self->receive;

	if (receive->option & RECEIVE_CALL) {
		self->tf.a1 = receive->buffer;
		self->tf.a3 = receive->size;
		self->tf.a4 = name_in_register(receive->name);
		return;
	}
	self->tf.t1 = receive->buffer;
	self->tf.a1 = receive->option;
	self->tf.a5 = (uint64_t)receive->name << 32;
	self->tf.a6 = receive->size;
	self->tf.a7 = receive->timeout;
}

/* The wait is over, for whatever reason. */
static kern_return_t
receive_end(struct thread *self, kern_return_t result)
{
	switch (result) {
	case KERN_SUCCESS:
		/* None: fast_direct.c has written the message. */
		if (self->receive.kmsg == NULL)
			return MACH_MSG_SUCCESS;
		return message_copyout(self, self->receive.kmsg);
	case RECEIVE_LOOK_AGAIN:
		return message_receive(self, NULL);
	case MACH_RCV_TOO_LARGE:
		return say_too_large(&self->receive);
	case KERN_OPERATION_TIMED_OUT:
		return MACH_RCV_TIMED_OUT;
	case KERN_ABORTED:
		keep_arguments(self);
		return MACH_RCV_INTERRUPTED;
	default:
		return result; /* MACH_RCV_PORT_DIED, _CHANGED */
	}
}

void
receive_continue(void)
{
	struct thread *self = current_thread();
	kern_return_t result = receive_leave(self, wait_finish(self));

	thread_return_value((uint64_t)(int64_t)receive_end(self, result));
}

/* ---- sending ---- */

/* The message is on its way; now the other half of the call. */
static kern_return_t
message_finish(struct thread *self, struct thread *receiver)
{
	if (self->receive.option & MACH_RCV_MSG)
		return message_receive(self, receiver);
	wake(receiver);
	return MACH_MSG_SUCCESS;
}

kern_return_t
message_sent(struct thread *self, struct thread *receiver)
{
	return message_finish(self, receiver);
}

/* It could not be sent after all: the sender gets it back. */
static kern_return_t
message_return(struct thread *self, struct kmsg *kmsg, kern_return_t result)
{
	if (result == MACH_SEND_TIMED_OUT &&
	    (self->receive.option & MACH_SEND_NOTIFY))
		notify_when_possible(self->task->space,
		    kmsg->header.msgh_remote_port, kmsg->remote);
	kmsg->pseudo = true;
	kmsg->result = result;
	kmsg->phase = 0;
	return message_copyout(self, kmsg);
}

static kern_return_t
send_end(struct thread *self, kern_return_t result)
{
	struct kmsg *kmsg = self->send.kmsg;

	switch (result) {
	case KERN_SUCCESS:
		return message_finish(self, NULL);
	case KERN_OPERATION_TIMED_OUT:
		return message_return(self, kmsg, MACH_SEND_TIMED_OUT);
	case KERN_ABORTED:
		return message_return(self, kmsg, MACH_SEND_INTERRUPTED);
	default:
		return message_return(self, kmsg, result);
	}
}

/* The wait for room is over; on success somebody took the message from us. */
static void
send_continue(void)
{
	struct thread *self = current_thread();
	kern_return_t result = wait_finish(self);
	struct port *port = self->send.port;

	if (result != KERN_SUCCESS) {
		port_lock(port);
		mqueue_leave(port, self->send.kmsg);
		if (!list_empty(&port->sets) && !mqueue_waiting(&port->queue))
			pset_port_empty(port);
		spin_unlock(&port->lock);
	}
	port_put(port);
	self->send.port = NULL;
	thread_return_value((uint64_t)(int64_t)send_end(self, result));
}

/* The queue is full.  Locks: the port's, which is unlocked. */
static kern_return_t
send_wait(struct thread *self, struct port *port, struct kmsg *kmsg)
{
	uint64_t option = self->receive.option;
	uint64_t deadline = TIMER_NEVER;

	if ((option & MACH_SEND_TIMEOUT) && self->send.timeout == 0) {
		spin_unlock(&port->lock);
		return message_return(self, kmsg, MACH_SEND_TIMED_OUT);
	}
	if (option & MACH_SEND_TIMEOUT)
		deadline = timer_after_ms(self->send.timeout);
	self->send.kmsg = kmsg;
	self->send.port = port_get(port);
	mqueue_wait(port, kmsg, self);
	/* With a limit of 0 it is the first that there is to receive. */
	if (!list_empty(&port->sets))
		pset_port_ready(port);
	wait_begin(self, send_continue, deadline, &port->lock);
	sched_switch();
}

/* Priorities that stand for Mach's classes, where one was asked for. */
static uint32_t
class_priority(uint32_t qos)
{
	static const uint8_t priority[] = {
	    [MACH_MSG_QOS_UNSPECIFIED] = PRIORITY_IDLE,
	    [MACH_MSG_QOS_MAINTENANCE] = 2,
	    [MACH_MSG_QOS_BACKGROUND] = 4,
	    [MACH_MSG_QOS_UTILITY] = 20,
	    [MACH_MSG_QOS_DEFAULT] = KMSG_ORDER_DEFAULT,
	    [MACH_MSG_QOS_USER_INITIATED] = 37,
	    [MACH_MSG_QOS_USER_INTERACTIVE] = 46,
	};

	return qos < ARRAY_SIZE(priority) ? priority[qos] : PRIORITY_IDLE;
}

/* The place in queues that @asked, a mach_msg_priority_t, stands for. */
static uint32_t
order_asked(uint32_t asked)
{
	uint32_t order = class_priority(
	    asked >> MACH_MSG_PRIORITY_QOS_SHIFT & MACH_MSG_PRIORITY_CLASS_MAX);
	uint32_t least =
	    class_priority(asked >> MACH_MSG_PRIORITY_OVERRIDE_SHIFT &
			   MACH_MSG_PRIORITY_CLASS_MAX);
	int32_t less = (int8_t)(asked >> MACH_MSG_PRIORITY_RELPRI_SHIFT) + 1;

	/* Relative to its class: from -15 to 0, and never down to nothing. */
	if (less < 0 && order != PRIORITY_IDLE)
		order = (int32_t)order + less > 1 ? order + (uint32_t)less : 1;
	if (order < least)
		order = least;
	return order != PRIORITY_IDLE ? order : KMSG_ORDER_DEFAULT;
}

/*
 * Where @kmsg stands in queues, and what is lent to who serves it: to serve a
 * call, the caller's priority; another message, what was asked for it, but
 * never more than its sender has.  A reply lends nothing.
 */
static void
set_priority(const struct thread *self, struct kmsg *kmsg)
{
	uint64_t option = self->receive.option;
	uint32_t lend = PRIORITY_IDLE;

	if (option & MACH_SEND_OVERRIDE) {
		kmsg->order = (uint8_t)order_asked(self->send.priority);
		lend = kmsg->order;
	}
	if ((option & MACH_RCV_MSG) || lend > self->priority)
		lend = self->priority;
	if (kmsg->remote_type == MACH_MSG_TYPE_PORT_SEND)
		kmsg->lend = (uint8_t)lend;
}

/* Deliver, queue or wait, then receive if the call says so. */
static kern_return_t
message_post(struct thread *self, struct kmsg *kmsg)
{
	struct port *port = kmsg->remote;
	struct thread *receiver = NULL;
	bool force = kmsg->remote_type == MACH_MSG_TYPE_PORT_SEND_ONCE;

	set_priority(self, kmsg);
	port_lock(port);
	if (unlikely(port->state == PORT_IS_DEAD)) {
		/* It died after we looked at the name: sent in time. */
		spin_unlock(&port->lock);
		kmsg_destroy(kmsg);
		return message_finish(self, NULL);
	}
	switch (mqueue_post(port, kmsg, force, &receiver)) {
	case POST_FULL:
		return send_wait(self, port, kmsg);
	case POST_DELIVERED:
	case POST_QUEUED:
		break;
	}
	spin_unlock(&port->lock);
	return message_finish(self, receiver);
}

/*
 * May the kernel's reply be received by who asked, at once?  He is about to
 * receive from the very port that it goes to, where nothing and nobody waits.
 */
static bool
may_receive_reply(struct thread *self, struct kmsg *reply)
{
	const struct receive_state *receive = &self->receive;
	struct port *port = reply->remote;
	bool may;

	if (!(receive->option & MACH_RCV_MSG) || reply->has_receive)
		return false;
	port_lock(port);
	may = port->receiver == self->task->space &&
	      port->name == receive->name && mqueue_idle(&port->queue) &&
	      list_empty(&port->queue.receivers) &&
	      message_fits(receive, reply);
	if (may)
		mqueue_stamp(port, reply);
	spin_unlock(&port->lock);
	return may;
}

kern_return_t
message_answered(struct thread *self, struct kmsg *reply)
{
	if (unlikely(reply == NULL))
		return message_finish(self, NULL);
	if (likely(may_receive_reply(self, reply))) {
		ktrace(
		    KT_RECEIVE, (uint64_t)reply->remote, (uint64_t)reply->id);
		return receive_found(self, LOOK_TAKEN, reply, MACH_MSG_SUCCESS);
	}
	port_send_kernel(reply->remote, reply->remote_type, reply);
	return message_finish(self, NULL);
}

/* @kmsg has been copied in. */
static kern_return_t
message_deliver(struct thread *self, struct kmsg *kmsg)
{
	struct port *port = kmsg->remote;

	ktrace(KT_SEND, (uint64_t)port, (uint64_t)kmsg->id);
	kmsg->phase = 0;
	kmsg->index = 0;
	if (port->state == PORT_IN_KERNEL) {
		if (port->kind == KOBJECT_EXCEPTION)
			return message_finish(self, exception_reply(kmsg));
		return message_answered(self, kserver_serve(kmsg));
	}
	if (unlikely(kmsg_is_circular(kmsg))) {
		kmsg_destroy(kmsg);
		return message_finish(self, NULL);
	}
	return message_post(self, kmsg);
}

noreturn void
message_served(struct kmsg *reply)
{
	thread_return_value(
	    (uint64_t)(int64_t)message_answered(current_thread(), reply));
}

static void copyin_continue(void);

/* Copy in what is left of @kmsg, and send it. */
static kern_return_t
message_send(struct thread *self, struct kmsg *kmsg)
{
	kern_return_t kr;

	self->send.kmsg = kmsg; /* for copyin_continue() */
	kr = kmsg_copyin(kmsg, copyin_continue);
	if (unlikely(kr != MACH_MSG_SUCCESS)) {
		kmsg_destroy(kmsg);
		return kr;
	}
	return message_deliver(self, kmsg);
}

static void
copyin_continue(void)
{
	struct thread *self = current_thread();

	(void)memory_wait_end();
	thread_return_value(
	    (uint64_t)(int64_t)message_send(self, self->send.kmsg));
}

/* ---- the traps ---- */

/* A kmsg for a message of @size bytes, header included; or why not. */
static kern_return_t
message_alloc(uint64_t size, struct kmsg **kmsgp)
{
	if (unlikely(size < HEADER_SIZE || (size & 3) != 0))
		return MACH_SEND_MSG_TOO_SMALL;
	if (unlikely(size > MESSAGE_SIZE_MAX))
		return MACH_SEND_TOO_LARGE;
	*kmsgp =
	    kmsg_alloc(ledger_of_caller(), (uint32_t)size - HEADER_SIZE, 0);
	return *kmsgp != NULL ? MACH_MSG_SUCCESS : MACH_SEND_NO_BUFFER;
}

static kern_return_t
check_options(uint64_t option)
{
	uint32_t elements = trailer_elements(option);

	if (option & MACH64_MSG_VECTOR)
		return MACH_SEND_INVALID_OPTIONS;
	if (!(option & MACH_RCV_MSG))
		return MACH_MSG_SUCCESS;
	if (elements > MACH_RCV_TRAILER_CTX && elements != MACH_RCV_TRAILER_AV)
		return MACH_RCV_INVALID_TRAILER;
	if ((option >> 28 & 0xf) != MACH_MSG_TRAILER_FORMAT_0)
		return MACH_RCV_INVALID_TRAILER;
	return MACH_MSG_SUCCESS;
}

/* What both halves of a call need to know. */
static kern_return_t
message_begin(struct thread *self, uint64_t option, uint32_t rcv_size,
    mach_port_name_t rcv_name, uint32_t timeout, uint32_t priority)
{
	struct receive_state *receive = &self->receive;

	receive->option = option;
	receive->size = rcv_size;
	receive->name = rcv_name;
	receive->timeout = timeout;
	receive->deadline = 0;
	self->send.timeout = timeout;
	self->send.priority = priority;
	return check_options(option);
}

/* Both traps with the header in memory. */
static kern_return_t
message_call(struct thread *self, uaddr_t buffer, uint32_t send_size)
{
	struct kmsg *kmsg;
	kern_return_t kr;

	if (!(self->receive.option & MACH_SEND_MSG))
		return message_finish(self, NULL);
	kr = message_alloc(send_size, &kmsg);
	if (unlikely(kr != MACH_MSG_SUCCESS))
		return kr;
	self->send.buffer = buffer;
	return message_send(self, kmsg);
}

kern_return_t
mach_msg_trap(uaddr_t buffer, uint64_t option, uint64_t send_size,
    uint64_t rcv_size, uint64_t rcv_name, uint64_t timeout, uint64_t priority)
{
	return mach_msg_overwrite_trap(buffer, option, send_size, rcv_size,
	    rcv_name, timeout, priority, buffer);
}

kern_return_t
mach_msg_overwrite_trap(uaddr_t buffer, uint64_t option, uint64_t send_size,
    uint64_t rcv_size, uint64_t rcv_name, uint64_t timeout, uint64_t priority,
    uaddr_t rcv_buffer)
{
	struct thread *self = current_thread();
	kern_return_t kr;

	kr = message_begin(self, (uint32_t)option, (uint32_t)rcv_size,
	    (mach_port_name_t)rcv_name, (uint32_t)timeout, (uint32_t)priority);
	if (unlikely(kr != MACH_MSG_SUCCESS))
		return kr;
	self->receive.buffer = rcv_buffer != 0 ? rcv_buffer : buffer;
	return message_call(self, buffer, (uint32_t)send_size);
}

kern_return_t
message_general(uaddr_t buffer, uint64_t option, uint64_t bits_send_size,
    uint64_t remote_local, uint64_t voucher_id, uint64_t descriptors_rcv_name,
    uint64_t rcv_size_priority, uint64_t timeout)
{
	struct thread *self = current_thread();
	struct kmsg *kmsg;
	kern_return_t kr;

	/* Who is interrupted finds what the trap takes where it was. */
	self->tf.t1 = buffer;
	self->tf.a1 = option;
	self->tf.a2 = bits_send_size;
	self->tf.a3 = remote_local;
	self->tf.a4 = voucher_id;
	self->tf.a5 = descriptors_rcv_name;
	self->tf.a6 = rcv_size_priority;
	self->tf.a7 = timeout;
	kr = message_begin(self, option, (uint32_t)rcv_size_priority,
	    (mach_port_name_t)(descriptors_rcv_name >> 32), (uint32_t)timeout,
	    (uint32_t)(rcv_size_priority >> 32));
	if (unlikely(kr != MACH_MSG_SUCCESS))
		return kr;
	self->receive.buffer = buffer;
	if (!(option & MACH_SEND_MSG))
		return message_finish(self, NULL);
	kr = message_alloc(bits_send_size >> 32, &kmsg);
	if (unlikely(kr != MACH_MSG_SUCCESS))
		return kr;
	kmsg->header = (mach_msg_header_t){
	    .msgh_bits = (uint32_t)bits_send_size,
	    .msgh_remote_port = (mach_port_name_t)remote_local,
	    .msgh_local_port = (mach_port_name_t)(remote_local >> 32),
	    .msgh_voucher_port = (mach_port_name_t)voucher_id,
	    .msgh_id = (int32_t)(voucher_id >> 32),
	};
	kmsg->progress = HEADER_SIZE; /* the body is all there is to copy */
	self->send.buffer = buffer;
	return message_send(self, kmsg);
}

/* Send what the trapframe says, with @body, and receive. */
kern_return_t
message_call_general(const uint64_t *body)
{
	struct thread *self = current_thread();
	const struct trapframe *tf = &self->tf;
	uint64_t bits_size = call_bits_size(tf->t0), size = bits_size >> 32;
	struct kmsg *kmsg;
	kern_return_t kr;

	kr = message_begin(self, MACH_SEND_MSG | MACH_RCV_MSG | RECEIVE_CALL,
	    (uint32_t)tf->a3, (mach_port_name_t)tf->a4, 0, 0);
	if (unlikely(kr != MACH_MSG_SUCCESS))
		return kr;
	/* What has descriptors, or a longer body, has to be in memory. */
	if (body != NULL && (bits_size & MACH_MSGH_BITS_COMPLEX) != 0)
		return MACH_SEND_INVALID_TYPE;
	if (body != NULL && size > HEADER_SIZE + CALL_BODY)
		return MACH_SEND_TOO_LARGE;
	self->receive.buffer = tf->a1;
	kr = message_alloc(size, &kmsg);
	if (unlikely(kr != MACH_MSG_SUCCESS))
		return kr;
	kmsg->header = (mach_msg_header_t){
	    .msgh_bits = (uint32_t)bits_size,
	    .msgh_remote_port = (mach_port_name_t)tf->a5,
	    .msgh_local_port = (mach_port_name_t)(tf->a5 >> 32),
	    .msgh_voucher_port = (mach_port_name_t)tf->a6,
	    .msgh_id = (int32_t)(tf->a6 >> 32),
	};
	kmsg->progress = HEADER_SIZE;
	if (body != NULL) {
		memcpy(kmsg->body, body, size - HEADER_SIZE);
		kmsg->progress = (uint32_t)size; /* nothing is left to copy */
	}
	self->send.buffer = tf->a1;
	return message_send(self, kmsg);
}

uint64_t
fast_wait(struct thread *receiver, bool client)
{
	struct thread *self = current_thread();
	const struct trapframe *tf = &self->tf;
	struct port *from = self->fast.from;

	self->cpu->declined[BATON_DECLINE_CALL_WAIT]++;
	if (client) {
		port_lock(from);
		from->send_once_rights++;
		spin_unlock(&from->lock);
		port_get(from);
		fast_show_spare(receiver);
		/* Next time it is opened first: fast_prepare(). */
		self->fast.to_word = FAST_NO_WORD;
		self->prepared = false;
	} else {
		/* Its right was used to reply. */
		self->fast.spare_key |= ENTRY_KEPT;
	}
	receiver->cont = NULL;
	(void)message_begin(self, MACH_SEND_MSG | MACH_RCV_MSG | RECEIVE_CALL,
	    (uint32_t)tf->a3, self->fast.from_name, 0, 0);
	self->receive.buffer = tf->a1;
	self->tf.a7 = MACH_MSG_IN_BUFFER;
	/* The leg has given back what was lent, and told nobody. */
	sched_run_at(self, self->base_priority);
	return (uint64_t)(int64_t)message_sent(self, receiver);
}

/* For trap.S alone, which knows what mach_msg2_fast() does to registers. */
void (*ipc_message_trap(void))(void)
{
	bool fast = CONFIG_FAST && ipc_fast_enabled;

	return (void (*)(void))(fast ? mach_msg2_fast : message_general);
}

/* ---- the end of a thread ---- */

void
thread_drop_ports(struct thread *self)
{
	exception_forget(self);
	if (self->task == NULL)
		return;
	fast_drop(self);
	if (self->reply_port != NULL) {
		mach_port_end(self->task->space, self->reply_port);
		port_put(self->reply_port);
		self->reply_port = NULL;
	}
}
