/*
 * A thread reads where there is nothing; the task's handler of exceptions gives
 * it another value for the register and lets it go on behind the instruction.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <baton/thread.h>
#include <mach/mach.h>
#include <mach/mach_exc_server.h>
#include <mach/thread_act.h>
#include <mach/thread_status.h>

static mach_port_t handler;

/* Handlers by another behavior than the one asked for below: they refuse. */
kern_return_t
catch_mach_exception_raise(mach_port_t port, mach_port_t thread,
    mach_port_t task, exception_type_t exception, mach_exception_data_t code,
    mach_msg_type_number_t count)
{
	(void)port;
	(void)exception;
	(void)code;
	(void)count;
	mach_port_deallocate(mach_task_self(), thread);
	mach_port_deallocate(mach_task_self(), task);
	return KERN_FAILURE;
}

kern_return_t
catch_mach_exception_raise_state(mach_port_t port, exception_type_t exception,
    const mach_exception_data_t code, mach_msg_type_number_t code_count,
    int *flavor, const thread_state_t old_state,
    mach_msg_type_number_t old_count, thread_state_t new_state,
    mach_msg_type_number_t *new_count)
{
	riscv64_thread_state_t state;

	if (port != handler || exception != EXC_BAD_ACCESS || code_count != 2 ||
	    *flavor != RISCV64_THREAD_STATE ||
	    old_count != RISCV64_THREAD_STATE_COUNT)
		return KERN_FAILURE;
	printf("bad access at 0x%lx\n", (unsigned long)code[1]);
	memcpy(&state, old_state, sizeof(state));
	state.a0 = 42;
	state.pc += 4;
	memcpy(new_state, &state, sizeof(state));
	*new_count = RISCV64_THREAD_STATE_COUNT;
	return KERN_SUCCESS;
}

kern_return_t
catch_mach_exception_raise_state_identity(mach_port_t port, mach_port_t thread,
    mach_port_t task, exception_type_t exception, mach_exception_data_t code,
    mach_msg_type_number_t code_count, int *flavor, thread_state_t old_state,
    mach_msg_type_number_t old_count, thread_state_t new_state,
    mach_msg_type_number_t *new_count)
{
	(void)flavor;
	(void)old_state;
	(void)old_count;
	(void)new_state;
	(void)new_count;
	return catch_mach_exception_raise(
	    port, thread, task, exception, code, code_count);
}

static void
serve(void *arg)
{
	(void)arg;
	mach_msg_server(mach_exc_server,
	    sizeof(union __RequestUnion__catch_mach_exc_subsystem), handler,
	    MACH_MSG_OPTION_NONE);
	abort();
}

/* A load, four bytes long, from nowhere. */
static unsigned long
load(void)
{
	register unsigned long a0 __asm__("a0") = 0x3000000000;

	__asm__ volatile(".option push\n.option norvc\n"
			 "ld a0, 0(a0)\n.option pop"
			 : "+r"(a0));
	return a0;
}

int
main(void)
{
	mach_port_t task = mach_task_self();
	struct mach_thread *server;

	if (mach_port_allocate(task, MACH_PORT_RIGHT_RECEIVE, &handler) !=
		KERN_SUCCESS ||
	    mach_port_insert_right(task, handler, handler,
		MACH_MSG_TYPE_MAKE_SEND) != KERN_SUCCESS ||
	    mach_thread_start(serve, NULL, 65536, &server) != KERN_SUCCESS ||
	    task_set_exception_ports(task, EXC_MASK_BAD_ACCESS, handler,
		EXCEPTION_STATE | (exception_behavior_t)MACH_EXCEPTION_CODES,
		RISCV64_THREAD_STATE) != KERN_SUCCESS)
		return 1;
	printf("the value there: %lu\n", load());
	return load() != 42;
}
