/* registers.c: what messages cost that never leave the registers. */
#include <stdbool.h>

#include <baton/thread.h>
#include <mach/mach.h>

#include "bench.h"
#include "protocol.h"

#define ROUNDS	1000
#define WARM_UP 20

#define WORD(low, high) ((uint64_t)(low) | (uint64_t)(high) << 32)
#define REQUEST                                                                \
	MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE)
#define REPLY MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0)

#define CALL_CLOBBERS "ra", "a2", "t1", "t2", "t3", "t4", "t5", "t6", "memory"

/* The unit of this thread holds something. */
static void
use_floats(void)
{
	static volatile double value = 1.5;

	value *= 2.0;
}

/*
 * Answer whoever sends a bare header in registers, the trap and what it needs
 * and no more, until a message comes that is in @buffer.
 */
mach_msg_return_t
bench_serve_registers(mach_msg_header_t *buffer, uint64_t room, int64_t port)
{
	register uint64_t a0 __asm__("a0");
	register void *a1 __asm__("a1") = buffer;
	register uint64_t a3 __asm__("a3") = room;
	register uint64_t a4 __asm__("a4") = port;
	register uint64_t a5 __asm__("a5") = buffer->msgh_remote_port;
	register uint64_t a6 __asm__("a6") = WORD(0, buffer->msgh_id + 100);
	register uint64_t a7 __asm__("a7");
	register uint64_t t0 __asm__("t0") = REPLY;

	if (buffer->msgh_id == BENCH_FLOATS)
		use_floats();
	/* Its ra makes the trap return to the head of the loop. */
	__asm__ volatile("	lla	ra, 1f\n"
			 "	mv	s2, %2\n"
			 "	mv	s3, %3\n"
			 "	ecall\n"
			 "1:	bnez	%6, 2f\n"
			 "	slli	%4, %4, 32\n"
			 "	li	%7, %8\n"
			 "	srli	%4, %4, 32\n"
			 "	mv	%2, s2\n"
			 "	mv	%3, s3\n"
			 "	ecall\n"
			 "2:"
			 : "=r"(a0), "+r"(a1), "+r"(a3), "+r"(a4), "+r"(a5),
			 "+r"(a6), "=r"(a7), "+r"(t0)
			 : "i"(REPLY)
			 : CALL_CLOBBERS, "s2", "s3");
	if (a7 != MACH_MSG_IN_BUFFER)
		bench_fail("a body in registers", (int)a7);
	return (mach_msg_return_t)a0;
}

/* One round trip. */
static uint64_t
round_trip(
    uint64_t names, void *buffer, mach_port_t reply_port, mach_msg_id_t id)
{
	register uint64_t a0 __asm__("a0");
	register void *a1 __asm__("a1") = buffer;
	register uint64_t a3 __asm__("a3") = sizeof(struct bench_message);
	register int64_t a4 __asm__("a4") = (int32_t)reply_port;
	register uint64_t a5 __asm__("a5") = names;
	register uint64_t a6 __asm__("a6") = WORD(0, id);
	register uint64_t a7 __asm__("a7");
	register uint64_t t0 __asm__("t0") = REQUEST;
	uint64_t before, after;

	__asm__ volatile("	lla	ra, 1f\n"
			 "	rdcycle	%8\n"
			 "	ecall\n"
			 "1:	rdcycle	%9"
			 : "=r"(a0), "+r"(a1), "+r"(a3), "+r"(a4), "+r"(a5),
			 "+r"(a6), "=r"(a7), "+r"(t0), "=&r"(before),
			 "=&r"(after)
			 :
			 : CALL_CLOBBERS);
	if (a0 != MACH_MSG_SUCCESS)
		bench_fail("a call in registers", (int)a0);
	return after - before;
}

static void
rounds(const char *name, const char *what, mach_port_t partner, bool floats)
{
	static struct bench_message message;
	mach_port_t reply_port = mach_reply_port();
	uint64_t names = WORD(partner, reply_port);
	mach_msg_id_t id = floats ? BENCH_FLOATS : BENCH_REGISTERS;

	bench_begin(name, what);
	for (int i = 0; i < WARM_UP + ROUNDS; i++) {
		uint64_t cost;

		if (floats && i == WARM_UP)
			use_floats();
		cost = round_trip(names, &message, reply_port, id);
		if (i >= WARM_UP)
			bench_sample(cost);
	}
	bench_end();
	/* One in memory ends it. */
	message.header.msgh_bits = (mach_msg_bits_t)REQUEST;
	message.header.msgh_remote_port = partner;
	message.header.msgh_local_port = reply_port;
	message.header.msgh_id = BENCH_EMPTY;
	bench_check(mach_msg(&message.header, MACH_SEND_MSG | MACH_RCV_MSG,
			BODY_MAX, sizeof(message), reply_port,
			MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
	    "end the calls in registers");
}

static void
rounds_with_floats(void *partner)
{
	rounds("rpc.reg.inter.fp",
	    "the same, both with values in the floating-point unit",
	    (mach_port_t)(uintptr_t)partner, true);
}

void
bench_registers(void)
{
	mach_port_t partner = bench_partner();
	struct mach_thread *thread;

	rounds("rpc.reg.inter", "header only, the bare trap, in registers",
	    partner, false);
	/* In a thread of its own: what is in the unit ends with it, and does
	 * not make other rows' hand-offs dearer. */
	bench_check(mach_thread_start(rounds_with_floats,
			(void *)(uintptr_t)partner, 65536, &thread),
	    "start a thread");
	mach_thread_join(thread);
}
