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
#include <mach/vm_region.h>
#include <mach/vm_sync.h>

MACH_BEGIN_DECLS

/*
 * New zeroed memory, at *@address (VM_FLAGS_FIXED; KERN_NO_SPACE if taken) or
 * where there is room (VM_FLAGS_ANYWHERE).
 *
 * With VM_FLAGS_OVERWRITE what is at a fixed address is deallocated first, once
 * all arguments have been found good; if memory is short, it may be gone.
 * VM_FLAGS_SUPERPAGE_SIZE_2MB (or _ANY): @size and a fixed address must be
 * multiples of 2 MiB, as a chosen one will be: KERN_INVALID_ARGUMENT.  Memory
 * that large is in superpages without it, too, while there are some.
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
 * back.  @size: up to UINT32_MAX.  KERN_PROTECTION_FAILURE: not readable.
 *
 * No call that copies touches the bytes of whole pages: both ranges have the
 * same pages until one of them is written.
 */
kern_return_t mach_vm_read(vm_map_t task, mach_vm_address_t address,
    mach_vm_size_t size, vm_offset_t *data, mach_msg_type_number_t *count);

/*
 * The same of the first @count ranges of @entries, each of which then says
 * where its copy is; one of size 0 has address 0.  All are read, or on an error
 * none.
 * KERN_INVALID_ARGUMENT: @count above VM_MAP_ENTRY_MAX.
 */
kern_return_t mach_vm_read_list(
    vm_map_t task, mach_vm_read_entry_t entries, natural_t count);

/* The same into memory that the caller has, at @data; *@copied is @size. */
kern_return_t mach_vm_read_overwrite(vm_map_t task, mach_vm_address_t address,
    mach_vm_size_t size, mach_vm_address_t data, mach_vm_size_t *copied);

/*
 * Copies @count bytes at @data over memory of @task, which must be writable:
 * KERN_PROTECTION_FAILURE.  Nothing is written on an error, save for
 * KERN_RESOURCE_SHORTAGE and where the cause lies hundreds of regions further
 * on.
 */
kern_return_t mach_vm_write(vm_map_t task, mach_vm_address_t address,
    vm_offset_t data, mach_msg_type_number_t count);

/*
 * The same from @source to @destination within @task; they may overlap.
 * KERN_PROTECTION_FAILURE: the one is not readable or the other not writable.
 */
kern_return_t mach_vm_copy(vm_map_t task, mach_vm_address_t source,
    mach_vm_size_t size, mach_vm_address_t destination);

/*
 * Advice about a region.
 *
 *  VM_BEHAVIOR_DEFAULT _RANDOM _SEQUENTIAL _RSEQNTL
 *	remembered, and reported by mach_vm_region()
 *  VM_BEHAVIOR_ZERO
 *	exactly these bytes become zeros, without touching whole pages
 *  VM_BEHAVIOR_FREE _REUSABLE
 *	whole pages in it are given back, and read as zeros; not wired ones
 *  VM_BEHAVIOR_PAGEOUT
 *	its pages are the first to leave memory when that becomes short
 *  VM_BEHAVIOR_WILLNEED _DONTNEED _REUSE _CAN_REUSE _ZERO_WIRED_PAGES
 *	change nothing
 *
 * KERN_INVALID_ARGUMENT: no such behavior.  KERN_PROTECTION_FAILURE: contents
 * would go that may not be written.
 */
kern_return_t mach_vm_behavior_set(vm_map_t task, mach_vm_address_t address,
    mach_vm_size_t size, vm_behavior_t behavior);

/*
 * MATTR_CACHE with MATTR_VAL_ICACHE_FLUSH, _CACHE_FLUSH or _CACHE_SYNC: from
 * now on every processor executes what was written to the region; with
 * MATTR_VAL_DCACHE_FLUSH nothing has to be done.  *@value stays.
 * KERN_INVALID_ARGUMENT: another attribute or value.  KERN_NOT_SUPPORTED:
 * MATTR_MIGRATE and MATTR_REPLICATE.
 */
kern_return_t mach_vm_machine_attribute(vm_map_t task,
    mach_vm_address_t address, mach_vm_size_t size,
    vm_machine_attribute_t attribute, vm_machine_attribute_val_t *value);

/*
 * Maps @size bytes of the memory entry @object, from @offset on, which is a
 * page's; MEMORY_OBJECT_NULL is new zeroed memory.  @mask: bits that must be
 * zero in the address chosen; VM_FLAGS_OVERWRITE replaces what is at a fixed
 * one.  What is written there is seen by all who map it, or with @copy by the
 * task alone, whose copy is of this moment.  VM_PROT_IS_MASK in a protection
 * takes of it what the entry gives.
 *
 * Any port of another task's is a memory object: its receiver is a pager, who
 * is asked for what is there (mach/memory_object.h), and knows its size.  A
 * copy is complete when the call returns.
 *
 * KERN_INVALID_OBJECT: a port of the kernel's that is no memory entry, or a
 * dead one.  KERN_MEMORY_ERROR: the pager has failed to supply what is to be
 * copied, or to let go of the port.  KERN_INVALID_ARGUMENT: also what lies
 * beyond its end.  KERN_INVALID_RIGHT: protections that it does not give.
 * KERN_PROTECTION_FAILURE: a copy of a device's memory.
 */
