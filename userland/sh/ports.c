/*
 * sh/ports.c: the shell's `ports`: which rights there are, and who has them.
 *
 *	ports		our own names, then how many names each task has
 *	ports NAME	one name: its port, its queue, the tasks that hold it
 *	ports task ID	the names of another task, where that is allowed
 */
#include "ports.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <baton/host.h>
#include <baton/port.h>
#include <mach/mach.h>
#include <servers/bootstrap.h>

static void
complain(const char *what, kern_return_t kr)
{
	printf("%s: %s\n", what, bootstrap_strerror(kr));
}

/* What @type says, in words. */
static const char *
rights(mach_port_type_t type)
{
	switch (type & MACH_PORT_TYPE_ALL_RIGHTS) {
	case MACH_PORT_TYPE_SEND:
		return "send";
	case MACH_PORT_TYPE_RECEIVE:
		return "receive";
	case MACH_PORT_TYPE_SEND_RECEIVE:
		return "receive, send";
	case MACH_PORT_TYPE_SEND_ONCE:
		return "send-once";
	case MACH_PORT_TYPE_SEND_RIGHTS:
		return "send, send-once";
	case MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_SEND_ONCE:
		return "receive, send-once";
	case MACH_PORT_TYPE_PORT_RIGHTS:
		return "receive, send, send-once";
	case MACH_PORT_TYPE_PORT_SET:
		return "port set";
	case MACH_PORT_TYPE_DEAD_NAME:
		return "dead name";
	default:
		return "?";
	}
}

/* What the name is good for, on the rest of a line. */
static void
show_use(
    task_t task, mach_port_name_t name, const struct baton_port_report *report)
{
	kobject_description_t what = "";
	mach_vm_address_t address;
	natural_t kind;

	if (report->type & MACH_PORT_TYPE_RECEIVE)
		printf("%u of %u messages, %u senders", report->messages,
		    report->limit, report->send_rights);
	else if (mach_port_kobject_description(
		     task, name, &kind, &address, what) == KERN_SUCCESS)
		printf("%s", what);
	if (report->object != 0)
		printf(" %lu", report->object);
	printf("\n");
}

static kern_return_t
list_names(task_t task)
{
	mach_port_name_array_t names;
	mach_port_type_array_t types;
	mach_msg_type_number_t count, type_count;
	kern_return_t kr =
	    mach_port_names(task, &names, &count, &types, &type_count);

	if (kr != KERN_SUCCESS)
		return kr;
	printf("    NAME  REFS  RIGHTS\n");
	for (unsigned int i = 0; i < count; i++) {
		struct baton_port_report report;

		if (task_port_report(task, names[i], &report) != KERN_SUCCESS)
			continue; /* it has gone meanwhile */
		printf("%8x %5u  %-16s ", names[i], report.urefs,
		    rights(report.type));
		show_use(task, names[i], &report);
	}
	vm_deallocate(
	    mach_task_self(), (vm_address_t)names, count * sizeof(*names));
	vm_deallocate(
	    mach_task_self(), (vm_address_t)types, count * sizeof(*types));
	return KERN_SUCCESS;
}

/* ---- one name ---- */

static void
show_port(const struct baton_port_report *report)
{
	uint32_t shown = report->messages < BATON_PORT_MESSAGES_MAX
			     ? report->messages
			     : BATON_PORT_MESSAGES_MAX;

	printf("%u send rights, %u send-once rights; made %u times\n",
	    report->send_rights, report->send_once_rights,
	    report->make_send_count);
	printf("%u of at most %u messages; %u threads wait for one, %u for "
	       "room; in %u sets\n",
	    report->messages, report->limit, report->receivers, report->senders,
	    report->sets);
	for (uint32_t i = 0; i < shown; i++)
		printf("  message %d, %u bytes, from task %lu\n",
		    report->message[i].id, report->message[i].size,
		    report->message[i].sender);
	if (shown < report->messages)
		printf("  and %u more\n", report->messages - shown);
}

