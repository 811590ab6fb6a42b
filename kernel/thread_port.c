/*
 * thread_port.c: the port that stands for a thread, from when it is wanted.
 */
#include "ipc/port.h"
#include "kernel/servers.h"
#include "kernel/thread.h"

kern_return_t
thread_need_port(struct thread *thread)
{
	kern_return_t kr = KERN_SUCCESS;
	struct port *port;

	/* acquire: pairs with the release below */
	if (likely(
		__atomic_load_n(&thread->self_port, __ATOMIC_ACQUIRE) != NULL))
		return KERN_SUCCESS;
	spin_lock(&thread->lock);
	if (thread->nameless) {
		kr = KERN_TERMINATED;
	} else if (thread->self_port == NULL) {
		port = port_create_kernel(KOBJECT_THREAD, thread);
		if (port == NULL)
			kr = KERN_RESOURCE_SHORTAGE;
		/* release: pairs with the acquire above; the thread itself
		 * looks without the lock */
		__atomic_store_n(&thread->self_port, port, __ATOMIC_RELEASE);
	}
	spin_unlock(&thread->lock);
	return kr;
}

struct port *
thread_make_send(struct thread *thread)
{
	struct port *port, *right;

	/* A port's lock comes before a thread's. */
	spin_lock(&thread->lock);
	port = thread->self_port;
	if (port != NULL)
		port_get(port);
	spin_unlock(&thread->lock);
	if (port == NULL)
		return NULL;
	right = right_make_send(port);
	port_put(port);
	return right;
}
