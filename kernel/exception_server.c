/*
 * exception_server.c: set, get and swap exception ports, for the servers of
 * thread, task and host.
 */
#include "ipc/port.h"
#include "kernel/exception_ports.h"
#include "kernel/servers.h"

static kern_return_t
put_list(struct kcall *call, const struct exception_list *list)
{
	for (uint32_t i = 0; i < EXCEPTION_LIST_MAX; i++)
		kcall_put_send(call, i < list->count ? list->port[i] : NULL);
	kcall_put_u32(call, list->count);
	kcall_put_bytes(
	    call, list->mask, list->count * (uint32_t)sizeof(list->mask[0]));
	kcall_put_bytes(call, list->behavior,
	    list->count * (uint32_t)sizeof(list->behavior[0]));
	kcall_put_bytes(call, list->flavor,
	    list->count * (uint32_t)sizeof(list->flavor[0]));
	return KERN_SUCCESS;
}

kern_return_t
serve_set_exception_ports(struct kcall *call, const struct exception_scope *of)
{
	exception_mask_t mask = kcall_u32(call);
	uint32_t behavior = kcall_u32(call);
	uint32_t flavor = kcall_u32(call);
	mach_msg_type_name_t type;
	struct port *port = kcall_port_take(call, &type);
	kern_return_t kr;

	kr = exception_ports_set(of, mask, port, behavior, flavor);
	if (kr != KERN_SUCCESS)
		right_release_send(port);
	return kr;
}

kern_return_t
serve_get_exception_ports(struct kcall *call, const struct exception_scope *of)
{
	struct exception_list list;
	kern_return_t kr = exception_ports_get(of, kcall_u32(call), &list);

	return kr == KERN_SUCCESS ? put_list(call, &list) : kr;
}

kern_return_t
serve_swap_exception_ports(struct kcall *call, const struct exception_scope *of)
{
	exception_mask_t mask = kcall_u32(call);
	uint32_t behavior = kcall_u32(call);
	uint32_t flavor = kcall_u32(call);
	mach_msg_type_name_t type;
	struct port *port = kcall_port_take(call, &type);
	struct exception_list list;
	kern_return_t kr;

	kr = exception_ports_swap(of, mask, port, behavior, flavor, &list);
	if (kr == KERN_SUCCESS)
		return put_list(call, &list);
	right_release_send(port);
	return kr;
}
