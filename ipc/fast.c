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
 * made.  A body is copied to this hart's stack; then the receiver is made the
 * current thread, in its address space; then the message is written to its
 * buffer, a bare header straight from registers.
 *
 * The shape of a leg: tests, each of which may decline; then
 * `---- committed ----`; then acts, none of which can fail.  Declining leaves
 * no trace, and the general path of message.c, which is what mach_msg() means,
 * does the same from the start.
 *
 * Names.  A thread remembers the ports that it sent a request to and received
 * from last (struct fast_state), each with a reference, so that they may be
 * locked and looked at whatever became of the names: a receive right is where
 * the port says it is; a send right is what its entry says, and if that was
 * given up between our look and our lock, others were left, or we decline.
 *
 * The reply right needs a name in the receiver's space.  A thread that replied
 * keeps the entry of the right it used as its spare one; who sends it a
 * request fills that in, without a look at the table.
 *
 * Locks: the two ports, sorted; in a reply the space before them, because the
 * reply right might be another thread's to use as well.
 */
#include "ipc/fast.h"

#include <arch/fpu.h>
#include <arch/layout.h>
#include <arch/switch.h>
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
#define REQUEST_BITS                                                           \
	MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE)
#define REPLY_BITS MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0)
/* What the receivers of these see. */
#define REQUEST_BITS_RECEIVED                                                  \
	MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND)
#define REPLY_BITS_RECEIVED MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE)

#define always_inline static inline __attribute__((always_inline))

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

/* May @thread run here at once?  Its FP registers must not be elsewhere. */
always_inline bool
may_run_here(const struct thread *thread, const struct cpu *cpu)
{
	return likely(thread->fpu_cpu == NULL) || thread->fpu_cpu == cpu;
}

/*
 * Who waits on @to, if a message of @size can be put into his hands here and
 * now, and nothing waits for us on @from.  The ports are locked.
 */
always_inline struct thread *
find_receiver(
    struct port *to, struct port *from, uint64_t size, const struct cpu *cpu)
{
	struct list *waiters = &to->queue.receivers;
	struct thread *thread;

	if (unlikely(list_empty(waiters) || !mqueue_idle(&from->queue)))
		return NULL;
	thread = list_first(waiters, struct thread, wait_link);
	if (unlikely(thread->fast.room < (int64_t)size))
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
	if (unlikely(receiver->fast.from != to))
		fast_adopt(receiver, to);
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

	self->receive.port = from; /* by the reference of fast.from */
	list_add_tail(waiters, &self->wait_link);
	self->cont = receive_continue;
	self->priority = self->base_priority;

	store_relaxed(&receiver->cpu, cpu);
	cpu->counters.handed_off++;
	store_relaxed(&cpu->running_priority, receiver->priority);
	arch_set_current(receiver);
	/*
	 * As in wait_begin() and arch_thread_resume(): we say that the sender
	 * is armed and where the receiver runs, then look at their flags;
	 * thread_notice() does it the other way round.
	 */
	store_release(&self->wait_armed, 1);
	fence_full();
	/* Whoever queues a better one here sees what runs, or we see him. */
	if (unlikely(*(const volatile int32_t *)&cpu->runq.best >
		     (int32_t)receiver->priority))
		atomic_fetch_or_explicit(
		    &receiver->ast, AST_RESCHED, memory_order_relaxed);
	abort = (atomic_load_explicit(&self->ast, memory_order_relaxed) &
		    (AST_ABORT | AST_TERMINATE)) != 0 &&
		thread_claim(self, KERN_ABORTED);
	spin_unlock(&from->lock);
	if (unlikely(abort))
		sched_wake(self);
	/* Who owns the unit has his registers in it: then he is here. */
	if (unlikely(cpu->fpu_on || receiver->fpu_cpu != NULL))
		fpu_switch(cpu, receiver);
	pmap_switch_on(cpu, receiver->fast.pmap);
}

/* A header as the receiver sees it, in user memory's order. */
struct header_words {
	uint64_t bits_size;
	uint64_t remote_local;
	uint64_t voucher_id; /* the voucher is 0 */
};

/* A body on its way, with room around it for header and trailer. */
struct small_message {
	uint64_t word[(sizeof(mach_msg_header_t) + SMALL_BODY +
			  sizeof(mach_msg_trailer_t)) /
		      sizeof(uint64_t)];
};

