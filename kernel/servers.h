/*
 * kernel/servers.h: what the files that serve tasks, threads and the host have
 * in common.  How a routine is written: ipc/kserver.h.
 */
#pragma once
#include "ipc/kserver.h"
#include "kernel/types.h"

struct task;
struct thread;

/* Boot: answer all that is defined. */
void servers_register(void);

/* A send right to the port that stands for @task or @thread; NULL: it is
 * ending, or has none. */
struct port *task_make_send(struct task *task);
struct port *thread_make_send(struct thread *thread);
