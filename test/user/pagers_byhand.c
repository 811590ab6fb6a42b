/*
 * pagers_byhand.c: a pager that waits for each question itself and writes each
 * answer by hand, so that question and answer go the shortest way there is, and
 * each answer that is not as simple goes the long way: whatever way they go, it
 * is the same.  It is long because it is one list of what can be said of one
 * object.
 */
#include <baton/thread.h>
#include <mach/memory_object.h>
#include <mach/memory_object_control.h>
#include <mach/routine_ids.h>
#include <servers/bootstrap.h>
#include <servers/files.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "test/user/mach_test.h"

#define PAGE  4096UL
#define PAGES 128
#define SIZE  (PAGES * PAGE)

static task_t self;
static mach_port_t port, set, control, name, answers;
static char *window;	  /* the object, mapped */
static uint64_t next_one; /* a page that nobody touched yet */

/* All that the kernel says to a pager, with room for any trailer. */
static union {
	mach_msg_header_t header;
	__Request__memory_object_init_t init;
	__Request__memory_object_data_request_t request;
	__Request__memory_object_data_return_t returned;
	struct {
		__Request__memory_object_data_request_t request;
		mach_msg_max_trailer_t trailer;
	} with_trailer;
	__Request__memory_object_data_supply_t supply;
	struct note note;
	char room[256];
} in;

/* ---- who wants a page ---- */

struct reader {
	struct mach_thread *thread;
	volatile char *at;
	char byte;
	atomic_bool done;
};

static void
read_byte(void *arg)
{
	struct reader *reader = arg;

	sleep_ms(10); /* who is asked waits by then */
	reader->byte = *reader->at;
	reader->done = true;
}

static void
write_byte(void *arg)
{
	struct reader *reader = arg;

	sleep_ms(10);
	*reader->at = 'w';
	reader->done = true;
}

/* The byte at @offset is wanted from now on. */
static void
start(struct reader *reader, void (*run)(void *), uint64_t offset)
{
	*reader = (struct reader){.at = window + offset};
	must(mach_thread_start(run, reader, 0, &reader->thread));
}

static char
end(struct reader *reader)
{
	mach_thread_join(reader->thread);
	return reader->byte;
}

/* ---- what the pager hears ---- */

static kern_return_t
hear(mach_msg_option_t option, size_t room, mach_port_t from)
{
	memset(&in, 0, sizeof(in));
	return mach_msg(&in.header, MACH_RCV_MSG | option, 0,
	    (mach_msg_size_t)room, from, 5000, MACH_PORT_NULL);
}

/* Is it a request for the page at @offset, in all its parts? */
static bool
is_request(uint64_t offset, vm_prot_t access)
{
	const __Request__memory_object_data_request_t *request = &in.request;
	const mach_msg_header_t *header = &request->Head;

	return header->msgh_bits ==
		   (MACH_MSGH_BITS_COMPLEX |
		       MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND)) &&
	       header->msgh_size == sizeof(*request) &&
	       header->msgh_remote_port == MACH_PORT_NULL &&
	       header->msgh_local_port == port &&
	       header->msgh_voucher_port == MACH_PORT_NULL &&
	       header->msgh_id == MSGID_MEMORY_OBJECT_DATA_REQUEST &&
	       request->msgh_body.msgh_descriptor_count == 1 &&
	       request->memory_control.name == control &&
	       request->memory_control.disposition == MACH_MSG_TYPE_PORT_SEND &&
	       request->memory_control.type == MACH_MSG_PORT_DESCRIPTOR &&
	       memcmp(&request->NDR, &NDR_record, sizeof(NDR_record)) == 0 &&
	       request->offset == offset && request->length == PAGE &&
	       request->desired_access == access;
}

/* Hear of it, wherever that comes to, and keep no more rights than before. */
static void
asked_for(uint64_t offset, mach_port_t from)
{
	must(hear(0, sizeof(in), from));
	ok(is_request(offset, VM_PROT_READ), "a page is asked for");
	must(mach_port_deallocate(self, control));
}

