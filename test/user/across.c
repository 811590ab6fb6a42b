/*
 * across.c: messages of every length to who waits for them, which go straight
 * from one buffer to the other: from and to every kind of place, on a port or a
 * set, with whatever trailer, and with the reply the same way.
 */
#include <string.h>

#include "test/user/mach_test.h"

#include <baton/thread.h>

#define PAGE	    4096UL
#define BODY_MAX    (65536 + 64)
#define BUFFER_SIZE (20 * PAGE)
#define ROUNDS	    3

static mach_port_t self, service, set, reply;
static char *client_pages, *server_pages;

/* What the server does next; only changed while it waits for that. */
static struct {
	size_t place;	  /* of its buffer */
	mach_port_t from; /* it receives from this */
	uint64_t option;  /* and so, besides */
	bool answers;	  /* or else it receives only */
	bool any_body;	  /* the body may be any */
	mach_msg_size_t trailer;
} way;

/* What it found. */
static unsigned wrong, served;
static uint32_t last_sequence, last_sender;

static void
look_at(const mach_msg_header_t *header)
{
	const mach_msg_max_trailer_t *trailer =
	    (const void *)((const char *)header + header->msgh_size);
	size_t body = header->msgh_size - sizeof(*header);

	served++;
	wrong += header->msgh_local_port != service;
	wrong += header->msgh_voucher_port != MACH_PORT_NULL;
	wrong += !way.any_body &&
		 !pattern_holds(header + 1, body, (unsigned)header->msgh_id);
	wrong += trailer->msgh_trailer_type != MACH_MSG_TRAILER_FORMAT_0;
	wrong += trailer->msgh_trailer_size != way.trailer;
	if (way.trailer == sizeof(mach_msg_trailer_t))
		return;
	wrong += served > 1 && trailer->msgh_seqno != last_sequence + 1;
	last_sequence = trailer->msgh_seqno;
	last_sender = trailer->msgh_audit.val[5];
}

/* Serve until a message of id 0: the body comes back as it is. */
static void
serve(void *arg)
{
	mach_msg_header_t *header = (void *)(server_pages + way.place);
	mach_msg_option_t option = MACH_RCV_MSG;

	(void)arg;
	for (;;) {
		must(mach_msg(header, option | (mach_msg_option_t)way.option,
		    option & MACH_SEND_MSG ? header->msgh_size : 0,
		    (mach_msg_size_t)(BUFFER_SIZE - way.place), way.from, 5000,
		    MACH_PORT_NULL));
		if (header->msgh_id == 0)
			return;
		look_at(header);
		option = MACH_RCV_MSG;
		if (header->msgh_remote_port == MACH_PORT_NULL)
			continue;
		option |= MACH_SEND_MSG;
		header->msgh_bits =
		    MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
		header->msgh_local_port = MACH_PORT_NULL;
	}
}

static void
fill(mach_msg_header_t *header, size_t body, unsigned id, bool asks)
{
	*header = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
		asks ? MACH_MSG_TYPE_MAKE_SEND_ONCE : 0),
	    .msgh_size = (mach_msg_size_t)(sizeof(*header) + body),
	    .msgh_remote_port = service,
	    .msgh_local_port = asks ? reply : MACH_PORT_NULL,
	    .msgh_id = (mach_msg_id_t)id,
	};
	pattern_fill(header + 1, body, id);
}

/* False: what came back is not what was sent. */
static bool
call(size_t place, size_t body, unsigned id)
{
	mach_msg_header_t *header = (void *)(client_pages + place);

	fill(header, body, id, true);
	must(mach_msg(header, MACH_SEND_MSG | MACH_RCV_MSG, header->msgh_size,
	    (mach_msg_size_t)(BUFFER_SIZE - place), reply, 0, MACH_PORT_NULL));
	return header->msgh_size == sizeof(*header) + body &&
	       header->msgh_bits ==
		   MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE) &&
	       header->msgh_remote_port == MACH_PORT_NULL &&
	       header->msgh_local_port == reply &&
	       (unsigned)header->msgh_id == id &&
	       pattern_holds(header + 1, body, id);
}

