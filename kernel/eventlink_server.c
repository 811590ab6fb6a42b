/* eventlink_server.c: eventlinks' messages, to a task and to their ports. */
#include <mach/mach_types.h>

#include "ipc/kserver.h"
#include "ipc/port.h"
#include "kernel/eventlink.h"
#include "kernel/servers.h"
#include "kernel/thread.h"

static kern_return_t
serve_create(struct kcall *call)
{
	struct port *rights[2];
	kern_return_t kr;

	if (call->object != call->caller ||
	    kcall_u32(call) != MELC_OPTION_NO_COPYIN)
		return KERN_INVALID_ARGUMENT;
	kr = eventlink_create(rights);
	if (kr != KERN_SUCCESS)
		return kr;
	kcall_put_send(call, rights[0]);
	kcall_put_send(call, rights[1]);
	return KERN_SUCCESS;
}

static kern_return_t
serve_destroy(struct kcall *call)
{
	eventlink_destroy(call->object);
	return KERN_SUCCESS;
}

static kern_return_t
serve_associate(struct kcall *call)
{
	struct port *port = kcall_port(call);
	uint64_t copyin = 0;
	uint32_t option;
	struct thread *thread;
	kern_return_t kr;

	for (int i = 0; i < 4; i++)
		copyin |= kcall_u64(call);
	option = kcall_u32(call);
	if (copyin != 0 || option > MELA_OPTION_ASSOCIATE_ON_WAIT)
		return KERN_INVALID_ARGUMENT;
	if ((port == NULL) != (option == MELA_OPTION_ASSOCIATE_ON_WAIT))
		return KERN_INVALID_ARGUMENT;
	thread = port_thread_get(port);
	if (port != NULL && thread == NULL)
		return KERN_INVALID_ARGUMENT;
	kr = eventlink_associate(call->object, thread);
	if (thread != NULL)
		thread_put(thread);
	return kr;
}

static kern_return_t
serve_disassociate(struct kcall *call)
{
	if (kcall_u32(call) != MELD_OPTION_NONE)
		return KERN_INVALID_ARGUMENT;
	return eventlink_disassociate(call->object);
}

const struct kroutine eventlink_routines[] = {
    {MSGID_MACH_EVENTLINK_CREATE, "mach_eventlink_create", KOBJECT_TASK,
	serve_create, .in = 4, .out_descriptors = 2},
    {MSGID_MACH_EVENTLINK_DESTROY, "mach_eventlink_destroy", KOBJECT_EVENTLINK,
	serve_destroy},
    {MSGID_MACH_EVENTLINK_ASSOCIATE, "mach_eventlink_associate",
	KOBJECT_EVENTLINK, serve_associate, .in = 36, .descriptors = "s"},
    {MSGID_MACH_EVENTLINK_DISASSOCIATE, "mach_eventlink_disassociate",
	KOBJECT_EVENTLINK, serve_disassociate, .in = 4},
};
const unsigned eventlink_routine_count = ARRAY_SIZE(eventlink_routines);
