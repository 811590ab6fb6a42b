/*
 * equivalent.c: whichever way a message goes, what is seen of it is the same.
 *
 * Calls of chance, right and wrong, are made in each of the forms that
 * mach_msg() has: small ones in registers, from and to a buffer, and by the
 * trap that knows the general path alone.  A server answers in a form of
 * chance, and waits for the next call on the port or on a set that has it.  All
 * that both sides, and the ports, show afterwards is compared.
 *
 *	run=test/equivalent,SEED,CASES
 */
#include "test/user/mach_test.h"

#include <baton/thread.h>
#include <stdlib.h>
#include <string.h>

#include <mach/mach_traps.h>

enum form {
	FORM_REGISTERS, /* mach_msg(), which takes them if it can */
	FORM_HEADER,	/* mach_msg2(), which has the header for itself */
	FORM_BUFFER,	/* mach_msg2_trap() */
	FORM_GENERAL,	/* mach_msg_trap() */
	FORMS
};

#define BODY_MAX 64
#define ID_LAST	 99

struct box {
	mach_msg_header_t header;
	uint8_t body[BODY_MAX];
	mach_msg_max_trailer_t trailer;
} __attribute__((aligned(8)));

/* What one side sees of a message; names as what they stand for. */
struct seen {
	uint32_t bits, size, remote, local, voucher, id;
	uint8_t rest[BODY_MAX + 8];
};

/* All that is seen of a call. */
struct outcome {
	mach_msg_return_t mr;
	struct seen client, server;
	uint32_t requests, queued, send_rights, send_once_rights, numbered;
	uint32_t names, left;
};

struct trial {
	mach_msg_bits_t bits;
	mach_msg_size_t size, room;
	mach_port_t remote, local, receive;
	uint32_t id;
	enum form server;
	bool on_set; /* where the server waits for the next */
};

static mach_port_t service, reply_port, set, services;
static uint32_t random_state;

static uint32_t
chance(uint32_t most)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % most;
}

static uint64_t
pair(uint32_t low, uint32_t high)
{
	return low | (uint64_t)high << 32;
}

/* Send and receive, or only one of them, by @form. */
static mach_msg_return_t
message(enum form form, struct box *box, mach_msg_option_t option,
    mach_msg_size_t size, mach_msg_size_t room, mach_port_t receive)
{
	const mach_msg_header_t *header = &box->header;

	if (form == FORM_REGISTERS)
		return mach_msg(
		    &box->header, option, size, room, receive, 0, 0);
	if (form == FORM_HEADER)
		return mach_msg2(
		    box, (uint32_t)option, *header, size, room, receive, 0, 0);
	if (form == FORM_GENERAL)
		return mach_msg_trap(
		    &box->header, option, size, room, receive, 0, 0);
	return mach_msg2_trap(box, (uint32_t)option,
	    pair(header->msgh_bits, size),
	    pair(header->msgh_remote_port, header->msgh_local_port),
	    pair(header->msgh_voucher_port, (uint32_t)header->msgh_id),
	    pair(0, receive), room, 0);
}

/* What a name is, whatever it is called. */
static uint32_t
meaning(mach_port_t name)
{
	if (name == service || name == reply_port)
		return name;
	return name == MACH_PORT_NULL ? 0 : type_of(name);
}

/* The message in @box, and @most bytes behind its header at most. */
static void
look(struct seen *seen, const struct box *box, size_t most)
{
	seen->bits = box->header.msgh_bits;
	seen->size = box->header.msgh_size;
	seen->remote = meaning(box->header.msgh_remote_port);
	seen->local = meaning(box->header.msgh_local_port);
	seen->voucher = box->header.msgh_voucher_port;
	seen->id = (uint32_t)box->header.msgh_id;
	memcpy(seen->rest, box->body,
	    most < sizeof(seen->rest) ? most : sizeof(seen->rest));
}

static struct {
	enum form form;
	mach_port_t place;
	struct seen seen;
	uint32_t requests;
} server;

