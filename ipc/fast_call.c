/*
 * fast_call.c: calls whose message is in the buffer.
 *
 * What the legs of arch's call.S do, for what does not fit into registers: a
 * longer body, or one send right before it (fast_carry.h).  The receiver is
 * found in the word of its port, the sender waits in another's, and in between
 * the body is copied from buffer to buffer (vm/across.h).  So a long request
 * and its short reply cost little more than two short messages and a copy.
 *
 * A copy takes longer than the legs may look.  So both ports are locked here
 * and both words taken, as port_close() does it: meanwhile the receiver is
 * ours, and whoever wants to end his wait stands at the lock.  Nobody has to
 * be queued for that: if the message is declined the words are put back as
 * they were, and fast_direct.c tries the same from the start.
 *
 * Locks: the sender's space, if a right is looked up in it; the two ports,
 * sorted.
 */
#include "ipc/fast_call.h"

#include "ipc/fast_carry.h"
#include "ipc/fast_direct.h"
#include "ipc/fast_exception.h"
#include "ipc/fast_leg.h"
#include "ipc/message.h"
#include "vm/across.h"

/* A call that goes so, and what has been found out about it. */
struct leg {
	struct thread *self, *receiver;
	uaddr_t buffer;
	uint64_t bits_size, names, id; /* as sent */
	struct port *to, *from;	       /* locked */
	uint64_t to_word, from_word;   /* what was in their words */
};

/* ---- the two words ---- */

always_inline uint64_t
take_word(struct port *port)
{
	/* acquire: pairs with the release of who waits there */
	return atomic_exchange_explicit(
	    &port->word, PORT_GENERAL, memory_order_acquire);
}

always_inline void
take_words(struct leg *leg)
{
	struct port *to = leg->to, *from = leg->from;

	if (to < from) {
		spin_lock(&to->lock);
		spin_lock_second(&from->lock);
	} else {
		spin_lock(&from->lock);
		spin_lock_second(&to->lock);
	}
	leg->to_word = take_word(to);
	leg->from_word = take_word(from);
}

/* It is declined: nobody has seen anything. */
always_inline void
put_back_words(struct leg *leg)
{
	store_release(&leg->to->word, leg->to_word);
	store_release(&leg->from->word, leg->from_word);
	spin_unlock(&leg->to->lock);
	spin_unlock(&leg->from->lock);
}

/* May the sender wait in the word of @from?  It may have been shut since. */
always_inline bool
is_quiet(const struct leg *leg)
{
	if (likely(leg->from_word == leg->self->fast.quiet))
		return true;
	return leg->from_word == PORT_GENERAL &&
	       fast_is_quiet(leg->self, leg->from);
}

/* Why @leg->receiver, out of the word, is not to have it; or SERVED. */
always_inline enum baton_decline
check_receiver(const struct leg *leg)
{
	const struct thread *receiver = leg->receiver;

	if (unlikely(!is_quiet(leg)))
		return BATON_DECLINE_CALL_QUEUE;
	if (unlikely((leg->bits_size >> 32) + TRAILER_SIZE >
		     (uint32_t)receiver->tf.a3))
		return BATON_DECLINE_CALL_ROOM;
	return likely(may_run_here(receiver, leg->self->cpu))
		   ? SERVED
		   : BATON_DECLINE_CALL_HART;
}

/* ---- write ---- */

always_inline struct map *
map_of(const struct thread *thread)
{
	return container_of(thread->fast.pmap, struct map, pmap);
}

/* The whole message, into the receiver's buffer; @bits and @names as it sees
 * them. */
always_inline bool
write_message(const struct leg *leg, const struct carried *carried,
    uint64_t bits, uint64_t names)
{
	struct map *to = map_of(leg->receiver);
	uaddr_t target = leg->receiver->tf.a1;
	uaddr_t source = leg->buffer + HEADER_SIZE;
	uint64_t size = (bits >> 32) - HEADER_SIZE;

	if (carried != NULL)
		return across_words(to, target, source, size, bits, names,
		    leg->id, (const void *)&carried->words);
	return across_body(to, target, source, size, bits, names, leg->id);
}

/* ---- act ---- */

/* The receiver has the message: he runs in the sender's place, who waits in the
 * word of @from as @word. */
