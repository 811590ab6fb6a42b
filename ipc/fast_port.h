/*
 * ipc/fast_port.h: traps by which receive rights come and go, short; the same
 * as those of traps.h, which serve whatever is not as usual.
 */
#pragma once
#include <mach/port.h>

#include "kernel/types.h"

/* port_allocate_trap(), which keeps its arguments itself */
kern_return_t fast_port_allocate(uint64_t target, uint64_t right, uaddr_t name);
/* port_mod_refs_trap() */
kern_return_t fast_port_mod_refs(
    uint64_t target, uint64_t name, uint64_t right, uint64_t delta);
/* mach_reply_port() */
mach_port_name_t fast_reply_port(void);

/* What copyout_name() leaves: to be copied with what faults that takes; where
 * it cannot be, the right is given up.  Returns what the trap does. */
kern_return_t port_name_later(
    uint64_t target, uint64_t right, uaddr_t namep, mach_port_name_t name);
