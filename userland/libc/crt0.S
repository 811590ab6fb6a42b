/*
 * libc/crt0.S: the first instructions of every program.
 *
 * In: sp = argument block {argc, argv..., NULL, envp..., NULL, strings},
 *     16-aligned; all other registers 0.
 *
 * The main thread's variables go right below the block, its stack below them.
 * gp stays as it is: programs do not use it.
 */
	.section .text.start, "ax"
	.globl	_start
	.type	_start, @function
_start:
	mv	s1, sp
	li	s0, 0			/* a debugger's backtrace ends here */
	la	t0, __tls_size
	sub	sp, sp, t0
	la	t0, __tls_align
	addi	t0, t0, -1
	not	t0, t0
	and	sp, sp, t0
	andi	sp, sp, -16
	mv	tp, sp
	mv	a0, sp
	call	_init_tls
	mv	a0, s1
	call	program_start		/* does not return */
	.size	_start, . - _start