/* ---- what it says ---- */

/* An answer, the usual one but for what a test changes. */
static __Request__memory_object_data_supply_t
answer(uint64_t offset, const void *data)
{
	return (__Request__memory_object_data_supply_t){
	    .Head.msgh_bits = MACH_MSGH_BITS_COMPLEX |
			      MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
	    .Head.msgh_size = sizeof(__Request__memory_object_data_supply_t),
	    .Head.msgh_remote_port = control,
	    .Head.msgh_id = MSGID_MEMORY_OBJECT_DATA_SUPPLY,
	    .msgh_body.msgh_descriptor_count = 2,
	    .data.address = (void *)data,
	    .data.size = PAGE,
	    .data.deallocate = TRUE,
	    .data.copy = MACH_MSG_VIRTUAL_COPY,
	    .data.type = MACH_MSG_OOL_DESCRIPTOR,
	    .reply_to.disposition = MACH_MSG_TYPE_MAKE_SEND_ONCE,
	    .reply_to.type = MACH_MSG_PORT_DESCRIPTOR,
	    .NDR = NDR_record,
	    .offset = offset,
	    .dataCnt = PAGE,
	};
}

static kern_return_t
say(const __Request__memory_object_data_supply_t *supply)
{
	in.supply = *supply;
	return mach_msg(&in.header, MACH_SEND_MSG, in.header.msgh_size, 0,
	    MACH_PORT_NULL, 0, MACH_PORT_NULL);
}

/* Pages of our own, with something in them. */
static char *
filled(unsigned pages, char byte)
{
	char *data = pages_new(pages * PAGE);

	memset(data, byte, pages * PAGE);
	return data;
}

/* An end of what is waited for at @offset. */
static void
usual(uint64_t offset, char byte)
{
	__Request__memory_object_data_supply_t supply =
	    answer(offset, filled(1, byte));

	must(say(&supply));
}

static uint64_t
fresh_page(void)
{
	return PAGE * next_one++;
}

/* ---- the cases ---- */

static void
object_begin(void)
{
	mach_vm_address_t address = 0;

	must(mach_vm_map(self, &address, SIZE, 0, VM_FLAGS_ANYWHERE, port, 0,
	    FALSE, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_NONE));
	window = (char *)address;
	must(hear(MACH_RCV_TIMEOUT, sizeof(in), port));
	is(in.header.msgh_id, MSGID_MEMORY_OBJECT_INIT, "an object begins");
	control = in.init.memory_control.name;
	name = in.init.memory_object_name.name;
	must(memory_object_ready(control, FALSE, MEMORY_OBJECT_COPY_DELAY));
}

static void
object_end(void)
{
	unsigned returned = 0;

	pages_end(window, SIZE);
	for (;;) {
		must(hear(MACH_RCV_TIMEOUT, sizeof(in), port));
		if (in.header.msgh_id != MSGID_MEMORY_OBJECT_DATA_RETURN)
			break;
		returned += in.returned.dataCnt / PAGE;
		mach_msg_destroy(&in.header);
	}
	is(in.header.msgh_id, MSGID_MEMORY_OBJECT_TERMINATE, "it ends");
	is(returned, 2, "what was written, or precious, came back");
	mach_msg_destroy(&in.header);
	mach_port_deallocate(self, control);
	mach_port_deallocate(self, name);
}

