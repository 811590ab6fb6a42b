/* libmach/mutex.c: baton/mutex.h. */
#include <baton/mutex.h>
#include <mach/mach.h>

bool
mutex_try_lock(struct mutex *mutex)
{
	/* acquire: pairs with the release in mutex_unlock() */
	return atomic_exchange_explicit(
		   &mutex->taken, 1, memory_order_acquire) == 0;
}

void
mutex_lock(struct mutex *mutex)
{
	while (!mutex_try_lock(mutex)) {
		/*
		 * The holder may be of a lower priority, and never run as
		 * long as we do: step down, not just aside.
		 */
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_DEPRESS, 1);
	}
}

void
mutex_unlock(struct mutex *mutex)
{
	/* release: pairs with the acquire in mutex_try_lock() */
	atomic_store_explicit(&mutex->taken, 0, memory_order_release);
}
