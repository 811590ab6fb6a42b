/*
 * fast_kernel.c: a routine of the kernel's, called and answered in registers.
 *
 * The rights of the header are of the two kinds that a call has, and both are
 * looked up and counted in one pass; the handler is called as for any other
 * request, in kserver.c; and its reply, if it is short and nothing stands in
 * its way, is put into the caller's registers.  Whatever a handler may do
 * meanwhile, wait or give way, it does with the same message as ever: it has
 * the message's rights, so that it is seen by all who count them.
 *
 * Declined is, before anything has changed, what has not this form; message.c
 * does the same from the start.
 */
#include "ipc/fast_kernel.h"

#include <mach/mig_errors.h>

#include "ipc/fast.h"
#include "ipc/kmsg.h"
#include "ipc/kmsg_small.h"
#include "ipc/kserver.h"
#include "ipc/message.h"
#include "ipc/port.h"
#include "ipc/right.h"
#include "ipc/space.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/thread.h"

/* A body as registers hold it. */
#define BODY_WORDS (CALL_BODY / sizeof(uint64_t))
struct body {
	uint64_t word[BODY_WORDS];
} __attribute__((may_alias));

/* ---- the request ---- */

/* The port that @name has a right of @type to, in @space, which is locked. */
static inline struct port *
find(struct space *space, mach_port_name_t name, uint32_t type)
{
	struct entry *entry = space_lookup(space, name);

	return likely(entry != NULL && (entry->key & type) != 0) ? entry->port
								 : NULL;
}

/*
 * The send right @remote is copied, and a reply right made from @local, into
 * @kmsg.  False: they are others, or @remote is not the kernel's to answer.
 */
static bool
take_rights(struct space *space, struct kmsg *kmsg, mach_port_name_t remote,
    mach_port_name_t local, struct step_state *step)
{
	struct port *to, *from;

	spin_lock(&space->lock);
	to = find(space, remote, MACH_PORT_TYPE_SEND);
	from = find(space, local, MACH_PORT_TYPE_RECEIVE);
	if (unlikely(to == NULL || from == NULL))
		goto out;
	/* Alone, as in port.c. */
	spin_lock(&to->lock);
	if (unlikely(
		to->state != PORT_IN_KERNEL || to->kind == KOBJECT_EXCEPTION)) {
		spin_unlock(&to->lock);
		goto out;
	}
	step->called_kind = to->kind;
	step->called = port_object_keep(to);
	to->send_rights++;
	port_get(to);
	spin_unlock(&to->lock);

	/* While the space is locked, nobody takes its receive right away. */
	port_lock(from);
	from->send_once_rights++;
	port_get(from);
	spin_unlock(&from->lock);
	spin_unlock(&space->lock);
	kmsg->remote = to;
	kmsg->remote_type = MACH_MSG_TYPE_PORT_SEND;
	kmsg->local = from;
	kmsg->local_type = MACH_MSG_TYPE_PORT_SEND_ONCE;
	return true;
out:
	spin_unlock(&space->lock);
	return false;
}

/* ---- the reply ---- */

/* As receive_port() would find it: nothing and nobody waits there. */
static inline bool
takes_reply(const struct thread *self, const struct port *from, uint32_t size)
{
	return from->receiver == self->fast.space &&
	       from->name == self->receive.name && mqueue_idle(&from->queue) &&
	       list_empty(&from->queue.receivers) &&
	       size + TRAILER_SIZE <= self->receive.size;
}

/* The body, and nothing behind it, into the registers for it. */
static inline void
put_body(struct trapframe *tf, struct body *body, uint32_t size)
{
	uint64_t *end = &body->word[size / sizeof(uint64_t)];

	if (size & sizeof(uint32_t)) {
		*end = (uint32_t)*end;
		end++;
	}
	for (; end < &body->word[BODY_WORDS]; end++)
		*end = 0;
	tf->t1 = body->word[0];
	tf->t2 = body->word[1];
	tf->t3 = body->word[2];
	tf->t4 = body->word[3];
	tf->t5 = body->word[4];
	tf->t6 = body->word[5];
}

/* The request's send right was used. */
static inline void
drop_right(struct port *to)
{
	spin_lock(&to->lock);
	if (likely(to->send_rights > 1)) {
		to->send_rights--;
		spin_unlock(&to->lock);
		port_put(to);
		return;
	}
	spin_unlock(&to->lock);
	right_release_send(to);
}

/*
 * The reply, of @size, is words in @kmsg, the request, and goes to who waits
 * for it: us, in registers.  False: somebody else is to have it, or it is too
 * long.
 */
static bool
receive_reply(struct thread *self, struct kmsg *kmsg, uint32_t size)
{
	struct trapframe *tf = &self->tf;
	struct port *from = kmsg->local;

	if (unlikely(size > HEADER_SIZE + CALL_BODY))
		return false;
	port_lock(from);
	if (unlikely(!takes_reply(self, from, size))) {
		spin_unlock(&from->lock);
		return false;
	}
	atomic_fetch_add_explicit(&from->sequence, 1, memory_order_relaxed);
	from->send_once_rights--;
	/* The right's reference, never the last: the receiver has one. */
	atomic_fetch_sub_explicit(&from->refs, 1, memory_order_relaxed);
	spin_unlock(&from->lock);
	put_body(tf, (void *)kmsg->body, size - HEADER_SIZE);
	tf->a2 = REPLY_BITS_RECEIVED | (uint64_t)size << 32;
	tf->a5 = (uint64_t)self->receive.name << 32;
	tf->a6 = (uint64_t)(uint32_t)(kmsg->id + MSGID_REPLY) << 32;
	tf->a7 = size - HEADER_SIZE;
	drop_right(kmsg->remote);
	kmsg_free_small(kmsg);
	/* What was lent to us for the last message goes back. */
	if (self->priority != self->base_priority)
		sched_run_at(self, self->base_priority);
	return true;
}

uint64_t
fast_kernel(struct thread *self, const uint64_t *body)
{
	const struct trapframe *tf = &self->tf;
	struct space *space = self->fast.space;
	uint32_t size;
	struct kmsg *kmsg, *reply;

	/* The kernel pays: it is one a thread, and for no longer than a call
	 * takes.  But who could not pay sends nothing. */
	if (unlikely(!ledger_has(
		self->task->ledger, BATON_LEDGER_MESSAGES, KMSG_SMALL)))
		return FAST_KERNEL_DECLINED;
	kmsg = kmsg_alloc_small(NULL, (uint32_t)(tf->t0 >> 32));
	if (unlikely(kmsg == NULL))
		return FAST_KERNEL_DECLINED;
	self->step = (struct step_state){.object = kmsg};
	if (unlikely(!take_rights(space, kmsg, (mach_port_name_t)tf->a5,
		self->receive.name, &self->step))) {
		kmsg_free(kmsg);
		return FAST_KERNEL_DECLINED;
	}

	/* ---- committed: it has been sent ---- */
	kmsg->id = (int32_t)(tf->a6 >> 32);
	kmsg->sender = space->task_id;
	/* All of it: the least message has room, and the size says what of it
	 * is the request's. */
	*(struct body *)(void *)kmsg->body = *(const struct body *)body;
	self->receive.timeout = 0;
	self->receive.deadline = 0;
	reply = kserver_serve_called(kmsg, &size);
	if (likely(size != 0)) {
		if (likely(receive_reply(self, kmsg, size))) {
			self->tf.ra = self->tf.epc;
			return MACH_MSG_SUCCESS;
		}
		reply = kserver_reply(kmsg, size);
	}
	return (uint64_t)(int64_t)message_answered(self, reply);
}
