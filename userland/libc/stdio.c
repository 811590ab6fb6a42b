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
/* How often a message for which there was no room is tried again. */
#define WRITE_TRIES 20

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

/* One piece; *@written: how much of it. */
static kern_return_t
piece_write(const char *text, uint32_t count, uint32_t *written)
{
	*written = count;
	switch (sink) {
	case SINK_CONSOLE:
		return console_write(sink_port, text, count);
	case SINK_DEVICE:
		return device_write_inband(
		    sink_port, D_WRITE, 0, text, count, written);
	default:
		return KERN_SUCCESS;
	}
}

/*
 * The same.  Who has no room for another message of his may have it when some
 * were received, but not if it is he who has to do that: so he waits a little.
 */
static kern_return_t
piece_try(const char *text, uint32_t count, uint32_t *written)
{
	kern_return_t kr = piece_write(text, count, written);

	for (int i = 0; kr == MACH_SEND_NO_BUFFER && i < WRITE_TRIES; i++) {
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 1);
		kr = piece_write(text, count, written);
	}
	return kr;
}

static int
error_of(kern_return_t kr)
{
	return kr == MACH_SEND_NO_BUFFER ? EAGAIN : EIO;
}

/* How many bytes were written; with fewer than @count, errno says why. */
static size_t
sink_write(const char *text, size_t count)
{
	size_t done = 0;

	if (count > 0 && sink == SINK_UNKNOWN)
		sink_find();
	while (done < count) {
		size_t left = count - done;
		uint32_t piece = left < CONSOLE_WRITE_MAX ? (uint32_t)left
							  : CONSOLE_WRITE_MAX;
		uint32_t written;
		kern_return_t kr = piece_try(text + done, piece, &written);

		if (kr != KERN_SUCCESS || written == 0) {
			errno = error_of(kr);
			break;
		}
		done += written;
	}
	return done;
}

/* What cannot be written is lost: 0, or _FDEV_ERR. */
static int
line_flush(void)
{
	size_t used = line.used;

	if (used == 0)
		return 0;
	line.used = 0;
	return sink_write(line.text, used) == used ? 0 : _FDEV_ERR;
}

static int
stream_put(char c, FILE *stream)
{
	(void)stream;
	line.text[line.used++] = c;
	if ((c == '\n' || line.used == LINE_MAX_BYTES) && line_flush() != 0)
		return _FDEV_ERR;
	return (unsigned char)c;
}

static int
stream_flush(FILE *stream)
{
	(void)stream;
	return line_flush();
}

/* Waits for more input; false at its end. */
static bool
input_fill(void)
{
	(void)line_flush(); /* a prompt without a newline should be seen */
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
	size_t written;

	if (file != STDOUT_FILENO && file != STDERR_FILENO) {
		errno = EBADF;
		return -1;
	}
	(void)line_flush();
	written = sink_write(data, count);
	return written > 0 || count == 0 ? (ssize_t)written : -1;
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
