/*
 * thread.c: life, waiting and stopping of threads; see thread.h.  It is long
 * because the states of a thread are one matter: who ends, stops or wakes it
 * meets all the others.
 */
#include "kernel/thread.h"

#include <arch/cpu.h>
#include <arch/fpu.h>
#include <arch/layout.h>

#include "ipc/port.h"
#include "kernel/cpu.h"
#include "kernel/cputime.h"
#include "kernel/exception_ports.h"
#include "kernel/kassert.h"
#include "kernel/ledger.h"
#include "kernel/sched.h"
#include "kernel/semaphore.h"
#include "kernel/task.h"
#include "kernel/wait_queue.h"
#include "kernel/zone.h"
#include "vm/map.h"
#include "vm/memory_wait.h"
#include "vm/superpage.h"

static struct zone thread_zone;
static atomic_ulong next_thread_id;

void
thread_zone_init(void)
{
	zone_init(&thread_zone, "thread", sizeof(struct thread), CACHE_LINE);
	ledger_weigh(BATON_LEDGER_THREADS, sizeof(struct thread) +
					       sizeof(struct port) +
					       sizeof(struct fpu_state));
}

/* The deadline of a wait has passed.  The timer lock is held. */
static void
wait_expired(struct timer *timer)
{
	struct thread *thread = container_of(timer, struct thread, timer);

	if (thread_claim(thread, KERN_OPERATION_TIMED_OUT))
		sched_wake(thread);
}

static struct thread *
thread_alloc(uint32_t priority)
{
	struct thread *thread = zone_alloc_zeroed(&thread_zone);

	if (thread == NULL)
		return NULL;
	thread->cpu = this_cpu();
	thread->cpu_tag = cpu_tag(thread->cpu);
	thread->priority = priority;
	thread->base_priority = priority;
	thread->state = THREAD_STOPPED;
	thread->timer.function = wait_expired;
	spin_init(&thread->lock, LOCK_THREAD);
	list_init(&thread->wait_link);
	list_init(&thread->sync.peers);
	list_init(&thread->run_link);
	list_init(&thread->task_link);
	thread->id = atomic_fetch_add(&next_thread_id, 1) + 1;
	atomic_store_explicit(&thread->refs, 1, memory_order_relaxed);
	return thread;
}

struct thread *
thread_create_kernel(continuation_t cont, uint32_t priority)
{
	struct thread *thread = thread_alloc(priority);

	if (thread == NULL)
		return NULL;
	thread->cont = cont;
	thread->state = THREAD_RUNNABLE;
	sched_wake(thread);
	return thread;
}

/* A thread of @task that nobody knows of; NULL: no memory, or more than the
 * task may have. */
static struct thread *
thread_make(struct task *task)
{
	struct thread *thread;

	if (!ledger_charge(task->ledger, BATON_LEDGER_THREADS, 1))
		return NULL;
	thread = thread_alloc(PRIORITY_USER);
	if (thread == NULL) {
		ledger_credit(task->ledger, BATON_LEDGER_THREADS, 1);
		return NULL;
	}
	thread->task = task_get(task);
	return thread;
}

/*
 * @thread becomes one of its task's: from here on others find it, and may end
 * it.  KERN_TERMINATED: the task is ending; or as semaphore_expect().
 */
static kern_return_t
thread_enter(struct thread *thread)
{
	struct task *task = thread->task;
	kern_return_t kr = KERN_SUCCESS;

	spin_lock(&task->lock);
	if (task->dying)
		kr = KERN_TERMINATED;
	else if (thread->ended_signal != NULL)
		kr = semaphore_expect(thread->ended_signal, thread);
	if (kr == KERN_SUCCESS) {
		/* What it refers to, its end gives up. */
		fast_init(thread);
		thread->held = task->suspend_count > 0 ? 1 : 0;
		task->thread_count++;
		thread->number = ++task->last_number;
		list_add_tail(&task->threads, &thread_get(thread)->task_link);
	}
	spin_unlock(&task->lock);
	return kr;
}

