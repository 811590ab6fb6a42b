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

/*
 * Harts that look for work, or found none and sleep.  Who clears a hart's bit
 * has claimed it: nobody else counts on it, and it is poked, upon which it
 * looks into all queues.
 *
 * No thread waits in a queue while a hart sleeps.  Each thread that is queued
 * is either on the hart that was claimed for it, or a hart was claimed
 * afterwards that will look for it, or the mask was empty then:
 *
 *	who queues			who goes to sleep
 *	thread in a queue		its bit in the mask
 *	fence rw, rw			fence rw, rw
 *	load the mask			load the queues' counts
 *
 * so at least one of them sees what the other did.  A claimed hart takes one
 * thread, this or another, or finds none that it may have; if it was claimed
 * while it took one, it claims another hart in its place.
 */
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
	idle->cpu_tag = cpu_tag(cpu);
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

always_inline void
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

/* The thread that @thief may have of those that @victim's lock protects. */
static struct thread *
steal_locked(struct cpu *victim, struct cpu *thief)
{
	struct run_queue *queue = &victim->runq;

	/* The FP unit holds the registers of one thread: so of any two queued
	 * here one may go. */
	for (int level = queue->best; level >= 0; level--) {
		struct list *link;

		list_for_each (link, &queue->level[level]) {
			struct thread *thread =
			    container_of(link, struct thread, run_link);

			if (may_run_on(thread, thief)) {
				runq_remove(victim, thread);
				thief->counters.steals++;
				return thread;
			}
			if (queue->count == 1)
				return NULL;
		}
	}
	return NULL;
}

/*
 * A thread that waits on @victim, or NULL.  If there is one that may not go
 * because its FP registers are there, and somebody else runs: they are asked
 * for, and once it has let go of them it looks for an idle hart.
 */
static struct thread *
steal_from(struct cpu *victim, struct cpu *thief)
{
	struct thread *thread;
	bool stays;

	if (__atomic_load_n(&victim->runq.count, __ATOMIC_RELAXED) == 0)
		return NULL;
	/* No trylock: to be turned away would be to sleep beside work. */
	spin_lock(&victim->runq.lock);
	thread = steal_locked(victim, thief);
	stays = thread == NULL && victim->runq.count > 0;
	spin_unlock(&victim->runq.lock);
	if (stays && atomic_load_explicit(&victim->running_priority,
			 memory_order_relaxed) != PRIORITY_IDLE) {
		atomic_store(&victim->fpu_wanted, 1);
		sched_poke(victim);
	}
	return thread;
}

/* The other hart where most threads wait, or NULL. */
static struct cpu *
busiest(const struct cpu *thief)
{
	struct cpu *busiest = NULL;
	uint32_t most = 0;

	for (uint32_t i = 0; i < cpu_count; i++) {
		uint32_t count =
		    __atomic_load_n(&cpus[i].runq.count, __ATOMIC_RELAXED);

		if (&cpus[i] != thief && count > most) {
			most = count;
			busiest = &cpus[i];
		}
	}
	return busiest;
}

/* A thread of the busiest other hart, or else of any, or NULL. */
static struct thread *
steal(struct cpu *thief)
{
	struct cpu *victim = busiest(thief);
	struct thread *thread;

	if (victim == NULL)
		return NULL;
	thread = steal_from(victim, thief);
	for (uint32_t i = 0; i < cpu_count && thread == NULL; i++)
		if (&cpus[i] != thief && &cpus[i] != victim)
			thread = steal_from(&cpus[i], thief);
	return thread;
}

/* Claim a hart of @idle, which the mask said; @first if it is one of them.
 * NULL: all were gone.  acq_rel: a hart that finds itself claimed, and claims
 * another, passes on what was queued before. */
static struct cpu *
claim_idle(uint64_t idle, uint32_t first)
{
	while (idle != 0) {
		uint32_t index = (idle >> first & 1) != 0
				     ? first
				     : (uint32_t)__builtin_ctzl(idle);
		uint64_t bit = 1UL << index;

		if ((atomic_fetch_and_explicit(
			 &idle_mask, ~bit, memory_order_acq_rel) &
			bit) != 0)
			return &cpus[index];
		idle &= ~bit;
	}
	return NULL;
}

/* A thread waits in some queue and this hart does not take it up: have a hart
 * that sleeps come for it.  The caller has made a full fence since. */
always_inline void
offer(void)
{
	uint64_t idle = atomic_load_explicit(&idle_mask, memory_order_relaxed);
	struct cpu *cpu = unlikely(idle != 0) ? claim_idle(idle, 0) : NULL;

	if (cpu != NULL)
		sched_poke(cpu);
}

