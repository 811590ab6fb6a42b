/*
 * test/model/compare.h: the kernel under the model: made, used and compared.
 */
#pragma once
#include "ipc_host.h"
#include "model.h"

/* Tasks and threads on both sides. */
void world_begin(void);
/* Everything ends, and nothing may be left. */
void world_end(void);
/* @task ends, whose threads do not wait, and another takes its place. */
void task_ends(struct m_task *task);

static inline struct space *
space_of(const struct m_task *task)
{
	return task->sim->task.space;
}

/* What the kernel keeps under @name, which is in use there. */
struct entry *kernel_entry(const struct m_task *task, mach_port_name_t name);
/* Is this index kept free for a reply right, by ipc/fast.c? */
bool kernel_keeps(const struct m_task *task, mach_port_name_t name);

/* Threads, names, ports, queues, sets: as the model has them. */
void compare_all(void);
