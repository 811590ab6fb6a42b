/*
 * lib/small.S: what small tasks run: a page of code that needs nothing but a
 * stack, and works at any address.
 */
#include <mach/routine_ids.h>
#include <mach/trap_numbers.h>

#define SEND_MSG	1
#define RCV_MSG		2
#define COPY_SEND	19
#define MAKE_SEND_ONCE	21
#define MOVE_SEND_ONCE	18

#define HEADER_BITS	0	/* fields of a header on the stack */
#define HEADER_SIZE	4
#define HEADER_REMOTE	8
#define HEADER_LOCAL	12
#define HEADER_VOUCHER	16
#define HEADER_ID	20
#define BUFFER		256

	.macro	trap number
	li	t0, \number
	ecall
	.endm

	.macro	routine name
	.globl	\name
	.balign	4
\name:
	.endm

	.text
	.globl	small_begin
	.balign	4096
small_begin:

/* a0 = a receive right: receive for ever, and throw away. */
	routine	small_receive
	mv	s0, a0
	addi	sp, sp, -BUFFER
1:	mv	a0, sp
	li	a1, RCV_MSG
	li	a2, 0
	li	a3, BUFFER
	mv	a4, s0
	li	a5, 0
	li	a6, 0
	trap	TRAP_MACH_MSG
	j	1b

/* a0 = a receive right: receive, and send each message back where it says. */
	routine	small_echo
	mv	s0, a0
	addi	sp, sp, -BUFFER
1:	mv	a0, sp
	li	a1, RCV_MSG
	li	a2, 0
	li	a3, BUFFER
	mv	a4, s0
	li	a5, 0
	li	a6, 0
	trap	TRAP_MACH_MSG
	bnez	a0, 1b
2:	li	t1, MOVE_SEND_ONCE
	sw	t1, HEADER_BITS(sp)
	sw	zero, HEADER_LOCAL(sp)
	sw	zero, HEADER_VOUCHER(sp)
	mv	a0, sp
	li	a1, SEND_MSG | RCV_MSG
	lw	a2, HEADER_SIZE(sp)
	li	a3, BUFFER
	mv	a4, s0
	li	a5, 0
	li	a6, 0
	trap	TRAP_MACH_MSG
	bnez	a0, 1b
	j	2b

/*
 * a0 = a send right, a1 = a size: send messages of that size with a reply port
 * and wait for the answers, for ever.
 */
	routine	small_call
	mv	s0, a0
	mv	s1, a1
	addi	sp, sp, -BUFFER
	trap	TRAP_MACH_REPLY_PORT
	mv	s2, a0
1:	li	t1, COPY_SEND | MAKE_SEND_ONCE << 8
	sw	t1, HEADER_BITS(sp)
	sw	s1, HEADER_SIZE(sp)
	sw	s0, HEADER_REMOTE(sp)
	sw	s2, HEADER_LOCAL(sp)
	sw	zero, HEADER_VOUCHER(sp)
	sw	zero, HEADER_ID(sp)
	mv	a0, sp
	li	a1, SEND_MSG | RCV_MSG
	mv	a2, s1
	li	a3, BUFFER
	mv	a4, s2
	li	a5, 0
	li	a6, 0
	trap	TRAP_MACH_MSG
	j	1b

/* Wait for a message that nobody can send. */
	routine	small_wait
	addi	sp, sp, -BUFFER
	trap	TRAP_MACH_REPLY_PORT
	j	small_receive

/* a0 = the number of a trap, a1 = its first argument: that, for ever. */
	routine	small_trap
	mv	s0, a0
	mv	s1, a1
1:	mv	a0, s1
	li	a1, 0
	li	a2, 0
	mv	t0, s0
	ecall
	j	1b

	routine	small_spin
1:	addi	s0, s0, 1
	j	1b

/* a0 = an address: count there. */
	routine	small_count
1:	ld	s0, 0(a0)
	addi	s0, s0, 1
	sd	s0, 0(a0)
	j	1b

/* Faults: a0 is the address. */
	routine	small_load
	ld	a0, 0(a0)
	j	small_spin

	routine	small_store
	sd	a0, 0(a0)
	j	small_spin

	routine	small_jump
	jr	a0

	routine	small_illegal
	.4byte	0xffffffff

/* The vector unit, which is not the users': reads vl, by its number. */
	routine	small_vector
	csrr	a0, 0xc20
	j	small_spin

	routine	small_break
	ebreak

/* Ask the kernel to end the task. */
	routine	small_exit
	trap	TRAP_TASK_SELF
	li	a1, MSGID_TASK_TERMINATE
	/* falls through */

/*
 * a0 = a send right to a port of the kernel's, a1 = an id: ask that, once, with
 * a header and nothing more.
 */
	routine	small_ask
	mv	s0, a0
	mv	s1, a1
	addi	sp, sp, -BUFFER
	trap	TRAP_MACH_REPLY_PORT
	mv	s2, a0
	li	t1, COPY_SEND | MAKE_SEND_ONCE << 8
	sw	t1, HEADER_BITS(sp)
	li	t1, 24
	sw	t1, HEADER_SIZE(sp)
	sw	s0, HEADER_REMOTE(sp)
	sw	s2, HEADER_LOCAL(sp)
	sw	zero, HEADER_VOUCHER(sp)
	sw	s1, HEADER_ID(sp)
	mv	a0, sp
	li	a1, SEND_MSG | RCV_MSG
	li	a2, 24
	li	a3, BUFFER
	mv	a4, s2
	li	a5, 0
	li	a6, 0
	trap	TRAP_MACH_MSG
	j	small_spin

	.globl	small_end
small_end:
