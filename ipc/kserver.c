/*
 * kserver.c: messages to the kernel's own ports: find the routine, check,
 * decode, reply.
 */
#include "ipc/kserver.h"

#include "ipc/call.h"
#include "ipc/message.h"
#include "kernel/kassert.h"
#include "kernel/sched.h"
#include "kernel/zone.h"
#include "vm/memory_wait.h"
#include "vm/transfer.h"

/* ---- the table of routines: open addressing by id ---- */

#define PLACE_BITS 9
#define PLACES	   (1U << PLACE_BITS) /* at most half of them are used */

static const struct routine *routines[PLACES];
static unsigned routine_count;

/* Ids come in runs, which Fibonacci's multiplier spreads evenly. */
static unsigned
place_of(int32_t id)
{
	return (uint32_t)id * 0x9e3779b1U >> (32 - PLACE_BITS);
}

void
kserver_register(const struct subsystem *subsystem)
{
	for (unsigned i = 0; i < subsystem->count; i++) {
		unsigned place = place_of(subsystem->routines[i].id);

		KASSERT(routine_count < PLACES / 2);
		routine_count++;
		while (routines[place] != NULL)
			place = (place + 1) % PLACES;
		routines[place] = &subsystem->routines[i];
	}
}

static const struct routine *
find_routine(int32_t id, unsigned kind)
{
	unsigned place = place_of(id);
	const struct routine *routine;

	for (; (routine = routines[place]) != NULL;
	     place = (place + 1) % PLACES)
		if (routine->id == id && routine->kind == kind)
			return routine;
	return NULL;
}

/* ---- arguments ---- */

static uint32_t
body_size(const struct kmsg *kmsg)
{
	return kmsg->size - HEADER_SIZE;
}

static uint32_t
padded(uint32_t size)
{
	return (size + 3) & ~3U;
}

bool
call_array_fits(const struct call *call, uint32_t at, uint32_t count,
    uint32_t most, uint32_t element_size)
{
	return count <= most &&
	       body_size(call->request) == at + padded(count * element_size);
}

bool
call_copy_memory(const struct kdescriptor *descriptor, void *to, uint64_t size)
{
	return descriptor->size == size &&
	       transfer_to_kernel(descriptor->transfer, 0, to, size) ==
		   KERN_SUCCESS;
}

struct port *
call_right(struct kdescriptor *descriptor)
{
	struct port *port = descriptor->port;

	if (port != NULL &&
	    descriptor->disposition == MACH_MSG_TYPE_PORT_RECEIVE)
		port_set_carrier(port, NULL);
	return port;
}

static bool
descriptor_matches(const struct kdescriptor *descriptor, char wanted)
{
	uint32_t type = descriptor->type;
	uint32_t disposition = descriptor->disposition;

	switch (wanted) {
	case 'm':
		return type == MACH_MSG_OOL_DESCRIPTOR ||
		       type == MACH_MSG_OOL_VOLATILE_DESCRIPTOR;
	case 'a':
		return type == MACH_MSG_OOL_PORTS_DESCRIPTOR &&
		       disposition == MACH_MSG_TYPE_PORT_SEND;
	}
	if (type != MACH_MSG_PORT_DESCRIPTOR)
		return false;
	if (descriptor->port == NULL)
		return true;
	switch (wanted) {
	case 's':
		return disposition == MACH_MSG_TYPE_PORT_SEND;
	case 'o':
		return disposition == MACH_MSG_TYPE_PORT_SEND_ONCE;
	case 'r':
		return disposition == MACH_MSG_TYPE_PORT_RECEIVE;
	}
	return true;
}

/* Has the request the form that the routine's row says? */
static kern_return_t
check_request(const struct routine *routine, const struct kmsg *request)
{
	const char *wanted = routine->descriptors;
	uint32_t count = request->descriptor_count;

	if (body_size(request) < routine->least ||
	    body_size(request) > routine->most)
		return MIG_BAD_ARGUMENTS;
	if (likely(!request->complex && wanted[0] == '\0'))
		return KERN_SUCCESS;
	if (!request->complex || count != strlen(wanted))
		return MIG_BAD_ARGUMENTS;
	for (uint32_t i = 0; i < count; i++)
		if (!descriptor_matches(&request->descriptor[i], wanted[i]))
			return MIG_TYPE_ERROR;
	return KERN_SUCCESS;
}

/* ---- results ---- */

void
call_put_port(struct call *call, uint32_t index, struct port *port,
    mach_msg_type_name_t type)
{
	struct kmsg *reply = call->reply;

	KASSERT(index == reply->done);
	reply->descriptor[reply->done++] = (struct kdescriptor){
	    .port = port,
	    .type = MACH_MSG_PORT_DESCRIPTOR,
	    .disposition = (uint8_t)type,
	};
	if (port != NULL && type == MACH_MSG_TYPE_PORT_RECEIVE) {
		reply->has_receive = true;
		port_set_carrier(port, reply);
	}
}

