/* libmach/eventlink.c: what mach/mach_eventlink.h has as traps, or as more than
 * a message. */
#include <mach/mach.h>
#include <mach/mach_eventlink.h>
#include <user/mach_eventlink.h>

kern_return_t
mach_eventlink_destroy(mach_port_t eventlink)
{
	kern_return_t kr = _kernelrpc_mach_eventlink_destroy(eventlink);

	(void)mach_port_deallocate(mach_task_self(), eventlink);
	return kr;
}

kern_return_t
mach_eventlink_signal(mach_port_t eventlink, uint64_t signal_count)
{
	return decode_eventlink_error_from_retval(
	    mach_eventlink_signal_trap(eventlink, signal_count));
}

kern_return_t
mach_eventlink_wait_until(mach_port_t eventlink, uint64_t *count,
    mach_eventlink_signal_wait_option_t option, kern_clock_id_t clock_id,
    uint64_t deadline)
{
	uint64_t result = mach_eventlink_wait_until_trap(
	    eventlink, *count, option, clock_id, deadline);

	*count = decode_eventlink_count_from_retval(result);
	return decode_eventlink_error_from_retval(result);
}

kern_return_t
mach_eventlink_signal_wait_until(mach_port_t eventlink, uint64_t *count,
    uint64_t signal_count, mach_eventlink_signal_wait_option_t option,
    kern_clock_id_t clock_id, uint64_t deadline)
{
	uint64_t result = mach_eventlink_signal_wait_until_trap(
	    eventlink, *count, signal_count, option, clock_id, deadline);

	*count = decode_eventlink_count_from_retval(result);
	return decode_eventlink_error_from_retval(result);
}
