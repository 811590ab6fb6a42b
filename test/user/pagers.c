/*
 * pagers.c: memory whose contents a pager has, as its clients see it: what is
 * asked for, what is shared, what comes back, and what an error does.
 */
#include "test/user/exceptions.h"
#include "test/user/paged.h"

#include <stdlib.h>
#include <string.h>

#define PAGES 16
#define SIZE  (PAGES * PAGE)

static task_t self;
static struct paged paged;

/* ---- pages come ---- */

static void
test_pages_come_once(void)
{
	mach_port_t right = paged_make(&paged, SIZE, true);
	char *memory = paged_map(right, 0, SIZE, FALSE);

	is(atomic_load(&paged.reads), 0, "who only maps asks for nothing");
	is(memory[3 * PAGE + 7], paged.store[3 * PAGE + 7],
	    "a byte in the middle");
	is(atomic_load(&paged.reads), 1, "is one page");
	is(memory[3 * PAGE], paged.store[3 * PAGE], "whose other bytes");
	is(atomic_load(&paged.reads), 1, "are there then");
	ok(pattern_holds(memory, SIZE, 1), "all of it is as the pager says");
	is(atomic_load(&paged.reads), PAGES, "a page at a time");
	pages_end(memory, SIZE);
	is(atomic_load(&paged.writes), 0, "nothing was written");
	mach_port_mod_refs(self, right, MACH_PORT_RIGHT_SEND, -1);
	ok(paged_counts(&paged.ended, 1), "the pager hears when all have gone");
	paged_end(&paged, right);
}

static void
test_part(void)
{
	mach_port_t right = paged_make(&paged, SIZE, true);
	char *memory = paged_map(right, 5 * PAGE, 2 * PAGE, FALSE);

	is(memcmp(memory, paged.store + 5 * PAGE, 2 * PAGE), 0,
	    "a part of an object begins where it should");
	is(atomic_load(&paged.reads), 2, "and nothing else is asked for");
	pages_end(memory, 2 * PAGE);
	paged_end(&paged, right);
}

/* ---- what is shared ---- */

static void
test_two_mappings(void)
{
	mach_port_t right = paged_make(&paged, SIZE, true);
	char *one = paged_map(right, 0, SIZE, FALSE);
	char *two = paged_map(right, PAGE, SIZE - PAGE, FALSE);

	one[PAGE + 5] = 'x';
	is(two[5], 'x', "what one writes the other sees");
	two[2 * PAGE] = 'y';
	is(one[3 * PAGE], 'y', "and the other way round");
	is(atomic_load(&paged.reads), 2, "each page came once");
	pages_end(one, SIZE);
	is(two[5], 'x', "it stays while one is there");
	pages_end(two, SIZE - PAGE);
	paged_end(&paged, right);
}

static void
test_two_tasks(void)
{
	mach_port_t right = paged_make(&paged, SIZE, true);
	volatile uint64_t *memory =
	    (volatile uint64_t *)paged_map(right, 0, SIZE, FALSE);
	uint64_t at = PAGED_AT + 2 * PAGE + 8;
	struct small small;

	small_make(&small, MACH_PORT_NULL, 0);
	paged_map_small(&small, right, SIZE);
	small_run(&small, small_store, at, 0);
	for (int i = 0; i < 2500 && memory[2 * PAGE / 8 + 1] != at; i++)
		sleep_ms(2);
	is(memory[2 * PAGE / 8 + 1], at, "what another task writes is seen");
	memory[5 * PAGE / 8] = 100;
	small_run(&small, small_count, PAGED_AT + 5 * PAGE, 0);
	for (int i = 0; i < 2500 && memory[5 * PAGE / 8] <= 100; i++)
		sleep_ms(2);
	ok(memory[5 * PAGE / 8] > 100, "it goes on from what we write");
	small_kill(&small);
	pages_end((void *)memory, SIZE);
	paged_end(&paged, right);
}

