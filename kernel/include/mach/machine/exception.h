/*
 * mach/machine/exception.h: exception codes of riscv64.
 *
 * For EXC_BAD_INSTRUCTION, EXC_ARITHMETIC and EXC_BREAKPOINT the first code
 * is the cause the processor gave, the second the instruction or address it
 * reported.  For EXC_BAD_ACCESS the first is a kern_return_t, or one of these
 * where the access was wrong in itself, and the second the address.
 */
#pragma once

#define EXC_RISCV_FETCH_MISALIGNED 0
#define EXC_RISCV_FETCH_ACCESS	   1
#define EXC_RISCV_ILLEGAL	   2
#define EXC_RISCV_BREAKPOINT	   3
#define EXC_RISCV_LOAD_MISALIGNED  0x104
#define EXC_RISCV_LOAD_ACCESS	   0x105
#define EXC_RISCV_STORE_MISALIGNED 0x106
#define EXC_RISCV_STORE_ACCESS	   0x107
