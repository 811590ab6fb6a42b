/*
 * notify_request.c: mach_port_request_notification(): asking for a notice, and
 * withdrawing what was asked for before.
 */
#include <mach/notify.h>

#include "ipc/entry.h"
#include "ipc/kmsg.h"
#include "ipc/notify.h"

/* A request under way. */
struct asking {
	struct kmsg *notice; /* new, or NULL: withdraw only */
	struct kmsg *old;    /* what was there, to be cancelled */
	uint32_t sync;
	bool due;		      /* send @notice at once */
	uint32_t word;		      /* with this */
	bool dead;		      /* ... of a name that is dead already */
	bool possible;		      /* SEND_POSSIBLE */
	struct name_request *request; /* of a name: new, or NULL */
	struct name_request *gone;    /* of a name: to be freed */
	struct name_request *unused;  /* the same: @request, after all */
};

/* Replace the notice that a port keeps at @place.  Locks: the port's. */
static void
swap_notice(struct asking *asking, struct kmsg **place)
{
	asking->old = *place;
	*place = asking->notice;
}

/* Ask for one of the port's own notices: the receive right says who may. */
static kern_return_t
ask_port(struct space *space, mach_port_name_t name, int32_t id,
    struct asking *asking)
{
	kern_return_t kr = KERN_INVALID_NAME;
	struct entry *entry;
	struct port *port;

	spin_lock(&space->lock);
	entry = space_lookup(space, name);
	if (entry != NULL)
		kr = KERN_INVALID_RIGHT;
	if (entry == NULL || (entry->key & MACH_PORT_TYPE_RECEIVE) == 0)
		goto out;
	kr = KERN_SUCCESS;
	port = entry->port;
	port_lock(port);
	if (id == MACH_NOTIFY_PORT_DESTROYED) {
		swap_notice(asking, &port->destroyed);
	} else if (asking->notice != NULL && port->send_rights == 0 &&
		   port->make_send_count >= asking->sync) {
		asking->due = true;
		asking->word = port->make_send_count;
		asking->old = port->no_senders;
		port->no_senders = NULL;
	} else {
		swap_notice(asking, &port->no_senders);
		port->no_senders_sync = asking->sync;
	}
	spin_unlock(&port->lock);
out:
	spin_unlock(&space->lock);
	return kr;
}

/* @name is dead already. */
static kern_return_t
ask_dead(struct entry *entry, mach_port_name_t name, struct asking *asking)
{
	if (asking->sync == 0 && !asking->possible)
		return KERN_INVALID_ARGUMENT;
	/* At the maximum they stick. */
	if (entry->urefs < MACH_PORT_UREFS_MAX)
		entry->urefs++;
	asking->due = true;
	asking->dead = true;
	asking->word = name;
	asking->unused = asking->request;
	return KERN_SUCCESS;
}

/* Can a message be sent by @entry right now?  Locks: the port's. */
static bool
may_send(const struct entry *entry, const struct port *port)
{
	return (entry->key & MACH_PORT_TYPE_SEND_ONCE) ||
	       port->state == PORT_IN_KERNEL || mqueue_has_room(&port->queue);
}

/* Replace the request of a live name.  False: its port died just now. */
static bool
ask_live(struct space *space, mach_port_name_t name, struct entry *entry,
    struct asking *asking)
{
	struct port *port = entry->port;

	port_lock(port);
	if (port->state == PORT_IS_DEAD) {
		spin_unlock(&port->lock);
		return false;
	}
	asking->gone = entry_take_request(space, name, entry);
	if (asking->gone != NULL)
		asking->old = asking->gone->notice;
	if (asking->request == NULL) {
		/* Withdrawn, which is all. */
	} else if (asking->possible && asking->sync != 0 &&
		   may_send(entry, port)) {
		asking->due = true;
		asking->word = name;
		asking->unused = asking->request;
	} else {
		space_side(space, name_index(name))->request = asking->request;
		entry->key |= MACH_PORT_TYPE_DNREQUEST;
		asking->request->armed = asking->possible && asking->sync != 0;
		name_request_enter(asking->request, port);
	}
	spin_unlock(&port->lock);
	return true;
}

