/*
 * fast_exception.c: an exception as a call to a handler that waits for it.
 *
 *	ask	a fault, in place of a trap: the question goes straight into
 *		the handler's buffer, registers from the trapframe
 *	reply	through a send-once right to a port of kind KOBJECT_EXCEPTION,
 *		which fast.c's ordinary reply has declined
 *
 * The thread that asks is neither queued nor armed while the question is being
 * written: whoever would stop or abort it finds it running until then.  The
 * name of the reply right comes into force last, so nobody can use it before
 * the thread waits.
 *
 * Locks, to ask: the task (actions), the exception port, and where rights are
 * given the handler's space, which is tried, being out of order.
 */
#include "ipc/fast_exception.h"

#include <arch/layout.h>
#include <arch/usercopy.h>
#include <mach/mig_errors.h>
#include <mach/thread_status.h>

#include "ipc/fast_leg.h"
#include "ipc/message.h"
#include "kernel/exception.h"
#include "kernel/exception_ports.h"
#include "vm/memory_wait.h"

/* ---- the question ---- */

/* Words of a question before its registers, at most, and its trailer. */
#define QUESTION_WORDS 28

struct question {
	uint32_t word[QUESTION_WORDS];
} __attribute__((aligned(8)));

/* The rights that the handler gets, and the names it has for them. */
struct identity {
	struct entry *entry[2];
	mach_port_name_t name[2];
};

/* A port descriptor's third word. */
#define SEND_DESCRIPTOR                                                        \
	(MACH_MSG_TYPE_PORT_SEND << 16 | MACH_MSG_PORT_DESCRIPTOR << 24)

always_inline uint64_t
question_size(uint32_t behavior)
{
	uint64_t size = HEADER_SIZE + sizeof(NDR_record_t) +
			2 * sizeof(uint32_t) + 2 * sizeof(uint32_t);

	if (behavior & MACH_EXCEPTION_CODES)
		size += 2 * sizeof(uint32_t);
	if (behavior_has_identity(behavior))
		size += sizeof(mach_msg_body_t) +
			2 * sizeof(mach_msg_port_descriptor_t);
	if (behavior_has_state(behavior))
		size +=
		    2 * sizeof(uint32_t) + sizeof(struct riscv64_thread_state);
	return size;
}

/* What stands behind header and descriptors, from the @first word on, but the
 * registers; how much of the question there is then. */
always_inline uint64_t
write_codes(struct question *question, const struct thread *self,
    uint32_t behavior, unsigned first)
{
	const struct exception_state *exception = &self->exception;
	uint32_t *at = &question->word[first];

	at[0] = 0; /* NDR_record, as words */
	at[1] = NDR_INT_LITTLE_ENDIAN;
	at[2] = exception->number;
	at[3] = 2;
	at[4] = (uint32_t)exception->code;
	if (behavior & MACH_EXCEPTION_CODES) {
		at[5] = (uint32_t)(exception->code >> 32);
		at[7] = (uint32_t)(exception->subcode >> 32);
		at++;
	}
	at[5] = (uint32_t)exception->subcode;
	at += behavior & MACH_EXCEPTION_CODES ? 7 : 6;
	if (behavior_has_state(behavior)) {
		at[0] = RISCV64_THREAD_STATE;
		at[1] = RISCV64_THREAD_STATE_COUNT;
		at[2] = (uint32_t)self->tf.epc;
		at[3] = (uint32_t)(self->tf.epc >> 32);
		at += 4;
	} else {
		at[0] = MACH_MSG_TRAILER_FORMAT_0;
		at[1] = TRAILER_SIZE;
		at += 2;
	}
	return (uint64_t)((uint8_t *)at - (uint8_t *)question->word);
}

/* All but header and registers, which are added later; how much it is, with the
 * header. */
always_inline uint64_t
write_body(struct question *question, const struct thread *self,
    uint32_t behavior, const struct identity *identity)
{
	uint32_t *at = question->word;

	if (!behavior_has_identity(behavior))
		return write_codes(question, self, behavior, 6);
	at[6] = 2;
	at[7] = identity->name[0];
	at[8] = 0;
	at[9] = SEND_DESCRIPTOR;
	at[10] = identity->name[1];
	at[11] = 0;
	at[12] = SEND_DESCRIPTOR;
	return write_codes(question, self, behavior, 13);
}

