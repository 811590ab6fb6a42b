/* kernel/boot.h: the end of booting. */
#pragma once
#include "kernel/types.h"

struct machine;

/* What booting cost, on the counter of arch_read_cycles(). */
extern uint64_t boot_entered; /* when firmware jumped to us; 0: not known */
extern uint64_t boot_cycles;  /* from there to the first user instruction */

/* Load the first task from the boot archive and make it runnable. */
void boot_first_task(const struct machine *machine);
