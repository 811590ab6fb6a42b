/* eventlink.c: see eventlink.h; eventlink_server.c has the messages. */
#include "kernel/eventlink.h"

#include "ipc/right.h"
#include "kernel/ledger.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/wait_queue.h"
#include "kernel/zone.h"

static struct zone eventlink_zone;

/* ---- life ---- */

static void
class_get(void *object)
{
	struct eventlink_side *side = object;

	atomic_fetch_add_explicit(&side->link->refs, 1, memory_order_relaxed);
}

static void
class_put(void *object)
{
	eventlink_put(object);
}

static void
class_no_senders(void *object)
{
	eventlink_destroy(object);
}

static const struct kobject_class eventlink_class = {
    .get = class_get,
    .put = class_put,
    .no_senders = class_no_senders,
};

void
eventlink_init(void)
{
	zone_init(&eventlink_zone, "eventlink", sizeof(struct eventlink), 0);
	ledger_weigh(BATON_LEDGER_EVENTLINKS,
	    sizeof(struct eventlink) + 2 * sizeof(struct port));
	kobject_register(KOBJECT_EVENTLINK, &eventlink_class);
}

static void
link_free(struct ledger *ledger, struct eventlink *link)
{
	if (link != NULL)
		zone_free(&eventlink_zone, link);
	ledger_release(ledger, BATON_LEDGER_EVENTLINKS, 1);
}

void
eventlink_put(struct eventlink_side *side)
{
	struct eventlink *link = side->link;

	/* acq_rel: who frees sees what every earlier holder wrote */
	if (atomic_fetch_sub_explicit(&link->refs, 1, memory_order_acq_rel) !=
	    1)
		return;
	KASSERT(link->dead);
	for (int i = 0; i < 2; i++) {
		KASSERT(link->side[i].port == NULL);
		KASSERT(link->side[i].waiter == NULL);
	}
	link_free(link->ledger, link);
}

kern_return_t
eventlink_create(struct ledger *ledger, struct port *rights[2])
{
	struct eventlink *link;
	struct port *port[2];

	if (!ledger_hold(ledger, BATON_LEDGER_EVENTLINKS, 1))
		return KERN_RESOURCE_SHORTAGE;
	link = zone_alloc(&eventlink_zone);
	if (link == NULL) {
		link_free(ledger, NULL);
		return KERN_RESOURCE_SHORTAGE;
	}
	*link = (struct eventlink){.ledger = ledger};
	spin_init(&link->lock, LOCK_SYNC);
	atomic_init(&link->refs, 2); /* each port's */
	port[0] = port_create_kernel(KOBJECT_EVENTLINK, &link->side[0]);
	port[1] = port_create_kernel(KOBJECT_EVENTLINK, &link->side[1]);
	if (port[0] == NULL || port[1] == NULL) {
		for (int i = 0; i < 2; i++)
			if (port[i] != NULL)
				port_destroy_kernel(port[i]);
		link_free(ledger, link);
		return KERN_RESOURCE_SHORTAGE;
	}
	for (int i = 0; i < 2; i++) {
		link->side[i].link = link;
		link->side[i].port = port[i];
	}
	for (int i = 0; i < 2; i++)
		rights[i] = right_make_send(port[i]);
	return KERN_SUCCESS;
}

/* Take the thread that waits on @side off it, claimed; the link is locked. */
static struct thread *
claim_waiter(struct eventlink_side *side, kern_return_t result)
{
	struct thread *waiter = side->waiter;

	side->waiter = NULL;
	if (waiter == NULL || !thread_claim(waiter, result))
		return NULL;
	return waiter;
}

/* Nobody waits on @side, and nobody may; the link is locked, and unlocked. */
static void
leave_side(struct eventlink_side *side)
{
	struct thread *waiter = claim_waiter(side, KERN_TERMINATED);

	side->thread = 0;
	side->anyone = false;
	spin_unlock(&side->link->lock);
	if (waiter != NULL)
		sched_wake(waiter);
}

