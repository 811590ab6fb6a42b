/* messages.c: the form of a message: sizes, header, trailer, and what is wrong
 * with them. */
#include "test/user/mach_test.h"

#include <stdlib.h>
#include <string.h>

#define BODY_MAX   65536U
#define HEADER	   ((uint32_t)sizeof(mach_msg_header_t))
#define BUFFER_MAX (HEADER + BODY_MAX + 256)

static mach_port_t self, port;
static char *out, *in;

static mach_msg_header_t
header_to(mach_port_t to, uint32_t size)
{
	return (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
	    .msgh_size = size,
	    .msgh_remote_port = to,
	    .msgh_id = (mach_msg_id_t)size,
	};
}

/* ---- sizes ---- */

/* Send @size bytes from @from, receive them at @to: all as they were? */
static bool
travels(char *from, char *to, uint32_t size)
{
	mach_msg_header_t header = header_to(port, size);
	mach_msg_header_t *got = (mach_msg_header_t *)to;
	uint32_t body = size - HEADER;
	mach_msg_trailer_t trailer;

	memcpy(from, &header, HEADER);
	pattern_fill(from + HEADER, body, size);
	memset(to, 0xee, size + sizeof(trailer) + 8);
	if (send_message(from, size) != KERN_SUCCESS)
		return false;
	if (poll_for(to, size + sizeof(trailer), port) != KERN_SUCCESS)
		return false;
	memcpy(&trailer, to + size, sizeof(trailer));
	return got->msgh_size == size && got->msgh_id == (int)size &&
	       got->msgh_local_port == port &&
	       got->msgh_remote_port == MACH_PORT_NULL &&
	       pattern_holds(to + HEADER, body, size) &&
	       trailer.msgh_trailer_type == 0 &&
	       trailer.msgh_trailer_size == sizeof(trailer) &&
	       (unsigned char)to[size + sizeof(trailer)] == 0xee;
}

static void
test_sizes(void)
{
	static const uint32_t edges[] = {
	    512, 1024, 4096, 8192, 16384, 32768, 65536};
	unsigned wrong = 0;

	for (uint32_t body = 0; body <= 400; body += 4)
		wrong += !travels(out, in, HEADER + body);
	is(wrong, 0, "every body of 0 to 400 bytes");
	for (unsigned i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		wrong = 0;
		for (int32_t near = -64; near <= 64; near += 4)
			if (edges[i] + (uint32_t)near <= BODY_MAX)
				wrong += !travels(out, in,
				    HEADER + edges[i] + (uint32_t)near);
		is(wrong, 0, "bodies near %u bytes", edges[i]);
	}
	ok(travels(out, in, HEADER + BODY_MAX), "64 KiB of body");
}

/* A buffer may begin at any multiple of 4, and end where a page does. */
static void
test_places(void)
{
	unsigned wrong = 0;
	char *from = pages_new(4 * PAGE_SIZE), *to = pages_new(4 * PAGE_SIZE);

	for (unsigned place = 0; place < 64; place += 4)
		wrong += !travels(from + PAGE_SIZE - 100 + place,
		    to + PAGE_SIZE - 60 - place, HEADER + 100);
	is(wrong, 0, "buffers across the end of a page");
	must(mach_vm_protect(self, (mach_vm_address_t)from + 2 * PAGE_SIZE,
	    PAGE_SIZE, FALSE, VM_PROT_NONE));
	wrong = 0;
	for (uint32_t body = 0; body < 256; body += 4)
		wrong += !travels(
		    from + 2 * PAGE_SIZE - HEADER - body, to, HEADER + body);
	is(wrong, 0, "buffers with nothing to be had behind them");
	pages_end(from, 4 * PAGE_SIZE);
	pages_end(to, 4 * PAGE_SIZE);
}

static void
test_wrong_sizes(void)
{
	mach_msg_header_t header = header_to(port, HEADER);

	memcpy(out, &header, HEADER);
	is(send_message(out, 0), MACH_SEND_MSG_TOO_SMALL, "no bytes");
	is(send_message(out, HEADER - 4), MACH_SEND_MSG_TOO_SMALL,
	    "less than a header");
	is(send_message(out, HEADER + 2), MACH_SEND_MSG_TOO_SMALL,
	    "a size that is no multiple of 4");
	is(send_message(out, 0xfffffffc), MACH_SEND_TOO_LARGE,
	    "more than memory");
	is(take(port), -1, "none of these arrived");

	header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	memcpy(out, &header, HEADER);
	is(send_message(out, HEADER), MACH_SEND_MSG_TOO_SMALL,
	    "complex without a descriptor count");
	memcpy(out + HEADER, &(uint32_t){5}, 4);
	is(send_message(out, HEADER + 4), MACH_SEND_MSG_TOO_SMALL,
	    "more descriptors than bytes");
}

