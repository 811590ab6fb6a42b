/*
 * buffers.c: calls in registers whose message is in the buffer, by its having
 * descriptors or a longer body (mach/trap_numbers.h, bit 63 of the room): what
 * they answer is what the mach_msg2 trap answers, and nothing is lost.
 */
#include <stdatomic.h>
#include <string.h>

#include "test/user/mach_test.h"

#include <baton/thread.h>

#define PAGE	  4096UL
#define IN_BUFFER (1ULL << 63)
#define ROOM	  16384
#define REQUEST                                                                \
	MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE)
#define REPLY	MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0)
#define COMPLEX MACH_MSGH_BITS_COMPLEX
#define CALL	(MACH_SEND_MSG | MACH_RCV_MSG)

static mach_port_t self, service, sink, reply, other;
static char *pages;

static uint64_t
pair(uint32_t low, uint32_t high)
{
	return low | (uint64_t)high << 32;
}

/* ---- what is refused ---- */

/* The arguments of either trap. */
struct form {
	const char *what;
	uint32_t bits, size;
	mach_port_t *remote, *local, *receive;
	mach_port_t voucher;
	uint32_t count; /* of descriptors, in the body */
	mach_msg_return_t result;
};

static mach_port_t none = NO_NAME, null = MACH_PORT_NULL;

#define RIGHT_SIZE 40
static const struct form forms[] = {
    {"no such destination", REQUEST, 280, &none, &reply, &reply, 0, 0,
	MACH_SEND_INVALID_DEST},
    {"no such reply port", REQUEST, 280, &sink, &none, &reply, 0, 0,
	MACH_SEND_INVALID_REPLY},
    {"a size that is none", REQUEST, 282, &sink, &reply, &reply, 0, 0,
	MACH_SEND_MSG_TOO_SMALL},
    {"less than a header", REQUEST, 20, &sink, &reply, &reply, 0, 0,
	MACH_SEND_MSG_TOO_SMALL},
    {"too much", REQUEST, 1 << 20, &sink, &reply, &reply, 0, 0,
	MACH_SEND_TOO_LARGE},
    {"more than is there", REQUEST, 100000, &sink, &reply, &reply, 0, 0,
	MACH_SEND_INVALID_DATA},
    {"bits that are none", REQUEST | 0x40, 280, &sink, &reply, &reply, 0, 0,
	MACH_SEND_INVALID_HEADER},
    {"a reply without a right", REPLY, 280, &sink, &null, &reply, 0, 0,
	MACH_SEND_INVALID_DEST},
    {"no such port to receive from", REQUEST, 280, &sink, &reply, &none, 0, 0,
	MACH_RCV_INVALID_NAME},
    {"the same with a right", REQUEST | COMPLEX, RIGHT_SIZE, &sink, &reply,
	&none, 0, 1, MACH_RCV_INVALID_NAME},
    {"a right cut short", REQUEST | COMPLEX, RIGHT_SIZE - 8, &sink, &reply,
	&reply, 0, 1, MACH_SEND_MSG_TOO_SMALL},
    {"no room for a count", REQUEST | COMPLEX, 24, &sink, &reply, &reply, 0, 0,
	MACH_SEND_MSG_TOO_SMALL},
    {"more rights than there are", REQUEST | COMPLEX, RIGHT_SIZE, &sink, &reply,
	&reply, 0, 2, MACH_SEND_MSG_TOO_SMALL},
};

static void
put_right(mach_port_t name, uint32_t count)
{
	struct {
		mach_msg_header_t header;
		mach_msg_body_t body;
		mach_msg_port_descriptor_t port;
	} *message = (void *)pages;

	memset(message, 0, sizeof(*message));
	message->body.msgh_descriptor_count = count;
	message->port = (mach_msg_port_descriptor_t){
	    .name = name,
	    .disposition = MACH_MSG_TYPE_COPY_SEND,
	    .type = MACH_MSG_PORT_DESCRIPTOR,
	};
}

static mach_msg_return_t
try(const struct form *form, bool in_buffer)
{
	uint64_t names = pair(*form->remote, *form->local);
	uint64_t bits_size = pair(form->bits, form->size);
	uint64_t receive = pair(0, *form->receive);

	put_right(service, form->count);
	if (in_buffer)
		return registers_call(pages, bits_size, names,
		    pair(form->voucher, 7), receive, ROOM | IN_BUFFER);
	return mach_msg2_trap(pages, CALL, bits_size, names,
	    pair(form->voucher, 7), receive | form->count, ROOM, 0);
}

