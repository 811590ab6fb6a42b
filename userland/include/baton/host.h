/* baton/host.h: mach/baton_host.h as calls. */
#pragma once

#include <mach/baton_host.h>
#include <mach/cdefs.h>
#include <mach/mach_types.h>

MACH_BEGIN_DECLS

/* Counts of the kernel since boot, and of its objects now. */
kern_return_t host_kernel_counters(
    host_t host, struct baton_kernel_counters *counters);

/*
 * The tasks with ids above @after, at most BATON_TASK_SUMMARY_MAX: *@count is
 * the room in @tasks, then how many there are; 0 when there are no more.
 */
kern_return_t host_task_summary(host_t host, uint64_t after,
    struct baton_task_summary *tasks, uint32_t *count);

/* A send right to every task, in an array for the caller to give back; where
 * one ended meanwhile, MACH_PORT_NULL. */
kern_return_t host_tasks(
    host_priv_t host_priv, task_array_t *tasks, mach_msg_type_number_t *count);

/*
 * Page replacement passes @task by: the pages that it has stay in memory, as
 * those of the default pager do; or it does so no more.  For tasks that have to
 * go on when the default pager has died.  KERN_INVALID_ARGUMENT: no task.
 */
kern_return_t host_set_resident(
    host_priv_t host_priv, task_t task, boolean_t resident);

/*
 * How often the fast path of messages passed one on, and why: @counts[REASON]
 * for each of enum baton_decline (mach/baton_decline.h), since boot, on hart
 * @hart, 0 to host_processor_info()'s count less 1, or on all harts together,
 * BATON_ALL_HARTS.  A message counts with each way that was tried and declined;
 * this call is one itself, and is counted before it is answered.  With
 * `fastpath=off` only messages in registers are, by the first way.
 *
 * *@count is the room in @counts, then how many are there: BATON_DECLINES, or
 * fewer where there is no room for more.
 * KERN_INVALID_ARGUMENT: there is no such hart.
 */
kern_return_t host_declines(host_t host, uint32_t hart,
    struct baton_decline_count *counts, uint32_t *count);

/* What @reason is, for people; "?" for a number that is none. */
const char *baton_decline_reason(unsigned reason);

/* What lists and fault reports call the task. */
kern_return_t task_set_name(task_t task, const char *name);

MACH_END_DECLS
