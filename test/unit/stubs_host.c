/* stubs_host.c: see stubs_host.h. */
#include "test/unit/stubs_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/user/formsServer.h"

struct stubs_kernel kernel;

const NDR_record_t NDR_record = {.int_rep = NDR_INT_LITTLE_ENDIAN};
mach_port_t mach_task_self_ = 0x303;

/* ---- what stubs and the server call ---- */

__thread mach_port_t mig_reply_port;

mach_port_t
mig_make_reply_port(void)
{
	return REPLY;
}

mach_port_t
mig_get_special_reply_port(void)
{
	return REPLY + 1;
}

void
mach_msg_destroy(mach_msg_header_t *msg)
{
	assert_non_null(msg);
	kernel.destroyed++;
}

mach_msg_return_t
mig_call_failed(mach_msg_return_t mr, mach_msg_header_t *message,
    mach_msg_option_t option, mach_port_t reply_port, mach_msg_size_t rcv_size,
    mach_msg_timeout_t timeout)
{
	(void)option, (void)reply_port, (void)rcv_size, (void)timeout;
	assert_int_equal(message->msgh_size, 0);
	return mr;
}

mach_msg_return_t
mach_msg_send(mach_msg_header_t *msg)
{
	memcpy(kernel.reply.bytes, msg, msg->msgh_size);
	kernel.reply.size = msg->msgh_size;
	return MACH_MSG_SUCCESS;
}

kern_return_t
mach_port_allocate(ipc_space_t task, mach_port_right_t right, mach_port_t *name)
{
	(void)task, (void)right;
	*name = 0x909;
	return KERN_SUCCESS;
}

kern_return_t
mach_port_deallocate(ipc_space_t task, mach_port_t name)
{
	(void)task, (void)name;
	return KERN_SUCCESS;
}

kern_return_t
mach_port_mod_refs(ipc_space_t task, mach_port_t name, mach_port_right_t right,
    mach_port_delta_t delta)
{
	(void)task, (void)name, (void)right, (void)delta;
	return KERN_SUCCESS;
}

kern_return_t
mach_port_type(ipc_space_t task, mach_port_t name, mach_port_type_t *type)
{
	(void)task, (void)name;
	*type = MACH_PORT_TYPE_SEND;
	return KERN_SUCCESS;
}

kern_return_t
vm_deallocate(vm_map_t task, vm_address_t address, vm_size_t size)
{
	(void)task, (void)address, (void)size;
	return KERN_SUCCESS;
}

int
mig_strncpy(char *to, const char *from, int size)
{
	size_t length = strnlen(from, (size_t)size - 1);

	memcpy(to, from, length);
	to[length] = '\0';
	return (int)length + 1;
}

int
mig_strncpy_zerofill(char *to, const char *from, int size)
{
	memset(to, 0, (size_t)size);
	return mig_strncpy(to, from, size);
}

/* ---- the kernel ---- */

uint32_t
some(uint32_t below)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 20) % below;
}

static uint32_t
received(uint32_t disposition)
{
	switch (disposition) {
	case MACH_MSG_TYPE_COPY_SEND:
	case MACH_MSG_TYPE_MAKE_SEND:
		return MACH_MSG_TYPE_PORT_SEND;
	case MACH_MSG_TYPE_MAKE_SEND_ONCE:
		return MACH_MSG_TYPE_PORT_SEND_ONCE;
	}
	return disposition;
}

uint32_t
receive_descriptors(struct message *message)
{
	mach_msg_base_t *base = (mach_msg_base_t *)message->bytes;
	uint32_t at = sizeof(*base);

	if (!(base->header.msgh_bits & MACH_MSGH_BITS_COMPLEX))
		return sizeof(base->header);
	for (uint32_t i = 0; i < base->body.msgh_descriptor_count; i++) {
		mach_msg_descriptor_t *descriptor =
		    (mach_msg_descriptor_t *)(message->bytes + at);

		switch (descriptor->type.type) {
		case MACH_MSG_PORT_DESCRIPTOR:
			descriptor->port.disposition =
			    received(descriptor->port.disposition);
			at += sizeof(descriptor->port);
			break;
		case MACH_MSG_OOL_PORTS_DESCRIPTOR:
			descriptor->ool_ports.disposition =
			    received(descriptor->ool_ports.disposition);
			at += sizeof(descriptor->ool_ports);
			break;
		default:
			at += sizeof(descriptor->out_of_line);
		}
		assert_true(at <= message->size);
	}
	return at;
}

static void
put_trailer(void *place)
{
	mach_msg_context_trailer_t trailer = {
	    .msgh_trailer_size = sizeof(trailer),
	    .msgh_audit = {{1, 2, 3, 4, 5, 6, 7, 8}},
	    .msgh_context = 0x123456789,
	};

	memcpy(place, &trailer, sizeof(trailer));
}

void
serve(const struct message *request)
{
	uint32_t room = sizeof(union __ReplyUnion__serve_forms_subsystem),
		 odd = 4 * some(2);
	unsigned char *in =
	    malloc(odd + request->size + sizeof(mach_msg_context_trailer_t));
	unsigned char *out = malloc(odd + room);
	mach_msg_header_t *reply = (mach_msg_header_t *)(out + odd);

	assert_true(in != NULL && out != NULL);
	memcpy(in + odd, request->bytes, request->size);
	put_trailer(in + odd + request->size);
	memset(out, 0xa5, odd + room);
	kernel.reply.size = 0;
	forms_server((mach_msg_header_t *)(in + odd), reply);
	assert_true(reply->msgh_size <= room);
	if (kernel.reply.size == 0) { /* not answered by itself */
		memcpy(kernel.reply.bytes, reply, reply->msgh_size);
		kernel.reply.size = reply->msgh_size;
	}
	free(in);
	free(out);
}

