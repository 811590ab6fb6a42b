/*
 * faults.c: threads that fault without end, handlers that have them go on, and
 * blows to both.
 *
 * What a thread of such a task asks goes to a port of the pool first, now and
 * then: nobody there knows an answer, and the question is thrown away.  Then it
 * comes to us, who always answer, so that no task is ended for its faults.
 */
#include "test/soak/soak.h"
#include "test/user/exceptions.h"

#define CULPRITS 3
#define STOP	 4242

static mach_port_t questions;
static struct small culprits[CULPRITS];

static unsigned
any_behavior(struct worker *worker)
{
	unsigned kind = EXCEPTION_DEFAULT + chance(worker, 3);

	return chance(worker, 2) == 0 ? kind : kind | CODES;
}

static void
culprit_make(struct small *small, struct worker *worker)
{
	small_make(small, MACH_PORT_NULL, 0);
	hold(small->task);
	listen(
	    small->task, EXC_MASK_BREAKPOINT, questions, any_behavior(worker));
	small_run(small, small_break, 0, 0);
	hold(small->thread);
	lower(small->thread, 2);
}

void
faults_start(struct worker *worker)
{
	questions = port_new_send();
	for (int i = 0; i < CULPRITS; i++)
		culprit_make(&culprits[i], worker);
}

/* A blow to one of them. */
void
disturb_culprit(struct worker *worker)
{
	struct small *small = &culprits[chance(worker, CULPRITS)];

	switch (chance(worker, 8)) {
	case 0:
		end_small(small);
		culprit_make(small, worker);
		break;
	case 1:
		must(task_suspend(small->task));
		must(task_resume(small->task));
		break;
	case 2:
	case 3:
		/* A port that dies meanwhile is nobody to be asked. */
		(void)thread_set_exception_ports(small->thread,
		    EXC_MASK_BREAKPOINT, any_port(worker),
		    (exception_behavior_t)any_behavior(worker),
		    RISCV64_THREAD_STATE);
		break;
	case 4:
		set_pc(small->thread, AT(small_break));
		break;
	case 5:
		must(thread_suspend(small->thread));
		must(thread_abort(small->thread));
		must(thread_resume(small->thread));
		break;
	default:
		must(thread_abort(small->thread));
	}
}

/* Answers and waits in one call, as handlers do, until told to stop. */
void
work_handler(struct worker *worker)
{
	struct question question;
	kern_return_t kr = ask_long(&question, questions);

	while (kr == MACH_MSG_SUCCESS && question.id != STOP) {
		if (!question.sound)
			complain("a question arrived changed");
		question_drop(&question);
		worker->questions++;
		kr = answer_and_ask(&question, KERN_SUCCESS);
		if (kr == MACH_MSG_SUCCESS)
			continue;
		/* Who asked may be gone. */
		mach_port_deallocate(mach_task_self(), question.reply);
		kr = ask_long(&question, questions);
	}
	if (kr != MACH_MSG_SUCCESS)
		complain("a handler heard nothing more");
}

void
faults_end(unsigned handlers)
{
	for (int i = 0; i < CULPRITS; i++)
		end_small(&culprits[i]);
	for (unsigned i = 0; i < handlers; i++)
		must(send_note(questions, MACH_MSG_TYPE_COPY_SEND, STOP, 0));
}
