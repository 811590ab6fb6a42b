/*
 * mach/mach_voucher.h: vouchers, of which there are none.
 *
 * Elsewhere they say on whose account a message is worked for.  Here the
 * priority of who waits does that by itself; these calls let programs that
 * pass vouchers on do so with nothing.
 */
#pragma once

#include <mach/cdefs.h>
#include <mach/mach_types.h>

MACH_BEGIN_DECLS

typedef struct voucher_mach_msg_state_s *voucher_mach_msg_state_t;

/* What the thread had before is what it has. */
#define VOUCHER_MACH_MSG_STATE_UNCHANGED ((voucher_mach_msg_state_t)~0ul)

/* Puts the thread's voucher into @msg: FALSE, it has none. */
boolean_t voucher_mach_msg_set(mach_msg_header_t *msg);

/* Takes the voucher out of @msg, if there is one, and gives it up. */
void voucher_mach_msg_clear(mach_msg_header_t *msg);

/* Makes the voucher of @msg the thread's; what to go back to later. */
voucher_mach_msg_state_t voucher_mach_msg_adopt(mach_msg_header_t *msg);
void voucher_mach_msg_revert(voucher_mach_msg_state_t state);

MACH_END_DECLS
