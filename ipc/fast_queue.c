/*
 * fast_queue.c: a send that does not wait for anything, and a receive of what
 * is in the queue.
 *
 * It is the general path with all that such a message does not have left out:
 * the body is copied once in and once out, the one right of its header is
 * looked up and counted with the port locked once, and used up likewise.  The
 * queue is mqueue.c's, and so is who gets the message.
 *
 * Declined is, before anything has changed, whatever is not so; message.c does
 * the same from the start.
 */
#include "ipc/fast_queue.h"

#include <arch/cpu.h>
#include <arch/usercopy.h>

#include "ipc/copy.h"
#include "ipc/fast.h"
#include "ipc/fast_memory.h"
#include "ipc/kmsg.h"
#include "ipc/kmsg_small.h"
#include "ipc/message.h"
#include "ipc/notify.h"
#include "ipc/port.h"
#include "ipc/space.h"
#include "kernel/cpu.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "vm/memory_wait.h"

#define COPY_BITS MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0)
#define MAKE_BITS MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0)

/* The port that @name has a right of @type to, locked; NULL: it has none. */
static inline struct port *
lock(struct space *space, mach_port_name_t name, uint32_t type)
{
	struct port *port;

	spin_lock(&space->lock);
	port = space_lookup_port(space, name, type);
	if (likely(port != NULL))
		port_lock(port);
	spin_unlock(&space->lock);
	return port;
}

/* ---- sending ---- */

/* Is it a body alone, that a send right is copied or made for? */
static inline bool
is_plain(uaddr_t buffer, uint64_t bits_size, uint64_t names, uint64_t voucher)
{
	uint32_t bits = (uint32_t)bits_size;
	uint64_t body = (bits_size >> 32) - HEADER_SIZE;

	return (bits == MAKE_BITS || bits == COPY_BITS) &&
	       likely(((uint32_t)voucher | names >> 32) == 0 &&
		      ((body | buffer) & 3) == 0 && body <= STEP_BYTES &&
		      user_range_ok(buffer, HEADER_SIZE + body));
}

/* Would a message have to wait in the queue of @port, and may it? */
static inline bool
takes_message(const struct port *port)
{
	return port->state == PORT_IN_SPACE &&
	       list_empty(&port->queue.receivers) && list_empty(&port->sets) &&
	       list_empty(&port->queue.senders) &&
	       port->queue.count < port->queue.limit;
}

/* A message of @body bytes, at @from; NULL: there is no memory, or they are
 * not there.  With the port locked: nothing waits. */
static inline struct kmsg *
make(struct space *space, uaddr_t from, uint32_t body)
{
	struct kmsg *kmsg = likely(body <= KMSG_SMALL_CAPACITY)
				? kmsg_alloc_small(space->ledger, body)
				: kmsg_alloc(space->ledger, body, 0);

	if (unlikely(kmsg == NULL))
		return NULL;
	if (body == 0 ||
	    likely(copyin_present(kmsg->body, from, body) == KERN_SUCCESS))
		return kmsg;
	kmsg_free(kmsg);
	return NULL;
}

/* False: it is declined. */
static inline bool
send(struct space *space, uaddr_t buffer, uint64_t bits_size,
    mach_port_name_t name, int32_t id)
{
	bool made = (uint32_t)bits_size == MAKE_BITS;
	struct port *port = lock(
	    space, name, made ? MACH_PORT_TYPE_RECEIVE : MACH_PORT_TYPE_SEND);
	struct kmsg *kmsg = NULL;

	if (unlikely(port == NULL))
		return false;
	if (likely(takes_message(port)))
		kmsg = make(space, buffer + HEADER_SIZE,
		    (uint32_t)(bits_size >> 32) - HEADER_SIZE);
	if (unlikely(kmsg == NULL)) {
		spin_unlock(&port->lock);
		return false;
	}

	/* ---- committed: nothing below can fail ---- */
	kmsg->remote = port_get(port);
	kmsg->remote_type = MACH_MSG_TYPE_PORT_SEND;
	kmsg->id = id;
	kmsg->sender = space->task_id;
	port->send_rights++;
	port->make_send_count += made;
	mqueue_append(port, kmsg);
	spin_unlock(&port->lock);
	return true;
}

/* ---- receiving ---- */

/* Is @kmsg one that carries nothing, came by a send right, and fits? */
static inline bool
is_for_us(const struct kmsg *kmsg, uint32_t room)
{
	return kmsg->remote_type == MACH_MSG_TYPE_PORT_SEND && !kmsg->complex &&
	       kmsg->local_type == 0 && !kmsg->local_dead &&
	       kmsg->waiter == NULL && kmsg->size <= STEP_BYTES &&
	       kmsg->size + TRAILER_SIZE <= room;
}

/* Write @kmsg, which came to @local, and end it. */
static kern_return_t
write(struct kmsg *kmsg, uaddr_t buffer, mach_port_name_t local)
{
	mach_msg_trailer_t *trailer =
	    (void *)((uint8_t *)&kmsg->header + kmsg->size);
	kern_return_t kr;

	kmsg->header = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND),
	    .msgh_size = kmsg->size,
	    .msgh_local_port = local,
	    .msgh_id = kmsg->id,
	};
	trailer->msgh_trailer_type = MACH_MSG_TRAILER_FORMAT_0;
	trailer->msgh_trailer_size = TRAILER_SIZE;
	kr = copyout(buffer, &kmsg->header, kmsg->size + TRAILER_SIZE);
	if (unlikely(kr == KERN_MEMORY_WAIT)) {
		kmsg_given(kmsg);
		message_write_later(kmsg);
	}
	kmsg_free(kmsg);
	return likely(kr == KERN_SUCCESS) ? MACH_MSG_SUCCESS
					  : MACH_RCV_INVALID_DATA;
}

