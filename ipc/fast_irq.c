/* fast_irq.c: see fast_irq.h. */
#include "ipc/fast_irq.h"

#include <arch/layout.h>
#include <arch/usercopy.h>
#include <device/device.h>

#include "ipc/fast_leg.h"
#include "ipc/message.h"
#include "ipc/pset.h"
#include "vm/memory_wait.h"

#define INTERRUPT_SIZE sizeof(struct device_interrupt)

/* Header, NDR and two words, as a message and its trailer are. */
static_assert(INTERRUPT_SIZE == 40, "written as five words");

/* May @thread, first to wait, run here now, with such a message?
 * BATON_DECLINES: it may. */
always_inline enum baton_decline
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

/* Claim the first of @waiters, whose lock is held. */
always_inline struct thread *
claim(struct list *waiters, enum baton_decline *reason)
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
	return thread;
}

/* Take the first who waits on @port, which is locked.  He has left it then. */
always_inline struct thread *
take(struct port *port, enum baton_decline *reason)
{
	struct thread *thread = claim(&port->queue.receivers, reason);
	struct list *link;

	if (unlikely(thread == NULL))
		return NULL;
	link = &thread->wait_link;
	link->prev->next = link->next;
	link->next->prev = link->prev;
	/* Where he called last he will call again: that stays remembered.  His
	 * reference for waiting is not the last: the receive right has one. */
	if (port != thread->fast.from)
		atomic_fetch_sub_explicit(&port->refs, 1, memory_order_relaxed);
	thread->receive.port = NULL;
	atomic_fetch_add_explicit(&port->sequence, 1, memory_order_relaxed);
	return thread;
}

/* The same of a set that has the port.  His wait is not quite over. */
static never_inline struct thread *
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
	pset_close(pset);
	thread = claim(&pset->receivers, reason);
	if (thread != NULL) {
		list_remove(&thread->wait_link);
		atomic_fetch_add_explicit(
		    &port->sequence, 1, memory_order_relaxed);
	}
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
			       : take(port, &reason);
	if (receiver != NULL)
		receiver->step.word[0] = port->name;
	spin_unlock(&port->lock);
	if (receiver == NULL)
		decline(this_cpu(), reason);
	return receiver;
}

/* To a buffer that is not as usual, or a page of which is yet to come. */
static never_inline noreturn void
write_and_leave(struct thread *receiver, const uint64_t *words)
{
	uint64_t size = INTERRUPT_SIZE;
	kern_return_t kr =
	    copyout(receiver->receive.buffer, words, size + TRAILER_SIZE);

	if (unlikely(kr == KERN_MEMORY_WAIT))
		message_write_later(
		    message_keep((uint32_t)size, words, (uint32_t)size, NULL));
	thread_return_value(
	    (uint64_t)(kr == KERN_SUCCESS ? MACH_MSG_SUCCESS
					  : MACH_RCV_INVALID_DATA));
}

/* As he sees it, trailer and all. */
always_inline noreturn void
write_interrupt(struct thread *receiver, uint64_t index, uint64_t count)
{
	uaddr_t buffer = receiver->receive.buffer;
	uint64_t words[] = {
	    MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND) | INTERRUPT_SIZE << 32,
	    receiver->step.word[0] << 32,
	    (uint64_t)MSGID_DEVICE_INTERRUPT << 32,
	    (uint64_t)NDR_INT_LITTLE_ENDIAN << 32,
	    index | count << 32,
	    MACH_MSG_TRAILER_FORMAT_0 | (uint64_t)TRAILER_SIZE << 32,
	};

	/* To a place that is aligned and the user's: what runs over the end of
	 * the user's half faults. */
	if (likely(((buffer & 7) | buffer / USER_END) == 0)) {
		kern_return_t kr = copyout_six_return(buffer, words[0],
		    words[1], words[2], words[3], words[4], words[5]);

		if (kr == KERN_MEMORY_WAIT)
			memory_wait_forget(); /* it will be found again */
	}
	write_and_leave(receiver, words);
}

noreturn void
fast_interrupt_run(struct thread *receiver, uint32_t index, uint32_t count)
{
	struct cpu *cpu = this_cpu();

	sched_give_way();
	take_place(receiver, cpu);
	/* As in arm(): what runs here and where he runs was said; now what
	 * waits, and on the way to user mode what he was told. */
	fence_full();
	check_others(receiver, cpu);
	enter_space(receiver, cpu);
	if (unlikely(receiver->receive.pset != NULL))
		message_wait_over(receiver);
	write_interrupt(receiver, index, count);
}
