/*
 * fast.c: mach_msg() between two threads that wait for each other.
 *
 * It serves the two halves of a remote procedure call:
 *
 *	request  send with COPY_SEND and a MAKE_SEND_ONCE reply right to a port
 *		 on which somebody waits, and wait for the reply
 *	reply	 send with MOVE_SEND_ONCE to a port on which somebody waits, and
 *		 wait for the next request
 *
 * with at most SMALL_BODY bytes of body and nothing but a body.  No kmsg is
 * made: the words of the message go from the trap's registers into the
 * receiver's struct thread, and from there into its buffer when it runs, which
 * is at once.
 *
 * The shape of a leg: tests, each of which may decline; then
 * `---- committed ----`; then acts, none of which can fail.  Declining leaves no
 * trace, and the general path of message.c, which is what mach_msg() means,
 * does the same from the start.
 *
 * Locks, in a request: the sender's space; then the two ports, sorted; then,
 * if it is another one, the receiver's space, by a trylock, since its rank is
 * lower.  In a reply: the space and the two ports.
 *
 * References.  A waiting thread holds one to its port.  Here the one who takes
 * the waiter off the queue drops it: never the last, as the receive right has
 * one while the port is locked and in a space.
 */
#include "ipc/fast.h"

#include <arch/usercopy.h>

#include "ipc/port.h"
#include "ipc/space.h"
#include "ipc/traps.h"
#include "kernel/cpu.h"
#include "kernel/sched.h"
#include "kernel/task.h"

/* Most bytes of a body that struct thread has room for. */
#define SMALL_BODY 48
static_assert(sizeof(((struct thread *)0)->receive.word) >=
    sizeof(mach_msg_header_t) + SMALL_BODY + sizeof(mach_msg_trailer_t), "");

#define REQUEST_BITS \
	MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE)
#define REPLY_BITS MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0)
/* What the receivers of these see. */
#define REQUEST_BITS_RECEIVED \
	MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND)
#define REPLY_BITS_RECEIVED MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE)

/* Options of a waiting receiver that need more than is done here. */
#define WAITER_DECLINES (MACH_RCV_TIMEOUT | MACH_RCV_TRAILER_MASK)

/* A leg: what the trap's registers say, and what the tests found. */
struct leg {
	uint64_t size;		/* of the message, header included */
	uint64_t id;		/* in the upper half */
	struct port *to;	/* where the message goes */
	struct port *from;	/* where its sender will wait */
	struct thread *receiver;
	uint32_t remote;	/* name: of the send-once right in a reply */
	uint32_t bits;		/* for the receiver */
	uint32_t reply_name;	/* for the receiver: of the reply right */
};

/* The entry of @name if it holds @type and nothing else that matters, else
 * NULL.  Locks: the space's. */
static inline struct entry *
find(struct space *space, mach_port_name_t name, uint32_t type, uint32_t mask)
{
	struct entry *entry = space_entry(space, name_index(name));

	if (unlikely(entry == NULL))
		return NULL;
	if (unlikely((entry->key & (mask | NAME_GENERATION_MASK)) !=
		(type | (name & NAME_GENERATION_MASK))))
		return NULL;
	return entry;
}

static inline void
lock_ports(struct leg *leg)
{
	if (leg->to < leg->from) {
		spin_lock(&leg->to->lock);
		spin_lock_second(&leg->from->lock);
	} else {
		spin_lock(&leg->from->lock);
		spin_lock_second(&leg->to->lock);
	}
}

static inline void
unlock_ports(struct leg *leg)
{
	spin_unlock(&leg->to->lock);
	spin_unlock(&leg->from->lock);
}

/* Who waits on @to, if a message of this size can be put into his hands, and
 * nothing waits for us on @from.  The ports are locked. */
static inline struct thread *
find_receiver(const struct leg *leg)
{
	struct list *waiters = &leg->to->queue.receivers;
	struct thread *receiver;

	if (unlikely(list_empty(waiters)))
		return NULL;
	if (unlikely(mqueue_waiting(&leg->from->queue)))
		return NULL;
	receiver = list_first(waiters, struct thread, wait_link);
	if (unlikely((receiver->receive.option & WAITER_DECLINES) != 0))
		return NULL;
	if (unlikely(receiver->receive.size <
		leg->size + sizeof(mach_msg_trailer_t)))
		return NULL;
	return receiver;
}

static void fast_continue(void);

