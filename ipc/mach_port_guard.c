/*
 * mach_port_guard.c: guards of receive rights.
 *
 * A guarded receive right is given up by mach_port_destruct() alone, with the
 * guard; a strict guard keeps the context, which is the guard, from being read
 * or changed; an immovable right stays in its task until it dies.  What goes
 * against a guard is refused with a code, as Mach has it, and nobody is ended
 * for it.
 */
#include "ipc/mach_port.h"

#include "ipc/port.h"
#include "ipc/right.h"

kern_return_t
mach_port_guard_with_flags(
    struct space *space, mach_port_name_t name, uint64_t guard, uint64_t flags)
{
	struct port *port;
	kern_return_t kr;

	if ((flags & ~(uint64_t)(MPG_STRICT | MPG_IMMOVABLE_RECEIVE)) != 0)
		return KERN_INVALID_ARGUMENT;
	kr = port_lock_named(space, name, &port);
	if (kr != KERN_SUCCESS)
		return kr;
	/* A context is as good as a guard: nobody's is overwritten. */
	if (port->context != 0 || (port->flags & PORT_GUARDED)) {
		kr = KERN_INVALID_ARGUMENT;
	} else {
		port->context = guard;
		port->flags |= port_guard_flags(flags);
	}
	spin_unlock(&port->lock);
	return kr;
}

/* Lock the port that is guarded with @guard. */
static kern_return_t
lock_guarded(struct space *space, mach_port_name_t name, uint64_t guard,
    struct port **portp)
{
	struct port *port;
	kern_return_t kr = port_lock_named(space, name, &port);

	if (kr != KERN_SUCCESS)
		return kr;
	if ((port->flags & PORT_GUARDED) == 0 || port->context != guard) {
		spin_unlock(&port->lock);
		return KERN_INVALID_ARGUMENT;
	}
	*portp = port;
	return KERN_SUCCESS;
}

kern_return_t
mach_port_unguard(struct space *space, mach_port_name_t name, uint64_t guard)
{
	struct port *port;
	kern_return_t kr = lock_guarded(space, name, guard, &port);

	if (kr != KERN_SUCCESS)
		return kr;
	/* That it may not move is for ever. */
	port->flags &= (uint8_t) ~(PORT_GUARDED | PORT_STRICT);
	port->context = 0;
	spin_unlock(&port->lock);
	return KERN_SUCCESS;
}

kern_return_t
mach_port_swap_guard(struct space *space, mach_port_name_t name,
    uint64_t old_guard, uint64_t new_guard)
{
	struct port *port;
	kern_return_t kr = lock_guarded(space, name, old_guard, &port);

	if (kr != KERN_SUCCESS)
		return kr;
	if (port->flags & PORT_STRICT)
		kr = KERN_INVALID_ARGUMENT;
	else
		port->context = new_guard;
	spin_unlock(&port->lock);
	return kr;
}

kern_return_t
mach_port_assert_attributes(struct space *space, mach_port_name_t name,
    mach_port_flavor_t flavor, const uint32_t *info, uint32_t count)
{
	struct port *port;
	kern_return_t kr;

	if (flavor != MACH_PORT_GUARD_INFO)
		return KERN_INVALID_ARGUMENT;
	if (count < MACH_PORT_GUARD_INFO_COUNT)
		return KERN_FAILURE;
	kr =
	    lock_guarded(space, name, info[0] | (uint64_t)info[1] << 32, &port);
	if (kr != KERN_SUCCESS)
		return kr;
	if ((port->flags & PORT_STRICT) == 0)
		kr = KERN_INVALID_ARGUMENT;
	spin_unlock(&port->lock);
	return kr;
}
