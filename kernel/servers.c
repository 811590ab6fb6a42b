/*
 * kernel/servers.c: what tasks, threads and the host answer.
 */
#include "kernel/servers.h"

#include <serve/baton_host.h>
#include <serve/clock.h>
#include <serve/host_priv.h>
#include <serve/mach_eventlink.h>
#include <serve/mach_host.h>
#include <serve/mach_vm.h>

#include "ipc/port_server.h"

void
servers_register(void)
{
	kserver_register(task_routines, task_routine_count);
	kserver_register(task_port_routines, task_port_routine_count);
	kserver_register(port_report_routines, port_report_routine_count);
	kserver_register(thread_routines, thread_routine_count);
	kserver_register(semaphore_routines, semaphore_routine_count);
	kserver_register(port_routines, port_routine_count);
	call_register(&mach_host_subsystem);
	call_register(&host_priv_subsystem);
	call_register(&baton_host_subsystem);
	call_register(&clock_subsystem);
	call_register(&mach_eventlink_subsystem);
	call_register(&mach_vm_subsystem);
}
