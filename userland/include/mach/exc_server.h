/*
 * mach/exc_server.h: a handler of exceptions, with codes of 32 bits.
 *
 *	mach_msg_server(exc_server, sizeof(union
 *	    __RequestUnion__catch_exc_subsystem) + MAX_TRAILER_SIZE, port, 0);
 *
 * answers what arrives at @port, an exception port, by calling
 *
 *	catch_exception_raise()		      EXCEPTION_DEFAULT
 *	catch_exception_raise_state()	      EXCEPTION_STATE
 *	catch_exception_raise_state_identity() EXCEPTION_STATE_IDENTITY
 *
 * which the program defines; one that it does not define refuses with
 * KERN_FAILURE.  KERN_SUCCESS lets the thread go on, with the registers in
 * @new_state if there are some; any other code hands the exception to the next
 * handler, or ends the thread's task.  On KERN_SUCCESS, and on MIG_NO_REPLY,
 * the rights to @thread and @task are the function's; otherwise the server's
 * loop gives them back.
 */
#pragma once

#include <mach/exception_types.h>
#include <mach/mach_types.h>
#include <server/exc.h>
