/*
 * ends.c: threads whose end is a signal to a semaphore: how they begin, every
 * way in which they end, and what is left of them.
 *
 * They have a stack and no variables of their own, so what they run is traps
 * and loops.  Long because it is one kind of thread, from all sides.
 */
#include <stdatomic.h>
#include <string.h>

#include <baton/thread.h>
#include <mach/routine_ids.h>
#include <mach/trap_numbers.h>

#include "test/user/exceptions.h"

#define STACK_SIZE 4096

static task_t self;

static semaphore_t
make(void)
{
	semaphore_t semaphore;

	must(semaphore_create(self, &semaphore, SYNC_POLICY_FIFO, 0));
	return semaphore;
}

/* ---- what they run ---- */

struct place {
	semaphore_t ended, other;
	mach_port_t port; /* to receive from, or its own name */
	_Atomic(uint64_t) steps;
	char stack[STACK_SIZE] __attribute__((aligned(16)));
};

static void
end_it(struct place *place)
{
	(void)place;
	baton_thread_end();
}

/* By message, as Mach has it. */
static void
end_by_message(struct place *place)
{
	mach_msg_header_t end = {
	    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND, 0),
	    .msgh_size = sizeof(end),
	    .msgh_remote_port = mach_thread_self(),
	    .msgh_id = MSGID_THREAD_TERMINATE,
	};

	place->steps++;
	mach_msg_send(&end);
	for (;;)
		place->steps++;
}

/* Until somebody else ends it, writing to its stack all the time. */
static void
scribble(struct place *place)
{
	uint64_t word[16];

	for (;;) {
		for (unsigned i = 0; i < 16; i++)
			*(volatile uint64_t *)&word[i] = place->steps;
		place->steps++;
	}
}

static void
wait_for_signal(struct place *place)
{
	for (;;) {
		place->steps++;
		(void)semaphore_wait(place->other);
	}
}

static void
wait_for_message(struct place *place)
{
	mach_msg_empty_rcv_t in;

	for (;;) {
		place->steps++;
		(void)mach_msg(&in.header, MACH_RCV_MSG | MACH_RCV_INTERRUPT, 0,
		    sizeof(in), place->port, 0, MACH_PORT_NULL);
	}
}

static void
step_down(struct place *place)
{
	for (;;) {
		place->steps++;
		(void)thread_switch(MACH_PORT_NULL, SWITCH_OPTION_DEPRESS, 1);
	}
}

/* Changes no register. */
static void
stay(void)
{
	for (;;)
		__asm__ volatile("");
}

static void
say_name(struct place *place)
{
	place->port = mach_thread_self();
	place->steps++;
	(void)semaphore_wait(place->other);
	baton_thread_end();
}

/* Where nothing is. */
static void
fault(struct place *place)
{
	(void)semaphore_wait(place->other);
	*(volatile char *)place->steps = 1;
	baton_thread_end();
}

typedef void (*routine_t)(struct place *place);

static kern_return_t
start(struct place *place, routine_t routine)
{
	return baton_thread_start((vm_address_t)routine,
	    (vm_address_t)(place->stack + STACK_SIZE), 0, (uint64_t)place,
	    place->ended);
}

static struct place *
place_new(void)
{
	struct place *place = pages_new(sizeof(*place));

	place->ended = make();
	place->other = make();
	return place;
}

static void
place_end(struct place *place)
{
	must(semaphore_destroy(self, place->ended));
	must(semaphore_destroy(self, place->other));
	pages_end(place, sizeof(*place));
}

static kern_return_t
poll(semaphore_t semaphore)
{
	return semaphore_timedwait(semaphore, (mach_timespec_t){0, 0});
}

/* Its end is heard of, once. */
static bool
ended_once(struct place *place)
{
	kern_return_t kr;

	do
		kr = semaphore_wait(place->ended);
	while (kr == KERN_ABORTED);
	return kr == KERN_SUCCESS &&
	       poll(place->ended) == KERN_OPERATION_TIMED_OUT;
}

static void
until_step(struct place *place)
{
	while (place->steps == 0)
		swtch_pri(0);
}

/* ---- beginning ---- */

