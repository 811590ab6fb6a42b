/* sched.c: run queues, waking, handing off, idling; see sched.h. */
#include "kernel/sched.h"

#include <arch/cpu.h>
#include <arch/fpu.h>

#include "kernel/cpu.h"
#include "kernel/cputime.h"
#include "kernel/kassert.h"

struct cpu cpus[CONFIG_MAX_HARTS];
uint32_t cpu_count;
atomic_ulong cpu_online_mask;

/* Harts that found nothing to run; a hint for wake-ups. */
static atomic_ulong idle_mask;

struct thread idle_threads[CONFIG_MAX_HARTS];

static void
slice_over(struct timer *timer)
{
	struct cpu *cpu = container_of(timer, struct cpu, slice);

	/* On the hart itself, so that its current thread is ours. */
	cpu->slice_over = true;
	sched_poked();
}

void
sched_init_cpu(struct cpu *cpu)
{
	struct thread *idle = &idle_threads[cpu->index];

	spin_init(&cpu->runq.lock, LOCK_RUNQ);
	for (unsigned i = 0; i < PRIORITY_LEVELS; i++)
		list_init(&cpu->runq.level[i]);
	cpu->runq.best = -1;
	timer_queue_init(&cpu->timers);
	cpu->slice.function = slice_over;
	idle->cpu = cpu;
	idle->priority = PRIORITY_IDLE;
	idle->cont = sched_idle;
	idle->state = THREAD_ACTIVE;
	spin_init(&idle->lock, LOCK_THREAD);
	cpu->idle = idle;
}

/* ---- one run queue; its lock is held ---- */

static int32_t
find_best(const struct run_queue *queue)
{
	if (queue->bitmap[1] != 0)
		return 127 - __builtin_clzl(queue->bitmap[1]);
	if (queue->bitmap[0] != 0)
		return 63 - __builtin_clzl(queue->bitmap[0]);
	return -1;
}

static void
runq_add(struct cpu *cpu, struct thread *thread)
{
	struct run_queue *queue = &cpu->runq;
	uint32_t level = thread->priority;

	thread->state = THREAD_RUNNABLE;
	store_relaxed(&thread->queued_on, cpu);
	list_add_tail(&queue->level[level], &thread->run_link);
	queue->bitmap[level / 64] |= 1UL << level % 64;
	if ((int32_t)level > queue->best)
		store_relaxed(&queue->best, (int32_t)level);
	queue->count++;
}

static void
runq_remove(struct cpu *cpu, struct thread *thread)
{
	struct run_queue *queue = &cpu->runq;
	uint32_t level = thread->priority;

	store_relaxed(&thread->queued_on, NULL);
	list_remove(&thread->run_link);
	queue->count--;
	if (!list_empty(&queue->level[level]))
		return;
	queue->bitmap[level / 64] &= ~(1UL << level % 64);
	store_relaxed(&queue->best, find_best(queue));
}

static struct thread *
runq_best(struct run_queue *queue)
{
	if (queue->best < 0)
		return NULL;
	return list_first(&queue->level[queue->best], struct thread, run_link);
}

/* The highest priority queued on @cpu, or -1; without the lock, a hint. */
static int
best_queued(const struct cpu *cpu)
{
	return *(const volatile int32_t *)&cpu->runq.best;
}

/* ---- choosing ---- */

/* May @thread, runnable, run on @cpu? */
static bool
may_run_on(const struct thread *thread, const struct cpu *cpu)
{
	const struct cpu *fpu =
	    __atomic_load_n(&thread->fpu_cpu, __ATOMIC_RELAXED);

	return fpu == NULL || fpu == cpu;
}

/* How many threads of a level a thief looks at. */
#define STEAL_LOOK 4

static struct thread *
steal_from(struct cpu *victim, struct cpu *thief)
{
	struct run_queue *queue = &victim->runq;
	int level = queue->best;
	struct list *link;
	int looked = 0;

	if (level < 0)
		return NULL;
	list_for_each (link, &queue->level[level]) {
		struct thread *thread =
		    container_of(link, struct thread, run_link);

		if (may_run_on(thread, thief)) {
			runq_remove(victim, thread);
			thief->counters.steals++;
			return thread;
		}
		if (++looked == STEAL_LOOK)
			break;
	}
	return NULL;
}

