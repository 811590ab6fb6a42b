/* console/uart.c: see uart.h. */
#include "uart.h"

#include <string.h>

#include <device/device_calls.h>
#include <mach/mach.h>

/* Registers, by number */
enum {
	RECEIVE = 0,  /* read */
	TRANSMIT = 0, /* write */
	INTERRUPT_ENABLE = 1,
	INTERRUPT_ID = 2, /* read */
	FIFO_CONTROL = 2, /* write */
	LINE_STATUS = 5,
	BUSY_STATUS = 31, /* DesignWare only */
};

enum {
	ENABLE_RECEIVE = 1 << 0,
	FIFO_ENABLE = 1 << 0,
	ID_MASK = 0xf,
	ID_BUSY = 0x7, /* DesignWare: line control was written while busy */
	ID_FIFO_ON = 0xc0,
	STATUS_RECEIVED = 1 << 0,
	STATUS_HOLDING_EMPTY = 1 << 5,
	STATUS_ALL_SENT = 1 << 6,
};

#define FIFO_SIZE 16

/* Looks at the status before a transmitter that hangs is given up. */
#define PATIENCE 1000000

static const char *const known[] = {
    "ns16550a",
    "ns16550",
    "snps,dw-apb-uart",
    "intel,xscale-uart",
};

/* ---- registers ---- */

static uint32_t
uart_get(const struct uart *uart, unsigned int number)
{
	uintptr_t address = uart->base + ((uintptr_t)number << uart->shift);

	switch (uart->width) {
	case 4:
		return *(volatile uint32_t *)address;
	case 2:
		return *(volatile uint16_t *)address;
	}
	return *(volatile uint8_t *)address;
}

static void
uart_set(struct uart *uart, unsigned int number, uint32_t value)
{
	uintptr_t address = uart->base + ((uintptr_t)number << uart->shift);

	switch (uart->width) {
	case 4:
		*(volatile uint32_t *)address = value;
		break;
	case 2:
		*(volatile uint16_t *)address = (uint16_t)value;
		break;
	default:
		*(volatile uint8_t *)address = (uint8_t)value;
	}
}

/* ---- the device tree ---- */

/* A number of the node, or @missing. */
static uint32_t
number_property(mach_port_t device, const char *name, uint32_t missing)
{
	uint32_t value, size, count = sizeof(value);

	if (device_property(device, name, &size, (char *)&value, &count) !=
		KERN_SUCCESS ||
	    size != sizeof(value))
		return missing;
	return __builtin_bswap32(value);
}

static bool
is_known(const char *compatible)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(compatible, known[i]) == 0)
			return true;
	return false;
}

/* `compatible` is a list of strings, each with its NUL. */
static bool
is_compatible(mach_port_t device)
{
	char list[DEVICE_PROPERTY_MAX + 1] = "";
	uint32_t whole, size = DEVICE_PROPERTY_MAX;

	if (device_property(device, "compatible", &whole, list, &size) !=
	    KERN_SUCCESS)
		return false;
	for (uint32_t at = 0; at < size; at += strlen(list + at) + 1)
		if (is_known(list + at))
			return true;
	return false;
}

bool
uart_open(struct uart *uart, mach_port_t device)
{
	mach_vm_address_t address;
	mach_vm_size_t size;

	if (!is_compatible(device) ||
	    device_map_window(device, mach_task_self(), 0, &address, &size) !=
		KERN_SUCCESS)
		return false;
	*uart = (struct uart){
	    .base = address + number_property(device, "reg-offset", 0),
	    .shift = number_property(device, "reg-shift", 0),
	    .width = number_property(device, "reg-io-width", 1),
	};
	uart_set(uart, FIFO_CONTROL, FIFO_ENABLE);
	uart->burst = (uart_get(uart, INTERRUPT_ID) & ID_FIFO_ON) == ID_FIFO_ON
			  ? FIFO_SIZE
			  : 1;
	return true;
}

/* ---- interrupts ---- */

void
uart_interrupts_on(struct uart *uart)
{
	/* Other bits stay: on an XScale bit 6 keeps the whole unit on. */
	uart_set(uart, INTERRUPT_ENABLE,
	    uart_get(uart, INTERRUPT_ENABLE) | ENABLE_RECEIVE);
}

void
uart_settle(struct uart *uart)
{
	if ((uart_get(uart, INTERRUPT_ID) & ID_MASK) == ID_BUSY)
		uart_get(uart, BUSY_STATUS);
}

/* ---- characters ---- */

static bool
wait_for(struct uart *uart, uint32_t status)
{
	for (unsigned int i = 0; i < PATIENCE; i++)
		if (uart_get(uart, LINE_STATUS) & status)
			return true;
	return false;
}

void
uart_write(struct uart *uart, const char *text, size_t count)
{
	while (count > 0) {
		size_t burst = count < uart->burst ? count : uart->burst;

		if (!wait_for(uart, STATUS_HOLDING_EMPTY))
			return;
		for (size_t i = 0; i < burst; i++)
			uart_set(uart, TRANSMIT, (uint8_t)text[i]);
		text += burst;
		count -= burst;
	}
}

void
uart_drain(struct uart *uart)
{
	wait_for(uart, STATUS_ALL_SENT);
}

bool
uart_read(struct uart *uart, char *c)
{
	if (!(uart_get(uart, LINE_STATUS) & STATUS_RECEIVED))
		return false;
	*c = (char)uart_get(uart, RECEIVE);
	return true;
}
