/*
 * libmach/traps.S: the traps, one function each, and mach_msg().
 *
 * C passes a ninth argument on the stack; the kernel wants it in t1.
 */
#include <mach/trap_numbers.h>

	.macro	trap name, number
	.globl	\name
	.type	\name, @function
\name:
	li	t0, \number
	ecall
	ret
	.size	\name, . - \name
	.endm

	/* A call that is also a message to the task's port */
	.macro	rpc name, number
	trap	_kernelrpc_\name\()_trap, \number
	.endm

	.macro	trap9 name, number
	.globl	\name
	.type	\name, @function
\name:
	ld	t1, 0(sp)
	li	t0, \number
	ecall
	ret
	.size	\name, . - \name
	.endm

	.text
	trap	mach_reply_port, TRAP_MACH_REPLY_PORT
	trap	task_self_trap, TRAP_TASK_SELF
	trap	thread_self_trap, TRAP_THREAD_SELF
	trap	mach_thread_self, TRAP_THREAD_SELF
	trap	host_self_trap, TRAP_HOST_SELF
	trap	mach_host_self, TRAP_HOST_SELF
	trap	thread_get_special_reply_port, \
		TRAP_THREAD_GET_SPECIAL_REPLY_PORT

	trap	mach_msg_trap, TRAP_MACH_MSG
	trap	mach_msg2_trap, TRAP_MACH_MSG2
	trap9	mach_msg_overwrite_trap, TRAP_MACH_MSG_OVERWRITE

	trap	semaphore_signal, TRAP_SEMAPHORE_SIGNAL
	trap	semaphore_signal_trap, TRAP_SEMAPHORE_SIGNAL
	trap	semaphore_signal_all, TRAP_SEMAPHORE_SIGNAL_ALL
	trap	semaphore_signal_all_trap, TRAP_SEMAPHORE_SIGNAL_ALL
	trap	semaphore_signal_thread, TRAP_SEMAPHORE_SIGNAL_THREAD
	trap	semaphore_signal_thread_trap, TRAP_SEMAPHORE_SIGNAL_THREAD
	trap	semaphore_wait, TRAP_SEMAPHORE_WAIT
	trap	semaphore_wait_trap, TRAP_SEMAPHORE_WAIT
	trap	semaphore_wait_signal, TRAP_SEMAPHORE_WAIT_SIGNAL
	trap	semaphore_wait_signal_trap, TRAP_SEMAPHORE_WAIT_SIGNAL
	trap	semaphore_timedwait_trap, TRAP_SEMAPHORE_TIMEDWAIT
	trap	semaphore_timedwait_signal_trap, TRAP_SEMAPHORE_TIMEDWAIT_SIGNAL

	trap	mach_eventlink_signal_trap, TRAP_MACH_EVENTLINK_SIGNAL
	trap	mach_eventlink_wait_until_trap, TRAP_MACH_EVENTLINK_WAIT_UNTIL
	trap	mach_eventlink_signal_wait_until_trap, \
		TRAP_MACH_EVENTLINK_SIGNAL_WAIT_UNTIL

	trap	baton_thread_start, TRAP_BATON_THREAD_START
	trap	baton_thread_port, TRAP_BATON_THREAD_PORT
	trap	baton_thread_end, TRAP_BATON_THREAD_END

	trap	mk_timer_create, TRAP_MK_TIMER_CREATE
	trap	mk_timer_destroy, TRAP_MK_TIMER_DESTROY
	trap	mk_timer_arm, TRAP_MK_TIMER_ARM
	trap	mk_timer_cancel, TRAP_MK_TIMER_CANCEL
	trap	mk_timer_arm_leeway, TRAP_MK_TIMER_ARM_LEEWAY

	trap	swtch, TRAP_SWTCH
	trap	swtch_pri, TRAP_SWTCH_PRI
	trap	thread_switch, TRAP_THREAD_SWITCH
	trap	syscall_thread_switch, TRAP_THREAD_SWITCH
	trap	clock_sleep_trap, TRAP_CLOCK_SLEEP
	trap	mach_wait_until, TRAP_MACH_WAIT_UNTIL
	trap	mach_timebase_info_trap, TRAP_MACH_TIMEBASE_INFO
	trap	mach_timebase_info, TRAP_MACH_TIMEBASE_INFO

	rpc	mach_vm_allocate, TRAP_MACH_VM_ALLOCATE
	rpc	mach_vm_deallocate, TRAP_MACH_VM_DEALLOCATE
	rpc	mach_vm_protect, TRAP_MACH_VM_PROTECT
	rpc	mach_vm_map, TRAP_MACH_VM_MAP

	rpc	mach_port_allocate, TRAP_MACH_PORT_ALLOCATE
	rpc	mach_port_deallocate, TRAP_MACH_PORT_DEALLOCATE
	rpc	mach_port_mod_refs, TRAP_MACH_PORT_MOD_REFS
	rpc	mach_port_move_member, TRAP_MACH_PORT_MOVE_MEMBER
	rpc	mach_port_insert_right, TRAP_MACH_PORT_INSERT_RIGHT
	rpc	mach_port_insert_member, TRAP_MACH_PORT_INSERT_MEMBER
	rpc	mach_port_extract_member, TRAP_MACH_PORT_EXTRACT_MEMBER
	rpc	mach_port_construct, TRAP_MACH_PORT_CONSTRUCT
	rpc	mach_port_destruct, TRAP_MACH_PORT_DESTRUCT
	rpc	mach_port_get_attributes, TRAP_MACH_PORT_GET_ATTRIBUTES
	rpc	mach_port_guard, TRAP_MACH_PORT_GUARD
	rpc	mach_port_unguard, TRAP_MACH_PORT_UNGUARD
	rpc	mach_port_type, TRAP_MACH_PORT_TYPE
	rpc	mach_port_request_notification, \
		TRAP_MACH_PORT_REQUEST_NOTIFICATION

