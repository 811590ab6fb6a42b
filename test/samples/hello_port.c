/*
 * A port of our own: make it, give it a send right, send it a message with a
 * number in it, and receive that again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mach/mach.h>
#include <mach/message.h>

typedef struct {
	mach_msg_header_t header;
	char text[32];
	int number;
} send_message_t;

typedef struct {
	send_message_t message;
	mach_msg_trailer_t trailer;
} receive_message_t;

static void
check(kern_return_t kr, const char *what)
{
	if (kr == KERN_SUCCESS)
		return;
	mach_error(what, kr);
	exit(EXIT_FAILURE);
}

int
main(void)
{
	mach_port_t port;
	send_message_t out;
	receive_message_t in;

	check(mach_port_allocate(
		  mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port),
	    "mach_port_allocate");
	check(mach_port_insert_right(
		  mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND),
	    "mach_port_insert_right");

	memset(&out, 0, sizeof(out));
	out.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0);
	out.header.msgh_size = sizeof(out);
	out.header.msgh_remote_port = port;
	out.header.msgh_local_port = MACH_PORT_NULL;
	out.header.msgh_id = 8;
	strcpy(out.text, "hello, port");
	out.number = 42;
	check(mach_msg(&out.header, MACH_SEND_MSG, sizeof(out), 0,
		  MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
	    "sending");

	memset(&in, 0, sizeof(in));
	check(mach_msg(&in.message.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0,
		  sizeof(in), port, 1000, MACH_PORT_NULL),
	    "receiving");
	printf("received '%s', %d, id %d, %u bytes\n", in.message.text,
	    in.message.number, in.message.header.msgh_id,
	    in.message.header.msgh_size);
	if (in.message.number != 42 || in.message.header.msgh_id != 8 ||
	    in.message.header.msgh_local_port != port ||
	    strcmp(in.message.text, "hello, port") != 0)
		return EXIT_FAILURE;

	check(mach_port_deallocate(mach_task_self(), port), "deallocate");
	check(mach_port_mod_refs(
		  mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1),
	    "mod_refs");
	return EXIT_SUCCESS;
}
