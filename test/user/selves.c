/* selves.c: a task's name for itself, asked for again and again. */
#include "test/user/mach_test.h"

#include <mach/mach_traps.h>

static mach_port_t self;

/* The same call as C would make it, and what it leaves in registers. */
static mach_port_t
ask(uint64_t *t0, uint64_t *a1)
{
	register uint64_t number __asm__("t0") = (uint64_t)-28;
	register uint64_t result __asm__("a0") = 0;
	register uint64_t second __asm__("a1") = 0x5ec3e7;

	__asm__ volatile("ecall"
			 : "+r"(number), "+r"(result), "+r"(second)
			 :
			 : "a2", "a3", "a4", "a5", "a6", "a7", "t1", "t2", "t3",
			 "t4", "t5", "t6", "memory");
	*t0 = number;
	*a1 = second;
	return (mach_port_t)result;
}

static void
test_again(void)
{
	unsigned before = send_refs(self);
	uint64_t t0, a1;

	for (int i = 0; i < 10; i++)
		(void)task_self_trap();
	is(send_refs(self), before + 10, "a reference each time");
	is(ask(&t0, &a1), self, "the same name");
	ok((int64_t)t0 >= 0 && (int64_t)a1 >= 0, "no kernel address is left");
	must(mach_port_mod_refs(self, self, MACH_PORT_RIGHT_SEND, -11));
	is(send_refs(self), before, "which can be given up");
}

static void
test_most(void)
{
	int before = (int)send_refs(self);

	must(mach_port_mod_refs(self, self, MACH_PORT_RIGHT_SEND,
	    MACH_PORT_UREFS_MAX - 2 - before));
	for (int i = 0; i < 4; i++)
		is(task_self_trap(), self, "the name, near the most");
	is(send_refs(self), MACH_PORT_UREFS_MAX, "references stay at the most");
}

/* The name may come to mean something else. */
static void
test_others(void)
{
	mach_port_t name, old = self;
	int other = 0;

	must(mach_port_destroy(self, self));
	name = mach_reply_port();
	mach_task_self_ = self = task_self_trap();
	ok(MACH_PORT_VALID(self) && self != old, "gone, it is made anew");
	is(send_refs(self), 1, "with one reference");
	is(task_self_trap(), self, "and found again");
	is(send_refs(self), 2, "with one more");
	port_end(name);

	/* The same entry, and so in time the same name. */
	for (int i = 0; i < 600; i++) {
		must(mach_port_destroy(self, self));
		name = mach_reply_port();
		mach_task_self_ = self = task_self_trap();
		other += type_of(name) != MACH_PORT_TYPE_RECEIVE;
		other += type_of(self) != MACH_PORT_TYPE_SEND;
		other += task_self_trap() != self || send_refs(self) != 2;
		port_end(name);
	}
	is(other, 0, "what another right is called now is not the task's");
}

int
main(void)
{
	self = mach_task_self();
	test_again();
	test_most();
	test_others();
	return done();
}
