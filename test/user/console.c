/* console.c: the console server: what is written comes out, whole. */
#include "test/user/mach_test.h"

#include <stdio.h>
#include <string.h>

#include <servers/bootstrap.h>
#include <servers/console.h>
#include <user/console.h>

static mach_port_t console;

static void
test_write(void)
{
	static char line[3000];

	is(console_write(console, "# a line of words\n", 18), KERN_SUCCESS,
	    "a line");
	memset(line, 'x', sizeof(line));
	line[0] = '#';
	line[sizeof(line) - 1] = '\n';
	is(console_write(console, line, sizeof(line)), KERN_SUCCESS,
	    "a line longer than a message");
	is(console_write(console, "", 0), KERN_SUCCESS, "no bytes");
	for (int i = 0; i < 200; i++)
		must(console_write(console, "# line upon line\n", 17));
	ok(true, "faster than it can be shown");
}

/* ---- messages that no library would send ---- */

enum {
	PUT = 5200,
	GET,
	MODE,
	DRAIN
};

static union {
	mach_msg_base_t base;
	__Request__console_put_t put;
	__Request__console_get_t get;
	char bytes[1100];
} request;

/* All bytes of what follows the header are @byte. */
static kern_return_t
ask(mach_msg_id_t id, size_t size, int byte)
{
	memset(&request, byte, sizeof(request));
	return ask_raw(console, id, 0, &request, size);
}

static void
test_wrong_forms(void)
{
	unsigned wrong = 0;

	wrong += ask(PUT, 24, 0) != MIG_BAD_ARGUMENTS;
	wrong += ask(GET, 24, 0) != MIG_BAD_ARGUMENTS;
	wrong += ask(MODE, 24, 0) != MIG_BAD_ARGUMENTS;
	wrong += ask(MODE, 40, 0) != MIG_BAD_ARGUMENTS;
	wrong += ask(DRAIN, 28, 0) != MIG_BAD_ARGUMENTS;
	is(wrong, 0, "sizes that do not fit");
	is(ask(PUT, 60, '?'), MIG_BAD_ARGUMENTS, "more text than there is");
	request.put.pieceCnt = 0;
	is(ask_raw(console, PUT, 0, &request, 40), MIG_BAD_ARGUMENTS,
	    "more than it says");
	for (mach_msg_id_t id = 5190; id < 5210; id++)
		if (id < PUT || id > DRAIN)
			wrong += ask(id, 24, 0) != MIG_BAD_ID;
	wrong += ask(0, 24, 0) != MIG_BAD_ID;
	wrong += ask(0x7fffffff, 24, 0) != MIG_BAD_ID;
	is(wrong, 0, "what it has no routine for");
}

/* Rights that nobody asked for are given up. */
static void
test_rights(void)
{
	mach_port_t mine = port_new_send();
	struct parcel parcel;
	unsigned wrong = 0;

	for (mach_msg_id_t id = PUT; id <= DRAIN + 1; id++) {
		parcel_fill(&parcel, console, mine, MACH_MSG_TYPE_COPY_SEND);
		wrong += ask_raw(console, id, MACH_MSGH_BITS_COMPLEX, &parcel,
			     PARCEL_SIZE) !=
			 (id > DRAIN ? MIG_BAD_ID : MIG_BAD_ARGUMENTS);
	}
	is(wrong, 0, "a right in a request that has none");
	is(senders(mine), 1, "is not kept");
	port_end(mine);
}

/* Sends a request to read with a reply port of @kind, or with none. */
static void
read_from(mach_port_t reply, mach_msg_type_name_t kind)
{
	request.get = (__Request__console_get_t){
	    .Head =
		{
		    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, kind),
		    .msgh_size = sizeof(request.get),
		    .msgh_remote_port = console,
		    .msgh_local_port = reply,
		    .msgh_id = GET,
		},
	    .NDR = NDR_record,
	    .inputCnt = 1,
	};
	must(send_message(&request, sizeof(request.get)));
	must(console_drain(console, 20000));
}

/* Readers that go away make room for others; no keys are typed meanwhile. */
static void
test_dead_readers(void)
{
	mig_reply_error_t answer[2];
	mach_port_t reply;

	read_from(MACH_PORT_NULL, 0);
	for (int i = 0; i < 40; i++) {
		reply = port_new();
		read_from(reply, i % 2 ? MACH_MSG_TYPE_MAKE_SEND
				       : MACH_MSG_TYPE_MAKE_SEND_ONCE);
		port_end(reply);
	}
	reply = port_new();
	read_from(reply, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	is(poll_for(answer, sizeof(answer), reply), MACH_RCV_TIMED_OUT,
	    "a reader waits in the place of the dead");
	port_end(reply);
}

int
main(void)
{
	must(bootstrap_look_up(bootstrap_port, CONSOLE_SERVICE, &console));
	test_write();
	test_wrong_forms();
	test_rights();
	test_dead_readers();
	is(console_mode(console, FALSE), KERN_SUCCESS, "it still answers");
	is(console_drain(console, 20000), KERN_SUCCESS, "and all is out");
	printf("# and printf\n");
	return done();
}
