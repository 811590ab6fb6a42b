/*
 * call.S: TRAP_MACH_MSG_CALL, the legs of the message fast path.
 *
 * A call: the current thread sends to a port in whose word a server waits, and
 * waits in its reply port's.  A reply: it uses up the reply right of its spare
 * entry and waits for the next request.  Either way the thread that waited
 * runs at once, and a2 to a4 and t1 to t6 go from the one to the other as they
 * are.  ipc/fast_word.h has the words and the order of memory.
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
#include <mach/trap_numbers.h>

#include "arch/riscv64/trap_macros.inc"

#define SSTATUS_FS 0x6000

/* From user mode with t0 = TRAP_MACH_MSG_CALL: what the thread keeps. */
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
	sd	a6, TF_A6(tp)
	.endm

/*
 * The two halves.  What they test with is nobody's: a5 to a7 end as 0, and so
 * do the registers whose name is zero, in which a bare header has no body.
 * a0 is CALL_IN_REGISTERS, which is 1.
 */

/* Send a request; falls through when the receiver is s2, and it is to run. */
	.macro	leg_request zero1
	ld	s1, FAST_FROM_WORD(tp)
	bne	a5, s1, decline_receive
	ld	s1, FAST_TO_WORD(tp)
	bne	a3, s1, decline_name
	sext.w	\zero1, a4			/* no voucher */
	bnez	\zero1, refuse_voucher
	ld	s3, FAST_TO(tp)
	ld	s4, FAST_TO_ENTRY(tp)
	ld	s9, FAST_FROM(tp)
	ld	s10, FAST_QUIET(tp)
	li	a0, CALL_IN_REGISTERS
	/* The right is looked at between load and store of the word: who gives
	 * it up closes the port after that. */
	lr.d.aq	s2, (s3)
	bgez	s2, refuse_nobody
	ld	s5, ENTRY_PORT(s4)
	bne	s5, s3, decline_right
	fence	r, r				/* the port before its key */
	lw	s5, ENTRY_KEY(s4)
	lw	s6, FAST_TO_KEY(tp)
	bne	s5, s6, decline_right
	ld	s5, THREAD_CPU(s2)
	bne	s5, s0, decline_hart
	ld	s5, THREAD_PRIORITIES(tp)
	ld	s6, THREAD_PRIORITIES(s2)
	ld	s7, FAST_QUIET(s2)
	sc.d	a7, s7, (s3)
	bnez	a7, decline_busy

	/* ---- sent: s2 is ours ---- */
	bne	s5, s6, 8f
7:	lbu	s4, FAST_SPARE_NAME(s2)
	ld	s6, FAST_SPARE(s2)
	addi	s4, s4, 1
	sb	s4, FAST_SPARE_NAME(s2)
	andi	s4, s4, 255
	lwu	s5, FAST_SPARE_NAME(s2)
	lui	s7, KEY_SEND_ONCE >> 12
	or	s4, s4, s7
	sw	s4, FAST_SPARE_KEY(s2)
	sd	s9, ENTRY_PORT(s6)
	fence	w, w				/* the port before its key */
	sw	s4, ENTRY_KEY(s6)
	ld	s4, FAST_FROM_WORD(s2)
	xori	a2, a2, FAST_REQUEST_RECEIVED
	or	a3, s4, s5			/* reply right; where it came */
	addi	s3, s3, PORT_SEQUENCE
	amoadd.w zero, a0, (s3)
	neg	s5, tp
	lr.d.aq	s4, (s9)
	bne	s4, s10, call_wait_client
	lw	a5, THREAD_AST(tp)
	bnez	a5, call_wait_client
	sc.d.rl	a6, s5, (s9)
	bnez	a6, call_wait_client
	.endm

/*
 * Not the same priorities, of which who waits has but one.  What was lent to
 * the caller goes back; he lends his, or the hart runs at the server's.
 */
	.macro	leg_request_priority
8:	lw	s5, THREAD_PRIORITY(tp)
	lw	s6, THREAD_PRIORITY(s2)
	lw	s7, THREAD_BASE_PRIORITY(tp)
	sw	s7, THREAD_PRIORITY(tp)
	bgeu	s6, s5, 9f
	sw	s5, THREAD_PRIORITY(s2)
	j	7b
9:	sw	s6, CPU_RUNNING_PRIORITY(s0)
	j	7b
	.endm

