/* libmach/msg_server.c: the loop of a server. */
#include <stdbool.h>
#include <stdlib.h>

#include <mach/mach.h>
#include <mach/mig.h>

#include "msg.h"

/* What a caller may choose: the halves are ours to add. */
#define OPTIONS (~(MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_VOUCHER))

/* A request and the room for its answer, of one size. */
struct buffers {
	mach_msg_header_t *request;
	mach_msg_header_t *reply;
	mach_msg_size_t size;
};

/* For messages of @max_size bytes and the trailer that @options ask for. */
static bool
buffers_allocate(struct buffers *buffers, mach_msg_size_t max_size,
    mach_msg_options_t options)
{
	buffers->size = round_msg(max_size) + REQUESTED_TRAILER_SIZE(options);
	buffers->request = malloc(buffers->size);
	buffers->reply = malloc(buffers->size);
	return buffers->request != NULL && buffers->reply != NULL;
}

static void
buffers_free(struct buffers *buffers)
{
	free(buffers->request);
	free(buffers->reply);
}

/* Larger ones, if there is memory; what they hold is lost. */
static bool
buffers_grow(struct buffers *buffers, mach_msg_options_t options)
{
	struct buffers larger;

	if (!buffers_allocate(&larger, buffers->request->msgh_size, options)) {
		buffers_free(&larger);
		return false;
	}
	buffers_free(buffers);
	*buffers = larger;
	return true;
}

/*
 * The answer that @demux made is an error, or none at all: what of the request
 * is nobody's goes now.
 */
static void
give_up_request(mig_reply_error_t *reply, mach_msg_header_t *request)
{
	if (reply->RetCode == MIG_NO_REPLY) {
		reply->Head.msgh_remote_port = MACH_PORT_NULL;
	} else if (request->msgh_bits & MACH_MSGH_BITS_COMPLEX) {
		/* The right to reply is in use: only the rest goes. */
		request->msgh_remote_port = MACH_PORT_NULL;
		mach_msg_destroy(request);
	}
}

/* Lets @demux answer; false when the reply buffer holds nothing to send. */
static inline bool
answer(mach_msg_demux_t demux, struct buffers *buffers)
{
	mig_reply_error_t *reply = (mig_reply_error_t *)buffers->reply;
	bool complex;

	demux(buffers->request, buffers->reply);
	complex = reply->Head.msgh_bits & MACH_MSGH_BITS_COMPLEX;
	if (!complex && reply->RetCode != KERN_SUCCESS)
		give_up_request(reply, buffers->request);
	if (reply->Head.msgh_remote_port != MACH_PORT_NULL)
		return true;
	if (complex)
		mach_msg_destroy(buffers->reply);
	return false;
}

/*
 * A client that waits through a send-once right never keeps us; one that gave
 * a send right may have let its queue fill up, and is not waited for.
 */
static mach_msg_option_t
send_options(const mach_msg_header_t *reply)
{
	if (MACH_MSGH_BITS_REMOTE(reply->msgh_bits) ==
	    MACH_MSG_TYPE_MOVE_SEND_ONCE)
		return MACH_SEND_MSG;
	return MACH_SEND_MSG | MACH_SEND_TIMEOUT;
}

/* The reply went nowhere; what it carried must not stay with us. */
static bool
send_failed(mach_msg_return_t mr, mach_msg_header_t *reply)
{
	if (mr != MACH_SEND_INVALID_DEST && mr != MACH_SEND_TIMED_OUT &&
	    mr != MACH_SEND_NO_BUFFER)
		return false;
	mach_msg_destroy(reply);
	return true;
}

/* ---- in registers ---- */

/* Room for whatever comes in registers, with its trailer. */
#define REGISTERS_ROOM                                                         \
	(sizeof(mach_msg_registers_t) + sizeof(mach_msg_trailer_t))

/* What most replies are; and any request that comes so has room. */
static inline bool
fits_registers(const struct buffers *buffers, mach_msg_option_t options)
{
	const mach_msg_header_t *reply = buffers->reply;

	return reply->msgh_bits ==
		   MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0) &&
	       reply->msgh_size <= sizeof(mach_msg_registers_t) &&
	       options == MACH_MSG_OPTION_NONE &&
	       buffers->size >= REGISTERS_ROOM;
}

/* The trailer that is asked for by no option, behind @message. */
static inline void
add_trailer(mach_msg_header_t *message)
{
	mach_msg_trailer_t *trailer =
	    (mach_msg_trailer_t *)((char *)message + message->msgh_size);

	trailer->msgh_trailer_type = MACH_MSG_TRAILER_FORMAT_0;
	trailer->msgh_trailer_size = MACH_MSG_TRAILER_MINIMUM_SIZE;
}

/*
 * Sends the reply and receives the next request where the last one was.  Both
 * buffers have room for all registers, however much of them is message.
 */
