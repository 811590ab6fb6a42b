/*
 * lib/together_call.S: the trap of calls from and into a buffer, see
 * together.h, and mach/trap_numbers.h for the registers.
 */

#define BITS	0 /* of a header, and the size above them */
#define REMOTE	8 /* ... local */
#define VOUCHER 16 /* ... id */
#define BODY	24

#define HEADER_SIZE   24
#define IN_BUFFER     1
#define SHORTEST_SIZE 8 /* of a trailer */

/* a0 = the message, a1 = the name to receive from, a2 = the room, and bit 63
 * where more of it is in the buffer than registers hold. */
	.globl	together_call
	.type	together_call, @function
together_call:
	addi	sp, sp, -16
	sd	ra, 0(sp)
	li	t1, HEADER_SIZE
	slli	t1, t1, 32
	sext.w	a4, a1
	mv	a3, a2
	mv	a1, a0
	ld	t0, BITS(a1)
	ld	a5, REMOTE(a1)
	ld	a6, VOUCHER(a1)
	sub	t0, t0, t1			/* all but the header's size */
	ld	t1, BODY(a1)
	ld	t2, BODY + 8(a1)
	ld	t3, BODY + 16(a1)
	ld	t4, BODY + 24(a1)
	ld	t5, BODY + 32(a1)
	ld	t6, BODY + 40(a1)
	jal	1f
	ld	ra, 0(sp)
	addi	sp, sp, 16
	li	a4, IN_BUFFER
	beq	a7, a4, 2f
	/* As it would be in the buffer, with the shortest trailer. */
	sd	a2, BITS(a1)
	sd	a5, REMOTE(a1)
	sd	a6, VOUCHER(a1)
	sd	t1, BODY(a1)
	sd	t2, BODY + 8(a1)
	sd	t3, BODY + 16(a1)
	sd	t4, BODY + 24(a1)
	sd	t5, BODY + 32(a1)
	sd	t6, BODY + 40(a1)
	srli	a2, a2, 32
	add	a2, a2, a1
	sw	zero, 0(a2)
	li	a3, SHORTEST_SIZE
	sw	a3, 4(a2)
2:	ret
1:	ecall
	.size	together_call, . - together_call
