/*
 * restart.c: a server that dies is started again, and its clients go on with
 * the port they have.
 *
 * The manifest lets this program end the console server.
 */
#include "test/user/mach_test.h"

#include <servers/bootstrap.h>
#include <servers/console.h>

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
		task = task_named(host_priv, "console");
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
