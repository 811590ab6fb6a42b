/*
 * kernel/task_list.h: all tasks that there are, and walks along them in steps
 * that are short however many they are.
 *
 * Tasks stand in the order of their ids.  One that a walk stands on keeps its
 * place until the walk has gone on, though it be torn down meanwhile: so no
 * walk ever begins anew.
 */
#pragma once
#include "kernel/types.h"

struct task;

/* @task, which is new, is one of them. */
void task_list_add(struct task *task);
/* It has been torn down: walks pass over it. */
void task_list_drop(struct task *task);
/* How many there are. */
uint32_t task_list_count(void);

/* Where a walk has got to; all zero, but @after, at first. */
struct task_list_walk {
	struct task *at; /* a reference, and its place; NULL: no task */
	uint64_t after;	 /* it passes over those with ids up to this */
	bool done;	 /* it has been to the end */
};

/*
 * Go on a bit.  Returns the next task, which lasts while the walk stands on it;
 * NULL: none so far.  Who was made since the walk began may be passed over.
 */
struct task *task_list_step(struct task_list_walk *walk) must_check;
/* Leave off; also at the end. */
void task_list_leave(struct task_list_walk *walk);
