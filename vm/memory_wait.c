/*
 * memory_wait.c: see memory_wait.h.
 *
 * Threads wait in one of some places, by what they wait for.  Each place counts
 * its news (@turn): who noted an older count than there is does not sleep.
 */
#include "vm/memory_wait.h"

#include "kernel/kassert.h"
#include "kernel/reaper.h"
#include "kernel/sched.h"

#define PLACES 64
/* Waiters that one call looks at; beyond, the reaper wakes all. */
#define LOOK_AT_ONCE 64
#define WAKE_AT_ONCE 16
/* How soon something is tried again when it does not come. */
#define FAILED_MS 500

/* l: its lock */
struct place {
	struct spinlock lock; /* rank LOCK_SYNC */
	uint32_t turn;	      /* [l] */
	bool reaping;	      /* [l] */
	struct list waiters;  /* [l] struct thread by wait_link */
	struct list released; /* [l] the same: the reaper will wake them */
	struct reap_item reap;
};

static bool release_step(struct reap_item *item);

static struct place places[PLACES];

void
memory_wait_init(void)
{
	for (unsigned i = 0; i < PLACES; i++) {
		spin_init(&places[i].lock, LOCK_SYNC);
		list_init(&places[i].waiters);
		list_init(&places[i].released);
		places[i].reap.step = release_step;
	}
}

static struct place *
place_of(const void *object)
{
	/* Fibonacci's multiplier spreads addresses evenly. */
	return &places[(uintptr_t)object * 0x9e3779b97f4a7c15U >> 58];
}

/* ---- who waits ---- */

kern_return_t
memory_wait_note(const struct memory_source *source, void *object,
    uint64_t where, uint64_t deadline)
{
	struct memory_state *wait = &current_thread()->memory;
	struct place *place = place_of(object);

	memory_wait_forget();
	if (wait->failed == object && wait->failed_where == where &&
	    timer_now() < wait->failed_until) {
		wait->failed = NULL;
		source->put(object);
		return wait->failure;
	}
	wait->failed = NULL;
	wait->source = source;
	wait->object = object;
	wait->where = where;
	wait->deadline = deadline;
	spin_lock(&place->lock);
	wait->turn = place->turn;
	spin_unlock(&place->lock);
	return KERN_MEMORY_WAIT;
}

/* The wait is over; nothing is noted any more. */
static void
drop(struct memory_state *wait)
{
	const struct memory_source *source = wait->source;

	wait->source = NULL;
	if (source != NULL)
		source->put(wait->object);
}

void
memory_wait_forget(void)
{
	struct thread *self = current_thread();

	if (self->memory.source == NULL)
		return;
	drop(&self->memory);
	atomic_fetch_and(&self->ast, ~AST_MEMORY);
}

static void
fail(struct memory_state *wait, kern_return_t failure)
{
	wait->failed = wait->object;
	wait->failed_where = wait->where;
	wait->failed_until = timer_after_ms(FAILED_MS);
	wait->failure = failure;
}

void
memory_wait_over(void)
{
	current_thread()->memory.failed = NULL;
}

/* It need not sleep: @cont, as if it had been woken. */
static noreturn void
go_on(struct thread *self, struct thread *next, continuation_t cont)
{
	self->wait_result = KERN_SUCCESS;
	if (next != NULL)
		sched_wake(next);
	sched_yield(cont);
}

noreturn void
memory_wait_block(continuation_t cont)
{
	struct thread *self = current_thread();
	struct memory_state *wait = &self->memory;
	struct place *place = place_of(wait->object);
	struct thread *next = NULL;
	kern_return_t kr;

	atomic_fetch_and(&self->ast, ~AST_MEMORY);
	if (wait->source == NULL)
		go_on(self, NULL, cont);
	kr = wait->source->ask(wait->object, wait->where, &next);
	if (kr != KERN_SUCCESS) {
		fail(wait, kr);
		go_on(self, next, cont);
	}
	spin_lock(&place->lock);
	if (place->turn != wait->turn) {
		spin_unlock(&place->lock);
		go_on(self, next, cont);
	}
	list_add_tail(&place->waiters, &self->wait_link);
	wait_begin(self, cont, wait->deadline, &place->lock);
	if (next == NULL)
		sched_switch();
	sched_handoff(next);
}

