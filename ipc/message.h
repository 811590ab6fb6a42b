/*
 * ipc/message.h: mach_msg(), the general path, which is the specification.
 *
 *	mach_msg_trap, mach_msg2_trap
 *	  the bytes in             copyin.c  (in steps that give way)
 *	  names -> rights          right_copy.c
 *	  descriptors -> objects   ool.c     (in steps that give way)
 *	  deliver, queue or wait   message.c, mqueue.c
 *	  receive, or wait         message.c
 *	  rights -> names          right_copy.c
 *	  descriptors, bytes out   ool.c, copyout.c
 *
 * The caller's arguments live in struct thread (send, receive, below), since
 * every arrow may be crossed by a continuation.
 */
#pragma once
#include <mach/message.h>

#include "ipc/kmsg.h"
#include "kernel/thread.h"
#include "kernel/types.h"

/* Which trailer a receiver asks for: MACH_RCV_TRAILER_* */
static inline uint32_t
trailer_elements(uint64_t option)
{
	return option >> 24 & 0xf;
}

/* Bytes of that trailer. */
static inline uint32_t
trailer_size(uint64_t option)
{
	static const uint8_t size[8] = {8, 12, 20, 52, 60, 68, 68, 68};

	if (likely(trailer_elements(option) == MACH_RCV_TRAILER_NULL))
		return size[0];
	return size[trailer_elements(option) & 7];
}

/* Has the receiver's buffer room for @kmsg and the trailer? */
static inline bool
message_fits(const struct receive_state *receive, const struct kmsg *kmsg)
{
	return (uint64_t)kmsg->size + trailer_size(receive->option) <=
	       receive->size;
}

/* ipc/fast.c takes what it can; switched off by `fastpath=off`. */
extern bool ipc_fast_enabled;
/* What serves TRAP_MACH_MSG2, by that switch. */
void (*ipc_message_trap(void))(void);

/*
 * The general path of a call in registers, whose arguments are in the current
 * thread's trapframe, but for the body.  NULL: that is in the buffer.
 */
kern_return_t message_call_general(const uint64_t *body);

/* ---- for kserver.c ---- */

/* A call to a port of the kernel's that had to wait has been served: send
 * @reply, unless it is NULL, and go on with the receive. */
noreturn void message_served(struct kmsg *reply);

/* ---- for the fast paths ---- */

/* The kernel has answered @self, and @reply is to be sent; NULL: there is none.
 * self->receive says the rest of the call. */
kern_return_t message_answered(struct thread *self, struct kmsg *reply);

/*
 * A page of the buffer was absent when a receiver, current now, was given a
 * message of @size bytes that has no trailer but the shortest: @head_size bytes
 * at @head, what is behind them at @rest.  It is kept (NULL: no memory for
 * that, and it is lost), and written when the page has come.
 */
struct kmsg *must_check message_keep(
    uint32_t size, const void *head, uint32_t head_size, const void *rest);
noreturn void message_write_later(struct kmsg *kmsg);
/* Both, for a bare header that copyout_words_return() could not write yet. */
noreturn void message_words_later(
    uaddr_t to, uint64_t w0, uint64_t w1, uint64_t w2);
/* The wait of @self, current now, is over: what he receives is a fast path's to
 * write. */
void message_wait_over(struct thread *self);
/*
 * What was to be sent has been, and self->receive says the rest of the call,
 * which goes on: if it waits, @receiver, who is claimed, runs in its place.
 */
kern_return_t message_sent(struct thread *self, struct thread *receiver);

/* All of ipc/: zones, locks.  Before the first port, space or message. */
void ipc_init(void);
