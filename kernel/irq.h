/*
 * kernel/irq.h: device interrupts become messages.
 *
 *	device raises line
 *	  -> claimed: the line is shut
 *	  -> message 2854 to the driver's port
 *	       ... the driver quiets the device ...
 *	  <- irq_ack(): the line is open again
 *
 * So a line has one message under way at most, and a driver that does not
 * answer hears nothing more: interrupts cannot flood a queue or a hart.  The
 * message for the next interrupt is made when the line is opened, where a
 * shortage can still be told to somebody.
 *
 * A driver quiets its device before it acknowledges.  A controller raises a
 * line that is still active at once (as specified) or never (QEMU's, which
 * looks at changes only); neither is what the driver wants.
 *
 * All lines go to the boot hart.
 */
#pragma once
#include "kernel/types.h"

struct machine;
struct port;

void irq_init(const struct machine *machine);

/* The boot hart, from trap_interrupt(): deliver what is pending. */
void irq_interrupt(void);
/* The same where the current thread was interrupted in user mode: a driver that
 * is more urgent, and waits, runs in its place, and this does not return. */
void irq_interrupt_user(void);

/*
 * From now on line @source is a message to @notify, which calls it @index.  A
 * registration ends when its port is dead and somebody registers anew.
 *
 * Locks:   none held; takes irq.lock.
 * Refs:    consumes a send right to @notify, on success only.
 * Returns: KERN_SUCCESS
 *          D_INVALID_OPERATION    the machine has no such line
 *          D_ALREADY_OPEN         somebody alive has it
 *          KERN_RESOURCE_SHORTAGE
 */
kern_return_t must_check irq_register(
    uint32_t source, uint32_t index, struct port *notify);

/*
 * The driver is done with the last interrupt of @source; no effect if there
 * is none to be done with.
 *
 * Locks:   none held; takes irq.lock.
 * Returns: KERN_SUCCESS
 *          D_INVALID_OPERATION    nobody has registered it
 *          KERN_RESOURCE_SHORTAGE the line stays shut: try again
 */
kern_return_t must_check irq_ack(uint32_t source);
