/*
 * mach/mig.h: what stubs are made of: those that userland/mig writes, and
 * servers that are written by hand.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <mach/cdefs.h>
#include <mach/mach_init.h>
#include <mach/mach_traps.h>
#include <mach/mig_errors.h>
#include <mach/notify.h>
#include <mach/routine_ids.h>

#define mig_internal static
#define mig_external extern

/* ---- servers: a subsystem as a table ---- */

/* Answers the request in the first message by filling the second. */
typedef void (*mig_stub_routine_t)(
    mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP);
typedef mig_stub_routine_t mig_routine_t;

/* The routine for a request's id; NULL if the subsystem has none. */
typedef mig_routine_t (*mig_server_routine_t)(mach_msg_header_t *InHeadP);
typedef kern_return_t (*mig_impl_routine_t)(void);

typedef mach_msg_type_descriptor_t routine_arg_descriptor;
typedef routine_arg_descriptor *routine_arg_descriptor_t;

struct routine_descriptor {
	mig_impl_routine_t impl_routine; /* NULL: the stub calls it */
	mig_stub_routine_t stub_routine; /* NULL: no such routine */
	unsigned int argc;		 /* parameters of the server's */
	unsigned int descr_count;
	routine_arg_descriptor_t arg_descr;
	unsigned int max_reply_msg; /* bytes of the longest reply */
};
typedef struct routine_descriptor *routine_descriptor_t;
typedef struct routine_descriptor mig_routine_descriptor;
typedef mig_routine_descriptor *mig_routine_descriptor_t;

typedef struct mig_subsystem {
	mig_server_routine_t server;
	mach_msg_id_t start; /* the first routine's id */
	mach_msg_id_t end;   /* one behind the last's */
	mach_msg_size_t maxsize;
	vm_address_t reserved;
	mig_routine_descriptor routine[1]; /* end - start of them */
} * mig_subsystem_t;

MACH_BEGIN_DECLS

/*
 * Makes @reply the answer to @request: addressed to who asked, with the right
 * to do so moved into it, as long as a mig_reply_error_t, its id 100 higher,
 * and MIG_BAD_ID for a result.
 */
static inline void
mig_reply_setup(const mach_msg_header_t *request, mach_msg_header_t *reply)
{
	mig_reply_error_t *error = (mig_reply_error_t *)reply;

	reply->msgh_bits =
	    MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(request->msgh_bits), 0);
	reply->msgh_size = sizeof(*error);
	reply->msgh_remote_port = request->msgh_remote_port;
	reply->msgh_local_port = MACH_PORT_NULL;
	reply->msgh_voucher_port = MACH_PORT_NULL;
	reply->msgh_id = request->msgh_id + MSGID_REPLY;
	mig_set_ndr(&error->NDR);
	error->RetCode = MIG_BAD_ID;
}

/* Makes a reply that mig_reply_setup() has begun say @result, nothing else. */
static inline void
mig_reply_error(mach_msg_header_t *reply, kern_return_t result)
{
	mig_reply_error_t *error = (mig_reply_error_t *)reply;

	error->Head.msgh_bits &= ~MACH_MSGH_BITS_COMPLEX;
	error->Head.msgh_size = sizeof(*error);
	mig_set_ndr(&error->NDR);
	error->RetCode = result;
}

/*
 * The trailer behind @request, if the server's loop has asked for one of at
 * least @size bytes; NULL if not.
 */
static inline const mach_msg_max_trailer_t *
mig_trailer(const mach_msg_header_t *request, mach_msg_size_t size)
{
	const mach_msg_max_trailer_t *trailer =
	    (const mach_msg_max_trailer_t *)((const char *)request +
					     round_msg(request->msgh_size));

	if (trailer->msgh_trailer_type != MACH_MSG_TRAILER_FORMAT_0 ||
	    trailer->msgh_trailer_size < size)
		return NULL;
	return trailer;
}

/* ---- both sides ---- */

/* Bytes in a message: whole words. */
static inline mach_msg_size_t
mig_round(mach_msg_size_t size)
{
	return (size + 3) & ~(mach_msg_size_t)3;
}

/*
 * The message whose last fields stand @unused bytes earlier than its struct
 * says, as a struct in which they stand right.  Only they may be looked at.
 */
static inline void *
mig_shift(const void *message, size_t unused)
{
	return (void *)((uintptr_t)message - unused);
}

/* memcpy() of an array that may be empty, and then anywhere. */
static inline void
mig_copy(void *to, const void *from, size_t size)
{
	if (size > 0)
		memcpy(to, from, size);
}

