/*
 * crash.c: end badly, to see the kernel's report and that the rest goes on.
 *
 *	run crash		store to address 0
 *	run crash code		write over the program's own instructions
 *	run crash stack		never stop calling
 *	run crash illegal	an instruction that does not exist
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static volatile int bottom = -1; /* never reached, which nobody knows */

static int
call_for_ever(int depth)
{
	if (depth == bottom)
		return 0;
	return depth + call_for_ever(depth + 1) % 7;
}

int
main(int argc, char *argv[])
{
	const char *how = argc > 1 ? argv[1] : "";
	volatile uint32_t *target = NULL;

	if (strcmp(how, "stack") == 0)
		return call_for_ever(0);
	if (strcmp(how, "illegal") == 0)
		__asm__ volatile("unimp");
	if (strcmp(how, "code") == 0)
		target = (volatile uint32_t *)(uintptr_t)main;
	*target = 0;
	printf("still here\n");
	return 1;
}
