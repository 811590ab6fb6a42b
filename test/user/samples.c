/*
 * samples.c: programs written as they are elsewhere compile here with no edit
 * (the build saw to that) and do what they do there.  Each ends with status 0
 * when all went as it expects.
 */
#include <string.h>

#include <servers/bootstrap.h>

#include "test/user/mach_test.h"

#define FOLDER "sample/"

static void
run(char *name)
{
	char *argv[] = {name, NULL};
	int status = -1;
	task_t task;

	must(bootstrap_spawn(bootstrap_port, name, argv, &task));
	must(bootstrap_wait(bootstrap_port, task, &status));
	mach_port_deallocate(mach_task_self(), task);
	is(status, 0, "%s runs", name);
}

int
main(void)
{
	name_t name;

	for (unsigned i = 0;
	     bootstrap_list(bootstrap_port, i, name) == BOOTSTRAP_SUCCESS; i++)
		if (strncmp(name, FOLDER, strlen(FOLDER)) == 0)
			run(name);
	return done();
}
