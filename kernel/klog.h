/*
 * kernel/klog.h: the kernel's own words: boot log, warnings, panics.
 *
 * One line per step, with numbers: `vm: 1015 MiB free, kernel 412 KiB`.
 * Output goes to the firmware's console and to a ring that gdb and panics
 * show.  Formats: %d %u %x %lx %lu %ld %p %s %c %%, widths and zero padding.
 */
#pragma once
#include <stdarg.h>

#include "kernel/types.h"

void klog(const char *format, ...) __attribute__((format(printf, 1, 2)));
void klog_v(const char *format, va_list arguments);
/* Raw bytes to the firmware console, as the device "sbi-console" does. */
void klog_write(const char *bytes, size_t count);
/* A panic: take the console from whoever holds it. */
void klog_seize(void);

/* Format into @buffer, always terminated; returns the length without cut. */
int format_string(char *buffer, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int format_string_v(
    char *buffer, size_t size, const char *format, va_list arguments);
