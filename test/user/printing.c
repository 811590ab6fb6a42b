/*
 * printing.c: a task that may send no more messages cannot print, and is told
 * so: it does not wait for ever.  Its console is a port that nobody receives
 * from: one that waits may be told without a message.
 *
 * That task is this program started anew, which leaves what it saw in its
 * memory, since it cannot say it.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <baton/ledger.h>
#include <baton/stdio.h>
#include <servers/bootstrap.h>

#include "test/user/mach_test.h"

struct report {
	uint32_t done;
	int32_t written, why, printed;
};
static volatile struct report report;

static void
print_in_vain(void)
{
	mach_port_t port = port_new_send();
	kern_return_t kr;

	set_limit(port, MACH_PORT_QLIMIT_MAX);
	kr = task_ledger_set(mach_task_self(), BATON_LEDGER_MESSAGES, 0, 0);
	/* Nobody receives what uses up the rest. */
	while (kr == KERN_SUCCESS)
		kr = post(port, 1);
	if (kr != MACH_SEND_NO_BUFFER)
		return;
	stdio_use_console(port);
	errno = 0;
	report.written = (int32_t)write(STDOUT_FILENO, "# no\n", 5);
	report.why = errno;
	report.printed = printf("# nor this\n");
	report.done = 1;
	for (;;)
		sleep_ms(1000);
}

static bool
hear(task_t task, struct report *heard)
{
	mach_vm_size_t size;

	for (int i = 0; i < 500 && heard->done == 0; i++) {
		sleep_ms(10);
		(void)mach_vm_read_overwrite(task, (mach_vm_address_t)&report,
		    sizeof(*heard), (mach_vm_address_t)heard, &size);
	}
	return heard->done == 1;
}

int
main(int argc, char *argv[])
{
	char *again[] = {argv[0], "in vain", NULL};
	struct report heard = {0};
	task_t task;

	if (argc > 1)
		print_in_vain();
	must(bootstrap_spawn(bootstrap_port, argv[0], again, &task));
	ok(hear(task, &heard), "who cannot print goes on");
	is(heard.written, -1, "nothing is written");
	is(heard.why, EAGAIN, "which may be tried again");
	ok(heard.printed < 0, "nor printed");
	must(task_terminate(task));
	mach_port_deallocate(mach_task_self(), task);
	return done();
}