/*
 * mach_absolute_time() and its kin: the timebase, readable in user mode.
 */
	.macro	timebase name
	.globl	\name
	.type	\name, @function
\name:
	rdtime	a0
	ret
	.size	\name, . - \name
	.endm

	timebase mach_absolute_time
	timebase mach_continuous_time
	timebase mach_approximate_time
	timebase mach_continuous_approximate_time

/*
 * mach_msg(msg, option, send_size, rcv_size, rcv_name, timeout, notify): with
 * the header in the registers of the mach_msg2 trap, so that the kernel need
 * not read it from memory.
 *
 * A header that is not 8-aligned goes the long way, through memory; so does a
 * call that only receives, whose buffer may hold anything.  What a restart
 * needs is kept in a frame that struct message_call of msg.c describes.
 */
#define MACH_SEND_MSG 1
#define MACH_RCV_MSG  2
#define CALL_DATA     0
#define CALL_OPTION   8
#define CALL_RECEIVE  16
#define CALL_SIZES    24
#define CALL_TIMEOUT  32
#define CALL_RA	      40
#define CALL_SIZE     48

	.globl	mach_msg
	.type	mach_msg, @function
mach_msg:
	li	t0, MACH_SEND_MSG | MACH_RCV_MSG
	beq	a1, t0, .Lcall
.Lmemory:
	andi	t0, a0, 7
	andi	t1, a1, MACH_SEND_MSG
	slli	a3, a3, 32
	srli	a3, a3, 32
	slli	a6, a6, 32
	or	a6, a6, a3		/* room and priority */
	mv	a7, a5			/* timeout: its lower half counts */
	slli	a5, a4, 32		/* no descriptors, receive name */
	slli	a2, a2, 32
	bnez	t0, .Lunaligned
	beqz	t1, .Lreceive
	lw	t0, 0(a0)
	ld	a3, 8(a0)		/* remote and local port */
	ld	a4, 16(a0)		/* voucher and id */
	bltz	t0, .Lcomplex
