/*
 * exceptions_again.c: a handler that answers and asks in one call, over and
 * over, so that the kernel knows handler and thread from last time; and all
 * that may have changed since.
 */
#include "test/user/exceptions.h"

#include <string.h>

#define USUAL ((unsigned)EXCEPTION_DEFAULT | CODES)
#define OFTEN 6

static task_t self;

/* A thread that breaks again and again, and its question of just now. */
static struct stage {
	struct small small;
	mach_port_t port;
	struct question question;
} stage;

static void
ask_often(void)
{
	for (int i = 0; i < OFTEN; i++) {
		question_drop(&stage.question);
		must(answer_and_ask(&stage.question, KERN_SUCCESS));
	}
}

static void
stage_begin(unsigned behavior)
{
	stage.port = port_new_send();
	small_make(&stage.small, MACH_PORT_NULL, 0);
	listen(stage.small.task, EXC_MASK_BREAKPOINT, stage.port, behavior);
	small_run(&stage.small, small_break, 0, 0);
	must(ask_long(&stage.question, stage.port));
	ask_often();
}

static void
stage_end(void)
{
	small_kill(&stage.small);
	if (stage.question.reply != MACH_PORT_NULL)
		must(mach_port_deallocate(self, stage.question.reply));
	port_end(stage.port);
}

/* Is it the stage's thread and task that it tells of, in a sound message? */
static bool
is_ours(const struct question *question, mach_port_t thread, mach_port_t task)
{
	return question->sound && question->exception == EXC_BREAKPOINT &&
	       question->identity == thread && question->task == task &&
	       question->code[1] == (int64_t)AT(small_break);
}

static void
test_again(unsigned behavior, const char *what)
{
	bool sound = true;
	unsigned before, rights;

	stage_begin(behavior);
	question_drop(&stage.question);
	before = stage.question.identity == MACH_PORT_NULL
		     ? 0
		     : refs(stage.small.thread, MACH_PORT_RIGHT_SEND);
	for (int i = 0; i < OFTEN; i++) {
		must(answer_and_ask(&stage.question, KERN_SUCCESS));
		sound &= stage.question.sound &&
			 stage.question.id == question_id(behavior) &&
			 stage.question.exception == EXC_BREAKPOINT;
	}
	ok(sound, "%s: all questions are sound", what);
	if (before != 0) {
		rights = refs(stage.small.thread, MACH_PORT_RIGHT_SEND);
		is(rights - before, OFTEN, "%s: each brought a right", what);
		must(mach_port_mod_refs(self, stage.small.thread,
		    MACH_PORT_RIGHT_SEND, (int)(before - rights)));
		must(mach_port_mod_refs(self, stage.small.task,
		    MACH_PORT_RIGHT_SEND, (int)(before - rights)));
	}
	stage_end();
}

/* ---- who is asked, and how, is set anew ---- */

static void
test_other_port(void)
{
	mach_port_t other = port_new_send();
	struct question question;

	stage_begin(USUAL);
	must(thread_set_exception_ports(stage.small.thread, EXC_MASK_BREAKPOINT,
	    other, (exception_behavior_t)USUAL, 0));
	must(answer(&stage.question, KERN_SUCCESS));
	ok(ask_for(&question, other), "the thread's own port, set since");
	ok(is_ours(&question, stage.small.thread, stage.small.task),
	    "hears the same");
	question_drop(&question);
	question_drop(&stage.question);
	must(thread_set_exception_ports(
	    stage.small.thread, EXC_MASK_BREAKPOINT, MACH_PORT_NULL, 0, 0));
	must(answer(&question, KERN_SUCCESS));
	must(ask_long(&stage.question, stage.port));
	ok(is_ours(&stage.question, stage.small.thread, stage.small.task),
	    "without it the task's is asked again");
	listen(stage.small.task, EXC_MASK_BREAKPOINT, stage.port,
	    EXCEPTION_STATE_IDENTITY);
	ask_often();
	ok(stage.question.sound &&
		stage.question.id == question_id(EXCEPTION_STATE_IDENTITY),
	    "in the other way that was asked for since");
	question_drop(&stage.question);
	stage_end();
	port_end(other);
}

