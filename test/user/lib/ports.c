/* lib/ports.c: ports and messages, see mach_test.h. */
#include "test/user/mach_test.h"

#include <string.h>

#define PATIENCE_MS 5000

mach_port_t
port_new(void)
{
	mach_port_t port;

	must(mach_port_allocate(
	    mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port));
	return port;
}

mach_port_t
port_new_send(void)
{
	mach_port_t port = port_new();

	must(mach_port_insert_right(
	    mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND));
	return port;
}

void
port_end(mach_port_t port)
{
	must(mach_port_destroy(mach_task_self(), port));
}

unsigned
refs(mach_port_t name, mach_port_right_t right)
{
	mach_port_urefs_t count = 0;

	if (mach_port_get_refs(mach_task_self(), name, right, &count) !=
	    KERN_SUCCESS)
		return 0;
	return count;
}

mach_port_type_t
type_of(mach_port_t name)
{
	mach_port_type_t type = 0;

	if (mach_port_type(mach_task_self(), name, &type) != KERN_SUCCESS)
		return 0;
	return type;
}

void
set_limit(mach_port_t port, unsigned limit)
{
	mach_port_limits_t limits = {.mpl_qlimit = limit};

	must(mach_port_set_attributes(mach_task_self(), port,
	    MACH_PORT_LIMITS_INFO, (mach_port_info_t)&limits,
	    MACH_PORT_LIMITS_INFO_COUNT));
}

mach_port_status_t
status_of(mach_port_t port)
{
	mach_port_status_t status;
	mach_msg_type_number_t count = MACH_PORT_RECEIVE_STATUS_COUNT;

	memset(&status, 0, sizeof(status));
	must(mach_port_get_attributes(mach_task_self(), port,
	    MACH_PORT_RECEIVE_STATUS, (mach_port_info_t)&status, &count));
	return status;
}

unsigned
name_count(void)
{
	mach_port_name_array_t names;
	mach_port_type_array_t types;
	mach_msg_type_number_t count, type_count;

	must(mach_port_names(
	    mach_task_self(), &names, &count, &types, &type_count));
	vm_deallocate(
	    mach_task_self(), (vm_address_t)names, count * sizeof(*names));
	vm_deallocate(
	    mach_task_self(), (vm_address_t)types, type_count * sizeof(*types));
	return count;
}

kern_return_t
send_note(mach_port_t to, mach_msg_type_name_t disposition, mach_msg_id_t id,
    unsigned timeout_plus_1)
{
	struct note message = {
	    .header =
		{
		    .msgh_bits = MACH_MSGH_BITS(disposition, 0),
		    .msgh_size = NOTE_SIZE,
		    .msgh_remote_port = to,
		    .msgh_id = id,
		},
	    .word = {(uint32_t)id},
	};
	bool timed = timeout_plus_1 != 0;
	kern_return_t kr;

	kr = mach_msg(&message.header,
	    MACH_SEND_MSG | (timed ? MACH_SEND_TIMEOUT : 0), NOTE_SIZE, 0,
	    MACH_PORT_NULL, timed ? timeout_plus_1 - 1 : 0, MACH_PORT_NULL);
	/* It came back as if received, with the right it had taken. */
	if (kr == MACH_SEND_TIMED_OUT || kr == MACH_SEND_INTERRUPTED)
		mach_msg_destroy(&message.header);
	return kr;
}

kern_return_t
post(mach_port_t to, mach_msg_id_t id)
{
	return send_note(to, MACH_MSG_TYPE_COPY_SEND, id, 1);
}

static kern_return_t
receive(void *message, size_t size, mach_port_t from, unsigned milliseconds)
{
	return mach_msg(message, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0,
	    (mach_msg_size_t)size, from, milliseconds, MACH_PORT_NULL);
}

kern_return_t
poll_for(void *message, size_t size, mach_port_t from)
{
	return receive(message, size, from, 0);
}

