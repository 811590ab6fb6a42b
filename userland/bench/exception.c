/*
 * exception.c: what it costs that a fault is another task's to handle.
 *
 * A thread of a task with one page of code faults over and over.  A sample is
 * the whole way round: from a question in the handler's buffer, through the
 * handler's code, the answer, the thread that goes on and faults again, to the
 * next question.
 */
#include <string.h>

#include <mach/exception_types.h>
#include <mach/mach.h>
#include <mach/routine_ids.h>

#include "bench.h"

#define CODE_AT 0x100000UL
#define WIDE	MACH_EXCEPTION_CODES

/* What the thread does for ever: an instruction, and back to it. */
static const uint32_t breakpoint[] = {0x00100073, 0xffdff06f};
static const uint32_t load_null[] = {0x00003503, 0xffdff06f};

#pragma pack(push, 4)

/* Long enough for each form of question and of answer. */
struct message {
	mach_msg_header_t header;
	uint32_t word[96];
};

/* mach_exception_raise_state, and its reply. */
struct state_request {
	mach_msg_header_t header;
	NDR_record_t ndr;
	int exception;
	uint32_t codes;
	int64_t code[2];
	int flavor;
	uint32_t count;
	uint64_t word[32];
};

struct state_reply {
	mach_msg_header_t header;
	NDR_record_t ndr;
	kern_return_t result;
	int flavor;
	uint32_t count;
	uint64_t word[32];
};

#pragma pack(pop)

static union {
	mach_msg_header_t header;
	mig_reply_error_t reply;
	struct message message;
	struct state_request request;
	struct state_reply state_reply;
} buffer __attribute__((aligned(8)));

static task_t task;
static mach_port_t port;

/* ---- the handlers: the question becomes the answer, in its place ---- */

static inline void
answer_header(mach_msg_size_t size)
{
	buffer.header.msgh_bits =
	    MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
	buffer.header.msgh_size = size;
	buffer.header.msgh_local_port = MACH_PORT_NULL;
	buffer.header.msgh_id += MSGID_REPLY;
}

/* Do it again. */
static inline void
answer_plain(void)
{
	answer_header(sizeof(buffer.reply));
	buffer.reply.NDR = NDR_record;
	buffer.reply.RetCode = KERN_SUCCESS;
}

/* The same, and its two rights are given back. */
static inline void
answer_tidy(void)
{
	bench_check(
	    mach_port_deallocate(mach_task_self(), buffer.message.word[1]),
	    "give back the thread");
	bench_check(
	    mach_port_deallocate(mach_task_self(), buffer.message.word[4]),
	    "give back the task");
	answer_plain();
}

/* Go on behind the instruction. */
static inline void
answer_state(void)
{
	uint32_t *to = (uint32_t *)buffer.state_reply.word;
	const uint32_t *from = (const uint32_t *)buffer.request.word;
	int flavor = buffer.request.flavor;

	for (int i = 0; i < 64; i += 4) {
		to[i] = from[i];
		to[i + 1] = from[i + 1];
		to[i + 2] = from[i + 2];
		to[i + 3] = from[i + 3];
	}
	to[0] += 4;
	answer_plain();
	answer_header(sizeof(buffer.state_reply));
	buffer.header.msgh_id -= MSGID_REPLY;
	buffer.state_reply.flavor = flavor;
	buffer.state_reply.count = RISCV64_THREAD_STATE_COUNT;
}

/* ---- the measurement ---- */

static void
culprit_start(const uint32_t *code, exception_behavior_t behavior)
{
	riscv64_thread_state_t state = {.pc = CODE_AT};
	mach_vm_address_t address = CODE_AT;
	thread_t thread;

	bench_check(task_create(mach_task_self(), NULL, 0, FALSE, &task),
	    "make a task");
	bench_check(mach_vm_allocate(task, &address, vm_page_size, 0),
	    "give it memory");
	bench_check(
	    mach_vm_write(task, address, (vm_offset_t)code, sizeof(breakpoint)),
	    "give it code");
	bench_check(mach_vm_protect(task, address, vm_page_size, FALSE,
			VM_PROT_READ | VM_PROT_EXECUTE),
	    "let it run");
	bench_check(task_set_exception_ports(task, EXC_MASK_ALL, port, behavior,
			RISCV64_THREAD_STATE),
	    "set its exception port");
	bench_check(
	    thread_create_running(task, RISCV64_THREAD_STATE,
		(thread_state_t)&state, RISCV64_THREAD_STATE_COUNT, &thread),
	    "start it");
	mach_port_deallocate(mach_task_self(), thread);
}

static void
culprit_end(void)
{
	bench_check(task_terminate(task), "end it");
	mach_port_deallocate(mach_task_self(), task);
	mach_port_deallocate(mach_task_self(), buffer.header.msgh_remote_port);
}

static inline void
rounds(const char *name, const char *what, const uint32_t *code,
    exception_behavior_t behavior, void (*answer)(void))
{
	uint64_t before, now;
	kern_return_t kr;

	culprit_start(code, behavior);
	kr = mach_msg(&buffer.header, MACH_RCV_MSG, 0, sizeof(buffer), port,
	    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	bench_check(kr, "a first exception");
	bench_begin(name, what);
	for (unsigned i = 0; i < WARM_UP + bench_rounds(); i++) {
		before = bench_now();
		answer();
		kr = mach_msg(&buffer.header, MACH_SEND_MSG | MACH_RCV_MSG,
		    buffer.header.msgh_size, sizeof(buffer), port,
		    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
		now = bench_now();
		bench_check(kr, "an answer and the next exception");
		if (i >= WARM_UP)
			bench_sample(now - before);
	}
	bench_end();
	culprit_end();
}

void
bench_exceptions(void)
{
	bench_check(mach_port_allocate(
			mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port),
	    "make an exception port");
	bench_check(mach_port_insert_right(
			mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND),
	    "make a send right to it");
	rounds("exception.rpc", "breakpoint to handler and back, identity",
	    breakpoint, (exception_behavior_t)(EXCEPTION_DEFAULT | WIDE),
	    answer_plain);
	rounds("exception.rpc.access", "bad access to handler and back",
	    load_null, (exception_behavior_t)(EXCEPTION_DEFAULT | WIDE),
	    answer_plain);
	rounds("exception.rpc.tidy", "the same, and the handler's rights go",
	    load_null, (exception_behavior_t)(EXCEPTION_DEFAULT | WIDE),
	    answer_tidy);
	rounds("exception.rpc.state", "breakpoint, registers to and fro",
	    breakpoint, (exception_behavior_t)(EXCEPTION_STATE | WIDE),
	    answer_state);
}
