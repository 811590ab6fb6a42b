/*
 * standstill.c: threads that are made to stand still, to be read, aborted or
 * stopped, and what they and their tasks tell about themselves.
 */
#include "test/user/exceptions.h"

#include <string.h>

#include <baton/thread.h>
#include <mach/trap_numbers.h>

static task_t self;

static kern_return_t
state_of(thread_t thread, riscv64_thread_state_t *state)
{
	mach_msg_type_number_t count = RISCV64_THREAD_STATE_COUNT;

	return thread_get_state(
	    thread, RISCV64_THREAD_STATE, (thread_state_t)state, &count);
}

/* ---- registers of a thread that nobody suspended ---- */

static void
test_running(void)
{
	riscv64_thread_state_t state;
	struct small small;
	uint64_t last = 0;
	unsigned wrong = 0;

	small_make(&small, MACH_PORT_NULL, 0);
	small_run(&small, small_spin, 0, 0);
	for (int i = 0; i < 200; i++) {
		must(state_of(small.thread, &state));
		wrong += state.s0 < last || state.pc < AT(small_spin) ||
			 state.pc > AT(small_spin) + 8;
		last = state.s0;
	}
	is(wrong, 0, "a running thread is read between two instructions");
	ok(goes_on(&small), "and runs on");
	state.s0 = 1UL << 62;
	is(thread_set_state(small.thread, RISCV64_THREAD_STATE,
	       (thread_state_t)&state, RISCV64_THREAD_STATE_COUNT),
	    KERN_SUCCESS, "written, too");
	must(state_of(small.thread, &state));
	ok(state.s0 >= 1UL << 62, "and goes on with that");
	is(thread_suspend(small.thread), KERN_SUCCESS, "suspended");
	must(state_of(small.thread, &state));
	last = state.s0;
	for (int i = 0; i < 20; i++) {
		must(state_of(small.thread, &state));
		wrong += state.s0 != last;
	}
	is(wrong, 0, "it has done its last instruction by then");
	is(state_of(mach_thread_self(), &state), KERN_INVALID_ARGUMENT,
	    "nobody reads himself");
	must(thread_terminate(small.thread));
	ok(dies(small.thread), "it is ended");
	small_kill(&small);
}

/* Two threads that read each other: neither waits for the other for ever. */
static thread_t reader[2];
static volatile bool readers_go;

static void
read_other(void *arg)
{
	riscv64_thread_state_t state;
	unsigned other = !(uintptr_t)arg;

	while (!readers_go)
		swtch();
	for (int i = 0; i < 300; i++) {
		if (state_of(reader[other], &state) != KERN_SUCCESS)
			break; /* it is done */
	}
}

static void
test_mutual(void)
{
	struct mach_thread *thread[2];

	for (uintptr_t i = 0; i < 2; i++)
		must(mach_thread_start(read_other, (void *)i, 0, &thread[i]));
	for (unsigned i = 0; i < 2; i++)
		reader[i] = mach_thread_port(thread[i]);
	readers_go = true;
	for (unsigned i = 0; i < 2; i++)
		mach_thread_join(thread[i]);
	ok(true, "two threads read each other's registers");
}

/* The registers may be live on the hart that the thread ran on last. */
static mach_port_t float_port;
static volatile bool float_held;

static void
hold_float(void *arg)
{
	register double value __asm__("fs2") = 6.25;
	struct note message;

	(void)arg;
	__asm__ volatile("" : "+f"(value));
	float_held = true;
	mach_msg(&message.header, MACH_RCV_MSG, 0, sizeof(message), float_port,
	    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	__asm__ volatile("" : "+f"(value));
}

static void
test_floats(void)
{
	riscv64_float_state_t state;
	mach_msg_type_number_t count;
	struct mach_thread *thread;
	double value = 0;
	unsigned wrong = 0;

	float_port = port_new_send();
	must(mach_thread_start(hold_float, NULL, 0, &thread));
	while (!float_held)
		sleep_ms(1);
	for (int i = 0; i < 50; i++) {
		count = RISCV64_FLOAT_STATE_COUNT;
		must(thread_get_state(mach_thread_port(thread),
		    RISCV64_FLOAT_STATE, (thread_state_t)&state, &count));
		memcpy(&value, &state.f[18], sizeof(value));
		wrong += value != 6.25;
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_DEPRESS, 1);
	}
	is(wrong, 0, "floating-point registers are read wherever they are");
	must(post(float_port, 1));
	mach_thread_join(thread);
	port_end(float_port);
}

