/* test/unit/chance.h: the same random numbers each time. */
#pragma once
#include <stdint.h>

/* To begin with; any number but what came of another is a seed. */
extern uint64_t random_state;

uint64_t random_word(void);
/* Less than @bound, of at most 31 bits. */
uint64_t random_below(uint64_t bound);

/* What a variable of the environment says. */
uint64_t number_from(const char *name, uint64_t otherwise);
