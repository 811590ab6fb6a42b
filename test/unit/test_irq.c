/*
 * test/unit/test_irq.c: interrupts from the controller's registers to the
 * message that a driver gets, and back.
 *
 * The test plays the controller, as its specification describes it, and the
 * few functions of ipc/ that irq.c sends by.
 *
 * Sources: drivers/plic.c kernel/irq.c kernel/lock.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arch/mmio.h>
#include <arch/pmap.h>
#include <device/device.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/machine.h"
#include "drivers/plic.h"
#include "ipc/fast_irq.h"
#include "ipc/kmsg.h"
#include "ipc/message.h"
#include "ipc/port.h"
#include "kernel/irq.h"
#include "kernel/zone.h"

enum {
	SOURCES = 70,
	CONTEXTS = 9,
	OURS = 4, /* the boot hart's S-mode context */
};

/* ---- the controller ---- */

static struct {
	uint32_t priority[SOURCES + 1];
	bool enabled[CONTEXTS][SOURCES + 1];
	uint32_t threshold[CONTEXTS];
	bool level[SOURCES + 1];   /* what the device does */
	bool claimed[SOURCES + 1]; /* the gateway is shut */
} controller;

static char window[1]; /* an address, never accessed */

static uint32_t
claim(uint32_t context)
{
	uint32_t source, best = 0;

	for (source = 1; source <= SOURCES; source++)
		if (controller.level[source] && !controller.claimed[source] &&
		    controller.enabled[context][source] &&
		    controller.priority[source] >
			controller.threshold[context] &&
		    controller.priority[source] > controller.priority[best])
			best = source;
	controller.claimed[best] = best != 0;
	return best;
}

static void
complete(uint32_t context, uint32_t source)
{
	assert_in_range(source, 1, SOURCES);
	/* "the completion is silently ignored" */
	if (controller.enabled[context][source])
		controller.claimed[source] = false;
}

static uint32_t
enable_word(uint32_t context, uint32_t first, bool write, uint32_t value)
{
	uint32_t bit, word = 0;

	assert_in_range(context, 0, CONTEXTS - 1);
	for (bit = 0; bit < 32 && first + bit <= SOURCES; bit++) {
		if (write)
			controller.enabled[context][first + bit] =
			    value >> bit & 1;
		word |= (uint32_t)controller.enabled[context][first + bit]
			<< bit;
	}
	return word;
}

uint32_t
host_mmio_read(const volatile void *at, uint64_t offset)
{
	assert_ptr_equal(at, window);
	assert_int_equal(offset % 4, 0);
	if (offset >= 0x200000) {
		assert_int_equal(offset % 0x1000, 4);
		return claim((uint32_t)((offset - 0x200000) / 0x1000));
	}
	assert_in_range(offset, 0x2000, 0x2000 + 0x80 * CONTEXTS - 4);
	return enable_word((uint32_t)(offset - 0x2000) / 0x80,
	    (uint32_t)(offset % 0x80) * 8, false, 0);
}

void
host_mmio_write(volatile void *at, uint64_t offset, uint32_t value)
{
	uint32_t context = (uint32_t)((offset - 0x200000) / 0x1000);

	assert_ptr_equal(at, window);
	assert_int_equal(offset % 4, 0);
	if (offset < 0x1000) {
		assert_in_range(offset / 4, 1, SOURCES);
		controller.priority[offset / 4] = value;
	} else if (offset < 0x200000) {
		enable_word((uint32_t)(offset - 0x2000) / 0x80,
		    (uint32_t)(offset % 0x80) * 8, true, value);
	} else if (offset % 0x1000 == 0) {
		assert_in_range(context, 0, CONTEXTS - 1);
		controller.threshold[context] = value;
	} else {
		complete(context, value);
	}
}

void *
pmap_map_device(paddr_t pa, uint64_t size)
{
	assert_int_equal(pa, 0xc000000);
	assert_int_equal(size, 0x200000 + 0x1000 * CONTEXTS);
	return window;
}

/* ---- what irq.c wants of ipc/ and of the kernel ---- */

const NDR_record_t NDR_record = {.int_rep = 1};

static int messages_alive, send_rights;
static bool no_memory;
static struct kmsg *last_message;
static struct port *last_port;

struct kmsg *
kmsg_alloc(struct ledger *ledger, uint32_t body_size, uint32_t descriptors)
{
	struct kmsg *kmsg;

	assert_null(ledger);
	assert_int_equal(descriptors, 0);
	if (no_memory)
		return NULL;
	kmsg = calloc(1, sizeof(*kmsg) + body_size);
	kmsg->size = HEADER_SIZE + body_size;
	messages_alive++;
	return kmsg;
}

void
kmsg_free(struct kmsg *kmsg)
{
	messages_alive--;
	free(kmsg);
}