/* A thread of the busiest other hart, or NULL. */
static struct thread *
steal(struct cpu *thief)
{
	struct cpu *busiest = NULL;
	uint32_t most = 0;
	struct thread *thread;

	for (uint32_t i = 0; i < cpu_count; i++) {
		uint32_t count =
		    __atomic_load_n(&cpus[i].runq.count, __ATOMIC_RELAXED);

		if (&cpus[i] != thief && count > most) {
			most = count;
			busiest = &cpus[i];
		}
	}
	if (busiest == NULL || !spin_trylock(&busiest->runq.lock))
		return NULL;
	thread = steal_from(busiest, thief);
	spin_unlock(&busiest->runq.lock);
	return thread;
}

/* Take the thread that @cpu should run now, or NULL. */
static struct thread *
choose(struct cpu *cpu)
{
	struct thread *thread;

	spin_lock(&cpu->runq.lock);
	thread = runq_best(&cpu->runq);
	if (thread != NULL)
		runq_remove(cpu, thread);
	spin_unlock(&cpu->runq.lock);
	return thread != NULL ? thread : steal(cpu);
}

/* Let the slice of @thread, about to run, end if somebody waits behind it who
 * is no less urgent; a slice that has begun goes on. */
always_inline void
slice_start(struct cpu *cpu, const struct thread *thread)
{
	if (unlikely(best_queued(cpu) >= (int)thread->priority) &&
	    cpu->slice.cpu == NULL)
		timer_arm(&cpu->slice, timer_after_us(CONFIG_SLICE_US));
}

always_inline noreturn void
run(struct cpu *cpu, struct thread *thread)
{
	thread->state = THREAD_ACTIVE;
	atomic_store_explicit(
	    &cpu->running_priority, thread->priority, memory_order_relaxed);
	cpu->counters.switches++;
	ktrace(KT_SWITCH, (uintptr_t)current_thread(), (uintptr_t)thread);
	arch_thread_resume(thread);
}

noreturn void
sched_switch(void)
{
	struct cpu *cpu = this_cpu();
	struct thread *next = choose(cpu);

	KASSERT(cpu->held_count == 0);
	cpu->slice_over = false;
	if (next != NULL) {
		slice_start(cpu, next);
		run(cpu, next);
	}
	/* An idle hart takes no interrupt that nobody needs. */
	timer_cancel(&cpu->slice);
	run(cpu, cpu->idle);
}

bool
sched_can_handoff(const struct thread *next)
{
	return may_run_on(next, this_cpu());
}

noreturn void
sched_handoff(struct thread *next)
{
	struct cpu *cpu = this_cpu();
	int best;

	KASSERT(cpu->held_count == 0);
	/* A racy look: whoever adds a better thread after it pokes us. */
	best = best_queued(cpu);
	if (unlikely(!may_run_on(next, cpu) || best > (int)next->priority)) {
		sched_wake(next);
		sched_switch();
	}
	slice_start(cpu, next);
	run(cpu, next);
}

/* ---- waking ---- */

/* Where a thread that becomes runnable should run. */
static struct cpu *
place(struct thread *thread)
{
	struct cpu *last = thread->cpu;
	uint64_t idle;

	if (__atomic_load_n(&thread->fpu_cpu, __ATOMIC_RELAXED) != NULL)
		return last;
	idle = atomic_load_explicit(&idle_mask, memory_order_relaxed);
	if (idle == 0 || (idle >> last->index & 1) != 0)
		return last;
	return &cpus[__builtin_ctzl(idle)];
}

void
sched_poked(void)
{
	atomic_fetch_or_explicit(
	    &current_thread()->ast, AST_RESCHED, memory_order_relaxed);
}

void
sched_poke(struct cpu *cpu)
{
	if (cpu != this_cpu())
		arch_send_ipi(cpu->index);
	else
		sched_poked();
}

void
sched_wake(struct thread *thread)
{
	struct cpu *cpu = place(thread);
	uint32_t priority = thread->priority;

	ktrace(KT_WAKE, (uintptr_t)thread, cpu->index);
	spin_lock(&cpu->runq.lock);
	runq_add(cpu, thread);
	spin_unlock(&cpu->runq.lock);
	/* From here on @thread may run and end.  A hart that takes up another
	 * thread says so, then looks at its queue; we do it the other way
	 * round: pairs with the fence in run(). */
	fence_full();
	if (atomic_load_explicit(
		&cpu->running_priority, memory_order_relaxed) <= priority)
		sched_poke(cpu);
}