static inline mach_msg_return_t
call_registers(struct buffers *buffers, mach_port_t port)
{
	mach_msg_registers_t message = *(mach_msg_registers_t *)buffers->reply;
	mach_msg_return_t mr;

	mr =
	    mach_msg_call_trap(buffers->request, &message, buffers->size, port);
	if (mr == MACH_MSG_SUCCESS)
		return mr;
	if (mr != MACH_MSG_IN_REGISTERS)
		return msg_call_failed(
		    mr, buffers->request, buffers->size, port);
	*(mach_msg_registers_t *)buffers->request = message;
	add_trailer(buffers->request);
	return MACH_MSG_SUCCESS;
}

static void
swap(struct buffers *buffers)
{
	mach_msg_header_t *request = buffers->request;

	buffers->request = buffers->reply;
	buffers->reply = request;
}

/*
 * No client can end the server by what it sends: a message too long was
 * destroyed by the kernel, one without room for what it carries came without.
 */
static bool
client_error(mach_msg_return_t mr, mach_msg_header_t *request)
{
	switch (mr & ~MACH_MSG_MASK) {
	case MACH_RCV_TOO_LARGE:
	case MACH_RCV_HEADER_ERROR:
		return true;
	case MACH_RCV_BODY_ERROR:
		mach_msg_destroy(request);
		return true;
	}
	return false;
}

static mach_msg_return_t
receive(struct buffers *buffers, mach_port_t port, mach_msg_option_t options)
{
	mach_msg_option_t drop = 0;
	mach_msg_return_t mr;

	do {
		mr = mach_msg(buffers->request,
		    (MACH_RCV_MSG | options) & ~drop, 0, buffers->size, port,
		    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
		/* One for which there is no memory must not stay in front. */
		drop = mr == MACH_RCV_TOO_LARGE && options & MACH_RCV_LARGE &&
			       !buffers_grow(buffers, options)
			   ? MACH_RCV_LARGE
			   : 0;
	} while (client_error(mr, buffers->request));
	return mr;
}

/* Sends the reply and receives the next request in one call. */
static inline mach_msg_return_t
reply_and_receive(
    struct buffers *buffers, mach_port_t port, mach_msg_option_t options)
{
	bool in_registers = fits_registers(buffers, options);
	mach_msg_return_t mr;

	if (in_registers)
		mr = call_registers(buffers, port);
	else
		mr = mach_msg(buffers->reply,
		    send_options(buffers->reply) | MACH_RCV_MSG | options,
		    buffers->reply->msgh_size, buffers->size, port,
		    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	if (in_registers && mr == MACH_MSG_SUCCESS)
		return mr;
	if (send_failed(mr, buffers->reply))
		return receive(buffers, port, options);
	if (!in_registers)
		swap(buffers); /* the next request is where the reply was */
	if (mr == MACH_RCV_TOO_LARGE && options & MACH_RCV_LARGE)
		buffers_grow(buffers, options);
	if (client_error(mr, buffers->request))
		return receive(buffers, port, options);
	return mr;
}

mach_msg_return_t
mach_msg_server(mach_msg_demux_t demux, mach_msg_size_t max_size,
    mach_port_t port, mach_msg_options_t options)
{
	struct buffers buffers;
	mach_msg_return_t mr = KERN_RESOURCE_SHORTAGE;

	options &= OPTIONS;
	if (buffers_allocate(&buffers, max_size, options)) {
		mr = receive(&buffers, port, options);
		while (mr == MACH_MSG_SUCCESS) {
			if (answer(demux, &buffers))
				mr = reply_and_receive(&buffers, port, options);
			else
				mr = receive(&buffers, port, options);
		}
	}
	buffers_free(&buffers);
	return mr;
}

mach_msg_return_t
mach_msg_server_once(mach_msg_demux_t demux, mach_msg_size_t max_size,
    mach_port_t port, mach_msg_options_t options)
{
	struct buffers buffers;
	mach_msg_return_t mr = KERN_RESOURCE_SHORTAGE;

	options &= OPTIONS;
	if (buffers_allocate(&buffers, max_size, options))
		mr = receive(&buffers, port, options);
	if (mr == MACH_MSG_SUCCESS && answer(demux, &buffers)) {
		mr = mach_msg(buffers.reply, send_options(buffers.reply),
		    buffers.reply->msgh_size, 0, MACH_PORT_NULL,
		    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
		if (send_failed(mr, buffers.reply))
			mr = MACH_MSG_SUCCESS;
	}
	buffers_free(&buffers);
	return mr;
}

mach_msg_return_t
mach_msg_server_importance(mach_msg_demux_t demux, mach_msg_size_t max_size,
    mach_port_t port, mach_msg_options_t options)
{
	return mach_msg_server(demux, max_size, port, options);
}
