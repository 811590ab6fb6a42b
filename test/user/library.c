/* library.c: what programs expect of the library around mach_msg(). */
#include "test/user/mach_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <baton/thread.h>
#include <mach/mig.h>

static mach_port_t self;

/* ---- reply ports ---- */

static mach_port_t other_reply;

static void
other_thread(void *arg)
{
	(void)arg;
	other_reply = mig_get_reply_port();
	if (mig_get_special_reply_port() == other_reply ||
	    mig_get_special_reply_port() != mig_get_special_reply_port() ||
	    mig_get_reply_port() != other_reply)
		other_reply = MACH_PORT_DEAD;
}

static void
test_reply_ports(void)
{
	mach_port_t mine = mig_get_reply_port(), other, next;
	struct mach_thread *thread;
	unsigned names;

	is(type_of(mine), MACH_PORT_TYPE_RECEIVE, "a reply port is a port");
	is(mig_get_reply_port(), mine, "and is kept for the next call");
	mig_put_reply_port(mine);
	is(mig_get_reply_port(), mine, "also when it was put back");

	threads_keep();
	names = name_count();
	must(mach_thread_start(other_thread, NULL, 0, &thread));
	mach_thread_join(thread);
	ok(MACH_PORT_VALID(other_reply) && other_reply != mine,
	    "another thread has another");
	is(name_count(), names, "which ends with the thread");

	mig_dealloc_reply_port(mine);
	is(type_of(mine), 0, "it can be given up");
	other = port_new_send();
	mig_dealloc_reply_port(other);
	is(send_refs(other), 1, "there is none to give up twice");
	next = mig_get_reply_port();
	ok(type_of(next) == MACH_PORT_TYPE_RECEIVE && next != mine,
	    "and the next call makes another");
	mig_dealloc_reply_port(MACH_PORT_NULL);
	is(type_of(next), 0, "whichever it is, if one does not say");
	next = mig_get_reply_port();
	mig_dealloc_reply_port(other);
	is(type_of(next), 0, "or says another");
	is(type_of(other), MACH_PORT_TYPE_RECEIVE, "which loses a reference");
	port_end(other);

	next = mig_get_special_reply_port();
	mig_dealloc_special_reply_port(mine);
	is(mig_get_special_reply_port(), next, "the special one is another's");
	mig_dealloc_special_reply_port(next);
	is(type_of(next), 0, "until it is given up");
}

/* ---- small things ---- */

static void
test_strings(void)
{
	char room[8];

	memset(room, 'x', sizeof(room));
	is(mig_strncpy(room, "abc", 8), 4, "a string is as long as it is");
	ok(memcmp(room, "abc\0xxxx", 8) == 0, "and nothing behind it changes");
	is(mig_strncpy(room, "abcdefghij", 8), 8, "one too long is cut");
	ok(strcmp(room, "abcdefg") == 0, "and ends all the same");
	is(mig_strncpy_zerofill(room, "ab", 8), 3, "the other form");
	ok(memcmp(room, "ab\0\0\0\0\0\0", 8) == 0, "clears the rest");
	is(mig_strncpy_zerofill(room, "", 8), 1, "of an empty string");
	ok(all_zero(room, 8), "all");
	room[0] = 'x';
	is(mig_strncpy(room, "a", 0), 0, "no room, no copy");
	is(room[0], 'x', "and no byte written");
	is(mig_strncpy_zerofill(room, NULL, 8), 0, "nor from nowhere");
}

static void
test_memory(void)
{
	vm_address_t address = 0;

	mig_allocate(&address, 3 * vm_page_size + 1);
	ok(address != 0 && all_zero((void *)address, 3 * vm_page_size + 1),
	    "memory for an argument");
	mig_deallocate(address, 3 * vm_page_size + 1);
	ok(!is_mapped((void *)address), "is given back");
	mig_allocate(&address, (vm_size_t)1 << 60);
	is(address, 0, "there is not always some");
}

static void
test_words(void)
{
	static const NDR_record_t here = {0, 0, 0, 0, 1, 0, 0, 0};
	mach_timebase_info_data_t base;
	uint64_t first, second;

	is(mach_task_self(), mach_task_self_, "the task is the task");
	is(task_self_trap(), mach_task_self_, "by any name");
	mach_port_deallocate(self, mach_task_self_);
	ok(MACH_PORT_VALID(bootstrap_port), "there is a bootstrap port");
	ok(vm_page_size == 4096 && vm_page_mask == 4095 && vm_page_shift == 12,
	    "a page has 4096 bytes");
	ok(memcmp(&NDR_record, &here, sizeof(here)) == 0,
	    "numbers are little-endian");
	must(mach_timebase_info(&base));
	ok(base.numer > 0 && base.denom > 0, "ticks have a length");
	first = mach_absolute_time();
	second = mach_continuous_time();
	ok(second >= first && mach_approximate_time() >= second &&
		mach_continuous_approximate_time() >= second,
	    "every clock is the clock");
	ok(strcmp(mach_error_string(KERN_NO_SPACE),
	       "(os/kern) no space available") == 0,
	    "codes have words");
	ok(strcmp(mach_error_type(MACH_RCV_TIMED_OUT), "(ipc/rcv)") == 0,
	    "and a system");
}

