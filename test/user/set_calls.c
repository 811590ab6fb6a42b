/*
 * set_calls.c: calls to the members of a set that a server receives from: who
 * waits there is found whatever becomes of members and set meanwhile, once
 * each call, and hears by which name it came.
 */
#include "test/user/mach_test.h"

#include <stdatomic.h>

#include <baton/thread.h>

#define MEMBERS 4
#define CALLS	50

/* Ids of requests: another is echoed, with the name that it came by. */
enum {
	ASK = 100,
	ASK_TWICE,
	ASK_END
};

#define REQUEST                                                                \
	MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE)

static mach_port_t self;

/* ---- the server ---- */

struct server {
	mach_port_t set;
	mach_port_t other; /* receives from there once, after ASK_TWICE */
	struct mach_thread *thread;
	_Atomic thread_t port;
	atomic_uint served;
	mach_msg_return_t end; /* why it ended */
};

static void
serve(void *argument)
{
	struct server *server = argument;
	_Alignas(8) struct note note;
	mach_msg_return_t mr;

	server->port = mach_thread_self();
	mr = mach_msg(
	    &note.header, MACH_RCV_MSG, 0, sizeof(note), server->set, 0, 0);
	while (mr == MACH_MSG_SUCCESS && note.header.msgh_id != ASK_END) {
		mach_port_t from = server->set;

		if (note.header.msgh_id == ASK_TWICE)
			from = server->other;
		server->served++;
		note.word[1] = note.header.msgh_local_port;
		note.header.msgh_bits =
		    MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
		note.header.msgh_local_port = MACH_PORT_NULL;
		if (note.header.msgh_remote_port == MACH_PORT_NULL)
			mr = mach_msg(&note.header, MACH_RCV_MSG, 0,
			    sizeof(note), from, 0, 0);
		else
			mr = mach_msg(&note.header,
			    MACH_SEND_MSG | MACH_RCV_MSG, note.header.msgh_size,
			    sizeof(note), from, 0, 0);
	}
	server->end = mr;
	mach_port_deallocate(self, server->port);
}

static mach_port_t
set_new(void)
{
	mach_port_t set;

	must(mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &set));
	return set;
}

static void
server_start(struct server *server, mach_port_t set)
{
	*server = (struct server){.set = set};
	must(mach_thread_start(serve, server, 32768, &server->thread));
}

/* ---- the client ---- */

/* One call, which is answered, and says by which name it came. */
static bool
call(mach_port_t to, mach_port_t reply, mach_msg_id_t id, uint32_t word)
{
	_Alignas(8) struct note note;
	mach_msg_size_t size = NOTE_SIZE;

	note.header = (mach_msg_header_t){.msgh_bits = REQUEST,
	    .msgh_remote_port = to,
	    .msgh_local_port = reply,
	    .msgh_id = id};
	note.word[0] = word;
	note.word[7] = ~word;
	return mach_msg(&note.header, MACH_SEND_MSG | MACH_RCV_MSG, size,
		   sizeof(note), reply, 0, 0) == MACH_MSG_SUCCESS &&
	       note.header.msgh_id == id && note.header.msgh_size == size &&
	       note.word[0] == word && note.word[1] == to &&
	       note.word[7] == ~word;
}

/* Every server of a member has to be told. */
static void
server_end(struct server *server, mach_port_t member)
{
	must(send_note(member, MACH_MSG_TYPE_COPY_SEND, ASK_END, 0));
	mach_thread_join(server->thread);
}

static mach_port_t reply, member[MEMBERS];

static unsigned
calls(unsigned most)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < CALLS; i++)
		wrong += !call(member[i % most], reply, ASK, i);
	return wrong;
}

static void
members_new(mach_port_t set)
{
	for (int i = 0; i < MEMBERS; i++) {
		member[i] = port_new_send();
		must(mach_port_insert_member(self, member[i], set));
	}
}

static void
members_end(void)
{
	for (int i = 0; i < MEMBERS; i++)
		port_end(member[i]);
}

/* How many calls have been served, once @most have, or after a while. */
static unsigned
served(const struct server *server, unsigned most)
{
	for (int i = 0; i < 500 && server->served < most; i++)
		sleep_ms(10);
	return server->served;
}

