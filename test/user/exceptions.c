/*
 * exceptions.c: who is asked about an exception, in what words, and what the
 * answers do.
 */
#include "test/user/exceptions.h"

#include <string.h>

#include <baton/thread.h>

#define CODE_AT	    0x100000UL
#define AT(routine) (CODE_AT + (uint64_t)((routine)-small_begin))
#define CODES	    MACH_EXCEPTION_CODES

static task_t self;

/* ---- what is asked ---- */

static const struct {
	const char *name;
	unsigned behavior;
} behaviors[] = {
    {"DEFAULT", EXCEPTION_DEFAULT},
    {"STATE", EXCEPTION_STATE},
    {"STATE_IDENTITY", EXCEPTION_STATE_IDENTITY},
    {"DEFAULT, wide", EXCEPTION_DEFAULT | CODES},
    {"STATE, wide", EXCEPTION_STATE | CODES},
    {"STATE_IDENTITY, wide", EXCEPTION_STATE_IDENTITY | CODES},
};

static void
check_question(const struct question *question, const struct small *small,
    const char *name, unsigned behavior)
{
	bool identity = (behavior & 7) != EXCEPTION_STATE;
	bool state = (behavior & 7) != EXCEPTION_DEFAULT;

	is(question->id, question_id(behavior), "%s: its id", name);
	ok(question->sound, "%s: as it ought to be", name);
	is(question->exception, EXC_BAD_ACCESS, "%s: the exception", name);
	is(question->code[0], KERN_INVALID_ADDRESS, "%s: why", name);
	is(question->code[1], behavior & CODES ? 0x3300000040 : 0x00000040,
	    "%s: where", name);
	is(question->identity, identity ? small->thread : MACH_PORT_NULL,
	    "%s: the thread", name);
	is(question->task, identity ? small->task : MACH_PORT_NULL,
	    "%s: the task", name);
	is(question->words, state ? RISCV64_THREAD_STATE_COUNT : 0,
	    "%s: how much state", name);
	if (state)
		is(question_pc(question), AT(small_load), "%s: the pc", name);
}

static void
test_behaviors(void)
{
	mach_port_t port = port_new_send();

	for (unsigned i = 0; i < sizeof(behaviors) / sizeof(*behaviors); i++) {
		const char *name = behaviors[i].name;
		struct question question;
		struct small small;

		small_make(&small, MACH_PORT_NULL, 0);
		listen(small.task, EXC_MASK_BAD_ACCESS, port,
		    behaviors[i].behavior);
		small_run(&small, small_load, 0x3300000040, 0);
		ok(ask_for(&question, port), "%s: a question comes", name);
		check_question(&question, &small, name, behaviors[i].behavior);
		if (question.words > 0)
			question_set_pc(&question, AT(small_spin));
		else
			set_pc(small.thread, AT(small_spin));
		is(answer(&question, KERN_SUCCESS), MACH_MSG_SUCCESS,
		    "%s: is answered", name);
		ok(goes_on(&small), "%s: and the thread goes on", name);
		question_drop(&question);
		small_kill(&small);
	}
	port_end(port);
}

static const struct {
	const char *name;
	const char *routine;
	uint64_t argument;
	int exception;
	int64_t code;
	uint64_t subcode;
} causes[] = {
    {"reading nothing", small_load, 0x30000000, EXC_BAD_ACCESS,
	KERN_INVALID_ADDRESS, 0x30000000},
    {"writing code", small_store, CODE_AT + 128, EXC_BAD_ACCESS,
	KERN_PROTECTION_FAILURE, CODE_AT + 128},
    {"jumping to nothing", small_jump, 0x30000000, EXC_BAD_ACCESS,
	KERN_INVALID_ADDRESS, 0x30000000},
    {"a breakpoint", small_break, 0, EXC_BREAKPOINT, EXC_RISCV_BREAKPOINT, 0},
    {"an illegal instruction", small_illegal, 0, EXC_BAD_INSTRUCTION,
	EXC_RISCV_ILLEGAL, 0},
};

