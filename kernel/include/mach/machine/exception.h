/*
 * mach/machine/exception.h: exception codes of riscv64.
 *
 * For EXC_BAD_INSTRUCTION and EXC_BREAKPOINT the first code is one of these,
 * the second the address of the instruction.  For EXC_BAD_ACCESS the first is
 * a kern_return_t, or EXC_RISCV_MISALIGNED where the address was wrong in
 * itself, and the second is the address.
 */
#pragma once

#define EXC_RISCV_ILLEGAL    2 /* these two as the processor numbers them */
#define EXC_RISCV_BREAKPOINT 3

/* Beyond every kern_return_t */
#define EXC_RISCV_MISALIGNED 0x101
#define EXC_RISCV_NO_FPU     0x102 /* no memory for the thread's FP registers */
