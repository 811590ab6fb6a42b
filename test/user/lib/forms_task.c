/*
 * lib/forms_task.c: see forms_test.h.
 *
 * Definitions: test/user/forms.defs
 */
#include "test/user/forms_test.h"

#include <stdlib.h>

#include <servers/bootstrap.h>

static mach_port_t server;
static task_t server_task;

int
be_server(const char *name, mach_msg_demux_t demux)
{
	mach_port_t port = port_new_send();

	mach_port_set_context(mach_task_self(), port, 0x123456789abcdef0);
	if (bootstrap_register(bootstrap_port, name, port) != KERN_SUCCESS)
		return EXIT_FAILURE;
	mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_SEND, -1);
	mach_msg_server(demux,
	    sizeof(union __RequestUnion__serve_forms_subsystem) +
		MAX_TRAILER_SIZE,
	    port,
	    MACH_RCV_TRAILER_TYPE(MACH_MSG_TRAILER_FORMAT_0) |
		MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_CTX));
	return EXIT_FAILURE;
}

mach_port_t
start_server(char *program, char *name)
{
	char *argv[] = {program, name, NULL};

	must(bootstrap_spawn(bootstrap_port, program, argv, &server_task));
	for (int i = 0; i < 1000 && server == MACH_PORT_NULL; i++) {
		if (bootstrap_look_up(bootstrap_port, name, &server) !=
		    BOOTSTRAP_SUCCESS)
			sleep_ms(2);
	}
	must(server == MACH_PORT_NULL);
	return server;
}

struct held {
	unsigned int names;
	uint64_t bytes;
};

static struct held
held_by(task_t task)
{
	mach_task_basic_info_data_t info;
	mach_msg_type_number_t size = MACH_TASK_BASIC_INFO_COUNT, names, types;
	mach_port_name_array_t name;
	mach_port_type_array_t type;

	must(mach_port_names(task, &name, &names, &type, &types));
	vm_deallocate(
	    mach_task_self(), (vm_address_t)name, names * sizeof(*name));
	vm_deallocate(
	    mach_task_self(), (vm_address_t)type, types * sizeof(*type));
	must(task_info(task, MACH_TASK_BASIC_INFO, (task_info_t)&info, &size));
	return (struct held){names, info.virtual_size};
}

static struct held held_before[2];

void
remember(void)
{
	/* Whatever a first call makes once and for all. */
	is(form_nothing(server), KERN_SUCCESS, "a call without arguments");
	held_before[0] = held_by(mach_task_self());
	held_before[1] = held_by(server_task);
}

/* Both tasks hold what they held; the server may take a moment. */
void
nothing_left(const char *what)
{
	struct held here = held_by(mach_task_self()), there;

	is(here.names, held_before[0].names, "%s: no name is left here", what);
	is(here.bytes, held_before[0].bytes, "%s: nor memory", what);
	for (int i = 0; i < 200; i++) {
		there = held_by(server_task);
		if (there.names == held_before[1].names &&
		    there.bytes == held_before[1].bytes)
			break;
		sleep_ms(2);
	}
	is(there.names, held_before[1].names, "%s: nor a name there", what);
	is(there.bytes, held_before[1].bytes, "%s: nor memory", what);
}
