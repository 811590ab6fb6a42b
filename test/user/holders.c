/* holders.c: where the rights to a port are. */
#include "test/user/mach_test.h"

#include <string.h>

#include <baton/port.h>

static mach_port_t self;
static uint64_t self_id;

static struct baton_port_report
report_of(mach_port_t port)
{
	struct baton_port_report report;

	memset(&report, 0xff, sizeof(report));
	must(task_port_report(self, port, &report));
	return report;
}

#define HOLDERS 64

/* All holders of @port, at most HOLDERS; how many. */
static unsigned
holders_of(task_t task, mach_port_t port, struct baton_port_holder *holders)
{
	uint64_t after = 0;
	uint32_t count;
	unsigned all = 0;

	do {
		count = BATON_PORT_HOLDERS_MAX;
		must(task_port_holders(
		    task, port, after, holders + all, &count));
		all += count;
		if (count > 0)
			after = holders[all - 1].task;
	} while (count > 0 && all + BATON_PORT_HOLDERS_MAX <= HOLDERS);
	return all;
}

static void
test_own(void)
{
	struct baton_port_holder holders[HOLDERS];
	struct baton_port_report report;
	mach_port_t port = port_new(), pset, dead;

	report = report_of(port);
	is(report.type, MACH_PORT_TYPE_RECEIVE, "a receive right");
	is(report.send_rights, 0, "to which nobody sends");
	is(report.limit, MACH_PORT_QLIMIT_DEFAULT, "with room for so many");
	is(report.messages, 0, "messages, of which there are none");
	must(mach_port_insert_right(self, port, port, MACH_MSG_TYPE_MAKE_SEND));
	must(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_SEND, 4));
	must(mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &pset));
	must(mach_port_insert_member(self, port, pset));
	report = report_of(port);
	is(report.type, MACH_PORT_TYPE_SEND_RECEIVE, "now with a send right");
	is(report.urefs, 5, "and its references");
	is(report.send_rights, 1, "one task's");
	is(report.sets, 1, "in a set");
	is(holders_of(self, port, holders), 1, "one task has it");
	self_id = holders[0].task;
	is(holders[0].name, port, "by this name");
	is(holders[0].urefs, 5, "with the same references");
	is(holders[0].type, MACH_PORT_TYPE_SEND_RECEIVE, "both rights");
	ok(memchr(holders[0].task_name, 0, sizeof(holders[0].task_name)) !=
		NULL,
	    "its name ends");
	report = report_of(pset);
	is(report.type, MACH_PORT_TYPE_PORT_SET, "a set is a set");
	report = report_of(self);
	is(report.kind, IKOT_TASK, "our task's port is a task");
	is(report.object, self_id, "namely ours");
	is(report.send_rights, 0, "whose rights are not ours to count");
	must(mach_port_allocate(self, MACH_PORT_RIGHT_DEAD_NAME, &dead));
	report = report_of(dead);
	is(report.type, MACH_PORT_TYPE_DEAD_NAME, "dead is dead");
	is(report.urefs, 1, "once");
	port_end(dead);
	port_end(pset);
	port_end(port);
}

static void
test_queue(void)
{
	struct baton_port_report report;
	mach_port_t port = port_new_send();

	set_limit(port, 20);
	for (int i = 0; i < 12; i++)
		must(post(port, 100 + i));
	report = report_of(port);
	is(report.messages, 12, "twelve messages wait");
	is(report.send_rights, 13, "each with the right it came by");
	is(report.message[0].id, 100, "the first is told of");
	is(report.message[0].size, NOTE_SIZE, "how large it is");
	is(report.message[0].sender, self_id, "and whose");
	is(report.message[BATON_PORT_MESSAGES_MAX - 1].id,
	    100 + BATON_PORT_MESSAGES_MAX - 1, "and some behind it");
	is(report.receivers, 0, "nobody waits");
	port_end(port);
}

