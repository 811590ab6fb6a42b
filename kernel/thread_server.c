/*
 * kernel/thread_server.c: what a thread's port answers.
 *
 * Registers belong to whoever runs the thread, so they are read and written
 * only while it is suspended and has come to rest.
 */
#include <mach/mach_types.h>

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

static kern_return_t
serve_thread_set_state(struct kcall *call)
{
	uint32_t flavor = kcall_u32(call);
	uint32_t count = kcall_u32(call);
	const uint32_t *words;

	if (count > THREAD_STATE_MAX)
		return KERN_INVALID_ARGUMENT;
	words = kcall_bytes(call, count * sizeof(*words));
	if (words == NULL)
		return KERN_INVALID_ARGUMENT;
	return thread_set_words(call->object, flavor, words, count);
}

static kern_return_t
serve_thread_get_state(struct kcall *call)
{
	uint32_t flavor = kcall_u32(call);
	uint32_t room = kcall_u32(call);
	uint32_t count = thread_state_count(flavor);
	uint32_t words[THREAD_STATE_WORDS_MAX];
	kern_return_t kr;

	if (count == 0 || room < count)
		return KERN_INVALID_ARGUMENT;
	kr = check_at_rest(call->object);
	if (kr != KERN_SUCCESS)
		return kr;
	thread_state_get(call->object, flavor, words);
	kcall_put_array(call, words, count, sizeof(natural_t));
	return KERN_SUCCESS;
}

/* ---- life ---- */

static kern_return_t
serve_thread_terminate(struct kcall *call)
{
	thread_terminate(call->object);
	return KERN_SUCCESS;
}

static kern_return_t
serve_thread_suspend(struct kcall *call)
{
	return thread_suspend(call->object);
}

static kern_return_t
serve_thread_resume(struct kcall *call)
{
	return thread_resume(call->object);
}

static kern_return_t
serve_thread_abort(struct kcall *call)
{
	thread_abort(call->object);
	return KERN_SUCCESS;
}

static kern_return_t
serve_thread_depress_abort(struct kcall *call)
{
	return thread_depress_abort(call->object);
}

static kern_return_t
serve_thread_get_special_port(struct kcall *call)
{
	if (kcall_u32(call) != THREAD_KERNEL_PORT)
		return KERN_INVALID_ARGUMENT;
	kcall_put_send(call, thread_make_send(call->object));
	return KERN_SUCCESS;
}

/* What a thread is called is the kernel's to say. */
static kern_return_t
serve_thread_set_special_port(struct kcall *call)
{
	(void)call;
	return KERN_INVALID_ARGUMENT;
}

/* ---- exception ports ---- */

static kern_return_t
serve_thread_set_exception_ports(struct kcall *call)
{
	return serve_set_exception_ports(
	    call, &(struct exception_scope){.thread = call->object});
}

static kern_return_t
serve_thread_get_exception_ports(struct kcall *call)
{
	return serve_get_exception_ports(
	    call, &(struct exception_scope){.thread = call->object});
}

