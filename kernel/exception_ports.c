/* exception_ports.c: tables of exception ports; see exception_ports.h. */
#include "kernel/exception_ports.h"

#include "ipc/port.h"
#include "kernel/kassert.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "kernel/thread_state.h"
#include "kernel/zone.h"

static struct spinlock host_lock = SPINLOCK_INIT(LOCK_TASK);
static struct exception_actions host_actions; /* [host_lock] */

static struct zone actions_zone; /* of threads that have some of their own */

void
exception_ports_init(void)
{
	zone_init(&actions_zone, "exception ports",
	    sizeof(struct exception_actions), 0);
}

/* ---- one table; its lock is held ---- */

static struct spinlock *
lock_of(const struct exception_scope *of)
{
	if (of->thread != NULL)
		return &of->thread->task->lock;
	return of->task != NULL ? &of->task->lock : &host_lock;
}

/* NULL: a thread that has none of its own. */
static struct exception_actions *
actions_of(const struct exception_scope *of)
{
	if (of->thread != NULL)
		return of->thread->actions;
	return of->task != NULL ? &of->task->actions : &host_actions;
}

static bool
has_ended(const struct exception_scope *of)
{
	if (of->thread != NULL)
		return of->thread->ended;
	return of->task != NULL && of->task->dying;
}

/* Another send right to where @action goes; a dead port is nobody. */
static struct exception_action
action_copy(const struct exception_action *action)
{
	struct exception_action copy = *action;

	if (copy.port != NULL && port_is_dead(copy.port))
		copy.port = NULL;
	copy.port = right_copy_send(copy.port);
	return copy;
}

/* Where in @list the like of @action is told; its count: nowhere yet. */
static uint32_t
find_line(
    const struct exception_list *list, const struct exception_action *action)
{
	uint32_t i;

	for (i = 0; i < list->count; i++) {
		if (list->port[i] == action->port &&
		    list->behavior[i] == action->behavior &&
		    list->flavor[i] == action->flavor)
			break;
	}
	return i;
}

static void
tell(const struct exception_actions *actions, exception_mask_t mask,
    struct exception_list *list)
{
	static const struct exception_action nobody;

	list->count = 0;
	for (unsigned i = FIRST_EXCEPTION; i < EXC_TYPES_COUNT; i++) {
		const struct exception_action *action =
		    actions != NULL ? &actions->of[i] : &nobody;
		uint32_t line;

		if ((mask & 1U << i) == 0)
			continue;
		line = find_line(list, action);
		if (line == list->count) {
			list->count++;
			list->mask[line] = 0;
			list->port[line] = right_copy_send(action->port);
			list->behavior[line] = action->behavior;
			list->flavor[line] = action->flavor;
		}
		list->mask[line] |= 1U << i;
	}
}

/* @old gets the rights that are replaced, or NULL. */
static void
replace(struct exception_actions *actions, exception_mask_t mask,
    const struct exception_action *action, struct port **old)
{
	for (unsigned i = FIRST_EXCEPTION; i < EXC_TYPES_COUNT; i++) {
		old[i] = NULL;
		if ((mask & 1U << i) == 0)
			continue;
		old[i] = actions->of[i].port;
		actions->of[i] = *action;
		right_copy_send(action->port);
	}
}

static void
release_all(struct port *const *ports)
{
	for (unsigned i = FIRST_EXCEPTION; i < EXC_TYPES_COUNT; i++)
		right_release_send(ports[i]);
}

/* ---- the calls ---- */

static bool
behavior_exists(uint32_t behavior)
{
	switch (behavior & ~(uint32_t)MACH_EXCEPTION_MASK) {
	case EXCEPTION_DEFAULT:
	case EXCEPTION_STATE:
	case EXCEPTION_STATE_IDENTITY:
		return true;
	}
	return false;
}

/* Flavor 0 stands for none, where none is asked for. */
static bool
flavor_fits(uint32_t flavor, uint32_t behavior)
{
	bool wanted =
	    (behavior & ~(uint32_t)MACH_EXCEPTION_MASK) != EXCEPTION_DEFAULT;

	return thread_state_count(flavor) != 0 || (flavor == 0 && !wanted);
}

static kern_return_t
check(exception_mask_t mask, const struct exception_action *action)
{
	if ((mask & ~(exception_mask_t)EXC_MASK_VALID) != 0)
		return KERN_INVALID_ARGUMENT;
	if (action->port != NULL &&
	    (!behavior_exists(action->behavior) ||
		!flavor_fits(action->flavor, action->behavior)))
		return KERN_INVALID_ARGUMENT;
	return KERN_SUCCESS;
}

