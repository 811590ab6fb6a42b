/* devices.c: who holds no right to a device does not get at it. */
#include "test/user/mach_test.h"

#include <stdlib.h>
#include <string.h>

#include <device/device_calls.h>
#include <mach/routine_ids.h>
#include <servers/bootstrap.h>

static void
test_grants(void)
{
	static const char *const names[] = {"stdout", "sbi-console",
	    "host_priv", "device_master", "/soc/serial@10000000", "/", ""};
	mach_port_t port;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		name_t name = "";

		strcpy(name, names[i]);
		is(bootstrap_device(bootstrap_port, name, &port),
		    BOOTSTRAP_NOT_PRIVILEGED, "\"%s\" is not for us", name);
	}
}

/* Ports that are no device's do not answer for one. */
static void
test_other_ports(void)
{
	const mach_port_t ports[] = {
	    mach_task_self(), mach_host_self(), mach_thread_self()};
	static const char *const names[] = {"task", "host", "thread"};
	mach_port_t device = 0;
	mach_vm_address_t address;
	mach_vm_size_t size;
	uint32_t count = 0;

	for (int i = 0; i < 3; i++) {
		is(device_open(ports[i], 0, "stdout", &device), MIG_BAD_ID,
		    "a %s port opens no device", names[i]);
		is(device_map_window(
		       ports[i], mach_task_self(), 0, &address, &size),
		    MIG_BAD_ID, "maps no registers");
		is(device_write_inband(ports[i], 0, 0, "x", 1, &count),
		    MIG_BAD_ID, "and writes to nothing");
	}
	is(device, 0, "no right came of that");
}

/* What only the privileged host port does, nobody's host port does. */
static void
test_privileges(void)
{
	task_array_t tasks = NULL;
	mach_msg_type_number_t count = 0;

	is(host_tasks(mach_host_self(), &tasks, &count), MIG_BAD_ID,
	    "the ports of all tasks are not for all");
	is(count, 0, "none came");
}

/*
 * The program that the command line names is trusted with everything; so then
 * another one, which it starts, does the asking.
 */
static bool
is_trusted(void)
{
	mach_port_t port;

	return bootstrap_device(bootstrap_port, "host_priv", &port) ==
	       BOOTSTRAP_SUCCESS;
}

static int
run_untrusted(void)
{
	char *argv[] = {"devices", NULL};
	int status = EXIT_FAILURE;
	task_t task;

	must(bootstrap_spawn(bootstrap_port, "test/devices", argv, &task));
	must(bootstrap_wait(bootstrap_port, task, &status));
	return status;
}

int
main(void)
{
	if (is_trusted())
		return run_untrusted();
	test_grants();
	test_other_ports();
	test_privileges();
	return done();
}
