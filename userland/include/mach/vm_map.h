/* mach/vm_map.h: mach/mach_vm.h with the caller's own address type. */
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
kern_return_t vm_read(vm_map_t task, vm_address_t address, vm_size_t size,
    vm_offset_t *data, mach_msg_type_number_t *count);
kern_return_t vm_write(vm_map_t task, vm_address_t address, vm_offset_t data,
    mach_msg_type_number_t count);

MACH_END_DECLS
