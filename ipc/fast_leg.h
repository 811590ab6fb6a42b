/*
 * ipc/fast_leg.h: what the legs of the fast path are made of, for the files
 * ipc/fast*.c alone.
 */
#pragma once
#include <arch/fpu.h>
#include <arch/switch.h>
#include <mach/baton_decline.h>

#include "ipc/fast.h"
#include "ipc/fast_word.h"
#include "ipc/port.h"
#include "ipc/space.h"
#include "kernel/cpu.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "vm/map.h"

/* Counted, wherever a message or what goes like one is declined. */
always_inline void
decline(struct cpu *cpu, enum baton_decline reason)
{
	cpu->declined[reason]++;
}

/* No reason. */
#define SERVED BATON_DECLINES

/* Why who waits, first_receiver(), is not to have it. */
enum baton_decline fast_not_him(
    const struct port *to, const struct port *from, uint64_t size);
/* The same for a question to a handler of exceptions. */
enum baton_decline fast_no_handler(const struct port *to, uint64_t size);

always_inline void
lock_ports(struct port *a, struct port *b)
{
	if (a < b) {
		port_lock(a);
		port_lock_second(b);
	} else {
		port_lock(b);
		port_lock_second(a);
	}
}

/* Why first_receiver() has found nobody; the ports are locked still. */
always_inline enum baton_decline
no_receiver(const struct port *to, const struct port *from, uint64_t size)
{
	return list_empty(&to->queue.receivers) ? BATON_DECLINE_LEG_NOBODY
						: fast_not_him(to, from, size);
}

/* May @thread run here at once?  Its FP registers must not be elsewhere. */
always_inline bool
may_run_here(const struct thread *thread, const struct cpu *cpu)
{
	return likely(thread->fpu_cpu == NULL) || thread->fpu_cpu == cpu;
}

/*
 * Who waits on @to, if a message of @size can be put into his hands here and
 * now, and nothing waits for us on @from (NULL: that we do not receive from).
 * The ports are locked.
 */
always_inline struct thread *
first_receiver(
    struct port *to, struct port *from, uint64_t size, const struct cpu *cpu)
{
	struct list *waiters = &to->queue.receivers;
	struct thread *thread;

	if (unlikely(list_empty(waiters) ||
		     (from != NULL && !mqueue_idle(&from->queue))))
		return NULL;
	thread = list_first(waiters, struct thread, wait_link);
	if (unlikely(thread->fast.room < (int64_t)size))
		return NULL;
	return may_run_here(thread, cpu) ? thread : NULL;
}

/* The receiver takes the message off the port, and leaves its queue.  What its
 * link says from then on means nothing: who queues it writes that anew. */
always_inline void
take_receiver(struct port *to, struct thread *receiver)
{
	struct list *link = &receiver->wait_link;

	link->prev->next = link->next;
	link->next->prev = link->prev;
	receiver->receive.port = NULL;
	if (unlikely(receiver->fast.from != to))
		fast_adopt(receiver, to);
	atomic_fetch_add_explicit(&to->sequence, 1, memory_order_relaxed);
}

/* @receiver, which is ours, becomes the current thread of this hart. */
always_inline void
take_place(struct thread *receiver, struct cpu *cpu)
{
	store_relaxed(&receiver->cpu, cpu);
	receiver->cpu_tag = cpu_tag(cpu);
	cpu->counters.handed_off++;
	store_relaxed(&cpu->running_priority, receiver->priority);
	arch_set_current(receiver);
}

/* Is somebody else to run before @receiver, who is about to?  What is tested
 * here is what sched_check() finds most often. */
always_inline void
check_others(struct thread *receiver, const struct cpu *cpu)
{
	int32_t best = *(const volatile int32_t *)&cpu->runq.best;
	int32_t own = (int32_t)receiver->priority;

	if (unlikely(best >= own) && (best > own || cpu->slice.cpu == NULL))
		sched_check(receiver, cpu);
}

