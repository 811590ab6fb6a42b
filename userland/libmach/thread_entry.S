/*
 * libmach/thread_entry.S: where a thread of mach_thread_start() begins.
 *
 * In: a0 = its struct mach_thread, sp = top of its stack, tp = its variables.
 */
	.globl	mach_thread_entry
	.type	mach_thread_entry, @function
mach_thread_entry:
	li	s0, 0			/* a debugger's backtrace ends here */
	li	ra, 0
	call	mach_thread_main	/* does not return */
	.size	mach_thread_entry, . - mach_thread_entry
