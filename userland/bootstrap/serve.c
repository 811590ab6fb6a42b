/*
 * bootstrap/serve.c: the messages of servers/bootstrap.h.
 *
 * Each request has a function that checks its form, does it, and leaves a
 * result in the reply or makes the reply carry a right.  Nothing here waits
 * for a client.
 */
#include "serve.h"

#include <stdio.h>
#include <string.h>

#include <mach/mach.h>
#include <mach/mig.h>
#include <servers/bootstrap.h>

#include "archive.h"
#include "child.h"
#include "service.h"
#include "system.h"

/* All that is received: requests, and notifications, which are shorter. */
union request {
	mach_msg_header_t header;
	struct bootstrap_name_request name;
	struct bootstrap_register_request reg;
	struct bootstrap_spawn_request spawn;
	struct bootstrap_word_request word;
	mach_dead_name_notification_t dead_name;
	mach_port_destroyed_notification_t port_destroyed;
};

union reply {
	mach_msg_header_t header;
	mig_reply_error_t error;
	struct bootstrap_port_reply port;
	struct bootstrap_spawn_reply spawn;
	struct bootstrap_wait_reply wait;
	struct bootstrap_list_reply list;
};

#define REQUEST_MAX (sizeof(union request) + MAX_TRAILER_SIZE)

/* The reply carries @port instead of a result. */
static void
reply_port(
    union reply *reply, mach_port_t port, mach_msg_type_name_t disposition)
{
	reply->header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	reply->header.msgh_size = sizeof(reply->port);
	reply->port.body.msgh_descriptor_count = 1;
	reply->port.port = (mach_msg_port_descriptor_t){
	    .name = port,
	    .disposition = disposition,
	    .type = MACH_MSG_PORT_DESCRIPTOR,
	};
}

static bool
is_simple(const union request *request, size_t size)
{
	return !(request->header.msgh_bits & MACH_MSGH_BITS_COMPLEX) &&
	       request->header.msgh_size == size;
}

static bool
is_name(const char *name)
{
	return memchr(name, '\0', BOOTSTRAP_MAX_NAME_LEN) != NULL;
}

static bool
is_name_request(const union request *request)
{
	return is_simple(request, sizeof(request->name)) &&
	       is_name(request->name.name);
}

static kern_return_t
serve_check_in(
    const union request *request, union reply *reply, struct child *child)
{
	mach_port_t port;
	kern_return_t kr;

	if (!is_name_request(request))
		return MIG_BAD_ARGUMENTS;
	kr = service_check_in(child, request->name.name, &port);
	if (kr == KERN_SUCCESS) {
		system_service_away(request->name.name, port);
		reply_port(reply, port, MACH_MSG_TYPE_MOVE_RECEIVE);
	}
	return kr;
}

static kern_return_t
serve_look_up(
    const union request *request, union reply *reply, struct child *child)
{
	mach_port_t port;
	kern_return_t kr;

	(void)child;
	if (!is_name_request(request))
		return MIG_BAD_ARGUMENTS;
	kr = service_look_up(request->name.name, &port);
	if (kr == KERN_SUCCESS)
		reply_port(reply, port, MACH_MSG_TYPE_COPY_SEND);
	return kr;
}

static kern_return_t
serve_device(
    const union request *request, union reply *reply, struct child *child)
{
	mach_msg_type_name_t disposition;
	mach_port_t port;
	kern_return_t kr;

	if (!is_name_request(request))
		return MIG_BAD_ARGUMENTS;
	kr = system_device(child, request->name.name, &port, &disposition);
	if (kr == KERN_SUCCESS)
		reply_port(reply, port, disposition);
	return kr;
}

/* One port descriptor, in the form of a register request. */
static bool
is_register_request(const union request *request)
{
	const struct bootstrap_register_request *reg = &request->reg;

	return (reg->header.msgh_bits & MACH_MSGH_BITS_COMPLEX) &&
	       reg->header.msgh_size == sizeof(*reg) &&
	       reg->body.msgh_descriptor_count == 1 &&
	       reg->port.type == MACH_MSG_PORT_DESCRIPTOR &&
	       (reg->port.disposition == MACH_MSG_TYPE_PORT_SEND ||
		   reg->port.name == MACH_PORT_NULL) &&
	       is_name(reg->name);
}

/* On an error the server loop gives the right back. */
static kern_return_t
serve_register(
    const union request *request, union reply *reply, struct child *child)
{
	(void)reply;
	if (!is_register_request(request))
		return MIG_BAD_ARGUMENTS;
	return service_register(
	    child, request->reg.name, request->reg.port.name);
}

/* Finds the packed strings; false if they are not what the counts say. */
static bool
unpack_arguments(const struct bootstrap_spawn_request *spawn, char *argv[])
{
	const char *next = spawn->args, *end = spawn->args + spawn->bytes;
	uint32_t count = 0;

	while (next < end && count < spawn->count) {
		const char *nul = memchr(next, '\0', (size_t)(end - next));

		if (nul == NULL)
			return false;
		argv[count++] = (char *)next;
		next = nul + 1;
	}
	argv[count] = NULL;
	return next == end && count == spawn->count && count > 0;
}