/*
 * @self, in whose place @receiver runs, waits from now on.  True: it was told
 * not to, and is ours to wake.  As long as the caller holds the lock that
 * @self takes when it goes on, it can be looked at.
 */
always_inline bool
arm(struct thread *self, struct thread *receiver, struct cpu *cpu)
{
	/*
	 * As in wait_begin() and arch_thread_resume(): we say that the sender
	 * is armed and where the receiver runs, then look at their flags;
	 * thread_notice() does it the other way round.
	 */
	store_release(&self->wait_armed, 1);
	fence_full();
	/* Whoever queues a better one here sees what runs, or we see him. */
	check_others(receiver, cpu);
	return (atomic_load_explicit(&self->ast, memory_order_relaxed) &
		   (AST_ABORT | AST_TERMINATE)) != 0 &&
	       thread_claim(self, KERN_ABORTED);
}

/* The current thread's address space, and its right to the FP unit. */
always_inline void
enter_space(struct thread *receiver, struct cpu *cpu)
{
	/* Who owns the unit has his registers in it: then he is here. */
	if (unlikely(cpu->fpu_on || receiver->fpu_cpu != NULL))
		fpu_switch(cpu, receiver);
	pmap_switch_on(cpu, receiver->fast.pmap);
}

/* fast_state.spare_key where there is no spare entry: no entry has it. */
#define SPARE_NONE MACH_PORT_TYPE_SEND_ONCE

always_inline bool
spare_ready(const struct fast_state *fast)
{
	return (fast->spare_key & ENTRY_KEPT) != 0;
}

/* @self, in whose place @receiver runs, waits in @place, which is locked, as
 * @word.  False: it has been told not to. */
always_inline bool
park_in(struct thread *self, struct thread *receiver, struct cpu *cpu,
    atomic_ulong *place, uint64_t word)
{
	store_release(place, word);
	fence_full(); /* as in arm() */
	check_others(receiver, cpu);
	return likely((atomic_load_explicit(&self->ast, memory_order_relaxed) &
			  (AST_ABORT | AST_TERMINATE)) == 0);
}

/* The same in the word of @from.  True: it was told not to, and is ours to
 * wake. */
always_inline bool
park(struct thread *self, struct thread *receiver, struct cpu *cpu,
    struct port *from, uint64_t word)
{
	if (park_in(self, receiver, cpu, &from->word, word))
		return false;
	port_close(from);
	return thread_claim(self, KERN_ABORTED);
}

/*
 * Wait among @waiters, whose @lock is held and is unlocked; from then on
 * @receiver is the current thread, on this hart, in the sender's place.  What
 * wait_begin() and sched_handoff() do, for two threads of which all is known.
 */
always_inline void
wait_in_turn(struct thread *self, struct thread *receiver, struct cpu *cpu,
    struct list *waiters, struct spinlock *lock)
{
	bool abort;

	list_add_tail(waiters, &self->wait_link);
	self->cont = receive_continue;
	self->priority = self->base_priority;
	take_place(receiver, cpu);
	abort = arm(self, receiver, cpu);
	spin_unlock(lock);
	if (unlikely(abort))
		sched_wake(self);
	enter_space(receiver, cpu);
}

/* In the word of @from, where it may. */
always_inline void
park_server(struct thread *self, struct thread *receiver, struct cpu *cpu,
    struct port *from)
{
	bool abort;

	self->fast.receive = name_in_register(self->fast.from_name);
	self->fast.spare_key &= ~ENTRY_KEPT; /* who waits in a word has one */
	self->cont = receive_continue;
	self->priority = self->base_priority;
	take_place(receiver, cpu);
	abort = park(self, receiver, cpu, from, word_server(self));
	spin_unlock(&from->lock);
	if (unlikely(abort))
		sched_wake(self);
	enter_space(receiver, cpu);
}

/* The same, if it can be: a server, whose client is of the kind that calls in
 * registers. */
