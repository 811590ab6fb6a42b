/*
 * declines.c: what the fast path of messages declines is counted, by reason,
 * and what it serves is not.  Long because each reason has its case here.
 *
 * Each case prepares, reads the counts, acts once and reads them again: the
 * reasons that it names have risen by one, and no other.  The counts are the
 * machine's, so that a case is tried again when somebody else's messages were
 * in the way.  They are read by mach_msg_trap(), which nothing fast serves, and
 * so do not count themselves; the server here does likewise.
 */
#include "test/user/exceptions.h"

#include <baton/thread.h>
#include <string.h>

#include <mach/mig_errors.h>
#include <mach/ndr.h>

#define TRIES	20
#define REASONS 4
#define ID	500
#define LONG	256
#define NOTHING BATON_DECLINES
#define REQUEST                                                                \
	MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE)
#define REPLY	MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0)
#define ONE_WAY MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0)
#define CALL	(MACH_SEND_MSG | MACH_RCV_MSG)

static mach_port_t host, service, reply, other, set;

/* ---- the counts ---- */

#pragma pack(push, 4)
struct counts_request {
	mach_msg_header_t header;
	NDR_record_t ndr;
	uint32_t hart, room;
};
struct counts_reply {
	mach_msg_header_t header;
	NDR_record_t ndr;
	kern_return_t result;
	uint32_t count;
	struct baton_decline_count counts[BATON_DECLINES_MAX];
	mach_msg_max_trailer_t trailer;
};
#pragma pack(pop)

#define HOST_DECLINES_ID 305

static void
read_counts(uint64_t counts[BATON_DECLINES])
{
	static union {
		struct counts_request request;
		struct counts_reply reply;
	} message;
	static mach_port_t port;

	if (port == MACH_PORT_NULL)
		port = port_new();
	message.request = (struct counts_request){
	    .header.msgh_bits = REQUEST,
	    .header.msgh_remote_port = host,
	    .header.msgh_local_port = port,
	    .header.msgh_id = HOST_DECLINES_ID,
	    .ndr = NDR_record,
	    .hart = BATON_ALL_HARTS,
	    .room = BATON_DECLINES,
	};
	must(mach_msg_trap(&message.request.header, CALL,
	    sizeof(message.request), sizeof(message), port, 0, 0));
	must(message.reply.result);
	memcpy(counts, message.reply.counts, BATON_DECLINES * sizeof(*counts));
}

/* ---- a message as it is wanted ---- */

struct message {
	mach_msg_header_t header;
	uint32_t word[LONG / 4];
	mach_msg_max_trailer_t trailer;
};

static _Alignas(8) struct message sent;

/* By the trap that has it in memory. */
static mach_msg_return_t
call(uint64_t option, mach_msg_bits_t bits, size_t size, mach_port_t remote,
    mach_port_t local, mach_port_t from)
{
	bool complex = (bits & MACH_MSGH_BITS_COMPLEX) != 0;

	return mach_msg2_trap(&sent, option, bits | (uint64_t)size << 32,
	    remote | (uint64_t)local << 32, (uint64_t)ID << 32,
	    (complex ? sent.word[0] : 0) | (uint64_t)from << 32, sizeof(sent),
	    0);
}

static mach_msg_return_t
in_registers(mach_msg_bits_t bits, size_t size, mach_port_t remote,
    mach_port_t local, mach_port_t voucher, mach_port_t from)
{
	return registers_call(&sent, bits | (uint64_t)size << 32,
	    remote | (uint64_t)local << 32, voucher | (uint64_t)ID << 32,
	    (uint64_t)from << 32, sizeof(sent));
}

/* The next to receive from @port has something. */
static void
queue(mach_port_t port)
{
	mach_msg_header_t header = {
	    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND_ONCE, 0),
	    .msgh_remote_port = port,
	};

	must(mach_msg_trap(
	    &header, MACH_SEND_MSG, sizeof(header), 0, MACH_PORT_NULL, 0, 0));
}

/* Nothing is in @port. */
static void
drain(mach_port_t port)
{
	static struct message message;

	while (mach_msg_trap(&message.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT,
		   0, sizeof(message), port, 0, 0) == MACH_MSG_SUCCESS)
		mach_msg_destroy(&message.header);
}

