/*
 * operations_attributes.c: calls that look at a port, or set what its receiver
 * may choose: limits, counts, guards.
 */
#include "chance.h"
#include "ipc/mach_port.h"
#include "operations.h"

#define IMMOVABLE MACH_PORT_STATUS_FLAG_GUARD_IMMOVABLE_RECEIVE

struct on_port {
	struct space *space;
	mach_port_name_t name;
	unsigned which;
	uint32_t word;
	mach_port_status_t status;
	uint64_t guard;
	uint32_t flags; /* MPG_* */
	struct port_peek peek;
};

enum {
	LIMIT,
	MSCOUNT,
	SEQNO,
	CONTEXT,
	STATUS,
	GUARD,
	UNGUARD,
	SWAP_GUARD,
	ASSERT_GUARD,
	PEEK,
	ATTRIBUTES
};

static int64_t
call_port(void *argument)
{
	struct on_port *a = argument;
	uint32_t count = MACH_PORT_RECEIVE_STATUS_COUNT;

	switch (a->which) {
	case LIMIT:
		return mach_port_set_attributes(
		    a->space, a->name, MACH_PORT_LIMITS_INFO, &a->word, 1);
	case MSCOUNT:
		return mach_port_set_mscount(a->space, a->name, a->word);
	case SEQNO:
		return mach_port_set_seqno(a->space, a->name, a->word);
	case CONTEXT:
		return mach_port_set_context(a->space, a->name, a->word);
	case GUARD:
		return mach_port_guard_with_flags(
		    a->space, a->name, a->guard, a->flags);
	case UNGUARD:
		return mach_port_unguard(a->space, a->name, a->guard);
	case SWAP_GUARD:
		return mach_port_swap_guard(
		    a->space, a->name, a->guard, a->word);
	case ASSERT_GUARD:
		return mach_port_assert_attributes(a->space, a->name,
		    MACH_PORT_GUARD_INFO, (uint32_t *)&a->guard, 2);
	case PEEK:
		a->peek.trailer_size = sizeof(a->peek.trailer);
		return port_peek(a->space, a->name, 0, &a->peek);
	default:
		return mach_port_get_attributes(a->space, a->name,
		    MACH_PORT_RECEIVE_STATUS, (uint32_t *)&a->status, &count);
	}
}

static void
model_status(const struct m_port *port, const mach_port_status_t *status)
{
	EXPECT(status->mps_pset == port->sets.count);
	EXPECT(status->mps_seqno == port->sequence);
	EXPECT(status->mps_mscount == port->make_sends);
	EXPECT(status->mps_qlimit == port->limit);
	EXPECT(status->mps_msgcount == port->messages.count);
	EXPECT(status->mps_sorights ==
	       m_count(port, MACH_MSG_TYPE_PORT_SEND_ONCE));
	EXPECT(status->mps_srights ==
	       (m_count(port, MACH_MSG_TYPE_PORT_SEND) > 0));
	EXPECT(status->mps_pdrequest == (port->destroyed.port != NULL));
	EXPECT(status->mps_nsrequest == (port->no_senders.port != NULL));
}

/* What the port's guard says to @a. */
static kern_return_t
model_guard(struct m_port *port, const struct on_port *a)
{
	bool guarded = (port->guard & MACH_PORT_STATUS_FLAG_GUARDED) != 0;
	bool strict = (port->guard & MACH_PORT_STATUS_FLAG_STRICT_GUARD) != 0;

	if (a->which == GUARD) {
		if (guarded || port->context != 0)
			return KERN_INVALID_ARGUMENT;
		port->context = a->guard;
		port->guard |= MACH_PORT_STATUS_FLAG_GUARDED;
		if (a->flags & MPG_STRICT)
			port->guard |= MACH_PORT_STATUS_FLAG_STRICT_GUARD;
		if (a->flags & MPG_IMMOVABLE_RECEIVE)
			port->guard |= IMMOVABLE;
		return KERN_SUCCESS;
	}
	if (!guarded || port->context != a->guard)
		return KERN_INVALID_ARGUMENT;
	if (a->which == UNGUARD) {
		port->guard &= IMMOVABLE;
		port->context = 0;
	} else if (a->which == SWAP_GUARD) {
		if (strict)
			return KERN_INVALID_ARGUMENT;
		port->context = a->word;
	} else if (!strict) {
		return KERN_INVALID_ARGUMENT;
	}
	return KERN_SUCCESS;
}

static kern_return_t
model_peek(const struct m_port *port, const struct on_port *a, uint32_t asked)
{
	uint32_t position = asked == 0 ? 0 : asked - port->sequence;
	const struct m_message *message = NULL;

	if (position == 0)
		message = m_first_message(port);
	else if (position < port->messages.count)
		message = port->messages.item[position];
	if (message == NULL)
		return KERN_FAILURE;
	EXPECT(a->peek.sequence == port->sequence + position);
	EXPECT(a->peek.size == message->size);
	EXPECT(a->peek.id == message->id);
	return KERN_SUCCESS;
}

static kern_return_t
model_port(struct m_task *task, const struct on_port *a)
{
	struct m_name *entry = m_lookup(task, a->name);

	if (a->which == GUARD &&
	    a->flags > (MPG_STRICT | MPG_IMMOVABLE_RECEIVE))
		return KERN_INVALID_ARGUMENT;
	if (a->which == PEEK && !MACH_PORT_VALID(a->name))
		return KERN_INVALID_RIGHT;
	if (a->which == LIMIT && a->word > MACH_PORT_QLIMIT_MAX)
		return KERN_INVALID_VALUE;
	if (entry == NULL)
		return KERN_INVALID_NAME;
	if (!(entry->type & MACH_PORT_TYPE_RECEIVE))
		return KERN_INVALID_RIGHT;
	switch (a->which) {
	case LIMIT:
		entry->port->limit = a->word;
		m_admit(entry->port);
		break;
	case MSCOUNT:
		entry->port->make_sends = a->word;
		break;
	case SEQNO:
		entry->port->sequence = a->word;
		break;
	case CONTEXT:
		if (entry->port->guard & MACH_PORT_STATUS_FLAG_STRICT_GUARD)
			return KERN_INVALID_ARGUMENT;
		entry->port->context = a->word;
		break;
	case STATUS:
		model_status(entry->port, &a->status);
		break;
	case PEEK:
		return model_peek(entry->port, a, a->word);
	default:
		return model_guard(entry->port, a);
	}
	return KERN_SUCCESS;
}

void
operation_on_attributes(void)
{
	static const char *const names[] = {"set_attributes", "set_mscount",
	    "set_seqno", "set_context", "get_attributes", "guard", "unguard",
	    "swap_guard", "assert_attributes", "peek"};
	struct m_thread *thread = idle_thread();
	struct m_task *task;
	struct on_port a = {
	    .which = chance(ATTRIBUTES), .word = chance(5), .guard = chance(4)};
	kern_return_t kr;

	if (thread == NULL)
		return;
	if (chance(16) == 0)
		a.word = MACH_PORT_QLIMIT_MAX + chance(2);
	if (chance(4) == 0)
		a.flags = chance(5);
	a.peek.sequence = a.word;
	task = chance(4) ? thread->task : &world.task[chance(TASKS)];
	a.space = space_of(task);
	a.name = some_name(task, MACH_PORT_TYPE_RECEIVE);
	kr = (kern_return_t)run(thread, call_port, &a);
	say("t%u: mach_port_%s(0x%x, %u) = %d", thread->number, names[a.which],
	    a.name, a.word, kr);
	EXPECT(kr == model_port(task, &a));
}
