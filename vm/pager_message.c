/*
 * pager_message.c: what the kernel tells pagers, as userland's stubs for
 * <mach/memory_object.defs> expect it: fields packed to 4 bytes.
 */
#include <mach/routine_ids.h>

#include "ipc/kmsg.h"
#include "ipc/mqueue.h"
#include "ipc/port.h"
#include "kernel/ktrace.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "vm/pager.h"
#include "vm/pager_wire.h"
#include "vm/transfer.h"

struct init_message {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_port_descriptor_t control;
	mach_msg_port_descriptor_t name;
	NDR_record_t ndr;
	uint64_t page_size;
} PAGER_WIRE;

struct terminate_message {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_port_descriptor_t control;
	mach_msg_port_descriptor_t name;
} PAGER_WIRE;

struct supplied_message {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_port_descriptor_t control;
	NDR_record_t ndr;
	uint64_t offset;
	uint64_t size;
	int32_t result;
	uint64_t error_offset;
} PAGER_WIRE;

struct return_message {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_port_descriptor_t control;
	mach_msg_ool_descriptor_t data;
	NDR_record_t ndr;
	uint64_t offset;
	uint32_t count;
	int32_t dirty;
	int32_t kernel_copy;
} PAGER_WIRE;

struct change_message {
	mach_msg_header_t header;
	NDR_record_t ndr;
	int32_t may_cache;
	int32_t copy_strategy;
} PAGER_WIRE;

/* ---- building them ---- */

/*
 * @ledger pays for what somebody could have any number of: the messages of an
 * object's beginning and end, and answers.  Of the others there are so many as
 * CONFIG_PAGER_REQUESTS, and the object's pages, allow.
 */
static struct kmsg *
message_alloc(
    struct ledger *ledger, int32_t id, size_t size, uint32_t descriptors)
{
	struct kmsg *kmsg =
	    kmsg_alloc(ledger, (uint32_t)size - HEADER_SIZE, descriptors);

	if (kmsg == NULL)
		return NULL;
	kmsg->id = id;
	if (descriptors > 0)
		((mach_msg_body_t *)(void *)kmsg->body)->msgh_descriptor_count =
		    descriptors;
	return kmsg;
}

/* The next descriptor is a right that is the caller's. */
static void
put_port(struct kmsg *kmsg, mach_msg_port_descriptor_t *user, struct port *port,
    mach_msg_type_name_t type)
{
	*user = (mach_msg_port_descriptor_t){
	    .type = MACH_MSG_PORT_DESCRIPTOR,
	    .disposition = (uint8_t)type,
	};
	kmsg->descriptor[kmsg->done++] = (struct kdescriptor){
	    .port = port,
	    .type = MACH_MSG_PORT_DESCRIPTOR,
	    .disposition = (uint8_t)type,
	};
	if (type == MACH_MSG_TYPE_PORT_RECEIVE) {
		kmsg->has_receive = true;
		port_set_carrier(port, kmsg);
	}
}

static void
put_control(const struct pager *pager, struct kmsg *kmsg,
    mach_msg_port_descriptor_t *user)
{
	put_port(kmsg, user, right_make_send(pager->control),
	    MACH_MSG_TYPE_PORT_SEND);
}

struct kmsg *
pager_message_init(struct pager *pager)
{
	struct kmsg *kmsg = message_alloc(ledger_of_caller(),
	    MSGID_MEMORY_OBJECT_INIT, sizeof(struct init_message), 2);
	struct init_message *message;

	if (kmsg == NULL)
		return NULL;
	message = (void *)&kmsg->header;
	put_control(pager, kmsg, &message->control);
	put_port(kmsg, &message->name, right_make_send(pager->name),
	    MACH_MSG_TYPE_PORT_SEND);
	message->ndr = NDR_record;
	message->page_size = PAGE_SIZE;
	return kmsg;
}

struct kmsg *
pager_message_request(struct pager *pager)
{
	struct kmsg *kmsg =
	    message_alloc(NULL, 0, sizeof(struct pager_request_message), 1);
	struct pager_request_message *message;

	if (kmsg == NULL)
		return NULL;
	message = (void *)&kmsg->header;
	put_control(pager, kmsg, &message->control);
	message->ndr = NDR_record;
	return kmsg;
}

void
pager_message_ask(struct kmsg *kmsg, bool unlock, uint64_t offset,
    uint64_t size, unsigned access)
{
	struct pager_request_message *message = (void *)&kmsg->header;

	kmsg->id = unlock ? MSGID_MEMORY_OBJECT_DATA_UNLOCK
			  : MSGID_MEMORY_OBJECT_DATA_REQUEST;
	message->offset = offset;
	message->size = size;
	message->access = (int32_t)access;
}

struct kmsg *
pager_message_return(struct ledger *ledger, struct pager *pager,
    uint64_t offset, uint64_t size, bool dirty, bool kernel_copy,
    struct transfer *data)
{
	struct kmsg *kmsg = message_alloc(ledger,
	    MSGID_MEMORY_OBJECT_DATA_RETURN, sizeof(struct return_message), 2);
	struct return_message *message;

