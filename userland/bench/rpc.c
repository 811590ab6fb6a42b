/* rpc.c: what messages cost. */
#include <stdlib.h>
#include <string.h>

#include <baton/thread.h>
#include <mach/mach.h>

#include "bench.h"
#include "protocol.h"

static struct bench_message message;
static mach_port_t reply_port;

/* One round trip of @size bytes to @port. */
static inline uint64_t
round_trip(mach_port_t port, mach_msg_id_t id, mach_msg_size_t size)
{
	uint64_t before = bench_now();
	kern_return_t kr;

	message.header.msgh_bits = MACH_MSGH_BITS(
	    MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	message.header.msgh_size = size;
	message.header.msgh_remote_port = port;
	message.header.msgh_local_port = reply_port;
	message.header.msgh_voucher_port = MACH_PORT_NULL;
	message.header.msgh_id = id;
	kr = mach_msg(&message.header, MACH_SEND_MSG | MACH_RCV_MSG, size,
	    sizeof(message), reply_port, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	before = bench_now() - before;
	bench_check(kr, "a round trip");
	if (message.header.msgh_id != id + 100)
		bench_fail("a reply of another id", message.header.msgh_id);
	return before;
}

static void
rounds(const char *name, const char *what, mach_port_t port, mach_msg_id_t id,
    mach_msg_size_t body)
{
	bench_begin(name, what);
	for (unsigned i = 0; i < WARM_UP + bench_rounds(); i++) {
		uint64_t cost;

		memset(message.body, i, body);
		cost = round_trip(port, id, sizeof(message.header) + body);
		if (i >= WARM_UP)
			bench_sample(cost);
	}
	bench_end();
}

void
bench_round_trips(const char *name, const char *what, unsigned port)
{
	if (reply_port == MACH_PORT_NULL)
		reply_port = mach_reply_port();
	rounds(name, what, port, BENCH_EMPTY, 0);
}

static void
serve_in_thread(void *port)
{
	bench_serve((mach_port_t)(uintptr_t)port);
}

/* The same task, another thread. */
static void
rpc_within(void)
{
	struct mach_thread *thread;
	mach_port_t port;

	bench_check(mach_port_allocate(
			mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port),
	    "allocate a port");
	bench_check(mach_port_insert_right(
			mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND),
	    "make a send right");
	bench_check(mach_thread_start(serve_in_thread, (void *)(uintptr_t)port,
			65536, &thread),
	    "start a thread");
	rounds("rpc.null.intra", "round trip between threads, header only",
	    port, BENCH_EMPTY, 0);
	/* The thread ends with the program. */
}

/* A send that finds nobody waiting, and the receive of it later. */
static void
send_queued(void)
{
	bench_begin("send.queued", "send with nobody waiting, and receive");
	for (unsigned i = 0; i < WARM_UP + bench_rounds(); i++) {
		uint64_t before = bench_now();
		kern_return_t kr;

		message.header.msgh_bits =
		    MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0);
		message.header.msgh_size = sizeof(message.header);
		message.header.msgh_remote_port = reply_port;
		message.header.msgh_local_port = MACH_PORT_NULL;
		message.header.msgh_voucher_port = MACH_PORT_NULL;
		message.header.msgh_id = BENCH_EMPTY;
		kr = mach_msg(&message.header, MACH_SEND_MSG,
		    sizeof(message.header), 0, MACH_PORT_NULL,
		    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
		if (kr == KERN_SUCCESS)
			kr = mach_msg(&message.header, MACH_RCV_MSG, 0,
			    sizeof(message), reply_port, MACH_MSG_TIMEOUT_NONE,
			    MACH_PORT_NULL);
		before = bench_now() - before;
		bench_check(kr, "send to oneself");
		if (i >= WARM_UP)
			bench_sample(before);
	}
	bench_end();
}

void
bench_rpc(void)
{
	mach_port_t partner = bench_partner();

	reply_port = mach_reply_port();
	rounds("rpc.null.inter", "round trip between tasks, header only",
	    partner, BENCH_EMPTY, 0);
	rounds(
	    "rpc.48.inter", "48-byte body each way", partner, BENCH_ECHO, 48);
	rounds("rpc.256.inter", "256-byte request, empty reply", partner,
	    BENCH_EMPTY, 256);
	rounds("rpc.4096.inter", "4 KiB request, empty reply", partner,
	    BENCH_EMPTY, 4096);
	rpc_within();
	send_queued();
}
