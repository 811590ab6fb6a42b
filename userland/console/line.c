/* console/line.c: see line.h. */
#include "line.h"

#include <string.h>

#include <device/device_calls.h>
#include <mach/mach.h>
#include <servers/bootstrap.h>

#include "uart.h"

static struct uart uart;
static bool have_uart;
static mach_port_t device; /* the UART's, or the firmware's console */

bool
line_open(mach_port_t notify, bool *polled)
{
	if (bootstrap_device(bootstrap_port, "stdout", &device) ==
		KERN_SUCCESS &&
	    uart_open(&uart, device)) {
		have_uart = true;
		*polled =
		    device_intr_register(device, 0, notify) != KERN_SUCCESS;
		if (!*polled)
			uart_interrupts_on(&uart);
		return true;
	}
	*polled = true;
	return bootstrap_device(bootstrap_port, "sbi-console", &device) ==
	       KERN_SUCCESS;
}

static void
write_plain(const char *text, size_t count)
{
	if (have_uart) {
		uart_write(&uart, text, count);
		return;
	}
	while (count > 0) {
		uint32_t written = 0;

		if (device_write_inband(device, D_WRITE, 0, text,
			(uint32_t)count, &written) != KERN_SUCCESS ||
		    written == 0)
			return;
		text += written;
		count -= written;
	}
}

void
line_output(const char *text, size_t count)
{
	while (count > 0) {
		const char *newline = memchr(text, '\n', count);
		size_t plain =
		    newline == NULL ? count : (size_t)(newline - text);

		write_plain(text, plain);
		if (newline == NULL)
			return;
		write_plain("\r\n", 2);
		text = newline + 1;
		count -= plain + 1;
	}
}

void
line_drain(void)
{
	if (have_uart)
		uart_drain(&uart);
}

static void
device_input(void (*take)(char key))
{
	char keys[DEVICE_INBAND_MAX];
	uint32_t count = sizeof(keys);

	while (device_read_inband(device, D_READ, 0, sizeof(keys), keys,
		   &count) == KERN_SUCCESS &&
	       count > 0) {
		for (uint32_t i = 0; i < count; i++)
			take(keys[i]);
		count = sizeof(keys);
	}
}

void
line_input(void (*take)(char key))
{
	char key;

	if (!have_uart) {
		device_input(take);
		return;
	}
	uart_settle(&uart);
	while (uart_read(&uart, &key))
		take(key);
}

void
line_acknowledge(void)
{
	device_intr_ack(device, 0);
}
