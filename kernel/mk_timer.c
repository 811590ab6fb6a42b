/* mk_timer.c: see mk_timer.h. */
#include "kernel/mk_timer.h"

#include <arch/usercopy.h>

#include "ipc/kmsg.h"
#include "ipc/mach_port.h"
#include "ipc/right.h"
#include "kernel/ledger.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "kernel/zone.h"
#include "vm/memory_wait.h"

/* Behind the header stand three words that say nothing. */
#define BODY_SIZE 24

static struct zone mk_timer_zone;

static void fire(struct timer *timer);
static void work(struct timer_work *work);

static struct space *
own_space(void)
{
	return current_thread()->task->space;
}

/* ---- life ---- */

static void
mk_timer_free(struct ledger *ledger, struct mk_timer *timer)
{
	if (timer != NULL)
		zone_free(&mk_timer_zone, timer);
	ledger_release(ledger, BATON_LEDGER_TIMERS, 1);
}

static void
mk_timer_put(struct mk_timer *timer)
{
	/* acq_rel: who frees sees what every earlier holder wrote */
	if (atomic_fetch_sub_explicit(&timer->refs, 1, memory_order_acq_rel) !=
	    1)
		return;
	if (timer->message != NULL)
		kmsg_free(timer->message);
	right_release_send(timer->port);
	mk_timer_free(timer->ledger, timer);
}

/* The port has died, and does not know us any more. */
static void
mk_timer_end(void *object)
{
	struct mk_timer *timer = object;
	bool cancelled;

	/* The lock keeps work() from arming it after that. */
	port_lock(timer->port);
	timer->armed = false;
	cancelled = timer_cancel(&timer->timer);
	spin_unlock(&timer->port->lock);
	if (cancelled)
		mk_timer_put(timer);
	mk_timer_put(timer); /* the port's */
}

static const struct kobject_class mk_timer_class = {.ended = mk_timer_end};

void
mk_timer_init(void)
{
	zone_init(&mk_timer_zone, "mk timer", sizeof(struct mk_timer), 0);
	/* An alarm is no larger. */
	ledger_weigh(BATON_LEDGER_TIMERS, sizeof(struct mk_timer));
	kobject_register(KOBJECT_TIMER, &mk_timer_class);
}

/* A port that is a timer, its receive right the caller's; NULL: no memory. */
static struct port *
create(void)
{
	struct ledger *ledger = ledger_of_caller();
	struct mk_timer *timer = NULL;
	struct port *port;

	if (!ledger_hold(ledger, BATON_LEDGER_TIMERS, 1))
		return NULL;
	port = port_create(ledger);
	if (port != NULL)
		timer = zone_alloc(&mk_timer_zone);
	if (timer == NULL) {
		if (port != NULL)
			port_destroy(port);
		mk_timer_free(ledger, NULL);
		return NULL;
	}
	*timer = (struct mk_timer){
	    .timer.function = fire,
	    .work.run = work,
	    .refs = 1,
	    .port = right_make_send(port),
	    .ledger = ledger,
	};
	port->kind = KOBJECT_TIMER;
	port->object = timer;
	return port;
}

mach_port_name_t
mk_timer_create_trap(void)
{
	struct port *port = create();
	mach_port_name_t name;

	if (port == NULL)
		return MACH_PORT_NULL;
	if (right_copyout(own_space(), port, MACH_MSG_TYPE_PORT_RECEIVE,
		&name) != KERN_SUCCESS) {
		port_destroy(port);
		return MACH_PORT_NULL;
	}
	return name;
}

/* ---- expiry ---- */

/* Its time has come.  The timer lock is held. */
static void
fire(struct timer *timer)
{
	struct mk_timer *mk_timer = container_of(timer, struct mk_timer, timer);

	/* Seen by cancel(): timer_interrupt() has a release fence after us. */
	atomic_store_explicit(&mk_timer->due, true, memory_order_relaxed);
	timer_defer(&mk_timer->work); /* with the reference */
}

/* Take the message to send, with a send right for it, unless the last is still
 * in the queue.  The port is locked. */
static struct kmsg *
take_message(struct mk_timer *timer)
{
	struct port *port = timer->port;
	struct kmsg *message = timer->message;

	if (port->timer_posted)
		return NULL;
	port->timer_posted = true;
	timer->message = NULL;
	port->send_rights++;
	port_get(port);
	return message;
}

/* What is left to do when it has fired; consumes the reference, unless that
 * goes with the timer again. */
static void
work(struct timer_work *work)
{
	struct mk_timer *timer = container_of(work, struct mk_timer, work);
	struct port *port = timer->port;
	struct kmsg *message = NULL;

	port_lock(port);
	atomic_store_explicit(&timer->due, false, memory_order_relaxed);
	if (timer->armed && timer->deadline > timer_now()) {
		timer_arm(&timer->timer, timer->deadline);
		spin_unlock(&port->lock);
		return;
	}
	if (timer->armed)
		message = take_message(timer);
	timer->armed = false;
	spin_unlock(&port->lock);
	if (message != NULL)
		port_send_kernel(port, MACH_MSG_TYPE_PORT_SEND, message);
	mk_timer_put(timer);
}

