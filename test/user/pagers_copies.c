/*
 * pagers_copies.c: private mappings of a pager's memory: pages come when they
 * are touched, and are what they were when the mapping was made, whatever
 * others have written since.
 */
#include "test/user/paged.h"

#include <baton/thread.h>
#include <stdlib.h>
#include <string.h>

#define PAGES 16
#define SIZE  (PAGES * PAGE)

static task_t self;
static struct paged paged;

static mach_vm_address_t
at(const void *bytes)
{
	return (mach_vm_address_t)bytes;
}

static void
drop(mach_port_t right, char *shared)
{
	if (shared != NULL)
		pages_end(shared, SIZE);
	mach_port_mod_refs(self, right, MACH_PORT_RIGHT_SEND, -1);
	ok(paged_counts(&paged.ended, 1), "nothing is left of the object");
	paged_end(&paged, right);
}

/* ---- on demand ---- */

static void
test_demand(void)
{
	mach_port_t right = paged_make(&paged, SIZE, true);
	char *copy = paged_map(right, PAGE, SIZE - PAGE, TRUE), *other;

	is(atomic_load(&paged.reads), 0, "a private mapping asks for nothing");
	is(copy[2 * PAGE + 5], paged.store[3 * PAGE + 5], "a page has come");
	is(atomic_load(&paged.reads), 1, "because it was touched");
	copy[4 * PAGE] = 'x';
	is(copy[4 * PAGE + 1], paged.store[5 * PAGE + 1],
	    "who writes first has the rest of the page");
	is(atomic_load(&paged.reads), 2, "which came, too");
	other = paged_map(right, 0, SIZE, TRUE);
	is(other[5 * PAGE], paged.store[5 * PAGE],
	    "another mapping does not see what was written");
	is(atomic_load(&paged.reads), 2, "nor is the page asked for again");
	pages_end(copy, SIZE - PAGE);
	pages_end(other, SIZE);
	is(atomic_load(&paged.writes), 0, "nothing comes back");
	drop(right, NULL);
}

/* What is said about one. */
static void
test_region(void)
{
	mach_port_t right = paged_make(&paged, SIZE, true), name, same, none;
	char *copy = paged_map(right, 2 * PAGE, 4 * PAGE, TRUE);
	char *shared = paged_map(right, 0, SIZE, FALSE);
	mach_vm_address_t address = at(copy);
	mach_vm_size_t size;
	vm_region_basic_info_data_64_t basic;
	vm_region_extended_info_data_t extended;
	mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;

	must(mach_vm_region(self, &address, &size, VM_REGION_BASIC_INFO_64,
	    (vm_region_info_t)&basic, &count, &name));
	ok(!basic.shared, "it is not shared");
	is(basic.offset, 2 * PAGE, "but begins somewhere in an object");
	count = VM_REGION_EXTENDED_INFO_COUNT;
	must(mach_vm_region(self, &address, &size, VM_REGION_EXTENDED_INFO,
	    (vm_region_info_t)&extended, &count, &name));
	ok(extended.external_pager, "that has a pager");
	is(extended.share_mode, SM_COW, "and is copied when written");
	address = at(shared);
	count = VM_REGION_BASIC_INFO_COUNT_64;
	must(mach_vm_region(self, &address, &size, VM_REGION_BASIC_INFO_64,
	    (vm_region_info_t)&basic, &count, &same));
	ok(MACH_PORT_VALID(name), "the object has a name");
	is(same, name, "the same wherever it is mapped");
	is(refs(name, MACH_PORT_RIGHT_SEND), 3, "which each call gives");
	address = at(&paged);
	must(mach_vm_region(self, &address, &size, VM_REGION_BASIC_INFO_64,
	    (vm_region_info_t)&basic, &count, &none));
	is(none, MACH_PORT_NULL, "plain memory has none");
	must(mach_port_mod_refs(self, name, MACH_PORT_RIGHT_SEND, -3));
	pages_end(copy, 4 * PAGE);
	drop(right, shared);
}

/* ---- the moment ---- */

