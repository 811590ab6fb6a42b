/*
 * Threads by the bare calls: make one, give it registers and a stack, let it
 * run, look at it, and stop it.
 */
#include <stdio.h>
#include <stdlib.h>

#include <mach/mach.h>
#include <mach/task.h>
#include <mach/thread_act.h>
#include <mach/thread_status.h>

static volatile unsigned long turns;

static void
run(void)
{
	for (;;) {
		turns++;
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_NONE, 0);
	}
}

int
main(void)
{
	task_t task = mach_task_self();
	riscv64_thread_state_t state = {0};
	mach_msg_type_number_t count;
	thread_basic_info_data_t info;
	thread_act_array_t list;
	vm_address_t stack;
	thread_act_t thread;
	unsigned long seen;

	if (vm_allocate(task, &stack, 16384, TRUE) != KERN_SUCCESS ||
	    thread_create(task, &thread) != KERN_SUCCESS)
		return 1;
	state.pc = (uint64_t)run;
	state.sp = stack + 16384;
	if (thread_set_state(thread, RISCV64_THREAD_STATE,
		(thread_state_t)&state,
		RISCV64_THREAD_STATE_COUNT) != KERN_SUCCESS ||
	    thread_resume(thread) != KERN_SUCCESS)
		return 1;
	while (turns < 10)
		thread_switch(thread, SWITCH_OPTION_NONE, 0);

	if (task_threads(task, &list, &count) != KERN_SUCCESS || count != 2)
		return 1;
	for (unsigned int i = 0; i < count; i++)
		mach_port_deallocate(task, list[i]);
	vm_deallocate(task, (vm_address_t)list, count * sizeof(*list));

	if (thread_suspend(thread) != KERN_SUCCESS)
		return 1;
	count = THREAD_BASIC_INFO_COUNT;
	if (thread_info(thread, THREAD_BASIC_INFO, (thread_info_t)&info,
		&count) != KERN_SUCCESS)
		return 1;
	seen = turns;
	thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 5);
	printf("%lu turns, suspend count %d\n", seen, (int)info.suspend_count);
	if (seen != turns || info.suspend_count != 1)
		return 1;
	thread_terminate(thread);
	mach_port_deallocate(task, thread);
	return 0;
}