/* Members leave and join while the server waits. */
static void
test_changes(void)
{
	mach_port_t set = set_new(), other = set_new();
	struct server server, second;

	members_new(set);
	server_start(&server, set);
	is(calls(MEMBERS), 0, "each call is answered, and knows its port");
	is(calls(1), 0, "and so it is at one member again and again");

	must(mach_port_extract_member(self, member[0], set));
	must(post(member[0], 7));
	is(take(member[0]), 7, "who has left keeps its messages");
	must(post(member[0], 8));
	must(mach_port_insert_member(self, member[0], set));
	is(served(&server, 2 * CALLS + 1), 2 * CALLS + 1,
	    "who joins brings its messages");
	is(calls(2), 0, "and is called as before");

	must(mach_port_insert_member(self, member[0], other));
	is(calls(2), 0, "a member may be in two sets");
	server_start(&second, other);
	is(calls(1), 0, "with a server each");
	must(mach_port_move_member(self, member[1], other));
	server_end(&server, member[2]);
	is(calls(2), 0, "and go on when one of them is gone");
	server_end(&second, member[1]);
	port_end(set);
	port_end(other);
	members_end();
}

/* The server receives from a member itself for once. */
static void
test_directly(void)
{
	mach_port_t set = set_new();
	unsigned wrong = 0;
	struct server server;

	members_new(set);
	server_start(&server, set);
	server.other = member[1];
	wrong += calls(MEMBERS);
	wrong += !call(member[0], reply, ASK_TWICE, 1);
	/* It waits for another. */
	must(send_note(member[2], MACH_MSG_TYPE_COPY_SEND, 5, 0));
	wrong += !call(member[1], reply, ASK, 2);
	is(wrong, 0, "a server that waits on a member for once is found there");
	is(served(&server, CALLS + 3), CALLS + 3, "and then takes the others");
	is(calls(MEMBERS), 0, "by the set again");
	server_end(&server, member[3]);
	port_end(set);
	members_end();
}

static void
test_two_servers(void)
{
	mach_port_t set = set_new();
	struct server server[2];

	members_new(set);
	server_start(&server[0], set);
	is(calls(2), 0, "one server");
	server_start(&server[1], set);
	is(calls(MEMBERS), 0, "two servers at one set");
	is(server[0].served + server[1].served, 2 * CALLS,
	    "each call is served once");
	port_end(set);
	mach_thread_join(server[0].thread);
	mach_thread_join(server[1].thread);
	members_end();
}

static void
test_ends(void)
{
	mach_port_t set = set_new();
	struct server server;

	members_new(set);
	server_start(&server, set);
	is(calls(1), 0, "calls, until");
	port_end(set);
	mach_thread_join(server.thread);
	is(server.end, MACH_RCV_PORT_DIED, "the set ends, as its server hears");
	must(post(member[0], 9));
	is(take(member[0]), 9, "and its members live on");
	set = set_new();
	for (int i = 0; i < MEMBERS; i++)
		must(mach_port_insert_member(self, member[i], set));
	server_start(&server, set);
	is(calls(MEMBERS), 0, "in another set");
	port_end(member[1]);
	is(call(member[1], reply, ASK, 1), false, "a member that ended is not");
	is(calls(1), 0, "but the others are");
	server_end(&server, member[0]);
	member[1] = port_new_send();
	port_end(set);
	members_end();
}

/* The last right to a member is given up by one who had called it. */
static void
test_no_senders(void)
{
	mach_port_t set = set_new(), previous;
	struct server server;
	struct note note;

	members_new(set);
	server_start(&server, set);
	is(calls(MEMBERS), 0, "calls, until");
	must(mach_port_request_notification(self, member[0],
	    MACH_NOTIFY_NO_SENDERS, 0, reply, MACH_MSG_TYPE_MAKE_SEND_ONCE,
	    &previous));
	must(mach_port_deallocate(self, member[0]));
	is(call(member[0], reply, ASK, 1), false, "there is no right any more");
	is(await(&note, sizeof(note), reply), MACH_MSG_SUCCESS,
	    "as its holder hears");
	is(note.header.msgh_id, MACH_NOTIFY_NO_SENDERS, "from the kernel");
	server_end(&server, member[1]);
	port_end(set);
	members_end();
}

