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
 * made.  A body is copied to this hart's stack; then the receiver is made the
 * current thread, in its address space; then the message is written to its
 * buffer, a bare header straight from registers.
 *
 * The shape of a leg: tests, each of which may decline; then
 * `---- committed ----`; then acts, none of which can fail.  Declining leaves
 * no trace, and the general path of message.c, which is what mach_msg() means,
 * does the same from the start.
 *
 * Names.  A thread remembers the ports that it sent a request to and received
 * from last (struct fast_state), each with a reference, so that they may be
 * locked and looked at whatever became of the names: a receive right is where
 * the port says it is; a send right is what its entry says, and if that was
 * given up between our look and our lock, others were left, or we decline.
 *
 * The reply right needs a name in the receiver's space.  A thread that replied
 * keeps the entry of the right it used as its spare one; who sends it a
 * request fills that in, without a look at the table.
 *
 * Locks: the two ports, sorted; in a reply the space before them, because the
 * reply right might be another thread's to use as well.
 */
#include "ipc/fast.h"

#include <arch/layout.h>
#include <arch/usercopy.h>
#include <mach/mig_errors.h>

#include "ipc/fast_exception.h"
#include "ipc/fast_leg.h"
#include "ipc/message.h"
#include "ipc/traps.h"
#include "vm/memory_wait.h"

/* Most bytes of a body that struct thread has room for. */
#define SMALL_BODY 48
#define REQUEST_BITS                                                           \
	MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE)
#define REPLY_BITS MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0)
/* What the receivers of these see. */
#define REQUEST_BITS_RECEIVED                                                  \
	MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND)
#define REPLY_BITS_RECEIVED MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE)

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
static __attribute__((noinline)) kern_return_t
copyout_small(uaddr_t buffer, struct header_words header,
    struct small_message *message, uint64_t size)
{
	uint32_t *trailer =
	    (uint32_t *)(void *)((uint8_t *)message->word + size);
	kern_return_t kr;

	message->word[0] = header.bits_size;
	message->word[1] = header.remote_local;
	message->word[2] = header.voucher_id;
	trailer[0] = MACH_MSG_TRAILER_FORMAT_0;
	trailer[1] = TRAILER_SIZE;
	kr = copyout(buffer, message->word, size + TRAILER_SIZE);
	if (unlikely(kr == KERN_MEMORY_WAIT))
		message_write_later(message_keep(
		    (uint32_t)size, message->word, (uint32_t)size, NULL));
	return kr;
}

/* The receiver, current now, gets its message and returns to user mode. */
always_inline noreturn void
finish(uaddr_t buffer, struct header_words header,
    struct small_message *message, uint64_t size)
{
	kern_return_t kr;

