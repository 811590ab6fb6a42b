/* chance.c: see chance.h. */
#include "chance.h"

#include <stdlib.h>

uint64_t random_state = 1;

/* The lower bits of such a generator are poor. */
uint64_t
random_word(void)
{
	random_state =
	    random_state * 6364136223846793005UL + 1442695040888963407UL;
	return random_state >> 16;
}

uint64_t
random_below(uint64_t bound)
{
	return (random_word() >> 17) % bound;
}

uint64_t
number_from(const char *name, uint64_t otherwise)
{
	const char *value = getenv(name);

	return value != NULL ? strtoull(value, NULL, 0) : otherwise;
}
