/*
 * copyout.c: a message on its way out: rights -> names, kmsg -> user memory.
 *
 *	HEADER	     the destination's right is used up, the reply right given
 *	DESCRIPTORS  rights and memory, one descriptor after the other
 *	CLOSE_UP     the body moves up behind descriptors that became shorter
 *	WRITE	     the bytes, with the trailer behind them
 *
 * What cannot be given is given up, and the code says so; the rest arrives.
 */
#include "ipc/copy.h"

#include <arch/usercopy.h>

#include "ipc/entry.h"
#include "ipc/message.h"
#include "ipc/notify.h"
#include "ipc/right.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "vm/memory_wait.h"

/* Bytes of body that one step moves up. */
#define STEP_MOVED 8192

enum copyout_phase {
	HEADER,
	DESCRIPTORS,
	CLOSE_UP,
	WRITE,
	WRITTEN
};

/* ---- the header ---- */

/*
 * The destination's right has done its work.  Where the receiver still holds
 * the port, its name for it tells where the message came to.
 */
static mach_port_name_t
use_remote(struct kmsg *kmsg)
{
	struct space *space = current_thread()->task->space;
	struct port *port = kmsg->remote;
	mach_port_name_t name = MACH_PORT_DEAD;
	struct kmsg *notice = NULL;
	uint32_t make_send_count = 0;

	kmsg_clear_remote(kmsg);
	port_lock(port);
	if (likely(port->receiver == space))
		name = port->name;
	if (kmsg->remote_type == MACH_MSG_TYPE_PORT_SEND)
		notice = port_drop_send(port, &make_send_count);
	else
		port->send_once_rights--;
	spin_unlock(&port->lock);
	if (unlikely(notice != NULL))
		notify_no_senders(notice, make_send_count);
	port_put(port);
	return name;
}

/* Give a right of the header; MACH_PORT_NULL and an error bit if not. */
static mach_port_name_t
give(struct kmsg *kmsg, struct port *port, uint32_t type)
{
	struct space *space = current_thread()->task->space;
	mach_port_name_t name = MACH_PORT_NULL;
	kern_return_t kr;

	if (port == NULL)
		return MACH_PORT_NULL;
	kr = right_copyout(space, port, type, &name);
	if (unlikely(kr != KERN_SUCCESS)) {
		right_release_later(port, type);
		kmsg->errors |= right_error(kr);
	}
	return name;
}

static mach_port_name_t
give_local(struct kmsg *kmsg)
{
	struct port *port = kmsg->local;

	kmsg->local = NULL;
	if (kmsg->local_dead)
		return MACH_PORT_DEAD;
	return give(kmsg, port, kmsg->local_type);
}

static mach_port_name_t
give_remote(struct kmsg *kmsg)
{
	struct port *port = kmsg->remote;

	kmsg_clear_remote(kmsg);
	return give(kmsg, port, kmsg->remote_type);
}

/* The header as its receiver sees it: remote is where to reply to. */
static void
header_received(struct kmsg *kmsg)
{
	uint32_t bits = MACH_MSGH_BITS(kmsg->local_type, kmsg->remote_type) |
			(kmsg->complex ? MACH_MSGH_BITS_COMPLEX : 0);

	kmsg->header = (mach_msg_header_t){
	    .msgh_bits = bits,
	    .msgh_size = kmsg->size,
	    .msgh_local_port = use_remote(kmsg),
	    .msgh_remote_port = give_local(kmsg),
	    .msgh_id = kmsg->id,
	};
}

/* The header as its sender gets it back. */
static void
header_returned(struct kmsg *kmsg)
{
	uint32_t bits = MACH_MSGH_BITS(kmsg->remote_type, kmsg->local_type) |
			(kmsg->complex ? MACH_MSGH_BITS_COMPLEX : 0);

	kmsg->header = (mach_msg_header_t){
	    .msgh_bits = bits,
	    .msgh_size = kmsg->size,
	    .msgh_remote_port = give_remote(kmsg),
	    .msgh_local_port = give_local(kmsg),
	    .msgh_id = kmsg->id,
	};
}