/* ---- the server ---- */

static struct {
	uint64_t option;
	void *buffer;
	size_t room;
	bool on_set;
} next_wait;

static _Alignas(8) struct message got;

/* What it says to @header: nothing if it was not asked. */
static mach_msg_header_t
answer_to(const mach_msg_header_t *header)
{
	return (mach_msg_header_t){
	    .msgh_bits = REPLY,
	    .msgh_remote_port = header->msgh_remote_port,
	    .msgh_id = header->msgh_id,
	};
}

/* It waits as soon as its client goes on, for it answers and waits at once. */
static void
serve(void *unused)
{
	mach_msg_header_t *header = next_wait.buffer;
	mach_msg_return_t mr;

	(void)unused;
	mr = mach_msg_trap(
	    header, MACH_RCV_MSG, 0, (uint32_t)next_wait.room, service, 0, 0);
	for (;;) {
		mach_msg_header_t said;

		if (mr == MACH_RCV_TOO_LARGE) {
			header = &got.header;
			mr = mach_msg_trap(header, MACH_RCV_MSG, 0, sizeof(got),
			    service, 0, 0);
		}
		must(mr);
		if (header->msgh_id == 0)
			return;
		said = answer_to(header);
		header = next_wait.buffer;
		mr = mach_msg_overwrite_trap(&said,
		    (mach_msg_option_t)next_wait.option | MACH_RCV_MSG |
			(said.msgh_remote_port != MACH_PORT_NULL ? MACH_SEND_MSG
								 : 0),
		    sizeof(said), (uint32_t)next_wait.room,
		    next_wait.on_set ? set : service, 10000, 0, header, 0);
	}
}

/* The same in registers: whose clients call so is found by the legs. */
#define ID_FORGET 501

static void
serve_registers(void *unused)
{
	mach_msg_header_t *header = &got.header;
	mach_msg_return_t mr;

	(void)unused;
	mr = mach_msg_trap(header, MACH_RCV_MSG, 0, sizeof(got), service, 0, 0);
	while (mr == MACH_RCV_TOO_LARGE ||
	       (mr == MACH_MSG_SUCCESS && header->msgh_id != 0)) {
		if (mr != MACH_MSG_SUCCESS || header->msgh_id == ID_FORGET) {
			if (mr == MACH_MSG_SUCCESS)
				mach_msg_destroy(header);
			mr = mach_msg_trap(header, MACH_RCV_MSG, 0, sizeof(got),
			    service, 0, 0);
			continue;
		}
		header->msgh_bits = REPLY;
		header->msgh_size = sizeof(*header);
		header->msgh_local_port = MACH_PORT_NULL;
		mr = mach_msg(
		    header, CALL, sizeof(*header), sizeof(got), service, 0, 0);
	}
	must(mr);
}

/* Long enough for the server to wait; if it was not, a case is tried again, and
 * it has longer. */
static unsigned patience = 1;

static void
wait_until_served(void)
{
	sleep_ms(patience);
}

static struct mach_thread *server;

static void
server_start(void (*run)(void *))
{
	next_wait.buffer = &got;
	next_wait.room = sizeof(got);
	next_wait.option = 0;
	next_wait.on_set = false;
	must(mach_thread_start(run, NULL, 32768, &server));
	wait_until_served();
}

static void
server_end(void)
{
	mach_msg_header_t header = {
	    .msgh_bits = ONE_WAY, .msgh_remote_port = service};

	must(mach_msg_trap(
	    &header, MACH_SEND_MSG, sizeof(header), 0, MACH_PORT_NULL, 0, 0));
	mach_thread_join(server);
	server = NULL;
}

/* The server waits so, from now on. */
static void
server_waits(uint64_t option, void *buffer, size_t room, bool on_set)
{
	mach_msg_header_t header = {
	    .msgh_bits = REQUEST,
	    .msgh_remote_port = service,
	    .msgh_local_port = reply,
	    .msgh_id = ID,
	};

	next_wait.option = option;
	next_wait.buffer = buffer;
	next_wait.room = room;
	next_wait.on_set = on_set;
	must(mach_msg_trap(
	    &header, CALL, sizeof(header), sizeof(sent), reply, 0, 0));
}

/* ---- one case ---- */