void
port_send_kernel(
    struct port *port, mach_msg_type_name_t type, struct kmsg *kmsg)
{
	assert_int_equal(type, MACH_MSG_TYPE_PORT_SEND);
	assert_null(last_message);
	send_rights--;
	last_port = port;
	last_message = kmsg;
}

struct port *
right_copy_send(struct port *port)
{
	send_rights++;
	return port;
}

void
right_release_send(struct port *port)
{
	if (port != NULL)
		send_rights--;
}

void
port_put(struct port *port)
{
	atomic_fetch_sub(&port->refs, 1);
}

/* A driver that waits, and is run at once. */
static bool waits;
static struct thread *const waiting = (void *)window;
static jmp_buf interrupted;
static struct {
	uint32_t index, count;
} told;

bool ipc_fast_enabled = true;

struct thread *
fast_interrupt_claim(struct port *port)
{
	assert_int_equal(port->state, PORT_IN_SPACE);
	return waits ? waiting : NULL;
}

noreturn void
fast_interrupt_run(struct thread *receiver, uint32_t index, uint32_t count)
{
	assert_ptr_equal(receiver, waiting);
	told.index = index;
	told.count = count;
	longjmp(interrupted, 1);
}

void *
kmem_alloc(size_t size)
{
	return malloc(size);
}

/* ---- the tests ---- */

static struct machine machine;
static struct port driver, second_driver;

/* The machine is set up once, as it is booted once. */
static int
boot(void **state)
{
	(void)state;
	memset(controller.enabled, true, sizeof(controller.enabled));
	memset(controller.priority, 0xff, sizeof(controller.priority));
	controller.priority[0] = 0; /* no source: less than any */
	controller.threshold[OURS] = 7;
	machine.hart_count = 2;
	machine.harts[0].context = OURS;
	machine.harts[1].context = CONTEXTS - 1;
	machine.plic = (struct machine_plic){
	    .node = 0,
	    .window = {0xc000000, 0x10000000},
	    .source_count = SOURCES,
	    .context_count = CONTEXTS,
	};
	irq_init(&machine);
	return 0;
}

/* Take the message that arrived; @count interrupts until now. */
static void
expect_message(struct port *port, uint32_t index, uint32_t count)
{
	const struct device_interrupt *message;

	assert_non_null(last_message);
	assert_ptr_equal(last_port, port);
	assert_int_equal(last_message->id, MSGID_DEVICE_INTERRUPT);
	assert_int_equal(last_message->size, sizeof(*message));
	message = (const void *)(last_message->body - HEADER_SIZE);
	assert_int_equal(message->index, index);
	assert_int_equal(message->count, count);
	assert_memory_equal(&message->ndr, &NDR_record, sizeof(NDR_record));
	kmsg_free(last_message);
	last_message = NULL;
}

/* The device at @source raises its line. */
static void
raise_line(uint32_t source)
{
	controller.level[source] = true;
	irq_interrupt();
}

static void
register_line(uint32_t source, uint32_t index, struct port *port)
{
	port->state = PORT_IN_SPACE;
	send_rights++;
	assert_int_equal(irq_register(source, index, port), KERN_SUCCESS);
}

static void
firmware_settings_are_cleared(void **state)
{
	uint32_t source;

	(void)state;
	assert_int_equal(controller.threshold[OURS], 0);
	for (source = 1; source <= SOURCES; source++) {
		assert_int_equal(controller.priority[source], 0);
		assert_false(controller.enabled[OURS][source]);
		assert_false(controller.enabled[CONTEXTS - 1][source]);
		/* nobody's context but the firmware's */
		assert_true(controller.enabled[0][source]);
	}
}

static void
an_interrupt_is_one_message_until_acknowledged(void **state)
{
	(void)state;
	register_line(33, 2, &driver);
	assert_null(last_message);
	raise_line(33);
	expect_message(&driver, 2, 1);
	raise_line(33);
	assert_null(last_message);

	/* still raised when the driver says that it is done */
	assert_int_equal(irq_ack(33), KERN_SUCCESS);
	irq_interrupt();
	expect_message(&driver, 2, 2);

	controller.level[33] = false;
	assert_int_equal(irq_ack(33), KERN_SUCCESS);
	irq_interrupt();
	assert_null(last_message);
	/* nothing to be done with: no effect */
	assert_int_equal(irq_ack(33), KERN_SUCCESS);
	assert_int_equal(messages_alive, 1);
	assert_int_equal(send_rights, 1);
}

/* From user mode; true: the driver has been run. */
static bool
interrupt_user(void)
{
	if (setjmp(interrupted) != 0)
		return true;
	irq_interrupt_user();
	return false;
}

