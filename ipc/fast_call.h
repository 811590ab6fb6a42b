/*
 * ipc/fast_call.h: TRAP_MACH_MSG_CALL of a message that is in the buffer; for
 * arch's call.S.
 */
#pragma once
#include "kernel/types.h"

/*
 * The caller's registers a1 to a5, its others in its trapframe; called with s1
 * to s11 free to use.  Returns the call's result, if it returns.
 */
uint64_t fast_call_buffer(uint64_t unused, uaddr_t buffer, uint64_t bits_size,
    uint64_t names, uint64_t voucher_id, uint64_t receive);
