/*
 * lib/call.S: the call trap with the arguments of C, see mach_test.h.
 */

	.globl	registers_call
	.type	registers_call, @function
registers_call:
	addi	sp, sp, -16
	sd	ra, 0(sp)
	li	t1, 24			/* a header, which t0 leaves out */
	slli	t1, t1, 32
	sub	t0, a1, t1
	mv	t1, a5
	srai	t2, a4, 32
	mv	a5, a2
	mv	a6, a3
	mv	a1, a0
	mv	a3, t1
	mv	a4, t2
	jal	1f
	ld	ra, 0(sp)
	li	t1, 1
	addi	sp, sp, 16
	beq	a7, t1, 2f			/* not in registers */
	mv	a0, t1
2:	ret
1:	ecall
	.size	registers_call, . - registers_call
