/*
 * handoff.c: a call to a server that waits switches to it at once and back the
 * same way, and the kernel's counters say so.
 */
#include "test/user/mach_test.h"

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
	return done();
}
