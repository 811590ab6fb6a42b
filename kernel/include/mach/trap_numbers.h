/*
 * mach/trap_numbers.h: the number of each trap, for C and assembly.
 *
 * `ecall` with the number in t0, arguments in a0..a7 and a ninth in t1; the
 * result is in a0.  sp, gp, tp, ra and s0..s11 keep their values; the other
 * registers hold nothing to rely on afterwards.
 */
#pragma once

/* Memory of a task */
#define TRAP_MACH_VM_ALLOCATE	      -10
#define TRAP_MACH_VM_PURGABLE_CONTROL -11
#define TRAP_MACH_VM_DEALLOCATE	      -12
#define TRAP_MACH_VM_PROTECT	      -14
#define TRAP_MACH_VM_MAP	      -15

/* Names and rights of a task */
#define TRAP_MACH_PORT_ALLOCATE		    -16
#define TRAP_MACH_PORT_DEALLOCATE	    -18
#define TRAP_MACH_PORT_MOD_REFS		    -19
#define TRAP_MACH_PORT_MOVE_MEMBER	    -20
#define TRAP_MACH_PORT_INSERT_RIGHT	    -21
#define TRAP_MACH_PORT_INSERT_MEMBER	    -22
#define TRAP_MACH_PORT_EXTRACT_MEMBER	    -23
#define TRAP_MACH_PORT_CONSTRUCT	    -24
#define TRAP_MACH_PORT_DESTRUCT		    -25
#define TRAP_MACH_PORT_GET_ATTRIBUTES	    -40
#define TRAP_MACH_PORT_GUARD		    -41
#define TRAP_MACH_PORT_UNGUARD		    -42
#define TRAP_MACH_PORT_TYPE		    -76
#define TRAP_MACH_PORT_REQUEST_NOTIFICATION -77

/* The caller's own ports */
#define TRAP_MACH_REPLY_PORT		   -26
#define TRAP_THREAD_SELF		   -27
#define TRAP_TASK_SELF			   -28
#define TRAP_HOST_SELF			   -29
#define TRAP_THREAD_GET_SPECIAL_REPLY_PORT -50

/* Messages */
#define TRAP_MACH_MSG		-31
#define TRAP_MACH_MSG_OVERWRITE -32
#define TRAP_MACH_MSG2		-47
/*
 * Send and receive, a header and up to 48 bytes in registers
 * (userland/libmach/traps.S has the stub; docs/ipc.md).  This trap has no
 * number: t0 holds bits, and the size of the body above them, and is not
 * negative.
 *
 *	in			out
 *	t0  bits, body's size	anything
 *	a0			mach_msg()'s result
 *	a1  buffer		the same
 *	a2			bits, size of the message
 *	a3  room; bit 63: see	anything
 *	a4  receive name	anything
 *	a5  remote, local	remote, local
 *	a6  voucher, id		voucher, id
 *	a7			the body's size, or MACH_MSG_IN_BUFFER
 *	t1 to t6  body		body, 0 where there is none
 *	ra  where to return to	the same if the message is in registers
 *
 * Where there are two the second is in the upper half.  The receive name is
 * extended from 32 bits with its sign, as C passes it.  Of what came otherwise
 * than in registers, or did not come, a0 says that; what came is in the
 * buffer.  What is sent with bit 63 of a3 and has descriptors, or a longer
 * body, is in the buffer, too, but for the header.
 */

/* Semaphores */
#define TRAP_SEMAPHORE_SIGNAL		-33
#define TRAP_SEMAPHORE_SIGNAL_ALL	-34
#define TRAP_SEMAPHORE_SIGNAL_THREAD	-35
#define TRAP_SEMAPHORE_WAIT		-36
#define TRAP_SEMAPHORE_WAIT_SIGNAL	-37
#define TRAP_SEMAPHORE_TIMEDWAIT	-38
#define TRAP_SEMAPHORE_TIMEDWAIT_SIGNAL -39

/* The processor, and time */
#define TRAP_SWTCH_PRI		 -59
#define TRAP_SWTCH		 -60
#define TRAP_THREAD_SWITCH	 -61
#define TRAP_CLOCK_SLEEP	 -62
#define TRAP_MACH_TIMEBASE_INFO	 -89
#define TRAP_MACH_WAIT_UNTIL	 -90
#define TRAP_MK_TIMER_CREATE	 -91
#define TRAP_MK_TIMER_DESTROY	 -92
#define TRAP_MK_TIMER_ARM	 -93
#define TRAP_MK_TIMER_CANCEL	 -94
#define TRAP_MK_TIMER_ARM_LEEWAY -95

/*
 * Eventlinks.  These have no numbers in Mach; where they come from they are
 * calls of another kind.
 */
#define TRAP_MACH_EVENTLINK_SIGNAL	      -101
#define TRAP_MACH_EVENTLINK_WAIT_UNTIL	      -102
#define TRAP_MACH_EVENTLINK_SIGNAL_WAIT_UNTIL -103

/* Threads that end with a signal; Baton's own, see baton/thread.h */
#define TRAP_BATON_THREAD_START -104
#define TRAP_BATON_THREAD_PORT	-105
#define TRAP_BATON_THREAD_END	-106

/* No trap has a number below this one; the table has its negative, plus one */
#define TRAP_NUMBER_LAST -106
