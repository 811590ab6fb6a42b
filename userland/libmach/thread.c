/*
 * libmach/thread.c: baton/thread.h.
 *
 * A thread's memory is one region:
 *
 *	| page that faults | stack, growing down ... | variables | handle |
 *
 * Some of those that have ended are kept for the next.
 */
#include <baton/mutex.h>
#include <baton/thread.h>
#include <picotls.h>
#include <stdio.h>

#include <mach/mach.h>
#include <mach/mig.h>
#include <mach/routine_ids.h>

#define STACK_DEFAULT (32 * 1024UL)
#define KEPT_MAX      8

struct mach_thread {
	void (*run)(void *);
	void *arg;
	thread_t port;
	thread_t self; /* the thread's own name for it, near its end */
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

/*
 * Called by mach_thread_entry.  The last message asks for no reply: a port for
 * one would outlive us.
 */
void
mach_thread_main(struct mach_thread *thread)
{
	mach_msg_header_t end = {
	    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
	    .msgh_size = sizeof(end),
	    .msgh_id = MSGID_THREAD_TERMINATE,
	};

	thread->run(thread->arg);
	fflush(stdout);
	mig_dealloc_reply_port(MACH_PORT_NULL);
	mig_dealloc_special_reply_port(MACH_PORT_NULL);
	thread->self = mach_thread_self();
	end.msgh_remote_port = thread->self;
	for (;;)
		mach_msg_send(&end);
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
	return thread;
}

static void
thread_free(struct mach_thread *thread)
{
	if (!kept_give(thread))
		vm_deallocate(mach_task_self(), thread->region, thread->size);
}

static struct mach_thread *
thread_allocate(vm_size_t stack_size, riscv64_thread_state_t *state)
{
	vm_size_t size =
	    round_page(stack_size + _tls_size() + PAGE_SIZE) + PAGE_SIZE;
	size_t alignment = _tls_align() > 16 ? _tls_align() : 16;
	struct mach_thread *thread = kept_take(size);
	vm_address_t variables;

	if (thread == NULL)
		thread = region_make(size);
	if (thread == NULL)
		return NULL;
	variables = round_down((vm_address_t)thread - _tls_size(), alignment);
	_init_tls((void *)variables);
	*state = (riscv64_thread_state_t){
	    .pc = (uint64_t)mach_thread_entry,
	    .sp = variables,
	    .tp = variables,
	    .a0 = (uint64_t)thread,
	};
	return thread;
}

/* ---- its life ---- */

kern_return_t
mach_thread_start(void (*run)(void *), void *arg, vm_size_t stack_size,
    struct mach_thread **handle)
{
	riscv64_thread_state_t state;
	struct mach_thread *thread;
	kern_return_t kr;

	if (stack_size == 0)
		stack_size = STACK_DEFAULT;
	thread = thread_allocate(stack_size, &state);
	if (thread == NULL)
		return KERN_RESOURCE_SHORTAGE;
	thread->run = run;
	thread->arg = arg;
	thread->self = MACH_PORT_NULL;
	kr = thread_create_running(mach_task_self(), RISCV64_THREAD_STATE,
	    (thread_state_t)&state, RISCV64_THREAD_STATE_COUNT, &thread->port);
	if (kr != KERN_SUCCESS) {
		thread_free(thread);
		return kr;
	}
	*handle = thread;
	return KERN_SUCCESS;
}

/*
 * The stack can go only when nothing runs on it any more, which is when the
 * thread's port dies.
 */
void
mach_thread_join(struct mach_thread *thread)
{
	mach_port_t self = mach_task_self(), done = mach_reply_port(), previous;
	mach_dead_name_notification_t note;
	kern_return_t kr;

	kr = mach_port_request_notification(self, thread->port,
	    MACH_NOTIFY_DEAD_NAME, 1, done, MACH_MSG_TYPE_MAKE_SEND_ONCE,
	    &previous);
	if (kr == KERN_SUCCESS) {
		mach_msg(&note.not_header, MACH_RCV_MSG, 0, sizeof(note), done,
		    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
		mach_port_deallocate(self, thread->port);
	}
	mach_port_deallocate(self, thread->port);
	if (thread->self != MACH_PORT_NULL)
		mach_port_deallocate(self, thread->self);
	mach_port_mod_refs(self, done, MACH_PORT_RIGHT_RECEIVE, -1);
	thread_free(thread);
}

thread_t
mach_thread_port(const struct mach_thread *thread)
{
	return thread->port;
}
