/*
 * bootstrap/serve.c: the routines of servers/bootstrap.defs and
 * servers/bootstrap_programs.defs, and what the kernel tells.
 *
 * The stubs have checked a request's form and found the child that asks.
 * Nothing here waits for a client.
 */
#include "serve.h"

#include <stdio.h>
#include <string.h>

#include <mach/mach.h>
#include <mach/notify_server.h>
#include <servers/bootstrap.h>

#include "userland/include/servers/bootstrapServer.h"
#include "userland/include/servers/bootstrap_programsServer.h"

#include "archive.h"
#include "child.h"
#include "service.h"
#include "system.h"

/* ---- names ---- */

kern_return_t
serve_bootstrap_check_in(
    struct child *child, bootstrap_name_t service, mach_port_t *port)
{
	kern_return_t kr = service_check_in(child, service, port);

	if (kr == KERN_SUCCESS)
		system_service_away(service, *port);
	return kr;
}

kern_return_t
serve_bootstrap_register(
    struct child *child, bootstrap_name_t service, mach_port_t port)
{
	return service_register(child, service, port);
}

kern_return_t
serve_bootstrap_look_up(
    struct child *child, bootstrap_name_t service, mach_port_t *port)
{
	(void)child;
	return service_look_up(service, port);
}

/* ---- programs ---- */

/* Finds the packed strings; false if they are not what the counts say. */
static bool
unpack_arguments(
    const char *packed, uint32_t bytes, uint32_t count, char *argv[])
{
	const char *next = packed, *end = packed + bytes;
	uint32_t found = 0;

	while (next < end && found < count) {
		const char *nul = memchr(next, '\0', (size_t)(end - next));

		if (nul == NULL)
			return false;
		argv[found++] = (char *)next;
		next = nul + 1;
	}
	argv[found] = NULL;
	return next == end && found == count && count > 0;
}

kern_return_t
serve_bootstrap_start(struct child *child, bootstrap_name_t program,
    uint32_t count, bootstrap_arguments_t arguments,
    mach_msg_type_number_t argumentsCnt, task_t *task, uint32_t *id)
{
	char *argv[BOOTSTRAP_ARGC_MAX + 1];
	struct child *started;
	kern_return_t kr;

	if (count > BOOTSTRAP_ARGC_MAX ||
	    !unpack_arguments(arguments, argumentsCnt, count, argv))
		return MIG_BAD_ARGUMENTS;
	kr = child_start(program, argv, CHILD_SPAWNED, child, &started);
	if (kr != KERN_SUCCESS)
		return kr;
	*task = started->task;
	*id = started->id;
	return KERN_SUCCESS;
}

/* Answered now if the child has ended, else when it does. */
kern_return_t
serve_bootstrap_await(struct child *child, mach_port_t reply,
    mach_msg_type_name_t replyPoly, uint32_t id, int *status)
{
	struct child *awaited = child_of_id(child, id);

	if (awaited == NULL || awaited->waiter != MACH_PORT_NULL)
		return BOOTSTRAP_UNKNOWN_SERVICE;
	if (!awaited->ended) {
		awaited->waiter = reply;
		awaited->waiter_right = replyPoly;
		return MIG_NO_REPLY;
	}
	*status = awaited->status;
	child_free(awaited);
	return KERN_SUCCESS;
}

kern_return_t
serve_bootstrap_list(struct child *child, unsigned index, name_t program)
{
	const char *name = archive_program(index);

	(void)child;
	if (name == NULL)
		return BOOTSTRAP_BAD_COUNT;
	mig_strncpy_zerofill(program, name, BOOTSTRAP_MAX_NAME_LEN);
	return KERN_SUCCESS;
}

kern_return_t
serve_bootstrap_device(
    struct child *child, bootstrap_name_t device, mach_port_t *port)
{
	return system_device(child, device, port);
}

kern_return_t
serve_bootstrap_archive(
    struct child *child, mach_port_t *entry, uint64_t *offset, uint64_t *size)
{
	return system_archive(child, entry, offset, size);
}

kern_return_t
serve_bootstrap_exit(struct child *child, int status)
{
	child->status = status & 0xff;
	return KERN_SUCCESS;
}

/* ---- what the kernel tells ---- */

kern_return_t
do_mach_notify_dead_name(notify_port_t notify, mach_port_name_t name)
{
	struct child *child = child_died(name);

	(void)notify;
	if (child != NULL)
		system_child_ended(child);
	return KERN_SUCCESS;
}

kern_return_t
do_mach_notify_port_destroyed(notify_port_t notify, mach_port_t rights)
{
	const char *service = service_returned(rights);

	(void)notify;
	if (service != NULL)
		system_service_home(service);
	return KERN_SUCCESS;
}

/* ---- the loop ---- */

union request {
	union __RequestUnion__serve_bootstrap_subsystem names;
	union __RequestUnion__serve_bootstrap_programs_subsystem programs;
	union __RequestUnion__do_notify_subsystem notification;
};

/* A port of the set is the kernel's to notify, or a running child's. */
static boolean_t
demux(mach_msg_header_t *in, mach_msg_header_t *out)
{
	if (in->msgh_local_port == child_notify())
		return notify_server(in, out);
	return bootstrap_server(in, out) || bootstrap_programs_server(in, out);
}

void
serve(void)
{
	mach_msg_return_t mr;

	mr = mach_msg_server(
	    demux, sizeof(union request) + MAX_TRAILER_SIZE, child_set(), 0);
	printf("bootstrap: no longer serving: %s\n", mach_error_string(mr));
}
