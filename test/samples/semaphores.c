/* Two threads take turns by two semaphores. */
#include <stdint.h>
#include <stdio.h>

#include <mach/mach.h>
#include <mach/semaphore.h>
#include <mach/sync_policy.h>
#include <mach/task.h>

#define TURNS 100

static semaphore_t ping, pong;
static volatile int turns;

static void
other(void)
{
	for (;;) {
		semaphore_wait(ping);
		turns++;
		semaphore_signal(pong);
	}
}

int
main(void)
{
	static char stack[16384] __attribute__((aligned(16)));
	riscv64_thread_state_t state = {0};
	mach_timespec_t soon = {0, 1000000};
	task_t self = mach_task_self();
	thread_act_t thread;

	if (semaphore_create(self, &ping, SYNC_POLICY_FIFO, 0) ||
	    semaphore_create(self, &pong, SYNC_POLICY_FIFO, 0))
		return 1;
	state.pc = (uint64_t)other;
	state.sp = (uint64_t)(stack + sizeof(stack));
	if (thread_create_running(self, RISCV64_THREAD_STATE,
		(thread_state_t)&state, RISCV64_THREAD_STATE_COUNT,
		&thread) != KERN_SUCCESS)
		return 1;
	for (int i = 0; i < TURNS; i++)
		if (semaphore_signal(ping) != KERN_SUCCESS ||
		    semaphore_wait(pong) != KERN_SUCCESS || turns != i + 1)
			return 1;
	printf("%d turns\n", turns);
	if (semaphore_timedwait(pong, soon) != KERN_OPERATION_TIMED_OUT)
		return 1;
	thread_terminate(thread);
	semaphore_destroy(self, ping);
	semaphore_destroy(self, pong);
	return 0;
}
