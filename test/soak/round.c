/* round.c: one round: its threads, who disturbs them, and the end. */
#include "test/soak/soak.h"

#include <stdio.h>

#include <baton/thread.h>

#include "test/user/mach_test.h"

#define HANDLERS   2
#define WORKERS	   (14 + HANDLERS)
#define SMALLS	   3
#define PATIENCE   500 /* tries to end a thread, each after some time */
#define ORDERLY_MS 20

_Atomic mach_port_t ports[PORTS], sets[SETS];
atomic_bool over;
_Atomic(const char *) wrong;

static struct worker workers[WORKERS];
static struct small smalls[SMALLS];

void
complain(const char *what)
{
	const char *nothing = NULL;

	atomic_compare_exchange_strong(&wrong, &nothing, what);
}

static void
run(void *arg)
{
	struct worker *worker = arg;

	while (!over) {
		worker->work(worker);
		worker->turns++;
	}
	if (worker->reply != MACH_PORT_NULL)
		mach_port_mod_refs(mach_task_self(), worker->reply,
		    MACH_PORT_RIGHT_RECEIVE, -1);
	worker->done = true;
}

void
lower(thread_t thread, int by)
{
	thread_precedence_policy_data_t policy = {.importance = -by};

	must(thread_policy_set(thread, THREAD_PRECEDENCE_POLICY,
	    (thread_policy_t)&policy, THREAD_PRECEDENCE_POLICY_COUNT));
}

static void (*kind_of(unsigned i))(struct worker *)
{
	if (i < HANDLERS)
		return work_handler;
	return i % 7 < 2 ? work_client : i % 7 < 4 ? work_server : work_mixed;
}

static void
start(uint32_t seed, struct worker *self)
{
	for (int i = 0; i < PORTS; i++)
		ports[i] = port_new_send();
	for (int i = 0; i < SETS; i++) {
		mach_port_t set;

		must(mach_port_allocate(
		    mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set));
		sets[i] = set;
	}
	sync_start(self);
	faults_start(self);
	for (unsigned i = 0; i < WORKERS; i++) {
		struct worker *worker = &workers[i];

		worker->random = seed ^ (i + 1) * 0x9e3779b9u;
		worker->work = kind_of(i);
		must(mach_thread_start(run, worker, 0, &worker->thread));
		lower(mach_thread_port(worker->thread), 1);
	}
}

/* ---- who disturbs ---- */

static void
disturb_thread(struct worker *self)
{
	thread_t thread =
	    mach_thread_port(workers[chance(self, WORKERS)].thread);

	switch (chance(self, 3)) {
	case 0:
		(void)thread_abort(thread);
		break;
	case 1:
		(void)thread_abort_safely(thread);
		break;
	default:
		must(thread_suspend(thread));
		if (chance(self, 2))
			(void)thread_abort(thread);
		must(thread_resume(thread));
	}
}

/* A task that serves or calls some of our ports, and is ended in it. */
static void
disturb_small(struct worker *self)
{
	static const char *const routines[] = {
	    small_echo, small_call, small_call, small_receive};
	struct small *small = &smalls[chance(self, SMALLS)];
	bool serves = chance(self, 2) == 0;
	mach_port_t port = serves ? port_new() : any_port(self);

	if (small->task != MACH_PORT_NULL)
		end_small(small);
	small_make(small, MACH_PORT_NULL, 0);
	hold(small->task);
	if (serves) {
		/* We keep a send right: clients find the server under it. */
		mach_port_t old;

		must(mach_port_insert_right(
		    mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND));
		must(mach_port_insert_right(
		    small->task, SMALL_PORT, port, MACH_MSG_TYPE_MOVE_RECEIVE));
		old = atomic_exchange(&ports[chance(self, PORTS)], port);
		pool_give_up(old);
		small_run(small, small_echo, SMALL_PORT, 0);
		lower(small->thread, 2);
	} else if (mach_port_insert_right(small->task, SMALL_PORT, port,
		       MACH_MSG_TYPE_COPY_SEND) != KERN_SUCCESS) {
		return;
	}
	for (unsigned i = chance(self, 3); i < 3; i++) {
		small_run(small, routines[chance(self, 4)], SMALL_PORT,
		    24 + 4 * chance(self, 30));
		lower(small->thread, 2);
	}
	if (chance(self, 3) == 0)
		(void)thread_terminate(small->thread);
}

static void
disturb(struct worker *self, unsigned milliseconds)
{
	uint64_t begun = mach_absolute_time();

	while (ms_since(begun) < milliseconds && wrong == NULL) {
		switch (chance(self, 16)) {
		case 0:
			disturb_small(self);
			break;
		case 1:
		case 2:
			sleep_ms(1);
			break;
		case 3:
		case 4:
			/* So that nobody waits for ever. */
			pool_give_up(any_port(self));
			renew_port(self);
			break;
		case 5:
		case 6:
			disturb_culprit(self);
			break;
		default:
			disturb_thread(self);
			thread_switch(MACH_PORT_NULL, SWITCH_OPTION_NONE, 0);
		}
	}
}

/* ---- the end ---- */

static unsigned
still_there(void)
{
	unsigned count = 0;

	for (int i = 0; i < WORKERS; i++)
		if (!workers[i].done) {
			(void)thread_abort(mach_thread_port(workers[i].thread));
			count++;
		}
	return count;
}

/* Everyone comes back who is asked to, however often. */
static void
end(void)
{
	for (int i = 0; still_there() > 0; i++) {
		if (i == PATIENCE) {
			complain("a thread did not come back");
			return;
		}
		sleep_ms(ORDERLY_MS);
	}
	for (int i = 0; i < WORKERS; i++)
		mach_thread_join(workers[i].thread);
}

int
round_run(uint32_t seed, unsigned milliseconds, bool orderly)
{
	struct worker self = {.random = seed};
	struct worker sum = {0};

	start(seed, &self);
	disturb(&self, milliseconds);
	if (orderly)
		over = true;
	faults_end(HANDLERS);
	if (orderly)
		end();
	/* Whoever made a task ends it. */
	for (int i = 0; i < SMALLS; i++)
		if (smalls[i].task != MACH_PORT_NULL)
			end_small(&smalls[i]);
	for (int i = 0; i < WORKERS; i++) {
		sum.turns += workers[i].turns;
		sum.answers += workers[i].answers;
		sum.messages += workers[i].messages;
		sum.waits += workers[i].waits;
		sum.questions += workers[i].questions;
	}
	printf("# %u operations, %u answers, %u messages, %u waits, "
	       "%u exceptions, %s\n",
	    sum.turns, sum.answers, sum.messages, sum.waits, sum.questions,
	    orderly ? "ended in order" : "ended in the middle");
	if (wrong != NULL)
		printf("# %s\n", wrong);
	return wrong == NULL && sum.turns > 0 ? 0 : 1;
}
