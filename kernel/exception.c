/*
 * kernel/exception.c: user fault -> report and the end of its task.
 */
#include "kernel/exception.h"

#include <mach/exception_types.h>

#include "kernel/panic.h"
#include "kernel/task.h"
#include "kernel/thread.h"

/* What a bad access was, for people. */
static const char *
access_name(uint64_t code)
{
	switch (code) {
	case KERN_INVALID_ADDRESS:
		return "access to unmapped memory";
	case KERN_PROTECTION_FAILURE:
		return "access that the memory's protection forbids";
	case KERN_RESOURCE_SHORTAGE:
		return "no memory left for the page";
	case KERN_MEMORY_ERROR:
		return "access that the bus refused";
	}
	return "misaligned access";
}

static const char *
exception_name(unsigned exception, uint64_t code)
{
	switch (exception) {
	case EXC_BAD_ACCESS:
		return access_name(code);
	case EXC_BAD_INSTRUCTION:
		return "illegal instruction";
	case EXC_BREAKPOINT:
		return "breakpoint";
	}
	return "unexpected trap";
}

noreturn void
exception_raise(unsigned exception, uint64_t code, uint64_t subcode)
{
	struct thread *self = current_thread();

	/* Whoever holds an exception port of the thread is asked here. */

	report_fault(self, exception_name(exception, code), subcode);
	(void)task_terminate(self->task); /* it may be dying already */
	thread_terminate(self); /* now, not when the reaper comes by */
	thread_return();
}