static void
serve(void *argument)
{
	static struct box box;
	mach_msg_size_t size;

	(void)argument;
	must(
	    mach_msg(&box.header, MACH_RCV_MSG, 0, sizeof(box), service, 0, 0));
	for (;;) {
		bool last = box.header.msgh_id == ID_LAST;

		size = box.header.msgh_size;
		look(&server.seen, &box,
		    size - sizeof(box.header) + sizeof(mach_msg_trailer_t));
		server.requests++;
		for (size_t i = 0; i < size - sizeof(box.header); i++)
			box.body[i] ^= 0x55;
		box.header.msgh_bits =
		    MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
		box.header.msgh_local_port = MACH_PORT_NULL;
		box.header.msgh_id += 100;
		if (last) {
			must(mach_msg_send(&box.header));
			return;
		}
		must(message(server.form, &box, MACH_SEND_MSG | MACH_RCV_MSG,
		    size, sizeof(box), server.place));
	}
}

/* How much came to the reply port without being asked for, and comes within
 * @timeout. */
static uint32_t
drain(mach_msg_timeout_t timeout)
{
	uint32_t count = 0;
	struct box box;

	while (mach_msg(&box.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0,
		   sizeof(box), reply_port, timeout, 0) == MACH_MSG_SUCCESS) {
		mach_port_t right = box.header.msgh_remote_port;

		/* Given up, it is told of. */
		if (right != MACH_PORT_NULL &&
		    type_of(right) == MACH_PORT_TYPE_SEND_ONCE)
			must(mach_port_deallocate(mach_task_self(), right));
		count++;
		timeout = 0;
	}
	return count;
}

static void
try(const struct trial *trial, enum form form, struct outcome *outcome)
{
	unsigned names = name_count();
	uint32_t requests = server.requests;
	mach_port_status_t before = status_of(reply_port), after;
	struct box box;

	memset(outcome, 0, sizeof(*outcome));
	memset(&box, 0xcc, sizeof(box));
	memset(&server.seen, 0, sizeof(server.seen));
	for (size_t i = 0; i < BODY_MAX; i++)
		box.body[i] = (uint8_t)(i + trial->id);
	box.header = (mach_msg_header_t){
	    .msgh_bits = trial->bits,
	    .msgh_size = trial->size,
	    .msgh_remote_port = trial->remote,
	    .msgh_local_port = trial->local,
	    .msgh_id = (mach_msg_id_t)trial->id,
	};
	server.form = trial->server;
	server.place = trial->on_set ? services : service;
	outcome->mr = message(form, &box, MACH_SEND_MSG | MACH_RCV_MSG,
	    trial->size, trial->room, trial->receive);
	/* Nothing behind it may have been touched. */
	look(&outcome->client, &box, sizeof(outcome->client.rest));
	/* It sent to itself: a right given up is told of. */
	if (outcome->client.remote == MACH_PORT_TYPE_SEND_ONCE) {
		must(mach_port_deallocate(
		    mach_task_self(), box.header.msgh_remote_port));
		must(mach_msg(&box.header, MACH_RCV_MSG, 0, sizeof(box),
		    reply_port, 0, 0));
	}
	if (outcome->mr != MACH_MSG_SUCCESS)
		outcome->left =
		    drain(outcome->mr == MACH_RCV_INVALID_NAME ? 200 : 0);
	outcome->server = server.seen;
	outcome->requests = server.requests - requests;
	after = status_of(reply_port);
	outcome->queued = after.mps_msgcount;
	outcome->send_once_rights = after.mps_sorights;
	outcome->numbered = after.mps_seqno - before.mps_seqno;
	outcome->send_rights = status_of(service).mps_srights;
	/* The entry that the server's thread keeps is no right. */
	outcome->names = name_count() - names > 1;
}