/* ---- receiving ---- */

static kern_return_t
receive(mach_msg_option_t option, uint32_t room)
{
	return mach_msg((mach_msg_header_t *)in,
	    MACH_RCV_MSG | MACH_RCV_TIMEOUT | option, 0, room, port, 0,
	    MACH_PORT_NULL);
}

static void
test_too_large(void)
{
	mach_msg_header_t *got = (mach_msg_header_t *)in;

	must(post(port, 5));
	is(receive(MACH_RCV_LARGE, HEADER), MACH_RCV_TOO_LARGE,
	    "a message that does not fit");
	is(got->msgh_size, NOTE_SIZE, "says how long it is");
	is(receive(MACH_RCV_LARGE, NOTE_SIZE + 4), MACH_RCV_TOO_LARGE,
	    "the trailer must fit too");
	is(receive(MACH_RCV_LARGE, NOTE_SIZE + 8), KERN_SUCCESS,
	    "and waits for more room");
	is(got->msgh_id, 5, "unchanged");

	must(post(port, 6));
	must(post(port, 7));
	is(receive(0, HEADER), MACH_RCV_TOO_LARGE, "without that option");
	is(take(port), 7, "it is gone");
}

static void
test_names(void)
{
	mach_port_t send_only = port_new_send();
	struct note message;

	must(mach_port_mod_refs(self, send_only, MACH_PORT_RIGHT_RECEIVE, -1));
	is(poll_for(&message, sizeof(message), NO_NAME), MACH_RCV_INVALID_NAME,
	    "receiving from nothing");
	is(poll_for(&message, sizeof(message), MACH_PORT_NULL),
	    MACH_RCV_INVALID_NAME, "from null");
	is(poll_for(&message, sizeof(message), MACH_PORT_DEAD),
	    MACH_RCV_INVALID_NAME, "from dead");
	is(poll_for(&message, sizeof(message), send_only),
	    MACH_RCV_INVALID_NAME, "from a dead name");
	is(poll_for(&message, sizeof(message), self), MACH_RCV_INVALID_NAME,
	    "with a send right");
	must(mach_port_deallocate(self, send_only));
}

static void
test_trailers(void)
{
	mach_msg_audit_trailer_t trailer;
	mach_msg_context_trailer_t context;

	must(mach_port_set_seqno(self, port, 70));
	must(mach_port_set_context(self, port, 0x1122334455667788));
	must(post(port, 1));
	is(receive(MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT), 4096),
	    KERN_SUCCESS, "with a trailer that says who");
	memcpy(&trailer, in + NOTE_SIZE, sizeof(trailer));
	is(trailer.msgh_trailer_size, sizeof(trailer), "its size");
	is(trailer.msgh_seqno, 70, "the message's number");
	must(post(port, 1));
	is(receive(MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_CTX), 4096),
	    KERN_SUCCESS, "with the port's context");
	memcpy(&context, in + NOTE_SIZE, sizeof(context));
	is(context.msgh_seqno, 71, "the next number");
	is(context.msgh_context, 0x1122334455667788, "as it was set");
}

/* ---- headers ---- */

static kern_return_t
send_header(uint32_t bits, mach_port_t remote, mach_port_t local)
{
	mach_msg_header_t header = {
	    .msgh_bits = bits,
	    .msgh_size = HEADER,
	    .msgh_remote_port = remote,
	    .msgh_local_port = local,
	};

	return send_message(&header, HEADER);
}

