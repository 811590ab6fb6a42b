/*
 * mach/mach_host.h: the machine as a whole.
 *
 * Anybody may ask with mach_host_self(); what changes the machine wants the
 * privileged host port.
 */
#pragma once

#include <mach/cdefs.h>
#include <mach/clock_types.h>
#include <mach/host_reboot.h>
#include <mach/mach_types.h>

MACH_BEGIN_DECLS

/* HOST_BASIC_INFO and others: *@count is the room in words, then the fill. */
kern_return_t host_info(host_t host, host_flavor_t flavor, host_info_t info,
    mach_msg_type_number_t *count);

/* HOST_VM_INFO and others; the second with counts of 64 bits. */
kern_return_t host_statistics(host_t host, host_flavor_t flavor,
    host_info_t info, mach_msg_type_number_t *count);
kern_return_t host_statistics64(host_t host, host_flavor_t flavor,
    host_info64_t info, mach_msg_type_number_t *count);

/* One line that says which kernel this is. */
kern_return_t host_kernel_version(host_t host, kernel_version_t version);

kern_return_t host_page_size(host_t host, vm_size_t *size);

/*
 * PROCESSOR_BASIC_INFO of each of *@processors, one behind the other, in an
 * array of *@count words that the caller gives back with vm_deallocate().
 */
kern_return_t host_processor_info(host_t host, processor_flavor_t flavor,
    natural_t *processors, processor_info_array_t *info,
    mach_msg_type_number_t *count);

/*
 * A send right to SYSTEM_CLOCK or CALENDAR_CLOCK; what it is good for is in
 * mach/clock.h.  KERN_INVALID_ARGUMENT: no such clock.
 */
kern_return_t host_get_clock_service(
    host_t host, clock_id_t clock_id, clock_serv_t *clock);

/* HOST_REBOOT_ bits; returns only if it fails. */
kern_return_t host_reboot(host_priv_t host_priv, int options);

/*
 * Wires a region of @task, for one more reason: its pages are in memory, may be
 * accessed as @access says without a fault that has to wait, and stay, until
 * the region has been unwired (VM_PROT_NONE) as often, or is gone.  What of it
 * is not wired is passed over by the latter.
 *
 * KERN_INVALID_ARGUMENT (no task, unknown access, no end), KERN_INVALID_ADDRESS
 * (a hole), KERN_PROTECTION_FAILURE (more than is allowed), KERN_FAILURE (65535
 * times already), KERN_RESOURCE_SHORTAGE: nothing has changed then.
 */
kern_return_t mach_vm_wire(host_priv_t host_priv, vm_map_t task,
    mach_vm_address_t address, mach_vm_size_t size, vm_prot_t access);

/*
 * The caller serves the default pager's port (mach/default_pager.h): @manager,
 * a port whose receive right it has.  MACH_PORT_NULL changes nothing, and gets
 * a send right to the port that is served now, or MACH_PORT_NULL.  @cluster is
 * of no effect.
 *
 * From then on the memory of the calling task stays where it is.
 *
 * KERN_FAILURE: there is a default pager, or what one had that ended is being
 * dealt with.  KERN_RESOURCE_SHORTAGE.
 */
kern_return_t host_default_memory_manager(
    host_priv_t host_priv, mach_port_t *manager, vm_size_t cluster);

/* As of threads, for all threads there are; mach/thread_act.h. */
kern_return_t host_set_exception_ports(host_priv_t host, exception_mask_t mask,
    mach_port_t port, exception_behavior_t behavior,
    thread_state_flavor_t flavor);
kern_return_t host_get_exception_ports(host_priv_t host, exception_mask_t mask,
    exception_mask_array_t masks, mach_msg_type_number_t *count,
    exception_handler_array_t ports, exception_behavior_array_t behaviors,
    thread_state_flavor_array_t flavors);
kern_return_t host_swap_exception_ports(host_priv_t host, exception_mask_t mask,
    mach_port_t port, exception_behavior_t behavior,
    thread_state_flavor_t flavor, exception_mask_array_t masks,
    mach_msg_type_number_t *count, exception_handler_array_t ports,
    exception_behavior_array_t behaviors, thread_state_flavor_array_t flavors);

/*
 * Rights that whoever has the privileged host port finds there: HOST_PORT,
 * HOST_PRIV_PORT, HOST_IO_MAIN_PORT, and what was set, from
 * HOST_MAX_SPECIAL_KERNEL_PORT + 1 to HOST_MAX_SPECIAL_PORT.  @node:
 * HOST_LOCAL_NODE.  KERN_INVALID_ARGUMENT: no such port.
 */
kern_return_t host_get_special_port(
    host_priv_t host_priv, int node, int which, mach_port_t *port);
kern_return_t host_set_special_port(
    host_priv_t host_priv, int which, mach_port_t port);

MACH_END_DECLS
