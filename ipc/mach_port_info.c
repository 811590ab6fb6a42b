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

/* Dead-name requests that are counted; nobody needs to know of more. */
#define REQUESTS_COUNTED_MAX 1024

static uint32_t
request_count(const struct port *port)
{
	uint32_t count = 0;
	struct list *at;

	list_for_each (at, &port->requests) {
		if (++count == REQUESTS_COUNTED_MAX)
			break;
	}
	return count;
}

static void
get_limits(const struct port *port, uint32_t *info)
{
	info[0] = port->queue.limit;
}

static void
get_status(const struct port *port, uint32_t *info)
{
	mach_port_status_t status = status_of(port);

	memcpy(info, &status, sizeof(status));
}

static void
get_requests(const struct port *port, uint32_t *info)
{
	info[0] = request_count(port);
}

static void
get_extended(const struct port *port, uint32_t *info)
{
	mach_port_info_ext_t all = {.mpie_status = status_of(port)};

	memcpy(info, &all, sizeof(all));
}

static void
get_guard(const struct port *port, uint32_t *info)
{
	uint64_t guard = 0;

	/* A strict one is for who set it to know. */
	if ((port->flags & (PORT_GUARDED | PORT_STRICT)) == PORT_GUARDED)
		guard = port->context;
	memcpy(info, &guard, sizeof(guard));
}

static const struct port_flavor {
	mach_port_flavor_t flavor;
	uint32_t count;
	void (*get)(const struct port *port, uint32_t *info);
} flavors[] = {
    {MACH_PORT_LIMITS_INFO, MACH_PORT_LIMITS_INFO_COUNT, get_limits},
    {MACH_PORT_RECEIVE_STATUS, MACH_PORT_RECEIVE_STATUS_COUNT, get_status},
    {MACH_PORT_DNREQUESTS_SIZE, MACH_PORT_DNREQUESTS_SIZE_COUNT, get_requests},
    {MACH_PORT_INFO_EXT, MACH_PORT_INFO_EXT_COUNT, get_extended},
    {MACH_PORT_GUARD_INFO, MACH_PORT_GUARD_INFO_COUNT, get_guard},
};

/* No port is a service's to throttle: only whose it is matters. */
static kern_return_t
check_service(struct space *space, mach_port_name_t name, uint32_t count)
{
	struct port *port;
	kern_return_t kr;

	if (count < MACH_PORT_SERVICE_THROTTLED_COUNT)
		return KERN_FAILURE;
	kr = port_lock_named(space, name, &port);
	if (kr != KERN_SUCCESS)
		return kr;
	spin_unlock(&port->lock);
	return KERN_INVALID_CAPABILITY;
}

kern_return_t
mach_port_get_attributes(struct space *space, mach_port_name_t name,
    mach_port_flavor_t flavor, uint32_t *info, uint32_t *countp)
{
	const struct port_flavor *wanted = NULL;
	struct port *port;
	kern_return_t kr;

	static_assert(PORT_INFO_MAX == MACH_PORT_INFO_EXT_COUNT, "the most");
	for (unsigned i = 0; i < ARRAY_SIZE(flavors); i++) {
		if (flavors[i].flavor == flavor)
			wanted = &flavors[i];
	}
	if (flavor == MACH_PORT_SERVICE_THROTTLED)
		return check_service(space, name, *countp);
	if (wanted == NULL)
		return KERN_INVALID_ARGUMENT;
	if (*countp < wanted->count)
		return KERN_FAILURE;
	kr = port_lock_named(space, name, &port);
	if (kr != KERN_SUCCESS)
		return kr;
	wanted->get(port, info);
	spin_unlock(&port->lock);
	*countp = wanted->count;
	return KERN_SUCCESS;
}

static kern_return_t
set_limit(struct space *space, mach_port_name_t name, uint32_t limit)
{
	struct port *port;
	kern_return_t kr;
	bool tell;

	if (limit > MACH_PORT_QLIMIT_MAX)
		return KERN_INVALID_VALUE;
	kr = port_lock_named(space, name, &port);
	if (kr != KERN_SUCCESS)
		return kr;
	port->queue.limit = limit;
	mqueue_admit(port);
	tell = port_room_due(port);
	spin_unlock(&port->lock);
	if (tell)
		reap_now(&port->reap);
	return KERN_SUCCESS;
}

/* What is only remembered, and told by the status. */
static kern_return_t
set_flags(struct space *space, mach_port_name_t name, uint8_t flags)
{
	struct port *port;
	kern_return_t kr = port_lock_named(space, name, &port);

	if (kr != KERN_SUCCESS)
		return kr;
	port->flags |= flags;
	spin_unlock(&port->lock);
	return KERN_SUCCESS;
}

