/*
 * arch/offsets.h: where assembly finds fields of C structs.  trap.c checks
 * each against offsetof.  Readable by assembly.
 */
#pragma once

#define THREAD_CPU 256
#define THREAD_AST 264

/* Both, and each */
#define THREAD_PRIORITIES    272
#define THREAD_PRIORITY	     272
#define THREAD_BASE_PRIORITY 276

#define FAST_FROM	280
#define FAST_FROM_WORD	288
#define FAST_QUIET	296
#define FAST_TO		304
#define FAST_TO_WORD	312
#define FAST_TO_ENTRY	320
#define FAST_TO_KEY	328
#define FAST_SPARE_KEY	332
#define FAST_SPARE	336
#define FAST_SPARE_NAME 344
#define FAST_PMAP	352
#define THREAD_SPACE	360

#define PORT_WORD     0
#define PORT_SEQUENCE 16
#define PMAP_SATP     8
#define ENTRY_PORT    8
/* ipc/space.h's ENTRY_KEPT, and a send-once right's key's upper bits */
#define KEY_KEPT      0x100
#define KEY_SEND_ONCE 0x40000
#define WORD_SHIFT    38

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

#define CPU_STACK_TOP	     0
#define CPU_MESSAGE_TRAP     8
#define CPU_REQUEST	     16
#define CPU_REPLY	     24
#define CPU_PMAP	     32
#define CPU_PMAP_LOADED	     40
#define CPU_RUNNING_PRIORITY 48
#define CPU_FPU_ON	     52
#define CPU_ASIDS_STALE	     53
#define CPU_HANDED_OFF	     56
#define CPU_DECLINED	     176
#define CPU_BEST_QUEUED	     968

/* The two halves of a call: bits as sent, and what receivers see changes. */
#define FAST_REQUEST_BITS     0x1513
#define FAST_REQUEST_RECEIVED 0x401
#define FAST_REPLY_BITS	      0x12
#define FAST_REPLY_RECEIVED   0x1212
#define FAST_HEADER	      24
#define FAST_BODY	      48
/* What TRAP_MACH_MSG_CALL returns if the message is in registers */
#define CALL_IN_REGISTERS 1

/* Why a leg declines: mach/baton_decline.h */
#define DECLINE_SIZE	 0
#define DECLINE_KIND	 1
#define DECLINE_VOUCHER	 2
#define DECLINE_RECEIVE	 3
#define DECLINE_NAME	 4
#define DECLINE_REPLY	 5
#define DECLINE_RIGHT	 6
#define DECLINE_NOBODY	 7
#define DECLINE_HART	 8
#define DECLINE_PRIORITY 9
#define DECLINE_BUSY	 10

/* KERN_MEMORY_WAIT, what a user copy returns */
#define USERCOPY_WAIT -1001

/* System calls are numbered from -1 down to less than this many. */
#define SYSCALL_COUNT 128
/* In an entry of the table: see kernel/syscall.h. */
#define SYSCALL_COPIES 1
