/*
 * main.c: measure what the kernel's operations cost.
 *
 * Each figure is printed as one line of JSON behind the word BENCH, with
 * minimum, median, 99th percentile and maximum over its samples; `make bench`
 * makes the table.  Arguments, in any order:
 *
 *	table		print a table for people instead
 *	large		also what takes seconds to set up
 *	rounds=N	take N samples of each short operation
 *	shuffle=N	have N ports more and perhaps a region: others are
 *			elsewhere
 *	anything else	run families (below) whose names begin with it; or, if
 *			it is the name of a figure, the family that has it
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <baton/host.h>
#include <mach/mach.h>
#include <servers/bootstrap.h>

#include "bench.h"
#include "protocol.h"

static struct {
	const char *name;
	const char *what;
	uint64_t *sample;
	size_t count, room;
} series;

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Room for as many samples as there are rounds, at the least. */
static void
samples_allocate(void)
{
	static uint64_t few[SAMPLES_FEW];

	series.sample = few;
	series.room = SAMPLES_FEW;
	if (bench_rounds() > SAMPLES_FEW) {
		series.room = SAMPLES_MAX;
		series.sample = calloc(series.room, sizeof(uint64_t));
		bench_check(series.sample == NULL, "have room for samples");
	}
}

__attribute__((noinline)) void
bench_begin(const char *name, const char *what)
{
	series.name = name;
	series.what = what;
	series.count = 0;
	if (series.sample == NULL)
		samples_allocate();
}

__attribute__((noinline)) void
bench_sample(uint64_t cost)
{
	/* What reading the counter itself adds. */
	static uint64_t reading = UINT64_MAX;

	if (reading == UINT64_MAX) {
		uint64_t before = bench_now();

		reading = bench_now() - before;
	}
	if (series.count < series.room)
		series.sample[series.count++] =
		    cost > reading ? cost - reading : 0;
}

static bool table;

static void
print_head(void)
{
	if (table)
		printf(
		    "%-28s %9s %9s  %s\n", bench_unit(), "median", "p99", "of");
	else
		printf("BENCH {\"unit\": \"%s\", \"kernel\": \"%s\"}\n",
		    bench_unit(), BATON_REVISION);
}

static void
print_table_row(void)
{
	size_t n = series.count;

	printf("%-28s %9llu %9llu  %s\n", series.name,
	    (unsigned long long)series.sample[n / 2],
	    (unsigned long long)series.sample[n - 1 - n / 100], series.what);
}

/*
 * Samples at so many ten-thousandths of the way from the least to the most,
 * for a plot.
 */
static void
print_spread(void)
{
	static const unsigned at[] = {0, 100, 1000, 2500, 5000, 7500, 9000,
	    9500, 9900, 9950, 9990, 9995, 9999, 10000};

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		printf("%s[%u, %llu]", i == 0 ? "" : ", ", at[i],
		    (unsigned long long)
			series.sample[(series.count - 1) * at[i] / 10000]);
}

void
bench_end(void)
{
	size_t n = series.count;

	if (n == 0)
		return;
	qsort(series.sample, n, sizeof(series.sample[0]), compare);
	if (table) {
		print_table_row();
		return;
	}
	printf("BENCH {\"name\": \"%s\", \"what\": \"%s\", \"samples\": %zu, "
	       "\"min\": %llu, \"median\": %llu, \"p99\": %llu, "
	       "\"max\": %llu, \"spread\": [",
	    series.name, series.what, n, (unsigned long long)series.sample[0],
	    (unsigned long long)series.sample[n / 2],
	    (unsigned long long)series.sample[n - 1 - n / 100],
	    (unsigned long long)series.sample[n - 1]);
	print_spread();
	printf("]}\n");
	fflush(stdout);
}

void
bench_fail(const char *what, int code)
{
	printf("bench: %s: %s (%#x)\n", what, mach_error_string(code),
	    (unsigned)code);
	exit(1);
}

static mach_port_t
port_with_send(void)
{
	mach_port_t port;

	bench_check(mach_port_allocate(
			mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port),
	    "make the partner's port");
	bench_check(mach_port_insert_right(
			mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND),
	    "make a send right to it");
	return port;
}

/* A set of @members ports, of which @port is the last. */
static mach_port_t
set_around(mach_port_t port, int members)
{
	mach_port_t set;

	bench_check(mach_port_allocate(
			mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set),
	    "make a set");
	for (int i = 0; i < members; i++)
		bench_check(
		    mach_port_insert_member(mach_task_self(),
			i == members - 1 ? port : port_with_send(), set),
		    "put a port into the set");
	return set;
}

/* As the service @name, with a set of so many @members if there are any. */
static void
partner_main(const char *name, int members)
{
	mach_port_t port = port_with_send();
	mach_port_t from = members > 0 ? set_around(port, members) : port;

	bench_check(bootstrap_register(bootstrap_port, name, port),
	    "register the partner");
	bench_serve_large(from);
}

/* The same service, of sum.defs. */
static void
sums_main(const char *name)
{
	mach_port_t port = port_with_send();

	bench_check(bootstrap_register(bootstrap_port, name, port),
	    "register the server of sums");
	bench_serve_sums(port);
}

static mach_port_t
partner_start(char *kind, char *name, char *members)
{
	char *const arguments[] = {"bench", kind, name, members, NULL};
	mach_port_t partner;
	task_t task;

	bench_check(bootstrap_spawn(bootstrap_port, "bench", arguments, &task),
	    "start the partner");
	while (bootstrap_look_up(bootstrap_port, name, &partner) !=
	       BOOTSTRAP_SUCCESS)
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 1);
	return partner;
}

