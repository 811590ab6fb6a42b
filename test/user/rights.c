/* rights.c: rights in messages: all dispositions, in the header, in descriptors
 * and in arrays. */
#include "test/user/mach_test.h"

#include <stdlib.h>
#include <string.h>

static mach_port_t self, box;

/* ---- the header ---- */

/* Send a bare header; what the receiver reads as its remote and bits. */
static kern_return_t
send_bare(uint32_t bits, mach_port_t remote, mach_port_t local)
{
	mach_msg_header_t header = {
	    .msgh_bits = bits,
	    .msgh_size = sizeof(header),
	    .msgh_remote_port = remote,
	    .msgh_local_port = local,
	    .msgh_id = 12,
	};

	return send_message(&header, sizeof(header));
}

static void
test_destinations(void)
{
	mach_port_t port = port_new(), once;
	mach_msg_type_name_t type;
	struct note got;

	is(send_bare(MACH_MSG_TYPE_MAKE_SEND, port, 0), KERN_SUCCESS,
	    "to a send right made for it");
	must(poll_for(&got, sizeof(got), port));
	is(MACH_MSGH_BITS_LOCAL(got.header.msgh_bits), MACH_MSG_TYPE_PORT_SEND,
	    "arrives by a send right");
	is(send_bare(MACH_MSG_TYPE_MAKE_SEND_ONCE, port, 0), KERN_SUCCESS,
	    "to a send-once right made for it");
	must(poll_for(&got, sizeof(got), port));
	is(MACH_MSGH_BITS_LOCAL(got.header.msgh_bits),
	    MACH_MSG_TYPE_PORT_SEND_ONCE, "arrives by a send-once right");
	must(mach_port_insert_right(self, port, port, MACH_MSG_TYPE_MAKE_SEND));
	is(send_bare(MACH_MSG_TYPE_COPY_SEND, port, 0), KERN_SUCCESS,
	    "to a copied send right");
	is(send_refs(port), 1, "which stays");
	is(send_bare(MACH_MSG_TYPE_MOVE_SEND, port, 0), KERN_SUCCESS,
	    "to a moved one");
	is(send_refs(port), 0, "which goes");
	must(mach_port_extract_right(
	    self, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once, &type));
	is(send_bare(MACH_MSG_TYPE_MOVE_SEND_ONCE, once, 0), KERN_SUCCESS,
	    "to a moved send-once right");
	is(type_of(once), 0, "which goes too");
	for (int i = 0; i < 3; i++)
		is(take(port), 12, "message %d is there", i);
	ok(!status_of(port).mps_srights, "no send right is left over");
	is(status_of(port).mps_sorights, 0, "nor a send-once right");
	port_end(port);
}

static void
test_replies(void)
{
	static const struct {
		mach_msg_type_name_t sent, received;
		const char *name;
	} cases[] = {
	    {MACH_MSG_TYPE_MAKE_SEND, MACH_MSG_TYPE_PORT_SEND, "made send"},
	    {MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_PORT_SEND, "copied send"},
	    {MACH_MSG_TYPE_MOVE_SEND, MACH_MSG_TYPE_PORT_SEND, "moved send"},
	    {MACH_MSG_TYPE_MAKE_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND_ONCE,
		"made send-once"},
	};
	struct note got;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		mach_port_t reply = port_new_send(), name;

		is(send_bare(
		       MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, cases[i].sent),
		       box, reply),
		    KERN_SUCCESS, "an answer by a %s right", cases[i].name);
		must(poll_for(&got, sizeof(got), box));
		name = got.header.msgh_remote_port;
		is(MACH_MSGH_BITS_REMOTE(got.header.msgh_bits),
		    cases[i].received, "its kind");
		is(send_note(name, MACH_MSGH_BITS_REMOTE(got.header.msgh_bits),
		       41, 1),
		    KERN_SUCCESS, "answers");
		is(take(reply), 41, "to the right port");
		port_end(reply);
	}
	is(send_bare(MACH_MSGH_BITS(
			 MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
	       box, MACH_PORT_DEAD),
	    KERN_SUCCESS, "a dead answer port is no error");
	must(poll_for(&got, sizeof(got), box));
	is(got.header.msgh_remote_port, MACH_PORT_DEAD, "and arrives dead");
}

