/*
 * forks.c: tasks that begin with their parent's memory, and then write to it
 * all at once.
 */
#include <stdatomic.h>
#include <string.h>

#include "test/user/mach_test.h"

#define PAGE	 4096UL
#define SIZE	 (6UL << 20) /* superpages, if there are any */
#define ROUNDS	 6
#define CHILDREN 3

/* What all of them see. */
struct board {
	atomic_uint rounds[CHILDREN]; /* that each child has done */
	atomic_uint wrong[CHILDREN];  /* words that were not its own */
	atomic_bool stop;
};

static task_t self;
static uint64_t *memory; /* each has its own */
static struct board *board;

static uint64_t
value(unsigned who, unsigned round, size_t page)
{
	return (uint64_t)who << 56 | (uint64_t)round << 40 | page;
}

/* One round: write a word to each page, then look at all of them. */
static unsigned
write_and_look(uint64_t *words, unsigned who, unsigned round)
{
	const size_t step = PAGE / sizeof(*words);
	unsigned wrong = 0;

	for (size_t i = 0; i < SIZE / PAGE; i++)
		words[i * step + who] = value(who, round, i);
	for (size_t i = 0; i < SIZE / PAGE; i++)
		wrong += words[i * step + who] != value(who, round, i);
	return wrong;
}

/* A child's whole life: it has memory, a stack and no name of any port. */
static void
child_main(uint64_t who)
{
	for (unsigned round = 1; round <= ROUNDS; round++) {
		unsigned wrong = write_and_look(memory, (unsigned)who, round);

		/* What the parent and the others write is not seen. */
		for (unsigned i = 0; i <= CHILDREN; i++)
			wrong += i != who && memory[i] != value(i, 0, 0);
		atomic_fetch_add(&board->wrong[who - 1], wrong);
		atomic_fetch_add(&board->rounds[who - 1], 1);
	}
	for (;;)
		__asm__ volatile("" ::: "memory");
}

/* A thread of @task at child_main(), on a stack at @stack that it inherited. */
static thread_t
start(task_t task, char *stack, unsigned who)
{
	riscv64_thread_state_t state = {
	    .pc = (uint64_t)child_main,
	    .sp = (uint64_t)stack + 4 * PAGE,
	    .a0 = who,
	};
	thread_t thread;

	__asm__("mv %0, gp" : "=r"(state.gp));
	must(thread_create_running(task, RISCV64_THREAD_STATE,
	    (thread_state_t)&state, RISCV64_THREAD_STATE_COUNT, &thread));
	return thread;
}

static void
make_board(void)
{
	board = pages_new(PAGE);
	must(mach_vm_inherit(
	    self, (mach_vm_address_t)board, PAGE, VM_INHERIT_SHARE));
}

static void
test_all_write(void)
{
	struct baton_kernel_counters before = quiet_counters(), after;
	char *stack = pages_new(4 * PAGE);
	task_t child[CHILDREN];
	thread_t thread[CHILDREN];
	unsigned wrong = 0, round = 1;
	bool over;

	make_board();
	memory = pages_new(SIZE);
	for (unsigned who = 0; who <= CHILDREN; who++)
		wrong += write_and_look(memory, who, 0);
	for (unsigned i = 0; i < CHILDREN; i++)
		is(task_create(self, NULL, 0, TRUE, &child[i]), KERN_SUCCESS,
		    "a child with our memory");
	for (unsigned i = 0; i < CHILDREN; i++)
		thread[i] = start(child[i], stack, i + 1);
	/* We write as they do, until all of them have had enough. */
	do {
		wrong += write_and_look(memory, 0, round++ & 0xff);
		over = true;
		for (unsigned i = 0; i < CHILDREN; i++)
			over &= atomic_load(&board->rounds[i]) == ROUNDS;
	} while (!over);
	is(wrong, 0, "what we wrote is what we read");
	for (unsigned i = 0; i < CHILDREN; i++)
		is(atomic_load(&board->wrong[i]), 0, "child %u as well", i + 1);
	for (unsigned i = 1; i <= CHILDREN; i++)
		wrong += memory[i] != value(i, 0, 0);
	is(wrong, 0, "and we see nothing of what they wrote");

	for (unsigned i = 0; i < CHILDREN; i++) {
		must(task_terminate(child[i]));
		must(mach_port_deallocate(self, thread[i]));
		must(mach_port_deallocate(self, child[i]));
	}
	pages_end(memory, SIZE);
	pages_end(stack, 4 * PAGE);
	pages_end(board, PAGE);
	after = quiet_counters();
	ok(after.pages_free + 64 >= before.pages_free,
	    "all their memory came back: %llu, %llu",
	    (unsigned long long)before.pages_free,
	    (unsigned long long)after.pages_free);
}

