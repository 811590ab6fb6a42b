/*
 * ipc/fast_memory.h: messages with one region of memory, on the fast path.
 */
#pragma once
#include "kernel/types.h"
#include "vm/passage.h"

struct small_message;

/* Where mach_msg2_fast() goes on with what it does not serve itself: here, if
 * it is such a message, or on the general path. */
kern_return_t fast_memory(uaddr_t buffer, uint64_t option,
    uint64_t bits_send_size, uint64_t remote_local, uint64_t voucher_id,
    uint64_t descriptors_rcv_name, uint64_t rcv_size_priority,
    uint64_t timeout);

/* Commit @passage; @message's descriptor says where the memory is now. */
void fast_tell_memory(struct small_message *message, struct passage *passage);