/* Put the message into the receiver's hands. */
static inline void
hand_over(struct thread *self, const struct leg *leg)
{
	struct thread *receiver = leg->receiver;
	struct receive_state *receive = &receiver->receive;
	struct port *to = leg->to;
	uint32_t *trailer =
	    (uint32_t *)(void *)((uint8_t *)receive->word + leg->size);

	list_remove(&receiver->wait_link);
	receive->port = NULL;
	receive->actual = (uint32_t)(leg->size + sizeof(mach_msg_trailer_t));
	receive->word[0] = leg->bits | leg->size << 32;
	receive->word[1] = leg->reply_name | (uint64_t)to->name << 32;
	receive->word[2] = leg->id;
	for (uint64_t i = 3; i * 8 < leg->size; i++)
		receive->word[i] = self->receive.word[i];
	trailer[0] = MACH_MSG_TRAILER_FORMAT_0;
	trailer[1] = sizeof(mach_msg_trailer_t);
	to->sequence++;
	receiver->cont = fast_continue;
}

/* Wait on @from, which is locked, and let the receiver run. */
static inline noreturn void
wait_and_run(struct thread *self, struct leg *leg)
{
	self->receive.port = leg->from;
	self->receive.pset = NULL;
	list_add_tail(&leg->from->queue.receivers, &self->wait_link);
	self->cpu->counters.handed_off++;
	wait_begin(self, receive_continue, TIMER_NEVER, &leg->from->lock);
	sched_handoff(leg->receiver);
}

/* The receiver runs, in the place of the sender: the message is in its hands. */
static void
fast_continue(void)
{
	struct receive_state *receive = &current_thread()->receive;

	if (unlikely(copyout(receive->buffer, receive->word,
			 receive->actual) != KERN_SUCCESS))
		thread_return_value(MACH_RCV_INVALID_DATA);
	thread_return_value(MACH_MSG_SUCCESS);
}

/*
 * The reply right's name in the receiver's space, which is locked: from the
 * list of free entries, or NULL.
 */
static inline struct entry *
find_free(struct space *space)
{
	if (unlikely(space->free == 0 || space->dead))
		return NULL;
	return space_entry(space, space->free);
}

static inline void
enter_reply_right(struct space *space, struct entry *entry, struct leg *leg)
{
	uint32_t index = space->free;

	free_list_remove(space, index);
	space->count++;
	leg->reply_name = name_make(index, entry->key + 1);
	entry->urefs = 1;
	entry->port = leg->from;
	/* release: who reads the key without the lock then sees the port */
	__atomic_store_n(&entry->key,
	    MACH_PORT_TYPE_SEND_ONCE | (uint8_t)leg->reply_name,
	    __ATOMIC_RELEASE);
}

/* Returns only to decline. */
static inline void
request(struct thread *self, struct leg *leg, uint32_t local)
{
	struct space *space = self->task->space;
	struct space *other;
	struct entry *to, *from, *entry;

	spin_lock(&space->lock);
	to = find(space, leg->remote, MACH_PORT_TYPE_SEND, MACH_PORT_TYPE_SEND);
	from = find(
	    space, local, MACH_PORT_TYPE_RECEIVE, MACH_PORT_TYPE_RECEIVE);
	if (unlikely(to == NULL || from == NULL))
		goto out_space;
	leg->to = to->port;
	leg->from = from->port;
	if (unlikely(leg->to == leg->from))
		goto out_space;
	lock_ports(leg);
	leg->receiver = find_receiver(leg);
	if (unlikely(leg->receiver == NULL))
		goto out_ports;
	other = leg->receiver->task->space;
	if (other != space) {
		spin_unlock(&space->lock);
		space = other;
		if (unlikely(!spin_trylock(&other->lock))) {
			unlock_ports(leg);
			return;
		}
	}
	entry = find_free(space);
	if (unlikely(entry == NULL))
		goto out_ports;
	if (unlikely(!thread_claim(leg->receiver, KERN_SUCCESS)))
		goto out_ports;

	/* ---- committed: nothing below can fail ---- */
	enter_reply_right(space, entry, leg);
	spin_unlock(&space->lock);
	hand_over(self, leg);
	if (leg->receiver->priority < self->priority)
		leg->receiver->priority = self->priority;
	leg->from->send_once_rights++;
	/* The reply right's and ours; the receiver's goes. */
	atomic_fetch_add_explicit(&leg->from->refs, 2, memory_order_relaxed);
	atomic_fetch_sub_explicit(&leg->to->refs, 1, memory_order_relaxed);
	spin_unlock(&leg->to->lock);
	wait_and_run(self, leg);

out_ports:
	unlock_ports(leg);
out_space:
	spin_unlock(&space->lock);
}