static void
test_others(void)
{
	struct baton_port_holder holders[HOLDERS];
	mach_port_t port = port_new_send(), once[3];
	mach_msg_type_name_t type;
	struct small small;

	small_make(&small, port, MACH_MSG_TYPE_MAKE_SEND);
	for (unsigned i = 0; i < 3; i++)
		must(mach_port_extract_right(
		    self, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once[i], &type));
	must(mach_port_insert_right(
	    small.task, 0x77701, once[2], MACH_MSG_TYPE_MOVE_SEND_ONCE));
	is(holders_of(self, port, holders), 2, "two tasks have it");
	is(holders[0].task, self_id, "we");
	is(holders[0].send_once, 2, "with two send-once rights");
	is(holders[0].type,
	    MACH_PORT_TYPE_SEND_RECEIVE | MACH_PORT_TYPE_SEND_ONCE,
	    "and all others");
	is(holders[1].name, SMALL_PORT, "and the other, by a name of its own");
	is(holders[1].type, MACH_PORT_TYPE_SEND_RIGHTS, "to send by");
	is(holders[1].urefs, 1, "one reference");
	is(holders[1].send_once, 1, "and once");
	is(report_of(port).send_rights, 2, "as the port counts");
	is(report_of(port).send_once_rights, 3, "them");
	small_kill(&small);
	is(take_later(port), MACH_NOTIFY_SEND_ONCE, "the other ends");
	is(holders_of(self, port, holders), 1, "and has nothing");
	must(mach_port_deallocate(self, once[0]));
	must(mach_port_deallocate(self, once[1]));
	port_end(port);
}

#define TASKS 40

/* A leak that is found: which of many tasks kept the right? */
static void
test_many(void)
{
	static struct baton_port_holder holders[HOLDERS];
	mach_port_t port = port_new_send();
	task_t tasks[TASKS];
	unsigned wrong = 0;

	for (unsigned i = 0; i < TASKS; i++) {
		must(task_create(self, NULL, 0, false, &tasks[i]));
		must(mach_port_insert_right(
		    tasks[i], 0x5a501, port, MACH_MSG_TYPE_COPY_SEND));
	}
	is(holders_of(self, port, holders), TASKS + 1, "%d tasks hold it",
	    TASKS + 1);
	for (unsigned i = 0; i < TASKS; i++) {
		struct baton_port_report report = report_of(tasks[i]);

		wrong += holders[i + 1].task != report.object;
		wrong += holders[i + 1].name != 0x5a501;
	}
	is(wrong, 0, "each is told, in order");
	for (unsigned i = 0; i < TASKS; i++) {
		must(task_terminate(tasks[i]));
		must(mach_port_deallocate(self, tasks[i]));
	}
	port_end(port);
}

static void
test_waiting(void)
{
	struct baton_port_report report = {0};
	struct small small;
	mach_port_t port = port_new();

	small_make(&small, MACH_PORT_NULL, 0);
	must(mach_port_insert_right(
	    small.task, 0x66601, port, MACH_MSG_TYPE_MOVE_RECEIVE));
	small_run(&small, small_receive, 0x66601, 0);
	for (unsigned i = 0; i < 1000 && report.receivers == 0; i++) {
		sleep_ms(1);
		must(task_port_report(small.task, 0x66601, &report));
	}
	is(report.receivers, 1, "a thread waits");
	is(report.messages, 0, "for a message");
	small_kill(&small);
}

static void
test_wrong(void)
{
	struct baton_port_report report;
	struct baton_port_holder holders[BATON_PORT_HOLDERS_MAX];
	uint32_t count = 7;

	is(task_port_report(self, NO_NAME, &report), KERN_INVALID_NAME,
	    "no such name");
	is(task_port_holders(self, NO_NAME, 0, holders, &count),
	    KERN_INVALID_NAME, "no holders of it");
	is(task_port_holders(self, self, 0, holders, &count),
	    KERN_INVALID_RIGHT, "who has only a send right may not ask");
}

int
main(void)
{
	self = mach_task_self();
	test_own();
	test_queue();
	test_others();
	test_many();
	test_waiting();
	test_wrong();
	return done();
}
