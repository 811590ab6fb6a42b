/*
 * kserver.c: messages to the kernel's own ports: decode, call, reply.  What a
 * definition says is in call.c.  Long because it has both.
 */
#include "ipc/kserver.h"

#include "ipc/message.h"
#include "kernel/kassert.h"
#include "kernel/sched.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/zone.h"
#include "vm/transfer.h"

/* ---- the table of routines: open addressing by id ---- */

#define ROUTINES_MAX 512 /* places; a power of two, at most half are used */

static const struct kroutine *routines[ROUTINES_MAX];
static unsigned routine_count;

static unsigned
place_of(int32_t id)
{
	return (uint32_t)id & (ROUTINES_MAX - 1);
}

void
kserver_init(void)
{
	static_assert(sizeof(current_thread()->step.word) >=
			  KCALL_PROGRESS_WORDS * sizeof(uint64_t),
	    "progress of a call");
}

void
kserver_register(const struct kroutine *table, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		unsigned place = place_of(table[i].id);

		KASSERT(routine_count < ROUTINES_MAX / 2);
		routine_count++;
		while (routines[place] != NULL)
			place = (place + 1) & (ROUTINES_MAX - 1);
		routines[place] = &table[i];
	}
}

static const struct kroutine *
find_routine(int32_t id, unsigned kind)
{
	for (unsigned place = place_of(id); routines[place] != NULL;
	     place = (place + 1) & (ROUTINES_MAX - 1)) {
		const struct kroutine *routine = routines[place];

		if (routine->id == id && routine->kind == kind)
			return routine;
	}
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

uint32_t
kcall_left(struct kcall *call)
{
	return body_size(call->request) - call->cursor;
}

uint32_t
kcall_u32(struct kcall *call)
{
	uint32_t value;

	if (kcall_left(call) < sizeof(value))
		return 0;
	memcpy(&value, call->request->body + call->cursor, sizeof(value));
	call->cursor += sizeof(value);
	return value;
}

uint64_t
kcall_u64(struct kcall *call)
{
	uint64_t low = kcall_u32(call);

	return low | (uint64_t)kcall_u32(call) << 32;
}

const void *
kcall_bytes(struct kcall *call, uint32_t size)
{
	const void *bytes = call->request->body + call->cursor;

	if (size > kcall_left(call))
		return NULL;
	/* Bodies are multiples of 4, and so is what is left. */
	call->cursor += padded(size);
	return bytes;
}

const char *
kcall_string(struct kcall *call, uint32_t size)
{
	const char *string = kcall_bytes(call, size);

	if (string == NULL || memchr(string, '\0', size) == NULL)
		return NULL;
	return string;
}

static struct kdescriptor *
next_descriptor(struct kcall *call)
{
	KASSERT(call->next_descriptor < call->request->descriptor_count);
	return &call->request->descriptor[call->next_descriptor++];
}

struct port *
kcall_port(struct kcall *call)
{
	return next_descriptor(call)->port;
}

struct port *
kcall_port_take(struct kcall *call, mach_msg_type_name_t *typep)
{
	struct kdescriptor *descriptor = next_descriptor(call);
	struct port *port = descriptor->port;

	*typep = descriptor->disposition;
	if (port != NULL && *typep == MACH_MSG_TYPE_PORT_RECEIVE)
		port_set_carrier(port, NULL);
	descriptor->port = NULL;
	return port;
}

struct transfer *
kcall_ool(struct kcall *call, uint64_t *sizep)
{
	struct kdescriptor *descriptor = next_descriptor(call);

	*sizep = descriptor->size;
	return descriptor->transfer;
}

struct transfer *
kcall_ool_take(struct kcall *call, uint64_t *sizep)
{
	struct kdescriptor *descriptor = next_descriptor(call);
	struct transfer *transfer = descriptor->transfer;

	*sizep = descriptor->size;
	descriptor->transfer = NULL;
	return transfer;
}

struct port **
kcall_ool_ports(
    struct kcall *call, uint32_t *countp, mach_msg_type_name_t *typep)
{
	struct kdescriptor *descriptor = next_descriptor(call);

	*countp = descriptor->size;
	*typep = descriptor->disposition;
	return descriptor->ports;
}

/* ---- results ---- */

/* The reply's next descriptor; NULL: there is none to have. */
static struct kdescriptor *
put_descriptor(struct kcall *call)
{
	struct kmsg *reply = call->reply;

	if (reply == NULL)
		return NULL;
	KASSERT(call->data == 0); /* descriptors come before data */
	if (reply->done == reply->descriptor_count) {
		call->overflow = true;
		return NULL;
	}
	return &reply->descriptor[reply->done++];
}

void
kcall_put_port(struct kcall *call, struct port *port, mach_msg_type_name_t type)
{
	struct kdescriptor *descriptor = put_descriptor(call);

	if (descriptor == NULL) {
		right_release(port, type);
		return;
	}
	*descriptor = (struct kdescriptor){
	    .port = port,
	    .type = MACH_MSG_PORT_DESCRIPTOR,
	    .disposition = (uint8_t)type,
	};
	if (port != NULL && type == MACH_MSG_TYPE_PORT_RECEIVE) {
		call->reply->has_receive = true;
		port_set_carrier(port, call->reply);
	}
}

void
kcall_put_send(struct kcall *call, struct port *port)
{
	kcall_put_port(call, port, MACH_MSG_TYPE_PORT_SEND);
}

void
kcall_put_ool(struct kcall *call, struct transfer *transfer, uint64_t size)
{
	struct kdescriptor *descriptor = put_descriptor(call);

	if (descriptor == NULL) {
		if (transfer != NULL)
			transfer_destroy(transfer);
		return;
	}
	*descriptor = (struct kdescriptor){
	    .transfer = transfer,
	    .size = (uint32_t)size,
	    .type = MACH_MSG_OOL_DESCRIPTOR,
	    .copy = MACH_MSG_VIRTUAL_COPY,
	};
}

kern_return_t
kcall_put_ool_ports(struct kcall *call, struct port *const *ports,
    uint32_t count, mach_msg_type_name_t type)
{
	struct kdescriptor *descriptor = put_descriptor(call);
	struct port **array = NULL;

	if (count > 0 && descriptor != NULL)
		array = kmem_alloc(count * sizeof(*array));
	if (descriptor != NULL)
		*descriptor = (struct kdescriptor){
		    .ports = array,
		    .size = array != NULL ? count : 0,
		    .type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
		    .disposition = (uint8_t)type,
		    .copy = MACH_MSG_VIRTUAL_COPY,
		};
	if (array != NULL)
		memcpy(array, ports, count * sizeof(*array));
	for (uint32_t i = 0; array == NULL && i < count; i++)
		right_release(ports[i], type);
	return array == NULL && count > 0 && descriptor != NULL
		   ? KERN_RESOURCE_SHORTAGE
		   : KERN_SUCCESS;
}

/* Bytes of the descriptors put, as the user will see them. */
static uint32_t
put_descriptors_size(const struct kmsg *reply)
{
	uint32_t size = 0;

	for (uint32_t i = 0; i < reply->done; i++)
		size += reply->descriptor[i].type == MACH_MSG_PORT_DESCRIPTOR
			    ? sizeof(mach_msg_port_descriptor_t)
			    : sizeof(mach_msg_ool_descriptor_t);
	return size;
}

/* Where results begin: behind NDR and RetCode, or behind the descriptors and
 * NDR. */
static uint32_t
data_offset(const struct kmsg *reply)
{
	if (reply->done == 0)
		return sizeof(NDR_record_t) + sizeof(kern_return_t);
	return (uint32_t)(sizeof(mach_msg_body_t) + sizeof(NDR_record_t)) +
	       put_descriptors_size(reply);
}

/* Room for @size bytes more of results; NULL: none. */
static void *
put_room(struct kcall *call, uint32_t size)
{
	struct kmsg *reply = call->reply;
	void *room;

	if (reply == NULL)
		return NULL;
	if (call->data == 0)
		call->data = data_offset(reply);
	if (size > call->routine->out - call->put) {
		call->overflow = true;
		return NULL;
	}
	room = reply->body + call->data + call->put;
	call->put += size;
	return room;
}

void
kcall_put_bytes(struct kcall *call, const void *bytes, uint32_t size)
{
	uint8_t *room;

	if (size > UINT32_MAX - 3)
		size = UINT32_MAX - 3;
	room = put_room(call, padded(size));
	if (room == NULL)
		return;
	memcpy(room, bytes, size);
	memset(room + size, 0, padded(size) - size);
}

void
kcall_put_u32(struct kcall *call, uint32_t value)
{
	kcall_put_bytes(call, &value, sizeof(value));
}

void
kcall_put_u64(struct kcall *call, uint64_t value)
{
	kcall_put_bytes(call, &value, sizeof(value));
}

void
kcall_put_array(struct kcall *call, const void *elements, uint32_t count,
    uint32_t element_size)
{
	uint64_t size = (uint64_t)count * element_size;

	kcall_put_u32(call, count);
	if (size > UINT32_MAX - 3)
		call->overflow = true;
	else
		kcall_put_bytes(call, elements, (uint32_t)size);
}

/* ---- the call ---- */

static bool
descriptor_matches(const struct kdescriptor *descriptor, char wanted)
{
	uint32_t type = descriptor->type;

	if (wanted == 'o')
		return type == MACH_MSG_OOL_DESCRIPTOR ||
		       type == MACH_MSG_OOL_VOLATILE_DESCRIPTOR;
	if (wanted == 'a')
		return type == MACH_MSG_OOL_PORTS_DESCRIPTOR;
	if (type != MACH_MSG_PORT_DESCRIPTOR)
		return false;
	if (wanted == 's')
		return descriptor->port == NULL ||
		       descriptor->disposition == MACH_MSG_TYPE_PORT_SEND;
	if (wanted == 'r')
		return descriptor->port == NULL ||
		       descriptor->disposition == MACH_MSG_TYPE_PORT_RECEIVE;
	return true;
}

/* Find the arguments; does the request have the form that the table says? */
static bool
request_matches(struct kcall *call)
{
	const struct kroutine *routine = call->routine;
	const char *wanted =
	    routine->descriptors != NULL ? routine->descriptors : "";
	struct kmsg *request = call->request;

	call->next_descriptor = 0;
	call->cursor = 0;
	if (request->complex)
		call->cursor = (uint32_t)sizeof(mach_msg_body_t) +
			       put_descriptors_size(request);
	/* As MIG has it: where no data follows, there is no NDR either. */
	if (routine->in > 0)
		call->cursor += sizeof(NDR_record_t);
	if (request->descriptor_count != strlen(wanted))
		return false;
	for (uint32_t i = 0; i < request->descriptor_count; i++) {
		if (!descriptor_matches(&request->descriptor[i], wanted[i]))
			return false;
	}
	/* A request without arguments need not have an NDR. */
	if (routine->in == 0 && body_size(request) < call->cursor)
		call->cursor = body_size(request);
	return body_size(request) >= call->cursor + routine->in;
}

/* Most bytes of a reply's body. */
static uint32_t
reply_size(const struct kroutine *routine)
{
	uint32_t prefix = sizeof(NDR_record_t) + sizeof(kern_return_t);

	if (routine->out_descriptors > 0)
		prefix += (uint32_t)sizeof(mach_msg_body_t) +
			  routine->out_descriptors *
			      (uint32_t)sizeof(mach_msg_ool_descriptor_t);
	return prefix + routine->out;
}

/* Give up what was put into the reply: the call failed, or starts again. */
static void
unput(struct kcall *call)
{
	call->data = 0;
	call->put = 0;
	call->overflow = false;
	if (call->reply == NULL)
		return;
	/* A few rights and at most a small region: see out_descriptors. */
	while (call->reply->done > 0) {
		if (!kmsg_release_step(call->reply))
			break;
	}
	call->reply->has_receive = false;
}

/* Memory for the reply, if one is wanted: from the first step on, so that the
 * later ones do not fail for want of it. */
static bool
prepare_reply(struct kcall *call)
{
	struct step_state *step = &current_thread()->step;
	const struct kroutine *routine = call->routine;

	if (step->reply == NULL && call->request->local != NULL)
		step->reply =
		    kmsg_alloc(reply_size(routine), routine->out_descriptors);
	call->reply = step->reply;
	step->reply = NULL;
	return call->reply != NULL || call->request->local == NULL;
}

/* Call the handler, with what it needs. */
static kern_return_t
kcall_serve(struct kcall *call)
{
	kern_return_t kr;

	if (!prepare_reply(call))
		return KERN_RESOURCE_SHORTAGE;
	kr = call->routine->serve(call);
	if (kr == KERN_SUCCESS && call->overflow)
		kr = MIG_ARRAY_TOO_LARGE;
	return kr;
}

/* Write NDR and RetCode into @reply, which carries nothing. */
static void
reply_code(struct kmsg *reply, kern_return_t kr)
{
	kmsg_drop_descriptors(reply);
	memcpy(reply->body, &NDR_record, sizeof(NDR_record));
	memcpy(reply->body + sizeof(NDR_record), &kr, sizeof(kr));
	reply->size = sizeof(mig_reply_error_t);
}

/* Complete the reply of a call that succeeded. */
static void
reply_success(struct kcall *call)
{
	struct kmsg *reply = call->reply;
	mach_msg_body_t body = {.msgh_descriptor_count = reply->done};

	if (reply->done == 0) {
		reply_code(reply, KERN_SUCCESS);
		reply->size += call->put;
		return;
	}
	memcpy(reply->body, &body, sizeof(body));
	reply->descriptor_count = reply->done;
	/* As MIG has it: where no data follows, there is no NDR either. */
	reply->size = HEADER_SIZE + sizeof(body) + put_descriptors_size(reply);
	if (call->put > 0) {
		memcpy(reply->body + call->data - sizeof(NDR_record),
		    &NDR_record, sizeof(NDR_record));
		reply->size = HEADER_SIZE + call->data + call->put;
	}
}

/* Send the reply, and let the request go. */
static void
kcall_reply(struct kcall *call, kern_return_t kr)
{
	struct kmsg *request = call->request;
	struct kmsg *reply = call->reply;
	struct port *to = request->local;
	uint32_t type = request->local_type;
	int32_t id = request->id + MSGID_REPLY;

	if (kr == KERN_SUCCESS && reply != NULL) {
		reply_success(call);
	} else if (reply != NULL) {
		unput(call);
		reply_code(reply, kr);
	}
	if (to == NULL || kr == MIG_NO_REPLY) {
		if (reply != NULL)
			kmsg_free(reply);
		kmsg_destroy(request);
		return;
	}
	request->local = NULL;
	if (reply == NULL && request->done == 0) {
		/* It was not even found, or there is no memory: the request's
		 * own is enough to say so. */
		right_release_send(request->remote);
		request->remote = NULL;
		reply = request;
		reply->sender = 0;
		reply_code(reply, kr);
	} else {
		kmsg_destroy(request);
	}
	if (reply == NULL) {
		reply = kmsg_alloc(sizeof(mig_reply_error_t) - HEADER_SIZE, 0);
		if (reply != NULL)
			reply_code(reply, kr);
	}
	if (reply == NULL) {
		right_release(to, type);
		return;
	}
	reply->id = id;
	port_send_kernel(to, type, reply);
}

/*
 * What the call is about.  A call with many steps keeps it from the first to
 * the last: so whatever it has saved of its progress is dealt with, though the
 * port die meanwhile.  False: it is gone already.
 */
static bool
find_object(struct kcall *call)
{
	struct step_state *step = &current_thread()->step;
	enum kobject_kind kind = call->port->kind;

	if (step->called_kind == KOBJECT_NONE) {
		if (!port_kobject_get(call->port, kind, &step->called))
			return false;
		step->called_kind = kind;
	}
	call->object = step->called;
	return true;
}

/* Its reference may be the handler's by now, which says so with NULL. */
static void
forget_object(struct kcall *call)
{
	if (call->object != NULL)
		kobject_put(current_thread()->step.called_kind, call->object);
}

/* Serve a request from its start, be it the first time or not. */
static void
kserver_call(struct kmsg *request)
{
	struct thread *self = current_thread();
	struct kcall call = {
	    .caller = self->task,
	    .port = request->remote,
	    .progress = self->step.word,
	    .request = request,
	};
	kern_return_t kr;

	if (!find_object(&call)) {
		kmsg_destroy(request);
		return;
	}
	call.routine = find_routine(request->id, self->step.called_kind);
	if (call.routine == NULL)
		kr = MIG_BAD_ID;
	else if (!request_matches(&call))
		kr = MIG_BAD_ARGUMENTS;
	else
		kr = kcall_serve(&call);
	if (kr == KCALL_AGAIN) {
		kcall_suspend(&call);
		sched_yield(kcall_continue);
	}
	forget_object(&call);
	kcall_reply(&call, kr);
}

void
kserver_serve(struct kmsg *kmsg)
{
	struct step_state *step = &current_thread()->step;

	if (call_is_known(kmsg->id, kmsg->remote->kind)) {
		call_serve(kmsg);
		return;
	}
	for (int i = 0; i < KCALL_PROGRESS_WORDS; i++)
		step->word[i] = 0;
	step->called_kind = KOBJECT_NONE;
	step->reply = NULL;
	kserver_call(kmsg);
}

void
kcall_suspend(struct kcall *call)
{
	struct step_state *step = &current_thread()->step;

	unput(call);
	step->reply = call->reply;
	step->object = call->request;
}

void
kcall_continue(void)
{
	kserver_call(current_thread()->step.object);
	message_served();
}

noreturn void
kcall_finish(kern_return_t kr)
{
	struct step_state *step = &current_thread()->step;
	struct kcall call = {.request = step->object, .reply = step->reply};

	kcall_reply(&call, kr);
	message_served();
}
