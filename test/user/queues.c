/* queues.c: queue limits, time-outs, and threads that wait for room. */
#include "test/user/mach_test.h"

#include <stdatomic.h>

#include <baton/thread.h>

static mach_port_t self;

static void
test_limit(void)
{
	mach_port_t port = port_new_send();

	for (int i = 0; i < MACH_PORT_QLIMIT_DEFAULT; i++)
		must(post(port, i));
	is(status_of(port).mps_msgcount, MACH_PORT_QLIMIT_DEFAULT,
	    "a full queue");
	is(post(port, 9), MACH_SEND_TIMED_OUT, "takes no more");
	is(send_refs(port), 1, "and costs no reference");
	set_limit(port, MACH_PORT_QLIMIT_DEFAULT + 1);
	is(post(port, 10), KERN_SUCCESS, "until its limit is raised");
	set_limit(port, 1);
	is(take(port), 0, "lowering it loses nothing");
	is(post(port, 11), MACH_SEND_TIMED_OUT, "but lets nothing in");
	port_end(port);

	port = port_new_send();
	set_limit(port, 0);
	is(post(port, 1), MACH_SEND_TIMED_OUT, "no queue at all");
	port_end(port);
}

/* A send-once right always gets its message through. */
static void
test_send_once(void)
{
	mach_port_t port = port_new_send(), once;
	mach_msg_type_name_t type;

	must(mach_port_extract_right(
	    self, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once, &type));
	for (int i = 0; i < MACH_PORT_QLIMIT_DEFAULT; i++)
		must(post(port, i));
	is(send_note(once, MACH_MSG_TYPE_MOVE_SEND_ONCE, 99, 1), KERN_SUCCESS,
	    "a send-once right ignores the limit");
	is(type_of(once), 0, "and is used up");
	is(status_of(port).mps_msgcount, MACH_PORT_QLIMIT_DEFAULT + 1,
	    "its message is there");
	port_end(port);
}

/*
 * Messages that no limit of the port keeps out are counted, however many; but
 * they are kernel memory, of which a task has its share.  Nothing is printed
 * before they are gone, since that takes messages.
 */
static void
test_many_forced(void)
{
	enum {
		MANY = 0x10000
	};
	mach_port_t port = port_new_send();
	kern_return_t kr = KERN_SUCCESS, over;
	natural_t sent = 0, queued;
	int first;

	while (sent < MANY && kr == KERN_SUCCESS) {
		kr =
		    send_note(port, MACH_MSG_TYPE_MAKE_SEND_ONCE, (int)sent, 1);
		sent += kr == KERN_SUCCESS;
	}
	queued = status_of(port).mps_msgcount;
	over = post(port, 1);
	first = take(port);
	port_end(port);

	ok(kr == KERN_SUCCESS || kr == MACH_SEND_NO_BUFFER,
	    "messages until there are %u, or the task's share is used up: %u",
	    MANY, sent);
	is(queued, sent, "all are in the queue");
	is(over, kr == KERN_SUCCESS ? MACH_SEND_TIMED_OUT : MACH_SEND_NO_BUFFER,
	    "which takes no more");
	is(first, 0, "and has a first message");
}

/* ---- time-outs ---- */

static void
test_receive_timeout(void)
{
	mach_port_t port = port_new_send();
	struct note message;
	uint64_t start = mach_absolute_time();
	kern_return_t kr;

	kr = mach_msg(&message.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0,
	    sizeof(message), port, 50, 0);
	is(kr, MACH_RCV_TIMED_OUT, "a receive gives up");
	ok(ms_since(start) >= 50, "not too early");
	ok(ms_since(start) < 2000, "nor much later");
	start = mach_absolute_time();
	is(take(port), -1, "0 is a look");
	ok(ms_since(start) < 1000, "and no wait");
	must(post(port, 3));
	is(take(port), 3, "it still works after time-outs");
	port_end(port);
}

static void
test_send_timeout(void)
{
	mach_port_t port = port_new_send();
	uint64_t start;

	for (int i = 0; i < MACH_PORT_QLIMIT_DEFAULT; i++)
		must(post(port, i));
	start = mach_absolute_time();
	is(send_note(port, MACH_MSG_TYPE_COPY_SEND, 9, 51), MACH_SEND_TIMED_OUT,
	    "a send gives up");
	ok(ms_since(start) >= 50, "not too early");
	ok(ms_since(start) < 2000, "nor much later");
	for (int i = 0; i < MACH_PORT_QLIMIT_DEFAULT; i++)
		is(take(port), i, "message %d was not disturbed", i);
	is(take(port), -1, "and the late one is not there");
	port_end(port);
}

