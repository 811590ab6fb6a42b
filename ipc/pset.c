/*
 * pset.c: port sets.
 */
#include "ipc/pset.h"

#include "kernel/ledger.h"
#include "kernel/thread.h"
#include "kernel/zone.h"

/* Members or waiters that one step of a set's end deals with. */
#define STEP_MEMBERS 8

static struct zone pset_zone;
static struct zone link_zone;

static bool pset_reap_step(struct reap_item *item);

void
pset_init(void)
{
	zone_init(&pset_zone, "port set", sizeof(struct pset), 0);
	zone_init(&link_zone, "set member", sizeof(struct pset_link), 0);
	ledger_weigh(BATON_LEDGER_PORT_SETS, sizeof(struct pset));
}

struct pset *
pset_create(struct ledger *ledger)
{
	struct pset *pset;

	if (!ledger_hold(ledger, BATON_LEDGER_PORT_SETS, 1))
		return NULL;
	pset = zone_alloc(&pset_zone);
	if (pset == NULL) {
		ledger_release(ledger, BATON_LEDGER_PORT_SETS, 1);
		return NULL;
	}
	*pset = (struct pset){.name = MACH_PORT_NULL, .ledger = ledger};
	spin_init(&pset->lock, LOCK_PSET);
	atomic_init(&pset->word, PORT_GENERAL);
	atomic_init(&pset->refs, 1);
	list_init(&pset->members);
	list_init(&pset->ready);
	list_init(&pset->receivers);
	pset->reap.step = pset_reap_step;
	return pset;
}

void
pset_put(struct pset *pset)
{
	/* acq_rel: all uses by others happen before the last one's free */
	if (atomic_fetch_sub_explicit(&pset->refs, 1, memory_order_acq_rel) !=
	    1)
		return;
	KASSERT(list_empty(&pset->members));
	KASSERT(list_empty(&pset->receivers));
	KASSERT(atomic_load(&pset->word) == PORT_GENERAL);
	ledger_release(pset->ledger, BATON_LEDGER_PORT_SETS, 1);
	zone_free(&pset_zone, pset);
}

/* ---- members ---- */

/* A membership is paid for as a set is, by the set's task.  NULL: no memory, or
 * more than it may have. */
static struct pset_link *
link_alloc(struct pset *pset)
{
	struct pset_link *link;

	if (!ledger_hold(pset->ledger, BATON_LEDGER_PORT_SETS, 1))
		return NULL;
	link = zone_alloc(&link_zone);
	if (link == NULL)
		ledger_release(pset->ledger, BATON_LEDGER_PORT_SETS, 1);
	return link;
}

/* @ledger is its set's, which may be gone. */
static void
link_free(struct ledger *ledger, struct pset_link *link)
{
	ledger_release(ledger, BATON_LEDGER_PORT_SETS, 1);
	zone_free(&link_zone, link);
}

struct pset_link *
pset_find(struct pset *pset, struct port *port)
{
	struct list *at;

	KASSERT(spin_held(&port->lock));
	list_for_each (at, &port->sets) {
		struct pset_link *link =
		    container_of(at, struct pset_link, port_link);

		if (link->pset == pset)
			return link;
	}
	return NULL;
}

/* Are both still there, and is @port no member?  Both are locked. */
static kern_return_t
pset_may_insert(struct pset *pset, struct port *port, struct space *space)
{
	if (port->state != PORT_IN_SPACE || port->receiver != space)
		return KERN_INVALID_CAPABILITY;
	if (pset->dead)
		return KERN_INVALID_NAME;
	if (pset_find(pset, port) != NULL)
		return KERN_ALREADY_IN_SET;
	return KERN_SUCCESS;
}

/* A message that waits finds a receiver that waits.  Both are locked. */
static void
pset_meet(struct pset *pset, struct pset_link *link)
{
	if (!mqueue_waiting(&link->port->queue))
		return;
	list_add_tail(&pset->ready, &link->ready_link);
	mqueue_wake(&pset->receivers, RECEIVE_LOOK_AGAIN, 1);
}

/* @link makes @port a member.  Both are locked. */
static void
link_insert(struct pset_link *link, struct pset *pset, struct port *port)
{
	*link = (struct pset_link){.port = port, .pset = pset};
	list_add_tail(&port->sets, &link->port_link);
	list_add_tail(&pset->members, &link->member_link);
	list_init(&link->ready_link);
	port->set_count++;
	pset->member_count++;
	port_get(port); /* the link's */
	pset_meet(pset, link);
}

kern_return_t
pset_insert(struct pset *pset, struct port *port, struct space *space)
{
	struct pset_link *link = link_alloc(pset);
	kern_return_t kr;

	if (link == NULL)
		return KERN_RESOURCE_SHORTAGE;
	port_lock(port);
	pset_lock(pset);
	kr = pset_may_insert(pset, port, space);
	if (kr == KERN_SUCCESS && port->set_count >= SETS_PER_PORT_MAX)
		kr = KERN_RESOURCE_SHORTAGE;
	if (kr == KERN_SUCCESS)
		link_insert(link, pset, port);
	spin_unlock(&pset->lock);
	spin_unlock(&port->lock);
	if (kr != KERN_SUCCESS)
		link_free(pset->ledger, link);
	return kr;
}