always_inline noreturn void
pass(struct leg *leg, uint64_t word)
{
	struct thread *self = leg->self, *receiver = leg->receiver;
	struct port *to = leg->to, *from = leg->from;
	struct cpu *cpu = self->cpu;
	bool abort;

	atomic_fetch_add_explicit(&to->sequence, 1, memory_order_relaxed);
	/* release: pairs with the acquire of the leg that comes next */
	store_release(&to->word, receiver->fast.quiet);
	spin_unlock(&to->lock);
	self->priority = self->base_priority;
	take_place(receiver, cpu);
	abort = park(self, receiver, cpu, from, word);
	spin_unlock(&from->lock);
	if (unlikely(abort))
		sched_wake(self);
	enter_space(receiver, cpu);
	receiver->tf.a0 = MACH_MSG_SUCCESS;
	receiver->tf.a7 = MACH_MSG_IN_BUFFER;
	leave(receiver);
}

/* ---- the request ---- */

/* Do the names still mean what they did? */
always_inline bool
remembered(struct thread *self, uint64_t names, uint64_t receive)
{
	if (likely(
		self->fast.receive == receive && self->fast.to_word == names))
		return true;
	return fast_learn_call(self, names, receive);
}

/* Why it is not served; or SERVED, and the receiver is known. */
always_inline enum baton_decline
check_request(struct leg *leg)
{
	const struct fast_state *fast = &leg->self->fast;

	if (unlikely(!word_is_server(leg->to_word)))
		return BATON_DECLINE_CALL_NOBODY;
	/* Who gives the right up locks the port after that. */
	if (unlikely(fast->to_entry->port != leg->to ||
		     fast->to_entry->key != fast->to_key))
		return BATON_DECLINE_CALL_RIGHT;
	leg->receiver = (struct thread *)leg->to_word;
	return check_receiver(leg);
}

/* Returns only to decline: why. */
always_inline enum baton_decline
request(struct leg *leg, struct carried *carried, uint64_t receive)
{
	struct thread *self = leg->self, *receiver;
	struct space *space = self->fast.space;
	enum baton_decline reason;
	uint64_t names;

	if (unlikely(!remembered(self, leg->names, receive)))
		return self->fast.receive != receive
			   ? BATON_DECLINE_CALL_RECEIVE
			   : BATON_DECLINE_CALL_NAME;
	leg->to = self->fast.to;
	leg->from = self->fast.from;
	if (unlikely(leg->to == leg->from))
		return BATON_DECLINE_CALL_NOBODY;
	if (carried != NULL)
		spin_lock(&space->lock);
	take_words(leg);
	reason = check_request(leg);
	if (unlikely(reason != SERVED))
		goto out;
	receiver = leg->receiver;
	if (carried != NULL && unlikely(!carried_prepare(carried, space,
				   receiver, leg->to, leg->from))) {
		reason = BATON_DECLINE_CALL_CARRIED;
		goto out;
	}
	names = receiver->fast.spare_name | name_it_waits_by(receiver);
	if (unlikely(!write_message(leg, carried,
		leg->bits_size ^ (REQUEST_BITS ^ REQUEST_BITS_RECEIVED),
		names))) {
		reason = BATON_DECLINE_CALL_PAGES;
		goto out_carried;
	}

	/* ---- committed: nothing below can fail ---- */
	if (carried != NULL) {
		carried_commit(carried);
		spin_unlock(&space->lock);
	}
	/* Neither counted nor with a reference, while we wait in the word. */
	(void)fill_spare(receiver, leg->from);
	if (receiver->priority < self->priority)
		receiver->priority = self->priority;
	pass(leg, word_client(self));

out_carried:
	if (carried != NULL)
		carried_abandon(carried);
out:
	put_back_words(leg);
	if (carried != NULL)
		spin_unlock(&space->lock);
	return reason;
}

static never_inline enum baton_decline
request_carrying(uaddr_t buffer, uint64_t bits_size, uint64_t names,
    uint64_t voucher_id, uint64_t receive)
{
	struct carried carried;
	struct leg leg = {
	    .self = current_thread(),
	    .buffer = buffer,
	    .bits_size = bits_size,
	    .names = names,
	    .id = voucher_id,
	};

	if (!carried_read(&carried, buffer + HEADER_SIZE,
		(bits_size >> 32) - HEADER_SIZE))
		return BATON_DECLINE_CALL_CARRIED;
	return request(&leg, &carried, receive);
}

/* ---- the reply ---- */

/* The right is used up; its client waits in the word, so that nobody counts
 * it.  Unlocks the space. */
always_inline void
use_right(struct thread *self, struct entry *entry)
{
	entry->port = NULL;
	empty_spare(&self->fast);
	spin_unlock(&self->fast.space->lock);
}

