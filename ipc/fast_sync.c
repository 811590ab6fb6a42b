/*
 * fast_sync.c: see fast_sync.h.
 *
 * Each is tests, any of which may decline, then acts.  Who is woken is claimed
 * under the lock of what he waits for, and leaves it there; the caller takes
 * his place as in a leg of fast.c.  What he would do in his continuation is
 * done for him: so it is looked at, and who has more to do than to return to
 * user mode is left to the general path.
 *
 * Locks, for semaphores: the space, from there each port alone, the second
 * until both semaphores are locked, in the order of addresses.  For eventlinks:
 * the space, the port, the link, each until the next is held.
 */
#include "ipc/fast_sync.h"

#include "ipc/fast_leg.h"
#include "ipc/right.h"
#include "kernel/eventlink.h"
#include "kernel/semaphore.h"
#include "kernel/wait_queue.h"

/* The port of the object that @name is a send right to, locked, so that the
 * object is there; NULL: it cannot be had so.  Locks: the space's. */
always_inline struct port *
lock_object(struct space *space, mach_port_name_t name, enum kobject_kind kind)
{
	struct entry *entry = space_entry_locked(space, name_index(name));
	struct port *port;

	/* All of the key: a right with a request on it declines. */
	if (unlikely(entry == NULL ||
		     entry->key !=
			 (MACH_PORT_TYPE_SEND | (name & NAME_GENERATION_MASK))))
		return NULL;
	port = entry->port;
	/* Alone, as in kobject_lock_named(). */
	spin_lock(&port->lock);
	if (likely(port->kind == kind && port->state == PORT_IN_KERNEL))
		return port;
	spin_unlock(&port->lock);
	return NULL;
}

/* May @thread, who waits with @cont, be run here, and has it nothing else to do
 * than that says?  BATON_DECLINES: it may. */
always_inline enum baton_decline
why_not(const struct thread *thread, continuation_t cont, const struct cpu *cpu)
{
	if (unlikely(thread->cont != cont || timer_is_armed(&thread->timer)))
		return BATON_DECLINE_SYNC_WAITER;
	if (unlikely(!may_run_here(thread, cpu)))
		return BATON_DECLINE_SYNC_FLOATING;
	return BATON_DECLINES;
}

/* @receiver, claimed, returns from its wait with @result, in the place of
 * @self, which waits with @cont from when @lock is unlocked. */
always_inline noreturn void
take_turns(struct thread *self, struct thread *receiver, struct cpu *cpu,
    continuation_t cont, struct spinlock *lock, uint64_t result)
{
	bool abort;

	self->cont = cont;
	self->priority = self->base_priority;
	receiver->tf.a0 = result;
	take_place(receiver, cpu);
	abort = arm(self, receiver, cpu);
	spin_unlock(lock);
	if (unlikely(abort))
		sched_wake(self);
	enter_space(receiver, cpu);
	leave(receiver);
}

/* ---- semaphores ---- */

always_inline bool
is_fifo(const struct semaphore *semaphore)
{
	return (semaphore->policy & SYNC_POLICY_ORDER_MASK) == SYNC_POLICY_FIFO;
}

always_inline void
lock_both(struct semaphore *a, struct semaphore *b)
{
	if (a < b) {
		spin_lock(&a->lock);
		spin_lock_second(&b->lock);
	} else {
		spin_lock(&b->lock);
		spin_lock_second(&a->lock);
	}
}

/* Who is first to get a signal to @signal, if @self is to wait for @wait;
 * BATON_DECLINES: *@receiverp is.  Both are locked. */
always_inline enum baton_decline
find_waiter(const struct semaphore *wait, const struct semaphore *signal,
    const struct cpu *cpu, struct thread **receiverp)
{
	if (unlikely(wait->dead || signal->dead))
		return BATON_DECLINE_SYNC_RIGHT;
	if (unlikely(!is_fifo(wait) || !is_fifo(signal)))
		return BATON_DECLINE_SYNC_ORDER;
	if (unlikely(wait->count > 0))
		return BATON_DECLINE_SYNC_READY;
	if (unlikely(list_empty(&signal->waiters)))
		return BATON_DECLINE_SYNC_NOBODY;
	*receiverp = list_first(&signal->waiters, struct thread, wait_link);
	return why_not(*receiverp, semaphore_wait_continue, cpu);
}

/* Returns to decline, as all of these, with the reason; both are locked, and
 * still are then. */
always_inline enum baton_decline
change_waiters(struct thread *self, struct semaphore *wait,
    struct semaphore *signal, struct cpu *cpu)
{
	struct thread *receiver;
	enum baton_decline reason = find_waiter(wait, signal, cpu, &receiver);

	if (unlikely(reason != BATON_DECLINES))
		return reason;
	if (unlikely(!thread_claim(receiver, KERN_SUCCESS)))
		return BATON_DECLINE_SYNC_BUSY;

	/* ---- committed: nothing below can fail ---- */
	receiver->wait_link.prev->next = receiver->wait_link.next;
	receiver->wait_link.next->prev = receiver->wait_link.prev;
	receiver->sync.queue = NULL;
	receiver->sync.object = NULL;
	/* Its reference, never the last: while it is alive its port has one. */
	atomic_fetch_sub_explicit(&signal->refs, 1, memory_order_relaxed);
	spin_unlock(&signal->lock);
	self->sync.object = wait; /* with our reference */
	self->sync.queue = &wait->waiters;
	list_add_tail(&wait->waiters, &self->wait_link);
	take_turns(self, receiver, cpu, semaphore_wait_continue, &wait->lock,
	    KERN_SUCCESS);
}

