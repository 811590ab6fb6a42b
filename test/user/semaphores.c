/*
 * semaphores.c: signals and waits, orders, ends, and all of it at once.
 *
 * It is long because semaphores have seven calls, each of them twice: as a trap
 * and as a message.
 */
#include "test/user/mach_test.h"

#include <stdatomic.h>
#include <string.h>

#include <baton/thread.h>
#include <mach/routine_ids.h>
#include <mach/trap_numbers.h>

static mach_port_t self;

static semaphore_t
make(int policy, int value)
{
	semaphore_t semaphore;

	must(semaphore_create(self, &semaphore, policy, value));
	return semaphore;
}

static const mach_timespec_t no_time = {0, 0};
static const mach_timespec_t soon = {0, 2000000};

static kern_return_t
poll(semaphore_t semaphore)
{
	return semaphore_timedwait(semaphore, no_time);
}

/* ---- one thread ---- */

static void
test_counts(void)
{
	semaphore_t semaphore = make(SYNC_POLICY_FIFO, 2);

	is(type_of(semaphore), MACH_PORT_TYPE_SEND, "a semaphore is a right");
	is(semaphore_wait(semaphore), KERN_SUCCESS, "its first signal");
	is(poll(semaphore), KERN_SUCCESS, "its second");
	is(poll(semaphore), KERN_OPERATION_TIMED_OUT, "and no third");
	is(semaphore_timedwait(semaphore, soon), KERN_OPERATION_TIMED_OUT,
	    "not after a while either");
	is(semaphore_signal(semaphore), KERN_SUCCESS, "a signal is kept");
	is(semaphore_signal_all(semaphore), KERN_SUCCESS, "one to all is not");
	is(semaphore_signal_thread(semaphore, MACH_PORT_NULL), KERN_NOT_WAITING,
	    "nor one to whoever waits");
	is(poll(semaphore), KERN_SUCCESS, "so there was one");
	is(poll(semaphore), KERN_OPERATION_TIMED_OUT, "and only one");
	is(semaphore_wait_signal(semaphore, semaphore), KERN_SUCCESS,
	    "one signals oneself");
	is(semaphore_destroy(self, semaphore), KERN_SUCCESS, "it ends");
	is(type_of(semaphore), 0, "and the right was used up");
	semaphore = make(SYNC_POLICY_FIFO, INT32_MAX);
	is(semaphore_signal(semaphore), KERN_FAILURE, "a count has an end");
	is(semaphore_wait_signal(semaphore, semaphore), KERN_FAILURE,
	    "also for two things at once");
	is(poll(semaphore), KERN_SUCCESS, "and is still the same");
	must(semaphore_destroy(self, semaphore));
}

static void
test_bad_names(void)
{
	semaphore_t semaphore = make(SYNC_POLICY_FIFO, 0), dead;
	mach_port_t receive = port_new(), thread = mach_thread_self();
	struct {
		mach_port_t name;
		kern_return_t result;
		const char *what;
	} bad[] = {
	    {MACH_PORT_NULL, KERN_INVALID_NAME, "null"},
	    {MACH_PORT_DEAD, KERN_INVALID_NAME, "dead"},
	    {NO_NAME, KERN_INVALID_NAME, "no name"},
	    {ODD_NAME, KERN_INVALID_NAME, "an odd name"},
	    {receive, KERN_INVALID_RIGHT, "a receive right"},
	    {self, KERN_INVALID_ARGUMENT, "a task"},
	    {MACH_PORT_NULL, KERN_INVALID_RIGHT, "a semaphore that ended"},
	};
	unsigned last = sizeof(bad) / sizeof(bad[0]) - 1;

	dead = make(SYNC_POLICY_FIFO, 1);
	must(mach_port_mod_refs(self, dead, MACH_PORT_RIGHT_SEND, 1));
	must(semaphore_destroy(self, dead));
	is(dead_refs(dead), 1, "a dead name is left of another reference");
	bad[last].name = dead;
	for (unsigned i = 0; i <= last; i++) {
		mach_port_t name = bad[i].name;
		kern_return_t result = bad[i].result;
		unsigned wrong = 0;

		wrong += semaphore_signal(name) != result;
		wrong += semaphore_signal_all(name) != result;
		wrong += semaphore_signal_thread(name, thread) != result;
		wrong += semaphore_wait(name) != result;
		wrong += semaphore_timedwait(name, no_time) != result;
		wrong += semaphore_wait_signal(name, semaphore) != result;
		wrong += semaphore_wait_signal(semaphore, name) != result;
		wrong +=
		    semaphore_timedwait_signal(name, semaphore, soon) != result;
		is(wrong, 0, "%s is refused by all", bad[i].what);
	}
	is(poll(semaphore), KERN_OPERATION_TIMED_OUT, "nothing was signalled");
	is(semaphore_signal_thread(semaphore, self), KERN_INVALID_ARGUMENT,
	    "a task is no thread");
	is(semaphore_signal_thread(semaphore, NO_NAME), KERN_INVALID_NAME,
	    "no name is none");
	is(semaphore_signal_thread(semaphore, thread), KERN_NOT_WAITING,
	    "who calls does not wait");
	must(semaphore_destroy(self, semaphore));
	mach_port_deallocate(self, dead);
	mach_port_deallocate(self, thread);
	port_end(receive);
}