/* A server is told to stop and start again while it waits. */
static void
test_aborts(void)
{
	mach_port_t set = set_new();
	struct server server;
	unsigned wrong = 0;

	members_new(set);
	server_start(&server, set);
	wrong += calls(MEMBERS);
	for (int i = 0; i < 20; i++) {
		must(thread_abort(server.port));
		wrong += !call(member[0], reply, ASK, 3);
		must(thread_suspend(server.port));
		must(thread_resume(server.port));
		wrong += !call(member[0], reply, ASK, 4);
	}
	is(wrong, 0, "a server whose wait is interrupted asks again");
	server_end(&server, member[0]);
	port_end(set);
	members_end();
}

/* ---- all at once ---- */

#define CLIENTS	   3
#define MANY_CALLS 1500

static atomic_uint clients_left, wrong_answers;

static void
call_many(void *argument)
{
	uint32_t seed = (uint32_t)(uintptr_t)argument;
	mach_port_t port = mach_reply_port();

	for (unsigned i = 0; i < MANY_CALLS; i++) {
		seed = seed * 1664525 + 1013904223;
		if (!call(member[(seed >> 24) % MEMBERS], port, ASK, seed))
			wrong_answers++;
	}
	mach_port_mod_refs(self, port, MACH_PORT_RIGHT_RECEIVE, -1);
	clients_left--;
}

/* Every member is somewhere when this returns. */
static void
shuffle(uint32_t seed, const mach_port_t sets[2], struct server servers[2])
{
	mach_port_t port = member[seed >> 24 & 3];
	mach_port_t to = sets[seed >> 23 & 1], from = sets[seed >> 22 & 1];
	mach_port_status_t status;

	switch (seed >> 18 & 7) {
	case 0:
		mach_port_extract_member(self, port, from);
		mach_port_insert_member(self, port, to);
		break;
	case 1:
		mach_port_insert_member(self, port, to);
		break;
	case 2:
		must(mach_port_move_member(self, port, to));
		break;
	case 3:
		must(thread_abort(servers[seed & 1].port));
		break;
	case 4:
		status = status_of(port);
		if (status.mps_pset == 0)
			must(mach_port_insert_member(self, port, to));
		break;
	case 5:
		must(send_note(port, MACH_MSG_TYPE_COPY_SEND, 5, 0));
		break;
	default:
		sleep_ms(1);
	}
}

static void
test_storm(void)
{
	mach_port_t sets[2] = {set_new(), set_new()};
	struct mach_thread *client[CLIENTS];
	struct server servers[2];
	uint32_t seed = 1;

	members_new(sets[0]);
	server_start(&servers[0], sets[0]);
	server_start(&servers[1], sets[1]);
	while (servers[0].port == 0 || servers[1].port == 0)
		sleep_ms(1);
	clients_left = CLIENTS;
	for (uintptr_t i = 0; i < CLIENTS; i++)
		must(mach_thread_start(
		    call_many, (void *)(i + 1), 32768, &client[i]));
	while (clients_left > 0) {
		seed = seed * 1664525 + 1013904223;
		shuffle(seed, sets, servers);
	}
	for (int i = 0; i < CLIENTS; i++)
		mach_thread_join(client[i]);
	is(wrong_answers, 0,
	    "%d calls each of %d clients, while members come and go",
	    MANY_CALLS, CLIENTS);
	for (int i = 0; i < 2; i++) {
		must(mach_port_move_member(self, member[i], sets[i]));
		server_end(&servers[i], member[i]);
		port_end(sets[i]);
	}
	members_end();
}

int
main(void)
{
	unsigned names;

	self = mach_task_self();
	reply = mach_reply_port();
	test_storm(); /* the library keeps what it needed for so many threads */
	names = name_count();
	test_changes();
	test_directly();
	test_two_servers();
	test_ends();
	test_no_senders();
	test_aborts();
	is(name_count(), names, "no name is left");
	return done();
}
