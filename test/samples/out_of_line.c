/*
 * A page travels out of line, first as a copy, then for good; an array of
 * rights goes the same way.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mach/mach.h>

#define CHECK(call)                                                            \
	do {                                                                   \
		kern_return_t kr_ = (call);                                    \
		if (kr_ != KERN_SUCCESS) {                                     \
			mach_error(#call, kr_);                                \
			exit(1);                                               \
		}                                                              \
	} while (0)

struct ool_message {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_ool_descriptor_t data;
	mach_msg_ool_ports_descriptor_t ports;
};

struct ool_received {
	struct ool_message message;
	mach_msg_max_trailer_t trailer;
};

static void
transfer(mach_port_t port, vm_address_t data, boolean_t deallocate)
{
	mach_port_t list[2] = {port, MACH_PORT_NULL};
	struct ool_message out = {
	    .header =
		{
		    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) |
				 MACH_MSGH_BITS_COMPLEX,
		    .msgh_remote_port = port,
		    .msgh_size = sizeof(out),
		},
	    .body = {.msgh_descriptor_count = 2},
	    .data =
		{
		    .address = (void *)data,
		    .size = (mach_msg_size_t)vm_page_size,
		    .deallocate = deallocate,
		    .copy = MACH_MSG_VIRTUAL_COPY,
		    .type = MACH_MSG_OOL_DESCRIPTOR,
		},
	    .ports =
		{
		    .address = list,
		    .count = 2,
		    .disposition = MACH_MSG_TYPE_COPY_SEND,
		    .type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
		},
	};
	struct ool_received in;
	mach_port_t *names;
	char *copy;

	CHECK(mach_msg_send(&out.header));
	in.message.header.msgh_size = sizeof(in);
	in.message.header.msgh_local_port = port;
	CHECK(mach_msg_receive(&in.message.header));

	copy = in.message.data.address;
	names = in.message.ports.address;
	printf("%u bytes at %p, %u rights\n", in.message.data.size,
	    (void *)copy, in.message.ports.count);
	if (strcmp(copy, "a page") != 0 || names[0] != port ||
	    names[1] != MACH_PORT_NULL)
		exit(1);
	copy[0] = 'A'; /* ours alone */
	mach_msg_destroy(&in.message.header);
}

int
main(void)
{
	mach_port_t task = mach_task_self(), port;
	vm_address_t page = 0;

	CHECK(mach_port_allocate(task, MACH_PORT_RIGHT_RECEIVE, &port));
	CHECK(
	    mach_port_insert_right(task, port, port, MACH_MSG_TYPE_MAKE_SEND));
	CHECK(vm_allocate(task, &page, vm_page_size, VM_FLAGS_ANYWHERE));
	strcpy((char *)page, "a page");

	transfer(port, page, FALSE);
	if (strcmp((char *)page, "a page") != 0)
		return 1;
	transfer(port, page, TRUE);
	CHECK(mach_port_destroy(task, port));
	return 0;
}