/* To @buffer, in the current address space, @head bytes, and of @size the
 * registers of @self, which stands still, straight from its trapframe. */
always_inline kern_return_t
copyout_question(uaddr_t buffer, const struct question *question,
    const struct thread *self, uint64_t head, uint64_t size)
{
	static const uint32_t trailer[2] = {
	    MACH_MSG_TRAILER_FORMAT_0, TRAILER_SIZE};
	uint64_t registers = sizeof(self->tf) - sizeof(self->tf.epc);
	kern_return_t kr = copyout(buffer, question->word, head);

	if (head > size || kr != KERN_SUCCESS)
		return kr;
	kr = copyout(buffer + head, &self->tf.ra, registers);
	if (kr != KERN_SUCCESS)
		return kr;
	return copyout(buffer + size, trailer, sizeof(trailer));
}

/* A page of the handler's buffer is yet to come. */
static __attribute__((noinline)) struct kmsg *
keep_question(const struct question *question, const struct thread *self,
    uint64_t head, uint64_t size)
{
	return message_keep(
	    (uint32_t)size, question->word, (uint32_t)head, &self->tf.ra);
}

/* ---- names ---- */

/* The handler's names for the thread and its task.  True: it has both, and its
 * space is locked.  Locks: the task's. */
always_inline bool
find_identity(
    struct thread *self, struct space *space, struct identity *identity)
{
	struct exception_state *exception = &self->exception;
	const struct port *task_port = self->task->self_port;

	if (unlikely(task_port == NULL) || !spin_trylock(&space->lock))
		return false;
	identity->entry[0] =
	    fast_find_send(space, self->self_port, &exception->thread_name);
	identity->entry[1] =
	    fast_find_send(space, task_port, &exception->task_name);
	identity->name[0] = exception->thread_name;
	identity->name[1] = exception->task_name;
	if (likely(identity->entry[0] != NULL && identity->entry[1] != NULL))
		return true;
	spin_unlock(&space->lock);
	return false;
}

always_inline void
give_identity(const struct identity *identity)
{
	for (int i = 0; i < 2; i++)
		fast_give_again(identity->entry[i]);
}

/* ---- asking ---- */

/* Whom to ask first; the task's lock is held. */
always_inline const struct exception_action *
first_action(const struct thread *self, uint8_t *scope)
{
	unsigned number = self->exception.number;
	const struct exception_actions *own = self->actions;

	*scope = EXCEPTION_SCOPE_THREAD;
	if (own != NULL && own->of[number].port != NULL)
		return &own->of[number];
	*scope = EXCEPTION_SCOPE_TASK;
	return &self->task->actions.of[number];
}

/* The question is in the handler's hands: wait for the answer. */
always_inline void
wait_for_reply(struct thread *self, struct thread *receiver, struct cpu *cpu)
{
	struct port *port = self->exception.port;
	bool abort;

	/* It is the kernel's: nobody waits in its word. */
	spin_lock(&port->lock);
	port->send_once_rights++;
	port_get(port); /* the reply right's */
	self->exception.answered = false;
	abort = arm(self, receiver, cpu);
	spin_unlock(&port->lock);
	fill_spare(receiver, port);
	if (unlikely(abort))
		sched_wake(self);
}

/* Long because it is tests, then acts, with nothing in it to take out; what it
 * calls is part of it. */
