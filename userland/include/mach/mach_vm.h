/*
 * mach/mach_vm.h: the memory of a task.
 *
 * Regions are whole pages: an address is rounded down and an end up.  With
 * mach_task_self() the frequent calls are one trap each, with another task's
 * port a message to the kernel.  Besides what is noted, each may return
 * KERN_INVALID_ARGUMENT (no task, sizes that overflow), KERN_INVALID_ADDRESS
 * (a hole in the region) and KERN_RESOURCE_SHORTAGE.
 */
#pragma once

#include <mach/cdefs.h>
#include <mach/mach_types.h>

MACH_BEGIN_DECLS

/*
 * New zeroed memory, at *@address (VM_FLAGS_FIXED; KERN_NO_SPACE if taken) or
 * where there is room (VM_FLAGS_ANYWHERE).
 */
kern_return_t mach_vm_allocate(
    vm_map_t task, mach_vm_address_t *address, mach_vm_size_t size, int flags);

/* Takes a region away; holes in it are no error. */
kern_return_t mach_vm_deallocate(
    vm_map_t task, mach_vm_address_t address, mach_vm_size_t size);

/*
 * Sets what may be done with a region, or the most that may ever be allowed.
 * KERN_PROTECTION_FAILURE: more than the maximum.
 */
kern_return_t mach_vm_protect(vm_map_t task, mach_vm_address_t address,
    mach_vm_size_t size, boolean_t set_maximum, vm_prot_t protection);

/* Sets what a child task will get of a region. */
kern_return_t mach_vm_inherit(vm_map_t task, mach_vm_address_t address,
    mach_vm_size_t size, vm_inherit_t inheritance);

/*
 * A copy of a region of @task as new memory of the caller's, who must give it
 * back.  KERN_PROTECTION_FAILURE: not readable.
 */
kern_return_t mach_vm_read(vm_map_t task, mach_vm_address_t address,
    mach_vm_size_t size, vm_offset_t *data, mach_msg_type_number_t *count);

/* The same into memory that the caller has, at @data; *@copied is @size. */
kern_return_t mach_vm_read_overwrite(vm_map_t task, mach_vm_address_t address,
    mach_vm_size_t size, mach_vm_address_t data, mach_vm_size_t *copied);

/* Copies @count bytes at @data over memory of @task, which must be writable. */
kern_return_t mach_vm_write(vm_map_t task, mach_vm_address_t address,
    vm_offset_t data, mach_msg_type_number_t count);

/*
 * Maps the memory object @object at @offset; MEMORY_OBJECT_NULL is new zeroed
 * memory.  @mask: bits that must be zero in the address chosen.
 */
kern_return_t mach_vm_map(vm_map_t task, mach_vm_address_t *address,
    mach_vm_size_t size, mach_vm_offset_t mask, int flags,
    mem_entry_name_port_t object, memory_object_offset_t offset, boolean_t copy,
    vm_prot_t protection, vm_prot_t maximum, vm_inherit_t inheritance);

/*
 * The region that holds *@address, or the next one above it: its bounds and,
 * for VM_REGION_BASIC_INFO_64, its properties.  @object is MACH_PORT_NULL.
 * KERN_INVALID_ADDRESS: there is none.
 */
kern_return_t mach_vm_region(vm_map_t task, mach_vm_address_t *address,
    mach_vm_size_t *size, vm_region_flavor_t flavor, vm_region_info_t info,
    mach_msg_type_number_t *count, mach_port_t *object);

MACH_END_DECLS
