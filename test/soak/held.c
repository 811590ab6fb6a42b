/* held.c: rights that the storm's operations must not end, see soak.h. */
#include "test/soak/soak.h"
#include "test/user/mach_test.h"

/* More references than the pool's operations take by the time it is given up.
 */
#define HELD 10000

void
hold(mach_port_t name)
{
	must(mach_port_mod_refs(
	    mach_task_self(), name, MACH_PORT_RIGHT_SEND, HELD));
}

void
end_small(struct small *small)
{
	task_t task = small->task;
	thread_t thread = small->thread;

	if (type_of(task) != MACH_PORT_TYPE_SEND)
		complain("a small task ended by itself");
	else
		small_kill(small);
	mach_port_destroy(mach_task_self(), task);
	mach_port_destroy(mach_task_self(), thread);
}
