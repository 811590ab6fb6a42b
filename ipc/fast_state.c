/*
 * fast_state.c: what a thread remembers for the fast path: learnt and given up.
 *
 * Apart from fast.c, which is built for a caller that keeps no registers.
 */
#include "ipc/fast_leg.h"
#include "ipc/fast_word.h"
#include "ipc/message.h"

/*
 * What stands where nothing is remembered: a port that is in no space, and an
 * entry that denotes nothing.  So the fast path need not ask for either.
 */
static struct port fast_no_port = {
    .word = PORT_GENERAL,
    .lock = SPINLOCK_INIT(LOCK_PORT),
    .refs = 1,
};
struct entry fast_no_entry;

void
fast_init(struct thread *thread)
{
	struct task *task = thread->task;

	thread->fast = (struct fast_state){
	    .from = port_get(&fast_no_port),
	    .from_word = FAST_NO_WORD,
	    .from_name = MACH_PORT_DEAD,
	    .to = port_get(&fast_no_port),
	    .to_word = FAST_NO_WORD,
	    .to_name = MACH_PORT_DEAD,
	    .to_entry = &fast_no_entry,
	    .to_key = ~fast_no_entry.key,
	    .space = task->space,
	    .pmap = &task->map->pmap,
	    .spare = &fast_no_entry,
	    .spare_name = MACH_PORT_DEAD,
	    .spare_key = SPARE_NONE,
	};
}

/* @port, with a reference, is where @self received last, by @name.  The lock is
 * for fast_unpark(), who has no other. */
static void
set_from(struct thread *self, struct port *port, mach_port_name_t name)
{
	struct port *old = self->fast.from;

	spin_lock(&self->lock);
	self->fast.from = port;
	self->fast.from_name = name;
	self->fast.from_word =
	    name != MACH_PORT_DEAD ? (uint64_t)name << 32 : FAST_NO_WORD;
	self->fast.to_word = FAST_NO_WORD; /* it has this name in it */
	spin_unlock(&self->lock);
	port_put(old);
}

void
fast_adopt(struct thread *self, struct port *port)
{
	mach_port_name_t name = port->name;

	KASSERT(spin_held(&port->lock));
	set_from(self, port, name);
	/* Where the entry is does not change. */
	self->fast.quiet =
	    word_quiet(space_entry(self->fast.space, name_index(name)), name);
}

void
fast_forget(struct thread *self, struct port *port)
{
	if (self->fast.from == port)
		set_from(self, port_get(&fast_no_port), MACH_PORT_DEAD);
}

void
fast_drop(struct thread *self)
{
	struct space *space = self->task->space;

	set_from(self, port_get(&fast_no_port), MACH_PORT_DEAD);
	port_put(&fast_no_port); /* it is there for ever */
	port_put(self->fast.to);
	self->fast.to = NULL;
	if (!spare_ready(&self->fast))
		return;
	spin_lock(&space->lock);
	entry_free(space, self->fast.spare_name, self->fast.spare);
	spin_unlock(&space->lock);
	self->fast.spare_key = SPARE_NONE;
}

/* ---- what is looked up the long way ---- */

struct entry *
fast_find(struct space *space, mach_port_name_t name, uint32_t type)
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

void
fast_learn_from(struct thread *self, mach_port_name_t name)
{
	struct space *space = self->fast.space;
	struct entry *entry;

	spin_lock(&space->lock);
	entry = fast_find(space, name, MACH_PORT_TYPE_RECEIVE);
	if (entry != &fast_no_entry) {
		set_from(self, port_get(entry->port), name);
		self->fast.quiet = word_quiet(entry, name);
	}
	spin_unlock(&space->lock);
}