static struct mach_thread *
start(void)
{
	struct mach_thread *thread;

	wrong = 0;
	served = 0;
	must(mach_thread_start(serve, NULL, 0, &thread));
	return thread;
}

static void
stop(struct mach_thread *thread)
{
	must(send_note(service, MACH_MSG_TYPE_COPY_SEND, 0, 0));
	mach_thread_join(thread);
}

static const size_t bodies[] = {0, 4, 8, 44, 48, 52, 60, 64, 68, 124, 128, 132,
    252, 256, 1000, 4000, 4064, 4072, 4096, 4100, 8192, 12345 / 4 * 4, 65532,
    65536, 65540};
#define BODIES (sizeof(bodies) / sizeof(bodies[0]))

/* The first thread and the first line make names that stay. */
static void
warm_up(void)
{
	way.from = service;
	stop(start());
	note("bodies of %zu lengths", BODIES);
}

/* Each length from one place to another, a few times: the first meets pages
 * that are not there. */
static void
test_lengths(size_t from, size_t to)
{
	unsigned names = name_count(), bad = 0, id = 1;
	struct mach_thread *thread;

	memset(&way, 0, sizeof(way));
	way.place = to;
	way.from = service;
	way.trailer = sizeof(mach_msg_trailer_t);
	thread = start();
	for (unsigned i = 0; i < ROUNDS * BODIES; i++)
		bad += !call(from, bodies[i % BODIES], id++);
	stop(thread);
	is(bad + wrong, 0, "from %zu to %zu: what was sent comes, and back",
	    from % PAGE, to % PAGE);
	is(served, ROUNDS * BODIES, "each once");
	is(name_count(), names, "and no name is left");
}

/* A receiver that wants more, or waits elsewhere. */
static void
test_way(const char *name, mach_port_t from, uint64_t option,
    mach_msg_size_t trailer)
{
	unsigned bad = 0, id = 1;
	struct mach_thread *thread;

	way.place = 0;
	way.from = from;
	way.option = option;
	way.trailer = trailer;
	thread = start();
	for (unsigned i = 0; i < BODIES; i++)
		bad += !call(0, bodies[i], id++);
	for (unsigned i = 0; i < BODIES; i++) {
		fill((void *)client_pages, bodies[i], id++, false);
		must(mach_msg_send((mach_msg_header_t *)client_pages));
	}
	stop(thread);
	is(bad + wrong, 0, "%s: what was sent comes", name);
	is(served, 2 * BODIES, "%s: each once", name);
}

/* The pages of a buffer are shared until they are written, again and again. */
static void
test_copies(void)
{
	unsigned bad = 0;
	struct mach_thread *thread;
	mach_vm_address_t copy;
	vm_prot_t protection, maximum;

	way.place = 0;
	way.from = service;
	way.option = 0;
	way.trailer = sizeof(mach_msg_trailer_t);
	thread = start();
	for (unsigned i = 0; i < BODIES; i++) {
		copy = 0;
		must(mach_vm_remap(self, &copy, BUFFER_SIZE, 0,
		    VM_FLAGS_ANYWHERE, self, (mach_vm_address_t)server_pages,
		    TRUE, &protection, &maximum, VM_INHERIT_NONE));
		memcpy(client_pages + 10 * PAGE, (void *)copy, PAGE);
		bad += !call(0, bodies[i] % 30000, i + 1);
		/* What the other had is what it was. */
		bad +=
		    memcmp(client_pages + 10 * PAGE, (void *)copy, PAGE) != 0;
		must(mach_vm_deallocate(self, copy, BUFFER_SIZE));
	}
	stop(thread);
	is(bad + wrong, 0, "into pages that another has, too");
}

/* ---- with a right ---- */

static mach_port_t given;

