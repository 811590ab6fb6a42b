/*
 * ipc/fast_queue.h: a send alone, and a receive alone; for fast.c.
 */
#pragma once
#include "kernel/types.h"

/*
 * mach_msg2_trap() of one half of a call: a body of any length, without a reply
 * right, by a send right that is copied or made; or the receive of such a
 * message that is in the queue.  Called as mach_msg2_fast() is.
 */
kern_return_t fast_half(uaddr_t buffer, uint64_t option,
    uint64_t bits_send_size, uint64_t remote_local, uint64_t voucher_id,
    uint64_t descriptors_rcv_name, uint64_t rcv_size_priority,
    uint64_t timeout);

/* Its two parts, each with all arguments where they are, so that one that
 * declines passes them on. */
kern_return_t fast_send_half(uaddr_t buffer, uint64_t option,
    uint64_t bits_send_size, uint64_t remote_local, uint64_t voucher_id,
    uint64_t descriptors_rcv_name, uint64_t rcv_size_priority,
    uint64_t timeout);
kern_return_t fast_receive_half(uaddr_t buffer, uint64_t option,
    uint64_t bits_send_size, uint64_t remote_local, uint64_t voucher_id,
    uint64_t descriptors_rcv_name, uint64_t rcv_size_priority,
    uint64_t timeout);
