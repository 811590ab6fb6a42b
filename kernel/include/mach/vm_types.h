/* mach/vm_types.h: addresses, sizes, and the ports that stand for maps. */
#pragma once

#include <mach/machine/vm_types.h>
#include <mach/port.h>

typedef vm_offset_t vm_address_t;
typedef vm_offset_t pointer_t; /* an out-of-line region in an interface */
typedef uint64_t vm_object_offset_t;
typedef uint64_t vm_object_id_t;
typedef uint32_t vm32_object_id_t;
typedef uint64_t memory_object_offset_t;
typedef uint64_t memory_object_size_t;

typedef mach_port_t vm_map_t;
typedef mach_port_t vm_map_inspect_t;
typedef mach_port_t vm_map_read_t;
typedef mach_port_t upl_t;
typedef mach_port_t vm_named_entry_t;
typedef mach_port_t mem_entry_name_port_t;
typedef mach_port_t memory_object_t;

#define PPNUM_MAX	    UINT32_MAX
#define VM_MAP_NULL	    ((vm_map_t)0)
#define VM_MAP_INSPECT_NULL ((vm_map_inspect_t)0)
#define VM_MAP_READ_NULL    ((vm_map_read_t)0)
#define UPL_NULL	    ((upl_t)0)
#define VM_NAMED_ENTRY_NULL ((vm_named_entry_t)0)