/* Clears what rounding adds behind @size bytes at @field. */
static inline void
mig_pad(void *field, mach_msg_size_t size)
{
	memset((char *)field + size, 0, mig_round(size) - size);
}

/* Whether a right that came is as @wanted, a MACH_MSG_TYPE_PORT_ value. */
static inline bool
mig_is_port(const mach_msg_port_descriptor_t *port, mach_msg_type_name_t wanted)
{
	return port->type == MACH_MSG_PORT_DESCRIPTOR &&
	       (port->disposition == wanted ||
		   wanted == MACH_MSG_TYPE_POLYMORPHIC);
}

/* Whether memory that came is @count elements of @size bytes. */
static inline bool
mig_is_memory(const mach_msg_ool_descriptor_t *memory, uint64_t count,
    mach_msg_size_t size)
{
	return memory->type == MACH_MSG_OOL_DESCRIPTOR &&
	       memory->size == count * size;
}

/* Whether an array of rights that came is @count of the @wanted ones. */
static inline bool
mig_is_ports(const mach_msg_ool_ports_descriptor_t *ports,
    mach_msg_size_t count, mach_msg_type_name_t wanted)
{
	return ports->type == MACH_MSG_OOL_PORTS_DESCRIPTOR &&
	       ports->count == count &&
	       (ports->disposition == wanted ||
		   wanted == MACH_MSG_TYPE_POLYMORPHIC);
}

/*
 * Whether @message is of @min to @max bytes and has @descriptors of them; it is
 * complex when that is not 0.
 */
static inline bool
mig_check_form(const mach_msg_header_t *message, mach_msg_size_t min,
    mach_msg_size_t max, mach_msg_size_t descriptors)
{
	const mach_msg_base_t *base = (const mach_msg_base_t *)message;

	if (message->msgh_size < min || message->msgh_size > max)
		return false;
	if (!(message->msgh_bits & MACH_MSGH_BITS_COMPLEX))
		return descriptors == 0;
	return descriptors != 0 &&
	       base->body.msgh_descriptor_count == descriptors;
}

static inline bool
mig_check_request(const mach_msg_header_t *request, mach_msg_size_t min,
    mach_msg_size_t max, mach_msg_size_t descriptors)
{
	return mig_check_form(request, min, max, descriptors);
}

/* ---- clients ---- */

/* A word of a message, whatever else it is. */
typedef uint64_t mig_word_t __attribute__((__may_alias__));

/*
 * Whether @reply has the id @id and the form of a success, as above; if not,
 * the error that it says or is.
 */
kern_return_t mig_judge_reply(const mach_msg_header_t *reply, mach_msg_id_t id,
    mach_msg_size_t min, mach_msg_size_t max, mach_msg_size_t descriptors);

/* The same: what most replies are is seen at once. */
static inline kern_return_t
mig_check_reply(const mach_msg_header_t *reply, mach_msg_id_t id,
    mach_msg_size_t min, mach_msg_size_t max, mach_msg_size_t descriptors)
{
	const mig_word_t *word = (const mig_word_t *)reply;
	const uint64_t bits = MACH_MSGH_BITS(0, MACH_MSG_TYPE_MOVE_SEND_ONCE);

	if (descriptors == 0 && (uintptr_t)reply % sizeof(*word) == 0 &&
	    word[0] == (bits | (uint64_t)max << 32) &&
	    (uint32_t)word[1] == MACH_PORT_NULL &&
	    word[2] == (uint64_t)(uint32_t)id << 32)
		return ((const mig_reply_error_t *)reply)->RetCode;
	return mig_judge_reply(reply, id, min, max, descriptors);
}

/* The thread's special reply port (thread_get_special_reply_port()), kept. */
mach_port_t mig_get_special_reply_port(void);
/* Forget it and give it up, if it is @port or @port is MACH_PORT_NULL. */
void mig_dealloc_special_reply_port(mach_port_t port);

/* A request, its header in parts: they go to the kernel in registers. */
struct mig_call {
	mach_msg_option_t option;
	mach_msg_bits_t bits;
	mach_msg_size_t send_size;
	mach_port_t request_port;
	mach_port_t reply_port;
	mach_msg_id_t id;
	mach_msg_size_t descriptors; /* as in the message's body */
	mach_msg_size_t rcv_size;    /* room for the reply and its trailer */
	mach_msg_timeout_t timeout;
};

/*
 * The rest of a mig_call() whose trap returned @mr: goes on after an
 * interruption.  What came back, or came in part, is given up; so is the
 * thread's reply port when an answer may still come to it.
 */
