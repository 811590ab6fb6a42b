/*
 * arch/offsets.h: where assembly finds fields of C structs.  trap.c checks
 * each against offsetof.  Readable by assembly.
 */
#pragma once

#define THREAD_CPU 256
#define THREAD_AST 264

#define THREAD_SPACE 552

#define SPACE_LOCK	 0
#define SPACE_SELF_ENTRY 8
#define SPACE_SELF_KEY	 16
#define SPACE_SELF_NAME	 20
#define ENTRY_KEY	 0
#define ENTRY_UREFS	 4
/* As kernel/lock.h has them; and most user references are 16 bits. */
#define LOCK_COUNT_MASK 2047
#define LOCK_PASS	2047
#define UREFS_BITS	16

#define CPU_STACK_TOP	 0
#define CPU_MESSAGE_TRAP 8

/* KERN_MEMORY_WAIT, what a user copy returns */
#define USERCOPY_WAIT -1001

/* System calls are numbered from -1 down to less than this many. */
#define SYSCALL_COUNT 128
/* In an entry of the table: see kernel/syscall.h. */
#define SYSCALL_COPIES 1