static void
who_waits_is_run_at_once(void **state)
{
	int alive;

	(void)state;
	register_line(51, 3, &driver);
	alive = messages_alive;
	no_memory = true; /* it takes none */
	waits = true;
	for (uint32_t i = 1; i <= 3; i++) {
		controller.level[51] = true;
		assert_true(interrupt_user());
		assert_int_equal(told.index, 3);
		assert_int_equal(told.count, i);
		assert_true(controller.claimed[51]);
		/* it is with the driver: nothing more comes */
		assert_false(interrupt_user());
		controller.level[51] = false;
		assert_int_equal(irq_ack(51), KERN_SUCCESS);
		assert_false(controller.claimed[51]);
	}
	assert_null(last_message);
	assert_int_equal(messages_alive, alive);

	/* he does not: it is a message, and the next one takes memory */
	waits = false;
	controller.level[51] = true;
	assert_false(interrupt_user());
	expect_message(&driver, 3, 4);
	controller.level[51] = false;
	assert_int_equal(irq_ack(51), KERN_RESOURCE_SHORTAGE);
	assert_true(controller.claimed[51]);
	no_memory = false;
	assert_int_equal(irq_ack(51), KERN_SUCCESS);
	assert_false(controller.claimed[51]);
	assert_int_equal(messages_alive, alive);

	/* its driver dies, told without a message */
	waits = true;
	controller.level[51] = true;
	assert_true(interrupt_user());
	waits = false;
	driver.state = PORT_IS_DEAD;
	controller.level[51] = false;
	register_line(51, 4, &second_driver);
	assert_false(controller.claimed[51]);
	assert_int_equal(messages_alive, alive);
	raise_line(51);
	expect_message(&second_driver, 4, 1);
	controller.level[51] = false;
	assert_int_equal(irq_ack(51), KERN_SUCCESS);
	driver.state = PORT_IN_SPACE;
	second_driver.state = PORT_IN_SPACE;
}

static void
lines_do_not_shut_each_other(void **state)
{
	(void)state;
	register_line(31, 0, &driver);
	register_line(32, 1, &driver);
	raise_line(32);
	expect_message(&driver, 1, 1);
	raise_line(31);
	expect_message(&driver, 0, 1);
	controller.level[31] = controller.level[32] = false;
	assert_int_equal(irq_ack(31), KERN_SUCCESS);
	assert_int_equal(irq_ack(32), KERN_SUCCESS);
}

static void
a_line_has_one_living_driver(void **state)
{
	(void)state;
	register_line(40, 0, &driver);
	assert_int_equal(irq_register(40, 0, &second_driver), D_ALREADY_OPEN);
	raise_line(40);
	expect_message(&driver, 0, 1);

	/* it dies with the interrupt in its hands */
	driver.state = PORT_IS_DEAD;
	register_line(40, 5, &second_driver);
	irq_interrupt();
	expect_message(&second_driver, 5, 1);
	controller.level[40] = false;
	assert_int_equal(irq_ack(40), KERN_SUCCESS);
}

static void
shortage_is_told_and_the_line_stays_shut(void **state)
{
	(void)state;
	no_memory = true;
	assert_int_equal(irq_register(50, 0, &driver), KERN_RESOURCE_SHORTAGE);
	no_memory = false;
	register_line(50, 0, &driver);
	raise_line(50);
	expect_message(&driver, 0, 1);
	no_memory = true;
	assert_int_equal(irq_ack(50), KERN_RESOURCE_SHORTAGE);
	irq_interrupt();
	assert_null(last_message);
	no_memory = false;
	assert_int_equal(irq_ack(50), KERN_SUCCESS);
	irq_interrupt();
	expect_message(&driver, 0, 2);
	controller.level[50] = false;
	assert_int_equal(irq_ack(50), KERN_SUCCESS);
}

static void
lines_that_are_not_there_are_refused(void **state)
{
	static const uint32_t lines[] = {0, SOURCES + 1, UINT32_MAX};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		assert_int_equal(
		    irq_register(lines[i], 0, &driver), D_INVALID_OPERATION);
		assert_int_equal(irq_ack(lines[i]), D_INVALID_OPERATION);
	}
	assert_int_equal(irq_ack(60), D_INVALID_OPERATION);
}

/* Enabled behind our back: it must not interrupt for ever. */
static void
an_interrupt_nobody_wants_is_disabled(void **state)
{
	(void)state;
	controller.enabled[OURS][61] = true;
	controller.priority[61] = 1;
	raise_line(61);
	assert_null(last_message);
	assert_false(controller.enabled[OURS][61]);
	assert_false(controller.claimed[61]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(firmware_settings_are_cleared),
	    cmocka_unit_test(an_interrupt_is_one_message_until_acknowledged),
	    cmocka_unit_test(lines_do_not_shut_each_other),
	    cmocka_unit_test(who_waits_is_run_at_once),
	    cmocka_unit_test(a_line_has_one_living_driver),
	    cmocka_unit_test(shortage_is_told_and_the_line_stays_shut),
	    cmocka_unit_test(lines_that_are_not_there_are_refused),
	    cmocka_unit_test(an_interrupt_nobody_wants_is_disabled),
	};

	return cmocka_run_group_tests(tests, boot, NULL);
}