static __attribute__((flatten)) void
ask(struct thread *self)
{
	struct task *task = self->task;
	struct cpu *cpu = self->cpu;
	const struct exception_action *action;
	struct identity identity = {0};
	struct question question;
	struct kmsg *kept = NULL;
	struct thread *receiver;
	struct port *port;
	uint64_t head, size;
	uint32_t behavior;
	uint8_t scope;
	bool has_identity;
	kern_return_t kr;

	spin_lock(&task->lock);
	action = first_action(self, &scope);
	port = action->port;
	behavior = action->behavior;
	has_identity = behavior_has_identity(behavior);
	if (unlikely(port == NULL)) {
		decline(cpu, BATON_DECLINE_EXCEPTION_HANDLER);
		goto out_task;
	}
	if (behavior_has_state(behavior) &&
	    action->flavor != RISCV64_THREAD_STATE) {
		decline(cpu, BATON_DECLINE_EXCEPTION_FLAVOR);
		goto out_task;
	}
	size = question_size(behavior);
	port_lock(port); /* who waits in the word stands in the queue now */
	receiver = first_receiver(port, NULL, size, cpu);
	if (unlikely(receiver == NULL)) {
		decline(cpu, fast_no_handler(port, size));
		goto out_port;
	}
	if (unlikely(!spare_ready(&receiver->fast)) &&
	    !fast_take_spare(receiver)) {
		decline(cpu, BATON_DECLINE_EXCEPTION_SPARE);
		goto out_port;
	}
	if (has_identity &&
	    !find_identity(self, receiver->fast.space, &identity)) {
		decline(cpu, BATON_DECLINE_EXCEPTION_RIGHTS);
		goto out_port;
	}
	if (unlikely(!thread_claim(receiver, KERN_SUCCESS))) {
		decline(cpu, BATON_DECLINE_EXCEPTION_BUSY);
		goto out_space;
	}

	/* ---- committed: nothing below can fail ---- */
	if (has_identity) {
		give_identity(&identity);
		spin_unlock(&receiver->fast.space->lock);
	}
	question.word[0] = MACH_MSGH_BITS(
	    MACH_MSG_TYPE_PORT_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND);
	if (has_identity)
		question.word[0] |= MACH_MSGH_BITS_COMPLEX;
	question.word[1] = (uint32_t)size;
	question.word[2] = next_spare_name(receiver);
	question.word[3] = port->name;
	question.word[4] = MACH_PORT_NULL;
	question.word[5] = (uint32_t)behavior_message(behavior);
	take_receiver(port, receiver);
	spin_unlock(&port->lock);
	spin_unlock(&task->lock);
	self->exception.scope = scope;
	self->exception.behavior = behavior;
	head = write_body(&question, self, behavior, &identity);

	if (receiver->priority < self->priority)
		receiver->priority = self->priority;
	self->priority = self->base_priority;
	self->cont = exception_answered;
	take_place(receiver, cpu);
	enter_space(receiver, cpu);
	kr = copyout_question(
	    receiver->receive.buffer, &question, self, head, size);
	if (unlikely(kr == KERN_MEMORY_WAIT))
		kept = keep_question(&question, self, head, size);
	wait_for_reply(self, receiver, cpu);
	if (unlikely(kr == KERN_MEMORY_WAIT))
		message_write_later(kept);
	receiver->tf.a0 =
	    (uint64_t)(kr == KERN_SUCCESS ? MACH_MSG_SUCCESS
					  : MACH_RCV_INVALID_DATA);
	leave(receiver);

out_space:
	if (has_identity)
		spin_unlock(&receiver->fast.space->lock);
out_port:
	spin_unlock(&port->lock);
out_task:
	spin_unlock(&task->lock);
}

noreturn void
fast_exception_ask(void)
{
	struct thread *self = current_thread();

	/* The first question makes the port for replies. */
	if (likely(self->exception.port != NULL))
		ask(self);
	else
		decline(self->cpu, BATON_DECLINE_EXCEPTION_FIRST);
	exception_ask();
}

/* ---- the answer ---- */

/* A reply with registers, behind its header. */
struct state_reply {
	uint32_t unused; /* so that the registers stand well */
	NDR_record_t NDR;
	uint32_t result;
	uint32_t flavor;
	uint32_t count;
	struct riscv64_thread_state state;
};
static_assert(offsetof(struct state_reply, state) % 8 == 0, "words");
#define STATE_REPLY_BODY                                                       \
	(sizeof(struct state_reply) - offsetof(struct state_reply, NDR))

