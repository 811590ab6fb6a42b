/*
 * turns.c: what it costs that another thread of this hart runs: because it is
 * named, or because a message wakes it and it is more urgent.
 */
#include <baton/thread.h>
#include <mach/mach.h>

#include "bench.h"

static volatile int over;

/* ---- thread_switch() to a thread by its name ---- */

static thread_t other;

static void
switch_back(void *arg)
{
	thread_t first = *(thread_t *)arg;

	while (!over)
		thread_switch(first, SWITCH_OPTION_NONE, 0);
}

void
bench_switches(void)
{
	thread_t self = mach_thread_self();
	struct mach_thread *thread;

	over = 0;
	bench_check(mach_thread_start(switch_back, &self, 65536, &thread),
	    "start a thread");
	other = mach_thread_port(thread);
	bench_begin("switch.pingpong",
	    "thread_switch() there and back, each names the other");
	for (unsigned i = 0; i < WARM_UP + bench_rounds(); i++) {
		uint64_t before = bench_now();

		thread_switch(other, SWITCH_OPTION_NONE, 0);
		before = bench_now() - before;
		if (i >= WARM_UP)
			bench_sample(before);
	}
	bench_end();
	over = 1;
	mach_thread_join(thread);
	mach_port_deallocate(mach_task_self(), self);
}

/* ---- a plain send to who is more urgent ---- */

static struct {
	mach_port_t port;
	volatile uint64_t sent;
	volatile unsigned received;
} urgent;

static void
receive_urgently(void *arg)
{
	union {
		mach_msg_header_t header;
		uint8_t room[sizeof(mach_msg_header_t) + MAX_TRAILER_SIZE];
	} note;

	(void)arg;
	for (unsigned i = 0; i < WARM_UP + bench_rounds(); i++) {
		kern_return_t kr =
		    mach_msg(&note.header, MACH_RCV_MSG, 0, sizeof(note),
			urgent.port, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
		uint64_t cost = bench_now() - urgent.sent;

		bench_check(kr, "receive");
		if (i >= WARM_UP)
			bench_sample(cost);
		urgent.received = i + 1;
	}
}

void
bench_importance(int importance)
{
	thread_precedence_policy_data_t policy = {.importance = importance};
	thread_t self = mach_thread_self();

	bench_check(
	    thread_policy_set(self, THREAD_PRECEDENCE_POLICY,
		(thread_policy_t)&policy, THREAD_PRECEDENCE_POLICY_COUNT),
	    "set our priority");
	mach_port_deallocate(mach_task_self(), self);
}

void
bench_urgent(void)
{
	struct mach_thread *thread;
	mach_msg_header_t note = {
	    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
	    .msgh_size = sizeof(note),
	};

	bench_check(mach_port_allocate(mach_task_self(),
			MACH_PORT_RIGHT_RECEIVE, &urgent.port),
	    "make a port");
	bench_check(mach_port_insert_right(mach_task_self(), urgent.port,
			urgent.port, MACH_MSG_TYPE_MAKE_SEND),
	    "make a send right");
	note.msgh_remote_port = urgent.port;
	urgent.received = 0;
	bench_begin(
	    "send.urgent", "a plain send to a more urgent thread that waits");
	bench_check(mach_thread_start(receive_urgently, NULL, 65536, &thread),
	    "start a receiver");
	bench_importance(-1);
	for (unsigned i = 0; i < WARM_UP + bench_rounds(); i++) {
		urgent.sent = bench_now();
		bench_check(
		    mach_msg(&note, MACH_SEND_MSG, sizeof(note), 0,
			MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
		    "send");
		while (urgent.received == i)
			thread_switch(MACH_PORT_NULL, SWITCH_OPTION_NONE, 0);
	}
	bench_importance(0);
	mach_thread_join(thread);
	bench_end();
}
