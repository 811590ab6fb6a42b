/* ledger_server.c: what tasks and the host answer about ledgers; see
 * mach/baton_ledger.h. */
#include <mach/mach_types.h>
#include <serve/baton_ledger.h>

#include "ipc/kserver.h"
#include "kernel/ledger.h"
#include "kernel/sched.h"
#include "kernel/servers.h"
#include "kernel/task.h"
#include "kernel/task_list.h"
#include "vm/map.h"

kern_return_t
serve_task_ledger_set(
    struct task *task, natural_t kind, uint64_t limit, uint64_t reserve)
{
	return ledger_set(
	    task->ledger, ledger_of_caller(), kind, limit, reserve);
}

static void
take_off(uint64_t *use, uint64_t spare)
{
	*use -= min_u64(*use, spare);
}

void
ledger_info_of_task(const struct task *task, struct baton_ledger_info *info)
{
	struct pmap_weight spare = map_spare(task->map);

	ledger_info(task->ledger, info);
	take_off(&info->kind[BATON_LEDGER_RESIDENT].use, spare.pages);
	take_off(&info->kind[BATON_LEDGER_PAGE_TABLES].use, spare.tables);
}

static void
report_task(const struct task *task, struct baton_ledger_report *report)
{
	struct pmap_weight spare = map_spare(task->map);

	ledger_report(task->ledger, report);
	take_off(&report->kind[BATON_LEDGER_RESIDENT].use, spare.pages);
	take_off(&report->kind[BATON_LEDGER_PAGE_TABLES].use, spare.tables);
}

/* The task with @id, with a reference, by a walk that @progress remembers.
 * KCALL_AGAIN, KERN_FAILURE */
static kern_return_t
find_task(uint64_t id, uint64_t *progress, struct task **taskp)
{
	struct task_list_walk walk = {
	    .at = (struct task *)progress[0], .after = id - 1};
	struct task *task;

	do {
		task = task_list_step(&walk);
		progress[0] = (uint64_t)walk.at;
		if (task == NULL && !walk.done && thread_should_yield())
			return KCALL_AGAIN;
	} while (task == NULL && !walk.done);
	if (task != NULL && task->id == id)
		*taskp = task_get(task);
	task_list_leave(&walk);
	return task != NULL && task->id == id ? KERN_SUCCESS : KERN_FAILURE;
}

kern_return_t
serve_host_ledger_report(uint64_t id, struct baton_ledger_report *report)
{
	struct task *task = NULL;
	kern_return_t kr = KERN_FAILURE;

	if (id != 0)
		kr = find_task(id, call_progress(), &task);
	if (kr != KERN_SUCCESS)
		return kr;
	report_task(task, report);
	task_put(task);
	return KERN_SUCCESS;
}
