/*
 * kernel/kassert.h: stop on a kernel bug.
 *
 * No value that came from a user may decide a KASSERT: user mistakes are
 * answered with error codes.  Arguments have no side effects, one condition
 * each.  Debug and release builds both check.
 */
#pragma once
#include "kernel/types.h"

/* Print what, where and who on one screen, and end the machine. */
noreturn void panic_at(const char *function, const char *file, int line,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

#define panic(...) panic_at(__func__, __FILE__, __LINE__, __VA_ARGS__)

#define KASSERT(condition)                                                     \
	do {                                                                   \
		if (unlikely(!(condition)))                                    \
			panic("KASSERT(%s)", #condition);                      \
	} while (0)