kern_return_t
thread_create(struct task *task, struct thread **threadp)
{
	struct thread *thread = thread_make(task);
	kern_return_t kr = KERN_RESOURCE_SHORTAGE;

	if (thread == NULL)
		return kr;
	thread->suspend_count = 1;
	thread->self_port = port_create_kernel(KOBJECT_THREAD, thread);
	if (thread->self_port != NULL)
		kr = thread_enter(thread);
	if (kr == KERN_SUCCESS) {
		*threadp = thread;
		return kr;
	}
	if (thread->self_port != NULL)
		port_destroy_kernel(thread->self_port);
	thread->self_port = NULL;
	thread_put(thread);
	return kr;
}

void
thread_put(struct thread *thread)
{
	/* acq_rel: who frees sees what every earlier holder wrote */
	if (atomic_fetch_sub_explicit(&thread->refs, 1, memory_order_acq_rel) !=
	    1)
		return;
	KASSERT(thread->queued_on == NULL);
	KASSERT(thread->self_port == NULL);
	if (thread->task != NULL) {
		ledger_credit(thread->task->ledger, BATON_LEDGER_THREADS, 1);
		task_put(thread->task);
	}
	zone_free(&thread_zone, thread);
}

/* ---- stopping ---- */

/* Tell @thread, wherever it is, to look at its AST. */
static void
thread_notice(struct thread *thread, unsigned ast)
{
	struct cpu *cpu;

	/* The claim or the switch that another hart makes next sees the flag,
	 * or we see that it runs: the fence is paired in wait_begin(). */
	atomic_fetch_or(&thread->ast, ast);
	fast_unpark(thread);
	cpu = __atomic_load_n(&thread->cpu, __ATOMIC_RELAXED);
	if (cpu != this_cpu())
		sched_poke(cpu);
}

static bool
must_stop(const struct thread *thread)
{
	return thread->suspend_count > 0 || thread->held + thread->pauses > 0;
}

/* @thread's counts fell: run it again if none is left.  Unlocks it. */
static void
release_locked(struct thread *thread)
{
	bool run = !must_stop(thread) && thread->state == THREAD_STOPPED;

	if (!must_stop(thread))
		atomic_fetch_and(&thread->ast, ~AST_SUSPEND);
	if (run)
		thread->state = THREAD_RUNNABLE;
	spin_unlock(&thread->lock);
	if (run)
		sched_wake(thread);
}

kern_return_t
thread_start(struct task *task, const struct thread_start *start,
    struct semaphore *ended)
{
	struct thread *thread;
	kern_return_t kr;

	if (start->pc >= USER_END || start->pc % 2 != 0)
		return KERN_INVALID_ARGUMENT;
	thread = thread_make(task);
	if (thread == NULL)
		return KERN_RESOURCE_SHORTAGE;
	thread->tf.epc = start->pc;
	thread->tf.sp = start->sp;
	thread->tf.tp = start->tp;
	thread->tf.a0 = start->a0;
	thread->ended_signal = ended;
	kr = thread_enter(thread);
	if (kr == KERN_SUCCESS) {
		/* Who found it meanwhile may have stopped, run or ended it. */
		spin_lock(&thread->lock);
		release_locked(thread);
	} else {
		thread->ended_signal = NULL;
	}
	thread_put(thread);
	return kr;
}

kern_return_t
thread_suspend(struct thread *thread)
{
	kern_return_t kr = KERN_SUCCESS;

	spin_lock(&thread->lock);
	if (thread->suspend_count == UINT32_MAX)
		kr = KERN_FAILURE;
	else
		thread->suspend_count++;
	spin_unlock(&thread->lock);
	if (kr == KERN_SUCCESS)
		thread_notice(thread, AST_SUSPEND);
	return kr;
}

kern_return_t
thread_resume(struct thread *thread)
{
	spin_lock(&thread->lock);
	if (thread->suspend_count == 0) {
		spin_unlock(&thread->lock);
		return KERN_FAILURE;
	}
	thread->suspend_count--;
	release_locked(thread);
	return KERN_SUCCESS;
}