/* Destination and answer from one name: both or neither. */
static void
test_shared_name(void)
{
	mach_port_t port = port_new_send();
	struct note got;
	kern_return_t kr = send_bare(
	    MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND, MACH_MSG_TYPE_MOVE_SEND),
	    port, port);

	ok(kr == MACH_SEND_INVALID_REPLY || kr == MACH_SEND_INVALID_DEST,
	    "one reference cannot be moved twice");
	is(send_refs(port), 1, "nor was it moved once");
	must(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_SEND, 1));
	is(send_bare(
	       MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND, MACH_MSG_TYPE_MOVE_SEND),
	       port, port),
	    KERN_SUCCESS, "two can");
	is(send_refs(port), 0, "and both are gone");
	must(poll_for(&got, sizeof(got), port));
	is(send_refs(port), 1, "one came back");
	port_end(port);
}

/* ---- descriptors ---- */

/* Send @right to the box and take it out again. */
static kern_return_t
pass(mach_port_t right, mach_msg_type_name_t disposition, struct parcel *parcel)
{
	kern_return_t kr;

	parcel_fill(parcel, box, right, disposition);
	kr = send_message(parcel, PARCEL_SIZE);
	if (kr != KERN_SUCCESS)
		return kr;
	memset(parcel, 0, sizeof(*parcel));
	return poll_for(parcel, sizeof(*parcel), box);
}

static void
test_descriptors(void)
{
	mach_port_t port = port_new(), once;
	struct parcel got;

	is(pass(port, MACH_MSG_TYPE_MAKE_SEND, &got), KERN_SUCCESS,
	    "make send");
	is(got.port.name, port, "by the name that the port has here");
	is(got.port.disposition, MACH_MSG_TYPE_PORT_SEND, "is a send right");
	is(got.port.type, MACH_MSG_PORT_DESCRIPTOR, "in a port descriptor");
	is(got.word, 0x12345678, "what follows is untouched");
	ok(MACH_MSGH_BITS_IS_COMPLEX(got.header.msgh_bits), "complex");
	is(send_refs(port), 1, "one reference");
	is(pass(port, MACH_MSG_TYPE_COPY_SEND, &got), KERN_SUCCESS,
	    "copy send");
	is(send_refs(port), 2, "one more");
	is(pass(port, MACH_MSG_TYPE_MOVE_SEND, &got), KERN_SUCCESS,
	    "move send");
	is(send_refs(port), 2, "as many as before");
	is(pass(port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &got), KERN_SUCCESS,
	    "make send-once");
	once = got.port.name;
	is(got.port.disposition, MACH_MSG_TYPE_PORT_SEND_ONCE, "is one");
	is(type_of(once), MACH_PORT_TYPE_SEND_ONCE, "by its name too");
	is(pass(once, MACH_MSG_TYPE_MOVE_SEND_ONCE, &got), KERN_SUCCESS,
	    "move send-once");
	is(type_of(got.port.name), MACH_PORT_TYPE_SEND_ONCE, "still one");
	is(status_of(port).mps_sorights, 1, "and only one");
	must(mach_port_deallocate(self, got.port.name));
	is(take(port), MACH_NOTIFY_SEND_ONCE, "its port hears of its end");
	is(pass(port, MACH_MSG_TYPE_MOVE_RECEIVE, &got), KERN_SUCCESS,
	    "move receive");
	is(type_of(got.port.name), MACH_PORT_TYPE_SEND_RECEIVE,
	    "meets the send rights again");
	is(got.port.disposition, MACH_MSG_TYPE_PORT_RECEIVE, "is one");
	port_end(got.port.name);
}

static void
test_null_and_dead(void)
{
	struct parcel got;
	mach_port_t port = port_new_send();

	is(pass(MACH_PORT_NULL, MACH_MSG_TYPE_COPY_SEND, &got), KERN_SUCCESS,
	    "null may be sent");
	is(got.port.name, MACH_PORT_NULL, "and arrives");
	is(pass(MACH_PORT_DEAD, MACH_MSG_TYPE_COPY_SEND, &got), KERN_SUCCESS,
	    "dead may be sent");
	is(got.port.name, MACH_PORT_DEAD, "and arrives");
	must(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_RECEIVE, -1));
	is(pass(port, MACH_MSG_TYPE_COPY_SEND, &got), KERN_SUCCESS,
	    "so may a dead name");
	is(got.port.name, MACH_PORT_DEAD, "which arrives dead");
	must(mach_port_deallocate(self, port));
}

