/*
 * libc/lock.c: the locks that the C library asks its surroundings for.
 *
 * All of them may be taken again by the thread that holds them; a thread is
 * told by its thread pointer.
 */
#include <baton/mutex.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/lock.h>

struct __lock {
	struct mutex mutex;
	unsigned int depth;	   /* only the holder looks */
	_Atomic(uintptr_t) holder; /* 0: nobody */
};

/* The one lock of the library's own: malloc(), atexit(), environment. */
struct __lock __lock___libc_recursive_mutex;

static uintptr_t
this_thread(void)
{
	return (uintptr_t)__builtin_thread_pointer();
}

void
__retarget_lock_init(_LOCK_T *lock)
{
	*lock = calloc(1, sizeof(**lock));
}

void
__retarget_lock_init_recursive(_LOCK_T *lock)
{
	__retarget_lock_init(lock);
}

void
__retarget_lock_close(_LOCK_T lock)
{
	free(lock);
}

void
__retarget_lock_close_recursive(_LOCK_T lock)
{
	__retarget_lock_close(lock);
}

int
__retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
	/* Nobody else stores our own id there, so no order is needed. */
	if (atomic_load_explicit(&lock->holder, memory_order_relaxed) !=
	    this_thread()) {
		if (!mutex_try_lock(&lock->mutex))
			return 0;
		atomic_store_explicit(
		    &lock->holder, this_thread(), memory_order_relaxed);
	}
	lock->depth++;
	return 1;
}

void
__retarget_lock_acquire_recursive(_LOCK_T lock)
{
	if (__retarget_lock_try_acquire_recursive(lock))
		return;
	mutex_lock(&lock->mutex);
	atomic_store_explicit(
	    &lock->holder, this_thread(), memory_order_relaxed);
	lock->depth = 1;
}

void
__retarget_lock_release_recursive(_LOCK_T lock)
{
	if (--lock->depth > 0)
		return;
	atomic_store_explicit(&lock->holder, 0, memory_order_relaxed);
	mutex_unlock(&lock->mutex);
}

int
__retarget_lock_try_acquire(_LOCK_T lock)
{
	return __retarget_lock_try_acquire_recursive(lock);
}

void
__retarget_lock_acquire(_LOCK_T lock)
{
	__retarget_lock_acquire_recursive(lock);
}

void
__retarget_lock_release(_LOCK_T lock)
{
	__retarget_lock_release_recursive(lock);
}
