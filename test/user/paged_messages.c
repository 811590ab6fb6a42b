/*
 * paged_messages.c: the kernel copies from and to memory that a pager has yet
 * to bring: what is sent in line and out of line, where messages are received,
 * and the calls that read and write memory.
 */
#include "test/user/paged.h"

#include <stdlib.h>
#include <string.h>

#define PAGES 16
#define SIZE  (PAGES * PAGE)

static task_t self;
static struct paged paged;
static mach_port_t right;
static char *memory; /* all of it, no page of which is there */

static void
begin(void)
{
	right = paged_make(&paged, SIZE, true);
	memory = paged_map(right, 0, SIZE, FALSE);
}

static void
end(void)
{
	pages_end(memory, SIZE);
	paged_end(&paged, right);
}

/* ---- in line ---- */

#define BODY 3000

struct letter {
	mach_msg_header_t header;
	char body[BODY];
	mach_msg_max_trailer_t trailer;
};

static void
letter_head(struct letter *letter, mach_port_t to)
{
	letter->header = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
	    .msgh_size = offsetof(struct letter, trailer),
	    .msgh_remote_port = to,
	    .msgh_id = 7,
	};
}

/* The header in one page, the body in the next, at @offset, which is not
 * there. */
static struct letter *
letter_at(unsigned offset, mach_port_t to)
{
	struct letter *letter =
	    (struct letter *)(memory + offset - offsetof(struct letter, body));

	letter_head(letter, to);
	return letter;
}

static void
test_send(void)
{
	static struct letter got;
	mach_port_t to = port_new_send();
	struct letter *letter;
	char *body;

	begin();
	letter = letter_at(4 * PAGE, to);
	body = paged.store + 4 * PAGE;
	is(send_message(letter, offsetof(struct letter, trailer)),
	    MACH_MSG_SUCCESS, "a message is sent whose body is not there yet");
	is(poll_for(&got, sizeof(got), to), MACH_MSG_SUCCESS, "it is received");
	is(memcmp(got.body, body, BODY), 0, "with what the pager has");
	is(got.header.msgh_id, 7, "once");
	is(poll_for(&got, sizeof(got), to), MACH_RCV_TIMED_OUT, "only");
	end();
	port_end(to);
}

/* A buffer that lies over two pages, neither of which is there. */
static void
test_receive(void)
{
	static struct letter sent;
	mach_port_t port = port_new_send();
	struct letter *letter;

	begin();
	letter_head(&sent, port);
	pattern_fill(sent.body, BODY, 9);
	must(send_message(&sent, offsetof(struct letter, trailer)));
	letter = (struct letter *)(memory + 7 * PAGE - 1000);
	is(poll_for(letter, sizeof(*letter), port), MACH_MSG_SUCCESS,
	    "a message is received where nothing is yet");
	ok(pattern_holds(letter->body, BODY, 9), "whole");
	is(memcmp(memory + 6 * PAGE, paged.store + 6 * PAGE, PAGE - 1000), 0,
	    "before it is what the pager has");
	is(memcmp(memory + 8 * PAGE - PAGE / 8,
	       paged.store + 8 * PAGE - PAGE / 8, PAGE / 8),
	    0, "and behind it");
	end();
	port_end(port);
}

/* ---- out of line ---- */

static void
test_out_of_line(
    const char *name, boolean_t deallocate, mach_msg_copy_options_t copy)
{
	mach_port_t to = port_new_send();
	struct crate crate;
	unsigned offset = copy == MACH_MSG_PHYSICAL_COPY ? 100 : 0;
	unsigned size = 5 * PAGE + 123;

	begin();
	memory[PAGE] = paged.store[PAGE]; /* one that was written */
	crate_fill(&crate, to, memory + offset, size, deallocate, copy);
	is(send_message(&crate, CRATE_SIZE), MACH_MSG_SUCCESS, "%s: sent",
	    name);
	is(poll_for(&crate, sizeof(crate), to), MACH_MSG_SUCCESS,
	    "%s: received", name);
	is(crate.memory.size, size, "%s: of its size", name);
	is(memcmp(crate.memory.address, paged.store + offset, size), 0,
	    "%s: what the pager has", name);
	((char *)crate.memory.address)[3] = 'x';
	if (!deallocate)
		ok(memory[offset + 3] == paged.store[offset + 3], "%s: a copy",
		    name);
	pages_end(crate.memory.address, size);
	end();
	port_end(to);
}

