/*
 * console/uart.h: the 16550 and its descendants.
 *
 * Speed and format are left as firmware set them: the divisor needs a clock
 * whose frequency the tree need not tell, and the firmware has printed with it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mach/mach_types.h>

struct uart {
	uintptr_t base;
	unsigned int shift; /* registers lie 1 << shift bytes apart */
	unsigned int width; /* bytes of one access: 1, 2 or 4 */
	unsigned int burst; /* characters that an empty transmitter takes */
};

/* Whether the node of @device is one, and its registers mapped. */
bool uart_open(struct uart *uart, mach_port_t device);

/* From now on an interrupt for each character received. */
void uart_interrupts_on(struct uart *uart);

void uart_write(struct uart *uart, const char *text, size_t count);
void uart_drain(struct uart *uart);

/* The next character received; false: none. */
bool uart_read(struct uart *uart, char *c);

/* Takes back what made the interrupt; received characters are to be read. */
void uart_settle(struct uart *uart);
