/* baton/ledger.h: mach/baton_ledger.h as calls: what tasks have and may. */
#pragma once

#include <mach/baton_ledger.h>
#include <mach/cdefs.h>
#include <mach/mach_types.h>

MACH_BEGIN_DECLS

/*
 * Say how much @task may have of @kind, a BATON_LEDGER_ constant: at most
 * @limit, its own children's parts included; and at least @reserve, which is
 * taken from its parent's part at once and stays the task's though it do not
 * use it.  What it has beyond @limit it keeps, but it gets no more.
 *
 * Whoever has the task's port may lower the limit.  Raising it, and reserving,
 * is for tasks above it in the tree that task_create() grows: the one that
 * @task was made of, and those above that one.  No task gets more than the one
 * above it has, whatever its limit says.
 *	KERN_INVALID_ARGUMENT	no such kind, or @reserve is above @limit
 *	KERN_NO_ACCESS		more than before, and the caller is not above
 *	KERN_RESOURCE_SHORTAGE	the parent has not so much left to reserve
 */
kern_return_t task_ledger_set(
    task_t task, natural_t kind, uint64_t limit, uint64_t reserve);

/*
 * What the task with the id @task has and may have, for people: ids are those
 * of host_task_summary().
 *	KERN_FAILURE	there is no such task
 */
kern_return_t host_ledger_report(
    host_t host, uint64_t task, struct baton_ledger_report *report);

MACH_END_DECLS
