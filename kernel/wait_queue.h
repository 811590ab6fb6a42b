/*
 * kernel/wait_queue.h: threads that wait for a semaphore, in the order that
 * its policy wants.
 *
 *	queue -- leader -- leader -- leader	by wait_link, in order
 *		   |
 *		  peer -- peer			by sync.peers, first come first
 *
 * Where priority decides, all of one priority have one leader, so that finding
 * a thread's place takes at most as many steps as there are priorities.  Where
 * it does not, everybody is a leader.
 *
 * Who claims a thread takes it off the queue; a thread whose wait ended
 * otherwise leaves by itself, in its continuation.
 */
#pragma once
#include <mach/sync_policy.h>

#include "kernel/list.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "kernel/types.h"

/* @policy: SYNC_POLICY_* of mach/sync_policy.h.  Locks: the queue's. */
void wait_queue_add_ordered(
    struct list *queue, struct thread *thread, int policy);

static inline void
wait_queue_add(struct list *queue, struct thread *thread, int policy)
{
	thread->sync.queue = queue;
	if (likely((policy & SYNC_POLICY_ORDER_MASK) == SYNC_POLICY_FIFO))
		list_add_tail(queue, &thread->wait_link);
	else
		wait_queue_add_ordered(queue, thread, policy);
}

/* No effect on a thread that stands on no queue.  Locks: the queue's. */
void wait_queue_remove(struct thread *thread);
/* Take the first that can be claimed, and claim it with @result; NULL: there is
 * none.  Locks: the queue's. */
struct thread *wait_queue_claim(
    struct list *queue, kern_return_t result) must_check;
/* Wake so the first @most of them; false: there are more. */
bool wait_queue_wake(struct list *queue, kern_return_t result, uint32_t most);

/*
 * After wait_begin(): run @next, claimed, in the waiter's place, or whoever is
 * best if @next is NULL.
 */
static inline noreturn void
wait_hand_over(struct thread *next)
{
	if (next == NULL)
		sched_switch();
	sched_handoff(next);
}
