/*
 * call_twin.c: calls, the legs of the message fast path, in C.
 *
 * The twin of arch's call.S, in whose place `fastpath=c` has it: what is said
 * there in few instructions is said here to be read.  Both make the same tests
 * in the same order, each with the same reason to decline, and the same changes
 * to the same words, with the same order of memory; so who changes one changes
 * both.  They differ in where a message is on its way: there it stays in the
 * registers, and here it goes from trapframe to trapframe.
 *
 * A leg is tests, none of which changes anything; then the store-conditional
 * that takes the receiver off its word, from which on the message is sent; then
 * another that puts the current thread on its own.  If that one fails, because
 * another hart works on the port, fast_wait() goes on with a receive like any
 * other.  No loop, no lock but the space's.
 */
#include "ipc/call_twin.h"

#include <arch/atomic.h>
#include <mach/mig_errors.h>

#include "ipc/fast_call.h"
#include "ipc/fast_exception.h"
#include "ipc/fast_leg.h"
#include "ipc/message.h"
#include "ipc/pset.h"

bool ipc_call_twin;

/* ---- what kind of call it is ---- */

enum kind {
	KIND_REQUEST,
	KIND_REPLY,
	KIND_BUFFER, /* the message is there: fast_call.c */
	KIND_SIZE,   /* refused: no body of 0 to 48 bytes, in fours */
	KIND_OTHER,  /* refused: neither a request nor a reply */
};

/* By bits and the body's size alone, all of which are the user's. */
static enum kind
kind_of(uint64_t bits_body, bool may_be_buffer)
{
	uint64_t body = bits_body >> 32;
	uint32_t bits = (uint32_t)bits_body;

	if (body > CALL_BODY)
		return may_be_buffer ? KIND_BUFFER : KIND_SIZE;
	if ((body & 3) != 0)
		return KIND_SIZE;
	if (bits == REPLY_BITS)
		return KIND_REPLY;
	if (bits == REQUEST_BITS)
		return KIND_REQUEST;
	if ((bits & MACH_MSGH_BITS_COMPLEX) != 0 && may_be_buffer)
		return KIND_BUFFER;
	return KIND_OTHER;
}

/* ---- the message ---- */

/* Of a body of @size bytes the eight at @at, which are @word as it was sent;
 * what is behind the body is 0. */
always_inline uint64_t
of_body(uint64_t word, uint64_t size, uint64_t at)
{
	if (size >= at + 8)
		return word;
	return size == at + 4 ? (uint32_t)word : 0;
}

/* What the receiver finds in its registers: the message and nothing else of the
 * sender's. */
static void
hand_over(const struct trapframe *sent, struct trapframe *received,
    uint32_t bits, uint64_t names)
{
	uint64_t size = sent->t0 >> 32;

	/* As it was: the trap's registers were not stored. */
	received->ra = received->epc;
	received->t0 = sent->t0;
	received->a0 = MACH_MSG_SUCCESS;
	received->a2 = bits | (HEADER_SIZE + size) << 32;
	received->a3 = 0;
	received->a4 = 0;
	received->a5 = names;
	received->a6 = sent->a6;
	received->a7 = size;
	received->t1 = of_body(sent->t1, size, 0);
	received->t2 = of_body(sent->t2, size, 8);
	received->t3 = of_body(sent->t3, size, 16);
	received->t4 = of_body(sent->t4, size, 24);
	received->t5 = of_body(sent->t5, size, 32);
	received->t6 = of_body(sent->t6, size, 40);
}

/* ---- what both legs end with ---- */

/* The current thread waits where it received last, as @word.
 * False: it cannot, or has been told something.  Once it can, it may already
 * run elsewhere. */
static bool
wait_as(struct thread *self, uint64_t word)
{
	atomic_ulong *place = self->fast.place;

	/* acquire: what is told is looked at after it.  release: who takes us
	 * sees all that we have stored, our registers among it. */
	return load_reserved_acquire(place) == self->fast.quiet &&
	       atomic_load_explicit(&self->ast, memory_order_relaxed) == 0 &&
	       store_conditional_release(place, word);
}

/* @receiver goes on in user mode: its address space, its registers. */
static noreturn void
become(struct thread *receiver, struct cpu *cpu)
{
	arch_set_current(receiver);
	pmap_switch_on(cpu, receiver->fast.pmap);
	/* The unit is shut: its owner's next use of it, fpu_resume(), opens
	 * it. */
	if (cpu->fpu_on)
		fpu_shut(cpu);
	arch_user_return();
}

