/* libmach/host.c: mach/mach_host.h and baton/host.h. */
#include "call.h"

#include <baton/host.h>
#include <mach/mach.h>
#include <mach/routine_ids.h>

static kern_return_t
host_ask(host_t host, mach_msg_id_t id, host_flavor_t flavor, host_info_t info,
    mach_msg_type_number_t *count)
{
	struct call call;

	call_begin(&call, id);
	call_put_u32(&call, (uint32_t)flavor);
	call_put_u32(&call, *count);
	call_perform(&call, host);
	call_get_words(&call, info, count);
	return call_end(&call);
}

kern_return_t
host_info(host_t host, host_flavor_t flavor, host_info_t info,
    mach_msg_type_number_t *count)
{
	return host_ask(host, MSGID_HOST_INFO, flavor, info, count);
}

kern_return_t
host_statistics(host_t host, host_flavor_t flavor, host_info_t info,
    mach_msg_type_number_t *count)
{
	return host_ask(host, MSGID_HOST_STATISTICS, flavor, info, count);
}

kern_return_t
host_statistics64(host_t host, host_flavor_t flavor, host_info64_t info,
    mach_msg_type_number_t *count)
{
	return host_ask(host, MSGID_HOST_STATISTICS64, flavor, info, count);
}

kern_return_t
host_kernel_version(host_t host, kernel_version_t version)
{
	uint32_t offset = 0, length = 0;
	struct call call;

	call_begin(&call, MSGID_HOST_KERNEL_VERSION);
	call_perform(&call, host);
	call_get_u32(&call, &offset);
	call_get_u32(&call, &length);
	if (length >= KERNEL_VERSION_MAX)
		length = KERNEL_VERSION_MAX - 1;
	call_get_bytes(&call, version, length);
	version[length] = '\0';
	return call_end(&call);
}

kern_return_t
host_page_size(host_t host, vm_size_t *size)
{
	struct call call;

	call_begin(&call, MSGID_HOST_PAGE_SIZE);
	call_perform(&call, host);
	call_get_u64(&call, size);
	return call_end(&call);
}

kern_return_t
host_reboot(host_priv_t host_priv, int options)
{
	struct call call;

	call_begin(&call, MSGID_HOST_REBOOT);
	call_put_u32(&call, (uint32_t)options);
	call_perform(&call, host_priv);
	return call_end(&call);
}

kern_return_t
host_kernel_counters(host_t host, struct baton_kernel_counters *counters)
{
	struct call call;

	call_begin(&call, MSGID_HOST_KERNEL_COUNTERS);
	call_perform(&call, host);
	call_get_bytes(&call, counters, sizeof(*counters));
	return call_end(&call);
}

kern_return_t
host_task_summary(host_t host, uint64_t after, struct baton_task_summary *tasks,
    uint32_t *count)
{
	uint32_t sent = 0;
	struct call call;

	call_begin(&call, MSGID_HOST_TASK_SUMMARY);
	call_put_u64(&call, after);
	call_perform(&call, host);
	call_get_u32(&call, &sent);
	if (sent > BATON_TASK_SUMMARY_MAX)
		sent = BATON_TASK_SUMMARY_MAX;
	call_get_bytes(&call, tasks, sent * sizeof(*tasks));
	*count = sent;
	return call_end(&call);
}

kern_return_t
host_tasks(
    host_priv_t host_priv, task_array_t *tasks, mach_msg_type_number_t *count)
{
	struct call call;

	call_begin(&call, MSGID_HOST_TASKS);
	call_perform(&call, host_priv);
	call_get_ports(&call, tasks, count);
	return call_end(&call);
}

kern_return_t
host_get_special_port(
    host_priv_t host_priv, int node, int which, mach_port_t *port)
{
	struct call call;

	call_begin(&call, MSGID_HOST_GET_SPECIAL_PORT);
	call_put_u32(&call, (uint32_t)node);
	call_put_u32(&call, (uint32_t)which);
	call_perform(&call, host_priv);
	call_get_port(&call, port);
	return call_end(&call);
}

kern_return_t
host_set_special_port(host_priv_t host_priv, int which, mach_port_t port)
{
	struct call call;

	call_begin(&call, MSGID_HOST_SET_SPECIAL_PORT);
	call_put_port(&call, port, MACH_MSG_TYPE_COPY_SEND);
	call_put_u32(&call, (uint32_t)which);
	call_perform(&call, host_priv);
	return call_end(&call);
}
