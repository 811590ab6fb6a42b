/*
 * servers/console.h: the console server, service "console".
 *
 * It owns the serial line.  Writers send whole pieces of text, which come out
 * in the order of arrival, never mixed within a piece.  Readers get lines,
 * edited by backspace, ^U (start over) and ^C (give up), or single keys in
 * raw mode.  The messages are defined in servers/console.defs.
 */
#pragma once

#include <mach/cdefs.h>
#include <mach/mach_types.h>

MACH_BEGIN_DECLS

#define CONSOLE_SERVICE	  "console"
#define CONSOLE_WRITE_MAX 1024
#define CONSOLE_READ_MAX  256

typedef const char *console_piece_t;
typedef char *console_input_t;

/*
 * Writes @count bytes in pieces of CONSOLE_WRITE_MAX.  Waits only while the
 * server's queue is full.  Returns the codes of mach_msg().
 */
kern_return_t console_write(
    mach_port_t console, const char *data, size_t count);

/*
 * Reads a line, its newline included, or at least one key in raw mode; at
 * most @wanted bytes, the rest stays for the next call.  *@count is 0 when the
 * line was given up with ^C, or ^D was typed on an empty one.
 */
kern_return_t console_read(
    mach_port_t console, char *data, size_t wanted, size_t *count);

/* Raw: every key at once, no echo.  Else lines. */
kern_return_t console_mode(mach_port_t console, boolean_t raw);

/*
 * Waits until all that was written before has left the machine, but no longer
 * than @limit milliseconds: MACH_SEND_TIMED_OUT, MACH_RCV_TIMED_OUT.
 */
kern_return_t console_drain(mach_port_t console, mach_msg_timeout_t limit);

MACH_END_DECLS