.Lbits:
	or	a2, a2, t0		/* bits and size */
.Ltrap:
	li	t0, TRAP_MACH_MSG2
	ecall
	bnez	a0, .Lfailed
	ret

.Lcomplex:
	slli	t0, t0, 32
	srli	t0, t0, 32
	lwu	t2, 24(a0)
	or	a5, a5, t2		/* descriptors, receive name */
	j	.Lbits

.Lreceive:
	li	a2, 0
	li	a3, 0
	li	a4, 0
	j	.Ltrap

.Lunaligned:
	beqz	t1, .Lreceive
	lwu	a3, 8(a0)
	lwu	t0, 12(a0)
	slli	t0, t0, 32
	or	a3, a3, t0
	lwu	a4, 16(a0)
	lwu	t0, 20(a0)
	slli	t0, t0, 32
	or	a4, a4, t0
	lw	t0, 0(a0)
	bltz	t0, .Lcomplex
	j	.Lbits

/*
 * Send and receive: what is small and simple goes in registers, as
 * mach/trap_numbers.h has them, and the buffer has room for whatever comes in
 * registers, with its trailer.
 */
#define HEADER_SIZE   24
#define BODY_MAX      48
#define TRAILER_SIZE  8
#define ROOM_MIN      (HEADER_SIZE + BODY_MAX + TRAILER_SIZE)
#define IN_BUFFER     1
#define INVALID_TYPE  0x1000000f	/* MACH_SEND_INVALID_TYPE */

	/* t0 = bits, body's size above them; the kernel returns to what follows
	 * this, with a1 as it was. */
	.macro	call_trap
	ld	a5, 8(a0)
	ld	a6, 16(a0)
	mv	a1, a0
	addi	sp, sp, -16
	sd	ra, 8(sp)
	jal	.Lcall_trap
	.endm

	.macro	load_body
	/* The buffer has that much, whatever of it is body. */
	ld	t1, 24(a0)
	ld	t2, 32(a0)
	ld	t3, 40(a0)
	ld	t4, 48(a0)
	ld	t5, 56(a0)
	ld	t6, 64(a0)
	.endm

.Lcall:
	li	t0, ROOM_MIN
	andi	t1, a0, 7
	blt	a3, t0, .Lmemory
	bnez	t1, .Lmemory
	li	t1, HEADER_SIZE
	lwu	t0, 0(a0)
	bne	a2, t1, .Lcall_body
.Lin_registers:
	call_trap
	bnez	a7, .Lmore
.Lheader_received:
	sd	a2, 0(a1)
	ld	ra, 8(sp)
	li	a2, TRAILER_SIZE
	sd	a5, 8(a1)
	addi	sp, sp, 16
	slli	a2, a2, 32
	sd	a6, 16(a1)
	sd	a2, 24(a1)
	ret

.Lcall_trap:
	ecall

.Lcall_body:
	li	t1, BODY_MAX
	sext.w	t2, t0
	addi	t3, a2, -HEADER_SIZE
	bltz	t2, .Lcall_complex
	slli	t2, t3, 32
	or	t0, t0, t2
	bltu	t1, t3, .Lcall_long
	bne	t1, t3, .Lcall_some
.Lcall_loaded:
	load_body
	call_trap
.Lmore:
	li	t0, BODY_MAX
	bne	a7, t0, .Lsome_or_none
	sd	a2, 0(a1)
	ld	ra, 8(sp)
	li	a2, TRAILER_SIZE
	sd	a5, 8(a1)
	addi	sp, sp, 16
	slli	a2, a2, 32
	sd	a6, 16(a1)
	sd	t1, 24(a1)
	sd	t2, 32(a1)
	sd	t3, 40(a1)
	sd	t4, 48(a1)
	sd	t5, 56(a1)
	sd	t6, 64(a1)
	sd	a2, 72(a1)
	ret

