/* mach/machine/vm_types.h: sizes of addresses and numbers on riscv64 (LP64). */
#pragma once

#include <stdint.h>

#include <mach/cdefs.h>

/* A number of the interface: 32 bits, whatever the machine's word is. */
typedef uint32_t natural_t;
typedef int32_t integer_t;

/* An address in, and a size within, the caller's own address space. */
typedef uintptr_t vm_offset_t;
typedef uintptr_t vm_size_t;

/* The same in anybody's address space. */
typedef uint64_t mach_vm_address_t;
typedef uint64_t mach_vm_offset_t;
typedef uint64_t mach_vm_size_t;
typedef uint64_t vm_map_offset_t;
typedef uint64_t vm_map_address_t;
typedef uint64_t vm_map_size_t;

typedef uint64_t mach_port_context_t;

MACH_ABI_ASSERT(sizeof(vm_offset_t) == 8, "the user ABI is LP64");
