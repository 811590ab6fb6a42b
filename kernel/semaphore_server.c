/*
 * semaphore_server.c: semaphores as users see them: the traps, and the same as
 * messages to a semaphore's port.
 */
#include <mach/mach_types.h>
#include <serve/semaphore.h>
#include <serve/task.h>

#include "ipc/kserver.h"
#include "ipc/right.h"
#include "kernel/semaphore.h"
#include "kernel/servers.h"
#include "kernel/task.h"
#include "kernel/thread.h"

/* ---- traps ---- */

static never_inline kern_return_t
lookup_slow(uint64_t name, struct semaphore **semaphorep)
{
	void *object;
	kern_return_t kr = kobject_from_name(current_thread()->task->space,
	    (mach_port_name_t)name, KOBJECT_SEMAPHORE, &object);

	if (kr == KERN_SUCCESS)
		*semaphorep = object;
	return kr;
}

static inline kern_return_t
lookup(uint64_t name, struct semaphore **semaphorep)
{
	struct port *port = kobject_lock_named(current_thread()->task->space,
	    (mach_port_name_t)name, KOBJECT_SEMAPHORE);

	if (unlikely(port == NULL))
		return lookup_slow(name, semaphorep);
	*semaphorep = semaphore_get(port->object);
	spin_unlock(&port->lock);
	return KERN_SUCCESS;
}

kern_return_t
semaphore_from_name(uint64_t name, struct semaphore **semaphorep)
{
	return lookup(name, semaphorep);
}

/* What @entry names, with a reference; NULL: no semaphore.  Locks: the space's,
 * whose entry it is. */
static inline struct semaphore *
semaphore_of(const struct entry *entry)
{
	struct semaphore *semaphore = NULL;
	struct port *port;

	if (unlikely(entry == NULL || (entry->key & MACH_PORT_TYPE_SEND) == 0))
		return NULL;
	port = entry->port;
	port_lock(port);
	if (likely(port->kind == KOBJECT_SEMAPHORE &&
		   port->state == PORT_IN_KERNEL))
		semaphore = semaphore_get(port->object);
	spin_unlock(&port->lock);
	return semaphore;
}

static never_inline kern_return_t
lookup_both_slow(uint64_t wait_name, uint64_t signal_name,
    struct semaphore **waitp, struct semaphore **signalp)
{
	kern_return_t kr = lookup_slow(signal_name, signalp);

	if (kr != KERN_SUCCESS)
		return kr;
	kr = lookup_slow(wait_name, waitp);
	if (kr != KERN_SUCCESS)
		semaphore_put(*signalp);
	return kr;
}

static inline kern_return_t
lookup_both(uint64_t wait_name, uint64_t signal_name, struct semaphore **waitp,
    struct semaphore **signalp)
{
	struct space *space = current_thread()->task->space;
	struct semaphore *wait, *signal;

	spin_lock(&space->lock);
	wait = semaphore_of(space_lookup(space, (mach_port_name_t)wait_name));
	signal =
	    semaphore_of(space_lookup(space, (mach_port_name_t)signal_name));
	spin_unlock(&space->lock);
	*waitp = wait;
	*signalp = signal;
	if (likely(wait != NULL && signal != NULL))
		return KERN_SUCCESS;
	if (wait != NULL)
		semaphore_put(wait);
	if (signal != NULL)
		semaphore_put(signal);
	return lookup_both_slow(wait_name, signal_name, waitp, signalp);
}

kern_return_t
semaphore_signal_trap(uint64_t name)
{
	struct semaphore *semaphore;
	kern_return_t kr = lookup(name, &semaphore);

	if (kr != KERN_SUCCESS)
		return kr;
	kr = semaphore_signal(semaphore);
	semaphore_put(semaphore);
	return kr;
}

kern_return_t
semaphore_signal_all_trap(uint64_t name)
{
	struct semaphore *semaphore;
	kern_return_t kr = lookup(name, &semaphore);

	if (kr != KERN_SUCCESS)
		return kr;
	kr = semaphore_signal_all(semaphore);
	semaphore_put(semaphore);
	return kr;
}

kern_return_t
semaphore_signal_thread_trap(uint64_t name, uint64_t thread_name)
{
	struct space *space = current_thread()->task->space;
	struct semaphore *semaphore;
	void *thread = NULL;
	kern_return_t kr = lookup(name, &semaphore);

	if (kr != KERN_SUCCESS)
		return kr;
	if ((mach_port_name_t)thread_name != MACH_PORT_NULL)
		kr = kobject_from_name(space, (mach_port_name_t)thread_name,
		    KOBJECT_THREAD, &thread);
	if (kr == KERN_SUCCESS)
		kr = semaphore_signal_thread(semaphore, thread);
	if (thread != NULL)
		thread_put(thread);
	semaphore_put(semaphore);
	return kr;
}

