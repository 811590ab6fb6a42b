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
 * ending. */
struct port *task_make_send(struct task *task);
struct port *thread_make_send(struct thread *thread);

/*
 * Set registers, as the words of thread_set_state().
 *
 * Returns: KERN_SUCCESS
 *          KERN_INVALID_ARGUMENT   unknown flavor, wrong count, or a program
 *				    counter that cannot be the user's
 *          KERN_FAILURE            @thread is not suspended
 *          KERN_RESOURCE_SHORTAGE
 *          KCALL_AGAIN             it is, but still on its way to a stop
 */
kern_return_t must_check thread_set_words(struct thread *thread,
    uint32_t flavor, const uint32_t *words, uint32_t count);
