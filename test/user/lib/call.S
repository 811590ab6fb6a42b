/*
 * lib/call.S: TRAP_MACH_MSG_CALL with the arguments of C, see mach_test.h.
 */
#include <mach/trap_numbers.h>

	.globl	registers_call
	.type	registers_call, @function
registers_call:
	addi	sp, sp, -16
	sd	ra, 0(sp)
	mv	a6, a5
	mv	a5, a4
	mv	a4, a3
	mv	a3, a2
	mv	a2, a1
	mv	a1, a0
	li	t0, TRAP_MACH_MSG_CALL
	jal	1f
	ld	ra, 0(sp)
	addi	sp, sp, 16
	ret
1:	ecall
	.size	registers_call, . - registers_call
