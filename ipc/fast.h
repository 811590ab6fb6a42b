/*
 * ipc/fast.h: what fast.c falls back to.
 */
#pragma once
struct entry;
struct port;
struct thread;

#include "ipc/message.h"
#include "kernel/types.h"

/* mach_msg2_trap(), the general path: message.c. */
kern_return_t message_general(uaddr_t buffer, uint64_t option,
    uint64_t bits_send_size, uint64_t remote_local, uint64_t voucher_id,
    uint64_t descriptors_rcv_name, uint64_t rcv_size_priority,
    uint64_t timeout);
/* The trailer that a receiver gets who asks for none. */
#define TRAILER_SIZE sizeof(mach_msg_trailer_t)

/* Bytes of message that a waiter with a buffer of @size takes from fast.c; less
 * than any for a buffer that is too small, or of 2 GiB. */
static inline int32_t
fast_room(uint64_t size)
{
	return (int32_t)(size - TRAILER_SIZE);
}

/* What a waiter must not have asked for, or it takes nothing. */
#define FAST_DECLINES (MACH_RCV_TIMEOUT | MACH_RCV_TRAILER_MASK)

/* mach_msg2_trap(), the fast path: entered with s1 to s11 free for it to use,
 * so called by trap.S and by tests alone. */
kern_return_t mach_msg2_fast(uaddr_t buffer, uint64_t option,
    uint64_t bits_send_size, uint64_t remote_local, uint64_t voucher_id,
    uint64_t descriptors_rcv_name, uint64_t rcv_size_priority,
    uint64_t timeout);

/* What find() gives where there is nothing. */
extern struct entry fast_no_entry;

/*
 * A thread that waits on the port it remembers as fast.from has one reference
 * for both.  @self waited on another, @port, and is not to wait any more:
 * that is what it remembers now, with the reference for waiting.
 */
void fast_adopt(struct thread *self, struct port *port);
/* @port ended: do not keep it alive for what @self remembers. */
void fast_forget(struct thread *self, struct port *port);
/* @self ends: nothing is remembered. */
void fast_drop(struct thread *self);
/* How a wait ends that fast.c began: like any other. */
void receive_continue(void);