static void
test_moment(void)
{
	mach_port_t right = paged_make(&paged, SIZE, true);
	char *shared = paged_map(right, 0, SIZE, FALSE), *first, *second;

	shared[0] = 'a';
	shared[PAGE] = 'a';
	first = paged_map(right, 0, SIZE, TRUE);
	shared[0] = 'b';
	shared[2 * PAGE] = 'b';
	is(first[0], 'a', "a page written before and since is as it was");
	is(first[PAGE], 'a', "so is one that was only written before");
	is(first[2 * PAGE], paged.store[2 * PAGE],
	    "and one that nobody had touched");
	second = paged_map(right, 0, SIZE, TRUE);
	shared[0] = 'c';
	shared[PAGE] = 'c';
	shared[3 * PAGE] = 'c';
	is(first[0], 'a', "the first is of its own moment");
	is(second[0], 'b', "the second of a later one");
	is(second[PAGE], 'a', "also where nothing was written between");
	is(second[2 * PAGE], 'b', "and where it was");
	is(second[3 * PAGE], paged.store[3 * PAGE], "and what comes last");
	is(shared[0], 'c', "the object has what was written last");
	is(mach_vm_msync(self, at(shared), SIZE,
	       VM_SYNC_SYNCHRONOUS | VM_SYNC_INVALIDATE),
	    KERN_SUCCESS, "all of it goes back to the pager");
	is(first[3 * PAGE + 1], paged.store[3 * PAGE + 1],
	    "what comes after that");
	is(first[3 * PAGE], second[3 * PAGE], "is still of before");
	is(shared[3 * PAGE], 'c', "for those alone");
	pages_end(first, SIZE);
	pages_end(second, SIZE);
	drop(right, shared);
}

/* More moments than there can be snapshots. */
static void
test_many(void)
{
	enum {
		MANY = 12
	};
	mach_port_t right = paged_make(&paged, SIZE, true);
	char *shared = paged_map(right, 0, SIZE, FALSE), *copy[MANY];
	unsigned wrong = 0;

	for (int i = 0; i < MANY; i++) {
		shared[(i % PAGES) * PAGE] = (char)('A' + i);
		shared[5 * PAGE + 9] = (char)i;
		copy[i] = paged_map(right, 0, SIZE, TRUE);
	}
	for (int i = 0; i < MANY; i++) {
		wrong += copy[i][5 * PAGE + 9] != (char)i;
		for (int j = 0; j < MANY; j++) {
			bool written = copy[i][j * PAGE] == (char)('A' + j);

			wrong += written != (j <= i);
		}
	}
	is(wrong, 0, "each of many mappings is of its own moment");
	for (int i = 0; i < MANY; i++)
		pages_end(copy[(i * 5) % MANY], SIZE);
	drop(right, shared);
}

/* What was written is thrown away, but not where it had been copied. */
static void
test_lost(void)
{
	mach_port_t right = paged_make(&paged, SIZE, true);
	char *shared = paged_map(right, 0, SIZE, FALSE), *copy;

	shared[PAGE] = 'a';
	copy = paged_map(right, 0, SIZE, TRUE);
	must(mach_vm_msync(self, at(shared), SIZE, VM_SYNC_KILLPAGES));
	is(shared[PAGE], paged.store[PAGE], "what was written is lost");
	is(copy[PAGE], 'a', "but not to those who had copied it");
	pages_end(copy, SIZE);
	drop(right, shared);
}

/* ---- what is done with one ---- */

static void
test_parts(void)
{
	mach_port_t right = paged_make(&paged, SIZE, true);
	char *copy = paged_map(right, 0, SIZE, TRUE);

	must(mach_vm_deallocate(self, at(copy) + 4 * PAGE, 2 * PAGE));
	must(mach_vm_protect(
	    self, at(copy) + 8 * PAGE, PAGE, FALSE, VM_PROT_READ));
	is(copy[3 * PAGE], paged.store[3 * PAGE], "below what is cut out");
	is(copy[6 * PAGE], paged.store[6 * PAGE], "above it");
	is(copy[8 * PAGE], paged.store[8 * PAGE], "what may only be read");
	is(copy[9 * PAGE], paged.store[9 * PAGE], "and what is behind it");
	ok(!is_mapped(copy + 4 * PAGE), "the hole is one");
	must(mach_vm_protect(
	    self, at(copy) + 8 * PAGE, PAGE, FALSE, VM_PROT_DEFAULT));
	copy[8 * PAGE] = 'x';
	is(copy[8 * PAGE], 'x', "it can be written again");
	is(mach_vm_behavior_set(
	       self, at(copy) + 9 * PAGE, 2 * PAGE, VM_BEHAVIOR_ZERO),
	    KERN_SUCCESS, "some is zeroed");
	ok(all_zero(copy + 9 * PAGE, 2 * PAGE), "touched before or not");
	is(copy[11 * PAGE], paged.store[11 * PAGE], "and nothing else");
	pages_end(copy, SIZE);
	drop(right, NULL);
}