static void
test_causes(void)
{
	mach_port_t port = port_new_send();

	for (unsigned i = 0; i < sizeof(causes) / sizeof(*causes); i++) {
		const char *name = causes[i].name;
		struct question question;
		struct small small;
		uint64_t subcode = causes[i].subcode != 0
				       ? causes[i].subcode
				       : AT(causes[i].routine);

		small_make(&small, MACH_PORT_NULL, 0);
		listen(small.task, EXC_MASK_ALL, port, EXCEPTION_STATE | CODES);
		small_run(&small, causes[i].routine, causes[i].argument, 0);
		ok(ask_for(&question, port), "%s is asked about", name);
		is(question.exception, causes[i].exception, "%s: what", name);
		is(question.code[0], causes[i].code, "%s: why", name);
		ok((uint64_t)question.code[1] == subcode, "%s: where", name);
		question_set_pc(&question, AT(small_spin));
		must(answer(&question, KERN_SUCCESS));
		ok(goes_on(&small), "%s: it goes on", name);
		small_kill(&small);
	}
	port_end(port);
}

/* ---- who is asked ---- */

static void
test_order(void)
{
	mach_port_t first = port_new_send(), second = port_new_send();
	struct question question;
	struct small small;

	small_make(&small, MACH_PORT_NULL, 0);
	listen(small.task, EXC_MASK_BAD_ACCESS | EXC_MASK_CRASH, second,
	    EXCEPTION_DEFAULT);
	small_run(&small, small_load, 0, 0);
	ok(ask_for(&question, second), "a task's port is asked");
	question_drop(&question);
	is(thread_set_exception_ports(small.thread, EXC_MASK_BAD_ACCESS, first,
	       EXCEPTION_STATE, RISCV64_THREAD_STATE),
	    KERN_SUCCESS, "its thread has one, too");
	must(answer(&question, KERN_SUCCESS));
	ok(ask_for(&question, first), "and that comes first");
	ok(!ask_now(&question, second), "the task's hears nothing yet");
	must(answer(&question, KERN_FAILURE));
	ok(ask_for(&question, second), "it does when the first refuses");
	is(question.exception, EXC_BAD_ACCESS, "the same");
	question_drop(&question);
	must(answer(&question, KERN_NOT_SUPPORTED));
	ok(ask_for(&question, second), "all refused: it is a crash");
	is(question.exception, EXC_CRASH, "by name");
	is(question.code[0], EXC_BAD_ACCESS << 20 | KERN_INVALID_ADDRESS,
	    "and says what it was");
	question_drop(&question);
	ok(type_of(small.task) & MACH_PORT_TYPE_SEND, "the task still stands");
	must(answer(&question, KERN_SUCCESS));
	ok(dies(small.task), "and ends, whatever was answered");
	small_forget(&small);
	port_end(first);
	port_end(second);
}

static host_priv_t
host_priv(void)
{
	mach_port_t port = MACH_PORT_NULL;

	if (task_get_special_port(self, TASK_HOST_PORT, &port) != KERN_SUCCESS)
		return MACH_PORT_NULL;
	return port;
}

static void
test_host(void)
{
	mach_port_t port = port_new_send();
	host_priv_t host = host_priv();
	struct question question;
	struct small small;

	if (host_set_exception_ports(host, EXC_MASK_BREAKPOINT, port,
		EXCEPTION_STATE_IDENTITY | CODES,
		RISCV64_THREAD_STATE) != KERN_SUCCESS) {
		ok(true, "the host's port is not ours to have # SKIP");
		port_end(port);
		mach_port_deallocate(self, host);
		return;
	}
	small_make(&small, MACH_PORT_NULL, 0);
	small_run(&small, small_break, 0, 0);
	ok(ask_for(&question, port), "the host's port is asked last");
	question_set_pc(&question, AT(small_spin));
	question_drop(&question);
	must(answer(&question, KERN_SUCCESS));
	ok(goes_on(&small), "and its answer counts");
	small_kill(&small);
	must(host_set_exception_ports(
	    host, EXC_MASK_ALL, MACH_PORT_NULL, EXCEPTION_DEFAULT, 0));
	mach_port_deallocate(self, host);
	port_end(port);
}

