/*
 * servers/console.h: the console server, service "console".
 *
 * It owns the serial line.  Writers send whole pieces of text, which come out
 * in the order of arrival, never mixed within a piece.  Readers get lines,
 * edited by backspace, ^U (start over) and ^C (give up), or single keys in
 * raw mode.
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

#define MSGID_CONSOLE_PUT  5200 /* {count, data}, no reply */
#define MSGID_CONSOLE_GET  5201 /* {wanted} -> count, data */
#define MSGID_CONSOLE_MODE 5202 /* {raw} */

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

#pragma pack(push, 4)

struct console_write_request {
	mach_msg_header_t header;
	NDR_record_t ndr;
	uint32_t count;
	char data[CONSOLE_WRITE_MAX]; /* sent only as far as @count says */
};

struct console_word_request { /* read, mode */
	mach_msg_header_t header;
	NDR_record_t ndr;
	uint32_t word;
};

struct console_read_reply {
	mach_msg_header_t header;
	NDR_record_t ndr;
	kern_return_t result;
	uint32_t count;
	char data[CONSOLE_READ_MAX]; /* sent only as far as @count says */
};

#pragma pack(pop)

MACH_END_DECLS
