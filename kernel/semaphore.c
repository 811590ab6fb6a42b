/* semaphore.c: see semaphore.h. */
#include "kernel/semaphore.h"

#include <mach/clock_types.h>
#include <mach/sync_policy.h>

#include "ipc/port.h"
#include "kernel/kassert.h"
#include "kernel/ledger.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/wait_queue.h"
#include "kernel/zone.h"

/* Threads woken in one step. */
#define WAKE_AT_ONCE 16

static struct zone semaphore_zone;

static bool wake_step(struct reap_item *item);

/* ---- life ---- */

static void
class_get(void *object)
{
	semaphore_get(object);
}

static void
class_put(void *object)
{
	semaphore_put(object);
}

/* It ends, if it has not before. */
static void
semaphore_end(struct semaphore *semaphore)
{
	struct task *owner = semaphore->owner;
	bool was_dead, listed;

	spin_lock(&semaphore->lock);
	was_dead = semaphore->dead;
	semaphore->dead = true;
	spin_unlock(&semaphore->lock);
	if (was_dead)
		return;
	spin_lock(&owner->lock);
	listed = !list_empty(&semaphore->owner_link);
	list_remove(&semaphore->owner_link);
	spin_unlock(&owner->lock);
	port_destroy_kernel(semaphore->port);
	/* Nobody joins those who wait any more. */
	spin_lock(&semaphore->lock);
	if (!semaphore->reaping) {
		semaphore->reaping = true;
		semaphore_get(semaphore);
		reap_later(&semaphore->reap);
	}
	spin_unlock(&semaphore->lock);
	if (listed)
		semaphore_put(semaphore);
	semaphore_put(semaphore); /* the port's */
}

static void
class_no_senders(void *object)
{
	semaphore_end(object);
}

static const struct kobject_class semaphore_class = {
    .get = class_get,
    .put = class_put,
    .no_senders = class_no_senders,
};

void
semaphore_init(void)
{
	zone_init(&semaphore_zone, "semaphore", sizeof(struct semaphore), 0);
	ledger_weigh(BATON_LEDGER_SEMAPHORES,
	    sizeof(struct semaphore) + sizeof(struct port));
	kobject_register(KOBJECT_SEMAPHORE, &semaphore_class);
}

void
semaphore_put(struct semaphore *semaphore)
{
	/* acq_rel: who frees sees what every earlier holder wrote */
	if (atomic_fetch_sub_explicit(
		&semaphore->refs, 1, memory_order_acq_rel) != 1)
		return;
	KASSERT(semaphore->dead);
	KASSERT(list_empty(&semaphore->waiters));
	KASSERT(list_empty(&semaphore->released));
	ledger_credit(semaphore->owner->ledger, BATON_LEDGER_SEMAPHORES, 1);
	task_put(semaphore->owner);
	zone_free(&semaphore_zone, semaphore);
}

/* Enter it into its owner's list; false: the owner is ending. */
static bool
own(struct task *task, struct semaphore *semaphore)
{
	bool alive;

	spin_lock(&task->lock);
	alive = !task->dying;
	if (alive)
		list_add_tail(
		    &task->semaphores, &semaphore_get(semaphore)->owner_link);
	spin_unlock(&task->lock);
	return alive;
}

kern_return_t
semaphore_create(
    struct task *task, int policy, int32_t value, struct port **portp)
{
	struct semaphore *semaphore;
	struct port *right;

	if (value < 0 || (policy & ~SYNC_POLICY_MAX) != 0)
		return KERN_INVALID_ARGUMENT;
	if (!ledger_charge(task->ledger, BATON_LEDGER_SEMAPHORES, 1))
		return KERN_RESOURCE_SHORTAGE;
	semaphore = zone_alloc(&semaphore_zone);
	if (semaphore == NULL)
		goto out_charge;
	*semaphore = (struct semaphore){.count = value, .policy = policy};
	semaphore->port = port_create_kernel(KOBJECT_SEMAPHORE, semaphore);
	if (semaphore->port == NULL)
		goto out_semaphore;
	spin_init(&semaphore->lock, LOCK_SYNC);
	atomic_init(&semaphore->refs, 2); /* the port's and ours */
	list_init(&semaphore->waiters);
	list_init(&semaphore->released);
	list_init(&semaphore->owner_link);
	semaphore->owner = task_get(task);
	semaphore->reap.step = wake_step;
	/* The right first: once it is in the list, it may end. */
	right = right_make_send(semaphore->port);
	if (!own(task, semaphore)) {
		semaphore_end(semaphore);
		semaphore_put(semaphore);
		right_release_send(right);
		return KERN_TERMINATED;
	}
	semaphore_put(semaphore);
	*portp = right;
	return KERN_SUCCESS;

out_semaphore:
	zone_free(&semaphore_zone, semaphore);
out_charge:
	ledger_credit(task->ledger, BATON_LEDGER_SEMAPHORES, 1);
	return KERN_RESOURCE_SHORTAGE;
}

