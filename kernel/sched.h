/*
 * kernel/sched.h: who runs where.
 *
 * One run queue per hart, 128 levels, round robin within one.  A hart without
 * work steals from the busiest, and no thread waits while a hart sleeps: who
 * leaves one in a queue wakes a hart for it, see idle_mask in sched.c.  No
 * tick: the slice timer is armed only while somebody of equal priority waits
 * behind the running thread, or a better one that gave way to it.
 *
 * Handoff.  sched_handoff() runs a claimed waiter at once in the caller's
 * place, on this hart, for the rest of the caller's slice; no queue is touched.
 */
#pragma once
#include "kernel/thread.h"

extern struct thread idle_threads[];

void sched_init_cpu(struct cpu *cpu);

/* Run the best runnable thread; the current one is queued or waits. */
noreturn void sched_switch(void);

/*
 * Run @next at once; it is claimed, the current thread is the idle thread
 * (wait_begin() was called) or is queued.  Falls back to sched_wake() and
 * sched_switch() where @next may not run here: see sched_can_handoff().
 */
noreturn void sched_handoff(struct thread *next);

/* May @next (claimed) run on this hart now, in place of the current thread? */
bool sched_can_handoff(const struct thread *next);

/* Make a claimed or new thread runnable, here or on a better hart. */
void sched_wake(struct thread *thread);

/*
 * Queue the current thread behind its equals, to go on with @cont.  It may run
 * elsewhere from here on, so its FP registers are taken off this hart.  Follow
 * with sched_switch() or sched_handoff().
 */
void sched_queue_self(continuation_t cont);

/*
 * The current thread, on its way back to user mode, gives this hart up to one
 * that is more urgent, which the caller makes current next: it is queued, and a
 * hart that sleeps may come for it.
 */
void sched_give_way(void);

/* Put the current thread at the end of its level and run the best one. */
noreturn void sched_yield(continuation_t cont);

/* The same, but run @next at once, which sched_take() gave us. */
noreturn void sched_yield_to(struct thread *next, continuation_t cont);

/* Take @thread off its run queue, if it is on one and may run here. */
bool must_check sched_take(struct thread *thread);

/* The running thread, @self, goes on at @priority: it was lent one, or gives
 * one back, and then makes way for who is better. */
void sched_run_at(struct thread *self, uint32_t priority);

/* Give @thread another priority if it is on a run queue. */
void sched_reprioritize(struct thread *thread, uint32_t priority);

/* Make hart @cpu look at its run queue and its current thread's AST. */
void sched_poke(struct cpu *cpu);
/* This hart was poked. */
void sched_poked(void);

/* AST_RESCHED: give way if somebody better waits, or an equal long enough. */
void sched_preempt(struct thread *self);
/*
 * @next got hart @cpu, ours, past these calls: tell it if somebody better waits
 * here, or an equal, who may never have seen a slice begin.
 */
void sched_check(struct thread *next, const struct cpu *cpu);
/* Does anybody wait for this hart? */
bool sched_has_others(void);
/* Does somebody of higher priority wait on this hart? */
bool sched_should_yield(const struct thread *self);

/* What the idle thread does for ever. */
noreturn void sched_idle(void);