static void
test_vouchers(void)
{
	mach_msg_header_t header = {.msgh_bits = MACH_MSGH_BITS(19, 21)};

	is(voucher_mach_msg_set(&header), FALSE, "there is no voucher to set");
	ok(voucher_mach_msg_adopt(&header) == VOUCHER_MACH_MSG_STATE_UNCHANGED,
	    "nor to adopt");
	voucher_mach_msg_clear(&header);
	voucher_mach_msg_revert(VOUCHER_MACH_MSG_STATE_UNCHANGED);
	is(header.msgh_bits, MACH_MSGH_BITS(19, 21), "the message is the same");
}

/* ---- messages that are given up ---- */

struct mixed {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_port_descriptor_t send;
	mach_msg_ool_descriptor_t memory;
	mach_msg_ool_ports_descriptor_t ports;
	mach_msg_port_descriptor_t receive;
	mach_msg_max_trailer_t trailer;
};

/* Two rights, a page, and an array of three rights. */
static void
mixed_fill(struct mixed *mixed, mach_port_t to, mach_port_t *list, void *page)
{
	*mixed = (struct mixed){
	    .header =
		{
		    .msgh_bits = MACH_MSGH_BITS_COMPLEX |
				 MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
				     MACH_MSG_TYPE_MAKE_SEND_ONCE),
		    .msgh_size = offsetof(struct mixed, trailer),
		    .msgh_remote_port = to,
		    .msgh_local_port = to,
		},
	    .body = {.msgh_descriptor_count = 4},
	    .send = {.name = list[0],
		.disposition = MACH_MSG_TYPE_COPY_SEND,
		.type = MACH_MSG_PORT_DESCRIPTOR},
	    .memory = {.address = page,
		.size = 4096,
		.copy = MACH_MSG_PHYSICAL_COPY,
		.type = MACH_MSG_OOL_DESCRIPTOR},
	    .ports = {.address = list,
		.count = 3,
		.disposition = MACH_MSG_TYPE_MAKE_SEND,
		.type = MACH_MSG_OOL_PORTS_DESCRIPTOR},
	    .receive = {.name = port_new(),
		.disposition = MACH_MSG_TYPE_MOVE_RECEIVE,
		.type = MACH_MSG_PORT_DESCRIPTOR},
	};
}

static void
test_destroy(void)
{
	mach_port_t port = port_new_send();
	mach_port_t list[3] = {port_new_send(), port_new(), port_new()};
	char *page = pages_new(4096);
	struct mixed mixed;
	unsigned names = name_count();
	void *memory;

	mixed_fill(&mixed, port, list, page);
	must(mach_msg_send(&mixed.header));
	mixed.header.msgh_size = sizeof(mixed);
	mixed.header.msgh_local_port = port;
	must(mach_msg_receive(&mixed.header));
	ok(name_count() > names, "a message brings rights");
	memory = mixed.memory.address;
	ok(is_mapped(memory), "and memory");
	mach_msg_destroy(&mixed.header);
	is(name_count(), names, "given up with it");
	ok(!is_mapped(memory), "that, too");
	is(refs(list[1], MACH_PORT_RIGHT_SEND), 0, "arrays of rights included");
	is(send_refs(list[0]), 1, "and no right of our own");
	is(take_later(port), MACH_NOTIFY_SEND_ONCE,
	    "who asked hears that there is no answer");
	for (int i = 0; i < 3; i++)
		port_end(list[i]);
	pages_end(page, 4096);
	port_end(port);
}