always_inline enum baton_decline
wait_signal(struct thread *self, struct cpu *cpu, mach_port_name_t wait_name,
    mach_port_name_t signal_name)
{
	struct space *space = self->fast.space;
	struct semaphore *wait, *signal;
	enum baton_decline reason = BATON_DECLINE_SYNC_RIGHT;
	struct port *port;

	spin_lock(&space->lock);
	port = lock_object(space, wait_name, KOBJECT_SEMAPHORE);
	if (unlikely(port == NULL)) {
		spin_unlock(&space->lock);
		return reason;
	}
	wait = semaphore_get(port->object);
	spin_unlock(&port->lock);
	port = lock_object(space, signal_name, KOBJECT_SEMAPHORE);
	spin_unlock(&space->lock);
	if (unlikely(port == NULL))
		goto out;
	signal = port->object;
	if (unlikely(signal == wait)) {
		spin_unlock(&port->lock);
		reason = BATON_DECLINE_SYNC_READY;
		goto out;
	}
	lock_both(wait, signal);
	/* It is alive as long as it is locked, or dead already. */
	spin_unlock(&port->lock);
	reason = change_waiters(self, wait, signal, cpu);
	spin_unlock(&signal->lock);
	spin_unlock(&wait->lock);
out:
	semaphore_put(wait);
	return reason;
}

noreturn __attribute__((flatten)) void
fast_wait_signal(uint64_t wait_name, uint64_t signal_name)
{
	struct thread *self = current_thread();
	struct cpu *cpu = self->cpu;

	if (likely(CONFIG_FAST && ipc_fast_enabled))
		decline(cpu, wait_signal(self, cpu, (mach_port_name_t)wait_name,
				 (mach_port_name_t)signal_name));
	thread_return_value((uint64_t)(int64_t)semaphore_wait_signal_trap(
	    wait_name, signal_name));
}

/* ---- eventlinks ---- */

/* The same of who waits on the other side of @side's link, if @self is to wait
 * here for more than @count signals.  The link is locked. */
always_inline enum baton_decline
find_other(const struct eventlink_side *side,
    const struct eventlink_side *other, const struct thread *self,
    uint64_t count)
{
	if (unlikely(side->link->dead))
		return BATON_DECLINE_SYNC_RIGHT;
	if (side->thread != self->id && (!side->anyone || side->waiter != NULL))
		return BATON_DECLINE_SYNC_ORDER;
	if (unlikely(count < side->count))
		return BATON_DECLINE_SYNC_READY;
	if (unlikely(other->waiter == NULL || other->count < other->wanted))
		return BATON_DECLINE_SYNC_NOBODY;
	return why_not(other->waiter, eventlink_wait_continue, self->cpu);
}

always_inline enum baton_decline
change_sides(struct thread *self, struct eventlink_side *side,
    struct eventlink_side *other, uint64_t count, struct port *port)
{
	struct thread *receiver = other->waiter;
	enum baton_decline reason = find_other(side, other, self, count);

	if (unlikely(reason != BATON_DECLINES))
		return reason;
	if (unlikely(!thread_claim(receiver, KERN_SUCCESS)))
		return BATON_DECLINE_SYNC_BUSY;

	/* ---- committed: nothing below can fail ---- */
	spin_unlock(&port->lock);
	other->count++;
	other->waiter = NULL;
	receiver->sync.object = NULL;
	side->waiter = self;
	side->wanted = count;
	self->sync.object = side; /* with his reference to the link */
	self->sync.count = count;
	self->sync.seen = side->count;
	take_turns(self, receiver, self->cpu, eventlink_wait_continue,
	    &side->link->lock,
	    encode_eventlink_count_and_error(
		receiver->sync.count + 1, KERN_SUCCESS));
}

always_inline enum baton_decline
signal_wait(struct thread *self, mach_port_name_t name, uint64_t count)
{
	struct space *space = self->fast.space;
	struct eventlink_side *side;
	enum baton_decline reason;
	struct port *port;

	spin_lock(&space->lock);
	port = lock_object(space, name, KOBJECT_EVENTLINK);
	spin_unlock(&space->lock);
	if (unlikely(port == NULL))
		return BATON_DECLINE_SYNC_RIGHT;
	side = port->object;
	spin_lock(&side->link->lock);
	/* It is there as long as the port is, whose end wants both locks. */
	reason = change_sides(self, side, eventlink_other(side), count, port);
	spin_unlock(&side->link->lock);
	spin_unlock(&port->lock);
	return reason;
}

noreturn __attribute__((flatten)) void
fast_signal_wait_until(uint64_t name, uint64_t count, uint64_t signal_count,
    uint64_t option, uint64_t clock_id, uint64_t deadline)
{
	struct thread *self = current_thread();
	enum baton_decline reason = BATON_DECLINE_SYNC_OPTIONS;

	if (likely(CONFIG_FAST && ipc_fast_enabled)) {
		if (likely((uint32_t)option == 0 && deadline == 0 &&
			   (uint32_t)clock_id == KERN_CLOCK_MACH_ABSOLUTE_TIME))
			reason =
			    signal_wait(self, (mach_port_name_t)name, count);
		decline(self->cpu, reason);
	}
	thread_return_value(eventlink_signal_wait_until_trap(
	    name, count, signal_count, option, clock_id, deadline));
}
