/* clock.c: the traps of time and of giving way. */
#include "kernel/clock.h"

#include <arch/usercopy.h>

#include <mach/mach_time.h>
#include <mach/thread_switch.h>

#include "ipc/right.h"
#include "kernel/clock_service.h"
#include "kernel/cpu.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/wait_queue.h"
#include "vm/memory_wait.h"

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
	/* For a slice, or who is never idle would keep it for ever. */
	thread_depress(NULL, timer_after_us(CONFIG_SLICE_US));
}

static void
switch_continue(void)
{
	thread_return_value(KERN_SUCCESS);
}

/* The thread that @name denotes, ours to run if it could run now; or NULL. */
static struct thread *
take_named(mach_port_name_t name)
{
	struct thread *thread;
	bool taken;

	if (name == MACH_PORT_NULL)
		return NULL;
	thread = thread_from_name(current_thread()->task->space, name);
	if (thread == NULL)
		return NULL;
	taken = sched_take(thread);
	/* Ours to run now, so it cannot end before it does. */
	thread_put(thread);
	return taken ? thread : NULL;
}

/* Sleep, and leave the processor to @next, or to anybody if it is NULL. */
static noreturn void
sleep_in_favour(struct thread *next, uint64_t deadline)
{
	struct thread *self = current_thread();

	spin_lock(&self->lock);
	wait_begin(self, wait_until_continue, deadline, &self->lock);
	wait_hand_over(next);
}

kern_return_t
thread_switch_trap(uint64_t name, uint64_t option, uint64_t milliseconds)
{
	uint32_t time = (uint32_t)milliseconds;
	struct thread *next;

	if ((uint32_t)option > SWITCH_OPTION_OSLOCK_WAIT)
		return KERN_INVALID_ARGUMENT;
	next = take_named((mach_port_name_t)name);
	switch ((uint32_t)option) {
	case SWITCH_OPTION_WAIT:
	case SWITCH_OPTION_DISPATCH_CONTENTION:
	case SWITCH_OPTION_OSLOCK_WAIT:
		sleep_in_favour(next, timer_after_ms(time));
	case SWITCH_OPTION_DEPRESS:
	case SWITCH_OPTION_OSLOCK_DEPRESS:
		if (next == NULL && !sched_has_others())
			return KERN_SUCCESS;
		thread_depress(
		    next, time != 0 ? timer_after_ms(time) : TIMER_NEVER);
	default:
		if (next != NULL)
			sched_yield_to(next, switch_continue);
		if (!sched_has_others())
			return KERN_SUCCESS;
		sched_yield(switch_continue);
	}
}

/* ---- sleeping ---- */

static void say_continue(void);

/* Say what the clock shows, and how it ended. */
static kern_return_t
sleep_end(uaddr_t wakeup, kern_return_t kr)
{
	struct step_state *step = &current_thread()->step;
	mach_timespec_t now = clock_now();
	kern_return_t written = KERN_SUCCESS;

	if (wakeup != 0)
		written = copyout(wakeup, &now, sizeof(now));
	if (written == KERN_MEMORY_WAIT) {
		step->word[0] = wakeup;
		step->word[1] = (uint64_t)kr;
		memory_wait_block(say_continue);
	}
	return written == KERN_SUCCESS ? kr : KERN_INVALID_ADDRESS;
}

static void
say_continue(void)
{
	const struct step_state *step = &current_thread()->step;
	kern_return_t kr;

	(void)memory_wait_end();
	kr = sleep_end(step->word[0], (kern_return_t)step->word[1]);
	thread_return_value((uint64_t)(int64_t)kr);
}

static void
sleep_continue(void)
{
	struct thread *self = current_thread();
	kern_return_t kr = wait_finish(self);

	if (kr == KERN_OPERATION_TIMED_OUT)
		kr = KERN_SUCCESS;
	kr = sleep_end(self->step.word[0], kr);
	thread_return_value((uint64_t)(int64_t)kr);
}

kern_return_t
clock_sleep_trap(uint64_t name, uint64_t type, uint64_t seconds,
    uint64_t nanoseconds, uaddr_t wakeup)
{
	mach_timespec_t time = {
	    .tv_sec = (unsigned int)seconds,
	    .tv_nsec = (int)nanoseconds,
	};
	enum clock_kind kind;
	uint64_t deadline;
	kern_return_t kr = clock_from_name((mach_port_name_t)name, &kind);

	if (kr != KERN_SUCCESS)
		return kr;
	if (kind != CLOCK_SYSTEM)
		return KERN_FAILURE;
	kr = clock_deadline((alarm_type_t)type, &time, &deadline);
	if (kr != KERN_SUCCESS)
		return kr;
	if (deadline <= timer_now())
		return sleep_end(wakeup, KERN_SUCCESS);
	current_thread()->step.word[0] = wakeup;
	thread_sleep(deadline, sleep_continue);
}
