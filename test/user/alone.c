/*
 * alone.c: messages that meet nobody: sent into an empty queue and received
 * later; and those that the kernel answers at once.
 */
#include <string.h>

#include "test/user/mach_test.h"

#include <mach/mig_errors.h>
#include <mach/ndr.h>

#define PAGE 4096UL
#define ROOM (10 * PAGE)
#define MAKE MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0)
#define COPY MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0)

static mach_port_t self, port;
static char *out_pages, *in_pages;

/* ---- sent and received ---- */

static mach_msg_header_t *
fill(char *at, mach_msg_bits_t bits, size_t body, unsigned id)
{
	mach_msg_header_t *header = (void *)at;

	memset(header, 0, sizeof(*header));
	header->msgh_bits = bits;
	header->msgh_size = (mach_msg_size_t)(sizeof(*header) + body);
	header->msgh_remote_port = port;
	header->msgh_id = (mach_msg_id_t)id;
	pattern_fill(header + 1, body, id);
	return header;
}

static mach_msg_return_t
receive(void *at, size_t room)
{
	return mach_msg(at, MACH_RCV_MSG, 0, (mach_msg_size_t)room, port, 0, 0);
}

/* What was sent with @id is at @at, as its receiver is to see it. */
static bool
came(const char *at, size_t body, unsigned id)
{
	const mach_msg_header_t *header = (const void *)at;
	const mach_msg_trailer_t *trailer =
	    (const void *)(at + sizeof(*header) + body);

	return header->msgh_bits ==
		   MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND) &&
	       header->msgh_size == sizeof(*header) + body &&
	       header->msgh_remote_port == MACH_PORT_NULL &&
	       header->msgh_local_port == port &&
	       header->msgh_voucher_port == MACH_PORT_NULL &&
	       (unsigned)header->msgh_id == id &&
	       pattern_holds(header + 1, body, id) &&
	       trailer->msgh_trailer_type == MACH_MSG_TRAILER_FORMAT_0 &&
	       trailer->msgh_trailer_size == sizeof(*trailer);
}

static void
test_lengths(size_t from, size_t to, mach_msg_bits_t bits)
{
	unsigned bad = 0, count = 0, names = name_count(), id = 1;
	unsigned made = status_of(port).mps_mscount;
	unsigned seqno = status_of(port).mps_seqno;

	for (size_t body = 0; body < 35000; body += body < 300 ? 4 : 1732) {
		mach_msg_header_t *header =
		    fill(out_pages + from, bits, body, ++id);

		bad += mach_msg(header, MACH_SEND_MSG, header->msgh_size, 0, 0,
			   0, 0) != MACH_MSG_SUCCESS;
		bad += status_of(port).mps_msgcount != 1;
		bad += receive(in_pages + to, ROOM - to) != MACH_MSG_SUCCESS;
		bad += !came(in_pages + to, body, id);
		count++;
	}
	is(bad, 0, "from %zu to %zu: what was sent comes", from, to);
	is(status_of(port).mps_seqno - seqno, count, "and is counted");
	is(status_of(port).mps_mscount - made, bits == MAKE ? count : 0,
	    "as rights that were made are");
	is(senders(port), 1, "no right is left");
	is(name_count(), names, "and no name");
}

static void
test_many(void)
{
	unsigned bad = 0;

	set_limit(port, 5);
	for (unsigned i = 1; i <= 5; i++)
		must(send_message(fill(out_pages, MAKE, 40, i), 64));
	fill(out_pages, COPY, 40, 6);
	is(mach_msg((void *)out_pages, MACH_SEND_MSG | MACH_SEND_TIMEOUT, 64, 0,
	       0, 0, 0),
	    MACH_SEND_TIMED_OUT, "a queue that is full");
	must(mach_port_deallocate(
	    self, ((mach_msg_header_t *)(void *)out_pages)->msgh_remote_port));
	must(mach_port_insert_right(self, port, port, MACH_MSG_TYPE_MAKE_SEND));
	for (unsigned i = 1; i <= 5; i++)
		bad += receive(in_pages, ROOM) != MACH_MSG_SUCCESS ||
		       !came(in_pages, 40, i);
	is(bad, 0, "in the order in which they were sent");
	is(status_of(port).mps_msgcount, 0, "and no more");
}