static kern_return_t
serve_thread_swap_exception_ports(struct kcall *call)
{
	return serve_swap_exception_ports(
	    call, &(struct exception_scope){.thread = call->object});
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
static kern_return_t
put_basic_info(struct kcall *call)
{
	const struct thread *thread = call->object;
	struct thread_basic_info info = {
	    .policy = POLICY_RR,
	    .run_state = run_state(thread),
	    .suspend_count = (integer_t)thread->suspend_count,
	};

	kcall_put_array(
	    call, &info, THREAD_BASIC_INFO_COUNT, sizeof(natural_t));
	return KERN_SUCCESS;
}

static kern_return_t
put_extended_info(struct kcall *call)
{
	const struct thread *thread = call->object;
	struct thread_extended_info info = {
	    .pth_policy = POLICY_RR,
	    .pth_run_state = run_state(thread),
	    .pth_curpri = (int32_t)thread->priority,
	    .pth_priority = (int32_t)thread->base_priority,
	    .pth_maxpriority = PRIORITY_USER,
	};

	kcall_put_array(
	    call, &info, THREAD_EXTENDED_INFO_COUNT, sizeof(natural_t));
	return KERN_SUCCESS;
}

static kern_return_t
serve_thread_info(struct kcall *call)
{
	uint32_t flavor = kcall_u32(call);
	uint32_t room = kcall_u32(call);

	if (flavor == THREAD_BASIC_INFO && room >= THREAD_BASIC_INFO_COUNT)
		return put_basic_info(call);
	if (flavor == THREAD_EXTENDED_INFO &&
	    room >= THREAD_EXTENDED_INFO_COUNT)
		return put_extended_info(call);
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

static kern_return_t
serve_thread_policy_set(struct kcall *call)
{
	uint32_t flavor = kcall_u32(call);
	uint32_t count = kcall_u32(call);

	switch (flavor) {
	case THREAD_PRECEDENCE_POLICY:
		if (count < THREAD_PRECEDENCE_POLICY_COUNT ||
		    kcall_left(call) < sizeof(uint32_t))
			return KERN_INVALID_ARGUMENT;
		return set_importance(call->object, (int32_t)kcall_u32(call));
	case THREAD_EXTENDED_POLICY:
	case THREAD_AFFINITY_POLICY:
		return KERN_SUCCESS; /* wishes, and granted as they may be */
	}
	return KERN_INVALID_ARGUMENT;
}

/* ---- the table ---- */

const struct kroutine thread_routines[] = {
    {MSGID_THREAD_TERMINATE, "thread_terminate", KOBJECT_THREAD,
	serve_thread_terminate, .in = 0},
    {MSGID_THREAD_GET_STATE, "thread_get_state", KOBJECT_THREAD,
	serve_thread_get_state, .in = 8,
	.out = 4 + sizeof(struct riscv64_float_state)},
    {MSGID_THREAD_SET_STATE, "thread_set_state", KOBJECT_THREAD,
	serve_thread_set_state, .in = 8},
    {MSGID_THREAD_SUSPEND, "thread_suspend", KOBJECT_THREAD,
	serve_thread_suspend, .in = 0},
    {MSGID_THREAD_RESUME, "thread_resume", KOBJECT_THREAD, serve_thread_resume,
	.in = 0},
    {MSGID_THREAD_ABORT, "thread_abort", KOBJECT_THREAD, serve_thread_abort,
	.in = 0},
    {MSGID_THREAD_ABORT_SAFELY, "thread_abort_safely", KOBJECT_THREAD,
	serve_thread_abort, .in = 0},
    {MSGID_THREAD_DEPRESS_ABORT, "thread_depress_abort", KOBJECT_THREAD,
	serve_thread_depress_abort},
    {MSGID_THREAD_GET_SPECIAL_PORT, "thread_get_special_port", KOBJECT_THREAD,
	serve_thread_get_special_port, .in = 4, .out_descriptors = 1},
    {MSGID_THREAD_SET_SPECIAL_PORT, "thread_set_special_port", KOBJECT_THREAD,
	serve_thread_set_special_port, .in = 4, .descriptors = "s"},
    {MSGID_THREAD_INFO, "thread_info", KOBJECT_THREAD, serve_thread_info,
	.in = 8, .out = 4 + sizeof(struct thread_extended_info)},
    {MSGID_THREAD_POLICY_SET, "thread_policy_set", KOBJECT_THREAD,
	serve_thread_policy_set, .in = 8},
    {MSGID_THREAD_SET_EXCEPTION_PORTS, "thread_set_exception_ports",
	KOBJECT_THREAD, serve_thread_set_exception_ports, .in = 12,
	.descriptors = "s"},
    {MSGID_THREAD_GET_EXCEPTION_PORTS, "thread_get_exception_ports",
	KOBJECT_THREAD, serve_thread_get_exception_ports, .in = 4,
	.out = EXCEPTION_LIST_SIZE, .out_descriptors = EXCEPTION_LIST_MAX},
    {MSGID_THREAD_SWAP_EXCEPTION_PORTS, "thread_swap_exception_ports",
	KOBJECT_THREAD, serve_thread_swap_exception_ports, .in = 12,
	.descriptors = "s", .out = EXCEPTION_LIST_SIZE,
	.out_descriptors = EXCEPTION_LIST_MAX},
};
const unsigned thread_routine_count = ARRAY_SIZE(thread_routines);
