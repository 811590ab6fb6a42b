/* mach/mach_error.h: words for error codes. */
#pragma once

#include <mach/cdefs.h>
#include <mach/error.h>

MACH_BEGIN_DECLS

/* "(os/kern) invalid argument"; never null, not to be freed. */
char *mach_error_string(mach_error_t error);

/* The system the code belongs to: "(os/kern)". */
char *mach_error_type(mach_error_t error);

/* Prints @message, the words and the code on stderr. */
void mach_error(const char *message, mach_error_t error);

MACH_END_DECLS
