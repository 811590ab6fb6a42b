/* sync.c: what two threads pay that wait for each other without messages. */
#include <baton/thread.h>
#include <mach/mach.h>
#include <mach/mach_eventlink.h>
#include <mach/semaphore.h>

#include "bench.h"

static semaphore_t ping, pong;

static void
return_signals(void *arg)
{
	(void)arg;
	(void)semaphore_wait(ping);
	while (semaphore_wait_signal(ping, pong) == KERN_SUCCESS)
		continue;
}

void
bench_semaphores(void)
{
	struct mach_thread *thread;

	bench_check(
	    semaphore_create(mach_task_self(), &ping, SYNC_POLICY_FIFO, 0),
	    "make a semaphore");
	bench_check(
	    semaphore_create(mach_task_self(), &pong, SYNC_POLICY_FIFO, 0),
	    "make a semaphore");
	bench_check(mach_thread_start(return_signals, NULL, 65536, &thread),
	    "start a thread");
	bench_begin("sem.pingpong",
	    "semaphore_wait_signal() there and back, between threads");
	for (unsigned i = 0; i < WARM_UP + bench_rounds(); i++) {
		uint64_t before = bench_now();
		kern_return_t kr = semaphore_wait_signal(pong, ping);

		before = bench_now() - before;
		bench_check(kr, "wait for a signal");
		if (i >= WARM_UP)
			bench_sample(before);
	}
	bench_end();
	bench_check(semaphore_destroy(mach_task_self(), ping), "end it");
	mach_thread_join(thread);
	bench_check(semaphore_destroy(mach_task_self(), pong), "end it");
}

static eventlink_port_pair_t side;

static inline kern_return_t
signal_and_wait(mach_port_t eventlink, uint64_t *count)
{
	return mach_eventlink_signal_wait_until(eventlink, count, 0,
	    MELSW_OPTION_NONE, KERN_CLOCK_MACH_ABSOLUTE_TIME, 0);
}

static void
return_events(void *arg)
{
	uint64_t count = 0;

	(void)arg;
	(void)mach_eventlink_wait_until(side[1], &count, MELSW_OPTION_NONE,
	    KERN_CLOCK_MACH_ABSOLUTE_TIME, 0);
	while (signal_and_wait(side[1], &count) == KERN_SUCCESS)
		continue;
}

void
bench_eventlinks(void)
{
	struct mach_thread *thread;
	uint64_t count = 0;

	bench_check(mach_eventlink_create(
			mach_task_self(), MELC_OPTION_NO_COPYIN, side),
	    "make an eventlink");
	for (int i = 0; i < 2; i++)
		bench_check(mach_eventlink_associate(side[i], MACH_PORT_NULL, 0,
				0, 0, 0, MELA_OPTION_ASSOCIATE_ON_WAIT),
		    "let anybody wait");
	bench_check(mach_thread_start(return_events, NULL, 65536, &thread),
	    "start a thread");
	bench_begin("eventlink.pingpong",
	    "signal and wait there and back, between threads");
	for (unsigned i = 0; i < WARM_UP + bench_rounds(); i++) {
		uint64_t before = bench_now();
		kern_return_t kr = signal_and_wait(side[0], &count);

		before = bench_now() - before;
		bench_check(kr, "wait for a signal");
		if (i >= WARM_UP)
			bench_sample(before);
	}
	bench_end();
	bench_check(mach_eventlink_destroy(side[0]), "end it");
	mach_thread_join(thread);
	bench_check(mach_eventlink_destroy(side[1]), "end it");
}