static void
test_errors(void)
{
	struct place *place = place_new();
	semaphore_t ended = place->ended, foreign;
	struct small small;
	mach_port_t port = port_new();

	place->ended = NO_NAME;
	is(start(place, end_it), KERN_INVALID_NAME, "no such name");
	place->ended = port;
	is(start(place, end_it), KERN_INVALID_RIGHT, "no send right");
	place->ended = self;
	is(start(place, end_it), KERN_INVALID_ARGUMENT, "no semaphore");
	small_make(&small, MACH_PORT_NULL, 0);
	must(semaphore_create(small.task, &foreign, SYNC_POLICY_FIFO, 0));
	place->ended = foreign;
	is(start(place, end_it), KERN_INVALID_ARGUMENT, "another task's");
	is(poll(foreign), KERN_OPERATION_TIMED_OUT, "it hears of nothing");
	small_kill(&small);
	must(mach_port_deallocate(self, foreign));
	place->ended = ended;
	is(baton_thread_start(1, 0, 0, 0, ended), KERN_INVALID_ARGUMENT,
	    "an odd place to begin");
	is(baton_thread_start(1UL << 38, 0, 0, 0, ended), KERN_INVALID_ARGUMENT,
	    "one beyond the user's");
	is(baton_thread_start(~1UL, 0, 0, 0, ended), KERN_INVALID_ARGUMENT,
	    "and one of the kernel's");
	is(baton_thread_port(ended), MACH_PORT_DEAD, "nothing was made");
	is(start(place, say_name), KERN_SUCCESS, "a thread is");
	is(start(place, end_it), KERN_FAILURE, "and no other beside it");
	must(semaphore_signal(place->other));
	ok(ended_once(place), "it ends");
	is(start(place, end_it), KERN_SUCCESS, "then another may begin");
	ok(ended_once(place), "and end");
	must(mach_port_mod_refs(self, ended, MACH_PORT_RIGHT_SEND, 1));
	must(semaphore_destroy(self, ended));
	is(start(place, end_it), KERN_INVALID_RIGHT,
	    "nobody begins for a semaphore that has ended");
	is(baton_thread_port(ended), MACH_PORT_NULL, "nor has a name by it");
	must(mach_port_deallocate(self, ended));
	must(mach_port_deallocate(self, place->port));
	port_end(port);
	place->ended = make();
	place_end(place);
}

static void
test_registers(void)
{
	struct place *place = place_new();
	riscv64_thread_state_t state;
	mach_msg_type_number_t count = RISCV64_THREAD_STATE_COUNT;
	unsigned wrong = 0;
	thread_t thread;

	must(baton_thread_start(
	    (vm_address_t)stay, 0x7000, 0x8000, 0x9000, place->ended));
	thread = baton_thread_port(place->ended);
	must(thread_suspend(thread));
	must(thread_get_state(
	    thread, RISCV64_THREAD_STATE, (thread_state_t)&state, &count));
	is(state.sp, 0x7000, "it has the stack that it was given");
	is(state.tp, 0x8000, "and the place of its variables");
	is(state.a0, 0x9000, "and its argument");
	state.pc = state.sp = state.tp = state.a0 = 0;
	for (unsigned i = 0; i < sizeof(state) / sizeof(uint64_t); i++)
		wrong += ((uint64_t *)&state)[i] != 0;
	is(wrong, 0, "and nothing else");
	must(thread_terminate(thread));
	ok(ended_once(place), "it ends where it stands");
	must(mach_port_deallocate(self, thread));
	place_end(place);
}

/* ---- its port ---- */

static void
test_port(void)
{
	struct place *place = place_new();
	thread_act_array_t threads;
	mach_msg_type_number_t count;
	mach_port_t notify = port_new(), previous;
	mach_dead_name_notification_t note;
	bool found = false;
	thread_t thread;

	must(start(place, say_name));
	thread = baton_thread_port(place->ended);
	until_step(place);
	is(place->port, thread, "it is called what it calls itself");
	is(send_refs(thread), 2, "each asked for a reference");
	must(task_threads(self, &threads, &count));
	for (unsigned i = 0; i < count; i++) {
		found |= threads[i] == thread;
		must(mach_port_deallocate(self, threads[i]));
	}
	pages_end(threads, count * sizeof(*threads));
	ok(found, "and what the task's list of threads says");
	must(mach_port_request_notification(self, thread, MACH_NOTIFY_DEAD_NAME,
	    0, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous));
	must(semaphore_signal(place->other));
	ok(ended_once(place), "it ends");
	is(await(&note, sizeof(note), notify), KERN_SUCCESS,
	    "who asked for it hears that its port is dead");
	is(note.not_port, thread, "this one");
	is(dead_refs(thread), 3, "with a reference more");
	is(baton_thread_port(place->ended), MACH_PORT_DEAD, "it has no port");
	must(mach_port_mod_refs(self, thread, MACH_PORT_RIGHT_DEAD_NAME, -3));

	/* Nobody asks but the list. */
	place->steps = 0;
	must(start(place, scribble));
	must(task_threads(self, &threads, &count));
	thread = baton_thread_port(place->ended);
	is(send_refs(thread), 2, "the list makes a port that nobody has");
	for (unsigned i = 0; i < count; i++)
		must(mach_port_deallocate(self, threads[i]));
	pages_end(threads, count * sizeof(*threads));
	must(thread_terminate(thread));
	ok(ended_once(place), "by which it is ended");
	must(mach_port_deallocate(self, thread));
	port_end(notify);
	place_end(place);
}

