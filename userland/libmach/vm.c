/*
 * libmach/vm.c: mach/mach_vm.h and mach/vm_map.h; one trap for the caller's
 * own memory where there is one, a message for another's.
 */
#include <mach/mach.h>
#include <user/mach_vm.h>

static bool
own(vm_map_t task)
{
	return task == mach_task_self();
}

kern_return_t
mach_vm_allocate(
    vm_map_t task, mach_vm_address_t *address, mach_vm_size_t size, int flags)
{
	/* What takes several steps is no trap. */
	if (own(task) && !(flags & VM_FLAGS_OVERWRITE))
		return _kernelrpc_mach_vm_allocate_trap(
		    task, address, size, flags);
	return _kernelrpc_mach_vm_allocate(task, address, size, flags);
}

kern_return_t
mach_vm_deallocate(
    vm_map_t task, mach_vm_address_t address, mach_vm_size_t size)
{
	if (own(task))
		return _kernelrpc_mach_vm_deallocate_trap(task, address, size);
	return _kernelrpc_mach_vm_deallocate(task, address, size);
}

kern_return_t
mach_vm_protect(vm_map_t task, mach_vm_address_t address, mach_vm_size_t size,
    boolean_t set_maximum, vm_prot_t protection)
{
	if (own(task))
		return _kernelrpc_mach_vm_protect_trap(
		    task, address, size, set_maximum, protection);
	return _kernelrpc_mach_vm_protect(
	    task, address, size, set_maximum, protection);
}

kern_return_t
mach_vm_map(vm_map_t task, mach_vm_address_t *address, mach_vm_size_t size,
    mach_vm_offset_t mask, int flags, mem_entry_name_port_t object,
    memory_object_offset_t offset, boolean_t copy, vm_prot_t protection,
    vm_prot_t maximum, vm_inherit_t inheritance)
{
	/* The trap knows only fresh memory with nothing special about it. */
	if (own(task) && object == MEMORY_OBJECT_NULL && offset == 0 &&
	    maximum == VM_PROT_ALL && inheritance == VM_INHERIT_DEFAULT &&
	    !(flags & VM_FLAGS_OVERWRITE))
		return _kernelrpc_mach_vm_map_trap(
		    task, address, size, mask, flags, protection);
	return _kernelrpc_mach_vm_map(task, address, size, mask, flags, object,
	    offset, copy, protection, maximum, inheritance);
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
vm_wire(host_priv_t host_priv, vm_map_t task, vm_address_t address,
    vm_size_t size, vm_prot_t access)
{
	return mach_vm_wire(host_priv, task, address, size, access);
}
