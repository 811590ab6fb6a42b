/* wait_queue.c: see wait_queue.h. */
#include "kernel/wait_queue.h"

static struct thread *
thread_of(struct list *wait_link)
{
	return container_of(wait_link, struct thread, wait_link);
}

/* Does @a go before @b? */
static bool
goes_before(uint32_t a, uint32_t b, int policy)
{
	return policy & SYNC_POLICY_REVERSED ? a < b : a > b;
}

static void
add_by_priority(struct list *queue, struct thread *thread, int policy)
{
	struct list *at;

	list_for_each (at, queue) {
		struct thread *leader = thread_of(at);

		if (leader->sync.rank == thread->sync.rank) {
			/* The fast path leaves it as it was in its queue. */
			list_init(&thread->wait_link);
			list_add_tail(&leader->sync.peers, &thread->sync.peers);
			return;
		}
		if (goes_before(thread->sync.rank, leader->sync.rank, policy))
			break;
	}
	list_add_tail(at, &thread->wait_link);
}

void
wait_queue_add_ordered(struct list *queue, struct thread *thread, int policy)
{
	if (policy & SYNC_POLICY_FIXED_PRIORITY) {
		/* It may be changed meanwhile; then this one is as good. */
		thread->sync.rank = thread->base_priority;
		add_by_priority(queue, thread, policy);
	} else {
		list_add_head(queue, &thread->wait_link);
	}
}

void
wait_queue_remove(struct thread *thread)
{
	struct list *peers = &thread->sync.peers;
	struct thread *heir;

	thread->sync.queue = NULL;
	if (!list_empty(peers)) {
		heir = list_first(peers, struct thread, sync.peers);
		list_remove(peers);
		/* A leader's place goes to the next of its peers. */
		if (!list_empty(&thread->wait_link))
			list_add_tail(&thread->wait_link, &heir->wait_link);
	}
	list_remove(&thread->wait_link);
}

struct thread *
wait_queue_claim(struct list *queue, kern_return_t result)
{
	while (!list_empty(queue)) {
		struct thread *thread = thread_of(queue->next);

		wait_queue_remove(thread);
		if (thread_claim(thread, result))
			return thread;
	}
	return NULL;
}

bool
wait_queue_wake(struct list *queue, kern_return_t result, uint32_t most)
{
	while (most-- > 0) {
		struct thread *thread = wait_queue_claim(queue, result);

		if (thread == NULL)
			return true;
		sched_wake(thread);
	}
	return list_empty(queue);
}
