/*
 * mach/machine/exception.h: exception codes of riscv64.
 *
 * For EXC_BAD_INSTRUCTION and EXC_BREAKPOINT the first code is one of these,
 * the second the address of the instruction.  For EXC_BAD_ACCESS the first is
 * a kern_return_t, or one of these where the access was wrong in itself, and
 * the second is the address.
 */
#pragma once

/* As the processor numbers its exceptions */
#define EXC_RISCV_FETCH_MISALIGNED 0
#define EXC_RISCV_FETCH_ACCESS	   1
#define EXC_RISCV_ILLEGAL	   2
#define EXC_RISCV_BREAKPOINT	   3

/* The same, moved beyond every kern_return_t they could be taken for */
#define EXC_RISCV_LOAD_MISALIGNED  0x104
#define EXC_RISCV_LOAD_ACCESS	   0x105
#define EXC_RISCV_STORE_MISALIGNED 0x106
#define EXC_RISCV_STORE_ACCESS	   0x107

/* Not the processor's: no memory for the thread's floating-point registers */
#define EXC_RISCV_NO_FPU 0x110
