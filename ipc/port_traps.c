/*
 * port_traps.c: the mach_port_*() calls as traps, mostly on one's own names.
 */
#include "ipc/traps.h"

#include <arch/usercopy.h>

#include "ipc/mach_port.h"
#include "ipc/notify.h"
#include "ipc/right.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "vm/memory_wait.h"

static struct space *
own_space(void)
{
	return current_thread()->task->space;
}

/* That of a task that @target names, not known to be the caller's. */
static never_inline struct space *
space_of_name(uint64_t target)
{
	struct space *space = own_space();
	struct task *task = task_from_name(space, (mach_port_name_t)target);

	if (task == NULL)
		return NULL;
	if (task->space != space)
		space = space_get(task->space);
	task_put(task);
	return space;
}

/*
 * The space of the task that @target names, until space_done(); NULL: it names
 * none.  It nearly always is the caller's own, which ends after him.
 */
always_inline struct space *
space_of(uint64_t target)
{
	struct space *space = own_space();

	if (likely(space_is_self(space, (mach_port_name_t)target)))
		return space;
	return space_of_name(target);
}

static void
space_done(struct space *space)
{
	if (unlikely(space != own_space()))
		space_put(space);
}

/* ---- names of what one is ---- */

/* A send right to a port of the kernel's, consumed; MACH_PORT_NULL if there is
 * no room. */
static mach_port_name_t
give_send(struct port *port)
{
	mach_port_name_t name = MACH_PORT_NULL;

	if (port != NULL &&
	    space_insert_send(own_space(), port, &name) != KERN_SUCCESS)
		right_release_send(port);
	return name;
}

mach_port_name_t
mach_reply_port(void)
{
	mach_port_name_t name;

	if (mach_port_allocate(own_space(), MACH_PORT_RIGHT_RECEIVE, &name) !=
	    KERN_SUCCESS)
		return MACH_PORT_NULL;
	return name;
}

mach_port_name_t
special_reply_port_trap(void)
{
	static const mach_port_options_t options = {
	    .flags = MPO_INSERT_SEND_RIGHT};
	struct thread *self = current_thread();
	struct port *port = NULL;
	mach_port_name_t name;

	if (mach_port_construct(own_space(), &options, 0, &name) !=
	    KERN_SUCCESS)
		return MACH_PORT_NULL;
	/* Where another thread guessed its name and took it: none. */
	if (port_from_receive_name(own_space(), name, &port) != KERN_SUCCESS)
		port = NULL;
	/* The one before is a port like any other from now on. */
	if (self->reply_port != NULL)
		port_put(self->reply_port);
	self->reply_port = port;
	return name;
}

mach_port_name_t
thread_self_trap(void)
{
	struct thread *self = current_thread();
	struct port *port;

	if (thread_need_port(self) != KERN_SUCCESS)
		return MACH_PORT_NULL;
	/* A port's lock comes before a thread's; ours goes only with us. */
	port = self->self_port;
	return give_send(right_make_send(port));
}

mach_port_name_t
task_self_trap(void)
{
	struct task *task = current_thread()->task;
	mach_port_name_t name = space_self_again(task->space);
	struct port *port;

	if (likely(name != MACH_PORT_NULL))
		return name;
	spin_lock(&task->lock);
	port = right_make_send(task->self_port);
	spin_unlock(&task->lock);
	name = give_send(port);
	if (name != MACH_PORT_NULL)
		space_remember_self(task->space, name, port);
	return name;
}

/* ---- making and counting ---- */

kern_return_t
port_allocate_trap(uint64_t target, uint64_t right, uaddr_t namep)
{
	struct space *space = space_of(target);
	mach_port_name_t name;
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	kr = mach_port_allocate(space, (mach_port_right_t)right, &name);
	if (kr == KERN_SUCCESS &&
	    copyout(namep, &name, sizeof(name)) != KERN_SUCCESS) {
		mach_port_destroy(space, name);
		kr = KERN_INVALID_ADDRESS;
	}
	space_done(space);
	return kr;
}

