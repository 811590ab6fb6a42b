/*
 * fast.c: mach_msg() between two threads that wait for each other.
 *
 * It serves the two halves of a remote procedure call:
 *
 *	request  send with COPY_SEND and a MAKE_SEND_ONCE reply right to a port
 *		 on which somebody waits, and wait for the reply
 *	reply	 send with MOVE_SEND_ONCE to a port on which somebody waits, and
 *		 wait for the next request
 *
 * with at most SMALL_BODY bytes of body and nothing but a body.  No kmsg is
 * made.  The message is put together on this hart's stack; then the receiver is
 * made the current thread, in its address space; then the message is copied
 * into its buffer.
 *
 * The shape of a leg: tests, each of which may decline; then
 * `---- committed ----`; then acts, none of which can fail.  Declining leaves no
 * trace, and the general path of message.c, which is what mach_msg() means,
 * does the same from the start.
 *
 * Locks, in a request: the sender's space; then the two ports, sorted; then,
 * if it is another one, the receiver's space, by a trylock, since its rank is
 * lower.  In a reply: the space and the two ports.
 *
 * References.  A waiting thread holds one to its port.  Here the one who takes
 * the waiter off the queue drops it: never the last, as the receive right has
 * one while the port is locked and in a space.
 */
#include "ipc/fast.h"

#include <arch/fpu.h>
#include <arch/usercopy.h>

#include "ipc/port.h"
#include "ipc/space.h"
#include "ipc/traps.h"
#include "kernel/cpu.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "vm/map.h"

/* Most bytes of a body that struct thread has room for. */
#define SMALL_BODY 48
/* The trailer that a receiver gets who asks for none. */
#define TRAILER_SIZE sizeof(mach_msg_trailer_t)

#define REQUEST_BITS \
	MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE)
#define REPLY_BITS MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0)
/* What the receivers of these see. */
#define REQUEST_BITS_RECEIVED \
	MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND)
#define REPLY_BITS_RECEIVED MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE)

/* Options of a waiting receiver that need more than is done here. */
#define WAITER_DECLINES (MACH_RCV_TIMEOUT | MACH_RCV_TRAILER_MASK)

#define always_inline static inline __attribute__((always_inline))

/* The entry of @name if the bits of @mask in its key say @type, else NULL.
 * Locks: the space's. */
always_inline struct entry *
find(struct space *space, mach_port_name_t name, uint32_t type, uint32_t mask)
{
	struct entry *entry = space_entry_locked(space, name_index(name));

	if (unlikely(entry == NULL))
		return NULL;
	if (unlikely((entry->key & (mask | NAME_GENERATION_MASK)) !=
		(type | (name & NAME_GENERATION_MASK))))
		return NULL;
	return entry;
}

always_inline void
lock_ports(struct port *a, struct port *b)
{
	if (a < b) {
		spin_lock(&a->lock);
		spin_lock_second(&b->lock);
	} else {
		spin_lock(&b->lock);
		spin_lock_second(&a->lock);
	}
}

/* Is a thread of more than @priority queued on this hart?  Seldom asked. */
static __attribute__((noinline)) bool
somebody_better(const struct cpu *cpu, uint32_t priority)
{
	const uint64_t *bitmap = cpu->runq.bitmap;

	if (priority >= 64)
		return bitmap[1] >> (priority - 64) >> 1 != 0;
	return bitmap[1] != 0 || bitmap[0] >> priority >> 1 != 0;
}

/* May @thread run here at once?  What sched_handoff() would ask. */
always_inline bool
may_run_here(const struct thread *thread, const struct cpu *cpu)
{
	if (unlikely((cpu->runq.bitmap[0] | cpu->runq.bitmap[1]) != 0) &&
	    somebody_better(cpu, thread->priority))
		return false;
	if (unlikely(thread->fpu_cpu != NULL) && thread->fpu_cpu != cpu)
		return false;
	return likely(thread->bound == NULL) || thread->bound == cpu;
}

/*
 * Who waits on @to, if a message of @size can be put into his hands here and
 * now, and nothing waits for us on @from.  The ports are locked.
 */
always_inline struct thread *
find_receiver(struct port *to, struct port *from, uint64_t size,
    const struct cpu *cpu)
{
	struct list *waiters = &to->queue.receivers;
	struct thread *thread;

	if (unlikely(list_empty(waiters) || mqueue_waiting(&from->queue)))
		return NULL;
	thread = list_first(waiters, struct thread, wait_link);
	if (unlikely((thread->receive.option & WAITER_DECLINES) != 0 ||
		thread->receive.size < size + TRAILER_SIZE))
		return NULL;
	return may_run_here(thread, cpu) ? thread : NULL;
}

/* The receiver takes the message off the port, and leaves its queue. */
always_inline void
take_receiver(struct port *to, struct thread *receiver)
{
	struct list *link = &receiver->wait_link;

	link->prev->next = link->next;
	link->next->prev = link->prev;
	receiver->receive.port = NULL;
	to->sequence++;
}

