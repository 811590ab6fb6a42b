/*
 * kernel/servers.h: the tables of what the kernel's ports answer, and the few
 * helpers that their files share.  How a routine is written: ipc/kserver.h.
 */
#pragma once
#include "ipc/kserver.h"
#include "kernel/exception_ports.h"
#include "kernel/types.h"

struct task;
struct thread;

extern const struct kroutine task_routines[];
extern const unsigned task_routine_count;
extern const struct kroutine task_port_routines[];
extern const unsigned task_port_routine_count;
extern const struct kroutine port_report_routines[];
extern const unsigned port_report_routine_count;
extern const struct kroutine thread_routines[];
extern const unsigned thread_routine_count;
extern const struct kroutine semaphore_routines[];
extern const unsigned semaphore_routine_count;

/*
 * What thread_, task_ and host_set_exception_ports() and their kin have in
 * common: exception_server.c.  A list has places for so many in the message.
 */
#define EXCEPTION_LIST_MAX 32
#define EXCEPTION_LIST_SIZE                                                    \
	(sizeof(uint32_t) + 3 * EXC_TYPES_COUNT * sizeof(uint32_t))
kern_return_t serve_set_exception_ports(
    struct kcall *call, const struct exception_scope *of);
kern_return_t serve_get_exception_ports(
    struct kcall *call, const struct exception_scope *of);
kern_return_t serve_swap_exception_ports(
    struct kcall *call, const struct exception_scope *of);

/* Boot: make these tables known, and that of vm/. */
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
