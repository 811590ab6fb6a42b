/* timer.c: time stands still where kernel/timer.c is not asked for. */
#include "kernel/timer.h"

uint64_t
timer_after_us(uint64_t microseconds)
{
	return microseconds;
}
