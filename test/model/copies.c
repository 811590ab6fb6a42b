/*
 * copies.c: the model's rights between names and messages.
 */
#include "ipc_host.h"
#include "model.h"

/* ---- names -> rights ---- */

uint32_t
m_received_type(uint32_t disposition)
{
	switch (disposition) {
	case MACH_MSG_TYPE_MOVE_RECEIVE:
		return MACH_MSG_TYPE_PORT_RECEIVE;
	case MACH_MSG_TYPE_MOVE_SEND_ONCE:
	case MACH_MSG_TYPE_MAKE_SEND_ONCE:
		return MACH_MSG_TYPE_PORT_SEND_ONCE;
	default:
		return MACH_MSG_TYPE_PORT_SEND;
	}
}

kern_return_t
m_may_take(const struct m_name *entry, uint32_t disposition, bool dead_ok)
{
	static const uint32_t wanted[] = {
	    [MACH_MSG_TYPE_MOVE_RECEIVE] = MACH_PORT_TYPE_RECEIVE,
	    [MACH_MSG_TYPE_MOVE_SEND] = MACH_PORT_TYPE_SEND,
	    [MACH_MSG_TYPE_MOVE_SEND_ONCE] = MACH_PORT_TYPE_SEND_ONCE,
	    [MACH_MSG_TYPE_COPY_SEND] = MACH_PORT_TYPE_SEND,
	    [MACH_MSG_TYPE_MAKE_SEND] = MACH_PORT_TYPE_RECEIVE,
	    [MACH_MSG_TYPE_MAKE_SEND_ONCE] = MACH_PORT_TYPE_RECEIVE,
	};

	if (entry == NULL)
		return KERN_INVALID_NAME;
	if (entry->type & wanted[disposition])
		return KERN_SUCCESS;
	/* A dead name will do for what may die any moment. */
	if (entry->type == MACH_PORT_TYPE_DEAD_NAME && dead_ok &&
	    wanted[disposition] != MACH_PORT_TYPE_RECEIVE)
		return KERN_SUCCESS;
	return KERN_INVALID_RIGHT;
}

/* One reference to a send right or dead name less, save that those at the
 * maximum stick.  True: it was the last. */
static bool
take_uref(struct m_name *entry)
{
	if (entry->urefs == MACH_PORT_UREFS_MAX)
		return false;
	return --entry->urefs == 0;
}

static void
take_send(struct m_task *task, struct m_name *entry)
{
	if (!take_uref(entry))
		return;
	entry->type &= ~MACH_PORT_TYPE_SEND;
	if (entry->type == 0)
		m_name_free(task, entry);
}

struct m_right
m_take(struct m_task *task, struct m_name *entry, uint32_t disposition)
{
	struct m_right right = {
	    entry->port, m_received_type(disposition), false};

	if (entry->type == MACH_PORT_TYPE_DEAD_NAME) {
		right.dead = true;
		if (disposition != MACH_MSG_TYPE_COPY_SEND && take_uref(entry))
			m_name_free(task, entry);
		return right;
	}
	switch (disposition) {
	case MACH_MSG_TYPE_MOVE_RECEIVE:
		return m_move_receive(task, entry, MACH_RCV_PORT_CHANGED);
	case MACH_MSG_TYPE_MOVE_SEND:
		take_send(task, entry);
		break;
	case MACH_MSG_TYPE_MOVE_SEND_ONCE:
		m_name_free(task, entry);
		break;
	case MACH_MSG_TYPE_MAKE_SEND:
		entry->port->make_sends++;
		break;
	default:
		break;
	}
	return right;
}

static bool
is_immovable(const struct m_name *entry, uint32_t disposition)
{
	return disposition == MACH_MSG_TYPE_MOVE_RECEIVE &&
	       (entry->port->guard &
		   MACH_PORT_STATUS_FLAG_GUARD_IMMOVABLE_RECEIVE);
}

kern_return_t
m_copyin_guarded(struct m_task *task, mach_port_name_t name, uint64_t guard,
    bool unguarded_ok, struct m_right *right)
{
	struct m_name *entry = m_lookup(task, name);

	if (entry != NULL && (entry->type & MACH_PORT_TYPE_RECEIVE)) {
		const struct m_port *port = entry->port;

		if ((port->guard & MACH_PORT_STATUS_FLAG_GUARDED) != 0
			? port->context != guard
			: guard != 0 || !unguarded_ok)
			return KERN_INVALID_ARGUMENT;
	}
	return m_copyin(task, name, MACH_MSG_TYPE_MOVE_RECEIVE, true, right);
}

