/*
 * ipc/fast_direct.h: what fast_memory.c falls back to.
 */
#pragma once
#include "kernel/types.h"

/* Longest body that goes from buffer to buffer: it is copied with ports locked,
 * and at once. */
#define DIRECT_BODY_MAX 65536

/* mach_msg2_trap() of a body of any size to who waits; called as
 * mach_msg2_fast() is. */
kern_return_t fast_direct(uaddr_t buffer, uint64_t option,
    uint64_t bits_send_size, uint64_t remote_local, uint64_t voucher_id,
    uint64_t descriptors_rcv_name, uint64_t rcv_size_priority,
    uint64_t timeout);

/* The same of a message in registers, whose @body these were, as fast_call()
 * has left it. */
kern_return_t fast_direct_call(const uint64_t *body);
/* The same of one whose body is in the buffer; all of its arguments are in the
 * trapframe. */
kern_return_t fast_direct_buffer(void);