/* Returns only to decline. */
static inline void
reply(struct thread *self, struct leg *leg, uint32_t receive_name)
{
	struct space *space = self->task->space;
	struct entry *to, *from;

	spin_lock(&space->lock);
	/* Of a send-once right, one with a request on it declines. */
	to = find(space, leg->remote, MACH_PORT_TYPE_SEND_ONCE, ~0U);
	from = find(space, receive_name, MACH_PORT_TYPE_RECEIVE,
	    MACH_PORT_TYPE_RECEIVE);
	if (unlikely(to == NULL || from == NULL))
		goto out_space;
	leg->to = to->port;
	leg->from = from->port;
	if (unlikely(leg->to == leg->from))
		goto out_space;
	lock_ports(leg);
	leg->receiver = find_receiver(leg);
	if (unlikely(leg->receiver == NULL))
		goto out_ports;
	if (unlikely(name_index(leg->remote) >= space->bound))
		goto out_ports;
	if (unlikely(!thread_claim(leg->receiver, KERN_SUCCESS)))
		goto out_ports;

	/* ---- committed: nothing below can fail ---- */
	to->key = leg->remote & NAME_GENERATION_MASK;
	to->urefs = 0;
	to->port = NULL;
	space->count--;
	free_list_add(space, name_index(leg->remote));
	spin_unlock(&space->lock);
	leg->reply_name = MACH_PORT_NULL;
	hand_over(self, leg);
	leg->to->send_once_rights--;
	/* The right's and the receiver's go; ours comes. */
	atomic_fetch_sub_explicit(&leg->to->refs, 2, memory_order_relaxed);
	atomic_fetch_add_explicit(&leg->from->refs, 1, memory_order_relaxed);
	spin_unlock(&leg->to->lock);
	wait_and_run(self, leg);

out_ports:
	unlock_ports(leg);
out_space:
	spin_unlock(&space->lock);
}

kern_return_t
mach_msg2_trap(uaddr_t buffer, uint64_t option, uint64_t bits_send_size,
    uint64_t remote_local, uint64_t voucher_id, uint64_t descriptors_rcv_name,
    uint64_t rcv_size_priority, uint64_t timeout)
{
	struct thread *self = current_thread();
	uint32_t bits = (uint32_t)bits_send_size;
	uint32_t local = (uint32_t)(remote_local >> 32);
	uint32_t receive_name = (uint32_t)(descriptors_rcv_name >> 32);
	struct leg leg = {
	    .size = bits_send_size >> 32,
	    .id = voucher_id,
	    .remote = (uint32_t)remote_local,
	};

	if (!CONFIG_FAST || unlikely(!ipc_fast_enabled || ktrace_on))
		goto general;
	if (option != (MACH_SEND_MSG | MACH_RCV_MSG))
		goto general;
	/* 24 to 72, in fours; no descriptors; no voucher. */
	if (unlikely(((leg.size - HEADER_SIZE) & ~0x3cUL) != 0 ||
		leg.size > HEADER_SIZE + SMALL_BODY ||
		(uint32_t)descriptors_rcv_name != 0 ||
		(uint32_t)voucher_id != 0))
		goto general;
	if (leg.size > HEADER_SIZE &&
	    copyin(&self->receive.word[3], buffer + HEADER_SIZE,
		leg.size - HEADER_SIZE) != KERN_SUCCESS)
		goto general;
	self->receive.buffer = buffer;
	self->receive.option = option;
	self->receive.size = (uint32_t)rcv_size_priority;
	self->receive.name = receive_name;
	if (bits == REQUEST_BITS && local == receive_name) {
		leg.bits = REQUEST_BITS_RECEIVED;
		request(self, &leg, local);
	} else if (bits == REPLY_BITS && local == MACH_PORT_NULL) {
		leg.bits = REPLY_BITS_RECEIVED;
		reply(self, &leg, receive_name);
	}
general:
	return message_general(buffer, option, bits_send_size, remote_local,
	    voucher_id, descriptors_rcv_name, rcv_size_priority, timeout);
}
