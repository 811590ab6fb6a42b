/*
 * forms.c: the older forms of the calls on memory (mach/vm_map.defs): with
 * addresses as wide as they are here, they are the same.
 */
#include <serve/mach_vm.h>
#include <serve/vm_map.h>

kern_return_t
serve_vm_region(struct map *map, vm_address_t *address, vm_size_t *size,
    vm_region_flavor_t flavor, int *info, mach_msg_type_number_t *count,
    struct port **object)
{
	return serve_mach_vm_region(
	    map, address, size, flavor, info, count, object);
}

kern_return_t
serve_vm_region_64(struct map *map, vm_address_t *address, vm_size_t *size,
    vm_region_flavor_t flavor, int *info, mach_msg_type_number_t *count,
    struct port **object)
{
	return serve_mach_vm_region(
	    map, address, size, flavor, info, count, object);
}

kern_return_t
serve_vm_region_recurse_64(struct map *map, vm_address_t *address,
    vm_size_t *size, natural_t *depth, int *info, mach_msg_type_number_t *count)
{
	return serve_mach_vm_region_recurse(
	    map, address, size, depth, info, count);
}

kern_return_t
serve_vm_allocate(
    struct map *map, vm_address_t *address, vm_size_t size, int flags)
{
	return serve_mach_vm_allocate(map, address, size, flags);
}

kern_return_t
serve_vm_deallocate(struct map *map, vm_address_t address, vm_size_t size)
{
	return serve_mach_vm_deallocate(map, address, size);
}

kern_return_t
serve_vm_protect(struct map *map, vm_address_t address, vm_size_t size,
    boolean_t set_maximum, vm_prot_t protection)
{
	return serve_mach_vm_protect(
	    map, address, size, set_maximum, protection);
}

kern_return_t
serve_vm_inherit(struct map *map, vm_address_t address, vm_size_t size,
    vm_inherit_t inheritance)
{
	return serve_mach_vm_inherit(map, address, size, inheritance);
}

kern_return_t
serve_vm_read(struct map *map, vm_address_t address, vm_size_t size,
    struct transfer **data, mach_msg_type_number_t *count)
{
	return serve_mach_vm_read(map, address, size, data, count);
}

kern_return_t
serve_vm_write(struct map *map, vm_address_t address, struct transfer *data,
    mach_msg_type_number_t count)
{
	return serve_mach_vm_write(map, address, data, count);
}

kern_return_t
serve_vm_read_overwrite(struct map *map, vm_address_t address, vm_size_t size,
    vm_address_t data, vm_size_t *copied)
{
	return serve_mach_vm_read_overwrite(map, address, size, data, copied);
}

kern_return_t
serve_vm_msync(
    struct map *map, vm_address_t address, vm_size_t size, vm_sync_t flags)
{
	return serve_mach_vm_msync(map, address, size, flags);
}

kern_return_t
serve_vm_map(struct map *map, vm_address_t *address, vm_size_t size,
    vm_address_t mask, int flags, struct port *object, vm_offset_t offset,
    boolean_t copy, vm_prot_t protection, vm_prot_t maximum,
    vm_inherit_t inheritance)
{
	return serve_mach_vm_map(map, address, size, mask, flags, object,
	    offset, copy, protection, maximum, inheritance);
}

kern_return_t
serve_vm_map_64(struct map *map, vm_address_t *address, vm_size_t size,
    vm_address_t mask, int flags, struct port *object,
    memory_object_offset_t offset, boolean_t copy, vm_prot_t protection,
    vm_prot_t maximum, vm_inherit_t inheritance)
{
	return serve_mach_vm_map(map, address, size, mask, flags, object,
	    offset, copy, protection, maximum, inheritance);
}

kern_return_t
serve_vm_remap(struct map *map, vm_address_t *address, vm_size_t size,
    vm_address_t mask, int flags, struct port *source,
    vm_address_t source_address, boolean_t copy, vm_prot_t *protection,
    vm_prot_t *maximum, vm_inherit_t inheritance)
{
	return serve_mach_vm_remap(map, address, size, mask, flags, source,
	    source_address, copy, protection, maximum, inheritance);
}

kern_return_t
serve_mach_make_memory_entry(struct map *map, vm_size_t *size,
    vm_offset_t offset, vm_prot_t permission, struct port **entry,
    struct port *parent)
{
	return serve_mach_vm_make_memory_entry(
	    map, size, offset, permission, entry, parent);
}

kern_return_t
serve_mach_make_memory_entry_64(struct map *map, memory_object_size_t *size,
    memory_object_offset_t offset, vm_prot_t permission, struct port **entry,
    struct port *parent)
{
	return serve_mach_vm_make_memory_entry(
	    map, size, offset, permission, entry, parent);
}

kern_return_t
serve_vm_copy(struct map *map, vm_address_t source, vm_size_t size,
    vm_address_t destination)
{
	return serve_mach_vm_copy(map, source, size, destination);
}

kern_return_t
serve_vm_read_list(struct map *map, natural_t *entries, natural_t count)
{
	return serve_mach_vm_read_list(map, entries, count);
}

kern_return_t
serve_vm_behavior_set(struct map *map, vm_address_t address, vm_size_t size,
    vm_behavior_t behavior)
{
	return serve_mach_vm_behavior_set(map, address, size, behavior);
}

kern_return_t
serve_vm_machine_attribute(struct map *map, vm_address_t address,
    vm_size_t size, vm_machine_attribute_t attribute,
    vm_machine_attribute_val_t *value)
{
	return serve_mach_vm_machine_attribute(
	    map, address, size, attribute, value);
}
