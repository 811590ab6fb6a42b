/*
 * pagers_traps.c: threads that wait for a page in the kernel: traps that read
 * and write memory which is not there, messages of the shortest ways, and
 * threads that end or are aborted while they wait.
 */
#include "test/user/bare_pager.h"

#include <baton/thread.h>
#include <mach/clock.h>
#include <mach/mk_timer.h>
#include <mach/notify.h>
#include <string.h>

#include "test/user/exceptions.h"

static task_t self;
static char *at;

/* Nothing of the object is there any more; @place of it, as what it holds. */
static void *
absent(uint64_t place)
{
	unsigned before = it.completed;

	must(memory_object_lock_request(it.control, 0, SIZE,
	    MEMORY_OBJECT_RETURN_NONE, TRUE, VM_PROT_NO_CHANGE, it.answers));
	becomes(&it.completed, before + 1);
	it.requests = 0;
	return at + place;
}

static void
test_names(void)
{
	unsigned names = name_count();
	mach_port_t *name = absent(64), port;
	mach_port_type_t *type;

	is(mach_port_allocate(self, MACH_PORT_RIGHT_RECEIVE, name),
	    KERN_SUCCESS, "a name is written to a page that is not there");
	ok(it.requests > 0, "which was asked for");
	is(name_count(), names + 1, "one port was made");
	port = *name;
	is(type_of(port), MACH_PORT_TYPE_RECEIVE, "it is what it should be");
	type = absent(PAGE + 4);
	is(mach_port_type(self, port, type), KERN_SUCCESS, "its type, too");
	is(*type, MACH_PORT_TYPE_RECEIVE, "as it is");
	port_end(port);
}

static void
test_request(void)
{
	mach_port_t port = port_new_send(), notify = port_new(), *previous;

	previous = absent(2 * PAGE);
	is(mach_port_request_notification(self, port, MACH_NOTIFY_NO_SENDERS, 0,
	       notify, MACH_MSG_TYPE_MAKE_SEND_ONCE, previous),
	    KERN_SUCCESS, "a notification is asked for");
	is(*previous, MACH_PORT_NULL, "once");
	previous = absent(2 * PAGE);
	is(mach_port_request_notification(self, port, MACH_NOTIFY_NO_SENDERS, 0,
	       MACH_PORT_NULL, MACH_MSG_TYPE_MAKE_SEND_ONCE, previous),
	    KERN_SUCCESS, "and no more");
	ok(*previous != MACH_PORT_NULL, "the right comes back");
	mach_port_deallocate(self, *previous);
	port_end(port);
	port_end(notify);
}

static void
test_memory(void)
{
	mach_vm_address_t *address = absent(3 * PAGE);
	char *made;

	*address = 0;
	is(mach_vm_allocate(self, address, PAGE, VM_FLAGS_ANYWHERE),
	    KERN_SUCCESS, "memory is allocated");
	made = (char *)*address;
	made[0] = 1;
	pages_end(made, PAGE);
	address = absent(3 * PAGE);
	is(mach_vm_allocate(self, address, PAGE, VM_FLAGS_FIXED),
	    KERN_INVALID_ADDRESS, "an address is read as the pager has it");
	ok(it.requests > 0, "who was asked");
}

static void
test_time(void)
{
	mach_port_t timer = mk_timer_create();
	uint64_t *when = absent(4 * PAGE), armed = 1UL << 60;
	struct mach_timebase_info *info;

	must(mk_timer_arm(timer, armed));
	is(mk_timer_cancel(timer, when), KERN_SUCCESS, "a timer is cancelled");
	is(*when, armed, "and said to have been armed");
	must(mk_timer_destroy(timer));
	info = absent(5 * PAGE);
	is(mach_timebase_info(info), KERN_SUCCESS, "the clock's rate");
	ok(info->denom > 0, "is known");
}

/* ---- messages by the shortest way ---- */

static mach_port_t service;