void
eventlink_destroy(struct eventlink_side *side)
{
	struct eventlink *link = side->link;
	struct port *port;

	spin_lock(&link->lock);
	link->dead = true;
	port = side->port;
	side->port = NULL;
	leave_side(&link->side[0]);
	spin_lock(&link->lock);
	leave_side(&link->side[1]);
	if (port == NULL)
		return; /* it was destroyed before */
	port_destroy_kernel(port);
	eventlink_put(side); /* the port's */
}

/* ---- who may wait ---- */

kern_return_t
eventlink_associate(struct eventlink_side *side, struct thread *thread)
{
	struct eventlink *link = side->link;
	kern_return_t kr = KERN_SUCCESS;

	spin_lock(&link->lock);
	if (link->dead) {
		kr = KERN_TERMINATED;
	} else if (side->thread != 0 || side->anyone) {
		kr = KERN_NAME_EXISTS;
	} else {
		side->anyone = thread == NULL;
		/* Not a reference, which would keep its task's memory. */
		side->thread = thread != NULL ? thread->id : 0;
	}
	spin_unlock(&link->lock);
	return kr;
}

kern_return_t
eventlink_disassociate(struct eventlink_side *side)
{
	struct eventlink *link = side->link;
	kern_return_t kr = KERN_INVALID_ARGUMENT;

	spin_lock(&link->lock);
	if (link->dead)
		kr = KERN_TERMINATED;
	else if (side->thread != 0 || side->anyone)
		kr = KERN_SUCCESS;
	if (kr != KERN_SUCCESS) {
		spin_unlock(&link->lock);
		return kr;
	}
	leave_side(side);
	return KERN_SUCCESS;
}

/* ---- signals and waits ---- */

static never_inline kern_return_t
lookup_slow(uint64_t name, struct eventlink_side **sidep)
{
	void *object;
	kern_return_t kr = kobject_from_name(current_thread()->task->space,
	    (mach_port_name_t)name, KOBJECT_EVENTLINK, &object);

	if (kr == KERN_SUCCESS)
		*sidep = object;
	return kr == KERN_INVALID_ARGUMENT ? KERN_INVALID_CAPABILITY : kr;
}

static inline kern_return_t
lookup(uint64_t name, struct eventlink_side **sidep)
{
	struct port *port = kobject_lock_named(current_thread()->task->space,
	    (mach_port_name_t)name, KOBJECT_EVENTLINK);

	if (unlikely(port == NULL))
		return lookup_slow(name, sidep);
	*sidep = port->object;
	class_get(*sidep);
	spin_unlock(&port->lock);
	return KERN_SUCCESS;
}

/* One signal to @side; who is woken by it, claimed.  The link is locked. */
static struct thread *
signal_locked(struct eventlink_side *side)
{
	side->count++;
	if (side->waiter == NULL || side->count <= side->wanted)
		return NULL;
	return claim_waiter(side, KERN_SUCCESS);
}

uint64_t
eventlink_signal_trap(uint64_t name, uint64_t signal_count)
{
	struct eventlink_side *side;
	struct thread *next = NULL;
	kern_return_t kr = lookup(name, &side);

	(void)signal_count;
	if (kr != KERN_SUCCESS)
		return encode_eventlink_count_and_error(0UL, kr);
	spin_lock(&side->link->lock);
	if (side->link->dead)
		kr = KERN_TERMINATED;
	else
		next = signal_locked(eventlink_other(side));
	spin_unlock(&side->link->lock);
	if (next != NULL)
		sched_wake(next);
	eventlink_put(side);
	return encode_eventlink_count_and_error(0UL, kr);
}

void
eventlink_wait_continue(void)
{
	struct thread *self = current_thread();
	struct eventlink_side *side = self->sync.object;
	kern_return_t kr = wait_finish(self);
	/* What came while we were leaving is there for the next wait. */
	uint64_t count = self->sync.seen;

	if (kr == KERN_SUCCESS) {
		count = self->sync.count + 1;
	} else if (kr != KERN_TERMINATED) {
		spin_lock(&side->link->lock);
		if (side->waiter == self)
			side->waiter = NULL;
		spin_unlock(&side->link->lock);
	}
	self->sync.object = NULL;
	eventlink_put(side);
	thread_return_value(encode_eventlink_count_and_error(count, kr));
}

