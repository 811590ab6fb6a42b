/*
 * semaphore_server.c: semaphores as users see them: the traps, and the same as
 * messages to a semaphore's port.
 */
#include <mach/mach_types.h>

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
	spin_lock(&port->lock);
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

static void
wait_continue(void)
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
	return semaphore_wait(semaphore, NULL, TIMER_NEVER, wait_continue);
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
	return semaphore_wait(semaphore, NULL, deadline, wait_continue);
}

static kern_return_t
wait_signal(uint64_t wait_name, uint64_t signal_name, uint64_t deadline)
{
	struct semaphore *wait, *signal;
	kern_return_t kr = lookup_both(wait_name, signal_name, &wait, &signal);

	if (kr != KERN_SUCCESS)
		return kr;
	return semaphore_wait(wait, signal, deadline, wait_continue);
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

static kern_return_t
serve_create(struct kcall *call)
{
	int policy = (int)kcall_u32(call);
	int32_t value = (int32_t)kcall_u32(call);
	struct port *right;
	kern_return_t kr =
	    semaphore_create(call->object, policy, value, &right);

	if (kr == KERN_SUCCESS)
		kcall_put_send(call, right);
	return kr;
}

static kern_return_t
serve_destroy(struct kcall *call)
{
	struct semaphore *semaphore =
	    port_object_get(kcall_port(call), KOBJECT_SEMAPHORE);
	kern_return_t kr;

	if (semaphore == NULL)
		return KERN_INVALID_ARGUMENT;
	kr = semaphore_destroy(call->object, semaphore);
	semaphore_put(semaphore);
	return kr;
}

/* ---- messages to a semaphore ---- */

static kern_return_t
serve_signal(struct kcall *call)
{
	return semaphore_signal(call->object);
}

static kern_return_t
serve_signal_all(struct kcall *call)
{
	return semaphore_signal_all(call->object);
}

static kern_return_t
serve_signal_thread(struct kcall *call)
{
	struct port *port = kcall_port(call);
	struct thread *thread = port_thread_get(port);
	kern_return_t kr;

	if (port != NULL && thread == NULL)
		return KERN_INVALID_ARGUMENT;
	kr = semaphore_signal_thread(call->object, thread);
	if (thread != NULL)
		thread_put(thread);
	return kr;
}

static void
call_continue(void)
{
	kcall_finish(semaphore_wait_end());
}

/* The wait settles the call: the reply is the request's own memory. */
static kern_return_t
call_wait(struct kcall *call, struct semaphore *signal, uint64_t deadline)
{
	struct semaphore *wait = call->object;

	kcall_suspend(call);
	call->object = NULL; /* its reference is the wait's now */
	return semaphore_wait(wait, signal, deadline, call_continue);
}

static kern_return_t
serve_wait(struct kcall *call)
{
	return call_wait(call, NULL, TIMER_NEVER);
}

static kern_return_t
read_deadline(struct kcall *call, uint64_t *deadlinep)
{
	uint32_t seconds = kcall_u32(call);

	return semaphore_deadline(seconds, (int32_t)kcall_u32(call), deadlinep);
}

static kern_return_t
serve_timedwait(struct kcall *call)
{
	uint64_t deadline;
	kern_return_t kr = read_deadline(call, &deadline);

	return kr == KERN_SUCCESS ? call_wait(call, NULL, deadline) : kr;
}

static kern_return_t
call_wait_signal(struct kcall *call, uint64_t deadline)
{
	struct semaphore *signal =
	    port_object_get(kcall_port(call), KOBJECT_SEMAPHORE);

	if (signal == NULL)
		return KERN_INVALID_ARGUMENT;
	return call_wait(call, signal, deadline);
}

static kern_return_t
serve_wait_signal(struct kcall *call)
{
	return call_wait_signal(call, TIMER_NEVER);
}

static kern_return_t
serve_timedwait_signal(struct kcall *call)
{
	uint64_t deadline;
	kern_return_t kr = read_deadline(call, &deadline);

	return kr == KERN_SUCCESS ? call_wait_signal(call, deadline) : kr;
}

/* ---- the table ---- */

const struct kroutine semaphore_routines[] = {
    {MSGID_SEMAPHORE_CREATE, "semaphore_create", KOBJECT_TASK, serve_create,
	.in = 8, .out_descriptors = 1},
    {MSGID_SEMAPHORE_DESTROY, "semaphore_destroy", KOBJECT_TASK, serve_destroy,
	.descriptors = "s"},
    {MSGID_SEMAPHORE_SIGNAL, "semaphore_signal", KOBJECT_SEMAPHORE,
	serve_signal},
    {MSGID_SEMAPHORE_SIGNAL_ALL, "semaphore_signal_all", KOBJECT_SEMAPHORE,
	serve_signal_all},
    {MSGID_SEMAPHORE_WAIT, "semaphore_wait", KOBJECT_SEMAPHORE, serve_wait},
    {MSGID_SEMAPHORE_SIGNAL_THREAD, "semaphore_signal_thread",
	KOBJECT_SEMAPHORE, serve_signal_thread, .descriptors = "s"},
    {MSGID_SEMAPHORE_TIMEDWAIT, "semaphore_timedwait", KOBJECT_SEMAPHORE,
	serve_timedwait, .in = 8},
    {MSGID_SEMAPHORE_WAIT_SIGNAL, "semaphore_wait_signal", KOBJECT_SEMAPHORE,
	serve_wait_signal, .descriptors = "s"},
    {MSGID_SEMAPHORE_TIMEDWAIT_SIGNAL, "semaphore_timedwait_signal",
	KOBJECT_SEMAPHORE, serve_timedwait_signal, .in = 8, .descriptors = "s"},
};
const unsigned semaphore_routine_count = ARRAY_SIZE(semaphore_routines);
