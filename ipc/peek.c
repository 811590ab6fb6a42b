/*
 * peek.c: looking at a message without receiving it.
 */
#include "ipc/copy.h"
#include "ipc/mach_port.h"
#include "ipc/message.h"
#include "ipc/right.h"

/*
 * The message with the sequence number @sequence, or the first for 0; and which
 * that is.  Locks: the port's.
 */
static struct kmsg *
find(struct port *port, uint32_t *sequence)
{
	uint32_t position = 0;

	if (*sequence != 0)
		position = *sequence - port->sequence;
	*sequence = port->sequence + position;
	return mqueue_at(port, position);
}

static void
describe(const struct kmsg *kmsg, uint32_t trailer_type, struct port_peek *peek)
{
	peek->size = kmsg->size;
	peek->id = kmsg->id;
	kmsg_trailer(kmsg, trailer_type, &peek->trailer);
	/* It gets its number when it leaves the queue. */
	peek->trailer.msgh_seqno = peek->sequence;
	peek->trailer_size = trailer_size(trailer_type);
}

kern_return_t
port_peek(struct space *space, mach_port_name_t name, uint32_t trailer_type,
    struct port_peek *peek)
{
	struct port *port;
	struct kmsg *kmsg;
	kern_return_t kr;

	/* No more than that: the context is the receiver's own affair. */
	if (trailer_type >> 28 != MACH_MSG_TRAILER_FORMAT_0 ||
	    trailer_elements(trailer_type) > MACH_RCV_TRAILER_AUDIT ||
	    trailer_size(trailer_type) > peek->trailer_size)
		return KERN_INVALID_ARGUMENT;
	if (!MACH_PORT_VALID(name))
		return KERN_INVALID_RIGHT;
	kr = port_lock_named(space, name, &port);
	if (kr != KERN_SUCCESS)
		return kr;
	kmsg = find(port, &peek->sequence);
	if (kmsg != NULL)
		describe(kmsg, trailer_type, peek);
	spin_unlock(&port->lock);
	return kmsg != NULL ? KERN_SUCCESS : KERN_FAILURE;
}
