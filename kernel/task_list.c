/* task_list.c: see task_list.h. */
#include "kernel/task_list.h"

#include "kernel/lock.h"
#include "kernel/task.h"

/* Tasks that one step passes. */
#define STEP_TASKS 32

static struct spinlock task_list_lock = SPINLOCK_INIT(LOCK_TASK_LIST);
static struct list task_list = {&task_list, &task_list}; /* [task_list_lock] */
static uint32_t task_count; /* [task_list_lock] not torn down */

static struct task *
task_of(struct list *link)
{
	return container_of(link, struct task, link);
}

void
task_list_add(struct task *task)
{
	struct list *before;

	spin_lock(&task_list_lock);
	/* Ids are given out before: other harts may have been faster, and
	 * made as many tasks as they could since. */
	for (before = task_list.prev; before != &task_list;
	     before = before->prev)
		if (task_of(before)->id < task->id)
			break;
	list_add_head(before, &task->link);
	task->places = 1;
	task_count++;
	spin_unlock(&task_list_lock);
}

/* One reason less for @task to stand in the list. */
static void
give_up_place(struct task *task)
{
	if (--task->places == 0)
		list_remove(&task->link);
}

void
task_list_drop(struct task *task)
{
	spin_lock(&task_list_lock);
	task->torn_down = true;
	task_count--;
	give_up_place(task);
	spin_unlock(&task_list_lock);
}

uint32_t
task_list_count(void)
{
	uint32_t count;

	spin_lock(&task_list_lock);
	count = task_count;
	spin_unlock(&task_list_lock);
	return count;
}

/* The link that the walk comes to, at most @most on; &task_list: the end. */
static struct list *
go_on(const struct task_list_walk *walk, int most)
{
	struct list *link = walk->at != NULL ? &walk->at->link : &task_list;

	while (most-- > 0) {
		link = link->next;
		if (link == &task_list || (task_of(link)->id > walk->after &&
					      !task_of(link)->torn_down))
			break;
	}
	return link;
}

struct task *
task_list_step(struct task_list_walk *walk)
{
	struct task *previous = walk->at, *task = NULL;
	struct list *link;

	spin_lock(&task_list_lock);
	link = go_on(walk, STEP_TASKS);
	walk->done = link == &task_list;
	walk->at = NULL;
	if (!walk->done) {
		walk->at = task_get(task_of(link));
		walk->at->places++;
		if (walk->at->id > walk->after && !walk->at->torn_down)
			task = walk->at;
	}
	if (previous != NULL)
		give_up_place(previous);
	spin_unlock(&task_list_lock);
	if (previous != NULL)
		task_put(previous);
	return task;
}

void
task_list_leave(struct task_list_walk *walk)
{
	if (walk->at == NULL)
		return;
	spin_lock(&task_list_lock);
	give_up_place(walk->at);
	spin_unlock(&task_list_lock);
	task_put(walk->at);
	walk->at = NULL;
}
