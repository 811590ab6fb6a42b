/*
 * beside.c: a fixed piece of work takes as many instructions beside a task that
 * is at its limit, and goes on trying, as it takes alone.
 *
 * Where it is instructions that the counter counts: on one hart.  What the
 * other task does in its turns is not counted: the work is measured by the
 * processor time that its thread was charged.
 */
#include "test/user/greed.h"

#define ROUNDS 600
#define PAGE   4096UL

static task_t self;

static uint64_t
instructions(void)
{
	uint64_t count;

	__asm__ volatile("rdinstret %0" : "=r"(count)::"memory");
	return count;
}

/* In QEMU otherwise it counts time, which is never twice the same. */
static bool
counts_instructions(void)
{
	unsigned exact = 0;

	if (counters().harts != 1)
		return false;
	for (int i = 0; i < 20; i++) {
		uint64_t turns = 1000, before = instructions();

		__asm__ volatile("1: addi %0, %0, -1\n bnez %0, 1b"
				 : "+r"(turns));
		before = instructions() - before;
		exact += before >= 2000 && before < 2005;
	}
	/* An interrupt or two may come between. */
	return exact >= 15;
}

/* Processor time of this thread, which does all of the work, in microseconds:
 * thousands of instructions. */
static uint64_t
own_time(void)
{
	static mach_port_t thread;
	thread_basic_info_data_t info;
	mach_msg_type_number_t count = THREAD_BASIC_INFO_COUNT;

	if (thread == MACH_PORT_NULL)
		thread = mach_thread_self();
	must(thread_info(
	    thread, THREAD_BASIC_INFO, (thread_info_t)&info, &count));
	return (uint64_t)(info.user_time.seconds + info.system_time.seconds) *
		   1000000 +
	       (uint64_t)(info.user_time.microseconds +
			  info.system_time.microseconds);
}

static uint64_t
time_of(task_t task)
{
	task_absolutetime_info_data_t info;
	mach_msg_type_number_t count = TASK_ABSOLUTETIME_INFO_COUNT;

	must(task_info(
	    task, TASK_ABSOLUTETIME_INFO, (task_info_t)&info, &count));
	return info.total_user + info.total_system;
}

/* Some of all that the other may want too much of. */
static void
work(void)
{
	for (int round = 0; round < ROUNDS; round++) {
		mach_port_t port = port_new_send();
		char *pages = pages_new(16 * PAGE);
		thread_t thread;
		struct note note;

		for (int i = 0; i < 16; i++)
			pages[i * PAGE] = 1;
		for (int i = 0; i < 3; i++)
			must(post(port, i));
		for (int i = 0; i < 3; i++)
			must(poll_for(&note, sizeof(note), port));
		must(thread_create(self, &thread));
		must(thread_terminate(thread));
		mach_port_deallocate(self, thread);
		pages_end(pages, 16 * PAGE);
		port_end(port);
		(void)name_count();
	}
}

static uint64_t
measure(void)
{
	uint64_t before = own_time();

	work();
	return own_time() - before;
}

static void
test_beside(unsigned number, uint64_t alone)
{
	struct greed_report report;
	struct greedy greedy;
	uint64_t beside, more, theirs;

	greed_start(&greedy, "test/beside", number);
	greed_hear(&greedy, &report);
	theirs = time_of(greedy.task);
	beside = measure();
	theirs = time_of(greedy.task) - theirs;
	greed_end(&greedy);
	ok(theirs > 0, "%s: the other had its turns", greed_ways[number].name);
	more = beside > alone ? beside - alone : alone - beside;
	ok(more * 50 <= alone, "%s: %llu beside it, %llu alone",
	    greed_ways[number].name, (unsigned long long)beside,
	    (unsigned long long)alone);
}

int
main(int argc, char *argv[])
{
	uint64_t alone;

	greed_main(argc, argv);
	self = mach_task_self();
	if (!counts_instructions()) {
		skip(
		    "as much work beside others", "it is time that is counted");
		return done();
	}
	/* Caches of objects fill up first. */
	(void)measure();
	(void)measure();
	alone = measure();
	for (unsigned i = 0; i < greed_count; i++)
		test_beside(i, alone);
	return done();
}
