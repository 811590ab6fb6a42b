/*
 * main.c: the model of ports runs beside the kernel's ipc/ code.
 *
 *	model [--seed N] [--steps N] [--world N, the first]
 *
 * Random operations are done by both, and after each one everything that the
 * kernel knows of tasks, names, ports, sets, messages and threads is what the
 * model says.  A world lives for some thousands of steps; at its end nothing
 * may be left of it.
 *
 * Worlds run in a child process.  If that fails, the failing world is run
 * again, with ever fewer of its steps, and what is left is printed.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chance.h"
#include "observe.h"
#include "operations.h"

/* Steps of one world. */
#define WORLD_STEPS 5000
/* All rights and references are counted up once in so many steps. */
#define COUNT_EVERY 20

/* What a child tells its parent. */
static struct {
	uint64_t world; /* under way */
	uint64_t step;
	uint64_t fast, direct;
} * told;

static uint64_t seed = 1, first_world;
static bool talks;
/* Steps of the world that are done; a shorter way to the same end. */
static bool done[WORLD_STEPS];

noreturn void
disagree(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	printf("model: ");
	vprintf(format, arguments);
	printf("\n");
	va_end(arguments);
	fflush(stdout);
	_exit(2);
}

void
say(const char *format, ...)
{
	va_list arguments;

	if (!talks)
		return;
	va_start(arguments, format);
	printf("  ");
	vprintf(format, arguments);
	printf("\n");
	va_end(arguments);
	fflush(stdout);
}

/* ---- one world ---- */

static void
run_world(uint64_t number)
{
	uint64_t world_seed = seed * 1000003 + number;

	told->world = number;
	chance_seed(world_seed, WORLD_STEPS);
	world_begin();
	for (unsigned i = 0; i < WORLD_STEPS; i++) {
		told->step = i;
		if (!done[i])
			continue;
		chance_seed(world_seed, i);
		operation();
		if (i % COUNT_EVERY == 0)
			host_check();
	}
	operation_end_waits();
	host_check();
	told->fast = observed_fast;
	told->direct = observed_direct;
	world_end();
}

/* ---- when it fails ---- */

/* Does the world fail with the steps that are left?  A child finds out. */
static bool
fails(uint64_t number)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		if (freopen("/dev/null", "w", stdout) == NULL ||
		    freopen("/dev/null", "w", stderr) == NULL)
			_exit(0);
		run_world(number);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return false;
	return status != 0;
}

/* Leave out what can be: first much at once, then step by step. */
static void
shorten(uint64_t number, unsigned last)
{
	memset(done + last + 1, 0, WORLD_STEPS - last - 1);
	for (unsigned size = (last + 1) / 2; size > 0; size /= 2) {
		for (unsigned at = 0; at + size <= last; at += size) {
			bool kept[WORLD_STEPS];

			memcpy(kept, done, sizeof(done));
			memset(done + at, 0, size);
			if (memcmp(kept, done, sizeof(done)) != 0 &&
			    !fails(number))
				memcpy(done, kept, sizeof(done));
		}
	}
}

static void
explain(uint64_t number)
{
	pid_t child;

	printf("model: seed %lu, world %lu fails at step %lu; shortened:\n",
	    seed, number, told->step);
	fflush(stdout);
	shorten(number, (unsigned)told->step);
	talks = true;
	child = fork();
	if (child == 0) {
		run_world(number);
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

/* ---- all of them ---- */

static uint64_t
run_worlds(uint64_t steps)
{
	uint64_t worlds = (steps + WORLD_STEPS - 1) / WORLD_STEPS;
	int status;
	pid_t child;

	memset(done, true, sizeof(done));
	fflush(stdout);
	child = fork();
	if (child == 0) {
		for (uint64_t i = 0; i < worlds; i++)
			run_world(first_world + i);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return 0;
	if (status != 0) {
		explain(told->world);
		return 0;
	}
	return worlds * WORLD_STEPS;
}

int
main(int argc, char **argv)
{
	uint64_t steps = 1000000, run;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--seed") == 0)
			seed = strtoul(argv[i + 1], NULL, 0);
		if (strcmp(argv[i], "--world") == 0)
			first_world = strtoul(argv[i + 1], NULL, 0);
		if (strcmp(argv[i], "--steps") == 0)
			steps = strtoul(argv[i + 1], NULL, 0);
	}
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	run = run_worlds(steps);
	if (run == 0) {
		printf("not ok 1 - the kernel and the model agree\n1..1\n");
		return 1;
	}
	printf("# note: seed %lu: %lu steps, %lu of them by the fast path, "
	       "%lu straight\n",
	    seed, run, told->fast, told->direct);
	printf("ok 1 - the kernel and the model agree\n1..1\n");
	return 0;
}