kern_return_t
port_construct_trap(
    uint64_t target, uaddr_t optionsp, uint64_t context, uaddr_t namep)
{
	mach_port_options_t options;
	struct space *space;
	mach_port_name_t name;
	kern_return_t kr;

	if (copyin(&options, optionsp, sizeof(options)) != KERN_SUCCESS)
		return KERN_INVALID_ADDRESS;
	space = space_of(target);
	if (space == NULL)
		return KERN_INVALID_TASK;
	kr = mach_port_construct(space, &options, context, &name);
	if (kr == KERN_SUCCESS &&
	    copyout(namep, &name, sizeof(name)) != KERN_SUCCESS) {
		int32_t send = options.flags & MPO_INSERT_SEND_RIGHT ? -1 : 0;

		/* Another thread may guess the name, and be faster. */
		mach_port_destruct(space, name, send, context);
		kr = KERN_INVALID_ADDRESS;
	}
	space_done(space);
	return kr;
}

kern_return_t
port_destruct_trap(
    uint64_t target, uint64_t name, uint64_t send_delta, uint64_t guard)
{
	struct space *space = space_of(target);
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	kr = mach_port_destruct(
	    space, (mach_port_name_t)name, (int32_t)send_delta, guard);
	space_done(space);
	return kr;
}

kern_return_t
port_deallocate_trap(uint64_t target, uint64_t name)
{
	struct space *space = space_of(target);
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	kr = mach_port_deallocate(space, (mach_port_name_t)name);
	space_done(space);
	return kr;
}

kern_return_t
port_mod_refs_trap(
    uint64_t target, uint64_t name, uint64_t right, uint64_t delta)
{
	struct space *space = space_of(target);
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	kr = mach_port_mod_refs(space, (mach_port_name_t)name,
	    (mach_port_right_t)right, (int32_t)delta);
	space_done(space);
	return kr;
}

kern_return_t
port_guard_trap(uint64_t target, uint64_t name, uint64_t guard, uint64_t strict)
{
	struct space *space = space_of(target);
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	kr = mach_port_guard_with_flags(space, (mach_port_name_t)name, guard,
	    (uint32_t)strict != 0 ? MPG_STRICT : 0);
	space_done(space);
	return kr;
}

kern_return_t
port_unguard_trap(uint64_t target, uint64_t name, uint64_t guard)
{
	struct space *space = space_of(target);
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	kr = mach_port_unguard(space, (mach_port_name_t)name, guard);
	space_done(space);
	return kr;
}

/* ---- giving a right of one's own to another space, or the same ---- */

kern_return_t
port_insert_right_trap(
    uint64_t target, uint64_t name, uint64_t poly, uint64_t disposition)
{
	mach_msg_type_name_t type;
	struct space *space;
	struct port *port;
	kern_return_t kr;

	if (!MACH_PORT_VALID((mach_port_name_t)name))
		return KERN_INVALID_VALUE; /* and no right is lost for it */
	space = space_of(target);
	if (space == NULL)
		return KERN_INVALID_TASK;
	kr = mach_port_extract_right(own_space(), (mach_port_name_t)poly,
	    (mach_msg_type_name_t)disposition, &port, &type);
	/* Mach's word for a right that is not there to give. */
	if (kr == KERN_INVALID_NAME || kr == KERN_INVALID_RIGHT)
		kr = KERN_INVALID_CAPABILITY;
	if (kr == KERN_SUCCESS) {
		kr = mach_port_insert_right(
		    space, (mach_port_name_t)name, port, type);
		/* One that was only just made goes without notice. */
		if (kr != KERN_SUCCESS && (mach_msg_type_name_t)disposition ==
					      MACH_MSG_TYPE_MAKE_SEND_ONCE)
			right_used(port, type);
		else if (kr != KERN_SUCCESS)
			right_release(port, type);
	}
	space_done(space);
	return kr;
}

static void say_continue(void);

/* The request was made, so this cannot be taken back. */
static kern_return_t
say_previous(uaddr_t previousp, mach_port_name_t name)
{
	struct step_state *step = &current_thread()->step;
	kern_return_t kr = copyout(previousp, &name, sizeof(name));

	if (kr != KERN_MEMORY_WAIT)
		return kr;
	step->word[0] = previousp;
	step->word[1] = name;
	memory_wait_block(say_continue);
}