kern_return_t
m_copyin(struct m_task *task, mach_port_name_t name, uint32_t disposition,
    bool dead_ok, struct m_right *right)
{
	struct m_name *entry = m_lookup(task, name);
	kern_return_t kr;

	*right = (struct m_right){
	    NULL, m_received_type(disposition), name == MACH_PORT_DEAD};
	if (!MACH_MSG_TYPE_PORT_ANY(disposition))
		return KERN_INVALID_VALUE;
	if (!MACH_PORT_VALID(name))
		return dead_ok ? KERN_SUCCESS : KERN_INVALID_NAME;
	kr = m_may_take(entry, disposition, dead_ok);
	if (kr == KERN_SUCCESS && is_immovable(entry, disposition))
		kr = KERN_INVALID_CAPABILITY;
	if (kr == KERN_SUCCESS)
		*right = m_take(task, entry, disposition);
	return kr;
}

/* ---- rights -> names ---- */

kern_return_t
m_mod_urefs(uint32_t *urefs, int64_t delta)
{
	int64_t sum = *urefs + delta;

	if (sum < 0)
		return KERN_INVALID_VALUE;
	if (sum > MACH_PORT_UREFS_MAX)
		return KERN_UREFS_OVERFLOW;
	/* At the maximum there may have been more: all or nothing. */
	if (*urefs != MACH_PORT_UREFS_MAX || sum == 0)
		*urefs = (uint32_t)sum;
	return KERN_SUCCESS;
}

void
m_settle(struct m_task *task, struct m_name *entry, struct m_right right)
{
	entry->port = right.port;
	switch (right.type) {
	case MACH_MSG_TYPE_PORT_RECEIVE:
		entry->type |= MACH_PORT_TYPE_RECEIVE;
		right.port->receiver = task;
		break;
	case MACH_MSG_TYPE_PORT_SEND:
		entry->type |= MACH_PORT_TYPE_SEND;
		if (entry->urefs < MACH_PORT_UREFS_MAX)
			entry->urefs++;
		break;
	default:
		entry->type = MACH_PORT_TYPE_SEND_ONCE;
		entry->urefs = 1;
	}
}

/* A right to a port that died in this very call: it may have arrived before. */
static void
give_dying(struct m_task *task, mach_port_name_t name)
{
	struct m_name *entry = m_lookup(task, name);

	if (entry == NULL) {
		entry = m_name_new(task, name, false);
		entry->type = MACH_PORT_TYPE_DEAD_NAME;
	}
	EXPECT(entry->type == MACH_PORT_TYPE_DEAD_NAME);
	if (entry->urefs < MACH_PORT_UREFS_MAX)
		entry->urefs++;
}

/* Why the kernel could not give a name, if that may be. */
static uint32_t
why_not(const struct m_task *task)
{
	/* Some are kept free for ipc/fast.c. */
	if (m_name_count(task) + THREADS_PER_TASK >= task->limit)
		return MACH_MSG_IPC_SPACE;
	/* Or taken in this call by a thread that the model knows later. */
	if (task->sim->task.space->count >= task->sim->task.space->limit)
		return MACH_MSG_IPC_SPACE;
	if (host_failed())
		return MACH_MSG_IPC_KERNEL;
	disagree("a right did not arrive in task %u", task->number);
}

void
m_give(struct m_task *task, struct m_right right, mach_port_name_t name,
    uint32_t *errors)
{
	struct m_name *entry = NULL;

	if (right.port == NULL) {
		EXPECT(name == (right.dead ? MACH_PORT_DEAD : MACH_PORT_NULL));
		return;
	}
	if (!right.port->alive) {
		if (name == MACH_PORT_DEAD)
			return;
		EXPECT(right.port->died == world.step);
		give_dying(task, name);
		return;
	}
	if (right.type != MACH_MSG_TYPE_PORT_SEND_ONCE)
		entry = m_name_of(task, right.port);
	if (entry == NULL && name == MACH_PORT_NULL) {
		*errors |= why_not(task);
		m_release(right);
		return;
	}
	if (entry == NULL)
		entry = m_name_new(task, name, false);
	EXPECT(entry->name == name);
	m_settle(task, entry, right);
}
