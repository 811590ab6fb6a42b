/*
 * pagers_short.c: more of a pager's memory is used than the machine has: pages
 * go back to the pager by themselves, and are asked for again.
 */
#include "test/user/bare_pager.h"

#define MIB (1UL << 20)

static uint64_t
memory_size(void)
{
	mach_port_t host = mach_host_self();
	host_basic_info_data_t info;
	mach_msg_type_number_t count = HOST_BASIC_INFO_COUNT;

	must(host_info(host, HOST_BASIC_INFO, (host_info_t)&info, &count));
	mach_port_deallocate(mach_task_self(), host);
	return info.max_mem;
}

/* A page is used this often while others are each used once. */
#define OFTEN (16 * PAGE)

/* Reads each page, writes every fourth, and the one that is watched all the
 * time; pages that were not as they should. */
static unsigned
walk(char *at, uint64_t size)
{
	unsigned wrong = 0;

	for (uint64_t offset = 0; offset < size; offset += PAGE) {
		if (offset % OFTEN == 0)
			((volatile char *)at)[it.watched];
		if (at[offset + 1] != (char)('a' + offset / PAGE % 26))
			wrong++;
		if (offset / PAGE % 4 == 0)
			at[offset] = 'x';
	}
	return wrong;
}

int
main(void)
{
	mach_vm_address_t address = 0;
	uint64_t size = memory_size();
	char *at;

	if (size > 64 * MIB) {
		skip("all memory is used", "there is much of it");
		return done();
	}
	size += 8 * MIB;
	pager_start();
	at = map_new(SUPPLY, FALSE);
	must(mach_vm_map(mach_task_self(), &address, size, 0, VM_FLAGS_ANYWHERE,
	    it.port, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_NONE));
	it.watched = size / 4 * 3 / PAGE * PAGE;
	is(walk((char *)address, size), 0, "all of it can be used");
	ok(it.dirty > 0, "some of what was written went back meanwhile: %u",
	    it.dirty);
	is(it.dirty, it.returns, "and nothing else");
	is(walk((char *)address, size), 0, "all can be used again");
	ok(it.requests > size / PAGE, "some of it was asked for twice: %u",
	    it.requests);
	is(walk((char *)address, size), 0, "and a third time");
	ok(it.watched_requests <= 2,
	    "a page that is used all the time stays: "
	    "asked for %u times, all others %u",
	    it.watched_requests, it.requests);
	pages_end((char *)address, size);
	unmap(at);
	is(it.dirty, it.returns, "nothing came back that was not written");
	return done();
}
