/*
 * kernel/task_threads.h: what is done to all threads of a task, in steps that
 * are short however many they are.
 */
#pragma once
#include "kernel/types.h"

struct port;
struct task;
struct thread;

/*
 * Where a walk along a task's threads has got to; all zero at first.  Threads
 * stand in the order of their numbers, so that a walk whose thread has left
 * begins anew and passes over those it has been to.
 */
struct task_walk {
	struct thread *at; /* a reference; NULL: the head of the list */
	uint64_t number;   /* it has been to all up to this one */
};

/*
 * Tell some threads of @task to stop, or go on, as its suspend count says now.
 * True: there are more.  Of two who walk at once the later one meets all of
 * them with what he has changed.
 */
bool task_hold_step(struct task *task, struct task_walk *walk) must_check;

/*
 * Have some threads of @task come to rest, as they were told?  True: ask again,
 * after others had their turn.
 */
bool task_rest_step(struct task *task, struct task_walk *walk) must_check;

/* Send rights to the threads of a task, being gathered. */
struct task_gathering {
	struct task_walk walk;
	struct port **ports; /* [room] */
	uint32_t count, room;
	bool walked; /* to the end: the rest have none */
	bool failed; /* no memory for a port: the rights are given up again */
};

/* True: there are more.  At the end there are @room of them, NULL for those
 * that have ended meanwhile; or none, and it has failed. */
bool task_gather_step(
    struct task *task, struct task_gathering *gathering) must_check;
