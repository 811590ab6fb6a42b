/*
 * console/main.c: the console server, servers/console.h.
 *
 * One thread and one port set: requests of clients at the service's port, and
 * the interrupts of the line, or a timer where it has none.  Writers are served
 * at once.  Readers wait here, in order, until the editor has finished a line.
 *
 *	line.c	    the serial line	uart.c	one kind of it
 *	editor.c    from keys to lines
 */
#include <stdlib.h>

#include <device/device_calls.h>
#include <mach/mach.h>
#include <mach/mach_time.h>
#include <mach/mk_timer.h>
#include <servers/bootstrap.h>
#include <servers/console.h>
#include <server/device_notify.h>

#include "userland/console/replies.h"
#include "userland/include/servers/consoleServer.h"

#include "editor.h"
#include "line.h"

#define READERS_MAX	  16
#define POLL_MILLISECONDS 20

static struct editor editor;
static mach_port_t service, interrupts, timer, set;
static bool polled;

/* Who waits for input; the first in line is readers[0]. */
static struct reader {
	mach_port_t reply; /* a right of ours, of the kind it came as */
	mach_msg_type_name_t right;
	size_t wanted;
} readers[READERS_MAX];
static unsigned int readers_count;

/* ---- readers ---- */

static void
remove_reader(unsigned int index)
{
	readers_count--;
	for (unsigned int i = index; i < readers_count; i++)
		readers[i] = readers[i + 1];
}

/* Who has gone away keeps neither a place nor a line. */
static void
forget_dead_readers(void)
{
	mach_port_t self = mach_task_self();
	mach_port_type_t type;

	for (unsigned int i = readers_count; i-- > 0;) {
		if (mach_port_type(self, readers[i].reply, &type) ==
			KERN_SUCCESS &&
		    !(type & MACH_PORT_TYPE_DEAD_NAME))
			continue;
		mach_port_deallocate(self, readers[i].reply);
		remove_reader(i);
	}
}

static void
answer_first(kern_return_t result, const char *text, size_t count)
{
	struct reader first = readers[0];

	remove_reader(0);
	if (console_get_reply(first.reply, first.right, result, text,
		(uint32_t)count) == MACH_SEND_INVALID_DEST)
		mach_port_deallocate(mach_task_self(), first.reply);
}

static uint64_t
milliseconds(uint64_t count)
{
	mach_timebase_info_data_t timebase;

	mach_timebase_info(&timebase);
	return count * 1000000 * timebase.denom / timebase.numer;
}

/* A line without interrupts is looked at only while somebody waits. */
static void
poll_later(void)
{
	uint64_t when = mach_absolute_time() + milliseconds(POLL_MILLISECONDS);

	if (!polled || readers_count == 0 ||
	    mk_timer_arm(timer, when) == KERN_SUCCESS)
		return;
	while (readers_count > 0)
		answer_first(KERN_RESOURCE_SHORTAGE, NULL, 0);
}

/* Gives finished input to those who wait. */
static void
readers_serve(void)
{
	char text[CONSOLE_READ_MAX];
	size_t count;

	forget_dead_readers();
	while (readers_count > 0 &&
	       editor_take(&editor, text, readers[0].wanted, &count))
		answer_first(KERN_SUCCESS, text, count);
	poll_later();
}

static void
take_key(char key)
{
	editor_key(&editor, key);
}

static void
input(void)
{
	line_input(take_key);
	readers_serve();
}

/* ---- requests ---- */

kern_return_t
serve_console_put(
    mach_port_t console, console_piece_t piece, mach_msg_type_number_t pieceCnt)
{
	(void)console;
	line_output(piece, pieceCnt);
	return KERN_SUCCESS;
}

kern_return_t
serve_console_get(mach_port_t console, mach_port_t reply,
    mach_msg_type_name_t replyPoly, console_input_t input_room,
    mach_msg_type_number_t *inputCnt)
{
	(void)console;
	(void)input_room;
	if (!MACH_PORT_VALID(reply))
		return KERN_INVALID_ARGUMENT;
	if (readers_count == READERS_MAX)
		forget_dead_readers();
	if (readers_count == READERS_MAX)
		return KERN_RESOURCE_SHORTAGE;
	readers[readers_count++] = (struct reader){
	    .reply = reply,
	    .right = replyPoly,
	    .wanted = *inputCnt,
	};
	readers_serve();
	return MIG_NO_REPLY;
}

kern_return_t
serve_console_mode(mach_port_t console, boolean_t raw)
{
	(void)console;
	editor_mode(&editor, raw != FALSE);
	return KERN_SUCCESS;
}

kern_return_t
serve_console_drain(mach_port_t console)
{
	(void)console;
	line_drain();
	return KERN_SUCCESS;
}

/* ---- the line ---- */

kern_return_t
serve_device_interrupt(mach_port_t notify, uint32_t index, uint32_t count)
{
	(void)notify;
	(void)index;
	(void)count;
	input();
	line_acknowledge();
	return KERN_SUCCESS;
}

/* A timer's message is nothing but that it came, and wants no answer. */
static boolean_t
timer_server(mach_msg_header_t *in, mach_msg_header_t *out)
{
	mig_reply_setup(in, out);
	input();
	return TRUE;
}

/* ---- the loop ---- */

union request {
	union __RequestUnion__serve_console_subsystem console;
	union __RequestUnion__serve_device_notify_subsystem interrupt;
	mk_timer_expire_msg_t expired;
};

/* Clients have rights to the service alone. */
static boolean_t
demux(mach_msg_header_t *in, mach_msg_header_t *out)
{
	if (in->msgh_local_port == interrupts)
		return device_notify_server(in, out);
	if (in->msgh_local_port == timer)
		return timer_server(in, out);
	return console_server(in, out);
}

static kern_return_t
make_ports(void)
{
	mach_port_t self = mach_task_self();
	kern_return_t kr;

	kr = mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &set);
	if (kr == KERN_SUCCESS)
		kr = mach_port_allocate(
		    self, MACH_PORT_RIGHT_RECEIVE, &interrupts);
	if (kr == KERN_SUCCESS)
		kr = mach_port_insert_member(self, interrupts, set);
	timer = mk_timer_create();
	if (kr == KERN_SUCCESS)
		kr = mach_port_insert_member(self, timer, set);
	return kr;
}

int
main(void)
{
	editor_init(&editor, line_output);
	if (make_ports() != KERN_SUCCESS || !line_open(interrupts, &polled))
		return EXIT_FAILURE;
	if (bootstrap_check_in(bootstrap_port, CONSOLE_SERVICE, &service) !=
		KERN_SUCCESS ||
	    mach_port_insert_member(mach_task_self(), service, set) !=
		KERN_SUCCESS)
		return EXIT_FAILURE;
	mach_msg_server(demux, sizeof(union request) + MAX_TRAILER_SIZE, set,
	    MACH_MSG_OPTION_NONE);
	return EXIT_FAILURE;
}