	if (kmsg == NULL)
		return NULL;
	message = (void *)&kmsg->header;
	put_control(pager, kmsg, &message->control);
	message->data = (mach_msg_ool_descriptor_t){
	    .type = MACH_MSG_OOL_DESCRIPTOR,
	};
	kmsg->descriptor[kmsg->done++] = (struct kdescriptor){
	    .transfer = data,
	    .size = (uint32_t)size,
	    .type = MACH_MSG_OOL_DESCRIPTOR,
	    .copy = MACH_MSG_VIRTUAL_COPY,
	};
	message->ndr = NDR_record;
	message->offset = offset;
	message->count = (uint32_t)size;
	message->dirty = dirty;
	message->kernel_copy = kernel_copy;
	return kmsg;
}

/* ---- sending them ---- */

void
pager_message_address(struct pager *pager, struct kmsg *kmsg)
{
	kmsg->remote = right_copy_send(pager->port);
	kmsg->remote_type = MACH_MSG_TYPE_PORT_SEND;
}

void
pager_message_send(struct kmsg *kmsg, struct thread **nextp)
{
	struct thread *self = current_thread();
	struct port *port = kmsg->remote;

	*nextp = NULL;
	ktrace(KT_SEND, (uint64_t)port, (uint64_t)kmsg->id);
	port_lock(port);
	if (port->state == PORT_IS_DEAD || port->state == PORT_IN_KERNEL) {
		spin_unlock(&port->lock);
		kmsg_destroy(kmsg); /* three descriptors at most */
		return;
	}
	if (mqueue_post(port, kmsg, true, nextp) == POST_DELIVERED &&
	    (*nextp)->priority < self->priority)
		(*nextp)->priority = self->priority;
	spin_unlock(&port->lock);
}

/* Nobody waits for what @kmsg is an answer to, if it cannot be had. */
static void
answer(struct kmsg *kmsg, struct port *to)
{
	if (kmsg != NULL)
		port_send_kernel(to, MACH_MSG_TYPE_PORT_SEND_ONCE, kmsg);
	else
		right_release_send_once(to);
}

void
pager_answer_lock(
    struct pager *pager, struct port *to, uint64_t offset, uint64_t size)
{
	const size_t length = offsetof(struct pager_request_message, access);
	struct pager_request_message *message;
	struct kmsg *kmsg;

	if (to == NULL)
		return;
	kmsg = message_alloc(
	    ledger_of_caller(), MSGID_MEMORY_OBJECT_LOCK_COMPLETED, length, 1);
	if (kmsg != NULL) {
		message = (void *)&kmsg->header;
		put_control(pager, kmsg, &message->control);
		message->ndr = NDR_record;
		message->offset = offset;
		message->size = size;
	}
	answer(kmsg, to);
}

void
pager_answer_supply(struct pager *pager, struct port *to, uint64_t offset,
    uint64_t size, kern_return_t result, uint64_t error_offset)
{
	struct supplied_message *message;
	struct kmsg *kmsg;

	if (to == NULL)
		return;
	kmsg = message_alloc(ledger_of_caller(),
	    MSGID_MEMORY_OBJECT_SUPPLY_COMPLETED, sizeof(*message), 1);
	if (kmsg != NULL) {
		message = (void *)&kmsg->header;
		put_control(pager, kmsg, &message->control);
		message->ndr = NDR_record;
		message->offset = offset;
		message->size = size;
		message->result = result;
		message->error_offset = error_offset;
	}
	answer(kmsg, to);
}

void
pager_answer_change(struct port *to, bool may_cache, int copy_strategy)
{
	struct change_message *message;
	struct kmsg *kmsg;

	if (to == NULL)
		return;
	kmsg = message_alloc(ledger_of_caller(),
	    MSGID_MEMORY_OBJECT_CHANGE_COMPLETED, sizeof(*message), 0);
	if (kmsg != NULL) {
		message = (void *)&kmsg->header;
		message->ndr = NDR_record;
		message->may_cache = may_cache;
		message->copy_strategy = copy_strategy;
	}
	answer(kmsg, to);
}

/* ---- the last one ---- */

struct kmsg *
pager_message_terminate(void)
{
	return message_alloc(ledger_of_caller(), MSGID_MEMORY_OBJECT_TERMINATE,
	    sizeof(struct terminate_message), 2);
}

void
pager_message_end(struct pager *pager)
{
	struct kmsg *kmsg = pager->terminate;
	struct terminate_message *message = (void *)&kmsg->header;

	pager->terminate = NULL;
	port_release_kernel(pager->control);
	port_release_kernel(pager->name);
	put_port(kmsg, &message->control, pager->control,
	    MACH_MSG_TYPE_PORT_RECEIVE);
	put_port(kmsg, &message->name, pager->name, MACH_MSG_TYPE_PORT_RECEIVE);
	port_send_kernel(pager->port, MACH_MSG_TYPE_PORT_SEND, kmsg);
}
