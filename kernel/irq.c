/* irq.c: see irq.h; drivers/plic.h has the controller. */
#include "kernel/irq.h"

#include <arch/pmap.h>
#include <device/device.h>

#include "drivers/machine.h"
#include "drivers/plic.h"
#include "ipc/fast_irq.h"
#include "ipc/kmsg.h"
#include "ipc/message.h"
#include "ipc/port.h"
#include "kernel/cpu.h"
#include "kernel/kassert.h"
#include "kernel/klog.h"
#include "kernel/lock.h"
#include "kernel/string.h"
#include "kernel/zone.h"

/*
 * Idle:       @notify is NULL.
 * Open:       both are set; an interrupt shuts the line.
 * Shut:       @message is NULL: it is under way, or with the driver; or it is
 *	       set: the driver was told without it.
 * l: irq.lock
 */
struct irq_line {
	struct port *notify;  /* [l] a send right */
	struct kmsg *message; /* [l] */
	uint32_t index;	      /* [l] what the driver calls the line */
	uint32_t count;	      /* [l] interrupts since registration */
	bool shut;	      /* [l] the controller waits for irq_ack() */
};

/* I: set by irq_init() */
static struct {
	struct spinlock lock;	/* rank LOCK_IRQ */
	bool present;		/* [I] */
	struct plic plic;	/* [I]; what it maps, by the lock */
	uint32_t context;	/* [I] of the boot hart */
	uint32_t line_count;	/* [I] lines are 1 .. line_count - 1 */
	struct irq_line *lines; /* [I] */
} irq = {.lock = SPINLOCK_INIT(LOCK_IRQ)};

/* ---- boot ---- */

static uint32_t
highest_context(const struct machine *machine)
{
	int32_t highest = 0;
	uint32_t i;

	for (i = 0; i < machine->hart_count; i++)
		if (machine->harts[i].context > highest)
			highest = machine->harts[i].context;
	return (uint32_t)highest;
}

/* Map as much of the controller as our contexts need; NULL: cannot. */
static void *
map_plic(const struct machine *machine)
{
	const struct machine_plic *plic = &machine->plic;
	uint64_t size = plic_window_size(highest_context(machine));

	if (machine_range_size(plic->window) < size)
		return NULL;
	return pmap_map_device(plic->window.start, size);
}

void
irq_init(const struct machine *machine)
{
	const struct machine_hart *boot_hart = &machine->harts[0];
	size_t size;
	void *window;
	uint32_t i;

	if (machine->plic.node == FDT_NONE ||
	    boot_hart->context == MACHINE_NO_CONTEXT) {
		klog("irq: no interrupt controller in the device tree\n");
		return;
	}
	window = map_plic(machine);
	if (window == NULL) {
		klog("irq: the interrupt controller has no usable window\n");
		return;
	}
	plic_init(&irq.plic, window, &machine->plic);
	for (i = 0; i < machine->hart_count; i++)
		if (machine->harts[i].context != MACHINE_NO_CONTEXT)
			plic_init_context(
			    &irq.plic, (uint32_t)machine->harts[i].context);

	irq.line_count = irq.plic.source_count + 1;
	size = irq.line_count * sizeof(*irq.lines);
	irq.lines = kmem_alloc(size);
	if (irq.lines == NULL)
		panic("no memory for %u interrupt lines", irq.line_count);
	memset(irq.lines, 0, size);
	irq.context = (uint32_t)boot_hart->context;
	irq.present = true;
	klog("irq: %u lines, controller at %lx, context %u of hart %lu\n",
	    irq.plic.source_count, machine->plic.window.start, irq.context,
	    boot_hart->id);
}

/* ---- messages ---- */

static struct kmsg *
make_message(void)
{
	return kmsg_alloc(
	    NULL, sizeof(struct device_interrupt) - HEADER_SIZE, 0);
}

static void
fill_message(struct kmsg *message, const struct irq_line *line)
{
	const NDR_record_t ndr = NDR_record;
	const uint32_t words[] = {line->index, line->count};
	uint8_t *body =
	    kmsg_at(message, HEADER_SIZE, sizeof(ndr) + sizeof(words));

	message->id = MSGID_DEVICE_INTERRUPT;
	memcpy(body, &ndr, sizeof(ndr));
	memcpy(body + sizeof(ndr), words, sizeof(words));
}

/* ---- interrupts ---- */

/*
 * Take the message of the line that was claimed; NULL: nobody listens.  The
 * port comes with a reference.
 */
static struct kmsg *
take_message(uint32_t source, struct port **notifyp)
{
	struct irq_line *line = &irq.lines[source];
	struct kmsg *message = NULL;

	spin_lock(&irq.lock);
	if (line->notify != NULL && !line->shut) {
		message = line->message;
		line->message = NULL;
		line->shut = true;
		line->count++;
		fill_message(message, line);
		*notifyp = port_get(line->notify);
	} else {
		/* Enabled by whom?  It must not keep the hart busy. */
		plic_complete(&irq.plic, irq.context, source);
		plic_disable(&irq.plic, irq.context, source);
	}
	spin_unlock(&irq.lock);
	return message;
}

