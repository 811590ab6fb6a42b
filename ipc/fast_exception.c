/*
 * fast_exception.c: an exception as a call to a handler that waits for it.
 *
 * A fault, in place of a trap: the question goes straight into the handler's
 * buffer, registers from the trapframe.  Its answer is fast_answer.c's.
 *
 * The handler waits in the word of his port or stands in its queue; the thread
 * that asks waits in the word of its own port for answers, if that is prepared
 * (fast_word.h), or like anybody else.  It waits before the name of the reply
 * right comes into force, so that nobody can use that too early; and unless it
 * waits in the word, registers are written before, so that whoever would stop
 * or abort it finds it running until then.
 *
 * Locks, to ask: the task (actions), the exception port, and where rights are
 * given the handler's space, which is tried, being out of order.
 */
#include "ipc/fast_exception.h"

#include <arch/atomic.h>
#include <arch/layout.h>
#include <arch/usercopy.h>
#include <mach/mig_errors.h>
#include <mach/thread_status.h>

#include "ipc/fast_leg.h"
#include "ipc/fast_word.h"
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

/* What the handler hears, but for registers. */
struct told {
	uint64_t names;	   /* of the reply right; above it, where it came */
	uint64_t identity; /* of the thread; above it, of the task */
	uint64_t number, code, subcode;
	uint32_t behavior;
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

/* Bits and size, as the handler sees them. */
always_inline uint64_t
question_bits(uint32_t behavior)
{
	uint64_t bits = MACH_MSGH_BITS(
	    MACH_MSG_TYPE_PORT_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND);

	if (behavior_has_identity(behavior))
		bits |= MACH_MSGH_BITS_COMPLEX;
	return bits | question_size(behavior) << 32;
}

/* What stands behind header and descriptors, from @at on, but for all registers
 * after the @pc; its end. */
static uint32_t *
build_codes(uint32_t *at, const struct told *told, uint64_t pc)
{
	*at++ = 0; /* NDR_record, as words */
	*at++ = NDR_INT_LITTLE_ENDIAN;
	*at++ = (uint32_t)told->number;
	*at++ = 2;
	*at++ = (uint32_t)told->code;
	if (told->behavior & MACH_EXCEPTION_CODES)
		*at++ = (uint32_t)(told->code >> 32);
	*at++ = (uint32_t)told->subcode;
	if (told->behavior & MACH_EXCEPTION_CODES)
		*at++ = (uint32_t)(told->subcode >> 32);
	if (behavior_has_state(told->behavior)) {
		*at++ = RISCV64_THREAD_STATE;
		*at++ = RISCV64_THREAD_STATE_COUNT;
		*at++ = (uint32_t)pc;
		*at++ = (uint32_t)(pc >> 32);
	} else {
		*at++ = MACH_MSG_TRAILER_FORMAT_0;
		*at++ = TRAILER_SIZE;
	}
	return at;
}

/* All but the registers that are behind it, and the trailer of those; how many
 * bytes. */
static uint64_t
build_question(struct question *question, const struct told *told, uint64_t pc)
{
	uint64_t bits = question_bits(told->behavior);
	uint32_t *at = question->word;

	*at++ = (uint32_t)bits;
	*at++ = (uint32_t)(bits >> 32);
	*at++ = (uint32_t)told->names;
	*at++ = (uint32_t)(told->names >> 32);
	*at++ = MACH_PORT_NULL;
	*at++ = (uint32_t)behavior_message(told->behavior);
	if (behavior_has_identity(told->behavior)) {
		*at++ = 2;
		*at++ = (uint32_t)told->identity;
		*at++ = 0;
		*at++ = SEND_DESCRIPTOR;
		*at++ = (uint32_t)(told->identity >> 32);
		*at++ = 0;
		*at++ = SEND_DESCRIPTOR;
	}
	at = build_codes(at, told, pc);
	return (uint64_t)((uint8_t *)at - (uint8_t *)question->word);
}

/* To @buffer, in the current address space, @head bytes, and of @size the
 * registers, straight from the trapframe @tf of who stands still. */
static kern_return_t
copyout_with_registers(uaddr_t buffer, const struct question *question,
    const struct trapframe *tf, uint64_t head, uint64_t size)
{
	static const uint32_t trailer[2] = {
	    MACH_MSG_TRAILER_FORMAT_0, TRAILER_SIZE};
	uint64_t registers = sizeof(*tf) - sizeof(tf->epc);
	kern_return_t kr = copyout(buffer, question->word, head);

	if (head > size || kr != KERN_SUCCESS)
		return kr;
	kr = copyout(buffer + head, &tf->ra, registers);
	if (kr != KERN_SUCCESS)
		return kr;
	return copyout(buffer + size, trailer, sizeof(trailer));
}

/* Any question; if a page of the buffer is yet to come it is in *@keptp.  Only
 * where registers go with it is @tf read. */
static never_inline kern_return_t
write_any(uaddr_t buffer, const struct told *told, const struct trapframe *tf,
    struct kmsg **keptp)
{
	uint64_t size = question_size(told->behavior);
	struct question question;
	uint64_t head = build_question(&question, told, tf->epc);
	kern_return_t kr =
	    copyout_with_registers(buffer, &question, tf, head, size);

