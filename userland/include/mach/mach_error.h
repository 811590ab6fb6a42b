/* mach/mach_error.h: words for error codes. */
#pragma once

#include <mach/cdefs.h>
#include <mach/error.h>

MACH_BEGIN_DECLS

/*
 * "(os/kern) invalid argument": words for any code of the kernel, of messages
 * (with what there was too little of), stubs, the bootstrap server and
 * devices; for others "unknown error code 0x...".  Never null, not to be
 * freed, the thread's until its next call.
 */
char *mach_error_string(mach_error_t error);

/* The system the code belongs to: "(os/kern)"; "(unknown system)". */
char *mach_error_type(mach_error_t error);

/* Prints @message, the words and the code on stderr: a line. */
void mach_error(const char *message, mach_error_t error);

MACH_END_DECLS
