/* transfer.c: what it costs to move memory to another task. */
#include <stddef.h>

#include <mach/mach.h>

#include "bench.h"
#include "protocol.h"

union buffer {
	mach_msg_header_t header;
	struct bench_transfer request;
	struct bench_transfer_reply reply;
};

/* A region with every page of it touched. */
static vm_address_t
make_region(vm_size_t size)
{
	vm_address_t address = 0;

	bench_check(
	    vm_allocate(mach_task_self(), &address, size, VM_FLAGS_ANYWHERE),
	    "allocate what is to be sent");
	for (vm_size_t at = 0; at < size; at += vm_page_size)
		*(volatile char *)(address + at) = 1;
	return address;
}

/*
 * From before the send until the receiver runs with the message.  Both read
 * the same counter, since they run on the same hart.
 */
static uint64_t
one_way(vm_size_t size, mach_port_t reply_port)
{
	static union buffer buffer;
	vm_address_t address = make_region(size);
	uint64_t before = bench_now();

	buffer.header.msgh_bits =
	    MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
					 MACH_MSG_TYPE_MAKE_SEND_ONCE);
	buffer.header.msgh_size = sizeof(buffer.request);
	buffer.header.msgh_remote_port = bench_partner();
	buffer.header.msgh_local_port = reply_port;
	buffer.header.msgh_voucher_port = MACH_PORT_NULL;
	buffer.header.msgh_id = BENCH_TRANSFER;
	buffer.request.body.msgh_descriptor_count = 1;
	buffer.request.memory.address = (void *)address;
	buffer.request.memory.size = (mach_msg_size_t)size;
	buffer.request.memory.deallocate = TRUE;
	buffer.request.memory.copy = MACH_MSG_VIRTUAL_COPY;
	buffer.request.memory.type = MACH_MSG_OOL_DESCRIPTOR;
	bench_check(mach_msg(&buffer.header, MACH_SEND_MSG | MACH_RCV_MSG,
			sizeof(buffer.request), sizeof(buffer), reply_port,
			MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
	    "send memory");
	return buffer.reply.arrived - before;
}

static void
move(const char *name, const char *what, vm_size_t size, int rounds)
{
	mach_port_t reply_port = mach_reply_port();

	(void)one_way(size, reply_port);
	bench_begin(name, what);
	for (int i = 0; i < rounds; i++)
		bench_sample(one_way(size, reply_port));
	bench_end();
	bench_check(mach_port_mod_refs(mach_task_self(), reply_port,
			MACH_PORT_RIGHT_RECEIVE, -1),
	    "destroy the reply port");
}

void
bench_transfer(void)
{
	move("transfer.move.4K", "send 4 KiB away, one way", 4096, 200);
	move("transfer.move.64K", "64 KiB", 65536, 100);
	move("transfer.move.2M", "2 MiB", 2UL << 20, 30);
	move("transfer.move.16M", "16 MiB", 16UL << 20, 10);
	move("transfer.move.256M", "256 MiB", 256UL << 20, 3);
}