/* Questions, wherever one waits for them and whatever one wants with them. */
static void
test_questions(void)
{
	uint64_t offset = fresh_page();
	unsigned rights = send_refs(control);
	struct reader reader;

	start(&reader, read_byte, offset);
	must(hear(0, sizeof(in), port));
	ok(is_request(offset, VM_PROT_READ), "a question, on the port");
	is(send_refs(control), rights + 1, "brings a right to answer");
	usual(offset, 'p');
	is(end(&reader), 'p', "and is answered");

	start(&reader, write_byte, offset = fresh_page());
	must(hear(MACH_RCV_TIMEOUT, sizeof(in.request) + 8, set));
	ok(is_request(offset, VM_PROT_WRITE), "on a set, with a time-out");
	usual(offset, 's');
	(void)end(&reader);
	is(window[offset], 'w', "and is written to");
	is(window[offset + 1], 's', "in its place");

	start(&reader, read_byte, offset = fresh_page());
	must(hear(MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT), sizeof(in),
	    port));
	ok(is_request(offset, VM_PROT_READ), "with a longer trailer");
	is(in.with_trailer.trailer.msgh_trailer_size,
	    sizeof(mach_msg_audit_trailer_t), "that is there");
	is(in.with_trailer.trailer.msgh_sender.val[1], 1, "from the kernel");
	usual(offset, 't');
	is(end(&reader), 't', "answered");

	start(&reader, read_byte, offset = fresh_page());
	is(hear(MACH_RCV_LARGE, sizeof(in.request) + 4, port),
	    MACH_RCV_TOO_LARGE, "into too little room");
	is(in.header.msgh_size, sizeof(in.request), "so much is wanted");
	must(hear(0, sizeof(in.request) + 8, port));
	ok(is_request(offset, VM_PROT_READ), "it has stayed");
	usual(offset, 'l');
	is(end(&reader), 'l', "answered");
	must(mach_port_mod_refs(self, control, MACH_PORT_RIGHT_SEND, -3));
	must(mach_port_mod_refs(self, control, MACH_PORT_RIGHT_SEND, -1));
	is(send_refs(control), rights, "each brought one right");
}

/* The right that a question brings is all there is, and a new one then. */
static void
test_no_right(void)
{
	uint64_t offset = fresh_page();
	struct reader reader;

	must(mach_port_mod_refs(self, control, MACH_PORT_RIGHT_SEND,
	    -(mach_port_delta_t)send_refs(control)));
	start(&reader, read_byte, offset);
	must(hear(0, sizeof(in), port));
	control = in.request.memory_control.name;
	ok(is_request(offset, VM_PROT_READ), "who has no right is given one");
	is(send_refs(control), 1, "just one");
	usual(offset, 'n');
	is(end(&reader), 'n', "answered by it");
}

/* The page may lie anywhere in what the pager has. */
static void
test_places(void)
{
	static const unsigned place[] = {0, 3, 1, 2};
	char *data = filled(4, 'd');
	struct reader reader;

	for (unsigned i = 0; i < 4; i++) {
		__Request__memory_object_data_supply_t supply;
		char *page = data + place[i] * PAGE;
		uint64_t offset = fresh_page();

		page[0] = (char)('0' + i);
		start(&reader, read_byte, offset);
		asked_for(offset, set);
		supply = answer(offset, page);
		must(say(&supply));
		is(end(&reader), '0' + i, "a page of four: %u", place[i]);
		ok(!is_mapped(page), "has left");
		is(window[offset + PAGE - 1], 'd', "whole");
		for (unsigned j = i + 1; j < 4; j++)
			ok(is_mapped(data + place[j] * PAGE) &&
				data[place[j] * PAGE] == 'd',
			    "that one is still there: %u", place[j]);
	}
}

