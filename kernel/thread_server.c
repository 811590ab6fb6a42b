/*
 * kernel/thread_server.c: what a thread's port answers.
 *
 * Registers belong to whoever runs the thread, so they are read and written
 * only while it is suspended and has come to rest.
 */
#include <mach/mach_types.h>
#include <serve/thread_act.h>

#include "ipc/kserver.h"
#include "ipc/port.h"
#include "kernel/servers.h"
#include "kernel/thread.h"
#include "kernel/thread_state.h"

struct port *
thread_make_send(struct thread *thread)
{
	struct port *port, *right;

	/* A port's lock comes before a thread's. */
	spin_lock(&thread->lock);
	port = thread->self_port;
	if (port != NULL)
		port_get(port);
	spin_unlock(&thread->lock);
	if (port == NULL)
		return NULL;
	right = right_make_send(port);
	port_put(port);
	return right;
}

/* ---- registers ---- */

/*
 * Does @thread keep still, so that its registers may be used?
 *
 * A suspended thread that waits or stands in a run queue meets AST_SUSPEND
 * before it returns to user mode.  KERN_FAILURE: it is not suspended, or is
 * the caller.  KCALL_AGAIN: it runs, until it notices.
 */
static kern_return_t
check_at_rest(struct thread *thread)
{
	kern_return_t kr = KERN_SUCCESS;

	if (thread == current_thread())
		return KERN_FAILURE;
	spin_lock(&thread->lock);
	if (thread->suspend_count + thread->held == 0)
		kr = KERN_FAILURE;
	else if (thread->state == THREAD_ACTIVE && !thread_is_waiting(thread))
		kr = KCALL_AGAIN;
	spin_unlock(&thread->lock);
	return kr;
}

kern_return_t
thread_set_words(struct thread *thread, uint32_t flavor, const uint32_t *words,
    uint32_t count)
{
	kern_return_t kr = check_at_rest(thread);

	return kr == KERN_SUCCESS
		   ? thread_state_set(thread, flavor, words, count)
		   : kr;
}

kern_return_t
serve_thread_set_state(struct thread *thread, thread_state_flavor_t flavor,
    const natural_t *words, mach_msg_type_number_t count)
{
	return thread_set_words(thread, (uint32_t)flavor, words, count);
}

kern_return_t
serve_thread_get_state(struct thread *thread, thread_state_flavor_t flavor,
    natural_t *words, mach_msg_type_number_t *count)
{
	uint32_t size = thread_state_count((uint32_t)flavor);
	kern_return_t kr;

	if (size == 0 || *count < size)
		return KERN_INVALID_ARGUMENT;
	kr = check_at_rest(thread);
	if (kr != KERN_SUCCESS)
		return kr;
	thread_state_get(thread, (uint32_t)flavor, words);
	*count = size;
	return KERN_SUCCESS;
}

/* ---- life ---- */

kern_return_t
serve_thread_terminate(struct thread *thread)
{
	thread_terminate(thread);
	return KERN_SUCCESS;
}

kern_return_t
serve_thread_suspend(struct thread *thread)
{
	return thread_suspend(thread);
}

kern_return_t
serve_thread_resume(struct thread *thread)
{
	return thread_resume(thread);
}

kern_return_t
serve_thread_abort(struct thread *thread)
{
	thread_abort(thread);
	return KERN_SUCCESS;
}

kern_return_t
serve_thread_abort_safely(struct thread *thread)
{
	thread_abort(thread);
	return KERN_SUCCESS;
}

kern_return_t
serve_thread_depress_abort(struct thread *thread)
{
	return thread_depress_abort(thread);
}

kern_return_t
serve_thread_get_special_port(
    struct thread *thread, int which, struct port **special)
{
	if (which != THREAD_KERNEL_PORT)
		return KERN_INVALID_ARGUMENT;
	*special = thread_make_send(thread);
	return KERN_SUCCESS;
}

/* What a thread is called is the kernel's to say. */
kern_return_t
serve_thread_set_special_port(
    struct thread *thread, int which, struct port *special)
{
	(void)thread;
	(void)which;
	(void)special;
	return KERN_INVALID_ARGUMENT;
}

/* ---- information ---- */

static integer_t
run_state(const struct thread *thread)
{
	switch (thread->state) {
	case THREAD_RUNNABLE:
		return TH_STATE_RUNNING;
	case THREAD_ACTIVE:
		return thread_is_waiting(thread) ? TH_STATE_WAITING
						 : TH_STATE_RUNNING;
	case THREAD_STOPPED:
		return TH_STATE_STOPPED;
	case THREAD_DEAD:
		break;
	}
	return TH_STATE_HALTED;
}

/* Times are not kept, so they are zero. */
kern_return_t
serve_thread_info(struct thread *thread, thread_flavor_t flavor,
    integer_t *words, mach_msg_type_number_t *count)
{
	struct thread_basic_info basic = {
	    .policy = POLICY_RR,
	    .run_state = run_state(thread),
	    .suspend_count = (integer_t)thread->suspend_count,
	};
	struct thread_extended_info extended = {
	    .pth_policy = POLICY_RR,
	    .pth_run_state = run_state(thread),
	    .pth_curpri = (int32_t)thread->priority,
	    .pth_priority = (int32_t)thread->base_priority,
	    .pth_maxpriority = PRIORITY_USER,
	};

	switch (flavor) {
	case THREAD_BASIC_INFO:
		return call_put_info(words, count, &basic, sizeof(basic));
	case THREAD_EXTENDED_INFO:
		return call_put_info(words, count, &extended, sizeof(extended));
	}
	return KERN_INVALID_ARGUMENT;
}

/*
 * Who holds a thread's port may make it less urgent than others and take that
 * back; to put it above them would take the processor from those who have no
 * say in it.
 */
static kern_return_t
set_importance(struct thread *thread, int32_t importance)
{
	if (importance > 0)
		return KERN_POLICY_LIMIT;
	if (importance <= -(int32_t)(PRIORITY_USER - PRIORITY_DEPRESS))
		importance = -(int32_t)(PRIORITY_USER - PRIORITY_DEPRESS);
	thread_set_priority(thread, (uint32_t)(PRIORITY_USER + importance));
	return KERN_SUCCESS;
}

kern_return_t
serve_thread_policy_set(struct thread *thread, thread_policy_flavor_t flavor,
    const integer_t *policy, mach_msg_type_number_t count)
{
	switch (flavor) {
	case THREAD_PRECEDENCE_POLICY:
		if (count < THREAD_PRECEDENCE_POLICY_COUNT)
			return KERN_INVALID_ARGUMENT;
		return set_importance(thread, policy[0]);
	case THREAD_EXTENDED_POLICY:
	case THREAD_AFFINITY_POLICY:
		return KERN_SUCCESS; /* wishes, and granted as they may be */
	}
	return KERN_INVALID_ARGUMENT;
}
