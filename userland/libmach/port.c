/*
 * libmach/port.c: what mach/mach_port.h has as traps.
 *
 * A trap serves the caller's own names; another task's are reached by a message
 * to its port.
 */
#include <mach/mach.h>
#include <user/mach_port.h>

static bool
own(ipc_space_t task)
{
	return task == mach_task_self();
}

kern_return_t
mach_port_allocate(
    ipc_space_t task, mach_port_right_t right, mach_port_name_t *name)
{
	if (own(task))
		return _kernelrpc_mach_port_allocate_trap(task, right, name);
	return _kernelrpc_mach_port_allocate(task, right, name);
}

kern_return_t
mach_port_construct(ipc_space_t task, mach_port_options_ptr_t options,
    mach_port_context_t context, mach_port_name_t *name)
{
	if (own(task))
		return _kernelrpc_mach_port_construct_trap(
		    task, options, context, name);
	return _kernelrpc_mach_port_construct(task, options, context, name);
}

kern_return_t
mach_port_destruct(ipc_space_t task, mach_port_name_t name,
    mach_port_delta_t delta, mach_port_context_t guard)
{
	if (own(task))
		return _kernelrpc_mach_port_destruct_trap(
		    task, name, delta, guard);
	return _kernelrpc_mach_port_destruct(task, name, delta, guard);
}

kern_return_t
mach_port_deallocate(ipc_space_t task, mach_port_name_t name)
{
	if (own(task))
		return _kernelrpc_mach_port_deallocate_trap(task, name);
	return _kernelrpc_mach_port_deallocate(task, name);
}

kern_return_t
mach_port_mod_refs(ipc_space_t task, mach_port_name_t name,
    mach_port_right_t right, mach_port_delta_t delta)
{
	if (own(task))
		return _kernelrpc_mach_port_mod_refs_trap(
		    task, name, right, delta);
	return _kernelrpc_mach_port_mod_refs(task, name, right, delta);
}

kern_return_t
mach_port_type(ipc_space_t task, mach_port_name_t name, mach_port_type_t *type)
{
	if (own(task))
		return _kernelrpc_mach_port_type_trap(task, name, type);
	return _kernelrpc_mach_port_type(task, name, type);
}

kern_return_t
mach_port_insert_right(ipc_space_t task, mach_port_name_t name,
    mach_port_t poly, mach_msg_type_name_t disposition)
{
	if (own(task))
		return _kernelrpc_mach_port_insert_right_trap(
		    task, name, poly, disposition);
	return _kernelrpc_mach_port_insert_right(task, name, poly, disposition);
}

kern_return_t
mach_port_get_attributes(ipc_space_t task, mach_port_name_t name,
    mach_port_flavor_t flavor, mach_port_info_t info,
    mach_msg_type_number_t *count)
{
	if (own(task))
		return _kernelrpc_mach_port_get_attributes_trap(
		    task, name, flavor, info, count);
	return _kernelrpc_mach_port_get_attributes(
	    task, name, flavor, info, count);
}

kern_return_t
mach_port_move_member(
    ipc_space_t task, mach_port_name_t member, mach_port_name_t after)
{
	if (own(task))
		return _kernelrpc_mach_port_move_member_trap(
		    task, member, after);
	return _kernelrpc_mach_port_move_member(task, member, after);
}

kern_return_t
mach_port_insert_member(
    ipc_space_t task, mach_port_name_t name, mach_port_name_t set)
{
	if (own(task))
		return _kernelrpc_mach_port_insert_member_trap(task, name, set);
	return _kernelrpc_mach_port_insert_member(task, name, set);
}

kern_return_t
mach_port_extract_member(
    ipc_space_t task, mach_port_name_t name, mach_port_name_t set)
{
	if (own(task))
		return _kernelrpc_mach_port_extract_member_trap(
		    task, name, set);
	return _kernelrpc_mach_port_extract_member(task, name, set);
}

kern_return_t
mach_port_request_notification(ipc_space_t task, mach_port_name_t name,
    mach_msg_id_t id, mach_port_mscount_t sync, mach_port_t notify,
    mach_msg_type_name_t disposition, mach_port_t *previous)
{
	if (own(task))
		return _kernelrpc_mach_port_request_notification_trap(
		    task, name, id, sync, notify, disposition, previous);
	return _kernelrpc_mach_port_request_notification(
	    task, name, id, sync, notify, disposition, previous);
}

kern_return_t
mach_port_guard(ipc_space_t task, mach_port_name_t name,
    mach_port_context_t guard, boolean_t strict)
{
	if (own(task))
		return _kernelrpc_mach_port_guard_trap(
		    task, name, guard, strict);
	return _kernelrpc_mach_port_guard(task, name, guard, strict);
}

kern_return_t
mach_port_unguard(
    ipc_space_t task, mach_port_name_t name, mach_port_context_t guard)
{
	if (own(task))
		return _kernelrpc_mach_port_unguard_trap(task, name, guard);
	return _kernelrpc_mach_port_unguard(task, name, guard);
}