static bool queued;
/* With `fastpath=off` nothing is but by the legs for registers. */
static bool off;

static void
settle(void)
{
	if (server != NULL)
		wait_until_served();
	else
		drain(service);
	drain(reply);
	drain(other);
	if (queued) {
		queue(reply);
		queue(other);
	}
}

static bool
rose_only(const uint64_t *before, const uint64_t *after, const unsigned *why)
{
	uint64_t wanted[BATON_DECLINES] = {0};

	for (unsigned i = 0; i < REASONS; i++)
		if (why[i] != NOTHING && !off)
			wanted[why[i]]++;
	/* Interrupts come when they will. */
	for (unsigned i = 0; i < BATON_DECLINE_IRQ_NOBODY; i++)
		if (!(off && i <= BATON_DECLINE_CALL_WAIT) &&
		    after[i] - before[i] != wanted[i])
			return false;
	return true;
}

static void
tell(const uint64_t *before, const uint64_t *after)
{
	for (unsigned i = 0; i < BATON_DECLINES; i++)
		if (after[i] != before[i])
			note("%s: %lu", baton_decline_reason(i),
			    after[i] - before[i]);
}

/* Twice for what is remembered of one's last calls, then once that counts. */
#define WARM 3

static void
check(const char *what, void (*ready)(void), void (*act)(void), unsigned a,
    unsigned b, unsigned c)
{
	static uint64_t before[BATON_DECLINES], after[BATON_DECLINES];
	const unsigned why[REASONS] = {a, b, c, NOTHING};
	bool exact = false;

	for (unsigned try = 1; try <= TRIES && !exact; try++) {
		patience = try;
		for (int i = 0; i < WARM; i++) {
			settle();
			if (ready != NULL)
				ready();
			read_counts(before);
			act();
			read_counts(after);
		}
		exact = rose_only(before, after, why);
	}
	if (!exact)
		tell(before, after);
	settle();
	ok(exact, "%s", what);
}

/* ---- what is done ---- */

static void
again(void)
{
	drain(service);
	drain(reply);
	queue(reply);
}

static void
request(void)
{
	(void)call(CALL, REQUEST, 24, service, reply, reply);
}

static void
request_48(void)
{
	(void)call(CALL, REQUEST, 72, service, reply, reply);
}

static void
request_long(void)
{
	(void)call(CALL, REQUEST, 24 + LONG, service, reply, reply);
}

static void
request_elsewhere(void)
{
	(void)call(CALL, REQUEST, 24, service, other, other);
}

static void
request_and_again(void)
{
	request();
	again();
}

static void
request_no_name(void)
{
	(void)call(CALL, REQUEST, 24, NO_NAME, reply, reply);
}

static void
request_self(void)
{
	(void)call(CALL, REQUEST, 24, reply, reply, reply);
}

static void
request_kernel(void)
{
	(void)call(CALL, REQUEST, 24, host, reply, reply);
}

static void
request_no_reply(void)
{
	(void)call(CALL, REQUEST, 24 + LONG, service, NO_NAME, reply);
}

static mach_port_t changing;

static void
change(void)
{
	if (changing != MACH_PORT_NULL)
		port_end(changing);
	changing = port_new_send();
	(void)call(CALL, REQUEST, 24, changing, reply, reply);
	drain(changing);
	must(mach_port_mod_refs(
	    mach_task_self(), changing, MACH_PORT_RIGHT_SEND, -1));
	again();
}

static void
request_changed(void)
{
	(void)call(CALL, REQUEST, 24, changing, reply, reply);
}

static void
reply_no_name(void)
{
	(void)call(CALL, REPLY, 24, NO_NAME, MACH_PORT_NULL, reply);
}

static void
ask_for_options(void)
{
	(void)call(
	    CALL | MACH_SEND_OVERRIDE, REQUEST, 24, service, reply, reply);
}

static void
send_voucher(void)
{
	(void)mach_msg2_trap(&sent, CALL, REQUEST | 24ULL << 32,
	    service | (uint64_t)reply << 32, host | (uint64_t)ID << 32,
	    (uint64_t)reply << 32, sizeof(sent), 0);
}

static void
send_odd(void)
{
	(void)call(CALL, REQUEST, 26, service, reply, reply);
}