void
call_put_memory(
    struct call *call, uint32_t index, struct transfer *transfer, uint64_t size)
{
	struct kmsg *reply = call->reply;

	KASSERT(index == reply->done);
	reply->descriptor[reply->done++] = (struct kdescriptor){
	    .transfer = transfer,
	    .size = (uint32_t)size,
	    .type = MACH_MSG_OOL_DESCRIPTOR,
	    .copy = MACH_MSG_VIRTUAL_COPY,
	};
}

void
call_put_ports(struct call *call, uint32_t index, struct port **ports,
    uint32_t count, mach_msg_type_name_t type)
{
	struct kmsg *reply = call->reply;

	KASSERT(index == reply->done);
	reply->descriptor[reply->done++] = (struct kdescriptor){
	    .ports = ports,
	    .size = count,
	    .type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
	    .disposition = (uint8_t)type,
	    .copy = MACH_MSG_VIRTUAL_COPY,
	};
}

uint32_t
call_append(struct call *call, uint32_t at, const void *bytes, uint32_t size)
{
	uint8_t *to = (uint8_t *)call->out + at;

	KASSERT(at + padded(size) <= call->reply_size);
	if (to != bytes)
		memmove(to, bytes, size);
	memset(to + size, 0, padded(size) - size);
	return at + padded(size);
}

uint32_t
call_string_size(const char *string, uint32_t room)
{
	const char *end = memchr(string, '\0', room);

	KASSERT(end != NULL);
	return (uint32_t)(end - string) + 1;
}

/* ---- what a handler may do besides ---- */

static_assert(
    ARRAY_SIZE(((struct step_state *)NULL)->word) >= CALL_PROGRESS_WORDS,
    "progress of a call");

uint64_t *
call_progress(void)
{
	return current_thread()->step.word;
}

void
call_keep_memory(const struct transfer *memory)
{
	struct kmsg *request = current_thread()->step.object;

	for (uint32_t i = 0; i < request->done; i++) {
		struct kdescriptor *descriptor = &request->descriptor[i];

		if (descriptor->type != MACH_MSG_PORT_DESCRIPTOR &&
		    descriptor->transfer == memory)
			descriptor->transfer = NULL;
	}
}

bool
call_wants_reply(void)
{
	const struct kmsg *request = current_thread()->step.object;

	return request->local != NULL;
}

kern_return_t
call_port_array(
    struct port *const *ports, uint32_t count, struct port ***arrayp)
{
	struct port **array;

	*arrayp = NULL;
	if (count == 0)
		return KERN_SUCCESS;
	array = kmem_alloc(count * sizeof(*array));
	if (array == NULL) {
		for (uint32_t i = 0; i < count; i++)
			right_release_send(ports[i]);
		return KERN_RESOURCE_SHORTAGE;
	}
	memcpy(array, ports, count * sizeof(*array));
	*arrayp = array;
	return KERN_SUCCESS;
}

kern_return_t
call_put_info(void *words, uint32_t *countp, const void *info, uint32_t size)
{
	uint32_t count = size / (uint32_t)sizeof(natural_t);

	if (*countp < count)
		return KERN_INVALID_ARGUMENT;
	memcpy(words, info, size);
	*countp = count;
	return KERN_SUCCESS;
}

/* ---- the call ---- */

/*
 * The message that the reply will be: the request itself, if no argument lies
 * in it and it is large enough.
 */
static struct kmsg *
make_reply(const struct routine *routine, struct kmsg *request)
{
	if (!routine->keeps_request && routine->reply_size <= request->capacity)
		return request;
	return kmsg_alloc(ledger_of_caller(), routine->reply_size,
	    routine->reply_descriptors);
}

/* Find who is to answer, and have it do so. */
static kern_return_t
call_routine(struct call *call, enum kobject_kind kind)
{
	struct kmsg *request = call->request;
	const struct routine *routine = find_routine(request->id, kind);
	kern_return_t kr;

	if (routine == NULL)
		return MIG_BAD_ID;
	kr = check_request(routine, request);
	if (kr != KERN_SUCCESS)
		return kr;
	if (call->reply == NULL)
		call->reply = make_reply(routine, request);
	if (call->reply == NULL)
		return KERN_RESOURCE_SHORTAGE;
	current_thread()->step.reply = call->reply;
	call->in = request->body;
	call->out = call->reply->body;
	call->reply_size = routine->reply_size;
	return routine->decode(call);
}

/* The head of a reply that succeeded, whose results are in place. */
static void
reply_success(struct call *call)
{
	struct kmsg *reply = call->reply;
	mig_reply_complex_t *complex = (void *)&reply->header;
	mig_reply_error_t *simple = (void *)&reply->header;

	reply->size = HEADER_SIZE + call->reply_size;
	if (reply->done > 0) {
		complex->msgh_body.msgh_descriptor_count = reply->done;
		return;
	}
	simple->NDR = NDR_record;
	simple->RetCode = KERN_SUCCESS;
}

