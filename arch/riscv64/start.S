/*
 * start.S: the first instructions of every hart, up to C.
 *
 * Until paging is on, the code runs wherever firmware put it, so every address
 * is relative to the program counter.  Paging is turned on without an identity
 * mapping: stvec is pointed at the next instruction's virtual address, and the
 * fetch that follows the satp write faults its way there.
 */
#include <arch/layout.h>

#include "arch/riscv64/boot.h"
#include "kernel/config.h"

	.section .text.start, "ax"

/*
 * The RISC-V Linux Image header, by which U-Boot's booti knows us.  It
 * allows eight bytes of code.
 */
	.globl	_start
_start:
	.option push
	.option norvc
	j	boot_hart_entry
	nop
	.option pop
	.quad	0x200000			/* from the start of RAM */
	.quad	__kernel_end - __kernel_start	/* size, .bss included */
	.quad	0				/* flags: little-endian */
	.long	2				/* version of the header */
	.long	0
	.quad	0
	.ascii	"RISCV\0\0\0"
	.ascii	"RSC\x05"
	.long	0

/*
 * Turn paging on with the tables of which \root holds the physical address.
 * Clobbers t0 to t2; sp and ra, physical before, are the caller's business.
 */
	.macro	paging_on root
	srli	t0, \root, 12
	li	t1, 8 << 60			/* SATP_SV39 */
	or	t0, t0, t1
	lla	t1, _start
	li	t2, IMAGE_BASE
	sub	t2, t2, t1			/* virtual minus physical */
	lla	t1, 1f
	add	t1, t1, t2
	csrw	stvec, t1
	sfence.vma
	csrw	satp, t0
	.balign	4
1:	sfence.vma
	lla	t1, trap_entry			/* virtual from here on */
	csrw	stvec, t1
	.endm

/*
 * In:	a0 = this hart's id, a1 = physical address of the device tree,
 *	satp = 0, interrupts off; nothing else is known.
 * Out:	boot_main(hart, tree, cycle), on boot_stack, tp = this hart's idle
 *	thread.
 */
boot_hart_entry:
	lla	t0, boot_taken
	li	t1, 1
	amoswap.w.aq t1, t1, (t0)
	bnez	t1, late_hart_entry
	csrw	sie, zero
	csrw	sscratch, zero			/* a trap from here is a bug */
	mv	s0, a0
	mv	s1, a1
	/* When we were entered, if the counter can be read; else 0. */
	li	s2, 0
	lla	t0, 1f
	csrw	stvec, t0
	csrr	s2, cycle
	.balign	4
1:	lla	t0, boot_trap
	csrw	stvec, t0

	lla	t0, __bss_start
	lla	t1, __bss_end
1:	bgeu	t0, t1, 2f
	sd	zero, (t0)
	addi	t0, t0, 8
	j	1b
2:
	lla	sp, boot_stack_top
	lla	a0, _start
	mv	a1, s1
	call	boot_tables			/* a0 = the root */
	paging_on a0
	lla	sp, boot_stack_top
	lla	tp, idle_threads
	mv	a0, s0
	mv	a1, s1
	mv	a2, s2
	mv	s0, zero			/* backtraces end here */
	mv	ra, zero
	tail	boot_main

/*
 * A hart that comes in at the front door after the boot hart.  Some firmware
 * sends all of them; OpenSBI before 1.2 sends one when it was told to start it
 * in the moment in which that hart had just begun to wait for it.
 *
 * In:	a0 = its id.
 * Out:	secondary_entry, when the boot hart has written its struct hart_start.
 */
late_hart_entry:
	lla	a1, hart_starts
	lla	t0, hart_starts_end
1:	ld	t1, HART_START_ROOT(a1)
	beqz	t1, 2f
	fence	r, r				/* pairs with hart_start() */
	ld	t1, HART_START_HART(a1)
	beq	t1, a0, secondary_entry
2:	addi	a1, a1, HART_START_SIZE
	bltu	a1, t0, 1b
	j	late_hart_entry

/*
 * A hart that SBI started for us.
 *
 * In:	a0 = its id, a1 = physical address of its struct hart_start.
 * Out:	hart_main(cpu), on its own stack, tp = its idle thread.
 */
	.globl	secondary_entry
	.balign	4
secondary_entry:
	csrw	sie, zero
	csrw	sscratch, zero
	lla	t0, boot_trap
	csrw	stvec, t0
	ld	a0, HART_START_ROOT(a1)
	ld	s1, HART_START_CPU(a1)
	ld	s2, HART_START_IDLE(a1)
	ld	s3, HART_START_STACK(a1)
	paging_on a0
	mv	sp, s3
	mv	tp, s2
	mv	a0, s1
	mv	s0, zero
	mv	ra, zero
	tail	hart_main

/*
 * A trap before paging: nothing can be trusted, so say the cause and the place
 * through the oldest SBI call, which every firmware has, and stop.
 */
	.balign	4
boot_trap:
	csrr	s2, scause
	csrr	s3, sepc
	lla	s4, 3f
1:	lbu	a0, (s4)
	beqz	a0, 2f
	li	a7, 1
	ecall
	addi	s4, s4, 1
	j	1b
2:	mv	s5, s2
	jal	ra, boot_hex
	mv	s5, s3
	jal	ra, boot_hex
4:	wfi
	j	4b

/* Print s5 as 16 hexadecimal digits. */
boot_hex:
	li	s6, 60
1:	srl	a0, s5, s6
	andi	a0, a0, 15
	addi	a0, a0, '0'
	li	t0, '9'
	ble	a0, t0, 2f
	addi	a0, a0, 'a' - '9' - 1
2:	li	a7, 1
	ecall
	addi	s6, s6, -4
	bgez	s6, 1b
	li	a0, ' '
	li	a7, 1
	ecall
	ret
3:	.asciz	"baton: trap before paging, cause and pc "

	/* Not in .bss, which the boot hart clears when others may be here. */
	.data
	.balign	8
	.globl	hart_starts
hart_starts:
	.skip	HART_START_SIZE * CONFIG_MAX_HARTS
hart_starts_end:
boot_taken:
	.word	0

	.section .bss
	.balign	16
	.globl	boot_stack_top
	.skip	8192
boot_stack_top:
