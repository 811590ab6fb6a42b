/*
 * fast_answer.c: the answer to a question about an exception.
 *
 * It comes by a send-once right to a port of kind KOBJECT_EXCEPTION.  If the
 * thread that asked waits in the word of that port, the two legs of calls in
 * registers that find it there bring the answer here; else it is a reply that
 * fast.c has declined.  The thread goes on at once, and the handler waits for
 * the next question, in the word of his port if the last one came the short
 * way.
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
#include "kernel/exception_ports.h"
#include "vm/memory_wait.h"

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

/* The registers that a message of @size brings, whose body is in @buffer still.
 * False: it brings none, or they cannot be read. */
always_inline bool
read_state(struct state_reply *reply, uaddr_t buffer, uint64_t size)
{
	if (size != HEADER_SIZE + STATE_REPLY_BODY)
		return false;
	if (copyin(&reply->NDR, buffer + HEADER_SIZE, STATE_REPLY_BODY) !=
	    KERN_SUCCESS) {
		/* The general path will find out again. */
		memory_wait_forget();
		return false;
	}
	return reply->result == KERN_SUCCESS &&
	       reply->flavor == RISCV64_THREAD_STATE &&
	       reply->count == RISCV64_THREAD_STATE_COUNT &&
	       reply->state.pc < USER_END && reply->state.pc % 2 == 0;
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

/* @self waits for the next question on the port it receives from, which is
 * locked and is unlocked, and @thread goes on.  If the last one came the short
 * way, in the word. */
always_inline void
wait_for_next(
    struct thread *self, struct thread *thread, const struct reply_right *right)
{
	struct port *from = right->from;
	struct cpu *cpu = self->cpu;

	if (right->spare && likely(fast_may_park(self, from))) {
		park_server(self, thread, cpu, from);
		return;
	}
	/* The next leg need not go far to decline. */
	self->fast.receive = FAST_NO_NAME;
	self->receive.port = from; /* by the reference of fast.from */
	wait_in_turn(self, thread, cpu, &from->queue.receivers, &from->lock);
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
	/* So that it waits in the word the next time. */
	if (likely(to->send_once_rights == 0))
		store_release(&to->word, WORD_ASKABLE);
	spin_unlock(&to->lock);
	if (state != NULL)
		set_registers(thread, state);
	wait_for_next(self, thread, right);
	leave(thread);
}

/* ---- the answer to who waits in the word ---- */

/* The right is used.  While the thread that it answers waited in the word,
 * nobody had counted it.  Unlocks the space. */
always_inline void
use_spare_right(struct thread *self)
{
	empty_spare(&self->fast);
	spin_unlock(&self->fast.space->lock);
}

/* Take @thread out of the word of @to.  What it says of itself may be stale
 * until then. */
always_inline bool
take_asker(struct thread *thread, struct port *to, const struct cpu *cpu)
{
	return may_run_here(thread, cpu) &&
	       load_reserved_acquire(&to->word) == word_asker(thread) &&
	       store_conditional(&to->word, WORD_ASKABLE);
}

/* The handler waits for the next question where it did last.  False: it cannot,
 * or has been told something. */
always_inline bool
wait_in_word_again(struct thread *self)
{
	atomic_ulong *place = self->fast.place;

	/* acquire, release: as in wait_in_word_for_answer() */
	return load_reserved_acquire(place) == self->fast.quiet &&
	       atomic_load_explicit(&self->ast, memory_order_relaxed) == 0 &&
	       store_conditional_release(place, word_server(self));
}

/* @thread, which is ours, goes on, and the handler waits. */
always_inline noreturn void
let_go_on(struct thread *self, struct thread *thread)
{
	uint32_t priority = self->priority;
	struct cpu *cpu = self->cpu;

	self->priority = self->base_priority; /* what was lent goes back */
	if (unlikely(!wait_in_word_again(self)))
		thread_return_value(fast_wait(thread, false));
	take_place(thread, cpu);
	enter_space(thread, cpu);
	if (unlikely(thread->priority < priority)) {
		fence_full(); /* as in arm() */
		check_others(thread, cpu);
	}
	leave(thread);
}

/* Voucher and id of the answer to a usual question. */
#define USUAL_ANSWER                                                           \
	((uint64_t)(MSGID_MACH_EXCEPTION_RAISE + MSGID_REPLY) << 32)

__attribute__((flatten)) void
fast_exception_answer(struct port *to, uint64_t word)
{
	struct thread *self = current_thread();
	const struct trapframe *tf = &self->tf;
	struct thread *thread = word_who_asked(word);

	if (CONFIG_DEBUG)
		lock_note_acquire(&self->fast.space->lock, LOCK_ORDER_RISING);
	if (unlikely(tf->a6 != USUAL_ANSWER ||
		     thread->exception.behavior != USUAL_BEHAVIOR ||
		     (uint32_t)tf->t2 != KERN_SUCCESS ||
		     !take_asker(thread, to, self->cpu))) {
		spin_unlock(&self->fast.space->lock);
		return;
	}

	/* ---- committed: nothing below can fail ---- */
	use_spare_right(self);
	let_go_on(self, thread);
}

__attribute__((flatten)) void
fast_exception_answer_state(
    struct thread *self, uaddr_t buffer, uint64_t size, uint64_t id)
{
	struct space *space = self->fast.space;
	struct state_reply reply;
	struct thread *thread;
	struct port *to;
	uint64_t word;

	spin_unlock(&space->lock);
	if (!read_state(&reply, buffer, size))
		return;
	spin_lock(&space->lock);
	/* Whatever has become of the right meanwhile. */
	if (self->fast.spare->key != self->fast.spare_key)
		goto out;
	to = self->fast.spare->port;
	word = atomic_load_explicit(&to->word, memory_order_acquire);
	if (!word_is_asker(word))
		goto out;
	thread = word_who_asked(word);
	if (!fits(thread, (int32_t)(id >> 32), true) ||
	    !take_asker(thread, to, self->cpu))
		goto out;

	/* ---- committed: nothing below can fail ---- */
	use_spare_right(self);
	set_registers(thread, &reply.state);
	let_go_on(self, thread);

out:
	spin_unlock(&space->lock);
}

/* ---- the answer to who does not ---- */

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

	if (size != HEADER_SIZE + STATE_REPLY_BODY)
		return;
	if (!read_state(&reply, self->receive.buffer, size)) {
		decline_state(self, remote);
		return;
	}
	if (!find_reply_right(self, remote, self->receive.name, &right))
		return;
	if (right.to->kind == KOBJECT_EXCEPTION)
		go_on(self, id, &right, &reply.state);
	drop_reply_right(self, &right);
}
