/*
 * ipc/fast.h: what fast.c falls back to.
 */
#pragma once
#include "ipc/message.h"
#include "kernel/types.h"

/* mach_msg2_trap(), the general path: message.c. */
kern_return_t message_general(uaddr_t buffer, uint64_t option,
    uint64_t bits_send_size, uint64_t remote_local, uint64_t voucher_id,
    uint64_t descriptors_rcv_name, uint64_t rcv_size_priority,
    uint64_t timeout);
/* The trailer that a receiver gets who asks for none. */
#define TRAILER_SIZE sizeof(mach_msg_trailer_t)

/* Bytes of message that a waiter with a buffer of @size takes from fast.c. */
static inline int64_t
fast_room(uint32_t size)
{
	return (int64_t)size - (int64_t)TRAILER_SIZE;
}

/* What a waiter must not have asked for, or it takes nothing. */
#define FAST_DECLINES (MACH_RCV_TIMEOUT | MACH_RCV_TRAILER_MASK)

/* @port ended: do not keep it alive for what @self remembers. */
void fast_forget(struct thread *self, const struct port *port);
/* @self ends: nothing is remembered. */
void fast_drop(struct thread *self);
/* How a wait ends that fast.c began: like any other. */
void receive_continue(void);