/* A task has a new exception port whose number was the old one's. */
static void
test_port_replaced(void)
{
	mach_port_t name;

	stage_begin(USUAL);
	name = stage.port;
	port_end(name);
	stage.port = port_new_send();
	listen(stage.small.task, EXC_MASK_BREAKPOINT, stage.port, USUAL);
	must(answer(&stage.question, KERN_SUCCESS));
	question_drop(&stage.question);
	ok(ask_for(&stage.question, stage.port),
	    "the port died and has a successor");
	question_drop(&stage.question);
	stage_end();
}

/* ---- the handler's names ---- */

static void
test_names_given_up(void)
{
	task_t task;
	thread_t thread;

	stage_begin(USUAL);
	thread = stage.small.thread;
	task = stage.small.task;
	/* All of them: what the handler calls them is for the next to say. */
	must(mach_port_destroy(self, thread));
	must(mach_port_destroy(self, task));
	/* The same names are other ports'. */
	must(mach_port_allocate_name(self, MACH_PORT_RIGHT_RECEIVE, thread));
	must(mach_port_allocate_name(self, MACH_PORT_RIGHT_RECEIVE, task));
	must(answer_and_ask(&stage.question, KERN_SUCCESS));
	ok(stage.question.sound && stage.question.identity != thread &&
		stage.question.task != task,
	    "names that mean something else are not told");
	is(type_of(stage.question.task), MACH_PORT_TYPE_SEND, "but new ones");
	stage.small.thread = stage.question.identity;
	stage.small.task = stage.question.task;
	must(mach_port_mod_refs(
	    self, stage.question.identity, MACH_PORT_RIGHT_SEND, 1));
	must(mach_port_mod_refs(
	    self, stage.question.task, MACH_PORT_RIGHT_SEND, 1));
	ask_often();
	ok(is_ours(&stage.question, stage.small.thread, stage.small.task),
	    "and those again");
	question_drop(&stage.question);
	port_end(thread);
	port_end(task);
	stage_end();
}

/* The entry is the same, and the generation comes round again. */
static void
test_generation(void)
{
	thread_t thread;
	bool sound = true;

	stage_begin(USUAL);
	must(mach_port_deallocate(self, stage.question.task));
	for (int i = 0; i < 600; i++) {
		thread = stage.question.identity;
		if (i % 2 == 0) {
			/* It goes, and comes with the next question. */
			must(mach_port_destroy(self, thread));
			must(answer_and_ask(&stage.question, KERN_SUCCESS));
		} else {
			must(answer_and_ask(&stage.question, KERN_SUCCESS));
			sound &= stage.question.identity == thread;
		}
		sound &=
		    stage.question.sound &&
		    type_of(stage.question.identity) == MACH_PORT_TYPE_SEND;
		must(mach_port_deallocate(self, stage.question.task));
	}
	stage.small.thread = stage.question.identity;
	must(mach_port_deallocate(self, stage.small.thread));
	ok(sound, "a name given up and made anew, many times");
	stage_end();
}

/* A request for the name's death makes it another kind of entry. */
static void
test_request(void)
{
	mach_port_t notify = port_new(), previous;

	stage_begin(USUAL);
	must(mach_port_request_notification(self, stage.small.thread,
	    MACH_NOTIFY_DEAD_NAME, 0, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE,
	    &previous));
	question_drop(&stage.question);
	must(answer_and_ask(&stage.question, KERN_SUCCESS));
	ok(is_ours(&stage.question, stage.small.thread, stage.small.task),
	    "somebody asked to hear of the name's end");
	question_drop(&stage.question);
	must(thread_terminate(stage.small.thread));
	is(take_later(notify), MACH_NOTIFY_DEAD_NAME, "and does");
	stage_end();
	must(mach_port_deallocate(self, stage.small.thread));
	port_end(notify);
}

/* ---- what becomes of who waits ---- */

static void
test_abort(void)
{
	struct question first;

	stage_begin(USUAL);
	first = stage.question;
	must(thread_abort(stage.small.thread));
	must(ask_long(&stage.question, stage.port));
	ok(stage.question.sound, "aborted, it asks once more");
	is(type_of(first.reply), MACH_PORT_TYPE_DEAD_NAME,
	    "and no answer to the first is taken");
	must(mach_port_deallocate(self, first.reply));
	question_drop(&first);
	ask_often();
	ok(stage.question.sound, "and goes on asking");
	question_drop(&stage.question);
	stage_end();
}

