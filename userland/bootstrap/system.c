/* bootstrap/system.c: see system.h. */
#include "system.h"

#include <baton/stdio.h>
#include <stdio.h>
#include <string.h>

#include <device/device_calls.h>
#include <mach/mach.h>
#include <baton/host.h>
#include <servers/bootstrap.h>
#include <servers/console.h>

#include "userland/bootstrap/replies.h"

#include "archive.h"
#include "child.h"
#include "service.h"

/* A server that ends this often within so short a time stays ended. */
#define CRASHES_MAX   5
#define CRASH_SECONDS 1

#define FLUSH_MILLISECONDS 2000

static const struct options *options;
static const struct manifest *manifest;
static unsigned int next_line; /* of the manifest's `run` and `session` */
static mach_port_t sbi_console;
static mach_port_t console; /* while the console server has its port */

static struct {
	unsigned int crashes; /* in a row */
	uint64_t started;
} servers[MANIFEST_LINES_MAX];

/* ---- servers ---- */

static uint64_t
seconds(uint64_t count)
{
	mach_timebase_info_data_t timebase;

	mach_timebase_info(&timebase);
	return count * 1000000000 * timebase.denom / timebase.numer;
}

/* When the default pager dies, those go on that are to start another, and who
 * tells people of it. */
static void
keep_resident(task_t task)
{
	(void)host_set_resident(options->host_priv, task, TRUE);
}

static void
server_start(unsigned int index)
{
	const struct manifest_line *line = &manifest->lines[index];
	char *argv[MANIFEST_WORDS_MAX] = {line->words[1]};
	struct child *child;
	kern_return_t kr;

	/* Behind "restart". */
	for (unsigned int i = 3; i < line->count; i++)
		argv[i - 2] = line->words[i];
	servers[index].started = mach_absolute_time();
	kr = child_start(argv[0], argv, CHILD_SERVER, NULL, &child);
	if (kr != KERN_SUCCESS)
		printf("bootstrap: cannot start %s: %s\n", argv[0],
		    bootstrap_strerror(kr));
	else if (manifest_restarts(line))
		keep_resident(child->task);
}

/*
 * Whether a server that has ended may run once more.  The clients of one that
 * may not are told, by the death of its port.
 */
static bool
may_restart(unsigned int index)
{
	const struct manifest_line *line = &manifest->lines[index];
	uint64_t lived = mach_absolute_time() - servers[index].started;

	if (lived > seconds(CRASH_SECONDS))
		servers[index].crashes = 0;
	if (++servers[index].crashes < CRASHES_MAX)
		return true;
	printf(
	    "bootstrap: %s keeps ending, and is left alone\n", line->words[1]);
	service_withdraw(line->words[1]);
	return false;
}

/*
 * Starts again each server that does not run, once its services' ports are
 * home: its death and they come in any order.
 */
static void
servers_restart(void)
{
	for (unsigned int i = 0; i < manifest->count; i++) {
		const struct manifest_line *line = &manifest->lines[i];

		if (line->verb == MANIFEST_SERVER && manifest_restarts(line) &&
		    !child_running(line->words[1]) &&
		    service_home(line->words[1]) && may_restart(i))
			server_start(i);
	}
}

static void
servers_start(void)
{
	for (unsigned int i = 0; i < manifest->count; i++) {
		const struct manifest_line *line = &manifest->lines[i];

		if (line->verb != MANIFEST_SERVER)
			continue;
		if (service_define(line->words[0], line->words[1]) ==
		    KERN_SUCCESS)
			server_start(i);
	}
}

/* For each file of the archive a service, if the manifest says whose. */
static void
files_define(void)
{
	const char *program = manifest_files(manifest), *file;
	uint64_t offset = 0;
	name_t name;

	if (program == NULL)
		return;
	while ((file = archive_next(&offset)) != NULL) {
		snprintf(
		    name, sizeof(name), "%s%s", BOOTSTRAP_FILE_PREFIX, file);
		service_define(name, program);
	}
}

/* ---- output: the console server's, or else the firmware's ---- */

void
system_service_away(const char *name, mach_port_t port)
{
	if (strcmp(name, CONSOLE_SERVICE) != 0)
		return;
	fflush(stdout);
	console = port;
	stdio_use_console(console);
}

void
system_service_home(const char *name)
{
	if (strcmp(name, CONSOLE_SERVICE) == 0) {
		fflush(stdout);
		console = MACH_PORT_NULL;
		stdio_use_device(sbi_console);
	}
	servers_restart();
}

/* The console server is not trusted to answer. */
static void
console_flush(void)
{
	fflush(stdout);
	if (console != MACH_PORT_NULL &&
	    console_drain(console, FLUSH_MILLISECONDS) != KERN_SUCCESS)
		return; /* what it has not shown is lost */
}