static kern_return_t
serve_spawn(
    const union request *request, union reply *reply, struct child *child)
{
	const struct bootstrap_spawn_request *spawn = &request->spawn;
	char *argv[BOOTSTRAP_ARGC_MAX + 1];
	struct child *spawned;
	kern_return_t kr;

	if (request->header.msgh_size <
		offsetof(struct bootstrap_spawn_request, args) ||
	    spawn->bytes > BOOTSTRAP_ARGS_MAX ||
	    !is_simple(request, offsetof(struct bootstrap_spawn_request, args) +
				    round_msg(spawn->bytes)) ||
	    !is_name(spawn->program) || spawn->count > BOOTSTRAP_ARGC_MAX ||
	    !unpack_arguments(spawn, argv))
		return MIG_BAD_ARGUMENTS;
	kr = child_start(spawn->program, argv, CHILD_SPAWNED, child, &spawned);
	if (kr != KERN_SUCCESS)
		return kr;
	reply_port(reply, spawned->task, MACH_MSG_TYPE_COPY_SEND);
	reply->header.msgh_size = sizeof(reply->spawn);
	reply->spawn.ndr = NDR_record;
	reply->spawn.id = spawned->id;
	return KERN_SUCCESS;
}

/* Answered now if the child has ended, else when it does. */
static kern_return_t
serve_wait(
    const union request *request, union reply *reply, struct child *child)
{
	struct child *spawned;

	if (!is_simple(request, sizeof(request->word)))
		return MIG_BAD_ARGUMENTS;
	spawned = child_of_id(child, (uint32_t)request->word.word);
	if (spawned == NULL || spawned->waiter != MACH_PORT_NULL)
		return BOOTSTRAP_UNKNOWN_SERVICE;
	if (!spawned->ended) {
		spawned->waiter = request->header.msgh_remote_port;
		return MIG_NO_REPLY;
	}
	reply->wait.status = spawned->status;
	reply->header.msgh_size = sizeof(reply->wait);
	child_free(spawned);
	return KERN_SUCCESS;
}

static kern_return_t
serve_list(
    const union request *request, union reply *reply, struct child *child)
{
	const char *name;

	(void)child;
	if (!is_simple(request, sizeof(request->word)))
		return MIG_BAD_ARGUMENTS;
	name = archive_program((unsigned int)request->word.word);
	if (name == NULL)
		return BOOTSTRAP_BAD_COUNT;
	mig_strncpy_zerofill(reply->list.program, name, BOOTSTRAP_MAX_NAME_LEN);
	reply->header.msgh_size = sizeof(reply->list);
	return KERN_SUCCESS;
}

static kern_return_t
serve_exit(
    const union request *request, union reply *reply, struct child *child)
{
	(void)reply;
	if (!is_simple(request, sizeof(request->word)))
		return MIG_BAD_ARGUMENTS;
	child->status = request->word.word & 0xff;
	return KERN_SUCCESS;
}

static const struct {
	mach_msg_id_t id;
	kern_return_t (*serve)(const union request *request, union reply *reply,
	    struct child *child);
} routines[] = {
    {MSGID_BOOTSTRAP_CHECK_IN, serve_check_in},
    {MSGID_BOOTSTRAP_REGISTER, serve_register},
    {MSGID_BOOTSTRAP_LOOK_UP, serve_look_up},
    {MSGID_BOOTSTRAP_START, serve_spawn},
    {MSGID_BOOTSTRAP_AWAIT, serve_wait},
    {MSGID_BOOTSTRAP_LIST, serve_list},
    {MSGID_BOOTSTRAP_DEVICE, serve_device},
    {MSGID_BOOTSTRAP_EXIT, serve_exit},
};

static kern_return_t
serve_request(
    const union request *request, union reply *reply, struct child *child)
{
	for (size_t i = 0; i < sizeof(routines) / sizeof(routines[0]); i++)
		if (routines[i].id == request->header.msgh_id)
			return routines[i].serve(request, reply, child);
	return MIG_BAD_ID;
}

static void
serve_notification(const union request *request)
{
	struct child *child;
	const char *service;

	switch (request->header.msgh_id) {
	case MACH_NOTIFY_DEAD_NAME:
		child = child_died(request->dead_name.not_port);
		if (child != NULL)
			system_child_ended(child);
		break;
	case MACH_NOTIFY_PORT_DESTROYED:
		service =
		    service_returned(request->port_destroyed.not_port.name);
		if (service != NULL)
			system_service_home(service);
		break;
	}
}

static boolean_t
demux(mach_msg_header_t *in, mach_msg_header_t *out)
{
	const union request *request = (const union request *)in;
	union reply *reply = (union reply *)out;
	struct child *child;
	kern_return_t kr = MIG_BAD_ID;

	mig_reply_setup(in, out);
	if (in->msgh_local_port == child_notify()) {
		serve_notification(request);
		reply->error.RetCode = MIG_NO_REPLY;
		return TRUE;
	}
	child = child_of_port(in->msgh_local_port);
	if (child != NULL)
		kr = serve_request(request, reply, child);

	/* A reply with a right in it has no result, it is one. */
	if (!(out->msgh_bits & MACH_MSGH_BITS_COMPLEX))
		reply->error.RetCode = kr;
	return TRUE;
}

void
serve(void)
{
	mach_msg_return_t mr;

	mr = mach_msg_server(demux, REQUEST_MAX, child_set(), 0);
	printf("bootstrap: no longer serving: %s\n", mach_error_string(mr));
}