static void
header_step(struct kmsg *kmsg)
{
	kmsg->index = 0;
	kmsg->cursor = sizeof(mach_msg_body_t);
	kmsg->progress = 0;
	kmsg->phase = kmsg->complex ? DESCRIPTORS : WRITE;
	if (kmsg->pseudo) {
		header_returned(kmsg);
		return;
	}
	header_received(kmsg);
	if (unlikely(kmsg->errors != 0)) {
		kmsg->result =
		    (kern_return_t)(MACH_RCV_HEADER_ERROR | kmsg->errors);
		kmsg->phase = WRITTEN;
	}
}

static kern_return_t
descriptors_step(struct kmsg *kmsg)
{
	struct kdescriptor *descriptor;
	kern_return_t kr;

	for (int i = 0; i < STEP_DESCRIPTORS; i++) {
		if (kmsg->index == kmsg->descriptor_count) {
			kmsg->phase = kmsg->gap > 0 ? CLOSE_UP : WRITE;
			kmsg->done = 0;
			break;
		}
		descriptor = &kmsg->descriptor[kmsg->index];
		kr = descriptor_copyout(kmsg, descriptor_at(kmsg), descriptor);
		if (kr == KERN_MEMORY_WAIT)
			return kr;
		if (kr == DESCRIPTOR_MORE)
			break;
		kmsg->cursor += descriptor_size(descriptor->type);
		kmsg->index++;
		if (!descriptor_is_short(descriptor))
			break;
	}
	return MACH_MSG_SUCCESS;
}

/* A word of a message, whatever the user keeps in it. */
typedef uint32_t __attribute__((may_alias)) word_t;

/* Bodies are whole words, and so are descriptors. */
static void
close_up_step(struct kmsg *kmsg)
{
	word_t *to = (void *)(kmsg->body + kmsg->cursor + kmsg->progress);
	uint32_t left = kmsg->size - HEADER_SIZE - kmsg->cursor - kmsg->gap -
			kmsg->progress;
	uint32_t count = left < STEP_MOVED ? left : STEP_MOVED;

	for (uint32_t i = 0; i < count / sizeof(*to); i++)
		to[i] = to[i + kmsg->gap / sizeof(*to)];
	kmsg->progress += count;
	if (count < left)
		return;
	kmsg->size -= kmsg->gap;
	kmsg->header.msgh_size = kmsg->size;
	kmsg->progress = 0;
	kmsg->phase = WRITE;
}

/* ---- the bytes ---- */

void
message_trailer(uint64_t option, uint32_t sequence, uint64_t context,
    uint64_t sender, mach_msg_max_trailer_t *trailer)
{
	trailer->msgh_trailer_type = MACH_MSG_TRAILER_FORMAT_0;
	trailer->msgh_trailer_size = trailer_size(option);
	if (likely(trailer_elements(option) == MACH_RCV_TRAILER_NULL))
		return;
	trailer->msgh_seqno = sequence;
	/* Who: the task's id; the kernel has Mach's fixed token. */
	trailer->msgh_sender =
	    (security_token_t){{(uint32_t)sender, sender == 0 ? 1 : 0}};
	trailer->msgh_audit = (audit_token_t){{0}};
	trailer->msgh_audit.val[AUDIT_TASK_ID] = (uint32_t)sender;
	trailer->msgh_context = context;
	trailer->msgh_ad = 0;
	trailer->msgh_labels.sender = 0;
}

void
kmsg_trailer(
    const struct kmsg *kmsg, uint64_t option, mach_msg_max_trailer_t *trailer)
{
	message_trailer(
	    option, kmsg->sequence, kmsg->context, kmsg->sender, trailer);
}

static kern_return_t
write_step(struct kmsg *kmsg, uaddr_t buffer, uint32_t size)
{
	uint32_t left = size - kmsg->progress;
	uint32_t count = left < STEP_BYTES ? left : STEP_BYTES;
	const uint8_t *from = (const uint8_t *)&kmsg->header;
	kern_return_t kr =
	    copyout(buffer + kmsg->progress, from + kmsg->progress, count);

	if (unlikely(kr != KERN_SUCCESS))
		return kr == KERN_MEMORY_WAIT ? kr : MACH_RCV_INVALID_DATA;
	kmsg->progress += count;
	if (kmsg->progress == size)
		kmsg->phase = WRITTEN;
	return MACH_MSG_SUCCESS;
}