static void
say_continue(void)
{
	const struct step_state *step = &current_thread()->step;

	(void)memory_wait_end();
	thread_return_value((uint64_t)(int64_t)say_previous(
	    step->word[0], (mach_port_name_t)step->word[1]));
}

kern_return_t
port_request_notification_trap(uint64_t target, uint64_t name, uint64_t id,
    uint64_t sync, uint64_t notify, uint64_t disposition, uaddr_t previousp)
{
	mach_port_name_t previous_name = MACH_PORT_NULL;
	struct port *port = NULL, *previous = NULL;
	mach_msg_type_name_t type = MACH_MSG_TYPE_PORT_SEND_ONCE;
	struct space *space;
	kern_return_t kr = KERN_SUCCESS;

	/* Can it be answered?  Afterwards would be too late to say no. */
	if (copyout(previousp, &previous_name, sizeof(previous_name)) !=
	    KERN_SUCCESS)
		return KERN_INVALID_ADDRESS;
	if ((mach_port_name_t)notify != MACH_PORT_NULL) {
		/* A right of another kind stays where it is. */
		if (right_received_type((uint32_t)disposition) != type)
			return KERN_INVALID_CAPABILITY;
		kr = mach_port_extract_right(own_space(),
		    (mach_port_name_t)notify, (mach_msg_type_name_t)disposition,
		    &port, &type);
	}
	if (kr != KERN_SUCCESS)
		return KERN_INVALID_CAPABILITY;
	kr = KERN_INVALID_TASK;
	space = space_of(target);
	if (space == NULL)
		goto out_right;
	kr = notify_request(space, (mach_port_name_t)name, (int32_t)id,
	    (uint32_t)sync, port, &previous);
	space_done(space);
	if (kr != KERN_SUCCESS)
		goto out_right;

	if (right_copyout(own_space(), previous, MACH_MSG_TYPE_PORT_SEND_ONCE,
		&previous_name) != KERN_SUCCESS)
		right_release_send_once(previous);
	return say_previous(previousp, previous_name);

out_right:
	right_release(port, type);
	return kr;
}

/* ---- sets ---- */

typedef kern_return_t (*member_call_t)(
    struct space *space, mach_port_name_t name, mach_port_name_t pset);

/* @call on the space of @target. */
static kern_return_t
member_trap(uint64_t target, uint64_t name, uint64_t pset, member_call_t call)
{
	struct space *space = space_of(target);
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	kr = call(space, (mach_port_name_t)name, (mach_port_name_t)pset);
	space_done(space);
	return kr;
}

kern_return_t
port_insert_member_trap(uint64_t target, uint64_t name, uint64_t pset)
{
	return member_trap(target, name, pset, mach_port_insert_member);
}

kern_return_t
port_extract_member_trap(uint64_t target, uint64_t name, uint64_t pset)
{
	return member_trap(target, name, pset, mach_port_extract_member);
}

kern_return_t
port_move_member_trap(uint64_t target, uint64_t member, uint64_t after)
{
	return member_trap(target, member, after, mach_port_move_member);
}

/* ---- looking ---- */

kern_return_t
port_type_trap(uint64_t target, uint64_t name, uaddr_t typep)
{
	struct space *space = space_of(target);
	mach_port_type_t type;
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	kr = mach_port_type(space, (mach_port_name_t)name, &type);
	space_done(space);
	if (kr == KERN_SUCCESS)
		kr = copyout(typep, &type, sizeof(type));
	return kr;
}

kern_return_t
port_get_attributes_trap(uint64_t target, uint64_t name, uint64_t flavor,
    uaddr_t infop, uaddr_t countp)
{
	uint32_t info[PORT_INFO_MAX];
	struct space *space;
	uint32_t count;
	kern_return_t kr;

	if (copyin(&count, countp, sizeof(count)) != KERN_SUCCESS)
		return KERN_INVALID_ADDRESS;
	space = space_of(target);
	if (space == NULL)
		return KERN_INVALID_TASK;
	kr = mach_port_get_attributes(space, (mach_port_name_t)name,
	    (mach_port_flavor_t)flavor, info, &count);
	space_done(space);
	if (kr == KERN_SUCCESS)
		kr = copyout(infop, info, count * sizeof(*info));
	if (kr == KERN_SUCCESS)
		kr = copyout(countp, &count, sizeof(count));
	return kr;
}