/* A right in front of a body of @words; id 0 ends the server. */
static void
send_right(mach_port_t name, mach_msg_type_name_t disposition, unsigned words)
{
	struct {
		mach_msg_header_t header;
		mach_msg_body_t body;
		mach_msg_port_descriptor_t port;
	} *message = (void *)client_pages;
	size_t size = sizeof(*message) + words * 4UL;

	message->header = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
			     MACH_MSG_TYPE_MAKE_SEND_ONCE) |
			 MACH_MSGH_BITS_COMPLEX,
	    .msgh_size = (mach_msg_size_t)size,
	    .msgh_remote_port = service,
	    .msgh_local_port = reply,
	    .msgh_id = (mach_msg_id_t)words + 1,
	};
	message->body.msgh_descriptor_count = 1;
	message->port = (mach_msg_port_descriptor_t){
	    .name = name,
	    .disposition = (mach_msg_type_name_t)(disposition & 0xff),
	    .type = MACH_MSG_PORT_DESCRIPTOR,
	};
	pattern_fill(message + 1, words * 4UL, words);
	must(mach_msg(&message->header, MACH_SEND_MSG | MACH_RCV_MSG,
	    (mach_msg_size_t)size, (mach_msg_size_t)BUFFER_SIZE, reply, 0,
	    MACH_PORT_NULL));
}

static void
receive_rights(void *arg)
{
	struct {
		mach_msg_header_t header;
		mach_msg_body_t body;
		mach_msg_port_descriptor_t port;
	} *message = (void *)server_pages;
	mach_msg_option_t option = MACH_RCV_MSG;

	(void)arg;
	for (;;) {
		unsigned words;

		must(mach_msg(&message->header, option, sizeof(message->header),
		    (mach_msg_size_t)BUFFER_SIZE, service, 0, MACH_PORT_NULL));
		words = (unsigned)message->header.msgh_id - 1;
		if (message->header.msgh_id == 0)
			return;
		served++;
		given = message->port.name;
		wrong += message->header.msgh_bits !=
			 (MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE,
			      MACH_MSG_TYPE_PORT_SEND) |
			     MACH_MSGH_BITS_COMPLEX);
		wrong += message->body.msgh_descriptor_count != 1;
		wrong += message->port.type != MACH_MSG_PORT_DESCRIPTOR;
		wrong += message->port.disposition != MACH_MSG_TYPE_PORT_SEND;
		wrong += !pattern_holds(message + 1, words * 4UL, words);
		option = MACH_SEND_MSG | MACH_RCV_MSG;
		message->header.msgh_bits =
		    MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
		message->header.msgh_size = sizeof(message->header);
		message->header.msgh_local_port = MACH_PORT_NULL;
	}
}

static void
test_rights(void)
{
	mach_port_t port = port_new(), dead = port_new_send();
	struct mach_thread *thread;
	unsigned bad = 0;

	must(mach_port_mod_refs(self, dead, MACH_PORT_RIGHT_RECEIVE, -1));
	wrong = 0;
	must(mach_thread_start(receive_rights, NULL, 0, &thread));
	for (unsigned i = 1; i <= 50; i++) {
		send_right(port, MACH_MSG_TYPE_MAKE_SEND, i * 31 % 1500);
		bad += given != port || send_refs(port) != 2 * i - 1 ||
		       senders(port) != 1;
		bad += status_of(port).mps_mscount != i;
		send_right(port, MACH_MSG_TYPE_COPY_SEND, i);
		bad += given != port || send_refs(port) != 2 * i ||
		       senders(port) != 1;
	}
	is(bad + wrong, 0, "a right more with each message");
	send_right(dead, MACH_MSG_TYPE_COPY_SEND, 3);
	is(given, MACH_PORT_DEAD, "or a dead one");
	must(send_note(service, MACH_MSG_TYPE_COPY_SEND, 0, 0));
	mach_thread_join(thread);
	must(mach_port_deallocate(self, dead));
	port_end(port);
}