void
sched_queue_self(continuation_t cont)
{
	struct thread *self = current_thread();
	struct cpu *cpu = self->cpu;

	thread_charge(self);
	self->cont = cont;
	if (cpu->fpu_owner == self)
		fpu_release(cpu);
	arch_set_current(cpu->idle);
	spin_lock(&cpu->runq.lock);
	runq_add(cpu, self);
	spin_unlock(&cpu->runq.lock);
}

noreturn void
sched_yield(continuation_t cont)
{
	sched_queue_self(cont);
	sched_switch();
}

noreturn void
sched_yield_to(struct thread *next, continuation_t cont)
{
	struct cpu *cpu = this_cpu();

	sched_queue_self(cont);
	/* It may be less urgent than we are: then for a slice. */
	slice_start(cpu, next);
	run(cpu, next);
}

bool
sched_take(struct thread *thread)
{
	struct cpu *cpu = __atomic_load_n(&thread->queued_on, __ATOMIC_RELAXED);
	bool taken;

	if (cpu == NULL)
		return false;
	spin_lock(&cpu->runq.lock);
	taken = thread->queued_on == cpu && may_run_on(thread, this_cpu());
	if (taken)
		runq_remove(cpu, thread);
	spin_unlock(&cpu->runq.lock);
	return taken;
}

void
sched_run_at(struct thread *self, uint32_t priority)
{
	struct cpu *cpu = self->cpu;

	self->priority = priority;
	atomic_store_explicit(
	    &cpu->running_priority, priority, memory_order_relaxed);
	/* Whoever queues a better one here sees what runs, or we see him:
	 * pairs with the fence in sched_wake(). */
	fence_full();
	if (best_queued(cpu) > (int)priority)
		sched_poked();
}

void
sched_reprioritize(struct thread *thread, uint32_t priority)
{
	struct cpu *cpu = __atomic_load_n(&thread->queued_on, __ATOMIC_RELAXED);
	bool queued;

	if (cpu == NULL)
		return;
	spin_lock(&cpu->runq.lock);
	queued = thread->queued_on == cpu;
	if (queued) {
		runq_remove(cpu, thread);
		thread->priority = priority;
		runq_add(cpu, thread);
	}
	spin_unlock(&cpu->runq.lock);
	if (queued)
		sched_poke(cpu);
}

void
sched_preempt(struct thread *self)
{
	struct cpu *cpu = self->cpu;
	int best = best_queued(cpu);

	if (best > (int)self->priority ||
	    (best == (int)self->priority && cpu->slice_over))
		sched_yield(NULL);
	cpu->slice_over = false;
	slice_start(cpu, self);
}

void
sched_check(struct thread *next, const struct cpu *cpu)
{
	int best = best_queued(cpu);
	int own = (int)next->priority;

	if (best > own || (best == own && cpu->slice.cpu == NULL))
		atomic_fetch_or_explicit(
		    &next->ast, AST_RESCHED, memory_order_relaxed);
}

bool
sched_has_others(void)
{
	return best_queued(this_cpu()) >= 0;
}

bool
sched_should_yield(const struct thread *self)
{
	return best_queued(self->cpu) > (int)self->priority;
}

/* ---- idling ---- */

noreturn void
sched_idle(void)
{
	struct cpu *cpu = this_cpu();
	uint64_t bit = 1UL << cpu->index;

	for (;;) {
		struct thread *next;

		atomic_store_explicit(&cpu->running_priority, PRIORITY_IDLE,
		    memory_order_relaxed);
		atomic_fetch_or_explicit(&idle_mask, bit, memory_order_relaxed);
		next = choose(cpu);
		if (next != NULL) {
			atomic_fetch_and_explicit(
			    &idle_mask, ~bit, memory_order_relaxed);
			slice_start(cpu, next);
			cpu->charged = cputime_now();
			run(cpu, next);
		}
		arch_wait_for_interrupt();
		arch_poll_interrupts();
		atomic_store_explicit(&cpu->idle->ast, 0, memory_order_relaxed);
	}
}
