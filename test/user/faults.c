/*
 * faults.c: a task that faults is ended, with a report, and nobody else.
 *
 * The reports go to the console by the kernel's own way, so the cases are kept
 * until the end.
 */
#include "test/user/mach_test.h"

#define CODE_AT	 0x100000UL
#define STACK_AT 0x200000UL

static const struct {
	const char *name;
	const char *routine;
	uint64_t argument;
} cases[] = {
    {"reading null", small_load, 0},
    {"writing null", small_store, 8},
    {"jumping to null", small_jump, 0},
    {"reading where nothing is", small_load, 0x30000000},
    {"writing its own code", small_store, CODE_AT + 128},
    {"running its own stack", small_jump, STACK_AT + 64},
    {"reading the kernel's memory", small_load, 0xffffffc000000000},
    {"writing the kernel's memory", small_store, 0xffffffff80000000},
    {"jumping to the kernel", small_jump, 0xffffffff80000000},
    {"an address that Sv39 has not", small_load, 0x123456789abcdef0},
    {"a jump to such an address", small_jump, 0x0123456789abcde0},
    {"an illegal instruction", small_illegal, 0},
    {"vector registers, which nobody saves", small_vector, 0},
    {"a breakpoint", small_break, 0},
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

/* One that does no harm lives through all of it. */
static struct small bystander;

static void
test_culprits(void)
{
	for (unsigned i = 0; i < CASES; i++) {
		struct small small;

		small_make(&small, MACH_PORT_NULL, 0);
		task_set_name(small.task, "culprit");
		small_run(&small, cases[i].routine, cases[i].argument, 0);
		ok(dies(small.task), "%s ends the task", cases[i].name);
		ok(dies(small.thread), "and its thread");
		small_forget(&small);
	}
}

/* All threads go with the one that faults, also those that wait. */
static void
test_its_threads(void)
{
	struct small small;
	thread_t threads[8];

	small_make(&small, port_new(), MACH_MSG_TYPE_MOVE_RECEIVE);
	for (int i = 0; i < 8; i++) {
		small_run(
		    &small, i % 2 ? small_spin : small_receive, SMALL_PORT, 0);
		threads[i] = small.thread;
		small.thread = MACH_PORT_NULL;
	}
	sleep_ms(20);
	small_run(&small, small_load, 0, 0);
	ok(dies(small.task), "a task with nine threads ends");
	for (int i = 0; i < 8; i++) {
		ok(dies(threads[i]), "thread %d with it", i);
		mach_port_deallocate(mach_task_self(), threads[i]);
	}
	small_forget(&small);
}

/* What the dead held is released. */
static void
test_its_rights(void)
{
	mach_port_t held = port_new(), given = port_new_send(), notify;
	mach_port_t previous;
	struct small small;

	notify = port_new();
	must(mach_port_request_notification(mach_task_self(), held,
	    MACH_NOTIFY_NO_SENDERS, 1, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE,
	    &previous));
	small_make(&small, held, MACH_MSG_TYPE_MAKE_SEND);
	must(mach_port_insert_right(
	    small.task, SMALL_PORT + 0x100, given, MACH_MSG_TYPE_MOVE_RECEIVE));
	is(take(notify), -1, "somebody holds a right");
	small_run(&small, small_illegal, 0, 0);
	is(take_later(notify), MACH_NOTIFY_NO_SENDERS, "until it is gone");
	ok(dies(given), "a port that it held is dead");
	small_forget(&small);
	port_end(held);
	port_end(notify);
	mach_port_deallocate(mach_task_self(), given);
}

int
main(void)
{
	mach_port_t echo = port_new_send(), reply = mach_reply_port();
	struct note message;

	tap_hold();
	small_make(&bystander, echo, MACH_MSG_TYPE_MOVE_RECEIVE);
	small_run(&bystander, small_echo, SMALL_PORT, 0);
	test_culprits();
	test_its_threads();
	test_its_rights();

	message.header = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS(
		MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    .msgh_size = NOTE_SIZE,
	    .msgh_remote_port = echo,
	    .msgh_local_port = reply,
	    .msgh_id = 61,
	};
	must(send_message(&message, NOTE_SIZE));
	is(take_later(reply), 61, "a bystander still answers");
	small_kill(&bystander);
	return done();
}