/*
 * Wait on @from, which is locked and is unlocked; from then on @receiver is
 * the current thread, on this hart, in the sender's place.  What wait_begin()
 * and sched_handoff() do, for two threads of which all is known.
 */
always_inline void
change_places(struct thread *self, struct thread *receiver, struct cpu *cpu,
    struct port *from)
{
	struct list *waiters = &from->queue.receivers;
	bool abort;

	self->receive.port = from;
	list_add_tail(waiters, &self->wait_link);
	self->cont = receive_continue;
	self->priority = self->base_priority;
	self->state = THREAD_WAITING;

	receiver->state = THREAD_RUNNING;
	__atomic_store_n(&receiver->cpu, cpu, __ATOMIC_RELAXED);
	cpu->counters.handed_off++;
	cpu->counters.switches++;
	atomic_store_explicit(&cpu->running_priority, receiver->priority,
	    memory_order_relaxed);
	arch_set_current(receiver);
	/*
	 * As in wait_begin() and arch_thread_resume(): we say that the sender
	 * is armed and where the receiver runs, then look at their flags;
	 * thread_notice() does it the other way round.
	 */
	atomic_store_explicit(&self->wait_armed, 1, memory_order_release);
	fence_full();
	abort = (atomic_load_explicit(&self->ast, memory_order_relaxed) &
		    (AST_ABORT | AST_TERMINATE)) != 0 &&
	    thread_claim(self, KERN_ABORTED);
	spin_unlock(&from->lock);
	if (unlikely(abort))
		sched_wake(self);
	if (unlikely((cpu->fpu_owner == receiver) != cpu->fpu_on))
		fpu_switch(cpu, receiver);
	pmap_switch(&receiver->task->map->pmap);
}

/* What the receiver sees of a message, in user memory's order. */
struct small_message {
	uint64_t word[(sizeof(mach_msg_header_t) + SMALL_BODY +
	    sizeof(mach_msg_trailer_t)) / sizeof(uint64_t)];
};

always_inline void
write_header(struct small_message *message, uint32_t bits, uint64_t size,
    mach_port_name_t remote, mach_port_name_t local, uint64_t id)
{
	uint32_t *trailer =
	    (uint32_t *)(void *)((uint8_t *)message->word + size);

	message->word[0] = bits | size << 32;
	message->word[1] = remote | (uint64_t)local << 32;
	message->word[2] = id; /* above a voucher that is 0 */
	trailer[0] = MACH_MSG_TRAILER_FORMAT_0;
	trailer[1] = TRAILER_SIZE;
}

/* The current thread, which was given @message, returns to user mode. */
always_inline noreturn void
finish(const struct small_message *message, uint64_t size)
{
	struct thread *self = current_thread();

	if (unlikely(copyout(self->receive.buffer, message->word,
			 size + TRAILER_SIZE) != KERN_SUCCESS))
		thread_return_value(MACH_RCV_INVALID_DATA);
	self->tf.a0 = MACH_MSG_SUCCESS;
	if (unlikely(atomic_load_explicit(
			 &self->ast, memory_order_relaxed) != 0))
		thread_return();
	arch_user_return();
}

/* Returns only to decline.  The body is in @message already. */
always_inline void
request(struct thread *self, struct small_message *message, uint64_t size,
    uint64_t id, mach_port_name_t remote, mach_port_name_t local)
{
	struct space *space = self->task->space;
	struct space *other = space;
	struct cpu *cpu = self->cpu;
	struct entry *entry;
	struct port *to, *from;
	struct thread *receiver;
	mach_port_name_t name;
	uint32_t index;

	spin_lock(&space->lock);
	entry = find(space, remote, MACH_PORT_TYPE_SEND, MACH_PORT_TYPE_SEND);
	if (unlikely(entry == NULL))
		goto out_space;
	to = entry->port;
	entry = find(
	    space, local, MACH_PORT_TYPE_RECEIVE, MACH_PORT_TYPE_RECEIVE);
	if (unlikely(entry == NULL))
		goto out_space;
	from = entry->port;
	if (unlikely(to == from))
		goto out_space;
	lock_ports(to, from);
	receiver = find_receiver(to, from, size, cpu);
	if (unlikely(receiver == NULL))
		goto out_ports;
	other = receiver->task->space;
	if (likely(other != space)) {
		/* The ports' locks keep the rights from leaving the names. */
		spin_unlock(&space->lock);
		if (unlikely(!spin_trylock(&other->lock)))
			goto out_unlocked;
	}
	index = other->free;
	if (unlikely(index == 0 || other->dead))
		goto out_ports;
	if (unlikely(!thread_claim(receiver, KERN_SUCCESS)))
		goto out_ports;

	/* ---- committed: nothing below can fail ---- */
	entry = space_entry_locked(other, index);
	free_list_pop(other, index);
	other->count++;
	name = name_make(index, entry->key + 1);
	entry->urefs = 1;
	entry->port = from;
	/* release: who reads the key without the lock then sees the port */
	__atomic_store_n(&entry->key,
	    MACH_PORT_TYPE_SEND_ONCE | (name & NAME_GENERATION_MASK),
	    __ATOMIC_RELEASE);
	spin_unlock(&other->lock);

	from->send_once_rights++;
	/* The reply right's and ours; the receiver's goes. */
	atomic_fetch_add_explicit(&from->refs, 2, memory_order_relaxed);
	atomic_fetch_sub_explicit(&to->refs, 1, memory_order_relaxed);
	if (receiver->priority < self->priority)
		receiver->priority = self->priority;
	write_header(
	    message, REQUEST_BITS_RECEIVED, size, name, to->name, id);
	take_receiver(to, receiver);
	spin_unlock(&to->lock);
	change_places(self, receiver, cpu, from);
	finish(message, size);

out_ports:
	spin_unlock(&other->lock);
out_unlocked:
	spin_unlock(&to->lock);
	spin_unlock(&from->lock);
	return;
out_space:
	spin_unlock(&space->lock);
}

