/*
 * libmach/thread.c: baton/thread.h.
 *
 * A thread's memory is one region:
 *
 *	| page that faults | stack, growing down ... | variables | handle |
 *
 * With it goes a semaphore, which the thread's end signals.  Some of those that
 * have ended are kept for the next.
 */
#include <baton/mutex.h>
#include <baton/thread.h>
#include <picotls.h>
#include <stdatomic.h>
#include <stdio.h>

#include <mach/mach.h>
#include <mach/mig.h>

#define STACK_DEFAULT (32 * 1024UL)
#define KEPT_MAX      8

struct mach_thread {
	void (*run)(void *);
	void *arg;
	semaphore_t ended;	/* signalled when it has */
	_Atomic(thread_t) port; /* MACH_PORT_NULL until somebody asks */
	vm_address_t region;
	vm_size_t size;
	struct mach_thread *next; /* of those that are kept */
};

static struct {
	struct mutex mutex;
	struct mach_thread *first;
	unsigned count;
} kept;

void mach_thread_entry(void);
void mach_thread_main(struct mach_thread *thread) __attribute__((noreturn));

/* Called by mach_thread_entry. */
void
mach_thread_main(struct mach_thread *thread)
{
	thread->run(thread->arg);
	fflush(stdout);
	mig_dealloc_reply_port(MACH_PORT_NULL);
	mig_dealloc_special_reply_port(MACH_PORT_NULL);
	baton_thread_end();
}

/* ---- its memory ---- */

static vm_address_t
round_down(vm_address_t address, size_t alignment)
{
	return address & ~(alignment - 1);
}

/* One that is kept, of just this size; NULL: there is none. */
static struct mach_thread *
kept_take(vm_size_t size)
{
	struct mach_thread **at, *thread;

	mutex_lock(&kept.mutex);
	for (at = &kept.first; (thread = *at) != NULL; at = &thread->next)
		if (thread->size == size) {
			*at = thread->next;
			kept.count--;
			break;
		}
	mutex_unlock(&kept.mutex);
	return thread;
}

static bool
kept_give(struct mach_thread *thread)
{
	bool room;

	mutex_lock(&kept.mutex);
	room = kept.count < KEPT_MAX;
	if (room) {
		thread->next = kept.first;
		kept.first = thread;
		kept.count++;
	}
	mutex_unlock(&kept.mutex);
	return room;
}

static void
region_free(struct mach_thread *thread)
{
	vm_deallocate(mach_task_self(), thread->region, thread->size);
}

/* NULL: no memory. */
static struct mach_thread *
region_make(vm_size_t size)
{
	struct mach_thread *thread;
	vm_address_t region;

	if (vm_allocate(mach_task_self(), &region, size, VM_FLAGS_ANYWHERE) !=
	    KERN_SUCCESS)
		return NULL;
	vm_protect(mach_task_self(), region, PAGE_SIZE, FALSE, VM_PROT_NONE);
	thread = (struct mach_thread *)round_down(
	    region + size - sizeof(*thread), 16);
	thread->region = region;
	thread->size = size;
	if (semaphore_create(mach_task_self(), &thread->ended, SYNC_POLICY_FIFO,
		0) == KERN_SUCCESS)
		return thread;
	region_free(thread);
	return NULL;
}

static void
thread_free(struct mach_thread *thread)
{
	if (kept_give(thread))
		return;
	semaphore_destroy(mach_task_self(), thread->ended);
	region_free(thread);
}

/* Variables and stack are as a new thread's: what is the address of both. */
static struct mach_thread *
thread_allocate(vm_size_t stack_size, vm_address_t *variables)
{
	vm_size_t size =
	    round_page(stack_size + _tls_size() + PAGE_SIZE) + PAGE_SIZE;
	size_t alignment = _tls_align() > 16 ? _tls_align() : 16;
	struct mach_thread *thread = kept_take(size);

	if (thread == NULL)
		thread = region_make(size);
	if (thread == NULL)
		return NULL;
	*variables = round_down((vm_address_t)thread - _tls_size(), alignment);
	_init_tls((void *)*variables);
	return thread;
}

/* ---- its life ---- */

kern_return_t
mach_thread_start(void (*run)(void *), void *arg, vm_size_t stack_size,
    struct mach_thread **handle)
{
	struct mach_thread *thread;
	vm_address_t variables;
	kern_return_t kr;

	if (stack_size == 0)
		stack_size = STACK_DEFAULT;
	thread = thread_allocate(stack_size, &variables);
	if (thread == NULL)
		return KERN_RESOURCE_SHORTAGE;
	thread->run = run;
	thread->arg = arg;
	atomic_store_explicit(
	    &thread->port, MACH_PORT_NULL, memory_order_relaxed);
	kr = baton_thread_start((uintptr_t)mach_thread_entry, variables,
	    variables, (uintptr_t)thread, thread->ended);
	if (kr != KERN_SUCCESS) {
		thread_free(thread);
		return kr;
	}
	*handle = thread;
	return KERN_SUCCESS;
}

/*
 * The signal comes when nothing runs on the stack any more.  Without it, as
 * when somebody else ended the semaphore, nobody knows: the stack is lost.
 */
void
mach_thread_join(struct mach_thread *thread)
{
	thread_t port;
	kern_return_t kr;

	do
		kr = semaphore_wait(thread->ended);
	while (kr == KERN_ABORTED);
	port = atomic_load_explicit(&thread->port, memory_order_relaxed);
	if (port != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), port);
	if (kr == KERN_SUCCESS)
		thread_free(thread);
}

thread_t
mach_thread_port(struct mach_thread *thread)
{
	thread_t port =
	    atomic_load_explicit(&thread->port, memory_order_relaxed);
	thread_t before = MACH_PORT_NULL;

	if (port != MACH_PORT_NULL)
		return port;
	port = baton_thread_port(thread->ended);
	/* Of two who ask at once one keeps the reference. */
	if (MACH_PORT_VALID(port) &&
	    !atomic_compare_exchange_strong_explicit(&thread->port, &before,
		port, memory_order_relaxed, memory_order_relaxed))
		mach_port_deallocate(mach_task_self(), port);
	return port;
}
