/* task_ports.c: rights that a task keeps for others; see task_ports.h. */
#include "kernel/task_ports.h"

#include <mach/task_special_ports.h>

#include "ipc/kserver.h"
#include "ipc/port.h"
#include "kernel/host.h"
#include "kernel/servers.h"

/* ---- special ports ---- */

static bool
is_special(uint32_t which)
{
	switch (which) {
	case TASK_KERNEL_PORT:
	case TASK_HOST_PORT:
	case TASK_NAME_PORT:
	case TASK_BOOTSTRAP_PORT:
	case TASK_INSPECT_PORT:
	case TASK_READ_PORT:
	case TASK_ACCESS_PORT:
	case TASK_DEBUG_CONTROL_PORT:
	case TASK_RESOURCE_NOTIFY_PORT:
		return true;
	default:
		return false;
	}
}

/* Others stand for the task itself, or for what may be done with it. */
static bool
is_settable(uint32_t which)
{
	return is_special(which) && which != TASK_KERNEL_PORT &&
	       which != TASK_NAME_PORT && which != TASK_INSPECT_PORT &&
	       which != TASK_READ_PORT;
}

static bool
is_inherited(uint32_t which)
{
	return which == TASK_HOST_PORT || which == TASK_BOOTSTRAP_PORT ||
	       which == TASK_ACCESS_PORT;
}

kern_return_t
task_get_special(struct task *task, uint32_t which, struct port **portp)
{
	static_assert(TASK_SPECIAL_PORTS > TASK_MAX_SPECIAL_PORT, "all");
	if (!is_special(which))
		return KERN_INVALID_ARGUMENT;
	spin_lock(&task->lock);
	if (which == TASK_KERNEL_PORT)
		*portp = right_make_send(task->self_port);
	else if (which == TASK_HOST_PORT && task->special[which] == NULL)
		*portp = right_make_send(host_port);
	else
		*portp = right_copy_send(task->special[which]);
	spin_unlock(&task->lock);
	return KERN_SUCCESS;
}

kern_return_t
task_set_special(struct task *task, uint32_t which, struct port *port)
{
	struct port *previous;

	if (!is_settable(which))
		return KERN_INVALID_ARGUMENT;
	spin_lock(&task->lock);
	if (task->dying) {
		previous = port;
	} else {
		previous = task->special[which];
		task->special[which] = port;
	}
	spin_unlock(&task->lock);
	right_release_send(previous);
	return KERN_SUCCESS;
}

/* ---- registered ports ---- */

void
task_register_ports(
    struct task *task, struct port *ports[TASK_PORT_REGISTER_MAX])
{
	spin_lock(&task->lock);
	for (unsigned i = 0; i < TASK_PORT_REGISTER_MAX; i++) {
		struct port *previous = task->registered[i];

		if (task->dying)
			break;
		task->registered[i] = ports[i];
		ports[i] = previous;
	}
	spin_unlock(&task->lock);
	for (unsigned i = 0; i < TASK_PORT_REGISTER_MAX; i++)
		right_release_send(ports[i]);
}

void
task_lookup_ports(struct task *task, struct port *ports[TASK_PORT_REGISTER_MAX])
{
	spin_lock(&task->lock);
	for (unsigned i = 0; i < TASK_PORT_REGISTER_MAX; i++)
		ports[i] = right_copy_send(task->registered[i]);
	spin_unlock(&task->lock);
}

/* ---- both ---- */

void
task_inherit_ports(struct task *parent, struct task *child)
{
	struct port *special[TASK_SPECIAL_PORTS] = {NULL};
	struct port *registered[TASK_PORT_REGISTER_MAX];

	spin_lock(&parent->lock);
	for (uint32_t i = 0; i < TASK_SPECIAL_PORTS; i++) {
		if (is_inherited(i))
			special[i] = right_copy_send(parent->special[i]);
	}
	spin_unlock(&parent->lock);
	task_lookup_ports(parent, registered);
	for (uint32_t i = 0; i < TASK_SPECIAL_PORTS; i++) {
		if (is_inherited(i) &&
		    task_set_special(child, i, special[i]) != KERN_SUCCESS)
			right_release_send(special[i]);
	}
	task_register_ports(child, registered);
}

void
task_drop_ports(struct task *task)
{
	for (unsigned i = 0; i < TASK_SPECIAL_PORTS; i++) {
		right_release_send(task->special[i]);
		task->special[i] = NULL;
	}
	for (unsigned i = 0; i < TASK_PORT_REGISTER_MAX; i++) {
		right_release_send(task->registered[i]);
		task->registered[i] = NULL;
	}
}

/* ---- served ---- */

static kern_return_t
serve_get_special_port(struct kcall *call)
{
	struct port *port;
	kern_return_t kr =
	    task_get_special(call->object, kcall_u32(call), &port);

	if (kr == KERN_SUCCESS)
		kcall_put_send(call, port);
	return kr;
}

static kern_return_t
serve_set_special_port(struct kcall *call)
{
	uint32_t which = kcall_u32(call);
	mach_msg_type_name_t type;
	struct port *port = kcall_port_take(call, &type);
	kern_return_t kr = task_set_special(call->object, which, port);

	if (kr != KERN_SUCCESS)
		right_release_send(port);
	return kr;
}

static kern_return_t
serve_ports_register(struct kcall *call)
{
	struct port *ports[TASK_PORT_REGISTER_MAX] = {NULL};
	mach_msg_type_name_t type;
	struct port **array;
	uint32_t count;

	array = kcall_ool_ports(call, &count, &type);
	if (count > TASK_PORT_REGISTER_MAX || kcall_u32(call) != count)
		return KERN_INVALID_ARGUMENT;
	if (count > 0 && type != MACH_MSG_TYPE_PORT_SEND)
		return KERN_INVALID_ARGUMENT;
	for (uint32_t i = 0; i < count; i++)
		ports[i] = right_copy_send(array[i]);
	task_register_ports(call->object, ports);
	return KERN_SUCCESS;
}

static kern_return_t
serve_ports_lookup(struct kcall *call)
{
	struct port *ports[TASK_PORT_REGISTER_MAX];
	kern_return_t kr;

	task_lookup_ports(call->object, ports);
	kr = kcall_put_ool_ports(
	    call, ports, TASK_PORT_REGISTER_MAX, MACH_MSG_TYPE_PORT_SEND);
	kcall_put_u32(call, TASK_PORT_REGISTER_MAX);
	return kr;
}

const struct kroutine task_port_routines[] = {
    {MSGID_TASK_GET_SPECIAL_PORT, "task_get_special_port", KOBJECT_TASK,
	serve_get_special_port, .in = 4, .out_descriptors = 1},
    {MSGID_TASK_SET_SPECIAL_PORT, "task_set_special_port", KOBJECT_TASK,
	serve_set_special_port, .in = 4, .descriptors = "s"},
    {MSGID_MACH_PORTS_REGISTER, "mach_ports_register", KOBJECT_TASK,
	serve_ports_register, .in = 4, .descriptors = "a"},
    {MSGID_MACH_PORTS_LOOKUP, "mach_ports_lookup", KOBJECT_TASK,
	serve_ports_lookup, .out = 4, .out_descriptors = 1},
};
const unsigned task_port_routine_count = ARRAY_SIZE(task_port_routines);
