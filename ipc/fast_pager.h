/*
 * ipc/fast_pager.h: what the kernel says to a pager that waits for it, and what
 * that says to the control ports of objects, without a kmsg: vm/pager_fast.h.
 */
#pragma once
#include <mach/port.h>

#include "kernel/types.h"

struct port;
struct thread;

/* A memory_object_data_request() of a page. */
struct fast_request {
	struct port *to;	 /* the pager's port */
	struct port *control;	 /* a right to it goes along */
	mach_port_name_t *guess; /* what the pager may call that */
	uint64_t offset;
	uint32_t access;
};

/*
 * Give it to who waits on its port, or on a set that has it, if that is a task
 * that has a right to the control port already: the thread, claimed, to be run
 * or woken; NULL: declined, nothing has changed.  Locks: any up to LOCK_OBJECT.
 */
struct thread *must_check fast_pager_request(
    const struct fast_request *request);

/*
 * mach_msg2_trap() of what may be a memory_object_data_supply(): where
 * fast_memory() goes on with it.
 */
kern_return_t fast_pager_supply(uaddr_t buffer, uint64_t option,
    uint64_t bits_send_size, uint64_t remote_local, uint64_t voucher_id,
    uint64_t descriptors_rcv_name, uint64_t rcv_size_priority,
    uint64_t timeout);
