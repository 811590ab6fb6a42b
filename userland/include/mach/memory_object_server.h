/*
 * mach/memory_object_server.h: who is asked for the contents of memory.
 *
 *	mach_msg_server(memory_object_server, sizeof(union
 *	    __RequestUnion__memory_object_subsystem) + MAX_TRAILER_SIZE,
 *	    port, 0);
 *
 * calls, for each message of the kernel's that arrives at @port, the function
 * of its name (mach/memory_object.h), which the pager defines.  On
 * KERN_SUCCESS it has taken over the rights and the memory that came; on any
 * other code the server's loop gives them up.
 *
 * Anybody with a right to the memory object can send these: a pager believes
 * none but who calls with the control port that its first init came with.
 */
#pragma once

#include <mach/mach_types.h>
#include <server/memory_object.h>