static void
test_inherit(void)
{
	mach_port_t port = port_new_send();
	struct question question;
	struct small small;

	listen(self, EXC_MASK_BREAKPOINT, port, EXCEPTION_STATE | CODES);
	small_make(&small, MACH_PORT_NULL, 0);
	listen(self, EXC_MASK_BREAKPOINT, MACH_PORT_NULL, EXCEPTION_DEFAULT);
	small_run(&small, small_break, 0, 0);
	ok(ask_for(&question, port), "a child has the ports of its parent");
	question_set_pc(&question, AT(small_spin));
	must(answer(&question, KERN_SUCCESS));
	ok(goes_on(&small), "for its own");
	small_kill(&small);
	port_end(port);
}

/* ---- set, get, swap ---- */

struct list {
	exception_mask_t mask[EXC_TYPES_COUNT];
	mach_msg_type_number_t count;
	mach_port_t port[EXC_TYPES_COUNT];
	exception_behavior_t behavior[EXC_TYPES_COUNT];
	thread_state_flavor_t flavor[EXC_TYPES_COUNT];
};

static kern_return_t
get(thread_t thread, unsigned mask, struct list *list)
{
	list->count = EXC_TYPES_COUNT;
	return thread_get_exception_ports(thread, mask, list->mask,
	    &list->count, list->port, list->behavior, list->flavor);
}

static void
drop_list(struct list *list)
{
	for (unsigned i = 0; i < list->count; i++) {
		if (list->port[i] != MACH_PORT_NULL)
			mach_port_deallocate(self, list->port[i]);
	}
}

static void
test_tables(void)
{
	mach_port_t one = port_new_send(), two = port_new_send();
	struct small small;
	struct list list;

	small_make(&small, MACH_PORT_NULL, 0);
	must(thread_create(small.task, &small.thread));
	is(get(small.thread, EXC_MASK_ALL, &list), KERN_SUCCESS,
	    "a thread's ports");
	is(list.count, 1, "are all the same at first");
	is(list.port[0], MACH_PORT_NULL, "none");
	is(list.mask[0], EXC_MASK_ALL, "for all");
	must(thread_set_exception_ports(small.thread,
	    EXC_MASK_BAD_ACCESS | EXC_MASK_BREAKPOINT, one,
	    (exception_behavior_t)(EXCEPTION_STATE | CODES),
	    RISCV64_THREAD_STATE));
	list.count = EXC_TYPES_COUNT;
	is(thread_swap_exception_ports(small.thread, EXC_MASK_BREAKPOINT, two,
	       EXCEPTION_DEFAULT, 0, list.mask, &list.count, list.port,
	       list.behavior, list.flavor),
	    KERN_SUCCESS, "one is swapped");
	is(list.count, 1, "for what was there");
	is(list.mask[0], EXC_MASK_BREAKPOINT, "alone");
	is(list.port[0], one, "which was this");
	is(list.behavior[0], (int)(EXCEPTION_STATE | CODES), "asked so");
	is(list.flavor[0], RISCV64_THREAD_STATE, "with that");
	drop_list(&list);
	must(get(small.thread,
	    EXC_MASK_BAD_ACCESS | EXC_MASK_BREAKPOINT | EXC_MASK_CRASH, &list));
	is(list.count, 3, "now there are three kinds");
	is(list.port[0], one, "the first");
	is(list.port[1], two, "the second");
	is(list.port[2], MACH_PORT_NULL, "and none");
	drop_list(&list);
	is(send_refs(one), 1, "no reference of ours was kept");
	is(send_refs(two), 1, "of neither");

	is(thread_set_exception_ports(
	       small.thread, 1U << 14, one, EXCEPTION_DEFAULT, 0),
	    KERN_INVALID_ARGUMENT, "no such exception");
	is(thread_set_exception_ports(
	       small.thread, 1, one, EXCEPTION_DEFAULT, 0),
	    KERN_INVALID_ARGUMENT, "nor number 0");
	is(thread_set_exception_ports(small.thread, EXC_MASK_ALL, one, 0, 0),
	    KERN_INVALID_ARGUMENT, "no such behavior");
	is(thread_set_exception_ports(small.thread, EXC_MASK_ALL, one, 77, 0),
	    KERN_INVALID_ARGUMENT, "nor that");
	is(thread_set_exception_ports(
	       small.thread, EXC_MASK_ALL, one, EXCEPTION_STATE, 99),
	    KERN_INVALID_ARGUMENT, "no such flavor");
	is(thread_set_exception_ports(
	       small.thread, EXC_MASK_ALL, one, EXCEPTION_STATE, 0),
	    KERN_INVALID_ARGUMENT, "and none where one is needed");
	is(send_refs(one), 1, "nothing was taken for it");
	is(get(small.thread, 1U << 20, &list), KERN_INVALID_ARGUMENT,
	    "none to get either");
	small_kill(&small);
	is(take_later(one), -1, "nobody is told anything");
	port_end(one);
	port_end(two);
}