static void
test_wrong_headers(void)
{
	mach_port_t receive_only = port_new(), reply = port_new();
	unsigned before = name_count();
	const uint32_t copy = MACH_MSG_TYPE_COPY_SEND;
	const uint32_t once = MACH_MSG_TYPE_MAKE_SEND_ONCE << 8;

	is(send_header(0, port, 0), MACH_SEND_INVALID_HEADER,
	    "no disposition for the destination");
	is(send_header(15, port, 0), MACH_SEND_INVALID_HEADER, "not that one");
	is(send_header(MACH_MSG_TYPE_MOVE_RECEIVE, port, 0),
	    MACH_SEND_INVALID_HEADER, "no receive right for a destination");
	is(send_header(copy, MACH_PORT_NULL, 0), MACH_SEND_INVALID_DEST,
	    "to null");
	is(send_header(copy, MACH_PORT_DEAD, 0), MACH_SEND_INVALID_DEST,
	    "to dead");
	is(send_header(copy, NO_NAME, 0), MACH_SEND_INVALID_DEST, "to nothing");
	is(send_header(copy, receive_only, 0), MACH_SEND_INVALID_DEST,
	    "without a send right");
	is(send_header(MACH_MSG_TYPE_MOVE_SEND_ONCE, port, 0),
	    MACH_SEND_INVALID_DEST, "it is no send-once right");
	is(send_header(copy | once, port, NO_NAME), MACH_SEND_INVALID_REPLY,
	    "answer to nothing");
	is(send_header(copy | once, port, self), MACH_SEND_INVALID_REPLY,
	    "answer to a port of another");
	is(send_header(copy | copy << 8, port, reply), MACH_SEND_INVALID_REPLY,
	    "no send right to copy for the answer");
	is(send_header(copy | 9 << 8, port, reply), MACH_SEND_INVALID_HEADER,
	    "no such disposition for the answer");
	is(send_header(copy, port, reply), MACH_SEND_INVALID_HEADER,
	    "an answer port without a disposition");
	is(take(port), -1, "none of these arrived");
	is(name_count(), before, "no right was gained or lost");
	is(send_refs(port), 1, "nor a reference");
	port_end(receive_only);
	port_end(reply);
}

static void
test_voucher(void)
{
	mach_msg_header_t header = header_to(port, HEADER);

	header.msgh_voucher_port = port;
	header.msgh_bits |= MACH_MSG_TYPE_COPY_SEND << 16;
	is(send_message(&header, HEADER), MACH_SEND_INVALID_VOUCHER,
	    "there are no vouchers");
}

/* ---- the two traps ---- */

static void
test_registers(void)
{
	struct note message;
	mach_msg_header_t header = header_to(port, HEADER + 8);

	memset(&message, 0x77, sizeof(message));
	message.word[0] = 11;
	message.word[1] = 22;
	is(mach_msg2(&message, MACH64_SEND_MSG | MACH64_SEND_MQ_CALL, header,
	       HEADER + 8, 0, 0, 0, 0),
	    KERN_SUCCESS, "a header in registers");
	memset(&message, 0, sizeof(message));
	is(mach_msg2(&message, MACH64_RCV_MSG | MACH64_RCV_TIMEOUT,
	       (mach_msg_header_t){.msgh_bits = 0}, 0, sizeof(message), port, 0,
	       0),
	    KERN_SUCCESS, "is received in memory");
	is(message.header.msgh_size, HEADER + 8, "with its size");
	is(message.header.msgh_id, (int)(HEADER + 8), "its id");
	is(message.header.msgh_local_port, port, "its port");
	ok(message.word[0] == 11 && message.word[1] == 22, "and its body");
}

static void
test_both_at_once(void)
{
	struct note message = {.header = header_to(port, NOTE_SIZE)};

	message.header.msgh_id = 31;
	is(mach_msg(&message.header,
	       MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TIMEOUT, NOTE_SIZE,
	       sizeof(message), port, 0, 0),
	    KERN_SUCCESS, "sent to oneself and received in one call");
	is(message.header.msgh_id, 31, "the same");
	is(mach_msg(&message.header, 0, 0, 0, 0, 0, 0), KERN_SUCCESS,
	    "neither is nothing");
	message.header = header_to(NO_NAME, NOTE_SIZE);
	must(post(port, 32));
	is(mach_msg(&message.header,
	       MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TIMEOUT, NOTE_SIZE,
	       sizeof(message), port, 0, 0),
	    MACH_SEND_INVALID_DEST, "no receive after a send that failed");
	is(take(port), 32, "what waits goes on waiting");
}

static void
test_order(void)
{
	unsigned wrong = 0;

	set_limit(port, MACH_PORT_QLIMIT_LARGE);
	for (int i = 0; i < 1000; i++)
		must(post(port, i));
	for (int i = 0; i < 1000; i++)
		wrong += take(port) != i;
	is(wrong, 0, "a thousand messages keep their order");
	set_limit(port, MACH_PORT_QLIMIT_DEFAULT);
}

int
main(void)
{
	self = mach_task_self();
	port = port_new_send();
	out = malloc(BUFFER_MAX);
	in = malloc(BUFFER_MAX);
	must(out == NULL || in == NULL);
	test_sizes();
	test_places();
	test_wrong_sizes();
	test_too_large();
	test_names();
	test_trailers();
	test_wrong_headers();
	test_voucher();
	test_registers();
	test_both_at_once();
	test_order();
	return done();
}