/* ---- whole tasks ---- */

#define COUNTERS 4

/* What the small task's threads have counted, all together. */
static uint64_t
counted(const struct small *small, mach_vm_address_t at)
{
	uint64_t count[COUNTERS], sum = 0;
	mach_vm_size_t size = sizeof(count);

	must(mach_vm_read_overwrite(
	    small->task, at, size, (mach_vm_address_t)count, &size));
	for (unsigned i = 0; i < COUNTERS; i++)
		sum += count[i];
	return sum;
}

static void
test_suspended_task(void)
{
	const mach_vm_address_t at = 0x300000;
	mach_vm_address_t address = at;
	struct small small;
	unsigned moved = 0;
	uint64_t sum = 0;

	small_make(&small, MACH_PORT_NULL, 0);
	must(mach_vm_allocate(small.task, &address, vm_page_size, 0));
	for (unsigned i = 0; i < COUNTERS; i++) {
		small_run(&small, small_count, at + i * sizeof(uint64_t), 0);
		small_yield(&small);
	}
	for (unsigned i = 0; i < 100; i++) {
		must(task_suspend(small.task));
		sum = counted(&small, at);
		for (int k = 0; k < 3; k++)
			moved += counted(&small, at) != sum;
		must(task_resume(small.task));
		sleep_ms(1);
	}
	is(moved, 0, "a suspended task has done its last instruction");
	ok(sum > 0, "of those before");
	small_kill(&small);
}

/* ---- aborting safely ---- */

static void
test_abort_safely(void)
{
	riscv64_thread_state_t state;
	struct small small;

	small_make(&small, port_new(), MACH_MSG_TYPE_MOVE_RECEIVE);
	small_run(&small, small_spin, 0, 0);
	is(thread_abort_safely(small.thread), KERN_SUCCESS,
	    "a thread that is in no call");
	ok(goes_on(&small), "is not disturbed");
	small_run(&small, small_receive, SMALL_PORT, 0);
	sleep_ms(10);
	must(thread_suspend(small.thread));
	is(thread_abort_safely(small.thread), KERN_SUCCESS,
	    "one that receives is");
	for (int i = 0; i < 500; i++) {
		must(state_of(small.thread, &state));
		if (state.a0 == (uint64_t)MACH_RCV_INTERRUPTED)
			break;
		sleep_ms(1);
	}
	is(state.a0, (uint64_t)MACH_RCV_INTERRUPTED, "and is told");
	is(thread_abort_safely(small.thread), KERN_SUCCESS,
	    "once more, stopped: nothing to abort");
	is(thread_abort(small.thread), KERN_SUCCESS, "either way");
	must(thread_resume(small.thread));
	is(thread_abort_safely(mach_thread_self()), KERN_SUCCESS,
	    "nor in oneself");
	small_kill(&small);
}

/* ---- ending others ---- */

static void
test_ended(void)
{
	unsigned living = 0, refused = 0;

	for (int i = 0; i < 40; i++) {
		mach_port_t port = port_new_send();
		struct small small;
		thread_t echo;

		small_make(&small, port, MACH_MSG_TYPE_MOVE_RECEIVE);
		small_run(&small, small_echo, SMALL_PORT, 0);
		echo = small.thread;
		small.thread = MACH_PORT_NULL;
		small_run(&small, small_spin, 0, 0);
		small_yield(&small);
		refused += task_terminate(small.task) != KERN_SUCCESS;
		living += type_of(port) != MACH_PORT_TYPE_DEAD_NAME;
		living += type_of(echo) != MACH_PORT_TYPE_DEAD_NAME;
		living += type_of(small.thread) != MACH_PORT_TYPE_DEAD_NAME;
		living += type_of(small.task) != MACH_PORT_TYPE_DEAD_NAME;
		must(mach_port_deallocate(self, port));
		must(mach_port_deallocate(self, echo));
		small_forget(&small);
	}
	is(refused, 0, "tasks are ended");
	is(living, 0, "and with that their threads and ports are");
}

/* One that ends tasks, and does not let itself be kept from it. */
static volatile bool ender_done;
static unsigned ender_failed;

static void
end_tasks(void *arg)
{
	(void)arg;
	for (int i = 0; i < 100; i++) {
		struct small small;

		small_make(&small, MACH_PORT_NULL, 0);
		small_run(&small, small_spin, 0, 0);
		small_yield(&small);
		ender_failed += task_terminate(small.task) != KERN_SUCCESS;
		small_forget(&small);
	}
	ender_done = true;
}