/* The memory is something else than pages of ours that are there. */
static void
test_memory(void)
{
	__Request__memory_object_data_supply_t supply;
	uint64_t offset = fresh_page();
	char *data = pages_new(2 * PAGE);
	mach_vm_address_t copy = 0;
	struct reader reader;

	start(&reader, read_byte, offset);
	asked_for(offset, port);
	supply = answer(offset, data);
	must(say(&supply));
	is(end(&reader), 0, "what was never touched is zeros");
	ok(!is_mapped(data) && is_mapped(data + PAGE), "and has left");

	/* Both have it, and each his own when he writes. */
	memset(data + PAGE, 'b', PAGE);
	must(mach_vm_allocate(self, &copy, PAGE, VM_FLAGS_ANYWHERE));
	must(mach_vm_copy(self, (mach_vm_address_t)data + PAGE, PAGE, copy));
	start(&reader, write_byte, offset = fresh_page());
	must(hear(0, sizeof(in), port));
	mach_port_deallocate(self, control);
	supply = answer(offset, data + PAGE);
	supply.precious = TRUE;
	must(say(&supply));
	(void)end(&reader);
	is(window[offset], 'w', "a page that another has as well is written");
	is(*(char *)copy, 'b', "which the other does not see");
	is(window[offset + 1], 'b', "but what it was it is");
	pages_end((char *)copy, PAGE);

	start(&reader, read_byte, offset = fresh_page());
	asked_for(offset, port);
	data = filled(1, 'r');
	must(mach_vm_protect(
	    self, (mach_vm_address_t)data, PAGE, FALSE, VM_PROT_READ));
	supply = answer(offset, data);
	must(say(&supply));
	is(end(&reader), 'r', "a page that may only be read");

	start(&reader, read_byte, offset = fresh_page());
	asked_for(offset, port);
	data = filled(1, 'x');
	must(mach_vm_protect(
	    self, (mach_vm_address_t)data, PAGE, FALSE, VM_PROT_NONE));
	supply = answer(offset, data);
	is(say(&supply), MACH_SEND_INVALID_MEMORY, "one that may not even be");
	pages_end(data, PAGE);
	supply = answer(offset, data);
	is(say(&supply), MACH_SEND_INVALID_MEMORY, "one that is not there");
	supply = answer(offset, window + offset - PAGE);
	must(say(&supply));
	is(end(&reader), 'r', "a page of the object itself is copied");
	ok(!is_mapped(window + offset - PAGE), "its place was given away");
	must(mach_vm_allocate(self,
	    &(mach_vm_address_t){(mach_vm_address_t)window + offset - PAGE},
	    PAGE, VM_FLAGS_FIXED));
}

/* Memory of a file, shared or our own. */
static char *
map_file(mach_port_t file, uint64_t at, uint64_t size, boolean_t copy)
{
	mach_vm_address_t address = 0;

	must(mach_vm_map(self, &address, size, 0, VM_FLAGS_ANYWHERE, file, at,
	    copy, VM_PROT_READ, VM_PROT_READ, VM_INHERIT_NONE));
	return (char *)address;
}

/* Supply @data; the client finds what @file has at @at. */
static void
supply_of_file(char *data, const char *file)
{
	uint64_t offset = fresh_page();
	__Request__memory_object_data_supply_t supply = answer(offset, data);
	struct reader reader;

	start(&reader, read_byte, offset);
	asked_for(offset, port);
	must(say(&supply));
	(void)end(&reader);
	is(memcmp(window + offset, file, PAGE), 0, "a file's page is supplied");
	ok(!is_mapped(data), "from a private mapping, which it left");
}

/* Of memory that begins with another pager's, touched before, or not. */
static void
test_private(void)
{
	mach_port_t server, object;
	uint64_t size;
	char *file, *mine;

	must(bootstrap_look_up(bootstrap_port, FILES_SERVICE, &server));
	must(files_open(server, "bootstrap", &object, &size));
	file = map_file(object, 0, 6 * PAGE, FALSE);

	mine = map_file(object, 0, 4 * PAGE, TRUE);
	is(mine[1], file[1], "a page of a private mapping is touched");
	supply_of_file(mine, file);
	is(memcmp(mine + PAGE, file + PAGE, 3 * PAGE), 0,
	    "what is left of the mapping is what it was");
	supply_of_file(mine + 3 * PAGE, file + 3 * PAGE);
	is(memcmp(mine + PAGE, file + PAGE, 2 * PAGE), 0, "again");
	pages_end(mine + PAGE, 2 * PAGE);

	mine = map_file(object, 5 * PAGE, PAGE, TRUE);
	supply_of_file(mine, file + 5 * PAGE);
	mine = map_file(object, 4 * PAGE, PAGE, TRUE);
	is(mine[0], file[4 * PAGE], "all of one is touched");
	supply_of_file(mine, file + 4 * PAGE);

	pages_end(file, 6 * PAGE);
	mach_port_mod_refs(self, object, MACH_PORT_RIGHT_SEND, -1);
	mach_port_deallocate(self, server);
}

