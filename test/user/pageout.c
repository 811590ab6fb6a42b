/*
 * pageout.c: memory that page replacement has taken is memory as any other,
 * whatever is done with it.
 */
#include <servers/bootstrap.h>
#include <string.h>

#include "test/user/mach_test.h"

#define PAGE  4096UL
#define TABLE (2UL << 20)
#define SIZE  (TABLE + 37 * PAGE)

static task_t self;
static mach_port_t box;

static kern_return_t
page_out(const void *bytes, size_t size)
{
	return mach_vm_behavior_set(
	    self, (mach_vm_address_t)bytes, size, VM_BEHAVIOR_PAGEOUT);
}

/* Memory with a pattern, none of which may be accessed without a fault. */
static char *
taken_new(unsigned seed)
{
	char *bytes = pages_new(SIZE);

	pattern_fill(bytes, SIZE, seed);
	must(page_out(bytes, SIZE));
	return bytes;
}

static vm_statistics64_data_t
statistics(void)
{
	vm_statistics64_data_t now;
	mach_msg_type_number_t count = HOST_VM_INFO64_COUNT;

	must(host_statistics64(
	    mach_host_self(), HOST_VM_INFO64, (host_info64_t)&now, &count));
	return now;
}

static void
test_access(void)
{
	vm_statistics64_data_t before = statistics(), after;
	char *bytes = pages_new(SIZE);

	pattern_fill(bytes, SIZE, 1);
	is(page_out(bytes, SIZE), KERN_SUCCESS, "memory may leave");
	after = statistics();
	ok(after.inactive_count >= before.inactive_count + SIZE / PAGE / 2,
	    "most of it is taken");
	ok(pattern_holds(bytes, SIZE, 1), "it is what it was");
	must(page_out(bytes, SIZE));
	memset(bytes + TABLE, 7, PAGE);
	ok(bytes[TABLE] == 7 && pattern_holds(bytes, TABLE, 1),
	    "it may be written");
	must(page_out(bytes, SIZE));
	must(mach_vm_protect(
	    self, (mach_vm_address_t)bytes, SIZE, FALSE, VM_PROT_READ));
	is(access_to(bytes), VM_PROT_READ, "it may be protected");
	ok(pattern_holds(bytes, TABLE, 1), "and read");
	after = statistics();
	ok(after.reactivations + after.pageins >
		before.reactivations + before.pageins,
	    "what came back is counted");
	pages_end(bytes, SIZE);
	is(page_out(bytes, SIZE), KERN_INVALID_ADDRESS,
	    "what is not there cannot leave");
}

/* What the message brings. */
static char *
sent(char *bytes, bool deallocate, mach_msg_copy_options_t copy)
{
	struct crate crate;

	crate_fill(&crate, box, bytes, SIZE, deallocate, copy);
	must(send_message(&crate, CRATE_SIZE));
	memset(&crate, 0, sizeof(crate));
	must(poll_for(&crate, sizeof(crate), box));
	return crate.memory.address;
}

static void
test_messages(void)
{
	char *bytes = taken_new(2), *copy;

	bytes = sent(bytes, true, MACH_MSG_VIRTUAL_COPY);
	ok(pattern_holds(bytes, SIZE, 2), "it is moved by a message");
	must(page_out(bytes, SIZE));
	copy = sent(bytes, false, MACH_MSG_VIRTUAL_COPY);
	memset(bytes, 0, SIZE / 2);
	ok(pattern_holds(copy, SIZE, 2), "a copy of it");
	pages_end(copy, SIZE);
	pattern_fill(bytes, SIZE, 3);
	must(page_out(bytes, SIZE));
	copy = sent(bytes, false, MACH_MSG_PHYSICAL_COPY);
	ok(pattern_holds(copy, SIZE, 3), "all its bytes");
	must(page_out(bytes, SIZE));
	must(page_out(copy, SIZE));
	memset(copy, 0, SIZE);
	is(mach_vm_copy(self, (mach_vm_address_t)bytes + 100, SIZE - 100,
	       (mach_vm_address_t)copy),
	    KERN_SUCCESS, "it is copied over others");
	ok(memcmp(bytes + 100, copy, SIZE - 100) == 0, "whole");
	pages_end(copy, SIZE);
	pages_end(bytes, SIZE);
}

