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
	struct name_request *request; /* DEAD_NAME: new, or NULL */
	struct name_request *gone;    /* DEAD_NAME: to be freed */
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
	spin_lock(&port->lock);
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
	if (asking->notice == NULL || asking->sync == 0)
		return KERN_INVALID_ARGUMENT;
	if (entry->urefs == MACH_PORT_UREFS_MAX)
		return KERN_UREFS_OVERFLOW;
	entry->urefs++;
	asking->due = true;
	asking->word = name;
	asking->gone = asking->request;
	return KERN_SUCCESS;
}

/* Replace the request of a live name.  False: its port died just now. */
static bool
ask_live(struct space *space, mach_port_name_t name, struct entry *entry,
    struct asking *asking)
{
	struct port *port = entry->port;

	spin_lock(&port->lock);
	if (port->state == PORT_IS_DEAD) {
		spin_unlock(&port->lock);
		return false;
	}
	asking->gone = entry_take_request(space, name, entry);
	if (asking->gone != NULL)
		asking->old = asking->gone->notice;
	if (asking->request != NULL) {
		space_side(space, name_index(name))->request = asking->request;
		entry->key |= MACH_PORT_TYPE_DNREQUEST;
		list_add_tail(&port->requests, &asking->request->port_link);
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
	else if (entry->key & MACH_PORT_TYPE_DEAD_NAME)
		kr = ask_dead(entry, name, asking);
	spin_unlock(&space->lock);
	loose_release(&loose);
	return kr;
}

/* Memory for what is asked for; KERN_RESOURCE_SHORTAGE. */
static kern_return_t
prepare(struct asking *asking, mach_port_name_t name, int32_t id,
    struct port *notify)
{
	if (notify == NULL)
		return KERN_SUCCESS;
	asking->notice = notice_create(notify);
	if (asking->notice == NULL)
		return KERN_RESOURCE_SHORTAGE;
	if (id != MACH_NOTIFY_DEAD_NAME)
		return KERN_SUCCESS;
	asking->request =
	    name_request_create(asking->notice, name, MACH_PORT_TYPE_DNREQUEST);
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

kern_return_t
notify_request(struct space *space, mach_port_name_t name, int32_t id,
    uint32_t sync, struct port *notify, struct port **previousp)
{
	struct asking asking = {.sync = sync};
	kern_return_t kr;

	if (id != MACH_NOTIFY_DEAD_NAME && id != MACH_NOTIFY_NO_SENDERS &&
	    id != MACH_NOTIFY_PORT_DESTROYED)
		return KERN_INVALID_VALUE;
	if (id == MACH_NOTIFY_PORT_DESTROYED && sync != 0)
		return KERN_INVALID_VALUE;
	kr = prepare(&asking, name, id, notify);
	if (kr != KERN_SUCCESS)
		return kr;
	if (id == MACH_NOTIFY_DEAD_NAME)
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
	if (asking.due && id == MACH_NOTIFY_DEAD_NAME)
		notify_dead_name(asking.notice, asking.word);
	else if (asking.due)
		notify_no_senders(asking.notice, asking.word);
	return KERN_SUCCESS;
}