/* What has no effect, or another. */
static void
test_wrong(void)
{
	static const struct {
		const char *what;
		uint64_t aside, into;
		uint32_t size, count;
		vm_prot_t lock;
	} wrong[] = {
	    {"memory that is not whole pages", 8, 0, PAGE, PAGE, 0},
	    {"an offset that is none of a page", 0, 8, PAGE, PAGE, 0},
	    {"an offset behind all", 0, 1UL << 40, PAGE, PAGE, 0},
	    {"half a page", 0, 0, PAGE / 2, PAGE / 2, 0},
	    {"a count that is not the memory's", 0, 0, PAGE, 2 * PAGE, 0},
	    {"a lock that there is not", 0, 0, PAGE, PAGE, 0x40},
	    {"all locks that there are not", 0, 0, PAGE, PAGE, ~VM_PROT_ALL},
	};
	uint64_t offset = fresh_page();
	struct reader reader;

	start(&reader, read_byte, offset);
	asked_for(offset, port);
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char *data = filled(2, '?');
		__Request__memory_object_data_supply_t supply =
		    answer(offset + wrong[i].into, data + wrong[i].aside);

		supply.data.size = wrong[i].size;
		supply.dataCnt = wrong[i].count;
		supply.lock_value = wrong[i].lock;
		is(say(&supply), MACH_MSG_SUCCESS, "%s", wrong[i].what);
		sleep_ms(2);
		ok(!reader.done, "does not help");
		ok(!is_mapped(data), "and the memory is lost");
		pages_end(data, 2 * PAGE);
	}
	usual(offset, 'y');
	is(end(&reader), 'y', "the right one does");
	usual(offset, 'z');
	is(window[offset], 'y', "a page that is there stays");
	usual(fresh_page(), 'q');
	is(window[(next_one - 1) * PAGE], 'q', "one may come unasked");
}

/* Rights that are none, or the last. */
static void
test_rights(void)
{
	__Request__memory_object_data_supply_t supply;
	uint64_t offset = fresh_page();
	char *data = filled(1, 'm');
	mach_port_t other = port_new_send();
	struct reader reader;

	start(&reader, read_byte, offset);
	must(hear(0, sizeof(in), port));
	ok(is_request(offset, VM_PROT_READ), "a question");
	is(send_refs(control), 2, "two rights by one name");
	supply = answer(offset, data);
	supply.Head.msgh_remote_port = NO_NAME;
	is(say(&supply), MACH_SEND_INVALID_DEST, "no right");
	supply.Head.msgh_remote_port = set;
	is(say(&supply), MACH_SEND_INVALID_DEST, "the name of a set");
	supply.Head.msgh_remote_port = control;
	supply.Head.msgh_local_port = control;
	is(say(&supply), MACH_SEND_INVALID_HEADER, "a port to answer to");
	supply.Head.msgh_local_port = MACH_PORT_NULL;
	supply.Head.msgh_bits |= MACH_MSGH_BITS(0, 77);
	is(say(&supply), MACH_SEND_INVALID_HEADER, "a right that is none");
	supply = answer(offset, data);
	supply.reply_to.disposition = 99;
	is(say(&supply), MACH_SEND_INVALID_TYPE, "another, to tell");
	ok(is_mapped(data) && data[5] == 'm', "nothing was taken");
	supply = answer(offset, data);
	supply.reply_to.name = NO_NAME;
	is(say(&supply), MACH_SEND_INVALID_RIGHT, "somebody who is not");
	ok(!is_mapped(data), "what stands before that was");
	ok(!reader.done, "nobody helped");

	supply = answer(offset, filled(1, 'm'));
	supply.Head.msgh_bits =
	    MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND, 0);
	must(say(&supply));
	is(end(&reader), 'm', "with the right that came");
	is(send_refs(control), 1, "which is used up");
	start(&reader, read_byte, offset = fresh_page());
	asked_for(offset, port);
	supply.offset = offset;
	supply.data.address = filled(1, 'o');
	must(say(&supply));
	is(end(&reader), 'o', "with the last one");
	is(type_of(control), 0, "whose name is free then");

	/* Another port takes it for what it is: a message. */
	start(&reader, read_byte, offset = fresh_page());
	must(hear(0, sizeof(in), port));
	control = in.request.memory_control.name;
	supply = answer(offset, filled(1, 'v'));
	supply.Head.msgh_remote_port = other;
	must(say(&supply));
	must(hear(MACH_RCV_TIMEOUT, sizeof(in), other));
	is(*(char *)in.supply.data.address, 'v', "to somebody else");
	supply = answer(offset, in.supply.data.address);
	must(say(&supply));
	is(end(&reader), 'v', "who passes it on");
	port_end(other);
}

