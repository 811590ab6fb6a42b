/* test/model/chance.h: one number after the other, all of one seed. */
#pragma once
#include <stdint.h>

extern uint64_t chance_state;

static inline void
chance_seed(uint64_t seed, uint64_t step)
{
	chance_state = seed * 0x9e3779b97f4a7c15UL ^ step;
}

/* A number below @n. */
static inline uint32_t
chance(uint32_t n)
{
	uint64_t x = chance_state += 0x9e3779b97f4a7c15UL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9UL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebUL;
	return (uint32_t)((x ^ x >> 31) % n);
}