/* The message is in @receiver's hands.  Nobody looks at what it is told: who
 * tells it something has closed the port after that, so it was not there. */
static noreturn void
wait_and_leave(
    struct thread *self, struct thread *receiver, uint64_t word, bool client)
{
	struct cpu *cpu = self->cpu;

	self->priority = self->base_priority; /* what was lent goes back */
	if (!wait_as(self, word))
		thread_return_value(fast_wait(receiver, client));
	/* Who finds the name finds its right counted, by who waits there. */
	if (client)
		show_spare(receiver->fast.spare, receiver->fast.spare_name);
	become(receiver, cpu);
}

/* ---- the request ---- */

/* Does the name still mean a send right to @to, by the entry it had? */
static bool
still_means(const struct fast_state *fast, const struct port *to)
{
	const struct entry *entry = fast->to_entry;

	if (*(struct port *const volatile *)&entry->port != to)
		return false;
	/* acquire: the port before its key */
	atomic_thread_fence(memory_order_acquire);
	return *(const volatile uint32_t *)&entry->key == fast->to_key;
}

/* The caller lends its priority, or the hart runs at the server's. */
static void
lend_priority(const struct thread *self, struct thread *server, struct cpu *cpu)
{
	if (server->priority < self->priority)
		server->priority = self->priority;
	else if (server->priority != self->priority)
		store_relaxed(&cpu->running_priority, server->priority);
}

/* Where who waits for a message to @to has his word, which was @word: there, or
 * in that of the set that it is in. */
static atomic_ulong *
place_of(struct port *to, uint64_t word)
{
	return word_is_set(word) ? &word_set(word)->word : &to->word;
}

/* Returns only to decline: why. */
static enum baton_decline
request(struct thread *self)
{
	const struct fast_state *fast = &self->fast;
	const struct trapframe *tf = &self->tf;
	struct port *to = fast->to;
	struct thread *server;
	atomic_ulong *place;
	uint64_t word, names, own;

	/* To wait, and to send, where it did last: so the names say. */
	if (tf->a4 != fast->receive)
		return BATON_DECLINE_CALL_RECEIVE;
	if (tf->a5 != fast->to_word)
		return BATON_DECLINE_CALL_NAME;
	if ((uint32_t)tf->a6 != MACH_PORT_NULL)
		return BATON_DECLINE_CALL_VOUCHER;
	own = atomic_load_explicit(&to->word, memory_order_relaxed);
	place = place_of(to, own);
	/* acquire: pairs with the release of the server, whom we look at */
	word = load_reserved_acquire(place);
	if (!word_is_server(word))
		return BATON_DECLINE_CALL_NOBODY;
	/* Who takes the port out of the set closes both, in this order. */
	if (place != &to->word &&
	    atomic_load_explicit(&to->word, memory_order_relaxed) != own)
		return BATON_DECLINE_CALL_NOBODY;
	/* Between load and store of the word: who gives the right up closes the
	 * port after that. */
	if (!still_means(fast, to))
		return BATON_DECLINE_CALL_RIGHT;
	server = (struct thread *)word;
	if (server->cpu_tag != self->cpu_tag)
		return BATON_DECLINE_CALL_HART;
	names = place == &to->word ? name_it_waits_by(server)
				   : (uint64_t)to->name << 32;
	if (!store_conditional(place, server->fast.quiet))
		return BATON_DECLINE_CALL_BUSY;

	/* ---- sent: the server is ours ---- */
	lend_priority(self, server, self->cpu);
	/* Neither counted nor with a reference, while we wait in the word. */
	names |= name_spare(server, fast->from);
	hand_over(tf, &server->tf, REQUEST_BITS_RECEIVED, names);
	atomic_fetch_add_explicit(&to->sequence, 1, memory_order_relaxed);
	wait_and_leave(self, server, word_client(self), true);
}

/* ---- the reply ---- */

/* Have both the same priority, and each as his own? */
static bool
same_priorities(const struct thread *self, const struct thread *client)
{
	return self->priority == client->priority &&
	       self->base_priority == client->base_priority;
}

/* The hart is to run at the client's priority, which is not the server's: does
 * nobody wait for that, and the client still in the word of @to? */
static bool
may_lower(const struct thread *client, struct port *to, struct cpu *cpu)
{
	int32_t best;

	store_relaxed(&cpu->running_priority, client->priority);
	fence_full(); /* pairs with the one in sched_wake() */
	best = *(const volatile int32_t *)&cpu->runq.best;
	return best < (int32_t)client->priority &&
	       load_reserved_acquire(&to->word) == word_client(client);
}

