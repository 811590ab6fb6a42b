/*
 * ipc/fast_message.h: the two legs of fast.c, for it and fast_memory.c alone.
 *
 * Both are built for a caller that keeps no registers.
 */
#pragma once
#include <arch/layout.h>
#include <arch/usercopy.h>
#include <mach/mig_errors.h>

#include "ipc/fast_exception.h"
#include "ipc/fast_leg.h"
#include "ipc/fast_memory.h"
#include "ipc/message.h"
#include "kernel/thread.h"
#include "vm/memory_wait.h"

/* Most bytes of a body that struct thread has room for. */
#define SMALL_BODY 48
/* A header as the receiver sees it, in user memory's order. */
struct header_words {
	uint64_t bits_size;
	uint64_t remote_local;
	uint64_t voucher_id; /* the voucher is 0 */
};

/* A body on its way, with room around it for header and trailer. */
struct small_message {
	uint64_t word[(sizeof(mach_msg_header_t) + SMALL_BODY +
			  sizeof(mach_msg_trailer_t)) /
		      sizeof(uint64_t)];
};

/* The trailer that is all type and size, as one word. */
#define TRAILER_WORD (MACH_MSG_TRAILER_FORMAT_0 | (uint64_t)TRAILER_SIZE << 32)

/* Copy the whole message to @buffer, whatever its size and alignment. */
kern_return_t fast_copyout(uaddr_t buffer, struct header_words header,
    struct small_message *message, uint64_t size);
/* The same could not be written, because of @kr: it is lost, unless the page is
 * only yet to come. */
uint64_t fast_not_written(kern_return_t kr, struct header_words header,
    struct small_message *message, uint64_t size);
/* A body of up to SMALL_BODY bytes, in fours; false: of another kind. */
bool fast_copyin(struct small_message *message, uaddr_t buffer, uint64_t size);

/* A message that is one descriptor; see copyout_descriptor_return(). */
#define DESCRIPTOR_SIZE (HEADER_SIZE + 20)

/*
 * The receiver, current now, gets its message and returns to user mode.
 * @memory: it has a descriptor.
 */
always_inline noreturn void
finish(uaddr_t buffer, struct header_words header,
    struct small_message *message, uint64_t size, bool memory)
{
	const uint64_t *word = message->word;
	uint64_t usual = memory ? DESCRIPTOR_SIZE : HEADER_SIZE;
	bool is_usual =
	    ((size ^ usual) | (buffer & 7) | buffer / USER_END) == 0;
	kern_return_t kr;

	/* A bare header, or one descriptor, to a place that is aligned and the
	 * user's: what runs over the end of the user's half faults. */
	if (likely(is_usual) && memory)
		kr = copyout_descriptor_return(buffer, header.bits_size,
		    header.remote_local, header.voucher_id, word[3], word[4],
		    (uint32_t)word[5] | TRAILER_WORD << 32, TRAILER_WORD >> 32);
	else if (likely(is_usual))
		kr = copyout_words_return(buffer, header.bits_size,
		    header.remote_local, header.voucher_id, TRAILER_WORD);
	else
		kr = fast_copyout(buffer, header, message, size);
	/* It has to be kept, if that is what can be waited for. */
	if (memory && kr == KERN_MEMORY_WAIT) {
		memory_wait_forget();
		kr = fast_copyout(buffer, header, message, size);
	}
	thread_return_value(
	    (uint64_t)(kr == KERN_SUCCESS ? MACH_MSG_SUCCESS
					  : MACH_RCV_INVALID_DATA));
}

/* ---- what is known from last time ---- */

/* Does the remembered name still mean a send right to @port, by the entry that
 * it had?  No lock is held: the port's lock decides later whether any send
 * right was left. */
always_inline bool
still_names(const struct fast_state *fast, const struct port *port)
{
	const struct entry *entry = fast->to_entry;

	if (unlikely(*(const volatile uint32_t *)&entry->key != fast->to_key))
		return false;
	/* acquire: pairs with the release before the key was stored */
	atomic_thread_fence(memory_order_acquire);
	return *(struct port *const volatile *)&entry->port == port;
}

/*
 * ---- the two legs; each returns only to decline ----
 *
 * @passage: memory goes with the message; NULL: it has a body at most.
 */

/* Have @receiver, whose map takes the memory, if there is any.  While the lock
 * of the port that he waits on is held, his task has a map. */
always_inline bool
claim(struct thread *receiver, struct passage *passage, struct cpu *cpu)
{
	if (passage != NULL &&
	    !passage_prepare(
		passage, container_of(receiver->fast.pmap, struct map, pmap))) {
		decline(cpu, BATON_DECLINE_MEMORY_MAP);
		return false;
	}
	if (likely(thread_claim(receiver, KERN_SUCCESS)))
		return true;
	decline(cpu, BATON_DECLINE_LEG_BUSY);
	if (passage != NULL)
		passage_abandon(passage);
	return false;
}

