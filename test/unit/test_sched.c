/*
 * test/unit/test_sched.c: no thread waits in a queue while a hart sleeps, and
 * no two of them wake one hart.
 *
 * Sources: kernel/sched.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arch/fpu.h>

#include "kernel/cpu.h"
#include "kernel/sched.h"

#define HARTS	4
#define THREADS 8

struct thread *host_current;

static struct thread threads[THREADS];
static jmp_buf out;
static struct thread *resumed; /* by the hart that was asked last; or NULL */
static unsigned poked[HARTS];

/* Happens once, when a hart lets go of another's queue. */
static void (*meanwhile)(void);

/* ---- the machine ---- */

noreturn void
arch_thread_resume(struct thread *thread)
{
	thread->cpu = this_cpu();
	host_current = thread;
	resumed = thread;
	longjmp(out, 1);
}

void
arch_wait_for_interrupt(void)
{
	resumed = NULL;
	longjmp(out, 1);
}

void
arch_poll_interrupts(void)
{
}

void
arch_send_ipi(uint32_t index)
{
	poked[index]++;
}

uint64_t
arch_read_time(void)
{
	return 0;
}

void
fpu_release(struct cpu *cpu)
{
	cpu->fpu_owner->fpu_cpu = NULL;
	cpu->fpu_owner = NULL;
}

void
thread_charge(struct thread *self)
{
	(void)self;
}

bool cputime_by_cycles;

/* The slice's, asked for when a hart has chosen. */
uint64_t
timer_after_us(uint64_t microseconds)
{
	return microseconds;
}

void
timer_arm(struct timer *timer, uint64_t deadline)
{
	(void)deadline;
	timer->cpu = this_cpu();
}

bool
timer_cancel_armed(struct timer *timer)
{
	timer->cpu = NULL;
	return true;
}

void
timer_queue_init(struct timer_queue *queue)
{
	(void)queue;
}

/* ---- locks: one hart at a time does something, so they are free ---- */

void
lock_note_acquire(struct spinlock *lock, enum lock_order order)
{
	(void)order;
	assert_false(spin_held(lock));
}

void
lock_note_release(struct spinlock *lock)
{
	void (*now)(void) = meanwhile;

	if (now == NULL || lock == &this_cpu()->runq.lock)
		return;
	meanwhile = NULL;
	now();
}

void
spin_wait(struct spinlock *lock, int64_t word)
{
	(void)lock, (void)word;
	fail();
}

/* ---- harts and threads ---- */

/* What hart @index does is done from here on. */
static void
stand_on(uint32_t index, struct thread *thread)
{
	host_current = thread != NULL ? thread : cpus[index].idle;
	host_current->cpu = &cpus[index];
}

/* Hart @index, which has nothing, looks for work; NULL: it sleeps. */
static struct thread *
idle(uint32_t index)
{
	stand_on(index, NULL);
	poked[index] = 0;
	if (setjmp(out) == 0)
		sched_idle();
	return resumed;
}

/* It does so until nobody pokes it any more. */
static struct thread *
answer(uint32_t index)
{
	return poked[index] > 0 ? idle(index) : NULL;
}

static unsigned
all_pokes(void)
{
	unsigned sum = 0;

	for (uint32_t i = 0; i < HARTS; i++)
		sum += poked[i];
	return sum;
}

/* Hart @index runs @thread, for ever so far. */
static void
occupy(uint32_t index, struct thread *thread)
{
	stand_on(index, NULL);
	if (setjmp(out) == 0)
		sched_handoff(thread);
	assert_ptr_equal(resumed, thread);
}

