/*
 * storm.c: messages between many threads on all harts at once, with ports that
 * die, threads that are aborted, and tasks that are ended meanwhile.
 */
#include "test/user/mach_test.h"

#include <stdatomic.h>

#include <baton/thread.h>

#define PAIRS	     4
#define CALLERS	     3 /* of each pair's server */
#define CALLS	     600
#define TURNS	     400 /* of the storm */
#define STORM_MS_MAX 10000

static mach_port_t self;

/* ---- servers and their callers ---- */

static mach_port_t service[PAIRS];
static atomic_uint answered, mistaken;

static void
call_server(void *arg)
{
	mach_port_t to = service[(uintptr_t)arg % PAIRS];
	mach_port_t reply = mach_reply_port();
	uint32_t base = (uint32_t)(uintptr_t)arg << 16;

	for (uint32_t i = 0; i < CALLS; i++) {
		struct note message = {.word = {base + i, ~(base + i)}};
		mach_msg_size_t size = i % 3 == 0 ? 32 : NOTE_SIZE;

		message.header = (mach_msg_header_t){
		    .msgh_bits = MACH_MSGH_BITS(
			MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
		    .msgh_size = size,
		    .msgh_remote_port = to,
		    .msgh_local_port = reply,
		    .msgh_id = (int)(base + i),
		};
		if (mach_msg(&message.header, MACH_SEND_MSG | MACH_RCV_MSG,
			size, sizeof(message), reply, 0, 0) != KERN_SUCCESS ||
		    message.header.msgh_id != (int)(base + i) ||
		    message.word[0] != base + i ||
		    message.word[1] != ~(base + i))
			mistaken++;
		else
			answered++;
	}
	mach_port_mod_refs(self, reply, MACH_PORT_RIGHT_RECEIVE, -1);
}

static void
test_calls(void)
{
	struct small server[PAIRS];
	struct mach_thread *caller[PAIRS * CALLERS];
	uint64_t start = mach_absolute_time();

	for (int i = 0; i < PAIRS; i++) {
		service[i] = port_new_send();
		small_make(&server[i], service[i], MACH_MSG_TYPE_MOVE_RECEIVE);
		small_run(&server[i], small_echo, SMALL_PORT, 0);
		small_run(&server[i], small_echo, SMALL_PORT, 0);
	}
	for (uintptr_t i = 0; i < PAIRS * CALLERS; i++)
		must(mach_thread_start(call_server, (void *)i, 0, &caller[i]));
	for (int i = 0; i < PAIRS * CALLERS; i++)
		mach_thread_join(caller[i]);
	is(answered, PAIRS * CALLERS * CALLS, "every call is answered");
	is(mistaken, 0, "with its own answer");
	note("%u calls in %u ms", answered, ms_since(start));
	for (int i = 0; i < PAIRS; i++) {
		small_kill(&server[i]);
		mach_port_deallocate(self, service[i]);
	}
}

/* ---- everything at once ---- */

static atomic_bool over;
static mach_port_t shared[8];
static atomic_uint sent, received;

static uint32_t
chance(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* Send to ports that may be full, or dying. */
static void
sender(void *arg)
{
	uint32_t state = (uint32_t)(uintptr_t)arg;

	while (!over) {
		mach_port_t to = shared[chance(&state) % 8];

		if (send_note(to, MACH_MSG_TYPE_COPY_SEND, (int)state,
			1 + chance(&state) % 3) == KERN_SUCCESS)
			sent++;
	}
}

static void
receiver(void *arg)
{
	uint32_t state = (uint32_t)(uintptr_t)arg;
	struct note message;

	while (!over) {
		mach_port_t from = shared[chance(&state) % 8];

		if (mach_msg(&message.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT,
			0, sizeof(message), from, chance(&state) % 3,
			0) == KERN_SUCCESS)
			received++;
	}
}

/* Memory back and forth between the threads of a task. */
static void
mover(void *arg)
{
	mach_port_t port = port_new_send();
	char *pages = pages_new(64 * 4096);
	struct crate crate;

	pages[0] = (char)(uintptr_t)arg;
	while (!over) {
		crate_fill(&crate, port, pages, 64 * 4096, true,
		    MACH_MSG_VIRTUAL_COPY);
		must(send_message(&crate, CRATE_SIZE));
		must(poll_for(&crate, sizeof(crate), port));
		pages = crate.memory.address;
		if (pages[0] != (char)(uintptr_t)arg)
			mistaken++;
	}
	pages_end(pages, 64 * 4096);
	port_end(port);
}

static void
renew_port(unsigned which)
{
	mach_port_t old = shared[which];

	shared[which] = port_new_send();
	port_end(old);
}

static void
test_storm(void)
{
	enum {
		THREADS = 12
	};
	struct mach_thread *thread[THREADS];
	uint64_t start = mach_absolute_time();
	uint32_t state = 1;
	unsigned renewed = 0, ended = 0;

	for (int i = 0; i < 8; i++)
		shared[i] = port_new_send();
	for (uintptr_t i = 0; i < THREADS; i++) {
		must(mach_thread_start(i % 3 == 0   ? sender
				       : i % 3 == 1 ? receiver
						    : mover,
		    (void *)(i + 1), 0, &thread[i]));
		/* We stir, so we come first. */
		must(thread_policy_set(mach_thread_port(thread[i]),
		    THREAD_PRECEDENCE_POLICY,
		    (thread_policy_t) & (thread_precedence_policy_data_t){-1},
		    THREAD_PRECEDENCE_POLICY_COUNT));
	}
	for (int i = 0; i < TURNS && ms_since(start) < STORM_MS_MAX; i++) {
		struct small small;

		switch (chance(&state) % 4) {
		case 0:
			renew_port(chance(&state) % 8);
			renewed++;
			break;
		case 1:
			(void)thread_abort(
			    mach_thread_port(thread[chance(&state) % THREADS]));
			break;
		case 2:
			small_make(&small, shared[0], MACH_MSG_TYPE_COPY_SEND);
			small_run(&small, small_call, SMALL_PORT, 60);
			sleep_ms(chance(&state) % 3);
			small_kill(&small);
			ended++;
			break;
		default:
			sleep_ms(1);
		}
	}
	over = true;
	for (int i = 0; i < THREADS; i++)
		mach_thread_join(thread[i]);
	ok(sent > 0 && received > 0, "%u sent, %u received", sent, received);
	ok(renewed > 0 && ended > 0, "%u ports and %u tasks died", renewed,
	    ended);
	is(mistaken, 0, "nothing was mixed up");
	for (int i = 0; i < 8; i++)
		port_end(shared[i]);
}

int
main(void)
{
	struct baton_kernel_counters before, after;

	self = mach_task_self();
	before = quiet_counters();
	test_calls();
	test_storm();
	after = quiet_counters();
	is(after.objects[BATON_OBJECT_TASK], before.objects[BATON_OBJECT_TASK],
	    "all tasks are gone");
	is(after.objects[BATON_OBJECT_THREAD],
	    before.objects[BATON_OBJECT_THREAD], "and all threads");
	is(after.objects[BATON_OBJECT_MESSAGE],
	    before.objects[BATON_OBJECT_MESSAGE], "and all messages");
	return done();
}
