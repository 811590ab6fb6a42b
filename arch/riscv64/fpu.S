/*
 * fpu.S: all floating-point registers, to and from a struct fpu_state.
 * The unit is on (sstatus.FS) while these run.
 */
	.option	arch, +f, +d

	.macro	each_register operation
	.set	at, 0
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, \
		16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	\operation f\n, at(a0)
	.set	at, at + 8
	.endr
	.endm

	.text
	.globl	fpu_store
fpu_store:
	each_register fsd
	frcsr	t0
	sw	t0, 256(a0)
	ret

	.globl	fpu_load
fpu_load:
	lw	t0, 256(a0)
	fscsr	t0
	each_register fld
	ret
