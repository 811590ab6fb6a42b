/*
 * services.c: the bootstrap server: names of services, programs and their ends.
 *
 * Run with an argument this program is its own child: `exit N`, `crash`,
 * `take NAME`.
 */
#include "test/user/mach_test.h"

#include <stdlib.h>
#include <string.h>

#include <servers/bootstrap.h>

static mach_port_t boot;

static void
test_register(void)
{
	mach_port_t port = port_new_send(), found = 0, other = port_new_send();
	name_t name = "test.services.one";

	is(bootstrap_look_up(boot, name, &found), BOOTSTRAP_UNKNOWN_SERVICE,
	    "nobody has that name");
	is(bootstrap_register(boot, name, port), BOOTSTRAP_SUCCESS,
	    "we take it");
	is(bootstrap_look_up(boot, name, &found), BOOTSTRAP_SUCCESS,
	    "it is found");
	is(found, port, "and is ours");
	is(bootstrap_register(boot, name, other), BOOTSTRAP_NAME_IN_USE,
	    "nobody else gets it");
	is(bootstrap_register(boot, name, MACH_PORT_NULL), BOOTSTRAP_SUCCESS,
	    "we give it back");
	is(bootstrap_look_up(boot, name, &found), BOOTSTRAP_UNKNOWN_SERVICE,
	    "it is gone");
	is(bootstrap_register(boot, name, other), BOOTSTRAP_SUCCESS,
	    "and free");
	must(mach_port_mod_refs(
	    mach_task_self(), other, MACH_PORT_RIGHT_RECEIVE, -1));
	for (int i = 0; i < 500; i++) {
		if (bootstrap_look_up(boot, name, &found) != BOOTSTRAP_SUCCESS)
			break;
		if (found == MACH_PORT_DEAD)
			break;
		mach_port_deallocate(mach_task_self(), found);
		sleep_ms(2);
	}
	ok(bootstrap_look_up(boot, name, &found) == BOOTSTRAP_UNKNOWN_SERVICE ||
		!MACH_PORT_VALID(found) ||
		(type_of(found) & MACH_PORT_TYPE_DEAD_NAME) != 0,
	    "a name does not outlive its port");
	mach_port_deallocate(mach_task_self(), other);
	port_end(port);
}

static void
test_check_in(void)
{
	mach_port_t port = 0;

	is(bootstrap_check_in(boot, "no.such.service", &port),
	    BOOTSTRAP_UNKNOWN_SERVICE, "only what the manifest names");
	ok(bootstrap_check_in(boot, "console", &port) != BOOTSTRAP_SUCCESS,
	    "and only by whom it names");
	is(bootstrap_look_up(boot, "console", &port), BOOTSTRAP_SUCCESS,
	    "the console is there");
	ok((type_of(port) & MACH_PORT_TYPE_SEND) != 0, "for all to send to");
	mach_port_deallocate(mach_task_self(), port);
}

static int
run(char *word, char *more)
{
	char *argv[] = {"services", word, more, NULL};
	task_t task;
	int status = -1;

	must(bootstrap_spawn(boot, "test/services", argv, &task));
	must(bootstrap_wait(boot, task, &status));
	mach_port_deallocate(mach_task_self(), task);
	return status;
}

static void
test_programs(void)
{
	char *argv[] = {"x", NULL};
	mach_port_t found;
	name_t name;
	task_t task;
	int status;

	is(run("exit", "0"), 0, "a program ends well");
	is(run("exit", "42"), 42, "or with a status");
	ok(run("crash", NULL) >= 128, "or is ended");
	is(bootstrap_spawn(boot, "no/such/program", argv, &task),
	    BOOTSTRAP_UNKNOWN_SERVICE, "a program that is not there");
	is(bootstrap_spawn(boot, "manifest", argv, &task),
	    KERN_INVALID_ARGUMENT, "a file that is no program");
	is(bootstrap_wait(boot, mach_task_self(), &status),
	    BOOTSTRAP_UNKNOWN_SERVICE, "waiting for what is no child");
	is(bootstrap_list(boot, 0, name), BOOTSTRAP_SUCCESS,
	    "programs are listed");
	is(bootstrap_list(boot, 100000, name), BOOTSTRAP_BAD_COUNT,
	    "up to the last");

	is(run("take", "test.services.two"), 0, "a child takes a name");
	is(bootstrap_look_up(boot, "test.services.two", &found),
	    BOOTSTRAP_UNKNOWN_SERVICE, "which ends with it");
}

static int
be_child(char *argv[])
{
	if (strcmp(argv[1], "exit") == 0)
		return atoi(argv[2]);
	if (strcmp(argv[1], "crash") == 0)
		*(volatile int *)0 = 1;
	if (strcmp(argv[1], "take") == 0)
		return bootstrap_register(boot, argv[2], port_new_send());
	return EXIT_FAILURE;
}

int
main(int argc, char *argv[])
{
	boot = bootstrap_port;
	if (argc > 1)
		return be_child(argv);
	tap_hold();
	test_register();
	test_check_in();
	test_programs();
	return done();
}
