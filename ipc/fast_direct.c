/*
 * fast_direct.c: a message of any size from buffer to buffer, without a kmsg.
 * Long because each way to decline is told and counted where it is found.
 *
 * Who waits for a message has a buffer for it.  If the pages of both buffers
 * are there, the body is copied once (vm/across.h), header and trailer are
 * written around it, and the receiver has but to return: so it does not matter
 * where he waits, on a port or a set, until when, and what trailer he wants,
 * nor whether the sender receives next, or where.  Served are, with at most
 * DIRECT_BODY_MAX bytes and nothing but a body, or one send right before it
 * (fast_carry.h),
 *
 *	request  COPY_SEND, with a MAKE_SEND_ONCE reply right or none
 *	reply	 MOVE_SEND_ONCE
 *
 * The shape is that of fast.c's legs: all is looked at, all is written, the
 * receiver is claimed; then come acts, none of which can fail.  Declining
 * leaves no trace but perhaps bytes in the buffer of one who still waits, and
 * message.c does the same from the start.
 *
 * Locks: the sender's space, the two ports, sorted, and the set that the
 * receiver waits on, all until the receiver is claimed: so he is not past his
 * wait, whoever ends it, and nobody uses his buffer.
 */
#include "ipc/fast_direct.h"

#include "ipc/copy.h"
#include "ipc/fast_carry.h"
#include "ipc/fast_exception.h"
#include "ipc/fast_leg.h"
#include "ipc/message.h"
#include "ipc/pset.h"
#include "kernel/string.h"
#include "vm/across.h"

#define ONE_WAY_BITS MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0)

/* What a sender may ask for besides, without a second look. */
#define PLAIN_OPTIONS                                                          \
	(MACH_SEND_MSG | MACH_RCV_MSG | MACH_SEND_TIMEOUT |                    \
	    MACH_SEND_INTERRUPT | MACH_RCV_TIMEOUT | MACH_RCV_INTERRUPT |      \
	    MACH_RCV_LARGE | MACH_RCV_LARGE_IDENTITY)

/* A message that goes so, and what has been found out about it. */
struct direct {
	struct thread *self;
	struct space *space; /* the sender's; locked */
	uint64_t size;
	uint32_t bits;
	int32_t id;
	mach_port_name_t remote, local;
	const void *body;    /* NULL: behind the header in the buffer */
	struct entry *right; /* what it is sent with */
	struct port *to;     /* locked */
	struct port *from;   /* locked: where the reply is to go, or else where
			      * the sender receives next; NULL: not known */
	struct pset *set;    /* the same, if it is a set */
	struct pset *pset;   /* locked: what the receiver waits on; NULL: @to */
	struct thread *receiver;
	struct carried *carried; /* NULL: nothing */
};

/* Is it one of those?  Counted if not. */
always_inline bool
is_served(const struct direct *direct)
{
	if (unlikely(direct->size < HEADER_SIZE || (direct->size & 3) != 0 ||
		     direct->size > HEADER_SIZE + DIRECT_BODY_MAX)) {
		decline(direct->self->cpu, BATON_DECLINE_OTHER_SIZE);
		return false;
	}
	if (direct->bits == REQUEST_BITS ||
	    ((direct->bits == REPLY_BITS || direct->bits == ONE_WAY_BITS) &&
		direct->local == MACH_PORT_NULL))
		return true;
	decline(direct->self->cpu, BATON_DECLINE_OTHER_KIND);
	return false;
}

/* ---- look ---- */

/* The entry of @name, if it has the right @type; NULL. */
always_inline struct entry *
find(struct space *space, mach_port_name_t name, uint32_t type)
{
	struct entry *entry = space_lookup(space, name);

	return likely(entry != NULL && (entry->key & type) != 0) ? entry : NULL;
}

/* Where the message goes; NULL: not with that right.  One with a request on it
 * is not used up so. */
