/*
 * test/user/tap.h: what a test in a guest says, line by line (TAP):
 *
 *	ok 1 - a right is made
 *	not ok 2 - and found again # got 0x11, wanted 0 (ports.c:40)
 *	1..2
 *
 * A program is a list of ok() and is() calls and ends with `return done();`.
 * Failing does not end it.  What a later case could not do without is a
 * must(), which does.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

/* Each names its case in the manner of printf(). */
#define ok(good, ...) tap_ok((good), __FILE__, __LINE__, __VA_ARGS__)
#define is(got, wanted, ...)                                                   \
	tap_is((uint64_t)(got), (uint64_t)(wanted), __FILE__, __LINE__,        \
	    __VA_ARGS__)

/* What has to be KERN_SUCCESS for the program to make sense. */
#define must(result) tap_must((result), #result, __FILE__, __LINE__)

bool tap_ok(bool good, const char *file, int line, const char *name, ...)
    __attribute__((format(printf, 4, 5)));
bool tap_is(uint64_t got, uint64_t wanted, const char *file, int line,
    const char *name, ...) __attribute__((format(printf, 5, 6)));
void tap_must(int result, const char *what, const char *file, int line);

/* A case that this machine cannot show. */
void skip(const char *name, const char *why);
/* A word for who reads the log. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * From now on keep what is said until done(): for tests that make the kernel
 * write to the console itself, which would cut a line in two.
 */
void tap_hold(void);

/* The plan.  What main() returns: 0 when all went well. */
int done(void);
