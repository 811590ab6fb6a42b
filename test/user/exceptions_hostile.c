/*
 * exceptions_hostile.c: handlers that answer nonsense, or not at all, and
 * threads that are stopped, aborted or ended while they wait for one.
 */
#include "test/user/exceptions.h"

#include <string.h>

static task_t self;

/* ---- handlers that do not do what they should ---- */

/* The task's handler refuses last, so a thread that nobody helps ends. */
struct stage {
	struct small small;
	mach_port_t bad, good;
	struct question question;
};

static void
stage_begin(struct stage *stage, unsigned behavior)
{
	stage->bad = port_new_send();
	stage->good = port_new_send();
	small_make(&stage->small, MACH_PORT_NULL, 0);
	listen(stage->small.task, EXC_MASK_BREAKPOINT, stage->good,
	    EXCEPTION_STATE | CODES);
	small_run(&stage->small, small_break, 0, 0);
	must(!ask_for(&stage->question, stage->good));
	must(thread_set_exception_ports(stage->small.thread,
	    EXC_MASK_BREAKPOINT, stage->bad, (exception_behavior_t)behavior,
	    RISCV64_THREAD_STATE));
	must(answer(&stage->question, KERN_SUCCESS));
	must(!ask_for(&stage->question, stage->bad));
	question_drop(&stage->question);
}

/* The bad one did his worst: now the good one is asked. */
static void
stage_end(struct stage *stage, const char *what)
{
	struct question question;

	ok(ask_for(&question, stage->good), "%s: the next is asked", what);
	question_set_pc(&question, AT(small_spin));
	must(answer(&question, KERN_SUCCESS));
	ok(goes_on(&stage->small), "%s: and the thread goes on", what);
	small_kill(&stage->small);
	port_end(stage->good);
	if (type_of(stage->bad) & MACH_PORT_TYPE_RECEIVE)
		port_end(stage->bad);
	else
		mach_port_deallocate(self, stage->bad);
}

static void
test_bad_answers(void)
{
	uint32_t body[5 + RISCV64_THREAD_STATE_COUNT] = {0};
	struct stage stage;

	memcpy(body, &NDR_record, sizeof(NDR_record));
	stage_begin(&stage, EXCEPTION_DEFAULT);
	must(answer_raw(&stage.question, 4711, body, 12));
	stage_end(&stage, "another id");

	stage_begin(&stage, EXCEPTION_DEFAULT);
	must(answer_raw(&stage.question, MSGID_EXCEPTION_RAISE + 100, body, 8));
	stage_end(&stage, "no result");

	stage_begin(&stage, EXCEPTION_DEFAULT | CODES);
	must(answer_raw(
	    &stage.question, MSGID_MACH_EXCEPTION_RAISE + 100, body, 16));
	stage_end(&stage, "too long a result");

	stage_begin(&stage, EXCEPTION_STATE);
	must(answer_raw(
	    &stage.question, MSGID_EXCEPTION_RAISE_STATE + 100, body, 12));
	stage_end(&stage, "a state is missing");

	stage_begin(&stage, EXCEPTION_STATE);
	body[3] = RISCV64_THREAD_STATE;
	body[4] = 0x40000000 + RISCV64_THREAD_STATE_COUNT;
	must(answer_raw(&stage.question, MSGID_EXCEPTION_RAISE_STATE + 100,
	    body, sizeof(body)));
	stage_end(&stage, "a count too large");

	stage_begin(&stage, EXCEPTION_STATE);
	body[4] = RISCV64_THREAD_STATE_COUNT - 1;
	must(answer_raw(&stage.question, MSGID_EXCEPTION_RAISE_STATE + 100,
	    body, sizeof(body) - 4));
	stage_end(&stage, "a word too few");

	stage_begin(&stage, EXCEPTION_STATE_IDENTITY);
	question_set_pc(&stage.question, 0xffffffff80000000);
	must(answer(&stage.question, KERN_SUCCESS));
	stage_end(&stage, "a state that leads into the kernel");

	stage_begin(&stage, EXCEPTION_STATE_IDENTITY | CODES);
	stage.question.flavor = 17;
	must(answer(&stage.question, KERN_SUCCESS));
	stage_end(&stage, "an unknown flavor");
}

/* An answer that carries something is no answer, and what it carries is not
 * lost. */
static void
test_complex_answer(void)
{
	struct parcel parcel;
	struct stage stage;
	mach_port_t port = port_new(), notify = port_new(), previous;

	must(mach_port_request_notification(self, port, MACH_NOTIFY_NO_SENDERS,
	    1, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous));
	stage_begin(&stage, EXCEPTION_DEFAULT);
	parcel_fill(
	    &parcel, stage.question.reply, port, MACH_MSG_TYPE_MAKE_SEND);
	parcel.header.msgh_bits =
	    MACH_MSGH_BITS_COMPLEX |
	    MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
	parcel.header.msgh_id = MSGID_EXCEPTION_RAISE + 100;
	must(send_message(&parcel, PARCEL_SIZE));
	stage_end(&stage, "an answer with a right in it");
	is(take_later(notify), MACH_NOTIFY_NO_SENDERS, "which is given up");
	port_end(port);
	port_end(notify);
}

