/*
 * libmach/exception_ports.c: who is asked about exceptions; mach/thread_act.h,
 * mach/task.h and mach/mach_host.h.
 */
#include "call.h"

#include <mach/mach.h>
#include <mach/routine_ids.h>

/* A reply has places for so many ports, whatever their number. */
#define PLACES 32

/* Where the lines of get and swap go. */
struct lines {
	exception_mask_array_t masks;
	mach_msg_type_number_t *count;
	exception_handler_array_t ports;
	exception_behavior_array_t behaviors;
	thread_state_flavor_array_t flavors;
};

static kern_return_t
set(mach_port_t of, mach_msg_id_t id, exception_mask_t mask, mach_port_t port,
    exception_behavior_t behavior, thread_state_flavor_t flavor)
{
	struct call call;

	call_begin(&call, id);
	call_put_port(&call, port, MACH_MSG_TYPE_COPY_SEND);
	call_put_u32(&call, mask);
	call_put_u32(&call, (uint32_t)behavior);
	call_put_u32(&call, (uint32_t)flavor);
	call_perform(&call, of);
	return call_end(&call);
}

static void
get_lines(struct call *call, const struct lines *to)
{
	mach_port_t port[PLACES];
	uint32_t count = 0;

	for (unsigned i = 0; i < PLACES; i++)
		call_get_port(call, &port[i]);
	call_skip_ndr(call);
	call_get_u32(call, &count);
	if (count > EXC_TYPES_COUNT)
		count = EXC_TYPES_COUNT;
	call_get_bytes(call, to->masks, count * sizeof(*to->masks));
	call_get_bytes(call, to->behaviors, count * sizeof(*to->behaviors));
	call_get_bytes(call, to->flavors, count * sizeof(*to->flavors));
	if (call->result != KERN_SUCCESS)
		return;
	*to->count = count;
	for (unsigned i = 0; i < count; i++)
		to->ports[i] = port[i];
}

static kern_return_t
get(mach_port_t of, mach_msg_id_t id, exception_mask_t mask,
    const struct lines *to)
{
	struct call call;

	call_begin(&call, id);
	call_put_u32(&call, mask);
	call_perform(&call, of);
	get_lines(&call, to);
	return call_end(&call);
}

static kern_return_t
swap(mach_port_t of, mach_msg_id_t id, exception_mask_t mask, mach_port_t port,
    exception_behavior_t behavior, thread_state_flavor_t flavor,
    const struct lines *to)
{
	struct call call;

	call_begin(&call, id);
	call_put_port(&call, port, MACH_MSG_TYPE_COPY_SEND);
	call_put_u32(&call, mask);
	call_put_u32(&call, (uint32_t)behavior);
	call_put_u32(&call, (uint32_t)flavor);
	call_perform(&call, of);
	get_lines(&call, to);
	return call_end(&call);
}

kern_return_t
thread_set_exception_ports(thread_act_t thread, exception_mask_t mask,
    mach_port_t port, exception_behavior_t behavior,
    thread_state_flavor_t flavor)
{
	return set(thread, MSGID_THREAD_SET_EXCEPTION_PORTS, mask, port,
	    behavior, flavor);
}

kern_return_t
thread_get_exception_ports(thread_act_t thread, exception_mask_t mask,
    exception_mask_array_t masks, mach_msg_type_number_t *count,
    exception_handler_array_t ports, exception_behavior_array_t behaviors,
    thread_state_flavor_array_t flavors)
{
	struct lines lines = {masks, count, ports, behaviors, flavors};

	return get(thread, MSGID_THREAD_GET_EXCEPTION_PORTS, mask, &lines);
}

kern_return_t
thread_swap_exception_ports(thread_act_t thread, exception_mask_t mask,
    mach_port_t port, exception_behavior_t behavior,
    thread_state_flavor_t flavor, exception_mask_array_t masks,
    mach_msg_type_number_t *count, exception_handler_array_t ports,
    exception_behavior_array_t behaviors, thread_state_flavor_array_t flavors)
{
	struct lines lines = {masks, count, ports, behaviors, flavors};

	return swap(thread, MSGID_THREAD_SWAP_EXCEPTION_PORTS, mask, port,
	    behavior, flavor, &lines);
}

kern_return_t
task_set_exception_ports(task_t task, exception_mask_t mask, mach_port_t port,
    exception_behavior_t behavior, thread_state_flavor_t flavor)
{
	return set(
	    task, MSGID_TASK_SET_EXCEPTION_PORTS, mask, port, behavior, flavor);
}

kern_return_t
task_get_exception_ports(task_t task, exception_mask_t mask,
    exception_mask_array_t masks, mach_msg_type_number_t *count,
    exception_handler_array_t ports, exception_behavior_array_t behaviors,
    thread_state_flavor_array_t flavors)
{
	struct lines lines = {masks, count, ports, behaviors, flavors};

	return get(task, MSGID_TASK_GET_EXCEPTION_PORTS, mask, &lines);
}

kern_return_t
task_swap_exception_ports(task_t task, exception_mask_t mask, mach_port_t port,
    exception_behavior_t behavior, thread_state_flavor_t flavor,
    exception_mask_array_t masks, mach_msg_type_number_t *count,
    exception_handler_array_t ports, exception_behavior_array_t behaviors,
    thread_state_flavor_array_t flavors)
{
	struct lines lines = {masks, count, ports, behaviors, flavors};

	return swap(task, MSGID_TASK_SWAP_EXCEPTION_PORTS, mask, port, behavior,
	    flavor, &lines);
}

kern_return_t
host_set_exception_ports(host_priv_t host, exception_mask_t mask,
    mach_port_t port, exception_behavior_t behavior,
    thread_state_flavor_t flavor)
{
	return set(
	    host, MSGID_HOST_SET_EXCEPTION_PORTS, mask, port, behavior, flavor);
}

kern_return_t
host_get_exception_ports(host_priv_t host, exception_mask_t mask,
    exception_mask_array_t masks, mach_msg_type_number_t *count,
    exception_handler_array_t ports, exception_behavior_array_t behaviors,
    thread_state_flavor_array_t flavors)
{
	struct lines lines = {masks, count, ports, behaviors, flavors};

	return get(host, MSGID_HOST_GET_EXCEPTION_PORTS, mask, &lines);
}

kern_return_t
host_swap_exception_ports(host_priv_t host, exception_mask_t mask,
    mach_port_t port, exception_behavior_t behavior,
    thread_state_flavor_t flavor, exception_mask_array_t masks,
    mach_msg_type_number_t *count, exception_handler_array_t ports,
    exception_behavior_array_t behaviors, thread_state_flavor_array_t flavors)
{
	struct lines lines = {masks, count, ports, behaviors, flavors};

	return swap(host, MSGID_HOST_SWAP_EXCEPTION_PORTS, mask, port, behavior,
	    flavor, &lines);
}
