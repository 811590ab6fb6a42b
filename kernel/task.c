/* task.c: life and end of tasks; see task.h. */
#include "kernel/task.h"

#include "ipc/port.h"
#include "ipc/space.h"
#include "kernel/cpu.h"
#include "kernel/clock_service.h"
#include "kernel/kassert.h"
#include "kernel/ledger.h"
#include "kernel/sched.h"
#include "kernel/semaphore.h"
#include "kernel/string.h"
#include "kernel/task_list.h"
#include "kernel/task_ports.h"
#include "kernel/thread.h"
#include "kernel/zone.h"
#include "vm/map.h"
#include "vm/page.h"

static struct zone task_zone;
static atomic_ulong next_task_id;

static bool reap_step(struct reap_item *item);
static bool free_step(struct reap_item *item);

void
task_init(void)
{
	zone_init(&task_zone, "task", sizeof(struct task), CACHE_LINE);
	/* With the root of its page tables. */
	ledger_weigh(BATON_LEDGER_TASKS,
	    sizeof(struct task) + sizeof(struct map) + sizeof(struct space) +
		sizeof(struct port) + PAGE_SIZE);
	exception_ports_init();
}

/* The parts of a task that can fail; undone in reverse order. */
static kern_return_t
make_parts(struct task *task)
{
	kern_return_t kr;

	kr = map_create(&task->map);
	if (kr != KERN_SUCCESS)
		return kr;
	map_pay_from(task->map, task->ledger);
	kr = space_create(task->id, &task->space);
	if (kr != KERN_SUCCESS)
		goto out_map;
	task->space->ledger = ledger_get(task->ledger);
	task->self_port = port_create_kernel(KOBJECT_TASK, task);
	if (task->self_port == NULL) {
		kr = KERN_RESOURCE_SHORTAGE;
		goto out_space;
	}
	return KERN_SUCCESS;

out_space:
	while (space_destroy_step(task->space))
		;
	space_put(task->space);
out_map:
	while (map_destroy_step(task->map))
		;
	return kr;
}

/* Its ledger, to which it is charged itself. */
static kern_return_t
make_ledger(struct task *parent, struct task *task)
{
	if (parent != NULL)
		task->ledger = ledger_create(parent->ledger, task->id);
	else
		task->ledger = ledger_create_root(page_total_count());
	if (task->ledger == NULL)
		return KERN_RESOURCE_SHORTAGE;
	if (ledger_charge(task->ledger, BATON_LEDGER_TASKS, 1))
		return KERN_SUCCESS;
	ledger_put(task->ledger);
	return KERN_RESOURCE_SHORTAGE;
}

static void
task_free(struct task *task)
{
	ledger_credit(task->ledger, BATON_LEDGER_TASKS, 1);
	ledger_leave(task->ledger);
	zone_free(&task_zone, task);
}

kern_return_t
task_create(struct task *parent, struct task **taskp)
{
	struct task *task = zone_alloc_zeroed(&task_zone);
	kern_return_t kr;

	if (task == NULL)
		return KERN_RESOURCE_SHORTAGE;
	task->id = atomic_fetch_add(&next_task_id, 1) + 1;
	spin_init(&task->lock, LOCK_TASK);
	list_init(&task->threads);
	list_init(&task->semaphores);
	list_init(&task->alarms);
	task->reap.step = reap_step;
	/* One for the caller, one until it has been torn down. */
	atomic_store_explicit(&task->refs, 2, memory_order_relaxed);
	kr = make_ledger(parent, task);
	if (kr != KERN_SUCCESS) {
		zone_free(&task_zone, task);
		return kr;
	}
	kr = make_parts(task);
	if (kr != KERN_SUCCESS) {
		task_free(task);
		return kr;
	}
	task_list_add(task);
	*taskp = task;
	return KERN_SUCCESS;
}

void
task_put(struct task *task)
{
	/* acq_rel: who frees sees what every earlier holder wrote */
	if (atomic_fetch_sub_explicit(&task->refs, 1, memory_order_acq_rel) !=
	    1)
		return;
	/* No call can be using the map any more. */
	task->reap.step = free_step;
	reap_later(&task->reap);
}

/* ---- suspension ---- */

kern_return_t
task_suspend(struct task *task)
{
	kern_return_t kr = KERN_SUCCESS;

	spin_lock(&task->lock);
	if (task->dying)
		kr = KERN_TERMINATED;
	else if (task->suspend_count == UINT32_MAX)
		kr = KERN_FAILURE;
	else
		task->suspend_count++;
	spin_unlock(&task->lock);
	return kr;
}