static void
test_wrong_descriptors(void)
{
	mach_port_t receive_only = port_new();
	struct parcel parcel;
	unsigned before = name_count();
	kern_return_t kr;

	is(pass(NO_NAME, MACH_MSG_TYPE_COPY_SEND, &parcel),
	    MACH_SEND_INVALID_RIGHT, "no such name");
	is(pass(receive_only, MACH_MSG_TYPE_COPY_SEND, &parcel),
	    MACH_SEND_INVALID_RIGHT, "no send right to copy");
	is(pass(box, MACH_MSG_TYPE_MOVE_SEND_ONCE, &parcel),
	    MACH_SEND_INVALID_RIGHT, "no send-once right to move");
	is(pass(self, MACH_MSG_TYPE_MOVE_RECEIVE, &parcel),
	    MACH_SEND_INVALID_RIGHT, "no receive right to move");
	kr = pass(box, 3, &parcel);
	ok(kr == MACH_SEND_INVALID_RIGHT || kr == MACH_SEND_INVALID_TYPE,
	    "no such disposition");
	parcel_fill(&parcel, box, box, MACH_MSG_TYPE_COPY_SEND);
	parcel.port.type = 200;
	is(send_message(&parcel, PARCEL_SIZE), MACH_SEND_INVALID_TYPE,
	    "no such descriptor");
	is(take(box), -1, "none of these arrived");
	is(name_count(), before, "no name was gained or lost");
	is(send_refs(box), 1, "nor a reference");
	port_end(receive_only);
}

/* Two good descriptors and a bad one: the good ones are put back. */
static void
test_all_or_nothing(void)
{
	struct {
		mach_msg_header_t header;
		mach_msg_body_t body;
		mach_msg_port_descriptor_t port[3];
	} message;
	mach_port_t first = port_new_send(), second = port_new();

	message.header = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS_COMPLEX |
			 MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
	    .msgh_remote_port = box,
	};
	message.body.msgh_descriptor_count = 3;
	for (int i = 0; i < 3; i++)
		message.port[i] = (mach_msg_port_descriptor_t){
		    .name = i == 0   ? first
			    : i == 1 ? second
				     : NO_NAME,
		    .disposition = i == 1 ? MACH_MSG_TYPE_MOVE_RECEIVE
					  : MACH_MSG_TYPE_MOVE_SEND,
		    .type = MACH_MSG_PORT_DESCRIPTOR,
		};
	is(send_message(&message, sizeof(message)), MACH_SEND_INVALID_RIGHT,
	    "the third right of three is wrong");
	is(take(box), -1, "nothing arrived");
	port_end(first);
	note("what became of the others is not promised: second is %x",
	    type_of(second));
	if (type_of(second) != 0)
		port_end(second);
}

/* ---- arrays of rights ---- */

static void
test_arrays(void)
{
	enum {
		MANY = 300
	};
	static mach_port_t ports[MANY];
	struct {
		mach_msg_header_t header;
		mach_msg_body_t body;
		mach_msg_ool_ports_descriptor_t array;
		mach_msg_max_trailer_t trailer;
	} message;
	const uint32_t size = offsetof(typeof(message), trailer);
	mach_port_t *got;
	unsigned wrong = 0;

	for (int i = 0; i < MANY; i++)
		ports[i] = i % 10 == 3 ? MACH_PORT_NULL : port_new();
	message.header = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS_COMPLEX |
			 MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
	    .msgh_remote_port = box,
	};
	message.body.msgh_descriptor_count = 1;
	message.array = (mach_msg_ool_ports_descriptor_t){
	    .address = ports,
	    .count = MANY,
	    .copy = MACH_MSG_VIRTUAL_COPY,
	    .disposition = MACH_MSG_TYPE_MAKE_SEND,
	    .type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
	};
	is(send_message(&message, size), KERN_SUCCESS, "an array of rights");
	is(poll_for(&message, sizeof(message), box), KERN_SUCCESS, "arrives");
	is(message.array.count, MANY, "whole");
	is(message.array.disposition, MACH_MSG_TYPE_PORT_SEND,
	    "of send rights");
	got = message.array.address;
	for (int i = 0; i < MANY; i++)
		wrong += got[i] != ports[i] ||
			 (got[i] != 0 && send_refs(got[i]) != 1);
	is(wrong, 0, "each the right one, null among them");
	pages_end(got, MANY * sizeof(*got));

	message.header.msgh_bits =
	    MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0);
	message.header.msgh_remote_port = box;
	message.header.msgh_local_port = MACH_PORT_NULL;
	message.array.address = (void *)16;
	is(send_message(&message, size), MACH_SEND_INVALID_MEMORY,
	    "an array that is not there");
	for (int i = 0; i < MANY; i++)
		if (ports[i] != MACH_PORT_NULL)
			port_end(ports[i]);
}

