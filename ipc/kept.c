/* kept.c: the receive right that a space keeps ready. */
#include "ipc/kept.h"

bool
kept_take_unlocked(struct space *space, mach_port_name_t *namep)
{
	/* No more than a hint: there may be one the next moment. */
	if (*(struct entry *const volatile *)&space->kept == NULL)
		return false;
	spin_lock(&space->lock);
	*namep = kept_take(space);
	if (*namep == MACH_PORT_NULL)
		kept_release(space);
	spin_unlock(&space->lock);
	return *namep != MACH_PORT_NULL;
}

void
kept_release(struct space *space)
{
	struct entry *entry = space->kept;
	struct port *port;

	KASSERT(spin_held(&space->lock));
	if (entry == NULL)
		return;
	port = entry->port;
	space->kept = NULL;
	this_cpu()->ports_kept--;
	entry_free(space, space->kept_name, entry);
	if (ledger_take_kept(space->ledger))
		ledger_credit(space->ledger, BATON_LEDGER_PORTS, 1);
	port_free_unpaid(port); /* the space has a reference to the ledger */
}
