/*
 * kernel/lock.h: spinlocks, and THE LOCK ORDER.
 *
 * Interrupts are off in the kernel, so a lock is only ever spun for by another
 * hart.  A hart takes locks in rising rank; two of one rank only through the
 * pair functions that sort by address.  Debug builds check the order at every
 * acquire and remember where each lock was taken, for the panic screen.
 * No lock is held across sched_switch() or an access to user memory.
 */
#pragma once
#include <arch/atomic.h>

#include "kernel/config.h"
#include "kernel/types.h"

enum lock_rank {
	LOCK_NONE,
	LOCK_TASK_LIST, /* the list of all tasks */
	LOCK_TASK,	/* struct task: threads, special ports, life */
	LOCK_SWEEP,	/* the ring of all maps */
	LOCK_MAP,	/* struct map: entries, and the pmap below it */
	LOCK_OBJECT,	/* struct object: its pages */
	LOCK_PMAP,	/* the ASID allocator */
	LOCK_SPACE,	/* struct space: its name table */
	LOCK_PORT,	/* struct port and its queues */
	LOCK_PSET,	/* struct pset and its queues */
	LOCK_SWAP,	/* the slots of page replacement */
	LOCK_SYNC,	/* a semaphore, an eventlink, who waits; objects kept */
	LOCK_MQUEUE,	/* a queue that is not a port's */
	LOCK_THREAD,	/* struct thread: suspension, life */
	LOCK_TIMER,	/* one hart's deadlines */
	LOCK_RUNQ,	/* one hart's run queue */
	LOCK_IRQ,	/* interrupt controller */
	LOCK_ZONE,	/* one zone's slabs */
	LOCK_BLOCK,	/* references to superpages */
	LOCK_PAGE,	/* the buddy allocator */
	LOCK_LOG,	/* the kernel's console */
};

/*
 * A ticket lock: first come, first served.  One word holds how many harts hold
 * or wait for the lock, and the ticket being served; who comes gets the ticket
 * that is so many further on.  Taking and releasing are one atomic add each.
 */
struct spinlock {
	_Atomic uint32_t word; /* serving << SPIN_SHIFT | count */
	uint16_t rank;
	uint16_t unused;
};
static_assert(sizeof(struct spinlock) == 8, "one word of a cache line");

#define SPIN_SHIFT	 11
#define SPIN_COUNT(word) ((word) & ((1U << SPIN_SHIFT) - 1))
/* What an acquire adds, and what a release does: the next one's turn. */
#define SPIN_TAKE 1U
#define SPIN_PASS ((1U << SPIN_SHIFT) - 1)

#define SPINLOCK_INIT(rank_)                                                   \
	{                                                                      \
		.rank = (rank_)                                                \
	}

/* How an acquire relates to the locks that this hart holds already. */
enum lock_order {
	LOCK_ORDER_RISING, /* the rank is higher than all of theirs */
	LOCK_ORDER_PAIR,   /* the second of two of one rank, by address */
	LOCK_ORDER_TRY,	   /* any: a trylock cannot deadlock */
};

static inline void
spin_init(struct spinlock *lock, enum lock_rank rank)
{
	*lock = (struct spinlock){.rank = (uint16_t)rank};
}

/* Bookkeeping of debug builds. */
void lock_note_acquire(struct spinlock *lock, enum lock_order order);
void lock_note_release(struct spinlock *lock);

/* Wait for the turn of who found @word; apart, so that the rest is small. */
void spin_wait(struct spinlock *lock, int64_t word);

static inline void
spin_lock_ordered(struct spinlock *lock, enum lock_order order)
{
	int64_t word;

	if (CONFIG_DEBUG)
		lock_note_acquire(lock, order);
	/* acquire: pairs with the release in spin_unlock() */
	word = atomic_add_acquire(&lock->word, SPIN_TAKE);
	if (unlikely(SPIN_COUNT(word) != 0))
		spin_wait(lock, word);
}

static inline void
spin_lock(struct spinlock *lock)
{
	spin_lock_ordered(lock, LOCK_ORDER_RISING);
}

/*
 * The same in two halves, for who calls nobody where the lock is free: true, it
 * is the caller's; else its turn comes with spin_wait(@lock, *@wordp).
 */
static inline bool must_check
spin_lock_or_queue(struct spinlock *lock, int64_t *wordp)
{
	if (CONFIG_DEBUG)
		lock_note_acquire(lock, LOCK_ORDER_RISING);
	/* acquire: pairs with the release in spin_unlock() */
	*wordp = atomic_add_acquire(&lock->word, SPIN_TAKE);
	return likely(SPIN_COUNT(*wordp) == 0);
}

/* The second of two locks of one rank; callers sort them by address. */
static inline void
spin_lock_second(struct spinlock *lock)
{
	spin_lock_ordered(lock, LOCK_ORDER_PAIR);
}

/* Take @lock if it is free; it may seem not to be. */
static inline bool must_check
spin_trylock(struct spinlock *lock)
{
	/* acquire: pairs with the release in spin_unlock() */
	if (!atomic_add_unless_acquire(&lock->word, SPIN_COUNT(~0U), SPIN_TAKE))
		return false;
	if (CONFIG_DEBUG)
		lock_note_acquire(lock, LOCK_ORDER_TRY);
	return true;
}

static inline void
spin_unlock(struct spinlock *lock)
{
	if (CONFIG_DEBUG)
		lock_note_release(lock);
	/* release: pairs with the acquire in spin_lock() and spin_wait() */
	atomic_add_release(&lock->word, SPIN_PASS);
}

/* For KASSERTs of functions that rely on a lock; some hart holds it. */
static inline bool
spin_held(struct spinlock *lock)
{
	return SPIN_COUNT(atomic_load_explicit(
		   &lock->word, memory_order_relaxed)) != 0;
}