/* A message that was never sent: what it would have made is not waited for. */
static void
test_destroy_unsent(void)
{
	mach_port_t notify = port_new(), port = port_new(), previous;
	struct parcel parcel;

	parcel_fill(
	    &parcel, MACH_PORT_NULL, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	mach_msg_destroy(&parcel.header);
	is(take_later(notify), MACH_NOTIFY_SEND_ONCE,
	    "a send-once right never sent is heard of");

	must(mach_port_request_notification(self, port, MACH_NOTIFY_NO_SENDERS,
	    1, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous));
	parcel_fill(&parcel, MACH_PORT_NULL, port, MACH_MSG_TYPE_MAKE_SEND);
	mach_msg_destroy(&parcel.header);
	is(take_later(notify), MACH_NOTIFY_NO_SENDERS,
	    "so is a send right never sent");
	is(type_of(port), MACH_PORT_TYPE_RECEIVE, "which nobody has");
	port_end(port);
	port_end(notify);
}

/* ---- servers ---- */

#define STOP 900

struct request {
	mach_msg_header_t header;
	NDR_record_t ndr;
	uint32_t word[500];
};

static mach_port_t service;
static unsigned served;

/* Answers with the sum of the words that came. */
static boolean_t
demux(mach_msg_header_t *in, mach_msg_header_t *out)
{
	struct request *request = (struct request *)in;
	struct {
		mig_reply_error_t error;
		uint32_t sum;
	} *reply = (void *)out;
	uint32_t words = (in->msgh_size - 32) / 4;

	served++;
	mig_reply_setup(in, out);
	if (in->msgh_id == STOP) {
		/* Without its port the server's loop ends. */
		port_end(service);
		reply->error.RetCode = KERN_SUCCESS;
		return TRUE;
	}
	reply->error.Head.msgh_size = sizeof(*reply);
	reply->error.RetCode = KERN_SUCCESS;
	reply->sum = 0;
	for (uint32_t i = 0; i < words; i++)
		reply->sum += request->word[i];
	return TRUE;
}

static void
serve(void *arg)
{
	mach_msg_options_t options = (mach_msg_options_t)(uintptr_t)arg;

	mach_msg_server_importance(demux, 64, service, options);
}

/* The sum of @count ones as the server has it; -1: no answer. */
static int
ask(unsigned count, mach_msg_id_t id)
{
	static struct request request;
	mach_port_t reply = mig_get_reply_port();
	struct {
		mig_reply_error_t error;
		uint32_t sum;
		mach_msg_max_trailer_t trailer;
	} answer;

	for (unsigned i = 0; i < count; i++)
		request.word[i] = 1;
	request.header = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS(
		MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    .msgh_size = 32 + 4 * count,
	    .msgh_remote_port = service,
	    .msgh_local_port = reply,
	    .msgh_id = id,
	};
	must(mach_msg_send(&request.header));
	if (await(&answer, sizeof(answer), reply) != KERN_SUCCESS ||
	    answer.error.Head.msgh_id != id + 100 ||
	    answer.error.RetCode != KERN_SUCCESS)
		return -1;
	return answer.error.Head.msgh_size > sizeof(answer.error)
		   ? (int)answer.sum
		   : 0;
}

static void
test_server(mach_msg_options_t options, int large, const char *how)
{
	struct mach_thread *thread;

	service = port_new_send();
	must(mach_thread_start(serve, (void *)(uintptr_t)options, 0, &thread));
	is(ask(8, 1), 8, "a server takes requests of its size, %s", how);
	is(ask(500, 2), large, "and longer ones as it says");
	is(ask(8, 3), 8, "and goes on");
	is(ask(0, STOP), 0, "until its port is gone");
	mach_thread_join(thread);
	mach_port_deallocate(self, service);
}

static void
test_server_once(void)
{
	mach_port_t reply = port_new();
	struct parcel parcel;

	served = 0;
	service = port_new_send();
	parcel_fill(&parcel, service, reply, MACH_MSG_TYPE_MAKE_SEND);
	parcel.header.msgh_local_port = reply;
	parcel.header.msgh_bits |=
	    MACH_MSGH_BITS(0, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	must(send_message(&parcel, PARCEL_SIZE));
	is(mach_msg_server_once(demux, PARCEL_SIZE, service,
	       MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT)),
	    KERN_SUCCESS, "one request is served, trailer and all");
	is(served, 1, "once");
	is(take(reply), 77 + 100, "and answered");
	port_end(service);
	is(mach_msg_server_once(demux, 64, service, MACH_RCV_TIMEOUT),
	    MACH_RCV_INVALID_NAME, "no port, no service");
	port_end(reply);
}

/* ---- malloc() ---- */

/* Twice as much each time, with what is free behind the last too short. */
static void
test_heap(void)
{
	bool whole = true;

	for (size_t size = 64 << 10; size <= 16 << 20; size *= 2) {
		char *block = calloc(1, size), *small = malloc(100);

		whole = whole && block != NULL && small != NULL;
		if (whole)
			block[size - 1] = 1;
		free(block);
		block = malloc(size / 2);
		whole = whole && block != NULL;
		free(block);
		free(small);
	}
	ok(whole, "blocks from 64 KiB to 16 MiB are there");
	ok(malloc(SIZE_MAX / 2) == NULL, "no block is larger than all memory");
	ok(malloc(SIZE_MAX / 2 - PAGE_SIZE) == NULL, "nor nearly as large");
}

int
main(void)
{
	unsigned names;

	self = mach_task_self();
	mig_get_reply_port();
	test_reply_ports();
	names = name_count();
	test_strings();
	test_memory();
	test_words();
	test_vouchers();
	test_destroy();
	test_destroy_unsent();
	test_server(MACH_MSG_OPTION_NONE, -1, "without more");
	test_server(MACH_RCV_LARGE, 500, "with MACH_RCV_LARGE");
	test_server_once();
	is(name_count(), names, "and no name is left over");
	test_heap();
	return done();
}
