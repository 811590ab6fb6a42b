/*
 * unit.c: what the counter counts here, and how often to read it.
 *
 * A loop of known length tells.  If the counter of instructions reads what it
 * should, and that of cycles the same although the loop divides, then a
 * simulator counts instructions as cycles.  If it reads something else, then
 * neither is known, and what is read is time on the simulator's host.
 */
#include <stdbool.h>
#include <string.h>

#include "bench.h"

#define TURNS	     1000UL
#define INSTRUCTIONS (3 * TURNS + 1) /* one of the two reads is counted */
#define TRIES	     10

int bench_large;
static unsigned rounds_wanted;

struct reading {
	uint64_t cycles, instructions;
};

/* What both counters say of TURNS turns of three instructions. */
static struct reading
read_loop(void)
{
	struct reading before, after;
	uint64_t turns = TURNS, quotient;

	__asm__ volatile("	rdcycle %[cycles]\n"
			 "	rdinstret %[instructions]\n"
			 "1:	divu %[quotient], %[turns], %[turns]\n"
			 "	addi %[turns], %[turns], -1\n"
			 "	bnez %[turns], 1b\n"
			 "	rdinstret %[instructions_after]\n"
			 "	rdcycle %[cycles_after]\n"
			 : [cycles] "=&r"(before.cycles),
			 [instructions] "=&r"(before.instructions),
			 [quotient] "=&r"(quotient), [turns] "+&r"(turns),
			 [instructions_after] "=&r"(after.instructions),
			 [cycles_after] "=&r"(after.cycles));
	return (struct reading){
	    .cycles = after.cycles - before.cycles,
	    .instructions = after.instructions - before.instructions,
	};
}

/* Counters may be read before or behind what they count. */
static bool
is_near(uint64_t counted, uint64_t expected)
{
	return counted + 1 >= expected && counted <= expected + 1;
}

static const char *
find_unit(void)
{
	struct reading least = read_loop();

	/* An interrupt has instructions of its own. */
	for (int i = 1; i < TRIES; i++) {
		struct reading now = read_loop();

		if (now.instructions < least.instructions)
			least = now;
	}
	if (!is_near(least.instructions, INSTRUCTIONS))
		return "host ticks";
	return is_near(least.cycles, INSTRUCTIONS + 2) ? "instructions"
						       : "cycles";
}

const char *
bench_unit(void)
{
	static const char *unit;

	if (unit == NULL)
		unit = find_unit();
	return unit;
}

void
bench_set_rounds(unsigned rounds)
{
	rounds_wanted = rounds < SAMPLES_MAX ? rounds : SAMPLES_MAX;
}

unsigned
bench_rounds(void)
{
	if (rounds_wanted != 0)
		return rounds_wanted;
	return strcmp(bench_unit(), "cycles") == 0 ? SAMPLES_MAX : 1000;
}
