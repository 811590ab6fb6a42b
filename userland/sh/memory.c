/* sh/memory.c: see memory.h. */
#include "memory.h"

#include <baton/ledger.h>
#include <stdio.h>
#include <stdlib.h>

#include <mach/mach.h>

static const char *const kinds[BATON_LEDGER_KINDS] = {
    [BATON_LEDGER_KERNEL] = "kernel memory, bytes",
    [BATON_LEDGER_TASKS] = "tasks",
    [BATON_LEDGER_THREADS] = "threads",
    [BATON_LEDGER_PORTS] = "ports",
    [BATON_LEDGER_NAMES] = "names, room for",
    [BATON_LEDGER_PORT_SETS] = "port sets and members",
    [BATON_LEDGER_REQUESTS] = "requests for notices",
    [BATON_LEDGER_MESSAGES] = "messages, bytes",
    [BATON_LEDGER_MAP_ENTRIES] = "map entries",
    [BATON_LEDGER_OBJECTS] = "memory objects",
    [BATON_LEDGER_SEMAPHORES] = "semaphores",
    [BATON_LEDGER_EVENTLINKS] = "eventlinks",
    [BATON_LEDGER_TIMERS] = "timers",
    [BATON_LEDGER_PAGE_TABLES] = "page tables",
    [BATON_LEDGER_RESIDENT] = "pages",
    [BATON_LEDGER_WIRED] = "wired pages",
};

static bool
ask(uint64_t task, struct baton_ledger_report *report)
{
	mach_port_t host = mach_host_self();
	kern_return_t kr = host_ledger_report(host, task, report);

	mach_port_deallocate(mach_task_self(), host);
	return kr == KERN_SUCCESS;
}

void
memory_heading(void)
{
	printf("   ID  TASK                   PAGES  TABLES  KERNEL B  "
	       "MESSAGES B   PORTS\n");
}

void
memory_line(const struct baton_task_summary *task)
{
	struct baton_ledger_report report;

	/* It may have ended just now. */
	if (!ask(task->id, &report))
		return;
	printf("%5lu  %-20s %7lu %7lu %9lu %11lu %7lu\n", task->id, task->name,
	    report.kind[BATON_LEDGER_RESIDENT].use,
	    report.kind[BATON_LEDGER_PAGE_TABLES].use,
	    report.kind[BATON_LEDGER_KERNEL].use,
	    report.kind[BATON_LEDGER_MESSAGES].use,
	    report.kind[BATON_LEDGER_PORTS].use);
}

void
memory_of(const char *word)
{
	struct baton_ledger_report report;

	if (!ask(strtoull(word, NULL, 10), &report)) {
		printf("mem: no task %s\n", word);
		return;
	}
	printf("     USED   CHILDREN'S        LIMIT\n");
	for (unsigned int i = 0; i < BATON_LEDGER_KINDS; i++)
		printf("%9lu %12lu %12lu  %s\n", report.kind[i].use,
		    report.kind[i].children, report.kind[i].limit, kinds[i]);
}
