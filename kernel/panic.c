/*
 * panic.c: the end, on one screen: what, where, who, how we got there, which
 * locks are held and what happened last.  Then the machine is stopped with a
 * failing status.
 */
#include "kernel/panic.h"

#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch/firmware.h>

#include "drivers/finisher.h"
#include "kernel/cpu.h"
#include "kernel/kassert.h"
#include "kernel/klog.h"
#include "kernel/ktrace.h"
#include "kernel/task.h"

#define BACKTRACE_MAX 12
#define PANIC_EVENTS  16

/* Made by scripts/symtab from the linked kernel. */
extern const uint32_t symtab_count;
extern const uint32_t symtab_addresses[];
extern const uint32_t symtab_name_offsets[];
extern const char symtab_names[];

const char *
symbol_at(uintptr_t address, uintptr_t *offset)
{
	uintptr_t wanted = address - (uintptr_t)__kernel_start;
	uint32_t low = 0;
	uint32_t high = symtab_count;

	if (address < (uintptr_t)__kernel_start ||
	    address >= (uintptr_t)__text_end || symtab_count == 0)
		return NULL;
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (symtab_addresses[middle] <= wanted)
			low = middle;
		else
			high = middle;
	}
	*offset = wanted - symtab_addresses[low];
	return symtab_names + symtab_name_offsets[low];
}

/*
 * Where a call was made, by the address it returns to.  One less than that is
 * looked up: behind a call that never returns, the next function begins.
 */
static void
print_caller(const char *before, uintptr_t address)
{
	uintptr_t offset = 0;
	const char *name = symbol_at(address - 1, &offset);

	if (name != NULL)
		klog("%s%s+0x%lx", before, name, offset + 1);
	else
		klog("%s%p", before, (void *)address);
}

/* Is @frame where a frame record can be: aligned and on this hart's stack? */
static bool
frame_plausible(uintptr_t frame, uintptr_t below)
{
	return frame <= this_cpu()->stack_top && (frame & 7) == 0 &&
	       frame > below && (intptr_t)frame < 0 &&
	       frame - below <= CONFIG_STACK_SIZE;
}

void
backtrace_print(uintptr_t frame)
{
	const char *before = "  at ";
	uintptr_t below = frame - 16;

	for (int i = 0; i < BACKTRACE_MAX && frame_plausible(frame, below);
	     i++) {
		uintptr_t caller = ((uintptr_t *)frame)[-1];

		if (caller == 0)
			break;
		print_caller(before, caller);
		before = " < ";
		below = frame;
		frame = ((uintptr_t *)frame)[-2];
	}
	klog("\n");
}

static void
print_locks(const struct cpu *cpu)
{
	for (uint32_t i = 0; i < cpu->held_count; i++) {
		klog("  holds lock of rank %u", cpu->held[i].lock->rank);
		print_caller(" taken at ", cpu->held[i].site);
		klog("\n");
	}
}

noreturn void
panic_at(
    const char *function, const char *file, int line, const char *format, ...)
{
	static atomic_flag panicking = ATOMIC_FLAG_INIT;
	struct thread *self = current_thread();
	struct cpu *cpu = self->cpu;
	va_list arguments;

	/* The first one speaks; a panic inside it, or beside it, just stops. */
	if (atomic_flag_test_and_set(&panicking)) {
		for (;;)
			arch_wait_for_interrupt();
	}
	klog_seize();
	klog("\npanic: ");
	va_start(arguments, format);
	klog_v(format, arguments);
	va_end(arguments);
	klog("  %s %s:%d\n", function, file, line);
	klog("  hart %lu thread %p task %s\n", cpu->hart, (void *)self,
	    self->task != NULL ? self->task->name : "(kernel)");
	backtrace_print((uintptr_t)__builtin_frame_address(0));
	print_locks(cpu);
	ktrace_print(PANIC_EVENTS);
	finisher_fail();
	firmware_reset(RESET_FAILURE);
}

void
report_fault(struct thread *thread, const char *what, uint64_t address)
{
	static const char *const names[] = {"ra", "sp", "gp", "tp", "t0", "t1",
	    "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7",
	    "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3",
	    "t4", "t5", "t6"};
	const uint64_t *value = &thread->tf.ra;

	klog("fault: task %lu (%s): %s at %lx, pc %lx\n", thread->task->id,
	    thread->task->name, what, address, thread->tf.epc);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		klog("%4s %016lx%s", names[i], value[i],
		    i % 4 == 3 || i + 1 == ARRAY_SIZE(names) ? "\n" : "");
}
