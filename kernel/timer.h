/*
 * kernel/timer.h: deadlines, one heap per hart, no periodic tick.
 *
 * A struct timer lives inside what it belongs to.  It is armed on the hart
 * that arms it and fires there, from the timer interrupt, with that hart's
 * timer lock held: so once timer_cancel() has returned, the function has
 * either run or never will.
 */
#pragma once
#include <mach/time_value.h>

#include "kernel/list.h"
#include "kernel/lock.h"
#include "kernel/types.h"

/* The deadline of what never comes. */
#define TIMER_NEVER UINT64_MAX

struct cpu;
struct timer;

/* Runs with the timer lock held (rank LOCK_TIMER); must not block. */
typedef void (*timer_function_t)(struct timer *timer);

struct timer {
	uint64_t deadline;	   /* in timebase ticks */
	timer_function_t function; /* I */
	struct cpu *cpu;	   /* where it is armed, NULL: not armed */
	struct timer *left;	   /* a heap, see timer.c; the timer lock's */
	struct timer *right;
	struct timer *parent;
	uint32_t rank;
};

/* What a timer leaves to do when no lock is held; see timer_defer(). */
struct timer_work {
	struct list link; /* the hart's own */
	void (*run)(struct timer_work *work);
};

/* A hart's deadlines, earliest at the root. */
struct timer_queue {
	struct spinlock lock; /* rank LOCK_TIMER */
	struct list work;     /* l: struct timer_work by link */
	struct timer *root;
	uint64_t programmed; /* what the hardware was last asked for */
};

/* Ticks per second, from the device tree. */
extern uint64_t timer_frequency;

void timer_init(uint64_t frequency);
void timer_queue_init(struct timer_queue *queue);

/* Arm @timer on this hart; a deadline in the past fires at once. */
void timer_arm(struct timer *timer, uint64_t deadline);
/* Disarm; true when the timer had not fired.  Any hart may call. */
bool timer_cancel_armed(struct timer *timer);

/* A hint, unless the asker keeps it from being armed. */
static inline bool
timer_is_armed(const struct timer *timer)
{
	return __atomic_load_n(&timer->cpu, __ATOMIC_RELAXED) != NULL;
}

static inline bool
timer_cancel(struct timer *timer)
{
	if (likely(!timer_is_armed(timer)))
		return false;
	return timer_cancel_armed(timer);
}
/* Fire what is due on this hart and ask the hardware for the next one. */
void timer_interrupt(void);

/*
 * For a timer's function: have @work run right after, by the same interrupt,
 * with no lock held.
 */
void timer_defer(struct timer_work *work);

/* Ticks now.  On some cores the read traps to firmware: not for hot paths. */
uint64_t timer_now(void);

/* A length of time, for people. */
uint64_t timer_nanoseconds(uint64_t ticks);
struct time_value timer_time_value(uint64_t ticks);
/* Saturating: a wait of ages is a wait for ever. */
uint64_t timer_after_ms(uint32_t milliseconds);
uint64_t timer_after_us(uint64_t microseconds);
