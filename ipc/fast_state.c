/*
 * fast_state.c: what a thread remembers for the fast path: learnt and given up.
 *
 * Apart from fast.c, which is built for a caller that keeps no registers.
 */
#include "ipc/fast_leg.h"

/*
 * What stands where nothing is remembered: a port that is in no space, and an
 * entry that denotes nothing.  So the fast path need not ask for either.
 */
static struct port fast_no_port = {
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
	    .to = port_get(&fast_no_port),
	    .to_name = MACH_PORT_DEAD,
	    .to_entry = &fast_no_entry,
	    .to_key = ~fast_no_entry.key,
	    .space = task->space,
	    .pmap = &task->map->pmap,
	    .spare = &fast_no_entry,
	    .spare_name = MACH_PORT_DEAD,
	};
}

void
fast_adopt(struct thread *self, struct port *port)
{
	struct port *old = self->fast.from;

	self->fast.from = port;
	port_put(old);
}

void
fast_forget(struct thread *self, struct port *port)
{
	if (self->fast.from == port) {
		self->fast.from = port_get(&fast_no_port);
		port_put(port);
	}
}

void
fast_drop(struct thread *self)
{
	struct space *space = self->task->space;

	port_put(self->fast.from);
	port_put(self->fast.to);
	self->fast.from = NULL;
	self->fast.to = NULL;
	if (!self->fast.spare_ready)
		return;
	spin_lock(&space->lock);
	entry_free(space, self->fast.spare_name, self->fast.spare);
	spin_unlock(&space->lock);
	self->fast.spare_ready = false;
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
	if (entry != &fast_no_entry)
		remember(&self->fast.from, entry->port);
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
		receiver->fast.spare_ready = true;
	}
	return receiver->fast.spare_ready;
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
	if (self->fast.spare == entry)
		self->fast.spare_name = MACH_PORT_DEAD;
}
