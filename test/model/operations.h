/*
 * test/model/operations.h: one random operation, done by the kernel and by the
 * model.
 */
#pragma once
#include "compare.h"

/* One of them; afterwards both sides have been compared. */
void operation(void);
/* End all waits, so that the world can end. */
void operation_end_waits(void);

/* ---- for the files of operations ---- */

/* A thread that does not wait; NULL: all do. */
struct m_thread *idle_thread(void);
/* A port or set that names of @type are for, in @task; mostly: sometimes any
 * other name, sometimes one that is none. */
mach_port_name_t some_name(struct m_task *task, uint32_t type);
/* One that does denote a @type; 0: there is none. */
mach_port_name_t true_name(struct m_task *task, uint32_t type);
/* A name that @task may choose for a new right. */
mach_port_name_t chosen_name(struct m_task *task);

/* Run @call(@argument) as @thread, which must not wait; what it returned. */
int64_t run(
    struct m_thread *thread, int64_t (*call)(void *argument), void *argument);
/* The kernel does what it has put off. */
void settle(void);
/* Was memory short, so that nothing happened? */
bool nothing_happened(kern_return_t kr);
/* May @kr be KERN_NO_SPACE, or must it?  True: it is. */
bool no_space(const struct m_task *task, kern_return_t kr);

void operation_on_names(void);
void operation_on_sets(void);
void operation_on_attributes(void);
void operation_between_tasks(void);
void operation_on_requests(void);
void operation_message(void);
/* A request to somebody who waits, or a reply; false: nobody can. */
bool operation_call(void);
bool operation_reply(void);
/* A wait ends early. */
void operation_abort(struct m_thread *thread, bool expire);
