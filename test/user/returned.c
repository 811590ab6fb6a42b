/* returned.c: messages that could not be sent come back with all they had. */
#include "test/user/mach_test.h"

#include <stdatomic.h>
#include <string.h>

#include <baton/thread.h>

#define PAGES	(3 * 4096)
#define PATTERN 17

static mach_port_t self, port;
static bool warm; /* the library has its own ports by now */

/* A right that moves, one that is made, memory that goes, memory that stays,
 * an array. */
struct load {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_port_descriptor_t moved;
	mach_msg_ool_descriptor_t gone;
	mach_msg_port_descriptor_t made;
	mach_msg_ool_descriptor_t kept;
	mach_msg_ool_ports_descriptor_t array;
	uint32_t last;
};

/* How it is sent, and what comes of it. */
struct attempt {
	struct load load;
	mach_port_t reply, moved, made, names[3];
	uint8_t *gone, *kept;
	mach_msg_option_t options;
	mach_msg_timeout_t timeout;
	kern_return_t result;
	atomic_bool ended;
};

static void
prepare(struct attempt *try)
{
	memset(try, 0, sizeof(*try));
	try->reply = port_new();
	try->moved = port_new();
	try->made = port_new();
	try->names[0] = port_new();
	try->names[1] = MACH_PORT_DEAD;
	try->names[2] = port_new();
	try->gone = pages_new(PAGES);
	try->kept = pages_new(PAGES);
	pattern_fill(try->gone, PAGES, PATTERN);
	pattern_fill(try->kept, PAGES, PATTERN + 1);
	must(post(port, 1));
	try->load = (struct load){
	    .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
					MACH_MSG_TYPE_MAKE_SEND_ONCE) |
				    MACH_MSGH_BITS_COMPLEX,
		.msgh_remote_port = port,
		.msgh_local_port = try->reply,
		.msgh_id = 55},
	    .body = {5},
	    .moved = {.name = try->moved,
		.disposition = MACH_MSG_TYPE_MOVE_RECEIVE},
	    .made = {.name = try->made, .disposition = MACH_MSG_TYPE_MAKE_SEND},
	    .gone = {.address = try->gone,
		.size = PAGES,
		.deallocate = true,
		.copy = MACH_MSG_VIRTUAL_COPY,
		.type = MACH_MSG_OOL_DESCRIPTOR},
	    .kept = {.address = try->kept + 5,
		.size = PAGES - 9,
		.copy = MACH_MSG_PHYSICAL_COPY,
		.type = MACH_MSG_OOL_DESCRIPTOR},
	    .array = {.address = try->names,
		.count = 3,
		.disposition = MACH_MSG_TYPE_MOVE_RECEIVE,
		.copy = MACH_MSG_VIRTUAL_COPY,
		.type = MACH_MSG_OOL_PORTS_DESCRIPTOR},
	    .last = 0x1a57,
	};
}

static void
send_load(void *arg)
{
	struct attempt *try = arg;

	try->result = mach_msg(&try->load.header, MACH_SEND_MSG | try->options,
	    sizeof(try->load), 0, MACH_PORT_NULL, try->timeout, 0);
	try->ended = true;
}

/* All that was in the message is ours again. */
static void
check(struct attempt *try, const char *how, kern_return_t result, bool died)
{
	struct load *load = &try->load;
	mach_port_t *names = load->array.address;

	is(try->result, result, "%s", how);
	is(load->header.msgh_size, sizeof(*load), "it comes back whole");
	is(load->header.msgh_id, 55, "as it was");
	is(load->last, 0x1a57, "to the end");
	is(load->header.msgh_bits,
	    MACH_MSGH_BITS(
		MACH_MSG_TYPE_PORT_SEND, MACH_MSG_TYPE_PORT_SEND_ONCE) |
		MACH_MSGH_BITS_COMPLEX,
	    "its rights as if received");
	is(load->header.msgh_remote_port, died ? MACH_PORT_DEAD : port,
	    "where it should have gone");
	is(type_of(load->header.msgh_local_port), MACH_PORT_TYPE_SEND_ONCE,
	    "the right to reply");
	is(type_of(load->moved.name), MACH_PORT_TYPE_RECEIVE,
	    "the right that moved");
	is(load->made.name, try->made, "the right that was made");
	is(send_refs(try->made), 1, "which there is now");
	ok(!is_mapped(try->gone) || load->gone.address == try->gone,
	    "memory is there once");
	ok(pattern_holds(load->gone.address, PAGES, PATTERN),
	    "what went is back");
	ok(pattern_holds(try->kept, PAGES, PATTERN + 1), "what stayed, stayed");
	ok(memcmp(load->kept.address, try->kept + 5, PAGES - 9) == 0,
	    "and its copy came");
	ok(load->kept.address != try->kept + 5, "which is one");
	is(type_of(names[0]), MACH_PORT_TYPE_RECEIVE, "an array's rights");
	is(names[1], MACH_PORT_DEAD, "what was dead");
	is(type_of(names[2]), MACH_PORT_TYPE_RECEIVE, "all three");
	/* Of what comes back the right to reply is ours to give up, too. */
	must(mach_port_deallocate(self, load->header.msgh_local_port));
	is(take(try->reply), MACH_NOTIFY_SEND_ONCE, "whose end is told");
	mach_msg_destroy(&load->header);
	port_end(try->reply);
	port_end(try->made);
	pages_end(try->kept, PAGES);
}