static void
send_made(void)
{
	(void)call(MACH_SEND_MSG | MACH_SEND_TIMEOUT,
	    MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0), 24, service,
	    MACH_PORT_NULL, MACH_PORT_NULL);
}

static void
one_way(void)
{
	(void)call(MACH_SEND_MSG, ONE_WAY, 24, service, MACH_PORT_NULL,
	    MACH_PORT_NULL);
}

static void
receive_only(void)
{
	(void)call(MACH_RCV_MSG, 0, 0, MACH_PORT_NULL, MACH_PORT_NULL, reply);
}

/* Rights: @count, each to @name. */
static void
put_rights(uint32_t count, mach_port_t name)
{
	mach_msg_port_descriptor_t right = {
	    .name = name,
	    .disposition = MACH_MSG_TYPE_COPY_SEND,
	    .type = MACH_MSG_PORT_DESCRIPTOR,
	};

	sent.word[0] = count;
	for (uint32_t i = 0; i < count; i++)
		memcpy(&sent.word[1 + 3 * i], &right, sizeof(right));
}

static void
send_two_rights(void)
{
	put_rights(2, service);
	(void)call(MACH_SEND_MSG, ONE_WAY | MACH_MSGH_BITS_COMPLEX, 24 + 4 + 24,
	    service, MACH_PORT_NULL, MACH_PORT_NULL);
}

static void
send_no_right(void)
{
	put_rights(1, NO_NAME);
	(void)call(MACH_SEND_MSG, ONE_WAY | MACH_MSGH_BITS_COMPLEX, 24 + 4 + 12,
	    service, MACH_PORT_NULL, MACH_PORT_NULL);
}

static void
send_memory(mach_msg_copy_options_t copy)
{
	static uint64_t bytes[4];
	mach_msg_ool_descriptor_t memory = {
	    .address = bytes,
	    .size = sizeof(bytes),
	    .copy = copy,
	    .type = MACH_MSG_OOL_DESCRIPTOR,
	};

	sent.word[0] = 1;
	memcpy(&sent.word[1], &memory, sizeof(memory));
	(void)call(CALL, REQUEST | MACH_MSGH_BITS_COMPLEX, 24 + 20, service,
	    reply, reply);
}

static void
copy_memory(void)
{
	send_memory(MACH_MSG_PHYSICAL_COPY);
}

static void
share_memory(void)
{
	send_memory(MACH_MSG_VIRTUAL_COPY);
}

/* ---- the same in registers ---- */

static void
registers_request(void)
{
	(void)in_registers(REQUEST, 24, service, reply, 0, reply);
}

static void
registers_and_again(void)
{
	registers_request();
	again();
}

static void
registers_no_name(void)
{
	(void)in_registers(REQUEST, 24, NO_NAME, reply, 0, reply);
}

static void
registers_elsewhere(void)
{
	(void)in_registers(REQUEST, 24, service, reply, 0, other);
}

static void
registers_long(void)
{
	(void)in_registers(REQUEST, 76, service, reply, 0, reply);
}

static void
registers_one_way(void)
{
	(void)in_registers(ONE_WAY, 24, service, 0, 0, reply);
}

static void
registers_voucher(void)
{
	(void)in_registers(REQUEST, 24, service, reply, host, reply);
}

static void
registers_reply(void)
{
	(void)in_registers(REPLY, 24, NO_NAME, 0, 0, reply);
}

/* ---- the cases ---- */

#define WHY(name) BATON_DECLINE_##name

