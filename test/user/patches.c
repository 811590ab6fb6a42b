/*
 * patches.c: code that is written and then run, again and again, by threads on
 * all harts.
 *
 *	run=test/patches,1000	so often in each of seven ways
 *
 * A function of two instructions, which returns a number, lies in a page.  It
 * is written anew with the next number, in one way or another, and every thread
 * that runs it then must get that number.  The kernel has to see to two things:
 * no hart keeps the right to run what may be written, and each hart's fetches
 * come after what was written before them (vm/fault.c).  Where a page is
 * written through one mapping and run through another, the writer has to ask
 * for that.
 *
 * QEMU's harts never fetch stale instructions, so this cannot show a missing
 * fence.i.  That one is made for each page that was written since the last is
 * tested beside a model: see vm_host_is_stale_code() of test/unit/vm_host.h.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <mach/semaphore.h>
#include <mach/sync_policy.h>
#include <mach/vm_attributes.h>

#include "test/user/mach_test.h"

#include <baton/thread.h>

#define PAGE	4096UL
#define RUNNERS 3
#define PATCHES 30 /* of each way, among other tests */

static task_t self;
static uint32_t *code, *alias, *draft;
static unsigned patches = PATCHES;

static int
call(const uint32_t *function)
{
	return ((int (*)(void))function)();
}

/* lui a0, number; ret */
static void
write_function(volatile uint32_t *words, uint32_t number)
{
	words[0] = number << 12 | 0x537;
	words[1] = 0x00008067;
}

static int
result_of(uint32_t number)
{
	return (int)(number << 12);
}

static mach_vm_address_t
at(const void *bytes)
{
	return (mach_vm_address_t)bytes;
}

static void
protect(void *page, vm_prot_t prot)
{
	must(mach_vm_protect(self, at(page), PAGE, FALSE, prot));
}

/* ---- ways to write it ---- */

/* A page that may be written and run, by turns. */
static void
patch_in_place(uint32_t number)
{
	write_function(code, number);
}

static void
patch_by_protection(uint32_t number)
{
	protect(code, VM_PROT_READ | VM_PROT_WRITE);
	write_function(code, number);
	protect(code, VM_PROT_READ | VM_PROT_EXECUTE);
}

/* The kernel copies bytes. */
static void
patch_by_kernel(uint32_t number)
{
	write_function(draft, number);
	must(mach_vm_write(self, at(code), (vm_offset_t)draft, 8));
}

/* The page becomes another one. */
static void
patch_by_page(uint32_t number)
{
	write_function(draft, number);
	must(mach_vm_copy(self, at(draft), PAGE, at(code)));
}

/* What a new mapping of the same address has. */
static void
patch_by_mapping(uint32_t number)
{
	mach_vm_address_t to = at(code);
	vm_prot_t prot, max_prot;

	write_function(draft, number);
	must(mach_vm_remap(self, &to, PAGE, 0,
	    VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE, self, at(draft), TRUE, &prot,
	    &max_prot, VM_INHERIT_COPY));
	protect(code, VM_PROT_READ | VM_PROT_EXECUTE);
}

/* Two mappings of one page: who writes through the one says so. */
static void
patch_by_alias(uint32_t number)
{
	vm_machine_attribute_val_t value = MATTR_VAL_CACHE_SYNC;

	write_function(alias, number);
	must(mach_vm_machine_attribute(
	    self, at(alias), PAGE, MATTR_CACHE, &value));
}

/* It comes in a message. */
static mach_port_t box;

static void
patch_by_message(uint32_t number)
{
	mach_vm_address_t to = at(code);
	vm_prot_t prot, max_prot;
	struct crate crate;

	write_function(draft, number);
	crate_fill(&crate, box, draft, PAGE, false, MACH_MSG_VIRTUAL_COPY);
	must(send_message(&crate, CRATE_SIZE));
	must(poll_for(&crate, sizeof(crate), box));
	must(mach_vm_remap(self, &to, PAGE, 0,
	    VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE, self, at(crate.memory.address),
	    FALSE, &prot, &max_prot, VM_INHERIT_COPY));
	pages_end(crate.memory.address, PAGE);
	protect(code, VM_PROT_READ | VM_PROT_EXECUTE);
}

/* ---- who runs it ---- */

static atomic_uint written; /* the number that is there, 0: stop */
static atomic_uint wrong;
static semaphore_t go[RUNNERS], finished;

