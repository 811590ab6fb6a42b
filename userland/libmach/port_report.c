/* libmach/port_report.c: baton/port.h. */
#include "call.h"

#include <baton/port.h>
#include <mach/mach.h>

kern_return_t
task_port_report(
    task_t task, mach_port_name_t name, struct baton_port_report *report)
{
	struct call call;

	call_begin(&call, MSGID_TASK_PORT_REPORT);
	call_put_u32(&call, name);
	call_perform(&call, task);
	call_get_bytes(&call, report, sizeof(*report));
	return call_end(&call);
}

kern_return_t
task_port_holders(task_t task, mach_port_name_t name, uint64_t after,
    struct baton_port_holder *holders, uint32_t *count)
{
	uint32_t sent = 0;
	struct call call;

	call_begin(&call, MSGID_TASK_PORT_HOLDERS);
	call_put_u32(&call, name);
	call_put_u64(&call, after);
	call_perform(&call, task);
	call_get_u32(&call, &sent);
	if (sent > BATON_PORT_HOLDERS_MAX)
		sent = BATON_PORT_HOLDERS_MAX;
	call_get_bytes(&call, holders, sent * sizeof(*holders));
	*count = sent;
	return call_end(&call);
}