always_inline struct port *
find_to(struct direct *direct)
{
	uint32_t type = MACH_PORT_TYPE_SEND;

	if (direct->bits == REPLY_BITS)
		type = MACH_PORT_TYPE_SEND_ONCE;
	direct->right = find(direct->space, direct->remote, type);
	if (unlikely(direct->right == NULL ||
		     (direct->bits == REPLY_BITS &&
			 (direct->right->key & MACH_PORT_TYPE_DNREQUEST)))) {
		decline(direct->self->cpu, BATON_DECLINE_DIRECT_RIGHT);
		return NULL;
	}
	/* The kernel's own port: a hint, to lose no time. */
	if (unlikely(direct->right->port->state == PORT_IN_KERNEL)) {
		decline(direct->self->cpu, BATON_DECLINE_DIRECT_KERNEL);
		return NULL;
	}
	return direct->right->port;
}

/* The set that the sender receives from next; NULL: none. */
static never_inline struct pset *
find_set(struct space *space, mach_port_name_t name)
{
	struct entry *entry = find(space, name, MACH_PORT_TYPE_PORT_SET);

	return entry != NULL ? entry->pset : NULL;
}

/* Both ports, locked.  False: there is none, or @to is locked alone. */
always_inline bool
find_ports(struct direct *direct)
{
	const struct receive_state *receive = &direct->self->receive;
	mach_port_name_t name = direct->local;
	struct entry *entry = NULL;

	direct->to = find_to(direct);
	if (unlikely(direct->to == NULL))
		return false;
	if (direct->bits != REQUEST_BITS && (receive->option & MACH_RCV_MSG))
		name = receive->name;
	direct->set = NULL;
	if (likely(name != MACH_PORT_NULL))
		entry = find(direct->space, name, MACH_PORT_TYPE_RECEIVE);
	if (unlikely(entry == NULL)) {
		direct->set = find_set(direct->space, name);
		direct->from = NULL;
		port_lock(direct->to);
		if (likely(direct->bits != REQUEST_BITS))
			return true;
		decline(direct->self->cpu, BATON_DECLINE_DIRECT_RECEIVE);
		return false;
	}
	if (unlikely(entry->port == direct->to)) {
		decline(direct->self->cpu, BATON_DECLINE_DIRECT_SELF);
		direct->to = NULL;
		return false;
	}
	direct->from = entry->port;
	lock_ports(direct->to, direct->from);
	return true;
}

always_inline void
unlock_ports(struct direct *direct)
{
	if (direct->from != NULL)
		spin_unlock(&direct->from->lock);
	spin_unlock(&direct->to->lock);
}

/* The first of @waiters, if there is one and he has room for the message. */
always_inline struct thread *
first_with_room(const struct direct *direct, struct list *waiters)
{
	struct thread *thread;
	const struct receive_state *receive;

	if (list_empty(waiters))
		return NULL;
	thread = list_first(waiters, struct thread, wait_link);
	receive = &thread->receive;
	if (unlikely(
		direct->size + trailer_size(receive->option) > receive->size))
		return NULL;
	return thread;
}

/* The same among those who wait on the first set of those that @to is in which
 * somebody waits on; that is locked. */
always_inline struct thread *
first_in_sets(struct direct *direct)
{
	struct list *at;

	/* Who waits on a set while there are messages is about to look. */
	if (mqueue_waiting(&direct->to->queue))
		return NULL;
	list_for_each (at, &direct->to->sets) {
		struct pset *pset =
		    container_of(at, struct pset_link, port_link)->pset;
		struct thread *thread;

		pset_lock(pset);
		thread = first_with_room(direct, &pset->receivers);
		if (thread != NULL || !list_empty(&pset->receivers)) {
			direct->pset = pset;
			return thread;
		}
		spin_unlock(&pset->lock);
	}
	return NULL;
}

always_inline bool
find_receiver(struct direct *direct)
{
	struct list *waiters = &direct->to->queue.receivers;

	direct->pset = NULL;
	direct->receiver = likely(!list_empty(waiters))
			       ? first_with_room(direct, waiters)
			       : first_in_sets(direct);
	if (likely(direct->receiver != NULL))
		return true;
	decline(direct->self->cpu, list_empty(waiters)
				       ? BATON_DECLINE_DIRECT_NOBODY
				       : BATON_DECLINE_DIRECT_ROOM);
	return false;
}

