/*
 * port.c: ports are made, and die.
 */
#include "ipc/port.h"

#include "ipc/kmsg.h"
#include "ipc/notify.h"
#include "ipc/pset.h"
#include "ipc/right.h"
#include "ipc/space.h"
#include "kernel/ledger.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "kernel/zone.h"

/* Threads that are woken in one step. */
#define WAKE_AT_ONCE 16

struct spinlock transit_lock = SPINLOCK_INIT(LOCK_MQUEUE);
static struct zone port_zone;

/* I: set at boot */
static const struct kobject_class *classes[KOBJECT_KIND_COUNT];

static bool port_reap_step(struct reap_item *item);

/* What a port is before it is anybody's: all but the fields of its state. */
static void
port_make(void *object)
{
	struct port *port = object;

	*port = (struct port){0};
	spin_init(&port->lock, LOCK_PORT);
	mqueue_init(&port->queue);
	list_init(&port->evicted);
	list_init(&port->sets);
	list_init(&port->requests);
	port->reap.step = port_reap_step;
}

void
port_init(void)
{
	zone_init_made(
	    &port_zone, "port", sizeof(struct port), CACHE_LINE, port_make);
	ledger_weigh(BATON_LEDGER_PORTS, sizeof(struct port));
}

struct port *
port_create(struct ledger *ledger)
{
	struct port *port;

	if (!ledger_hold(ledger, BATON_LEDGER_PORTS, 1))
		return NULL;
	port = zone_alloc(&port_zone);
	if (unlikely(port == NULL)) {
		ledger_release(ledger, BATON_LEDGER_PORTS, 1);
		return NULL;
	}
	atomic_init(&port->word, PORT_GENERAL);
	atomic_init(&port->refs, 1);
	port->state = PORT_IN_TRANSIT;
	port->ledger = ledger;
	return port;
}

static void
port_free(struct port *port)
{
	struct ledger *ledger = port->ledger;

	KASSERT(port->state == PORT_IS_DEAD);
	KASSERT(port->send_rights == 0);
	KASSERT(port->send_once_rights == 0);
	KASSERT(list_empty(&port->queue.messages));
	KASSERT(list_empty(&port->queue.receivers));
	KASSERT(list_empty(&port->queue.senders));
	KASSERT(list_empty(&port->sets));
	KASSERT(list_empty(&port->requests));
	KASSERT(port->no_senders == NULL);
	KASSERT(port->destroyed == NULL);
	port_make(port);
	zone_free(&port_zone, port);
	ledger_release(ledger, BATON_LEDGER_PORTS, 1);
}

void
port_put(struct port *port)
{
	/* acq_rel: all uses by others happen before the last one's free */
	if (atomic_fetch_sub_explicit(&port->refs, 1, memory_order_acq_rel) ==
	    1)
		port_free(port);
}

void
port_lock_pair(struct port *a, struct port *b)
{
	if (a == b) {
		port_lock(a);
	} else if (a < b) {
		port_lock(a);
		port_lock_second(b);
	} else {
		port_lock(b);
		port_lock_second(a);
	}
}