/* The reply port is null or dead, but how it was sent is told. */
static void
test_no_reply_port(mach_port_t reply)
{
	const mach_msg_header_t *got = (void *)in_pages;
	mach_msg_header_t *header = fill(out_pages,
	    MACH_MSGH_BITS(
		MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MOVE_SEND_ONCE),
	    16, 7);

	header->msgh_local_port = reply;
	must(send_message(header, header->msgh_size));
	must(receive(in_pages, ROOM));
	is(got->msgh_bits,
	    MACH_MSGH_BITS(
		MACH_MSG_TYPE_PORT_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND),
	    "a reply right to no port is told of");
	is(got->msgh_remote_port, reply, "by the name of none");
}

static void
test_no_senders(void)
{
	mach_port_t lone = port_new(), old = port, previous;
	struct note note;

	must(mach_port_request_notification(self, lone, MACH_NOTIFY_NO_SENDERS,
	    status_of(lone).mps_mscount + 1, old, MACH_MSG_TYPE_MAKE_SEND_ONCE,
	    &previous));
	port = lone;
	must(send_message(fill(out_pages, MAKE, 8, 1), 32));
	is(take(old), -1, "a right is in the message");
	must(receive(in_pages, ROOM));
	must(await(&note, sizeof(note), old));
	is(note.header.msgh_id, MACH_NOTIFY_NO_SENDERS, "then it was the last");
	port = old;
	port_end(lone);
}

static void
test_refused(void)
{
	mach_msg_header_t *header = fill(out_pages, COPY, 100, 1);
	mach_port_t dead = port_new_send();
	char *hole = pages_new(2 * PAGE);

	header->msgh_remote_port = NO_NAME;
	is(send_message(header, 124), MACH_SEND_INVALID_DEST, "no such port");
	must(mach_port_mod_refs(self, dead, MACH_PORT_RIGHT_RECEIVE, -1));
	header->msgh_remote_port = dead;
	is(send_message(header, 124), MACH_SEND_INVALID_DEST, "a dead one");
	must(mach_port_deallocate(self, dead));
	header->msgh_remote_port = port;
	header->msgh_local_port = port;
	is(send_message(header, 124), MACH_SEND_INVALID_HEADER,
	    "a reply port without a right");
	header->msgh_local_port = MACH_PORT_NULL;
	header->msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
	is(send_message(header, 124), MACH_SEND_INVALID_DEST,
	    "a right that it is not");
	fill(hole + PAGE - 40, MAKE, 16, 2);
	pages_end(hole + PAGE, PAGE);
	is(mach_msg((void *)(hole + PAGE - 40), MACH_SEND_MSG, 48, 0, 0, 0, 0),
	    MACH_SEND_INVALID_DATA, "what is not there");
	is(status_of(port).mps_msgcount, 0, "nothing was sent");

	for (int i = 0; i < 3; i++)
		must(send_message(fill(out_pages, MAKE, 100, 3), 124));
	is(receive(hole + PAGE - 40, ROOM), MACH_RCV_INVALID_DATA,
	    "received where nothing is");
	is(receive(in_pages, 100), MACH_RCV_TOO_LARGE, "into too little");
	is(status_of(port).mps_msgcount, 1, "both are gone");
	is(mach_msg((void *)in_pages, MACH_RCV_MSG, 0, ROOM, NO_NAME, 0, 0),
	    MACH_RCV_INVALID_NAME, "from nowhere");
	must(receive(in_pages, ROOM));
	ok(came(in_pages, 100, 3), "the last one is whole");
	is(senders(port), 1, "no right is left");
	pages_end(hole, PAGE);
}

/* Pages that are not there yet, on both sides. */
static void
test_fresh(void)
{
	char *from = pages_new(4 * PAGE), *to = pages_new(4 * PAGE);
	mach_msg_header_t *header = (void *)(from + PAGE - 24);

	memset(header, 0, sizeof(*header));
	header->msgh_bits = MAKE;
	header->msgh_remote_port = port;
	must(send_message(header, 24 + 2 * PAGE));
	must(receive(to + 100, 4 * PAGE - 100));
	ok(all_zero(to + 124, 2 * PAGE), "what is nowhere is empty");
	pages_end(from, 4 * PAGE);
	pages_end(to, 4 * PAGE);
}

/* ---- answered by the kernel ---- */

#define ID_GET_REFS 3207
#define REQUEST                                                                \
	MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE)

struct question {
	mach_msg_header_t header;
	NDR_record_t ndr;
	uint32_t name, right;
	uint32_t more[8];
	mach_msg_trailer_t trailer;
};