/* Answers each call with what came, received where no page is. */
static void
echo(void *buffer)
{
	struct note *note = buffer;
	kern_return_t kr;

	kr = mach_msg(&note->header, MACH_RCV_MSG, 0, sizeof(*note), service,
	    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	while (kr == MACH_MSG_SUCCESS && note->header.msgh_id != 0) {
		note->header.msgh_bits =
		    MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
		note->header.msgh_local_port = MACH_PORT_NULL;
		kr = mach_msg(&note->header, MACH_SEND_MSG | MACH_RCV_MSG,
		    note->header.msgh_size, sizeof(*note), service,
		    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	}
}

static void
call(struct note *note, mach_port_t reply, unsigned size, int id)
{
	note->header = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS(
		MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    .msgh_size = size,
	    .msgh_remote_port = service,
	    .msgh_local_port = reply,
	    .msgh_id = id,
	};
	note->word[0] = (uint32_t)id * 3;
	is(mach_msg(&note->header, MACH_SEND_MSG | MACH_RCV_MSG, size,
	       sizeof(*note), reply, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
	    MACH_MSG_SUCCESS, "a call of %u bytes", size);
	is(note->header.msgh_id, id, "comes back");
	if (size > sizeof(note->header))
		is(note->word[0], (unsigned)id * 3, "as it was");
}

static void
test_calls(void)
{
	static struct note note;
	struct mach_thread *server;
	mach_port_t reply = port_new();
	unsigned size = sizeof(mach_msg_header_t);

	service = port_new_send();
	must(mach_thread_start(echo, at + 6 * PAGE, 0, &server));
	for (int id = 1; id <= 12; id++) {
		absent(0);
		sleep_ms(2); /* until it waits, most of the time */
		call(&note, reply, size + (id & 1 ? 0 : 16), id);
	}
	/* The same where the caller's own buffer is not there. */
	call(absent(8 * PAGE), reply, size, 20);
	call(absent(8 * PAGE), reply, size + 16, 21);
	note.header.msgh_id = 0;
	note.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0);
	note.header.msgh_remote_port = service;
	note.header.msgh_local_port = MACH_PORT_NULL;
	must(mach_msg(&note.header, MACH_SEND_MSG, size, 0, MACH_PORT_NULL,
	    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL));
	mach_thread_join(server);
	port_end(service);
	port_end(reply);
}

/* ---- too large, and where the message stays ---- */

static void
test_large(void)
{
	mach_port_t port = port_new_send();
	mach_msg_header_t *header;

	must(send_note(port, MACH_MSG_TYPE_MAKE_SEND, 5, 0));
	header = absent(9 * PAGE);
	is(mach_msg(header, MACH_RCV_MSG | MACH_RCV_LARGE, 0, 32, port,
	       MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
	    MACH_RCV_TOO_LARGE, "a message that does not fit");
	is(header->msgh_size, NOTE_SIZE, "its size");
	header = absent(9 * PAGE);
	is(mach_msg(header, MACH_RCV_MSG, 0, 40, port, MACH_MSG_TIMEOUT_NONE,
	       MACH_PORT_NULL),
	    MACH_RCV_TOO_LARGE, "one that is then lost");
	is(header->msgh_id, 5, "but for its header");
	is(take(port), -1, "it is");
	port_end(port);
}

/* ---- exceptions ---- */

static void
test_question(void)
{
	mach_port_t port = port_new_send();
	struct question question;
	struct small small;

	small_make(&small, MACH_PORT_NULL, 0);
	listen(small.task, EXC_MASK_BAD_ACCESS, port, EXCEPTION_STATE | CODES);
	small_run(&small, small_load, 0x123000, 0);
	ok(ask_for(&question, port), "a question is asked");
	is(question.exception, EXC_BAD_ACCESS, "as usual");
	small_kill(&small);
	port_end(port);
}

/* ---- those who do not wait to the end ---- */

static void
touch(void *place)
{
	*(volatile char *)place = 1;
}

static void
test_abort(void)
{
	char *place = absent(10 * PAGE);
	struct mach_thread *thread;

	it.manner = SILENT;
	must(mach_thread_start(touch, place, 0, &thread));
	ok(becomes(&it.requests, 1), "a page is waited for");
	is(thread_abort(mach_thread_port(thread)), KERN_SUCCESS, "aborted");
	is(thread_suspend(mach_thread_port(thread)), KERN_SUCCESS, "stopped");
	is(thread_resume(mach_thread_port(thread)), KERN_SUCCESS, "let go");
	it.manner = SUPPLY;
	must(memory_object_data_unavailable(it.control, 10 * PAGE, PAGE));
	mach_thread_join(thread);
	is(*place, 1, "it has what it waited for");
	is(it.requests, 1, "which was asked for once");
}

static void
test_end(void)
{
	mach_vm_address_t address = 0x40000000;
	struct small small;

	absent(0);
	it.manner = SILENT;
	small_make(&small, MACH_PORT_NULL, 0);
	must(mach_vm_map(small.task, &address, SIZE, 0, VM_FLAGS_FIXED, it.port,
	    0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_NONE));
	for (int i = 0; i < 4; i++)
		small_run(&small, small_load, address + PAGE * (i & 1), 0);
	ok(becomes(&it.requests, 2), "two pages are waited for, twice each");
	is(task_terminate(small.task), KERN_SUCCESS, "the task ends");
	ok(dies(small.task), "without them");
	small_forget(&small);
	it.manner = SUPPLY;
}

int
main(void)
{
	self = mach_task_self();
	pager_start();
	at = map_new(SUPPLY, FALSE);
	is(at[0], 'a', "there is a pager");
	test_names();
	test_request();
	test_memory();
	test_time();
	test_calls();
	test_large();
	test_question();
	test_abort();
	test_end();
	unmap(at);
	return done();
}
