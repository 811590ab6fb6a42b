/* klog.c: formatting, the log ring, and the firmware console. */
#include "kernel/klog.h"

#include <arch/firmware.h>

#include "kernel/config.h"
#include "kernel/lock.h"
#include "kernel/string.h"

static struct spinlock klog_lock = SPINLOCK_INIT(LOCK_LOG);
static bool klog_seized;

/* All that was logged, for gdb and for who comes too late to read it. */
char klog_ring[CONFIG_LOG_SIZE];
uint64_t klog_ring_next;

/* Where formatted characters go; @used counts those that did not fit, too. */
struct output {
	char *buffer;
	size_t size;
	size_t used;
};

static void
put_char(struct output *out, char c)
{
	if (out->used + 1 < out->size)
		out->buffer[out->used] = c;
	out->used++;
}

static void
put_padding(struct output *out, char c, int count)
{
	while (count-- > 0)
		put_char(out, c);
}

static void
put_number(struct output *out, uint64_t value, unsigned base, bool negative,
    int width, char pad)
{
	char digits[20];
	int count = 0;

	do {
		digits[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	if (negative && pad == '0')
		put_char(out, '-');
	put_padding(out, pad, width - count - (negative ? 1 : 0));
	if (negative && pad != '0')
		put_char(out, '-');
	while (count > 0)
		put_char(out, digits[--count]);
}

static void
put_string(struct output *out, const char *string, int width)
{
	if (string == NULL)
		string = "(null)";
	put_padding(out, ' ', width - (int)strlen(string));
	while (*string != '\0')
		put_char(out, *string++);
}

/* One conversion, after its `%`; returns what follows it. */
static const char *
put_conversion(struct output *out, const char *format, va_list *arguments)
{
	char pad = ' ';
	int width = 0;
	bool wide = false;
	uint64_t value;
	int64_t number;

	if (*format == '0') {
		pad = '0';
		format++;
	}
	while (*format >= '0' && *format <= '9')
		width = width * 10 + (*format++ - '0');
	while (*format == 'l' || *format == 'z') {
		wide = true;
		format++;
	}
	switch (*format) {
	case 'd':
		number =
		    wide ? va_arg(*arguments, long) : va_arg(*arguments, int);
		value = number < 0 ? -(uint64_t)number : (uint64_t)number;
		put_number(out, value, 10, number < 0, width, pad);
		break;
	case 'u':
	case 'x':
		value = wide ? va_arg(*arguments, unsigned long)
			     : va_arg(*arguments, unsigned);
		put_number(
		    out, value, *format == 'x' ? 16 : 10, false, width, pad);
		break;
	case 'p':
		put_string(out, "0x", 0);
		put_number(out, (uintptr_t)va_arg(*arguments, void *), 16,
		    false, width, pad);
		break;
	case 's':
		put_string(out, va_arg(*arguments, const char *), width);
		break;
	case 'c':
		put_char(out, (char)va_arg(*arguments, int));
		break;
	case '\0':
		return format;
	default:
		put_char(out, *format);
		break;
	}
	return format + 1;
}

int
format_string_v(
    char *buffer, size_t size, const char *format, va_list arguments)
{
	struct output out = {buffer, size, 0};
	va_list rest;

	va_copy(rest, arguments);
	while (*format != '\0') {
		if (*format != '%')
			put_char(&out, *format++);
		else
			format = put_conversion(&out, format + 1, &rest);
	}
	va_end(rest);
	if (size > 0)
		buffer[out.used < size ? out.used : size - 1] = '\0';
	return (int)out.used;
}

int
format_string(char *buffer, size_t size, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = format_string_v(buffer, size, format, arguments);
	va_end(arguments);
	return length;
}

static void
write_locked(const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		klog_ring[klog_ring_next++ % CONFIG_LOG_SIZE] = bytes[i];
		if (bytes[i] == '\n')
			firmware_console_write("\r", 1);
		firmware_console_write(&bytes[i], 1);
	}
}

void
klog_write(const char *bytes, size_t count)
{
	if (klog_seized) {
		write_locked(bytes, count);
		return;
	}
	spin_lock(&klog_lock);
	write_locked(bytes, count);
	spin_unlock(&klog_lock);
}

void
klog_v(const char *format, va_list arguments)
{
	char line[192];
	int length = format_string_v(line, sizeof(line), format, arguments);

	klog_write(line, min_u64((uint64_t)length, sizeof(line) - 1));
}

void
klog(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	klog_v(format, arguments);
	va_end(arguments);
}

void
klog_seize(void)
{
	klog_seized = true;
}