/* Somebody was left in @cpu's queue, which is ours. */
always_inline void
offer_rest(const struct cpu *cpu)
{
	if (likely(best_queued(cpu) < 0))
		return;
	fence_full(); /* pairs with the one in look_idle() */
	offer();
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
	offer_rest(cpu);
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
	offer_rest(cpu);
	slice_start(cpu, next);
	run(cpu, next);
}

/* ---- waking ---- */

/* Where a thread that becomes runnable should run: on the hart it knows if that
 * is idle, on another that is, *@claimed for it; or where it ran last. */
static struct cpu *
place(struct thread *thread, bool *claimed)
{
	struct cpu *last = thread->cpu, *cpu;
	uint64_t idle = atomic_load_explicit(&idle_mask, memory_order_relaxed);

	if (__atomic_load_n(&thread->fpu_cpu, __ATOMIC_RELAXED) != NULL)
		idle &= 1UL << last->index;
	cpu = claim_idle(idle, last->index);
	*claimed = cpu != NULL;
	return cpu != NULL ? cpu : last;
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

/*
 * Does who is queued on @cpu with @priority have to be told of there?  Not if
 * who runs is more urgent; nor an equal's, on this hart, when a slice runs, at
 * whose end that one looks.
 */
always_inline bool
must_hear(struct cpu *cpu, uint32_t priority)
{
	uint32_t running =
	    atomic_load_explicit(&cpu->running_priority, memory_order_relaxed);

	return running < priority ||
	       (running == priority &&
		   (cpu != this_cpu() || cpu->slice.cpu == NULL));
}

void
sched_wake(struct thread *thread)
{
	bool claimed;
	struct cpu *cpu = place(thread, &claimed);
	uint32_t priority = thread->priority;

	ktrace(KT_WAKE, (uintptr_t)thread, cpu->index);
	spin_lock(&cpu->runq.lock);
	runq_add(cpu, thread);
	spin_unlock(&cpu->runq.lock);
	/* From here on @thread may run and end.  A hart that takes up another
	 * thread says so, then looks at its queue; we do it the other way
	 * round: pairs with the fence in arch_thread_resume(), and with the
	 * one in look_idle(). */
	fence_full();
	/* A claimed hart may have found work meanwhile, and then gives what
	 * it finds in its queue to others: see sched_preempt(). */
	if (claimed || must_hear(cpu, priority))
		sched_poke(cpu);
	if (!claimed)
		offer();
}

always_inline void
queue_self(struct thread *self, struct cpu *cpu, continuation_t cont)
{
	thread_charge(self);
	self->cont = cont;
	if (cpu->fpu_owner == self)
		fpu_release(cpu);
	arch_set_current(cpu->idle);
	spin_lock(&cpu->runq.lock);
	runq_add(cpu, self);
	spin_unlock(&cpu->runq.lock);
}

void
sched_queue_self(continuation_t cont)
{
	struct thread *self = current_thread();

	queue_self(self, self->cpu, cont);
}

noreturn void
sched_yield(continuation_t cont)
{
	sched_queue_self(cont);
	sched_switch();
}

void
sched_give_way(void)
{
	struct thread *self = current_thread();
	struct cpu *cpu = self->cpu;

	cpu->slice_over = false;
	queue_self(self, cpu, NULL);
	fence_full(); /* pairs with the one in look_idle() */
	offer();
}

noreturn void
sched_yield_to(struct thread *next, continuation_t cont)
{
	struct cpu *cpu = this_cpu();

	queue_self(current_thread(), cpu, cont);
	fence_full(); /* pairs with the one in look_idle() */
	offer();
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
	/* Who was sent to an idle hart, and found us, or may go at last. */
	offer_rest(cpu);
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

/* A thread for this hart, which is idle from here on unless there is one. */
static struct thread *
look_idle(struct cpu *cpu)
{
	uint64_t bit = 1UL << cpu->index;
	struct thread *next;

	atomic_store_explicit(
	    &cpu->running_priority, PRIORITY_IDLE, memory_order_relaxed);
	atomic_fetch_or_explicit(&idle_mask, bit, memory_order_relaxed);
	fence_full(); /* pairs with those of who offer, and sched_wake()'s */
	next = choose(cpu);
	if (next == NULL)
		return NULL;
	/* acq_rel: as in claim_idle() */
	if ((atomic_fetch_and_explicit(&idle_mask, ~bit, memory_order_acq_rel) &
		bit) == 0)
		offer();
	return next;
}

noreturn void
sched_idle(void)
{
	struct cpu *cpu = this_cpu();

	for (;;) {
		struct thread *next = look_idle(cpu);

		if (next != NULL) {
			slice_start(cpu, next);
			cpu->charged = cputime_now();
			run(cpu, next);
		}
		arch_wait_for_interrupt();
		arch_poll_interrupts();
		atomic_store_explicit(&cpu->idle->ast, 0, memory_order_relaxed);
	}
}
