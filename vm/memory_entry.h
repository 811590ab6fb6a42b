/*
 * vm/memory_entry.h: memory that a port stands for: who has a send right can
 * map it, wherever, with at most the rights that its maker gave.
 *
 * It lives as long as there are send rights to its port, and its memory as long
 * as anybody has it mapped.
 */
#pragma once
#include "kernel/types.h"

struct map;
struct port;

void memory_entry_init(void);

/* How to map part of one. */
struct memory_entry_request {
	uint64_t offset, size, mask;
	unsigned flags;
	bool copy; /* privately */
	unsigned prot, max_prot, inherit;
};

/*
 * mach_vm_map() of @port, not NULL, whose right is consumed on success, be it a
 * memory entry's or a pager's; in steps: KCALL_AGAIN, KERN_MEMORY_WAIT.
 *
 * Returns: KERN_SUCCESS, and where in *@addressp
 *	    KERN_INVALID_OBJECT	     it is a port of the kernel's, but no
 *				     memory entry's, or dead
 *	    KERN_MEMORY_ERROR	     the pager that it is of brings no pages
 *	    KERN_INVALID_ARGUMENT    size 0 or beyond its end, an offset that is
 *				     no page's, unknown flags, rights that are
 *				     none or beyond @max_prot, no inheritance
 *	    KERN_INVALID_RIGHT	     rights that it does not give
 *	    KERN_PROTECTION_FAILURE  a copy of physical memory
 *	    KERN_NO_SPACE, KERN_INVALID_ADDRESS, KERN_RESOURCE_SHORTAGE
 */
kern_return_t must_check memory_entry_map(struct map *map, uaddr_t *addressp,
    struct port *port, const struct memory_entry_request *request);