kern_return_t
semaphore_destroy(struct task *task, struct semaphore *semaphore)
{
	if (semaphore->owner != task)
		return KERN_INVALID_ARGUMENT;
	semaphore_end(semaphore);
	return KERN_SUCCESS;
}

bool
semaphore_end_step(struct task *task)
{
	struct semaphore *semaphore = NULL;

	spin_lock(&task->lock);
	if (!list_empty(&task->semaphores))
		semaphore = semaphore_get(list_first(
		    &task->semaphores, struct semaphore, owner_link));
	spin_unlock(&task->lock);
	if (semaphore == NULL)
		return false;
	semaphore_end(semaphore);
	semaphore_put(semaphore);
	return true;
}

/* ---- signals ---- */

/* Wake some of those whose wait is over; true: there are more. */
static bool
wake_step(struct reap_item *item)
{
	struct semaphore *semaphore =
	    container_of(item, struct semaphore, reap);
	bool all;

	spin_lock(&semaphore->lock);
	all = wait_queue_wake(&semaphore->released, KERN_SUCCESS, WAKE_AT_ONCE);
	if (all && semaphore->dead)
		all = wait_queue_wake(
		    &semaphore->waiters, KERN_TERMINATED, WAKE_AT_ONCE);
	semaphore->reaping = !all;
	spin_unlock(&semaphore->lock);
	if (all)
		semaphore_put(semaphore);
	return !all;
}

/* Signal @semaphore, which is locked: who has it is claimed, in *@nextp. */
static kern_return_t
signal_locked(struct semaphore *semaphore, struct thread **nextp)
{
	struct thread *thread =
	    wait_queue_claim(&semaphore->waiters, KERN_SUCCESS);

	*nextp = thread;
	if (thread != NULL)
		return KERN_SUCCESS;
	if (semaphore->count == INT32_MAX)
		return KERN_FAILURE;
	semaphore->count++;
	return KERN_SUCCESS;
}

kern_return_t
semaphore_signal(struct semaphore *semaphore)
{
	struct thread *thread = NULL;
	kern_return_t kr = KERN_TERMINATED;

	spin_lock(&semaphore->lock);
	if (!semaphore->dead)
		kr = signal_locked(semaphore, &thread);
	spin_unlock(&semaphore->lock);
	if (thread != NULL)
		sched_wake(thread);
	return kr;
}

/* Wake some of those who wait; the reaper does the rest.  It is locked. */
static void
release_all(struct semaphore *semaphore)
{
	if (wait_queue_wake(&semaphore->waiters, KERN_SUCCESS, WAKE_AT_ONCE))
		return;
	list_splice_tail(&semaphore->released, &semaphore->waiters);
	if (semaphore->reaping)
		return;
	semaphore->reaping = true;
	semaphore_get(semaphore);
	reap_later(&semaphore->reap);
}

kern_return_t
semaphore_signal_all(struct semaphore *semaphore)
{
	kern_return_t kr = KERN_TERMINATED;

	spin_lock(&semaphore->lock);
	if (!semaphore->dead) {
		release_all(semaphore);
		kr = KERN_SUCCESS;
	}
	spin_unlock(&semaphore->lock);
	return kr;
}

/* Claim @thread if it waits for @semaphore, which is locked. */
static bool
claim_thread(struct semaphore *semaphore, struct thread *thread)
{
	/* Its queue is ours only while we hold the lock that says so; read
	 * otherwise it is some other, and the same as far as we go. */
	if (__atomic_load_n(&thread->sync.queue, __ATOMIC_RELAXED) !=
	    &semaphore->waiters)
		return false;
	wait_queue_remove(thread);
	return thread_claim(thread, KERN_SUCCESS);
}

kern_return_t
semaphore_signal_thread(struct semaphore *semaphore, struct thread *thread)
{
	kern_return_t kr = KERN_NOT_WAITING;

	spin_lock(&semaphore->lock);
	if (semaphore->dead) {
		kr = KERN_TERMINATED;
		thread = NULL;
	} else if (thread == NULL) {
		thread = wait_queue_claim(&semaphore->waiters, KERN_SUCCESS);
	} else if (!claim_thread(semaphore, thread)) {
		thread = NULL;
	}
	spin_unlock(&semaphore->lock);
	if (thread == NULL)
		return kr;
	sched_wake(thread);
	return KERN_SUCCESS;
}

/* ---- the end of a thread ---- */