static void
power_off(int status)
{
	console_flush();
	host_reboot(options->host_priv,
	    HOST_REBOOT_HALT | (status == 0 ? 0 : HOST_REBOOT_FAILURE));
	printf("bootstrap: the machine cannot be switched off\n");
}

/* ---- what runs next ---- */

/* False when there is no such program. */
static bool
start(char *const argv[], enum child_role role)
{
	struct child *child;
	kern_return_t kr = child_start(argv[0], argv, role, NULL, &child);

	if (kr != KERN_SUCCESS) {
		printf("bootstrap: cannot start %s: %s\n", argv[0],
		    bootstrap_strerror(kr));
		return false;
	}

	if (role == CHILD_SESSION)
		keep_resident(child->task);
	/* Whoever wrote the command line may do anything anyway. */
	child->trusted = role == CHILD_FINAL;
	return true;
}

/* The next line of the manifest that runs something. */
static void
run_next(void)
{
	for (; next_line < manifest->count; next_line++) {
		const struct manifest_line *line = &manifest->lines[next_line];

		if (line->verb == MANIFEST_RUN &&
		    start(line->words, CHILD_RUN)) {
			next_line++;
			return;
		}

		/* A session stays the next line: it is started again. */
		if (line->verb == MANIFEST_SESSION &&
		    start(line->words, CHILD_SESSION))
			return;
	}
	printf("bootstrap: nothing left to run\n");
}

void
system_init(const struct options *the_options)
{
	options = the_options;
	keep_resident(mach_task_self());
	if (device_open(options->device_master, D_WRITE, "sbi-console",
		&sbi_console) == KERN_SUCCESS)
		stdio_use_device(sbi_console);
}

void
system_start(const struct manifest *the_manifest)
{
	manifest = the_manifest;
	files_define();
	servers_start();
	if (options->run_too_long) {
		printf("bootstrap: run= has more than %d words\n",
		    OPTIONS_RUN_MAX);
		power_off(1);
	} else if (options->run[0] == NULL)
		run_next();
	else if (!start(options->run, CHILD_FINAL))
		power_off(1);
}

/* Tells the parent, or keeps the child until it asks. */
static void
spawned_ended(struct child *child)
{
	kern_return_t kr;

	if (child->waiter != MACH_PORT_NULL) {
		kr = bootstrap_await_reply(child->waiter, child->waiter_right,
		    KERN_SUCCESS, child->status);
		/* Only a right that is dead is still ours. */
		if (kr != MACH_SEND_INVALID_DEST)
			child->waiter = MACH_PORT_NULL;
		child_free(child);
	} else if (child->parent == NULL) {
		child_free(child);
	}
}

void
system_child_ended(struct child *child)
{
	enum child_role role = child->role;
	int status = child->status;

	service_owner_died(child);
	if (role == CHILD_SPAWNED) {
		spawned_ended(child);
		return;
	}
	if (status != 0 && role != CHILD_FINAL)
		printf("bootstrap: %s has ended with status %d\n",
		    child->program, status);
	child_free(child);
	switch (role) {
	case CHILD_SERVER:
		servers_restart();
		break;
	case CHILD_RUN:
	case CHILD_SESSION:
		run_next();
		break;
	case CHILD_FINAL:
		power_off(status);
		break;
	case CHILD_SPAWNED:
		break;
	}
}

/* ---- devices ---- */

static bool
may_have(const struct child *child, const char *thing)
{
	return child->trusted ||
	       manifest_grants(manifest, child->program, thing);
}

/* One more reference to a right of ours. */
static kern_return_t
give(mach_port_t right, mach_port_t *port)
{
	*port = right;
	return mach_port_mod_refs(
	    mach_task_self(), right, MACH_PORT_RIGHT_SEND, 1);
}

kern_return_t
system_device(const struct child *child, const char *thing, mach_port_t *port)
{
	if (!may_have(child, thing))
		return BOOTSTRAP_NOT_PRIVILEGED;
	if (strcmp(thing, "host_priv") == 0)
		return give(options->host_priv, port);
	if (strcmp(thing, "device_master") == 0)
		return give(options->device_master, port);
	return device_open(
	    options->device_master, D_READ | D_WRITE, thing, port);
}

kern_return_t
system_archive(const struct child *child, mach_port_t *entry, uint64_t *offset,
    uint64_t *size)
{
	memory_object_size_t room;

	if (!may_have(child, "archive"))
		return BOOTSTRAP_NOT_PRIVILEGED;
	*offset = options->archive % vm_page_size;
	*size = options->archive_size;
	room = *offset + *size;
	return mach_make_memory_entry_64(mach_task_self(), &room,
	    options->archive - *offset, VM_PROT_READ, entry, MACH_PORT_NULL);
}