void
port_unlock_pair(struct port *a, struct port *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

/* ---- life's end ---- */

/* The reaper shall look at @port, which is locked: true when it is new to it,
 * and the caller must pass it on. */
static bool
port_needs_reaping(struct port *port)
{
	if (port->reaping)
		return false;
	port->reaping = true;
	port_get(port); /* dropped by port_reap_step() */
	return true;
}

static const kern_return_t eviction_results[] = {
    [EVICT_DIED] = MACH_RCV_PORT_DIED,
    [EVICT_CHANGED] = MACH_RCV_PORT_CHANGED,
    [EVICT_LOOK_AGAIN] = RECEIVE_LOOK_AGAIN,
};

void
port_evict_receivers(struct port *port, enum eviction why)
{
	KASSERT(spin_held(&port->lock));
	mqueue_wake(
	    &port->queue.receivers, eviction_results[why], WAKE_AT_ONCE);
	if (list_empty(&port->queue.receivers))
		return;
	port->eviction = why;
	list_splice_tail(&port->evicted, &port->queue.receivers);
	if (port_needs_reaping(port))
		reap_later(&port->reap);
}

/* Do senders wait for room that there is by now? */
static bool
senders_due(const struct port *port)
{
	return unlikely(!list_empty(&port->queue.senders)) &&
	       port->queue.count < port->queue.limit;
}

bool
port_room_due(struct port *port)
{
	KASSERT(spin_held(&port->lock));
	return (senders_due(port) || unlikely(notify_room_due(port))) &&
	       port->state != PORT_IS_DEAD && port_needs_reaping(port);
}

void
port_owe_notice(struct port *port)
{
	bool first;

	port_lock(port);
	port->notices_owed++;
	first = port_needs_reaping(port);
	spin_unlock(&port->lock);
	if (first)
		reap_starved(&port->reap);
}

void
port_orphaned(struct port *port)
{
	const struct kobject_class *class = classes[port->kind];

	KASSERT(spin_held(&port->lock));
	if (class == NULL || class->no_senders == NULL)
		return;
	port->orphaned = true;
	if (port_needs_reaping(port))
		reap_later(&port->reap);
}

/* Its object hears of it; @port is locked, and unlocked. */
static void
port_tell_object(struct port *port)
{
	enum kobject_kind kind = port->kind;
	void *object;

	port->orphaned = false;
	spin_unlock(&port->lock);
	/* Nobody can make it another kind of port, but it may have died. */
	if (!port_kobject_get(port, kind, &object))
		return;
	classes[kind]->no_senders(object);
	kobject_put(kind, object);
}

/* The receive right that the caller holds has ended.  True: @port is new to
 * the reaper.  Locks: the port's. */
static bool
port_die(struct port *port, struct kmsg **no_sendersp)
{
	KASSERT(port->state != PORT_IS_DEAD);
	port->state = PORT_IS_DEAD;
	port->receiver = NULL;
	port->name = MACH_PORT_NULL;
	port->kind = KOBJECT_NONE;
	port->object = NULL;
	port->orphaned = false;
	*no_sendersp = port->no_senders;
	port->no_senders = NULL;
	port->eviction = EVICT_DIED;
	list_splice_tail(&port->evicted, &port->queue.receivers);
	return port_needs_reaping(port);
}

/* The receive right goes to who asked for it, with its reference.
 * Locks: the port's, which is unlocked. */
static void
port_return(struct port *port, struct kmsg *notice)
{
	const struct kobject_class *class =
	    port->state != PORT_IN_KERNEL ? classes[port->kind] : NULL;
	void *object = port->object;

	port->state = PORT_IN_TRANSIT;
	port->receiver = NULL;
	port->name = MACH_PORT_NULL;
	if (class == NULL || class->returned == NULL)
		object = NULL;
	if (object != NULL)
		class->get(object);
	spin_unlock(&port->lock);
	notify_port_destroyed(notice, port);
	if (object == NULL)
		return;
	class->returned(object);
	class->put(object);
}

/* Let the receive right go, with its reference; true: the caller reaps. */
static bool
port_end(struct port *port)
{
	enum kobject_kind kind;
	struct kmsg *notice;
	void *object;
	bool first;

	port_lock(port);
	notice = port->destroyed;
	port->destroyed = NULL;
	if (notice != NULL) {
		port_return(port, notice);
		return false;
	}
	kind = port->state != PORT_IN_KERNEL ? port->kind : KOBJECT_NONE;
	object = port->object;
	first = port_die(port, &notice);
	spin_unlock(&port->lock);
	if (kind != KOBJECT_NONE)
		classes[kind]->ended(object);
	if (notice != NULL)
		right_release_send_once(notice_cancel(notice));
	port_put(port); /* the reaper has its own */
	return first;
}

bool
port_end_alone(struct port *port)
{
	bool alone;

	/* Who had it from the space before us may still have it locked. */
	port_lock(port);
	alone = port_is_sole(port) && port_is_bare(port);
	if (alone)
		port->state = PORT_IS_DEAD;
	spin_unlock(&port->lock);
	return alone;
}

void
port_free_unpaid(struct port *port)
{
	struct ledger *ledger = port->ledger;

	port->receiver = NULL;
	port->name = MACH_PORT_NULL;
	zone_free(&port_zone, port);
	ledger_put(ledger);
}

void
port_free_alone(struct port *port)
{
	port_renew(port);
	ledger_credit(port->ledger, BATON_LEDGER_PORTS, 1);
	port_free_unpaid(port);
}

void
port_destroy(struct port *port)
{
	if (port_end(port))
		reap_now(&port->reap);
}

void
port_destroy_later(struct port *port)
{
	if (port_end(port))
		reap_later(&port->reap);
}

/* One dead-name request hears of it; @port is locked, and unlocked. */
static void
port_tell_one(struct port *port)
{
	struct name_request *request =
	    list_first(&port->requests, struct name_request, port_link);
	struct kmsg *notice = request->notice;
	mach_port_name_t name = request->name;

	/* The request itself belongs to the name, which may go any moment. */
	list_remove(&request->port_link);
	request->notice = NULL;
	spin_unlock(&port->lock);
	notify_dead_name(notice, name);
}

/* One step of the first message's end; @port is locked, and unlocked. */
static void
port_drop_one(struct port *port)
{
	struct kmsg *kmsg =
	    list_first(&port->queue.messages, struct kmsg, link);

	/* Nobody else takes from the queue of a dead port. */
	spin_unlock(&port->lock);
	if (kmsg_release_step(kmsg))
		return;
	port_lock(port);
	mqueue_drop_first(port);
	spin_unlock(&port->lock);
	kmsg_free(kmsg);
}

/* A part of what a dead port leaves; @port is locked.  False: nothing is left,
 * and it is still locked; else it is unlocked. */
static bool
port_bury_step(struct port *port)
{
	if (!list_empty(&port->requests)) {
		port_tell_one(port);
		return true;
	}
	if (!list_empty(&port->queue.messages)) {
		port_drop_one(port);
		return true;
	}
	if (!list_empty(&port->queue.senders)) {
		mqueue_wake_senders(
		    &port->queue, MACH_SEND_INVALID_DEST, WAKE_AT_ONCE);
		spin_unlock(&port->lock);
		return true;
	}
	return false;
}

static bool
port_reap_step(struct reap_item *item)
{
	struct port *port = container_of(item, struct port, reap);

	port_lock(port);
	if (!list_empty(&port->evicted)) {
		mqueue_wake(&port->evicted, eviction_results[port->eviction],
		    WAKE_AT_ONCE);
		spin_unlock(&port->lock);
		return true;
	}
	if (port->state == PORT_IS_DEAD) {
		pset_remove_all(port);
		if (port_bury_step(port))
			return true;
	} else if (senders_due(port)) {
		mqueue_admit(port);
		spin_unlock(&port->lock);
		return true;
	} else if (notify_room_due(port)) {
		notify_room_step(port);
		return true;
	}
	if (port->orphaned) {
		port_tell_object(port);
		return true;
	}
	if (port->notices_owed > 0) {
		spin_unlock(&port->lock);
		if (notify_owed(port))
			return true;
		reap_starved(item);
		return false;
	}
	/* Others know it still, and who made it is not to pay for that. */
	if (port->state == PORT_IS_DEAD &&
	    atomic_load_explicit(&port->refs, memory_order_relaxed) > 1)
		port->ledger = ledger_bury_port(port->ledger);
	port->reaping = false;
	spin_unlock(&port->lock);
	port_put(port);
	return false;
}

void
port_set_carrier(struct port *port, struct kmsg *carrier)
{
	spin_lock(&transit_lock);
	port->carrier = carrier;
	spin_unlock(&transit_lock);
}

/* ---- the kernel's own ports ---- */

void
kobject_register(enum kobject_kind kind, const struct kobject_class *class)
{
	classes[kind] = class;
}

static inline void
kobject_get(enum kobject_kind kind, void *object)
{
	const struct kobject_class *class = classes[kind];

	if (class != NULL && class->get != NULL)
		class->get(object);
	else if (kind == KOBJECT_TASK)
		task_get(object);
	else if (kind == KOBJECT_THREAD)
		thread_get(object);
}

void *
port_object_keep(struct port *port)
{
	KASSERT(port->state == PORT_IN_KERNEL);
	kobject_get(port->kind, port->object);
	return port->object;
}

struct port *
port_create_kernel(enum kobject_kind kind, void *object)
{
	struct port *port = port_create(NULL);

	if (port == NULL)
		return NULL;
	port->state = PORT_IN_KERNEL;
	port->kind = kind;
	port->object = object;
	return port;
}

void
port_destroy_kernel(struct port *port)
{
	port_destroy(port);
}

void
port_release_kernel(struct port *port)
{
	port_lock(port);
	KASSERT(port->state == PORT_IN_KERNEL);
	port->state = PORT_IN_TRANSIT;
	port->kind = KOBJECT_NONE;
	port->object = NULL;
	port->orphaned = false;
	spin_unlock(&port->lock);
}

static inline bool
object_get(struct port *port, enum kobject_kind kind, void **objectp)
{
	bool found;

	/* Its lock alone: nobody waits in the word of a port of the kernel's,
	 * and of another nothing is looked at that the legs would change. */
	spin_lock(&port->lock);
	found = port->state == PORT_IN_KERNEL && port->kind == kind;
	if (likely(found)) {
		*objectp = port->object;
		kobject_get(kind, port->object);
	}
	spin_unlock(&port->lock);
	return found;
}

bool
port_kobject_get(struct port *port, enum kobject_kind kind, void **objectp)
{
	return object_get(port, kind, objectp);
}

kern_return_t
kobject_from_name(struct space *space, mach_port_name_t name,
    enum kobject_kind kind, void **objectp)
{
	kern_return_t kr = KERN_SUCCESS;
	struct entry *entry;

	spin_lock(&space->lock);
	entry = space_lookup(space, name);
	if (unlikely(entry == NULL))
		kr = KERN_INVALID_NAME;
	else if (unlikely((entry->key & MACH_PORT_TYPE_SEND) == 0))
		kr = KERN_INVALID_RIGHT;
	else if (unlikely(!object_get(entry->port, kind, objectp)))
		kr = port_is_dead(entry->port) ? KERN_INVALID_RIGHT
					       : KERN_INVALID_ARGUMENT;
	spin_unlock(&space->lock);
	return kr;
}

void *
port_object_get(struct port *port, enum kobject_kind kind)
{
	void *object = NULL;

	if (port != NULL && !port_kobject_get(port, kind, &object))
		return NULL;
	return object;
}

void
kobject_put(enum kobject_kind kind, void *object)
{
	const struct kobject_class *class = classes[kind];

	if (kind == KOBJECT_TASK)
		task_put(object);
	else if (kind == KOBJECT_THREAD)
		thread_put(object);
	else if (class != NULL && class->put != NULL && object != NULL)
		class->put(object);
}

/* ---- for debuggers and tests ---- */

void
port_check(struct port *port)
{
	struct list *link;
	uint32_t messages = 0;
	uint32_t order = UINT32_MAX;

	KASSERT(spin_held(&port->lock));
	list_for_each (link, &port->queue.messages) {
		struct kmsg *kmsg = container_of(link, struct kmsg, link);

		KASSERT(kmsg->order <= order);
		order = kmsg->order;
		messages++;
	}
	KASSERT(messages == port->queue.count);
	if (messages > 0)
		KASSERT(list_empty(&port->queue.receivers));
	if (port->state == PORT_IN_SPACE) {
		KASSERT(port->receiver != NULL);
		KASSERT(port->name != MACH_PORT_NULL);
	} else {
		KASSERT(port->receiver == NULL);
		KASSERT(list_empty(&port->queue.receivers));
	}
	if (port->state != PORT_IN_KERNEL && port->kind != KOBJECT_TIMER &&
	    port->kind != KOBJECT_MEMORY_OBJECT)
		KASSERT(port->object == NULL);
}