static void
test_lost(void)
{
	struct stage stage;
	mach_port_t port;

	stage_begin(&stage, EXCEPTION_DEFAULT);
	must(mach_port_deallocate(self, stage.question.reply));
	stage_end(&stage, "the reply right is given up");

	stage_begin(&stage, EXCEPTION_DEFAULT);
	port = port_new_send();
	must(mach_port_request_notification(self, port, MACH_NOTIFY_DEAD_NAME,
	    1, stage.question.reply, MACH_MSG_TYPE_MOVE_SEND_ONCE,
	    &(mach_port_t){0}));
	must(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_RECEIVE, -1));
	stage_end(&stage, "it was used to ask for a notification");
	mach_port_deallocate(self, port);
	mach_port_deallocate(self, port); /* the notification's */

	stage_begin(&stage, EXCEPTION_DEFAULT);
	must(answer(&stage.question, KERN_FAILURE));
	is(answer(&stage.question, KERN_SUCCESS), MACH_SEND_INVALID_DEST,
	    "nobody answers twice");
	stage_end(&stage, "who tries to");
}

/* The question itself is lost, with the port or in the queue of a dead one. */
static void
test_dead_ports(void)
{
	struct stage stage;

	stage_begin(&stage, EXCEPTION_DEFAULT);
	must(answer(&stage.question, KERN_SUCCESS)); /* it faults again */
	sleep_ms(20);
	must(mach_port_mod_refs(self, stage.bad, MACH_PORT_RIGHT_RECEIVE, -1));
	stage_end(&stage, "the port died with the question");

	stage_begin(&stage, EXCEPTION_DEFAULT);
	must(mach_port_mod_refs(self, stage.bad, MACH_PORT_RIGHT_RECEIVE, -1));
	must(answer(&stage.question, KERN_SUCCESS));
	stage_end(&stage, "the port is dead already");

	stage_begin(&stage, EXCEPTION_DEFAULT);
	must(thread_set_exception_ports(stage.small.thread, EXC_MASK_BREAKPOINT,
	    stage.small.task, EXCEPTION_DEFAULT, 0));
	must(answer(&stage.question, KERN_SUCCESS));
	stage_end(&stage, "the port is the kernel's");
}

/* A full queue keeps no question out. */
static void
test_full_queue(void)
{
	struct stage stage;

	stage_begin(&stage, EXCEPTION_STATE);
	set_limit(stage.bad, 1);
	must(post(stage.bad, 5));
	is(post(stage.bad, 6), MACH_SEND_TIMED_OUT, "a queue is full");
	must(answer(&stage.question, KERN_SUCCESS));
	is(take(stage.bad), 5, "what was in it");
	ok(ask_for(&stage.question, stage.bad), "and the question behind it");
	must(answer(&stage.question, KERN_FAILURE));
	stage_end(&stage, "a full queue");
}

/* ---- what can be done to a thread that waits ---- */

static void
test_terminate(void)
{
	struct stage stage;

	stage_begin(&stage, EXCEPTION_DEFAULT);
	must(thread_terminate(stage.small.thread));
	ok(dies(stage.small.thread), "a thread that waits is ended");
	is(type_of(stage.question.reply), MACH_PORT_TYPE_DEAD_NAME,
	    "and its reply right with it");
	must(mach_port_deallocate(self, stage.question.reply));
	small_kill(&stage.small);
	port_end(stage.bad);
	port_end(stage.good);

	stage_begin(&stage, EXCEPTION_DEFAULT);
	must(task_terminate(stage.small.task));
	ok(dies(stage.small.thread), "so is one whose task ends");
	is(answer(&stage.question, KERN_SUCCESS), MACH_SEND_INVALID_DEST,
	    "an answer comes too late");
	must(mach_port_deallocate(self, stage.question.reply));
	small_forget(&stage.small);
	port_end(stage.bad);
	port_end(stage.good);
}

static void
test_abort(void)
{
	struct question again;
	struct stage stage;

	stage_begin(&stage, EXCEPTION_DEFAULT);
	must(thread_abort(stage.small.thread));
	ok(ask_for(&again, stage.bad), "an aborted thread faults again");
	is(type_of(stage.question.reply), MACH_PORT_TYPE_DEAD_NAME,
	    "its first question is void");
	must(mach_port_deallocate(self, stage.question.reply));
	question_drop(&again);
	must(thread_suspend(stage.small.thread));
	must(thread_abort(stage.small.thread));
	set_pc(stage.small.thread, AT(small_spin));
	ok(!ask_now(&stage.question, stage.bad), "a suspended one does not");
	must(thread_resume(stage.small.thread));
	ok(goes_on(&stage.small), "and goes where it was sent");
	must(mach_port_deallocate(self, again.reply));
	small_kill(&stage.small);
	port_end(stage.bad);
	port_end(stage.good);
}

static void
test_suspended(void)
{
	struct stage stage;

	stage_begin(&stage, EXCEPTION_STATE_IDENTITY);
	must(thread_suspend(stage.small.thread));
	question_set_pc(&stage.question, AT(small_spin));
	must(answer(&stage.question, KERN_SUCCESS));
	sleep_ms(10);
	must(thread_resume(stage.small.thread));
	ok(goes_on(&stage.small), "suspended while it waited, it goes on");
	small_kill(&stage.small);
	port_end(stage.bad);
	port_end(stage.good);
}

int
main(void)
{
	unsigned names;

	self = mach_task_self();
	(void)mig_get_reply_port();
	names = name_count();
	tap_hold();
	test_bad_answers();
	test_complex_answer();
	test_lost();
	test_dead_ports();
	test_full_queue();
	test_terminate();
	test_abort();
	test_suspended();
	is(name_count(), names, "no name is left");
	return done();
}
