/*
 * mach_port_info.c: the mach_port_*() calls that look at rights and ports, or
 * set a port's attributes.
 */
#include "ipc/mach_port.h"

#include <mach/mach_types.h>

#include "ipc/entry.h"
#include "ipc/kmsg.h"
#include "ipc/pset.h"
#include "kernel/string.h"

kern_return_t
mach_port_type(
    struct space *space, mach_port_name_t name, mach_port_type_t *typep)
{
	struct loose loose = {0};
	struct entry *entry;

	spin_lock(&space->lock);
	entry = entry_check(space, name, &loose);
	if (entry != NULL)
		*typep = entry_type(space, name, entry);
	spin_unlock(&space->lock);
	loose_release(&loose);
	return entry != NULL ? KERN_SUCCESS : KERN_INVALID_NAME;
}

kern_return_t
mach_port_get_refs(struct space *space, mach_port_name_t name,
    mach_port_right_t right, mach_port_urefs_t *urefsp)
{
	struct loose loose = {0};
	struct entry *entry;

	if (right > MACH_PORT_RIGHT_DEAD_NAME)
		return KERN_INVALID_VALUE;
	spin_lock(&space->lock);
	entry = entry_check(space, name, &loose);
	if (entry != NULL && (entry->key & MACH_PORT_TYPE(right)) == 0)
		*urefsp = 0;
	else if (entry != NULL && (right == MACH_PORT_RIGHT_SEND ||
				      right == MACH_PORT_RIGHT_DEAD_NAME))
		*urefsp = entry->urefs;
	else
		*urefsp = 1;
	spin_unlock(&space->lock);
	loose_release(&loose);
	return entry != NULL ? KERN_SUCCESS : KERN_INVALID_NAME;
}

/* ---- attributes of a port: its receive right says whose they are ---- */

static mach_port_status_t
status_of(const struct port *port)
{
	return (mach_port_status_t){
	    .mps_pset = port->set_count,
	    .mps_seqno = port->sequence,
	    .mps_mscount = port->make_send_count,
	    .mps_qlimit = port->queue.limit,
	    .mps_msgcount = port->queue.count,
	    .mps_sorights = port->send_once_rights,
	    .mps_srights = port->send_rights > 0,
	    .mps_pdrequest = port->destroyed != NULL,
	    .mps_nsrequest = port->no_senders != NULL,
	    .mps_flags = port->flags,
	};
}

kern_return_t
mach_port_get_attributes(struct space *space, mach_port_name_t name,
    mach_port_flavor_t flavor, uint32_t *info, uint32_t *countp)
{
	mach_port_info_ext_t all = {0};
	struct port *port;
	uint32_t count;
	kern_return_t kr;

	switch (flavor) {
	case MACH_PORT_LIMITS_INFO:
		count = MACH_PORT_LIMITS_INFO_COUNT;
		break;
	case MACH_PORT_RECEIVE_STATUS:
		count = MACH_PORT_RECEIVE_STATUS_COUNT;
		break;
	case MACH_PORT_INFO_EXT:
		count = MACH_PORT_INFO_EXT_COUNT;
		break;
	default:
		return KERN_INVALID_ARGUMENT;
	}
	if (*countp < count)
		return KERN_FAILURE;
	kr = port_lock_named(space, name, &port);
	if (kr != KERN_SUCCESS)
		return kr;
	all.mpie_status = status_of(port);
	spin_unlock(&port->lock);
	if (flavor == MACH_PORT_LIMITS_INFO)
		info[0] = all.mpie_status.mps_qlimit;
	else
		memcpy(info, &all, count * sizeof(*info));
	*countp = count;
	return KERN_SUCCESS;
}

kern_return_t
mach_port_set_attributes(struct space *space, mach_port_name_t name,
    mach_port_flavor_t flavor, const uint32_t *info, uint32_t count)
{
	struct port *port;
	kern_return_t kr;
	bool tell;

	if (flavor != MACH_PORT_LIMITS_INFO)
		return KERN_INVALID_ARGUMENT;
	if (count < MACH_PORT_LIMITS_INFO_COUNT)
		return KERN_FAILURE;
	if (info[0] > MACH_PORT_QLIMIT_MAX)
		return KERN_INVALID_VALUE;
	kr = port_lock_named(space, name, &port);
	if (kr != KERN_SUCCESS)
		return kr;
	port->queue.limit = (uint16_t)info[0];
	mqueue_admit(port);
	tell = port_room_due(port);
	spin_unlock(&port->lock);
	if (tell)
		reap_now(&port->reap);
	return KERN_SUCCESS;
}

kern_return_t
mach_port_set_mscount(
    struct space *space, mach_port_name_t name, uint32_t count)
{
	struct port *port;
	kern_return_t kr = port_lock_named(space, name, &port);

	if (kr != KERN_SUCCESS)
		return kr;
	port->make_send_count = count;
	spin_unlock(&port->lock);
	return KERN_SUCCESS;
}

kern_return_t
mach_port_set_seqno(
    struct space *space, mach_port_name_t name, uint32_t sequence)
{
	struct port *port;
	kern_return_t kr = port_lock_named(space, name, &port);

