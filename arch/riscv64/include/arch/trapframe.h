/*
 * arch/trapframe.h: a thread's user registers while it is in the kernel, and
 * the offsets by which assembly reaches them.  Readable by assembly.
 */
#pragma once

#define TF_RA	0
#define TF_SP	8
#define TF_GP	16
#define TF_TP	24
#define TF_T0	32
#define TF_T1	40
#define TF_T2	48
#define TF_S0	56
#define TF_S1	64
#define TF_A0	72
#define TF_A1	80
#define TF_A2	88
#define TF_A3	96
#define TF_A4	104
#define TF_A5	112
#define TF_A6	120
#define TF_A7	128
#define TF_S2	136
#define TF_S3	144
#define TF_S4	152
#define TF_S5	160
#define TF_S6	168
#define TF_S7	176
#define TF_S8	184
#define TF_S9	192
#define TF_S10	200
#define TF_S11	208
#define TF_T3	216
#define TF_T4	224
#define TF_T5	232
#define TF_T6	240
#define TF_EPC	248
#define TF_SIZE 256

/* Bytes of the instruction that makes a system call. */
#define ECALL_SIZE 4

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

/* x1 to x31 in order, then the program counter. */
struct trapframe {
	uint64_t ra, sp, gp, tp;
	uint64_t t0, t1, t2;
	uint64_t s0, s1;
	uint64_t a0, a1, a2, a3, a4, a5, a6, a7;
	uint64_t s2, s3, s4, s5, s6, s7, s8, s9, s10, s11;
	uint64_t t3, t4, t5, t6;
	uint64_t epc;
};

_Static_assert(offsetof(struct trapframe, ra) == TF_RA, "ra");
_Static_assert(offsetof(struct trapframe, t0) == TF_T0, "t0");
_Static_assert(offsetof(struct trapframe, s0) == TF_S0, "s0");
_Static_assert(offsetof(struct trapframe, a0) == TF_A0, "a0");
_Static_assert(offsetof(struct trapframe, a7) == TF_A7, "a7");
_Static_assert(offsetof(struct trapframe, s2) == TF_S2, "s2");
_Static_assert(offsetof(struct trapframe, s11) == TF_S11, "s11");
_Static_assert(offsetof(struct trapframe, t6) == TF_T6, "t6");
_Static_assert(offsetof(struct trapframe, epc) == TF_EPC, "epc");
_Static_assert(sizeof(struct trapframe) == TF_SIZE, "size");
#endif
