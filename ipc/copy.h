/*
 * ipc/copy.h: messages between user memory and the kernel; for ipc/ alone.
 *
 * Long messages are copied in steps.  A step that finds somebody more urgent
 * waiting gives way, and one that finds a page of the user's absent waits for
 * it: the call does not return then, and the continuation that the caller named
 * goes on later by calling it again with the same message, after
 * memory_wait_end().
 */
#pragma once
#include "ipc/kmsg.h"
#include "kernel/thread.h"

/* Bytes or descriptors between two preemption points. */
#define STEP_BYTES	 16384
#define STEP_DESCRIPTORS 8

/* Are there several of them to a step?  Memory may have to be copied; a receive
 * right may be in many sets, and waited for. */
static inline bool
descriptor_is_short(const struct kdescriptor *descriptor)
{
	return descriptor->type == MACH_MSG_PORT_DESCRIPTOR &&
	       descriptor->disposition != MACH_MSG_TYPE_PORT_RECEIVE;
}

/*
 * Read the message at current_thread()->send.buffer into @kmsg, a fresh one of
 * the right size, and turn its names into rights and its regions into
 * transfers.  With @kmsg->progress 24 the header is there already.
 *
 * Returns: MACH_MSG_SUCCESS, or a code of the send's; @kmsg then owns what was
 *	    done so far, and the caller destroys it.
 */
kern_return_t must_check kmsg_copyin(struct kmsg *kmsg, continuation_t cont);

/*
 * Write @kmsg, with its rights as names and its memory mapped, into the
 * receiver's buffer, with the trailer it asked for; or back into the sender's
 * if @kmsg->pseudo.  Consumes it.
 *
 * Returns: MACH_MSG_SUCCESS, MACH_RCV_TOO_LARGE, MACH_RCV_INVALID_DATA,
 *	    MACH_RCV_HEADER_ERROR or _BODY_ERROR with bits that say why;
 *	    where @kmsg->pseudo, @kmsg->result with such bits
 */
kern_return_t must_check kmsg_copyout(struct kmsg *kmsg, continuation_t cont);

/* @kmsg carries nothing any more: only its bytes are to be written. */
void kmsg_given(struct kmsg *kmsg);

/*
 * What a receiver who asks with @option sees behind a message: its number, the
 * word of its port's, and the task that it is from (0: the kernel).
 */
void message_trailer(uint64_t option, uint32_t sequence, uint64_t context,
    uint64_t sender, mach_msg_max_trailer_t *trailer);
/* The same of a kmsg. */
void kmsg_trailer(
    const struct kmsg *kmsg, uint64_t option, mach_msg_max_trailer_t *trailer);

/* ---- ool.c: one descriptor ---- */

/* The user's form of the descriptor at @kmsg->cursor. */
static inline mach_msg_descriptor_t *
descriptor_at(struct kmsg *kmsg)
{
	return (mach_msg_descriptor_t *)(void *)(kmsg->body + kmsg->cursor);
}

static inline uint32_t
descriptor_size(uint32_t type)
{
	return type == MACH_MSG_PORT_DESCRIPTOR
		   ? sizeof(mach_msg_port_descriptor_t)
		   : sizeof(mach_msg_ool_descriptor_t);
}

/* Is the user's descriptor well formed?  Fills in what it says. */
kern_return_t must_check descriptor_check(
    const mach_msg_descriptor_t *user, struct kdescriptor *descriptor);

/* Not an error: a part was done, call again. */
#define DESCRIPTOR_MORE (-1002)

/* Take what the user's descriptor number @kmsg->index names; a code of the
 * send's, DESCRIPTOR_MORE, or KERN_MEMORY_WAIT. */
kern_return_t must_check descriptor_copyin(struct kmsg *kmsg,
    const mach_msg_descriptor_t *user, struct kdescriptor *descriptor);

/* Give it to the current task; errors go to @kmsg->errors.  DESCRIPTOR_MORE,
 * KERN_MEMORY_WAIT or MACH_MSG_SUCCESS. */
kern_return_t must_check descriptor_copyout(struct kmsg *kmsg,
    mach_msg_descriptor_t *user, struct kdescriptor *descriptor);

/* The bit that says why a right, or memory, could not be given. */
uint32_t right_error(kern_return_t kr);
uint32_t memory_error(kern_return_t kr);
