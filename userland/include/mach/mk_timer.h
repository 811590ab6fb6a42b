/*
 * mach/mk_timer.h: timers whose expiry is a message.
 *
 * A timer is a receive right of the caller's.  When its time has come, the
 * kernel sends it a message with id 0, and a send right as local port.  At most
 * one such message is in its queue: what expires before that was received adds
 * nothing.  The timer goes with the receive right, wherever that goes, and ends
 * with it.
 *
 * Times are ticks of mach_absolute_time().  Besides what is noted, each may
 * return
 *	KERN_INVALID_NAME	no such name
 *	KERN_INVALID_RIGHT	it is no receive right
 *	KERN_INVALID_ARGUMENT	its port is no timer
 */
#pragma once

#include <mach/cdefs.h>
#include <mach/mach_time.h>
#include <mach/mach_types.h>

MACH_BEGIN_DECLS

/* A new timer, not armed; MACH_PORT_NULL: no memory, or no room for a name. */
mach_port_name_t mk_timer_create(void);

/* As mach_port_destroy(). */
kern_return_t mk_timer_destroy(mach_port_name_t name);

/*
 * Sets when it expires, in place of what was set before; a time past is at
 * once.  KERN_RESOURCE_SHORTAGE: nothing was changed.
 */
kern_return_t mk_timer_arm(mach_port_name_t name, uint64_t expire_time);

/*
 * Disarms it.  *@result_time is when it would have expired, 0 if it was not
 * armed or has expired; @result_time may be NULL.  A message that was sent
 * before stays.  KERN_INVALID_ADDRESS: nothing was changed.
 */
kern_return_t mk_timer_cancel(mach_port_name_t name, uint64_t *result_time);

#define MK_TIMER_NORMAL	  0
#define MK_TIMER_CRITICAL 1

/* The same as mk_timer_arm(): timers here are as exact as they can be. */
kern_return_t mk_timer_arm_leeway(mach_port_name_t name,
    uint64_t mk_timer_flags, uint64_t mk_timer_expire_time,
    uint64_t mk_timer_leeway);

#pragma pack(push, 4)

/* What is received, with the trailer behind it */
typedef struct mk_timer_expire_msg {
	mach_msg_header_t header;
	uint64_t unused[3];
} mk_timer_expire_msg_t;

#pragma pack(pop)

MACH_END_DECLS
