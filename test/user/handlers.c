/*
 * handlers.c: the library's servers of exceptions and notifications: what the
 * kernel asks and tells arrives at functions of the program's.
 */
#include "test/user/exceptions.h"

#include <string.h>

#include <baton/thread.h>
#include <mach/exc.h>
#include <mach/exc_server.h>
#include <mach/mach_exc.h>
#include <mach/mach_exc_server.h>
#include <mach/notify_server.h>

#define WRONG_PLACE 0x3300000040UL

static mach_port_t self, port;

/* What the handlers saw last, and what they are to answer. */
static struct {
	unsigned calls;
	char which; /* 'd'efault, 's'tate, 'i'dentity; capitals: wide */
	mach_port_t port, thread, task;
	exception_type_t exception;
	int64_t code[2];
	mach_msg_type_number_t codes, words, room;
	int flavor;
	uint64_t pc;
	kern_return_t answer;
	bool last; /* the loop ends, for its port does */
} seen;

/* ---- the handlers ---- */

static kern_return_t
leave(void)
{
	seen.calls++;
	if (seen.last)
		mach_port_mod_refs(self, port, MACH_PORT_RIGHT_RECEIVE, -1);
	return seen.answer;
}

static void
see(char which, mach_port_t at, exception_type_t exception,
    mach_msg_type_number_t codes)
{
	seen.which = which;
	seen.port = at;
	seen.exception = exception;
	seen.codes = codes;
}

static void
see_identity(mach_port_t thread, mach_port_t task)
{
	seen.thread = thread;
	seen.task = task;
	if (seen.answer != KERN_SUCCESS)
		return; /* the loop gives them back */
	mach_port_deallocate(self, thread);
	mach_port_deallocate(self, task);
}

/* Lets the thread go on at small_spin. */
static void
see_state(int flavor, const natural_t *old, mach_msg_type_number_t words,
    natural_t *new, mach_msg_type_number_t *room)
{
	uint64_t pc = AT(small_spin);

	seen.flavor = flavor;
	seen.words = words;
	seen.room = *room;
	memcpy(&seen.pc, old, sizeof(pc));
	memcpy(new, old, words * sizeof(*old));
	memcpy(new, &pc, sizeof(pc));
	*room = words;
}

kern_return_t
catch_mach_exception_raise(mach_port_t at, mach_port_t thread, mach_port_t task,
    exception_type_t exception, mach_exception_data_t code,
    mach_msg_type_number_t codeCnt)
{
	see('D', at, exception, codeCnt);
	memcpy(seen.code, code, sizeof(seen.code));
	if (seen.answer == KERN_SUCCESS && task != self)
		set_pc(thread, AT(small_spin));
	see_identity(thread, task);
	return leave();
}

kern_return_t
catch_mach_exception_raise_state(mach_port_t at, exception_type_t exception,
    mach_exception_data_t code, mach_msg_type_number_t codeCnt, int *flavor,
    thread_state_t old, mach_msg_type_number_t oldCnt, thread_state_t new,
    mach_msg_type_number_t *newCnt)
{
	see('S', at, exception, codeCnt);
	memcpy(seen.code, code, sizeof(seen.code));
	see_state(*flavor, old, oldCnt, new, newCnt);
	return leave();
}

kern_return_t
catch_mach_exception_raise_state_identity(mach_port_t at, mach_port_t thread,
    mach_port_t task, exception_type_t exception, mach_exception_data_t code,
    mach_msg_type_number_t codeCnt, int *flavor, thread_state_t old,
    mach_msg_type_number_t oldCnt, thread_state_t new,
    mach_msg_type_number_t *newCnt)
{
	see('I', at, exception, codeCnt);
	memcpy(seen.code, code, sizeof(seen.code));
	see_identity(thread, task);
	see_state(*flavor, old, oldCnt, new, newCnt);
	return leave();
}

