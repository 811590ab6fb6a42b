/* rights.c: what rights in messages, sets and notices cost. */
#include <stddef.h>

#include <baton/thread.h>
#include <mach/mach.h>

#include "bench.h"
#include "protocol.h"

union buffer {
	mach_msg_header_t header;
	struct bench_port port;
	mach_dead_name_notification_t notice;
	struct bench_message message;
};

static union buffer buffer;
static mach_port_t reply_port;

static mach_port_t
port_with_send(void)
{
	mach_port_t port;

	bench_check(mach_port_allocate(
			mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port),
	    "allocate a port");
	bench_check(mach_port_insert_right(
			mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND),
	    "make a send right");
	return port;
}

/* A header for a call of @port. */
static inline void
fill_header(mach_port_t port, mach_msg_id_t id, mach_msg_bits_t bits)
{
	buffer.header.msgh_bits = bits | MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
					     MACH_MSG_TYPE_MAKE_SEND_ONCE);
	buffer.header.msgh_remote_port = port;
	buffer.header.msgh_local_port = reply_port;
	buffer.header.msgh_voucher_port = MACH_PORT_NULL;
	buffer.header.msgh_id = id;
}

static inline uint64_t
call(mach_msg_size_t size)
{
	uint64_t before = bench_now();
	kern_return_t kr;

	kr = mach_msg(&buffer.header, MACH_SEND_MSG | MACH_RCV_MSG, size,
	    sizeof(buffer), reply_port, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	before = bench_now() - before;
	bench_check(kr, "a round trip");
	return before;
}

/* The receiver has a name for the right, and keeps the reference. */
static void
right_in_request(void)
{
	mach_port_t partner = bench_partner(), port = port_with_send();

	bench_begin("rpc.port", "one send right in the request, empty reply");
	for (unsigned i = 0; i < WARM_UP + bench_rounds(); i++) {
		uint64_t cost;

		fill_header(partner, BENCH_PORT, MACH_MSGH_BITS_COMPLEX);
		buffer.port.body.msgh_descriptor_count = 1;
		buffer.port.port = (mach_msg_port_descriptor_t){
		    .name = port,
		    .disposition = MACH_MSG_TYPE_COPY_SEND,
		    .type = MACH_MSG_PORT_DESCRIPTOR,
		};
		cost = call(sizeof(buffer.port));
		if (i >= WARM_UP)
			bench_sample(cost);
	}
	bench_end();
}

static void
serve_in_thread(void *port)
{
	bench_serve((mach_port_t)(uintptr_t)port);
}

/* Calls of a thread that receives from a set; all go to its last member. */
static void
set_of(int members, const char *name, const char *what)
{
	struct mach_thread *thread;
	mach_port_t set, port = MACH_PORT_NULL;

	bench_check(mach_port_allocate(
			mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set),
	    "allocate a set");
	for (int i = 0; i < members; i++) {
		port = port_with_send();
		bench_check(
		    mach_port_insert_member(mach_task_self(), port, set),
		    "put a port into the set");
	}
	bench_check(mach_thread_start(serve_in_thread, (void *)(uintptr_t)set,
			65536, &thread),
	    "start a thread");
	bench_begin(name, what);
	for (unsigned i = 0; i < WARM_UP + bench_rounds(); i++) {
		uint64_t cost;

		fill_header(port, BENCH_EMPTY, 0);
		cost = call(sizeof(buffer.header));
		if (i >= WARM_UP)
			bench_sample(cost);
	}
	bench_end();
	/* The thread ends with the program. */
}

void
bench_rights(void)
{
	reply_port = mach_reply_port();
	right_in_request();
}

void
bench_sets(void)
{
	reply_port = mach_reply_port();
	set_of(1, "rpc.set.1", "round trip between threads, by a set of 1");
	set_of(1000, "rpc.set.1000", "by a set of 1 000");
}

/* Ask to be told, end the port, and hear of it. */
static kern_return_t
hear_of_death(mach_port_t port)
{
	mach_port_t previous;
	kern_return_t kr;

	kr = mach_port_request_notification(mach_task_self(), port,
	    MACH_NOTIFY_DEAD_NAME, 0, reply_port, MACH_MSG_TYPE_MAKE_SEND_ONCE,
	    &previous);
	if (kr == KERN_SUCCESS)
		kr = mach_port_mod_refs(
		    mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1);
	if (kr == KERN_SUCCESS)
		kr = mach_msg(&buffer.header, MACH_RCV_MSG, 0, sizeof(buffer),
		    reply_port, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	return kr;
}

void
bench_notices(void)
{
	reply_port = mach_reply_port();
	bench_begin("notify.dead_name",
	    "ask for a dead-name notice, end the port, receive the notice");
	for (unsigned i = 0; i < WARM_UP + bench_rounds(); i++) {
		mach_port_t port = port_with_send();
		uint64_t before = bench_now();
		kern_return_t kr = hear_of_death(port);

		before = bench_now() - before;
		bench_check(kr, "hear of a port's end");
		if (i >= WARM_UP)
			bench_sample(before);
		/* The send right's reference and the notice's. */
		(void)mach_port_deallocate(mach_task_self(), port);
		(void)mach_port_deallocate(mach_task_self(), port);
	}
	bench_end();
}
