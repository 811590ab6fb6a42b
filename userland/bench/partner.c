/* partner.c: the other side of every round trip. */
#include <stddef.h>
#include <stdlib.h>

#include <mach/mach.h>

#include "bench.h"
#include "protocol.h"

/* A request, and after answer() its reply, in the same place. */
union buffer {
	mach_msg_header_t header;
	struct bench_message message;
	struct bench_transfer transfer;
	struct bench_transfer_reply transfer_reply;
	union bench_page page;
};

static void
answer_arrived(union buffer *buffer, uint64_t arrived)
{
	buffer->transfer_reply.arrived = arrived;
	buffer->header.msgh_size =
	    offsetof(struct bench_transfer_reply, trailer);
}

static void
answer_transfer(union buffer *buffer, uint64_t arrived)
{
	const mach_msg_ool_descriptor_t *memory = &buffer->transfer.memory;

	bench_check(vm_deallocate(mach_task_self(),
			(vm_address_t)memory->address, memory->size),
	    "give back what was sent");
	answer_arrived(buffer, arrived);
}

/* What is neither a call nor a pager's: it ends the program. */
static mach_msg_option_t
serve_page(union buffer *buffer)
{
	switch (bench_page(&buffer->page)) {
	case BENCH_PAGE_SENDS:
		return MACH_SEND_MSG | MACH_RCV_MSG;
	case BENCH_PAGE_DONE:
		return MACH_RCV_MSG;
	}
	exit(0);
}

/* The request becomes its reply, or what else is to be sent: for mach_msg(). */
static inline mach_msg_option_t
answer(union buffer *buffer, uint64_t arrived)
{
	mach_msg_header_t *header = &buffer->header;

	switch (header->msgh_id) {
	case BENCH_EMPTY:
	case BENCH_PORT:
		header->msgh_size = sizeof(*header);
		break;
	case BENCH_ECHO:
		break;
	case BENCH_TRANSFER:
		answer_transfer(buffer, arrived);
		break;
	default:
		if (header->msgh_id == BENCH_REGISTERS ||
		    header->msgh_id == BENCH_FLOATS)
			return MACH_MSG_OPTION_NONE;
		if (header->msgh_id != BENCH_INLINE)
			return serve_page(buffer);
		answer_arrived(buffer, arrived);
	}
	header->msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
	header->msgh_local_port = MACH_PORT_NULL;
	header->msgh_id += 100;
	return MACH_SEND_MSG | MACH_RCV_MSG;
}

/* Receive into @buffer, of @size bytes, and answer, for ever. */
static inline void __attribute__((noreturn))
serve(mach_port_t port, union buffer *buffer, mach_msg_size_t size)
{
	kern_return_t kr;

	kr = mach_msg(&buffer->header, MACH_RCV_MSG, 0, size, port,
	    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	for (;;) {
		uint64_t arrived = bench_now();
		mach_msg_option_t option;

		bench_check(kr, "receive a request");
		option = answer(buffer, arrived);
		while (option == MACH_MSG_OPTION_NONE) {
			bench_check(bench_serve_registers(
					&buffer->header, size, (int32_t)port),
			    "serve in registers");
			option = answer(buffer, bench_now());
		}
		kr = mach_msg(&buffer->header, option, buffer->header.msgh_size,
		    size, port, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	}
}

void
bench_serve(unsigned port)
{
	union buffer buffer;

	serve(port, &buffer, sizeof(buffer));
}

void
bench_serve_large(unsigned port)
{
	union buffer *buffer = malloc(sizeof(struct bench_inline));

	bench_check(buffer == NULL, "have a buffer");
	serve(port, buffer, sizeof(struct bench_inline));
}