kern_return_t
mach_port_set_attributes(struct space *space, mach_port_name_t name,
    mach_port_flavor_t flavor, const uint32_t *info, uint32_t count)
{
	switch (flavor) {
	case MACH_PORT_LIMITS_INFO:
		if (count < MACH_PORT_LIMITS_INFO_COUNT)
			return KERN_FAILURE;
		return set_limit(space, name, info[0]);
	case MACH_PORT_DNREQUESTS_SIZE:
		if (count < MACH_PORT_DNREQUESTS_SIZE_COUNT)
			return KERN_FAILURE;
		/* Requests need no table that could be made larger. */
		return set_flags(space, name, 0);
	case MACH_PORT_TEMPOWNER:
		return set_flags(space, name, MACH_PORT_STATUS_FLAG_TEMPOWNER);
	case MACH_PORT_IMPORTANCE_RECEIVER:
		return set_flags(
		    space, name, MACH_PORT_STATUS_FLAG_IMP_DONATION);
	case MACH_PORT_DENAP_RECEIVER:
		return set_flags(space, name, 0);
	case MACH_PORT_SERVICE_THROTTLED:
		return check_service(space, name, count);
	default:
		return KERN_INVALID_ARGUMENT;
	}
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
mach_port_dnrequest_info(struct space *space, mach_port_name_t name,
    unsigned *totalp, unsigned *usedp)
{
	struct port *port;
	kern_return_t kr = port_lock_named(space, name, &port);

	if (kr != KERN_SUCCESS)
		return kr;
	/* There is room for as many as there are. */
	*totalp = *usedp = request_count(port);
	spin_unlock(&port->lock);
	return KERN_SUCCESS;
}

/* ---- what the kernel keeps behind a port ---- */

/* What a kind is called by port_kobject(), and by people. */
static const struct kind_name {
	uint32_t kind;
	const char *name;
} kind_names[KOBJECT_KIND_COUNT] = {
    [KOBJECT_TASK] = {IKOT_TASK, "task"},
    [KOBJECT_THREAD] = {IKOT_THREAD, "thread"},
    [KOBJECT_HOST] = {IKOT_HOST, "host"},
    [KOBJECT_HOST_PRIV] = {IKOT_HOST_PRIV, "privileged host"},
    [KOBJECT_DEVICE_MASTER] = {IKOT_DEVICE, "devices"},
    [KOBJECT_DEVICE] = {IKOT_DEVICE, "device"},
    [KOBJECT_SEMAPHORE] = {IKOT_SEMAPHORE, "semaphore"},
    [KOBJECT_EXCEPTION] = {IKOT_NONE, "exception"},
    [KOBJECT_EVENTLINK] = {IKOT_EVENTLINK, "eventlink"},
    [KOBJECT_CLOCK] = {IKOT_CLOCK, "clock"},
    [KOBJECT_TIMER] = {IKOT_TIMER, "timer"},
    [KOBJECT_DEFAULT_PAGER] = {IKOT_PAGING_REQUEST, "default pager"},
    [KOBJECT_MEMORY_ENTRY] = {IKOT_NAMED_ENTRY, "memory entry"},
    [KOBJECT_PAGER] = {IKOT_MEM_OBJ_CONTROL, "memory object control"},
    [KOBJECT_MEMORY_NAME] = {IKOT_NONE, "memory object name"},
    [KOBJECT_MEMORY_OBJECT] = {IKOT_NONE, "memory object"},
};

kern_return_t
port_kobject(struct space *space, mach_port_name_t name, uint32_t *kindp,
    const char **whatp)
{
	kern_return_t kr = KERN_INVALID_NAME;
	struct loose loose = {0};
	struct entry *entry;

	spin_lock(&space->lock);
	entry = entry_check(space, name, &loose);
	if (entry != NULL)
		kr = KERN_INVALID_RIGHT;
	if (entry != NULL && (entry->key & MACH_PORT_TYPE_SEND_RECEIVE)) {
		struct port *port = entry->port;

		port_lock(port);
		*kindp = kind_names[port->kind].kind;
		*whatp = kind_names[port->kind].name;
		spin_unlock(&port->lock);
		kr = KERN_SUCCESS;
	}
	spin_unlock(&space->lock);
	loose_release(&loose);
	if (kr == KERN_SUCCESS && *whatp == NULL)
		*whatp = "";
	return kr;
}

/* ---- the space as a whole ---- */

uint32_t
mach_port_name_count(struct space *space)
{
	uint32_t count;

	spin_lock(&space->lock);
	count = space_names(space);
	spin_unlock(&space->lock);
	return count;
}

kern_return_t
mach_port_space_basic_info(struct space *space, ipc_info_space_basic_t *info)
{
	spin_lock(&space->lock);
	*info = (ipc_info_space_basic_t){
	    .iisb_genno_mask = NAME_GENERATION_MASK,
	    .iisb_table_size = space->top,
	    .iisb_table_next = space->bound,
	    .iisb_table_inuse = space_names(space),
	};
	spin_unlock(&space->lock);
	return KERN_SUCCESS;
}
