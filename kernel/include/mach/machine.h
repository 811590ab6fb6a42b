/* mach/machine.h: kinds of processor. */
#pragma once

#include <mach/machine/vm_types.h>

typedef integer_t cpu_type_t;
typedef integer_t cpu_subtype_t;
typedef integer_t cpu_threadtype_t;

#define CPU_ARCH_ABI64	      0x01000000
#define CPU_TYPE_RISCV	      ((cpu_type_t)24)
#define CPU_TYPE_RISCV64      (CPU_TYPE_RISCV | CPU_ARCH_ABI64)
#define CPU_SUBTYPE_RISCV_ALL ((cpu_subtype_t)0)
#define CPU_THREADTYPE_NONE   ((cpu_threadtype_t)0)

#define CPU_STATE_USER	 0
#define CPU_STATE_SYSTEM 1
#define CPU_STATE_IDLE	 2
#define CPU_STATE_NICE	 3
#define CPU_STATE_MAX	 4
