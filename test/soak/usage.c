/* usage.c: which task has more than it had: where to look for a leak. */
#include "test/soak/soak.h"

#include <stdio.h>

#include <baton/host.h>
#include <baton/ledger.h>

#include "test/user/mach_test.h"

#define TASKS 64

struct usage {
	uint64_t task;
	struct baton_ledger_report report;
};

static const char *const kinds[BATON_LEDGER_KINDS] = {
    [BATON_LEDGER_KERNEL] = "bytes of kernel memory",
    [BATON_LEDGER_TASKS] = "tasks",
    [BATON_LEDGER_THREADS] = "threads",
    [BATON_LEDGER_PORTS] = "ports",
    [BATON_LEDGER_NAMES] = "names",
    [BATON_LEDGER_PORT_SETS] = "port sets",
    [BATON_LEDGER_MESSAGES] = "bytes of messages",
    [BATON_LEDGER_MAP_ENTRIES] = "map entries",
    [BATON_LEDGER_OBJECTS] = "memory objects",
};

static struct usage before[TASKS];

/* What @task had; NULL: nothing was noted of it. */
static struct usage *
noted(uint64_t task)
{
	for (int i = 0; i < TASKS; i++)
		if (before[i].task == task)
			return &before[i];
	return NULL;
}

static void
note_task(const struct baton_task_summary *task,
    const struct baton_ledger_report *report)
{
	struct usage *usage = noted(0);

	if (usage != NULL)
		*usage = (struct usage){.task = task->id, .report = *report};
}

static void
compare_task(const struct baton_task_summary *task,
    const struct baton_ledger_report *report)
{
	static const struct usage nothing;
	const struct usage *usage = noted(task->id);

	if (usage == NULL)
		usage = &nothing;
	for (int i = 0; i < BATON_LEDGER_KINDS; i++) {
		uint64_t had = usage->report.kind[i].use;

		if (kinds[i] != NULL && report->kind[i].use != had)
			note("task %lu, %s, had %lu %s, has %lu", task->id,
			    task->name, had, kinds[i], report->kind[i].use);
	}
}

static void
each_task(void (*visit)(
    const struct baton_task_summary *, const struct baton_ledger_report *))
{
	static struct baton_task_summary tasks[BATON_TASK_SUMMARY_MAX];
	mach_port_t host = mach_host_self();
	uint64_t after = 0;
	uint32_t count = BATON_TASK_SUMMARY_MAX;

	while (host_task_summary(host, after, tasks, &count) == KERN_SUCCESS &&
	       count > 0) {
		for (uint32_t i = 0; i < count; i++) {
			struct baton_ledger_report report;

			/* It may have ended just now. */
			if (host_ledger_report(host, tasks[i].id, &report) ==
			    KERN_SUCCESS)
				visit(&tasks[i], &report);
		}
		after = tasks[count - 1].id;
		count = BATON_TASK_SUMMARY_MAX;
	}
	mach_port_deallocate(mach_task_self(), host);
}

void
usage_note(void)
{
	each_task(note_task);
}

void
usage_compare(void)
{
	each_task(compare_task);
}
