/* rings.c: receive rights in messages to each other, and what goes down. */
#include "test/user/mach_test.h"

#include <mach/routine_ids.h>

#define LONGEST 24
#define DEPTH	300

static mach_port_t self;
static mach_port_t port[DEPTH + 2];

/* Send the receive right of @moved to @to. */
static void
send_right(mach_port_t to, mach_port_t moved)
{
	struct parcel parcel;

	parcel_fill(&parcel, to, moved, MACH_MSG_TYPE_MOVE_RECEIVE);
	must(send_message(&parcel, PARCEL_SIZE));
}

/* Rings of each length: the last send closes it, and all of it dies. */
static void
test_rings(void)
{
	unsigned dead = 0;

	for (unsigned length = 1; length <= LONGEST; length++) {
		for (unsigned i = 0; i < length; i++)
			port[i] = port_new_send();
		for (unsigned i = 0; i < length; i++) {
			must(post(port[i], (int)i));
			send_right(port[(i + 1) % length], port[i]);
		}
		for (unsigned i = 0; i < length; i++) {
			dead += dies(port[i]);
			must(mach_port_deallocate(self, port[i]));
		}
	}
	is(dead, LONGEST * (LONGEST + 1) / 2,
	    "a right that could never be received is destroyed");
}

/* In an array, between others. */
static void
test_ring_by_array(void)
{
	struct {
		mach_msg_header_t header;
		mach_msg_body_t body;
		mach_msg_ool_ports_descriptor_t ports;
	} message;
	mach_port_t reply = port_new();
	unsigned dead = 0;

	for (unsigned i = 0; i < 100; i++)
		port[i] = port_new_send();
	send_right(port[50], port[99]);
	message.header = (mach_msg_header_t){
	    .msgh_bits =
		MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
					     MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    .msgh_remote_port = port[99],
	    .msgh_local_port = reply,
	};
	message.body.msgh_descriptor_count = 1;
	message.ports = (mach_msg_ool_ports_descriptor_t){
	    .address = port,
	    .count = 99,
	    .disposition = MACH_MSG_TYPE_MOVE_RECEIVE,
	    .type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
	};
	is(send_message(&message, sizeof(message)), KERN_SUCCESS,
	    "a ring through one of many rights is sent");
	is(take_later(reply), MACH_NOTIFY_SEND_ONCE, "and told of as the end");
	for (unsigned i = 0; i < 100; i++) {
		dead += dies(port[i]);
		must(mach_port_deallocate(self, port[i]));
	}
	is(dead, 100, "of all that was in it");
	port_end(reply);
}

/* No ring, however long: each right is in a message to the next port. */
static void
test_chain(void)
{
	unsigned right = 0;
	struct parcel got;

	for (unsigned i = 0; i <= DEPTH; i++)
		port[i] = port_new_send();
	for (unsigned i = 0; i < DEPTH; i++)
		send_right(port[i + 1], port[i]);
	for (unsigned i = DEPTH; i > 0; i--) {
		if (poll_for(&got, sizeof(got), port[i]) == KERN_SUCCESS &&
		    got.port.name == port[i - 1])
			right++;
	}
	is(right, DEPTH, "a chain of %u is received link by link", DEPTH);
	for (unsigned i = 0; i <= DEPTH; i++)
		port_end(port[i]);
}

/* With its last port a chain dies, and with it what its messages carry. */
static void
test_chain_dies(void)
{
	mach_port_t reply = port_new();
	unsigned dead = 0, told = 0;
	struct note note;

	for (unsigned i = 0; i <= DEPTH; i++)
		port[i] = port_new_send();
	for (unsigned i = 0; i < DEPTH; i++) {
		note.header = (mach_msg_header_t){
		    .msgh_bits = MACH_MSGH_BITS(
			MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
		    .msgh_remote_port = port[i],
		    .msgh_local_port = reply,
		};
		must(send_message(&note, NOTE_SIZE));
		send_right(port[i + 1], port[i]);
	}
	must(
	    mach_port_mod_refs(self, port[DEPTH], MACH_PORT_RIGHT_RECEIVE, -1));
	for (unsigned i = 0; i <= DEPTH; i++) {
		dead += dies(port[i]);
		must(mach_port_deallocate(self, port[i]));
	}
	is(dead, DEPTH + 1, "with its last port all of a chain dies");
	while (
	    told < DEPTH && await(&note, sizeof(note), reply) == KERN_SUCCESS)
		told += note.header.msgh_id == MACH_NOTIFY_SEND_ONCE;
	is(told, DEPTH, "and each right to reply tells");
	port_end(reply);
}

/* Two ports that shall be told of each other's end with their own rights. */
static void
test_ring_by_notice(void)
{
	mach_port_t a = port_new_send(), b = port_new_send(), previous;

	must(mach_port_request_notification(self, a, MACH_NOTIFY_PORT_DESTROYED,
	    0, b, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous));
	must(mach_port_request_notification(self, b, MACH_NOTIFY_PORT_DESTROYED,
	    0, a, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous));
	must(mach_port_mod_refs(self, a, MACH_PORT_RIGHT_RECEIVE, -1));
	must(mach_port_mod_refs(self, b, MACH_PORT_RIGHT_RECEIVE, -1));
	ok(dies(a) && dies(b), "rights that wait for each other die");
	must(mach_port_deallocate(self, a));
	must(mach_port_deallocate(self, b));

	a = port_new_send();
	must(mach_port_request_notification(self, a, MACH_NOTIFY_PORT_DESTROYED,
	    0, a, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous));
	must(mach_port_mod_refs(self, a, MACH_PORT_RIGHT_RECEIVE, -1));
	ok(dies(a), "and one that waits for itself");
	must(mach_port_deallocate(self, a));
}

/* The kernel's answer carries the right of @moved, and goes to @reply. */
static void
ask_for_right(mach_port_t moved, mach_port_t reply)
{
	struct {
		mach_msg_header_t header;
		NDR_record_t ndr;
		mach_port_name_t name;
		mach_msg_type_name_t disposition;
	} request = {
	    .header.msgh_bits = MACH_MSGH_BITS(
		MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    .header.msgh_remote_port = self,
	    .header.msgh_local_port = reply,
	    .header.msgh_id = MSGID_MACH_PORT_EXTRACT_RIGHT,
	    .ndr = NDR_record,
	    .name = moved,
	    .disposition = MACH_MSG_TYPE_MOVE_RECEIVE,
	};

	must(send_message(&request, sizeof(request)));
}

/* An answer of the kernel's to the port whose right it carries. */
static void
test_ring_by_reply(void)
{
	mach_port_t a = port_new_send(), b;

	ask_for_right(a, a);
	ok(dies(a), "a right that the kernel would answer to itself with dies");
	must(mach_port_deallocate(self, a));

	a = port_new_send();
	b = port_new_send();
	ask_for_right(a, b);
	send_right(a, b);
	ok(dies(a) && dies(b), "and so does a ring through another port");
	must(mach_port_deallocate(self, a));
	must(mach_port_deallocate(self, b));
}

int
main(void)
{
	struct baton_kernel_counters before, after;

	self = mach_task_self();
	test_rings();
	before = quiet_counters();
	test_rings();
	test_ring_by_array();
	test_chain();
	test_chain_dies();
	test_ring_by_notice();
	test_ring_by_reply();
	after = quiet_counters();
	is(after.objects[BATON_OBJECT_PORT], before.objects[BATON_OBJECT_PORT],
	    "no port is left over");
	is(after.objects[BATON_OBJECT_MESSAGE],
	    before.objects[BATON_OBJECT_MESSAGE], "and no message");
	return done();
}