/* ---- a thread of one's own ---- */

static mach_port_t own_port;
static unsigned handled;

static void
handle_one(void *arg)
{
	struct question question;

	(void)arg;
	if (!ask_for(&question, own_port))
		return;
	handled++;
	/* Past the instruction, which is the long form. */
	question_set_pc(&question, question_pc(&question) + 4);
	answer(&question, KERN_SUCCESS);
}

static void
test_own(void)
{
	struct mach_thread *thread;

	own_port = port_new_send();
	must(mach_thread_start(handle_one, NULL, 0, &thread));
	listen(self, EXC_MASK_BREAKPOINT, own_port, EXCEPTION_STATE | CODES);
	__asm__ volatile(".option push\n.option norvc\nebreak\n.option pop");
	listen(self, EXC_MASK_BREAKPOINT, MACH_PORT_NULL, EXCEPTION_DEFAULT);
	mach_thread_join(thread);
	is(handled, 1, "a task handles its own exceptions");
	port_end(own_port);
}

static void
handle_floats(void *arg)
{
	struct question question;
	double value = 1.5;

	(void)arg;
	if (!ask_for(&question, own_port) ||
	    question.words != RISCV64_FLOAT_STATE_COUNT)
		return;
	handled++;
	memcpy(&question.state[2 * 10], &value, sizeof(value)); /* fa0 */
	set_pc(question.identity, (uint64_t)(uintptr_t)question.code[1] + 4);
	question_drop(&question);
	answer(&question, KERN_SUCCESS);
}

static void
test_floats(void)
{
	struct mach_thread *thread;
	register double value __asm__("fa0") = 2.5;

	own_port = port_new_send();
	handled = 0;
	must(mach_thread_start(handle_floats, NULL, 0, &thread));
	must(task_set_exception_ports(self, EXC_MASK_BREAKPOINT, own_port,
	    (exception_behavior_t)(EXCEPTION_STATE_IDENTITY | CODES),
	    RISCV64_FLOAT_STATE));
	value = 2.5;
	__asm__ volatile(".option push\n.option norvc\nebreak\n.option pop"
			 : "+f"(value)::"memory");
	ok(value == 1.5, "floating-point registers come and go");
	listen(self, EXC_MASK_BREAKPOINT, MACH_PORT_NULL, EXCEPTION_DEFAULT);
	mach_thread_join(thread);
	is(handled, 1, "with the question");
	port_end(own_port);
}

int
main(void)
{
	unsigned names;

	self = mach_task_self();
	(void)mig_get_reply_port();
	threads_keep();
	names = name_count();
	tap_hold();
	test_behaviors();
	test_causes();
	test_order();
	test_host();
	test_inherit();
	test_tables();
	test_own();
	test_floats();
	is(name_count(), names, "no name is left");
	return done();
}
