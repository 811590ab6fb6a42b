/*
 * trap.S: the one way into the kernel and the two ways out.  No policy.
 *
 * In user mode sscratch holds the current thread; in the kernel it holds 0
 * and tp holds the thread.  So after the swap at trap_entry a tp that is not a
 * kernel address tells that the trap came from the kernel itself.  trap_entry
 * is in call.S, which serves what is asked for most often.
 *
 * The kernel stack is the hart's, empty at every entry from user mode.
 */
#include <arch/offsets.h>
#include <arch/trapframe.h>
#include <mach/trap_numbers.h>

#include "arch/riscv64/trap_macros.inc"
#include "kernel/config.h"

	.macro	save_callee_saved from
	sd	ra, TF_RA(tp)
	sd	sp, TF_SP(tp)
	sd	gp, TF_GP(tp)
	.if	\from == 0
	sd	s0, TF_S0(tp)
	sd	s1, TF_S1(tp)
	.endif
	sd	s2, TF_S2(tp)
	sd	s3, TF_S3(tp)
	sd	s4, TF_S4(tp)
	sd	s5, TF_S5(tp)
	sd	s6, TF_S6(tp)
	sd	s7, TF_S7(tp)
	sd	s8, TF_S8(tp)
	sd	s9, TF_S9(tp)
	sd	s10, TF_S10(tp)
	sd	s11, TF_S11(tp)
	.endm

	.macro	save_temporaries base
	sd	t0, TF_T0(\base)
	sd	t1, TF_T1(\base)
	sd	t2, TF_T2(\base)
	sd	t3, TF_T3(\base)
	sd	t4, TF_T4(\base)
	sd	t5, TF_T5(\base)
	sd	t6, TF_T6(\base)
	sd	a0, TF_A0(\base)
	sd	a1, TF_A1(\base)
	sd	a2, TF_A2(\base)
	sd	a3, TF_A3(\base)
	sd	a4, TF_A4(\base)
	sd	a5, TF_A5(\base)
	sd	a6, TF_A6(\base)
	sd	a7, TF_A7(\base)
	.endm

	.section .text.hot, "ax"

/*
 * From trap_entry, if t0 is the number of a system call, which is negative:
 * tp = the thread; s0 and s1 are saved, sscratch is the user's tp.
 */
	.globl	trap_system
	.balign	64
trap_system:
	addi	s1, t0, -TRAP_TASK_SELF
	beqz	s1, trap_task_self

/*
 * A system call: the number, negative, in t0; arguments in a0 to a7 and t1.
 * The function is called with the arguments where they are, and its result is
 * a0.  It may instead never return and leave by thread_return().
 */
trap_call:
	csrr	s1, sepc
	csrrw	s0, sscratch, zero		/* the user's tp */
	addi	s1, s1, 4
	save_callee_saved 2
	sd	s0, TF_TP(tp)
	sd	s1, TF_EPC(tp)
	ld	s1, THREAD_CPU(tp)
	li	t2, TRAP_MACH_MSG2
	ld	sp, CPU_STACK_TOP(s1)
	beq	t0, t2, 3f
	li	s1, -SYSCALL_COUNT
	bgeu	s1, t0, 1f
	slli	s0, t0, 3
	lui	s1, %hi(syscall_table)
	sub	s1, s1, s0
	ld	s1, %lo(syscall_table)(s1)
	andi	s0, s1, SYSCALL_COPIES
	bnez	s0, 4f
	jalr	s1				/* s0 is 0: the last frame */
syscall_return:
	lw	t0, THREAD_AST(tp)
	ld	t1, TF_EPC(tp)
	bnez	t0, 2f
	csrw	sepc, t1
	csrw	sscratch, tp
	/* s2 to s11 hold what they held: C preserves them. */
	ld	ra, TF_RA(tp)
	ld	sp, TF_SP(tp)
	ld	s0, TF_S0(tp)
	ld	s1, TF_S1(tp)
	ld	tp, TF_TP(tp)
	/* Nothing of the kernel's stays in a register. */
	li	a1, 0
	li	a2, 0
	li	a3, 0
	li	a4, 0
	li	a5, 0
	li	a6, 0
	li	a7, 0
	li	t2, 0
	li	t3, 0
	li	t4, 0
	li	t5, 0
	li	t6, 0
	leave_kernel			/* t0 is 0, t1 the user's own pc */

1:	mv	s0, zero
	call	syscall_unknown
	j	syscall_return
2:	tail	thread_return_value

	/* With these it can be made again: memory_wait_trap_again(). */
4:	mv	s0, zero
	sd	t0, TF_T0(tp)
	sd	t1, TF_T1(tp)
	sd	a0, TF_A0(tp)
	sd	a1, TF_A1(tp)
	sd	a2, TF_A2(tp)
	sd	a3, TF_A3(tp)
	sd	a4, TF_A4(tp)
	sd	a5, TF_A5(tp)
	sd	a6, TF_A6(tp)
	sd	a7, TF_A7(tp)
	jalr	s1
	j	syscall_return

/*
 * mach_msg2 is asked for more often than all others.  ipc/fast.c, which serves
 * it, is built so that s1 to s11 are free for it to use, since they are saved
 * already; so all are loaded again on the way out.
 */
3:	mv	s0, zero
	ld	t2, CPU_MESSAGE_TRAP(s1)
	jalr	t2
	tail	thread_return_value

/*
 * task_self_trap(), short: space_self_again() on the few registers that are
 * free already.  All others still are the user's, and s0, s1 are again at the
 * end; t0 and a0 hold a constant and the result.
 *
 * The space's lock is tried: acquire by lr.aq, as in spin_trylock(), release
 * by amoadd.rl, as in spin_unlock().  Whatever is not as usual leaves it to
 * task_self_trap() of ipc/port_traps.c.
 */
	.balign	64