static void
test_alone(void)
{
	queued = true;
	check("nobody waits", NULL, request, WHY(LEG_NOBODY),
	    WHY(DIRECT_NOBODY), NOTHING);
	check("nobody waits for a long one", NULL, request_long,
	    WHY(DIRECT_NOBODY), NOTHING, NOTHING);
	check("received elsewhere before", request_and_again, request_elsewhere,
	    WHY(LEG_RECEIVE), WHY(DIRECT_NOBODY), NOTHING);
	check("no send right", request_and_again, request_no_name,
	    WHY(LEG_NAME), WHY(DIRECT_RIGHT), NOTHING);
	check("a name that means something else", change, request_changed,
	    WHY(LEG_CHANGED), WHY(DIRECT_RIGHT), NOTHING);
	check("no reply right", request_and_again, reply_no_name,
	    WHY(LEG_REPLY), WHY(DIRECT_RIGHT), NOTHING);
	check("to where one receives", request_and_again, request_self,
	    WHY(LEG_SELF), WHY(DIRECT_SELF), NOTHING);
	check("nowhere to reply to", NULL, request_no_reply,
	    WHY(DIRECT_RECEIVE), NOTHING, NOTHING);
	check("options", NULL, ask_for_options, WHY(OTHER_OPTIONS), NOTHING,
	    NOTHING);
	check("a voucher", NULL, send_voucher, WHY(OTHER_VOUCHER), NOTHING,
	    NOTHING);
	check("a size that is none", NULL, send_odd, WHY(OTHER_SIZE), NOTHING,
	    NOTHING);
	check("another disposition", NULL, send_made, WHY(OTHER_KIND), NOTHING,
	    NOTHING);
	check("two rights", NULL, send_two_rights, WHY(OTHER_DESCRIPTORS),
	    NOTHING, NOTHING);
	check("memory to be copied", NULL, copy_memory, WHY(MEMORY_KIND),
	    WHY(OTHER_DESCRIPTORS), NOTHING);
	check("memory to nobody", request_and_again, share_memory,
	    WHY(LEG_NOBODY), WHY(OTHER_DESCRIPTORS), NOTHING);
	check("a receive is no message", NULL, receive_only, NOTHING, NOTHING,
	    NOTHING);
	queued = false;
	check("to the kernel", NULL, request_kernel, WHY(LEG_NOBODY),
	    WHY(DIRECT_KERNEL), NOTHING);
}

static void
test_registers(void)
{
	queued = true;
	check("registers: nobody waits", NULL, registers_request,
	    WHY(CALL_NOBODY), WHY(LEG_NOBODY), WHY(DIRECT_NOBODY));
	check("registers: no send right", NULL, registers_no_name,
	    WHY(CALL_NAME), WHY(LEG_NAME), WHY(DIRECT_RIGHT));
	check("registers: received elsewhere", registers_and_again,
	    registers_elsewhere, WHY(CALL_RECEIVE), WHY(DIRECT_NOBODY),
	    NOTHING);
	check("registers: too long", NULL, registers_long, WHY(CALL_SIZE),
	    NOTHING, NOTHING);
	check("registers: one way", NULL, registers_one_way, WHY(CALL_KIND),
	    WHY(DIRECT_NOBODY), NOTHING);
	check("registers: a voucher", NULL, registers_voucher,
	    WHY(CALL_VOUCHER), NOTHING, NOTHING);
	check("registers: no reply right", registers_and_again, registers_reply,
	    WHY(CALL_REPLY), WHY(LEG_REPLY), WHY(DIRECT_RIGHT));
	queued = false;
}

static void *fresh;

/* It has a page no more. */
static void
renew(void)
{
	vm_address_t address = (vm_address_t)fresh;

	must(vm_deallocate(mach_task_self(), address, vm_page_size));
	must(vm_allocate(mach_task_self(), &address, vm_page_size, 0));
}

static void
test_served(void)
{
	server_start(serve);
	check("served: nothing is counted", NULL, request, NOTHING, NOTHING,
	    NOTHING);
	check("served long", NULL, request_long, NOTHING, NOTHING, NOTHING);
	check("served one way", NULL, one_way, NOTHING, NOTHING, NOTHING);
	queued = true;
	check("a message waits for the sender", NULL, request,
	    WHY(LEG_MESSAGES), NOTHING, NOTHING);
	queued = false;
	check("a right that is none", NULL, send_no_right, WHY(DIRECT_CARRIED),
	    NOTHING, NOTHING);
	check("memory that is not whole", NULL, share_memory, WHY(MEMORY_MAP),
	    WHY(OTHER_DESCRIPTORS), NOTHING);
	server_waits(MACH_RCV_TIMEOUT, &got, sizeof(got), false);
	check("a time-out", NULL, request, WHY(LEG_WAITER), NOTHING, NOTHING);
	server_waits(MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_SEQNO), &got,
	    sizeof(got), false);
	check("a longer trailer", NULL, request, WHY(LEG_WAITER), NOTHING,
	    NOTHING);
	server_waits(MACH_RCV_LARGE, &got, 32, false);
	check("no room", NULL, request_48, WHY(LEG_ROOM), WHY(DIRECT_ROOM),
	    NOTHING);
	fresh = pages_new(vm_page_size);
	server_waits(0, fresh, sizeof(got), false);
	check("no page to write to", renew, request_long, WHY(DIRECT_PAGES),
	    NOTHING, NOTHING);
	must(mach_port_insert_member(mach_task_self(), service, set));
	server_waits(0, &got, sizeof(got), true);
	check("who waits on a set", NULL, request, WHY(LEG_NOBODY), NOTHING,
	    NOTHING);
	server_waits(0, &got, sizeof(got), false);
	must(mach_port_extract_member(mach_task_self(), service, set));
	pages_end(fresh, vm_page_size);
	server_end();
}