static void
test_private_copy(void)
{
	mach_port_t right = paged_make(&paged, SIZE, true);
	char *shared = paged_map(right, 0, SIZE, FALSE);
	char *copy;

	shared[0] = 'a';
	copy = paged_map(right, 0, SIZE, TRUE);
	is(copy[0], 'a', "a copy is what was there");
	copy[0] = 'b';
	copy[PAGE] = 'c';
	is(shared[0], 'a', "what is written to it stays with it");
	is(shared[PAGE], paged.store[PAGE], "though the page was not there");
	shared[0] = 'd';
	is(copy[0], 'b', "and the other way round");
	is(memcmp(copy + 2 * PAGE, paged.store + 2 * PAGE, SIZE - 2 * PAGE), 0,
	    "the rest comes from the pager");
	pages_end(shared, SIZE);
	is(copy[PAGE], 'c', "it outlives the other mapping");
	pages_end(copy, SIZE);
	paged_end(&paged, right);
}

/* ---- what comes back ---- */

static void
test_msync(void)
{
	mach_port_t right = paged_make(&paged, SIZE, true);
	char *memory = paged_map(right, 0, SIZE, FALSE);

	memory[PAGE] = 'x';
	memory[7 * PAGE + 100] = 'y';
	ok(memory[9 * PAGE] == paged.store[9 * PAGE], "one page is read only");
	is(mach_vm_msync(
	       self, (mach_vm_address_t)memory, SIZE, VM_SYNC_SYNCHRONOUS),
	    KERN_SUCCESS, "what was written is to go back");
	ok(paged_counts(&paged.writes, 2), "it does, and no other page");
	is(paged.store[PAGE], 'x', "with one change");
	is(paged.store[7 * PAGE + 100], 'y', "and the other");
	memory[PAGE] = 'z';
	must(mach_vm_msync(
	    self, (mach_vm_address_t)memory, SIZE, VM_SYNC_SYNCHRONOUS));
	ok(paged_counts(&paged.writes, 3), "what was written again goes again");
	is(paged.store[PAGE], 'z', "as it is now");
	pages_end(memory, SIZE);
	paged_end(&paged, right);
}

static void
test_flush(void)
{
	mach_port_t right = paged_make(&paged, SIZE, true);
	char *memory = paged_map(right, 0, SIZE, FALSE);
	unsigned reads;

	ok(pattern_holds(memory, SIZE, 1), "all pages are there");
	memory[4 * PAGE] = 'x';
	paged_flush(&paged);
	is(atomic_load(&paged.writes), 1, "the one that was written came back");
	is(paged.store[4 * PAGE], 'x', "as it was");
	reads = atomic_load(&paged.reads);
	is(memory[4 * PAGE], 'x', "and is asked for again");
	is(atomic_load(&paged.reads), reads + 1, "when it is touched");
	pages_end(memory, SIZE);
	paged_end(&paged, right);
}

/* What was written comes back before the pager hears that all have gone. */
static void
test_last_writes(void)
{
	mach_port_t right = paged_make(&paged, SIZE, true);
	char *memory = paged_map(right, 0, SIZE, FALSE);

	for (unsigned i = 0; i < PAGES; i++)
		memory[i * PAGE] = (char)('A' + i);
	pages_end(memory, SIZE);
	mach_port_mod_refs(self, right, MACH_PORT_RIGHT_SEND, -1);
	ok(paged_counts(&paged.ended, 1), "the last mapping goes");
	is(atomic_load(&paged.writes), PAGES, "every page had come back");
	is(paged.store[15 * PAGE], 'A' + 15, "as it was written");
	paged_end(&paged, right);
}

/* ---- errors ---- */

/* Runs @routine on @address: whether it raises a memory error there, after
 * which the thread goes on behind. */