/* The same of a bare header, to an address that is aligned and the user's. */
static kern_return_t
write_header(struct kmsg *kmsg, uaddr_t buffer, mach_port_name_t local)
{
	uint64_t id = (uint64_t)(uint32_t)kmsg->id << 32;

	kmsg_free_small(kmsg);
	if (copyout_words_return(buffer,
		MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND) |
		    (uint64_t)HEADER_SIZE << 32,
		(uint64_t)local << 32, id,
		MACH_MSG_TRAILER_FORMAT_0 | (uint64_t)TRAILER_SIZE << 32) ==
	    KERN_SUCCESS)
		return MACH_MSG_SUCCESS;
	return MACH_RCV_INVALID_DATA;
}

/* The first message in the queue of @name; NULL: there is none, or it is not so
 * that nothing is left but to write it. */
static inline struct kmsg *
take(struct space *space, mach_port_name_t name, uint32_t room)
{
	struct port *port = lock(space, name, MACH_PORT_TYPE_RECEIVE);
	struct kmsg *kmsg, *notice;
	uint32_t make_send_count;

	if (unlikely(port == NULL))
		return NULL;
	/* For who waits for room, or to be told of it, there is more to do. */
	kmsg = mqueue_peek(port);
	if (unlikely(kmsg == NULL || !is_for_us(kmsg, room) ||
		     !list_empty(&port->queue.senders) ||
		     !list_empty(&port->requests))) {
		spin_unlock(&port->lock);
		return NULL;
	}
	kmsg = mqueue_take(port);
	/* The right's reference, never the last: the receiver has one. */
	atomic_fetch_sub_explicit(&port->refs, 1, memory_order_relaxed);
	if (likely(port->send_rights > 1 || port->no_senders == NULL)) {
		port->send_rights--;
		spin_unlock(&port->lock);
		return kmsg;
	}
	notice = port_drop_send(port, &make_send_count);
	spin_unlock(&port->lock);
	if (notice != NULL)
		notify_no_senders(notice, make_send_count);
	return kmsg;
}

/* ---- the two halves ---- */

never_inline kern_return_t
fast_send_half(uaddr_t buffer, uint64_t option, uint64_t bits_send_size,
    uint64_t remote_local, uint64_t voucher_id, uint64_t descriptors_rcv_name,
    uint64_t rcv_size_priority, uint64_t timeout)
{
	if (likely(is_plain(buffer, bits_send_size, remote_local, voucher_id) &&
		   send(current_thread()->fast.space, buffer, bits_send_size,
		       (mach_port_name_t)remote_local,
		       (int32_t)(voucher_id >> 32))))
		arch_user_return_success();
	return fast_memory(buffer, option, bits_send_size, remote_local,
	    voucher_id, descriptors_rcv_name, rcv_size_priority, timeout);
}

never_inline kern_return_t
fast_receive_half(uaddr_t buffer, uint64_t option, uint64_t bits_send_size,
    uint64_t remote_local, uint64_t voucher_id, uint64_t descriptors_rcv_name,
    uint64_t rcv_size_priority, uint64_t timeout)
{
	struct thread *self = current_thread();
	mach_port_name_t name = (mach_port_name_t)(descriptors_rcv_name >> 32);
	uint32_t priority = self->base_priority;
	struct kmsg *kmsg =
	    take(self->fast.space, name, (uint32_t)rcv_size_priority);

	if (unlikely(kmsg == NULL))
		return message_general(buffer, option, bits_send_size,
		    remote_local, voucher_id, descriptors_rcv_name,
		    rcv_size_priority, timeout);
	if (kmsg->lend > priority)
		priority = kmsg->lend;
	if (self->priority != priority)
		sched_run_at(self, priority);
	self->receive.buffer = buffer;
	if (kmsg->size == HEADER_SIZE && (buffer & 7) == 0 && buffer < USER_END)
		return write_header(kmsg, buffer, name);
	return write(kmsg, buffer, name);
}

kern_return_t
fast_half(uaddr_t buffer, uint64_t option, uint64_t bits_send_size,
    uint64_t remote_local, uint64_t voucher_id, uint64_t descriptors_rcv_name,
    uint64_t rcv_size_priority, uint64_t timeout)
{
	current_thread()->receive.option = option;
	if (option == MACH_SEND_MSG)
		return fast_send_half(buffer, option, bits_send_size,
		    remote_local, voucher_id, descriptors_rcv_name,
		    rcv_size_priority, timeout);
	if (option == MACH_RCV_MSG)
		return fast_receive_half(buffer, option, bits_send_size,
		    remote_local, voucher_id, descriptors_rcv_name,
		    rcv_size_priority, timeout);
	return fast_memory(buffer, option, bits_send_size, remote_local,
	    voucher_id, descriptors_rcv_name, rcv_size_priority, timeout);
}