static void
deliver(uint32_t source)
{
	struct port *notify;
	struct kmsg *message;

	ktrace(KT_INTERRUPT, source, (uintptr_t)current_thread());
	message = take_message(source, &notify);
	if (message == NULL)
		return;
	/*
	 * The registration's own send right is still there to be copied, or
	 * the port is dead, and then the copy is of no account.
	 */
	port_send_kernel(
	    right_copy_send(notify), MACH_MSG_TYPE_PORT_SEND, message);
	port_put(notify);
}

/* The driver waits for the line that was claimed, and runs; or this returns,
 * and nothing has happened. */
static void
deliver_at_once(uint32_t source)
{
	struct irq_line *line = &irq.lines[source];
	struct thread *receiver = NULL;
	uint32_t index, count;

	spin_lock(&irq.lock);
	if (line->notify != NULL && !line->shut)
		receiver = fast_interrupt_claim(line->notify);
	if (receiver == NULL) {
		spin_unlock(&irq.lock);
		return;
	}
	line->shut = true;
	index = line->index;
	count = ++line->count;
	spin_unlock(&irq.lock);
	fast_interrupt_run(receiver, index, count);
}

void
irq_interrupt_user(void)
{
	uint32_t source;

	if (!irq.present)
		return;
	/* What else is pending interrupts again. */
	source = plic_claim(&irq.plic, irq.context);
	if (source != 0 && source < irq.line_count) {
		if (CONFIG_FAST && ipc_fast_enabled)
			deliver_at_once(source);
		deliver(source);
	}
	irq_interrupt();
}

void
irq_interrupt(void)
{
	uint32_t source;

	if (!irq.present)
		return;
	/* Ends: what is claimed stays shut until somebody is done with it. */
	while ((source = plic_claim(&irq.plic, irq.context)) != 0)
		if (source < irq.line_count)
			deliver(source);
}

/* ---- drivers ---- */

static bool
line_exists(uint32_t source)
{
	return irq.present && source >= 1 && source < irq.line_count;
}

kern_return_t
irq_register(uint32_t source, uint32_t index, struct port *notify)
{
	struct irq_line *line, old;
	struct kmsg *message;

	if (!line_exists(source))
		return D_INVALID_OPERATION;
	message = make_message();
	if (message == NULL)
		return KERN_RESOURCE_SHORTAGE;

	line = &irq.lines[source];
	spin_lock(&irq.lock);
	old = *line;
	if (old.notify != NULL && !port_is_dead(old.notify)) {
		spin_unlock(&irq.lock);
		kmsg_free(message);
		return D_ALREADY_OPEN;
	}
	*line = (struct irq_line){
	    .notify = notify, .message = message, .index = index};
	plic_enable(&irq.plic, irq.context, source);
	/* What a driver that died was working on. */
	if (old.shut)
		plic_complete(&irq.plic, irq.context, source);
	spin_unlock(&irq.lock);

	if (old.message != NULL)
		kmsg_free(old.message);
	right_release_send(old.notify);
	return KERN_SUCCESS;
}

/* Open @line, if it is shut and a message is there for the next interrupt:
 * its own, or @spare, which is used up if it is taken.  False: there is none,
 * and it stays shut.  Locks: irq.lock. */
static bool
open_line(struct irq_line *line, uint32_t source, struct kmsg **spare)
{
	if (!line->shut)
		return true;
	if (line->message == NULL) {
		line->message = *spare;
		*spare = NULL;
	}
	if (line->message == NULL)
		return false;
	line->shut = false;
	plic_complete(&irq.plic, irq.context, source);
	return true;
}

kern_return_t
irq_ack(uint32_t source)
{
	struct kmsg *spare = NULL;
	struct irq_line *line;
	bool idle, opened;

	if (!line_exists(source))
		return D_INVALID_OPERATION;
	line = &irq.lines[source];
	spin_lock(&irq.lock);
	idle = line->notify == NULL;
	opened = idle || open_line(line, source, &spare);
	spin_unlock(&irq.lock);
	if (opened)
		return idle ? D_INVALID_OPERATION : KERN_SUCCESS;

	spare = make_message();
	if (spare == NULL)
		return KERN_RESOURCE_SHORTAGE;
	spin_lock(&irq.lock);
	/* It may have been opened meanwhile, or given away. */
	(void)open_line(line, source, &spare);
	spin_unlock(&irq.lock);
	if (spare != NULL)
		kmsg_free(spare);
	return KERN_SUCCESS;
}