	if (unlikely(kr == KERN_MEMORY_WAIT))
		*keptp = message_keep(
		    (uint32_t)size, question.word, (uint32_t)head, &tf->ra);
	return kr;
}

/* The handler, current now, has it, or learns that it could not be written. */
static never_inline noreturn void
write_and_leave(
    uaddr_t buffer, const struct told *told, const struct trapframe *tf)
{
	struct kmsg *kept = NULL;
	kern_return_t kr = write_any(buffer, told, tf, &kept);

	if (unlikely(kr == KERN_MEMORY_WAIT))
		message_write_later(kept);
	thread_return_value(
	    (uint64_t)(kr == KERN_SUCCESS ? MACH_MSG_SUCCESS
					  : MACH_RCV_INVALID_DATA));
}

/* The same of a usual one. */
always_inline noreturn void
write_usual(struct thread *receiver, uaddr_t buffer, const struct told *told)
{
	/* To a place that is aligned and the user's: what runs over the end of
	 * the user's half faults. */
	if (likely(((buffer & 7) | buffer / USER_END) == 0)) {
		kern_return_t kr = copyout_raise_return(buffer,
		    question_bits(USUAL_BEHAVIOR), told->names,
		    (uint64_t)behavior_message(USUAL_BEHAVIOR) << 32,
		    told->identity, told->number << 32 | NDR_INT_LITTLE_ENDIAN,
		    told->code, told->subcode);

		if (kr == KERN_MEMORY_WAIT)
			memory_wait_forget(); /* it will be found again */
	}
	fast_say_receive(receiver);
	/* No registers go with it. */
	write_and_leave(buffer, told, &receiver->tf);
}

/* ---- names ---- */

/* The same as last time: @known's names are, and nobody asked to hear of their
 * death?  Locks: the space's. */
always_inline bool
is_known(
    const struct entry *entry, const struct port *port, mach_port_name_t name)
{
	return entry->port == port &&
	       entry->key ==
		   (MACH_PORT_TYPE_SEND | (name & NAME_GENERATION_MASK));
}

/* Look for the handler's rights to the thread and its task in its space, which
 * is locked.  False: it lacks one. */
static never_inline bool
look_up_identity(struct thread *self, struct space *space)
{
	struct exception_state *exception = &self->exception;
	const struct port *task_port = self->task->self_port;

	/* Until both are known, nothing is. */
	exception->known_by = 0;
	if (task_port == NULL)
		return false;
	exception->known[0] =
	    fast_find_send(space, self->self_port, &exception->thread_name);
	exception->known[1] =
	    fast_find_send(space, task_port, &exception->task_name);
	if (exception->known[0] == NULL || exception->known[1] == NULL)
		return false;
	/* Where entries are does not change while their space lives, and no
	 * other is called as it. */
	exception->known_by = space->task_id;
	return true;
}

/* The handler's rights to the thread and its task.  True: it has both, and its
 * space is locked.  Locks: the task's. */
always_inline bool
find_identity(struct thread *self, struct space *space)
{
	const struct exception_state *exception = &self->exception;

	if (unlikely(!spin_trylock(&space->lock)))
		return false;
	if (likely(exception->known_by == space->task_id &&
		   is_known(exception->known[0], self->self_port,
		       exception->thread_name) &&
		   is_known(exception->known[1], self->task->self_port,
		       exception->task_name)))
		return true;
	if (look_up_identity(self, space))
		return true;
	spin_unlock(&space->lock);
	return false;
}

/* One more of each; unlocks the space. */
always_inline void
give_identity(const struct thread *self, struct space *space)
{
	for (int i = 0; i < 2; i++)
		fast_give_again(self->exception.known[i]);
	spin_unlock(&space->lock);
}

/* By what names, as in struct told. */
always_inline uint64_t
identity_names(const struct thread *self)
{
	return self->exception.thread_name | (uint64_t)self->exception.task_name
						 << 32;
}

/* ---- waiting for the answer ---- */

/* With the lock; the question is in the handler's hands. */
static never_inline void
wait_with_lock(struct thread *self, struct thread *receiver, struct cpu *cpu)
{
	struct port *port = self->exception.port;
	bool abort;

	port_lock(port);
	port->send_once_rights++;
	port_get(port); /* the reply right's */
	self->exception.answered = false;
	self->cont = exception_answered;
	abort = arm(self, receiver, cpu);
	spin_unlock(&port->lock);
	fill_spare(receiver, port);
	if (unlikely(abort))
		sched_wake(self);
}

/*
 * In the word of @port, if it is so prepared and nobody has told @self
 * anything.  The hart runs no less urgently than it did, so that nobody else is
 * to be looked for.  From then on @self may run elsewhere, and end.
 */
always_inline bool
wait_in_word_for_answer(struct thread *self, struct port *port)
{
	/* acquire: what is told is looked at after it.  release: who takes us
	 * sees all that we have stored. */
	return load_reserved_acquire(&port->word) == WORD_ASKABLE &&
	       atomic_load_explicit(&self->ast, memory_order_relaxed) == 0 &&
	       store_conditional_release(&port->word, word_asker(self));
}

/* ---- asking ---- */

/* Whom to ask first, of the thread's own and of its task's. */
always_inline const struct exception_action *
first_action(const struct thread *self, const struct task *task)
{
	unsigned number = self->exception.number;
	const struct exception_actions *own = self->actions;

	if (unlikely(own != NULL) && own->of[number].port != NULL)
		return &own->of[number];
	return &task->actions.of[number];
}

/* For the case that the answer is no. */
always_inline void
set_scope(struct thread *self, const struct exception_action *action)
{
	self->exception.scope =
	    action == &self->task->actions.of[self->exception.number]
		? EXCEPTION_SCOPE_TASK
		: EXCEPTION_SCOPE_THREAD;
}

always_inline void
lend_priority(struct thread *self, struct thread *receiver)
{
	if (receiver->priority < self->priority)
		receiver->priority = self->priority;
	self->priority = self->base_priority;
}

/* Who waited in the word of @port, which is locked, has a message: somebody may
 * wait there next. */
always_inline void
leave_word(struct port *port, struct thread *receiver)
{
	receiver->tf.a7 = MACH_MSG_IN_BUFFER;
	atomic_fetch_add_explicit(&port->sequence, 1, memory_order_relaxed);
	/* release: pairs with the acquire of the leg that comes next */
	store_release(&port->word, receiver->fast.quiet);
	spin_unlock(&port->lock);
}

static noreturn never_inline void
ask_usual_with_lock(
    struct thread *self, struct thread *receiver, const struct told *told)
{
	wait_with_lock(self, receiver, self->cpu);
	write_usual(receiver, receiver->tf.a1, told);
}

/*
 * The question that most ask, to @receiver, who is out of the word of @port.
 * Locks: the port's and the task's; unlocks them.
 */
always_inline noreturn void
ask_usual(struct thread *self, struct thread *receiver, struct port *port)
{
	struct exception_state *exception = &self->exception;
	struct port *answers = exception->port;
	struct cpu *cpu = self->cpu;
	struct told told = {
	    .names = receiver->fast.spare_name | name_it_waits_by(receiver),
	    .identity = identity_names(self),
	    .number = exception->number,
	    .code = exception->code,
	    .subcode = exception->subcode,
	    .behavior = USUAL_BEHAVIOR,
	};

	leave_word(port, receiver);
	spin_unlock(&self->task->lock);
	exception->behavior = USUAL_BEHAVIOR;
	lend_priority(self, receiver);
	take_place(receiver, cpu);
	enter_space(receiver, cpu);
	if (unlikely(!wait_in_word_for_answer(self, answers))) {
		struct told slow = told;

		ask_usual_with_lock(self, receiver, &slow);
	}
	/* If the port is dead by now: so be it. */
	fill_spare(receiver, answers);
	write_usual(receiver, receiver->tf.a1, &told);
}

/* Any other, to @receiver, who is out of the port's queue or word.  The same
 * locks. */
static noreturn void
ask_any(struct thread *self, struct thread *receiver, uaddr_t buffer,
    struct told *told)
{
	struct exception_state *exception = &self->exception;
	struct port *answers = exception->port;
	struct cpu *cpu = self->cpu;
	struct kmsg *kept = NULL;
	kern_return_t kr;

