/*
 * arch/offsets.h: where assembly finds fields of C structs.  trap.c checks
 * each against offsetof.  Readable by assembly.
 */
#pragma once

#define THREAD_CPU 256
#define THREAD_AST 264

#define CPU_STACK_TOP	 0
#define CPU_MESSAGE_TRAP 8

/* KERN_MEMORY_WAIT, what a user copy returns */
#define USERCOPY_WAIT -1001

/* System calls are numbered from -1 down to less than this many. */
#define SYSCALL_COUNT 128
/* In an entry of the table: see kernel/syscall.h. */
#define SYSCALL_COPIES 1