/* ---- rights on their way ---- */

/* A right that travels counts, and messages that die give their rights up. */
static void
test_in_transit(void)
{
	mach_port_t port = port_new(), cargo = port_new(), notify = port_new();
	mach_port_t previous;
	struct parcel parcel;

	must(mach_port_insert_right(self, port, port, MACH_MSG_TYPE_MAKE_SEND));
	must(mach_port_request_notification(self, cargo, MACH_NOTIFY_NO_SENDERS,
	    1, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous));
	parcel_fill(&parcel, port, cargo, MACH_MSG_TYPE_MAKE_SEND);
	must(send_message(&parcel, PARCEL_SIZE));
	ok(status_of(cargo).mps_srights, "a right in a message counts");
	is(take(notify), -1, "so there are senders");
	port_end(port);
	is(take_later(notify), MACH_NOTIFY_NO_SENDERS,
	    "until the message dies in its queue");
	port_end(cargo);
	port_end(notify);
}

/* A port whose receive right is on its way takes messages all the same. */
static void
test_moving_port(void)
{
	mach_port_t port = port_new_send();
	struct parcel parcel;

	must(post(port, 1));
	parcel_fill(&parcel, box, port, MACH_MSG_TYPE_MOVE_RECEIVE);
	must(send_message(&parcel, PARCEL_SIZE));
	is(type_of(port), MACH_PORT_TYPE_SEND, "only the send right is left");
	is(post(port, 2), KERN_SUCCESS, "which still works");
	must(poll_for(&parcel, sizeof(parcel), box));
	is(parcel.port.name, port, "the receive right comes back");
	is(take(port), 1, "with what was queued before");
	is(take(port), 2, "and meanwhile");
	port_end(port);
}

/* A receive right in its own queue, or two in each other's, would never end. */
static void
test_circles(void)
{
	mach_port_t port = port_new_send(), other;
	struct parcel parcel;

	parcel_fill(&parcel, port, port, MACH_MSG_TYPE_MOVE_RECEIVE);
	is(send_message(&parcel, PARCEL_SIZE), KERN_SUCCESS,
	    "a port sent to itself");
	ok(dies(port), "dies");
	must(mach_port_deallocate(self, port));

	port = port_new_send();
	other = port_new_send();
	parcel_fill(&parcel, other, port, MACH_MSG_TYPE_MOVE_RECEIVE);
	must(send_message(&parcel, PARCEL_SIZE));
	parcel_fill(&parcel, port, other, MACH_MSG_TYPE_MOVE_RECEIVE);
	is(send_message(&parcel, PARCEL_SIZE), KERN_SUCCESS,
	    "two ports sent to each other");
	ok(dies(port), "die both");
	ok(dies(other), "in whatever order");
	must(mach_port_deallocate(self, port));
	must(mach_port_deallocate(self, other));
}

int
main(void)
{
	self = mach_task_self();
	box = port_new_send();
	test_destinations();
	test_replies();
	test_shared_name();
	test_descriptors();
	test_null_and_dead();
	test_wrong_descriptors();
	test_all_or_nothing();
	test_arrays();
	test_in_transit();
	test_moving_port();
	test_circles();
	return done();
}