static unsigned echo_failed;

static void
echo(void)
{
	sent.header = (mach_msg_header_t){
	    .msgh_bits = REQUEST,
	    .msgh_size = sizeof(sent.header),
	    .msgh_remote_port = service,
	    .msgh_local_port = reply,
	    .msgh_id = ID,
	};
	echo_failed += mach_msg(&sent.header, CALL, sizeof(sent.header),
			   sizeof(sent), reply, 0, 0) != MACH_MSG_SUCCESS;
}

static void
echo_often(void)
{
	for (int i = 0; i < 8; i++)
		echo();
}

static void
echo_and_queue(void)
{
	echo_often();
	queue(reply);
}

static void
forget(void)
{
	(void)registers_call(&sent, REQUEST | 24ULL << 32,
	    service | (uint64_t)reply << 32, (uint64_t)ID_FORGET << 32,
	    (uint64_t)reply << 32, sizeof(sent));
}

/* ---- the same in the buffer ---- */

static void
buffer_request(void *buffer, mach_msg_bits_t bits, size_t size, int id)
{
	(void)registers_call(buffer, bits | (uint64_t)size << 32,
	    service | (uint64_t)reply << 32, (uint64_t)id << 32,
	    (uint64_t)reply << 32, sizeof(sent) | 1ULL << 63);
}

static void
buffer_long(void)
{
	buffer_request(&sent, REQUEST, 24 + LONG, ID);
}

static void
buffer_forget(void)
{
	buffer_request(&sent, REQUEST, 24 + LONG, ID_FORGET);
}

static void
buffer_absent(void)
{
	buffer_request(fresh, REQUEST, 24 + LONG, ID_FORGET);
}

/* As much as the server's room, less its trailer. */
static void
buffer_too_long(void)
{
	buffer_request(&sent, REQUEST, sizeof(sent) - 4, ID_FORGET);
}

static void
buffer_no_right(void)
{
	put_rights(1, NO_NAME);
	buffer_request(
	    &sent, REQUEST | MACH_MSGH_BITS_COMPLEX, 24 + 4 + 12, ID);
}

static void
echo_and_renew(void)
{
	echo_often();
	renew();
}

static void
test_buffers(void)
{
	fresh = pages_new(vm_page_size);
	check("served from the buffer: nothing is counted", echo_often,
	    buffer_long, NOTHING, NOTHING, NOTHING);
	check("from the buffer, a message waits for the sender", echo_and_queue,
	    buffer_forget, WHY(CALL_QUEUE), NOTHING, NOTHING);
	check("a page of the buffer is not there", echo_and_renew,
	    buffer_absent, WHY(CALL_PAGES), WHY(DIRECT_PAGES), NOTHING);
	check("more than the server has room for", echo_often, buffer_too_long,
	    WHY(CALL_ROOM), WHY(DIRECT_ROOM), NOTHING);
	check("with a right that is none", echo_often, buffer_no_right,
	    WHY(CALL_CARRIED), WHY(DIRECT_CARRIED), NOTHING);
	pages_end(fresh, vm_page_size);
}

static void
test_served_in_registers(void)
{
	server_start(serve_registers);
	test_buffers();
	check("served in registers: nothing is counted", echo_often, echo_often,
	    NOTHING, NOTHING, NOTHING);
	check("sent in registers, but not waited so", echo_and_queue, forget,
	    WHY(CALL_WAIT), NOTHING, NOTHING);
	is(echo_failed, 0, "calls were answered");
	server_end();
}