static void
test_bad_values(void)
{
	semaphore_t semaphore = make(SYNC_POLICY_FIFO, 1), other;
	mach_timespec_t times[] = {
	    {0, -1}, {1, 1000000000}, {0, INT32_MIN}, {UINT32_MAX, INT32_MAX}};

	is(semaphore_create(self, &other, SYNC_POLICY_FIFO, -1),
	    KERN_INVALID_ARGUMENT, "a count is not negative");
	is(semaphore_create(self, &other, 8, 0), KERN_INVALID_ARGUMENT,
	    "no such policy");
	is(semaphore_create(self, &other, -1, 0), KERN_INVALID_ARGUMENT,
	    "nor that one");
	for (unsigned i = 0; i < 4; i++) {
		is(semaphore_timedwait(semaphore, times[i]), KERN_INVALID_VALUE,
		    "%u s and %d ns are no time", times[i].tv_sec,
		    times[i].tv_nsec);
		is(semaphore_timedwait_signal(semaphore, semaphore, times[i]),
		    KERN_INVALID_VALUE, "not there either");
	}
	is(semaphore_timedwait(
	       semaphore, (mach_timespec_t){UINT32_MAX, 999999999}),
	    KERN_SUCCESS, "136 years are a time");
	is(poll(semaphore), KERN_OPERATION_TIMED_OUT, "the signal is taken");
	other = task_self_trap();
	is(semaphore_destroy(self, other), KERN_INVALID_ARGUMENT,
	    "a task is no semaphore to destroy");
	must(semaphore_destroy(self, semaphore));
}

/* ---- as messages ---- */

struct request {
	mach_msg_header_t header;
	union {
		struct {
			NDR_record_t ndr;
			uint32_t word[2];
		} plain;
		struct {
			mach_msg_body_t body;
			mach_msg_port_descriptor_t port;
			NDR_record_t ndr;
			uint32_t word[2];
		} complex;
		struct {
			NDR_record_t ndr;
			kern_return_t result;
			mach_msg_max_trailer_t trailer;
		} reply;
	};
};

