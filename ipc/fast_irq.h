/*
 * ipc/fast_irq.h: an interrupt, straight to the driver's thread that waits.
 *
 * Instead of a message that is queued, and a thread that is woken to fetch it:
 * the thread runs at once, on the hart that was interrupted, and finds the
 * message in its buffer.  Whoever ran there stands in the hart's queue.
 */
#pragma once
#include "kernel/types.h"

struct port;
struct thread;

/*
 * Who waits for a message on @port, claimed, if he may take the current
 * thread's place; NULL, and the reason is counted: the general path is to send
 * it.  He is fast_interrupt_run()'s from then on.
 *
 * Locks: irq.lock is held, so the port's and a set's are tried.
 */
struct thread *must_check fast_interrupt_claim(struct port *port);

/*
 * The current thread, which was interrupted in user mode, gives way to
 * @receiver, who gets a struct device_interrupt of these.
 */
noreturn void fast_interrupt_run(
    struct thread *receiver, uint32_t index, uint32_t count);
