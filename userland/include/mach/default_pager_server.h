/*
 * mach/default_pager_server.h: who keeps the pages that leave memory.
 *
 *	mach_msg_server(default_pager_server, sizeof(union
 *	    __RequestUnion__default_pager_subsystem) + MAX_TRAILER_SIZE,
 *	    port, 0);
 *
 * calls, for each message of the kernel's that arrives at @port, the function
 * of its name (mach/default_pager.h), which the pager defines.  Only the kernel
 * should have a right to the port: it is made for
 * host_default_memory_manager() and given to nobody else.
 */
#pragma once

#include <mach/default_pager_types.h>
#include <mach/mach_types.h>
#include <server/default_pager.h>
