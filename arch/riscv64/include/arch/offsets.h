/*
 * arch/offsets.h: where assembly finds fields of C structs.  trap.c checks
 * each against offsetof.  Readable by assembly.
 */
#pragma once

#define THREAD_CPU 256
#define THREAD_AST 264

/* All three, and each */
#define THREAD_STANDING	     272
#define THREAD_PRIORITY	     272
#define THREAD_BASE_PRIORITY 274
#define THREAD_CPU_TAG_SHIFT 32

#define FAST_PLACE	280
#define FAST_QUIET	288
#define FAST_TO		296
#define FAST_TO_WORD	304
#define FAST_TO_ENTRY	312
#define FAST_TO_KEY	320
#define FAST_SPARE_KEY	324
#define FAST_SPARE	328
#define FAST_SPARE_NAME 336
#define FAST_FROM_NAME	340
#define FAST_PMAP	344
#define THREAD_SPACE	352
#define FAST_RECEIVE	360

#define PORT_WORD     0
#define PORT_SEQUENCE 16
#define PORT_NAME     24
#define PSET_WORD     0
#define PMAP_SATP     8
#define ENTRY_PORT    8
/* The upper half of ipc/space.h's ENTRY_KEPT, and where it is in a key */
#define KEY_KEPT_UPPER	0x1000
#define ENTRY_KEY_UPPER 2
#define WORD_SHIFT	38

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
#define CPU_REQUEST_RECEIVED 24
#define CPU_REPLY_RECEIVED   32
#define CPU_REQUEST_CHANGE   40
#define CPU_REPLY_CHANGE     48
#define CPU_PMAP	     56
#define CPU_PMAP_LOADED	     64
#define CPU_RUNNING_PRIORITY 72
#define CPU_FPU_ON	     76
#define CPU_ASIDS_STALE	     77
#define CPU_HANDED_OFF	     80
#define CPU_DECLINED	     200
#define CPU_BEST_QUEUED	     992

/* The two halves of a call: bits as sent, and what receivers see changes. */
#define FAST_REQUEST_BITS     0x1513
#define FAST_REQUEST_RECEIVED 0x401
#define FAST_REPLY_BITS	      0x12
#define FAST_REPLY_RECEIVED   0x1212
#define FAST_HEADER	      24
#define FAST_BODY	      48
/* A header, and the answer to a question about an exception */
#define FAST_ANSWER 36
/* The shortest trailer; a descriptor of a send right, its third word */
#define FAST_TRAILER	8
#define DESCRIPTOR_SEND 0x110000
/* A port's word in which a thread waits that raised an exception, see
 * fast_word.h: it has one bit set of those above. */
#define WORD_ASKER_SHIFT 61
/* What a call has in a7 if its message is not in registers */
#define CALL_IN_BUFFER 1

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
