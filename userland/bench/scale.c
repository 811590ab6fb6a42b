/*
 * scale.c: what a round trip costs beside much of everything.
 *
 * Rows scale.WHAT.COUNT are rpc.null.inter with so many of WHAT in the system;
 * scale.queue.COUNT receives one message of a port at which so many wait to
 * send.  A row that does not fit into memory is left out.
 */
#include <stdbool.h>
#include <stdio.h>

#include <baton/thread.h>
#include <mach/mach.h>
#include <mach/semaphore.h>

#include "bench.h"
#include "protocol.h"

#define COUNTS_MAX  6
#define RIGHTS_MAX  1000000
#define TASKS_MAX   1000
#define THREADS_MAX 10001
#define STACK	    4096
#define SETTLE_MS   500

/*
 * How many there are in each row, and whether that takes no more than a moment
 * to set up; 0 ends it.
 */
struct scale {
	const char *name, *what;
	struct {
		unsigned count;
		bool quick;
	} row[COUNTS_MAX];
};

static char row_name[40];

/* The name of a row; NULL if it is not to be measured now. */
static const char *
row_of(const struct scale *scale, int i)
{
	if (i == COUNTS_MAX || scale->row[i].count == 0 ||
	    (!scale->row[i].quick && !bench_large))
		return NULL;
	snprintf(row_name, sizeof(row_name), "scale.%s.%u", scale->name,
	    scale->row[i].count);
	return row_name;
}

/* Until everybody has done what he was about to do. */
static void
settle(void)
{
	thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, SETTLE_MS);
}

static void
measure(const struct scale *scale)
{
	settle();
	bench_round_trips(row_name, scale->what, bench_partner());
}

static void *
have_room(vm_size_t size)
{
	vm_address_t at = 0;

	bench_check(vm_allocate(mach_task_self(), &at, round_page(size),
			VM_FLAGS_ANYWHERE),
	    "have room for names");
	return (void *)at;
}

static void
give_room(void *room, vm_size_t size)
{
	(void)vm_deallocate(
	    mach_task_self(), (vm_address_t)room, round_page(size));
}

/* ---- rights ---- */

/* Have @count in all, of @had; false: there is no room. */
static bool
have_rights(mach_port_t *right, unsigned had, unsigned count)
{
	for (unsigned i = had; i < count; i++) {
		if (mach_port_allocate(mach_task_self(),
			MACH_PORT_RIGHT_RECEIVE, &right[i]) != KERN_SUCCESS)
			return false;
	}
	return true;
}

static void
scale_rights(void)
{
	static const struct scale scale = {"rights",
	    "round trip between tasks, of which one has so many rights",
	    {{10, true}, {1000, true}, {10000, true}, {100000, false},
		{RIGHTS_MAX, false}}};
	vm_size_t room = round_page(RIGHTS_MAX * sizeof(mach_port_t));
	mach_port_t *right;
	vm_address_t at;
	unsigned had = 0;

	bench_check(vm_allocate(mach_task_self(), &at, room, VM_FLAGS_ANYWHERE),
	    "have room for names");
	right = (mach_port_t *)at;
	for (int i = 0; row_of(&scale, i) != NULL; i++) {
		if (!have_rights(right, had, scale.row[i].count))
			break;
		had = scale.row[i].count;
		measure(&scale);
	}
	for (unsigned i = 0; i < had; i++)
		(void)mach_port_mod_refs(
		    mach_task_self(), right[i], MACH_PORT_RIGHT_RECEIVE, -1);
	give_room(right, RIGHTS_MAX * sizeof(*right));
}

/* ---- tasks ---- */

static void
scale_tasks(void)
{
	static const struct scale scale = {"tasks",
	    "round trip between two of so many tasks",
	    {{10, true}, {100, true}, {TASKS_MAX, false}}};
	task_t *task = have_room(TASKS_MAX * sizeof(*task));
	unsigned had = 0;

	for (int i = 0; row_of(&scale, i) != NULL; i++) {
		for (; had < scale.row[i].count; had++) {
			if (task_create(mach_task_self(), NULL, 0, FALSE,
				&task[had]) != KERN_SUCCESS)
				goto out;
		}
		measure(&scale);
	}
out:
	for (unsigned i = 0; i < had; i++) {
		(void)task_terminate(task[i]);
		(void)mach_port_deallocate(mach_task_self(), task[i]);
	}
	give_room(task, TASKS_MAX * sizeof(*task));
}

/* ---- threads that wait ---- */

static semaphore_t arrived, hold;
static mach_port_t crowded; /* a port at which they wait to send */

static void
wait_for_the_end(void *unused)
{
	(void)unused;
	(void)semaphore_signal(arrived);
	(void)semaphore_wait(hold);
}

