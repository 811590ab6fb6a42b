/* libmach/call.c: see call.h. */
#include "call.h"

#include <string.h>

#include <mach/mach_init.h>
#include <mach/routine_ids.h>

static mach_msg_base_t *
call_base(struct call *call)
{
	return (mach_msg_base_t *)call->buffer;
}

static void
call_fail(struct call *call, kern_return_t result)
{
	if (call->result == KERN_SUCCESS)
		call->result = result;
}

void
call_begin(struct call *call, mach_msg_id_t id)
{
	call->result = KERN_SUCCESS;
	call->id = id;
	call->size = sizeof(mach_msg_header_t);
	call->replied = false;
	call->has_ndr = false;
	call_base(call)->header.msgh_bits = 0;
}

/* ---- the request ---- */

/* Room for @size more bytes at the request's end. */
static void *
call_extend(struct call *call, uint32_t size)
{
	unsigned char *room = call->buffer + call->size;

	if (size > CALL_MAX - call->size) {
		call_fail(call, MIG_ARRAY_TOO_LARGE);
		return NULL;
	}
	call->size += size;
	return room;
}

static void
call_put_descriptor(struct call *call, const void *descriptor, uint32_t size)
{
	mach_msg_base_t *base = call_base(call);
	void *room;

	if (!(base->header.msgh_bits & MACH_MSGH_BITS_COMPLEX)) {
		base->header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
		call->size = sizeof(mach_msg_base_t);
		base->body.msgh_descriptor_count = 0;
	}
	room = call_extend(call, size);
	if (room == NULL)
		return;
	memcpy(room, descriptor, size);
	base->body.msgh_descriptor_count++;
}

void
call_put_port(
    struct call *call, mach_port_t port, mach_msg_type_name_t disposition)
{
	mach_msg_port_descriptor_t descriptor = {
	    .name = port,
	    .disposition = disposition,
	    .type = MACH_MSG_PORT_DESCRIPTOR,
	};

	call_put_descriptor(call, &descriptor, sizeof(descriptor));
}

void
call_put_ports(struct call *call, const mach_port_t *ports, uint32_t count,
    mach_msg_type_name_t disposition)
{
	mach_msg_ool_ports_descriptor_t descriptor = {
	    .address = (void *)ports,
	    .copy = MACH_MSG_VIRTUAL_COPY,
	    .disposition = disposition,
	    .type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
	    .count = count,
	};

	call_put_descriptor(call, &descriptor, sizeof(descriptor));
}

void
call_put_memory(struct call *call, const void *data, uint32_t size)
{
	mach_msg_ool_descriptor_t descriptor = {
	    .address = (void *)data,
	    .copy = MACH_MSG_VIRTUAL_COPY,
	    .type = MACH_MSG_OOL_DESCRIPTOR,
	    .size = size,
	};

	call_put_descriptor(call, &descriptor, sizeof(descriptor));
}

/* Between descriptors and numbers, once. */
static void
call_put_ndr(struct call *call)
{
	void *room;

	if (call->has_ndr)
		return;
	call->has_ndr = true;
	room = call_extend(call, sizeof(NDR_record));
	if (room != NULL)
		memcpy(room, &NDR_record, sizeof(NDR_record));
}

void
call_put_bytes(struct call *call, const void *bytes, uint32_t size)
{
	unsigned char *room;

	call_put_ndr(call);
	room = call_extend(call, round_msg(size));
	if (room == NULL)
		return;
	memcpy(room, bytes, size);
	memset(room + size, 0, round_msg(size) - size);
}

void
call_put_u32(struct call *call, uint32_t value)
{
	call_put_bytes(call, &value, sizeof(value));
}

void
call_put_u64(struct call *call, uint64_t value)
{
	call_put_bytes(call, &value, sizeof(value));
}

void
call_put_string(struct call *call, const char *string, uint32_t size)
{
	uint32_t length = strnlen(string, size - 1);
	unsigned char *room;

	call_put_ndr(call);
	room = call_extend(call, size);
	if (room == NULL)
		return;
	memcpy(room, string, length);
	memset(room + length, 0, size - length);
}

/* ---- there and back ---- */

static void
call_address(struct call *call, mach_port_t to, mach_port_t reply)
{
	mach_msg_header_t *header = &call_base(call)->header;

	header->msgh_bits |= MACH_MSGH_BITS_SET(MACH_MSG_TYPE_COPY_SEND,
	    reply == MACH_PORT_NULL ? 0 : MACH_MSG_TYPE_MAKE_SEND_ONCE, 0, 0);
	header->msgh_size = call->size;
	header->msgh_remote_port = to;
	header->msgh_local_port = reply;
	header->msgh_voucher_port = MACH_PORT_NULL;
	header->msgh_id = call->id;
}