/* Of the narrow ones there are two; the third is the library's. */
kern_return_t
catch_exception_raise(mach_port_t at, mach_port_t thread, mach_port_t task,
    exception_type_t exception, exception_data_t code,
    mach_msg_type_number_t codeCnt)
{
	see('d', at, exception, codeCnt);
	seen.code[0] = code[0];
	seen.code[1] = code[1];
	if (seen.answer == KERN_SUCCESS && task != self)
		set_pc(thread, AT(small_spin));
	see_identity(thread, task);
	return leave();
}

kern_return_t
catch_exception_raise_state(mach_port_t at, exception_type_t exception,
    exception_data_t code, mach_msg_type_number_t codeCnt, int *flavor,
    thread_state_t old, mach_msg_type_number_t oldCnt, thread_state_t new,
    mach_msg_type_number_t *newCnt)
{
	see('s', at, exception, codeCnt);
	seen.code[0] = code[0];
	seen.code[1] = code[1];
	see_state(*flavor, old, oldCnt, new, newCnt);
	return leave();
}

/* One loop for both, as programs have it that do not know who asks. */
static boolean_t
both(mach_msg_header_t *in, mach_msg_header_t *out)
{
	return mach_exc_server(in, out) || exc_server(in, out);
}

static mach_msg_return_t ended;

static void
serve(void *arg)
{
	(void)arg;
	ended = mach_msg_server(both,
	    sizeof(union __RequestUnion__catch_mach_exc_subsystem) +
		MAX_TRAILER_SIZE,
	    port, MACH_MSG_OPTION_NONE);
}

static struct mach_thread *
start(void)
{
	struct mach_thread *thread;

	memset(&seen, 0, sizeof(seen));
	port = port_new_send();
	must(mach_thread_start(serve, NULL, 64 * 1024, &thread));
	return thread;
}

/* The last exception has taken the port with it. */
static void
stop(struct mach_thread *thread)
{
	mach_thread_join(thread);
	is(ended, MACH_RCV_INVALID_NAME, "the loop ends with its port");
	mach_port_deallocate(self, port);
}

/* ---- exceptions ---- */

static const struct {
	const char *name;
	unsigned behavior;
	char which;
} behaviors[] = {
    {"DEFAULT", EXCEPTION_DEFAULT, 'd'},
    {"STATE", EXCEPTION_STATE, 's'},
    {"DEFAULT, wide", EXCEPTION_DEFAULT | CODES, 'D'},
    {"STATE, wide", EXCEPTION_STATE | CODES, 'S'},
    {"STATE_IDENTITY, wide", EXCEPTION_STATE_IDENTITY | CODES, 'I'},
};

#define BEHAVIORS (sizeof(behaviors) / sizeof(behaviors[0]))

static void
check_seen(const char *name, unsigned behavior, const struct small *small)
{
	bool state = (behavior & 7) != EXCEPTION_DEFAULT;
	bool identity = (behavior & 7) != EXCEPTION_STATE;

	is(seen.exception, EXC_BAD_ACCESS, "%s: the exception", name);
	is(seen.codes, 2, "%s: two codes", name);
	is(seen.code[0], KERN_INVALID_ADDRESS, "%s: why", name);
	is(seen.code[1], behavior & CODES ? WRONG_PLACE : (uint32_t)WRONG_PLACE,
	    "%s: where", name);
	ok(!identity ||
		(seen.thread == small->thread && seen.task == small->task),
	    "%s: whose", name);
	ok(!state || (seen.flavor == RISCV64_THREAD_STATE &&
			 seen.words == RISCV64_THREAD_STATE_COUNT &&
			 seen.room >= seen.words && seen.pc == AT(small_load)),
	    "%s: the registers, and room for others", name);
}

static void
test_behaviors(void)
{
	struct mach_thread *thread = start();

	for (unsigned i = 0; i < BEHAVIORS; i++) {
		const char *name = behaviors[i].name;
		unsigned calls = seen.calls;
		struct small small;

		small_make(&small, MACH_PORT_NULL, 0);
		listen(small.task, EXC_MASK_BAD_ACCESS, port,
		    behaviors[i].behavior);
		seen.last = i == BEHAVIORS - 1;
		small_run(&small, small_load, WRONG_PLACE, 0);
		ok(goes_on(&small), "%s: the thread goes on", name);
		is(seen.calls, calls + 1, "%s: one function was called", name);
		is(seen.which, behaviors[i].which, "%s: the right one", name);
		is(seen.port, port, "%s: with its port", name);
		check_seen(name, behaviors[i].behavior, &small);
		is(send_refs(small.task), 1, "%s: no right is left", name);
		small_kill(&small);
	}
	stop(thread);
}