struct answer {
	mach_msg_header_t header;
	NDR_record_t ndr;
	kern_return_t result;
	uint32_t refs;
	uint32_t more[10];
};

static union {
	mach_msg_header_t header;
	struct question question;
	struct answer answer;
} message;

/* Ask @to about @name in so many bytes; what is received. */
static mach_msg_return_t
ask(mach_port_t to, mach_port_t name, size_t size, mach_msg_id_t id)
{
	message.question = (struct question){
	    .header.msgh_bits = REQUEST,
	    .header.msgh_remote_port = to,
	    .header.msgh_local_port = port,
	    .header.msgh_id = id,
	    .ndr = NDR_record,
	    .name = name,
	    .right = MACH_PORT_RIGHT_RECEIVE,
	};
	return mach_msg(&message.header, MACH_SEND_MSG | MACH_RCV_MSG,
	    (mach_msg_size_t)size, sizeof(message), port, 0, 0);
}

static kern_return_t
answer_of(size_t size, mach_msg_id_t id)
{
	must(ask(self, port, size, id));
	if (message.header.msgh_id != id + 100 ||
	    message.header.msgh_local_port != port ||
	    message.header.msgh_remote_port != MACH_PORT_NULL ||
	    message.header.msgh_bits !=
		MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE))
		return KERN_FAILURE;
	return message.answer.result;
}

#define ASKING offsetof(struct question, more)

static void
test_kernel(void)
{
	unsigned refs_before = send_refs(self), seqno, failed = 0;

	must(mach_port_set_seqno(self, port, 0));
	for (int i = 0; i < 10; i++)
		failed += answer_of(ASKING, ID_GET_REFS) != KERN_SUCCESS ||
			  message.header.msgh_size != 40 ||
			  message.answer.refs != 1;
	is(failed, 0, "a question about a right");
	must(ask(self, NO_NAME, ASKING, ID_GET_REFS));
	is(message.answer.result, KERN_INVALID_NAME, "about no name");
	is(message.header.msgh_size, 36, "in as many words");
	is(answer_of(ASKING - 4, ID_GET_REFS), MIG_BAD_ARGUMENTS, "too short");
	is(answer_of(ASKING + 4, ID_GET_REFS), MIG_BAD_ARGUMENTS, "too long");
	is(answer_of(24, ID_GET_REFS), MIG_BAD_ARGUMENTS, "nothing but a head");
	is(answer_of(ASKING, 99), MIG_BAD_ID, "of no routine");
	seqno = status_of(port).mps_seqno;
	is(seqno, 15, "each answer is counted");
	is(status_of(port).mps_sorights, 0, "each right to it is used");
	is(send_refs(self), refs_before, "and none to whom was asked");
}

/* Where something waits already, the answer waits behind it. */
static void
test_behind(void)
{
	mach_port_t dead;

	must(send_note(port, MACH_MSG_TYPE_MAKE_SEND, 7, 0));
	must(ask(self, port, ASKING, ID_GET_REFS));
	is(message.header.msgh_id, 7, "what was there comes first");
	must(receive(&message, sizeof(message)));
	is(message.header.msgh_id, ID_GET_REFS + 100, "then the answer");
	is(message.answer.refs, 1, "it is right");
	must(semaphore_create(self, &dead, 0, 0));
	must(semaphore_destroy(self, dead));
	is(ask(dead, port, ASKING, ID_GET_REFS), MACH_SEND_INVALID_DEST,
	    "of what is no more");
	is(ask(self, port, ASKING, ID_GET_REFS), MACH_MSG_SUCCESS,
	    "and once more of what is");
}

int
main(void)
{
	self = mach_task_self();
	port = port_new_send();
	out_pages = pages_new(ROOM);
	in_pages = pages_new(ROOM);
	note("bodies up to 35 000 bytes");
	test_lengths(0, 0, MAKE);
	test_lengths(0, PAGE - 24, COPY);
	test_lengths(PAGE - 24, 4, MAKE);
	test_lengths(4, 8, COPY);
	test_lengths(8, 2, MAKE);
	test_lengths(0, 1, COPY);
	test_many();
	test_no_reply_port(MACH_PORT_NULL);
	test_no_reply_port(MACH_PORT_DEAD);
	test_no_senders();
	test_refused();
	test_fresh();
	test_kernel();
	test_behind();
	return done();
}
