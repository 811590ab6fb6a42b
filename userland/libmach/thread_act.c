/* libmach/thread_act.c: mach/thread_act.h. */
#include "call.h"

#include <mach/mach.h>
#include <mach/routine_ids.h>

static kern_return_t
thread_call(thread_act_t thread, mach_msg_id_t id)
{
	struct call call;

	call_begin(&call, id);
	call_perform(&call, thread);
	return call_end(&call);
}

/* A flavour and what belongs to it, asked for or told. */

static kern_return_t
thread_ask(thread_act_t thread, mach_msg_id_t id, uint32_t flavor, void *words,
    uint32_t *count)
{
	struct call call;

	call_begin(&call, id);
	call_put_u32(&call, flavor);
	call_put_u32(&call, *count);
	call_perform(&call, thread);
	call_get_words(&call, words, count);
	return call_end(&call);
}

static kern_return_t
thread_tell(thread_act_t thread, mach_msg_id_t id, uint32_t flavor,
    const void *words, uint32_t count)
{
	struct call call;

	call_begin(&call, id);
	call_put_u32(&call, flavor);
	call_put_u32(&call, count);
	call_put_bytes(&call, words, count * sizeof(natural_t));
	call_perform(&call, thread);
	return call_end(&call);
}

kern_return_t
thread_terminate(thread_act_t thread)
{
	return thread_call(thread, MSGID_THREAD_TERMINATE);
}

kern_return_t
thread_get_state(thread_act_t thread, thread_state_flavor_t flavor,
    thread_state_t state, mach_msg_type_number_t *count)
{
	return thread_ask(
	    thread, MSGID_THREAD_GET_STATE, (uint32_t)flavor, state, count);
}

kern_return_t
thread_set_state(thread_act_t thread, thread_state_flavor_t flavor,
    thread_state_t state, mach_msg_type_number_t count)
{
	return thread_tell(
	    thread, MSGID_THREAD_SET_STATE, (uint32_t)flavor, state, count);
}

kern_return_t
thread_suspend(thread_act_t thread)
{
	return thread_call(thread, MSGID_THREAD_SUSPEND);
}

kern_return_t
thread_resume(thread_act_t thread)
{
	return thread_call(thread, MSGID_THREAD_RESUME);
}

kern_return_t
thread_abort(thread_act_t thread)
{
	return thread_call(thread, MSGID_THREAD_ABORT);
}

kern_return_t
thread_abort_safely(thread_act_t thread)
{
	return thread_call(thread, MSGID_THREAD_ABORT_SAFELY);
}

kern_return_t
thread_depress_abort(thread_act_t thread)
{
	return thread_call(thread, MSGID_THREAD_DEPRESS_ABORT);
}

kern_return_t
thread_info(thread_act_t thread, thread_flavor_t flavor, thread_info_t info,
    mach_msg_type_number_t *count)
{
	return thread_ask(thread, MSGID_THREAD_INFO, flavor, info, count);
}

kern_return_t
thread_policy_set(thread_act_t thread, thread_policy_flavor_t flavor,
    thread_policy_t policy, mach_msg_type_number_t count)
{
	return thread_tell(
	    thread, MSGID_THREAD_POLICY_SET, flavor, policy, count);
}

kern_return_t
thread_get_special_port(thread_act_t thread, int which, mach_port_t *special)
{
	struct call call;

	call_begin(&call, MSGID_THREAD_GET_SPECIAL_PORT);
	call_put_u32(&call, (uint32_t)which);
	call_perform(&call, thread);
	call_get_port(&call, special);
	return call_end(&call);
}

kern_return_t
thread_set_special_port(thread_act_t thread, int which, mach_port_t special)
{
	struct call call;

	call_begin(&call, MSGID_THREAD_SET_SPECIAL_PORT);
	call_put_port(&call, special, MACH_MSG_TYPE_COPY_SEND);
	call_put_u32(&call, (uint32_t)which);
	call_perform(&call, thread);
	return call_end(&call);
}
