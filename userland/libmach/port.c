/*
 * libmach/port.c: mach/mach_port.h.
 *
 * Where there is a trap it serves the caller's own names; another task's are
 * reached by a message to its port.
 */
#include "call.h"

#include <mach/mach.h>
#include <mach/routine_ids.h>

static bool
own(ipc_space_t task)
{
	return task == mach_task_self();
}

/* The many routines whose arguments are a name and two words, no result. */
static kern_return_t
name_call(ipc_space_t task, mach_msg_id_t id, mach_port_name_t name,
    unsigned int words, uint32_t first, uint32_t second)
{
	struct call call;

	call_begin(&call, id);
	call_put_u32(&call, name);
	if (words > 0)
		call_put_u32(&call, first);
	if (words > 1)
		call_put_u32(&call, second);
	call_perform(&call, task);
	return call_end(&call);
}

kern_return_t
mach_port_allocate(
    ipc_space_t task, mach_port_right_t right, mach_port_name_t *name)
{
	struct call call;

	if (own(task))
		return _kernelrpc_mach_port_allocate_trap(task, right, name);
	call_begin(&call, MSGID_MACH_PORT_ALLOCATE);
	call_put_u32(&call, right);
	call_perform(&call, task);
	call_get_u32(&call, name);
	return call_end(&call);
}

kern_return_t
mach_port_allocate_name(
    ipc_space_t task, mach_port_right_t right, mach_port_name_t name)
{
	struct call call;

	call_begin(&call, MSGID_MACH_PORT_ALLOCATE_NAME);
	call_put_u32(&call, right);
	call_put_u32(&call, name);
	call_perform(&call, task);
	return call_end(&call);
}

/* Options hold addresses of the caller's, so there is no message for this. */
kern_return_t
mach_port_construct(ipc_space_t task, mach_port_options_ptr_t options,
    mach_port_context_t context, mach_port_name_t *name)
{
	return _kernelrpc_mach_port_construct_trap(
	    task, options, context, name);
}

kern_return_t
mach_port_destruct(ipc_space_t task, mach_port_name_t name,
    mach_port_delta_t send_delta, mach_port_context_t guard)
{
	struct call call;

	if (own(task))
		return _kernelrpc_mach_port_destruct_trap(
		    task, name, send_delta, guard);
	call_begin(&call, MSGID_MACH_PORT_DESTRUCT);
	call_put_u32(&call, name);
	call_put_u32(&call, (uint32_t)send_delta);
	call_put_u64(&call, guard);
	call_perform(&call, task);
	return call_end(&call);
}

kern_return_t
mach_port_destroy(ipc_space_t task, mach_port_name_t name)
{
	return name_call(task, MSGID_MACH_PORT_DESTROY, name, 0, 0, 0);
}

kern_return_t
mach_port_deallocate(ipc_space_t task, mach_port_name_t name)
{
	if (own(task))
		return _kernelrpc_mach_port_deallocate_trap(task, name);
	return name_call(task, MSGID_MACH_PORT_DEALLOCATE, name, 0, 0, 0);
}

kern_return_t
mach_port_get_refs(ipc_space_t task, mach_port_name_t name,
    mach_port_right_t right, mach_port_urefs_t *refs)
{
	struct call call;

	call_begin(&call, MSGID_MACH_PORT_GET_REFS);
	call_put_u32(&call, name);
	call_put_u32(&call, right);
	call_perform(&call, task);
	call_get_u32(&call, refs);
	return call_end(&call);
}

kern_return_t
mach_port_mod_refs(ipc_space_t task, mach_port_name_t name,
    mach_port_right_t right, mach_port_delta_t delta)
{
	if (own(task))
		return _kernelrpc_mach_port_mod_refs_trap(
		    task, name, right, delta);
	return name_call(
	    task, MSGID_MACH_PORT_MOD_REFS, name, 2, right, (uint32_t)delta);
}

kern_return_t
mach_port_type(ipc_space_t task, mach_port_name_t name, mach_port_type_t *type)
{
	struct call call;

	if (own(task))
		return _kernelrpc_mach_port_type_trap(task, name, type);
	call_begin(&call, MSGID_MACH_PORT_TYPE);
	call_put_u32(&call, name);
	call_perform(&call, task);
	call_get_u32(&call, type);
	return call_end(&call);
}

kern_return_t
mach_port_names(ipc_space_t task, mach_port_name_array_t *names,
    mach_msg_type_number_t *name_count, mach_port_type_array_t *types,
    mach_msg_type_number_t *type_count)
{
	void *name_data, *type_data;
	uint32_t name_size, type_size;
	kern_return_t kr;
	struct call call;

	call_begin(&call, MSGID_MACH_PORT_NAMES);
	call_perform(&call, task);
	call_get_memory(&call, &name_data, &name_size);
	call_get_memory(&call, &type_data, &type_size);
	kr = call_end(&call);
	if (kr != KERN_SUCCESS)
		return kr;
	*names = name_data;
	*name_count = name_size / sizeof(**names);
	*types = type_data;
	*type_count = type_size / sizeof(**types);
	return KERN_SUCCESS;
}

