/*
 * mach/clock.h: clocks, which are ports: host_get_clock_service().
 *
 * SYSTEM_CLOCK counts from boot and CALENDAR_CLOCK from 1970, except that
 * nothing tells the kernel the date: it starts at 1970, too.
 */
#pragma once

#include <mach/cdefs.h>
#include <mach/clock_types.h>
#include <mach/mach_types.h>

MACH_BEGIN_DECLS

kern_return_t clock_get_time(clock_serv_t clock, mach_timespec_t *time);

/*
 * CLOCK_GET_TIME_RES, CLOCK_ALARM_CURRES and others: one number, nanoseconds;
 * *@count is the room, then the fill.
 *	KERN_INVALID_VALUE	no such flavor
 *	KERN_FAILURE		no room
 */
kern_return_t clock_get_attributes(clock_serv_t clock, clock_flavor_t flavor,
    int *attributes, mach_msg_type_number_t *count);

/*
 * Has a message sent to @alarm_port at @time, which is TIME_ABSOLUTE or
 * TIME_RELATIVE; a send-once right to it is made from the receive right.  The
 * message is a struct clock_alarm_reply; where the type or the time was wrong
 * it says so, and comes at once.  An alarm ends with the task that set it.
 *	KERN_FAILURE		not CALENDAR_CLOCK
 *	KERN_INVALID_CAPABILITY	no port
 */
kern_return_t clock_alarm(clock_serv_t clock, alarm_type_t type,
    mach_timespec_t time, mach_port_t alarm_port);

/*
 * Sleeps until @time, or for so long; *@wakeup_time is then what the clock
 * shows.  @clock may be MACH_PORT_NULL: the system's.
 *	KERN_INVALID_VALUE	no such type, or not a time
 *	KERN_FAILURE		not CALENDAR_CLOCK
 *	KERN_ABORTED
 *	and KERN_INVALID_NAME, _RIGHT, _ARGUMENT: @clock is none
 */
kern_return_t clock_sleep(clock_serv_t clock, alarm_type_t type,
    mach_timespec_t time, mach_timespec_t *wakeup_time);

#pragma pack(push, 4)

/* The message of an alarm; its id is 3125107 */
struct clock_alarm_reply {
	mach_msg_header_t header;
	NDR_record_t ndr;
	kern_return_t alarm_code; /* KERN_SUCCESS, KERN_INVALID_VALUE */
	alarm_type_t alarm_type;
	mach_timespec_t alarm_time;
};

#pragma pack(pop)

MACH_END_DECLS
