/* kernel/boot.h: the end of booting. */
#pragma once

struct machine;

/* Load the first task from the boot archive and make it runnable. */
void boot_first_task(const struct machine *machine);