/* Returns only to decline.  The body is in @message already. */
always_inline void
reply(struct thread *self, struct small_message *message, uint64_t size,
    uint64_t id, mach_port_name_t remote, mach_port_name_t receive_name)
{
	struct space *space = self->task->space;
	struct cpu *cpu = self->cpu;
	struct entry *entry, *right;
	struct port *to, *from;
	struct thread *receiver;

	spin_lock(&space->lock);
	/* All of the key: a right with a request on it declines. */
	right = find(space, remote, MACH_PORT_TYPE_SEND_ONCE, ~0U);
	if (unlikely(right == NULL))
		goto out_space;
	to = right->port;
	entry = find(space, receive_name, MACH_PORT_TYPE_RECEIVE,
	    MACH_PORT_TYPE_RECEIVE);
	if (unlikely(entry == NULL))
		goto out_space;
	from = entry->port;
	if (unlikely(to == from || name_index(remote) >= space->bound))
		goto out_space;
	lock_ports(to, from);
	receiver = find_receiver(to, from, size, cpu);
	if (unlikely(receiver == NULL))
		goto out_ports;
	if (unlikely(!thread_claim(receiver, KERN_SUCCESS)))
		goto out_ports;

	/* ---- committed: nothing below can fail ---- */
	right->key = remote & NAME_GENERATION_MASK;
	right->urefs = 0;
	right->port = NULL;
	space->count--;
	free_list_add(space, name_index(remote));
	spin_unlock(&space->lock);

	to->send_once_rights--;
	/* The right's and the receiver's go; ours comes. */
	atomic_fetch_sub_explicit(&to->refs, 2, memory_order_relaxed);
	atomic_fetch_add_explicit(&from->refs, 1, memory_order_relaxed);
	write_header(message, REPLY_BITS_RECEIVED, size, MACH_PORT_NULL,
	    to->name, id);
	take_receiver(to, receiver);
	spin_unlock(&to->lock);
	change_places(self, receiver, cpu, from);
	finish(message, size);

out_ports:
	spin_unlock(&to->lock);
	spin_unlock(&from->lock);
out_space:
	spin_unlock(&space->lock);
}

kern_return_t
mach_msg2_trap(uaddr_t buffer, uint64_t option, uint64_t bits_send_size,
    uint64_t remote_local, uint64_t voucher_id, uint64_t descriptors_rcv_name,
    uint64_t rcv_size_priority, uint64_t timeout)
{
	struct thread *self = current_thread();
	uint64_t size = bits_send_size >> 32;
	uint32_t bits = (uint32_t)bits_send_size;
	uint32_t remote = (uint32_t)remote_local;
	uint32_t local = (uint32_t)(remote_local >> 32);
	uint32_t receive_name = (uint32_t)(descriptors_rcv_name >> 32);
	struct small_message message;

	if (!CONFIG_FAST || unlikely(!ipc_fast_enabled) || unlikely(ktrace_on))
		goto general;
	if (unlikely(option != (MACH_SEND_MSG | MACH_RCV_MSG)))
		goto general;
	/* Of 24 to 72 bytes, in fours; no descriptors, no voucher. */
	if (unlikely(((size - HEADER_SIZE) & ~0x3cUL) != 0 ||
		size > HEADER_SIZE + SMALL_BODY))
		goto general;
	if (unlikely((uint32_t)(descriptors_rcv_name | voucher_id) != 0))
		goto general;
	if (size > HEADER_SIZE &&
	    copyin(&message.word[3], buffer + HEADER_SIZE,
		size - HEADER_SIZE) != KERN_SUCCESS)
		goto general;
	self->receive.buffer = buffer;
	self->receive.option = option;
	self->receive.size = (uint32_t)rcv_size_priority;
	self->receive.name = receive_name;
	if (bits == REQUEST_BITS && local == receive_name)
		request(self, &message, size, voucher_id, remote, local);
	else if (bits == REPLY_BITS && local == MACH_PORT_NULL)
		reply(self, &message, size, voucher_id, remote, receive_name);
general:
	return message_general(buffer, option, bits_send_size, remote_local,
	    voucher_id, descriptors_rcv_name, rcv_size_priority, timeout);
}
