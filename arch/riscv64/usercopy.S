/*
 * usercopy.S: copyin and copyout, the only code that touches user memory.
 *
 * kern_return_t copyin(void *to, uaddr_t from, size_t size);
 * kern_return_t copyout(uaddr_t to, const void *from, size_t size);
 * kern_return_t copyin_present(void *to, uaddr_t from, size_t size);
 * kern_return_t copyin_descriptor(void *to, uaddr_t from);
 * kern_return_t copyout_raise_return(uaddr_t to, uint64_t w0, ..., w6);
 * kern_return_t copyout_six_return(uaddr_t to, uint64_t w0, ..., w5);
 * kern_return_t copyout_words_return(uaddr_t to, uint64_t w0, w1, w2, w3);
 * kern_return_t copyout_descriptor_return(uaddr_t to, uint64_t w0, ..., w6);
 * kern_return_t copyout_name(uint64_t, uint64_t, uaddr_t to, uint32_t name);
 * void arch_user_return_success(void);
 *
 * In:	a0 = to, a1 = from, a2 = size; a user space is current.
 * Out:	a0 = KERN_SUCCESS, KERN_INVALID_ADDRESS or KERN_MEMORY_WAIT.
 *	Clobbers a1 to a5, t0 to t6.
 *
 * Between usercopy_start and usercopy_end a page fault is the map's business:
 * the trap handler serves it and comes back to the faulting instruction, or
 * goes on at usercopy_fault or usercopy_wait.  No instruction of it depends on
 * what the trap handler does not keep: it keeps everything but s2 to s11.
 *
 * No access is misaligned: many cores have firmware emulate those.
 */
#include <arch/layout.h>
#include <arch/offsets.h>
#include <arch/trapframe.h>

#define SSTATUS_SUM	     0x40000
#define KERN_SUCCESS	     0
#define KERN_INVALID_ADDRESS 1

/* Goes to usercopy_refuse unless [\address, \address + a2) is the user's. */
	.macro	check_user address
	li	t0, USER_END
	bltu	t0, a2, usercopy_refuse
	sub	t0, t0, a2
	bltu	t0, \address, usercopy_refuse
	.endm

/* The 64 bytes that are \offset behind a1 and a0. */
	.macro	copy_line offset
	ld	t0, \offset + 0(a1)
	ld	t1, \offset + 8(a1)
	ld	t2, \offset + 16(a1)
	ld	t3, \offset + 24(a1)
	ld	t4, \offset + 32(a1)
	ld	a3, \offset + 40(a1)
	ld	a4, \offset + 48(a1)
	ld	a5, \offset + 56(a1)
	sd	t0, \offset + 0(a0)
	sd	t1, \offset + 8(a0)
	sd	t2, \offset + 16(a0)
	sd	t3, \offset + 24(a0)
	sd	t4, \offset + 32(a0)
	sd	a3, \offset + 40(a0)
	sd	a4, \offset + 48(a0)
	sd	a5, \offset + 56(a0)
	.endm

	.section .text.hot, "ax"
	.globl	copyin, copyout, copyin_descriptor, copyin_present
	.globl	copyout_words_return, copyout_descriptor_return
	.globl	copyout_name, usercopy_name, usercopy_name_fault
	.globl	copyout_raise_return, copyout_six_return
	.globl	usercopy_start, usercopy_end, usercopy_fault, usercopy_wait
	.globl	usercopy_words_wait, arch_user_return_success
	.globl	usercopy_present_start, usercopy_present_end

	.balign	64
copyout:
	check_user a0
	j	usercopy

copyin:
	check_user a1
usercopy:
	or	t0, a0, a1
	andi	t0, t0, 7
	andi	t1, a2, 3
	or	t1, t0, t1
	li	t6, SSTATUS_SUM
	csrs	sstatus, t6
	bnez	t1, copy_ragged

usercopy_start:
/* Addresses are multiples of 8, the size of 4, as messages are. */
copy_words:
	addi	t5, a2, -64
	bltz	t5, 2f
	add	t5, a1, t5			/* the last full line's start */
