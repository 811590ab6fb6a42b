/* libmach/clock.c: mach/clock.h. */
#include "call.h"

#include <mach/clock.h>
#include <mach/mach.h>
#include <mach/routine_ids.h>

kern_return_t
host_get_clock_service(host_t host, clock_id_t clock_id, clock_serv_t *clock)
{
	struct call call;

	call_begin(&call, MSGID_HOST_GET_CLOCK_SERVICE);
	call_put_u32(&call, (uint32_t)clock_id);
	call_perform(&call, host);
	call_get_port(&call, clock);
	return call_end(&call);
}

kern_return_t
clock_get_time(clock_serv_t clock, mach_timespec_t *time)
{
	struct call call;

	call_begin(&call, MSGID_CLOCK_GET_TIME);
	call_perform(&call, clock);
	call_get_bytes(&call, time, sizeof(*time));
	return call_end(&call);
}

kern_return_t
clock_get_attributes(clock_serv_t clock, clock_flavor_t flavor, int *attributes,
    mach_msg_type_number_t *count)
{
	struct call call;

	call_begin(&call, MSGID_CLOCK_GET_ATTRIBUTES);
	call_put_u32(&call, (uint32_t)flavor);
	call_put_u32(&call, *count);
	call_perform(&call, clock);
	call_get_words(&call, attributes, count);
	return call_end(&call);
}

kern_return_t
clock_alarm(clock_serv_t clock, alarm_type_t type, mach_timespec_t time,
    mach_port_t alarm_port)
{
	struct call call;

	call_begin(&call, MSGID_CLOCK_ALARM);
	call_put_port(&call, alarm_port, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	call_put_u32(&call, (uint32_t)type);
	call_put_bytes(&call, &time, sizeof(time));
	call_perform(&call, clock);
	return call_end(&call);
}

kern_return_t
clock_sleep(clock_serv_t clock, alarm_type_t type, mach_timespec_t time,
    mach_timespec_t *wakeup_time)
{
	return clock_sleep_trap(
	    clock, type, time.tv_sec, time.tv_nsec, wakeup_time);
}
