/*
 * ipc/fast_call.h: a call whose message is in the buffer; for arch's call.S.
 */
#pragma once
#include "kernel/types.h"

/*
 * The caller's t0, then its registers a1 to a6 (a2 is none of the call's), its
 * others in its trapframe; called with s1 to s11 free to use.  Returns the
 * call's result, if it returns.
 */
uint64_t fast_call_buffer(uint64_t t0, uaddr_t buffer, uint64_t unused,
    uint64_t room, uint64_t receive, uint64_t names, uint64_t voucher_id);