mach_msg_return_t mig_call_failed(mach_msg_return_t mr,
    mach_msg_header_t *message, mach_msg_option_t option,
    mach_port_t reply_port, mach_msg_size_t rcv_size,
    mach_msg_timeout_t timeout);

/*
 * Sends the request at @message, whose header need not be filled in, and waits
 * for the reply if the options say so; the reply is written at @message.
 *
 * On success what the reply brought is the caller's.  On failure nothing was
 * brought.  What the request was to move is still the caller's if it was
 * refused at once; after waiting (MACH_SEND_TIMED_OUT, MACH_SEND_INTERRUPTED,
 * MACH_SEND_INVALID_DEST of a port that died meanwhile) it is given up.
 */
static inline mach_msg_return_t
mig_call(void *message, const struct mig_call *call)
{
	mach_msg_header_t *header = (mach_msg_header_t *)message;
	mach_msg_return_t mr;

	header->msgh_size = 0; /* stays so unless a message is written here */
	mr = mach_msg2_trap(message, (uint32_t)call->option,
	    call->bits | (uint64_t)call->send_size << 32,
	    call->request_port | (uint64_t)call->reply_port << 32,
	    (uint64_t)(uint32_t)call->id << 32,
	    call->descriptors | (uint64_t)call->reply_port << 32,
	    call->rcv_size, call->timeout);
	if (mr == MACH_MSG_SUCCESS)
		return mr;
	return mig_call_failed(mr, header, call->option, call->reply_port,
	    call->rcv_size, call->timeout);
}

/* The words of a message of @size bytes that are its body, rounded up. */
static inline size_t
mig_body_words(mach_msg_size_t size)
{
	return (size - sizeof(mach_msg_header_t) + 7) / 8;
}

/* The word at @i of a body of @count; and to set it, if there is one. */
static inline uint64_t
mig_word(const mig_word_t *body, size_t i, size_t count)
{
	return i < count ? body[i] : mach_msg_any_word();
}

static inline void
mig_set_word(mig_word_t *body, size_t i, size_t count, uint64_t word)
{
	if (i < count)
		body[i] = word;
}

/*
 * mig_call() of a plain request, to a port with a send right to it, that fits
 * in registers: a body of up to MACH_MSG_REGISTERS_BODY bytes.  @message has
 * room for as much, and for @rcv_size bytes.
 */
static inline mach_msg_return_t
mig_call_registers(void *message, mach_msg_size_t send_size,
    mach_port_t request_port, mach_port_t reply_port, mach_msg_id_t id,
    mach_msg_size_t rcv_size)
{
	const mach_msg_bits_t bits = MACH_MSGH_BITS(
	    MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	const size_t sent = mig_body_words(send_size);
	const size_t room =
	    mig_body_words(rcv_size - sizeof(mach_msg_trailer_t));
	mach_msg_header_t *header = (mach_msg_header_t *)message;
	mig_word_t *word = (mig_word_t *)message, *body = word + 3;
	mach_msg_registers_t in;
	mach_msg_return_t mr;

	header->msgh_size = 0; /* as in mig_call() */
	in.bits_and_size = bits | (uint64_t)send_size << 32;
	in.remote_and_local_port = request_port | (uint64_t)reply_port << 32;
	in.voucher_and_id = (uint64_t)(uint32_t)id << 32;
	in.body[0] = mig_word(body, 0, sent);
	in.body[1] = mig_word(body, 1, sent);
	in.body[2] = mig_word(body, 2, sent);
	in.body[3] = mig_word(body, 3, sent);
	in.body[4] = mig_word(body, 4, sent);
	in.body[5] = mig_word(body, 5, sent);
	mr = mach_msg_call_trap(message, &in, rcv_size, reply_port);
	if (mr != MACH_MSG_IN_REGISTERS)
		return mr == MACH_MSG_SUCCESS
			   ? mr
			   : mig_call_failed(mr, header,
				 MACH_SEND_MSG | MACH_RCV_MSG, reply_port,
				 rcv_size, MACH_MSG_TIMEOUT_NONE);
	word[0] = in.bits_and_size;
	word[1] = in.remote_and_local_port;
	word[2] = in.voucher_and_id;
	mig_set_word(body, 0, room, in.body[0]);
	mig_set_word(body, 1, room, in.body[1]);
	mig_set_word(body, 2, room, in.body[2]);
	mig_set_word(body, 3, room, in.body[3]);
	mig_set_word(body, 4, room, in.body[4]);
	mig_set_word(body, 5, room, in.body[5]);
	return MACH_MSG_SUCCESS;
}

MACH_END_DECLS