static void
test_ender_aborted(void)
{
	struct mach_thread *thread;
	thread_t ender;

	must(mach_thread_start(end_tasks, NULL, 0, &thread));
	ender = mach_thread_port(thread);
	while (!ender_done) {
		(void)thread_abort_safely(ender);
		swtch();
	}
	mach_thread_join(thread);
	is(ender_failed, 0, "aborted while it waits for a task's end: success");
}

/* Two tasks whose threads ask for the same of each other, at once. */
static void
make_pair(struct small small[2], mach_msg_id_t request)
{
	for (unsigned i = 0; i < 2; i++)
		small_make(&small[i], MACH_PORT_NULL, 0);
	for (unsigned i = 0; i < 2; i++) {
		must(mach_port_insert_right(small[i].task, SMALL_PORT,
		    small[!i].task, MACH_MSG_TYPE_COPY_SEND));
		must(task_suspend(small[i].task));
		small_run(&small[i], small_ask, SMALL_PORT, (uint64_t)request);
		small_yield(&small[i]);
	}
	for (unsigned i = 0; i < 2; i++)
		(void)task_resume(small[i].task);
}

static void
test_mutual_end(void)
{
	unsigned ended = 0;

	for (int i = 0; i < 40; i++) {
		struct small small[2];

		make_pair(small, MSGID_TASK_TERMINATE);
		/* One may be quicker, and live. */
		while (type_of(small[0].task) != MACH_PORT_TYPE_DEAD_NAME &&
		       type_of(small[1].task) != MACH_PORT_TYPE_DEAD_NAME)
			sleep_ms(1);
		for (unsigned k = 0; k < 2; k++)
			(void)task_terminate(small[k].task);
		for (unsigned k = 0; k < 2; k++) {
			ended += dies(small[k].thread);
			small_forget(&small[k]);
		}
	}
	is(ended, 80, "two tasks end each other");
}

/* It spins when its request has been answered. */
static bool
is_answered(thread_t thread)
{
	riscv64_thread_state_t state;

	must(state_of(thread, &state));
	return state.s0 > SMALL_PORT;
}

static void
test_mutual_suspension(void)
{
	unsigned answered = 0;

	for (int i = 0; i < 40; i++) {
		struct small small[2];

		make_pair(small, MSGID_TASK_SUSPEND);
		/* Either may stop the other at any time. */
		for (unsigned k = 0; k < 2; k++) {
			while (!is_answered(small[k].thread)) {
				(void)task_resume(small[k].task);
				sleep_ms(1);
			}
			answered++;
		}
		for (unsigned k = 0; k < 2; k++)
			small_kill(&small[k]);
	}
	is(answered, 80, "two tasks suspend each other");
}

/* Threads that nobody gives the processor to: they end all the same. */
static volatile bool hogs_done;

static void
hog(void *arg)
{
	(void)arg;
	while (!hogs_done)
		continue;
}

static void
least_urgent(thread_t thread)
{
	thread_precedence_policy_data_t policy = {.importance = -30};

	must(thread_policy_set(thread, THREAD_PRECEDENCE_POLICY,
	    (thread_policy_t)&policy, THREAD_PRECEDENCE_POLICY_COUNT));
}

static void
test_starved_end(void)
{
	unsigned harts = (unsigned)counters().harts, ended = 0;
	struct mach_thread *hogs[16];
	struct small spinner, sleeper, caller;

	small_make(&spinner, MACH_PORT_NULL, 0);
	small_run(&spinner, small_spin, 0, 0);
	least_urgent(spinner.thread);
	small_make(&sleeper, MACH_PORT_NULL, 0);
	small_run(&sleeper, small_trap, (uint64_t)TRAP_SWTCH_PRI, 0);
	small_make(&caller, port_new(), MACH_MSG_TYPE_MOVE_RECEIVE);
	small_run(&caller, small_receive, SMALL_PORT, 0);
	least_urgent(caller.thread);
	for (unsigned i = 0; i < harts; i++)
		must(mach_thread_start(hog, NULL, 0, &hogs[i]));
	sleep_ms(20);
	must(thread_terminate(spinner.thread));
	ended += dies(spinner.thread);
	must(thread_terminate(sleeper.thread));
	ended += dies(sleeper.thread);
	must(thread_terminate(caller.thread));
	ended += dies(caller.thread);
	is(ended, 3, "threads end that others leave no processor");
	hogs_done = true;
	for (unsigned i = 0; i < harts; i++)
		mach_thread_join(hogs[i]);
	small_kill(&spinner);
	small_kill(&sleeper);
	small_kill(&caller);
}