static int
begin(void **state)
{
	(void)state;
	memset(cpus, 0, sizeof(cpus));
	memset(threads, 0, sizeof(threads));
	memset(poked, 0, sizeof(poked));
	cpu_count = HARTS;
	meanwhile = NULL;
	for (uint32_t i = 0; i < HARTS; i++) {
		cpus[i].index = i;
		sched_init_cpu(&cpus[i]);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		threads[i].priority = PRIORITY_USER;
		threads[i].cpu = &cpus[0];
		list_init(&threads[i].run_link);
	}
	/* What earlier cases left in the mask: all harts take up a thread. */
	for (uint32_t i = 0; i < HARTS; i++) {
		struct thread one = {.priority = PRIORITY_USER,
		    .cpu = &cpus[i],
		    .fpu_cpu = &cpus[i]};

		stand_on(i, NULL);
		sched_wake(&one);
		assert_ptr_equal(idle(i), &one);
	}
	memset(poked, 0, sizeof(poked));
	return 0;
}

/* ---- the cases ---- */

/* Two wakes in a row choose two harts. */
static void
test_two_wakes(void **state)
{
	(void)state;
	occupy(0, &threads[0]);
	for (uint32_t i = 1; i < HARTS; i++)
		assert_null(idle(i));
	stand_on(0, &threads[0]);
	for (unsigned i = 1; i < HARTS; i++)
		sched_wake(&threads[i]);
	for (uint32_t i = 1; i < HARTS; i++) {
		assert_int_equal(poked[i], 1);
		assert_non_null(idle(i));
		assert_int_equal(cpus[i].counters.steals, 0);
	}
	/* All are busy now: the next one waits here. */
	stand_on(0, &threads[0]);
	sched_wake(&threads[HARTS]);
	assert_ptr_equal(threads[HARTS].queued_on, &cpus[0]);
	assert_int_equal(all_pokes(), 0);
}

/* The hart that a thread knows is taken, if it is idle. */
static void
test_own_hart(void **state)
{
	(void)state;
	occupy(0, &threads[0]);
	for (uint32_t i = 1; i < HARTS; i++)
		assert_null(idle(i));
	threads[1].cpu = &cpus[2];
	stand_on(0, &threads[0]);
	sched_wake(&threads[1]);
	assert_ptr_equal(threads[1].queued_on, &cpus[2]);
	assert_int_equal(poked[2], 1);
	assert_int_equal(all_pokes(), 1);
}

/* Who gives way for a better one is offered to a hart that sleeps. */
static void
test_preempted(void **state)
{
	(void)state;
	occupy(0, &threads[0]);
	threads[3].priority = PRIORITY_SERVER;
	threads[3].fpu_cpu = &cpus[0];
	sched_wake(&threads[3]);
	assert_null(idle(3));
	stand_on(0, &threads[0]);
	poked[3] = 0;
	if (setjmp(out) == 0)
		sched_preempt(&threads[0]);
	assert_ptr_equal(resumed, &threads[3]);
	assert_int_equal(poked[3], 1);
	assert_ptr_equal(answer(3), &threads[0]);
}

/* Who yields to one thread in particular leaves itself in the queue. */
static void
test_yield_to(void **state)
{
	(void)state;
	occupy(0, &threads[0]);
	assert_null(idle(2));
	stand_on(0, &threads[0]);
	if (setjmp(out) == 0)
		sched_yield_to(&threads[1], NULL);
	assert_ptr_equal(resumed, &threads[1]);
	assert_int_equal(poked[2], 1);
	assert_ptr_equal(answer(2), &threads[0]);
}

/* A hart whose FP unit holds a thread's registers gives them up for it. */
static void
test_floating(void **state)
{
	(void)state;
	occupy(0, &threads[0]);
	threads[1].fpu_cpu = &cpus[0];
	cpus[0].fpu_owner = &threads[1];
	sched_wake(&threads[1]);
	assert_null(idle(3));
	assert_int_equal(atomic_load(&cpus[0].fpu_wanted), 1);
	assert_int_equal(poked[0], 1);
	/* As trap_interrupt() does. */
	stand_on(0, &threads[0]);
	fpu_release(&cpus[0]);
	sched_preempt(&threads[0]);
	assert_int_equal(poked[3], 1);
	assert_ptr_equal(answer(3), &threads[1]);
}