/* Look up where to send a request. */
bool
fast_learn_to(struct thread *self, mach_port_name_t name)
{
	struct space *space = self->fast.space;
	struct entry *entry;

	spin_lock(&space->lock);
	entry = fast_find(space, name, MACH_PORT_TYPE_SEND);
	if (entry != &fast_no_entry) {
		remember(&self->fast.to, entry->port);
		self->fast.to_entry = entry;
		self->fast.to_key = entry->key;
		self->fast.to_name = name;
		self->fast.to_word = FAST_NO_WORD;
	}
	spin_unlock(&space->lock);
	return entry != &fast_no_entry;
}

bool
fast_take_spare_locked(struct thread *receiver)
{
	struct space *space = receiver->fast.space;
	uint32_t index = space->free;

	if (index != 0 && !space->dead && space->count < space->limit) {
		free_list_pop(space, index);
		space->count++;
		receiver->fast.spare = space_entry(space, index);
		receiver->fast.spare_name =
		    name_make(index, receiver->fast.spare->key);
		receiver->fast.spare->key |= ENTRY_KEPT;
		receiver->fast.spare->urefs = 1;
		receiver->fast.spare_key = SPARE_READY;
	}
	return spare_ready(&receiver->fast);
}

bool
fast_take_spare(struct thread *receiver)
{
	struct space *space = receiver->fast.space;
	bool taken;

	if (!spin_trylock(&space->lock))
		return false;
	taken = fast_take_spare_locked(receiver);
	spin_unlock(&space->lock);
	return taken;
}

void
fast_free_entry(struct thread *self, struct entry *entry, mach_port_name_t name)
{
	entry_free(self->fast.space, name, entry);
	/* The spare one it may once have been: it no longer is. */
	if (self->fast.spare == entry) {
		self->fast.spare = &fast_no_entry;
		self->fast.spare_name = MACH_PORT_DEAD;
		self->fast.spare_key = SPARE_NONE;
	}
}

/* ---- why not ---- */

enum baton_decline
fast_not_him(const struct port *to, const struct port *from, uint64_t size)
{
	const struct thread *thread =
	    list_first(&to->queue.receivers, struct thread, wait_link);

	if (from != NULL && !mqueue_idle(&from->queue))
		return BATON_DECLINE_LEG_MESSAGES;
	if (thread->receive.option & FAST_DECLINES)
		return BATON_DECLINE_LEG_WAITER;
	return thread->fast.room < (int64_t)size ? BATON_DECLINE_LEG_ROOM
						 : BATON_DECLINE_LEG_FLOATING;
}

enum baton_decline
fast_no_handler(const struct port *to, uint64_t size)
{
	switch (no_receiver(to, NULL, size)) {
	case BATON_DECLINE_LEG_WAITER:
		return BATON_DECLINE_EXCEPTION_WAITER;
	case BATON_DECLINE_LEG_ROOM:
		return BATON_DECLINE_EXCEPTION_ROOM;
	case BATON_DECLINE_LEG_FLOATING:
		return BATON_DECLINE_EXCEPTION_FLOATING;
	default:
		return BATON_DECLINE_EXCEPTION_NOBODY;
	}
}

/* ---- a port's word: fast_word.h ---- */

/* @thread waited in the word of @port: from now on it does as any other. */
static void
absorb(struct port *port, struct thread *thread)
{
	struct receive_state *receive = &thread->receive;

	receive->option = RECEIVE_CALL | MACH_SEND_MSG | MACH_RCV_MSG;
	receive->buffer = thread->tf.a1;
	receive->size = (uint32_t)thread->tf.a6;
	receive->name = (mach_port_name_t)(thread->fast.from_word >> 32);
	receive->timeout = 0;
	receive->deadline = 0;
	receive->port = port; /* by the reference of fast.from */
	receive->pset = NULL;
	thread->fast.room = fast_room(receive->size);
	thread->cont = receive_continue;
	list_add_tail(&port->queue.receivers, &thread->wait_link);
	/* release: who claims it sees all that */
	store_release(&thread->wait_armed, 1);
}

void
port_absorb(struct port *port, uint64_t word)
{
	KASSERT(spin_held(&port->lock));
	if (word_is_server(word)) {
		absorb(port, (struct thread *)word);
	} else if (word_is_client(word)) {
		port->send_once_rights++;
		port_get(port); /* that right's */
		absorb(port, (struct thread *)-word);
	}
}