kern_return_t
mach_port_insert_right(ipc_space_t task, mach_port_name_t name,
    mach_port_t poly, mach_msg_type_name_t disposition)
{
	struct call call;

	if (own(task))
		return _kernelrpc_mach_port_insert_right_trap(
		    task, name, poly, disposition);
	call_begin(&call, MSGID_MACH_PORT_INSERT_RIGHT);
	call_put_port(&call, poly, disposition);
	call_put_u32(&call, name);
	call_perform(&call, task);
	return call_end(&call);
}

kern_return_t
mach_port_extract_right(ipc_space_t task, mach_port_name_t name,
    mach_msg_type_name_t disposition, mach_port_t *poly,
    mach_msg_type_name_t *type)
{
	struct call call;

	call_begin(&call, MSGID_MACH_PORT_EXTRACT_RIGHT);
	call_put_u32(&call, name);
	call_put_u32(&call, disposition);
	call_perform(&call, task);
	call_get_port_type(&call, poly, type);
	return call_end(&call);
}

kern_return_t
mach_port_set_mscount(
    ipc_space_t task, mach_port_name_t name, mach_port_mscount_t count)
{
	return name_call(task, MSGID_MACH_PORT_SET_MSCOUNT, name, 1, count, 0);
}

kern_return_t
mach_port_set_seqno(
    ipc_space_t task, mach_port_name_t name, mach_port_seqno_t seqno)
{
	return name_call(task, MSGID_MACH_PORT_SET_SEQNO, name, 1, seqno, 0);
}

kern_return_t
mach_port_get_context(
    ipc_space_t task, mach_port_name_t name, mach_port_context_t *context)
{
	struct call call;

	call_begin(&call, MSGID_MACH_PORT_GET_CONTEXT);
	call_put_u32(&call, name);
	call_perform(&call, task);
	call_get_u64(&call, context);
	return call_end(&call);
}

kern_return_t
mach_port_set_context(
    ipc_space_t task, mach_port_name_t name, mach_port_context_t context)
{
	struct call call;

	call_begin(&call, MSGID_MACH_PORT_SET_CONTEXT);
	call_put_u32(&call, name);
	call_put_u64(&call, context);
	call_perform(&call, task);
	return call_end(&call);
}

kern_return_t
mach_port_get_attributes(ipc_space_t task, mach_port_name_t name,
    mach_port_flavor_t flavor, mach_port_info_t info,
    mach_msg_type_number_t *count)
{
	struct call call;

	if (own(task))
		return _kernelrpc_mach_port_get_attributes_trap(
		    task, name, flavor, info, count);
	call_begin(&call, MSGID_MACH_PORT_GET_ATTRIBUTES);
	call_put_u32(&call, name);
	call_put_u32(&call, (uint32_t)flavor);
	call_put_u32(&call, *count);
	call_perform(&call, task);
	call_get_words(&call, info, count);
	return call_end(&call);
}

kern_return_t
mach_port_peek(ipc_space_t task, mach_port_name_t name,
    mach_msg_trailer_type_t trailer_type, mach_port_seqno_t *seqno,
    mach_msg_size_t *size, mach_msg_id_t *id, mach_msg_trailer_info_t trailer,
    mach_msg_type_number_t *trailer_size)
{
	uint32_t room = *trailer_size, count = 0, got_id = 0;
	struct call call;

	call_begin(&call, MSGID_MACH_PORT_PEEK);
	call_put_u32(&call, name);
	call_put_u32(&call, trailer_type);
	call_put_u32(&call, *seqno);
	call_put_u32(&call, room);
	call_perform(&call, task);
	call_get_u32(&call, seqno);
	call_get_u32(&call, size);
	call_get_u32(&call, &got_id);
	call_get_u32(&call, &count);
	call_get_bytes(&call, trailer, count < room ? count : room);
	*id = (mach_msg_id_t)got_id;
	*trailer_size = count < room ? count : room;
	return call_end(&call);
}

kern_return_t
mach_port_set_attributes(ipc_space_t task, mach_port_name_t name,
    mach_port_flavor_t flavor, mach_port_info_t info,
    mach_msg_type_number_t count)
{
	struct call call;

	call_begin(&call, MSGID_MACH_PORT_SET_ATTRIBUTES);
	call_put_u32(&call, name);
	call_put_u32(&call, (uint32_t)flavor);
	call_put_u32(&call, count);
	call_put_bytes(&call, info, count * sizeof(*info));
	call_perform(&call, task);
	return call_end(&call);
}