/* The trailer that is all type and size, as one word. */
#define TRAILER_WORD (MACH_MSG_TRAILER_FORMAT_0 | (uint64_t)TRAILER_SIZE << 32)

/* Copy the whole message to @buffer, whatever its size and alignment. */
static __attribute__((noinline)) kern_return_t
copyout_small(uaddr_t buffer, struct header_words header,
    struct small_message *message, uint64_t size)
{
	uint32_t *trailer =
	    (uint32_t *)(void *)((uint8_t *)message->word + size);

	message->word[0] = header.bits_size;
	message->word[1] = header.remote_local;
	message->word[2] = header.voucher_id;
	trailer[0] = MACH_MSG_TRAILER_FORMAT_0;
	trailer[1] = TRAILER_SIZE;
	return copyout(buffer, message->word, size + TRAILER_SIZE);
}

/* The receiver, current now, gets its message and returns to user mode. */
always_inline noreturn void
finish(uaddr_t buffer, struct header_words header,
    struct small_message *message, uint64_t size)
{
	kern_return_t kr;

	/* A bare header, to a place that is aligned and the user's: what
	 * runs over the end of the user's half faults. */
	if (likely(
		((size ^ HEADER_SIZE) | (buffer & 7) | buffer / USER_END) == 0))
		kr = copyout_words_return(buffer, header.bits_size,
		    header.remote_local, header.voucher_id, TRAILER_WORD);
	else
		kr = copyout_small(buffer, header, message, size);
	thread_return_value(
	    (uint64_t)(kr == KERN_SUCCESS ? MACH_MSG_SUCCESS
					  : MACH_RCV_INVALID_DATA));
}

/* ---- what is known from last time ---- */

/* The entry of @name with @type, looked up the long way; or fast_no_entry. */
static __attribute__((noinline)) struct entry *
find(struct space *space, mach_port_name_t name, uint32_t type)
{
	struct entry *entry = space_lookup(space, name);

	return entry != NULL && (entry->key & type) ? entry : &fast_no_entry;
}

/* Remember @port, with a reference, in place of what was there. */
static void
remember(struct port **place, struct port *port)
{
	struct port *old = *place;

	*place = port_get(port);
	port_put(old);
}

/* Look up where to receive, for the next time: this call declines. */
static __attribute__((noinline)) void
learn_from(struct thread *self, mach_port_name_t name)
{
	struct space *space = self->fast.space;
	struct entry *entry;

	spin_lock(&space->lock);
	entry = find(space, name, MACH_PORT_TYPE_RECEIVE);
	if (entry != &fast_no_entry)
		remember(&self->fast.from, entry->port);
	spin_unlock(&space->lock);
}

/* Look up where to send a request. */
static __attribute__((noinline)) bool
learn_to(struct thread *self, mach_port_name_t name)
{
	struct space *space = self->fast.space;
	struct entry *entry;

	spin_lock(&space->lock);
	entry = find(space, name, MACH_PORT_TYPE_SEND);
	if (entry != &fast_no_entry) {
		remember(&self->fast.to, entry->port);
		self->fast.to_entry = entry;
		self->fast.to_key = entry->key;
		self->fast.to_name = name;
	}
	spin_unlock(&space->lock);
	return entry != &fast_no_entry;
}

/* Does the remembered name still mean a send right to @port, by the entry that
 * it had?  No lock is held: the port's lock decides later whether any send
 * right was left. */
always_inline bool
still_names(const struct fast_state *fast, const struct port *port)
{
	const struct entry *entry = fast->to_entry;

	if (unlikely(*(const volatile uint32_t *)&entry->key != fast->to_key))
		return false;
	/* acquire: pairs with the release before the key was stored */
	atomic_thread_fence(memory_order_acquire);
	return *(struct port *const volatile *)&entry->port == port;
}

/* ---- a name for the reply right ---- */

/*
 * A name from the receiver's own table, whose lock is tried.  While the lock of
 * the port that a thread waits on is held, the thread is not past its wait,
 * whoever ends that: so its @fast is still.
 */