static kern_return_t
ask_name(struct space *space, mach_port_name_t name, struct asking *asking)
{
	kern_return_t kr = KERN_INVALID_RIGHT;
	struct loose loose = {0};
	struct entry *entry;

	spin_lock(&space->lock);
	entry = entry_check(space, name, &loose);
	if (entry != NULL && (entry->key & MACH_PORT_TYPE_PORT_RIGHTS)) {
		kr = KERN_SUCCESS;
		if (!ask_live(space, name, entry, asking))
			entry = entry_check(space, name, &loose);
	}
	if (entry == NULL)
		kr = KERN_INVALID_NAME;
	else if (asking->notice == NULL)
		kr = KERN_SUCCESS; /* there is nothing to withdraw, or was */
	else if (entry->key & MACH_PORT_TYPE_DEAD_NAME)
		kr = ask_dead(entry, name, asking);
	spin_unlock(&space->lock);
	loose_release(&loose);
	return kr;
}

/* Is it about a name, rather than about the port by its receive right? */
static bool
is_of_name(int32_t id)
{
	return id == MACH_NOTIFY_DEAD_NAME || id == MACH_NOTIFY_SEND_POSSIBLE;
}

/* Memory for what is asked for; KERN_RESOURCE_SHORTAGE. */
static kern_return_t
prepare(struct asking *asking, struct ledger *ledger, mach_port_name_t name,
    int32_t id, struct port *notify)
{
	if (notify == NULL)
		return KERN_SUCCESS;
	asking->notice = notice_create(ledger, notify);
	if (asking->notice == NULL)
		return KERN_RESOURCE_SHORTAGE;
	if (!is_of_name(id))
		return KERN_SUCCESS;
	asking->request =
	    name_request_create(ledger, asking->notice, name, asking->possible);
	if (asking->request != NULL)
		return KERN_SUCCESS;
	kmsg_free(asking->notice);
	return KERN_RESOURCE_SHORTAGE;
}

/* Nothing came of it: the caller keeps its right. */
static void
abandon(struct asking *asking)
{
	if (asking->request != NULL)
		name_request_free(asking->request);
	if (asking->notice != NULL)
		kmsg_free(asking->notice);
}

/* Can it be asked at all? */
static kern_return_t
check(mach_port_name_t name, int32_t id, uint32_t sync)
{
	switch (id) {
	case MACH_NOTIFY_DEAD_NAME:
	case MACH_NOTIFY_SEND_POSSIBLE:
		return MACH_PORT_VALID(name) ? KERN_SUCCESS
					     : KERN_INVALID_ARGUMENT;
	case MACH_NOTIFY_PORT_DESTROYED:
		return sync == 0 ? KERN_SUCCESS : KERN_INVALID_VALUE;
	case MACH_NOTIFY_NO_SENDERS:
		return KERN_SUCCESS;
	default:
		return KERN_INVALID_VALUE;
	}
}

/* Send the notice that is due. */
static void
tell(struct asking *asking)
{
	if (asking->dead)
		notify_dead_name(asking->notice, asking->word);
	else if (asking->possible)
		notify_send_possible(asking->notice, asking->word);
	else
		notify_no_senders(asking->notice, asking->word);
}

kern_return_t
notify_request(struct space *space, mach_port_name_t name, int32_t id,
    uint32_t sync, struct port *notify, struct port **previousp)
{
	struct asking asking = {
	    .sync = sync, .possible = id == MACH_NOTIFY_SEND_POSSIBLE};
	kern_return_t kr = check(name, id, sync);

	if (kr == KERN_SUCCESS)
		kr = prepare(&asking, space->ledger, name, id, notify);
	if (kr != KERN_SUCCESS)
		return kr;
	if (is_of_name(id))
		kr = ask_name(space, name, &asking);
	else
		kr = ask_port(space, name, id, &asking);
	if (kr != KERN_SUCCESS) {
		abandon(&asking);
		return kr;
	}

	/* ---- committed: the right is the notice's ---- */
	*previousp = asking.old != NULL ? notice_cancel(asking.old) : NULL;
	if (asking.gone != NULL)
		name_request_free(asking.gone);
	if (asking.unused != NULL)
		name_request_free(asking.unused);
	if (asking.due)
		tell(&asking);
	return KERN_SUCCESS;
}

void
notify_when_possible(
    struct space *space, mach_port_name_t name, struct port *port)
{
	struct entry *entry;
	bool tell_now = false;

	spin_lock(&space->lock);
	entry = space_lookup(space, name);
	if (entry != NULL && (entry->key & MACH_PORT_TYPE_DNREQUEST) &&
	    entry->port == port) {
		port_lock(port);
		name_request_arm(
		    space_side(space, name_index(name))->request, port);
		/* There may be room by now. */
		tell_now = port_room_due(port);
		spin_unlock(&port->lock);
	}
	spin_unlock(&space->lock);
	if (tell_now)
		reap_now(&port->reap);
}
