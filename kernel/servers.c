/* servers.c: what the kernel's ports answer; device.c registers its own. */
#include "kernel/servers.h"

#include <serve/baton_host.h>
#include <serve/baton_ledger.h>
#include <serve/baton_port.h>
#include <serve/clock.h>
#include <serve/default_pager_control.h>
#include <serve/host_priv.h>
#include <serve/mach_eventlink.h>
#include <serve/mach_host.h>
#include <serve/mach_port.h>
#include <serve/mach_vm.h>
#include <serve/memory_object_control.h>
#include <serve/semaphore.h>
#include <serve/task.h>
#include <serve/thread_act.h>
#include <serve/vm_map.h>

void
servers_register(void)
{
	kserver_register(&task_subsystem);
	kserver_register(&thread_act_subsystem);
	kserver_register(&mach_port_subsystem);
	kserver_register(&baton_port_subsystem);
	kserver_register(&baton_ledger_subsystem);
	kserver_register(&mach_vm_subsystem);
	kserver_register(&vm_map_subsystem);
	kserver_register(&memory_object_control_subsystem);
	kserver_register(&semaphore_subsystem);
	kserver_register(&mach_eventlink_subsystem);
	kserver_register(&clock_subsystem);
	kserver_register(&mach_host_subsystem);
	kserver_register(&host_priv_subsystem);
	kserver_register(&baton_host_subsystem);
	kserver_register(&default_pager_control_subsystem);
}
