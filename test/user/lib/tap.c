/*
 * lib/tap.c: see tap.h.
 *
 * A line is put together whole and then written at once, so that lines of
 * several threads do not mix.
 */
#include "test/user/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <baton/mutex.h>

#define LINE_MAX_SIZE 256
#define HELD_MAX      32768

static struct mutex lock;
static int cases, failures;
static bool holding;
static char held[HELD_MAX];
static size_t held_size;

static void
release_held(void)
{
	fwrite(held, 1, held_size, stdout);
	fflush(stdout);
	held_size = 0;
}

static void
say(const char *line)
{
	size_t length = strlen(line);

	if (!holding) {
		fwrite(line, 1, length, stdout);
		fflush(stdout);
		return;
	}
	if (held_size + length > HELD_MAX)
		release_held();
	memcpy(held + held_size, line, length);
	held_size += length;
}

/* @tail: what follows the name, with its newline. */
static void
say_case(bool good, const char *name, va_list values, const char *tail)
{
	char line[LINE_MAX_SIZE];
	int length;

	mutex_lock(&lock);
	cases++;
	failures += !good;
	length = snprintf(
	    line, sizeof(line), "%sok %d - ", good ? "" : "not ", cases);
	length += vsnprintf(
	    line + length, sizeof(line) / 2 - (size_t)length, name, values);
	if (length > LINE_MAX_SIZE / 2)
		length = LINE_MAX_SIZE / 2 - 1;
	snprintf(line + length, sizeof(line) - (size_t)length, "%s", tail);
	say(line);
	mutex_unlock(&lock);
}

/* The file's name without its folders. */
static const char *
base_name(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash != NULL ? slash + 1 : file;
}

bool
tap_ok(bool good, const char *file, int line, const char *name, ...)
{
	char tail[64];
	va_list values;

	snprintf(tail, sizeof(tail), " # (%s:%d)\n", base_name(file), line);
	va_start(values, name);
	say_case(good, name, values, good ? "\n" : tail);
	va_end(values);
	return good;
}

bool
tap_is(uint64_t got, uint64_t wanted, const char *file, int line,
    const char *name, ...)
{
	bool good = got == wanted;
	char tail[96];
	va_list values;

	snprintf(tail, sizeof(tail), " # got 0x%llx, wanted 0x%llx (%s:%d)\n",
	    (unsigned long long)got, (unsigned long long)wanted,
	    base_name(file), line);
	va_start(values, name);
	say_case(good, name, values, good ? "\n" : tail);
	va_end(values);
	return good;
}

void
tap_must(int result, const char *what, const char *file, int line)
{
	if (result == 0)
		return;
	tap_ok(false, file, line, "%.80s gives 0x%x", what, (unsigned)result);
	exit(done());
}

static void
count_skipped(const char *name, ...)
{
	va_list values;

	va_start(values, name);
	say_case(true, name, values, "\n");
	va_end(values);
}

void
skip(const char *name, const char *why)
{
	count_skipped("%s # SKIP %s", name, why);
}

void
note(const char *format, ...)
{
	char line[LINE_MAX_SIZE] = "# ";
	va_list values;

	va_start(values, format);
	vsnprintf(line + 2, sizeof(line) - 4, format, values);
	va_end(values);
	strcat(line, "\n");
	mutex_lock(&lock);
	say(line);
	mutex_unlock(&lock);
}

void
tap_hold(void)
{
	mutex_lock(&lock);
	holding = true;
	mutex_unlock(&lock);
}

int
done(void)
{
	char line[LINE_MAX_SIZE];

	mutex_lock(&lock);
	release_held();
	holding = false;
	snprintf(line, sizeof(line), "1..%d\n", cases);
	say(line);
	mutex_unlock(&lock);
	return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
