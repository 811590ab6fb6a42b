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

void
fast_forget(struct thread *self, const struct port *port)
{
	if (self->fast.from == port) {
		port_put(self->fast.from);
		self->fast.from = NULL;
	}
}

void
fast_drop(struct thread *self)
{
	struct space *space = self->task->space;

	if (self->fast.from != NULL)
		port_put(self->fast.from);
	if (self->fast.to != NULL)
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
