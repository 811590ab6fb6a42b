/* libmach/voucher.c: mach/mach_voucher.h. */
#include <mach/mach.h>
#include <mach/mach_voucher.h>

boolean_t
voucher_mach_msg_set(mach_msg_header_t *msg)
{
	(void)msg;
	return FALSE;
}

void
voucher_mach_msg_clear(mach_msg_header_t *msg)
{
	mach_msg_type_name_t kind = MACH_MSGH_BITS_VOUCHER(msg->msgh_bits);

	if (kind == MACH_MSG_TYPE_MOVE_SEND &&
	    MACH_PORT_VALID(msg->msgh_voucher_port))
		mach_port_deallocate(mach_task_self(), msg->msgh_voucher_port);
	msg->msgh_bits &= ~MACH_MSGH_BITS_VOUCHER_MASK;
	msg->msgh_voucher_port = MACH_PORT_NULL;
}

voucher_mach_msg_state_t
voucher_mach_msg_adopt(mach_msg_header_t *msg)
{
	voucher_mach_msg_clear(msg);
	return VOUCHER_MACH_MSG_STATE_UNCHANGED;
}

void
voucher_mach_msg_revert(voucher_mach_msg_state_t state)
{
	(void)state;
}