static void
send_for_ever(void *unused)
{
	mach_msg_header_t message = {
	    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0),
	    .msgh_size = sizeof(message),
	    .msgh_remote_port = crowded,
	};

	(void)unused;
	(void)semaphore_signal(arrived);
	while (mach_msg(&message, MACH_SEND_MSG, sizeof(message), 0,
		   MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE,
		   MACH_PORT_NULL) == MACH_MSG_SUCCESS)
		message.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0);
}

/* Start threads until there are @count; returns how many there are. */
static unsigned
have_threads(struct mach_thread **thread, unsigned had, unsigned count,
    void (*run)(void *))
{
	while (had < count && mach_thread_start(run, NULL, STACK,
				  &thread[had]) == KERN_SUCCESS) {
		had++;
		(void)semaphore_wait(arrived);
	}
	settle();
	return had;
}

static struct mach_thread **
threads_begin(void)
{
	struct mach_thread **thread = have_room(THREADS_MAX * sizeof(*thread));

	bench_check(
	    semaphore_create(mach_task_self(), &arrived, SYNC_POLICY_FIFO, 0),
	    "make a semaphore");
	bench_check(
	    semaphore_create(mach_task_self(), &hold, SYNC_POLICY_FIFO, 0),
	    "make a semaphore");
	return thread;
}

static void
threads_end(struct mach_thread **thread, unsigned had)
{
	(void)semaphore_destroy(mach_task_self(), hold);
	for (unsigned i = 0; i < had; i++)
		mach_thread_join(thread[i]);
	(void)semaphore_destroy(mach_task_self(), arrived);
	give_room(thread, THREADS_MAX * sizeof(*thread));
}

static void
scale_threads(void)
{
	static const struct scale scale = {"threads",
	    "round trip between tasks, of which one has so many threads",
	    {{10, true}, {100, true}, {1000, false}, {10000, false}}};
	struct mach_thread **thread = threads_begin();
	unsigned had = 0;

	for (int i = 0; row_of(&scale, i) != NULL; i++) {
		had = have_threads(
		    thread, had, scale.row[i].count, wait_for_the_end);
		if (had < scale.row[i].count)
			break;
		measure(&scale);
	}
	threads_end(thread, had);
}

/* ---- senders that wait at one port ---- */

/* One receive each time; who could send then queues up again. */
static void
measure_queue(unsigned count)
{
	struct {
		mach_msg_header_t header;
		mach_msg_max_trailer_t trailer;
	} message;
	char name[40];

	snprintf(name, sizeof(name), "scale.queue.%u", count);
	bench_begin(name, "receive from a port at which so many wait to send");
	for (unsigned i = 0; i < WARM_UP + 100; i++) {
		uint64_t before = bench_now();
		kern_return_t kr =
		    mach_msg(&message.header, MACH_RCV_MSG, 0, sizeof(message),
			crowded, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);

		before = bench_now() - before;
		bench_check(kr, "receive what waits");
		if (i >= WARM_UP)
			bench_sample(before);
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 1);
	}
	bench_end();
}

static void
scale_senders(void)
{
	static const struct scale scale = {"senders",
	    "round trip while so many threads wait to send to another port",
	    {{1, true}, {100, true}, {1000, false}, {10000, false}}};
	struct mach_thread **thread = threads_begin();
	mach_port_limits_t limits = {.mpl_qlimit = 1};
	unsigned had = 0;

	bench_check(mach_port_allocate(
			mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &crowded),
	    "allocate a port");
	bench_check(mach_port_set_attributes(mach_task_self(), crowded,
			MACH_PORT_LIMITS_INFO, (mach_port_info_t)&limits,
			MACH_PORT_LIMITS_INFO_COUNT),
	    "let one message queue");
	for (int i = 0; row_of(&scale, i) != NULL; i++) {
		unsigned waiting = scale.row[i].count;

		/* One's message is in the queue. */
		had = have_threads(thread, had, waiting + 1, send_for_ever);
		if (had < waiting + 1)
			break;
		measure(&scale);
		measure_queue(waiting);
	}
	bench_check(mach_port_mod_refs(
			mach_task_self(), crowded, MACH_PORT_RIGHT_RECEIVE, -1),
	    "end the port");
	threads_end(thread, had);
}

/* ---- members of a set ---- */

static void
scale_members(void)
{
	static const struct scale scale = {"members",
	    "round trip to a task that receives from a set of so many",
	    {{1, true}, {100, true}, {1000, false}, {10000, false}}};

	for (int i = 0; row_of(&scale, i) != NULL; i++) {
		mach_port_t partner = bench_partner_of_set(scale.row[i].count);

		settle();
		bench_round_trips(row_name, scale.what, partner);
		bench_forget(partner);
	}
}

void
bench_scales(void)
{
	scale_tasks();
	scale_members();
	scale_senders();
	scale_threads();
	scale_rights();
}