/* Read, copied and written by calls, where no page has been touched. */
static void
test_calls(void)
{
	mach_port_t right = paged_make(&paged, SIZE, true);
	char *copy = paged_map(right, 0, SIZE, TRUE);
	char *plain = pages_new(SIZE);
	mach_msg_type_number_t count;
	vm_offset_t data;

	is(mach_vm_read(self, at(copy), SIZE, &data, &count), KERN_SUCCESS,
	    "it is read");
	ok(pattern_holds((void *)data, SIZE, 1), "all of it");
	pages_end((void *)data, SIZE);
	pages_end(copy, SIZE);
	copy = paged_map(right, 0, SIZE, TRUE);
	copy[7 * PAGE] = 'x';
	is(mach_vm_copy(self, at(copy), SIZE, at(plain)), KERN_SUCCESS,
	    "it is copied");
	is(plain[7 * PAGE], 'x', "with what was written");
	is(memcmp(plain, copy, SIZE), 0, "and what was not");
	pages_end(copy, SIZE);
	copy = paged_map(right, 0, SIZE, TRUE);
	memset(plain, 0, SIZE);
	plain[3 * PAGE] = 'y';
	must(mach_vm_deallocate(self, at(plain) + 8 * PAGE, 4 * PAGE));
	must(mach_vm_map(self, &(mach_vm_address_t){at(plain) + 8 * PAGE},
	    4 * PAGE, 0, VM_FLAGS_FIXED, MACH_PORT_NULL, 0, FALSE,
	    VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_DEFAULT));
	is(mach_vm_copy(self, at(plain) + PAGE, 12 * PAGE, at(copy) + PAGE),
	    KERN_SUCCESS, "it is written over");
	is(memcmp(copy + PAGE, plain + PAGE, 12 * PAGE), 0,
	    "also by zeros that nobody has touched");
	is(copy[14 * PAGE], paged.store[14 * PAGE], "but not what is behind");
	pages_end(copy, SIZE);
	pages_end(plain, SIZE);
	drop(right, NULL);
}

static void
test_messages(void)
{
	mach_port_t right = paged_make(&paged, SIZE, true), port;
	char *copy = paged_map(right, 0, SIZE, TRUE), *got;
	struct crate crate, in;

	port = port_new_send();
	copy[2 * PAGE] = 'x';
	crate_fill(&crate, port, copy, SIZE, false, MACH_MSG_VIRTUAL_COPY);
	is(send_message(&crate, CRATE_SIZE), KERN_SUCCESS, "it is sent");
	must(poll_for(&in, sizeof(in), port));
	got = in.memory.address;
	is(got[2 * PAGE], 'x', "with what was written");
	is(memcmp(got, copy, SIZE), 0, "and what was not");
	pages_end(got, SIZE);
	copy = (pages_end(copy, SIZE), paged_map(right, 0, SIZE, TRUE));
	crate_fill(&crate, port, copy, SIZE, true, MACH_MSG_VIRTUAL_COPY);
	is(send_message(&crate, CRATE_SIZE), KERN_SUCCESS, "it is given");
	ok(!is_mapped(copy), "and is gone");
	must(poll_for(&in, sizeof(in), port));
	got = in.memory.address;
	is(memcmp(got, paged.store, SIZE), 0, "and is as it was");
	pages_end(got, SIZE);
	port_end(port);
	drop(right, NULL);
}

