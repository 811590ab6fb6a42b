/* pager.c: life of objects with a pager; see pager.h. */
#include "vm/pager.h"

#include <mach/vm_prot.h>

#include "ipc/kmsg.h"
#include "ipc/port.h"
#include "kernel/config.h"
#include "kernel/kassert.h"
#include "kernel/ledger.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "kernel/zone.h"
#include "vm/memory_wait.h"
#include "vm/object_slots.h"
#include "vm/view.h"

static struct zone pager_zone;

static bool work_step(struct reap_item *item);

/* ---- life ---- */

static void
control_get(void *object)
{
	pager_get(object);
}

static void
control_put(void *object)
{
	pager_put(object);
}

/* The pager's port has died: its reference is ours. */
static void
port_ended(void *of)
{
	struct pager *pager = of;

	pager_give_up(pager);
	pager_put(pager);
}

static const struct kobject_class control_class = {
    .get = control_get,
    .put = control_put,
    .no_senders = pager_unanswered,
};

static const struct kobject_class port_class = {
    .get = control_get,
    .put = control_put,
    .ended = port_ended,
    .returned = pager_returned,
};

void
pager_init(void)
{
	zone_init(&pager_zone, "pager", sizeof(struct pager), 0);
	kobject_register(KOBJECT_PAGER, &control_class);
	kobject_register(KOBJECT_MEMORY_OBJECT, &port_class);
}

void
pager_put(struct pager *pager)
{
	/* acq_rel: who frees sees what every earlier holder wrote */
	if (atomic_fetch_sub_explicit(&pager->refs, 1, memory_order_acq_rel) !=
	    1)
		return;
	KASSERT(pager->object == NULL);
	if (pager->control != NULL)
		port_put(pager->control);
	if (pager->name != NULL)
		port_put(pager->name);
	if (pager->terminate != NULL)
		kmsg_free(pager->terminate);
	if (pager->port != NULL)
		port_put(pager->port);
	zone_free(&pager_zone, pager);
}

struct object *
pager_object(struct pager *pager)
{
	struct object *object;

	spin_lock(&pager->lock);
	object = pager->object;
	if (object != NULL && !object_get_alive(object))
		object = NULL;
	spin_unlock(&pager->lock);
	return object;
}

struct port *
pager_name(struct object *object)
{
	const struct pager *pager =
	    object->source != NULL ? object->source->pager : object->pager;

	if (pager == NULL || __atomic_load_n(&pager->gone, __ATOMIC_RELAXED))
		return NULL;
	return right_make_send(pager->name);
}

/* One that is not whole, which nobody knows. */
static void
discard(struct pager *pager)
{
	if (pager->control != NULL)
		port_destroy_kernel(pager->control);
	if (pager->name != NULL)
		port_destroy_kernel(pager->name);
}

/* A port of the kernel's, with a reference besides the receive right's. */
static struct port *
create_port(enum kobject_kind kind, void *object)
{
	struct port *port = port_create_kernel(kind, object);

	return port != NULL ? port_get(port) : NULL;
}

/* With the parts that may be wanting; its only reference is the caller's. */
static struct pager *
create(void)
{
	struct pager *pager = zone_alloc_zeroed(&pager_zone);

	if (pager == NULL)
		return NULL;
	spin_init(&pager->lock, LOCK_SYNC);
	atomic_init(&pager->refs, 1);
	pager->turn = SLOT_FIRST_TURN;
	pager->work.step = work_step;
	list_init(&pager->link);
	list_init(&pager->cache_link);
	pager->control = create_port(KOBJECT_PAGER, pager);
	pager->name = create_port(KOBJECT_MEMORY_NAME, NULL);
	pager->terminate = pager_message_terminate();
	if (pager->control != NULL && pager->name != NULL &&
	    pager->terminate != NULL)
		return pager;
	discard(pager);
	pager_put(pager);
	return NULL;
}

/* ---- the object of a port ---- */