/* ---- calls ---- */

static void
test_calls(void)
{
	char *other = pages_new(SIZE);
	mach_msg_type_number_t count;
	mach_vm_size_t copied;
	vm_offset_t data;
	struct small small;

	small_make(&small, MACH_PORT_NULL, 0);
	begin();
	paged_map_small(&small, right, SIZE);
	is(mach_vm_read(small.task, PAGED_AT, 3 * PAGE, &data, &count),
	    KERN_SUCCESS, "memory of another task is read");
	is(memcmp((char *)data, paged.store, 3 * PAGE), 0,
	    "which it has never touched");
	pages_end((char *)data, 3 * PAGE);

	is(mach_vm_read_overwrite(small.task, PAGED_AT + 3 * PAGE + 10,
	       2 * PAGE, (mach_vm_address_t)other + 5, &copied),
	    KERN_SUCCESS, "and to any place");
	is(memcmp(other + 5, paged.store + 3 * PAGE + 10, 2 * PAGE), 0,
	    "byte by byte");

	pattern_fill(other, 2 * PAGE, 4);
	is(mach_vm_write(small.task, PAGED_AT + 8 * PAGE + 100,
	       (vm_offset_t)other, 2 * PAGE),
	    KERN_SUCCESS, "it is written");
	ok(pattern_holds(memory + 8 * PAGE + 100, 2 * PAGE, 4),
	    "which all see");
	is(memcmp(memory + 8 * PAGE, paged.store + 8 * PAGE, 100), 0,
	    "and nothing before it");
	is(memory[10 * PAGE + 100], paged.store[10 * PAGE + 100],
	    "nor behind it");
	end();
	small_kill(&small);
	pages_end(other, SIZE);
}

/* The kernel's own copies get the pager's error as a code. */
static void
test_errors(void)
{
	mach_port_t port = port_new_send();
	struct letter *sent, *got;
	mach_vm_size_t copied;
	char byte;

	begin();
	sent = letter_at(4 * PAGE, port);
	got = letter_at(8 * PAGE, port);
	atomic_store(&paged.error, KERN_FAILURE);
	ok(mach_vm_read_overwrite(self, (mach_vm_address_t)memory, 1,
	       (mach_vm_address_t)&byte, &copied) != KERN_SUCCESS,
	    "a read of what the pager cannot bring fails");
	is(send_message(sent, offsetof(struct letter, trailer)),
	    MACH_SEND_INVALID_DATA, "so does a send");
	is(poll_for(got, sizeof(*got), port), MACH_RCV_TIMED_OUT,
	    "of which nothing arrives");
	atomic_store(&paged.error, KERN_SUCCESS);
	is(send_message(sent, offsetof(struct letter, trailer)),
	    MACH_MSG_SUCCESS, "the next one does not");
	atomic_store(&paged.error, KERN_FAILURE);
	is(poll_for(got, sizeof(*got), port), MACH_RCV_INVALID_DATA,
	    "a receive fails");
	atomic_store(&paged.error, KERN_SUCCESS);
	end();
	port_end(port);
}

int
main(void)
{
	self = mach_task_self();
	paged_start();
	test_send();
	test_receive();
	test_out_of_line("virtual", FALSE, MACH_MSG_VIRTUAL_COPY);
	test_out_of_line("physical", FALSE, MACH_MSG_PHYSICAL_COPY);
	test_out_of_line("moved", TRUE, MACH_MSG_VIRTUAL_COPY);
	test_calls();
	test_errors();
	return done();
}
