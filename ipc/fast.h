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
/* @port ended: do not keep it alive for what @self remembers. */
void fast_forget(struct thread *self, const struct port *port);
/* @self ends: nothing is remembered. */
void fast_drop(struct thread *self);
/* How a wait ends that fast.c began: like any other. */
void receive_continue(void);
