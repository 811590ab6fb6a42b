/* bench.h: how a benchmark takes its samples and reports them. */
#pragma once
#include <stdint.h>

#define SAMPLES_FEW 4096   /* at most, of anything but cycles */
#define SAMPLES_MAX 100000 /* of cycles */

/*
 * The counter that the figures are in: cycles on a board, executed
 * instructions where the simulator counts those.  bench_unit() finds out.
 */
static inline uint64_t
bench_now(void)
{
	uint64_t now;

	__asm__ volatile("rdcycle %0" : "=r"(now)::"memory");
	return now;
}

/* What bench_now() counts: "cycles", "instructions", or a simulator's
 * "host ticks", which say little. */
const char *bench_unit(void);

/*
 * How many samples a short operation is worth, and how many rounds before them
 * are not counted: 100 000 of cycles, 1 000 of what each costs the same of or
 * says little; or what the program was told.
 */
unsigned bench_rounds(void);
void bench_set_rounds(unsigned rounds);
#define WARM_UP 20

/* Measure what takes long to set up, too? */
extern int bench_large;

/*
 * A series of samples of one measurement.  The strings are kept until
 * bench_end(); who steps through a sample finds it between the two.
 */
void bench_begin(const char *name, const char *what);
void bench_sample(uint64_t cost);
/* Sort them and print the line that scripts/bench-report collects. */
void bench_end(void);

/* End the program: something that must work did not. */
void bench_fail(const char *what, int code) __attribute__((noreturn));

static inline void
bench_check(int code, const char *what)
{
	if (code != 0)
		bench_fail(what, code);
}

/* ---- the benchmarks, one function a file or family ---- */

void bench_traps(void);
void bench_rpc(void);
void bench_registers(void);
void bench_sums(void);
void bench_rights(void);
void bench_sets(void);
void bench_notices(void);
void bench_semaphores(void);
void bench_eventlinks(void);
void bench_exceptions(void);
void bench_interrupts(void);
void bench_switches(void);
void bench_urgent(void);
void bench_tasks(void);
void bench_transfer(void);
void bench_memory(void);
void bench_files(void);
void bench_pager(void);
void bench_forks(void);
void bench_maps(void);
void bench_entries(void);
void bench_scales(void);
void bench_boot(void);

/* So much above the caller's usual priority, or below. */
void bench_importance(int importance);

/* Calls of @port, with empty messages: a row. */
void bench_round_trips(const char *name, const char *what, unsigned port);

/* The partner thread: answers requests for ever. */
void bench_serve(unsigned port) __attribute__((noreturn));
/* The partner task, of one thread: BENCH_INLINE as well. */
void bench_serve_large(unsigned port) __attribute__((noreturn));
/* A send right to the partner task's port. */
unsigned bench_partner(void);
/* The same of another partner, which receives from a set of @members ports;
 * bench_forget() ends it. */
unsigned bench_partner_of_set(unsigned members);
void bench_forget(unsigned partner);
/* Who serves sum.defs, from @port; and a send right to such a task's. */
void bench_serve_sums(unsigned port) __attribute__((noreturn));
unsigned bench_server_of_sums(void);