unsigned
bench_partner(void)
{
	static mach_port_t partner;

	if (partner == MACH_PORT_NULL)
		partner = partner_start("--partner", BENCH_SERVICE, "0");
	return partner;
}

unsigned
bench_partner_of_set(unsigned members)
{
	char name[40], count[12];

	snprintf(name, sizeof(name), BENCH_SERVICE ".set.%u", members);
	snprintf(count, sizeof(count), "%u", members);
	return partner_start("--partner", name, count);
}

unsigned
bench_server_of_sums(void)
{
	return partner_start("--sums", BENCH_SERVICE ".sums", "0");
}

void
bench_forget(unsigned partner)
{
	mach_msg_header_t bye = {
	    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
	    .msgh_size = sizeof(bye),
	    .msgh_remote_port = partner,
	};

	/* Any id that it does not know ends it. */
	(void)mach_msg(&bye, MACH_SEND_MSG, sizeof(bye), 0, MACH_PORT_NULL,
	    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
}

static const struct {
	const char *family;
	void (*run)(void);
} families[] = {
    {"boot", bench_boot},
    {"task", bench_forks}, /* while there are few regions to be forked */
    {"trap", bench_traps},
    {"rpc", bench_rpc},
    {"rpc.reg", bench_registers},
    {"rpc.port", bench_rights},
    {"rpc.set", bench_sets},
    {"notify", bench_notices},
    {"sem", bench_semaphores},
    {"eventlink", bench_eventlinks},
    {"exception", bench_exceptions},
    {"transfer", bench_transfer},
    {"fault", bench_memory},
    {"fault.file", bench_files},
    {"fault.pager", bench_pager},
    {"map", bench_maps},
    {"irq", bench_interrupts},
    {"thread", bench_tasks},
    {"rpc.mig", bench_sums},
    {"switch", bench_switches},
    {"send.urgent", bench_urgent},
    {"scale", bench_entries},
    {"scale", bench_scales},
};

/* Figures whose names do not say which family has them. */
static const struct {
	const char *name, *family;
} others[] = {
    {"port.allocate_destroy", "trap"},
    {"kernel.call", "trap"},
    {"send.queued", "rpc"},
    {"task.create_destroy", "thread"},
};

static const char *
family_of(const char *name)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(others[i].name, name) == 0)
			return others[i].family;
	return name;
}

static bool
is_wanted(const char *family, const char *wanted)
{
	size_t length = strlen(family);

	return strncmp(family, wanted, strlen(wanted)) == 0 ||
	       (strncmp(family, wanted, length) == 0 && wanted[length] == '.');
}

/*
 * Ports before all others, which find their places and names behind them; and
 * a region where the count is odd.
 */
static void
shuffle(unsigned count)
{
	vm_address_t address;
	mach_port_t port;

	if (count % 2 != 0)
		bench_check(vm_allocate(mach_task_self(), &address,
				vm_page_size, VM_FLAGS_ANYWHERE),
		    "have a region");
	while (count-- > 0)
		bench_check(mach_port_allocate(mach_task_self(),
				MACH_PORT_RIGHT_RECEIVE, &port),
		    "have ports");
}

/* Returns the name that is wanted; none if @arguments have no other words. */
static const char *
read_arguments(char **arguments)
{
	const char *wanted = "";

	for (char **word = arguments; *word != NULL; word++) {
		if (strcmp(*word, "table") == 0)
			table = true;
		else if (strcmp(*word, "large") == 0)
			bench_large = true;
		else if (strncmp(*word, "rounds=", 7) == 0)
			bench_set_rounds((unsigned)atoi(*word + 7));
		else if (strncmp(*word, "shuffle=", 8) == 0)
			shuffle((unsigned)atoi(*word + 8));
		else
			wanted = *word;
	}
	return family_of(wanted);
}

static void
read_declines(struct baton_decline_count counts[BATON_DECLINES])
{
	uint32_t count = BATON_DECLINES;

	bench_check(
	    host_declines(mach_host_self(), BATON_ALL_HARTS, counts, &count),
	    "ask why messages were declined");
}

/* How often messages left the fast path since @before, by reason. */
static void
print_declines(const struct baton_decline_count before[BATON_DECLINES])
{
	struct baton_decline_count now[BATON_DECLINES];
	const char *comma = "";

	read_declines(now);
	printf("BENCH {\"declines\": {");
	for (unsigned i = 0; i < BATON_DECLINES; i++) {
		if (now[i].times == before[i].times)
			continue;
		printf("%s\"%s\": %lu", comma, baton_decline_reason(i),
		    now[i].times - before[i].times);
		comma = ", ";
	}
	printf("}}\n");
}

int
main(int argc, char **argv)
{
	struct baton_decline_count declines[BATON_DECLINES];
	const char *wanted;

	if (argc > 3 && strcmp(argv[1], "--partner") == 0)
		partner_main(argv[2], atoi(argv[3]));
	if (argc > 2 && strcmp(argv[1], "--sums") == 0)
		sums_main(argv[2]);
	wanted = argc > 1 ? read_arguments(argv + 1) : "";
	print_head();
	read_declines(declines);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		if (is_wanted(families[i].family, wanted))
			families[i].run();
	}
	bench_forget(bench_partner());
	if (!table) {
		print_declines(declines);
		printf("BENCH {\"whole\": true}\n");
	}
	return 0;
}
