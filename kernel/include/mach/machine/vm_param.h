/* mach/machine/vm_param.h: pages and the reach of user addresses (Sv39). */
#pragma once

#define PAGE_SHIFT	    12
#define PAGE_SIZE	    (1UL << PAGE_SHIFT)
#define PAGE_MASK	    (PAGE_SIZE - 1)

/*
 * User programs live in the lower half of Sv39.  The first page is never
 * mapped, so that a null pointer faults; nor is the last, so that an address
 * just past a mapping is still a user address.
 */
#define VM_MIN_ADDRESS	    0x1000UL
#define VM_MAX_ADDRESS	    (0x4000000000UL - PAGE_SIZE)
#define MACH_VM_MIN_ADDRESS VM_MIN_ADDRESS
#define MACH_VM_MAX_ADDRESS VM_MAX_ADDRESS
