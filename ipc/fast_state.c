/*
 * fast_state.c: what a thread remembers for the fast path: learnt and given up.
 *
 * Apart from fast.c, which is built for a caller that keeps no registers.
 */
#include "ipc/exception.h"
#include "ipc/fast_leg.h"
#include "ipc/fast_word.h"
#include "ipc/message.h"
#include "ipc/pset.h"

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
	struct fast_state *fast = &thread->fast;
	struct task *task = thread->task;

	/* The rest is zero, as all of a new thread. */
	fast->place = &fast_no_port.word;
	fast->from = port_get(&fast_no_port);
	fast->receive = FAST_NO_NAME;
	fast->from_name = MACH_PORT_DEAD;
	fast->to = port_get(&fast_no_port);
	fast->to_word = FAST_NO_WORD;
	fast->to_name = MACH_PORT_DEAD;
	fast->to_entry = &fast_no_entry;
	fast->to_key = ~fast_no_entry.key;
	fast->space = task->space;
	fast->pmap = &task->map->pmap;
	fast->spare = &fast_no_entry;
	fast->spare_name = MACH_PORT_DEAD;
	fast->spare_key = SPARE_NONE;
}

/* @port, or @set unless it is NULL, is where @self received last, by @name.
 * With references to both.  The lock is for fast_unpark(), who has no other. */
static void
set_place(struct thread *self, struct port *port, struct pset *set,
    mach_port_name_t name)
{
	struct port *old = self->fast.from;
	struct pset *old_set = self->fast.set;

	spin_lock(&self->lock);
	self->fast.place = set != NULL ? &set->word : &port->word;
	self->fast.from = port;
	self->fast.set = set;
	self->fast.from_name = name;
	self->fast.receive =
	    name != MACH_PORT_DEAD ? name_in_register(name) : FAST_NO_NAME;
	self->fast.to_word = FAST_NO_WORD; /* it has this name in it */
	spin_unlock(&self->lock);
	port_put(old);
	if (unlikely(old_set != NULL))
		pset_put(old_set);
}

