/*
 * fast_carry.c: see fast_carry.h.
 *
 * Of a right that is copied into a message and out again, only what is left is
 * done: the receiver has a reference more, or a name.  What is locked besides
 * the message's is locked by trying.
 */
#include "ipc/fast_carry.h"

#include <arch/usercopy.h>

#include "ipc/fast_word.h"
#include "ipc/port.h"
#include "ipc/space.h"
#include "kernel/thread.h"

bool
carried_read(struct carried *carried, uaddr_t body, uint64_t size)
{
	const mach_msg_port_descriptor_t *descriptor =
	    &carried->words.descriptor;

	/* What is not there the general path finds. */
	if (size < sizeof(carried->words) || (body & 3) != 0 ||
	    !user_range_ok(body, sizeof(carried->words)) ||
	    copyin_present(&carried->words, body, sizeof(carried->words)) !=
		KERN_SUCCESS)
		return false;
	if (carried->words.count != 1 ||
	    descriptor->type != MACH_MSG_PORT_DESCRIPTOR)
		return false;
	carried->made = descriptor->disposition == MACH_MSG_TYPE_MAKE_SEND;
	return carried->made ||
	       descriptor->disposition == MACH_MSG_TYPE_COPY_SEND;
}

/* The port that the sender names, alive and locked. */
static bool
find_port(struct carried *carried, struct space *from, const struct port *a,
    const struct port *b)
{
	uint32_t type =
	    carried->made ? MACH_PORT_TYPE_RECEIVE : MACH_PORT_TYPE_SEND;
	struct entry *entry =
	    space_lookup(from, carried->words.descriptor.name);
	struct port *port;
	uint64_t word;

	if (entry == NULL || (entry->key & type) == 0)
		return false;
	port = entry->port;
	carried->port = port;
	carried->own_port = port == a || port == b;
	if (!carried->own_port) {
		if (!spin_trylock(&port->lock))
			return false;
		/* The set, which may be locked, has no part in its rights. */
		word = atomic_load_explicit(&port->word, memory_order_relaxed);
		if (unlikely(word != PORT_GENERAL) && !word_is_set(word))
			port_close(port);
	}
	if (likely(port->state != PORT_IS_DEAD))
		return true;
	if (!carried->own_port)
		spin_unlock(&port->lock);
	return false;
}

/* What the receiver calls it, or will. */
static bool
find_name(struct carried *carried)
{
	struct space *to = carried->to;
	mach_port_name_t name = space_find_port(to, carried->port);

	carried->fresh = name == MACH_PORT_NULL;
	if (!carried->fresh)
		carried->entry = space_entry_locked(to, name_index(name));
	else if (entry_alloc(to, &name, &carried->entry) != KERN_SUCCESS)
		return false;
	carried->words.descriptor = (mach_msg_port_descriptor_t){
	    .name = name,
	    .disposition = MACH_MSG_TYPE_PORT_SEND,
	    .type = MACH_MSG_PORT_DESCRIPTOR,
	};
	return true;
}

static void
unlock(struct carried *carried)
{
	if (!carried->own_port)
		spin_unlock(&carried->port->lock);
	if (!carried->own_space)
		spin_unlock(&carried->to->lock);
}

bool
carried_prepare(struct carried *carried, struct space *from,
    const struct thread *receiver, const struct port *a, const struct port *b)
{
	struct space *to = receiver->fast.space;

	carried->to = to;
	carried->own_space = to == from;
	if (!carried->own_space && !spin_trylock(&to->lock))
		return false;
	if (!find_port(carried, from, a, b)) {
		if (!carried->own_space)
			spin_unlock(&to->lock);
		return false;
	}
	if (likely(find_name(carried)))
		return true;
	unlock(carried);
	return false;
}

void
carried_abandon(struct carried *carried)
{
	if (carried->fresh)
		entry_free(carried->to, carried->words.descriptor.name,
		    carried->entry);
	unlock(carried);
}

/* The name is new.  The space counts as one send right from now on. */
static void
fill(struct carried *carried)
{
	mach_port_name_t name = carried->words.descriptor.name;
	struct entry *entry = carried->entry;

	entry->port = port_get(carried->port);
	entry->urefs = 1;
	carried->port->send_rights++;
	/* release: who reads the key without the lock then sees the port */
	__atomic_store_n(
	    &entry->key, MACH_PORT_TYPE_SEND | (uint8_t)name, __ATOMIC_RELEASE);
	space_index_port(carried->to, name);
}

void
carried_commit(struct carried *carried)
{
	struct entry *entry = carried->entry;

	if (carried->made)
		carried->port->make_send_count++;
	if (carried->fresh) {
		fill(carried);
	} else if (entry->key & MACH_PORT_TYPE_SEND) {
		/* They stick at the maximum. */
		if (entry->urefs < MACH_PORT_UREFS_MAX)
			entry->urefs++;
	} else {
		entry->key |= MACH_PORT_TYPE_SEND;
		entry->urefs = 1;
		carried->port->send_rights++;
	}
	unlock(carried);
}