kern_return_t
mach_port_move_member(
    ipc_space_t task, mach_port_name_t member, mach_port_name_t after)
{
	if (own(task))
		return _kernelrpc_mach_port_move_member_trap(
		    task, member, after);
	return name_call(
	    task, MSGID_MACH_PORT_MOVE_MEMBER, member, 1, after, 0);
}

kern_return_t
mach_port_insert_member(
    ipc_space_t task, mach_port_name_t name, mach_port_name_t set)
{
	if (own(task))
		return _kernelrpc_mach_port_insert_member_trap(task, name, set);
	return name_call(task, MSGID_MACH_PORT_INSERT_MEMBER, name, 1, set, 0);
}

kern_return_t
mach_port_extract_member(
    ipc_space_t task, mach_port_name_t name, mach_port_name_t set)
{
	if (own(task))
		return _kernelrpc_mach_port_extract_member_trap(
		    task, name, set);
	return name_call(task, MSGID_MACH_PORT_EXTRACT_MEMBER, name, 1, set, 0);
}

kern_return_t
mach_port_get_set_status(ipc_space_t task, mach_port_name_t name,
    mach_port_name_array_t *members, mach_msg_type_number_t *count)
{
	void *data;
	uint32_t size;
	kern_return_t kr;
	struct call call;

	call_begin(&call, MSGID_MACH_PORT_GET_SET_STATUS);
	call_put_u32(&call, name);
	call_perform(&call, task);
	call_get_memory(&call, &data, &size);
	kr = call_end(&call);
	if (kr != KERN_SUCCESS)
		return kr;
	*members = data;
	*count = size / sizeof(**members);
	return KERN_SUCCESS;
}

kern_return_t
mach_port_request_notification(ipc_space_t task, mach_port_name_t name,
    mach_msg_id_t id, mach_port_mscount_t sync, mach_port_t notify,
    mach_msg_type_name_t disposition, mach_port_t *previous)
{
	struct call call;

	if (own(task))
		return _kernelrpc_mach_port_request_notification_trap(
		    task, name, id, sync, notify, disposition, previous);
	call_begin(&call, MSGID_MACH_PORT_REQUEST_NOTIFICATION);
	call_put_port(&call, notify, disposition);
	call_put_u32(&call, name);
	call_put_u32(&call, (uint32_t)id);
	call_put_u32(&call, sync);
	call_perform(&call, task);
	call_get_port(&call, previous);
	return call_end(&call);
}

kern_return_t
mach_port_guard(ipc_space_t task, mach_port_name_t name,
    mach_port_context_t guard, boolean_t strict)
{
	struct call call;

	if (own(task))
		return _kernelrpc_mach_port_guard_trap(
		    task, name, guard, strict);
	call_begin(&call, MSGID_MACH_PORT_GUARD);
	call_put_u32(&call, name);
	call_put_u64(&call, guard);
	call_put_u32(&call, strict);
	call_perform(&call, task);
	return call_end(&call);
}

kern_return_t
mach_port_unguard(
    ipc_space_t task, mach_port_name_t name, mach_port_context_t guard)
{
	struct call call;

	if (own(task))
		return _kernelrpc_mach_port_unguard_trap(task, name, guard);
	call_begin(&call, MSGID_MACH_PORT_UNGUARD);
	call_put_u32(&call, name);
	call_put_u64(&call, guard);
	call_perform(&call, task);
	return call_end(&call);
}

kern_return_t
mach_port_guard_with_flags(ipc_space_t task, mach_port_name_t name,
    mach_port_context_t guard, uint64_t flags)
{
	struct call call;

	call_begin(&call, MSGID_MACH_PORT_GUARD_WITH_FLAGS);
	call_put_u32(&call, name);
	call_put_u64(&call, guard);
	call_put_u64(&call, flags);
	call_perform(&call, task);
	return call_end(&call);
}

kern_return_t
mach_port_swap_guard(ipc_space_t task, mach_port_name_t name,
    mach_port_context_t old_guard, mach_port_context_t new_guard)
{
	struct call call;

	call_begin(&call, MSGID_MACH_PORT_SWAP_GUARD);
	call_put_u32(&call, name);
	call_put_u64(&call, old_guard);
	call_put_u64(&call, new_guard);
	call_perform(&call, task);
	return call_end(&call);
}

kern_return_t
mach_port_assert_attributes(ipc_space_t task, mach_port_name_t name,
    mach_port_flavor_t flavor, mach_port_info_t info,
    mach_msg_type_number_t count)
{
	struct call call;

	call_begin(&call, MSGID_MACH_PORT_ASSERT_ATTRIBUTES);
	call_put_u32(&call, name);
	call_put_u32(&call, (uint32_t)flavor);
	call_put_u32(&call, count);
	call_put_bytes(&call, info, count * sizeof(*info));
	call_perform(&call, task);
	return call_end(&call);
}