/* ---- what they tell ---- */

static uint64_t
microseconds(time_value_t time)
{
	return (uint64_t)time.seconds * 1000000 + (uint64_t)time.microseconds;
}

static uint64_t
living_time(task_t task)
{
	task_thread_times_info_data_t info;
	mach_msg_type_number_t count = TASK_THREAD_TIMES_INFO_COUNT;

	must(task_info(
	    task, TASK_THREAD_TIMES_INFO, (task_info_t)&info, &count));
	return microseconds(info.user_time);
}

static uint64_t
ended_time(task_t task)
{
	mach_task_basic_info_data_t info;
	mach_msg_type_number_t count = MACH_TASK_BASIC_INFO_COUNT;

	must(task_info(task, MACH_TASK_BASIC_INFO, (task_info_t)&info, &count));
	return microseconds(info.user_time);
}

static void
test_times(void)
{
	thread_basic_info_data_t info;
	mach_msg_type_number_t count = THREAD_BASIC_INFO_COUNT;
	struct small small;
	uint64_t time;

	small_make(&small, MACH_PORT_NULL, 0);
	small_run(&small, small_spin, 0, 0);
	sleep_ms(50);
	must(thread_suspend(small.thread));
	sleep_ms(20); /* it comes to a stop */
	must(thread_info(
	    small.thread, THREAD_BASIC_INFO, (thread_info_t)&info, &count));
	time = microseconds(info.user_time);
	ok(time > 0, "a thread that ran has used time");
	sleep_ms(20);
	count = THREAD_BASIC_INFO_COUNT;
	must(thread_info(
	    small.thread, THREAD_BASIC_INFO, (thread_info_t)&info, &count));
	is(microseconds(info.user_time), time, "none while it stands");
	is(living_time(small.task), time, "its task the same");
	is(ended_time(small.task), 0, "of threads that live");
	must(thread_terminate(small.thread));
	ok(dies(small.thread), "when it has ended");
	ok(ended_time(small.task) >= time, "it is of those that ended");
	small_kill(&small);
}

static void
test_tokens(void)
{
	security_token_t security;
	audit_token_t audit;
	task_vm_info_data_t vm;
	thread_identifier_info_data_t one, two;
	mach_msg_type_number_t count = TASK_SECURITY_TOKEN_COUNT;
	struct small small;

	must(task_info(
	    self, TASK_SECURITY_TOKEN, (task_info_t)&security, &count));
	count = TASK_AUDIT_TOKEN_COUNT;
	must(task_info(self, TASK_AUDIT_TOKEN, (task_info_t)&audit, &count));
	ok(security.val[0] != 0, "a task has an id");
	is(audit.val[5], security.val[0], "and the same in the other token");
	count = TASK_VM_INFO_COUNT;
	must(task_info(self, TASK_VM_INFO, (task_info_t)&vm, &count));
	is(count, TASK_VM_INFO_COUNT, "all that is known of its memory");
	is((unsigned)vm.page_size, vm_page_size, "its pages");
	ok(vm.resident_size > 0 && vm.virtual_size >= vm.resident_size,
	    "its size");
	count = TASK_VM_INFO_REV1_COUNT;
	must(task_info(self, TASK_VM_INFO, (task_info_t)&vm, &count));
	is(count, TASK_VM_INFO_REV1_COUNT, "or what an older caller knows");
	count = TASK_VM_INFO_REV0_COUNT - 1;
	is(task_info(self, TASK_VM_INFO, (task_info_t)&vm, &count),
	    KERN_INVALID_ARGUMENT, "but not less than the first did");

	small_make(&small, MACH_PORT_NULL, 0);
	must(thread_create(small.task, &small.thread));
	count = THREAD_IDENTIFIER_INFO_COUNT;
	must(thread_info(
	    small.thread, THREAD_IDENTIFIER_INFO, (thread_info_t)&one, &count));
	count = THREAD_IDENTIFIER_INFO_COUNT;
	must(thread_info(mach_thread_self(), THREAD_IDENTIFIER_INFO,
	    (thread_info_t)&two, &count));
	ok(one.thread_id != two.thread_id, "no two threads have one id");
	small_kill(&small);
}

int
main(void)
{
	self = mach_task_self();
	test_running();
	test_mutual();
	test_floats();
	test_suspended_task();
	test_abort_safely();
	test_ended();
	test_ender_aborted();
	test_mutual_end();
	test_mutual_suspension();
	test_starved_end();
	test_times();
	test_tokens();
	return done();
}