1:	copy_line 0
	addi	a1, a1, 64
	addi	a0, a0, 64
	bgeu	t5, a1, 1b
	andi	a2, a2, 63
	/* Pairs, then one: a message header is one pair and one. */
2:	addi	a2, a2, -16
	bltz	a2, 4f
3:	ld	t0, 0(a1)
	ld	t1, 8(a1)
	addi	a1, a1, 16
	addi	a2, a2, -16
	sd	t0, 0(a0)
	sd	t1, 8(a0)
	addi	a0, a0, 16
	bgez	a2, 3b
4:	addi	a2, a2, 8
	bltz	a2, 5f
	ld	t0, 0(a1)
	sd	t0, 0(a0)
	addi	a1, a1, 8
	addi	a0, a0, 8
5:	andi	a2, a2, 4
	bnez	a2, 6f
	csrc	sstatus, t6
	li	a0, KERN_SUCCESS
	ret
6:	lwu	t0, 0(a1)
	sw	t0, 0(a0)
	csrc	sstatus, t6
	li	a0, KERN_SUCCESS
	ret

/*
 * Ends or addresses are odd.  Where the two addresses agree modulo 8 (or 4),
 * bytes up to the first boundary, words of that size, and the bytes left.
 */
copy_ragged:
	or	t1, a0, a1
	andi	t1, t1, 3
	xori	t2, a2, 4
	or	t1, t1, t2
	beqz	t1, 6b				/* a name, most often */
	xor	t1, a0, a1
	andi	t2, t1, 7
	beqz	t2, ragged_doublewords
	andi	t2, t1, 3
	beqz	t2, ragged_words

/* Bytes: a2 of them, four a turn while there are. */
copy_bytes:
	addi	a2, a2, -4
	bltz	a2, 2f
1:	lbu	t0, 0(a1)
	lbu	t1, 1(a1)
	lbu	t2, 2(a1)
	lbu	t3, 3(a1)
	addi	a1, a1, 4
	addi	a2, a2, -4
	sb	t0, 0(a0)
	sb	t1, 1(a0)
	sb	t2, 2(a0)
	sb	t3, 3(a0)
	addi	a0, a0, 4
	bgez	a2, 1b
2:	addi	a2, a2, 4
	beqz	a2, 4f
3:	lbu	t0, 0(a1)
	addi	a1, a1, 1
	addi	a2, a2, -1
	sb	t0, 0(a0)
	addi	a0, a0, 1
	bnez	a2, 3b
4:	csrc	sstatus, t6
	li	a0, KERN_SUCCESS
	ret

/* Copies \bytes bytes up to the next multiple of \unit, or goes to bytes. */
	.macro	copy_head unit
	li	t0, 2 * \unit
	bltu	a2, t0, copy_bytes
1:	andi	t1, a0, \unit - 1
	beqz	t1, 2f
	lbu	t0, 0(a1)
	addi	a1, a1, 1
	addi	a2, a2, -1
	sb	t0, 0(a0)
	addi	a0, a0, 1
	j	1b
2:
	.endm

ragged_doublewords:
	copy_head 8
	addi	a2, a2, -32
	bltz	a2, 4f
3:	ld	t0, 0(a1)
	ld	t1, 8(a1)
	ld	t2, 16(a1)
	ld	t3, 24(a1)
	addi	a1, a1, 32
	addi	a2, a2, -32
	sd	t0, 0(a0)
	sd	t1, 8(a0)
	sd	t2, 16(a0)
	sd	t3, 24(a0)
	addi	a0, a0, 32
	bgez	a2, 3b
4:	addi	a2, a2, 24
	bltz	a2, 6f
5:	ld	t0, 0(a1)
	addi	a1, a1, 8
	addi	a2, a2, -8
	sd	t0, 0(a0)
	addi	a0, a0, 8
	bgez	a2, 5b