always_inline bool
wait_in_word(struct thread *self, struct thread *receiver, struct cpu *cpu,
    struct port *from)
{
	if ((receiver->receive.option & RECEIVE_CALL) == 0 ||
	    !fast_may_park(self, from)) {
		/* The next leg need not go far to decline. */
		self->fast.receive = FAST_NO_NAME;
		return false;
	}
	park_server(self, receiver, cpu, from);
	return true;
}

/* The same on the port @from, which is locked and is unlocked. */
always_inline void
change_places(struct thread *self, struct thread *receiver, struct cpu *cpu,
    struct port *from)
{
	self->receive.port = from; /* by the reference of fast.from */
	if (spare_ready(&self->fast) && wait_in_word(self, receiver, cpu, from))
		return;
	wait_in_turn(self, receiver, cpu, &from->queue.receivers, &from->lock);
}

/* The current thread goes on in user mode. */
always_inline noreturn void
leave(const struct thread *thread)
{
	if (likely(
		atomic_load_explicit(&thread->ast, memory_order_relaxed) == 0))
		arch_user_return();
	thread_return();
}

/* The name that @thread receives by, where a message has it. */
always_inline uint64_t
name_it_waits_by(const struct thread *thread)
{
	return (uint64_t)thread->fast.from_name << 32;
}

/* ---- names of reply rights ---- */

/*
 * A name from the receiver's own table, whose lock is tried.  While the lock of
 * the port that a thread waits on is held, the thread is not past its wait,
 * whoever ends that: so its @fast is still.
 */
bool fast_take_spare(struct thread *receiver);
/* The same; it is locked. */
bool fast_take_spare_locked(struct thread *receiver);

/* The receiver's spare entry, which denotes nothing, is to be a send-once right
 * to @port: its name. */
always_inline mach_port_name_t
name_spare(struct thread *receiver, struct port *port)
{
	struct entry *entry = receiver->fast.spare;

	receiver->fast.spare_key &= ~ENTRY_KEPT;
	entry->port = port;
	entry->urefs = 1;
	return receiver->fast.spare_name;
}

/* And is by @name, from now on: others of the task's may give it up.  So it has
 * been counted, or its client waits in his word, or the port is locked. */
always_inline void
show_spare(struct entry *spare, mach_port_name_t name)
{
	/* release: who reads the key without the lock then sees the port */
	atomic_thread_fence(memory_order_release);
	*(volatile uint32_t *)&spare->key =
	    MACH_PORT_TYPE_SEND_ONCE | (name & NAME_GENERATION_MASK);
}

/* Both. */
always_inline mach_port_name_t
fill_spare(struct thread *receiver, struct port *port)
{
	struct entry *spare = receiver->fast.spare;
	mach_port_name_t name = name_spare(receiver, port);

	show_spare(spare, name);
	return name;
}

/* The right in the spare entry was used: it denotes nothing, and has another
 * name next.  Locks: the space's. */
always_inline void
empty_spare(struct fast_state *fast)
{
	uint32_t key = fast->spare_key;
	uint8_t next = (uint8_t)(key + 1);

	fast->spare->key = key ^ (MACH_PORT_TYPE_SEND_ONCE ^ ENTRY_KEPT);
	/* The generation is the lowest byte of both. */
	*(uint8_t *)&fast->spare_key = next;
	*(uint8_t *)&fast->spare_name = next;
}

/* The entry of @name with @type, looked up the long way; or fast_no_entry. */
struct entry *fast_find(
    struct space *space, mach_port_name_t name, uint32_t type);

/* The entry of @space's for a send right to @port, which it has under @guess if
 * it has not given that up; NULL: none.  Locks: the space's. */
always_inline struct entry *
fast_find_send(
    struct space *space, const struct port *port, mach_port_name_t *guess)
{
	struct entry *entry = space_entry_locked(space, name_index(*guess));

