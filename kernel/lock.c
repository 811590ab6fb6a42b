/* lock.c: waiting for a spinlock, and the lock order check of debug builds. */
#include "kernel/lock.h"
#include "kernel/cpu.h"
#include "kernel/kassert.h"

/*
 * Looks at the lock before a nap, and how long that is.  No holder takes as
 * long as that by itself: he was stopped by firmware, or by what simulates this
 * hart, which has fewer processors than we have harts and should rather run
 * him.
 */
#define LOOKS_BEFORE_NAP 1000
#define NAP_US		 20

void
spin_wait(struct spinlock *lock, int64_t word)
{
	uint32_t ticket = ((uint32_t)word >> SPIN_SHIFT) + SPIN_COUNT(word);
	unsigned looks = 0;

	/* acquire: pairs with the release in spin_unlock() */
	while (((atomic_load_explicit(&lock->word, memory_order_acquire) >>
		    SPIN_SHIFT) -
		   ticket)
		   << SPIN_SHIFT !=
	       0) {
		if (++looks % LOOKS_BEFORE_NAP == 0)
			arch_nap(timer_after_us(NAP_US));
		else
			arch_relax();
	}
}

void
lock_note_acquire(struct spinlock *lock, enum lock_order order)
{
	struct cpu *cpu = this_cpu();
	uint32_t count = cpu->held_count;

	KASSERT(lock->rank != LOCK_NONE);
	for (uint32_t i = 0; i < count; i++) {
		const struct spinlock *held = cpu->held[i].lock;

		if (held == lock)
			panic("lock of rank %u taken twice", lock->rank);
		if (order == LOCK_ORDER_TRY || held->rank < lock->rank)
			continue;
		if (order == LOCK_ORDER_PAIR && held->rank == lock->rank &&
		    held < lock)
			continue;
		panic("lock of rank %u taken under rank %u", lock->rank,
		    held->rank);
	}
	KASSERT(count < LOCKS_HELD_MAX);
	cpu->held[count].lock = lock;
	cpu->held[count].site = (uintptr_t)__builtin_return_address(0);
	cpu->held_count = count + 1;
}

void
lock_note_release(struct spinlock *lock)
{
	struct cpu *cpu = this_cpu();
	uint32_t i = cpu->held_count;

	do {
		KASSERT(i > 0); /* we do not hold it */
		i--;
	} while (cpu->held[i].lock != lock);
	cpu->held_count--;
	for (; i < cpu->held_count; i++)
		cpu->held[i] = cpu->held[i + 1];
}
