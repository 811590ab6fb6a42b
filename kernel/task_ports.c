/* task_ports.c: rights that a task keeps for others; see task_ports.h. */
#include "kernel/task_ports.h"

#include <mach/task_special_ports.h>
#include <serve/task.h>

#include "ipc/kserver.h"
#include "ipc/port.h"
#include "kernel/host.h"
#include "kernel/servers.h"
#include "kernel/string.h"

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
	struct port *special[TASK_SPECIAL_PORTS];
	struct port *registered[TASK_PORT_REGISTER_MAX];

	/* Who began to ask before the task's port died may be copying them. */
	spin_lock(&task->lock);
	memcpy(special, task->special, sizeof(special));
	memset(task->special, 0, sizeof(task->special));
	memcpy(registered, task->registered, sizeof(registered));
	memset(task->registered, 0, sizeof(task->registered));
	spin_unlock(&task->lock);
	for (unsigned i = 0; i < TASK_SPECIAL_PORTS; i++)
		right_release_send(special[i]);
	for (unsigned i = 0; i < TASK_PORT_REGISTER_MAX; i++)
		right_release_send(registered[i]);
}

/* ---- served ---- */

kern_return_t
serve_task_get_special_port(
    struct task *task, task_special_port_t which, struct port **port)
{
	return task_get_special(task, (uint32_t)which, port);
}

kern_return_t
serve_task_set_special_port(
    struct task *task, task_special_port_t which, struct port *port)
{
	return task_set_special(task, (uint32_t)which, port);
}

kern_return_t
serve_mach_ports_register(
    struct task *task, struct port **array, mach_msg_type_number_t count)
{
	struct port *ports[TASK_PORT_REGISTER_MAX] = {NULL};

	if (count > TASK_PORT_REGISTER_MAX)
		return KERN_INVALID_ARGUMENT;
	for (uint32_t i = 0; i < count; i++)
		ports[i] = right_copy_send(array[i]);
	task_register_ports(task, ports);
	return KERN_SUCCESS;
}

kern_return_t
serve_mach_ports_lookup(
    struct task *task, struct port ***array, mach_msg_type_number_t *count)
{
	struct port *ports[TASK_PORT_REGISTER_MAX];

	task_lookup_ports(task, ports);
	*count = TASK_PORT_REGISTER_MAX;
	return call_port_array(ports, TASK_PORT_REGISTER_MAX, array);
}
