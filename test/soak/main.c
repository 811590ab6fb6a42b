/*
 * main.c: rounds of the storm, one after the other, and the kernel's counts.
 *
 *	run=soak,SECONDS,SEED	rounds for so long, beginning with that seed
 *	run=soak,round,MS,SEED	one round: what a failure names
 */
#include "test/soak/soak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <servers/bootstrap.h>

#include "test/user/mach_test.h"

#define ROUND_MS   3000
#define PAGES_KEPT 512 /* 2 MiB */
#define WARM_UPS   8
#define PATIENCE   100 /* looks at the counts */

static const char *const kinds[BATON_OBJECT_KINDS] = {
    [BATON_OBJECT_TASK] = "tasks",
    [BATON_OBJECT_THREAD] = "threads",
    [BATON_OBJECT_SPACE] = "spaces",
    [BATON_OBJECT_PORT] = "ports",
    [BATON_OBJECT_PORT_SET] = "port sets",
    [BATON_OBJECT_MESSAGE] = "messages",
    [BATON_OBJECT_MAP] = "maps",
    [BATON_OBJECT_MAP_ENTRY] = "map entries",
    [BATON_OBJECT_MEMORY] = "memory objects",
    [BATON_OBJECT_PMAP] = "address spaces",
    [BATON_OBJECT_TABLE] = "page tables",
    [BATON_OBJECT_SEMAPHORE] = "semaphores",
    [BATON_OBJECT_EVENTLINK] = "eventlinks",
    [BATON_OBJECT_TIMER] = "timers",
    [BATON_OBJECT_ALARM] = "alarms",
};

/*
 * The counts once they are as before, or after a while.  What is quiet may
 * still be ending: where harts are threads of a busy host, one of them may
 * stand still for longer than quiet_counters() waits.
 */
static struct baton_kernel_counters
settled_counters(const struct baton_kernel_counters *before)
{
	struct baton_kernel_counters now = quiet_counters();

	for (int i = 0; i < PATIENCE && memcmp(now.objects, before->objects,
					    sizeof(now.objects)) != 0;
	     i++)
		now = quiet_counters();
	return now;
}

/* Has the kernel as much of everything as before?  Says what it has not. */
static bool
as_before(const struct baton_kernel_counters *before)
{
	struct baton_kernel_counters now = settled_counters(before);
	bool same = true;

	/* Caches keep some of what the busiest round took, and no more. */
	if (now.pages_free + PAGES_KEPT < before->pages_free) {
		note("pages free: %llu before, %llu now",
		    (unsigned long long)before->pages_free,
		    (unsigned long long)now.pages_free);
		same = false;
	}
	for (int i = 0; i < BATON_OBJECT_KINDS; i++)
		if (now.objects[i] != before->objects[i]) {
			note("%s: %llu before, %llu now",
			    kinds[i] != NULL ? kinds[i] : "others",
			    (unsigned long long)before->objects[i],
			    (unsigned long long)now.objects[i]);
			same = false;
		}
	if (!same)
		usage_compare();
	return same;
}

/* In a task of its own. */
static bool
run_round(uint32_t seed, unsigned milliseconds)
{
	char length[12], number[12];
	char *argv[] = {"soak", "round", length, number, NULL};
	int status = -1;
	task_t task;

	snprintf(length, sizeof(length), "%u", milliseconds);
	snprintf(number, sizeof(number), "%u", (unsigned)seed);
	must(bootstrap_spawn(bootstrap_port, "soak", argv, &task));
	must(bootstrap_wait(bootstrap_port, task, &status));
	mach_port_deallocate(mach_task_self(), task);
	return status == 0;
}

/*
 * The servers and the kernel's caches get what they will keep: rounds until
 * one changes nothing more.  A program's file, say, stays mapped once its
 * pager serves it, and that may still have been starting the first time.
 */
static bool
warm_up(uint32_t seed, struct baton_kernel_counters *now)
{
	struct baton_kernel_counters before;
	bool good;
	int turns = 0;

	*now = quiet_counters();
	do {
		before = *now;
		good = run_round(seed, 300);
		*now = quiet_counters();
	} while (
	    good && ++turns < WARM_UPS &&
	    memcmp(now->objects, before.objects, sizeof(now->objects)) != 0);
	return good;
}

static void
soak(unsigned seconds, uint32_t seed)
{
	uint64_t begun = mach_absolute_time();
	struct baton_kernel_counters before;
	unsigned rounds = 0;
	bool good = true;

	printf("# test/soak\n");
	good = warm_up(seed, &before);
	usage_note();
	while (good && ms_since(begun) < 1000 * seconds) {
		seed++;
		printf("# round %u: run=soak,round,%u,%u\n", ++rounds, ROUND_MS,
		    (unsigned)seed);
		fflush(stdout);
		good = run_round(seed, ROUND_MS) && as_before(&before);
	}
	ok(good, "%u rounds of the storm, the last with seed %u", rounds,
	    (unsigned)seed);
	note("%llu pages free before, %llu now",
	    (unsigned long long)before.pages_free,
	    (unsigned long long)counters().pages_free);
}

static unsigned
number(int argc, char *argv[], int which, unsigned otherwise)
{
	return argc > which ? (unsigned)strtoul(argv[which], NULL, 10)
			    : otherwise;
}

int
main(int argc, char *argv[])
{
	int failed;

	if (argc > 1 && strcmp(argv[1], "round") == 0) {
		uint32_t seed = number(argc, argv, 3, 1);

		return round_run(
		    seed, number(argc, argv, 2, ROUND_MS), seed % 2);
	}
	soak(number(argc, argv, 1, 30), number(argc, argv, 2, 1));
	failed = done();
	printf("tests: done\n");
	return failed;
}
