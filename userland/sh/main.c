/*
 * sh/main.c: the shell: a prompt, and the commands of the table below.
 */
#include <baton/host.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <mach/mach.h>
#include <servers/bootstrap.h>

#include "ipcstat.h"
#include "memory.h"
#include "ports.h"

#define PROMPT	      "baton> "
#define COMMAND_MAX   256
#define ARGUMENTS_MAX 32
#define PAGE_KIB      (PAGE_SIZE / 1024)

static void
complain(const char *what, kern_return_t kr)
{
	printf("%s: %s\n", what, bootstrap_strerror(kr));
}

/* ---- tasks, ports, memory ---- */

/* Calls @show for each task there is, in the order they were made. */
static void
each_task(void (*show)(const struct baton_task_summary *task))
{
	static struct baton_task_summary tasks[BATON_TASK_SUMMARY_MAX];
	mach_port_t host = mach_host_self();
	uint64_t after = 0;
	uint32_t count = BATON_TASK_SUMMARY_MAX;
	kern_return_t kr;

	while ((kr = host_task_summary(host, after, tasks, &count)) ==
		   KERN_SUCCESS &&
	       count > 0) {
		for (uint32_t i = 0; i < count; i++)
			show(&tasks[i]);
		after = tasks[count - 1].id;
		count = BATON_TASK_SUMMARY_MAX;
	}
	if (kr != KERN_SUCCESS)
		complain("host_task_summary", kr);
	mach_port_deallocate(mach_task_self(), host);
}

static bool
read_counters(struct baton_kernel_counters *counters)
{
	mach_port_t host = mach_host_self();
	kern_return_t kr = host_kernel_counters(host, counters);

	if (kr != KERN_SUCCESS)
		complain("host_kernel_counters", kr);
	mach_port_deallocate(mach_task_self(), host);
	return kr == KERN_SUCCESS;
}

static void
show_task(const struct baton_task_summary *task)
{
	printf("%5lu  %-20s %7u %8lu%s\n", task->id, task->name, task->threads,
	    task->resident_pages * PAGE_KIB,
	    task->suspend_count > 0 ? "  suspended" : "");
}

static void
command_ps(int argc, char *argv[])
{
	(void)argc, (void)argv;
	printf("   ID  NAME                 THREADS      KiB\n");
	each_task(show_task);
}

static void
show_ports(const struct baton_task_summary *task)
{
	printf("%5lu  %-20s %7u\n", task->id, task->name, task->names);
}

static void
command_ports(int argc, char *argv[])
{
	struct baton_kernel_counters counters;

	if (!ports_show(argc, argv))
		return;
	printf("   ID  NAME                   NAMES\n");
	each_task(show_ports);
	if (!read_counters(&counters))
		return;
	printf("%lu ports, %lu sets, %lu messages waiting\n",
	    counters.objects[BATON_OBJECT_PORT],
	    counters.objects[BATON_OBJECT_PORT_SET],
	    counters.objects[BATON_OBJECT_MESSAGE]);
	printf("%lu messages handed off, %lu queued since boot\n",
	    counters.handoffs, counters.queued);
}

static void
command_mem(int argc, char *argv[])
{
	static const char *const kinds[BATON_OBJECT_KINDS] = {
	    [BATON_OBJECT_TASK] = "tasks",
	    [BATON_OBJECT_THREAD] = "threads",
	    [BATON_OBJECT_SPACE] = "name spaces",
	    [BATON_OBJECT_PORT] = "ports",
	    [BATON_OBJECT_PORT_SET] = "port sets",
	    [BATON_OBJECT_MESSAGE] = "messages",
	    [BATON_OBJECT_MAP] = "maps",
	    [BATON_OBJECT_MAP_ENTRY] = "map entries",
	    [BATON_OBJECT_PMAP] = "address spaces",
	    [BATON_OBJECT_TABLE] = "page tables",
	};
	struct baton_kernel_counters counters;

	if (argc > 1) {
		memory_of(argv[1]);
		return;
	}
	if (!read_counters(&counters))
		return;
	printf("%lu KiB of memory, %lu KiB free, %lu harts\n",
	    counters.pages_total * PAGE_KIB, counters.pages_free * PAGE_KIB,
	    counters.harts);
	printf("%lu page faults, %lu interrupts, %lu switches since boot\n",
	    counters.faults, counters.interrupts, counters.switches);
	for (unsigned int i = 0; i < BATON_OBJECT_KINDS; i++)
		if (kinds[i] != NULL)
			printf("%8lu %s\n", counters.objects[i], kinds[i]);
	memory_heading();
	each_task(memory_line);
}

