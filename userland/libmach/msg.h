/* libmach/msg.h: how a call of mach_msg() that was interrupted goes on. */
#pragma once

#include <stddef.h>

#include <mach/message.h>

/*
 * The frame of mach_msg() in traps.S: the arguments of its trap that a second
 * try needs.  The header is in memory again by then: a send that was
 * interrupted has put it back.
 */
struct message_call {
	mach_msg_header_t *msg;
	uint64_t option;
	uint64_t rcv_name; /* in the upper half */
	uint64_t sizes;	   /* room for receiving, and priority */
	uint64_t timeout;
	uint64_t ra;
};

_Static_assert(offsetof(struct message_call, option) == 8, "traps.S");
_Static_assert(offsetof(struct message_call, rcv_name) == 16, "traps.S");
_Static_assert(offsetof(struct message_call, sizes) == 24, "traps.S");
_Static_assert(offsetof(struct message_call, timeout) == 32, "traps.S");
_Static_assert(offsetof(struct message_call, ra) == 40, "traps.S");
_Static_assert(sizeof(struct message_call) == 48, "traps.S");

/*
 * Called by mach_msg() and its like with what the trap returned, if that is not
 * success: goes on where a wait was interrupted, unless the options leave that
 * to the caller.
 */
mach_msg_return_t mach_msg_restart(
    mach_msg_return_t mr, const struct message_call *call);

/* mach_msg() that sends and receives, whose trap returned @mr: the rest. */
mach_msg_return_t msg_call_failed(mach_msg_return_t mr, mach_msg_header_t *msg,
    mach_msg_size_t rcv_size, mach_port_t rcv_name);

/*
 * An answer that nobody waits for may still come to @port: gives it up if a
 * stub has taken it for the thread, and leaves a caller's own alone.
 */
void mig_reply_port_spoilt(mach_port_t port);