/* A quality of service travels as it is, before the name or after it. */
static void
call_put_qos(struct call *call, const mach_port_qos_t *qos)
{
	call_put_bytes(call, qos, sizeof(*qos));
}

kern_return_t
mach_port_allocate_qos(ipc_space_t task, mach_port_right_t right,
    mach_port_qos_t *qos, mach_port_name_t *name)
{
	struct call call;

	call_begin(&call, MSGID_MACH_PORT_ALLOCATE_QOS);
	call_put_u32(&call, right);
	call_put_qos(&call, qos);
	call_perform(&call, task);
	call_get_bytes(&call, qos, sizeof(*qos));
	call_get_u32(&call, name);
	return call_end(&call);
}

kern_return_t
mach_port_allocate_full(ipc_space_t task, mach_port_right_t right,
    mach_port_t subsystem, mach_port_qos_t *qos, mach_port_name_t *name)
{
	struct call call;

	call_begin(&call, MSGID_MACH_PORT_ALLOCATE_FULL);
	call_put_port(&call, subsystem, MACH_MSG_TYPE_COPY_SEND);
	call_put_u32(&call, right);
	call_put_qos(&call, qos);
	call_put_u32(&call, *name);
	call_perform(&call, task);
	call_get_bytes(&call, qos, sizeof(*qos));
	call_get_u32(&call, name);
	return call_end(&call);
}

kern_return_t
mach_port_get_srights(
    ipc_space_t task, mach_port_name_t name, mach_port_rights_t *count)
{
	struct call call;

	call_begin(&call, MSGID_MACH_PORT_GET_SRIGHTS);
	call_put_u32(&call, name);
	call_perform(&call, task);
	call_get_u32(&call, count);
	return call_end(&call);
}

kern_return_t
mach_port_dnrequest_info(ipc_space_t task, mach_port_name_t name,
    unsigned int *total, unsigned int *used)
{
	struct call call;

	call_begin(&call, MSGID_MACH_PORT_DNREQUEST_INFO);
	call_put_u32(&call, name);
	call_perform(&call, task);
	call_get_u32(&call, total);
	call_get_u32(&call, used);
	return call_end(&call);
}

kern_return_t
mach_port_kobject(ipc_space_read_t task, mach_port_name_t name, natural_t *kind,
    mach_vm_address_t *address)
{
	struct call call;

	call_begin(&call, MSGID_MACH_PORT_KOBJECT);
	call_put_u32(&call, name);
	call_perform(&call, task);
	call_get_u32(&call, kind);
	call_get_u64(&call, address);
	return call_end(&call);
}

kern_return_t
mach_port_kobject_description(ipc_space_read_t task, mach_port_name_t name,
    natural_t *kind, mach_vm_address_t *address, kobject_description_t what)
{
	uint32_t offset, size = 0;
	struct call call;

	call_begin(&call, MSGID_MACH_PORT_KOBJECT_DESCRIPTION);
	call_put_u32(&call, name);
	call_perform(&call, task);
	call_get_u32(&call, kind);
	call_get_u64(&call, address);
	call_get_u32(&call, &offset);
	call_get_u32(&call, &size);
	if (size <= sizeof(kobject_description_t))
		call_get_bytes(&call, what, size);
	return call_end(&call);
}

kern_return_t
mach_port_space_info(ipc_space_read_t task, ipc_info_space_t *info,
    ipc_info_name_array_t *names, mach_msg_type_number_t *count,
    ipc_info_tree_name_array_t *tree, mach_msg_type_number_t *tree_count)
{
	void *name_data, *tree_data;
	uint32_t name_size, tree_size;
	kern_return_t kr;
	struct call call;

	call_begin(&call, MSGID_MACH_PORT_SPACE_INFO);
	call_perform(&call, task);
	call_get_memory(&call, &name_data, &name_size);
	call_get_memory(&call, &tree_data, &tree_size);
	call_skip_ndr(&call);
	call_get_bytes(&call, info, sizeof(*info));
	kr = call_end(&call);
	if (kr != KERN_SUCCESS)
		return kr;
	*names = name_data;
	*count = name_size / sizeof(**names);
	*tree = tree_data;
	*tree_count = tree_size / sizeof(**tree);
	return KERN_SUCCESS;
}

kern_return_t
mach_port_space_basic_info(
    ipc_space_inspect_t task, ipc_info_space_basic_t *info)
{
	struct call call;

	call_begin(&call, MSGID_MACH_PORT_SPACE_BASIC_INFO);
	call_perform(&call, task);
	call_get_bytes(&call, info, sizeof(*info));
	return call_end(&call);
}
