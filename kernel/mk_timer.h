/*
 * kernel/mk_timer.h: timers that send a message to a user's port, which they
 * belong to; what that is good for is told in mach/mk_timer.h.
 *
 *	DISARMED -- arm --> ARMED -- deadline --> DUE -- timer_work --> DISARMED
 *	    ^                 |                    |       (message sent)
 *	    +---- cancel -----+                    +-- arm --> ARMED again
 *
 * The port's lock protects all of it, and cannot be taken where timers fire; so
 * a timer that fires becomes work for right after.  From then until that work
 * was done (@due) it is not armed on any hart: who arms it anew leaves that to
 * the work.
 *
 * References: the port has one until it dies; another goes with the timer while
 * it is armed on a hart, and with the work when it fires.
 */
#pragma once
#include <mach/port.h>

#include "kernel/timer.h"
#include "kernel/types.h"

struct kmsg;
struct port;

/* p: the port's lock   a: atomic   I: immutable */
struct mk_timer {
	struct timer timer;
	struct timer_work work;
	atomic_uint refs;      /* [a] */
	atomic_bool due;       /* [a] set as it fires; cleared under [p] */
	bool armed;	       /* [p] */
	uint64_t deadline;     /* [p] */
	struct port *port;     /* [I] a send right */
	struct kmsg *message;  /* [p] the next one; NULL: not made yet */
	struct ledger *ledger; /* [I] who pays */
};

void mk_timer_init(void);

/* ---- the traps; the table is in syscall.c ---- */

mach_port_name_t mk_timer_create_trap(void);			   /* -91 */
kern_return_t mk_timer_destroy_trap(uint64_t name);		   /* -92 */
kern_return_t mk_timer_arm_trap(uint64_t name, uint64_t deadline); /* -93 */
kern_return_t mk_timer_cancel_trap(uint64_t name, uaddr_t result); /* -94 */
kern_return_t mk_timer_arm_leeway_trap(uint64_t name, uint64_t flags,
    uint64_t deadline, uint64_t leeway); /* -95 */
