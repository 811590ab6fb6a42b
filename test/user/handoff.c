/*
 * handoff.c: a call to a server that waits switches to it at once and back the
 * same way, and the kernel's counters say so.
 */
#include "test/user/mach_test.h"

#include <stdatomic.h>

#include <baton/thread.h>
#include <mach/thread_switch.h>

#define CALLS 1000

static mach_port_t service, reply;

/* One call to the echo server. */
static kern_return_t
call(uint32_t words)
{
	struct note message;
	mach_msg_size_t size =
	    (mach_msg_size_t)(sizeof(message.header) + words * 4);

	message.header = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS(
		MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    .msgh_size = size,
	    .msgh_remote_port = service,
	    .msgh_local_port = reply,
	    .msgh_id = (int)words,
	};
	for (uint32_t i = 0; i < words; i++)
		message.word[i] = 1000 + i;
	if (mach_msg(&message.header, MACH_SEND_MSG | MACH_RCV_MSG, size,
		sizeof(message), reply, 0, 0) != KERN_SUCCESS)
		return KERN_FAILURE;
	if (message.header.msgh_id != (int)words ||
	    message.header.msgh_size != size)
		return KERN_FAILURE;
	for (uint32_t i = 0; i < words; i++)
		if (message.word[i] != 1000 + i)
			return KERN_FAILURE;
	return KERN_SUCCESS;
}

static void
test_calls(uint32_t words)
{
	struct baton_kernel_counters before, after;
	uint64_t handoffs, queued;
	unsigned wrong = 0;

	for (int i = 0; i < 10; i++) /* until the server waits */
		wrong += call(words) != KERN_SUCCESS;
	before = counters();
	for (int i = 0; i < CALLS; i++)
		wrong += call(words) != KERN_SUCCESS;
	after = counters();
	handoffs = after.handoffs - before.handoffs;
	queued = after.queued - before.queued;
	is(wrong, 0, "%d calls with %u words, all answered", CALLS, words);
	/* A time slice may end between a call and its answer. */
	ok(handoffs >= 2 * CALLS - CALLS / 10, "two handoffs for each: %llu",
	    (unsigned long long)handoffs);
	ok(queued < CALLS / 10, "and hardly a message queued: %llu",
	    (unsigned long long)queued);
}

/* The counters tell a queued message from one that was handed off. */
static void
test_queued(void)
{
	mach_port_t port = port_new_send();
	struct baton_kernel_counters before, after;

	set_limit(port, 100);
	before = counters();
	for (int i = 0; i < 100; i++)
		must(post(port, i));
	after = counters();
	ok(after.queued >= before.queued + 100,
	    "messages to nobody are counted as queued");
	port_end(port);
}

/* ---- a server of our own, whose names we can see ---- */

static mach_port_t own_service;
static _Atomic mach_port_name_t last_reply_name;

static void
serve_own(void *arg)
{
	struct note message;
	mach_msg_option_t option = MACH_RCV_MSG;

	(void)arg;
	for (;;) {
		must(mach_msg(&message.header, option, message.header.msgh_size,
		    sizeof(message), own_service, 0, 0));
		option = MACH_SEND_MSG | MACH_RCV_MSG;
		last_reply_name = message.header.msgh_remote_port;
		message.header.msgh_bits =
		    MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
		message.header.msgh_local_port = MACH_PORT_NULL;
	}
}

/*
 * A thread that answered keeps the entry of the reply right's name for the
 * next one.  Nobody else may get that entry, not even by asking for its name.
 */
static void
test_kept_name(void)
{
	mach_port_t self = mach_task_self();
	struct mach_thread *thread;
	mach_port_name_t names[8];
	unsigned wrong = 0, taken = 0;

	own_service = port_new_send();
	service = own_service;
	must(mach_thread_start(serve_own, NULL, 0, &thread));
	for (int i = 0; i < 10; i++)
		wrong += call(0) != KERN_SUCCESS;
	for (unsigned i = 0; i < 8; i++) {
		/* The index of the kept entry, with generations to come. */
		names[i] = (last_reply_name & ~0xffU) |
			   ((last_reply_name + 1 + i) & 0xffU);
		if (mach_port_allocate_name(self, MACH_PORT_RIGHT_RECEIVE,
			names[i]) == KERN_SUCCESS)
			taken++;
		else
			names[i] = MACH_PORT_NULL;
		wrong += call(0) != KERN_SUCCESS;
	}
	note("%u of 8 names were to be had", taken);
	for (unsigned i = 0; i < 8; i++) {
		mach_port_type_t type = 0;

		if (names[i] == MACH_PORT_NULL)
			continue;
		(void)mach_port_type(self, names[i], &type);
		wrong += type != MACH_PORT_TYPE_RECEIVE;
		must(mach_port_mod_refs(
		    self, names[i], MACH_PORT_RIGHT_RECEIVE, -1));
	}
	for (int i = 0; i < 10; i++)
		wrong += call(0) != KERN_SUCCESS;
	is(wrong, 0, "and calls and names keep apart");
}