/* Does an answer of @id, and with @state or without, fit what @thread asked? */
always_inline bool
fits(const struct thread *thread, int32_t id, bool state)
{
	const struct exception_state *exception = &thread->exception;

	return !exception->crashing &&
	       behavior_has_state(exception->behavior) == state &&
	       id == behavior_message(exception->behavior) + MSGID_REPLY;
}

always_inline void
set_registers(struct thread *thread, const struct riscv64_thread_state *state)
{
	uint64_t *to = &thread->tf.ra;
	const uint64_t *from = &state->ra;

	thread->tf.epc = state->pc;
	for (unsigned i = 0; i < 31; i++)
		to[i] = from[i];
}

/* Locks: all that find_reply_right() took; still held if this returns. */
always_inline void
go_on(struct thread *self, int32_t id, const struct reply_right *right,
    const struct riscv64_thread_state *state)
{
	struct port *to = right->to;
	struct port *from = right->from;
	struct cpu *cpu = self->cpu;
	struct thread *thread = to->object;

	if (unlikely(!fits(thread, id, state != NULL))) {
		decline(cpu, BATON_DECLINE_ANSWER_KIND);
		return;
	}
	if (unlikely(!mqueue_idle(&from->queue))) {
		decline(cpu, BATON_DECLINE_ANSWER_MESSAGES);
		return;
	}
	if (unlikely(!may_run_here(thread, cpu))) {
		decline(cpu, BATON_DECLINE_ANSWER_FLOATING);
		return;
	}
	if (unlikely(!thread_claim(thread, KERN_SUCCESS))) {
		decline(cpu, BATON_DECLINE_ANSWER_BUSY);
		return;
	}

	/* ---- committed: nothing below can fail ---- */
	use_reply_right(self, right);
	spin_unlock(&to->lock);
	if (state != NULL)
		set_registers(thread, state);
	/* The next leg need not go far to decline. */
	self->fast.from_word = FAST_NO_WORD;
	self->receive.port = from; /* by the reference of fast.from */
	wait_in_turn(self, thread, cpu, &from->queue.receivers, &from->lock);
	leave(thread);
}

__attribute__((flatten)) void
fast_exception_reply(struct thread *self, const uint32_t *body, int32_t id,
    mach_port_name_t remote)
{
	uint32_t result = body[sizeof(NDR_record_t) / sizeof(uint32_t)];
	struct reply_right right;

	look_up_reply_right(self, remote, &right);
	if (result == KERN_SUCCESS)
		go_on(self, id, &right, NULL);
	else
		decline(self->cpu, BATON_DECLINE_ANSWER_KIND);
	drop_reply_right(self, &right);
}

/* An answer with registers that are none, if it is one to a question. */
static never_inline void
decline_state(struct thread *self, mach_port_name_t remote)
{
	struct reply_right right;

	if (!find_reply_right(self, remote, self->receive.name, &right))
		return;
	if (right.to->kind == KOBJECT_EXCEPTION)
		decline(self->cpu, BATON_DECLINE_ANSWER_KIND);
	drop_reply_right(self, &right);
}

__attribute__((flatten)) void
fast_exception_state(
    struct thread *self, uint64_t size, int32_t id, mach_port_name_t remote)
{
	struct state_reply reply;
	struct reply_right right;

	if (size != HEADER_SIZE + STATE_REPLY_BODY ||
	    copyin(&reply.NDR, self->receive.buffer + HEADER_SIZE,
		STATE_REPLY_BODY) != KERN_SUCCESS) {
		/* The general path will find out again. */
		memory_wait_forget();
		return;
	}
	if (reply.result != KERN_SUCCESS ||
	    reply.flavor != RISCV64_THREAD_STATE ||
	    reply.count != RISCV64_THREAD_STATE_COUNT ||
	    reply.state.pc >= USER_END || reply.state.pc % 2 != 0) {
		decline_state(self, remote);
		return;
	}
	if (!find_reply_right(self, remote, self->receive.name, &right))
		return;
	if (right.to->kind == KOBJECT_EXCEPTION)
		go_on(self, id, &right, &reply.state);
	drop_reply_right(self, &right);
}
