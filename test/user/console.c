/* console.c: the console server: what is written comes out, whole. */
#include "test/user/mach_test.h"

#include <stdio.h>
#include <string.h>

#include <servers/bootstrap.h>
#include <servers/console.h>

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

/* Messages that no library would send. */
static void
test_wrong_messages(void)
{
	struct console_write_request request;
	unsigned wrong = 0;

	for (mach_msg_id_t id = 5190; id < 5210; id++) {
		request.header = (mach_msg_header_t){
		    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
		    .msgh_size = sizeof(request.header),
		    .msgh_remote_port = console,
		    .msgh_id = id,
		};
		if (id == MSGID_CONSOLE_GET)
			continue;
		wrong +=
		    mach_msg(&request.header, MACH_SEND_MSG,
			sizeof(request.header), 0, 0, 0, 0) != KERN_SUCCESS;
	}
	memset(&request, '?', sizeof(request));
	request.header = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
	    .msgh_remote_port = console,
	    .msgh_id = MSGID_CONSOLE_PUT,
	};
	request.count = 0xffffffff;
	wrong += mach_msg(&request.header, MACH_SEND_MSG, 60, 0, 0, 0, 0) !=
		 KERN_SUCCESS;
	is(wrong, 0, "messages of the wrong form");
	is(console_mode(console, FALSE), KERN_SUCCESS,
	    "it still answers after them");
}

int
main(void)
{
	must(bootstrap_look_up(bootstrap_port, CONSOLE_SERVICE, &console));
	test_write();
	test_wrong_messages();
	printf("# and printf\n");
	return done();
}