/* What a user's port stands for; KERN_INVALID_OBJECT: it cannot be a memory
 * object; KERN_NOT_FOUND: it is none yet.  Locks: the port's. */
static kern_return_t
look_locked(const struct port *port, struct pager **pagerp)
{
	if (port->state == PORT_IN_KERNEL || port->state == PORT_IS_DEAD)
		return KERN_INVALID_OBJECT;
	if (port->kind == KOBJECT_NONE)
		return KERN_NOT_FOUND;
	if (port->kind != KOBJECT_MEMORY_OBJECT)
		return KERN_INVALID_OBJECT;
	*pagerp = pager_get(port->object);
	return KERN_SUCCESS;
}

/* Let @port stand for @pager.  KERN_ABORTED: it stands for another. */
static kern_return_t
attach(struct port *port, struct pager *pager)
{
	struct pager *other = NULL;
	kern_return_t kr;

	port_lock(port);
	kr = look_locked(port, &other);
	if (kr == KERN_NOT_FOUND) {
		port->kind = KOBJECT_MEMORY_OBJECT;
		port->object = pager_get(pager);
	}
	spin_unlock(&port->lock);
	if (kr == KERN_NOT_FOUND)
		return KERN_SUCCESS;
	if (kr == KERN_SUCCESS)
		pager_put(other);
	return kr == KERN_SUCCESS ? KERN_ABORTED : kr;
}

/* The port stands for nothing any more. */
static void
detach(struct pager *pager)
{
	struct port *port = pager->port;
	bool attached;

	port_lock(port);
	attached = port->state != PORT_IS_DEAD && port->object == pager &&
		   port->kind == KOBJECT_MEMORY_OBJECT;
	if (attached) {
		port->kind = KOBJECT_NONE;
		port->object = NULL;
	}
	spin_unlock(&port->lock);
	if (attached)
		pager_put(pager);
}

/* What an object of @pager's needs besides; NULL: no memory. */
static struct object *
create_object(struct pager *pager, struct port *port)
{
	struct object *object =
	    object_create(ledger_of_caller(), OBJECT_SIZE_MAX);

	if (object == NULL)
		return NULL;
	object->pager = pager_get(pager);
	object->pages_ledger = NULL;
	pager->object = object;
	pager->port = right_copy_send(port);
	port_get(port); /* stays when the right has gone */
	return object;
}

/* The same goes again: nobody was told of it. */
static void
discard_object(struct pager *pager, struct object *object)
{
	pager->object = NULL;
	object->pager = NULL;
	pager_put(pager);
	object_put(object);
	right_release_send(pager->port);
}

/*
 * Make an object for @port, and tell its pager: *@objectp, with a reference.
 * KERN_ABORTED: somebody else has.
 */
static kern_return_t
make(struct port *port, struct object **objectp)
{
	struct pager *pager = create();
	struct kmsg *init = pager != NULL ? pager_message_init(pager) : NULL;
	kern_return_t kr = KERN_RESOURCE_SHORTAGE;
	struct thread *next = NULL;

	if (init == NULL)
		goto out;
	*objectp = create_object(pager, port);
	if (*objectp == NULL)
		goto out;
	kr = attach(port, pager);
	if (kr != KERN_SUCCESS) {
		discard_object(pager, *objectp);
		goto out;
	}

	/* ---- committed: nothing below can fail ---- */
	pager_list_add(pager);
	pager_message_address(pager, init);
	pager_message_send(init, &next);
	if (next != NULL)
		sched_wake(next);
	return KERN_SUCCESS; /* our reference is the control port's */

out:
	if (init != NULL)
		kmsg_destroy(init);
	if (pager != NULL) {
		discard(pager);
		pager_put(pager);
	}
	return kr;
}

/* Nobody brings the end of an object: it comes. */
static kern_return_t
end_ask(void *object, uint64_t where, struct thread **nextp)
{
	(void)object;
	(void)where;
	(void)nextp;
	return KERN_SUCCESS;
}

static void
end_put(void *object)
{
	port_put(object);
}

static const struct memory_source end_source = {
    .ask = end_ask,
    .put = end_put,
};