/* It becomes memory that two see alike. */
static void
test_shared(void)
{
	mach_port_t right = paged_make(&paged, SIZE, true);
	char *copy = paged_map(right, 0, SIZE, TRUE);
	mach_vm_address_t other = 0, third = 0;
	vm_prot_t prot, max_prot;

	copy[PAGE] = 'x';
	is(mach_vm_remap(self, &third, SIZE, 0, VM_FLAGS_ANYWHERE, self,
	       at(copy), TRUE, &prot, &max_prot, VM_INHERIT_NONE),
	    KERN_SUCCESS, "it is copied elsewhere");
	is(((char *)third)[PAGE], 'x', "with what was written");
	is(memcmp((char *)third, copy, SIZE), 0, "and what was not");
	is(mach_vm_remap(self, &other, SIZE, 0, VM_FLAGS_ANYWHERE, self,
	       at(copy), FALSE, &prot, &max_prot, VM_INHERIT_NONE),
	    KERN_SUCCESS, "it is mapped elsewhere, too");
	((char *)other)[3 * PAGE] = 'y';
	is(copy[3 * PAGE], 'y', "and written there");
	is(memcmp((char *)other, copy, SIZE), 0, "it is the same");
	ok(((char *)third)[3 * PAGE] != 'y', "the copy is not");
	pages_end((void *)other, SIZE);
	pages_end((void *)third, SIZE);
	pages_end(copy, SIZE);
	drop(right, NULL);
}

/* What is mapped elsewhere, as it is now. */
static void
test_remap(void)
{
	mach_port_t right = paged_make(&paged, SIZE, true);
	char *shared = paged_map(right, 0, SIZE, FALSE), *copy;
	mach_vm_address_t address = 0;
	vm_prot_t prot, max_prot;

	shared[2 * PAGE] = 'a';
	is(mach_vm_remap(self, &address, SIZE - PAGE, 0, VM_FLAGS_ANYWHERE,
	       self, at(shared) + PAGE, TRUE, &prot, &max_prot,
	       VM_INHERIT_NONE),
	    KERN_SUCCESS, "what is mapped is copied elsewhere");
	is(prot, VM_PROT_DEFAULT, "with its rights");
	is(atomic_load(&paged.reads), 1, "no page is asked for");
	copy = (char *)address;
	shared[2 * PAGE] = 'b';
	shared[3 * PAGE] = 'b';
	is(copy[PAGE], 'a', "it has what there was");
	is(copy[2 * PAGE], paged.store[3 * PAGE], "or would have been");
	copy[4 * PAGE] = 'c';
	is(shared[5 * PAGE], paged.store[5 * PAGE], "and what is its own");
	pages_end(copy, SIZE - PAGE);
	drop(right, shared);
}

/* ---- forks ---- */

/* Does @task have these bytes at @address? */
static bool
has(task_t task, const void *address, const void *bytes, size_t size)
{
	char *got = pages_new(size);
	mach_vm_size_t read;
	bool same;

	must(mach_vm_read_overwrite(task, at(address), size, at(got), &read));
	same = memcmp(got, bytes, size) == 0;
	pages_end(got, size);
	return same;
}

static void
put(task_t task, const void *address, char byte)
{
	must(mach_vm_write(task, at(address), (vm_offset_t)&byte, 1));
}

static void
test_fork(void)
{
	mach_port_t right = paged_make(&paged, SIZE, true);
	char *shared = paged_map(right, 0, SIZE, FALSE);
	char *copy = paged_map(right, 0, SIZE, TRUE);
	task_t child, grandchild;

	must(mach_vm_inherit(self, at(shared), SIZE, VM_INHERIT_COPY));
	shared[PAGE] = 'a';
	copy[2 * PAGE] = 'b';
	must(task_create(self, NULL, 0, TRUE, &child));
	is(atomic_load(&paged.reads), 2, "a fork asks for no page");
	shared[PAGE] = 'c';
	shared[3 * PAGE] = 'c';
	copy[2 * PAGE] = 'd';
	copy[4 * PAGE] = 'd';
	ok(has(child, shared + PAGE, "a", 1), "the child has what was written");
	ok(has(child, shared + 3 * PAGE, paged.store + 3 * PAGE, PAGE),
	    "but not what was written since");
	ok(has(child, copy + 2 * PAGE, "b", 1), "nor of a private mapping");
	ok(has(child, copy + 4 * PAGE, paged.store + 4 * PAGE, PAGE),
	    "of which it has all pages");
	put(child, shared + 5 * PAGE, 'e');
	put(child, copy + 6 * PAGE, 'e');
	must(task_create(child, NULL, 0, TRUE, &grandchild));
	put(child, shared + 5 * PAGE, 'f');
	put(child, shared + 7 * PAGE, 'f');
	is(shared[5 * PAGE], paged.store[5 * PAGE],
	    "what it writes is its own");
	is(copy[6 * PAGE], paged.store[6 * PAGE], "in either");
	must(task_terminate(child));
	ok(has(grandchild, shared + 5 * PAGE, "e", 1), "a grandchild has it");
	ok(has(grandchild, shared + PAGE, "a", 1), "and what the child had");
	ok(has(grandchild, copy + 6 * PAGE, "e", 1), "in either");
	ok(has(grandchild, shared + 7 * PAGE, paged.store + 7 * PAGE, PAGE),
	    "and what comes later");
	must(task_terminate(grandchild));
	mach_port_deallocate(self, child);
	mach_port_deallocate(self, grandchild);
	pages_end(copy, SIZE);
	drop(right, shared);
}

