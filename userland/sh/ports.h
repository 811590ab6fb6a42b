/* sh/ports.h: the shell's `ports`. */
#pragma once

#include <stdbool.h>

/* Show what the words ask for; true: the tasks are to be shown, too. */
bool ports_show(int argc, char *argv[]);