/* Somebody is told. */
static void
test_told(void)
{
	__Request__memory_object_data_supply_t supply;
	uint64_t offset = fresh_page();
	struct reader reader;

	start(&reader, read_byte, offset);
	asked_for(offset, port);
	supply = answer(offset, filled(1, 'a'));
	supply.reply_to.name = answers;
	must(say(&supply));
	is(end(&reader), 'a', "a page of which somebody is to be told");
	must(hear(MACH_RCV_TIMEOUT, sizeof(in), answers));
	is(in.header.msgh_id, MSGID_MEMORY_OBJECT_SUPPLY_COMPLETED, "he is");
	mach_msg_destroy(&in.header);
}

/* Answer and next question in one call. */
static kern_return_t
say_and_hear(const __Request__memory_object_data_supply_t *supply,
    mach_port_t from, mach_msg_option_t option)
{
	in.supply = *supply;
	return mach_msg(&in.header, MACH_SEND_MSG | MACH_RCV_MSG | option,
	    in.header.msgh_size, sizeof(in), from, 5000, MACH_PORT_NULL);
}

static void
test_receive(void)
{
	__Request__memory_object_data_supply_t supply;
	uint64_t offset = fresh_page();
	struct reader reader, another;

	start(&reader, read_byte, offset);
	asked_for(offset, port);
	supply = answer(offset, filled(1, '1'));
	is(say_and_hear(&supply, NO_NAME, 0), MACH_RCV_INVALID_NAME,
	    "no name to receive from");
	is(end(&reader), '1', "the page has gone all the same");

	start(&reader, read_byte, offset = fresh_page());
	asked_for(offset, port);
	supply = answer(offset, filled(1, '2'));
	start(&another, read_byte, offset = fresh_page());
	must(say_and_hear(&supply, set, 0));
	ok(is_request(offset, VM_PROT_READ), "a page, and the next question");
	is(end(&reader), '2', "both");
	supply = answer(offset, filled(1, '3'));
	must(mach_port_deallocate(self, control));
	must(post(port, 4711));
	must(say_and_hear(&supply, port, 0));
	is(in.note.word[0], 4711, "a message that waited already");
	is(end(&another), '3', "and the page");

	start(&reader, read_byte, offset = fresh_page());
	asked_for(offset, port);
	supply = answer(offset, filled(1, '4'));
	supply.Head.msgh_size += 4;
	is(say_and_hear(&supply, port, MACH_RCV_TRAILER_TYPE(3)),
	    MACH_RCV_INVALID_TRAILER, "a receive that is refused");
	ok(is_mapped(supply.data.address), "and the send with it");
	supply.Head.msgh_size -= 4;
	is(say_and_hear(&supply, answers, MACH_RCV_TIMEOUT), MACH_RCV_TIMED_OUT,
	    "one that nothing ends");
	is(end(&reader), '4', "but the page has gone");
}

/* All pages from @at on, as they come, each with its own byte. */
#define WALKED 8