/* ---- every end ---- */

static const struct {
	routine_t routine;
	const char *words;
	bool by_itself;
} ways[] = {
    {end_it, "by itself", true},
    {end_by_message, "by a message to its own port", true},
    {scribble, "while it runs", false},
    {wait_for_signal, "while it waits for a semaphore", false},
    {wait_for_message, "while it waits for a message", false},
    {step_down, "while it steps down for others", false},
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

static void
test_ways(void)
{
	struct place *place = place_new();
	thread_t thread;

	place->port = port_new();
	for (unsigned i = 0; i < WAYS; i++) {
		place->steps = 0;
		must(start(place, ways[i].routine));
		if (!ways[i].by_itself) {
			until_step(place);
			thread = baton_thread_port(place->ended);
			must(thread_terminate(thread));
			ok(ended_once(place), "it ends %s", ways[i].words);
			must(mach_port_deallocate(self, thread));
		} else {
			ok(ended_once(place), "it ends %s", ways[i].words);
		}
	}
	place->steps = 0;
	must(start(place, scribble));
	until_step(place);
	thread = baton_thread_port(place->ended);
	must(thread_suspend(thread));
	must(thread_suspend(thread));
	must(thread_terminate(thread));
	ok(ended_once(place), "it ends while it is suspended");
	must(mach_port_deallocate(self, thread));
	port_end(place->port);
	place_end(place);
}

/* A thread that faults, and what its handler does then. */
static void
test_faults(void)
{
	struct place *place = place_new();
	mach_port_t port = port_new_send();
	struct question question;
	thread_t thread;

	for (int turn = 0; turn < 2; turn++) {
		place->steps = 8;
		must(start(place, fault));
		/* Two may ask for its port: its handler is given it as well. */
		thread = baton_thread_port(place->ended);
		must(thread_set_exception_ports(thread, EXC_MASK_BAD_ACCESS,
		    port, EXCEPTION_STATE_IDENTITY | CODES,
		    RISCV64_THREAD_STATE));
		must(semaphore_signal(place->other));
		ok(ask_for(&question, port), "it faults");
		is(question.identity, thread, "and is named");
		is(poll(place->ended), KERN_OPERATION_TIMED_OUT,
		    "it has not ended");
		if (turn == 0) {
			must(thread_terminate(thread));
			ok(ended_once(place), "until its handler ends it");
			must(mach_port_deallocate(self, question.reply));
			question_drop(&question);
		} else {
			question_set_pc(&question, (uint64_t)end_it);
			must(answer(&question, KERN_SUCCESS));
			ok(ended_once(place), "until its handler lets it end");
			question_drop(&question);
		}
		must(mach_port_deallocate(self, thread));
	}
	port_end(port);
	place_end(place);
}

/* A task that ends, and its threads with it. */
static void
test_task(void)
{
	struct baton_kernel_counters before = quiet_counters(), after;
	riscv64_thread_state_t state = {
	    .pc = AT(small_trap),
	    .a0 = (uint64_t)TRAP_BATON_THREAD_START,
	    .a1 = AT(small_spin),
	    .a4 = SMALL_PORT,
	};
	struct small small;
	semaphore_t ended;
	thread_act_array_t threads;
	mach_msg_type_number_t count;
	thread_t starter;
	kern_return_t kr;

	small_make(&small, MACH_PORT_NULL, 0);
	must(semaphore_create(small.task, &ended, SYNC_POLICY_FIFO, 0));
	must(mach_port_insert_right(
	    small.task, SMALL_PORT, ended, MACH_MSG_TYPE_COPY_SEND));
	must(task_suspend(small.task));
	must(thread_create_running(small.task, RISCV64_THREAD_STATE,
	    (thread_state_t)&state, RISCV64_THREAD_STATE_COUNT, &starter));
	must(task_resume(small.task));
	do {
		must(task_threads(small.task, &threads, &count));
		for (unsigned i = 0; i < count; i++)
			mach_port_deallocate(self, threads[i]);
		pages_end(threads, count * sizeof(*threads));
	} while (count < 2);
	ok(true, "a thread of another task is started");
	is(baton_thread_port(ended), MACH_PORT_NULL,
	    "who has a right to its semaphore has none to it");
	is(poll(ended), KERN_OPERATION_TIMED_OUT, "it runs");
	must(task_terminate(small.task));
	kr = semaphore_wait(ended);
	ok(kr == KERN_SUCCESS || kr == KERN_TERMINATED ||
		kr == KERN_INVALID_RIGHT,
	    "until its task ends");
	small_forget(&small);
	must(mach_port_deallocate(self, starter));
	must(mach_port_deallocate(self, ended));
	after = quiet_counters();
	is(after.objects[BATON_OBJECT_TASK], before.objects[BATON_OBJECT_TASK],
	    "the task is gone");
	is(after.objects[BATON_OBJECT_SEMAPHORE],
	    before.objects[BATON_OBJECT_SEMAPHORE], "its semaphore, too");
	is(after.objects[BATON_OBJECT_THREAD],
	    before.objects[BATON_OBJECT_THREAD], "and its threads");
}

/* The semaphore ends before the thread does. */
static void
test_lost_semaphore(void)
{
	struct place *place = place_new();
	thread_t thread;

	must(start(place, scribble));
	thread = baton_thread_port(place->ended);
	must(semaphore_destroy(self, place->ended));
	must(thread_terminate(thread));
	ok(dies(thread), "it ends though nobody is to hear of it");
	must(mach_port_deallocate(self, thread));

	/* One that has as many signals as there can be. */
	must(
	    semaphore_create(self, &place->ended, SYNC_POLICY_FIFO, INT32_MAX));
	must(start(place, scribble));
	thread = baton_thread_port(place->ended);
	must(thread_terminate(thread));
	ok(dies(thread), "and though its signal is one too many");
	is(semaphore_signal(place->ended), KERN_FAILURE, "which is lost");
	must(mach_port_deallocate(self, thread));
	place_end(place);
}

/* ---- all at once ---- */

#define STARTERS 4
#define ROUNDS	 300

static struct place *places[STARTERS];
static atomic_uint over, wrong, made;

static uint32_t
chance(uint32_t *state, uint32_t below)
{
	*state = *state * 1664525 + 1013904223;
	return (*state >> 8) % below;
}

/* Does one thing to a thread, which may end meanwhile. */
static void
stir(thread_t thread, uint32_t what)
{
	riscv64_thread_state_t state;
	mach_msg_type_number_t count = RISCV64_THREAD_STATE_COUNT;

	switch (what) {
	case 0:
		if (thread_suspend(thread) == KERN_SUCCESS)
			(void)thread_resume(thread);
		break;
	case 1:
		(void)thread_abort(thread);
		break;
	case 2:
		(void)thread_terminate(thread);
		break;
	case 3:
		(void)thread_get_state(thread, RISCV64_THREAD_STATE,
		    (thread_state_t)&state, &count);
		break;
	}
}

static void
stir_all(void *arg)
{
	uint32_t state = (uint32_t)(uintptr_t)arg;

	while (over < STARTERS) {
		struct place *place = places[chance(&state, STARTERS)];
		thread_t thread = baton_thread_port(place->ended);

		if (MACH_PORT_VALID(thread)) {
			stir(thread, chance(&state, 4));
			(void)mach_port_deallocate(self, thread);
		} else {
			swtch_pri(0);
		}
	}
}

static void
end_other(struct place *place)
{
	thread_t thread = baton_thread_port(place->ended);

	if (!MACH_PORT_VALID(thread))
		return;
	(void)thread_terminate(thread);
	(void)mach_port_deallocate(self, thread);
}

static void
start_many(void *arg)
{
	uint32_t state = (uint32_t)(uintptr_t)arg;
	struct place *place = places[(uintptr_t)arg];

	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned way = chance(&state, WAYS);
		uint32_t seed = chance(&state, UINT32_MAX);

		must(start(place, ways[way].routine));
		if (chance(&state, 2) == 0)
			swtch_pri(0);
		if (!ways[way].by_itself)
			end_other(place);
		wrong += !ended_once(place);
		/* The stack is ours from here on. */
		pattern_fill(place->stack, STACK_SIZE, seed);
		if (chance(&state, 4) == 0)
			swtch_pri(0);
		wrong += !pattern_holds(place->stack, STACK_SIZE, seed);
		made++;
	}
	over++;
}

