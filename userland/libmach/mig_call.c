/* libmach/mig_call.c: what becomes of a stub's call that failed. */
#include "msg.h"

#include <stdbool.h>

#include <mach/mach.h>
#include <mach/mig.h>

/* The message was refused before anything of it was taken. */
static bool
is_refused(mach_msg_return_t mr)
{
	return mr == MACH_SEND_INVALID_DEST || mr == MACH_SEND_INVALID_DATA ||
	       mr == MACH_SEND_INVALID_HEADER;
}

/*
 * What was sent is back with its sender, as if received: the destination in
 * the remote port, what was made of the reply port in the local one.
 */
static void
give_up_returned(mach_msg_header_t *message)
{
	mach_port_t local = message->msgh_local_port;

	if (MACH_PORT_VALID(local) && MACH_MSGH_BITS_LOCAL(message->msgh_bits))
		mach_port_deallocate(mach_task_self(), local);
	mach_msg_destroy(message);
}

/* All codes of receiving have this bit: the request had been sent. */
#define RECEIVING 0x4000

mach_msg_return_t
mig_call_failed(mach_msg_return_t mr, mach_msg_header_t *message,
    mach_msg_option_t option, mach_port_t reply_port, mach_msg_size_t rcv_size,
    mach_msg_timeout_t timeout)
{
	const struct message_call call = {
	    .msg = message,
	    .option = (uint32_t)option,
	    .rcv_name = (uint64_t)reply_port << 32,
	    .sizes = rcv_size,
	    .timeout = timeout,
	};
	bool returned;

	mr = mach_msg_restart(mr, &call);
	if (mr == MACH_MSG_SUCCESS)
		return mr;
	returned = !(mr & RECEIVING) && message->msgh_size != 0;
	if (returned)
		give_up_returned(message);
	else if ((mr & ~MACH_MSG_MASK) == MACH_RCV_BODY_ERROR)
		mach_msg_destroy(message);
	if ((option & MACH_RCV_MSG) && reply_port != MACH_PORT_NULL &&
	    (returned || !is_refused(mr)))
		mig_reply_port_spoilt(reply_port);
	return mr;
}
