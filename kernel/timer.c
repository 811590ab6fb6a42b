/*
 * timer.c: each hart's deadlines in a leftist heap, whose links live in the
 * timers: nothing is ever allocated, and nothing takes longer than a walk of
 * 2 log2(n) steps, whatever deadlines users choose.
 *
 * A timer's @rank is how many there are from it downwards, always to the right;
 * its left child's is no less than its right child's.  So below a timer of rank
 * r there are 2^r - 1 at least, with it, and the way to the right is short; the
 * way to the left may be long, and nobody goes it.
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

/* ---- the heap ---- */

static uint32_t
rank_of(const struct timer *timer)
{
	return timer != NULL ? timer->rank : 0;
}

/* Put @timer's children in order; true: it has another rank than it had. */
static bool
mend(struct timer *timer)
{
	uint32_t rank = timer->rank;
	struct timer *left = timer->left;

	if (rank_of(left) < rank_of(timer->right)) {
		timer->left = timer->right;
		timer->right = left;
	}
	timer->rank = rank_of(timer->right) + 1;
	return timer->rank != rank;
}

static struct timer *
heap_meld(struct timer *a, struct timer *b)
{
	struct timer *root = NULL, *last = NULL;
	struct timer **place = &root;

	/* Down, the two ways to the right become one in order. */
	while (a != NULL && b != NULL) {
		struct timer *first = b->deadline < a->deadline ? b : a;

		if (first == b)
			b = a;
		*place = first;
		first->parent = last;
		last = first;
		place = &first->right;
		a = first->right;
	}
	*place = a != NULL ? a : b;
	if (*place != NULL)
		(*place)->parent = last;
	/* And up again. */
	for (; last != NULL; last = last->parent)
		(void)mend(last);
	return root;
}

static void
heap_add(struct timer_queue *queue, struct timer *timer)
{
	timer->left = NULL;
	timer->right = NULL;
	timer->parent = NULL;
	timer->rank = 1;
	queue->root = heap_meld(queue->root, timer);
}

static void
heap_remove(struct timer_queue *queue, struct timer *timer)
{
	struct timer *parent = timer->parent;
	struct timer *below = heap_meld(timer->left, timer->right);

	if (below != NULL)
		below->parent = parent;
	if (parent == NULL)
		queue->root = below;
	else if (parent->left == timer)
		parent->left = below;
	else
		parent->right = below;
	/* As long as ranks change they rise by one from child to parent, be it
	 * the old ones or the new. */
	while (parent != NULL && mend(parent))
		parent = parent->parent;
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
	spin_lock(&queue->lock);
	__atomic_store_n(&timer->cpu, cpu, __ATOMIC_RELAXED);
	heap_add(queue, timer);
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

/* Timers that fire in one interrupt, at up to 1000 instructions each with what
 * they leave to do; if more are due, another follows at once. */
#define FIRE_AT_ONCE 20

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
