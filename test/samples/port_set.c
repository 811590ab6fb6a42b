/* Three ports in a set: whatever comes to any of them is received from it. */
#include <stdio.h>
#include <stdlib.h>

#include <mach/mach.h>
#include <mach/mach_port.h>

enum {
	PORTS = 3
};

static void
post(mach_port_t port, mach_msg_id_t id)
{
	mach_msg_header_t header = {0};

	header.msgh_bits = MACH_MSGH_BITS_SET(MACH_MSG_TYPE_MAKE_SEND, 0, 0, 0);
	header.msgh_size = sizeof(header);
	header.msgh_remote_port = port;
	header.msgh_id = id;
	if (mach_msg_send(&header) != MACH_MSG_SUCCESS)
		exit(1);
}

int
main(void)
{
	mach_port_t self = mach_task_self(), set, ports[PORTS];
	mach_port_name_array_t members;
	mach_msg_type_number_t count;
	unsigned int seen = 0;

	if (mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &set))
		return 1;
	for (int i = 0; i < PORTS; i++) {
		if (mach_port_allocate(
			self, MACH_PORT_RIGHT_RECEIVE, &ports[i]) ||
		    mach_port_insert_member(self, ports[i], set))
			return 1;
		post(ports[i], 100 + i);
	}
	if (mach_port_get_set_status(self, set, &members, &count) ||
	    count != PORTS)
		return 1;
	vm_deallocate(self, (vm_address_t)members, count * sizeof(*members));

	for (int i = 0; i < PORTS; i++) {
		mach_msg_empty_rcv_t in;

		in.header.msgh_local_port = set;
		in.header.msgh_size = sizeof(in);
		if (mach_msg_receive(&in.header))
			return 1;
		printf("message %d on port 0x%x\n", in.header.msgh_id,
		    in.header.msgh_local_port);
		seen |= 1u << (in.header.msgh_id - 100);
	}
	for (int i = 0; i < PORTS; i++)
		mach_port_destroy(self, ports[i]);
	mach_port_destroy(self, set);
	return seen == (1u << PORTS) - 1 ? 0 : 1;
}