/* ---- arming ---- */

/* The timer that @name is; its port is locked. */
static kern_return_t
lookup(uint64_t name, struct mk_timer **timerp)
{
	struct port *port;
	kern_return_t kr;

	kr = port_lock_named(own_space(), (mach_port_name_t)name, &port);
	if (kr != KERN_SUCCESS)
		return kr;
	if (port->kind != KOBJECT_TIMER || port->object == NULL) {
		spin_unlock(&port->lock);
		return KERN_INVALID_ARGUMENT;
	}
	*timerp = port->object;
	return KERN_SUCCESS;
}

/*
 * Take it off its hart; the reference that went with it is the caller's.
 * False: it was on none, but may be @due.  The port is locked.
 */
static bool
cancel(struct mk_timer *timer)
{
	bool cancelled = timer_cancel(&timer->timer);

	/* acquire: where it has just fired, pairs with the release fence in
	 * timer_interrupt(), so that we see @due */
	atomic_thread_fence(memory_order_acquire);
	timer->armed = false;
	return cancelled;
}

/* The port is locked. */
static kern_return_t
arm(struct mk_timer *timer, uint64_t deadline)
{
	if (timer->message == NULL)
		timer->message = kmsg_alloc(timer->ledger, BODY_SIZE, 0);
	if (timer->message == NULL)
		return KERN_RESOURCE_SHORTAGE;
	memset(timer->message->body, 0, BODY_SIZE);
	timer->message->timer = true;
	if (!cancel(timer) &&
	    !atomic_load_explicit(&timer->due, memory_order_relaxed))
		atomic_fetch_add_explicit(
		    &timer->refs, 1, memory_order_relaxed);
	timer->armed = true;
	timer->deadline = deadline;
	if (!atomic_load_explicit(&timer->due, memory_order_relaxed))
		timer_arm(&timer->timer, deadline);
	return KERN_SUCCESS;
}

kern_return_t
mk_timer_arm_trap(uint64_t name, uint64_t deadline)
{
	struct mk_timer *timer;
	kern_return_t kr = lookup(name, &timer);
	struct port *port;

	if (kr != KERN_SUCCESS)
		return kr;
	port = timer->port;
	kr = arm(timer, deadline);
	spin_unlock(&port->lock);
	return kr;
}

kern_return_t
mk_timer_arm_leeway_trap(
    uint64_t name, uint64_t flags, uint64_t deadline, uint64_t leeway)
{
	(void)flags;
	(void)leeway;
	return mk_timer_arm_trap(name, deadline);
}

static void say_continue(void);

/* The timer has been cancelled, so this cannot be taken back. */
static kern_return_t
say_deadline(uaddr_t result, uint64_t deadline)
{
	struct step_state *step = &current_thread()->step;
	kern_return_t kr = copyout(result, &deadline, sizeof(deadline));

	if (kr != KERN_MEMORY_WAIT)
		return kr;
	step->word[0] = result;
	step->word[1] = deadline;
	memory_wait_block(say_continue);
}

static void
say_continue(void)
{
	const struct step_state *step = &current_thread()->step;

	(void)memory_wait_end();
	thread_return_value(
	    (uint64_t)(int64_t)say_deadline(step->word[0], step->word[1]));
}

kern_return_t
mk_timer_cancel_trap(uint64_t name, uaddr_t result)
{
	struct mk_timer *timer;
	uint64_t deadline = 0;
	struct port *port;
	bool cancelled;
	kern_return_t kr;

	/* Can it be written?  Afterwards would be too late to say no. */
	if (result != 0 &&
	    copyout(result, &deadline, sizeof(deadline)) != KERN_SUCCESS)
		return KERN_INVALID_ADDRESS;
	kr = lookup(name, &timer);
	if (kr != KERN_SUCCESS)
		return kr;
	port = timer->port;
	deadline = timer->armed ? timer->deadline : 0;
	cancelled = cancel(timer);
	if (cancelled) /* not the last: the port has one */
		mk_timer_put(timer);
	spin_unlock(&port->lock);
	if (result == 0)
		return KERN_SUCCESS;
	return say_deadline(result, deadline);
}

kern_return_t
mk_timer_destroy_trap(uint64_t name)
{
	struct mk_timer *timer;
	kern_return_t kr = lookup(name, &timer);
	struct port *port;

	if (kr != KERN_SUCCESS)
		return kr;
	port = timer->port;
	spin_unlock(&port->lock);
	return mach_port_destroy(own_space(), (mach_port_name_t)name);
}
