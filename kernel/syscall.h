/* kernel/syscall.h: the table that trap.S indexes. */
#pragma once
#include <arch/offsets.h>

#include "kernel/types.h"

/* Called through its own type by nobody but trap.S, which has none. */
typedef void (*syscall_t)(void);

/*
 * Entries with the bit SYSCALL_COPIES set (which a jump takes no notice of)
 * copy from or to user memory: their arguments are kept, so that the call can
 * be made again when a page has come, memory_wait_trap_again().
 */
extern const syscall_t syscall_table[SYSCALL_COUNT];

/* What an unknown trap number gets: KERN_INVALID_ARGUMENT. */
kern_return_t syscall_unknown(void);