static bool
fails(struct small *small, mach_port_t port, const char *routine,
    uint64_t address)
{
	struct question question;
	bool as_said;

	small_run(small, routine, address, 0);
	if (!ask_for(&question, port))
		return false;
	as_said = question.exception == EXC_BAD_ACCESS &&
		  question.code[0] == KERN_MEMORY_ERROR &&
		  question.code[1] == (int64_t)address;
	if (!as_said)
		note("exception %d, code %lld at %#llx", question.exception,
		    (long long)question.code[0],
		    (unsigned long long)question.code[1]);
	set_pc(small->thread, AT(small_spin));
	must(answer(&question, KERN_SUCCESS));
	question_drop(&question);
	return as_said;
}

static void
client_make(struct small *small, mach_port_t right, mach_port_t port)
{
	small_make(small, MACH_PORT_NULL, 0);
	paged_map_small(small, right, SIZE);
	listen(
	    small->task, EXC_MASK_BAD_ACCESS, port, EXCEPTION_DEFAULT | CODES);
}

static void
test_errors(void)
{
	mach_port_t right = paged_make(&paged, 8 * PAGE, true);
	mach_port_t port = port_new_send();
	struct small small;

	client_make(&small, right, port);
	ok(fails(&small, port, small_load, PAGED_AT + 8 * PAGE),
	    "what the pager does not have is an error");
	atomic_store(&paged.error, KERN_FAILURE);
	ok(fails(&small, port, small_load, PAGED_AT + PAGE),
	    "what it cannot read is");
	ok(fails(&small, port, small_store, PAGED_AT + PAGE),
	    "and cannot be written");
	atomic_store(&paged.error, KERN_SUCCESS);
	small_run(&small, small_load, PAGED_AT + PAGE, 0);
	ok(goes_on(&small), "once it can, who asks again gets it");
	small_kill(&small);
	port_end(port);
	paged_end(&paged, right);
}

static void
test_read_only(void)
{
	mach_port_t right = paged_make(&paged, SIZE, false);
	mach_port_t port = port_new_send();
	char *memory = paged_map(right, 0, SIZE, FALSE), *copy;
	struct small small;

	client_make(&small, right, port);
	ok(pattern_holds(memory, SIZE, 1), "it can be read");
	ok(fails(&small, port, small_store, PAGED_AT + 2 * PAGE),
	    "who writes gets an error");
	ok(fails(&small, port, small_store, PAGED_AT + 2 * PAGE), "each time");
	ok(pattern_holds(memory, SIZE, 1), "nothing has changed");
	copy = paged_map(right, 0, SIZE, TRUE);
	copy[2 * PAGE] = 'x';
	is(copy[2 * PAGE], 'x', "a private copy can be written");
	ok(pattern_holds(memory, SIZE, 1), "and still nothing has changed");
	is(atomic_load(&paged.writes), 0, "nor come back");
	small_kill(&small);
	pages_end(memory, SIZE);
	pages_end(copy, SIZE);
	port_end(port);
	paged_end(&paged, right);
}

static void
test_end(void)
{
	mach_port_t right = paged_make(&paged, SIZE, true);
	mach_port_t port = port_new_send();
	mach_vm_address_t at = PAGED_AT;
	struct small small;

	client_make(&small, right, port);
	small_run(&small, small_load, PAGED_AT, 0);
	ok(goes_on(&small), "a client has a page");
	paged_end(&paged, right);
	ok(fails(&small, port, small_load, PAGED_AT + PAGE),
	    "when the object has ended there are only errors");
	must(mach_vm_deallocate(small.task, at, SIZE));
	must(mach_vm_allocate(small.task, &at, SIZE, VM_FLAGS_FIXED));
	small_run(&small, small_store, PAGED_AT + PAGE, 0);
	ok(goes_on(&small), "other memory in its place is as any");
	small_kill(&small);
	port_end(port);
}

int
main(void)
{
	self = mach_task_self();
	paged_start();
	test_pages_come_once();
	test_part();
	test_two_mappings();
	test_two_tasks();
	test_private_copy();
	test_msync();
	test_flush();
	test_last_writes();
	test_errors();
	test_read_only();
	test_end();
	return done();
}
