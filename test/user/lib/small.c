/* lib/small.c: tasks of two pages, see mach_test.h. */
#include "test/user/mach_test.h"

#include <string.h>

#define CODE_AT		0x100000UL
#define STACK_AT	0x200000UL
#define STACK_OF_THREAD 512UL /* small.S uses half of that */
#define STACK_SIZE	(SMALL_THREADS_MAX * STACK_OF_THREAD)

void
small_make(
    struct small *small, mach_port_t port, mach_msg_type_name_t disposition)
{
	mach_vm_address_t code = CODE_AT, stack = STACK_AT;
	vm_size_t size = (vm_size_t)(small_end - small_begin);

	*small = (struct small){.task = MACH_PORT_NULL};
	must(task_create(mach_task_self(), NULL, 0, FALSE, &small->task));
	must(mach_vm_allocate(small->task, &code, vm_page_size, 0));
	must(mach_vm_allocate(small->task, &stack, STACK_SIZE, 0));
	must(mach_vm_write(small->task, code, (vm_offset_t)small_begin,
	    (mach_msg_type_number_t)size));
	must(mach_vm_protect(small->task, code, vm_page_size, FALSE,
	    VM_PROT_READ | VM_PROT_EXECUTE));
	if (disposition != 0)
		must(mach_port_insert_right(
		    small->task, SMALL_PORT, port, disposition));
}

void
small_run(
    struct small *small, const char *routine, uint64_t argument, uint64_t more)
{
	riscv64_thread_state_t state = {
	    .pc = CODE_AT + (uint64_t)(routine - small_begin),
	    .sp = STACK_AT + STACK_SIZE - small->started * STACK_OF_THREAD,
	    .a0 = argument,
	    .a1 = more,
	};

	must(small->started++ == SMALL_THREADS_MAX);
	if (small->thread != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), small->thread);
	must(thread_create_running(small->task, RISCV64_THREAD_STATE,
	    (thread_state_t)&state, RISCV64_THREAD_STATE_COUNT,
	    &small->thread));
}

/* Less urgent than others of its task, by so much. */
static void
set_less(thread_t thread, int less)
{
	thread_precedence_policy_data_t policy = {.importance = -less};

	must(thread_policy_set(thread, THREAD_PRECEDENCE_POLICY,
	    (thread_policy_t)&policy, THREAD_PRECEDENCE_POLICY_COUNT));
}

void
small_yield(struct small *small)
{
	set_less(small->thread, 1);
}

void
yield_precedence(int less)
{
	thread_t thread = mach_thread_self();

	set_less(thread, less);
	mach_port_deallocate(mach_task_self(), thread);
}

void
small_forget(struct small *small)
{
	mach_port_deallocate(mach_task_self(), small->task);
	must(small->started++ == SMALL_THREADS_MAX);
	if (small->thread != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), small->thread);
}

void
small_kill(struct small *small)
{
	must(task_terminate(small->task));
	small_forget(small);
}
