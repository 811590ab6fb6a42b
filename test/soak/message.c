/* message.c: messages that say what they carry. */
#include "test/soak/soak.h"

#include <string.h>

#define ID_PLAIN  0x50000000 /* and 16 bits that the words repeat */
#define ID_LADEN  0x60000000 /* descriptors, then the same */
#define ID_MASK	  0x7fff0000
#define WORD(i)	  ((uint32_t)(i)*0x9e3779b9u)
#define PAGES_MAX 6

static uint64_t
pair(uint32_t low, uint32_t high)
{
	return low | (uint64_t)high << 32;
}

mach_msg_return_t
message_trap(union message *message, mach_msg_option_t options,
    mach_msg_size_t send_size, mach_port_t from, mach_msg_timeout_t timeout)
{
	const mach_msg_header_t *header = &message->header;
	uint32_t descriptors =
	    options & MACH_SEND_MSG &&
		    header->msgh_bits & MACH_MSGH_BITS_COMPLEX
		? message->base.body.msgh_descriptor_count
		: 0;

	return mach_msg2_trap(message, (uint64_t)options,
	    pair(header->msgh_bits, send_size),
	    pair(header->msgh_remote_port, header->msgh_local_port),
	    pair(header->msgh_voucher_port, (uint32_t)header->msgh_id),
	    pair(descriptors, from), sizeof(*message), timeout);
}

/* ---- filling ---- */

static void
fill_words(union message *message, size_t from, mach_msg_size_t size)
{
	uint32_t id = (uint32_t)message->header.msgh_id & 0xffff;

	for (size_t i = from / 4; i < size / 4; i++)
		message->word[i] = WORD(i) ^ id;
}

void
message_fill(
    union message *message, mach_port_t to, mach_msg_size_t size, uint32_t id)
{
	message->header = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
	    .msgh_size = size,
	    .msgh_remote_port = to,
	    .msgh_id = (mach_msg_id_t)(ID_PLAIN | (id & 0xffff)),
	};
	fill_words(message, sizeof(message->header), size);
}

/* @descriptor, and a few words behind it */
static void
fill_laden(union message *message, mach_port_t to, const void *descriptor,
    size_t length)
{
	mach_msg_size_t head = sizeof(message->base) + (mach_msg_size_t)length;

	message_fill(message, to, head + 16, to >> 8);
	message->header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	message->header.msgh_id ^= ID_PLAIN ^ ID_LADEN;
	message->base.body.msgh_descriptor_count = 1;
	memcpy(&message->base + 1, descriptor, length);
}

void
message_fill_right(union message *message, mach_port_t to, mach_port_t right,
    mach_msg_type_name_t disposition)
{
	mach_msg_port_descriptor_t descriptor = {
	    .name = right,
	    .disposition = disposition,
	    .type = MACH_MSG_PORT_DESCRIPTOR,
	};

	fill_laden(message, to, &descriptor, sizeof(descriptor));
}

/* Pages whose first word each says which it is; they leave us, or a copy. */
void
message_fill_memory(
    union message *message, mach_port_t to, struct worker *worker)
{
	vm_size_t size = (1 + chance(worker, PAGES_MAX)) * vm_page_size;
	mach_msg_ool_descriptor_t descriptor = {
	    .deallocate = chance(worker, 2),
	    .copy = chance(worker, 2),
	    .type = MACH_MSG_OOL_DESCRIPTOR,
	    .size = (mach_msg_size_t)size,
	};
	vm_address_t at = 0;

	if (vm_allocate(mach_task_self(), &at, size, VM_FLAGS_ANYWHERE) !=
	    KERN_SUCCESS)
		descriptor.size = 0;
	for (vm_size_t i = 0; i < descriptor.size; i += vm_page_size)
		*(uint32_t *)(at + i) = WORD(i);
	descriptor.address = (void *)at;
	fill_laden(message, to, &descriptor, sizeof(descriptor));
}

void
message_fill_array(
    union message *message, mach_port_t to, struct worker *worker)
{
	static mach_port_t list[PORTS];
	mach_msg_ool_ports_descriptor_t descriptor = {
	    .address = list,
	    .count = 1 + chance(worker, PORTS),
	    .disposition = chance(worker, 2) ? MACH_MSG_TYPE_COPY_SEND
					     : MACH_MSG_TYPE_MAKE_SEND,
	    .copy = MACH_MSG_VIRTUAL_COPY,
	    .type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
	};

	/* All write here, and each takes what it finds. */
	for (unsigned i = 0; i < descriptor.count; i++)
		list[i] = any_port(worker);
	fill_laden(message, to, &descriptor, sizeof(descriptor));
}

/* ---- looking ---- */

static void
check_words(const union message *message, size_t from)
{
	uint32_t id = (uint32_t)message->header.msgh_id & 0xffff;

	for (size_t i = from / 4; i < message->header.msgh_size / 4; i++)
		if (message->word[i] != (WORD(i) ^ id))
			complain("a message arrived changed");
}

static void
check_memory(const mach_msg_ool_descriptor_t *memory)
{
	const char *at = memory->address;

	/* Null when there was no room for it, which the size still tells. */
	if (at == NULL)
		return;
	for (vm_size_t i = 0; i < memory->size; i += vm_page_size)
		if (*(const uint32_t *)(at + i) != WORD(i))
			complain("memory arrived changed");
}

static size_t
check_descriptor(union message *message, struct worker *worker)
{
	mach_msg_descriptor_t *descriptor =
	    (mach_msg_descriptor_t *)(&message->base + 1);

	switch (descriptor->type.type) {
	case MACH_MSG_PORT_DESCRIPTOR:
		if (descriptor->port.disposition ==
			MACH_MSG_TYPE_PORT_RECEIVE &&
		    MACH_PORT_VALID(descriptor->port.name)) {
			pool_replace(worker, descriptor->port.name);
			descriptor->port.name = MACH_PORT_NULL;
		}
		return sizeof(descriptor->port);
	case MACH_MSG_OOL_DESCRIPTOR:
		check_memory(&descriptor->out_of_line);
		return sizeof(descriptor->out_of_line);
	default:
		return sizeof(descriptor->ool_ports);
	}
}

void
message_check(union message *message, struct worker *worker)
{
	switch ((uint32_t)message->header.msgh_id & ID_MASK) {
	case ID_PLAIN:
		check_words(message, sizeof(message->header));
		break;
	case ID_LADEN:
		if (message->header.msgh_bits & MACH_MSGH_BITS_COMPLEX)
			check_words(
			    message, sizeof(message->base) +
					 check_descriptor(message, worker));
		break;
	}
}

/*
 * After a wait the message is ours again, in the form of one received.  If it
 * was refused at once, rights are where they were; memory is ours to free.
 */
void
message_failed(union message *message, mach_msg_return_t result)
{
	mach_msg_ool_descriptor_t *memory =
	    (mach_msg_ool_descriptor_t *)(&message->base + 1);

	switch (result) {
	case MACH_SEND_TIMED_OUT:
	case MACH_SEND_INTERRUPTED:
		mach_msg_destroy(&message->header);
		return;
	}
	if (message->header.msgh_bits & MACH_MSGH_BITS_COMPLEX &&
	    memory->type == MACH_MSG_OOL_DESCRIPTOR)
		vm_deallocate(mach_task_self(), (vm_address_t)memory->address,
		    memory->size);
}