	/* A bare header, to a place that is aligned and the user's: what
	 * runs over the end of the user's half faults. */
	if (likely(
		((size ^ HEADER_SIZE) | (buffer & 7) | buffer / USER_END) == 0))
		kr = copyout_words_return(buffer, header.bits_size,
		    header.remote_local, header.voucher_id, TRAILER_WORD);
	else
		kr = copyout_small(buffer, header, message, size);
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

/* ---- the two legs; each returns only to decline ---- */

always_inline void
request(struct thread *self, struct small_message *message, uint64_t bits_size,
    uint64_t id, mach_port_name_t remote, mach_port_name_t local)
{
	uint64_t size = bits_size >> 32;
	struct cpu *cpu = self->cpu;
	struct port *to, *from;
	struct thread *receiver;
	struct header_words header;
	mach_port_name_t name;

	if (unlikely(self->fast.to_name != remote) &&
	    !fast_learn_to(self, remote))
		return;
	to = self->fast.to;
	from = self->fast.from;
	if (unlikely(!still_names(&self->fast, to)))
		goto out_forget;
	if (unlikely(to == from))
		return;
	lock_ports(to, from);
	if (unlikely(from->name != local || from->receiver != self->fast.space))
		goto out_other;
	if (unlikely(to->send_rights == 0))
		goto out;
	receiver = first_receiver(to, from, size, cpu);
	if (unlikely(receiver == NULL))
		goto out;
	if (unlikely(!receiver->fast.spare_ready) && !fast_take_spare(receiver))
		goto out;
	if (unlikely(!thread_claim(receiver, KERN_SUCCESS)))
		goto out;

	/* ---- committed: nothing below can fail ---- */
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
	finish(receiver->receive.buffer, header, message, size);

out:
	spin_unlock(&to->lock);
	spin_unlock(&from->lock);
	return;
out_other:
	spin_unlock(&to->lock);
	spin_unlock(&from->lock);
	fast_learn_from(self, local);
	return;
out_forget:
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
reply(struct thread *self, struct small_message *message, uint64_t bits_size,
    uint64_t id, mach_port_name_t remote, mach_port_name_t receive_name)
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
	if (unlikely(!thread_claim(receiver, KERN_SUCCESS)))
		goto out;

	/* ---- committed: nothing below can fail ---- */
	use_reply_right(self, &right);
	header = (struct header_words){
	    bits_size ^ (REPLY_BITS ^ REPLY_BITS_RECEIVED),
	    (uint64_t)right.to->name << 32, id};
	take_receiver(right.to, receiver);
	spin_unlock(&right.to->lock);
	change_places(self, receiver, cpu, right.from);
	finish(receiver->receive.buffer, header, message, size);

out_kernel:
	if (right.to->kind == KOBJECT_EXCEPTION &&
	    size == sizeof(mig_reply_error_t)) {
		fast_exception_reply(
		    self, message_body(message), (int32_t)(id >> 32), remote);
		return;
	}
out:
	drop_reply_right(self, &right);
}

/* A body of up to SMALL_BODY bytes, in fours; false: of another kind. */
static __attribute__((noinline)) bool
copyin_small(struct small_message *message, uaddr_t buffer, uint64_t size)
{
	kern_return_t kr;

	if (size <= HEADER_SIZE || size > HEADER_SIZE + SMALL_BODY ||
	    (size & 3) != 0)
		return false;
	kr =
	    copyin(&message->word[3], buffer + HEADER_SIZE, size - HEADER_SIZE);
	/* The general path will find out again. */
	if (unlikely(kr == KERN_MEMORY_WAIT))
		memory_wait_forget();
	return kr == KERN_SUCCESS;
}

kern_return_t
mach_msg2_fast(uaddr_t buffer, uint64_t option, uint64_t bits_send_size,
    uint64_t remote_local, uint64_t voucher_id, uint64_t descriptors_rcv_name,
    uint64_t rcv_size_priority, uint64_t timeout)
{
	struct thread *self = current_thread();
	uint64_t size = bits_send_size >> 32;
	uint32_t bits = (uint32_t)bits_send_size;
	uint32_t remote = (uint32_t)remote_local;
	/* Shifted with their signs, as the machine keeps 32 bits. */
	uint32_t local = (uint32_t)((int64_t)remote_local >> 32);
	uint32_t receive_name = (uint32_t)((int64_t)descriptors_rcv_name >> 32);
	struct small_message message;

	self->receive.option = option;
	if (unlikely(option != (MACH_SEND_MSG | MACH_RCV_MSG)))
		goto general;
	/* No descriptors, no voucher. */
	if (unlikely((uint32_t)(descriptors_rcv_name | voucher_id) != 0))
		goto general;
	self->receive.buffer = buffer;
	self->receive.size = (uint32_t)rcv_size_priority;
	self->receive.name = receive_name;
	self->fast.room = fast_room(rcv_size_priority);
	if (size != HEADER_SIZE && !copyin_small(&message, buffer, size)) {
		if (bits == REPLY_BITS && local == MACH_PORT_NULL)
			fast_exception_state(
			    self, size, (int32_t)(voucher_id >> 32), remote);
		goto general;
	}
	if (bits == REQUEST_BITS && local == receive_name) {
		request(
		    self, &message, bits_send_size, voucher_id, remote, local);
	} else if (bits == REPLY_BITS && local == MACH_PORT_NULL) {
		reply(self, &message, bits_send_size, voucher_id, remote,
		    receive_name);
	}
general:
	return message_general(buffer, option, bits_send_size, remote_local,
	    voucher_id, descriptors_rcv_name, rcv_size_priority, timeout);
}