/* There is a name for a reply right: the receiver's spare one. */
always_inline bool
has_name(const struct direct *direct)
{
	struct thread *receiver = direct->receiver;

	if (direct->bits != REQUEST_BITS ||
	    likely(spare_ready(&receiver->fast)))
		return true;
	if (likely(receiver->fast.space == direct->space
		       ? fast_take_spare_locked(receiver)
		       : fast_take_spare(receiver)))
		return true;
	decline(direct->self->cpu, BATON_DECLINE_DIRECT_SPARE);
	return false;
}

/* ---- write ---- */

/* The header as its receiver sees it. */
always_inline void
fill_header(const struct direct *direct, struct across *across)
{
	uint64_t bits = MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND);
	uint64_t reply = MACH_PORT_NULL;

	if (direct->bits == REPLY_BITS) {
		bits = MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE);
	} else if (direct->bits == REQUEST_BITS) {
		bits = MACH_MSGH_BITS(
		    MACH_MSG_TYPE_PORT_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND);
		reply = direct->receiver->fast.spare_name;
	}
	across->head_size = HEADER_SIZE;
	if (unlikely(direct->carried != NULL)) {
		const uint64_t *words = (const void *)&direct->carried->words;

		bits |= MACH_MSGH_BITS_COMPLEX;
		across->head[3] = words[0];
		across->head[4] = words[1];
		across->head_size += sizeof(direct->carried->words);
	}
	across->head[0] = bits | direct->size << 32;
	across->head[1] = reply | (uint64_t)direct->to->name << 32;
	across->head[2] = (uint64_t)(uint32_t)direct->id << 32;
	across->source = direct->self->receive.buffer + across->head_size;
	across->size = direct->size - across->head_size;
}

/* A trailer with more than its type and size. */
static never_inline void
fill_trailer(const struct direct *direct, mach_msg_max_trailer_t *trailer)
{
	message_trailer(direct->receiver->receive.option, direct->to->sequence,
	    direct->to->context, direct->space->task_id, trailer);
}

/* A body that came in registers, and a trailer. */
struct body_and_trailer {
	uint8_t byte[CALL_BODY + sizeof(mach_msg_max_trailer_t)];
};

/* The kernel has the body: it goes with the trailer. */
static never_inline void
join(struct body_and_trailer *joined, const void *body, struct across *across)
{
	memcpy(joined->byte, body, across->size);
	memcpy(joined->byte + across->size, across->tail, across->tail_size);
	across->tail = joined;
	across->tail_size += across->size;
	across->size = 0;
}

/* The whole message, into the receiver's buffer. */
always_inline bool
write_message(const struct direct *direct)
{
	static const mach_msg_trailer_t shortest = {
	    .msgh_trailer_type = MACH_MSG_TRAILER_FORMAT_0,
	    .msgh_trailer_size = TRAILER_SIZE,
	};
	const struct receive_state *receive = &direct->receiver->receive;
	mach_msg_max_trailer_t trailer;
	struct body_and_trailer joined;
	struct across across = {
	    .from = direct->self->task->map,
	    .to = direct->receiver->task->map,
	    .target = receive->buffer,
	    .tail = &shortest,
	    .tail_size = TRAILER_SIZE,
	};

	fill_header(direct, &across);
	if (unlikely(
		trailer_elements(receive->option) != MACH_RCV_TRAILER_NULL)) {
		struct direct copy = *direct; /* it is in registers */

		fill_trailer(&copy, &trailer);
		across.tail = &trailer;
		across.tail_size = trailer_size(receive->option);
	}
	if (direct->body != NULL)
		join(&joined, direct->body, &across);
	return across_copy(&across);
}

/* ---- act ---- */

/* The receiver, who is ours, has the message, and is in no queue any more. */
always_inline void
take(struct direct *direct)
{
	struct thread *receiver = direct->receiver, *self = direct->self;
	struct list *link = &receiver->wait_link;

	/* What his link says means nothing until he is queued again. */
	link->prev->next = link->next;
	link->next->prev = link->prev;
	atomic_fetch_add_explicit(
	    &direct->to->sequence, 1, memory_order_relaxed);
	/* Who serves a call runs at the caller's priority or more. */
	if (direct->bits != REPLY_BITS &&
	    (self->receive.option & MACH_RCV_MSG) &&
	    receiver->priority < self->priority)
		receiver->priority = self->priority;
	if (unlikely(direct->pset != NULL)) {
		spin_unlock(&direct->pset->lock);
		if (receiver->receive.option & RECEIVE_CALL)
			fast_open_member(direct->to, direct->pset);
	}
}