static vm_prot_t
access_in(task_t task, const void *address, mach_vm_address_t *start)
{
	vm_region_basic_info_data_64_t info;
	mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;
	mach_vm_size_t size;
	mach_port_t object;

	*start = (mach_vm_address_t)address;
	if (mach_vm_region(task, start, &size, VM_REGION_BASIC_INFO_64,
		(vm_region_info_t)&info, &count, &object) != KERN_SUCCESS)
		*start = ~0UL;
	return info.protection;
}

static void
test_inheritance(void)
{
	char *none = pages_new(PAGE), *closed = pages_new(PAGE);
	char *copied = pages_new(3 * PAGE);
	mach_vm_address_t start;
	mach_vm_size_t size;
	char word[8];
	task_t child;

	strcpy(none, "none");
	strcpy(closed, "closed");
	strcpy(copied + PAGE, "copied");
	must(mach_vm_inherit(
	    self, (mach_vm_address_t)none, PAGE, VM_INHERIT_NONE));
	must(mach_vm_protect(
	    self, (mach_vm_address_t)closed, PAGE, FALSE, VM_PROT_NONE));
	must(task_create(self, NULL, 0, TRUE, &child));
	access_in(child, none, &start);
	ok(start > (mach_vm_address_t)none, "what is not inherited is not");
	is(access_in(child, closed, &start), VM_PROT_NONE,
	    "what may not be read is there");
	is(start, closed, "in its place");
	is(mach_vm_protect(child, start, PAGE, FALSE, VM_PROT_READ),
	    KERN_SUCCESS, "and the child may have it read");
	is(mach_vm_read_overwrite(
	       child, start, sizeof(word), (mach_vm_address_t)word, &size),
	    KERN_SUCCESS, "it is");
	ok(strcmp(word, "closed") == 0, "what it was");
	is(mach_vm_write(child, (mach_vm_address_t)copied + PAGE,
	       (vm_offset_t) "others", 7),
	    KERN_SUCCESS, "the child's is written");
	ok(strcmp(copied + PAGE, "copied") == 0, "ours is not");
	must(task_terminate(child));
	must(mach_port_deallocate(self, child));
	pages_end(none, PAGE);
	pages_end(closed, PAGE);
	pages_end(copied, 3 * PAGE);
}

/* A task of nothing but the pages at @words. */
static task_t
make_first(uint64_t *words, size_t size)
{
	mach_vm_address_t at = (mach_vm_address_t)words;
	task_t first;

	must(task_create(self, NULL, 0, FALSE, &first));
	must(mach_vm_allocate(first, &at, size, VM_FLAGS_FIXED));
	must(mach_vm_write(
	    first, at, (vm_offset_t)words, (mach_msg_type_number_t)size));
	return first;
}

/* A child of a child of a child: none knows how many there were. */
static void
test_generations(void)
{
	enum {
		GENERATIONS = 10000
	};
	uint64_t *words = pages_new(64 * PAGE), word;
	struct baton_kernel_counters before, after;
	task_t parent, child;
	mach_vm_size_t size;
	unsigned wrong = 0;

	for (unsigned i = 0; i < 64; i++)
		words[i * PAGE / 8] = i;
	before = quiet_counters();
	parent = make_first(words, 64 * PAGE);
	for (unsigned i = 0; i < GENERATIONS; i++) {
		mach_vm_address_t at = (mach_vm_address_t)words + i % 64 * PAGE;

		must(task_create(parent, NULL, 0, TRUE, &child));
		must(task_terminate(parent));
		must(mach_port_deallocate(self, parent));
		parent = child;
		wrong += mach_vm_read_overwrite(child, at, 8,
			     (mach_vm_address_t)&word, &size) != KERN_SUCCESS;
		wrong += word != i % 64 + i / 64 * 1000;
		word += 1000;
		wrong += mach_vm_write(child, at, (vm_offset_t)&word, 8) !=
			 KERN_SUCCESS;
	}
	is(wrong, 0, "%u generations, each wrote something", GENERATIONS);
	must(task_terminate(parent));
	must(mach_port_deallocate(self, parent));
	after = quiet_counters();
	ok(after.pages_free + 64 >= before.pages_free,
	    "nothing is left of them: %llu, %llu",
	    (unsigned long long)before.pages_free,
	    (unsigned long long)after.pages_free);
	wrong = 0;
	for (unsigned i = 0; i < 64; i++)
		wrong += words[i * PAGE / 8] != i;
	is(wrong, 0, "and the first is as it was");
	pages_end(words, 64 * PAGE);
}

int
main(void)
{
	self = mach_task_self();
	test_all_write();
	test_inheritance();
	test_generations();
	return done();
}
