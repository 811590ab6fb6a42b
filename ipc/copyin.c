/*
 * copyin.c: a message on its way in: user memory -> kmsg, names -> rights.
 *
 *	COPY	     the bytes, header included
 *	CHECK	     every descriptor, before anything is taken
 *	HEADER	     the two rights of the header, together
 *	DESCRIPTORS  rights and memory, one descriptor after the other
 */
#include "ipc/copy.h"

#include <arch/usercopy.h>

#include "ipc/right.h"
#include "ipc/space.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "vm/memory_wait.h"

enum copyin_phase {
	COPY,
	CHECK,
	HEADER,
	DESCRIPTORS,
	COPIED
};

static kern_return_t
copy_step(struct kmsg *kmsg)
{
	uaddr_t from = current_thread()->send.buffer + kmsg->progress;
	uint32_t left = kmsg->size - kmsg->progress;
	uint32_t count = left < STEP_BYTES ? left : STEP_BYTES;
	kern_return_t kr = KERN_SUCCESS;

	if (count > 0)
		kr = copyin(
		    (uint8_t *)&kmsg->header + kmsg->progress, from, count);
	if (unlikely(kr != KERN_SUCCESS))
		return kr == KERN_MEMORY_WAIT ? kr : MACH_SEND_INVALID_DATA;
	kmsg->progress += count;
	if (kmsg->progress == kmsg->size) {
		kmsg->progress = 0;
		kmsg->phase = CHECK;
	}
	return MACH_MSG_SUCCESS;
}

/* The first look at a complex message: how many descriptors it has. */
static kern_return_t
check_begin(struct kmsg *kmsg)
{
	uint32_t count;

	if (kmsg->size < sizeof(mach_msg_base_t))
		return MACH_SEND_MSG_TOO_SMALL;
	count = ((mach_msg_body_t *)(void *)kmsg->body)->msgh_descriptor_count;
	if (count > DESCRIPTORS_MAX)
		return MACH_SEND_TOO_LARGE;
	if (count > 0 && !kmsg_add_descriptors(kmsg, count))
		return MACH_SEND_NO_BUFFER;
	kmsg->cursor = sizeof(mach_msg_body_t);
	return MACH_MSG_SUCCESS;
}

static kern_return_t
check_one(struct kmsg *kmsg)
{
	uint32_t left = kmsg->size - HEADER_SIZE - kmsg->cursor;
	const mach_msg_descriptor_t *user = descriptor_at(kmsg);
	uint32_t size;

	if (left < sizeof(mach_msg_type_descriptor_t))
		return MACH_SEND_MSG_TOO_SMALL;
	size = descriptor_size(user->type.type);
	if (left < size)
		return MACH_SEND_MSG_TOO_SMALL;
	kmsg->cursor += size;
	return descriptor_check(user, &kmsg->descriptor[kmsg->index++]);
}

static kern_return_t
check_step(struct kmsg *kmsg)
{
	kern_return_t kr;

	if (likely(!(kmsg->header.msgh_bits & MACH_MSGH_BITS_COMPLEX))) {
		kmsg->phase = HEADER;
		return MACH_MSG_SUCCESS;
	}
	if (kmsg->cursor == 0) {
		kr = check_begin(kmsg);
		if (kr != MACH_MSG_SUCCESS)
			return kr;
	}
	for (int i = 0; i < STEP_DESCRIPTORS; i++) {
		if (kmsg->index == kmsg->descriptor_count) {
			kmsg->index = 0;
			kmsg->cursor = sizeof(mach_msg_body_t);
			kmsg->phase = HEADER;
			break;
		}
		kr = check_one(kmsg);
		if (kr != MACH_MSG_SUCCESS)
			return kr;
	}
	return MACH_MSG_SUCCESS;
}

/* There are no vouchers, so none may be named; where the bits do not say that
 * there is one, the field is nobody's. */
static bool
voucher_ok(const mach_msg_header_t *header)
{
	switch (MACH_MSGH_BITS_VOUCHER(header->msgh_bits)) {
	case 0:
		return true;
	case MACH_MSG_TYPE_MOVE_SEND:
	case MACH_MSG_TYPE_COPY_SEND:
		return header->msgh_voucher_port == MACH_PORT_NULL;
	default:
		return false;
	}
}

static kern_return_t
header_step(struct kmsg *kmsg)
{
	struct space *space = current_thread()->task->space;
	const mach_msg_header_t *header = &kmsg->header;
	struct header_names names = {
	    .remote = header->msgh_remote_port,
	    .local = header->msgh_local_port,
	    .remote_type = MACH_MSGH_BITS_REMOTE(header->msgh_bits),
	    .local_type = MACH_MSGH_BITS_LOCAL(header->msgh_bits),
	};

	if ((header->msgh_bits & ~MACH_MSGH_BITS_USER) != 0)
		return MACH_SEND_INVALID_HEADER;
	if (!voucher_ok(header))
		return MACH_SEND_INVALID_VOUCHER;
	kmsg->id = header->msgh_id;
	kmsg->sender = space->task_id;
	kmsg->phase = kmsg->complex ? DESCRIPTORS : COPIED;
	return right_copyin_header(space, &names, kmsg);
}

static kern_return_t
descriptors_step(struct kmsg *kmsg)
{
	struct kdescriptor *descriptor;
	kern_return_t kr;

	for (int i = 0; i < STEP_DESCRIPTORS; i++) {
		if (kmsg->index == kmsg->descriptor_count) {
			kmsg->phase = COPIED;
			break;
		}
		descriptor = &kmsg->descriptor[kmsg->index];
		kr = descriptor_copyin(kmsg, descriptor_at(kmsg), descriptor);
		if (kr == DESCRIPTOR_MORE)
			break;
		if (kr != MACH_MSG_SUCCESS)
			return kr;
		kmsg->cursor += descriptor_size(descriptor->type);
		kmsg->index++;
		if (!descriptor_is_short(descriptor))
			break;
	}
	return MACH_MSG_SUCCESS;
}

static kern_return_t
copyin_step(struct kmsg *kmsg)
{
	switch (kmsg->phase) {
	case COPY:
		return copy_step(kmsg);
	case CHECK:
		return check_step(kmsg);
	case HEADER:
		return header_step(kmsg);
	default:
		return descriptors_step(kmsg);
	}
}

kern_return_t
kmsg_copyin(struct kmsg *kmsg, continuation_t cont)
{
	kern_return_t kr;

	for (;;) {
		kr = copyin_step(kmsg);
		if (unlikely(kr == KERN_MEMORY_WAIT))
			memory_wait_block(cont);
		if (kr != MACH_MSG_SUCCESS || kmsg->phase == COPIED)
			return kr;
		/* Short messages are done before anybody could mind. */
		if (kmsg->size > STEP_BYTES || kmsg->complex) {
			if (thread_should_yield())
				sched_yield(cont);
		}
	}
}
