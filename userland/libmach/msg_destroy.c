/* libmach/msg_destroy.c: give up what a message brought. */
#include <stddef.h>

#include <mach/mach.h>

static void
destroy_right(mach_port_t name, mach_msg_type_name_t disposition)
{
	mach_port_t self = mach_task_self(), made;
	mach_msg_type_name_t type;

	if (!MACH_PORT_VALID(name))
		return;
	switch (disposition) {
	case MACH_MSG_TYPE_MOVE_SEND:
	case MACH_MSG_TYPE_MOVE_SEND_ONCE:
		mach_port_deallocate(self, name);
		break;
	case MACH_MSG_TYPE_MOVE_RECEIVE:
		mach_port_mod_refs(self, name, MACH_PORT_RIGHT_RECEIVE, -1);
		break;
	case MACH_MSG_TYPE_MAKE_SEND:
		if (mach_port_insert_right(self, name, name, disposition) ==
		    KERN_SUCCESS)
			mach_port_deallocate(self, name);
		break;
	case MACH_MSG_TYPE_MAKE_SEND_ONCE:
		if (mach_port_extract_right(
			self, name, disposition, &made, &type) == KERN_SUCCESS)
			mach_port_deallocate(self, made);
		break;
	}
}

static void
destroy_guarded(const mach_msg_guarded_port_descriptor_t *port)
{
	if (!(port->flags & MACH_MSG_GUARD_FLAGS_UNGUARDED_ON_SEND))
		mach_port_unguard(mach_task_self(), port->name, port->context);
	destroy_right(port->name, port->disposition);
}

static void
destroy_memory(const void *address, vm_size_t size)
{
	if (size > 0)
		mach_vm_deallocate(
		    mach_task_self(), (mach_vm_address_t)address, size);
}

static void
destroy_ports(const mach_msg_ool_ports_descriptor_t *ports)
{
	const mach_port_t *names = ports->address;

	for (mach_msg_size_t i = 0; i < ports->count; i++)
		destroy_right(names[i], ports->disposition);
	destroy_memory(names, ports->count * sizeof(*names));
}

/* Returns the descriptor's length, by which the next one follows. */
static size_t
destroy_descriptor(const mach_msg_descriptor_t *descriptor)
{
	switch (descriptor->type.type) {
	case MACH_MSG_PORT_DESCRIPTOR:
		destroy_right(
		    descriptor->port.name, descriptor->port.disposition);
		return sizeof(descriptor->port);
	case MACH_MSG_OOL_PORTS_DESCRIPTOR:
		destroy_ports(&descriptor->ool_ports);
		return sizeof(descriptor->ool_ports);
	case MACH_MSG_GUARDED_PORT_DESCRIPTOR:
		destroy_guarded(&descriptor->guarded_port);
		return sizeof(descriptor->guarded_port);
	default:
		destroy_memory(descriptor->out_of_line.address,
		    descriptor->out_of_line.size);
		return sizeof(descriptor->out_of_line);
	}
}

void
mach_msg_destroy(mach_msg_header_t *msg)
{
	const mach_msg_base_t *base = (const mach_msg_base_t *)msg;
	const char *at = (const char *)(base + 1);

	/* The local port of a received message is the receiver's own. */
	destroy_right(
	    msg->msgh_remote_port, MACH_MSGH_BITS_REMOTE(msg->msgh_bits));
	destroy_right(
	    msg->msgh_voucher_port, MACH_MSGH_BITS_VOUCHER(msg->msgh_bits));
	if (!(msg->msgh_bits & MACH_MSGH_BITS_COMPLEX))
		return;
	for (mach_msg_size_t i = 0; i < base->body.msgh_descriptor_count; i++)
		at += destroy_descriptor((const mach_msg_descriptor_t *)at);
}