/* ---- the call itself ---- */

static struct baton_decline_count counts[BATON_DECLINES + 1];

/* So far, those of one reason. */
static uint64_t
options_on(uint32_t hart)
{
	uint32_t count = BATON_DECLINES;

	if (host_declines(host, hart, counts, &count) != KERN_SUCCESS)
		return 0;
	return counts[BATON_DECLINE_OTHER_OPTIONS].times;
}

static void
test_call(void)
{
	uint64_t least, sum = 0;
	uint32_t count = BATON_DECLINES + 1;

	is(host_declines(host, BATON_ALL_HARTS, counts, &count), KERN_SUCCESS,
	    "the counts of all harts");
	is(count, BATON_DECLINES, "are as many as there are reasons");
	off = true;
	for (unsigned i = BATON_DECLINE_LEG_NAME; i < BATON_DECLINES; i++)
		off &= counts[i].times == 0;
	if (off)
		note("the fast path is off: nothing else is to be counted");
	count = 1;
	is(host_declines(host, 0, counts, &count), KERN_SUCCESS, "of one hart");
	is(count, 1, "one, if there is room for one");
	is(host_declines(host, 99, counts, &count), KERN_INVALID_ARGUMENT,
	    "of a hart that is none");
	least = options_on(BATON_ALL_HARTS);
	for (uint32_t hart = 0; hart < 99; hart++)
		sum += options_on(hart);
	ok(sum >= least && sum <= options_on(BATON_ALL_HARTS),
	    "each hart's together are all");
}

static void
test_words(void)
{
	bool have = true;

	for (unsigned i = 0; i < BATON_DECLINES; i++)
		have &= baton_decline_reason(i)[0] != '?';
	ok(have, "each reason has words");
	is(baton_decline_reason(BATON_DECLINES)[0], '?', "and no other");
}

/* ---- exceptions ---- */

static bool
is_exception(unsigned reason)
{
	return reason >= BATON_DECLINE_EXCEPTION_FIRST &&
	       reason <= BATON_DECLINE_ANSWER_BUSY;
}

static uint64_t at_first[BATON_DECLINES];

/* Since then; of exceptions, which nobody else has now. */
static void
exceptions_begin(void)
{
	read_counts(at_first);
}

static void
exceptions_rose(unsigned a, unsigned b, const char *what)
{
	uint64_t now[BATON_DECLINES];
	bool exact = true;

	read_counts(now);
	for (unsigned i = 0; i < BATON_DECLINES; i++)
		if (is_exception(i))
			exact &= now[i] - at_first[i] ==
				 (!off && (i == a || i == b));
	if (!exact)
		tell(at_first, now);
	ok(exact, "%s", what);
}

#define QUESTIONS_DEFAULT (EXCEPTION_DEFAULT | CODES)

/* Answer, with a message on the port already, so that this does not wait. */
static void
answer_in_vain(const struct question *question, kern_return_t result)
{
	queue(question->port);
	memcpy(sent.word, &NDR_record, sizeof(NDR_record));
	sent.word[2] = (uint32_t)result;
	(void)mach_msg2_trap(&sent, CALL,
	    REPLY | (uint64_t)sizeof(mig_reply_error_t) << 32, question->reply,
	    (uint64_t)(uint32_t)(question->id + MSGID_REPLY) << 32,
	    (uint64_t)question->port << 32, sizeof(sent), 0);
}

/* The thread goes on and faults again: its question is in the queue. */
static void
let_it_fault(mach_port_t port)
{
	for (int i = 0; i < 5000 && status_of(port).mps_msgcount == 0; i++)
		sleep_ms(1);
}

