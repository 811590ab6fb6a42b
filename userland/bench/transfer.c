/* transfer.c: what it costs to move memory to another task. */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <mach/mach.h>

#include "bench.h"
#include "protocol.h"

union buffer {
	mach_msg_header_t header;
	struct bench_transfer request;
	struct bench_transfer_reply reply;
};

/* How a region is sent. */
struct form {
	const char *name, *what;
	bool deallocate;
	mach_msg_copy_options_t copy;
};

static uint64_t
send_inline(
    struct bench_inline *message, mach_msg_size_t size, mach_port_t reply_port)
{
	const struct bench_transfer_reply *reply = (const void *)message;
	mach_port_t partner = bench_partner();
	uint64_t before = bench_now();

	message->header.msgh_bits = MACH_MSGH_BITS(
	    MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	message->header.msgh_size = sizeof(message->header) + size;
	message->header.msgh_remote_port = partner;
	message->header.msgh_local_port = reply_port;
	message->header.msgh_voucher_port = MACH_PORT_NULL;
	message->header.msgh_id = BENCH_INLINE;
	bench_check(mach_msg(&message->header, MACH_SEND_MSG | MACH_RCV_MSG,
			message->header.msgh_size, sizeof(*message), reply_port,
			MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
	    "send a body");
	return reply->arrived - before;
}

/* Bodies of messages, which are copied. */
static void
measure_inline(void)
{
	static const struct {
		const char *name;
		mach_msg_size_t size;
	} bodies[] = {
	    {"transfer.inline.16", 16},
	    {"transfer.inline.48", 48},
	    {"transfer.inline.256", 256},
	    {"transfer.inline.1K", 1024},
	    {"transfer.inline.4K", 4096},
	    {"transfer.inline.16K", 16384},
	    {"transfer.inline.64K", INLINE_MAX},
	};
	mach_port_t reply_port = mach_reply_port();
	struct bench_inline *message = calloc(1, sizeof(*message));

	bench_check(message == NULL, "have a buffer");
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		bench_begin(bodies[i].name, "a message's body, one way");
		for (int k = -5; k < 100; k++) {
			uint64_t cost =
			    send_inline(message, bodies[i].size, reply_port);

			if (k >= 0)
				bench_sample(cost);
		}
		bench_end();
	}
	free(message);
	bench_check(mach_port_mod_refs(mach_task_self(), reply_port,
			MACH_PORT_RIGHT_RECEIVE, -1),
	    "destroy the reply port");
}

/* A region that no page table ends in: all of one size have the same form. */
static vm_address_t
allocate(vm_size_t size)
{
	vm_address_t address = 0;

	bench_check(vm_map(mach_task_self(), &address, size, size - 1,
			VM_FLAGS_ANYWHERE, MACH_PORT_NULL, 0, FALSE,
			VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_DEFAULT),
	    "allocate what is to be sent");
	return address;
}

static void
touch(vm_address_t address, vm_size_t size)
{
	for (vm_size_t at = 0; at < size; at += vm_page_size)
		*(volatile char *)(address + at) = 1;
}

/*
 * From before the send until the receiver runs with the message.  Both read
 * the same counter, since they run on the same hart.
 */
static uint64_t
one_way(const struct form *form, vm_address_t address, vm_size_t size,
    mach_port_t reply_port)
{
	static union buffer buffer;
	mach_port_t partner = bench_partner();
	uint64_t before;

	touch(address, size);
	before = bench_now();
	buffer.header.msgh_bits =
	    MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
					 MACH_MSG_TYPE_MAKE_SEND_ONCE);
	buffer.header.msgh_size = sizeof(buffer.request);
	buffer.header.msgh_remote_port = partner;
	buffer.header.msgh_local_port = reply_port;
	buffer.header.msgh_voucher_port = MACH_PORT_NULL;
	buffer.header.msgh_id = BENCH_TRANSFER;
	buffer.request.body.msgh_descriptor_count = 1;
	buffer.request.memory.address = (void *)address;
	buffer.request.memory.size = (mach_msg_size_t)size;
	buffer.request.memory.deallocate = form->deallocate;
	buffer.request.memory.copy = form->copy;
	buffer.request.memory.type = MACH_MSG_OOL_DESCRIPTOR;
	bench_check(mach_msg(&buffer.header, MACH_SEND_MSG | MACH_RCV_MSG,
			sizeof(buffer.request), sizeof(buffer), reply_port,
			MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
	    "send memory");
	return buffer.reply.arrived - before;
}

static void
measure(
    const struct form *form, const char *size_name, vm_size_t size, int rounds)
{
	static char name[40];
	mach_port_t reply_port = mach_reply_port();
	vm_address_t kept = form->deallocate ? 0 : allocate(size);

	snprintf(name, sizeof(name), "transfer.%s.%s", form->name, size_name);
	for (int i = -1; i < rounds; i++) {
		vm_address_t address = form->deallocate ? allocate(size) : kept;
		uint64_t cost = one_way(form, address, size, reply_port);

		/* The first finds nothing in its place yet. */
		if (i < 0)
			bench_begin(name, form->what);
		else
			bench_sample(cost);
	}
	bench_end();
	if (!form->deallocate)
		bench_check(vm_deallocate(mach_task_self(), kept, size),
		    "give up what was sent");
	bench_check(mach_port_mod_refs(mach_task_self(), reply_port,
			MACH_PORT_RIGHT_RECEIVE, -1),
	    "destroy the reply port");
}

/* Is there memory for @size bytes twice, and some? */
static bool
has_room(vm_size_t size)
{
	struct host_basic_info info;
	mach_msg_type_number_t count = HOST_BASIC_INFO_COUNT;

	bench_check(host_info(mach_host_self(), HOST_BASIC_INFO,
			(host_info_t)&info, &count),
	    "ask for the size of memory");
	return info.max_mem / 5 >= size / 2;
}

void
bench_transfer(void)
{
	static const struct form forms[] = {
	    {"move", "memory sent away, one way", true, MACH_MSG_VIRTUAL_COPY},
	    {"vcopy", "memory that both have then", false,
		MACH_MSG_VIRTUAL_COPY},
	    {"pcopy", "memory copied byte by byte", false,
		MACH_MSG_PHYSICAL_COPY},
	};
	static const struct {
		const char *name;
		vm_size_t size;
		int rounds;
	} sizes[] = {
	    {"4K", 4UL << 10, 200},
	    {"16K", 16UL << 10, 100},
	    {"64K", 64UL << 10, 100},
	    {"1M", 1UL << 20, 30},
	    {"2M", 2UL << 20, 30},
	    {"16M", 16UL << 20, 10},
	    {"256M", 256UL << 20, 2},
	    {"1G", 1UL << 30, 1},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
			if (has_room(sizes[k].size))
				measure(&forms[i], sizes[k].name, sizes[k].size,
				    sizes[k].rounds);
		}
	}
	measure_inline();
}