kern_return_t mach_vm_map(vm_map_t task, mach_vm_address_t *address,
    mach_vm_size_t size, mach_vm_offset_t mask, int flags,
    mem_entry_name_port_t object, memory_object_offset_t offset, boolean_t copy,
    vm_prot_t protection, vm_prot_t maximum, vm_inherit_t inheritance);

/*
 * Lets @size bytes of @source's memory at @source_address be seen in @task too,
 * at *@address or where there is room (as mach_vm_map()), with the protections
 * they have there; or a copy of them.  *@protection and *@maximum are what all
 * of it allows, and may be made to allow.  With VM_FLAGS_RETURN_DATA_ADDR the
 * address returned is that of the first byte, not of its page.
 *
 * KERN_INVALID_ADDRESS: a hole in the source.  KERN_PROTECTION_FAILURE: a copy
 * of a device's memory.  KERN_NO_SPACE.  KERN_RESOURCE_SHORTAGE: also for a
 * range of more than 512 regions.
 */
kern_return_t mach_vm_remap(vm_map_t task, mach_vm_address_t *address,
    mach_vm_size_t size, mach_vm_offset_t mask, int flags, vm_map_t source,
    mach_vm_address_t source_address, boolean_t copy, vm_prot_t *protection,
    vm_prot_t *maximum, vm_inherit_t inheritance);

/*
 * A port for memory (a memory entry), which its holders can map with at most
 * the rights in @permission: of @task's at @offset, or with
 * MAP_MEM_NAMED_CREATE new zeroed memory, or of @parent's (MACH_PORT_NULL: no
 * parent).  *@size is rounded up to pages.  The caller has the send right; the
 * entry lives as long as there are any, its memory as long as it is mapped.
 *
 *	MAP_MEM_VM_SHARE	it stays @task's too (the same without)
 *	MAP_MEM_VM_COPY		it is a copy, of this moment
 *	MAP_MEM_ONLY		nothing but caching changes: *@entry is null
 *	VM_PROT_IS_MASK		of these rights, those that the memory has
 *
 * KERN_INVALID_VALUE: unknown flags.  KERN_INVALID_ARGUMENT: unknown rights, no
 * bytes, or beyond the parent's end.  KERN_INVALID_ADDRESS: a hole.
 * KERN_PROTECTION_FAILURE: rights that the memory or the parent does not have.
 * KERN_NOT_SUPPORTED: a way to cache it other than as it is.
 */
kern_return_t mach_make_memory_entry_64(vm_map_t task,
    memory_object_size_t *size, memory_object_offset_t offset,
    vm_prot_t permission, mem_entry_name_port_t *entry,
    mem_entry_name_port_t parent);
/* The same under the name of its newer message. */
kern_return_t mach_vm_make_memory_entry(vm_map_t task,
    memory_object_size_t *size, memory_object_offset_t offset,
    vm_prot_t permission, mem_entry_name_port_t *entry,
    mem_entry_name_port_t parent);

/*
 * Has what was written to a pager's memory sent to the pager, for good or for
 * ill: VM_SYNC_SYNCHRONOUS and _ASYNCHRONOUS send it, and so does
 * VM_SYNC_INVALIDATE, after which each page is asked for anew, and
 * VM_SYNC_KILLPAGES, which sends nothing.  All of it is in the pager's queue
 * when the call returns, or as much as it has received in some seconds.  With
 * VM_SYNC_SYNCHRONOUS the pager has received it by then, and whatever of the
 * same object was sent before; else it is KERN_MEMORY_ERROR: the pager has
 * ended, or does not receive for some seconds.  Other memory has no place to
 * go.  KERN_INVALID_ARGUMENT: unknown flags, or both VM_SYNC_SYNCHRONOUS and
 * _ASYNCHRONOUS.  Holes are KERN_INVALID_ADDRESS only with VM_SYNC_CONTIGUOUS.
 */
kern_return_t mach_vm_msync(vm_map_t task, mach_vm_address_t address,
    mach_vm_size_t size, vm_sync_t flags);

/*
 * The region that holds *@address, or the next one above it: its bounds and its
 * properties, of VM_REGION_BASIC_INFO_64, _EXTENDED_INFO or _TOP_INFO.  @object
 * is a send right to the name port of the memory object that it maps, or is a
 * private copy of (memory_object_init()), else MACH_PORT_NULL: it says which
 * are the same, and nothing more.  KERN_INVALID_ADDRESS: there is none.
 * KERN_INVALID_ARGUMENT: no such flavor, or *@count too small for it.
 */
kern_return_t mach_vm_region(vm_map_t task, mach_vm_address_t *address,
    mach_vm_size_t *size, vm_region_flavor_t flavor, vm_region_info_t info,
    mach_msg_type_number_t *count, mach_port_t *object);

/*
 * The same as struct vm_region_submap_info_64, of the version that *@count has
 * room for, or vm_region_submap_short_info_64.  Maps have no submaps: *@depth
 * becomes 0.
 */
kern_return_t mach_vm_region_recurse(vm_map_t task, mach_vm_address_t *address,
    mach_vm_size_t *size, natural_t *depth, vm_region_recurse_info_t info,
    mach_msg_type_number_t *count);

MACH_END_DECLS