/*
 * May @self wait on @side for more than *@countp signals, and does it have to?
 * KERN_NOT_WAITING: it may, and has to; KERN_SUCCESS, KERN_OPERATION_TIMED_OUT:
 * it may, and *@countp is how many there are.  The link is locked.
 */
static kern_return_t
check_wait(struct eventlink_side *side, const struct thread *self,
    uint64_t *countp, uint64_t option)
{
	uint64_t wanted = *countp;

	if (side->link->dead)
		return KERN_TERMINATED;
	if (side->thread != self->id && (!side->anyone || side->waiter != NULL))
		return KERN_INVALID_ARGUMENT;
	if (wanted >= side->count && (option & MELSW_OPTION_NO_WAIT) == 0)
		return KERN_NOT_WAITING;
	*countp = side->count;
	return wanted < side->count ? KERN_SUCCESS : KERN_OPERATION_TIMED_OUT;
}

/* Wait on @side, which is locked and unlocked, in favour of @next. */
static noreturn void
wait_on(struct eventlink_side *side, struct thread *self, uint64_t count,
    uint64_t deadline, struct thread *next)
{
	side->waiter = self;
	side->wanted = count;
	self->sync.object = side; /* our reference goes with it */
	self->sync.count = count;
	self->sync.seen = side->count;
	wait_begin(self, eventlink_wait_continue,
	    deadline != 0 ? deadline : TIMER_NEVER, &side->link->lock);
	wait_hand_over(next);
}

static inline uint64_t
wait_until(struct eventlink_side *side, bool signal, uint64_t count,
    uint64_t option, uint64_t deadline)
{
	struct thread *self = current_thread();
	struct thread *next = NULL;
	kern_return_t kr;

	spin_lock(&side->link->lock);
	kr = check_wait(side, self, &count, option);
	if (signal && kr != KERN_TERMINATED && kr != KERN_INVALID_ARGUMENT)
		next = signal_locked(eventlink_other(side));
	if (likely(kr == KERN_NOT_WAITING))
		wait_on(side, self, count, deadline, next);
	spin_unlock(&side->link->lock);
	if (next != NULL)
		sched_wake(next);
	eventlink_put(side);
	return encode_eventlink_count_and_error(count, kr);
}

/* The 32-bit arguments, whose upper halves mean nothing. */
static bool
are_valid(uint64_t option, uint64_t clock_id)
{
	return ((uint32_t)option & ~(uint32_t)MELSW_OPTION_NO_WAIT) == 0 &&
	       (uint32_t)clock_id == KERN_CLOCK_MACH_ABSOLUTE_TIME;
}

uint64_t
eventlink_wait_until_trap(uint64_t name, uint64_t count, uint64_t option,
    uint64_t clock_id, uint64_t deadline)
{
	struct eventlink_side *side;
	kern_return_t kr = KERN_INVALID_ARGUMENT;

	if (are_valid(option, clock_id))
		kr = lookup(name, &side);
	if (kr != KERN_SUCCESS)
		return encode_eventlink_count_and_error(count, kr);
	return wait_until(side, false, count, option, deadline);
}

uint64_t
eventlink_signal_wait_until_trap(uint64_t name, uint64_t count,
    uint64_t signal_count, uint64_t option, uint64_t clock_id,
    uint64_t deadline)
{
	struct eventlink_side *side;
	kern_return_t kr = KERN_INVALID_ARGUMENT;

	(void)signal_count;
	if (are_valid(option, clock_id))
		kr = lookup(name, &side);
	if (kr != KERN_SUCCESS)
		return encode_eventlink_count_and_error(count, kr);
	return wait_until(side, true, count, option, deadline);
}