/* Sent to nobody: forgotten, and what it carried. */
static unsigned
drain(mach_port_t port)
{
	unsigned count = 0;

	while (poll_for(pages, ROOM, port) == KERN_SUCCESS) {
		mach_msg_destroy((mach_msg_header_t *)(void *)pages);
		count++;
	}
	return count;
}

static void
test_refused(void)
{
	unsigned names;

	note("%zu forms", sizeof(forms) / sizeof(forms[0]));
	names = name_count(); /* with the console's */
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const struct form *form = &forms[i];
		/* Registers say what is more than a header. */
		int ways = form->size < sizeof(mach_msg_header_t) ? 1 : 2;
		unsigned sent[2] = {0};

		for (int way = 0; way < ways; way++) {
			is(try(form, way != 0), form->result, "%s%s",
			    form->what, way != 0 ? ", in the buffer" : "");
			sent[way] = drain(sink);
			drain(reply);
		}
		is(sent[0], sent[ways - 1], "as much of it is sent");
		is(status_of(reply).mps_sorights, 0, "no right is left");
	}
	is(name_count(), names, "and no name");
	is(senders(service), 1, "nor one to what was sent");
}

/* ---- a server in registers ---- */

#define ID_ECHO	 1000
#define ID_OTHER 1001 /* and a message to @other first */
#define ID_STOP	 0

static _Atomic unsigned served;

static void
serve(void *unused)
{
	static _Alignas(8) char room[ROOM];
	mach_msg_header_t *header = (void *)room;
	mach_msg_option_t option = MACH_RCV_MSG;

	(void)unused;
	for (;;) {
		must(mach_msg(header, option, header->msgh_size, sizeof(room),
		    service, 0, MACH_PORT_NULL));
		if (header->msgh_id == ID_STOP)
			return;
		if (header->msgh_id == ID_OTHER)
			must(send_note(
			    other, MACH_MSG_TYPE_MAKE_SEND, ID_OTHER, 0));
		served++;
		header->msgh_bits = REPLY;
		header->msgh_local_port = MACH_PORT_NULL;
		option = CALL;
	}
}

/* What is short comes back in registers, or not. */
static mach_msg_return_t
echo(size_t size, mach_port_t local, mach_port_t receive, int id)
{
	mach_msg_return_t mr = registers_call(pages,
	    pair(REQUEST, (uint32_t)size), pair(service, local),
	    pair(0, (uint32_t)id), pair(0, receive), ROOM | IN_BUFFER);

	return mr == MACH_MSG_IN_REGISTERS && size <= 72 ? MACH_MSG_SUCCESS
							 : mr;
}

/* The body goes there and back, from the first call on. */
static void
test_echo(void)
{
	mach_msg_header_t *header = (void *)pages;
	unsigned bad = 0, rounds = 0;

	for (size_t body = 52; body < 9000; body += body < 600 ? 4 : 332) {
		pattern_fill(header + 1, body, (unsigned)body);
		bad += echo(sizeof(*header) + body, reply, reply, ID_ECHO) !=
		       MACH_MSG_SUCCESS;
		bad += header->msgh_size != sizeof(*header) + body ||
		       header->msgh_local_port != reply ||
		       header->msgh_remote_port != MACH_PORT_NULL ||
		       header->msgh_id != ID_ECHO;
		bad += !pattern_holds(header + 1, body, (unsigned)body);
		rounds++;
	}
	is(bad, 0, "what was sent comes back");
	is(served, rounds, "each once");
	is(status_of(reply).mps_sorights, 0, "all rights are used");
	is(status_of(reply).mps_seqno, rounds, "all replies are counted");
	is(status_of(service).mps_srights, 1, "nobody else has one");
}