kern_return_t
await(void *message, size_t size, mach_port_t from)
{
	return receive(message, size, from, PATIENCE_MS);
}

/* Forget a message, with the rights it brought. */
static int
forget(struct note *message)
{
	int id = message->header.msgh_id;

	mach_msg_destroy(&message->header);
	return id;
}

int
take(mach_port_t from)
{
	struct note message;

	if (poll_for(&message, sizeof(message), from) != KERN_SUCCESS)
		return -1;
	return forget(&message);
}

int
take_later(mach_port_t from)
{
	struct note message;

	if (await(&message, sizeof(message), from) != KERN_SUCCESS)
		return -1;
	return forget(&message);
}

bool
dies(mach_port_t name)
{
	uint64_t start = mach_absolute_time();

	while ((type_of(name) & MACH_PORT_TYPE_DEAD_NAME) == 0) {
		if (ms_since(start) > PATIENCE_MS)
			return false;
		sleep_ms(1);
	}
	return true;
}

void
parcel_fill(struct parcel *parcel, mach_port_t to, mach_port_t right,
    mach_msg_type_name_t disposition)
{
	*parcel = (struct parcel){
	    .header =
		{
		    .msgh_bits = MACH_MSGH_BITS_COMPLEX |
				 MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
		    .msgh_size = PARCEL_SIZE,
		    .msgh_remote_port = to,
		    .msgh_id = 77,
		},
	    .body = {1},
	    .port =
		{
		    .name = right,
		    .disposition = disposition,
		    .type = MACH_MSG_PORT_DESCRIPTOR,
		},
	    .word = 0x12345678,
	};
}

void
crate_fill(struct crate *crate, mach_port_t to, void *address, uint32_t size,
    bool deallocate, mach_msg_copy_options_t copy)
{
	*crate = (struct crate){
	    .header =
		{
		    .msgh_bits = MACH_MSGH_BITS_COMPLEX |
				 MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
		    .msgh_size = CRATE_SIZE,
		    .msgh_remote_port = to,
		    .msgh_id = 78,
		},
	    .body = {1},
	    .memory =
		{
		    .address = address,
		    .deallocate = deallocate,
		    .copy = copy,
		    .type = MACH_MSG_OOL_DESCRIPTOR,
		    .size = size,
		},
	};
}

kern_return_t
send_message(void *message, size_t size)
{
	return mach_msg(message, MACH_SEND_MSG | MACH_SEND_TIMEOUT,
	    (mach_msg_size_t)size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
}

unsigned
senders(mach_port_t port)
{
	mach_port_rights_t count = 0;

	must(mach_port_get_srights(mach_task_self(), port, &count));
	return count;
}

kern_return_t
ask_raw(mach_port_t server, mach_msg_id_t id, mach_msg_bits_t bits,
    void *message, size_t size)
{
	mach_port_t reply = mig_get_reply_port();
	mach_msg_header_t *header = message;
	union {
		mig_reply_error_t error;
		char room[2000];
	} answer;

	*header = (mach_msg_header_t){
	    .msgh_bits = bits | MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
				    MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    .msgh_size = (mach_msg_size_t)size,
	    .msgh_remote_port = server,
	    .msgh_local_port = reply,
	    .msgh_id = id,
	};
	/* Others may have filled the server's queue. */
	must(mach_msg(header, MACH_SEND_MSG | MACH_SEND_TIMEOUT,
	    (mach_msg_size_t)size, 0, MACH_PORT_NULL, PATIENCE_MS,
	    MACH_PORT_NULL));
	must(await(&answer, sizeof(answer), reply));
	if (answer.error.Head.msgh_id != id + 100)
		return 1;
	if (!(answer.error.Head.msgh_bits & MACH_MSGH_BITS_COMPLEX))
		return answer.error.RetCode;
	mach_msg_destroy(&answer.error.Head);
	return KERN_SUCCESS;
}
