/*
 * reclaim.c: a thousand tasks are ended in the middle of messages, and the
 * kernel has as many objects and as many free pages as before.
 */
#include "test/user/mach_test.h"

#include <stdlib.h>

#define TASKS	1000
#define AT_ONCE 20

static mach_port_t echo, hole, notes;

/* What a task is at when it is ended. */
enum occupation {
	CALLING, /* in calls to a server, one after the other */
	WAITING, /* for a message that never comes */
	SENDING, /* to a port whose queue is full */
	SERVING, /* with requests of ours unanswered */
	LEAVING, /* asking for its own end */
	SPINNING,
	OCCUPATIONS
};

static void
run(struct small *small, const char *routine, uint64_t size)
{
	small_run(small, routine, SMALL_PORT, size);
	if (routine != small_exit)
		small_yield(small);
}

static void
occupy(struct small *small, enum occupation occupation)
{
	mach_port_t service;

	switch (occupation) {
	case CALLING:
		small_make(small, echo, MACH_MSG_TYPE_COPY_SEND);
		run(small, small_call, 24);
		run(small, small_call, 200);
		break;
	case WAITING:
		small_make(small, port_new(), MACH_MSG_TYPE_MOVE_RECEIVE);
		run(small, small_receive, 0);
		run(small, small_wait, 0);
		break;
	case SENDING:
		small_make(small, hole, MACH_MSG_TYPE_COPY_SEND);
		run(small, small_call, 100);
		break;
	case SERVING:
		service = port_new_send();
		small_make(small, service, MACH_MSG_TYPE_MOVE_RECEIVE);
		for (int i = 0; i < 3; i++) {
			struct crate crate;
			char *pages = pages_new(8 * 4096);

			pages[0] = 1;
			crate_fill(&crate, service, pages, 8 * 4096, true,
			    MACH_MSG_VIRTUAL_COPY);
			crate.header.msgh_bits |= MACH_MSG_TYPE_MAKE_SEND_ONCE
						  << 8;
			crate.header.msgh_local_port = notes;
			must(send_message(&crate, CRATE_SIZE));
		}
		must(mach_port_deallocate(mach_task_self(), service));
		break;
	case LEAVING:
		small_make(small, echo, MACH_MSG_TYPE_COPY_SEND);
		run(small, small_call, 48);
		run(small, small_exit, 0);
		break;
	default:
		small_make(small, MACH_PORT_NULL, 0);
		run(small, small_spin, 0);
	}
}

static int only = -1; /* one occupation, for who looks for a loss */

static void
round_of_tasks(unsigned first)
{
	struct small small[AT_ONCE];

	for (unsigned i = 0; i < AT_ONCE; i++)
		occupy(&small[i],
		    only >= 0 ? (unsigned)only : (first + i) % OCCUPATIONS);
	sleep_ms(2);
	for (unsigned i = 0; i < AT_ONCE; i++) {
		(void)task_terminate(small[i].task);
		small_forget(&small[i]);
		while (take(hole) != -1)
			;
		while (take(notes) != -1)
			;
	}
}

/* Everything of a round is gone when nothing changes any more. */
static struct baton_kernel_counters
settled(void)
{
	struct baton_kernel_counters now;

	now = quiet_counters();
	while (take(hole) != -1 || take(notes) != -1)
		now = quiet_counters();
	return now;
}

static void
compare(const struct baton_kernel_counters *before,
    const struct baton_kernel_counters *after)
{
	static const struct {
		enum baton_object kind;
		const char *name;
	} kinds[] = {
	    {BATON_OBJECT_TASK, "tasks"},
	    {BATON_OBJECT_THREAD, "threads"},
	    {BATON_OBJECT_SPACE, "spaces"},
	    {BATON_OBJECT_PORT, "ports"},
	    {BATON_OBJECT_PORT_SET, "port sets"},
	    {BATON_OBJECT_MESSAGE, "messages"},
	    {BATON_OBJECT_MAP, "maps"},
	    {BATON_OBJECT_MAP_ENTRY, "map entries"},
	};

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		is(after->objects[kinds[i].kind],
		    before->objects[kinds[i].kind], "as many %s as before",
		    kinds[i].name);
	ok(before->objects[BATON_OBJECT_TASK] > 0, "which are counted at all");
	/* Caches of objects may have grown by a page or two. */
	ok(after->pages_free + 64 >= before->pages_free,
	    "as many free pages: %llu, %llu",
	    (unsigned long long)before->pages_free,
	    (unsigned long long)after->pages_free);
}

int
main(int argc, char *argv[])
{
	struct baton_kernel_counters before, after;
	struct small server;
	uint64_t start = mach_absolute_time();

	if (argc > 1)
		only = atoi(argv[1]);
	echo = port_new_send();
	hole = port_new_send();
	notes = port_new();
	set_limit(hole, 3);
	small_make(&server, echo, MACH_MSG_TYPE_MOVE_RECEIVE);
	small_run(&server, small_echo, SMALL_PORT, 0);

	/* The first rounds fill the kernel's caches. */
	for (unsigned i = 0; i < 100; i += AT_ONCE)
		round_of_tasks(i);
	before = settled();
	for (unsigned i = 0; i < TASKS; i += AT_ONCE)
		round_of_tasks(i);
	after = settled();
	note("%d tasks in %u ms", TASKS, ms_since(start));
	compare(&before, &after);
	small_kill(&server);
	return done();
}