void
semaphore_wait_continue(void)
{
	thread_return_value((uint64_t)(int64_t)semaphore_wait_end());
}

kern_return_t
semaphore_wait_trap(uint64_t name)
{
	struct semaphore *semaphore;
	kern_return_t kr = lookup(name, &semaphore);

	if (kr != KERN_SUCCESS)
		return kr;
	return semaphore_wait(
	    semaphore, NULL, TIMER_NEVER, semaphore_wait_continue);
}

kern_return_t
semaphore_timedwait_trap(uint64_t name, uint64_t seconds, uint64_t nanoseconds)
{
	struct semaphore *semaphore;
	uint64_t deadline;
	kern_return_t kr;

	kr = semaphore_deadline(
	    (uint32_t)seconds, (int32_t)nanoseconds, &deadline);
	if (kr == KERN_SUCCESS)
		kr = lookup(name, &semaphore);
	if (kr != KERN_SUCCESS)
		return kr;
	return semaphore_wait(
	    semaphore, NULL, deadline, semaphore_wait_continue);
}

static kern_return_t
wait_signal(uint64_t wait_name, uint64_t signal_name, uint64_t deadline)
{
	struct semaphore *wait, *signal;
	kern_return_t kr = lookup_both(wait_name, signal_name, &wait, &signal);

	if (kr != KERN_SUCCESS)
		return kr;
	return semaphore_wait(wait, signal, deadline, semaphore_wait_continue);
}

kern_return_t
semaphore_wait_signal_trap(uint64_t wait_name, uint64_t signal_name)
{
	return wait_signal(wait_name, signal_name, TIMER_NEVER);
}

kern_return_t
semaphore_timedwait_signal_trap(uint64_t wait_name, uint64_t signal_name,
    uint64_t seconds, uint64_t nanoseconds)
{
	uint64_t deadline;
	kern_return_t kr = semaphore_deadline(
	    (uint32_t)seconds, (int32_t)nanoseconds, &deadline);

	if (kr != KERN_SUCCESS)
		return kr;
	return wait_signal(wait_name, signal_name, deadline);
}

/* ---- messages to a task ---- */

kern_return_t
serve_semaphore_create(
    struct task *task, struct port **right, int policy, int value)
{
	return semaphore_create(task, policy, value, right);
}

kern_return_t
serve_semaphore_destroy(struct task *task, struct semaphore *semaphore)
{
	if (semaphore == NULL)
		return KERN_INVALID_ARGUMENT;
	return semaphore_destroy(task, semaphore);
}

/* ---- messages to a semaphore ---- */

kern_return_t
serve_semaphore_signal(struct semaphore *semaphore)
{
	return semaphore_signal(semaphore);
}

kern_return_t
serve_semaphore_signal_all(struct semaphore *semaphore)
{
	return semaphore_signal_all(semaphore);
}

kern_return_t
serve_semaphore_signal_thread(
    struct semaphore *semaphore, struct thread *thread)
{
	return semaphore_signal_thread(semaphore, thread);
}

static void
called_continue(void)
{
	call_finish(semaphore_wait_end());
}

kern_return_t
serve_semaphore_wait(struct semaphore *semaphore)
{
	return semaphore_wait(
	    semaphore_get(semaphore), NULL, TIMER_NEVER, called_continue);
}

kern_return_t
serve_semaphore_timedwait(struct semaphore *semaphore, mach_timespec_t time)
{
	uint64_t deadline;
	kern_return_t kr =
	    semaphore_deadline(time.tv_sec, time.tv_nsec, &deadline);

	if (kr != KERN_SUCCESS)
		return kr;
	return semaphore_wait(
	    semaphore_get(semaphore), NULL, deadline, called_continue);
}

/* The right to @port stays the request's while this waits; who returns success
 * has taken it. */
static kern_return_t
called_wait_signal(struct semaphore *wait, struct port *port, uint64_t deadline)
{
	struct semaphore *signal = port_object_get(port, KOBJECT_SEMAPHORE);

	if (signal == NULL)
		return KERN_INVALID_ARGUMENT;
	return semaphore_wait(
	    semaphore_get(wait), signal, deadline, called_continue);
}

kern_return_t
serve_semaphore_wait_signal(struct semaphore *semaphore, struct port *signal)
{
	kern_return_t kr = called_wait_signal(semaphore, signal, TIMER_NEVER);

	if (kr == KERN_SUCCESS)
		right_release_send(signal);
	return kr;
}

kern_return_t
serve_semaphore_timedwait_signal(
    struct semaphore *semaphore, struct port *signal, mach_timespec_t time)
{
	uint64_t deadline;
	kern_return_t kr =
	    semaphore_deadline(time.tv_sec, time.tv_nsec, &deadline);

	if (kr == KERN_SUCCESS)
		kr = called_wait_signal(semaphore, signal, deadline);
	if (kr == KERN_SUCCESS)
		right_release_send(signal);
	return kr;
}