static void
test_end(void)
{
	stage_begin(USUAL);
	question_drop(&stage.question);
	must(thread_terminate(stage.small.thread));
	ok(dies(stage.small.thread), "it can be ended");
	is(type_of(stage.question.reply), MACH_PORT_TYPE_DEAD_NAME,
	    "so there is nobody to be answered");
	stage_end();

	stage_begin(USUAL);
	question_drop(&stage.question);
	must(task_terminate(stage.small.task));
	ok(dies(stage.small.thread), "so can its task");
	is(answer(&stage.question, KERN_SUCCESS), MACH_SEND_INVALID_DEST,
	    "an answer comes too late");
	must(mach_port_deallocate(self, stage.question.reply));
	small_forget(&stage.small);
	port_end(stage.port);
}

/* Its registers are read and written meanwhile, as handlers do. */
static void
test_registers(void)
{
	stage_begin(USUAL);
	for (int i = 0; i < OFTEN; i++) {
		set_pc(stage.small.thread, AT(small_break));
		question_drop(&stage.question);
		must(answer_and_ask(&stage.question, KERN_SUCCESS));
	}
	ok(is_ours(&stage.question, stage.small.thread, stage.small.task),
	    "its registers are set before each answer");
	question_drop(&stage.question);
	must(thread_suspend(stage.small.thread));
	set_pc(stage.small.thread, AT(small_spin));
	must(answer(&stage.question, KERN_SUCCESS));
	stage.question.reply = MACH_PORT_NULL;
	must(thread_resume(stage.small.thread));
	ok(goes_on(&stage.small), "at last it goes where it was sent");
	stage_end();
}

/* ---- what becomes of the answer ---- */

static void
test_refused(void)
{
	mach_port_t last = port_new_send();
	struct question question;

	stage_begin(USUAL);
	must(thread_set_exception_ports(stage.small.thread, EXC_MASK_BREAKPOINT,
	    last, (exception_behavior_t)USUAL, 0));
	must(answer(&stage.question, KERN_SUCCESS));
	question_drop(&stage.question);
	must(ask_long(&question, last));
	for (int i = 0; i < OFTEN; i++) {
		question_drop(&question);
		must(answer_and_ask(&question, KERN_SUCCESS));
	}
	must(answer(&question, KERN_FAILURE));
	question_drop(&question);
	must(ask_long(&stage.question, stage.port));
	ok(stage.question.sound, "an answer that says no: the next is asked");
	must(answer(&stage.question, KERN_SUCCESS));
	question_drop(&stage.question);

	must(ask_long(&question, last));
	for (int i = 0; i < OFTEN; i++) {
		question_drop(&question);
		must(answer_and_ask(&question, KERN_SUCCESS));
	}
	must(mach_port_deallocate(self, question.reply));
	question_drop(&question);
	must(ask_long(&stage.question, stage.port));
	ok(stage.question.sound, "a right given up: the next is asked");
	question_drop(&stage.question);
	stage_end();
	port_end(last);
}

/* The answer to one is not the other's. */
static void
test_two(void)
{
	struct question first, second;
	struct small other;

	stage_begin(USUAL);
	first = stage.question;
	small_make(&other, MACH_PORT_NULL, 0);
	listen(other.task, EXC_MASK_BREAKPOINT, stage.port, USUAL);
	small_run(&other, small_break, 0, 0);
	must(ask_long(&second, stage.port));
	ok(is_ours(&second, other.thread, other.task), "another one asks");
	for (int i = 0; i < OFTEN; i++) {
		question_drop(&second);
		must(answer_and_ask(&second, KERN_SUCCESS));
	}
	question_drop(&first);
	must(answer_and_ask(&first, KERN_SUCCESS));
	ok(is_ours(&first, stage.small.thread, stage.small.task),
	    "the first one's answer lets the first one go on");
	question_drop(&first);
	question_drop(&second);
	small_kill(&other);
	stage.question.reply = second.reply;
	stage_end();
	must(mach_port_deallocate(self, first.reply));
}

int
main(void)
{
	unsigned names;

	self = mach_task_self();
	(void)mig_get_reply_port();
	names = name_count();
	tap_hold();
	test_again(USUAL, "usual");
	test_again(EXCEPTION_DEFAULT, "narrow");
	test_again(EXCEPTION_STATE | CODES, "state");
	test_again(EXCEPTION_STATE_IDENTITY, "state and identity");
	test_other_port();
	test_port_replaced();
	test_names_given_up();
	test_generation();
	test_request();
	test_abort();
	test_end();
	test_registers();
	test_refused();
	test_two();
	is(name_count(), names, "no name is left");
	return done();
}