static void
make(struct trial *trial, uint32_t id)
{
	static const uint8_t remotes[] = {MACH_MSG_TYPE_COPY_SEND,
	    MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_COPY_SEND,
	    MACH_MSG_TYPE_MAKE_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE,
	    MACH_MSG_TYPE_MOVE_SEND_ONCE, 0, 33};
	static const uint8_t locals[] = {MACH_MSG_TYPE_MAKE_SEND_ONCE,
	    MACH_MSG_TYPE_MAKE_SEND_ONCE, MACH_MSG_TYPE_MAKE_SEND_ONCE, 40};
	bool usual = chance(3) != 0;

	*trial = (struct trial){
	    .bits = MACH_MSGH_BITS(
		MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    .size = (mach_msg_size_t)(sizeof(mach_msg_header_t) +
				      4 * chance(BODY_MAX / 4 + 1)),
	    .room = sizeof(struct box),
	    .remote = service,
	    .local = reply_port,
	    .receive = reply_port,
	    .id = id,
	    .server = (enum form)chance(FORMS),
	    .on_set = chance(2) != 0,
	};
	if (usual)
		return;
	trial->bits = MACH_MSGH_BITS(
	    remotes[chance(sizeof(remotes))], locals[chance(sizeof(locals))]);
	if (chance(4) == 0)
		trial->size -= chance(8);
	if (chance(4) == 0)
		trial->room = 16 + 4 * chance(30);
	if (chance(8) == 0)
		trial->remote = chance(2) ? NO_NAME : reply_port;
	if (chance(8) == 0)
		trial->local = NO_NAME;
	if (chance(8) == 0)
		trial->receive = chance(2) ? NO_NAME : set;
}

/* Whether the same is seen of @trial in all forms. */
static bool
same(const struct trial *trial)
{
	static struct outcome outcome[FORMS];
	bool good = true;

	for (int form = 0; form < FORMS; form++)
		try(trial, (enum form)form, &outcome[form]);
	for (int form = 1; form < FORMS; form++)
		good &= memcmp(&outcome[form], &outcome[0],
			    sizeof(outcome[0])) == 0;
	for (int form = 0; !good && form < FORMS; form++)
		note("id %u form %d: bits %x size %u room %u: %x, "
		     "%u requests, %u left, seen %x %u %x %x, %u once, "
		     "%u numbered, server %x %u",
		    trial->id, form, trial->bits, trial->size, trial->room,
		    (unsigned)outcome[form].mr, outcome[form].requests,
		    outcome[form].left, outcome[form].client.bits,
		    outcome[form].client.size, outcome[form].client.remote,
		    outcome[form].client.local, outcome[form].send_once_rights,
		    outcome[form].numbered, outcome[form].server.bits,
		    outcome[form].server.size);
	return good;
}

int
main(int argc, char **argv)
{
	uint32_t cases = argc > 2 ? (uint32_t)atoi(argv[2]) : 2000;
	struct mach_thread *thread;
	unsigned different = 0;
	struct outcome last;
	struct trial trial;

	random_state = argc > 1 ? (uint32_t)atoi(argv[1]) : 1;
	service = port_new_send();
	reply_port = port_new();
	must(mach_port_allocate(
	    mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set));
	must(mach_port_allocate(
	    mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &services));
	must(mach_port_insert_member(mach_task_self(), service, services));
	must(mach_thread_start(serve, NULL, 16384, &thread));
	for (uint32_t i = 0; i < cases && different < 5; i++) {
		make(&trial, 1000 + i);
		if (trial.receive == set)
			must(mach_port_insert_member(
			    mach_task_self(), reply_port, set));
		different += !same(&trial);
		if (trial.receive == set)
			must(mach_port_extract_member(
			    mach_task_self(), reply_port, set));
	}
	is(different, 0, "%u calls are the same in all forms", cases);
	trial = (struct trial){
	    .bits = MACH_MSGH_BITS(
		MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    .size = sizeof(mach_msg_header_t),
	    .room = sizeof(struct box),
	    .remote = service,
	    .local = reply_port,
	    .receive = reply_port,
	    .id = ID_LAST,
	};
	try(&trial, FORM_REGISTERS, &last);
	is(last.mr, MACH_MSG_SUCCESS, "and the server ends");
	return done();
}