/* Take the client, just loaded from the word of @to, off it. */
static enum baton_decline
take_off(struct thread *self, struct thread *client, struct port *to)
{
	struct cpu *cpu = self->cpu;

	if (same_priorities(self, client))
		return store_conditional(&to->word, client->fast.quiet)
			   ? SERVED
			   : BATON_DECLINE_CALL_BUSY;
	if ((client->priority == self->priority ||
		may_lower(client, to, cpu)) &&
	    store_conditional(&to->word, client->fast.quiet))
		return SERVED;
	store_relaxed(&cpu->running_priority, self->priority);
	return BATON_DECLINE_CALL_PRIORITY;
}

/* Who is to be answered by the spare entry's right: its client, off its word;
 * NOBODY: what else was there.  Locks: the space's. */
static enum baton_decline
take_client(struct thread *self, struct thread **clientp, uint64_t *wordp)
{
	const struct entry *entry = self->fast.spare;
	struct thread *client;
	struct port *to;
	uint64_t word;

	/* All of the key: a right with a request on it declines, too. */
	if (entry->key != self->fast.spare_key)
		return BATON_DECLINE_CALL_RIGHT;
	to = entry->port;
	/* acquire: pairs with the release of the client, whom we look at */
	word = load_reserved_acquire(&to->word);
	*wordp = word;
	if (!word_is_client(word))
		return BATON_DECLINE_CALL_NOBODY;
	client = (struct thread *)-word;
	if (client->cpu_tag != self->cpu_tag)
		return BATON_DECLINE_CALL_HART;
	*clientp = client;
	return take_off(self, client, to);
}

/* Returns only to decline: why. */
static enum baton_decline
reply(struct thread *self)
{
	const struct trapframe *tf = &self->tf;
	struct spinlock *lock = &self->fast.space->lock;
	struct thread *client;
	enum baton_decline reason;
	struct port *to;
	uint64_t word;

	/* To wait where it did last, and by the right that came there. */
	if (tf->a4 != self->fast.receive)
		return BATON_DECLINE_CALL_RECEIVE;
	if (tf->a5 != self->fast.spare_name)
		return BATON_DECLINE_CALL_REPLY;
	if ((uint32_t)tf->a6 != MACH_PORT_NULL)
		return BATON_DECLINE_CALL_VOUCHER;
	/* The right is a name that another thread may give up. */
	spin_lock(lock);
	reason = take_client(self, &client, &word);
	if (reason == BATON_DECLINE_CALL_NOBODY && word_is_asker(word) &&
	    call_bits_size(tf->t0) >> 32 == sizeof(mig_reply_error_t)) {
		if (CONFIG_DEBUG)
			lock_note_release(lock);
		fast_exception_answer(self->fast.spare->port, word);
		return reason;
	}
	if (reason != SERVED) {
		spin_unlock(lock);
		return reason;
	}

	/* ---- sent: the client is ours ---- */
	to = self->fast.spare->port;
	/* While its client waited in the word nobody had counted it. */
	empty_spare(&self->fast);
	spin_unlock(lock);
	hand_over(
	    tf, &client->tf, REPLY_BITS_RECEIVED, name_it_waits_by(client));
	atomic_fetch_add_explicit(&to->sequence, 1, memory_order_relaxed);
	wait_and_leave(self, client, word_server(self), false);
}

/* ---- */

/* May it be for want of something to be looked up?  Only a request's. */
static bool
may_be_cured(enum baton_decline reason)
{
	return reason != BATON_DECLINE_CALL_VOUCHER &&
	       reason != BATON_DECLINE_CALL_NOBODY;
}

noreturn void
call_twin(void)
{
	struct thread *self = current_thread();
	const struct trapframe *tf = &self->tf;
	enum baton_decline reason = BATON_DECLINE_CALL_KIND;

	switch (kind_of(tf->t0, (int64_t)tf->a3 < 0)) {
	case KIND_REQUEST:
		/* Once more at most, and only the last time counts. */
		do
			reason = request(self);
		while (may_be_cured(reason) && fast_prepare());
		break;
	case KIND_REPLY:
		reason = reply(self);
		break;
	case KIND_BUFFER:
		thread_return_value(fast_call_buffer(
		    tf->t0, tf->a1, 0, tf->a3, tf->a4, tf->a5, tf->a6));
	case KIND_SIZE:
		reason = BATON_DECLINE_CALL_SIZE;
		break;
	case KIND_OTHER:
		break;
	}
	decline(self->cpu, reason);
	/* The same call, the other way. */
	thread_return_value(fast_call());
}