6:	addi	a2, a2, 8
	j	copy_bytes

ragged_words:
	copy_head 4
	addi	a2, a2, -16
	bltz	a2, 4f
3:	lwu	t0, 0(a1)
	lwu	t1, 4(a1)
	lwu	t2, 8(a1)
	lwu	t3, 12(a1)
	addi	a1, a1, 16
	addi	a2, a2, -16
	sw	t0, 0(a0)
	sw	t1, 4(a0)
	sw	t2, 8(a0)
	sw	t3, 12(a0)
	addi	a0, a0, 16
	bgez	a2, 3b
4:	addi	a2, a2, 12
	bltz	a2, 6f
5:	lwu	t0, 0(a1)
	addi	a1, a1, 4
	addi	a2, a2, -4
	sw	t0, 0(a0)
	addi	a0, a0, 4
	bgez	a2, 5b
6:	addi	a2, a2, 4
	j	copy_bytes

/* Two words and a half, from an address that the caller has checked. */
copyin_descriptor:
	li	t6, SSTATUS_SUM
	csrs	sstatus, t6
	ld	t0, 0(a1)
	ld	t1, 8(a1)
	lwu	t2, 16(a1)
	csrc	sstatus, t6
	sd	t0, 0(a0)
	sd	t1, 8(a0)
	sw	t2, 16(a0)
	li	a0, KERN_SUCCESS
	ret

/* Six words, to an address that the caller has checked; then as below. */
copyout_six_return:
	li	t6, SSTATUS_SUM
	csrs	sstatus, t6
	sd	a1, 0(a0)
	sd	a2, 8(a0)
	sd	a3, 16(a0)
	sd	a4, 24(a0)
	sd	a5, 32(a0)
	sd	a6, 40(a0)
	csrc	sstatus, t6
	j	arch_user_return_success

/*
 * Eleven words and a half, to an address that the caller has checked: a header;
 * two descriptors and their count; an NDR, the exception, two codes and their
 * count; the trailer.  Then as below.
 */
copyout_raise_return:
	li	t6, SSTATUS_SUM
	slli	t0, a4, 32
	srli	t1, a4, 32
	li	t2, DESCRIPTOR_SEND
	csrs	sstatus, t6
	addi	t0, t0, 2
	slli	t3, t2, 32
	sd	a1, 0(a0)
	sd	a2, 8(a0)
	sd	a3, 16(a0)
	sd	t0, 24(a0)
	sd	t3, 32(a0)
	sd	t1, 40(a0)
	sd	t2, 48(a0)
	sd	a5, 56(a0)
	slli	t0, a6, 32
	srli	t1, a6, 32
	slli	t2, a7, 32
	addi	t0, t0, 2
	or	t1, t1, t2
	srli	t2, a7, 32
	li	t3, FAST_TRAILER
	sd	t0, 64(a0)
	sd	t1, 72(a0)
	sd	t2, 80(a0)
	sw	t3, 88(a0)
	csrc	sstatus, t6
	j	arch_user_return_success

/*
 * Six words and a half, to an address that the caller has checked; then the
 * current thread returns to user mode, its trap's result 0.  Comes back on a
 * fault, or if the page is yet to come.
 */
copyout_descriptor_return:
	li	t6, SSTATUS_SUM
	csrs	sstatus, t6
	sd	a1, 0(a0)
	sd	a2, 8(a0)
	sd	a3, 16(a0)
	sd	a4, 24(a0)
	sd	a5, 32(a0)
	sd	a6, 40(a0)
	sw	a7, 48(a0)
	csrc	sstatus, t6
	j	arch_user_return_success

/*
 * Four words, to an address that the caller has checked; then the current
 * thread returns to user mode, its trap's result 0.  Comes back on a fault,
 * with its arguments where they were; if the page is yet to come, they go on to
 * message_words_later().
 */