/* A thread at an ebreak, that is there again whenever it goes on. */
static void
test_exceptions(void)
{
	struct question question;
	mach_port_t port = port_new_send();
	struct small small;

	small_make(&small, MACH_PORT_NULL, 0);
	listen(small.task, EXC_MASK_BREAKPOINT, port, QUESTIONS_DEFAULT);
	exceptions_begin();
	small_run(&small, small_break, 0, 0);
	ok(ask_for(&question, port), "a first question");
	exceptions_rose(WHY(EXCEPTION_FIRST), NOTHING, "is counted as that");
	question_drop(&question);

	/* What is remembered, at first. */
	for (int i = 0; i < 2; i++) {
		must(answer_and_ask(&question, KERN_SUCCESS));
		question_drop(&question);
	}
	exceptions_begin();
	must(answer_and_ask(&question, KERN_SUCCESS));
	exceptions_rose(NOTHING, NOTHING, "served: nothing is counted");
	question_drop(&question);

	exceptions_begin();
	must(answer(&question, KERN_SUCCESS));
	let_it_fault(port);
	exceptions_rose(
	    WHY(EXCEPTION_NOBODY), NOTHING, "nobody waits for a question");
	ok(ask_for(&question, port), "it has been kept");
	question_drop(&question);

	exceptions_begin();
	answer_in_vain(&question, KERN_SUCCESS);
	let_it_fault(port);
	exceptions_rose(WHY(ANSWER_MESSAGES), WHY(EXCEPTION_NOBODY),
	    "a message waits for the handler");
	ok(ask_for(&question, port), "the thread went on");
	question_drop(&question);

	/* Once for where the answer is sent from. */
	must(answer_and_ask(&question, KERN_SUCCESS));
	question_drop(&question);
	exceptions_begin();
	answer_in_vain(&question, KERN_FAILURE);
	ok(dies(small.task), "an answer that says no ends the task");
	exceptions_rose(WHY(ANSWER_KIND), NOTHING, "and is counted");
	small_forget(&small);
	port_end(port);
}

/* The server waits in registers when a question comes, and gets it all the
 * same; true: that counted nothing, and what it says to it did. */
static bool
ask_server(void)
{
	uint64_t before[BATON_DECLINES], after[BATON_DECLINES];
	mach_port_t port = port_new_send();
	struct question question;
	struct small small;
	bool exact = true;

	small_make(&small, MACH_PORT_NULL, 0);
	listen(small.task, EXC_MASK_BREAKPOINT, port, QUESTIONS_DEFAULT);
	small_run(&small, small_break, 0, 0);
	exact &= ask_for(&question, port);
	question_drop(&question);
	listen(small.task, EXC_MASK_BREAKPOINT, service, QUESTIONS_DEFAULT);
	echo_often();
	wait_until_served();
	read_counts(before);
	must(answer(&question, KERN_SUCCESS));
	exact &= dies(small.task);
	read_counts(after);
	for (unsigned i = 0; i < BATON_DECLINES; i++)
		if (is_exception(i))
			exact &= after[i] - before[i] ==
				 (!off && i == BATON_DECLINE_ANSWER_KIND);
	if (!exact)
		tell(before, after);
	small_forget(&small);
	port_end(port);
	return exact;
}

static void
test_handler_in_registers(void)
{
	bool exact = false;

	server_start(serve_registers);
	for (patience = 1; patience <= TRIES && !exact; patience++)
		exact = ask_server();
	ok(exact, "a question to who waits in registers is served");
	server_end();
}

static void
test_no_handler(void)
{
	struct question question;
	mach_port_t port = port_new_send();
	struct small small;

	small_make(&small, MACH_PORT_NULL, 0);
	listen(small.task, EXC_MASK_BREAKPOINT, port, QUESTIONS_DEFAULT);
	small_run(&small, small_break, 0, 0);
	ok(ask_for(&question, port), "another thread's first question");
	question_drop(&question);
	must(task_set_exception_ports(small.task, EXC_MASK_BREAKPOINT,
	    MACH_PORT_NULL, QUESTIONS_DEFAULT, RISCV64_THREAD_STATE));
	exceptions_begin();
	must(answer(&question, KERN_SUCCESS));
	ok(dies(small.task), "nobody is to be asked: the task ends");
	exceptions_rose(WHY(EXCEPTION_HANDLER), NOTHING, "and is counted");
	small_forget(&small);
	port_end(port);
}

int
main(void)
{
	tap_hold(); /* the kernel tells of what ends for want of a handler */
	host = mach_host_self();
	service = port_new_send();
	reply = port_new_send();
	other = port_new();
	must(mach_port_allocate(
	    mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set));
	test_call();
	test_words();
	test_alone();
	test_registers();
	test_served();
	test_served_in_registers();
	test_exceptions();
	test_no_handler();
	test_handler_in_registers();
	return done();
}
