/* clock.c: the traps of time and of giving way. */
#include "kernel/clock.h"

#include <arch/usercopy.h>

#include <mach/mach_time.h>
#include <mach/thread_switch.h>

#include "ipc/right.h"
#include "kernel/cpu.h"
#include "kernel/sched.h"
#include "kernel/task.h"

#define NANOSECONDS 1000000000UL

static uint64_t
greatest_common_divisor(uint64_t a, uint64_t b)
{
	while (b != 0) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

kern_return_t
mach_timebase_info_trap(uaddr_t info)
{
	uint64_t divisor =
	    greatest_common_divisor(NANOSECONDS, timer_frequency);
	struct mach_timebase_info timebase = {
	    .numer = (uint32_t)(NANOSECONDS / divisor),
	    .denom = (uint32_t)(timer_frequency / divisor),
	};

	return copyout(info, &timebase, sizeof(timebase));
}

/* A wait that ends at its deadline ends well. */
static void
wait_until_continue(void)
{
	kern_return_t kr = wait_finish(current_thread());

	thread_return_value(
	    (uint64_t)(kr == KERN_OPERATION_TIMED_OUT ? KERN_SUCCESS : kr));
}

kern_return_t
mach_wait_until_trap(uint64_t deadline)
{
	if (deadline <= timer_now())
		return KERN_SUCCESS;
	thread_sleep(deadline, wait_until_continue);
}

static void
yield_continue(void)
{
	thread_return_value(true);
}

boolean_t
swtch_trap(void)
{
	if (!sched_has_others())
		return false;
	sched_yield(yield_continue);
}

boolean_t
swtch_pri_trap(void)
{
	if (!sched_has_others())
		return false;
	thread_depress(TIMER_NEVER);
}

static void
switch_continue(void)
{
	thread_return_value(KERN_SUCCESS);
}

/*
 * Leave the processor to the thread that @name denotes, if it could run now.
 * Returns only if it cannot.
 */
static void
switch_to_name(mach_port_name_t name)
{
	struct thread *thread;
	bool taken;

	if (name == MACH_PORT_NULL)
		return;
	thread = thread_from_name(current_thread()->task->space, name);
	if (thread == NULL)
		return;
	taken = sched_take(thread);
	/* Ours to run now, so it cannot end before it does. */
	thread_put(thread);
	if (taken)
		sched_yield_to(thread, switch_continue);
}

kern_return_t
thread_switch_trap(uint64_t name, uint64_t option, uint64_t milliseconds)
{
	uint64_t deadline = timer_after_ms((uint32_t)milliseconds);

	switch ((uint32_t)option) {
	case SWITCH_OPTION_NONE:
		switch_to_name((mach_port_name_t)name);
		if (!sched_has_others())
			return KERN_SUCCESS;
		sched_yield(switch_continue);
	case SWITCH_OPTION_DEPRESS:
		if (!sched_has_others())
			return KERN_SUCCESS;
		thread_depress(deadline);
	case SWITCH_OPTION_WAIT:
		thread_sleep(deadline, wait_until_continue);
	default:
		return KERN_INVALID_ARGUMENT;
	}
}