kern_return_t
task_resume(struct task *task)
{
	kern_return_t kr = KERN_SUCCESS;

	spin_lock(&task->lock);
	if (task->dying)
		kr = KERN_TERMINATED;
	else if (task->suspend_count == 0)
		kr = KERN_FAILURE;
	else
		task->suspend_count--;
	spin_unlock(&task->lock);
	return kr;
}

/* ---- the end ---- */

kern_return_t
task_terminate(struct task *task)
{
	struct port *self_port;

	spin_lock(&task->lock);
	if (task->dying) {
		spin_unlock(&task->lock);
		return KERN_TERMINATED;
	}
	task->dying = true;
	self_port = task->self_port;
	task->self_port = NULL;
	spin_unlock(&task->lock);

	ktrace(KT_TERMINATE, (uintptr_t)task, 1);
	port_destroy_kernel(self_port);
	reap_later(&task->reap);
	return KERN_SUCCESS;
}

void
task_wait_end(struct task *task, continuation_t cont)
{
	struct thread *self = current_thread();

	if (task == self->task)
		return;
	spin_lock(&task->lock);
	if (task->emptied) {
		spin_unlock(&task->lock);
		return;
	}
	task->terminator = self;
	wait_begin(self, cont, TIMER_NEVER, &task->lock);
	sched_switch();
}

void
task_wait_finish(struct task *task)
{
	(void)wait_finish(current_thread());
	/* It may have been aborted: from here on nobody looks at us. */
	spin_lock(&task->lock);
	task->terminator = NULL;
	spin_unlock(&task->lock);
}

/* Its threads have ended and its ports are dead. */
static void
task_emptied(struct task *task)
{
	struct thread *waiter;

	spin_lock(&task->lock);
	task->emptied = true;
	waiter = task->terminator;
	if (waiter != NULL && !thread_claim(waiter, KERN_SUCCESS))
		waiter = NULL;
	spin_unlock(&task->lock);
	if (waiter != NULL)
		sched_wake(waiter);
}

/* Threads told to end in one step. */
#define THREADS_PER_STEP 16

/*
 * Tell some threads to end; those told go to the end of the list, whose last
 * @told are those that have been.  True when the rest is for later.
 */
static bool
end_threads(struct task *task)
{
	struct thread *some[THREADS_PER_STEP];
	uint32_t count = 0;

	spin_lock(&task->lock);
	while (count < THREADS_PER_STEP && task->told < task->thread_count) {
		struct thread *thread =
		    list_first(&task->threads, struct thread, task_link);

		list_remove(&thread->task_link);
		list_add_tail(&task->threads, &thread->task_link);
		some[count++] = thread_get(thread);
		thread->told = true;
		task->told++;
	}
	spin_unlock(&task->lock);
	for (uint32_t i = 0; i < count; i++) {
		thread_terminate(some[i]);
		thread_put(some[i]);
	}
	return count == THREADS_PER_STEP;
}

/* One step of a dying task's end; true while the next can follow at once. */
static bool
reap_step(struct reap_item *item)
{
	struct task *task = container_of(item, struct task, reap);
	bool waiting;

	if (end_threads(task))
		return true;
	spin_lock(&task->lock);
	waiting = task->thread_count > 0;
	task->reap_when_empty = waiting;
	spin_unlock(&task->lock);
	if (waiting)
		return false; /* task_thread_gone() brings us back */
	if (semaphore_end_step(task) || alarm_end_step(task))
		return true;
	if (space_destroy_step(task->space))
		return true;
	task_emptied(task);
	task_drop_ports(task);
	exception_ports_end(&(struct exception_scope){.task = task});
	task_list_drop(task);
	task_put(task);
	return false;
}

/*
 * One step of freeing a task that nobody refers to any more.  Its map goes
 * here and not in reap_step(): a call that another task made on this one, and
 * that was under way when the port died, holds a reference and uses the map.
 */
static bool
free_step(struct reap_item *item)
{
	struct task *task = container_of(item, struct task, reap);

	/* A hart that just left the last thread may still have the tables. */
	if (pmap_in_use(&task->map->pmap))
		return true;
	if (map_destroy_step(task->map))
		return true;
	space_put(task->space);
	task_free(task);
	return false;
}

void
task_thread_gone(struct task *task, struct thread *thread)
{
	bool last;

	spin_lock(&task->lock);
	list_remove(&thread->task_link);
	task->thread_count--;
	task->ended_cputime += thread->cputime;
	if (thread->told)
		task->told--;
	last = task->thread_count == 0 && task->reap_when_empty;
	if (last)
		task->reap_when_empty = false;
	spin_unlock(&task->lock);
	if (last)
		reap_later(&task->reap);
}
