/*
 * reaper.c: the kernel thread that destroys what takes long to destroy.
 */
#include "kernel/reaper.h"

#include "kernel/kassert.h"
#include "kernel/lock.h"
#include "kernel/sched.h"
#include "kernel/thread.h"

/* Steps that the one who destroys something does himself. */
#define STEPS_AT_ONCE 64
/* Milliseconds until what lacked memory is tried again. */
#define STARVED_RETRY_MS 10
#define STARVED_AT_ONCE	 16

static struct spinlock reaper_lock = SPINLOCK_INIT(LOCK_MQUEUE);
static struct list items = {&items, &items};	   /* [reaper_lock] */
static struct list starved = {&starved, &starved}; /* [reaper_lock] */
static uint64_t retry_at;	   /* [reaper_lock] the first of them */
static struct thread *idle_reaper; /* [reaper_lock] NULL while it works */

/* @item waits in @list; the reaper hears of it, if it sleeps. */
static void
add(struct list *list, struct reap_item *item)
{
	struct thread *reaper;

	spin_lock(&reaper_lock);
	if (list == &starved && list_empty(list))
		retry_at = timer_after_ms(STARVED_RETRY_MS);
	list_add_tail(list, &item->link);
	reaper = idle_reaper;
	idle_reaper = NULL;
	if (reaper != NULL && !thread_claim(reaper, KERN_SUCCESS))
		reaper = NULL; /* its deadline passed: it is on its way */
	spin_unlock(&reaper_lock);
	if (reaper != NULL)
		sched_wake(reaper);
}

void
reap_later(struct reap_item *item)
{
	add(&items, item);
}

void
reap_now(struct reap_item *item)
{
	for (int i = 0; i < STEPS_AT_ONCE; i++) {
		if (!item->step(item))
			return;
		if (thread_should_yield())
			break;
	}
	reap_later(item);
}

void
reap_starved(struct reap_item *item)
{
	/* Who sleeps without a deadline goes back to sleep with one. */
	add(&starved, item);
}

/*
 * Those whose time has come, whatever else there is to do; but some of them:
 * who lets many starve shall not keep the processor by that.
 */
static void
retry_starved(void)
{
	if (list_empty(&starved) || timer_now() < retry_at)
		return;
	for (int i = 0; i < STARVED_AT_ONCE && !list_empty(&starved); i++) {
		struct list *link = starved.next;

		list_remove(link);
		list_add_tail(&items, link);
	}
	retry_at = timer_after_ms(STARVED_RETRY_MS);
}

static struct reap_item *
next_item(void)
{
	struct reap_item *item = NULL;

	spin_lock(&reaper_lock);
	retry_starved();
	if (!list_empty(&items)) {
		item = list_first(&items, struct reap_item, link);
		list_remove(&item->link);
	}
	spin_unlock(&reaper_lock);
	return item;
}

/* One step of one thing; false when there is nothing to do. */
static bool
reap_step(void)
{
	struct reap_item *item = next_item();

	if (item == NULL)
		return false;
	if (item->step(item)) {
		/* Behind the others: a large one must not hold them up. */
		spin_lock(&reaper_lock);
		list_add_tail(&items, &item->link);
		spin_unlock(&reaper_lock);
	}
	return true;
}

void
reaper_drain(void)
{
	spin_lock(&reaper_lock);
	list_splice_tail(&items, &starved);
	spin_unlock(&reaper_lock);
	while (reap_step())
		continue;
}

static void reaper_woken(void);

static noreturn void
reaper_run(void)
{
	struct thread *self = current_thread();
	uint64_t deadline = TIMER_NEVER;

	while (reap_step()) {
		if (thread_should_yield())
			sched_yield(reaper_run);
	}
	spin_lock(&reaper_lock);
	if (!list_empty(&items)) {
		spin_unlock(&reaper_lock);
		sched_yield(reaper_run);
	}
	if (!list_empty(&starved))
		deadline = retry_at;
	idle_reaper = self;
	wait_begin(self, reaper_woken, deadline, &reaper_lock);
	sched_switch();
}

static void
reaper_woken(void)
{
	(void)wait_finish(current_thread());
	spin_lock(&reaper_lock);
	idle_reaper = NULL;
	spin_unlock(&reaper_lock);
	reaper_run();
}

void
reaper_start(void)
{
	struct thread *thread =
	    thread_create_kernel(reaper_run, PRIORITY_KERNEL);

	if (thread == NULL)
		panic("no memory for the reaper");
}