	/* No other bits: a right with a request on it is looked up. */
	if (likely(entry != NULL && entry->port == port &&
		   entry->key ==
		       (MACH_PORT_TYPE_SEND | (*guess & NAME_GENERATION_MASK))))
		return entry;
	*guess = space_find_sent(space, port);
	if (*guess == MACH_PORT_NULL)
		return NULL;
	return space_entry_locked(space, name_index(*guess));
}

/* A right more to what it has already. */
always_inline void
fast_give_again(struct entry *entry)
{
	/* They stick at the maximum. */
	if (likely(entry->urefs < MACH_PORT_UREFS_MAX))
		entry->urefs++;
}

/* The entry of a reply right that was used, and is not the spare one, is free.
 * Locks: the space's. */
void fast_free_entry(
    struct thread *self, struct entry *entry, mach_port_name_t name);

/* Look up where to receive, for the next time: this call declines. */
void fast_learn_from(struct thread *self, mach_port_name_t name);
/* Look up where to send a request. */
bool fast_learn_to(struct thread *self, mach_port_name_t name);

/* ---- the reply right of who replies ---- */

/* Where it goes, and where its holder receives next. */
struct reply_right {
	mach_port_name_t name;
	bool spare; /* the entry is the thread's spare one */
	struct entry *entry;
	struct port *to;
	struct port *from;
};

/* Locks: @self's space.  False: it has no such right, or one with a request. */
always_inline bool
look_up_reply_right(
    struct thread *self, mach_port_name_t remote, struct reply_right *right)
{
	right->name = remote;
	right->from = self->fast.from;
	/* Usually it is the spare entry, which the request filled in: if not,
	 * its key says so. */
	right->entry = self->fast.spare;
	right->spare = remote == self->fast.spare_name;
	if (unlikely(!right->spare))
		right->entry = fast_find(
		    self->fast.space, remote, MACH_PORT_TYPE_SEND_ONCE);
	right->to = right->entry->port;
	/* All of the key: a right with a request on it declines. */
	return right->entry->key ==
	       (MACH_PORT_TYPE_SEND_ONCE | (remote & NAME_GENERATION_MASK));
}

/*
 * The send-once right @remote of @self, who is to receive from @receive_name.
 * True: the space and both ports are locked.
 */
always_inline bool
find_reply_right(struct thread *self, mach_port_name_t remote,
    mach_port_name_t receive_name, struct reply_right *right)
{
	struct space *space = self->fast.space;

	spin_lock(&space->lock);
	if (unlikely(!look_up_reply_right(self, remote, right))) {
		decline(self->cpu, BATON_DECLINE_LEG_REPLY);
		goto out;
	}
	if (unlikely(right->to == right->from)) {
		decline(self->cpu, BATON_DECLINE_LEG_SELF);
		goto out;
	}
	lock_ports(right->to, right->from);
	if (likely(right->from->name == receive_name &&
		   right->from->receiver == space))
		return true;
	spin_unlock(&right->to->lock);
	spin_unlock(&right->from->lock);
	spin_unlock(&space->lock);
	decline(self->cpu, BATON_DECLINE_LEG_RECEIVE);
	fast_learn_from(self, receive_name);
	return false;
out:
	spin_unlock(&space->lock);
	return false;
}

/* It was not used after all. */
always_inline void
drop_reply_right(struct thread *self, const struct reply_right *right)
{
	spin_unlock(&right->to->lock);
	spin_unlock(&right->from->lock);
	spin_unlock(&self->fast.space->lock);
}

/* Use it up, and unlock the space. */
always_inline void
use_reply_right(struct thread *self, const struct reply_right *right)
{
	if (likely(right->spare)) {
		right->entry->port = NULL;
		empty_spare(&self->fast);
		self->fast.spare_key |= ENTRY_KEPT;
	} else {
		fast_free_entry(self, right->entry, right->name);
	}
	spin_unlock(&self->fast.space->lock);
	right->to->send_once_rights--;
	/* The right's reference, never the last: the receiver has one. */
	atomic_fetch_sub_explicit(&right->to->refs, 1, memory_order_relaxed);
}