trap_task_self:
	ld	s0, THREAD_SPACE(tp)
	lr.w.aq	s1, (s0)
	andi	t0, s1, LOCK_COUNT_MASK
	bnez	t0, 2f
	addi	s1, s1, 1
	sc.w	t0, s1, (s0)
	bnez	t0, 2f
	ld	a0, SPACE_SELF_ENTRY(s0)
	lw	t0, SPACE_SELF_KEY(s0)
	lw	s1, ENTRY_KEY(a0)
	bne	t0, s1, 3f
	lw	s1, ENTRY_UREFS(a0)
	addi	s1, s1, 1
	srli	t0, s1, UREFS_BITS
	bnez	t0, 1f				/* they stick at the maximum */
	sw	s1, ENTRY_UREFS(a0)
1:	lw	a0, SPACE_SELF_NAME(s0)
	li	t0, LOCK_PASS
	amoadd.w.rl zero, t0, (s0)
	csrr	s0, sepc
	addi	s0, s0, 4
	csrw	sepc, s0
	ld	s0, TF_S0(tp)
	ld	s1, TF_S1(tp)
	csrrw	tp, sscratch, tp
	leave_kernel

3:	li	t0, LOCK_PASS
	amoadd.w.rl zero, t0, (s0)
2:	li	t0, TRAP_TASK_SELF
	j	trap_call

/* Any other trap from user mode: all registers are the user's and live; s0,
 * which is saved with s1, is scause. */
	.globl	trap_from_user
trap_from_user:
	save_callee_saved 2
	save_temporaries tp
	csrrw	a1, sscratch, zero
	sd	a1, TF_TP(tp)
	csrr	a1, sepc
	sd	a1, TF_EPC(tp)
	ld	s1, THREAD_CPU(tp)
	ld	sp, CPU_STACK_TOP(s1)
	mv	a0, s0				/* scause */
	mv	s0, zero
	call	trap_user
	tail	thread_return

/*
 * Back to user mode with every register from the current thread's trapframe.
 *
 * In:	tp = the current thread, its address space current, interrupts off.
 */
	.globl	arch_user_return
arch_user_return:
	ld	t0, TF_EPC(tp)
	csrw	sscratch, tp
	csrw	sepc, t0
	ld	ra, TF_RA(tp)
	ld	sp, TF_SP(tp)
	ld	gp, TF_GP(tp)
	ld	s0, TF_S0(tp)
	ld	s1, TF_S1(tp)
	ld	s2, TF_S2(tp)
	ld	s3, TF_S3(tp)
	ld	s4, TF_S4(tp)
	ld	s5, TF_S5(tp)
	ld	s6, TF_S6(tp)
	ld	s7, TF_S7(tp)
	ld	s8, TF_S8(tp)
	ld	s9, TF_S9(tp)
	ld	s10, TF_S10(tp)
	ld	s11, TF_S11(tp)
	load_temporaries tp
	ld	tp, TF_TP(tp)
	leave_kernel

/*
 * In:	a0 = the thread to run, a1 = its continuation, a2 = top of this hart's
 *	stack.
 * Out:	the continuation, on an empty stack, tp = the thread.
 */
	.globl	arch_continue
arch_continue:
	mv	tp, a0
	mv	sp, a2
	mv	s0, zero
	mv	ra, zero
	jr	a1

/*
 * A trap taken in the kernel: a user copy that met a fault, a probe, or a bug.
 * Interrupts are off in the kernel, so it is never one of those.
 *
 * Out:	trap_kernel(frame, scause), on the same stack unless that overflowed.
 */
	.text
	.globl	trap_from_kernel
trap_from_kernel:
	csrrw	tp, sscratch, tp		/* the kernel's tp, and 0 */
	csrw	sscratch, t0
	ld	t0, THREAD_CPU(tp)
	ld	t0, CPU_STACK_TOP(t0)
	sub	t0, t0, sp			/* bytes in use */
	addi	t0, t0, TF_SIZE
	srli	t0, t0, CONFIG_STACK_SHIFT
	bnez	t0, stack_overflow
	csrrw	t0, sscratch, zero
	addi	sp, sp, -TF_SIZE
	sd	s0, TF_S0(sp)
	addi	s0, sp, TF_SIZE
	sd	s0, TF_SP(sp)
kernel_frame:
	sd	ra, TF_RA(sp)
	sd	gp, TF_GP(sp)
	sd	tp, TF_TP(sp)
	sd	s1, TF_S1(sp)
	save_temporaries sp
	csrr	s1, sepc
	sd	s1, TF_EPC(sp)
	mv	a0, sp
	csrr	a1, scause
	call	trap_kernel
	ld	s1, TF_EPC(sp)
	csrw	sepc, s1
	/* The trap set SPP; sret clears it again, for the next user. */
	ld	ra, TF_RA(sp)
	ld	s0, TF_S0(sp)
	ld	s1, TF_S1(sp)
	load_temporaries sp
	addi	sp, sp, TF_SIZE
	sret

/* Nothing may be pushed: take the stack kept for this, and never come back. */
stack_overflow:
	csrr	t0, sscratch
	csrw	sscratch, s0
	lla	s0, emergency_stack_top - TF_SIZE
	sd	sp, TF_SP(s0)
	mv	sp, s0
	csrrw	s0, sscratch, zero
	sd	s0, TF_S0(sp)
	j	kernel_frame

	.section .bss
	.balign	16
	.skip	4096
emergency_stack_top:
