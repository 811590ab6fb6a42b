/*
 * pageout.c: the thread that makes room, and who waits for it; see pageout.h.
 *
 * What the thread does, as long as fewer pages are free than are wanted, in
 * this order; each time a bounded step:
 *
 *	a pager died			settle what it was at work on
 *	it can forget slots		tell it
 *	objects of pagers have pages	have some go back to them
 *	fewer pages in slots than the	let the hand move on, but not for long
 *	  eighth part of those in use
 *	pages in slots			have some written, a few at a time
 *	nothing of this			those with more than their share who
 *					wait for memory are refused; again
 *					after a while, if it is still short
 *
 * So the slots are a queue of some length, from which a page that is wanted
 * after all comes back at once.
 */
#include "vm/pageout.h"

#include "kernel/kassert.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "vm/default_pager.h"
#include "vm/map.h"
#include "vm/map_sweep.h"
#include "vm/memory_wait.h"
#include "vm/pager.h"
#include "vm/swap.h"

/* Of the pages in use, the part that the queue of slots may be. */
#define QUEUE_PART 8
/* Pages that may be on their way to the pager. */
#define LEAVING_MAX 32
/* Steps of the hand each time the thread is woken, if there are pages. */
#define SWEEP_STEPS 64
/* Rounds of the hand in which nothing was found, until it is given up. */
#define SWEEP_ROUNDS 3
/* How long an access waits for room; how soon the thread looks again. */
#define ROOM_MS	 2000
#define RETRY_MS 20

static struct spinlock pageout_lock = SPINLOCK_INIT(LOCK_PMAP);
static struct thread *idle; /* [pageout_lock] the thread, while it sleeps */
static bool wanted;	    /* [pageout_lock] somebody woke it since */
static bool tired; /* [pageout_lock] it found nothing, and sleeps a while */

/* The thread's own, since it was woken. */
static unsigned sweep_steps, sweep_rounds;

/* ---- waking it ---- */

/* @news: something changed, so that it may find something to do. */
static void
wake(bool news)
{
	struct thread *thread;

	spin_lock(&pageout_lock);
	wanted = true;
	thread = news || !tired ? idle : NULL;
	if (thread != NULL)
		idle = NULL;
	if (thread != NULL && !thread_claim(thread, KERN_SUCCESS))
		thread = NULL; /* its deadline passed: it is on its way */
	spin_unlock(&pageout_lock);
	if (thread != NULL)
		sched_wake(thread);
}

/* ---- who has to wait ---- */

/* What is waited for, as if it were of an object. */
static char room;

static kern_return_t
room_ask(void *object, uint64_t where, struct thread **nextp)
{
	(void)object;
	(void)where;
	*nextp = NULL;
	wake(false);
	return KERN_SUCCESS;
}

static void
room_put(void *object)
{
	(void)object;
}

static const struct memory_source room_source = {
    .ask = room_ask,
    .put = room_put,
};

/* Who waits: those with more than their share, and others. */
enum {
	ROOM_GREEDY,
	ROOM_MODEST,
	ROOM_ALL
};

/* If all had as much, would there be enough?  As of when the hand went by. */
static bool
is_modest(const struct map *map)
{
	return map->pages_seen <= page_total_count() / map_sweep_count();
}

kern_return_t
pageout_admit_slowly(struct map *map)
{
	unsigned where = is_modest(map) ? ROOM_MODEST : ROOM_GREEDY;
	kern_return_t kr;

	wake(false);
	if (!page_is_short() || map->resident)
		return KERN_SUCCESS;
	if (where == ROOM_MODEST && !page_is_scarce())
		return KERN_SUCCESS;
	kr = memory_wait_note(
	    &room_source, &room, where, timer_after_ms(ROOM_MS));
	return kr == KERN_MEMORY_ERROR ? KERN_RESOURCE_SHORTAGE : kr;
}

/* Those who wait look again. */
static void
tell_waiters(void)
{
	memory_wake(&room, 0, ROOM_ALL, KERN_SUCCESS);
}

/* There is no room: the others may get what these do not. */
static void
refuse_greedy(void)
{
	memory_wake(
	    &room, ROOM_GREEDY, ROOM_GREEDY + 1UL, KERN_RESOURCE_SHORTAGE);
}

void
pageout_news(void)
{
	tell_waiters();
	wake(true);
}

/* ---- the thread ---- */

/* Is it worth while to let the hand move on? */
static bool
may_sweep(const struct swap_counts *now)
{
	uint64_t queue = (page_total_count() - page_free_count()) / QUEUE_PART;

	if (now->held > 0)
		return now->held < queue && sweep_steps < SWEEP_STEPS;
	return sweep_rounds < SWEEP_ROUNDS;
}

static void
sweep(void)
{
	struct pmap_sweep found = {0};

	sweep_steps++;
	if (map_sweep_step(&found))
		sweep_rounds++;
}

enum step_result {
	STEP_MORE,  /* do another */
	STEP_SLEEP, /* until woken */
	STEP_RETRY, /* or a while has passed */
};

static enum step_result
pageout_step(void)
{
	struct swap_counts now;

	if (default_pager_settle_step())
		return STEP_MORE;
	now = swap_counts();
	if (now.dead > 0 && default_pager_forget_step())
		return STEP_MORE;
	if (page_free_count() >= page_free_target()) {
		tell_waiters();
		return pager_pageout_rest_step() ? STEP_MORE : STEP_SLEEP;
	}
	if (pager_pageout_step())
		return STEP_MORE;
	if (default_pager_takes()) {
		if (default_pager_again_step())
			return STEP_MORE;
		if (may_sweep(&now)) {
			sweep();
			return STEP_MORE;
		}
		if (now.leaving < LEAVING_MAX && default_pager_write_step())
			return STEP_MORE;
		/* Others had them besides: there may be better ones. */
		if (swap_counts().held < now.held)
			return STEP_MORE;
	}
	if (now.leaving > 0)
		return STEP_SLEEP;
	/* Nothing can be freed; or, for a while, no memory to say what. */
	if (page_is_short() && !(default_pager_takes() && now.held > 0))
		refuse_greedy();
	return STEP_RETRY;
}

static void pageout_woken(void);

/* Locks: pageout_lock, which is released. */
static noreturn void
sleep_until(uint64_t deadline)
{
	idle = current_thread();
	wait_begin(idle, pageout_woken, deadline, &pageout_lock);
	sched_switch();
}

static noreturn void
pageout_run(void)
{
	uint64_t deadline = TIMER_NEVER;
	enum step_result result;

	spin_lock(&pageout_lock);
	wanted = tired = false;
	spin_unlock(&pageout_lock);
	sweep_steps = sweep_rounds = 0;
	while ((result = pageout_step()) == STEP_MORE) {
		if (thread_should_yield())
			sched_yield(pageout_run);
	}
	if (result == STEP_RETRY)
		deadline = timer_after_ms(RETRY_MS);
	spin_lock(&pageout_lock);
	if (wanted && result == STEP_SLEEP) {
		spin_unlock(&pageout_lock);
		sched_yield(pageout_run);
	}
	tired = result == STEP_RETRY;
	sleep_until(deadline);
}

static void
pageout_woken(void)
{
	(void)wait_finish(current_thread());
	spin_lock(&pageout_lock);
	idle = NULL;
	if (!wanted) {
		/* A while has passed, and nobody has asked since. */
		tired = false;
		sleep_until(TIMER_NEVER);
	}
	spin_unlock(&pageout_lock);
	pageout_run();
}

void
pageout_start(void)
{
	struct thread *thread;

	default_pager_init();
	thread = thread_create_kernel(pageout_run, PRIORITY_KERNEL);
	if (thread == NULL)
		panic("no memory for page replacement");
}
