/*
 * kernel/task.h: a task is an address map, a name space and some threads.
 *
 * A task lives while anything refers to it, but from task_terminate() on it
 * is dying: its threads are told to end, and when the last one has, a kernel
 * thread tears down the space and the map in bounded steps.
 */
#pragma once
#include <mach/mach_param.h>

#include "kernel/exception_ports.h"
#include "kernel/list.h"
#include "kernel/lock.h"
#include "kernel/reaper.h"
#include "kernel/thread.h"
#include "kernel/types.h"

struct baton_ledger_info;
struct ledger;
struct map;
struct port;
struct space;

#define TASK_NAME_SIZE	   32
#define TASK_SPECIAL_PORTS 12 /* indexed by TASK_*_PORT */

/* I: immutable   t: this task's lock   a: atomic   L: task_list.c's lock */
struct task {
	struct map *map;	/* [I] */
	struct space *space;	/* [I] */
	struct ledger *ledger;	/* [I] what it has; a reference */
	struct spinlock lock;	/* rank LOCK_TASK */
	atomic_uint refs;	/* [a] */
	bool dying;		/* [t] */
	uint32_t suspend_count; /* [t] */
	uint32_t thread_count;	/* [t] */
	struct list threads;	/* [t] by task_link; see task_threads.h */
	uint64_t last_number;	/* [t] of the thread that was made last */
	struct list semaphores; /* [t] struct semaphore by owner_link */
	struct list alarms;	/* [t] struct alarm by link */
	struct port *self_port; /* [t] kernel port; NULL once dying */
	struct port *special[TASK_SPECIAL_PORTS];	 /* [t] send rights */
	struct port *registered[TASK_PORT_REGISTER_MAX]; /* [t] the same */
	struct exception_actions actions;		 /* [t] */
	struct reap_item reap;				 /* its end, in steps */
	atomic_ulong cputime;	/* [a] of all threads, see cputime.h */
	uint64_t ended_cputime; /* [t] of these, of threads that ended */
	uint32_t told;		/* [t] of its threads, told to end */
	bool reap_when_empty;	/* [t] the last thread wakes the reaper */
	bool emptied; /* [t] its threads have ended, its ports are dead */
	struct thread *terminator; /* [t] who waits for that; or NULL */
	struct list link;	   /* [L] all tasks, see task_list.h */
	uint32_t places; /* [L] reasons to stand there: life, and walks */
	bool torn_down;	 /* [L] it is no task any more */
	uint64_t id;	 /* [I] for people */
	char name[TASK_NAME_SIZE]; /* [t] for people */
};

void task_init(void);

/*
 * A task with an empty map and an empty space, which may have a share of what
 * @parent may (kernel/ledger.h); of the first one there is none: NULL.
 * Refs: one for the caller; another is dropped when it has been torn down.
 */
kern_return_t must_check task_create(struct task *parent, struct task **taskp);

/* ledger_info() of @task's, less what is charged ahead of its need. */
void ledger_info_of_task(
    const struct task *task, struct baton_ledger_info *info);

/* Who pays for what the current thread asks for; NULL: the kernel itself. */
static inline struct ledger *
ledger_of_caller(void)
{
	struct task *task = current_thread()->task;

	return task != NULL ? task->ledger : NULL;
}

static inline struct task *
task_get(struct task *task)
{
	atomic_fetch_add_explicit(&task->refs, 1, memory_order_relaxed);
	return task;
}

void task_put(struct task *task);

/* Start the end of @task; KERN_TERMINATED when that had begun before. */
kern_return_t task_terminate(struct task *task);
/*
 * The one who started it waits, with a reference, until the task's threads have
 * ended and its ports are dead.  @cont begins with task_wait_finish(), however
 * the wait ended.  Returns if there is nothing to wait for, as in the task
 * itself.
 */
void task_wait_end(struct task *task, continuation_t cont);
void task_wait_finish(struct task *task);
/* @thread, of @task, has ended; the task's reference to it goes with it. */
void task_thread_gone(struct task *task, struct thread *thread);

/* These count; task_hold_step() of task_threads.h then tells the threads.
 * KERN_TERMINATED, KERN_FAILURE */
kern_return_t must_check task_suspend(struct task *task);
kern_return_t must_check task_resume(struct task *task);