/* ---- nowhere ---- */

/* A buffer that may not be written: the receiver hears of it, and the caller
 * that nobody answers. */
static void
receive_nowhere(void *result)
{
	*(kern_return_t *)result = mach_msg((void *)server_pages, MACH_RCV_MSG,
	    0, (mach_msg_size_t)BUFFER_SIZE, service, 0, MACH_PORT_NULL);
}

static void
test_read_only(void)
{
	mach_msg_header_t *header = (void *)client_pages;
	kern_return_t result = KERN_SUCCESS;
	struct mach_thread *thread;

	must(mach_vm_protect(self, (mach_vm_address_t)server_pages, BUFFER_SIZE,
	    FALSE, VM_PROT_READ));
	must(mach_thread_start(receive_nowhere, &result, 0, &thread));
	sleep_ms(20);
	fill(header, 4000, 1, false);
	must(mach_msg_send(header));
	mach_thread_join(thread);
	is(result, MACH_RCV_INVALID_DATA, "a buffer that may only be read");
	is(take(service), -1, "the message is gone");
	must(mach_vm_protect(self, (mach_vm_address_t)server_pages, BUFFER_SIZE,
	    FALSE, VM_PROT_DEFAULT));
}

/* Server and client have their buffers in the same memory, by two names. */
static void
test_shared(void)
{
	char *own_pages = server_pages;
	mach_vm_address_t same = 0;
	vm_prot_t protection, maximum;
	struct mach_thread *thread;
	unsigned bad = 0;

	must(mach_vm_remap(self, &same, BUFFER_SIZE, 0, VM_FLAGS_ANYWHERE, self,
	    (mach_vm_address_t)client_pages, FALSE, &protection, &maximum,
	    VM_INHERIT_NONE));
	server_pages = (char *)same;
	memset(&way, 0, sizeof(way));
	way.place = 10 * PAGE;
	way.from = service;
	way.trailer = sizeof(mach_msg_trailer_t);
	thread = start();
	for (size_t body = 0; body < 8 * PAGE; body += 1000)
		bad += !call(0, body, (unsigned)body + 1);
	stop(thread);
	is(bad + wrong, 0, "buffers side by side in the same memory");
	/* Where they overlap the body is what is found there. */
	way.place = 8;
	way.any_body = true;
	thread = start();
	for (unsigned i = 0; i < 20; i++) {
		fill((void *)client_pages, 1000, i + 1, false);
		must(mach_msg_send((mach_msg_header_t *)client_pages));
		while (*(volatile unsigned *)&served <= i)
			swtch();
	}
	stop(thread);
	is(wrong, 0, "one over the other: header and trailer are right");
	is(served, 20, "of each");
	server_pages = own_pages;
	must(mach_vm_deallocate(self, same, BUFFER_SIZE));
}

int
main(void)
{
	static const size_t places[] = {
	    0, 4, 8, PAGE - 24, PAGE - 20, PAGE - 8};

	self = mach_task_self();
	service = port_new_send();
	reply = port_new();
	must(mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &set));
	client_pages = pages_new(BUFFER_SIZE);
	server_pages = pages_new(BUFFER_SIZE);
	warm_up();
	for (unsigned i = 0; i < 6; i++)
		for (unsigned k = 0; k < 6; k++)
			test_lengths(places[i], places[(i + k) % 6]);
	test_way("with a time-out", service, MACH_RCV_TIMEOUT, 8);
	test_way("with a number", service,
	    MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT), 52);
	ok(last_sender != 0, "the trailer tells who sends");
	test_copies();
	test_rights();
	test_read_only();
	test_shared();
	way.any_body = false;
	must(mach_port_insert_member(self, service, set));
	test_way("on a set", set, 0, 8);
	test_way("on a set, with all", set,
	    MACH_RCV_TIMEOUT | MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_CTX),
	    60);
	is(send_refs(service), 1, "no right was lost");
	return done();
}
