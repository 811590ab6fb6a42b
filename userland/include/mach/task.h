/*
 * mach/task.h: tasks.
 *
 * Besides what is noted, each may return KERN_INVALID_ARGUMENT (@task is no
 * task's port), MACH_SEND_INVALID_DEST (it is dead) and
 * KERN_RESOURCE_SHORTAGE.  Ports that are returned belong to the caller.
 */
#pragma once

#include <mach/cdefs.h>
#include <mach/mach_types.h>

MACH_BEGIN_DECLS

/*
 * A new task without threads, with an empty address space, or with what the
 * regions of @task are to bequeath.  It gets @task's special ports.
 */
kern_return_t task_create(task_t task, ledger_array_t ledgers,
    mach_msg_type_number_t ledger_count, boolean_t inherit_memory,
    task_t *child);

/*
 * Ends a task and everything in it; one's own does not return.  With
 * KERN_SUCCESS the task's threads have ended and its ports are dead; its memory
 * follows.  A caller who is aborted gets that too, while the end goes on.  The
 * request without a reply right, sent as a message, does not wait for any of
 * it: a task may have millions of names, and a server better things to do.
 * KERN_TERMINATED: it is being ended by somebody else.
 */
kern_return_t task_terminate(task_t task);

/* The threads, in an array for the caller to give back. */
kern_return_t task_threads(
    task_t task, thread_act_array_t *threads, mach_msg_type_number_t *count);

/* MACH_TASK_BASIC_INFO and others of mach/task_info.h. */
kern_return_t task_info(task_t task, task_flavor_t flavor, task_info_t info,
    mach_msg_type_number_t *count);

/* Counted: a task runs when it was resumed as often as suspended.  With
 * KERN_SUCCESS its threads, but for the caller, have done their last
 * instruction. */
kern_return_t task_suspend(task_t task);
kern_return_t task_resume(task_t task); /* KERN_FAILURE: it was not */

/* TASK_BOOTSTRAP_PORT and others; MACH_PORT_NULL if never set. */
kern_return_t task_get_special_port(
    task_t task, int which, mach_port_t *special);
kern_return_t task_set_special_port(
    task_t task, int which, mach_port_t special);

/* A new thread, suspended, or running with the registers given. */
kern_return_t thread_create(task_t task, thread_act_t *thread);
kern_return_t thread_create_running(task_t task, thread_state_flavor_t flavor,
    thread_state_t state, mach_msg_type_number_t count, thread_act_t *thread);

/*
 * A semaphore of @task (mach/semaphore.h) with @value signals in it; @policy
 * is SYNC_POLICY_FIFO or another of mach/sync_policy.h.
 *	KERN_INVALID_ARGUMENT	@value is negative, or no such policy
 *	KERN_TERMINATED		the task is ending
 */
kern_return_t semaphore_create(
    task_t task, semaphore_t *semaphore, int policy, int value);

/*
 * Ends it: who waits gets KERN_TERMINATED.  Uses up one of the caller's
 * references to @semaphore, whatever it returns.
 *	KERN_INVALID_ARGUMENT	it is no semaphore of @task's
 */
kern_return_t semaphore_destroy(task_t task, semaphore_t semaphore);

/* As of threads, for all threads of the task; mach/thread_act.h.  A new task
 * has those of its parent. */
kern_return_t task_set_exception_ports(task_t task, exception_mask_t mask,
    mach_port_t port, exception_behavior_t behavior,
    thread_state_flavor_t flavor);
kern_return_t task_get_exception_ports(task_t task, exception_mask_t mask,
    exception_mask_array_t masks, mach_msg_type_number_t *count,
    exception_handler_array_t ports, exception_behavior_array_t behaviors,
    thread_state_flavor_array_t flavors);
kern_return_t task_swap_exception_ports(task_t task, exception_mask_t mask,
    mach_port_t port, exception_behavior_t behavior,
    thread_state_flavor_t flavor, exception_mask_array_t masks,
    mach_msg_type_number_t *count, exception_handler_array_t ports,
    exception_behavior_array_t behaviors, thread_state_flavor_array_t flavors);

/*
 * Up to TASK_PORT_REGISTER_MAX (mach/mach_param.h) send rights that a task
 * keeps for its children, who get copies of them.  Registering replaces all of
 * them; the caller keeps its own.  Looking up gives TASK_PORT_REGISTER_MAX
 * rights, MACH_PORT_NULL where there is none, which belong to the caller with
 * the array (mach_vm_deallocate()).
 *	KERN_INVALID_ARGUMENT	@count is too large
 */
kern_return_t mach_ports_register(
    task_t task, mach_port_array_t ports, mach_msg_type_number_t count);
kern_return_t mach_ports_lookup(
    task_t task, mach_port_array_t *ports, mach_msg_type_number_t *count);

MACH_END_DECLS
