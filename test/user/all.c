/*
 * all.c: run every test of the boot archive, or those that are named.
 *
 *	run=test/all		all of them, in the order of their names
 *	run=test/all,ports,vm	these two
 *
 * Each program is announced by `# test/NAME`; the last line is `tests: done`,
 * and the exit status says whether all went well.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mach/mach.h>
#include <servers/bootstrap.h>

#define FOLDER "test/"
#define SELF   "test/all"
#define MAX    96

static name_t names[MAX];
static unsigned count;

static bool
is_test(const char *name)
{
	return strncmp(name, FOLDER, strlen(FOLDER)) == 0 &&
	       strcmp(name, SELF) != 0;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void
collect_all(void)
{
	for (unsigned i = 0; count < MAX; i++) {
		if (bootstrap_list(bootstrap_port, i, names[count]) !=
		    BOOTSTRAP_SUCCESS)
			break;
		if (is_test(names[count]))
			count++;
	}
	qsort(names, count, sizeof(names[0]), compare);
}

static void
collect_named(char *argv[])
{
	for (; *argv != NULL && count < MAX; argv++)
		snprintf(names[count++], sizeof(name_t), FOLDER "%s", *argv);
}

/* False when the program did not run, or says that something failed. */
static bool
run(char *name)
{
	char *argv[] = {name, NULL};
	kern_return_t kr;
	int status;
	task_t task;

	printf("# %s\n", name);
	fflush(stdout);
	kr = bootstrap_spawn(bootstrap_port, name, argv, &task);
	if (kr == BOOTSTRAP_SUCCESS)
		kr = bootstrap_wait(bootstrap_port, task, &status);
	if (kr != BOOTSTRAP_SUCCESS) {
		printf("not ok 1 - %s runs # %s\n1..1\n", name,
		    bootstrap_strerror(kr));
		return false;
	}
	mach_port_deallocate(mach_task_self(), task);
	/* Who failed a case has said so; who died on the way has not. */
	if (status > EXIT_FAILURE)
		printf("not ok 1 - %s ends by itself # status %d\n1..1\n", name,
		    status);
	return status == EXIT_SUCCESS;
}

int
main(int argc, char *argv[])
{
	int status = EXIT_SUCCESS;

	if (argc > 1)
		collect_named(argv + 1);
	else
		collect_all();
	for (unsigned i = 0; i < count; i++)
		if (!run(names[i]))
			status = EXIT_FAILURE;
	printf("tests: done\n");
	return status;
}
