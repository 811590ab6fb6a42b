/*
 * libmach/vm.c: mach/mach_vm.h and mach/vm_map.h; one trap for the caller's
 * own memory where there is one, a message for another's.
 */
#include "call.h"

#include <mach/mach.h>
#include <mach/routine_ids.h>

static bool
own(vm_map_t task)
{
	return task == mach_task_self();
}

kern_return_t
mach_vm_allocate(
    vm_map_t task, mach_vm_address_t *address, mach_vm_size_t size, int flags)
{
	struct call call;

	if (own(task))
		return _kernelrpc_mach_vm_allocate_trap(
		    task, address, size, flags);
	call_begin(&call, MSGID_MACH_VM_ALLOCATE);
	call_put_u64(&call, *address);
	call_put_u64(&call, size);
	call_put_u32(&call, (uint32_t)flags);
	call_perform(&call, task);
	call_get_u64(&call, address);
	return call_end(&call);
}

kern_return_t
mach_vm_deallocate(
    vm_map_t task, mach_vm_address_t address, mach_vm_size_t size)
{
	struct call call;

	if (own(task))
		return _kernelrpc_mach_vm_deallocate_trap(task, address, size);
	call_begin(&call, MSGID_MACH_VM_DEALLOCATE);
	call_put_u64(&call, address);
	call_put_u64(&call, size);
	call_perform(&call, task);
	return call_end(&call);
}

kern_return_t
mach_vm_protect(vm_map_t task, mach_vm_address_t address, mach_vm_size_t size,
    boolean_t set_maximum, vm_prot_t protection)
{
	struct call call;

	if (own(task))
		return _kernelrpc_mach_vm_protect_trap(
		    task, address, size, set_maximum, protection);
	call_begin(&call, MSGID_MACH_VM_PROTECT);
	call_put_u64(&call, address);
	call_put_u64(&call, size);
	call_put_u32(&call, set_maximum);
	call_put_u32(&call, (uint32_t)protection);
	call_perform(&call, task);
	return call_end(&call);
}

kern_return_t
mach_vm_inherit(vm_map_t task, mach_vm_address_t address, mach_vm_size_t size,
    vm_inherit_t inheritance)
{
	struct call call;

	call_begin(&call, MSGID_MACH_VM_INHERIT);
	call_put_u64(&call, address);
	call_put_u64(&call, size);
	call_put_u32(&call, inheritance);
	call_perform(&call, task);
	return call_end(&call);
}

kern_return_t
mach_vm_read(vm_map_t task, mach_vm_address_t address, mach_vm_size_t size,
    vm_offset_t *data, mach_msg_type_number_t *count)
{
	void *copy;
	kern_return_t kr;
	struct call call;

	call_begin(&call, MSGID_MACH_VM_READ);
	call_put_u64(&call, address);
	call_put_u64(&call, size);
	call_perform(&call, task);
	call_get_memory(&call, &copy, count);
	kr = call_end(&call);
	if (kr == KERN_SUCCESS)
		*data = (vm_offset_t)copy;
	return kr;
}

kern_return_t
mach_vm_write(vm_map_t task, mach_vm_address_t address, vm_offset_t data,
    mach_msg_type_number_t count)
{
	struct call call;

	call_begin(&call, MSGID_MACH_VM_WRITE);
	call_put_memory(&call, (const void *)data, count);
	call_put_u64(&call, address);
	call_put_u32(&call, count);
	call_perform(&call, task);
	return call_end(&call);
}

kern_return_t
mach_vm_map(vm_map_t task, mach_vm_address_t *address, mach_vm_size_t size,
    mach_vm_offset_t mask, int flags, mem_entry_name_port_t object,
    memory_object_offset_t offset, boolean_t copy, vm_prot_t protection,
    vm_prot_t maximum, vm_inherit_t inheritance)
{
	struct call call;

	/* The trap knows only fresh memory with nothing special about it. */
	if (own(task) && object == MEMORY_OBJECT_NULL && offset == 0 &&
	    maximum == VM_PROT_ALL && inheritance == VM_INHERIT_DEFAULT)
		return _kernelrpc_mach_vm_map_trap(
		    task, address, size, mask, flags, protection);
	call_begin(&call, MSGID_MACH_VM_MAP);
	call_put_port(&call, object, MACH_MSG_TYPE_COPY_SEND);
	call_put_u64(&call, *address);
	call_put_u64(&call, size);
	call_put_u64(&call, mask);
	call_put_u32(&call, (uint32_t)flags);
	call_put_u64(&call, offset);
	call_put_u32(&call, copy);
	call_put_u32(&call, (uint32_t)protection);
	call_put_u32(&call, (uint32_t)maximum);
	call_put_u32(&call, inheritance);
	call_perform(&call, task);
	call_get_u64(&call, address);
	return call_end(&call);
}

kern_return_t
mach_vm_region(vm_map_t task, mach_vm_address_t *address, mach_vm_size_t *size,
    vm_region_flavor_t flavor, vm_region_info_t info,
    mach_msg_type_number_t *count, mach_port_t *object)
{
	struct call call;

	call_begin(&call, MSGID_MACH_VM_REGION);
	call_put_u64(&call, *address);
	call_put_u32(&call, (uint32_t)flavor);
	call_put_u32(&call, *count);
	call_perform(&call, task);
	call_get_port(&call, object);
	call_skip_ndr(&call);
	call_get_u64(&call, address);
	call_get_u64(&call, size);
	call_get_words(&call, info, count);
	return call_end(&call);
}

/* ---- the same with the caller's own kind of address: as wide ---- */

kern_return_t
vm_allocate(vm_map_t task, vm_address_t *address, vm_size_t size, int flags)
{
	return mach_vm_allocate(task, address, size, flags);
}

kern_return_t
vm_deallocate(vm_map_t task, vm_address_t address, vm_size_t size)
{
	return mach_vm_deallocate(task, address, size);
}

kern_return_t
vm_protect(vm_map_t task, vm_address_t address, vm_size_t size,
    boolean_t set_maximum, vm_prot_t protection)
{
	return mach_vm_protect(task, address, size, set_maximum, protection);
}

kern_return_t
vm_read(vm_map_t task, vm_address_t address, vm_size_t size, vm_offset_t *data,
    mach_msg_type_number_t *count)
{
	return mach_vm_read(task, address, size, data, count);
}

kern_return_t
vm_write(vm_map_t task, vm_address_t address, vm_offset_t data,
    mach_msg_type_number_t count)
{
	return mach_vm_write(task, address, data, count);
}