/* A function that refuses, and one that is not there. */
static void
test_refusals(void)
{
	struct mach_thread *thread = start();
	struct small small;

	seen.answer = KERN_FAILURE;
	small_make(&small, MACH_PORT_NULL, 0);
	listen(
	    small.task, EXC_MASK_BAD_ACCESS, port, EXCEPTION_DEFAULT | CODES);
	small_run(&small, small_load, WRONG_PLACE, 0);
	ok(dies(small.task), "who is refused ends");
	is(seen.which, 'D', "after the function was asked");
	small_forget(&small);

	seen.which = 0;
	small_make(&small, MACH_PORT_NULL, 0);
	listen(small.task, EXC_MASK_BAD_ACCESS, port, EXCEPTION_STATE_IDENTITY);
	small_run(&small, small_load, WRONG_PLACE, 0);
	ok(dies(small.task), "a function that is not defined refuses");
	is(seen.which, 0, "and no other is called");
	small_forget(&small);

	seen.last = true;
	must(mach_port_insert_right(self, port, port, MACH_MSG_TYPE_MAKE_SEND));
	is(mach_exception_raise(
	       port, self, self, EXC_SOFTWARE, (int64_t[]){1, 2}, 2),
	    KERN_FAILURE, "a program that asks is refused, too");
	mach_port_deallocate(self, port);
	stop(thread);
}

/* An exception that a program hands on. */
static void
test_calls(void)
{
	struct mach_thread *thread = start();
	int64_t wide[2] = {-5, 1L << 40};
	int narrow[2] = {7, -8};
	natural_t old[RISCV64_THREAD_STATE_COUNT] = {1, 2, 3}, new[80];
	mach_msg_type_number_t count = 80;
	int flavor = 33;
	unsigned references = send_refs(self);

	is(exception_raise(port, self, self, EXC_SOFTWARE, narrow, 2),
	    KERN_SUCCESS, "a handler of old is asked");
	ok(seen.which == 'd' && seen.exception == EXC_SOFTWARE &&
		seen.code[0] == 7 && seen.code[1] == -8 && seen.thread == self,
	    "and is told what was asked");
	is(mach_exception_raise(port, self, self, EXC_ARITHMETIC, wide, 1),
	    KERN_SUCCESS, "one of today");
	ok(seen.which == 'D' && seen.codes == 1 && seen.code[0] == -5,
	    "with as many codes as there are");
	is(mach_exception_raise(port, self, self, EXC_ARITHMETIC, wide, 3),
	    MIG_ARRAY_TOO_LARGE, "two at most");
	is(send_refs(self), references, "rights stay the caller's");
	seen.last = true;
	is(mach_exception_raise_state(port, EXC_SOFTWARE, wide, 2, &flavor, old,
	       RISCV64_THREAD_STATE_COUNT, new, &count),
	    KERN_SUCCESS, "registers go there");
	ok(seen.which == 'S' && seen.code[1] == 1L << 40 && seen.flavor == 33 &&
		seen.words == RISCV64_THREAD_STATE_COUNT,
	    "all of them");
	ok(count == RISCV64_THREAD_STATE_COUNT && flavor == 33 && new[2] == 3,
	    "and come back");
	stop(thread);
}

/* ---- questions that nobody should ask ---- */

static struct {
	mach_msg_header_t header;
	uint32_t word[400];
} raw;

/* The answer to the first @size bytes of @raw, as @id. */
static kern_return_t
answer_to(mach_msg_id_t id, unsigned size, unsigned bits)
{
	return ask_raw(port, id, bits, &raw, size);
}

