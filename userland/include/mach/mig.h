/* mach/mig.h: what stubs and hand-written servers share. */
#pragma once

#include <mach/cdefs.h>
#include <mach/mach_init.h>
#include <mach/mig_errors.h>

MACH_BEGIN_DECLS

/*
 * Makes @reply the answer to @request: addressed to who asked, with the right
 * to do so moved into it, as long as a mig_reply_error_t, its id 100 higher,
 * and MIG_BAD_ID for a result.
 */
void mig_reply_setup(
    const mach_msg_header_t *request, mach_msg_header_t *reply);

MACH_END_DECLS
