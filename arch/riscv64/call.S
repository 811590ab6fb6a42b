/*
 * call.S: the way into the kernel, and the legs of the message fast path.
 *
 * A call: the current thread sends to a port in whose word a server waits, and
 * waits in its reply port's.  A reply: it uses up the reply right of its spare
 * entry and waits for the next request.  Either way the thread that waited
 * runs at once, and a6 and t1 to t6 go from the one to the other as they are.
 * mach/trap_numbers.h has the registers, ipc/fast_word.h the words and the
 * order of memory.
 *
 * Both are tests, none of which changes anything; then the store-conditional
 * that takes the receiver off its word, from which on the message is sent;
 * then another that puts the current thread on its own.  If that one fails,
 * because another hart works on the port, call_wait goes on in C with a
 * receive like any other.  No loop, no lock but the space's, for a reply right
 * is a name that another thread may give up.
 *
 * ipc/call_twin.c says the same in C, and serves with `fastpath=c`; who changes
 * one changes both.
 *
 * Registers: s0 the hart, s2 the receiver; sscratch is 0, as always here.
 */
#include <arch/offsets.h>
#include <arch/trapframe.h>

#include "arch/riscv64/trap_macros.inc"

/* From user mode with a call: what the thread keeps, and what absorb() of
 * ipc/fast_state.c needs. */
	.macro	call_save
	csrrw	s0, sscratch, zero		/* the user's tp */
	sd	sp, TF_SP(tp)
	sd	gp, TF_GP(tp)
	sd	s0, TF_TP(tp)
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
	sd	ra, TF_EPC(tp)			/* it returns there */
	sd	a1, TF_A1(tp)
	sd	a3, TF_A3(tp)
	.endm

#include "arch/riscv64/call_legs.inc"

	.section .text.hot, "ax"

/*
 * In:	sscratch = the current thread (from user mode) or 0 (from the kernel);
 *	every other register the interrupted code's; interrupts off.
 */
	.globl	trap_entry
	.balign	64
trap_entry:
	csrrw	tp, sscratch, tp
	bgez	tp, trap_from_kernel
	sd	s0, TF_S0(tp)
	sd	s1, TF_S1(tp)
	csrr	s0, scause
	addi	s1, s0, -CAUSE_USER_ECALL
	bnez	s1, trap_from_user
	bltz	t0, trap_system
	call_save
call_again:
	ld	s0, THREAD_CPU(tp)
	li	s1, FAST_REPLY_BITS
	beq	t0, s1, call_reply
	ld	s1, CPU_REQUEST(s0)
	bne	t0, s1, call_with_body
	leg_request t1, t2, t3, 0, call_to_set
	leg_leave t4
	li	t5, 0
	li	t6, 0
	li	a7, 0
	leg_return
	leg_request_priority s3
	leg_leave_seldom t4

	.balign	64
call_reply:
	leg_reply t1, t2, t3, t4, t5, 0
	leg_leave t6
	li	a7, 0
	leg_return
	leg_reply_priority
	leg_leave_seldom t6

	.balign	64
call_with_body:
	srli	s1, t0, 32
	li	s4, FAST_BODY
	andi	s3, s1, 3
	bltu	s4, s1, call_long
	bnez	s3, refuse_size
	sext.w	s1, t0
	li	s3, FAST_REPLY_BITS
	beq	s1, s3, call_reply_body
	ld	s3, CPU_REQUEST(s0)
	bne	s1, s3, call_other
	leg_request s8, s8, s8, 1, call_to_set_body
	leg_leave s8
	leg_clear
	leg_return
	leg_request_priority s3
	leg_leave_seldom s8

	.balign	64
call_reply_body:
	leg_reply s8, s8, s8, s8, s8, 1, unlock_other
	leg_leave s8
	leg_clear
	leg_return
	leg_reply_priority
	leg_leave_seldom s8

#include "arch/riscv64/call_set.inc"

/* The message is in the buffer, where that may be: ipc/fast_call.c. */
call_other:
	bgez	s1, refuse_kind			/* no descriptors */
	bgez	a3, refuse_kind
	j	call_buffer
call_long:
	bgez	a3, refuse_size
