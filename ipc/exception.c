/* ipc/exception.c: questions about exceptions and their answers. */
#include "ipc/exception.h"

#include "ipc/kmsg.h"
#include "ipc/port.h"
#include "kernel/cpu.h"
#include "kernel/exception.h"
#include "kernel/sched.h"

/* The thread's lock is for fast_unpark(), who has no other. */
static void
set_port(struct thread *self, struct port *port)
{
	spin_lock(&self->lock);
	self->exception.port = port;
	spin_unlock(&self->lock);
}

struct port *
exception_reply_right(struct thread *self)
{
	struct exception_state *exception = &self->exception;

	if (exception->port == NULL)
		set_port(self, port_create_kernel(KOBJECT_EXCEPTION, self));
	if (exception->port == NULL)
		return NULL;
	KASSERT(exception->port->send_once_rights == 0);
	exception->answered = false;
	exception->reply = NULL;
	return right_make_send_once(exception->port);
}

/* A question that cannot be asked.  The reply right goes now, for the next is
 * asked with another; the rest may be left to the reaper. */
static void
give_up(struct kmsg *kmsg)
{
	struct port *reply = kmsg->local;

	kmsg->local = NULL;
	kmsg_destroy(kmsg);
	right_release_send_once(reply);
}

bool
exception_send(struct port *port, struct kmsg *kmsg, struct thread **receiverp)
{
	struct thread *self = current_thread();
	struct thread *receiver = NULL;

	kmsg->remote = port;
	kmsg->remote_type = MACH_MSG_TYPE_PORT_SEND;
	ktrace(KT_SEND, (uint64_t)port, (uint64_t)kmsg->id);
	port_lock(port);
	if (port->state == PORT_IS_DEAD || port->state == PORT_IN_KERNEL) {
		spin_unlock(&port->lock);
		give_up(kmsg);
		return false;
	}
	if (mqueue_post(port, kmsg, true, &receiver) == POST_DELIVERED &&
	    receiver->priority < self->priority)
		receiver->priority = self->priority;
	spin_unlock(&port->lock);
	*receiverp = receiver;
	return true;
}

noreturn void
exception_wait(struct thread *receiver, continuation_t cont)
{
	struct thread *self = current_thread();
	struct port *port = self->exception.port;

	port_lock(port);
	if (self->exception.answered) {
		spin_unlock(&port->lock);
		if (receiver != NULL)
			sched_wake(receiver);
		sched_yield(cont);
	}
	wait_begin(self, cont, TIMER_NEVER, &port->lock);
	if (receiver == NULL)
		sched_switch();
	if (sched_can_handoff(receiver))
		this_cpu()->counters.handed_off++;
	else
		this_cpu()->counters.woken++;
	ktrace(KT_HANDOFF, (uint64_t)self, (uint64_t)receiver);
	sched_handoff(receiver);
}

bool
exception_answer(struct thread *self, struct kmsg **kmsgp)
{
	struct exception_state *exception = &self->exception;
	struct port *port = exception->port;
	bool answered;

	(void)wait_finish(self);
	port_lock(port);
	answered = exception->answered;
	*kmsgp = exception->reply;
	exception->reply = NULL;
	spin_unlock(&port->lock);
	if (!answered)
		exception_forget(self);
	return answered;
}

void
exception_forget(struct thread *self)
{
	struct port *port = self->exception.port;

	if (port == NULL)
		return;
	set_port(self, NULL);
	port_destroy_kernel(port);
}

/*
 * The reply right to @port, which is locked, did its work or never will; the
 * thread that waits, claimed, or NULL: it was woken otherwise, or does not wait
 * yet, and will look.  Unlocks @port and consumes the right.
 */
static struct thread *
answer(struct port *port, struct kmsg *kmsg)
{
	struct thread *thread = port->object;

	KASSERT(port->send_once_rights == 1);
	port->send_once_rights--;
	thread->exception.answered = true;
	thread->exception.reply = kmsg;
	/* It cannot end before it has had our lock. */
	if (!thread_claim(thread, KERN_SUCCESS))
		thread = NULL;
	spin_unlock(&port->lock);
	port_put(port);
	return thread;
}

void
exception_absorb(struct thread *thread)
{
	thread->exception.answered = false;
	thread->exception.reply = NULL;
	thread->cont = exception_answered;
	/* release: who claims it sees all that */
	store_release(&thread->wait_armed, 1);
}

/* Does @port, which is locked, still stand for a thread that asked? */
static bool
is_open(const struct port *port)
{
	return port->state == PORT_IN_KERNEL && port->kind == KOBJECT_EXCEPTION;
}

struct thread *
exception_reply(struct kmsg *kmsg)
{
	struct port *port = kmsg->remote;

	port_lock(port);
	if (!is_open(port)) {
		spin_unlock(&port->lock);
		kmsg_destroy(kmsg);
		return NULL;
	}
	kmsg_clear_remote(kmsg);
	return answer(port, kmsg);
}

void
exception_lost(struct port *port)
{
	struct thread *thread;

	port_lock(port);
	if (!is_open(port)) {
		port->send_once_rights--;
		spin_unlock(&port->lock);
		port_put(port);
		return;
	}
	thread = answer(port, NULL);
	if (thread != NULL)
		sched_wake(thread);
}
