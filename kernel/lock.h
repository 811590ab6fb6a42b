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
#include "kernel/config.h"
#include "kernel/types.h"

enum lock_rank {
	LOCK_NONE,
	LOCK_TASK_LIST, /* the list of all tasks */
	LOCK_TASK,	/* struct task: threads, special ports, life */
	LOCK_MAP,	/* struct map: entries, and the pmap below it */
	LOCK_OBJECT,	/* struct object: its pages */
	LOCK_PMAP,	/* the ASID allocator */
	LOCK_SPACE,	/* struct space: its name table */
	LOCK_PORT,	/* struct port and its queues */
	LOCK_PSET,	/* struct pset and its queues */
	LOCK_MQUEUE,	/* a queue that is not a port's */
	LOCK_THREAD,	/* struct thread: suspension, life */
	LOCK_TIMER,	/* one hart's deadlines */
	LOCK_RUNQ,	/* one hart's run queue */
	LOCK_IRQ,	/* interrupt controller */
	LOCK_ZONE,	/* one zone's slabs */
	LOCK_PAGE,	/* the buddy allocator */
	LOCK_LOG,	/* the kernel's console */
};

/*
 * A ticket lock: first come, first served.  The two halves of one word count
 * the tickets given and the ticket being served, so that a trylock is one
 * compare-and-swap and a release one halfword store.
 */
struct spinlock {
	union {
		_Atomic uint32_t tickets; /* given << 16 | serving */
		uint16_t serving;	  /* its low half: little-endian */
	};
	uint16_t rank;
	uint16_t unused;
};
static_assert(sizeof(struct spinlock) == 8, "one word of a cache line");

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

/* Wait until @ticket is served; apart, so that the common case stays small. */
void spin_wait(struct spinlock *lock, uint32_t ticket);

static inline void
spin_lock_ordered(struct spinlock *lock, enum lock_order order)
{
	uint32_t tickets;

	if (CONFIG_DEBUG)
		lock_note_acquire(lock, order);
	/* acquire: pairs with the release in spin_unlock() */
	tickets = atomic_fetch_add_explicit(
	    &lock->tickets, 1U << 16, memory_order_acquire);
	if (unlikely((tickets >> 16) != (tickets & 0xffff)))
		spin_wait(lock, tickets >> 16);
}

static inline void
spin_lock(struct spinlock *lock)
{
	spin_lock_ordered(lock, LOCK_ORDER_RISING);
}

/* The second of two locks of one rank; callers sort them by address. */
static inline void
spin_lock_second(struct spinlock *lock)
{
	spin_lock_ordered(lock, LOCK_ORDER_PAIR);
}

/* Take @lock if it is free. */
static inline bool must_check
spin_trylock(struct spinlock *lock)
{
	uint32_t tickets =
	    atomic_load_explicit(&lock->tickets, memory_order_relaxed);

	if ((tickets >> 16) != (tickets & 0xffff))
		return false;
	/* acquire: pairs with the release in spin_unlock() */
	if (!atomic_compare_exchange_strong_explicit(&lock->tickets, &tickets,
		tickets + (1U << 16), memory_order_acquire,
		memory_order_relaxed))
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
	/*
	 * Only the holder writes this half, so a plain increment will do.
	 * release: pairs with the acquire in spin_lock().
	 */
	__atomic_store_n(
	    &lock->serving, (uint16_t)(lock->serving + 1), __ATOMIC_RELEASE);
}

/* For KASSERTs of functions that rely on a lock; some hart holds it. */
static inline bool
spin_held(struct spinlock *lock)
{
	uint32_t tickets =
	    atomic_load_explicit(&lock->tickets, memory_order_relaxed);

	return (tickets >> 16) != (tickets & 0xffff);
}