/*
 * A reply that says only why not, in whatever message can be had; NULL: in
 * none.
 */
static struct kmsg *
reply_failure(struct call *call, kern_return_t kr)
{
	struct kmsg *reply = call->reply;
	mig_reply_error_t *simple;

	if (reply == NULL)
		reply = call->request->done == 0
			    ? call->request
			    : kmsg_alloc(ledger_of_caller(),
				  sizeof(*simple) - HEADER_SIZE, 0);
	if (reply == NULL)
		return NULL;
	kmsg_drop_descriptors(reply);
	simple = (void *)&reply->header;
	simple->NDR = NDR_record;
	simple->RetCode = kr;
	reply->size = sizeof(*simple);
	return reply;
}

/* The reply, on its way to the reply right, or NULL; the request goes. */
static struct kmsg *
call_reply(struct call *call, kern_return_t kr)
{
	struct kmsg *request = call->request;
	struct kmsg *reply = call->reply;
	struct port *to = request->local;
	mach_msg_type_name_t type = request->local_type;
	int32_t id = request->id + MSGID_REPLY;

	if (kr == KERN_SUCCESS)
		reply_success(call);
	else
		reply = reply_failure(call, kr);
	request->local = NULL;
	if (reply == request) {
		right_used(request->remote, request->remote_type);
		kmsg_reuse(request, request->size - HEADER_SIZE);
	} else {
		kmsg_destroy(request);
	}
	if (reply != NULL && to != NULL) {
		reply->id = id;
		reply->remote = to;
		reply->remote_type = (uint8_t)type;
		return reply;
	}
	if (reply != NULL)
		kmsg_destroy(reply);
	right_release(to, type);
	return NULL;
}

/* The words of a reply, where those of the request were: its size. */
static uint32_t
in_place(struct call *call, kern_return_t kr)
{
	mig_reply_error_t *simple = (void *)&call->request->header;

	simple->NDR = NDR_record;
	simple->RetCode = kr;
	return kr == KERN_SUCCESS ? HEADER_SIZE + call->reply_size
				  : (uint32_t)sizeof(*simple);
}

static noreturn void serve_continue(void);

/*
 * Have a request answered from its start, be it the first time or not; what
 * was called is known.
 *
 * Meanwhile the thread's step state is the call's: the handler's progress, the
 * request, and the reply once there is one.
 */
static kern_return_t
serve_steps(struct call *call)
{
	const struct step_state *step = &current_thread()->step;
	kern_return_t kr;

	call->object = step->called;
	kr = call_routine(call, step->called_kind);
	if (unlikely(call_goes_on(kr))) {
		if (kr == KCALL_AGAIN)
			sched_yield(serve_continue);
		memory_wait_block(serve_continue);
	}
	memory_wait_over();
	kobject_put(step->called_kind, call->object);
	return kr;
}

/* The same, and its reply. */
static struct kmsg *
serve(struct kmsg *request)
{
	struct step_state *step = &current_thread()->step;
	enum kobject_kind kind = request->remote->kind;
	struct call call = {
	    .request = request,
	    .reply = step->reply,
	};

	/* What the call is about is kept from its first step to its last: so
	 * its progress is dealt with, though the port die meanwhile. */
	if (step->called_kind == KOBJECT_NONE) {
		if (!port_kobject_get(request->remote, kind, &step->called)) {
			kmsg_destroy(request);
			return NULL;
		}
		step->called_kind = kind;
	}
	return call_reply(&call, serve_steps(&call));
}

struct kmsg *
kserver_serve(struct kmsg *request)
{
	struct step_state *step = &current_thread()->step;

	*step = (struct step_state){.object = request};
	return serve(request);
}

struct kmsg *
kserver_serve_called(struct kmsg *request, uint32_t *sizep)
{
	struct call call = {.request = request};
	kern_return_t kr = serve_steps(&call);

	*sizep = 0;
	if (unlikely(request->complex ||
		     (call.reply != NULL && call.reply != request)))
		return call_reply(&call, kr);
	*sizep = in_place(&call, kr);
	return request;
}

struct kmsg *
kserver_reply(struct kmsg *request, uint32_t size)
{
	struct port *to = request->local;
	mach_msg_type_name_t type = request->local_type;
	int32_t id = request->id + MSGID_REPLY;

	right_used(request->remote, request->remote_type);
	kmsg_reuse(request, size - HEADER_SIZE);
	request->id = id;
	request->remote = to;
	request->remote_type = (uint8_t)type;
	return request;
}

static noreturn void
serve_continue(void)
{
	(void)memory_wait_end();
	message_served(serve(current_thread()->step.object));
}

noreturn void
call_finish(kern_return_t kr)
{
	const struct step_state *step = &current_thread()->step;
	struct call call = {
	    .request = step->object,
	    .reply = step->reply,
	    .reply_size = sizeof(mig_reply_error_t) - HEADER_SIZE,
	};

	kobject_put(step->called_kind, step->called);
	message_served(call_reply(&call, kr));
}
