/* libmach/eventlink.c: mach/mach_eventlink.h. */
#include "call.h"

#include <mach/mach.h>
#include <mach/mach_eventlink.h>
#include <mach/routine_ids.h>

kern_return_t
mach_eventlink_create(task_t task, mach_eventlink_create_option_t option,
    eventlink_port_pair_t pair)
{
	struct call call;

	call_begin(&call, MSGID_MACH_EVENTLINK_CREATE);
	call_put_u32(&call, option);
	call_perform(&call, task);
	call_get_port(&call, &pair[0]);
	call_get_port(&call, &pair[1]);
	return call_end(&call);
}

kern_return_t
mach_eventlink_destroy(mach_port_t eventlink)
{
	struct call call;
	kern_return_t kr;

	call_begin(&call, MSGID_MACH_EVENTLINK_DESTROY);
	call_perform(&call, eventlink);
	kr = call_end(&call);
	(void)mach_port_deallocate(mach_task_self(), eventlink);
	return kr;
}

kern_return_t
mach_eventlink_associate(mach_port_t eventlink, thread_t thread,
    mach_vm_address_t copyin_addr_wait, uint64_t copyin_mask_wait,
    mach_vm_address_t copyin_addr_signal, uint64_t copyin_mask_signal,
    mach_eventlink_associate_option_t option)
{
	struct call call;

	call_begin(&call, MSGID_MACH_EVENTLINK_ASSOCIATE);
	call_put_port(&call, thread, MACH_MSG_TYPE_COPY_SEND);
	call_put_u64(&call, copyin_addr_wait);
	call_put_u64(&call, copyin_mask_wait);
	call_put_u64(&call, copyin_addr_signal);
	call_put_u64(&call, copyin_mask_signal);
	call_put_u32(&call, option);
	call_perform(&call, eventlink);
	return call_end(&call);
}

kern_return_t
mach_eventlink_disassociate(
    mach_port_t eventlink, mach_eventlink_disassociate_option_t option)
{
	struct call call;

	call_begin(&call, MSGID_MACH_EVENTLINK_DISASSOCIATE);
	call_put_u32(&call, option);
	call_perform(&call, eventlink);
	return call_end(&call);
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