/* Ask the semaphore's port; @other is a right to send along, if not null. */
static kern_return_t
ask(semaphore_t semaphore, int id, mach_port_t other, const mach_timespec_t *at)
{
	mach_port_t reply = mach_reply_port();
	struct request request = {.header.msgh_id = id};
	mach_msg_size_t size = sizeof(mach_msg_header_t);
	kern_return_t kr;

	request.header.msgh_bits = MACH_MSGH_BITS(
	    MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	request.header.msgh_remote_port = semaphore;
	request.header.msgh_local_port = reply;
	if (other != MACH_PORT_NULL) {
		request.header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
		request.complex.body.msgh_descriptor_count = 1;
		request.complex.port = (mach_msg_port_descriptor_t){
		    .name = other,
		    .disposition = MACH_MSG_TYPE_COPY_SEND,
		    .type = MACH_MSG_PORT_DESCRIPTOR,
		};
		size = at != NULL ? sizeof(request.complex) + size
				  : offsetof(struct request, complex.ndr);
		if (at != NULL)
			memcpy(request.complex.word, at, sizeof(*at));
	} else if (at != NULL) {
		memcpy(request.plain.word, at, sizeof(*at));
		size += sizeof(request.plain);
	}
	kr = mach_msg(&request.header, MACH_SEND_MSG | MACH_RCV_MSG, size,
	    sizeof(request), reply, 0, MACH_PORT_NULL);
	port_end(reply);
	if (kr != KERN_SUCCESS)
		return kr;
	if (request.header.msgh_id == MACH_NOTIFY_SEND_ONCE)
		return MIG_SERVER_DIED;
	return request.header.msgh_id == id + 100 ? request.reply.result
						  : MIG_REPLY_MISMATCH;
}

static void
ask_to_wait(void *semaphore)
{
	(void)ask((semaphore_t)(uintptr_t)semaphore, MSGID_SEMAPHORE_WAIT,
	    MACH_PORT_NULL, NULL);
}

/* ---- several threads ---- */

static integer_t
state_of(thread_t thread)
{
	thread_basic_info_data_t info = {.run_state = 0};
	mach_msg_type_number_t count = THREAD_BASIC_INFO_COUNT;

	must(thread_info(
	    thread, THREAD_BASIC_INFO, (thread_info_t)&info, &count));
	return info.run_state;
}

static void
until_waiting(struct mach_thread *thread)
{
	for (int i = 0; i < 3000; i++) {
		if (state_of(mach_thread_port(thread)) == TH_STATE_WAITING)
			return;
		sleep_ms(1);
	}
	ok(false, "a thread comes to wait");
}

#define WAITERS 6

struct waiter {
	semaphore_t semaphore;
	struct mach_thread *thread;
	kern_return_t result;
	unsigned turn;
};

static struct waiter waiter[WAITERS];
static atomic_uint turns;

static void
wait_once(void *arg)
{
	struct waiter *one = arg;

	one->result = semaphore_wait(one->semaphore);
	one->turn = ++turns;
}

static void
start_waiter(struct waiter *one, semaphore_t semaphore)
{
	*one = (struct waiter){.semaphore = semaphore, .result = -1};
	must(mach_thread_start(wait_once, one, 0, &one->thread));
	until_waiting(one->thread);
}

/* A thread of another importance, which it has from its start. */
static void
wait_less_important(void *arg)
{
	struct waiter *one = arg;

	yield_precedence((int)one->turn);
	wait_once(one);
}

/* Wait in the order of @importance (less is more), be woken one by one, and say
 * in which order as the digits of a number. */
static unsigned
order_of(int policy, const char *importance)
{
	semaphore_t semaphore = make(policy, 0);
	unsigned count = (unsigned)strlen(importance), order = 0;

	turns = 0;
	for (unsigned i = 0; i < count; i++) {
		waiter[i] = (struct waiter){
		    .semaphore = semaphore,
		    .turn = (unsigned)(importance[i] - '0'),
		};
		must(mach_thread_start(
		    wait_less_important, &waiter[i], 0, &waiter[i].thread));
		until_waiting(waiter[i].thread);
	}
	for (unsigned i = 0; i < count; i++) {
		must(semaphore_signal(semaphore));
		while (turns == i)
			sleep_ms(1);
	}
	for (unsigned turn = 1; turn <= count; turn++)
		for (unsigned i = 0; i < count; i++)
			if (waiter[i].turn == turn)
				order = order * 10 + i + 1;
	for (unsigned i = 0; i < count; i++)
		mach_thread_join(waiter[i].thread);
	must(semaphore_destroy(self, semaphore));
	return order;
}

static void
test_orders(void)
{
	is(order_of(SYNC_POLICY_FIFO, "3120"), 1234, "first come, first");
	is(order_of(SYNC_POLICY_LIFO, "3120"), 4321, "last come, first");
	is(order_of(SYNC_POLICY_FIXED_PRIORITY, "313010"), 462513,
	    "the most important first, and among equals who came first");
	is(order_of(
	       SYNC_POLICY_FIXED_PRIORITY | SYNC_POLICY_REVERSED, "131030"),
	    251346, "the least important first");
}

/*
 * Two of one priority wait in one place of the queue, and the second, who has
 * been called by a message and has answered it, leaves again: what he left
 * behind must be nothing of the first one's.
 */
struct called {
	mach_port_t service, answer;
	semaphore_t semaphore;
	kern_return_t result;
	atomic_bool left;
};

static void
serve_then_wait(void *arg)
{
	static const mach_timespec_t while_others_wait = {0, 20000000};
	struct called *called = arg;
	struct note message;
	mach_msg_option_t option = MACH_RCV_MSG;

	for (int i = 0; i < 4; i++) {
		must(mach_msg(&message.header, option, sizeof(message.header),
		    sizeof(message), called->service, 0, 0));
		option = MACH_SEND_MSG | MACH_RCV_MSG;
		message.header.msgh_bits =
		    MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
		message.header.msgh_local_port = MACH_PORT_NULL;
	}
	must(mach_msg(&message.header, MACH_SEND_MSG, sizeof(message.header), 0,
	    0, 0, 0));
	called->result =
	    semaphore_timedwait(called->semaphore, while_others_wait);
	called->left = true;
}

static void
call_once(const struct called *called)
{
	struct note message;

	message.header = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS(
		MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    .msgh_size = sizeof(message.header),
	    .msgh_remote_port = called->service,
	    .msgh_local_port = called->answer,
	};
	must(mach_msg(&message.header, MACH_SEND_MSG | MACH_RCV_MSG,
	    sizeof(message.header), sizeof(message), called->answer, 0, 0));
}

static void
test_peer_leaves(void)
{
	struct called called = {
	    .service = port_new_send(),
	    .answer = port_new(),
	    .semaphore = make(SYNC_POLICY_FIXED_PRIORITY, 0),
	};
	struct mach_thread *thread;

	start_waiter(&waiter[0], called.semaphore);
	must(mach_thread_start(serve_then_wait, &called, 0, &thread));
	until_waiting(thread);
	for (int i = 0; i < 4; i++)
		call_once(&called);
	while (!called.left)
		sleep_ms(1);
	mach_thread_join(thread);
	is(called.result, KERN_OPERATION_TIMED_OUT, "an equal gives up");
	must(post(called.service, 1));
	sleep_ms(20);
	is(waiter[0].result, -1, "and who was first is in no other queue");
	must(semaphore_signal(called.semaphore));
	mach_thread_join(waiter[0].thread);
	is(waiter[0].result, KERN_SUCCESS, "but waits on for a signal");
	is(take(called.service), 1, "and the message for somebody else");
	port_end(called.service);
	port_end(called.answer);
	must(semaphore_destroy(self, called.semaphore));
}

static void
test_aborts(void)
{
	semaphore_t semaphore = make(SYNC_POLICY_FIXED_PRIORITY, 0);

	for (int i = 0; i < 4; i++)
		start_waiter(&waiter[i], semaphore);
	must(thread_abort(mach_thread_port(waiter[1].thread)));
	mach_thread_join(waiter[1].thread);
	is(waiter[1].result, KERN_ABORTED, "a wait is aborted");
	must(thread_terminate(mach_thread_port(waiter[0].thread)));
	mach_thread_join(waiter[0].thread);
	is(waiter[0].result, -1, "and one ends with its thread");
	must(semaphore_signal(semaphore));
	mach_thread_join(waiter[2].thread);
	is(waiter[2].result, KERN_SUCCESS, "the third is the first now");
	is(semaphore_signal_thread(
	       semaphore, mach_thread_port(waiter[3].thread)),
	    KERN_SUCCESS, "one can be named");
	mach_thread_join(waiter[3].thread);
	is(waiter[3].result, KERN_SUCCESS, "and has the signal");
	is(poll(semaphore), KERN_OPERATION_TIMED_OUT, "which was all of it");
	must(semaphore_destroy(self, semaphore));
}

/* Wake or end more than are woken in one step. */
#define CROWD 40

static atomic_uint succeeded, terminated, otherwise;

static void
wait_in_crowd(void *arg)
{
	switch (semaphore_wait((semaphore_t)(uintptr_t)arg)) {
	case KERN_SUCCESS:
		succeeded++;
		break;
	case KERN_TERMINATED:
		terminated++;
		break;
	default:
		otherwise++;
	}
}

static void
gather(semaphore_t semaphore, struct mach_thread **crowd)
{
	succeeded = terminated = otherwise = 0;
	for (int i = 0; i < CROWD; i++)
		must(mach_thread_start(wait_in_crowd,
		    (void *)(uintptr_t)semaphore, 16384, &crowd[i]));
	for (int i = 0; i < CROWD; i++)
		until_waiting(crowd[i]);
}

static void
disperse(struct mach_thread **crowd)
{
	for (int i = 0; i < CROWD; i++)
		mach_thread_join(crowd[i]);
	is(otherwise, 0, "nobody was told anything else");
}

static void
test_crowds(void)
{
	static struct mach_thread *crowd[CROWD];
	semaphore_t semaphore = make(SYNC_POLICY_FIXED_PRIORITY, 0);

	gather(semaphore, crowd);
	is(semaphore_signal_all(semaphore), KERN_SUCCESS, "all are woken");
	disperse(crowd);
	is(succeeded, CROWD, "all %d of them", CROWD);
	is(poll(semaphore), KERN_OPERATION_TIMED_OUT, "and no signal is left");
	gather(semaphore, crowd);
	must(semaphore_destroy(self, semaphore));
	disperse(crowd);
	is(terminated, CROWD, "a semaphore's end ends all waits");
	semaphore = make(SYNC_POLICY_FIFO, 0);
	gather(semaphore, crowd);
	must(mach_port_deallocate(self, semaphore));
	disperse(crowd);
	is(terminated, CROWD, "and so does the end of the last right to it");
}

static void
test_messages(void)
{
	semaphore_t semaphore = make(SYNC_POLICY_FIFO, 0), other;
	struct mach_thread *thread;

	other = make(SYNC_POLICY_FIFO, 0);
	is(ask(semaphore, MSGID_SEMAPHORE_SIGNAL, 0, NULL), KERN_SUCCESS,
	    "a signal by message");
	is(ask(semaphore, MSGID_SEMAPHORE_WAIT, 0, NULL), KERN_SUCCESS,
	    "is waited for by message");
	is(ask(semaphore, MSGID_SEMAPHORE_TIMEDWAIT, 0, &no_time),
	    KERN_OPERATION_TIMED_OUT, "once");
	is(ask(semaphore, MSGID_SEMAPHORE_TIMEDWAIT, 0, &soon),
	    KERN_OPERATION_TIMED_OUT, "after waiting, too");
	is(ask(semaphore, MSGID_SEMAPHORE_SIGNAL_ALL, 0, NULL), KERN_SUCCESS,
	    "to all");
	is(ask(semaphore, MSGID_SEMAPHORE_SIGNAL_THREAD, self, NULL),
	    KERN_INVALID_ARGUMENT, "a task is no thread");
	is(ask(semaphore, MSGID_SEMAPHORE_TIMEDWAIT, 0,
	       &(mach_timespec_t){0, -1}),
	    KERN_INVALID_VALUE, "no such time");
	is(ask(semaphore, MSGID_SEMAPHORE_TIMEDWAIT_SIGNAL, other, &soon),
	    KERN_OPERATION_TIMED_OUT, "wait for one, signal another");
	is(poll(other), KERN_SUCCESS, "it was signalled");
	must(semaphore_signal(semaphore));
	is(ask(semaphore, MSGID_SEMAPHORE_WAIT_SIGNAL, other, NULL),
	    KERN_SUCCESS, "without a limit");
	is(poll(other), KERN_SUCCESS, "it was signalled");
	is(ask(semaphore, MSGID_SEMAPHORE_WAIT_SIGNAL, self, NULL),
	    KERN_INVALID_ARGUMENT, "a task is no semaphore");
	must(mach_thread_start(
	    ask_to_wait, (void *)(uintptr_t)semaphore, 0, &thread));
	until_waiting(thread);
	is(ask(semaphore, MSGID_SEMAPHORE_SIGNAL_THREAD,
	       mach_thread_port(thread), NULL),
	    KERN_SUCCESS, "one thread wakes another by message");
	mach_thread_join(thread);
	must(semaphore_destroy(self, semaphore));
	must(semaphore_destroy(self, other));
}

/* ---- the owner ends ---- */

static void
test_owner(void)
{
	semaphore_t semaphore;
	struct small small;

	small_make(&small, MACH_PORT_NULL, 0);
	must(semaphore_create(small.task, &semaphore, SYNC_POLICY_FIFO, 0));
	is(semaphore_signal(semaphore), KERN_SUCCESS,
	    "a semaphore of another task");
	is(poll(semaphore), KERN_SUCCESS, "is as good");
	must(mach_port_mod_refs(self, semaphore, MACH_PORT_RIGHT_SEND, 1));
	is(semaphore_destroy(self, semaphore), KERN_INVALID_ARGUMENT,
	    "but is not ours to end");
	start_waiter(&waiter[0], semaphore);
	small_kill(&small);
	mach_thread_join(waiter[0].thread);
	is(waiter[0].result, KERN_TERMINATED, "it ends with its task");
	ok(dies(semaphore), "and so does its port");
	mach_port_deallocate(self, semaphore);
}

/* ---- everything at once ---- */

#define PLAYERS 8
#define SHARED	4
#define TURNS	800

static atomic_bool over;
static atomic_uint shared[SHARED], waits, signals, ends;

static void
play(void *arg)
{
	uint32_t state = (uint32_t)(uintptr_t)arg * 7919;
	thread_t me = mach_thread_self();

	while (!over) {
		mach_timespec_t time = {0, (int)(state >> 8) % 1000000};
		semaphore_t one = shared[(state >> 12) % SHARED];
		semaphore_t two = shared[(state >> 16) % SHARED];
		kern_return_t kr = KERN_FAILURE;

		state = state * 1664525 + 1013904223;
		switch (state >> 24 & 7) {
		case 0:
		case 1:
			signals += semaphore_signal(one) == KERN_SUCCESS;
			break;
		case 2:
			(void)semaphore_signal_all(one);
			break;
		case 3:
			(void)semaphore_signal_thread(one, me);
			break;
		case 4:
			kr = semaphore_timedwait(one, time);
			break;
		case 5:
			kr = ask(one, MSGID_SEMAPHORE_TIMEDWAIT, 0, &time);
			break;
		default:
			kr = semaphore_timedwait_signal(one, two, time);
		}
		waits += kr == KERN_SUCCESS;
		ends += kr == KERN_TERMINATED;
	}
	mach_port_deallocate(self, me);
}

static void
stir(struct mach_thread **thread, unsigned turn)
{
	static const int policies[] = {SYNC_POLICY_FIFO, SYNC_POLICY_LIFO,
	    SYNC_POLICY_FIXED_PRIORITY, SYNC_POLICY_FIXED_PRIORITY};
	unsigned which = turn / 4 % SHARED;
	semaphore_t old = shared[which];
	struct small small;

	switch (turn % 4) {
	case 0:
		shared[which] = make(policies[turn / 16 % 4], 0);
		(void)semaphore_destroy(self, old);
		break;
	case 1:
		(void)thread_abort(mach_thread_port(thread[turn % PLAYERS]));
		break;
	case 2:
		sleep_ms(1);
		break;
	default:
		/* A task whose threads wait as it ends. */
		if (turn % 32 != 3)
			break;
		small_make(&small, old, MACH_MSG_TYPE_COPY_SEND);
		for (int i = 0; i < 3; i++)
			small_run(&small, small_trap,
			    (uint64_t)TRAP_SEMAPHORE_WAIT, SMALL_PORT);
		small_kill(&small);
	}
}

static void
test_storm(void)
{
	struct mach_thread *thread[PLAYERS];
	struct baton_kernel_counters before = quiet_counters(), after;
	unsigned names = name_count();

	for (int i = 0; i < SHARED; i++)
		shared[i] = make(SYNC_POLICY_FIFO, 0);
	for (uintptr_t i = 0; i < PLAYERS; i++)
		must(mach_thread_start(play, (void *)(i + 1), 0, &thread[i]));
	for (unsigned i = 0; i < TURNS; i++)
		stir(thread, i);
	over = true;
	for (int i = 0; i < PLAYERS; i++)
		mach_thread_join(thread[i]);
	for (int i = 0; i < SHARED; i++)
		must(semaphore_destroy(self, shared[i]));
	ok(waits > 0 && signals > 0, "%u waits, %u signals, %u ended", waits,
	    signals, ends);
	after = quiet_counters();
	is(after.objects[BATON_OBJECT_SEMAPHORE],
	    before.objects[BATON_OBJECT_SEMAPHORE], "no semaphore is left");
	is(after.objects[BATON_OBJECT_THREAD],
	    before.objects[BATON_OBJECT_THREAD], "no thread");
	is(after.objects[BATON_OBJECT_TASK], before.objects[BATON_OBJECT_TASK],
	    "no task");
	is(after.objects[BATON_OBJECT_MESSAGE],
	    before.objects[BATON_OBJECT_MESSAGE], "no message");
	is(after.objects[BATON_OBJECT_PORT], before.objects[BATON_OBJECT_PORT],
	    "no port");
	/* A name that another used meanwhile may be left, dead. */
	note("%u names before, %u after", names, name_count());
}

int
main(void)
{
	self = mach_task_self();
	threads_keep();
	test_counts();
	test_bad_names();
	test_bad_values();
	test_orders();
	test_peer_leaves();
	test_aborts();
	test_crowds();
	test_messages();
	test_owner();
	test_storm();
	return done();
}