static void
test_storm(void)
{
	struct baton_kernel_counters before = quiet_counters(), after;
	struct mach_thread *starter[STARTERS], *stirrer[2];
	mach_port_t port = port_new();
	unsigned names;

	for (int i = 0; i < STARTERS; i++) {
		places[i] = place_new();
		places[i]->port = port;
	}
	names = name_count();
	for (uintptr_t i = 0; i < STARTERS; i++)
		must(mach_thread_start(start_many, (void *)i, 0, &starter[i]));
	for (uintptr_t i = 0; i < 2; i++)
		must(mach_thread_start(
		    stir_all, (void *)(i + 7), 0, &stirrer[i]));
	for (int i = 0; i < STARTERS; i++)
		mach_thread_join(starter[i]);
	for (int i = 0; i < 2; i++)
		mach_thread_join(stirrer[i]);
	is(made, STARTERS * ROUNDS, "%u threads end in all ways",
	    STARTERS * ROUNDS);
	is(wrong, 0, "each is heard of once, and leaves its stack alone");
	/* A message to oneself takes its name along, or finds it dead. */
	note("%u names before, %u after", names, name_count());
	for (int i = 0; i < STARTERS; i++)
		place_end(places[i]);
	port_end(port);
	after = quiet_counters();
	is(after.objects[BATON_OBJECT_THREAD],
	    before.objects[BATON_OBJECT_THREAD], "no thread is left");
	is(after.objects[BATON_OBJECT_SEMAPHORE],
	    before.objects[BATON_OBJECT_SEMAPHORE], "no semaphore");
}

