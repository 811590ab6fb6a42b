/*
 * ipc/fast_exception.h: the short way from a fault to a handler that waits for
 * it, and back.
 *
 * As with fast.c, what these do kernel/exception.c and exception.c would do,
 * too, and they decline before anything has changed.
 */
#pragma once
#include "kernel/types.h"
#include <mach/exception_types.h>
#include <mach/port.h>

struct port;
struct thread;

/*
 * Ask about the exception that the current thread has just raised: if somebody
 * waits on the port of its thread or task that is first in order, the question
 * is written into his buffer and he runs.  Otherwise this is exception_ask().
 *
 * Built for callers that keep no registers: hence it does not return.
 */
noreturn void fast_exception_ask(void);

/* The behavior that most handlers ask for. */
#define USUAL_BEHAVIOR ((uint32_t)(EXCEPTION_DEFAULT | MACH_EXCEPTION_CODES))

/* ---- for fast*.c and call.S alone; each returns only to decline ---- */

/*
 * A reply without registers, of @id and with this body, by the right @remote to
 * a port of kind KOBJECT_EXCEPTION: if it lets a thread go on that waits for
 * it, that runs, while @self waits for its next message.
 * Locks: @self's space, the port and that @self receives from; unlocks them.
 */
void fast_exception_reply(struct thread *self, const uint32_t *body, int32_t id,
    mach_port_name_t remote);

/*
 * A reply of the trap that has its message in registers, by the spare right of
 * the current thread, to the thread that waits in the word of @port, which was
 * @word: if it lets that go on, that runs, while the current thread waits for
 * the next question in the word of its port.
 * Locks: the current thread's space, taken by a leg, which notes no locks;
 * unlocks it.
 */
void fast_exception_answer(struct port *to, uint64_t word);

/* The same for one with registers, @size in all, the body of which is still in
 * @buffer; @id: voucher, and the id above it. */
void fast_exception_answer_state(
    struct thread *self, uaddr_t buffer, uint64_t size, uint64_t id);

/* As fast_exception_reply(), for one with registers, whose body is still in
 * self->receive.buffer, which is the sender's too. */
void fast_exception_state(
    struct thread *self, uint64_t size, int32_t id, mach_port_name_t remote);