/* A reply right by a name beyond the table's end: used, it leaves no trace. */
static void
test_far_name(void)
{
	mach_port_t self = mach_task_self();
	mach_port_t port = port_new_send();
	mach_port_name_t far = 0x4000u << 8, one, two;

	for (int i = 0; i < 3; i++) {
		must(mach_port_insert_right(
		    self, far, port, MACH_MSG_TYPE_MAKE_SEND_ONCE));
		must(send_note(far, MACH_MSG_TYPE_MOVE_SEND_ONCE, i, 0));
	}
	must(mach_port_allocate(self, MACH_PORT_RIGHT_RECEIVE, &one));
	must(mach_port_allocate(self, MACH_PORT_RIGHT_RECEIVE, &two));
	ok(one != two && one >> 8 != far >> 8 && two >> 8 != far >> 8,
	    "a far name is given to nobody else");
	port_end(one);
	port_end(two);
	port_end(port);
}

/* ---- who shares a processor ---- */

/* Long enough for any slice to end, and for a machine that is busy. */
#define A_SLICE_MS  100
#define PATIENCE_MS 20000

static atomic_uint beats;
static atomic_bool seen, over;

static void
beat(void *arg)
{
	(void)arg;
	yield_precedence(10);
	while (!over)
		beats++;
}

/* Call, and when the answer has come see whether an equal goes on, too. */
static void
call_and_look(void *arg)
{
	unsigned wrong = 0, before;
	uint64_t start;

	(void)arg;
	yield_precedence(10);
	for (int i = 0; i < 4; i++)
		wrong += call(0) != KERN_SUCCESS;
	before = beats;
	start = mach_absolute_time();
	while (beats == before && ms_since(start) < PATIENCE_MS)
		continue;
	seen = wrong == 0 && beats != before;
	over = true;
	must(post(service, 1));
}

static void
spin_ms(unsigned milliseconds)
{
	uint64_t start = mach_absolute_time();

	while (ms_since(start) < milliseconds)
		continue;
}

/* To answer is to hand the processor to somebody less urgent, whose equals
 * wait for it. */
static void
test_equals(void)
{
	struct mach_thread *caller, *equal;
	mach_msg_option_t option = MACH_RCV_MSG;
	struct note message;

	service = port_new_send();
	must(mach_thread_start(beat, NULL, 0, &equal));
	must(mach_thread_start(call_and_look, NULL, 0, &caller));
	for (;;) {
		must(mach_msg(&message.header, option, sizeof(message.header),
		    sizeof(message), service, 0, 0));
		if (message.header.msgh_id != 0)
			break;
		spin_ms(A_SLICE_MS);
		option = MACH_SEND_MSG | MACH_RCV_MSG;
		message.header.msgh_bits =
		    MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
		message.header.msgh_local_port = MACH_PORT_NULL;
	}
	mach_thread_join(caller);
	mach_thread_join(equal);
	ok(seen, "who got an answer does not keep the processor from equals");
	port_end(service);
}

static void
spin_until_over(void *arg)
{
	uint64_t start = mach_absolute_time();

	(void)arg;
	yield_precedence(10);
	while (!over && ms_since(start) < PATIENCE_MS)
		beats++;
	seen = over;
}

/* So is to give way by name. */
static void
test_named(void)
{
	struct mach_thread *other;

	over = false;
	beats = 0;
	must(mach_thread_start(spin_until_over, NULL, 0, &other));
	while (beats == 0)
		sleep_ms(1);
	spin_ms(A_SLICE_MS);
	must(thread_switch(mach_thread_port(other), SWITCH_OPTION_NONE, 0));
	over = true;
	mach_thread_join(other);
	ok(seen, "nor does who was given it by name");
}

int
main(void)
{
	struct small server;

	reply = mach_reply_port();
	service = port_new_send();
	small_make(&server, service, MACH_MSG_TYPE_MOVE_RECEIVE);
	small_run(&server, small_echo, SMALL_PORT, 0);
	test_calls(0);
	test_calls(2);
	test_calls(8);
	test_queued();
	small_kill(&server);
	test_kept_name();
	test_far_name();
	test_equals();
	test_named();
	return done();
}