call_buffer:
	mv	a0, t0
	ld	sp, CPU_STACK_TOP(s0)
	mv	s0, zero
	call	fast_call_buffer
	tail	thread_return_value

/*
 * In:	s3 = the body's size - 48, less than 0; s11 = where to return to.
 * Out:	what of t1 to t6 is behind the body is 0.  Clobbers s3 to s5.
 */
	.option	push
	.option	norvc
call_clear:
	neg	s3, s3
	andi	s4, s3, 4
	srli	s3, s3, 3			/* whole registers */
	beqz	s4, 1f
	/* One more holds half a word of the body. */
	lla	s5, call_halves
	slli	s4, s3, 4
	add	s5, s5, s4
	jr	s5
call_halves:
	.irp	register, t6, t5, t4, t3, t2, t1
	slli	\register, \register, 32
	srli	\register, \register, 32
	j	1f
	nop
	.endr
1:	lla	s5, call_cleared
	slli	s3, s3, 2
	sub	s5, s5, s3
	jr	s5
	li	t1, 0
	li	t2, 0
	li	t3, 0
	li	t4, 0
	li	t5, 0
	li	t6, 0
call_cleared:
	jr	s11
	.option	pop

/* The receiver's trapframe gets the message that is in registers. */
call_deliver:
	mv	s8, s11
	srli	a7, t0, 32
	addi	s3, a7, -FAST_BODY
	beqz	s3, 1f
	jal	s11, call_clear
1:	ld	s4, TF_EPC(s2)
	sd	t0, TF_T0(s2)
	sd	s4, TF_RA(s2)
	sd	zero, TF_A0(s2)
	sd	a2, TF_A2(s2)
	sd	zero, TF_A3(s2)
	sd	zero, TF_A4(s2)
	sd	a5, TF_A5(s2)
	sd	a6, TF_A6(s2)
	sd	a7, TF_A7(s2)
	sd	t1, TF_T1(s2)
	sd	t2, TF_T2(s2)
	sd	t3, TF_T3(s2)
	sd	t4, TF_T4(s2)
	sd	t5, TF_T5(s2)
	sd	t6, TF_T6(s2)
	ld	sp, CPU_STACK_TOP(s0)
	jr	s8

/* The current thread has sent, and receives as anybody does. */
call_wait_client:
	li	s1, 1
	j	1f
call_wait_server:
	li	s1, 0
1:	jal	s11, call_deliver
	mv	a0, s2
	mv	a1, s1
	mv	s0, zero
	call	fast_wait
	tail	thread_return_value

/* s2 is to run, but its tables want more than a store to satp. */
call_leave_long:
	jal	s11, call_deliver
	mv	tp, s2
	mv	s1, s0
	mv	a0, s0
	ld	a1, FAST_PMAP(s2)
	mv	s0, zero
	call	pmap_switch_slow
	lbu	a0, CPU_FPU_ON(s1)
	beqz	a0, arch_user_return
	li	a0, SSTATUS_FS
	csrc	sstatus, a0
	sb	zero, CPU_FPU_ON(s1)
	j	arch_user_return

/* The arguments, for C. */
	.macro	call_keep
	li	s1, CALL_IN_BUFFER
	sd	t0, TF_T0(tp)
	sd	a4, TF_A4(tp)
	sd	a5, TF_A5(tp)
	sd	a6, TF_A6(tp)
	sd	s1, TF_A7(tp)
	sd	t1, TF_T1(tp)
	sd	t2, TF_T2(tp)
	sd	t3, TF_T3(tp)
	sd	t4, TF_T4(tp)
	sd	t5, TF_T5(tp)
	sd	t6, TF_T6(tp)
	ld	sp, CPU_STACK_TOP(s0)
	mv	s0, zero
	.endm

/*
 * Nothing has changed.  A reason that a look-up may cure counts if it does not;
 * s8 = its counter's place in struct cpu until then.
 */
	.macro	decline label, reason
\label:
	li	s8, CPU_DECLINED + 8 * \reason
	j	call_decline
	.endm

	.macro	refuse label, reason, to