/* The rights of the header.  Unlocks the space. */
always_inline void
move_rights(struct direct *direct)
{
	struct reply_right right = {
	    .name = direct->remote,
	    .spare = direct->remote == direct->self->fast.spare_name,
	    .entry = direct->right,
	    .to = direct->to,
	};

	if (direct->bits == REPLY_BITS) {
		use_reply_right(direct->self, &right);
		return;
	}
	/* One that was copied is given up as soon as it is made. */
	if (direct->bits == REQUEST_BITS) {
		(void)fill_spare(direct->receiver, direct->from);
		direct->from->send_once_rights++;
		port_get(direct->from); /* the reply right's */
	}
	spin_unlock(&direct->space->lock);
}

/* May the two change places, and no more be thought about it? */
always_inline bool
may_change_places(const struct direct *direct)
{
	const struct receive_state *receive = &direct->self->receive;

	return (receive->option & (MACH_RCV_MSG | MACH_RCV_TIMEOUT)) ==
		   MACH_RCV_MSG &&
	       !(direct->receiver->receive.option & MACH_RCV_TIMEOUT) &&
	       may_run_here(direct->receiver, direct->self->cpu);
}

/* The sender's next wait would be on @from: is there nothing for him yet? */
always_inline bool
has_to_wait(const struct direct *direct)
{
	return direct->from->name == direct->self->receive.name &&
	       mqueue_idle(&direct->from->queue);
}

/* The same of @set, which is locked if so, and has a reference more. */
always_inline bool
has_to_wait_on_set(struct direct *direct)
{
	struct pset *set = direct->set;

	if (set == NULL)
		return false;
	pset_lock(set);
	if (list_empty(&set->ready) && !set->dead) {
		pset_get(set);
		return true;
	}
	spin_unlock(&set->lock);
	return false;
}

/* The receiver's wait is over.  Unlocks @to. */
always_inline void
end_wait(struct direct *direct)
{
	struct thread *receiver = direct->receiver;
	struct receive_state *receive = &receiver->receive;
	struct pset *pset = receive->pset;

	if (unlikely(pset == NULL && receiver->fast.from != direct->to))
		fast_adopt(receiver, direct->to);
	receive->pset = NULL;
	receive->port = NULL;
	spin_unlock(&direct->to->lock);
	if (unlikely(pset != NULL))
		pset_put(pset);
}

/* In the word of @set, which is locked and is unlocked, if the sender can: with
 * the reference that has_to_wait_on_set() took less. */
always_inline bool
wait_in_set(struct thread *self, struct thread *receiver, struct pset *set)
{
	struct cpu *cpu = self->cpu;
	bool abort = false;

	/* A client of the kind that calls in registers. */
	if ((receiver->receive.option & RECEIVE_CALL) == 0 ||
	    !fast_may_park_in_set(self, set))
		return false;
	pset_put(set); /* never the last: fast.set has one */
	self->fast.receive = name_in_register(self->fast.from_name);
	self->fast.spare_key &= ~ENTRY_KEPT; /* who waits in a word has one */
	self->cont = receive_continue;
	self->priority = self->base_priority;
	take_place(receiver, cpu);
	if (unlikely(
		!park_in(self, receiver, cpu, &set->word, word_server(self)))) {
		pset_close(set);
		abort = thread_claim(self, KERN_ABORTED);
	}
	spin_unlock(&set->lock);
	if (unlikely(abort))
		sched_wake(self);
	enter_space(receiver, cpu);
	return true;
}

/* The sender waits on @from, or on @set, which is unlocked, and the receiver
 * runs. */
always_inline noreturn void
run_receiver(struct direct *direct)
{
	struct thread *self = direct->self, *receiver = direct->receiver;
	struct receive_state *receive = &self->receive;
	struct port *from = direct->from;
	struct list *waiters;
	struct spinlock *lock;

	if (from == NULL && wait_in_set(self, receiver, direct->set))
		goto run;
	self->fast.room = (receive->option & FAST_DECLINES) == 0
			      ? fast_room(receive->size)
			      : INT32_MIN;
	receive->pset = from == NULL ? direct->set : NULL;
	receive->port = from;
	if (likely(from != NULL)) {
		if (unlikely(self->fast.from != from))
			port_get(from);
		waiters = &from->queue.receivers;
		lock = &from->lock;
	} else {
		waiters = &direct->set->receivers;
		lock = &direct->set->lock;
	}
	wait_in_turn(self, receiver, self->cpu, waiters, lock);
run:
	receiver->tf.a0 = MACH_MSG_SUCCESS;
	leave(receiver);
}