/* Long because it is tests, each of which says why it declines, then acts. */
always_inline void
request(struct thread *self, struct small_message *message,
    struct passage *passage, uint64_t bits_size, uint64_t id,
    mach_port_name_t remote, mach_port_name_t local)
{
	uint64_t size = bits_size >> 32;
	struct cpu *cpu = self->cpu;
	struct port *to, *from;
	struct thread *receiver;
	struct header_words header;
	mach_port_name_t name;

	if (unlikely(self->fast.to_name != remote) &&
	    !fast_learn_to(self, remote)) {
		decline(cpu, BATON_DECLINE_LEG_NAME);
		return;
	}
	to = self->fast.to;
	from = self->fast.from;
	if (unlikely(!still_names(&self->fast, to)))
		goto out_forget;
	if (unlikely(to == from)) {
		decline(cpu, BATON_DECLINE_LEG_SELF);
		return;
	}
	lock_ports(to, from);
	if (unlikely(from->name != local || from->receiver != self->fast.space))
		goto out_other;
	if (unlikely(to->send_rights == 0)) {
		decline(cpu, BATON_DECLINE_LEG_CHANGED);
		goto out;
	}
	receiver = first_receiver(to, from, size, cpu);
	if (unlikely(receiver == NULL)) {
		decline(cpu, no_receiver(to, from, size));
		goto out;
	}
	if (unlikely(!spare_ready(&receiver->fast)) &&
	    !fast_take_spare(receiver)) {
		decline(cpu, BATON_DECLINE_LEG_SPARE);
		goto out;
	}
	if (unlikely(!claim(receiver, passage, cpu)))
		goto out;

	/* ---- committed: nothing below can fail ---- */
	if (passage != NULL)
		fast_tell_memory(message, passage);
	name = fill_spare(receiver, from);
	from->send_once_rights++;
	port_get(from); /* the reply right's */
	if (receiver->priority < self->priority)
		receiver->priority = self->priority;
	header = (struct header_words){
	    bits_size ^ (REQUEST_BITS ^ REQUEST_BITS_RECEIVED),
	    name | (uint64_t)to->name << 32, id};
	take_receiver(to, receiver);
	spin_unlock(&to->lock);
	change_places(self, receiver, cpu, from);
	finish(
	    receiver->receive.buffer, header, message, size, passage != NULL);

out:
	spin_unlock(&to->lock);
	spin_unlock(&from->lock);
	return;
out_other:
	spin_unlock(&to->lock);
	spin_unlock(&from->lock);
	decline(cpu, BATON_DECLINE_LEG_RECEIVE);
	fast_learn_from(self, local);
	return;
out_forget:
	decline(cpu, BATON_DECLINE_LEG_CHANGED);
	self->fast.to_name = MACH_PORT_DEAD;
	self->fast.to_entry = &fast_no_entry;
	self->fast.to_key = ~fast_no_entry.key;
}

always_inline const uint32_t *
message_body(const struct small_message *message)
{
	return (const uint32_t *)(const void *)&message->word[3];
}

always_inline void
reply(struct thread *self, struct small_message *message,
    struct passage *passage, uint64_t bits_size, uint64_t id,
    mach_port_name_t remote, mach_port_name_t receive_name)
{
	uint64_t size = bits_size >> 32;
	struct cpu *cpu = self->cpu;
	struct reply_right right;
	struct thread *receiver;
	struct header_words header;

	if (unlikely(!find_reply_right(self, remote, receive_name, &right)))
		return;
	receiver = first_receiver(right.to, right.from, size, cpu);
	if (unlikely(receiver == NULL))
		goto out_kernel;
	if (unlikely(!claim(receiver, passage, cpu)))
		goto out;

	/* ---- committed: nothing below can fail ---- */
	if (passage != NULL)
		fast_tell_memory(message, passage);
	use_reply_right(self, &right);
	header = (struct header_words){
	    bits_size ^ (REPLY_BITS ^ REPLY_BITS_RECEIVED),
	    (uint64_t)right.to->name << 32, id};
	take_receiver(right.to, receiver);
	spin_unlock(&right.to->lock);
	change_places(self, receiver, cpu, right.from);
	finish(
	    receiver->receive.buffer, header, message, size, passage != NULL);

out_kernel:
	if (passage == NULL && right.to->kind == KOBJECT_EXCEPTION &&
	    size == sizeof(mig_reply_error_t)) {
		fast_exception_reply(
		    self, message_body(message), (int32_t)(id >> 32), remote);
		return;
	}
	decline(cpu, right.to->kind == KOBJECT_EXCEPTION
			 ? BATON_DECLINE_ANSWER_KIND
			 : no_receiver(right.to, right.from, size));
out:
	drop_reply_right(self, &right);
}
