/*
 * mach/vm_map.h: mach/mach_vm.h with the caller's own address type, which is as
 * wide: what the calls do, and their errors, are said there.
 */
#pragma once

#include <mach/cdefs.h>
#include <mach/mach_types.h>

MACH_BEGIN_DECLS

kern_return_t vm_allocate(
    vm_map_t task, vm_address_t *address, vm_size_t size, int flags);
kern_return_t vm_deallocate(
    vm_map_t task, vm_address_t address, vm_size_t size);
kern_return_t vm_protect(vm_map_t task, vm_address_t address, vm_size_t size,
    boolean_t set_maximum, vm_prot_t protection);
kern_return_t vm_inherit(vm_map_t task, vm_address_t address, vm_size_t size,
    vm_inherit_t inheritance);
kern_return_t vm_read(vm_map_t task, vm_address_t address, vm_size_t size,
    vm_offset_t *data, mach_msg_type_number_t *count);
kern_return_t vm_read_overwrite(vm_map_t task, vm_address_t address,
    vm_size_t size, vm_address_t data, vm_size_t *copied);
kern_return_t vm_write(vm_map_t task, vm_address_t address, vm_offset_t data,
    mach_msg_type_number_t count);
kern_return_t vm_map(vm_map_t task, vm_address_t *address, vm_size_t size,
    vm_offset_t mask, int flags, mem_entry_name_port_t object,
    vm_offset_t offset, boolean_t copy, vm_prot_t protection, vm_prot_t maximum,
    vm_inherit_t inheritance);
kern_return_t vm_region(vm_map_t task, vm_address_t *address, vm_size_t *size,
    vm_region_flavor_t flavor, vm_region_info_t info,
    mach_msg_type_number_t *count, mach_port_t *object);

/* Where addresses are narrow these know wider ones; here they are the same. */
kern_return_t vm_map_64(vm_map_t task, vm_address_t *address, vm_size_t size,
    vm_offset_t mask, int flags, mem_entry_name_port_t object,
    memory_object_offset_t offset, boolean_t copy, vm_prot_t protection,
    vm_prot_t maximum, vm_inherit_t inheritance);
kern_return_t vm_region_64(vm_map_t task, vm_address_t *address,
    vm_size_t *size, vm_region_flavor_t flavor, vm_region_info_t info,
    mach_msg_type_number_t *count, mach_port_t *object);

MACH_END_DECLS
