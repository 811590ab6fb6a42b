/* hello.c: the smallest program: says who it is, and what it was told. */
#include <stdio.h>

int
main(int argc, char *argv[])
{
	printf("hello from a task of my own\n");
	for (int i = 1; i < argc; i++)
		printf("  argument %d is %s\n", i, argv[i]);
	return 0;
}
