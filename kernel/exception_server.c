/*
 * exception_server.c: set, get and swap exception ports, for the servers of
 * thread, task and host.
 */
#include <mach/mach_types.h>
#include <serve/host_priv.h>
#include <serve/task.h>
#include <serve/thread_act.h>

#include "ipc/port.h"
#include "kernel/exception_ports.h"

/* Where the lines of a list go. */
struct lines {
	exception_mask_t *masks;
	mach_msg_type_number_t *count;
	struct port **ports;
	exception_behavior_t *behaviors;
	thread_state_flavor_t *flavors;
};

static void
give(const struct exception_list *list, const struct lines *to)
{
	for (uint32_t i = 0; i < list->count; i++) {
		to->masks[i] = list->mask[i];
		to->ports[i] = list->port[i];
		to->behaviors[i] = (exception_behavior_t)list->behavior[i];
		to->flavors[i] = (thread_state_flavor_t)list->flavor[i];
	}
	*to->count = list->count;
}

static kern_return_t
get(const struct exception_scope *of, exception_mask_t mask,
    const struct lines *to)
{
	struct exception_list list;
	kern_return_t kr = exception_ports_get(of, mask, &list);

	if (kr == KERN_SUCCESS)
		give(&list, to);
	return kr;
}

static kern_return_t
swap(const struct exception_scope *of, exception_mask_t mask, struct port *port,
    exception_behavior_t behavior, thread_state_flavor_t flavor,
    const struct lines *to)
{
	struct exception_list list;
	kern_return_t kr = exception_ports_swap(
	    of, mask, port, (uint32_t)behavior, (uint32_t)flavor, &list);

	if (kr == KERN_SUCCESS)
		give(&list, to);
	return kr;
}

kern_return_t
serve_thread_set_exception_ports(struct thread *thread, exception_mask_t mask,
    struct port *port, exception_behavior_t behavior,
    thread_state_flavor_t flavor)
{
	return exception_ports_set(&(struct exception_scope){.thread = thread},
	    mask, port, (uint32_t)behavior, (uint32_t)flavor);
}

kern_return_t
serve_thread_get_exception_ports(struct thread *thread, exception_mask_t mask,
    exception_mask_t *masks, mach_msg_type_number_t *count, struct port **ports,
    exception_behavior_t *behaviors, thread_state_flavor_t *flavors)
{
	return get(&(struct exception_scope){.thread = thread}, mask,
	    &(struct lines){masks, count, ports, behaviors, flavors});
}

kern_return_t
serve_thread_swap_exception_ports(struct thread *thread, exception_mask_t mask,
    struct port *port, exception_behavior_t behavior,
    thread_state_flavor_t flavor, exception_mask_t *masks,
    mach_msg_type_number_t *count, struct port **ports,
    exception_behavior_t *behaviors, thread_state_flavor_t *flavors)
{
	return swap(&(struct exception_scope){.thread = thread}, mask, port,
	    behavior, flavor,
	    &(struct lines){masks, count, ports, behaviors, flavors});
}

kern_return_t
serve_task_set_exception_ports(struct task *task, exception_mask_t mask,
    struct port *port, exception_behavior_t behavior,
    thread_state_flavor_t flavor)
{
	return exception_ports_set(&(struct exception_scope){.task = task},
	    mask, port, (uint32_t)behavior, (uint32_t)flavor);
}

kern_return_t
serve_task_get_exception_ports(struct task *task, exception_mask_t mask,
    exception_mask_t *masks, mach_msg_type_number_t *count, struct port **ports,
    exception_behavior_t *behaviors, thread_state_flavor_t *flavors)
{
	return get(&(struct exception_scope){.task = task}, mask,
	    &(struct lines){masks, count, ports, behaviors, flavors});
}

kern_return_t
serve_task_swap_exception_ports(struct task *task, exception_mask_t mask,
    struct port *port, exception_behavior_t behavior,
    thread_state_flavor_t flavor, exception_mask_t *masks,
    mach_msg_type_number_t *count, struct port **ports,
    exception_behavior_t *behaviors, thread_state_flavor_t *flavors)
{
	return swap(&(struct exception_scope){.task = task}, mask, port,
	    behavior, flavor,
	    &(struct lines){masks, count, ports, behaviors, flavors});
}

kern_return_t
serve_host_set_exception_ports(exception_mask_t mask, struct port *port,
    exception_behavior_t behavior, thread_state_flavor_t flavor)
{
	return exception_ports_set(&(struct exception_scope){0}, mask, port,
	    (uint32_t)behavior, (uint32_t)flavor);
}

kern_return_t
serve_host_get_exception_ports(exception_mask_t mask, exception_mask_t *masks,
    mach_msg_type_number_t *count, struct port **ports,
    exception_behavior_t *behaviors, thread_state_flavor_t *flavors)
{
	return get(&(struct exception_scope){0}, mask,
	    &(struct lines){masks, count, ports, behaviors, flavors});
}

kern_return_t
serve_host_swap_exception_ports(exception_mask_t mask, struct port *port,
    exception_behavior_t behavior, thread_state_flavor_t flavor,
    exception_mask_t *masks, mach_msg_type_number_t *count, struct port **ports,
    exception_behavior_t *behaviors, thread_state_flavor_t *flavors)
{
	return swap(&(struct exception_scope){0}, mask, port, behavior, flavor,
	    &(struct lines){masks, count, ports, behaviors, flavors});
}