	spin_unlock(&self->task->lock);
	told->number = exception->number;
	told->code = exception->code;
	told->subcode = exception->subcode;
	exception->behavior = told->behavior;
	lend_priority(self, receiver);
	take_place(receiver, cpu);
	enter_space(receiver, cpu);
	/* It stands still: nobody knows that it is to wait. */
	kr = write_any(buffer, told, &self->tf, &kept);
	if (likely(wait_in_word_for_answer(self, answers)))
		fill_spare(receiver, answers);
	else
		wait_with_lock(self, receiver, cpu);
	if (unlikely(kr == KERN_MEMORY_WAIT))
		message_write_later(kept);
	receiver->tf.a0 =
	    (uint64_t)(kr == KERN_SUCCESS ? MACH_MSG_SUCCESS
					  : MACH_RCV_INVALID_DATA);
	leave(receiver);
}

/* Of who was in the word of @port: with room for a question? */
always_inline bool
may_ask(const struct thread *receiver, uint32_t behavior, struct cpu *cpu)
{
	return question_size(behavior) + TRAILER_SIZE <=
		   (uint32_t)receiver->tf.a3 &&
	       may_run_here(receiver, cpu);
}

/* Any but the usual, who is in the word of @port.  Returns only to decline. */
static never_inline __attribute__((flatten)) void
ask_in_word(struct thread *self, struct thread *receiver, struct port *port,
    uint32_t behavior)
{
	struct told told = {.behavior = behavior};

	if (!may_ask(receiver, behavior, self->cpu))
		return;
	if (behavior_has_identity(behavior)) {
		if (!find_identity(self, receiver->fast.space))
			return;
		give_identity(self, receiver->fast.space);
		told.identity = identity_names(self);
	}
	told.names = receiver->fast.spare_name | name_it_waits_by(receiver);
	leave_word(port, receiver);
	fast_say_receive(receiver);
	ask_any(self, receiver, receiver->tf.a1, &told);
}

/* Who stands in the queue of @port.  The same; each test says why. */
static never_inline __attribute__((flatten)) void
ask_in_queue(struct thread *self, struct port *port, uint32_t behavior)
{
	bool has_identity = behavior_has_identity(behavior);
	uint64_t size = question_size(behavior);
	struct told told = {.behavior = behavior};
	struct cpu *cpu = self->cpu;
	struct thread *receiver = first_receiver(port, NULL, size, cpu);

	if (unlikely(receiver == NULL)) {
		decline(cpu, fast_no_handler(port, size));
		return;
	}
	if (unlikely(!spare_ready(&receiver->fast)) &&
	    !fast_take_spare(receiver)) {
		decline(cpu, BATON_DECLINE_EXCEPTION_SPARE);
		return;
	}
	if (has_identity && !find_identity(self, receiver->fast.space)) {
		decline(cpu, BATON_DECLINE_EXCEPTION_RIGHTS);
		return;
	}
	if (unlikely(!thread_claim(receiver, KERN_SUCCESS))) {
		decline(cpu, BATON_DECLINE_EXCEPTION_BUSY);
		if (has_identity)
			spin_unlock(&receiver->fast.space->lock);
		return;
	}

	/* ---- committed: nothing below can fail ---- */
	if (has_identity) {
		give_identity(self, receiver->fast.space);
		told.identity = identity_names(self);
	}
	told.names = receiver->fast.spare_name | (uint64_t)port->name << 32;
	take_receiver(port, receiver);
	spin_unlock(&port->lock);
	ask_any(self, receiver, receiver->receive.buffer, &told);
}

/* @word was taken from the port: who waits in it, if somebody does. */
static never_inline void
ask_at(struct thread *self, struct port *port, uint64_t word, uint32_t behavior)
{
	if (word_is_server(word) && behavior != USUAL_BEHAVIOR)
		ask_in_word(self, (struct thread *)word, port, behavior);
	if (word != PORT_GENERAL)
		port_absorb(port, word);
	ask_in_queue(self, port, behavior);
}

static __attribute__((flatten)) void
ask(struct thread *self)
{
	struct task *task = self->task;
	const struct exception_action *action;
	struct thread *receiver;
	struct port *port;
	uint64_t word;

	spin_lock(&task->lock);
	action = first_action(self, task);
	port = action->port;
	if (unlikely(port == NULL)) {
		decline(self->cpu, BATON_DECLINE_EXCEPTION_HANDLER);
		goto out;
	}
	if (behavior_has_state(action->behavior) &&
	    action->flavor != RISCV64_THREAD_STATE) {
		decline(self->cpu, BATON_DECLINE_EXCEPTION_FLAVOR);
		goto out;
	}
	set_scope(self, action);
	/* While it is locked who was in its word is nobody else's: whoever
	 * wants to end his wait stands at the lock. */
	spin_lock(&port->lock);
	/* acquire: pairs with the release of who waits there */
	word = atomic_exchange_explicit(
	    &port->word, PORT_GENERAL, memory_order_acquire);
	receiver = (struct thread *)word;
	if (likely(action->behavior == USUAL_BEHAVIOR && word_is_server(word) &&
		   may_ask(receiver, USUAL_BEHAVIOR, self->cpu) &&
		   find_identity(self, receiver->fast.space))) {
		give_identity(self, receiver->fast.space);
		ask_usual(self, receiver, port);
	}
	ask_at(self, port, word, action->behavior);
	spin_unlock(&port->lock);
out:
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
	self->exception.scope = EXCEPTION_SCOPE_THREAD;
	exception_ask();
}
