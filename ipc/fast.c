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
#include "ipc/fast_direct.h"
#include "ipc/fast_kernel.h"
#include "ipc/fast_message.h"
#include "ipc/fast_queue.h"
#include "ipc/traps.h"
#include "vm/memory_wait.h"

never_inline kern_return_t
fast_copyout(uaddr_t buffer, struct header_words header,
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

never_inline bool
fast_copyin(struct small_message *message, uaddr_t buffer, uint64_t size)
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

	if (unlikely(option != (MACH_SEND_MSG | MACH_RCV_MSG)))
		return fast_half(buffer, option, bits_send_size, remote_local,
		    voucher_id, descriptors_rcv_name, rcv_size_priority,
		    timeout);
	self->receive.option = option;
	/* No descriptors, no voucher. */
	if (unlikely((uint32_t)(descriptors_rcv_name | voucher_id) != 0))
		goto general;
	/* A longer body is for nobody else. */
	if (size > HEADER_SIZE + SMALL_BODY && bits == REQUEST_BITS)
		return fast_direct(buffer, option, bits_send_size, remote_local,
		    voucher_id, descriptors_rcv_name, rcv_size_priority,
		    timeout);
	self->receive.buffer = buffer;
	self->receive.size = (uint32_t)rcv_size_priority;
	self->receive.name = receive_name;
	self->fast.room = fast_room(rcv_size_priority);
	if (size != HEADER_SIZE && !fast_copyin(&message, buffer, size)) {
		if (bits == REPLY_BITS && local == MACH_PORT_NULL)
			fast_exception_state(
			    self, size, (int32_t)(voucher_id >> 32), remote);
		goto general;
	}
	if (bits == REQUEST_BITS && local == receive_name) {
		request(self, &message, NULL, bits_send_size, voucher_id,
		    remote, local);
	} else if (bits == REPLY_BITS && local == MACH_PORT_NULL) {
		reply(self, &message, NULL, bits_send_size, voucher_id, remote,
		    receive_name);
	}
general:
	return fast_memory(buffer, option, bits_send_size, remote_local,
	    voucher_id, descriptors_rcv_name, rcv_size_priority, timeout);
}

/* A body that came in registers. */
always_inline void
body_of(const struct trapframe *tf, struct small_message *message)
{
	message->word[3] = tf->t1;
	message->word[4] = tf->t2;
	message->word[5] = tf->t3;
	message->word[6] = tf->t4;
	message->word[7] = tf->t5;
	message->word[8] = tf->t6;
}

/* Where a bare header has no body the legs have left what they tested with. */
always_inline void
forget_tests(struct trapframe *tf)
{
	tf->t1 = 0;
	tf->t2 = 0;
	tf->t3 = 0;
	tf->t4 = 0;
}

uint64_t
fast_call(void)
{
	struct thread *self = current_thread();
	struct trapframe *tf = &self->tf;
	uint64_t bits_size = call_bits_size(tf->t0), size = bits_size >> 32;
	uint64_t names = tf->a5, id = tf->a6;
	uint32_t bits = (uint32_t)bits_size;
	mach_port_name_t receive_name = (mach_port_name_t)tf->a4;
	struct small_message message;

	self->receive.option = RECEIVE_CALL | MACH_SEND_MSG | MACH_RCV_MSG;
	self->receive.buffer = tf->a1;
	self->receive.size = (uint32_t)tf->a3;
	self->receive.name = receive_name;
	self->fast.room = fast_room((uint32_t)tf->a3);
	if (size != HEADER_SIZE)
		body_of(tf, &message);
	else
		forget_tests(tf);
	if (!CONFIG_FAST || !ipc_fast_enabled || (uint32_t)id != 0 ||
	    size > HEADER_SIZE + SMALL_BODY || (size & 3) != 0)
		return message_call_general(&message.word[3]);
	if (bits == REQUEST_BITS && names >> 32 == receive_name) {
		/* A hint, to lose no time. */
		if (self->fast.to_word == names &&
		    self->fast.to->state == PORT_IN_KERNEL) {
			uint64_t result = fast_kernel(self, &message.word[3]);

			if (likely(result != FAST_KERNEL_DECLINED))
				return result;
		}
		request(self, &message, NULL, bits_size, id,
		    (mach_port_name_t)names, receive_name);
	} else if (bits == REPLY_BITS && names >> 32 == MACH_PORT_NULL) {
		reply(self, &message, NULL, bits_size, id,
		    (mach_port_name_t)names, receive_name);
	}
	return fast_direct_call(&message.word[3]);
}

uint64_t
fast_call_behind(struct spinlock *lock, int64_t word)
{
	if (CONFIG_DEBUG)
		lock_note_acquire(lock, LOCK_ORDER_RISING);
	spin_wait(lock, word);
	spin_unlock(lock);
	decline(this_cpu(), BATON_DECLINE_CALL_BUSY);
	return fast_call();
}
