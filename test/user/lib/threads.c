/* lib/threads.c: what the library keeps of threads, see mach_test.h. */
#include <baton/thread.h>

#include "test/user/mach_test.h"

/* More than it keeps. */
#define AT_ONCE 16

static void
end_at_once(void *arg)
{
	(void)arg;
}

void
threads_keep(void)
{
	struct mach_thread *thread[AT_ONCE];

	for (int i = 0; i < AT_ONCE; i++)
		must(mach_thread_start(end_at_once, NULL, 0, &thread[i]));
	for (int i = 0; i < AT_ONCE; i++)
		mach_thread_join(thread[i]);
}