.Lcall_some:
	andi	t4, t3, 3
	beqz	t4, .Lcall_loaded
	j	.Lmemory

/* It does not fit into registers: all but the header stays where it is. */
.Lcall_right:
	slli	t2, t3, 32
	or	t0, t0, t2
.Lcall_long:
	li	t1, 1
	bltz	t3, .Lmemory			/* less than a header */
	slli	t1, t1, 63
	or	a3, a3, t1
	call_trap
	li	t0, IN_BUFFER
	beqz	a7, .Lheader_received
	bne	a7, t0, .Lmore
.Lnot_in_registers:
	ld	ra, 8(sp)
	addi	sp, sp, 16
	bnez	a0, .Lcall_failed
	ret

/*
 * One right first goes so, too.  Other descriptors do as in .Lmemory, in fewer
 * steps.  The type of the first is there in any buffer of some size.
 */
#define FIRST_TYPE 39

.Lcall_complex:
	lbu	t1, FIRST_TYPE(a0)
	beqz	t1, .Lcall_right
	slli	a6, a6, 32
	or	a6, a6, a3
	mv	a7, a5
	slli	a5, a4, 32
	lwu	t2, 24(a0)
	slli	a2, a2, 32
	ld	a3, 8(a0)
	ld	a4, 16(a0)
	or	a2, a2, t0
	or	a5, a5, t2
	j	.Ltrap

/* a7 bytes, in fours, and the trailer right behind them. */
.Lsome_or_none:
	li	t0, IN_BUFFER
	beq	a7, t0, .Lnot_in_registers
	ld	ra, 8(sp)
	addi	sp, sp, 16
	sd	a2, 0(a1)
	sd	a5, 8(a1)
	sd	a6, 16(a1)
	add	a4, a1, a7
	addi	a4, a4, HEADER_SIZE
	.set	offset, 24
	.irp	register, t1, t2, t3, t4, t5, t6
	addi	a7, a7, -8
	bltz	a7, 1f
	sd	\register, offset(a1)
	j	2f
1:	addi	a7, a7, 4
	bnez	a7, .Ltrailer
	sw	\register, offset(a1)
	j	.Ltrailer
2:
	.set	offset, offset + 8
	.endr
.Ltrailer:
	sw	zero, 0(a4)
	li	a3, TRAILER_SIZE
	sw	a3, 4(a4)
	ret

.Lcall_failed:
	li	t0, INVALID_TYPE
	bne	a0, t0, 1f
	lw	t1, 0(a1)
	bltz	a3, 1f
	bltz	t1, .Lcall_no_count
1:	slli	a6, a3, 32
	slli	a5, a4, 32
	srli	a6, a6, 32
	mv	t1, a1
	li	a1, MACH_SEND_MSG | MACH_RCV_MSG
	mv	a7, zero
	j	.Lfailed

/* A header says that there are descriptors, and is all that there is. */
.Lcall_no_count:
	mv	a0, a1
	li	a1, MACH_SEND_MSG | MACH_RCV_MSG
	li	a2, HEADER_SIZE
	li	a5, 0
	li	a6, 0
	j	.Lmemory

	/* The kernel leaves what it was given in a1 to a7, and a0 in t1. */
.Lfailed:
	addi	sp, sp, -CALL_SIZE
	sd	t1, CALL_DATA(sp)
	sd	a1, CALL_OPTION(sp)
	sd	a5, CALL_RECEIVE(sp)
	sd	a6, CALL_SIZES(sp)
	sd	a7, CALL_TIMEOUT(sp)
	sd	ra, CALL_RA(sp)
	mv	a1, sp
	call	mach_msg_restart
	ld	ra, CALL_RA(sp)
	addi	sp, sp, CALL_SIZE
	ret
	.size	mach_msg, . - mach_msg