kern_return_t
semaphore_expect(struct semaphore *semaphore, struct thread *thread)
{
	kern_return_t kr = KERN_SUCCESS;

	if (semaphore->owner != thread->task)
		return KERN_INVALID_ARGUMENT;
	spin_lock(&semaphore->lock);
	if (semaphore->dead)
		kr = KERN_TERMINATED;
	else if (semaphore->expected != NULL)
		kr = KERN_FAILURE;
	else
		semaphore->expected = thread;
	spin_unlock(&semaphore->lock);
	return kr;
}

struct thread *
semaphore_thread(struct semaphore *semaphore)
{
	struct thread *thread;

	spin_lock(&semaphore->lock);
	thread = semaphore->expected;
	if (thread != NULL)
		thread_get(thread);
	spin_unlock(&semaphore->lock);
	return thread;
}

void
semaphore_expect_nobody(struct semaphore *semaphore)
{
	spin_lock(&semaphore->lock);
	semaphore->expected = NULL;
	spin_unlock(&semaphore->lock);
}

struct thread *
semaphore_expected(struct semaphore *semaphore)
{
	struct thread *thread = NULL;

	spin_lock(&semaphore->lock);
	if (!semaphore->dead)
		(void)signal_locked(semaphore, &thread);
	spin_unlock(&semaphore->lock);
	semaphore_put(semaphore);
	return thread;
}

/* ---- waiting ---- */

/* @b may be NULL, or @a. */
static void
lock_both(struct semaphore *a, struct semaphore *b)
{
	if (b == NULL || b == a) {
		spin_lock(&a->lock);
	} else if (a < b) {
		spin_lock(&a->lock);
		spin_lock_second(&b->lock);
	} else {
		spin_lock(&b->lock);
		spin_lock_second(&a->lock);
	}
}

/* Unlock @signal, and drop the reference to it. */
static void
leave_signalled(struct semaphore *wait, struct semaphore *signal)
{
	if (signal == NULL)
		return;
	if (signal != wait)
		spin_unlock(&signal->lock);
	semaphore_put(signal);
}

/* Take one signal, both being locked; KERN_NOT_WAITING: there is none yet. */
static kern_return_t
exchange_locked(struct semaphore *wait, struct semaphore *signal,
    uint64_t deadline, struct thread **nextp)
{
	kern_return_t kr;

	if (wait->dead || (signal != NULL && signal->dead))
		return KERN_TERMINATED;
	if (signal != NULL) {
		kr = signal_locked(signal, nextp);
		if (kr != KERN_SUCCESS)
			return kr;
	}
	if (wait->count > 0) {
		wait->count--;
		return KERN_SUCCESS;
	}
	return deadline == SEMAPHORE_POLL ? KERN_OPERATION_TIMED_OUT
					  : KERN_NOT_WAITING;
}

kern_return_t
semaphore_wait(struct semaphore *wait, struct semaphore *signal,
    uint64_t deadline, continuation_t cont)
{
	struct thread *self = current_thread();
	struct thread *next = NULL;
	kern_return_t kr;

	lock_both(wait, signal);
	kr = exchange_locked(wait, signal, deadline, &next);
	leave_signalled(wait, signal);
	if (kr == KERN_NOT_WAITING) {
		self->sync.object = wait; /* our reference goes with it */
		wait_queue_add(&wait->waiters, self, wait->policy);
		wait_begin(self, cont, deadline, &wait->lock);
		wait_hand_over(next);
	}
	spin_unlock(&wait->lock);
	semaphore_put(wait);
	if (next != NULL)
		sched_wake(next);
	return kr;
}

kern_return_t
semaphore_wait_end(void)
{
	struct thread *self = current_thread();
	struct semaphore *semaphore = self->sync.object;
	kern_return_t kr = wait_finish(self);

	/* Who woke us with a signal, or as it died, took us off the queue. */
	if (kr != KERN_SUCCESS && kr != KERN_TERMINATED) {
		spin_lock(&semaphore->lock);
		wait_queue_remove(self);
		spin_unlock(&semaphore->lock);
	}
	self->sync.object = NULL;
	semaphore_put(semaphore);
	return kr;
}

kern_return_t
semaphore_deadline(uint32_t seconds, int32_t nanoseconds, uint64_t *deadlinep)
{
	if (nanoseconds < 0 || nanoseconds >= (int32_t)NSEC_PER_SEC)
		return KERN_INVALID_VALUE;
	*deadlinep = SEMAPHORE_POLL;
	if (seconds > 0 || nanoseconds > 0)
		*deadlinep = timer_after_us(
		    seconds * USEC_PER_SEC +
		    ((uint32_t)nanoseconds + 999) / NSEC_PER_USEC);
	return KERN_SUCCESS;
}
