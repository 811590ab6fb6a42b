/* panic.c: where the kernel would stop, a unit test aborts. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/kassert.h"
#include "kernel/klog.h"
#include "kernel/ktrace.h"

bool ktrace_on;

void
ktrace_record(enum ktrace_event event, uint64_t a, uint64_t b)
{
	(void)event;
	(void)a;
	(void)b;
}

noreturn void
panic_at(
    const char *function, const char *file, int line, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "panic: ");
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, " in %s, %s:%d\n", function, file, line);
	abort();
}

void
klog(const char *format, ...)
{
	(void)format;
}