void
thread_hold(struct thread *thread, bool hold)
{
	spin_lock(&thread->lock);
	if (thread->held == (hold ? 1 : 0)) {
		spin_unlock(&thread->lock);
		return;
	}
	thread->held = hold ? 1 : 0;
	if (!hold) {
		release_locked(thread);
		return;
	}
	spin_unlock(&thread->lock);
	thread_notice(thread, AST_SUSPEND);
}

void
thread_pause(struct thread *thread)
{
	spin_lock(&thread->lock);
	thread->pauses++; /* at most one for each caller */
	spin_unlock(&thread->lock);
	thread_notice(thread, AST_SUSPEND);
}

void
thread_unpause(struct thread *thread)
{
	spin_lock(&thread->lock);
	thread->pauses--;
	release_locked(thread);
}

/* Its floating-point registers are here or in memory; else ask for them. */
static bool
floats_at_rest(struct thread *thread)
{
	struct cpu *cpu = __atomic_load_n(&thread->fpu_cpu, __ATOMIC_ACQUIRE);

	if (cpu == NULL || cpu == this_cpu())
		return true;
	atomic_store(&cpu->fpu_wanted, 1);
	sched_poke(cpu);
	return false;
}

kern_return_t
thread_at_rest(struct thread *thread)
{
	kern_return_t kr = KERN_SUCCESS;

	spin_lock(&thread->lock);
	if (thread->state == THREAD_DEAD)
		kr = KERN_TERMINATED;
	else if (thread->state == THREAD_ACTIVE && !thread_is_waiting(thread))
		kr = KERN_NOT_WAITING;
	spin_unlock(&thread->lock);
	if (kr == KERN_SUCCESS && !floats_at_rest(thread))
		kr = KERN_NOT_WAITING;
	return kr;
}

kern_return_t
thread_abort_safely(struct thread *thread)
{
	continuation_t cont = thread->cont;

	/* What is half done gives way, standing in a run queue. */
	if (!thread_is_waiting(thread))
		return cont == NULL ? KERN_SUCCESS : KERN_FAILURE;
	if (!thread_claim(thread, KERN_ABORTED))
		return KERN_FAILURE;
	sched_wake(thread);
	return KERN_SUCCESS;
}

/* AST_SUSPEND: stop here until released.  Returns if that has happened. */
static void
stop(struct thread *self)
{
	struct cpu *cpu = self->cpu;

	spin_lock(&self->lock);
	if (!must_stop(self) ||
	    (atomic_load(&self->ast) & AST_TERMINATE) != 0) {
		atomic_fetch_and(&self->ast, ~AST_SUSPEND);
		spin_unlock(&self->lock);
		return;
	}
	/* Its registers may be read, and it may go on elsewhere. */
	if (cpu->fpu_owner == self)
		fpu_release(cpu);
	thread_charge(self);
	self->cont = NULL;
	self->state = THREAD_STOPPED;
	arch_set_current(cpu->idle);
	spin_unlock(&self->lock);
	sched_switch();
}

void
thread_abort(struct thread *thread)
{
	thread_notice(thread, AST_ABORT);
	if (thread_claim(thread, KERN_ABORTED))
		sched_wake(thread);
}

/* Is @thread told to end?  Who is is never less urgent than the usual, or
 * others could keep it from that. */
static bool
is_ending(const struct thread *thread)
{
	return (atomic_load_explicit(&thread->ast, memory_order_relaxed) &
		   AST_TERMINATE) != 0;
}

/* @thread, which is ending, is the caller's to wake, or the caller. */
static void
hurry(struct thread *thread)
{
	if (thread->priority < PRIORITY_USER)
		thread->priority = PRIORITY_USER;
}

/* The same where it is neither, if it stands in a queue. */
static void
hurry_queued_locked(struct thread *thread)
{
	if (thread->base_priority < PRIORITY_USER)
		thread->base_priority = PRIORITY_USER;
	if (__atomic_load_n(&thread->priority, __ATOMIC_RELAXED) <
	    PRIORITY_USER)
		sched_reprioritize(thread, PRIORITY_USER);
}

