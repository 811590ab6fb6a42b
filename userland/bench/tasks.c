/* tasks.c: what it costs to make a thread or a task, and to end it. */
#include <mach/mach.h>

#include <baton/thread.h>

#include "bench.h"

#define ROUNDS	500
#define WARM_UP 20

static void
do_nothing(void *arg)
{
	(void)arg;
}

static void
thread_create_join(void)
{
	struct mach_thread *thread;

	bench_check(mach_thread_start(do_nothing, NULL, 65536, &thread),
	    "start a thread");
	mach_thread_join(thread);
}

static void
task_create_destroy(void)
{
	task_t task;

	bench_check(task_create(mach_task_self(), NULL, 0, FALSE, &task),
	    "make a task");
	bench_check(task_terminate(task), "end it");
	bench_check(mach_port_deallocate(mach_task_self(), task), "forget it");
}

static void
rounds(const char *name, const char *what, void (*round)(void))
{
	bench_begin(name, what);
	for (int i = 0; i < WARM_UP + ROUNDS; i++) {
		uint64_t before = bench_now();

		round();
		before = bench_now() - before;
		if (i >= WARM_UP)
			bench_sample(before);
	}
	bench_end();
}

void
bench_tasks(void)
{
	rounds("thread.create_join", "a thread that returns at once",
	    thread_create_join);
	rounds("task.create_destroy", "an empty task, made and ended",
	    task_create_destroy);
}