/* Whether the message received is the answer to the one sent. */
static void
call_check_reply(struct call *call)
{
	mig_reply_error_t *reply = (mig_reply_error_t *)call->buffer;

	call->replied = true;
	call->end = reply->Head.msgh_size;
	if (reply->Head.msgh_id == MACH_NOTIFY_SEND_ONCE) {
		call_fail(call, MIG_SERVER_DIED);
		return;
	}
	if (reply->Head.msgh_id != call->id + MSGID_REPLY) {
		call_fail(call, MIG_REPLY_MISMATCH);
		return;
	}
	if (reply->Head.msgh_bits & MACH_MSGH_BITS_COMPLEX) {
		call->next = sizeof(mach_msg_base_t);
		return;
	}
	if (call->end < sizeof(mig_reply_error_t)) {
		call_fail(call, MIG_TYPE_ERROR);
		return;
	}
	call->next = sizeof(mig_reply_error_t);
	call_fail(call, reply->RetCode);
}

void
call_perform(struct call *call, mach_port_t to)
{
	mach_port_t reply = mig_get_reply_port();
	mach_msg_return_t mr;

	if (call->result != KERN_SUCCESS)
		return;
	call_address(call, to, reply);
	mr = mach_msg((mach_msg_header_t *)call->buffer,
	    MACH_SEND_MSG | MACH_RCV_MSG, call->size, CALL_MAX, reply,
	    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	if (mr != MACH_MSG_SUCCESS) {
		/* A reply may still come to this port: use it no more. */
		if (mr != MACH_SEND_INVALID_DEST)
			mig_dealloc_reply_port(reply);
		call_fail(call, mr);
		return;
	}
	mig_put_reply_port(reply);
	call_check_reply(call);
}

void
call_send(struct call *call, mach_port_t to)
{
	if (call->result != KERN_SUCCESS)
		return;
	call_address(call, to, MACH_PORT_NULL);
	call_fail(call, mach_msg((mach_msg_header_t *)call->buffer,
			    MACH_SEND_MSG, call->size, 0, MACH_PORT_NULL,
			    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL));
}

/* ---- the reply ---- */

/* The next @size bytes; NULL when there are fewer. */
static const void *
call_take(struct call *call, uint32_t size)
{
	const void *field = call->buffer + call->next;

	if (call->result != KERN_SUCCESS)
		return NULL;
	if (call->next > call->end || size > call->end - call->next) {
		call_fail(call, MIG_TYPE_ERROR);
		return NULL;
	}
	call->next += size;
	return field;
}

/* The next descriptor, if it is of @type. */
static const void *
call_take_descriptor(
    struct call *call, mach_msg_descriptor_type_t type, uint32_t size)
{
	const mach_msg_type_descriptor_t *descriptor = call_take(call, size);

	if (descriptor == NULL)
		return NULL;
	if (!(call_base(call)->header.msgh_bits & MACH_MSGH_BITS_COMPLEX) ||
	    descriptor->type != type) {
		call_fail(call, MIG_TYPE_ERROR);
		return NULL;
	}
	return descriptor;
}

void
call_get_port_type(
    struct call *call, mach_port_t *port, mach_msg_type_name_t *type)
{
	const mach_msg_port_descriptor_t *descriptor = call_take_descriptor(
	    call, MACH_MSG_PORT_DESCRIPTOR, sizeof(*descriptor));

	if (descriptor == NULL)
		return;
	*port = descriptor->name;
	*type = descriptor->disposition;
}

void
call_get_port(struct call *call, mach_port_t *port)
{
	mach_msg_type_name_t type;

	call_get_port_type(call, port, &type);
}

void
call_get_ports(struct call *call, mach_port_t **ports, uint32_t *count)
{
	const mach_msg_ool_ports_descriptor_t *descriptor =
	    call_take_descriptor(
		call, MACH_MSG_OOL_PORTS_DESCRIPTOR, sizeof(*descriptor));

	if (descriptor == NULL)
		return;
	*ports = descriptor->address;
	*count = descriptor->count;
}

void
call_get_memory(struct call *call, void **data, uint32_t *size)
{
	const mach_msg_ool_descriptor_t *descriptor = call_take_descriptor(
	    call, MACH_MSG_OOL_DESCRIPTOR, sizeof(*descriptor));

	if (descriptor == NULL)
		return;
	*data = descriptor->address;
	*size = descriptor->size;
}

void
call_skip_ndr(struct call *call)
{
	call_take(call, sizeof(NDR_record_t));
}

void
call_get_bytes(struct call *call, void *bytes, uint32_t size)
{
	const void *field = call_take(call, size);

	if (field != NULL)
		memcpy(bytes, field, size);
}

void
call_get_u32(struct call *call, uint32_t *value)
{
	call_get_bytes(call, value, sizeof(*value));
}

void
call_get_u64(struct call *call, uint64_t *value)
{
	call_get_bytes(call, value, sizeof(*value));
}

void
call_get_words(struct call *call, void *words, uint32_t *count)
{
	uint32_t sent = 0;

	call_get_u32(call, &sent);
	if (call->result != KERN_SUCCESS)
		return;
	if (sent > *count) {
		call_fail(call, KERN_INVALID_ARGUMENT);
		return;
	}
	call_get_bytes(call, words, sent * sizeof(natural_t));
	*count = sent;
}

kern_return_t
call_end(struct call *call)
{
	if (call->result != KERN_SUCCESS && call->replied)
		mach_msg_destroy(&call_base(call)->header);
	return call->result;
}