void
thread_terminate(struct thread *thread)
{
	bool stopped;

	thread_notice(thread, AST_TERMINATE);
	if (thread_claim(thread, KERN_ABORTED)) {
		hurry(thread);
		sched_wake(thread);
		return;
	}
	spin_lock(&thread->lock);
	stopped = thread->state == THREAD_STOPPED;
	if (stopped) {
		thread->state = THREAD_RUNNABLE;
		hurry(thread);
	} else {
		hurry_queued_locked(thread);
	}
	spin_unlock(&thread->lock);
	if (stopped)
		sched_wake(thread);
}

void
thread_set_priority(struct thread *thread, uint32_t priority)
{
	spin_lock(&thread->lock);
	if (is_ending(thread)) {
		spin_unlock(&thread->lock);
		return;
	}
	thread->base_priority = priority;
	sched_reprioritize(thread, priority);
	spin_unlock(&thread->lock);
	thread_notice(thread, AST_PRIORITY);
}

/* Nobody finds @self any more. */
static void
forget_names(struct thread *self)
{
	struct port *port;

	if (self->ended_signal != NULL)
		semaphore_expect_nobody(self->ended_signal);
	spin_lock(&self->lock);
	port = self->self_port;
	self->self_port = NULL;
	self->nameless = true;
	spin_unlock(&self->lock);
	if (port != NULL)
		port_destroy_kernel(port);
}

noreturn void
thread_end(void)
{
	struct thread *self = current_thread();
	struct task *task = self->task;
	struct semaphore *ended = self->ended_signal;

	ktrace(KT_TERMINATE, (uintptr_t)self, 0);
	thread_charge(self);
	fpu_discard(self);
	superpage_forget(&self->superpage);
	memory_wait_forget();
	thread_drop_ports(self);
	exception_ports_end(&(struct exception_scope){.thread = self});
	forget_names(self);

	self->state = THREAD_DEAD;
	arch_set_current(self->cpu->idle);
	/* The reaper may tear the task's tables down from here on, except
	 * that this hart still has them: it asks pmap_in_use(). */
	task_thread_gone(task, self);
	thread_put(self); /* the task's */
	/* Who waits for this, and nothing else, goes on at once. */
	wait_hand_over(ended != NULL ? semaphore_expected(ended) : NULL);
}

/* ---- processor time ---- */

static inline void
charge(struct thread *self)
{
	struct cpu *cpu = self->cpu;
	uint64_t now = cputime_now();
	uint64_t passed = now - cpu->charged;

	cpu->charged = now;
	self->cputime += passed;
	if (self->task != NULL)
		atomic_fetch_add_explicit(
		    &self->task->cputime, passed, memory_order_relaxed);
}

void
thread_charge(struct thread *self)
{
	charge(self);
}

uint64_t
thread_cputime(struct thread *thread)
{
	/* Looks without a lock: a figure that is a little old. */
	const volatile struct thread *at = thread;
	uint64_t used = at->cputime;
	uint64_t charged = at->cpu->charged, now = cputime_now();

	if (at->state == THREAD_ACTIVE && !thread_is_waiting(thread) &&
	    !fast_is_parked(thread) && charged < now &&
	    (at->cpu == this_cpu() || cputime_is_shared()))
		used += now - charged;
	return cputime_ticks(used);
}

/* ---- waiting ---- */

void
wait_begin(struct thread *self, continuation_t cont, uint64_t deadline,
    struct spinlock *queue_lock)
{
	bool woken = false;

	charge(self);
	self->cont = cont;
	self->priority = self->base_priority; /* what was lent goes back */
	if (deadline != TIMER_NEVER)
		timer_arm(&self->timer, deadline);
	arch_set_current(self->cpu->idle);
	/*
	 * Either we see the AST that somebody sets, or he sees us armed: both
	 * sides store, then load, with sequential consistency.  Even if
	 * another hart runs @self now, it cannot end before it has had
	 * @queue_lock, so @self may be read until we unlock.
	 */
	atomic_store(&self->wait_armed, 1);
	if (unlikely(
		(atomic_load(&self->ast) & (AST_ABORT | AST_TERMINATE)) != 0))
		woken = thread_claim(self, KERN_ABORTED);
	spin_unlock(queue_lock);
	if (woken) {
		if (is_ending(self))
			hurry(self);
		sched_wake(self);
	}
}

