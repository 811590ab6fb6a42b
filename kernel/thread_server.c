/*
 * kernel/thread_server.c: what a thread's port answers.
 *
 * Registers belong to whoever runs the thread, so for them it is made to stand
 * still.
 */
#include <mach/mach_types.h>
#include <serve/thread_act.h>

#include "ipc/kserver.h"
#include "ipc/port.h"
#include "kernel/servers.h"
#include "kernel/thread.h"
#include "kernel/thread_state.h"

/* ---- registers ---- */

/*
 * @thread at rest for the handler, who unpauses it: KERN_SUCCESS.
 * KCALL_AGAIN: not yet.  KERN_INVALID_ARGUMENT: it is the caller, whose
 * registers are in use.
 */
static kern_return_t
pause(struct thread *thread)
{
	uint64_t *paused = call_progress();
	kern_return_t kr;

	if (thread == current_thread())
		return KERN_INVALID_ARGUMENT;
	if (*paused == 0)
		thread_pause(thread);
	*paused = 1;
	kr = thread_at_rest(thread);
	if (kr == KERN_NOT_WAITING)
		return KCALL_AGAIN;
	if (kr != KERN_SUCCESS)
		thread_unpause(thread);
	return kr;
}

kern_return_t
serve_thread_set_state(struct thread *thread, thread_state_flavor_t flavor,
    const natural_t *words, mach_msg_type_number_t count)
{
	kern_return_t kr = pause(thread);

	if (kr != KERN_SUCCESS)
		return kr;
	kr = thread_state_set(thread, (uint32_t)flavor, words, count);
	thread_unpause(thread);
	return kr;
}

kern_return_t
serve_thread_get_state(struct thread *thread, thread_state_flavor_t flavor,
    natural_t *words, mach_msg_type_number_t *count)
{
	uint32_t size = thread_state_count((uint32_t)flavor);
	kern_return_t kr;

	if (size == 0 || *count < size)
		return KERN_INVALID_ARGUMENT;
	kr = pause(thread);
	if (kr != KERN_SUCCESS)
		return kr;
	thread_state_get(thread, (uint32_t)flavor, words);
	thread_unpause(thread);
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
	uint64_t *counted = call_progress();
	kern_return_t kr = KERN_SUCCESS;

	if (*counted == 0)
		kr = thread_suspend(thread);
	*counted = 1;
	if (kr != KERN_SUCCESS || thread == current_thread())
		return kr;
	/* When this returns it has done its last instruction. */
	return thread_at_rest(thread) == KERN_NOT_WAITING ? KCALL_AGAIN
							  : KERN_SUCCESS;
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
	kern_return_t kr;

	if (thread == current_thread())
		return KERN_SUCCESS; /* it waits for nothing */
	kr = pause(thread);
	if (kr != KERN_SUCCESS)
		return kr;
	kr = thread_abort_safely(thread);
	thread_unpause(thread);
	return kr;
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
run_state(struct thread *thread)
{
	switch (thread->state) {
	case THREAD_RUNNABLE:
		return TH_STATE_RUNNING;
	case THREAD_ACTIVE:
		return thread_is_waiting(thread) || fast_is_parked(thread)
			   ? TH_STATE_WAITING
			   : TH_STATE_RUNNING;
	case THREAD_STOPPED:
		return TH_STATE_STOPPED;
	case THREAD_DEAD:
		break;
	}
	return TH_STATE_HALTED;
}

/* System time is not told from user time, and is 0. */
kern_return_t
serve_thread_info(struct thread *thread, thread_flavor_t flavor,
    integer_t *words, mach_msg_type_number_t *count)
{
	uint64_t ticks = thread_cputime(thread);
	struct thread_basic_info basic = {
	    .user_time = timer_time_value(ticks),
	    .policy = POLICY_RR,
	    .run_state = run_state(thread),
	    .suspend_count = (integer_t)thread->suspend_count,
	};
	struct thread_identifier_info identifier = {
	    .thread_id = thread->id,
	    .thread_handle = thread->tf.tp,
	};
	struct thread_extended_info extended = {
	    .pth_user_time = timer_nanoseconds(ticks),
	    .pth_policy = POLICY_RR,
	    .pth_run_state = run_state(thread),
	    .pth_curpri = (int32_t)thread->priority,
	    .pth_priority = (int32_t)thread->base_priority,
	    .pth_maxpriority = PRIORITY_USER,
	};

	switch (flavor) {
	case THREAD_BASIC_INFO:
		return call_put_info(words, count, &basic, sizeof(basic));
	case THREAD_IDENTIFIER_INFO:
		return call_put_info(
		    words, count, &identifier, sizeof(identifier));
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