/* The busiest hart has one that may not go, another one that may. */
static void
test_second_victim(void **state)
{
	(void)state;
	occupy(0, &threads[0]);
	occupy(1, &threads[1]);
	stand_on(0, &threads[0]);
	threads[2].fpu_cpu = &cpus[0];
	sched_wake(&threads[2]);
	threads[3].cpu = &cpus[1];
	sched_wake(&threads[3]);
	assert_ptr_equal(idle(2), &threads[3]);
	/* And below one that may not go. */
	threads[4].priority = PRIORITY_DEPRESS;
	stand_on(0, &threads[0]);
	sched_wake(&threads[4]);
	assert_ptr_equal(idle(3), &threads[4]);
}

/* A hart is claimed while it takes up a thread: another comes in its place. */
static void
claim_from_outside(void)
{
	struct thread *standing = host_current;

	stand_on(0, &threads[0]);
	sched_wake(&threads[2]);
	host_current = standing;
}

static void
test_claimed_meanwhile(void **state)
{
	(void)state;
	occupy(0, &threads[0]);
	assert_null(idle(1));
	stand_on(0, &threads[1]);
	sched_queue_self(NULL);
	threads[2].cpu = &cpus[3];
	meanwhile = claim_from_outside;
	assert_ptr_equal(idle(3), &threads[1]);
	assert_null(meanwhile);
	assert_ptr_equal(threads[2].queued_on, &cpus[3]);
	assert_int_equal(poked[1], 1);
	assert_ptr_equal(answer(1), &threads[2]);
}

/* A hart is claimed, and has found work by then: it offers what it was to do
 * when it answers. */
static void
test_claimed_too_late(void **state)
{
	(void)state;
	occupy(0, &threads[0]);
	occupy(3, &threads[1]);
	assert_null(idle(1));
	stand_on(3, &threads[2]);
	sched_queue_self(NULL);
	stand_on(3, &threads[1]);
	sched_preempt(&threads[1]);
	assert_int_equal(poked[1], 1);
	assert_ptr_equal(answer(1), &threads[2]);
}

static bool
told(struct thread *thread)
{
	return (atomic_exchange(&thread->ast, 0) & AST_RESCHED) != 0;
}

/* Who runs is told of an equal who waits behind it once, by which a slice
 * begins; and of a better one always. */
static void
test_slice(void **state)
{
	(void)state;
	occupy(0, &threads[0]);
	occupy(1, &threads[5]);
	stand_on(0, &threads[0]);
	(void)told(&threads[0]);
	sched_wake(&threads[1]);
	assert_true(told(&threads[0]));
	assert_null(cpus[0].slice.cpu);
	sched_preempt(&threads[0]);
	assert_non_null(cpus[0].slice.cpu);
	sched_wake(&threads[2]);
	assert_false(told(&threads[0]));
	threads[3].priority = PRIORITY_SERVER;
	sched_wake(&threads[3]);
	assert_true(told(&threads[0]));
	/* Who is elsewhere does not know of slices. */
	stand_on(1, &threads[5]);
	poked[0] = 0;
	sched_wake(&threads[4]);
	assert_int_equal(poked[0], 1);
	/* The slice is over, and all have their turn. */
	stand_on(0, &threads[0]);
	cpus[0].slice.cpu = NULL;
	cpus[0].slice.function(&cpus[0].slice);
	assert_true(told(&threads[0]));
	if (setjmp(out) == 0)
		sched_preempt(&threads[0]);
	assert_ptr_equal(resumed, &threads[3]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_two_wakes, begin),
	    cmocka_unit_test_setup(test_own_hart, begin),
	    cmocka_unit_test_setup(test_preempted, begin),
	    cmocka_unit_test_setup(test_yield_to, begin),
	    cmocka_unit_test_setup(test_floating, begin),
	    cmocka_unit_test_setup(test_second_victim, begin),
	    cmocka_unit_test_setup(test_claimed_meanwhile, begin),
	    cmocka_unit_test_setup(test_claimed_too_late, begin),
	    cmocka_unit_test_setup(test_slice, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