	if (kr != KERN_SUCCESS)
		return kr;
	port->sequence = sequence;
	spin_unlock(&port->lock);
	return KERN_SUCCESS;
}

kern_return_t
mach_port_get_context(
    struct space *space, mach_port_name_t name, uint64_t *contextp)
{
	struct port *port;
	kern_return_t kr = port_lock_named(space, name, &port);

	if (kr != KERN_SUCCESS)
		return kr;
	/* A strict guard is for who set it to know. */
	*contextp = port->flags & PORT_STRICT ? 0 : port->context;
	spin_unlock(&port->lock);
	return KERN_SUCCESS;
}

kern_return_t
mach_port_set_context(
    struct space *space, mach_port_name_t name, uint64_t context)
{
	struct port *port;
	kern_return_t kr = port_lock_named(space, name, &port);

	if (kr != KERN_SUCCESS)
		return kr;
	if (port->flags & PORT_STRICT)
		kr = KERN_INVALID_ARGUMENT;
	else
		port->context = context;
	spin_unlock(&port->lock);
	return kr;
}

kern_return_t
mach_port_get_srights(
    struct space *space, mach_port_name_t name, uint32_t *countp)
{
	struct port *port;
	kern_return_t kr = port_lock_named(space, name, &port);

	if (kr != KERN_SUCCESS)
		return kr;
	*countp = port->send_rights;
	spin_unlock(&port->lock);
	return KERN_SUCCESS;
}

kern_return_t
mach_port_kobject(struct space *space, mach_port_name_t name, uint32_t *kindp)
{
	static const uint32_t kind_of[KOBJECT_KIND_COUNT] = {
	    [KOBJECT_TASK] = IKOT_TASK,
	    [KOBJECT_THREAD] = IKOT_THREAD,
	    [KOBJECT_HOST] = IKOT_HOST,
	    [KOBJECT_HOST_PRIV] = IKOT_HOST_PRIV,
	    [KOBJECT_DEVICE_MASTER] = IKOT_DEVICE,
	    [KOBJECT_DEVICE] = IKOT_DEVICE,
	};
	struct port *port = port_from_name(space, name);

	if (port == NULL)
		return KERN_INVALID_RIGHT;
	spin_lock(&port->lock);
	*kindp = kind_of[port->kind];
	spin_unlock(&port->lock);
	port_put(port);
	return KERN_SUCCESS;
}

/* ---- lists, in steps ---- */

/* Tells ports apart without saying where they lie: addresses of objects differ
 * in these bits, times an odd number that is this kernel's own. */
static uint32_t
object_tag(const void *object)
{
	return (uint32_t)((uintptr_t)object / CACHE_LINE) * object_secret;
}

bool
mach_port_list_step(struct space *space, struct port_list *list)
{
	uint32_t end = list->index + PORT_LIST_STEP;

	spin_lock(&space->lock);
	if (end > space->top)
		end = space->top;
	for (; list->index < end; list->index++) {
		struct entry *entry = space_entry(space, list->index);
		struct port_list_entry *to = &list->entry[list->count];
		mach_port_name_t name;

		if (entry == NULL) {
			/* A whole absent chunk costs one look. */
			list->index |= CHUNK_COUNT - 1;
			continue;
		}
		if ((entry->key & MACH_PORT_TYPE_ALL_RIGHTS) == 0)
			continue;
		if (list->count == list->room)
			break;
		name = name_make(list->index, entry->key);
		*to = (struct port_list_entry){
		    .name = name,
		    .type = entry_type(space, name, entry),
		    .urefs = entry->urefs,
		    .object = object_tag(entry->port),
		};
		list->count++;
	}
	end = space->top;
	spin_unlock(&space->lock);
	return list->index < end && list->count < list->room;
}

uint32_t
mach_port_name_count(struct space *space)
{
	uint32_t count;

	spin_lock(&space->lock);
	count = space->count;
	spin_unlock(&space->lock);
	return count;
}

kern_return_t
mach_port_set_members(struct space *space, mach_port_name_t name,
    mach_port_name_t *names, uint32_t room, uint32_t *countp)
{
	kern_return_t kr = KERN_INVALID_NAME;
	struct pset *pset = NULL;
	struct entry *entry;
	struct list *at;
	uint32_t count = 0;

	spin_lock(&space->lock);
	entry = space_lookup(space, name);
	if (entry != NULL)
		kr = KERN_INVALID_RIGHT;
	if (entry != NULL && (entry->key & MACH_PORT_TYPE_PORT_SET))
		pset = entry->pset;
	if (pset != NULL) {
		kr = KERN_SUCCESS;
		spin_lock(&pset->lock);
		list_for_each (at, &pset->members) {
			struct pset_link *link =
			    container_of(at, struct pset_link, member_link);

			/* A member in the space keeps its name while it is
			 * one: leaving the sets comes before changing it. */
			if (count == room)
				break;
			names[count++] = link->port->name;
		}
		spin_unlock(&pset->lock);
	}
	spin_unlock(&space->lock);
	*countp = count;
	return kr;
}