/* The receiver has been claimed.  Who else is to be woken, or run. */
always_inline struct thread *
commit(struct direct *direct)
{
	bool run = may_change_places(direct);

	take(direct);
	if (run)
		run = likely(direct->from != NULL) ? has_to_wait(direct)
						   : has_to_wait_on_set(direct);
	if (unlikely(direct->carried != NULL))
		carried_commit(direct->carried);
	move_rights(direct);
	if (unlikely(!run)) {
		direct->receiver->receive.kmsg = NULL; /* it is written */
		unlock_ports(direct);
		return direct->receiver;
	}
	end_wait(direct);
	run_receiver(direct);
}

/* What goes with the body. */
always_inline bool
has_carried(const struct direct *direct)
{
	if (likely(direct->carried == NULL) ||
	    likely(carried_prepare(direct->carried, direct->space,
		direct->receiver, direct->to, direct->from)))
		return true;
	decline(direct->self->cpu, BATON_DECLINE_DIRECT_CARRIED);
	return false;
}

/* NULL: it was declined.  A receiver: he has the message, and is claimed, and
 * the rest of the call is to be done. */
always_inline struct thread *
try_direct(struct direct *direct)
{
	spin_lock(&direct->space->lock);
	direct->from = NULL;
	if (unlikely(!find_ports(direct)))
		goto out;
	if (unlikely(!find_receiver(direct) || !has_name(direct) ||
		     !has_carried(direct)))
		goto out_set;
	if (unlikely(!write_message(direct)))
		decline(direct->self->cpu, BATON_DECLINE_DIRECT_PAGES);
	else if (likely(thread_claim(direct->receiver, KERN_SUCCESS)))
		return commit(direct);
	else
		decline(direct->self->cpu, BATON_DECLINE_DIRECT_BUSY);
	if (direct->carried != NULL)
		carried_abandon(direct->carried);
out_set:
	if (direct->pset != NULL)
		spin_unlock(&direct->pset->lock);
out:
	if (direct->to != NULL)
		unlock_ports(direct);
	spin_unlock(&direct->space->lock);
	return NULL;
}

/* The same of a message with a right in it. */
static never_inline struct thread *
try_carrying(uaddr_t buffer, uint64_t size, uint32_t bits,
    uint64_t remote_local, uint64_t voucher_id)
{
	struct thread *self = current_thread();
	struct carried carried;
	struct direct direct = {
	    .self = self,
	    .space = self->fast.space,
	    .size = size,
	    .bits = bits,
	    .id = (int32_t)(voucher_id >> 32),
	    .remote = (mach_port_name_t)remote_local,
	    .local = (mach_port_name_t)(remote_local >> 32),
	    .carried = &carried,
	};

	if (!is_served(&direct))
		return NULL;
	if (!carried_read(&carried, buffer + HEADER_SIZE, size - HEADER_SIZE)) {
		decline(self->cpu, BATON_DECLINE_OTHER_DESCRIPTORS);
		return NULL;
	}
	return try_direct(&direct);
}

always_inline struct thread *
try_plain(
    uint64_t size, uint32_t bits, uint64_t remote_local, uint64_t voucher_id)
{
	struct thread *self = current_thread();
	struct direct direct = {
	    .self = self,
	    .space = self->fast.space,
	    .size = size,
	    .bits = bits,
	    .id = (int32_t)(voucher_id >> 32),
	    .remote = (mach_port_name_t)remote_local,
	    .local = (mach_port_name_t)(remote_local >> 32),
	};

	return is_served(&direct) ? try_direct(&direct) : NULL;
}

always_inline struct thread *
try_any(uaddr_t buffer, uint64_t size, uint32_t bits, uint64_t remote_local,
    uint64_t voucher_id)
{
	if (bits & MACH_MSGH_BITS_COMPLEX)
		return try_carrying(buffer, size,
		    bits & ~MACH_MSGH_BITS_COMPLEX, remote_local, voucher_id);
	return try_plain(size, bits, remote_local, voucher_id);
}

