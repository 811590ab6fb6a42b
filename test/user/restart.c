/*
 * restart.c: a server that dies is started again, and its clients go on with
 * the port they have.
 *
 * The manifest lets this program end the console server.
 */
#include "test/user/mach_test.h"

#include <baton/host.h>
#include <servers/bootstrap.h>
#include <servers/console.h>
#include <stdlib.h>
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

/* A send right to the console server's task. */
static task_t
console_task(mach_port_t host_priv)
{
	int index = index_of("console");
	mach_msg_type_number_t count = 0;
	task_array_t tasks;
	task_t console = MACH_PORT_NULL;

	must(host_tasks(host_priv, &tasks, &count));
	if (index >= 0 && (unsigned)index < count) {
		console = tasks[index];
		tasks[index] = MACH_PORT_NULL;
	}
	for (unsigned i = 0; i < count; i++)
		if (MACH_PORT_VALID(tasks[i]))
			mach_port_deallocate(mach_task_self(), tasks[i]);
	vm_deallocate(
	    mach_task_self(), (vm_address_t)tasks, count * sizeof(*tasks));
	return console;
}

/*
 * A task that was ended may still take a message on another hart before its
 * thread gets there; then its reply right dies with it, and we are told so.
 */
static kern_return_t
mode_once_alive(mach_port_t console)
{
	kern_return_t kr;

	do
		kr = console_mode(console, FALSE);
	while (kr == MIG_SERVER_DIED);
	return kr;
}

int
main(void)
{
	mach_port_t host_priv, console, again;
	task_t task;

	must(bootstrap_device(bootstrap_port, "host_priv", &host_priv));
	must(bootstrap_look_up(bootstrap_port, CONSOLE_SERVICE, &console));

	/* What the server had received and not yet written dies with it. */
	tap_hold();
	for (int round = 0; round < 3; round++) {
		is(console_mode(console, FALSE), KERN_SUCCESS, "it answers");
		task = console_task(host_priv);
		ok(task != MACH_PORT_NULL, "its task is found");
		is(task_terminate(task), KERN_SUCCESS, "and ended");
		mach_port_deallocate(mach_task_self(), task);

		/* These wait in the queue until the next one is there. */
		is(console_write(console, "# still here\n", 13), KERN_SUCCESS,
		    "one can write to it meanwhile");
		is(mode_once_alive(console), KERN_SUCCESS,
		    "the next one answers at the same port");
		must(
		    bootstrap_look_up(bootstrap_port, CONSOLE_SERVICE, &again));
		is(again, console, "which is still its name");
		mach_port_deallocate(mach_task_self(), again);

		/* Five deaths within a second are too many for anybody. */
		sleep_ms(1100);
	}
	return done();
}