static void
command_ipcstat(int argc, char *argv[])
{
	ipcstat_show(argc > 1 ? argv[1] : NULL);
}

/* ---- programs ---- */

static void
run(char *argv[])
{
	task_t task;
	int status;
	kern_return_t kr;

	kr = bootstrap_spawn(bootstrap_port, argv[0], argv, &task);
	if (kr != KERN_SUCCESS) {
		complain(argv[0], kr);
		return;
	}
	kr = bootstrap_wait(bootstrap_port, task, &status);
	if (kr != KERN_SUCCESS)
		complain(argv[0], kr);
	else if (status != 0)
		printf("%s: status %d\n", argv[0], status);
	mach_port_deallocate(mach_task_self(), task);
}

static void
list_programs(void)
{
	name_t name;

	printf("programs:");
	for (unsigned int i = 0;
	     bootstrap_list(bootstrap_port, i, name) == KERN_SUCCESS; i++)
		printf(" %s", name);
	printf("\n");
}

static void
command_run(int argc, char *argv[])
{
	if (argc < 2)
		list_programs();
	else
		run(argv + 1);
}

static void
command_bench(int argc, char *argv[])
{
	char *table[] = {"bench", "table", argc > 1 ? argv[1] : NULL, NULL};

	run(table);
}

/* ---- the machine ---- */

static void
reboot(const char *what, int options)
{
	mach_port_t host_priv;
	kern_return_t kr;

	kr = bootstrap_device(bootstrap_port, "host_priv", &host_priv);
	if (kr == KERN_SUCCESS)
		kr = host_reboot(host_priv, options);
	complain(what, kr);
}

static void
command_panic(int argc, char *argv[])
{
	(void)argc;
	reboot(argv[0], HOST_REBOOT_DEBUGGER);
}

static void
command_halt(int argc, char *argv[])
{
	(void)argc;
	reboot(argv[0], HOST_REBOOT_HALT);
}

/* ---- the table, and the loop ---- */

static void command_help(int argc, char *argv[]);

static const struct {
	const char *name, *arguments, *what;
	void (*run)(int argc, char *argv[]);
} commands[] = {
    {"help", "", "print this list", command_help},
    {"ps", "", "the tasks, with their threads and memory", command_ps},
    {"ports", "[NAME | task ID]",
	"rights: ours, who has that one, that task's; names of all tasks",
	command_ports},
    {"ipcstat", "[HART]", "how often messages left the fast path, and why",
	command_ipcstat},
    {"mem", "[TASK]", "memory, and what each task has of it", command_mem},
    {"run", "PROGRAM [ARGS]", "run a program; without one, list them",
	command_run},
    {"bench", "[FAMILY]",
	"measure what the kernel's operations cost: rpc, sem, fault, ...",
	command_bench},
    {"panic", "", "make the kernel panic, to see its report", command_panic},
    {"halt", "", "switch the machine off", command_halt},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void
command_help(int argc, char *argv[])
{
	(void)argc, (void)argv;
	for (size_t i = 0; i < COMMANDS; i++) {
		char form[40];

		snprintf(form, sizeof(form), "%s %s", commands[i].name,
		    commands[i].arguments);
		printf("  %-22s %s\n", form, commands[i].what);
	}
}

static void
execute(int argc, char *argv[])
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(argv[0], commands[i].name) == 0) {
			commands[i].run(argc, argv);
			return;
		}
	}
	printf("%s: no such command; try help\n", argv[0]);
}

/* The words of @line, in place; returns how many. */
static int
split(char *line, char *argv[])
{
	char *rest, *word = strtok_r(line, " \t\r\n", &rest);
	int argc = 0;

	while (word != NULL && argc < ARGUMENTS_MAX) {
		argv[argc++] = word;
		word = strtok_r(NULL, " \t\r\n", &rest);
	}
	argv[argc] = NULL;
	return argc;
}

int
main(void)
{
	char line[COMMAND_MAX], *argv[ARGUMENTS_MAX + 1];

	for (;;) {
		int argc;

		printf(PROMPT);
		if (fgets(line, sizeof(line), stdin) == NULL) {
			/* ^C or ^D: nothing was asked for. */
			clearerr(stdin);
			continue;
		}
		argc = split(line, argv);
		if (argc > 0)
			execute(argc, argv);
	}
}
