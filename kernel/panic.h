/* kernel/panic.h: symbols and backtraces; panic() itself is in kassert.h. */
#pragma once
#include "kernel/types.h"

/* Name of the function at @address and the offset into it; NULL: none. */
const char *symbol_at(uintptr_t address, uintptr_t *offset);

/* Print the callers found by following frame pointers from @frame. */
void backtrace_print(uintptr_t frame);

struct thread;
/* A one-screen report of a user fault: what, where, registers. */
void report_fault(struct thread *thread, const char *what, uint64_t address);