/* Send a reply; the same. */
	.macro	leg_reply zero1, zero2, zero3, zero4
	ld	s1, FAST_FROM_WORD(tp)
	bne	a5, s1, refuse_receive
	lwu	s1, FAST_SPARE_NAME(tp)
	bne	a3, s1, refuse_reply
	sext.w	\zero1, a4
	bnez	\zero1, refuse_voucher
	ld	s9, FAST_FROM(tp)
	ld	s10, FAST_QUIET(tp)
	ld	s11, THREAD_SPACE(tp)
	ld	s4, FAST_SPARE(tp)
	lw	s6, FAST_SPARE_KEY(tp)
	li	a0, CALL_IN_REGISTERS
	lr.w.aq	s5, (s11)			/* spin_trylock() */
	andi	\zero2, s5, LOCK_COUNT_MASK
	bnez	\zero2, refuse_busy
	add	s5, s5, a0
	sc.w	\zero3, s5, (s11)
	bnez	\zero3, refuse_busy
	lw	s5, ENTRY_KEY(s4)
	bne	s5, s6, unlock_right
	/* While its client waits in the word, the right needs no reference. */
	ld	s3, ENTRY_PORT(s4)
	lr.d.aq	s2, (s3)
	addi	s2, s2, -1
	srli	\zero4, s2, WORD_SHIFT
	bnez	\zero4, unlock_nobody
	not	s2, s2				/* less what it was */
	ld	s5, THREAD_CPU(s2)
	bne	s5, s0, unlock_hart
	ld	s5, THREAD_PRIORITIES(tp)
	ld	s7, THREAD_PRIORITIES(s2)
	ld	s8, FAST_QUIET(s2)
	bne	s5, s7, 8f
	sc.d	a7, s8, (s3)
	bnez	a7, unlock_busy

	/* ---- sent: s2 is ours, and the right used ---- */
7:	andi	s6, s6, 255
	ori	s6, s6, KEY_KEPT
	sw	s6, ENTRY_KEY(s4)
	li	s5, LOCK_PASS			/* SPARE_READY as well */
	sw	s5, FAST_SPARE_KEY(tp)
	amoadd.w.rl zero, s5, (s11)
	li	s5, FAST_REPLY_RECEIVED
	xor	a2, a2, s5
	ld	a3, FAST_FROM_WORD(s2)
	addi	s3, s3, PORT_SEQUENCE
	amoadd.w zero, a0, (s3)
	lr.d.aq	s4, (s9)
	bne	s4, s10, call_wait_server
	lw	a5, THREAD_AST(tp)
	bnez	a5, call_wait_server
	sc.d.rl	a6, tp, (s9)
	bnez	a6, call_wait_server
	.endm

/*
 * The hart is to run at the client's: unless somebody waits for that.  Then
 * what was lent to the server goes back.
 */
	.macro	leg_reply_priority
8:	lw	s5, THREAD_PRIORITY(tp)
	lw	s7, THREAD_PRIORITY(s2)
	beq	s5, s7, 10f
	sw	s7, CPU_RUNNING_PRIORITY(s0)
	fence	rw, rw				/* sched_wake()'s partner */
	lw	s1, CPU_BEST_QUEUED(s0)
	bge	s1, s7, 9f
	lr.d.aq	s1, (s3)
	add	s1, s1, s2			/* less the client */
	bnez	s1, 9f
10:	sc.d	a7, s8, (s3)
	bnez	a7, 9f
	lw	s1, THREAD_BASE_PRIORITY(tp)
	sw	s1, THREAD_PRIORITY(tp)
	j	7b
9:	sw	s5, CPU_RUNNING_PRIORITY(s0)
	j	unlock_priority
	.endm

/*
 * s2, in whose hands the message is, becomes the current thread: its address
 * space, its registers.  Nothing of the sender's stays.
 */
	.macro	leg_leave zero
	ld	s3, FAST_PMAP(s2)
	ld	s4, CPU_PMAP(s0)
	beq	s3, s4, 4f
	/* pmap_switch_on() */
	sd	s3, CPU_PMAP(s0)
	fence	rw, rw				/* pmap_retire()'s partner */
1:	ld	s4, PMAP_SATP(s3)
	beqz	s4, call_leave_long
	fence	r, r				/* asids_stale after it */
	lhu	\zero, CPU_FPU_ON(s0)		/* that, and fpu_on */
	bnez	\zero, 3f
	csrw	satp, s4
	sd	s3, CPU_PMAP_LOADED(s0)
2:	csrw	sscratch, s2
	.endm

	.macro	leg_return
	ld	ra, TF_EPC(s2)
	ld	sp, TF_SP(s2)
	ld	gp, TF_GP(s2)
	csrw	sepc, ra
	ld	tp, TF_TP(s2)
	ld	s0, TF_S0(s2)
	ld	s1, TF_S1(s2)
	ld	s3, TF_S3(s2)
	ld	s4, TF_S4(s2)
	ld	s5, TF_S5(s2)
	ld	s6, TF_S6(s2)
	ld	s7, TF_S7(s2)
	ld	s8, TF_S8(s2)
	ld	s9, TF_S9(s2)
	ld	s10, TF_S10(s2)
	ld	s11, TF_S11(s2)
	ld	a1, TF_A1(s2)
	ld	s2, TF_S2(s2)
	leave_kernel
	.endm

