/* mach/machine/vm_param.h: pages and the reach of user addresses (Sv39). */
#pragma once

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1UL << PAGE_SHIFT)
#define PAGE_MASK  (PAGE_SIZE - 1)

/* User programs have the lower half of Sv39, less the page of null pointers. */
#define VM_MIN_ADDRESS	    0x1000UL
#define VM_MAX_ADDRESS	    0x4000000000UL
#define MACH_VM_MIN_ADDRESS VM_MIN_ADDRESS
#define MACH_VM_MAX_ADDRESS VM_MAX_ADDRESS
