/*
 * mach/exc.h: asking a handler about an exception, with codes of 32 bits.
 *
 * The kernel does so for a thread that raises one; programs do to pass on to
 * the handler before them what they do not handle.  @port is the handler's; the
 * call waits for its answer, KERN_SUCCESS if the thread may go on.  Rights to
 * @thread and @task stay the caller's.  @code is @codeCnt words, at most 2.
 *
 *	exception_raise()
 *	exception_raise_state()		 without rights; @old_state are the
 *		thread's registers, of *@flavor; @new_state, of *@flavor then,
 *		are those to go on with: *@new_stateCnt is the room, then the
 *		number of words
 *	exception_raise_state_identity() with both
 *
 * Which of them a handler expects is its behavior (mach/exception_types.h); the
 * handler's side is in mach/exc_server.h.  Besides the handler's codes each
 * returns those of mach_msg() and of stubs (mach/mig_errors.h).
 */
#pragma once

#include <mach/exception_types.h>
#include <mach/mach_types.h>
#include <user/exc.h>