\label:
	ld	s8, CPU_DECLINED + 8 * \reason (s0)
	addi	s8, s8, 1
	sd	s8, CPU_DECLINED + 8 * \reason (s0)
	j	\to
	.endm

	decline decline_receive, DECLINE_RECEIVE
	decline decline_name, DECLINE_NAME
	decline decline_right, DECLINE_RIGHT
	decline decline_hart, DECLINE_HART
	decline decline_busy, DECLINE_BUSY
	refuse refuse_size, DECLINE_SIZE, call_refused
	refuse refuse_kind, DECLINE_KIND, call_refused
	refuse refuse_voucher, DECLINE_VOUCHER, call_refused
	refuse refuse_receive, DECLINE_RECEIVE, call_refused
	refuse refuse_reply, DECLINE_REPLY, call_refused
	refuse refuse_nobody, DECLINE_NOBODY, call_refused
	refuse unlock_right, DECLINE_RIGHT, call_refused_unlock
	refuse unlock_nobody, DECLINE_NOBODY, call_refused_unlock
	refuse unlock_hart, DECLINE_HART, call_refused_unlock
	refuse unlock_priority, DECLINE_PRIORITY, call_refused_unlock
	refuse unlock_busy, DECLINE_BUSY, call_refused_unlock

/*
 * Not a client that waits there, s2 + 1 is the word of s3, but perhaps a thread
 * that raised an exception, and this may be the answer: which comes back if it
 * is not, with the space unlocked.  A longer body would be in registers that
 * are not kept.
 */
unlock_other:
	addi	s2, s2, 1
	srli	s1, s2, WORD_ASKER_SHIFT
	addi	s1, s1, -1
	bnez	s1, unlock_nobody
	srli	s1, t0, 32
	addi	s1, s1, FAST_HEADER - FAST_ANSWER
	bnez	s1, unlock_nobody
	li	s1, CALL_IN_BUFFER
	sd	t0, TF_T0(tp)
	sd	a4, TF_A4(tp)
	sd	a5, TF_A5(tp)
	sd	a6, TF_A6(tp)
	sd	s1, TF_A7(tp)
	sd	t1, TF_T1(tp)
	sd	t2, TF_T2(tp)
	ld	sp, CPU_STACK_TOP(s0)
	mv	a0, s3
	mv	a1, s2
	mv	s0, zero
	call	fast_exception_answer
	ld	s0, THREAD_CPU(tp)
	ld	s8, CPU_DECLINED + 8 * DECLINE_NOBODY (s0)
	addi	s8, s8, 1
	sd	s8, CPU_DECLINED + 8 * DECLINE_NOBODY (s0)
	mv	s0, zero
	j	2f

/* Try what can be learnt, then the other way. */
call_decline:
	call_keep
	call	fast_prepare
	beqz	a0, 1f
	load_temporaries tp
	j	call_again
1:	ld	s9, THREAD_CPU(tp)
	add	s8, s8, s9
	ld	s9, 0(s8)
	addi	s9, s9, 1
	sd	s9, 0(s8)
	j	2f

/* The same where there is nothing to be learnt: nobody waits in the word, or a
 * reply cannot go as it usually does. */
call_refused_unlock:
	li	s5, LOCK_PASS
	amoadd.w.rl zero, s5, (s11)
call_refused:
	call_keep
2:	call	fast_call
	tail	thread_return_value

/* Somebody has the lock s11, which was s5: wait for our turn, and decline. */
call_behind:
	call_keep
	mv	a0, s11
	mv	a1, s5
	call	fast_call_behind
	tail	thread_return_value

/*
 * With `fastpath=c` traps come here: calls go to the legs' twin in C, and all
 * else to trap_entry, as it came.
 */
	.text
	.globl	trap_entry_twin
	.balign	4
trap_entry_twin:
	csrrw	tp, sscratch, tp
	bgez	tp, 2f
	sd	s0, TF_S0(tp)
	sd	s1, TF_S1(tp)
	csrr	s0, scause
	addi	s0, s0, -CAUSE_USER_ECALL
	bnez	s0, 1f
	bltz	t0, 1f
	call_save
	ld	s0, THREAD_CPU(tp)
	call_keep
	tail	call_twin
1:	ld	s0, TF_S0(tp)
	ld	s1, TF_S1(tp)
2:	csrrw	tp, sscratch, tp
	j	trap_entry