void
change(struct message *message, uint32_t from)
{
	static const uint32_t likely[] = {
	    0, 1, 2, 3, 4, 5, 7, 10, 11, 13, 14, 22, 23, 100, UINT32_MAX};
	uint32_t words = (message->size - from) / 4;

	for (uint32_t i = some(4); i > 0 && words > 0; i--) {
		uint32_t value = likely[some(sizeof(likely) / 4)];

		memcpy(message->bytes + from + 4 * some(words), &value, 4);
	}
	if (some(4) == 0 && message->size > from)
		message->size -= 4 * (1 + some(words));
	else if (some(8) == 0 && message->size + 4 < LARGEST)
		message->size += 4;
}

/* What the client gets: the reply as received, changed if so wished. */
static mach_msg_return_t
deliver(void *buffer, uint64_t rcv_size)
{
	struct message *reply = &kernel.reply;
	mach_msg_header_t *header = (mach_msg_header_t *)reply->bytes;
	uint32_t behind;

	if (!(header->msgh_bits & MACH_MSGH_BITS_COMPLEX) &&
	    ((mig_reply_error_t *)header)->RetCode == MIG_NO_REPLY)
		return MACH_RCV_TIMED_OUT;
	behind = receive_descriptors(reply);
	if (kernel.random) {
		change(reply, behind);
		if (some(20) == 0)
			header->msgh_id = (mach_msg_id_t)some(100);
		if (some(20) == 0)
			header->msgh_remote_port = 0x777;
	}
	header->msgh_bits = (header->msgh_bits & MACH_MSGH_BITS_COMPLEX) |
			    MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE);
	header->msgh_size = reply->size;
	header->msgh_local_port = REPLY;
	if (header->msgh_remote_port != 0x777)
		header->msgh_remote_port = MACH_PORT_NULL;
	if (reply->size + sizeof(mach_msg_trailer_t) > rcv_size)
		return MACH_RCV_TOO_LARGE;
	memcpy(buffer, reply->bytes, reply->size);
	if (reply->size + sizeof(mach_msg_context_trailer_t) <= rcv_size)
		put_trailer((unsigned char *)buffer + reply->size);
	return MACH_MSG_SUCCESS;
}

mach_msg_return_t
mach_msg2_trap(void *data, uint64_t options, uint64_t bits_and_send_size,
    uint64_t remote_and_local_port, uint64_t voucher_and_id,
    uint64_t desc_count_and_rcv_name, uint64_t rcv_size_and_priority,
    uint64_t timeout)
{
	struct message *request = &kernel.request;
	mach_msg_bits_t bits = (mach_msg_bits_t)bits_and_send_size;
	mach_msg_header_t header = {
	    .msgh_bits = (bits & MACH_MSGH_BITS_COMPLEX) |
			 MACH_MSGH_BITS(received(MACH_MSGH_BITS_LOCAL(bits)),
			     received(MACH_MSGH_BITS_REMOTE(bits))),
	    .msgh_size = (mach_msg_size_t)(bits_and_send_size >> 32),
	    .msgh_remote_port = (mach_port_t)(remote_and_local_port >> 32),
	    .msgh_local_port = (mach_port_t)remote_and_local_port,
	    .msgh_id = (mach_msg_id_t)(voucher_and_id >> 32),
	};

	(void)timeout;
	assert_int_equal(header.msgh_local_port, SERVER);
	assert_int_equal(header.msgh_size % 4, 0);
	kernel.options = options;
	request->size = header.msgh_size;
	memcpy(request->bytes, data, request->size);
	memcpy(request->bytes, &header, sizeof(header));
	if (bits & MACH_MSGH_BITS_COMPLEX)
		assert_int_equal((uint32_t)desc_count_and_rcv_name,
		    ((mach_msg_base_t *)request->bytes)
			->body.msgh_descriptor_count);
	receive_descriptors(request);
	if (kernel.result != MACH_MSG_SUCCESS)
		return kernel.result;
	serve(request);
	if (!(options & MACH_RCV_MSG))
		return MACH_MSG_SUCCESS;
	assert_int_equal(
	    desc_count_and_rcv_name >> 32, header.msgh_remote_port);
	return deliver(data, rcv_size_and_priority);
}

/* Is @message, which was received, one that may come in registers? */
static bool
is_small(const struct message *message)
{
	const mach_msg_header_t *header =
	    (const mach_msg_header_t *)message->bytes;

	return !(header->msgh_bits & MACH_MSGH_BITS_COMPLEX) &&
	       header->msgh_size <= sizeof(mach_msg_registers_t);
}

/* Half of the small ones come in registers, whatever room there is. */
mach_msg_return_t
mach_msg_call_trap(void *buffer, mach_msg_registers_t *message,
    mach_msg_size_t rcv_size, mach_port_name_t rcv_name)
{
	static struct message got;
	mach_msg_size_t size = (mach_msg_size_t)(message->bits_and_size >> 32);
	mach_msg_return_t mr;

	assert_true(size <= sizeof(*message));
	memcpy(got.bytes, message, sizeof(*message));
	mr = mach_msg2_trap(got.bytes, MACH_SEND_MSG | MACH_RCV_MSG,
	    message->bits_and_size, message->remote_and_local_port,
	    message->voucher_and_id, (uint64_t)rcv_name << 32,
	    sizeof(got.bytes), 0);
	if (mr != MACH_MSG_SUCCESS)
		return mr;
	if (is_small(&got) && some(2) == 0) {
		memset(message, 0, sizeof(*message));
		memcpy(message, got.bytes,
		    ((mach_msg_header_t *)got.bytes)->msgh_size);
		return MACH_MSG_IN_REGISTERS;
	}
	return deliver(buffer, rcv_size);
}
