/*
 * right.c: rights that the kernel itself holds, and what becomes of a right
 * that is given up.  Names are in entry.c and right_copy.c.
 */
#include "ipc/right.h"

#include "ipc/exception.h"
#include "ipc/kmsg.h"
#include "ipc/notify.h"

/* ---- made and copied ---- */

struct port *
right_make_send(struct port *port)
{
	if (port == NULL)
		return NULL;
	port_lock(port);
	port->send_rights++;
	port->make_send_count++;
	spin_unlock(&port->lock);
	return port_get(port);
}

struct port *
right_copy_send(struct port *port)
{
	if (port == NULL)
		return NULL;
	port_lock(port);
	KASSERT(port->send_rights > 0);
	port->send_rights++;
	spin_unlock(&port->lock);
	return port_get(port);
}

struct port *
right_make_send_once(struct port *port)
{
	if (port == NULL)
		return NULL;
	port_lock(port);
	port->send_once_rights++;
	spin_unlock(&port->lock);
	return port_get(port);
}

/* ---- given up ---- */

struct kmsg *
port_drop_send(struct port *port, uint32_t *make_send_countp)
{
	struct kmsg *notice = NULL;

	KASSERT(spin_held(&port->lock));
	KASSERT(port->send_rights > 0);
	port->send_rights--;
	*make_send_countp = port->make_send_count;
	if (port->send_rights == 0 && port->state == PORT_IN_KERNEL)
		port_orphaned(port);
	if (port->send_rights == 0 && port->no_senders != NULL &&
	    port->make_send_count >= port->no_senders_sync) {
		notice = port->no_senders;
		port->no_senders = NULL;
	}
	return notice;
}

void
right_release_send(struct port *port)
{
	uint32_t make_send_count;
	struct kmsg *notice;

	if (port == NULL)
		return;
	port_lock(port);
	notice = port_drop_send(port, &make_send_count);
	spin_unlock(&port->lock);
	if (notice != NULL)
		notify_no_senders(notice, make_send_count);
	port_put(port);
}

void
right_release_send_once(struct port *port)
{
	bool tell;

	if (port == NULL)
		return;
	port_lock(port);
	KASSERT(port->send_once_rights > 0);
	if (unlikely(port->kind == KOBJECT_EXCEPTION)) {
		spin_unlock(&port->lock);
		exception_lost(port);
		return;
	}
	tell = port->state == PORT_IN_SPACE || port->state == PORT_IN_TRANSIT;
	if (!tell)
		port->send_once_rights--;
	spin_unlock(&port->lock);
	if (tell)
		notify_send_once(port); /* the notice uses the right up */
	else
		port_put(port);
}

void
right_release(struct port *port, mach_msg_type_name_t type)
{
	if (port != NULL && type == MACH_MSG_TYPE_PORT_RECEIVE) {
		port_set_carrier(port, NULL);
		port_destroy(port);
	} else {
		right_release_later(port, type);
	}
}

void
right_release_later(struct port *port, mach_msg_type_name_t type)
{
	if (port == NULL)
		return;
	switch (type) {
	case MACH_MSG_TYPE_PORT_SEND:
		right_release_send(port);
		break;
	case MACH_MSG_TYPE_PORT_SEND_ONCE:
		right_release_send_once(port);
		break;
	case MACH_MSG_TYPE_PORT_RECEIVE:
		port_set_carrier(port, NULL);
		port_destroy_later(port);
		break;
	default:
		panic("no such right: %u", type);
	}
}

void
right_used(struct port *port, mach_msg_type_name_t type)
{
	if (type == MACH_MSG_TYPE_PORT_SEND) {
		right_release_send(port);
		return;
	}
	port_lock(port);
	KASSERT(port->send_once_rights > 0);
	port->send_once_rights--;
	spin_unlock(&port->lock);
	port_put(port);
}
