/* baton/port.h: mach/baton_port.h as calls: where rights are. */
#pragma once

#include <mach/baton_port.h>
#include <mach/cdefs.h>
#include <mach/mach_types.h>

MACH_BEGIN_DECLS

/*
 * What @name denotes in @task; and if that is a receive right, what became of
 * the port: how many rights to it there are, what is in its queue, who waits.
 * No privilege is needed beyond @task, which is usually mach_task_self().
 *	KERN_INVALID_NAME	no such name
 */
kern_return_t task_port_report(
    task_t task, mach_port_name_t name, struct baton_port_report *report);

/*
 * Which tasks have rights to the port whose receive right @task has by @name:
 * those with ids above @after, lowest first, @task included; at most
 * BATON_PORT_HOLDERS_MAX.  *@count is the room in @holders, then how many there
 * are; 0 when there are no more.  What the report counts beyond what tasks hold
 * is in messages on their way, or with the kernel: as a special, registered or
 * exception port, as the destination of a notice.
 *	KERN_INVALID_NAME	no such name
 *	KERN_INVALID_RIGHT	it is no receive right
 *	KERN_RESOURCE_SHORTAGE
 */
kern_return_t task_port_holders(task_t task, mach_port_name_t name,
    uint64_t after, struct baton_port_holder *holders, uint32_t *count);

MACH_END_DECLS