void
fast_unpark(struct thread *thread)
{
	struct port *port;

	spin_lock(&thread->lock);
	port = thread->fast.from;
	if (port != NULL)
		port_get(port);
	spin_unlock(&thread->lock);
	if (port == NULL)
		return;
	/* If it is about to wait there, it finds that it cannot. */
	port_lock(port);
	spin_unlock(&port->lock);
	port_put(port);
}

bool
fast_is_parked(struct thread *thread)
{
	const struct port *port;
	uint64_t word = PORT_GENERAL;

	spin_lock(&thread->lock);
	port = thread->fast.from;
	if (port != NULL)
		word = atomic_load_explicit(&port->word, memory_order_relaxed);
	spin_unlock(&thread->lock);
	return word == word_server(thread) || word == word_client(thread);
}

/* It has to be the one that he remembers, by the name that he does. */
bool
fast_is_quiet(const struct thread *self, const struct port *port)
{
	return port->state == PORT_IN_SPACE &&
	       port->receiver == self->fast.space && port == self->fast.from &&
	       port->name == self->fast.from_name &&
	       mqueue_idle(&port->queue) &&
	       list_empty(&port->queue.receivers) &&
	       list_empty(&port->queue.senders);
}

bool
fast_may_park(const struct thread *self, const struct port *port)
{
	return CONFIG_FAST && (self->receive.option & RECEIVE_CALL) != 0 &&
	       ipc_fast_enabled && spare_ready(&self->fast) &&
	       fast_is_quiet(self, port);
}

/* Open the port that @self is to receive from, if it can be; true: it was not
 * open before. */
static bool
open_from(struct thread *self)
{
	struct port *from = self->fast.from;
	bool opened;

	if (atomic_load_explicit(&from->word, memory_order_relaxed) ==
	    self->fast.quiet)
		return false;
	port_lock(from);
	opened = fast_is_quiet(self, from);
	/* release: pairs with the acquire of the leg that comes next */
	if (opened)
		atomic_store_explicit(
		    &from->word, self->fast.quiet, memory_order_release);
	spin_unlock(&from->lock);
	return opened;
}

/* Where to send, as the call has it: known, and still so? */
static bool
learn_to(struct thread *self, uint64_t names)
{
	const struct fast_state *fast = &self->fast;
	mach_port_name_t remote = (mach_port_name_t)names;

	if (fast->to_word == names && fast->to_entry->key == fast->to_key &&
	    fast->to_entry->port == fast->to)
		return false;
	if (!fast_learn_to(self, remote))
		return false;
	self->fast.to_word = names;
	return true;
}

bool
fast_learn_call(struct thread *self, uint64_t names, uint64_t receive)
{
	if ((uint32_t)receive != 0 || names >> 32 != receive >> 32)
		return false;
	if (self->fast.from_word != receive)
		fast_learn_from(self, (mach_port_name_t)(receive >> 32));
	if (self->fast.from_word != receive)
		return false;
	(void)learn_to(self, names);
	return self->fast.to_word == names;
}

bool
fast_prepare(void)
{
	struct thread *self = current_thread();
	uint64_t names = self->tf.a3, receive = self->tf.a5;
	uint32_t bits = (uint32_t)self->tf.a2;
	bool again = false;

	if (!CONFIG_FAST || !ipc_fast_enabled || self->fast.prepared ||
	    (uint32_t)receive != 0) {
		self->fast.prepared = false;
		return false;
	}
	if (bits != REQUEST_BITS || names >> 32 != receive >> 32)
		return false;
	if (self->fast.from_word != receive) {
		fast_learn_from(self, (mach_port_name_t)(receive >> 32));
		if (self->fast.from_word != receive)
			return false;
		again = true;
	}
	again |= learn_to(self, names);
	again |= open_from(self);
	self->fast.prepared = again;
	return again;
}
