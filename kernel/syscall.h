/* kernel/syscall.h: the table that trap.S indexes. */
#pragma once
#include <arch/offsets.h>

#include "kernel/types.h"

/* Called through its own type by nobody but trap.S, which has none. */
typedef void (*syscall_t)(void);

extern const syscall_t syscall_table[SYSCALL_COUNT];

/* What an unknown trap number gets: KERN_INVALID_ARGUMENT. */
kern_return_t syscall_unknown(void);
