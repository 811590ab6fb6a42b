/* mach/vm_param.h: rounding to pages. */
#pragma once

#include <mach/machine/vm_param.h>
#include <mach/vm_types.h>

#define round_page(x) (((vm_offset_t)(x) + PAGE_MASK) & ~PAGE_MASK)
#define trunc_page(x) ((vm_offset_t)(x) & ~PAGE_MASK)
#define mach_vm_round_page(x)                                                  \
	(((mach_vm_offset_t)(x) + PAGE_MASK) & ~(mach_vm_offset_t)PAGE_MASK)
#define mach_vm_trunc_page(x)                                                  \
	((mach_vm_offset_t)(x) & ~(mach_vm_offset_t)PAGE_MASK)