/* ---- the pager ends ---- */

static void
test_death(void)
{
	mach_port_t right = paged_make(&paged, SIZE, true);
	char *copy = paged_map(right, 0, SIZE, TRUE), byte;
	mach_vm_size_t read;

	copy[PAGE] = 'x';
	is(copy[2 * PAGE], paged.store[2 * PAGE], "a page was read");
	paged_end(&paged, right);
	is(mach_vm_read_overwrite(self, at(copy) + PAGE, 1, at(&byte), &read),
	    KERN_SUCCESS, "when the pager ends, what was written stays");
	is(byte, 'x', "as it is");
	is(mach_vm_read_overwrite(
	       self, at(copy) + 3 * PAGE, 1, at(&byte), &read),
	    KERN_MEMORY_ERROR, "what was never touched is an error");
	is(mach_vm_write(self, at(copy) + 3 * PAGE, (vm_offset_t)&byte, 1),
	    KERN_MEMORY_ERROR, "to read or to write");
	pages_end(copy, SIZE);
}

/* ---- all at once ---- */

#define WRITERS 2
#define ROUNDS	60
static char *storm;
static atomic_bool over;
static atomic_uint writing;

/* Each word only grows, and those of a page are never far apart. */
static void
write_on(void *argument)
{
	size_t who = (size_t)argument;

	for (uint64_t round = 1; !atomic_load(&over); round++) {
		for (size_t i = 0; i < PAGES; i++)
			((volatile uint64_t *)(storm + i * PAGE))[who] = round;
	}
	atomic_fetch_sub(&writing, 1);
}

static uint64_t
word(const char *copy, size_t page, size_t who)
{
	return ((const volatile uint64_t *)(copy + page * PAGE))[who];
}

static void
test_storm(void)
{
	mach_port_t right = paged_make(&paged, SIZE, true);
	static struct mach_thread *thread[WRITERS];
	char *copy[2] = {NULL, NULL};
	unsigned changed = 0, backwards = 0;

	memset(paged.store, 0, SIZE);
	storm = paged_map(right, 0, SIZE, FALSE);
	atomic_store(&writing, WRITERS);
	for (size_t i = 0; i < WRITERS; i++)
		must(mach_thread_start(write_on, (void *)i, 0, &thread[i]));
	for (int round = 0; round < ROUNDS; round++) {
		char *next = paged_map(right, 0, SIZE, TRUE);
		uint64_t first[PAGES];

		for (size_t i = 0; i < PAGES; i++)
			first[i] = word(next, i, round % WRITERS);
		if (round % 4 == 0)
			must(mach_vm_msync(self, at(storm), SIZE,
			    VM_SYNC_ASYNCHRONOUS | VM_SYNC_INVALIDATE));
		for (size_t i = 0; i < PAGES; i++) {
			changed += first[i] != word(next, i, round % WRITERS);
			if (copy[1] != NULL)
				backwards +=
				    word(copy[1], i, 0) > word(next, i, 0);
		}
		if (copy[0] != NULL)
			pages_end(copy[0], SIZE);
		copy[0] = copy[1];
		copy[1] = next;
	}
	atomic_store(&over, true);
	while (atomic_load(&writing) > 0)
		sleep_ms(2);
	is(changed, 0, "what others write all the time is not seen in a copy");
	is(backwards, 0, "and a later copy is of a later moment");
	pages_end(copy[0], SIZE);
	pages_end(copy[1], SIZE);
	drop(right, storm);
}

int
main(void)
{
	self = mach_task_self();
	paged_start();
	test_demand();
	test_region();
	test_moment();
	test_many();
	test_lost();
	test_parts();
	test_calls();
	test_messages();
	test_shared();
	test_remap();
	test_fork();
	test_death();
	test_storm();
	return done();
}