static __attribute__((noinline)) bool
take_spare(struct thread *receiver)
{
	struct space *space = receiver->fast.space;
	uint32_t index;

	if (!spin_trylock(&space->lock))
		return false;
	index = space->free;
	if (index != 0 && !space->dead && space->count < space->limit) {
		free_list_pop(space, index);
		space->count++;
		receiver->fast.spare = space_entry(space, index);
		receiver->fast.spare_name =
		    name_make(index, receiver->fast.spare->key);
		receiver->fast.spare->key |= ENTRY_KEPT;
		receiver->fast.spare_ready = true;
	}
	spin_unlock(&space->lock);
	return receiver->fast.spare_ready;
}

/* The receiver's spare entry becomes a send-once right to @port: its name. */
always_inline mach_port_name_t
fill_spare(struct thread *receiver, struct port *port)
{
	struct entry *entry = receiver->fast.spare;
	mach_port_name_t last = receiver->fast.spare_name;
	uint32_t generation = (last + 1) & NAME_GENERATION_MASK;
	mach_port_name_t name = (last & ~NAME_GENERATION_MASK) | generation;

	receiver->fast.spare_ready = false;
	receiver->fast.spare_name = name;
	entry->port = port;
	entry->urefs = 1;
	/* release: who reads the key without the lock then sees the port */
	atomic_thread_fence(memory_order_release);
	*(volatile uint32_t *)&entry->key =
	    MACH_PORT_TYPE_SEND_ONCE | generation;
	return name;
}

/* The entry of a reply right that was used, and is not the spare one, is free.
 * Locks: the space's. */
static __attribute__((noinline)) void
free_entry(struct thread *self, struct entry *entry, mach_port_name_t name)
{
	entry_free(self->fast.space, name, entry);
	/* The spare one it may once have been: it no longer is. */
	if (self->fast.spare == entry)
		self->fast.spare_name = MACH_PORT_DEAD;
}

/* ---- the two legs; each returns only to decline ---- */

always_inline void
request(struct thread *self, struct small_message *message, uint64_t bits_size,
    uint64_t id, mach_port_name_t remote, mach_port_name_t local)
{
	uint64_t size = bits_size >> 32;
	struct cpu *cpu = self->cpu;
	struct port *to, *from;
	struct thread *receiver;
	struct header_words header;
	mach_port_name_t name;

	if (unlikely(self->fast.to_name != remote) && !learn_to(self, remote))
		return;
	to = self->fast.to;
	from = self->fast.from;
	if (unlikely(!still_names(&self->fast, to)))
		goto out_forget;
	if (unlikely(to == from))
		return;
	lock_ports(to, from);
	if (unlikely(from->name != local || from->receiver != self->fast.space))
		goto out_other;
	if (unlikely(to->send_rights == 0))
		goto out;
	receiver = find_receiver(to, from, size, cpu);
	if (unlikely(receiver == NULL))
		goto out;
	if (unlikely(!receiver->fast.spare_ready) && !take_spare(receiver))
		goto out;
	if (unlikely(!thread_claim(receiver, KERN_SUCCESS)))
		goto out;

	/* ---- committed: nothing below can fail ---- */
	name = fill_spare(receiver, from);
	from->send_once_rights++;
	port_get(from); /* the reply right's */
	if (receiver->priority < self->priority)
		receiver->priority = self->priority;
	header = (struct header_words){
	    bits_size ^ (REQUEST_BITS ^ REQUEST_BITS_RECEIVED),
	    name | (uint64_t)to->name << 32, id};
	take_receiver(to, receiver);
	spin_unlock(&to->lock);
	change_places(self, receiver, cpu, from);
	finish(receiver->receive.buffer, header, message, size);

out:
	spin_unlock(&to->lock);
	spin_unlock(&from->lock);
	return;
out_other:
	spin_unlock(&to->lock);
	spin_unlock(&from->lock);
	learn_from(self, local);
	return;
out_forget:
	self->fast.to_name = MACH_PORT_DEAD;
	self->fast.to_entry = &fast_no_entry;
	self->fast.to_key = ~fast_no_entry.key;
}

