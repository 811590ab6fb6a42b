/*
 * libc/stdio.c: stdin, stdout and stderr, and read() and write() on them.
 *
 * Output is gathered into lines, one buffer for each thread, so that lines of
 * several threads are not mixed and no lock is needed.  Where the lines go is
 * found out at the first one; see baton/stdio.h.
 */
#include <baton/stdio.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <device/device_calls.h>
#include <mach/mach.h>
#include <servers/bootstrap.h>
#include <servers/console.h>

#define LINE_MAX_BYTES 256

enum sink {
	SINK_UNKNOWN,
	SINK_CONSOLE,
	SINK_DEVICE,
	SINK_NOWHERE,
};

static enum sink sink;
static mach_port_t sink_port;

static _Thread_local struct {
	unsigned int used;
	char text[LINE_MAX_BYTES];
} line;

/* What the console has sent and nobody has read yet. */
static struct {
	size_t next, end;
	char text[CONSOLE_READ_MAX];
} input;

void
stdio_use_console(mach_port_t console)
{
	sink_port = console;
	sink = SINK_CONSOLE;
}

void
stdio_use_device(mach_port_t device)
{
	sink_port = device;
	sink = SINK_DEVICE;
}

/*
 * Two threads that get here at once find out the same, at the cost of one
 * reference more to the port.
 */
static void
sink_find(void)
{
	mach_port_t port;

	if (bootstrap_look_up(bootstrap_port, CONSOLE_SERVICE, &port) ==
	    KERN_SUCCESS)
		stdio_use_console(port);
	else if (bootstrap_device(bootstrap_port, "sbi-console", &port) ==
		 KERN_SUCCESS)
		stdio_use_device(port);
	else
		sink = SINK_NOWHERE;
}

static void
device_write(const char *text, size_t count)
{
	while (count > 0) {
		uint32_t written = 0;

		if (device_write_inband(sink_port, D_WRITE, 0, text,
			(uint32_t)count, &written) != KERN_SUCCESS ||
		    written == 0)
			return;
		text += written;
		count -= written;
	}
}

static void
sink_write(const char *text, size_t count)
{
	if (count == 0)
		return;
	if (sink == SINK_UNKNOWN)
		sink_find();
	if (sink == SINK_CONSOLE)
		console_write(sink_port, text, count);
	else if (sink == SINK_DEVICE)
		device_write(text, count);
}

static void
line_flush(void)
{
	sink_write(line.text, line.used);
	line.used = 0;
}

static int
stream_put(char c, FILE *stream)
{
	(void)stream;
	line.text[line.used++] = c;
	if (c == '\n' || line.used == LINE_MAX_BYTES)
		line_flush();
	return (unsigned char)c;
}

static int
stream_flush(FILE *stream)
{
	(void)stream;
	line_flush();
	return 0;
}

/* Waits for more input; false at its end. */
static bool
input_fill(void)
{
	line_flush(); /* a prompt without a newline should be seen */
	if (sink == SINK_UNKNOWN)
		sink_find();
	input.next = input.end = 0;
	return sink == SINK_CONSOLE &&
	       console_read(sink_port, input.text, sizeof(input.text),
		   &input.end) == KERN_SUCCESS &&
	       input.end > 0;
}

static int
stream_get(FILE *stream)
{
	(void)stream;
	if (input.next == input.end && !input_fill())
		return _FDEV_EOF;
	return (unsigned char)input.text[input.next++];
}

static FILE input_stream =
    FDEV_SETUP_STREAM(NULL, stream_get, NULL, _FDEV_SETUP_READ);
static FILE output_stream =
    FDEV_SETUP_STREAM(stream_put, NULL, stream_flush, _FDEV_SETUP_WRITE);

FILE *const stdin = &input_stream;
FILE *const stdout = &output_stream;
FILE *const stderr = &output_stream;

ssize_t
write(int file, const void *data, size_t count)
{
	if (file != STDOUT_FILENO && file != STDERR_FILENO) {
		errno = EBADF;
		return -1;
	}
	line_flush();
	sink_write(data, count);
	return (ssize_t)count;
}

ssize_t
read(int file, void *data, size_t count)
{
	size_t have;

	if (file != STDIN_FILENO) {
		errno = EBADF;
		return -1;
	}
	if (input.next == input.end && !input_fill())
		return 0;
	have = input.end - input.next;
	if (have > count)
		have = count;
	memcpy(data, input.text + input.next, have);
	input.next += have;
	return (ssize_t)have;
}

int
isatty(int file)
{
	return file >= STDIN_FILENO && file <= STDERR_FILENO;
}