kern_return_t
fast_direct(uaddr_t buffer, uint64_t option, uint64_t bits_send_size,
    uint64_t remote_local, uint64_t voucher_id, uint64_t descriptors_rcv_name,
    uint64_t rcv_size_priority, uint64_t timeout)
{
	struct thread *self = current_thread(), *receiver;
	struct receive_state *receive = &self->receive;
	uint64_t size = bits_send_size >> 32;
	uint32_t bits = (uint32_t)bits_send_size;

	if ((option & MACH_SEND_MSG) == 0)
		goto general;
	if ((option & ~(uint64_t)PLAIN_OPTIONS) != 0) {
		decline(self->cpu, BATON_DECLINE_OTHER_OPTIONS);
		goto general;
	}
	if ((uint32_t)voucher_id != MACH_PORT_NULL) {
		decline(self->cpu, BATON_DECLINE_OTHER_VOUCHER);
		goto general;
	}
	receive->buffer = buffer;
	receive->option = option;
	receive->size = (uint32_t)rcv_size_priority;
	receive->name = (mach_port_name_t)(descriptors_rcv_name >> 32);
	receiver = try_any(buffer, size, bits, remote_local, voucher_id);
	if (receiver != NULL) {
		receive->timeout = (uint32_t)timeout;
		receive->deadline = 0;
		return message_sent(self, receiver);
	}
general:
	return message_general(buffer, option, bits_send_size, remote_local,
	    voucher_id, descriptors_rcv_name, rcv_size_priority, timeout);
}

kern_return_t
fast_direct_call(const uint64_t *body)
{
	struct thread *self = current_thread(), *receiver;
	const struct trapframe *tf = &self->tf;
	uint64_t bits_size = call_bits_size(tf->t0);
	struct direct direct = {
	    .self = self,
	    .space = self->fast.space,
	    .size = bits_size >> 32,
	    .bits = (uint32_t)bits_size,
	    .id = (int32_t)(tf->a6 >> 32),
	    .remote = (mach_port_name_t)tf->a5,
	    .local = (mach_port_name_t)(tf->a5 >> 32),
	    .body = body,
	};

	if (unlikely((uint32_t)tf->a6 != MACH_PORT_NULL)) {
		decline(self->cpu, BATON_DECLINE_OTHER_VOUCHER);
		return message_call_general(body);
	}
	if (!is_served(&direct))
		return message_call_general(body);
	self->receive.timeout = 0;
	self->receive.deadline = 0;
	receiver = try_direct(&direct);
	if (receiver == NULL)
		return message_call_general(body);
	return message_sent(self, receiver);
}

kern_return_t
fast_direct_buffer(void)
{
	struct thread *self = current_thread(), *receiver;
	struct receive_state *receive = &self->receive;
	const struct trapframe *tf = &self->tf;
	uint64_t bits_size = call_bits_size(tf->t0);

	if (!CONFIG_FAST || !ipc_fast_enabled)
		return message_call_general(NULL);
	if ((uint32_t)tf->a6 != MACH_PORT_NULL) {
		decline(self->cpu, BATON_DECLINE_OTHER_VOUCHER);
		return message_call_general(NULL);
	}
	receive->buffer = tf->a1;
	receive->option = RECEIVE_CALL | MACH_SEND_MSG | MACH_RCV_MSG;
	receive->size = (uint32_t)tf->a3;
	receive->name = (mach_port_name_t)tf->a4;
	if ((uint32_t)bits_size == REPLY_BITS &&
	    tf->a5 >> 32 == MACH_PORT_NULL) {
		self->fast.room = fast_room(receive->size);
		fast_exception_state(self, bits_size >> 32,
		    (int32_t)(tf->a6 >> 32), (mach_port_name_t)tf->a5);
	}
	receiver = try_any(
	    tf->a1, bits_size >> 32, (uint32_t)bits_size, tf->a5, tf->a6);
	if (receiver == NULL)
		return message_call_general(NULL);
	receive->timeout = 0;
	receive->deadline = 0;
	return message_sent(self, receiver);
}