/* A thread that has no table gets one, unless another did that meanwhile. */
static kern_return_t
make_table(const struct exception_scope *of)
{
	struct spinlock *lock = lock_of(of);
	struct exception_actions *table;

	if (of->thread == NULL)
		return KERN_SUCCESS;
	table = zone_alloc_zeroed(&actions_zone);
	if (table == NULL)
		return KERN_RESOURCE_SHORTAGE;
	spin_lock(lock);
	if (of->thread->actions == NULL && !of->thread->ended) {
		of->thread->actions = table;
		table = NULL;
	}
	spin_unlock(lock);
	if (table != NULL)
		zone_free(&actions_zone, table);
	return KERN_SUCCESS;
}

static kern_return_t
change(const struct exception_scope *of, exception_mask_t mask,
    const struct exception_action *action, struct exception_list *list)
{
	struct spinlock *lock = lock_of(of);
	struct port *old[EXC_TYPES_COUNT];
	kern_return_t kr = check(mask, action);

	if (kr == KERN_SUCCESS)
		kr = make_table(of);
	if (kr != KERN_SUCCESS)
		return kr;
	spin_lock(lock);
	if (has_ended(of)) {
		spin_unlock(lock);
		return KERN_TERMINATED;
	}
	if (list != NULL)
		tell(actions_of(of), mask, list);
	replace(actions_of(of), mask, action, old);
	spin_unlock(lock);
	release_all(old);
	right_release_send(action->port);
	return KERN_SUCCESS;
}

kern_return_t
exception_ports_set(const struct exception_scope *of, exception_mask_t mask,
    struct port *port, uint32_t behavior, uint32_t flavor)
{
	struct exception_action action = {port, behavior, flavor};

	return change(of, mask, &action, NULL);
}

kern_return_t
exception_ports_swap(const struct exception_scope *of, exception_mask_t mask,
    struct port *port, uint32_t behavior, uint32_t flavor,
    struct exception_list *list)
{
	struct exception_action action = {port, behavior, flavor};

	return change(of, mask, &action, list);
}

kern_return_t
exception_ports_get(const struct exception_scope *of, exception_mask_t mask,
    struct exception_list *list)
{
	struct spinlock *lock = lock_of(of);

	if ((mask & ~(exception_mask_t)EXC_MASK_VALID) != 0)
		return KERN_INVALID_ARGUMENT;
	spin_lock(lock);
	tell(actions_of(of), mask, list);
	spin_unlock(lock);
	return KERN_SUCCESS;
}

bool
exception_action_get(const struct exception_scope *of, unsigned exception,
    struct exception_action *action)
{
	struct spinlock *lock = lock_of(of);
	struct exception_actions *actions;

	action->port = NULL;
	spin_lock(lock);
	actions = actions_of(of);
	if (actions != NULL)
		*action = action_copy(&actions->of[exception]);
	spin_unlock(lock);
	return action->port != NULL;
}

void
exception_ports_inherit(struct task *parent, struct task *child)
{
	struct exception_actions *own = &child->actions;

	/* Nobody else knows the child yet. */
	spin_lock(&parent->lock);
	for (unsigned i = FIRST_EXCEPTION; i < EXC_TYPES_COUNT; i++)
		own->of[i] = action_copy(&parent->actions.of[i]);
	spin_unlock(&parent->lock);
}

/* Those of @actions are given up; unlocks @lock, which protects them. */
static never_inline void
end_locked(struct exception_actions *actions, struct spinlock *lock)
{
	static const struct exception_action nobody;
	struct port *old[EXC_TYPES_COUNT] = {NULL};

	replace(actions, EXC_MASK_VALID, &nobody, old);
	spin_unlock(lock);
	release_all(old);
}

void
exception_ports_end(const struct exception_scope *of)
{
	struct spinlock *lock = lock_of(of);
	struct exception_actions *actions;

	spin_lock(lock);
	actions = actions_of(of);
	if (of->thread != NULL) {
		of->thread->actions = NULL;
		of->thread->ended = true;
	}
	/* Most threads have none. */
	if (actions != NULL)
		end_locked(actions, lock);
	else
		spin_unlock(lock);
	if (of->thread != NULL && actions != NULL)
		zone_free(&actions_zone, actions);
}