static bool
holds_in(task_t task, char *at, unsigned seed)
{
	vm_offset_t data;
	mach_msg_type_number_t count;
	bool holds;

	must(mach_vm_read(task, (mach_vm_address_t)at, SIZE, &data, &count));
	holds = pattern_holds((char *)data, SIZE, seed);
	pages_end((void *)data, SIZE);
	return holds;
}

static void
test_fork(void)
{
	char *bytes = taken_new(4);
	task_t child, grandchild;

	must(task_create(self, NULL, 0, TRUE, &child));
	memset(bytes, 0, TABLE);
	must(task_create(child, NULL, 0, TRUE, &grandchild));
	ok(holds_in(child, bytes, 4), "a child has it");
	pattern_fill(bytes, SIZE, 5);
	must(page_out(bytes, SIZE));
	must(task_terminate(child));
	ok(holds_in(grandchild, bytes, 4), "so does its child");
	must(task_terminate(grandchild));
	ok(pattern_holds(bytes, SIZE, 5), "ours is our own");
	must(mach_port_deallocate(self, child));
	must(mach_port_deallocate(self, grandchild));
	pages_end(bytes, SIZE);
}

static void
test_shared(void)
{
	char *bytes = taken_new(6);
	mach_vm_address_t other = 0;
	vm_prot_t prot, max_prot;

	must(mach_vm_remap(self, &other, SIZE, 0, VM_FLAGS_ANYWHERE, self,
	    (mach_vm_address_t)bytes, FALSE, &prot, &max_prot,
	    VM_INHERIT_COPY));
	ok(pattern_holds((char *)other, SIZE, 6), "it becomes shared");
	memset(bytes, 9, PAGE);
	ok(*(char *)other == 9, "for writing");
	pages_end((char *)other, SIZE);
	pages_end(bytes, SIZE);
}

static void
test_wired(void)
{
	char *bytes = taken_new(7);
	vm_statistics64_data_t before, after;
	host_priv_t host_priv;

	must(bootstrap_device(bootstrap_port, "host_priv", &host_priv));
	is(mach_vm_wire(host_priv, self, (mach_vm_address_t)bytes, SIZE,
	       VM_PROT_READ | VM_PROT_WRITE),
	    KERN_SUCCESS, "it is wired");
	before = statistics();
	must(page_out(bytes, SIZE));
	after = statistics();
	ok(after.inactive_count < before.inactive_count + SIZE / PAGE / 2,
	    "and stays");
	ok(pattern_holds(bytes, SIZE, 7), "what it was");
	must(mach_vm_wire(
	    host_priv, self, (mach_vm_address_t)bytes, SIZE, VM_PROT_NONE));
	must(mach_port_deallocate(self, host_priv));
	pages_end(bytes, SIZE);
}

static void
test_end(void)
{
	struct baton_kernel_counters before = quiet_counters(), after;

	for (unsigned i = 0; i < 4; i++) {
		char *bytes = taken_new(i);

		memset(bytes + PAGE, 0, TABLE / 2);
		pages_end(bytes, SIZE);
	}
	after = quiet_counters();
	ok(after.pages_free + 64 >= before.pages_free,
	    "all of it comes back: %llu, %llu",
	    (unsigned long long)before.pages_free,
	    (unsigned long long)after.pages_free);
}

int
main(void)
{
	self = mach_task_self();
	box = port_new_send();
	test_access();
	test_messages();
	test_fork();
	test_shared();
	test_wired();
	test_end();
	port_end(box);
	return done();
}
