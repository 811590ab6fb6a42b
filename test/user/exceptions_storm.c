/*
 * exceptions_storm.c: handlers that answer and wait in one call, as fast as
 * they can, while others stop, abort and end the threads that ask.
 */
#include "test/user/exceptions.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <baton/thread.h>

#define ROUNDS	200
#define TASKS	4
#define SERVERS 3
#define BLOWS	150
#define STOP	4242

static const unsigned behaviors[] = {EXCEPTION_DEFAULT, EXCEPTION_STATE,
    EXCEPTION_STATE_IDENTITY, EXCEPTION_DEFAULT | CODES,
    EXCEPTION_STATE | CODES, EXCEPTION_STATE_IDENTITY | CODES};

static task_t self;
static mach_port_t port;

static void
culprit_make(struct small *small, unsigned behavior)
{
	small_make(small, MACH_PORT_NULL, 0);
	listen(small->task, EXC_MASK_BREAKPOINT, port, behavior);
	small_run(small, small_break, 0, 0);
}

/* The same question again and again: it must be whole each time. */
static void
test_rounds(void)
{
	for (unsigned i = 0; i < sizeof(behaviors) / sizeof(*behaviors); i++) {
		struct question question;
		struct small small;
		unsigned wrong = 0;

		culprit_make(&small, behaviors[i]);
		must(ask_long(&question, port));
		for (int round = 0; round < ROUNDS; round++) {
			bool identity = (behaviors[i] & 7) != EXCEPTION_STATE;

			wrong += !question.sound ||
				 question.id != question_id(behaviors[i]) ||
				 question.exception != EXC_BREAKPOINT ||
				 question.code[1] != (int64_t)AT(small_break);
			wrong +=
			    identity && (question.identity != small.thread ||
					    question.task != small.task);
			wrong += question.words > 0 &&
				 question_pc(&question) != AT(small_break);
			question_drop(&question);
			must(answer_and_ask(&question, KERN_SUCCESS));
		}
		is(wrong, 0, "%d questions of behavior %#x are as they ought",
		    ROUNDS, behaviors[i]);
		question_drop(&question);
		must(task_terminate(small.task));
		must(mach_port_deallocate(self, question.reply));
		small_forget(&small);
	}
}

/* ---- the storm ---- */

static atomic_uint served;

static void
serve(void *arg)
{
	struct question question;
	kern_return_t kr = ask_long(&question, port);

	(void)arg;
	while (question.id != STOP) {
		question_drop(&question);
		served++;
		kr = answer_and_ask(&question, KERN_SUCCESS);
		/* Who asked may be gone. */
		if (kr != MACH_MSG_SUCCESS) {
			mach_port_deallocate(self, question.reply);
			kr = ask_long(&question, port);
		}
		must(kr);
	}
}

static void
blow(struct small *small, unsigned kind)
{
	switch (kind % 5) {
	case 0:
		must(thread_abort(small->thread));
		break;
	case 1:
		must(thread_suspend(small->thread));
		must(thread_abort(small->thread));
		must(thread_resume(small->thread));
		break;
	case 2:
		must(thread_suspend(small->thread));
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_DEPRESS, 1);
		must(thread_resume(small->thread));
		break;
	case 3:
		must(task_suspend(small->task));
		must(task_resume(small->task));
		break;
	default:
		small_kill(small);
		culprit_make(small, behaviors[kind / 5 % 6]);
		break;
	}
}

static void
test_storm(void)
{
	struct mach_thread *server[SERVERS];
	struct small small[TASKS];

	for (unsigned i = 0; i < SERVERS; i++)
		must(mach_thread_start(serve, NULL, 0, &server[i]));
	for (unsigned i = 0; i < TASKS; i++)
		culprit_make(&small[i], behaviors[i]);
	for (unsigned i = 0; i < BLOWS; i++)
		blow(&small[(unsigned)rand() % TASKS], (unsigned)rand());
	for (unsigned i = 0; i < TASKS; i++)
		small_kill(&small[i]);
	for (unsigned i = 0; i < SERVERS; i++)
		must(post(port, STOP));
	for (unsigned i = 0; i < SERVERS; i++)
		mach_thread_join(server[i]);
	ok(served > BLOWS / 10, "questions were answered meanwhile");
}

int
main(void)
{
	struct baton_kernel_counters before, after;

	self = mach_task_self();
	tap_hold();
	port = port_new_send();
	test_rounds();
	test_storm(); /* the first fills the kernel's caches */
	before = quiet_counters();
	test_storm();
	after = quiet_counters();
	is(after.objects[BATON_OBJECT_TASK], before.objects[BATON_OBJECT_TASK],
	    "all tasks are gone");
	is(after.objects[BATON_OBJECT_THREAD],
	    before.objects[BATON_OBJECT_THREAD], "and all threads");
	is(after.objects[BATON_OBJECT_MESSAGE],
	    before.objects[BATON_OBJECT_MESSAGE], "and all questions");
	/* Threads remember the ports that they used last. */
	ok(after.objects[BATON_OBJECT_PORT] <
		before.objects[BATON_OBJECT_PORT] + TASKS * SERVERS,
	    "and the ports");
	return done();
}