noreturn void
thread_sleep(uint64_t deadline, continuation_t cont)
{
	struct thread *self = current_thread();

	spin_lock(&self->lock);
	wait_begin(self, cont, deadline, &self->lock);
	sched_switch();
}

/* ---- giving way ---- */

/* The time of a depression is over.  The timer lock is held. */
static void
depress_over(struct timer *timer)
{
	struct thread *thread = container_of(timer, struct thread, timer);

	sched_reprioritize(thread, thread->base_priority);
}

static void
depress_continue(void)
{
	struct thread *self = current_thread();

	timer_cancel(&self->timer);
	self->timer.function = wait_expired;
	spin_lock(&self->lock);
	self->depressed = false;
	self->priority = self->base_priority;
	spin_unlock(&self->lock);
	thread_return_value(KERN_SUCCESS);
}

noreturn void
thread_depress(struct thread *next, uint64_t deadline)
{
	struct thread *self = current_thread();

	/* Who sees that we are depressed finds us in a queue.  We may run
	 * elsewhere before we unlock, but not end. */
	spin_lock(&self->lock);
	if (is_ending(self)) {
		spin_unlock(&self->lock);
		if (next != NULL)
			sched_wake(next);
		thread_return();
	}
	self->depressed = true;
	self->priority = PRIORITY_DEPRESS;
	if (deadline != TIMER_NEVER) {
		self->timer.function = depress_over;
		timer_arm(&self->timer, deadline);
	}
	sched_queue_self(depress_continue);
	spin_unlock(&self->lock);
	if (next != NULL)
		sched_handoff(next);
	sched_switch();
}

kern_return_t
thread_depress_abort(struct thread *thread)
{
	bool depressed;
	uint32_t priority;

	spin_lock(&thread->lock);
	depressed = thread->depressed;
	thread->depressed = false;
	priority = thread->base_priority;
	spin_unlock(&thread->lock);
	if (!depressed)
		return KERN_NOT_DEPRESSED;
	sched_reprioritize(thread, priority);
	return KERN_SUCCESS;
}

bool
thread_should_yield(void)
{
	struct thread *self = current_thread();

	KASSERT(self->cpu->held_count == 0);
	/* Who is more urgent may wait for this hart's timer, or a device. */
	arch_poll_interrupts();
	if (is_ending(self)) {
		hurry(self);
		return true;
	}
	return sched_should_yield(self);
}

/* ---- back to user mode ---- */

/* Act on AST_* until there is nothing left of them. */
static never_inline void
thread_ast(struct thread *self)
{
	unsigned ast;

	while ((ast = atomic_load_explicit(&self->ast, memory_order_relaxed)) !=
	       0) {
		if ((ast & AST_TERMINATE) != 0)
			thread_end();
		if ((ast & AST_MEMORY) != 0)
			memory_wait_trap_again();
		if ((ast & AST_SUSPEND) != 0)
			stop(self);
		/* An abort that found no wait has nothing to abort.  What is
		 * acted on is what was really taken away. */
		ast = atomic_fetch_and(
		    &self->ast, ~(AST_ABORT | AST_PRIORITY | AST_RESCHED));
		if ((ast & AST_PRIORITY) != 0) {
			self->priority = self->base_priority;
			sched_yield(NULL);
		}
		if ((ast & AST_RESCHED) != 0)
			sched_preempt(self);
	}
}

noreturn void
thread_return(void)
{
	struct thread *self = current_thread();

	if (unlikely(
		atomic_load_explicit(&self->ast, memory_order_relaxed) != 0))
		thread_ast(self);
	KASSERT(self->cpu->held_count == 0); /* no lock leaves the kernel */
	arch_user_return();
}

noreturn void
thread_return_value(uint64_t result)
{
	struct thread *self = current_thread();

	self->tf.a0 = result;
	if (likely(atomic_load_explicit(&self->ast, memory_order_relaxed) == 0))
		arch_user_return();
	thread_return();
}