/* ---- the library's ---- */

#define JOINED 1000

static atomic_uint ran;

static void
count_up(void *arg)
{
	ran += (unsigned)(uintptr_t)arg;
}

static void
join_many(void *arg)
{
	struct mach_thread *thread[2];

	for (unsigned i = 0; i < JOINED / 2; i++) {
		for (int j = 0; j < 2; j++)
			must(mach_thread_start(
			    count_up, arg, 16384, &thread[j]));
		/* One is asked for its port, whether it is still there. */
		if (i % 8 == 0)
			(void)mach_thread_port(thread[1]);
		for (int j = 0; j < 2; j++)
			mach_thread_join(thread[j]);
	}
}

static void
wait_long(void *arg)
{
	atomic_uint *waits = arg;

	*waits = 1;
	sleep_ms(1000000);
}

static void
join_one(void *arg)
{
	mach_thread_join(arg);
	ran = 1;
}

static void
test_library(void)
{
	struct mach_thread *thread[2];
	struct baton_kernel_counters before, after;
	static atomic_uint waits;
	unsigned names;

	threads_keep();
	before = quiet_counters();
	names = name_count();
	for (int i = 0; i < 2; i++)
		must(mach_thread_start(join_many, (void *)1, 0, &thread[i]));
	for (int i = 0; i < 2; i++)
		mach_thread_join(thread[i]);
	is(ran, 2 * JOINED, "%u threads run and are joined", 2 * JOINED);
	is(name_count(), names, "no name is left");
	after = quiet_counters();
	is(after.objects[BATON_OBJECT_THREAD],
	    before.objects[BATON_OBJECT_THREAD], "no thread");
	is(after.objects[BATON_OBJECT_SEMAPHORE],
	    before.objects[BATON_OBJECT_SEMAPHORE], "no semaphore");
	is(after.objects[BATON_OBJECT_PORT], before.objects[BATON_OBJECT_PORT],
	    "no port");

	ran = 0;
	must(mach_thread_start(wait_long, &waits, 0, &thread[0]));
	while (waits == 0)
		swtch_pri(0);
	must(mach_thread_start(join_one, thread[0], 0, &thread[1]));
	must(thread_abort(mach_thread_port(thread[1])));
	is(ran, 0, "who joins is not put off by an abort");
	must(thread_terminate(mach_thread_port(thread[0])));
	mach_thread_join(thread[1]);
	is(ran, 1, "only by the thread's end, whoever brings it about");
	is(name_count(), names, "and its name goes with it");
}

int
main(void)
{
	self = mach_task_self();
	tap_hold();
	test_library();
	test_errors();
	test_registers();
	test_port();
	test_ways();
	test_faults();
	test_task();
	test_lost_semaphore();
	test_storm();
	return done();
}