/* What is behind the body is 0. */
	.macro	leg_clear
	srli	s3, a2, 32
	addi	s3, s3, -FAST_HEADER - FAST_BODY
	beqz	s3, 6f
	jal	s11, call_clear
6:
	.endm

/* The unit is shut: its owner's next use of it, fpu_resume(), opens it. */
	.macro	leg_leave_seldom zero
3:	lbu	s5, CPU_ASIDS_STALE(s0)
	bnez	s5, call_leave_long
	li	s5, SSTATUS_FS
	csrc	sstatus, s5
	sb	zero, CPU_FPU_ON(s0)
	j	1b
	/* The same address space. */
4:	lbu	\zero, CPU_FPU_ON(s0)
	beqz	\zero, 2b
	li	s5, SSTATUS_FS
	csrc	sstatus, s5
	sb	zero, CPU_FPU_ON(s0)
	j	4b
	.endm

	.section .text.hot, "ax"
	.globl	call_entry
	.balign	64
call_entry:
	call_save
call_again:
	ld	s0, THREAD_CPU(tp)
	ld	s1, CPU_REPLY(s0)
	beq	a2, s1, call_reply
	ld	s1, CPU_REQUEST(s0)
	bne	a2, s1, call_with_body
	leg_request t1
	leg_leave t5
	li	t2, 0
	li	t3, 0
	li	t4, 0
	li	t6, 0
	leg_return
	leg_request_priority
	leg_leave_seldom t5

	.balign	64
call_reply:
	leg_reply t1, t2, t3, t4
	leg_leave t5
	li	t6, 0
	leg_return
	leg_reply_priority
	leg_leave_seldom t5

	.balign	64
call_with_body:
	srli	s1, a2, 32
	addi	s1, s1, -FAST_HEADER
	li	s4, FAST_BODY
	andi	s3, s1, 3
	bltu	s4, s1, call_long
	bnez	s3, refuse_size
	sext.w	s1, a2
	li	s3, FAST_REPLY_BITS
	beq	s1, s3, call_reply_body
	li	s3, FAST_REQUEST_BITS
	bne	s1, s3, call_other
	leg_request s8
	leg_leave s8
	leg_clear
	leg_return
	leg_request_priority
	leg_leave_seldom s8

	.balign	64
call_reply_body:
	leg_reply s8, s8, s8, s8
	leg_leave s8
	leg_clear
	leg_return
	leg_reply_priority
	leg_leave_seldom s8

/* The message is in the buffer, where that may be: ipc/fast_call.c. */
call_other:
	bgez	s1, refuse_kind			/* no descriptors */
	bgez	a6, refuse_kind
	j	call_buffer
call_long:
	bgez	a6, refuse_size
call_buffer:
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
	srli	s3, a2, 32
	addi	s3, s3, -FAST_HEADER - FAST_BODY
	beqz	s3, 1f
	jal	s11, call_clear
1:	ld	s4, TF_EPC(s2)
	li	s3, CALL_IN_REGISTERS
	sd	s4, TF_RA(s2)
	sd	t0, TF_T0(s2)			/* the same number */
	sd	s3, TF_A0(s2)
	sd	a2, TF_A2(s2)
	sd	a3, TF_A3(s2)
	sd	a4, TF_A4(s2)
	sd	zero, TF_A5(s2)
	sd	zero, TF_A6(s2)
	sd	zero, TF_A7(s2)
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
	sd	a2, TF_A2(tp)
	sd	a3, TF_A3(tp)
	sd	a4, TF_A4(tp)
	sd	a5, TF_A5(tp)
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
	refuse refuse_busy, DECLINE_BUSY, call_refused
	refuse unlock_right, DECLINE_RIGHT, call_refused_unlock
	refuse unlock_nobody, DECLINE_NOBODY, call_refused_unlock
	refuse unlock_hart, DECLINE_HART, call_refused_unlock
	refuse unlock_priority, DECLINE_PRIORITY, call_refused_unlock
	refuse unlock_busy, DECLINE_BUSY, call_refused_unlock

/* Try what can be learnt, then the other way. */
call_decline:
	call_keep
	call	fast_prepare
	beqz	a0, 1f
	load_temporaries tp
	li	t0, TRAP_MACH_MSG_CALL
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
	addi	s1, t0, -TRAP_MACH_MSG_CALL
	or	s0, s0, s1
	bnez	s0, 1f
	call_save
	ld	s0, THREAD_CPU(tp)
	call_keep
	tail	call_twin
1:	ld	s0, TF_S0(tp)
	ld	s1, TF_S1(tp)
2:	csrrw	tp, sscratch, tp
	j	trap_entry