/* The object that @port stands for, with a reference.  KERN_MEMORY_WAIT: it is
 * ending; else as look_locked(). */
static kern_return_t
find(struct port *port, struct object **objectp)
{
	struct pager *pager;
	kern_return_t kr;

	port_lock(port);
	kr = look_locked(port, &pager);
	spin_unlock(&port->lock);
	if (kr != KERN_SUCCESS)
		return kr;
	*objectp = pager_object(pager);
	if (*objectp != NULL &&
	    __atomic_load_n(&pager->gone, __ATOMIC_RELAXED)) {
		object_put(*objectp);
		*objectp = NULL;
	}
	if (*objectp != NULL)
		pager_cache_drop(*objectp);
	pager_put(pager);
	return *objectp != NULL ? KERN_SUCCESS : KERN_MEMORY_WAIT;
}

kern_return_t
pager_view(struct port *port, struct view **viewp)
{
	struct object *object;
	kern_return_t kr;

	/* What ends after this is heard of. */
	kr = memory_wait_note(
	    &end_source, port_get(port), 0, timer_after_ms(CONFIG_PAGER_MS));
	if (kr != KERN_MEMORY_WAIT)
		return kr;
	do {
		kr = find(port, &object);
		if (kr == KERN_NOT_FOUND)
			kr = make(port, &object);
	} while (kr == KERN_ABORTED);
	if (kr == KERN_MEMORY_WAIT)
		return kr;
	memory_wait_forget();
	if (kr != KERN_SUCCESS)
		return kr;
	*viewp = view_create_object(object);
	if (*viewp != NULL)
		return KERN_SUCCESS;
	object_put(object);
	return KERN_RESOURCE_SHORTAGE;
}

/* ---- the end ---- */

/* Tell the pager, and let its port be mapped anew. */
static void
terminate(struct pager *pager)
{
	detach(pager);
	pager_message_end(pager);
	memory_wake(pager->port, 0, UINT64_MAX, KERN_SUCCESS);
	pager_put(pager); /* the control port's */
}

/* All pages of a pager that is gone go. */
static bool
work_step(struct reap_item *item)
{
	struct pager *pager = container_of(item, struct pager, work);
	struct object *object = pager->object;
	kern_return_t kr = pager_clean_step(object, &pager->last);

	if (kr == KERN_OPERATION_TIMED_OUT)
		return true;
	if (kr != KERN_SUCCESS) {
		reap_starved(item);
		return false;
	}
	terminate(pager);
	object_put(object);
	return false;
}

void
pager_give_up(struct pager *pager)
{
	struct object *object = pager_object(pager);
	bool was_gone;

	if (object == NULL)
		return;
	spin_lock(&object->lock);
	was_gone = pager->gone;
	pager->gone = true;
	spin_unlock(&object->lock);
	if (was_gone) {
		object_put(object);
		return;
	}
	pager_cache_drop(object);
	memory_wake(object, 0, UINT64_MAX, KERN_MEMORY_ERROR);
	pager->last = (struct pager_clean){.end = object->size, .flush = true};
	reap_later(&pager->work); /* with our reference to the object */
}

kern_return_t
pager_end_step(struct object *object)
{
	struct pager *pager = object->pager;
	kern_return_t kr = KERN_SUCCESS;

	if (!pager->gone) {
		if (pager->last.end == 0)
			pager->last = (struct pager_clean){
			    .end = object->size,
			    .should_return = MEMORY_OBJECT_RETURN_ALL,
			    .flush = true,
			    .wait_for_room = true,
			    .may_lose = true,
			};
		kr = pager_clean_step(object, &pager->last);
	}
	if (kr != KERN_SUCCESS)
		return kr;
	pager_list_remove(pager);
	spin_lock(&pager->lock);
	pager->object = NULL;
	spin_unlock(&pager->lock);
	if (!pager->gone)
		terminate(pager);
	object->pager = NULL;
	pager_put(pager);
	return KERN_SUCCESS;
}