/* The same of a port. */
static void
set_from(struct thread *self, struct port *port, mach_port_name_t name)
{
	set_place(self, port, NULL, name);
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
fast_forget_set(struct thread *self, struct pset *set)
{
	if (self->fast.set == set)
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
	/* By the last name that it had, if it had any. */
	entry_free(space,
	    name_make(name_index(self->fast.spare_name), self->fast.spare->key),
	    self->fast.spare);
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
	struct pset *set = NULL;
	struct entry *entry;
	struct port *port;

	spin_lock(&space->lock);
	entry = fast_find(
	    space, name, MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_PORT_SET);
	if (entry == &fast_no_entry)
		goto out;
	port = entry->port;
	if (entry->key & MACH_PORT_TYPE_PORT_SET) {
		port = &fast_no_port;
		set = entry->pset;
		if (set == self->fast.set)
			goto out;
		pset_get(set);
	}
	set_place(self, port_get(port), set, name);
	self->fast.quiet = word_quiet(entry, name);
out:
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
	struct fast_state *fast = &receiver->fast;
	uint32_t index = space->free;

	if (index != 0 && !space->dead && space->count < space->limit) {
		free_list_pop(space, index);
		space->count++;
		fast->spare = space_entry(space, index);
		fast->spare_name = name_make(index, fast->spare->key + 1);
		fast->spare_key = MACH_PORT_TYPE_SEND_ONCE | ENTRY_KEPT |
				  (fast->spare_name & NAME_GENERATION_MASK);
		fast->spare->key |= ENTRY_KEPT;
		fast->spare->urefs = 1;
	}
	return spare_ready(fast);
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
fast_show_spare(struct thread *receiver)
{
	show_spare(receiver->fast.spare, receiver->fast.spare_name);
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

void
fast_say_receive(struct thread *thread)
{
	struct receive_state *receive = &thread->receive;

	receive->option = RECEIVE_CALL | MACH_SEND_MSG | MACH_RCV_MSG;
	thread->tf.a7 = MACH_MSG_IN_BUFFER;
	receive->buffer = thread->tf.a1;
	receive->size = (uint32_t)thread->tf.a3;
	receive->name = thread->fast.from_name;
	receive->timeout = 0;
	receive->deadline = 0;
	receive->port = NULL;
	receive->pset = NULL;
}

/* @thread waited in a word: from now on it does as any other, among @waiters of
 * @port, by the reference of fast.from, or of @pset. */
static void
absorb(struct thread *thread, struct port *port, struct pset *pset,
    struct list *waiters)
{
	struct receive_state *receive = &thread->receive;

	fast_say_receive(thread);
	receive->port = port;
	receive->pset = pset;
	thread->fast.room = fast_room(receive->size);
	thread->cont = receive_continue;
	list_add_tail(waiters, &thread->wait_link);
	/* release: who claims it sees all that */
	store_release(&thread->wait_armed, 1);
}

void
port_absorb(struct port *port, uint64_t word)
{
	struct list *waiters = &port->queue.receivers;

	KASSERT(spin_held(&port->lock));
	if (word_is_server(word)) {
		((struct thread *)word)->fast.spare_key |= ENTRY_KEPT;
		absorb((struct thread *)word, port, NULL, waiters);
	} else if (word_is_client(word)) {
		port->send_once_rights++;
		port_get(port); /* that right's */
		absorb((struct thread *)-word, port, NULL, waiters);
	} else if (word_is_set(word)) {
		/* The port is in it as long as it is locked. */
		struct pset *pset = word_set(word);

		pset_lock(pset);
		spin_unlock(&pset->lock);
	} else if (word_is_asker(word)) {
		port->send_once_rights++;
		port_get(port);
		exception_absorb(word_who_asked(word));
	}
}

void
pset_absorb(struct pset *pset, uint64_t word)
{
	KASSERT(spin_held(&pset->lock));
	if (!word_is_server(word))
		return;
	((struct thread *)word)->fast.spare_key |= ENTRY_KEPT;
	absorb((struct thread *)word, NULL, pset_get(pset), &pset->receivers);
}

/* If a thread is about to wait in the word of @port, it finds that it cannot.
 * Refs: consumes one; NULL is nothing. */
static void
shut(struct port *port)
{
	if (port == NULL)
		return;
	port_lock(port);
	spin_unlock(&port->lock);
	port_put(port);
}

static void
shut_set(struct pset *set)
{
	if (set == NULL)
		return;
	pset_lock(set);
	spin_unlock(&set->lock);
	pset_put(set);
}

void
fast_unpark(struct thread *thread)
{
	struct port *from, *answers;
	struct pset *set;

	spin_lock(&thread->lock);
	from = thread->fast.from;
	if (from != NULL)
		port_get(from);
	set = thread->fast.set;
	if (set != NULL)
		pset_get(set);
	answers = thread->exception.port;
	if (answers != NULL)
		port_get(answers);
	spin_unlock(&thread->lock);
	shut(from);
	shut_set(set);
	shut(answers);
}

static uint64_t
word_at(const atomic_ulong *place)
{
	if (place == NULL)
		return PORT_GENERAL;
	return atomic_load_explicit(place, memory_order_relaxed);
}

bool
fast_is_parked(struct thread *thread)
{
	uint64_t word, answers = PORT_GENERAL;

	spin_lock(&thread->lock);
	word = word_at(thread->fast.place);
	if (thread->exception.port != NULL)
		answers = word_at(&thread->exception.port->word);
	spin_unlock(&thread->lock);
	return word == word_server(thread) || word == word_client(thread) ||
	       answers == word_asker(thread);
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

bool
fast_may_park_in_set(const struct thread *self, const struct pset *set)
{
	return CONFIG_FAST && (self->receive.option & RECEIVE_CALL) != 0 &&
	       ipc_fast_enabled && spare_ready(&self->fast) && !set->dead &&
	       set == self->fast.set && set->name == self->fast.from_name &&
	       list_empty(&set->receivers) && list_empty(&set->ready);
}

void
fast_open_member(struct port *port, const struct pset *set)
{
	if (port->state == PORT_IN_SPACE && port->set_count == 1 &&
	    mqueue_idle(&port->queue) && list_empty(&port->queue.receivers) &&
	    list_empty(&port->queue.senders))
		/* release: pairs with the acquire of the leg that comes next */
		store_release(&port->word, word_of_set(set));
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
	if (name_in_register(names >> 32) != receive)
		return false;
	if (self->fast.receive != receive)
		fast_learn_from(self, (mach_port_name_t)receive);
	/* A set is no place for a reply. */
	if (self->fast.receive != receive || self->fast.set != NULL)
		return false;
	(void)learn_to(self, names);
	return self->fast.to_word == names;
}

bool
fast_prepare(void)
{
	struct thread *self = current_thread();
	uint64_t names = self->tf.a5, receive = self->tf.a4;
	uint32_t bits = (uint32_t)self->tf.t0;
	bool again = false;

	if (!CONFIG_FAST || !ipc_fast_enabled || self->prepared) {
		self->prepared = false;
		return false;
	}
	if (bits != REQUEST_BITS || name_in_register(names >> 32) != receive)
		return false;
	if (self->fast.receive != receive) {
		fast_learn_from(self, (mach_port_name_t)receive);
		if (self->fast.receive != receive)
			return false;
		again = true;
	}
	if (self->fast.set != NULL)
		return false;
	again |= learn_to(self, names);
	again |= open_from(self);
	self->prepared = again;
	return again;
}
