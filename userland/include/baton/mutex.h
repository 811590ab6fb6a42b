/*
 * baton/mutex.h: a lock between the threads of a task.
 *
 * For short sections: who finds it taken gives the processor away, and looks
 * again.  All zero is unlocked.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include <mach/cdefs.h>

MACH_BEGIN_DECLS

struct mutex {
	atomic_uint taken;
};

void mutex_lock(struct mutex *mutex);
bool mutex_try_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);

MACH_END_DECLS