static void
walk(void *arg)
{
	struct reader *reader = arg;

	for (unsigned i = 0; i < WALKED; i++) {
		volatile char *page = reader->at + i * PAGE;
		char wanted = (char)('A' + (page - window) / (long)PAGE % 26);

		if (page[i] != wanted || page[PAGE - 1] != wanted)
			reader->byte++;
	}
	reader->done = true;
}

/* Several walk, some on others' heels; each question is heard in the call that
 * answers the one before, from the port or, every other time, from the set. */
static void
test_rounds(mach_port_t other)
{
	__Request__memory_object_data_supply_t supply;
	struct reader reader[5];
	unsigned wrong = 0;
	uint64_t first = next_one;

	next_one += 3 * WALKED;
	for (unsigned i = 0; i < 5; i++)
		start(&reader[i], walk, (first + i % 3 * WALKED) * PAGE);
	must(hear(0, sizeof(in), port));
	for (unsigned i = 0;; i++) {
		uint64_t offset = in.request.offset;

		wrong += !is_request(offset, VM_PROT_READ);
		must(mach_port_deallocate(self, control));
		supply = answer(offset,
		    filled(1 + i % 2, (char)('A' + offset / PAGE % 26)));
		if (i == 3 * WALKED - 1)
			break;
		must(say_and_hear(&supply, i % 2 == 0 ? port : other, 0));
	}
	must(say(&supply));
	is(wrong, 0, "questions one after the other, each just once");
	for (unsigned i = 0; i < 5; i++)
		wrong += (unsigned)end(&reader[i]);
	is(wrong, 0, "each page is what it should be, wherever seen");
}

/* Many wait for one page, and some for others. */
static void
test_crowd(void)
{
	uint64_t offset = fresh_page(), more = fresh_page();
	struct reader reader[12];
	unsigned wrong = 0;

	for (unsigned i = 0; i < 12; i++)
		start(&reader[i], read_byte, i % 4 == 3 ? more : offset);
	for (int i = 0; i < 2; i++) {
		must(hear(0, sizeof(in), set));
		ok(is_request(offset, VM_PROT_READ) ||
			is_request(more, VM_PROT_READ),
		    "a page is asked for once");
		must(mach_port_deallocate(self, control));
	}
	sleep_ms(20);
	usual(offset, 'c');
	for (unsigned i = 0; i < 12; i++)
		if (i % 4 != 3)
			wrong += end(&reader[i]) != 'c';
	is(wrong, 0, "all who waited for it have it");
	ok(!reader[3].done && !reader[7].done, "and nobody else");
	usual(more, 'e');
	for (unsigned i = 3; i < 12; i += 4)
		wrong += end(&reader[i]) != 'e';
	is(wrong, 0, "until theirs comes");
	is(poll_for(&in, sizeof(in), set), MACH_RCV_TIMED_OUT,
	    "nothing was asked twice");
}

/* Who waits ends before it comes. */
static void
test_killed(void)
{
	uint64_t offset = fresh_page();
	struct small small;
	mach_vm_address_t address = 0x40000000;

	small_make(&small, 0, 0);
	must(mach_vm_map(small.task, &address, SIZE, 0, VM_FLAGS_FIXED, port, 0,
	    FALSE, VM_PROT_READ, VM_PROT_READ, VM_INHERIT_NONE));
	small_run(&small, small_load, address + offset, 0);
	asked_for(offset, port);
	small_kill(&small);
	small_forget(&small);
	usual(offset, 'k');
	is(window[offset], 'k', "a page for one who has ended");

	small_make(&small, 0, 0);
	must(mach_vm_map(small.task, &address, SIZE, 0, VM_FLAGS_FIXED, port, 0,
	    FALSE, VM_PROT_READ, VM_PROT_READ, VM_INHERIT_NONE));
	small_run(&small, small_load, address + (offset = fresh_page()), 0);
	asked_for(offset, port);
	must(task_suspend(small.task));
	usual(offset, 'h');
	is(window[offset], 'h', "for one who is stopped");
	must(task_resume(small.task));
	small_kill(&small);
	small_forget(&small);
}

/* ---- what was given stays as it was ---- */

