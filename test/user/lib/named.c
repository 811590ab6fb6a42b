/* lib/named.c: find a task of the system's, see mach_test.h. */
#include "test/user/mach_test.h"

#include <string.h>

/* Which task, in the order in which the host lists them; -1: none. */
static int
index_of(const char *name)
{
	static struct baton_task_summary tasks[BATON_TASK_SUMMARY_MAX];
	mach_port_t host = mach_host_self();
	uint64_t after = 0;
	uint32_t count = BATON_TASK_SUMMARY_MAX;
	int index = 0, found = -1;

	while (found < 0 &&
	       host_task_summary(host, after, tasks, &count) == KERN_SUCCESS &&
	       count > 0) {
		for (uint32_t i = 0; i < count; i++, index++)
			if (strcmp(tasks[i].name, name) == 0)
				found = index;
		after = tasks[count - 1].id;
		count = BATON_TASK_SUMMARY_MAX;
	}
	mach_port_deallocate(mach_task_self(), host);
	return found;
}

task_t
task_named(mach_port_t host_priv, const char *name)
{
	int index = index_of(name);
	mach_msg_type_number_t count = 0;
	task_array_t tasks;
	task_t task = MACH_PORT_NULL;

	must(host_tasks(host_priv, &tasks, &count));
	if (index >= 0 && (unsigned)index < count) {
		task = tasks[index];
		tasks[index] = MACH_PORT_NULL;
	}
	for (unsigned i = 0; i < count; i++)
		if (MACH_PORT_VALID(tasks[i]))
			mach_port_deallocate(mach_task_self(), tasks[i]);
	vm_deallocate(
	    mach_task_self(), (vm_address_t)tasks, count * sizeof(*tasks));
	return task;
}
