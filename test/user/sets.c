/* sets.c: port sets: many ports, one place to wait. */
#include "test/user/mach_test.h"

#include <baton/thread.h>

static mach_port_t self;

static mach_port_t
set_new(void)
{
	mach_port_t set;

	must(mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &set));
	return set;
}

static void
test_membership(void)
{
	mach_port_t set = set_new(), other = set_new(), port = port_new();

	is(mach_port_insert_member(self, port, set), KERN_SUCCESS, "joins");
	is(mach_port_insert_member(self, port, set), KERN_ALREADY_IN_SET,
	    "joins once");
	is(mach_port_insert_member(self, port, other), KERN_SUCCESS,
	    "may be in two sets");
	is(status_of(port).mps_pset, 2, "and knows it");
	is(mach_port_extract_member(self, port, set), KERN_SUCCESS, "leaves");
	is(mach_port_extract_member(self, port, set), KERN_NOT_IN_SET,
	    "leaves once");
	is(mach_port_move_member(self, port, set), KERN_SUCCESS, "moves");
	is(status_of(port).mps_pset, 1, "which leaves all other sets");
	is(mach_port_move_member(self, port, MACH_PORT_NULL), KERN_SUCCESS,
	    "moves out");
	is(mach_port_move_member(self, port, MACH_PORT_NULL), KERN_NOT_IN_SET,
	    "moves out once");
	is(mach_port_insert_member(self, set, other), KERN_INVALID_RIGHT,
	    "a set is no member");
	is(mach_port_insert_member(self, port, port), KERN_INVALID_RIGHT,
	    "a port is no set");
	is(mach_port_insert_member(self, NO_NAME, set), KERN_INVALID_NAME,
	    "no such member");
	is(mach_port_insert_member(self, port, NO_NAME), KERN_INVALID_NAME,
	    "no such set");
	port_end(port);
	port_end(set);
	port_end(other);
}

static void
test_receive(void)
{
	mach_port_t set = set_new(), ports[3];
	struct note message;
	unsigned seen = 0;

	for (int i = 0; i < 3; i++) {
		ports[i] = port_new_send();
		must(mach_port_insert_member(self, ports[i], set));
	}
	is(poll_for(&message, sizeof(message), set), MACH_RCV_TIMED_OUT,
	    "nothing yet");
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 3; i++)
			must(post(ports[i], 100 + i));
	for (int i = 0; i < 6; i++) {
		if (poll_for(&message, sizeof(message), set) != KERN_SUCCESS)
			break;
		for (int j = 0; j < 3; j++)
			if (message.header.msgh_local_port == ports[j] &&
			    message.header.msgh_id == 100 + j)
				seen += 1U << 4 * j;
	}
	is(seen, 0x222, "each message, with the port it came to");
	is(poll_for(&message, sizeof(message), set), MACH_RCV_TIMED_OUT,
	    "and no more");

	must(post(ports[0], 1));
	is(take(ports[0]), 1, "a member can be asked directly");
	must(post(ports[1], 2));
	port_end(ports[1]);
	is(take(set), -1, "a member's end takes its messages along");
	port_end(set);
	must(post(ports[2], 3));
	is(take(ports[2]), 3, "a set's end leaves its members alone");
	port_end(ports[0]);
	port_end(ports[2]);
}

/* Members take turns: no port's messages wait behind another's for ever. */
static void
test_turns(void)
{
	mach_port_t set = set_new(), busy = port_new_send(),
		    calm = port_new_send();
	int waited = 0;

	must(mach_port_insert_member(self, busy, set));
	must(mach_port_insert_member(self, calm, set));
	for (int i = 0; i < 4; i++)
		must(post(busy, 1));
	must(post(calm, 2));
	while (take(set) == 1 && waited < 10) {
		must(post(busy, 1));
		waited++;
	}
	ok(waited < 5, "a calm port is heard beside a busy one");
	port_end(busy);
	port_end(calm);
	port_end(set);
}

static void
post_later(void *port)
{
	sleep_ms(20);
	must(post(*(mach_port_t *)port, 55));
}

/* A thread that waits on a set is woken by a member that joins meanwhile. */
static void
test_wait(void)
{
	mach_port_t set = set_new(), port = port_new_send();
	struct mach_thread *thread;
	struct note message;

	must(mach_port_insert_member(self, port, set));
	must(mach_thread_start(post_later, &port, 0, &thread));
	is(await(&message, sizeof(message), set), KERN_SUCCESS,
	    "waiting on a set ends with a message");
	is(message.header.msgh_id, 55, "to a member");
	mach_thread_join(thread);
	port_end(port);
	port_end(set);
}

static void
end_later(void *set)
{
	sleep_ms(20);
	port_end(*(mach_port_t *)set);
}

static void
test_death(void)
{
	mach_port_t set = set_new();
	struct mach_thread *thread;
	struct note message;

	must(mach_thread_start(end_later, &set, 0, &thread));
	is(await(&message, sizeof(message), set), MACH_RCV_PORT_DIED,
	    "waiting ends with the set");
	mach_thread_join(thread);
	is(poll_for(&message, sizeof(message), set), MACH_RCV_INVALID_NAME,
	    "which has no name any more");
}

int
main(void)
{
	self = mach_task_self();
	test_membership();
	test_receive();
	test_turns();
	test_wait();
	test_death();
	return done();
}