kern_return_t
memory_wait_end(void)
{
	struct thread *self = current_thread();
	struct memory_state *wait = &self->memory;
	struct place *place = place_of(wait->object);
	kern_return_t kr;

	if (likely(wait->source == NULL))
		return KERN_SUCCESS;
	kr = wait_finish(self);
	/* Who woke us took us off the list. */
	if (kr != KERN_SUCCESS) {
		spin_lock(&place->lock);
		list_remove(&self->wait_link);
		spin_unlock(&place->lock);
	}
	/* Who is aborted waits again, unless it is for ever. */
	if (kr == KERN_ABORTED &&
	    (atomic_load(&self->ast) & AST_TERMINATE) == 0)
		kr = KERN_SUCCESS;
	if (kr == KERN_OPERATION_TIMED_OUT) {
		if (wait->source->expired != NULL)
			wait->source->expired(wait->object, wait->where);
		fail(wait, KERN_MEMORY_ERROR);
	} else if (kr != KERN_SUCCESS)
		fail(wait, kr);
	drop(wait);
	return kr == KERN_ABORTED ? kr : KERN_SUCCESS;
}

/* ---- traps that are made again ---- */

void
memory_wait_in_trap(void)
{
	struct thread *self = current_thread();

	/* What the trap returns goes into a0. */
	self->memory.argument = self->tf.a0;
	atomic_fetch_or(&self->ast, AST_MEMORY);
}

static void
trap_continue(void)
{
	(void)memory_wait_end();
	thread_return();
}

noreturn void
memory_wait_trap_again(void)
{
	struct thread *self = current_thread();

	self->tf.a0 = self->memory.argument;
	self->tf.epc -= ECALL_SIZE;
	memory_wait_block(trap_continue);
}

/* ---- who brings ---- */

/*
 * Take @thread off its list and wake it, unless its wait ended otherwise; or
 * put it into *@firstp, if that is somewhere and empty.
 */
static void
wake(struct thread *thread, kern_return_t result, struct thread **firstp)
{
	if (!thread_claim(thread, result))
		return;
	list_remove(&thread->wait_link);
	if (firstp != NULL && *firstp == NULL)
		*firstp = thread;
	else
		sched_wake(thread);
}

static bool
release_step(struct reap_item *item)
{
	struct place *place = container_of(item, struct place, reap);
	bool more;

	spin_lock(&place->lock);
	for (int i = 0; i < WAKE_AT_ONCE && !list_empty(&place->released);
	     i++) {
		struct thread *thread =
		    list_first(&place->released, struct thread, wait_link);

		/* Who leaves by himself stands in some list until then. */
		list_remove(&thread->wait_link);
		if (thread_claim(thread, KERN_SUCCESS))
			sched_wake(thread);
	}
	more = !list_empty(&place->released);
	place->reaping = more;
	spin_unlock(&place->lock);
	return more;
}

/* There are too many to look at. */
static void
release_all(struct place *place)
{
	list_splice_tail(&place->released, &place->waiters);
	if (place->reaping)
		return;
	place->reaping = true;
	reap_later(&place->reap);
}

static void
tell(const void *object, uint64_t start, uint64_t end, kern_return_t result,
    struct thread **firstp)
{
	struct place *place = place_of(object);
	struct list *link, *next;
	int looked = 0;

	spin_lock(&place->lock);
	place->turn++;
	list_for_each_safe (link, next, &place->waiters) {
		struct thread *thread =
		    container_of(link, struct thread, wait_link);
		const struct memory_state *wait = &thread->memory;

		if (++looked > LOOK_AT_ONCE) {
			release_all(place);
			break;
		}
		if (wait->object == object && wait->where >= start &&
		    wait->where < end)
			wake(thread, result, firstp);
	}
	spin_unlock(&place->lock);
}

void
memory_wake(
    const void *object, uint64_t start, uint64_t end, kern_return_t result)
{
	tell(object, start, end, result, NULL);
}

struct thread *
memory_wake_rest(const void *object, uint64_t start, uint64_t end)
{
	struct thread *first = NULL;

	tell(object, start, end, KERN_SUCCESS, &first);
	return first;
}
