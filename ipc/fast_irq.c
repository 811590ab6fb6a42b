/* fast_irq.c: see fast_irq.h. */
#include "ipc/fast_irq.h"

#include <arch/usercopy.h>
#include <device/device.h>

#include "ipc/fast_leg.h"
#include "ipc/message.h"
#include "ipc/pset.h"
#include "vm/memory_wait.h"

#define INTERRUPT_SIZE sizeof(struct device_interrupt)

/* May @thread, first to wait, run here now, with such a message?
 * BATON_DECLINES: it may. */
static enum baton_decline
why_not(const struct thread *thread, const struct thread *self)
{
	if (thread->fast.room < (int64_t)INTERRUPT_SIZE)
		return BATON_DECLINE_IRQ_WAITER;
	if (thread->priority <= self->priority)
		return BATON_DECLINE_IRQ_PRIORITY;
	if (thread->cpu != self->cpu)
		return BATON_DECLINE_IRQ_HART;
	if (!may_run_here(thread, self->cpu))
		return BATON_DECLINE_IRQ_HART;
	return BATON_DECLINES;
}

/* Take the first of @waiters, whose lock is held. */
static struct thread *
take(struct list *waiters, enum baton_decline *reason)
{
	struct thread *thread;

	if (list_empty(waiters))
		return NULL;
	thread = list_first(waiters, struct thread, wait_link);
	*reason = why_not(thread, current_thread());
	if (*reason != BATON_DECLINES)
		return NULL;
	if (!thread_claim(thread, KERN_SUCCESS)) {
		*reason = BATON_DECLINE_IRQ_BUSY;
		return NULL;
	}
	list_remove(&thread->wait_link);
	return thread;
}

/* The same of a set that has @port, which is locked. */
static struct thread *
take_of_set(struct port *port, enum baton_decline *reason)
{
	struct thread *thread;
	struct pset *pset;

	/* Who waits on a set while there are messages is about to look. */
	if (list_empty(&port->sets) || mqueue_waiting(&port->queue))
		return NULL;
	pset = list_first(&port->sets, struct pset_link, port_link)->pset;
	if (!spin_trylock(&pset->lock)) {
		*reason = BATON_DECLINE_IRQ_BUSY;
		return NULL;
	}
	thread = take(&pset->receivers, reason);
	spin_unlock(&pset->lock);
	return thread;
}

struct thread *
fast_interrupt_claim(struct port *port)
{
	enum baton_decline reason = BATON_DECLINE_IRQ_NOBODY;
	struct thread *receiver = NULL;

	if (!spin_trylock(&port->lock)) {
		decline(this_cpu(), BATON_DECLINE_IRQ_BUSY);
		return NULL;
	}
	port_close(port);
	if (port->state == PORT_IN_SPACE)
		receiver = list_empty(&port->queue.receivers)
			       ? take_of_set(port, &reason)
			       : take(&port->queue.receivers, &reason);
	if (receiver != NULL) {
		receiver->step.word[0] = port->name;
		atomic_fetch_add_explicit(
		    &port->sequence, 1, memory_order_relaxed);
	}
	spin_unlock(&port->lock);
	if (receiver == NULL)
		decline(this_cpu(), reason);
	return receiver;
}

/* As he sees it, trailer and all. */
static kern_return_t
write_interrupt(
    struct thread *receiver, uint32_t index, uint32_t count, struct kmsg **kept)
{
	struct {
		struct device_interrupt message;
		mach_msg_trailer_t trailer;
	} received = {
	    .message.header.msgh_bits =
		MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND),
	    .message.header.msgh_size = INTERRUPT_SIZE,
	    .message.header.msgh_local_port =
		(mach_port_name_t)receiver->step.word[0],
	    .message.header.msgh_id = MSGID_DEVICE_INTERRUPT,
	    .message.ndr.int_rep = NDR_INT_LITTLE_ENDIAN,
	    .message.index = index,
	    .message.count = count,
	    .trailer.msgh_trailer_type = MACH_MSG_TRAILER_FORMAT_0,
	    .trailer.msgh_trailer_size = sizeof(received.trailer),
	};
	kern_return_t kr =
	    copyout(receiver->receive.buffer, &received, sizeof(received));

	if (unlikely(kr == KERN_MEMORY_WAIT))
		*kept = message_keep(
		    INTERRUPT_SIZE, &received, INTERRUPT_SIZE, NULL);
	return kr;
}

noreturn void
fast_interrupt_run(struct thread *receiver, uint32_t index, uint32_t count)
{
	struct cpu *cpu = this_cpu();
	struct kmsg *kept = NULL;
	kern_return_t kr;

	sched_give_way();
	take_place(receiver, cpu);
	/* As in arm(): what runs here and where he runs was said; now what
	 * waits, and in leave() what he was told. */
	fence_full();
	sched_check(receiver, cpu);
	enter_space(receiver, cpu);
	message_wait_over(receiver);
	kr = write_interrupt(receiver, index, count, &kept);
	if (unlikely(kr == KERN_MEMORY_WAIT))
		message_write_later(kept);
	receiver->tf.a0 =
	    (uint64_t)(kr == KERN_SUCCESS ? MACH_MSG_SUCCESS
					  : MACH_RCV_INVALID_DATA);
	leave(receiver);
}
