/* libmach/semaphore.c: mach/semaphore.h, where it is not a trap as it is. */
#include "call.h"

#include <mach/mach.h>
#include <mach/routine_ids.h>
#include <mach/semaphore.h>

kern_return_t
semaphore_create(task_t task, semaphore_t *semaphore, int policy, int value)
{
	struct call call;

	call_begin(&call, MSGID_SEMAPHORE_CREATE);
	call_put_u32(&call, (uint32_t)policy);
	call_put_u32(&call, (uint32_t)value);
	call_perform(&call, task);
	call_get_port(&call, semaphore);
	return call_end(&call);
}

kern_return_t
semaphore_destroy(task_t task, semaphore_t semaphore)
{
	struct call call;

	call_begin(&call, MSGID_SEMAPHORE_DESTROY);
	call_put_port(&call, semaphore, MACH_MSG_TYPE_MOVE_SEND);
	call_perform(&call, task);
	return call_end(&call);
}

kern_return_t
semaphore_timedwait(semaphore_t semaphore, mach_timespec_t wait_time)
{
	return semaphore_timedwait_trap(
	    semaphore, wait_time.tv_sec, wait_time.tv_nsec);
}

kern_return_t
semaphore_timedwait_signal(semaphore_t wait_semaphore,
    semaphore_t signal_semaphore, mach_timespec_t wait_time)
{
	return semaphore_timedwait_signal_trap(wait_semaphore, signal_semaphore,
	    wait_time.tv_sec, wait_time.tv_nsec);
}
