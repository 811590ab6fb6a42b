/*
 * ipc/fast_exception.h: the short way from a fault to a handler that waits for
 * it, and back.
 *
 * As with fast.c, what these do kernel/exception.c and exception.c would do,
 * too, and they decline before anything has changed.
 */
#pragma once
#include "kernel/types.h"
#include <mach/port.h>

struct thread;

/*
 * Ask about the exception that the current thread has just raised: if somebody
 * waits on the port of its thread or task that is first in order, the question
 * is written into his buffer and he runs.  Otherwise this is exception_ask().
 *
 * Built for callers that keep no registers: hence it does not return.
 */
noreturn void fast_exception_ask(void);

/* ---- for fast.c and fast_direct.c alone; each returns only to decline ---- */

/*
 * A reply without registers, of @id and with this body, by the right @remote to
 * a port of kind KOBJECT_EXCEPTION: if it lets a thread go on that waits for
 * it, that runs, while @self waits for its next message.
 * Locks: @self's space, the port and that @self receives from; unlocks them.
 */
void fast_exception_reply(struct thread *self, const uint32_t *body, int32_t id,
    mach_port_name_t remote);

/* The same for one with registers, whose body is still in self->receive.buffer,
 * which is the sender's too. */
void fast_exception_state(
    struct thread *self, uint64_t size, int32_t id, mach_port_name_t remote);