/* Why it is not served; or SERVED, and the receiver is known. */
always_inline enum baton_decline
check_reply(struct leg *leg)
{
	if (unlikely(!word_is_client(leg->to_word)))
		return BATON_DECLINE_CALL_NOBODY;
	leg->receiver = (struct thread *)-leg->to_word;
	return check_receiver(leg);
}

always_inline enum baton_decline
reply(struct leg *leg, uint64_t receive)
{
	struct thread *self = leg->self;
	struct space *space = self->fast.space;
	struct entry *entry = self->fast.spare;
	enum baton_decline reason = BATON_DECLINE_CALL_RIGHT;
	uint64_t word;

	if (unlikely(self->fast.receive != receive))
		return BATON_DECLINE_CALL_RECEIVE;
	if (unlikely(leg->names != self->fast.spare_name))
		return BATON_DECLINE_CALL_REPLY;
	spin_lock(&space->lock);
	/* All of the key: a right with a request on it declines. */
	if (unlikely(entry->key != self->fast.spare_key))
		goto out;
	leg->to = entry->port;
	leg->from = self->fast.from;
	if (unlikely(leg->to == leg->from))
		goto out;
	reason = BATON_DECLINE_CALL_NOBODY;
	/* A hint, to lose no time. */
	word = atomic_load_explicit(&leg->to->word, memory_order_relaxed);
	if (unlikely(!word_is_client(word))) {
		if (!word_is_asker(word))
			goto out;
		fast_exception_answer_state(
		    self, leg->buffer, leg->bits_size >> 32, leg->id);
		return reason;
	}
	take_words(leg);
	reason = check_reply(leg);
	if (likely(reason == SERVED) &&
	    unlikely(!write_message(leg, NULL,
		leg->bits_size ^ (REPLY_BITS ^ REPLY_BITS_RECEIVED),
		name_it_waits_by(leg->receiver))))
		reason = BATON_DECLINE_CALL_PAGES;
	if (unlikely(reason != SERVED)) {
		put_back_words(leg);
		goto out;
	}

	/* ---- committed: nothing below can fail ---- */
	use_right(self, entry);
	pass(leg, word_server(self));

out:
	spin_unlock(&space->lock);
	return reason;
}

/* ---- */

always_inline bool
is_served(uint64_t bits_size, uint64_t voucher_id)
{
	uint64_t size = bits_size >> 32;

	return (uint32_t)voucher_id == MACH_PORT_NULL && (size & 3) == 0 &&
	       size - HEADER_SIZE <= DIRECT_BODY_MAX;
}

/* Nothing here is for it, whose header says so. */
static never_inline enum baton_decline
not_served(uint64_t bits_size, uint64_t voucher_id)
{
	if ((uint32_t)voucher_id != MACH_PORT_NULL)
		return BATON_DECLINE_CALL_VOUCHER;
	return is_served(bits_size, voucher_id) ? BATON_DECLINE_CALL_KIND
						: BATON_DECLINE_CALL_SIZE;
}

uint64_t
fast_call_buffer(uint64_t t0, uaddr_t buffer, uint64_t unused, uint64_t room,
    uint64_t receive, uint64_t names, uint64_t voucher_id)
{
	struct thread *self = current_thread();
	uint64_t bits_size = call_bits_size(t0);
	uint32_t bits = (uint32_t)bits_size;
	enum baton_decline reason;
	struct leg leg = {
	    .self = self,
	    .buffer = buffer,
	    .bits_size = bits_size,
	    .names = names,
	    .id = voucher_id,
	};

	(void)unused;
	(void)room; /* is in the trapframe */
	if (unlikely(!is_served(bits_size, voucher_id)))
		reason = not_served(bits_size, voucher_id);
	else if (likely(bits == REQUEST_BITS))
		reason = request(&leg, NULL, receive);
	else if (bits == REPLY_BITS)
		reason = reply(&leg, receive);
	else if (bits == (REQUEST_BITS | MACH_MSGH_BITS_COMPLEX))
		reason = request_carrying(
		    buffer, bits_size, names, voucher_id, receive);
	else
		reason = BATON_DECLINE_CALL_KIND;
	decline(self->cpu, reason);
	self->tf.t0 = t0;
	self->tf.a4 = receive;
	self->tf.a5 = names;
	self->tf.a6 = voucher_id;
	self->tf.a7 = MACH_MSG_IN_BUFFER;
	return fast_direct_buffer();
}
