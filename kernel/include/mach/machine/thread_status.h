/* mach/machine/thread_status.h: the registers of riscv64. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <mach/cdefs.h>

#define RISCV64_THREAD_STATE 1
#define RISCV64_FLOAT_STATE  2
#define MACHINE_THREAD_STATE RISCV64_THREAD_STATE

/* The program counter in the place of x0, then x1 to x31 in order */
struct riscv64_thread_state {
	uint64_t pc;
	uint64_t ra;
	uint64_t sp;
	uint64_t gp;
	uint64_t tp;
	uint64_t t0, t1, t2;
	uint64_t s0, s1;
	uint64_t a0, a1, a2, a3, a4, a5, a6, a7;
	uint64_t s2, s3, s4, s5, s6, s7, s8, s9, s10, s11;
	uint64_t t3, t4, t5, t6;
};
typedef struct riscv64_thread_state riscv64_thread_state_t;
#define RISCV64_THREAD_STATE_COUNT                                             \
	((uint32_t)(sizeof(riscv64_thread_state_t) / sizeof(uint32_t)))
#define MACHINE_THREAD_STATE_COUNT RISCV64_THREAD_STATE_COUNT

struct riscv64_float_state {
	uint64_t f[32];
	uint32_t fcsr;
	uint32_t pad;
};
typedef struct riscv64_float_state riscv64_float_state_t;
#define RISCV64_FLOAT_STATE_COUNT                                              \
	((uint32_t)(sizeof(riscv64_float_state_t) / sizeof(uint32_t)))

MACH_ABI_ASSERT(RISCV64_THREAD_STATE_COUNT == 64, "ABI");
MACH_ABI_ASSERT(RISCV64_FLOAT_STATE_COUNT == 66, "ABI");
MACH_ABI_ASSERT(offsetof(struct riscv64_thread_state, a0) == 80, "x10");
MACH_ABI_ASSERT(offsetof(struct riscv64_thread_state, t6) == 248, "x31");