static void
show_holder(const struct baton_port_holder *holder)
{
	printf("%5lu  %-16.*s %8x %5u %5u  %s\n", holder->task,
	    BATON_PORT_TASK_NAME_MAX, holder->task_name, holder->name,
	    holder->urefs, holder->send_once, rights(holder->type));
}

/* Returns how many send rights, and send-once rights, tasks hold. */
static kern_return_t
show_holders(mach_port_name_t name, uint32_t *send, uint32_t *once)
{
	struct baton_port_holder holders[BATON_PORT_HOLDERS_MAX];
	uint64_t after = 0;
	uint32_t count = BATON_PORT_HOLDERS_MAX;
	kern_return_t kr;

	printf("   ID  TASK                 NAME  REFS  ONCE  RIGHTS\n");
	while ((kr = task_port_holders(mach_task_self(), name, after, holders,
		    &count)) == KERN_SUCCESS &&
	       count > 0) {
		for (uint32_t i = 0; i < count; i++) {
			show_holder(&holders[i]);
			*send += (holders[i].type & MACH_PORT_TYPE_SEND) != 0;
			*once += holders[i].send_once;
		}
		after = holders[count - 1].task;
		count = BATON_PORT_HOLDERS_MAX;
	}
	return kr;
}

static void
show_name(mach_port_name_t name)
{
	struct baton_port_report report;
	uint32_t send = 0, once = 0;
	kern_return_t kr = task_port_report(mach_task_self(), name, &report);

	if (kr != KERN_SUCCESS) {
		complain("ports", kr);
		return;
	}
	printf(
	    "%x: %s, %u references ", name, rights(report.type), report.urefs);
	show_use(mach_task_self(), name, &report);
	if (!(report.type & MACH_PORT_TYPE_RECEIVE))
		return;
	show_port(&report);
	kr = show_holders(name, &send, &once);
	if (kr != KERN_SUCCESS)
		complain("ports", kr);
	if (report.send_rights > send || report.send_once_rights > once)
		printf("in messages, or the kernel's: %u send, %u send-once\n",
		    report.send_rights > send ? report.send_rights - send : 0,
		    report.send_once_rights > once
			? report.send_once_rights - once
			: 0);
}

/* ---- another task ---- */

/* Is @task the one of that id? */
static bool
is_task(task_t task, uint64_t id)
{
	struct baton_port_report report;

	return task_port_report(mach_task_self(), task, &report) ==
		   KERN_SUCCESS &&
	       report.object == id;
}

static void
show_task(uint64_t id)
{
	kern_return_t kr, found = KERN_INVALID_TASK;
	mach_msg_type_number_t count;
	mach_port_t host_priv;
	task_array_t tasks;

	kr = bootstrap_device(bootstrap_port, "host_priv", &host_priv);
	if (kr == KERN_SUCCESS) {
		kr = host_tasks(host_priv, &tasks, &count);
		mach_port_deallocate(mach_task_self(), host_priv);
	}
	if (kr != KERN_SUCCESS) {
		complain("ports", kr);
		return;
	}
	for (unsigned int i = 0; i < count; i++) {
		if (is_task(tasks[i], id))
			found = list_names(tasks[i]);
		mach_port_deallocate(mach_task_self(), tasks[i]);
	}
	vm_deallocate(
	    mach_task_self(), (vm_address_t)tasks, count * sizeof(*tasks));
	if (found != KERN_SUCCESS)
		complain("ports", found);
}

bool
ports_show(int argc, char *argv[])
{
	kern_return_t kr;

	if (argc == 3 && strcmp(argv[1], "task") == 0) {
		show_task(strtoul(argv[2], NULL, 0));
		return false;
	}
	if (argc > 1) {
		show_name((mach_port_name_t)strtoul(argv[1], NULL, 16));
		return false;
	}
	kr = list_names(mach_task_self());
	if (kr != KERN_SUCCESS)
		complain("ports", kr);
	return true;
}
