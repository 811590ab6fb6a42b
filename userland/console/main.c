/*
 * console/main.c: the console server, servers/console.h.
 *
 * One thread and one port set: requests of clients at the service's port, and
 * the interrupts of the line.  Writers are served at once.  Readers wait here,
 * in order, until the editor has finished a line.
 *
 *	line.c	    the serial line	uart.c	one kind of it
 *	editor.c    from keys to lines
 */
#include <stdlib.h>

#include <mach/mach.h>
#include <mach/mig.h>
#include <servers/bootstrap.h>
#include <servers/console.h>

#include <device/device.h>

#include "editor.h"
#include "line.h"

#define READERS_MAX	  16
#define POLL_MILLISECONDS 20

union request {
	mach_msg_header_t header;
	struct console_write_request write;
	struct console_word_request word;
	struct device_interrupt interrupt;
};

struct received {
	union request request;
	mach_msg_max_trailer_t trailer;
};

static struct editor editor;
static mach_port_t service, interrupts, set;
static bool polled;

/* Who waits for input; the first in line is readers[0]. */
static struct {
	mach_msg_header_t request; /* its right to reply is ours */
	size_t wanted;
} readers[READERS_MAX];
static unsigned int readers_count;

/* ---- replies ---- */

/* A client that has gone away is no error of ours. */
static bool
send_reply(mach_msg_header_t *reply)
{
	if (reply->msgh_remote_port == MACH_PORT_NULL)
		return false;
	if (mach_msg(reply, MACH_SEND_MSG | MACH_SEND_TIMEOUT, reply->msgh_size,
		0, MACH_PORT_NULL, 0, MACH_PORT_NULL) == MACH_MSG_SUCCESS)
		return true;
	mach_msg_destroy(reply);
	return false;
}

static void
reply_result(const mach_msg_header_t *request, kern_return_t result)
{
	mig_reply_error_t reply;

	mig_reply_setup(request, &reply.Head);
	reply.RetCode = result;
	send_reply(&reply.Head);
}

/* ---- readers ---- */

static void
readers_remove_first(void)
{
	readers_count--;
	for (unsigned int i = 0; i < readers_count; i++)
		readers[i] = readers[i + 1];
}

/*
 * Gives finished input to those who wait.  What was taken for a reader that
 * has died is lost with it.
 */
static void
readers_serve(void)
{
	struct console_read_reply reply;
	size_t count;

	while (readers_count > 0 &&
	       editor_take(&editor, reply.data, readers[0].wanted, &count)) {
		mig_reply_setup(&readers[0].request, &reply.header);
		reply.result = KERN_SUCCESS;
		reply.count = (uint32_t)count;
		reply.header.msgh_size = round_msg(
		    offsetof(struct console_read_reply, data) + count);
		readers_remove_first();
		send_reply(&reply.header);
	}
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

static void
serve_write(const struct console_write_request *request)
{
	size_t head = offsetof(struct console_write_request, data);

	if (request->header.msgh_size < head ||
	    request->count > request->header.msgh_size - head) {
		reply_result(&request->header, MIG_BAD_ARGUMENTS);
		return;
	}
	line_output(request->data, request->count);
	reply_result(&request->header, KERN_SUCCESS);
}

static void
serve_read(const struct console_word_request *request)
{
	if (readers_count == READERS_MAX) {
		reply_result(&request->header, KERN_RESOURCE_SHORTAGE);
		return;
	}
	readers[readers_count].request = request->header;
	readers[readers_count].wanted =
	    request->word < CONSOLE_READ_MAX ? request->word : CONSOLE_READ_MAX;
	readers_count++;
	readers_serve();
}

/* The answer also says that everything written before is out. */
static void
serve_mode(const struct console_word_request *request)
{
	editor_mode(&editor, request->word != 0);
	line_drain();
	reply_result(&request->header, KERN_SUCCESS);
}

static void
serve_word(const struct console_word_request *request)
{
	if (request->header.msgh_size != sizeof(*request))
		reply_result(&request->header, MIG_BAD_ARGUMENTS);
	else if (request->header.msgh_id == MSGID_CONSOLE_GET)
		serve_read(request);
	else
		serve_mode(request);
}

static void
serve_request(union request *request)
{
	/* No request of ours carries rights or memory. */
	if (request->header.msgh_bits & MACH_MSGH_BITS_COMPLEX) {
		reply_result(&request->header, MIG_BAD_ARGUMENTS);
		request->header.msgh_remote_port = MACH_PORT_NULL;
		mach_msg_destroy(&request->header);
		return;
	}
	switch (request->header.msgh_id) {
	case MSGID_CONSOLE_PUT:
		serve_write(&request->write);
		break;
	case MSGID_CONSOLE_GET:
	case MSGID_CONSOLE_MODE:
		serve_word(&request->word);
		break;
	default:
		reply_result(&request->header, MIG_BAD_ID);
	}
}

/* ---- the loop ---- */

static void
serve_one(void)
{
	static struct received received;
	union request *request = &received.request;
	mach_msg_return_t mr;

	/* A line without interrupts is looked at only while somebody waits. */
	mr = mach_msg(&request->header,
	    MACH_RCV_MSG | (polled && readers_count > 0 ? MACH_RCV_TIMEOUT : 0),
	    0, sizeof(received), set, POLL_MILLISECONDS, MACH_PORT_NULL);
	if (mr == MACH_RCV_TIMED_OUT) {
		input();
	} else if (mr == MACH_MSG_SUCCESS &&
		   request->header.msgh_local_port == interrupts) {
		input();
		line_acknowledge();
	} else if (mr == MACH_MSG_SUCCESS) {
		serve_request(request);
	}
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
	for (;;)
		serve_one();
}
