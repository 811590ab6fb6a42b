/*
 * libmach/msg.c: mach_msg()'s rarer forms, restarting, and the conveniences.
 * mach_msg() itself is in traps.S.
 */
#include "msg.h"

#include <mach/mach.h>

/*
 * After @mr: what of @option is still to be done.  Nothing, unless a wait was
 * interrupted and the caller leaves it to us; an interrupted receive has its
 * send behind it.
 */
static mach_msg_option_t
left_to_do(mach_msg_return_t mr, mach_msg_option_t option)
{
	if (mr == MACH_SEND_INTERRUPTED && !(option & MACH_SEND_INTERRUPT))
		return option;
	if (mr == MACH_RCV_INTERRUPTED && !(option & MACH_RCV_INTERRUPT))
		return option & ~MACH_SEND_MSG;
	return MACH_MSG_OPTION_NONE;
}

mach_msg_return_t
mach_msg_restart(mach_msg_return_t mr, const struct message_call *call)
{
	mach_msg_option_t option = (mach_msg_option_t)call->option;

	while ((option = left_to_do(mr, option)) != MACH_MSG_OPTION_NONE) {
		mach_msg_size_t send_size =
		    option & MACH_SEND_MSG ? call->msg->msgh_size : 0;

		mr = mach_msg_trap(call->msg, option, send_size,
		    (mach_msg_size_t)call->sizes,
		    (mach_port_name_t)(call->rcv_name >> 32),
		    (mach_msg_timeout_t)call->timeout,
		    (mach_port_name_t)(call->sizes >> 32));
	}
	return mr;
}

static uint64_t
pair(uint32_t low, uint32_t high)
{
	return low | (uint64_t)high << 32;
}

mach_msg_return_t
msg_call_failed(mach_msg_return_t mr, mach_msg_header_t *msg,
    mach_msg_size_t rcv_size, mach_port_t rcv_name)
{
	const struct message_call call = {
	    .msg = msg,
	    .option = MACH_SEND_MSG | MACH_RCV_MSG,
	    .rcv_name = pair(0, rcv_name),
	    .sizes = rcv_size,
	};

	return mach_msg_restart(mr, &call);
}

mach_msg_return_t
mach_msg_overwrite(mach_msg_header_t *msg, mach_msg_option_t option,
    mach_msg_size_t send_size, mach_msg_size_t rcv_size,
    mach_port_name_t rcv_name, mach_msg_timeout_t timeout,
    mach_port_name_t notify, mach_msg_header_t *rcv_msg,
    mach_msg_size_t rcv_limit)
{
	mach_msg_return_t mr;

	do {
		mr = mach_msg_overwrite_trap(msg, option, send_size, rcv_size,
		    rcv_name, timeout, notify, rcv_msg, rcv_limit);
		option = left_to_do(mr, option);
	} while (option != MACH_MSG_OPTION_NONE);
	return mr;
}

mach_msg_return_t
mach_msg2(void *data, mach_msg_option64_t option, mach_msg_header_t header,
    mach_msg_size_t send_size, mach_msg_size_t rcv_size,
    mach_port_name_t rcv_name, uint64_t timeout, mach_msg_priority_t priority)
{
	mach_msg_base_t *base = data;
	uint32_t descriptors = header.msgh_bits & MACH_MSGH_BITS_COMPLEX
				   ? base->body.msgh_descriptor_count
				   : 0;
	struct message_call call = {
	    .msg = data,
	    .option = option,
	    .rcv_name = pair(descriptors, rcv_name),
	    .sizes = pair(rcv_size, priority),
	    .timeout = timeout,
	};
	mach_msg_return_t mr;

	/* The way for small ones; what is received is put there anyway. */
	if (option == (MACH_SEND_MSG | MACH_RCV_MSG)) {
		base->header = header;
		return mach_msg(&base->header, MACH_SEND_MSG | MACH_RCV_MSG,
		    send_size, rcv_size, rcv_name, MACH_MSG_TIMEOUT_NONE,
		    priority);
	}
	mr = mach_msg2_trap(data, option, pair(header.msgh_bits, send_size),
	    pair(header.msgh_remote_port, header.msgh_local_port),
	    pair(header.msgh_voucher_port, (uint32_t)header.msgh_id),
	    call.rcv_name, call.sizes, timeout);
	return mr == MACH_MSG_SUCCESS ? mr : mach_msg_restart(mr, &call);
}

mach_msg_return_t
mach_msg_send(mach_msg_header_t *msg)
{
	return mach_msg(msg, MACH_SEND_MSG, msg->msgh_size, 0, MACH_PORT_NULL,
	    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
}

mach_msg_return_t
mach_msg_receive(mach_msg_header_t *msg)
{
	return mach_msg(msg, MACH_RCV_MSG, 0, msg->msgh_size,
	    msg->msgh_local_port, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
}
