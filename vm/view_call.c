/* view_call.c: see view_call.h. */
#include "vm/view_call.h"

#include "ipc/kserver.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "kernel/zone.h"

static struct zone call_zone;

void
view_call_init(void)
{
	zone_init(&call_zone, "view call", sizeof(struct view_call), 0);
}

struct view_call *
view_call_current(void)
{
	return (struct view_call *)call_progress()[0];
}

struct view_call *
view_call_begin(void)
{
	struct view_call *call = zone_alloc_zeroed(&call_zone);

	call_progress()[0] = (uint64_t)call;
	return call;
}

void
view_call_end(struct view_call *call)
{
	view_take_end(&call->take);
	view_place_end(&call->place);
	if (call->place.view != NULL)
		view_put(call->place.view);
	if (call->source != NULL)
		task_put(call->source);
	call_progress()[0] = 0;
	zone_free(&call_zone, call);
}

kern_return_t
view_call_take(struct view_call *call)
{
	kern_return_t kr;

	do {
		kr = view_take_step(&call->take);
		if (kr != KERN_OPERATION_TIMED_OUT)
			return kr;
	} while (!thread_should_yield());
	return KCALL_AGAIN;
}

kern_return_t
view_call_place(struct view_call *call)
{
	kern_return_t kr;

	do {
		kr = view_place_step(&call->place);
		if (kr != KERN_OPERATION_TIMED_OUT)
			return kr;
	} while (!thread_should_yield());
	return KCALL_AGAIN;
}
