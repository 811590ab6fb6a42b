/*
 * fast_state.c: giving up what a thread remembers for the fast path.
 *
 * Apart from fast.c, which is built for a caller that keeps no registers.
 */
#include "ipc/fast.h"

#include "ipc/port.h"
#include "ipc/space.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "vm/map.h"

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
