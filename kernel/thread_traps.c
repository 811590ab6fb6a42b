/* thread_traps.c: see thread_traps.h. */
#include "kernel/thread_traps.h"

#include "ipc/port.h"
#include "ipc/space.h"
#include "kernel/semaphore.h"
#include "kernel/servers.h"
#include "kernel/task.h"
#include "kernel/thread.h"

kern_return_t
thread_start_trap(
    uint64_t pc, uint64_t sp, uint64_t tp, uint64_t a0, uint64_t ended)
{
	struct thread_start start = {.pc = pc, .sp = sp, .tp = tp, .a0 = a0};
	struct semaphore *semaphore;
	kern_return_t kr = semaphore_from_name(ended, &semaphore);

	if (kr != KERN_SUCCESS)
		return kr;
	kr = thread_start(current_thread()->task, &start, semaphore);
	if (kr != KERN_SUCCESS)
		semaphore_put(semaphore);
	return kr;
}

/* A name in the caller's task for @thread. */
static mach_port_name_t
give_name(struct thread *thread)
{
	kern_return_t kr = thread_need_port(thread);
	mach_port_name_t name;
	struct port *right;

	if (kr == KERN_RESOURCE_SHORTAGE)
		return MACH_PORT_NULL;
	right = thread_make_send(thread);
	if (right == NULL)
		return MACH_PORT_DEAD;
	if (space_insert_send(current_thread()->task->space, right, &name) ==
	    KERN_SUCCESS)
		return name;
	right_release_send(right);
	return MACH_PORT_NULL;
}

mach_port_name_t
thread_port_trap(uint64_t ended)
{
	struct semaphore *semaphore;
	struct thread *thread = NULL;
	mach_port_name_t name;
	bool own;

	if (semaphore_from_name(ended, &semaphore) != KERN_SUCCESS)
		return MACH_PORT_NULL;
	/* Who may signal and wait may not do all that a thread's port lets. */
	own = semaphore->owner == current_thread()->task;
	if (own)
		thread = semaphore_thread(semaphore);
	semaphore_put(semaphore);
	if (!own)
		return MACH_PORT_NULL;
	if (thread == NULL)
		return MACH_PORT_DEAD;
	name = give_name(thread);
	thread_put(thread);
	return name;
}

noreturn void
thread_end_trap(void)
{
	thread_end();
}