/* Long because it is tests, then acts, with nothing in it to take out. */
always_inline void
reply(struct thread *self, struct small_message *message, uint64_t bits_size,
    uint64_t id, mach_port_name_t remote, mach_port_name_t receive_name)
{
	uint64_t size = bits_size >> 32;
	struct space *space = self->fast.space;
	struct cpu *cpu = self->cpu;
	struct entry *entry;
	struct port *to, *from;
	struct thread *receiver;
	struct header_words header;
	bool spare;

	from = self->fast.from;
	spin_lock(&space->lock);
	/* Usually it is the spare entry, which the request filled in. */
	entry = self->fast.spare;
	spare = remote == self->fast.spare_name && !self->fast.spare_ready;
	if (unlikely(!spare))
		entry = find(space, remote, MACH_PORT_TYPE_SEND_ONCE);
	/* All of the key: a right with a request on it declines. */
	if (unlikely(entry->key != (MACH_PORT_TYPE_SEND_ONCE |
				       (remote & NAME_GENERATION_MASK))))
		goto out_space;
	to = entry->port;
	if (unlikely(to == from))
		goto out_space;
	lock_ports(to, from);
	if (unlikely(from->name != receive_name || from->receiver != space))
		goto out_other;
	receiver = find_receiver(to, from, size, cpu);
	if (unlikely(receiver == NULL))
		goto out_ports;
	if (unlikely(!thread_claim(receiver, KERN_SUCCESS)))
		goto out_ports;

	/* ---- committed: nothing below can fail ---- */
	if (likely(spare)) {
		entry->key = (remote & NAME_GENERATION_MASK) | ENTRY_KEPT;
		entry->port = NULL;
		self->fast.spare_ready = true;
	} else {
		free_entry(self, entry, remote);
	}
	spin_unlock(&space->lock);
	to->send_once_rights--;
	/* The right's reference, never the last: the receiver has one. */
	atomic_fetch_sub_explicit(&to->refs, 1, memory_order_relaxed);
	header = (struct header_words){
	    bits_size ^ (REPLY_BITS ^ REPLY_BITS_RECEIVED),
	    (uint64_t)to->name << 32, id};
	take_receiver(to, receiver);
	spin_unlock(&to->lock);
	change_places(self, receiver, cpu, from);
	finish(receiver->receive.buffer, header, message, size);

out_ports:
	spin_unlock(&to->lock);
	spin_unlock(&from->lock);
out_space:
	spin_unlock(&space->lock);
	return;
out_other:
	spin_unlock(&to->lock);
	spin_unlock(&from->lock);
	spin_unlock(&space->lock);
	learn_from(self, receive_name);
}

/* A body of up to SMALL_BODY bytes, in fours; false: of another kind. */
static __attribute__((noinline)) bool
copyin_small(struct small_message *message, uaddr_t buffer, uint64_t size)
{
	return size > HEADER_SIZE && size <= HEADER_SIZE + SMALL_BODY &&
	       (size & 3) == 0 &&
	       copyin(&message->word[3], buffer + HEADER_SIZE,
		   size - HEADER_SIZE) == KERN_SUCCESS;
}

kern_return_t
mach_msg2_fast(uaddr_t buffer, uint64_t option, uint64_t bits_send_size,
    uint64_t remote_local, uint64_t voucher_id, uint64_t descriptors_rcv_name,
    uint64_t rcv_size_priority, uint64_t timeout)
{
	struct thread *self = current_thread();
	uint64_t size = bits_send_size >> 32;
	uint32_t bits = (uint32_t)bits_send_size;
	uint32_t remote = (uint32_t)remote_local;
	/* Shifted with their signs, as the machine keeps 32 bits. */
	uint32_t local = (uint32_t)((int64_t)remote_local >> 32);
	uint32_t receive_name = (uint32_t)((int64_t)descriptors_rcv_name >> 32);
	struct small_message message;

	self->receive.option = option;
	if (unlikely(option != (MACH_SEND_MSG | MACH_RCV_MSG)))
		goto general;
	/* No descriptors, no voucher. */
	if (unlikely((uint32_t)(descriptors_rcv_name | voucher_id) != 0))
		goto general;
	if (size != HEADER_SIZE && !copyin_small(&message, buffer, size))
		goto general;
	self->receive.buffer = buffer;
	self->receive.size = (uint32_t)rcv_size_priority;
	self->receive.name = receive_name;
	self->fast.room = fast_room(rcv_size_priority);
	if (bits == REQUEST_BITS && local == receive_name)
		request(
		    self, &message, bits_send_size, voucher_id, remote, local);
	else if (bits == REPLY_BITS && local == MACH_PORT_NULL)
		reply(self, &message, bits_send_size, voucher_id, remote,
		    receive_name);
general:
	return message_general(buffer, option, bits_send_size, remote_local,
	    voucher_id, descriptors_rcv_name, rcv_size_priority, timeout);
}