/* Two rights to @right, and then zeros. */
static void
fill_rights(mach_port_t right, mach_msg_type_name_t disposition)
{
	mach_msg_port_descriptor_t descriptor = {
	    .name = right,
	    .disposition = disposition,
	    .type = MACH_MSG_PORT_DESCRIPTOR,
	};

	memset(raw.word, 0, sizeof(raw.word));
	raw.word[0] = 2;
	memcpy(&raw.word[1], &descriptor, sizeof(descriptor));
	memcpy(&raw.word[4], &descriptor, sizeof(descriptor));
}

#define RAISE_SIZE ((unsigned)sizeof(__Request__mach_exception_raise_t))
#define COUNT_AT   (7 + 3) /* behind rights: NDR, the exception, this word */

static void
test_hostile(void)
{
	struct mach_thread *thread = start();
	mach_port_t mine = port_new_send();
	unsigned bad = 0, calls;

	memset(raw.word, 0, sizeof(raw.word));
	for (unsigned i = 0; i < 3; i++) {
		bad += answer_to(2401 + (int)i, 40, 0) != MIG_BAD_ARGUMENTS;
		bad += answer_to(2405 + (int)i, 40, 0) != MIG_BAD_ARGUMENTS;
	}
	is(bad, 0, "requests too short");
	is(answer_to(2404, 40, 0), MIG_BAD_ID, "one that nobody knows");
	is(answer_to(2408, 40, 0), MIG_BAD_ID, "nor this");

	fill_rights(mine, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	is(answer_to(2405, RAISE_SIZE - 16, MACH_MSGH_BITS_COMPLEX),
	    MIG_TYPE_ERROR, "rights of another kind");
	is(take(mine), MACH_NOTIFY_SEND_ONCE, "which are given up");
	is(take(mine), MACH_NOTIFY_SEND_ONCE, "both");

	fill_rights(mine, MACH_MSG_TYPE_COPY_SEND);
	raw.word[COUNT_AT] = 3;
	is(answer_to(2405, RAISE_SIZE, MACH_MSGH_BITS_COMPLEX),
	    MIG_BAD_ARGUMENTS, "more codes than there may be");
	fill_rights(mine, MACH_MSG_TYPE_COPY_SEND);
	raw.word[COUNT_AT] = 2;
	is(answer_to(2405, RAISE_SIZE + 4, MACH_MSGH_BITS_COMPLEX),
	    MIG_BAD_ARGUMENTS, "a word too many");
	is(senders(mine), 1, "their rights are given up");
	is(seen.calls, 0, "and no function was called");

	calls = seen.calls;
	seen.last = true;
	fill_rights(mine, MACH_MSG_TYPE_COPY_SEND);
	raw.word[COUNT_AT] = 2;
	seen.answer = KERN_FAILURE;
	is(answer_to(2405, RAISE_SIZE, MACH_MSGH_BITS_COMPLEX), KERN_FAILURE,
	    "one that is right reaches it");
	is(seen.calls, calls + 1, "once");
	is(senders(mine), 1, "and its rights come back");
	stop(thread);
	port_end(mine);
}

/* ---- notifications ---- */

static struct {
	char which;
	mach_port_t notify, name;
	unsigned count;
} told;

static kern_return_t
hear(char which, mach_port_t notify, mach_port_t name, unsigned count)
{
	told.which = which;
	told.notify = notify;
	told.name = name;
	told.count = count;
	return KERN_SUCCESS;
}

kern_return_t
do_mach_notify_port_deleted(notify_port_t notify, mach_port_name_t name)
{
	return hear('x', notify, name, 0);
}

kern_return_t
do_mach_notify_send_possible(notify_port_t notify, mach_port_name_t name)
{
	return hear('p', notify, name, 0);
}

kern_return_t
do_mach_notify_port_destroyed(notify_port_t notify, mach_port_t rights)
{
	return hear('d', notify, rights, 0);
}

kern_return_t
do_mach_notify_no_senders(notify_port_t notify, mach_port_mscount_t mscount)
{
	return hear('n', notify, MACH_PORT_NULL, mscount);
}

kern_return_t
do_mach_notify_dead_name(notify_port_t notify, mach_port_name_t name)
{
	return hear('m', notify, name, 0);
}

static void
hear_one(mach_port_t notify, char which, mach_port_t name, const char *what)
{
	memset(&told, 0, sizeof(told));
	is(mach_msg_server_once(notify_server,
	       sizeof(union __RequestUnion__do_notify_subsystem) +
		   MAX_TRAILER_SIZE,
	       notify, MACH_MSG_OPTION_NONE),
	    MACH_MSG_SUCCESS, "%s: comes", what);
	is(told.which, which, "%s: by its function", what);
	ok(which == 0 || (told.notify == notify && told.name == name),
	    "%s: with its name", what);
}

static void
ask_to_be_told(mach_port_t name, mach_msg_id_t what, mach_port_t notify)
{
	mach_port_t previous;

	must(mach_port_request_notification(self, name, what,
	    what != MACH_NOTIFY_PORT_DESTROYED, notify,
	    MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous));
}

static void
test_notifications(void)
{
	mach_port_t notify = port_new(), one = port_new_send(), once;
	mach_msg_type_name_t type;

	ask_to_be_told(one, MACH_NOTIFY_NO_SENDERS, notify);
	mach_port_deallocate(self, one);
	hear_one(notify, 'n', MACH_PORT_NULL, "no senders");
	is(told.count, 1, "no senders: how many were made");

	must(mach_port_insert_right(self, one, one, MACH_MSG_TYPE_MAKE_SEND));
	ask_to_be_told(one, MACH_NOTIFY_PORT_DESTROYED, notify);
	must(mach_port_mod_refs(self, one, MACH_PORT_RIGHT_RECEIVE, -1));
	hear_one(notify, 'd', one, "port destroyed");
	ok(type_of(one) & MACH_PORT_TYPE_RECEIVE, "port destroyed: it is here");

	set_limit(one, 1);
	must(post(one, 1));
	ask_to_be_told(one, MACH_NOTIFY_SEND_POSSIBLE, notify);
	is(take(one), 1, "a full queue has room again");
	hear_one(notify, 'p', one, "send possible");
	ask_to_be_told(one, MACH_NOTIFY_DEAD_NAME, notify);
	must(mach_port_mod_refs(self, one, MACH_PORT_RIGHT_RECEIVE, -1));
	hear_one(notify, 'm', one, "dead name");
	must(mach_port_mod_refs(self, one, MACH_PORT_RIGHT_DEAD_NAME, -2));

	/* The library's answers for what the program has no function for. */
	must(mach_port_extract_right(
	    self, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once, &type));
	mach_port_deallocate(self, once);
	hear_one(notify, 0, MACH_PORT_NULL, "send once");
	port_end(notify);
}

/* What others send in the kernel's words. */
static void
test_false_notifications(void)
{
	mach_port_t mine = port_new_send();
	struct parcel parcel;
	struct note note;

	port = port_new_send();
	parcel_fill(&parcel, port, mine, MACH_MSG_TYPE_COPY_SEND);
	parcel.header.msgh_id = MACH_NOTIFY_PORT_DESTROYED;
	must(send_message(&parcel,
	    sizeof(mach_msg_base_t) + sizeof(mach_msg_port_descriptor_t)));
	hear_one(port, 0, MACH_PORT_NULL, "a right of another kind");
	is(senders(mine), 1, "it is given up");

	memset(&note, 0, sizeof(note));
	must(
	    send_note(port, MACH_MSG_TYPE_COPY_SEND, MACH_NOTIFY_DEAD_NAME, 0));
	hear_one(port, 0, MACH_PORT_NULL, "a notification too long");
	must(send_note(port, MACH_MSG_TYPE_COPY_SEND, MACH_NOTIFY_FIRST, 0));
	hear_one(port, 0, MACH_PORT_NULL, "one that there is not");
	port_end(mine);
	port_end(port);
}

int
main(void)
{
	unsigned names;

	self = mach_task_self();
	tap_hold();
	mig_get_reply_port();
	threads_keep();
	names = name_count();
	test_behaviors();
	test_refusals();
	test_calls();
	test_hostile();
	test_notifications();
	test_false_notifications();
	is(name_count(), names, "no name is left");
	return done();
}