/* A buffer of which a part is not there, and of which none may be read. */
static void
test_absent(void)
{
	mach_vm_address_t end = (mach_vm_address_t)pages + 4 * PAGE;

	must(mach_vm_protect(self, end - PAGE, PAGE, FALSE, VM_PROT_NONE));
	is(echo(4 * PAGE - 64, reply, reply, ID_ECHO), MACH_SEND_INVALID_DATA,
	    "a page that may not be read");
	must(mach_vm_protect(self, end - PAGE, PAGE, FALSE, VM_PROT_DEFAULT));
	must(mach_vm_deallocate(self, end - PAGE, PAGE));
	end -= PAGE;
	is(echo(4 * PAGE - 64, reply, reply, ID_ECHO), MACH_SEND_INVALID_DATA,
	    "and one that is not there");
	must(mach_vm_allocate(self, &end, PAGE, VM_FLAGS_FIXED));
	is(echo(4 * PAGE - 64, reply, reply, ID_ECHO), MACH_MSG_SUCCESS,
	    "then it is, and empty");
	ok(all_zero((void *)end, PAGE - 64), "so it comes back");
}

/* A request's reply right is to the port that it names, wherever the caller
 * received last, and receives next. */
static void
test_elsewhere(size_t size)
{
	mach_port_t third = port_new();
	struct note note;
	mach_port_t once;

	for (int i = 0; i < 4; i++)
		must(echo(size, reply, reply, ID_ECHO));
	/* A reply after which one receives from @other. */
	must(mach_port_insert_right(
	    self, third, third, MACH_MSG_TYPE_MAKE_SEND));
	note.header = (mach_msg_header_t){
	    .msgh_bits = REQUEST,
	    .msgh_remote_port = third,
	    .msgh_local_port = third,
	};
	must(send_message(&note.header, sizeof(note.header)));
	must(poll_for(&note, sizeof(note), third));
	once = note.header.msgh_remote_port;
	must(send_note(other, MACH_MSG_TYPE_MAKE_SEND, 1, 0));
	must(mach_msg2_trap(pages, CALL, pair(REPLY, sizeof(note.header)), once,
	    pair(0, 5), pair(0, other), ROOM, 0));
	is(take(third), 5, "a reply");
	must(echo(size, reply, other, ID_OTHER));
	is(((mach_msg_header_t *)(void *)pages)->msgh_id, ID_OTHER,
	    "what waits elsewhere is received");
	must(await(pages, ROOM, reply));
	is(((mach_msg_header_t *)(void *)pages)->msgh_id, ID_OTHER,
	    "the reply is where it was to go");
	is(take(other), -1, "and not elsewhere");
	port_end(third);
}

/* ---- who waits so is interrupted ---- */

static _Atomic bool answered;

static void
ask(void *unused)
{
	static _Alignas(8) char buffer[1024];
	mach_msg_header_t *header = (void *)buffer;

	(void)unused;
	*header = (mach_msg_header_t){
	    .msgh_bits = REQUEST,
	    .msgh_size = 512,
	    .msgh_remote_port = sink,
	    .msgh_local_port = other,
	    .msgh_id = 9,
	};
	must(mach_msg(header, CALL, 512, sizeof(buffer), other, 0, 0));
	answered = header->msgh_id == 10 && header->msgh_size == 24;
}

static void
test_interrupted(void)
{
	mach_msg_header_t *header = (void *)pages;
	struct mach_thread *thread;

	must(mach_thread_start(ask, NULL, 0, &thread));
	must(await(header, ROOM, sink));
	is(header->msgh_size, 512, "a request came");
	for (int i = 0; i < 20; i++) {
		must(thread_abort(mach_thread_port(thread)));
		sleep_ms(1);
	}
	header->msgh_bits = REPLY;
	header->msgh_local_port = MACH_PORT_NULL;
	header->msgh_id = 10;
	must(send_message(header, sizeof(*header)));
	mach_thread_join(thread);
	ok(answered, "the caller waits on, and gets the answer");
}

int
main(void)
{
	struct mach_thread *server;

	self = mach_task_self();
	service = port_new_send();
	sink = port_new_send();
	reply = port_new();
	other = port_new();
	pages = pages_new(4 * PAGE);
	test_refused();
	must(mach_port_set_seqno(self, reply, 0));
	must(mach_thread_start(serve, NULL, 65536, &server));
	test_echo();
	test_absent();
	test_elsewhere(512);
	test_elsewhere(24);
	test_interrupted();
	must(send_note(service, MACH_MSG_TYPE_COPY_SEND, ID_STOP, 0));
	mach_thread_join(server);
	pages_end(pages, 4 * PAGE);
	return done();
}
