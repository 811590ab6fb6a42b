/* traps.c: what the smallest calls cost. */
#include <mach/mach.h>
#include <mach/mach_traps.h>

#include "bench.h"

static void
trap_null(void)
{
	bench_begin("trap.null", "mach_task_self() trap");
	for (unsigned i = 0; i < bench_rounds(); i++) {
		uint64_t before = bench_now();
		mach_port_t self = task_self_trap();

		before = bench_now() - before;
		bench_sample(before);
		/* Each call made a reference. */
		(void)mach_port_deallocate(mach_task_self(), self);
	}
	bench_end();
}

static void
port_allocate_destroy(void)
{
	bench_begin("port.allocate_destroy", "a receive right, made and ended");
	for (unsigned i = 0; i < bench_rounds(); i++) {
		uint64_t before = bench_now();
		mach_port_t port;
		kern_return_t kr;

		kr = mach_port_allocate(
		    mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);
		if (kr == KERN_SUCCESS)
			kr = mach_port_mod_refs(mach_task_self(), port,
			    MACH_PORT_RIGHT_RECEIVE, -1);
		before = bench_now() - before;
		bench_check(kr, "allocate and destroy a port");
		bench_sample(before);
	}
	bench_end();
}

/* The least that a message to one of the kernel's ports asks for. */
static void
kernel_call(void)
{
	mach_port_urefs_t refs;

	bench_begin("kernel.call", "a name's references, asked by message");
	for (unsigned i = 0; i < bench_rounds(); i++) {
		uint64_t before = bench_now();
		kern_return_t kr = mach_port_get_refs(mach_task_self(),
		    mach_task_self(), MACH_PORT_RIGHT_SEND, &refs);

		before = bench_now() - before;
		bench_check(kr, "ask the kernel");
		bench_sample(before);
	}
	bench_end();
}

void
bench_traps(void)
{
	trap_null();
	port_allocate_destroy();
	kernel_call();
}