/* @link's port is locked, and referred to by the caller too. */
static void
link_remove(struct pset_link *link)
{
	struct pset *pset = link->pset;
	struct ledger *ledger = pset->ledger;
	struct port *port = link->port;

	pset_lock(pset);
	list_remove(&link->port_link);
	list_remove(&link->member_link);
	list_remove(&link->ready_link);
	port->set_count--;
	pset->member_count--;
	spin_unlock(&pset->lock);
	link_free(ledger, link);
	port_put(port);
}

kern_return_t
pset_remove(struct pset *pset, struct port *port)
{
	struct pset_link *link;

	port_get(port);
	port_lock(port);
	link = pset_find(pset, port);
	if (link != NULL)
		link_remove(link);
	spin_unlock(&port->lock);
	port_put(port);
	return link != NULL ? KERN_SUCCESS : KERN_NOT_IN_SET;
}

void
pset_remove_all(struct port *port)
{
	KASSERT(spin_held(&port->lock));
	while (!list_empty(&port->sets))
		link_remove(
		    list_first(&port->sets, struct pset_link, port_link));
}

/* Leave the sets other than @pset.  Locks: the port's. */
static void
pset_remove_others(struct port *port, const struct pset *pset)
{
	struct list *at = port->sets.next;

	while (at != &port->sets) {
		struct pset_link *link =
		    container_of(at, struct pset_link, port_link);

		at = at->next;
		if (link->pset != pset)
			link_remove(link);
	}
}

kern_return_t
pset_move(struct pset *pset, struct port *port, struct space *space)
{
	struct pset_link *link = link_alloc(pset);
	bool joined = false;
	kern_return_t kr;

	if (link == NULL)
		return KERN_RESOURCE_SHORTAGE;
	port_lock(port);
	/* Into the new one first: for a moment it may be in one too many. */
	pset_lock(pset);
	kr = pset_may_insert(pset, port, space);
	if (kr == KERN_SUCCESS) {
		link_insert(link, pset, port);
		joined = true;
	}
	spin_unlock(&pset->lock);
	if (kr == KERN_ALREADY_IN_SET)
		kr = KERN_SUCCESS;
	if (kr == KERN_SUCCESS)
		pset_remove_others(port, pset);
	spin_unlock(&port->lock);
	if (!joined)
		link_free(pset->ledger, link);
	return kr;
}

/* ---- readiness ---- */

void
pset_port_ready(struct port *port)
{
	struct list *at;

	KASSERT(spin_held(&port->lock));
	list_for_each (at, &port->sets) {
		struct pset_link *link =
		    container_of(at, struct pset_link, port_link);

		pset_lock(link->pset);
		if (list_empty(&link->ready_link))
			list_add_tail(&link->pset->ready, &link->ready_link);
		/*
		 * The sender found nobody here and let go of this lock, or did
		 * not ask all: one shall look, and passes it on if he does not
		 * take the message.
		 */
		mqueue_wake(&link->pset->receivers, RECEIVE_LOOK_AGAIN, 1);
		spin_unlock(&link->pset->lock);
	}
}

void
pset_port_empty(struct port *port)
{
	struct list *at;

	KASSERT(spin_held(&port->lock));
	list_for_each (at, &port->sets) {
		struct pset_link *link =
		    container_of(at, struct pset_link, port_link);

		pset_lock(link->pset);
		list_remove(&link->ready_link);
		spin_unlock(&link->pset->lock);
	}
}

void
pset_wake_next(struct pset *pset)
{
	pset_lock(pset);
	mqueue_wake(&pset->receivers, RECEIVE_LOOK_AGAIN, 1);
	spin_unlock(&pset->lock);
}

struct port *
pset_next_ready(struct pset *pset)
{
	struct pset_link *link;

	KASSERT(spin_held(&pset->lock));
	if (list_empty(&pset->ready))
		return NULL;
	link = list_first(&pset->ready, struct pset_link, ready_link);
	list_remove(&link->ready_link);
	list_add_tail(&pset->ready, &link->ready_link);
	return port_get(link->port);
}

/* ---- the end ---- */

/* Remove a few members; false: there are none. */
static bool
pset_unlink_some(struct pset *pset)
{
	for (int i = 0; i < STEP_MEMBERS; i++) {
		struct port *port = NULL;

		pset_lock(pset);
		if (!list_empty(&pset->members))
			port = port_get(list_first(
			    &pset->members, struct pset_link, member_link)
					    ->port);
		spin_unlock(&pset->lock);
		if (port == NULL)
			return false;
		/* Gone meanwhile, if the port died: that will do too. */
		pset_remove(pset, port);
		port_put(port);
	}
	return true;
}

static bool
pset_reap_step(struct reap_item *item)
{
	struct pset *pset = container_of(item, struct pset, reap);
	bool waiters;

	pset_lock(pset);
	mqueue_wake(&pset->receivers, MACH_RCV_PORT_DIED, STEP_MEMBERS);
	waiters = !list_empty(&pset->receivers);
	spin_unlock(&pset->lock);
	if (pset_unlink_some(pset) || waiters)
		return true;
	pset_put(pset);
	return false;
}

void
pset_destroy(struct pset *pset)
{
	pset_lock(pset);
	pset->dead = true;
	spin_unlock(&pset->lock);
	reap_now(&pset->reap); /* with the name's reference */
}
