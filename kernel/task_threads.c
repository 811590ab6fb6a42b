/* task_threads.c: see task_threads.h. */
#include "kernel/task_threads.h"

#include "ipc/port.h"
#include "kernel/servers.h"
#include "kernel/task.h"
#include "kernel/thread.h"

/* Threads that one step passes or deals with. */
#define STEP_THREADS 32

/* Does what is to be done to a thread; false: it shall be the last. */
typedef bool (*visit_t)(struct thread *thread, void *context);

/* The task is locked, and stays what it is meanwhile. */
static bool
walk_locked(
    struct task *task, struct task_walk *walk, visit_t visit, void *context)
{
	struct list *at = &task->threads;

	/* The order is another from when it is ending. */
	if (task->dying)
		return false;
	if (walk->at != NULL && !list_empty(&walk->at->task_link))
		at = &walk->at->task_link;
	walk->at = NULL;
	for (int i = 0; i < STEP_THREADS; i++) {
		struct thread *thread;

		at = at->next;
		if (at == &task->threads)
			return false;
		thread = container_of(at, struct thread, task_link);
		walk->at = thread;
		if (thread->number <= walk->number)
			continue;
		walk->number = thread->number;
		if (!visit(thread, context)) {
			walk->at = NULL;
			return false;
		}
	}
	thread_get(walk->at);
	return true;
}

static bool
walk_step(
    struct task *task, struct task_walk *walk, visit_t visit, void *context)
{
	struct thread *previous = walk->at;
	bool more;

	spin_lock(&task->lock);
	more = walk_locked(task, walk, visit, context);
	spin_unlock(&task->lock);
	if (previous != NULL)
		thread_put(previous);
	if (!more)
		walk->at = NULL;
	return more;
}

static bool
hold(struct thread *thread, void *context)
{
	thread_hold(thread, ((struct task *)context)->suspend_count > 0);
	return true;
}

bool
task_hold_step(struct task *task, struct task_walk *walk)
{
	return walk_step(task, walk, hold, task);
}

struct rest {
	const struct task *task;
	bool missing; /* somebody still runs */
};

/* The caller himself need not rest, nor anybody once the task is resumed. */
static bool
rests(struct thread *thread, void *context)
{
	struct rest *rest = context;

	rest->missing = thread != current_thread() &&
			rest->task->suspend_count > 0 &&
			thread_at_rest(thread) == KERN_NOT_WAITING;
	return !rest->missing;
}

bool
task_rest_step(struct task *task, struct task_walk *walk)
{
	struct rest rest = {.task = task};
	bool more = walk_step(task, walk, rests, &rest);

	if (!rest.missing)
		return more;
	walk->number--; /* that one again */
	return true;
}

static bool
gather(struct thread *thread, void *context)
{
	struct task_gathering *gathering = context;

	if (gathering->count == gathering->room)
		return false;
	gathering->failed = thread_need_port(thread) == KERN_RESOURCE_SHORTAGE;
	if (gathering->failed)
		return false;
	gathering->ports[gathering->count++] = thread_make_send(thread);
	return true;
}

/* The rest of the array has none; or, after a failure, all of it. */
static bool
gather_rest(struct task_gathering *gathering)
{
	for (int i = 0; i < STEP_THREADS; i++) {
		if (gathering->count ==
		    (gathering->failed ? 0 : gathering->room))
			return false;
		if (gathering->failed)
			right_release_send(
			    gathering->ports[--gathering->count]);
		else
			gathering->ports[gathering->count++] = NULL;
	}
	return true;
}

bool
task_gather_step(struct task *task, struct task_gathering *gathering)
{
	if (gathering->walked)
		return gather_rest(gathering);
	gathering->walked =
	    !walk_step(task, &gathering->walk, gather, gathering);
	return true;
}
