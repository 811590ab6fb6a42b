/*
 * libc/start.c: from the argument block to main(), and from exit() to the end.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <mach/mach.h>
#include <servers/bootstrap.h>

#include "userland/libmach/init.h"

#define STATUS_ABORT 134 /* 128 and the number of SIGABRT, as shells show it */

extern char **environ;

int main(int argc, char *argv[], char *envp[]);
void __libc_init_array(void);

void program_start(uint64_t *block) __attribute__((noreturn));

/* Called by crt0.S: @block is {argc, argv..., NULL, envp..., NULL}. */
void
program_start(uint64_t *block)
{
	int argc = (int)block[0];
	char **argv = (char **)(block + 1);

	environ = argv + argc + 1;
	mach_init();
	__libc_init_array();
	exit(main(argc, argv, environ));
}

/*
 * The bootstrap server hears of the status before the task dies, so it knows
 * that this is no crash.
 */
void
_exit(int status)
{
	fflush(stdout);
	if (bootstrap_port != MACH_PORT_NULL)
		bootstrap_exit(bootstrap_port, status);
	/* Who tells our threads to end is one of the kernel's; until then there
	 * is nothing to be asked again. */
	for (;;) {
		task_terminate(mach_task_self());
		mach_wait_until(UINT64_MAX);
	}
}

void
abort(void)
{
	fprintf(stderr, "abort\n");
	_exit(STATUS_ABORT);
}