/* Wait until the sender has given everything away, and waits for room. */
static void
await_wait(const struct attempt *try, thread_t thread)
{
	thread_basic_info_data_t info;
	mach_msg_type_number_t count;

	do {
		sleep_ms(1);
		count = THREAD_BASIC_INFO_COUNT;
		must(thread_info(
		    thread, THREAD_BASIC_INFO, (thread_info_t)&info, &count));
	} while (
	    type_of(try->moved) != 0 || info.run_state != TH_STATE_WAITING);
}

static void
begin(void)
{
	port = port_new_send();
	set_limit(port, 1);
}

static void
end(unsigned names_before)
{
	must(mach_port_destroy(self, port));
	if (warm)
		is(name_count(), names_before, "no name is left over");
}

static void
test_polled(void)
{
	unsigned before = name_count();
	struct attempt try;

	begin();
	prepare(&try);
	try.options = MACH_SEND_TIMEOUT;
	send_load(&try);
	check(&try, "no room at all", MACH_SEND_TIMED_OUT, false);
	end(before);
}

static void
test_timed_out(void)
{
	unsigned before = name_count();
	struct attempt try;

	begin();
	prepare(&try);
	try.options = MACH_SEND_TIMEOUT;
	try.timeout = 20;
	send_load(&try);
	check(&try, "no room for a while", MACH_SEND_TIMED_OUT, false);
	end(before);
}

static void
test_interrupted(void)
{
	unsigned before = name_count();
	struct mach_thread *thread;
	struct attempt try;

	begin();
	prepare(&try);
	try.options = MACH_SEND_INTERRUPT;
	must(mach_thread_start(send_load, &try, 0, &thread));
	while (!try.ended) {
		sleep_ms(5);
		thread_abort(mach_thread_port(thread));
	}
	mach_thread_join(thread);
	check(&try, "no time to wait", MACH_SEND_INTERRUPTED, false);
	end(before);
}

/* The library tries again by itself, with what came back. */
static void
test_restarted(void)
{
	unsigned before = name_count();
	struct mach_thread *thread;
	struct attempt try;
	struct {
		struct load load;
		mach_msg_max_trailer_t trailer;
	} got;

	begin();
	prepare(&try);
	must(mach_thread_start(send_load, &try, 0, &thread));
	for (int i = 0; i < 5; i++) {
		await_wait(&try, mach_thread_port(thread));
		thread_abort(mach_thread_port(thread));
	}
	ok(!try.ended, "who is interrupted waits on");
	is(take(port), 1, "until there is room");
	is(await(&got, sizeof(got), port), KERN_SUCCESS, "then it arrives");
	mach_thread_join(thread);
	is(try.result, KERN_SUCCESS, "and it was sent");
	is(got.load.last, 0x1a57, "whole");
	ok(pattern_holds(got.load.gone.address, PAGES, PATTERN),
	    "with its memory");
	is(type_of(got.load.moved.name), MACH_PORT_TYPE_RECEIVE,
	    "and its rights");
	mach_msg_destroy(&got.load.header);
	is(take_later(try.reply), MACH_NOTIFY_SEND_ONCE, "all of them");
	port_end(try.reply);
	port_end(try.made);
	pages_end(try.kept, PAGES);
	end(before);
}

static void
test_died(void)
{
	unsigned before = name_count();
	struct mach_thread *thread;
	struct attempt try;

	begin();
	prepare(&try);
	must(mach_thread_start(send_load, &try, 0, &thread));
	await_wait(&try, mach_thread_port(thread));
	must(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_RECEIVE, -1));
	mach_thread_join(thread);
	check(&try, "nobody to send to", MACH_SEND_INVALID_DEST, true);
	end(before);
}

int
main(void)
{
	struct baton_kernel_counters before, after;

	self = mach_task_self();
	for (int i = 0; i < 2; i++) {
		before = quiet_counters();
		test_polled();
		test_timed_out();
		test_interrupted();
		test_restarted();
		test_died();
		after = quiet_counters();
		warm = true;
	}
	for (int i = 0; i < BATON_OBJECT_KINDS; i++)
		is(after.objects[i], before.objects[i],
		    "as many objects of kind %d as before", i);
	return done();
}