/* What times out comes back with its rights, as if it had been received. */
static void
test_comes_back(void)
{
	mach_port_t port = port_new_send(), cargo = port_new();
	struct parcel parcel;
	mach_port_t back;

	for (int i = 0; i < MACH_PORT_QLIMIT_DEFAULT; i++)
		must(post(port, i));
	parcel_fill(&parcel, port, cargo, MACH_MSG_TYPE_MOVE_RECEIVE);
	is(send_message(&parcel, PARCEL_SIZE), MACH_SEND_TIMED_OUT,
	    "a parcel that does not get in");
	back = parcel.port.name;
	is(type_of(back), MACH_PORT_TYPE_RECEIVE, "comes back with its right");
	is(parcel.port.disposition, MACH_MSG_TYPE_PORT_RECEIVE,
	    "as a received one does");
	is(parcel.header.msgh_remote_port, port, "its destination, too");
	is(send_refs(port), 2, "with the reference it had taken");
	mach_msg_destroy(&parcel.header);
	is(send_refs(port), 1, "which is given up with the message");
	is(type_of(back), 0, "and so is what it carried");
	port_end(port);
}

/* ---- waiting for room ---- */

#define SENDERS 8

static mach_port_t full;
static atomic_uint sent;

static void
send_when_possible(void *arg)
{
	if (send_note(full, MACH_MSG_TYPE_COPY_SEND, (int)(intptr_t)arg, 0) ==
	    KERN_SUCCESS)
		sent++;
}

static void
test_senders_wait(void)
{
	struct mach_thread *thread[SENDERS];
	unsigned seen = 0;
	struct note message;

	full = port_new_send();
	sent = 0;
	set_limit(full, 1);
	must(post(full, 100));
	for (intptr_t i = 0; i < SENDERS; i++)
		must(mach_thread_start(
		    send_when_possible, (void *)i, 0, &thread[i]));
	sleep_ms(50);
	is(sent, 0, "%d senders wait while the queue is full", SENDERS);
	is(take(full), 100, "the first message goes");
	for (int i = 0; i < SENDERS; i++)
		if (await(&message, sizeof(message), full) == KERN_SUCCESS)
			seen |= 1U << message.header.msgh_id;
	is(seen, (1U << SENDERS) - 1, "then all of theirs arrive");
	for (int i = 0; i < SENDERS; i++)
		mach_thread_join(thread[i]);
	is(sent, SENDERS, "and all know");
	port_end(full);
}

static atomic_uint woken;

/* The message is lost either way: some kernels say so, others say it went. */
static void
send_until_death(void *arg)
{
	kern_return_t kr = send_note(full, MACH_MSG_TYPE_COPY_SEND, 1, 0);

	(void)arg;
	if (kr == MACH_SEND_INVALID_DEST || kr == KERN_SUCCESS)
		woken++;
}

static void
test_death_wakes_senders(void)
{
	struct mach_thread *thread[SENDERS];

	full = port_new_send();
	woken = 0;
	set_limit(full, 1);
	must(post(full, 100));
	for (int i = 0; i < SENDERS; i++)
		must(mach_thread_start(send_until_death, NULL, 0, &thread[i]));
	sleep_ms(30);
	is(woken, 0, "they wait");
	must(mach_port_mod_refs(self, full, MACH_PORT_RIGHT_RECEIVE, -1));
	for (int i = 0; i < SENDERS; i++)
		mach_thread_join(thread[i]);
	is(woken, SENDERS, "until the port dies");
	must(mach_port_destroy(self, full));
}

static void
raise_later(void *arg)
{
	(void)arg;
	sleep_ms(20);
	set_limit(full, 2);
}

static void
test_raising_wakes(void)
{
	struct mach_thread *thread;

	full = port_new_send();
	set_limit(full, 1);
	must(post(full, 1));
	must(mach_thread_start(raise_later, NULL, 0, &thread));
	is(send_note(full, MACH_MSG_TYPE_COPY_SEND, 2, 5001), KERN_SUCCESS,
	    "a raised limit lets a waiting sender in");
	mach_thread_join(thread);
	port_end(full);
}

int
main(void)
{
	self = mach_task_self();
	test_limit();
	test_send_once();
	test_many_forced();
	test_receive_timeout();
	test_send_timeout();
	test_comes_back();
	test_senders_wait();
	test_death_wakes_senders();
	test_raising_wakes();
	return done();
}
