/* libmach/task.c: mach/task.h and task_set_name(). */
#include "call.h"

#include <baton/host.h>
#include <mach/mach.h>
#include <mach/routine_ids.h>

static kern_return_t
task_call(task_t task, mach_msg_id_t id)
{
	struct call call;

	call_begin(&call, id);
	call_perform(&call, task);
	return call_end(&call);
}

kern_return_t
task_create(task_t task, ledger_array_t ledgers,
    mach_msg_type_number_t ledger_count, boolean_t inherit_memory,
    task_t *child)
{
	struct call call;

	call_begin(&call, MSGID_TASK_CREATE);
	call_put_ports(&call, ledgers, ledger_count, MACH_MSG_TYPE_COPY_SEND);
	call_put_u32(&call, ledger_count);
	call_put_u32(&call, inherit_memory);
	call_perform(&call, task);
	call_get_port(&call, child);
	return call_end(&call);
}

kern_return_t
task_terminate(task_t task)
{
	return task_call(task, MSGID_TASK_TERMINATE);
}

kern_return_t
task_threads(
    task_t task, thread_act_array_t *threads, mach_msg_type_number_t *count)
{
	struct call call;

	call_begin(&call, MSGID_TASK_THREADS);
	call_perform(&call, task);
	call_get_ports(&call, threads, count);
	return call_end(&call);
}

kern_return_t
task_info(task_t task, task_flavor_t flavor, task_info_t info,
    mach_msg_type_number_t *count)
{
	struct call call;

	call_begin(&call, MSGID_TASK_INFO);
	call_put_u32(&call, flavor);
	call_put_u32(&call, *count);
	call_perform(&call, task);
	call_get_words(&call, info, count);
	return call_end(&call);
}

kern_return_t
task_suspend(task_t task)
{
	return task_call(task, MSGID_TASK_SUSPEND);
}

kern_return_t
task_resume(task_t task)
{
	return task_call(task, MSGID_TASK_RESUME);
}

kern_return_t
task_get_special_port(task_t task, int which, mach_port_t *special)
{
	struct call call;

	call_begin(&call, MSGID_TASK_GET_SPECIAL_PORT);
	call_put_u32(&call, (uint32_t)which);
	call_perform(&call, task);
	call_get_port(&call, special);
	return call_end(&call);
}

kern_return_t
task_set_special_port(task_t task, int which, mach_port_t special)
{
	struct call call;

	call_begin(&call, MSGID_TASK_SET_SPECIAL_PORT);
	call_put_port(&call, special, MACH_MSG_TYPE_COPY_SEND);
	call_put_u32(&call, (uint32_t)which);
	call_perform(&call, task);
	return call_end(&call);
}

kern_return_t
thread_create(task_t task, thread_act_t *thread)
{
	struct call call;

	call_begin(&call, MSGID_THREAD_CREATE);
	call_perform(&call, task);
	call_get_port(&call, thread);
	return call_end(&call);
}

kern_return_t
thread_create_running(task_t task, thread_state_flavor_t flavor,
    thread_state_t state, mach_msg_type_number_t count, thread_act_t *thread)
{
	struct call call;

	call_begin(&call, MSGID_THREAD_CREATE_RUNNING);
	call_put_u32(&call, (uint32_t)flavor);
	call_put_u32(&call, count);
	call_put_bytes(&call, state, count * sizeof(*state));
	call_perform(&call, task);
	call_get_port(&call, thread);
	return call_end(&call);
}

kern_return_t
task_set_name(task_t task, const char *name)
{
	struct call call;

	call_begin(&call, MSGID_TASK_SET_NAME);
	call_put_string(&call, name, BATON_TASK_NAME_MAX);
	call_perform(&call, task);
	return call_end(&call);
}

kern_return_t
mach_ports_register(
    task_t task, mach_port_array_t ports, mach_msg_type_number_t count)
{
	struct call call;

	call_begin(&call, MSGID_MACH_PORTS_REGISTER);
	call_put_ports(&call, ports, count, MACH_MSG_TYPE_COPY_SEND);
	call_put_u32(&call, count);
	call_perform(&call, task);
	return call_end(&call);
}

kern_return_t
mach_ports_lookup(
    task_t task, mach_port_array_t *ports, mach_msg_type_number_t *count)
{
	struct call call;

	call_begin(&call, MSGID_MACH_PORTS_LOOKUP);
	call_perform(&call, task);
	call_get_ports(&call, ports, count);
	return call_end(&call);
}
