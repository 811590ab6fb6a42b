/*
 * timer.c: each hart's deadlines in a pairing heap, whose links live in the
 * timers: arming takes constant time, firing and cancelling logarithmic time
 * on average, and nothing is ever allocated.
 */
#include "kernel/timer.h"

#include <arch/cpu.h>

#include "kernel/cpu.h"
#include "kernel/kassert.h"

uint64_t timer_frequency;

void
timer_init(uint64_t frequency)
{
	timer_frequency = frequency;
}

void
timer_queue_init(struct timer_queue *queue)
{
	spin_init(&queue->lock, LOCK_TIMER);
	list_init(&queue->work);
	queue->root = NULL;
	queue->programmed = TIMER_NEVER;
}

uint64_t
timer_now(void)
{
	return arch_read_time();
}

static uint64_t
timer_after(uint64_t ticks)
{
	uint64_t now = timer_now();

	return ticks < TIMER_NEVER - now ? now + ticks : TIMER_NEVER;
}

uint64_t
timer_after_us(uint64_t microseconds)
{
	uint64_t seconds = microseconds / 1000000;
	uint64_t rest = microseconds % 1000000;

	if (seconds >= TIMER_NEVER / timer_frequency - 1)
		return TIMER_NEVER;
	return timer_after(seconds * timer_frequency +
			   (rest * timer_frequency + 999999) / 1000000);
}

uint64_t
timer_after_ms(uint32_t milliseconds)
{
	return timer_after_us((uint64_t)milliseconds * 1000);
}

uint64_t
timer_nanoseconds(uint64_t ticks)
{
	uint64_t seconds = ticks / timer_frequency;
	uint64_t rest = ticks % timer_frequency;

	return seconds * 1000000000 + rest * 1000000000 / timer_frequency;
}

struct time_value
timer_time_value(uint64_t ticks)
{
	uint64_t nanoseconds = timer_nanoseconds(ticks);

	return (struct time_value){
	    .seconds = (integer_t)(nanoseconds / 1000000000),
	    .microseconds = (integer_t)(nanoseconds % 1000000000 / 1000),
	};
}

/* ---- the heap; @parent of a first child is its parent, of a later one its
 * elder sibling ---- */

static struct timer *
heap_meld(struct timer *a, struct timer *b)
{
	struct timer *swap;

	if (a == NULL)
		return b;
	if (b == NULL)
		return a;
	if (b->deadline < a->deadline) {
		swap = a;
		a = b;
		b = swap;
	}
	b->sibling = a->child;
	if (a->child != NULL)
		a->child->parent = b;
	b->parent = a;
	a->child = b;
	return a;
}

/* Meld a list of siblings into one heap: in pairs, then the pairs. */
static struct timer *
heap_pair(struct timer *first)
{
	struct timer *pairs = NULL;
	struct timer *root = NULL;

	while (first != NULL) {
		struct timer *a = first;
		struct timer *b = a->sibling;
		struct timer *rest = b != NULL ? b->sibling : NULL;

		a->sibling = NULL;
		if (b != NULL)
			b->sibling = NULL;
		a = heap_meld(a, b);
		a->sibling = pairs;
		pairs = a;
		first = rest;
	}
	while (pairs != NULL) {
		struct timer *rest = pairs->sibling;

		pairs->sibling = NULL;
		root = heap_meld(root, pairs);
		pairs = rest;
	}
	if (root != NULL)
		root->parent = NULL;
	return root;
}

static void
heap_remove(struct timer_queue *queue, struct timer *timer)
{
	struct timer *children = heap_pair(timer->child);

	if (queue->root == timer) {
		queue->root = children;
	} else {
		if (timer->parent->child == timer)
			timer->parent->child = timer->sibling;
		else
			timer->parent->sibling = timer->sibling;
		if (timer->sibling != NULL)
			timer->sibling->parent = timer->parent;
		queue->root = heap_meld(queue->root, children);
	}
	timer->child = NULL;
	timer->sibling = NULL;
	timer->parent = NULL;
}

/* Ask the hardware for the earliest deadline, if it does not know it. */
static void
program(struct timer_queue *queue)
{
	uint64_t deadline =
	    queue->root != NULL ? queue->root->deadline : TIMER_NEVER;

	if (deadline == queue->programmed)
		return;
	queue->programmed = deadline;
	arch_set_timer(deadline);
}

void
timer_arm(struct timer *timer, uint64_t deadline)
{
	struct cpu *cpu = this_cpu();
	struct timer_queue *queue = &cpu->timers;

	KASSERT(timer->cpu == NULL);
	timer->deadline = deadline;
	timer->child = NULL;
	timer->sibling = NULL;
	timer->parent = NULL;
	spin_lock(&queue->lock);
	__atomic_store_n(&timer->cpu, cpu, __ATOMIC_RELAXED);
	queue->root = heap_meld(queue->root, timer);
	program(queue);
	spin_unlock(&queue->lock);
}

bool
timer_cancel_armed(struct timer *timer)
{
	struct cpu *cpu = __atomic_load_n(&timer->cpu, __ATOMIC_RELAXED);
	bool armed;

	if (cpu == NULL)
		return false;
	spin_lock(&cpu->timers.lock);
	armed = timer->cpu != NULL;
	if (armed) {
		heap_remove(&cpu->timers, timer);
		__atomic_store_n(&timer->cpu, NULL, __ATOMIC_RELAXED);
	}
	/* Another hart's hardware fires once for nothing, and finds out. */
	if (cpu == this_cpu())
		program(&cpu->timers);
	spin_unlock(&cpu->timers.lock);
	return armed;
}

void
timer_defer(struct timer_work *work)
{
	list_add_tail(&this_cpu()->timers.work, &work->link);
}

/* Timers that fire in one interrupt; if more are due, another follows. */
#define FIRE_AT_ONCE 32

static void
fire_due(struct timer_queue *queue)
{
	uint64_t now = timer_now();
	unsigned fired = 0;

	while (queue->root != NULL && queue->root->deadline <= now &&
	       fired++ < FIRE_AT_ONCE) {
		struct timer *timer = queue->root;

		heap_remove(queue, timer);
		/* Still under the lock: see timer_cancel(). */
		ktrace(KT_TIMER, timer->deadline, 0);
		timer->function(timer);
		/* release: who sees that it is off the hart may look at what
		 * its function did, as mk_timer.c does in cancel() */
		atomic_thread_fence(memory_order_release);
		__atomic_store_n(&timer->cpu, NULL, __ATOMIC_RELAXED);
	}
}

void
timer_interrupt(void)
{
	struct timer_queue *queue = &this_cpu()->timers;

	spin_lock(&queue->lock);
	queue->programmed = 0; /* it has fired: ask again, whatever it was */
	fire_due(queue);
	program(queue);
	spin_unlock(&queue->lock);
	while (!list_empty(&queue->work)) {
		struct timer_work *work =
		    list_first(&queue->work, struct timer_work, link);

		list_remove(&work->link);
		work->run(work);
	}
}