copyout_words_return:
	li	t6, SSTATUS_SUM
	csrs	sstatus, t6
	sd	a1, 0(a0)
	sd	a2, 8(a0)
	sd	a3, 16(a0)
	sd	a4, 24(a0)
	csrc	sstatus, t6
	j	arch_user_return_success
usercopy_end:
arch_user_return_success:
	lw	t0, THREAD_AST(tp)
	sd	zero, TF_A0(tp)
	beqz	t0, arch_user_return
	tail	thread_return

/*
 * The lower half of a3 to a2, checked here.  Where it cannot be stored at once,
 * the arguments go on to port_name_later().
 */
	.balign	64
copyout_name:
	andi	t0, a2, 3
	srli	t1, a2, WORD_SHIFT
	or	t0, t0, t1
	bnez	t0, 1f
	li	t6, SSTATUS_SUM
	csrs	sstatus, t6
usercopy_name:
	sw	a3, 0(a2)
	csrc	sstatus, t6
	li	a0, KERN_SUCCESS
	ret

/* Here the trap handler goes on after any fault at usercopy_name. */
usercopy_name_fault:
	li	t6, SSTATUS_SUM
	csrc	sstatus, t6
1:	tail	port_name_later

/*
 * Between usercopy_present_start and usercopy_present_end a fault is nobody's
 * business: the trap handler goes on at usercopy_fault.
 *
 * Sixteen words a turn, then as many pairs of a load and a store, of 8 bytes of
 * code each, as there are words left.
 */
	.balign	64
copyin_present:
	or	t0, a0, a1
	li	t6, SSTATUS_SUM
	andi	t0, t0, 4
	csrs	sstatus, t6
usercopy_present_start:
	bnez	t0, present_halves
	andi	t5, a2, -128
	beqz	t5, 2f
	add	t5, a1, t5
1:	copy_line 0
	copy_line 64
	addi	a1, a1, 128
	addi	a0, a0, 128
	bltu	a1, t5, 1b
2:	andi	t0, a2, 120
	lla	t1, present_last
	andi	a2, a2, 4
	sub	t1, t1, t0
	add	a1, a1, t0
	add	a0, a0, t0
	jr	t1
	.option	push
	.option	norvc
	.set	offset, -120
	.rept	15
	ld	t0, offset(a1)
	sd	t0, offset(a0)
	.set	offset, offset + 8
	.endr
	.option	pop
present_last:
	beqz	a2, 3f
	lwu	t0, 0(a1)
	sw	t0, 0(a0)
3:	csrc	sstatus, t6
	li	a0, KERN_SUCCESS
	ret

present_halves:
	andi	t5, a2, -16
	beqz	t5, 2f
	add	t5, a1, t5
1:	lwu	t0, 0(a1)
	lwu	t1, 4(a1)
	lwu	t2, 8(a1)
	lwu	t3, 12(a1)
	addi	a1, a1, 16
	sw	t0, 0(a0)
	sw	t1, 4(a0)
	sw	t2, 8(a0)
	sw	t3, 12(a0)
	addi	a0, a0, 16
	bltu	a1, t5, 1b
2:	andi	a2, a2, 12
	beqz	a2, 4f
	add	a2, a1, a2
3:	lwu	t0, 0(a1)
	addi	a1, a1, 4
	sw	t0, 0(a0)
	addi	a0, a0, 4
	bltu	a1, a2, 3b
4:	csrc	sstatus, t6
	li	a0, KERN_SUCCESS
	ret
usercopy_present_end:

/* Here the trap handler goes on when the page is yet to come. */
usercopy_words_wait:
	li	t6, SSTATUS_SUM
	csrc	sstatus, t6
	tail	message_words_later
usercopy_wait:
	li	t6, SSTATUS_SUM
	csrc	sstatus, t6
	li	a0, USERCOPY_WAIT
	ret

/* Here the trap handler goes on when the map could not serve the fault. */
usercopy_fault:
	li	t6, SSTATUS_SUM
	csrc	sstatus, t6
usercopy_refuse:
	li	a0, KERN_INVALID_ADDRESS
	ret