void
kmsg_given(struct kmsg *kmsg)
{
	kmsg->phase = WRITE;
}

static kern_return_t
copyout_step(struct kmsg *kmsg)
{
	struct thread *self = current_thread();
	uint64_t option = self->receive.option;

	switch (kmsg->phase) {
	case HEADER:
		header_step(kmsg);
		return MACH_MSG_SUCCESS;
	case DESCRIPTORS:
		return descriptors_step(kmsg);
	case CLOSE_UP:
		close_up_step(kmsg);
		return MACH_MSG_SUCCESS;
	default:
		if (kmsg->pseudo)
			return write_step(kmsg, self->send.buffer, kmsg->size);
		kmsg_trailer(kmsg, option,
		    (void *)((uint8_t *)&kmsg->header + kmsg->size));
		return write_step(kmsg, self->receive.buffer,
		    kmsg->size + trailer_size(option));
	}
}

/*
 * Only a header can be given, and of that no reply right: it arrives as if it
 * were all, with the trailer where there is room for it.  The rest is
 * destroyed.
 */
static kern_return_t
write_header_only(struct kmsg *kmsg, continuation_t cont)
{
	kern_return_t result = kmsg->result, kr = KERN_SUCCESS;
	struct receive_state *receive = &current_thread()->receive;
	struct {
		mach_msg_header_t header;
		mach_msg_max_trailer_t trailer;
	} bare = {.header = kmsg->header};
	uint32_t size = HEADER_SIZE + trailer_size(receive->option);

	bare.header.msgh_bits &= MACH_MSGH_BITS_LOCAL_MASK;
	bare.header.msgh_size = HEADER_SIZE;
	bare.header.msgh_remote_port = MACH_PORT_NULL;
	kmsg_trailer(kmsg, receive->option, &bare.trailer);
	if (receive->size < size)
		size = HEADER_SIZE;
	if (receive->size >= size)
		kr = copyout(receive->buffer, &bare, size);
	if (kr == KERN_MEMORY_WAIT)
		memory_wait_block(cont);
	kmsg_destroy(kmsg);
	return kr == KERN_SUCCESS ? result : MACH_RCV_INVALID_DATA;
}

/* What the call is answered with, all being done. */
static kern_return_t
copyout_result(const struct kmsg *kmsg)
{
	if (kmsg->pseudo)
		return (kern_return_t)((uint32_t)kmsg->result | kmsg->errors);
	if (kmsg->errors != 0)
		return (kern_return_t)(MACH_RCV_BODY_ERROR | kmsg->errors);
	return MACH_MSG_SUCCESS;
}

static void
too_large(struct kmsg *kmsg)
{
	kmsg->header = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS(0, kmsg->remote_type),
	    .msgh_id = kmsg->id,
	    .msgh_local_port = use_remote(kmsg),
	};
	kmsg->result = MACH_RCV_TOO_LARGE;
	kmsg->phase = WRITTEN;
}

kern_return_t
kmsg_copyout(struct kmsg *kmsg, continuation_t cont)
{
	kern_return_t kr = MACH_MSG_SUCCESS;

	if (kmsg->phase == HEADER && !kmsg->pseudo &&
	    !message_fits(&current_thread()->receive, kmsg))
		too_large(kmsg);
	while (kmsg->phase != WRITTEN) {
		kr = copyout_step(kmsg);
		if (unlikely(kr == KERN_MEMORY_WAIT))
			memory_wait_block(cont);
		if (kr != MACH_MSG_SUCCESS || kmsg->phase == WRITTEN)
			break;
		if (kmsg->size > STEP_BYTES || kmsg->complex) {
			if (thread_should_yield())
				sched_yield(cont);
		}
	}
	if (unlikely(kmsg->result != MACH_MSG_SUCCESS) && !kmsg->pseudo)
		return write_header_only(kmsg, cont);
	/* Who gets his message back hears why, even if he cannot read it. */
	if (kr == MACH_MSG_SUCCESS || kmsg->pseudo)
		kr = copyout_result(kmsg);
	kmsg_free(kmsg);
	return kr;
}