static char *mine;
static atomic_uint turn;

/* On another hart, if there is one: it has had the page. */
static void
write_mine(void *unused)
{
	(void)unused;
	*(volatile char *)(mine + 2) = 'f';
	turn = 1;
	while (turn != 2)
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_NONE, 0);
	*(volatile char *)(mine + 3) = '!';
	turn = 3;
}

static void
await_turn(unsigned wanted)
{
	while (turn != wanted)
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_NONE, 0);
}

static void
test_given(void)
{
	__Request__memory_object_data_supply_t supply;
	struct mach_thread *thread;
	struct reader reader;
	unsigned wrong = 0;

	for (int i = 0; i < 8; i++) {
		uint64_t offset = fresh_page();
		mach_vm_address_t place;

		mine = filled(2, 'g'); /* its table stays */
		turn = 0;
		start(&reader, read_byte, offset);
		must(mach_thread_start(write_mine, NULL, 0, &thread));
		await_turn(1);
		must(hear(0, sizeof(in), port));
		mach_port_deallocate(self, control);
		supply = answer(offset, mine);
		if (i % 2 == 0) {
			must(say(&supply));
		} else {
			must(post(port, 99));
			must(say_and_hear(&supply, port, 0));
		}
		place = (mach_vm_address_t)mine;
		must(mach_vm_allocate(self, &place, PAGE, VM_FLAGS_FIXED));
		*(volatile char *)(mine + 4) = '!';
		turn = 2;
		await_turn(3);
		mach_thread_join(thread);
		wrong += end(&reader) != 'g' || window[offset + 2] != 'f' ||
			 window[offset + 3] != 'g' || window[offset + 4] != 'g';
		wrong += mine[0] != 0 || mine[3] != '!' || mine[4] != '!';
		pages_end(mine, 2 * PAGE);
	}
	is(wrong, 0, "who gave a page has no way to it");
}

/* The object goes while somebody waits, or before the page comes. */
static void
test_gone(void)
{
	__Request__memory_object_data_supply_t supply;
	uint64_t offset = next_one * PAGE;
	mach_vm_size_t size = 0;
	char *data = filled(1, '-');
	char byte;

	must(memory_object_destroy(control, KERN_FAILURE));
	supply = answer(offset, data);
	(void)say(&supply); /* in time, or not */
	is(mach_vm_read_overwrite(self, (mach_vm_address_t)window + offset, 1,
	       (mach_vm_address_t)&byte, &size),
	    KERN_MEMORY_ERROR, "an object that was given up has nothing");
	pages_end(window, SIZE);
	do
		must(hear(MACH_RCV_TIMEOUT, sizeof(in), port));
	while (in.header.msgh_id == MSGID_MEMORY_OBJECT_DATA_REQUEST);
	is(in.header.msgh_id, MSGID_MEMORY_OBJECT_TERMINATE, "it ends");
	supply = answer(offset, data = filled(1, '-'));
	is(say(&supply), KERN_SUCCESS,
	    "its port is ours, and takes what it is sent");
	mach_msg_destroy(&in.header);
}

int
main(void)
{
	struct baton_kernel_counters before, after;

	self = mach_task_self();
	port = port_new_send();
	answers = port_new_send();
	must(mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &set));
	must(mach_port_move_member(self, port, set));
	for (int round = 0; round < 2; round++) {
		if (round == 1)
			before = quiet_counters();
		next_one = 0;
		object_begin();
		test_questions();
		test_no_right();
		test_places();
		test_memory();
		test_private();
		test_wrong();
		test_rights();
		test_told();
		test_receive();
		test_rounds(port);
		test_rounds(set);
		test_crowd();
		test_killed();
		test_given();
		object_end();
	}
	after = quiet_counters();
	is(after.objects[BATON_OBJECT_PORT], before.objects[BATON_OBJECT_PORT],
	    "no port is left behind");
	ok(after.pages_free + 64 >= before.pages_free, "and no memory");
	object_begin();
	next_one = 0;
	test_gone();
	return done();
}