static void
runner(void *arg)
{
	for (;;) {
		must(semaphore_wait(go[(uintptr_t)arg]));
		if (written == 0)
			return;
		wrong += call(code) != result_of(written);
		must(semaphore_signal(finished));
	}
}

static void
let_run(uint32_t number)
{
	written = number;
	for (int i = 0; i < RUNNERS; i++)
		must(semaphore_signal(go[i]));
	if (number == 0)
		return;
	wrong += call(code) != result_of(number);
	for (int i = 0; i < RUNNERS; i++)
		must(semaphore_wait(finished));
}

static void
test_patches(const char *how, void (*patch)(uint32_t number), vm_prot_t prot)
{
	struct mach_thread *thread[RUNNERS];

	wrong = 0;
	protect(code, VM_PROT_READ | VM_PROT_WRITE);
	write_function(code, 1);
	protect(code, prot);
	for (uintptr_t i = 0; i < RUNNERS; i++)
		must(mach_thread_start(runner, (void *)i, 0, &thread[i]));
	for (uint32_t number = 2; number < patches + 2; number++) {
		patch(number);
		let_run(number);
	}
	let_run(0);
	for (int i = 0; i < RUNNERS; i++)
		mach_thread_join(thread[i]);
	is(wrong, 0, "%s, %u times: every thread runs what was written", how,
	    patches);
}

/* Code that a child has of its parent, each with changes of its own. */
static void
test_inherited(void)
{
	const uint32_t halt[] = {0x0000006f}; /* j . */
	uint32_t *place = (uint32_t *)((char *)code + 64);
	riscv64_thread_state_t state = {.pc = at(place)};
	mach_msg_type_number_t count = RISCV64_THREAD_STATE_COUNT;
	thread_t thread;
	task_t child;

	protect(code, VM_PROT_ALL);
	/* lui a0, 5; j . */
	place[0] = 5 << 12 | 0x537;
	place[1] = halt[0];
	must(task_create(self, NULL, 0, TRUE, &child));
	place[0] = 6 << 12 | 0x537;
	place[1] = 0x00008067;
	is(call(place), 6 << 12, "the parent runs what it has written since");
	must(thread_create_running(child, RISCV64_THREAD_STATE,
	    (thread_state_t)&state, RISCV64_THREAD_STATE_COUNT, &thread));
	for (int i = 0; i < 500 && state.a0 == 0; i++) {
		sleep_ms(2);
		must(thread_get_state(thread, RISCV64_THREAD_STATE,
		    (thread_state_t)&state, &count));
	}
	is(state.a0, 5 << 12, "the child what it was given");
	must(task_terminate(child));
	must(mach_port_deallocate(self, thread));
	must(mach_port_deallocate(self, child));
}

int
main(int argc, char *argv[])
{
	const vm_prot_t fixed = VM_PROT_READ | VM_PROT_EXECUTE;
	mach_vm_address_t to = 0;
	vm_prot_t prot, max_prot;

	if (argc > 1)
		patches = (unsigned)strtoul(argv[1], NULL, 10);
	self = mach_task_self();
	box = port_new_send();
	must(semaphore_create(self, &finished, SYNC_POLICY_FIFO, 0));
	for (int i = 0; i < RUNNERS; i++)
		must(semaphore_create(self, &go[i], SYNC_POLICY_FIFO, 0));
	code = pages_new(PAGE);
	draft = pages_new(PAGE);
	test_patches("in place", patch_in_place, VM_PROT_ALL);
	test_patches("by its protection", patch_by_protection, fixed);
	test_patches("by the kernel", patch_by_kernel, VM_PROT_ALL);
	test_patches("by another page", patch_by_page, VM_PROT_ALL);
	test_patches("by another mapping", patch_by_mapping, fixed);
	test_patches("by a message", patch_by_message, fixed);
	test_inherited();
	protect(code, VM_PROT_ALL);
	must(mach_vm_remap(self, &to, PAGE, 0, VM_FLAGS_ANYWHERE, self,
	    at(code), FALSE, &prot, &max_prot, VM_INHERIT_COPY));
	alias = (uint32_t *)to;
	protect(alias, VM_PROT_READ | VM_PROT_WRITE);
	test_patches("through an alias", patch_by_alias, fixed);
	return done();
}
