/*
 * pressure.c: more memory than there is: pages leave it for the default pager,
 * and come back as they were, whoever wants them and however.
 *
 * For machines with little of it: elsewhere it would take long.  The manifest
 * lets this program wire memory and end the default pager.
 */
#include <baton/host.h>
#include <servers/bootstrap.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "test/user/exceptions.h"

#define PAGE	 4096UL
#define WORDS	 (PAGE / sizeof(uint64_t))
#define MOST	 (160UL << 20) /* of free memory */
#define CHILDREN 3
#define SMALL	 24 /* pages that somebody uses all the time */

static task_t self;
static host_priv_t host_priv;

static vm_statistics64_data_t
statistics(void)
{
	vm_statistics64_data_t now;
	mach_msg_type_number_t count = HOST_VM_INFO64_COUNT;
	host_t host = mach_host_self();

	must(host_statistics64(
	    host, HOST_VM_INFO64, (host_info64_t)&now, &count));
	mach_port_deallocate(self, host);
	return now;
}

/* ---- memory that tells what it is ---- */

/* A word of page @page: most of each is zero, so that it can be squeezed. */
static uint64_t
word_of(uint64_t seed, size_t page, unsigned at)
{
	return seed << 48 ^ page << 16 ^ at;
}

static void
fill(uint64_t *words, size_t pages, uint64_t seed)
{
	for (size_t i = 0; i < pages; i++)
		for (unsigned k = 0; k < WORDS; k += 61)
			words[i * WORDS + k] = word_of(seed, i, k);
}

/* How many pages are not what they should be. */
static size_t
wrong(const uint64_t *words, size_t pages, uint64_t seed)
{
	size_t count = 0;

	for (size_t i = 0; i < pages; i++) {
		bool good = words[i * WORDS + 1] == 0;

		for (unsigned k = 0; k < WORDS; k += 61)
			good &= words[i * WORDS + k] == word_of(seed, i, k);
		count += !good;
	}
	return count;
}

/* Filled memory, most of which has left by now. */
static uint64_t *
gone_new(size_t pages, uint64_t seed)
{
	uint64_t *words = pages_new(pages * PAGE);
	size_t others = statistics().free_count + pages / 2;
	uint64_t *pusher = pages_new(others * PAGE);

	fill(words, pages, seed);
	fill(pusher, others, 1);
	pages_end(pusher, others * PAGE);
	return words;
}

/* ---- one task ---- */

static void
test_more_than_there_is(size_t pages)
{
	vm_statistics64_data_t before = statistics(), after;
	uint64_t *words = pages_new(pages * PAGE);

	fill(words, pages, 1);
	is(wrong(words, pages, 1), 0, "%zu MiB are what was written",
	    pages * PAGE >> 20);
	fill(words, pages / 3, 2);
	is(wrong(words, pages / 3, 2), 0, "and may be written again");
	ok(wrong(words, 100, 1) == 100, "another pattern would be noticed");
	after = statistics();
	ok(after.pageouts > before.pageouts, "%llu pages left",
	    (unsigned long long)(after.pageouts - before.pageouts));
	ok(after.pageins > before.pageins, "%llu came back",
	    (unsigned long long)(after.pageins - before.pageins));
	pages_end(words, pages * PAGE);
}

/* What a message of @words brings. */
static uint64_t *
sent(uint64_t *words, size_t size, bool deallocate)
{
	mach_port_t box = port_new_send();
	struct crate crate;

	crate_fill(&crate, box, words, (uint32_t)size, deallocate,
	    MACH_MSG_VIRTUAL_COPY);
	must(send_message(&crate, CRATE_SIZE));
	memset(&crate, 0, sizeof(crate));
	must(poll_for(&crate, sizeof(crate), box));
	port_end(box);
	return crate.memory.address;
}

static void
test_messages(void)
{
	const size_t pages = 700;
	uint64_t *words = gone_new(pages, 3), *copy;

	copy = sent(words, pages * PAGE, false);
	fill(words, pages / 2, 4);
	is(wrong(copy, pages, 3), 0, "a message has a copy of what was gone");
	pages_end(copy, pages * PAGE);
	words = sent(words, pages * PAGE, true);
	is(wrong(words, pages / 2, 4), 0, "another one all of it");
	pages_end(words, pages * PAGE);
}

static void
test_wired(void)
{
	const size_t pages = 200;
	uint64_t *words = gone_new(pages, 5), *pusher;
	size_t others = statistics().free_count;
	uint64_t pageins;

	is(mach_vm_wire(host_priv, self, (mach_vm_address_t)words, pages * PAGE,
	       VM_PROT_READ | VM_PROT_WRITE),
	    KERN_SUCCESS, "what was gone is wired");
	pusher = pages_new(others * PAGE);
	fill(pusher, others, 1);
	pageins = statistics().pageins;
	is(wrong(words, pages, 5), 0, "it is there");
	ok(statistics().pageins < pageins + pages / 4, "all the time");
	pages_end(pusher, others * PAGE);
	must(mach_vm_wire(host_priv, self, (mach_vm_address_t)words,
	    pages * PAGE, VM_PROT_NONE));
	pages_end(words, pages * PAGE);
}

/* ---- several tasks ---- */

/* What all of them see. */
static struct board {
	atomic_uint done[CHILDREN];
	atomic_uint wrong[CHILDREN];
	atomic_uint rounds; /* of the one with little memory */
	atomic_bool stop;
} * board;
static uint64_t *memory;
static size_t memory_pages;

/* A thread of @task at @entry, on a stack at @stack that it inherited. */
static thread_t
start(task_t task, void (*entry)(uint64_t), char *stack, uint64_t argument)
{
	riscv64_thread_state_t state = {
	    .pc = (uint64_t)entry,
	    .sp = (uint64_t)stack + 4 * PAGE,
	    .a0 = argument,
	};
	thread_t thread;

	__asm__("mv %0, gp" : "=r"(state.gp));
	must(thread_create_running(task, RISCV64_THREAD_STATE,
	    (thread_state_t)&state, RISCV64_THREAD_STATE_COUNT, &thread));
	return thread;
}

static void __attribute__((noreturn)) sleep_for_ever(void)
{
	for (;;)
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 60000);
}

/* A child's whole life: what it inherited, then what it writes itself. */
static void
child_main(uint64_t who)
{
	size_t count = wrong(memory, memory_pages, 6);

	fill(memory, memory_pages, 7 + who);
	count += wrong(memory, memory_pages, 7 + who);
	atomic_store(&board->wrong[who], (unsigned)count);
	atomic_store(&board->done[who], 1);
	sleep_for_ever();
}

/* One with little memory, that it uses all the time. */
static void
small_main(uint64_t unused)
{
	(void)unused;
	while (!atomic_load(&board->stop)) {
		for (size_t i = 0; i < SMALL; i++)
			memory[i * WORDS + 1]++;
		atomic_fetch_add(&board->rounds, 1);
	}
	sleep_for_ever();
}

static bool
all_done(void)
{
	bool all = true;

	for (unsigned i = 0; i < CHILDREN; i++)
		all &= atomic_load(&board->done[i]) != 0;
	return all;
}

static void
test_several(size_t pages)
{
	char *stack = pages_new(4 * PAGE);
	task_t child[CHILDREN], small;
	thread_t thread[CHILDREN], small_thread;

	board = pages_new(PAGE);
	must(mach_vm_inherit(
	    self, (mach_vm_address_t)board, PAGE, VM_INHERIT_SHARE));
	memory_pages = pages;
	memory = gone_new(pages, 6);
	must(task_create(self, NULL, 0, TRUE, &small));
	small_thread = start(small, small_main, stack, 0);
	for (unsigned i = 0; i < CHILDREN; i++)
		must(task_create(self, NULL, 0, TRUE, &child[i]));
	for (unsigned i = 0; i < CHILDREN; i++)
		thread[i] = start(child[i], child_main, stack, i);
	while (!all_done())
		sleep_ms(5);
	for (unsigned i = 0; i < CHILDREN; i++)
		is(atomic_load(&board->wrong[i]), 0,
		    "child %u has what it inherited, and wrote", i);
	ok(atomic_load(&board->rounds) > 1000,
	    "one with little memory went on: %u rounds",
	    atomic_load(&board->rounds));
	is(wrong(memory, pages, 6), 0, "the parent's is its own");
	for (unsigned i = 0; i < CHILDREN; i++) {
		must(task_terminate(child[i]));
		must(mach_port_deallocate(self, child[i]));
		must(mach_port_deallocate(self, thread[i]));
	}
	must(task_terminate(small));
	must(mach_port_deallocate(self, small));
	must(mach_port_deallocate(self, small_thread));
	pages_end(memory, pages * PAGE);
	pages_end(board, PAGE);
	pages_end(stack, 4 * PAGE);
}

/* ---- nothing can be freed ---- */

#define GROWTH 100 /* pages that the modest one has, and more each time */

/* Writes what cannot be squeezed, without end. */
static void
greedy_main(uint64_t word)
{
	for (size_t i = 0; i < memory_pages * WORDS; i++) {
		word ^= word << 13;
		word ^= word >> 7;
		word ^= word << 17;
		memory[i] = word;
	}
	sleep_for_ever();
}

/* Touches one more page now and then, and all that it has. */
static void
modest_main(uint64_t unused)
{
	size_t have = GROWTH;

	(void)unused;
	while (!atomic_load(&board->stop)) {
		for (size_t i = 0; i < have; i++)
			memory[i * WORDS + 1]++;
		if (atomic_fetch_add(&board->rounds, 1) % 1000 == 0 &&
		    have < 2 * GROWTH)
			have++;
	}
	atomic_store(&board->done[0], 1);
	sleep_for_ever();
}

static void
test_greedy(size_t free)
{
	char *stack = pages_new(4 * PAGE);
	thread_t thread[2];
	task_t greedy, modest;
	unsigned rounds;

	board = pages_new(PAGE);
	must(mach_vm_inherit(
	    self, (mach_vm_address_t)board, PAGE, VM_INHERIT_SHARE));
	memory_pages = 2 * free;
	memory = pages_new(memory_pages * PAGE);
	must(task_create(self, NULL, 0, TRUE, &modest));
	must(task_create(self, NULL, 0, TRUE, &greedy));
	thread[0] = start(modest, modest_main, stack, 0);
	thread[1] = start(greedy, greedy_main, stack, 88172645463325252);
	/* It takes as long as it takes to find that nothing can be freed. */
	while (!(type_of(greedy) & MACH_PORT_TYPE_DEAD_NAME))
		sleep_ms(5);
	ok(true, "who wants more than there is does not get it");
	rounds = atomic_load(&board->rounds);
	ok(rounds > 0, "another one went on meanwhile: %u rounds", rounds);
	atomic_store(&board->stop, true);
	while (atomic_load(&board->done[0]) == 0 &&
	       !(type_of(modest) & MACH_PORT_TYPE_DEAD_NAME))
		sleep_ms(1);
	is(atomic_load(&board->done[0]), 1, "and was not refused anything");
	must(task_terminate(modest));
	must(mach_port_deallocate(self, modest));
	must(mach_port_deallocate(self, greedy));
	must(mach_port_deallocate(self, thread[0]));
	must(mach_port_deallocate(self, thread[1]));
	pages_end(memory, memory_pages * PAGE);
	pages_end(board, PAGE);
	pages_end(stack, 4 * PAGE);
}

/* ---- the pager dies ---- */

/* Wire all that the task has now, or no more: the pager's death is not its. */
static void
save_task(task_t task, bool wired)
{
	mach_vm_address_t address = 0;
	mach_vm_size_t size;
	vm_region_basic_info_data_64_t info;
	mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;
	mach_port_t object;

	for (; mach_vm_region(task, &address, &size, VM_REGION_BASIC_INFO_64,
		   (vm_region_info_t)&info, &count, &object) == KERN_SUCCESS;
	     address += size) {
		if (info.protection != VM_PROT_NONE)
			must(mach_vm_wire(host_priv, task, address, size,
			    wired ? info.protection : VM_PROT_NONE));
	}
}

static void
save(const char *name, bool wired)
{
	task_t task = task_named(host_priv, name);

	if (task == MACH_PORT_NULL)
		return;
	save_task(task, wired);
	mach_port_deallocate(self, task);
}

/* Tasks that have memory, and use none of it before the pager has died. */
#define VICTIM_PAGES 200

struct victim {
	struct small small;
	mach_vm_address_t memory;
};

static void
victim_make(struct victim *victim)
{
	char *bytes = pages_new(VICTIM_PAGES * PAGE);

	memset(bytes, 7, VICTIM_PAGES * PAGE);
	small_make(&victim->small, MACH_PORT_NULL, 0);
	save_task(victim->small.task, true);
	victim->memory = 0;
	must(mach_vm_allocate(victim->small.task, &victim->memory,
	    VICTIM_PAGES * PAGE, VM_FLAGS_ANYWHERE));
	must(mach_vm_write(victim->small.task, victim->memory,
	    (vm_offset_t)bytes, VICTIM_PAGES * PAGE));
	pages_end(bytes, VICTIM_PAGES * PAGE);
	/* The first to leave when somebody wants memory. */
	must(mach_vm_behavior_set(victim->small.task, victim->memory,
	    VICTIM_PAGES * PAGE, VM_BEHAVIOR_PAGEOUT));
}

/* The first of its pages that is lost, or 0. */
static mach_vm_address_t
victim_lost(const struct victim *victim)
{
	uint64_t word;
	mach_vm_size_t size;

	for (unsigned i = 0; i < VICTIM_PAGES; i++) {
		mach_vm_address_t at = victim->memory + i * PAGE;

		if (mach_vm_read_overwrite(victim->small.task, at, sizeof(word),
			(mach_vm_address_t)&word, &size) == KERN_MEMORY_ERROR)
			return at;
	}
	return 0;
}

/* Who touches what is lost has an exception that says so, and can go on with
 * other memory there. */
static void
test_lost_is_raised(struct victim *victim)
{
	mach_vm_address_t at = victim_lost(victim);
	mach_port_t port = port_new_send();
	struct question question;
	char byte = 0;

	ok(at != 0, "a task that slept has lost memory");
	listen(victim->small.task, EXC_MASK_BAD_ACCESS, port,
	    EXCEPTION_DEFAULT | MACH_EXCEPTION_CODES);
	small_run(&victim->small, small_load, at, 0);
	ok(ask_for(&question, port), "when it looks, it has an exception");
	is(question.exception, EXC_BAD_ACCESS, "for what it did");
	is((int)question.code[0], KERN_MEMORY_ERROR, "and why");
	ok((mach_vm_address_t)question.code[1] == at, "and where");
	must(mach_vm_allocate(victim->small.task, &at, PAGE,
	    VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE));
	must(mach_vm_write(
	    victim->small.task, at, (vm_offset_t)&byte, sizeof(byte)));
	must(answer(&question, KERN_SUCCESS));
	question_drop(&question);
	sleep_ms(20);
	ok(!ask_now(&question, port), "with other memory there it goes on");
	small_kill(&victim->small);
	port_end(port);
}

/* If nobody handles that, it ends, and no other. */
static void
test_lost_ends(struct victim *victim)
{
	mach_vm_address_t at = victim_lost(victim);

	ok(at != 0, "another one has, too");
	small_run(&victim->small, small_load, at, 0);
	ok(dies(victim->small.task), "and ends, since nobody handles it");
	small_forget(&victim->small);
}

static bool
has_pager(void)
{
	mach_port_t pager = MACH_PORT_NULL;

	must(host_default_memory_manager(host_priv, &pager, 0));
	if (pager != MACH_PORT_NULL)
		mach_port_deallocate(self, pager);
	return pager != MACH_PORT_NULL;
}

static void
test_pager_dies(void)
{
	const size_t pages = 700;
	unsigned lost = 0, other = 0;
	uint64_t *words;
	task_t pager = task_named(host_priv, "default_pager");
	mach_port_t second = port_new();
	struct victim victim[2];

	save("test/all", true);
	save("test/pressure", true);
	victim_make(&victim[0]);
	victim_make(&victim[1]);
	words = gone_new(pages, 8);
	ok(has_pager(), "there is a default pager");
	is(host_default_memory_manager(host_priv, &second, 0), KERN_FAILURE,
	    "and no other beside it");
	must(task_terminate(pager));
	ok(dies(pager), "it is ended");
	for (size_t i = 0; i < pages; i++) {
		uint64_t word;
		mach_vm_size_t size;
		kern_return_t kr = mach_vm_read_overwrite(self,
		    (mach_vm_address_t)&words[i * WORDS], sizeof(word),
		    (mach_vm_address_t)&word, &size);

		lost += kr == KERN_MEMORY_ERROR;
		other += kr != KERN_MEMORY_ERROR &&
			 (kr != KERN_SUCCESS || word != word_of(8, i, 0));
	}
	ok(lost > 0, "%u pages of %zu are lost", lost, pages);
	is(other, 0, "the others are what they were");
	pages_end(words, pages * PAGE);
	test_lost_is_raised(&victim[0]);
	test_lost_ends(&victim[1]);
	while (!has_pager())
		sleep_ms(5);
	words = gone_new(pages, 9);
	is(wrong(words, pages, 9), 0, "with the next one memory is memory");
	pages_end(words, pages * PAGE);
	save("test/pressure", false);
	save("test/all", false);
	mach_port_deallocate(self, pager);
	port_end(second);
}

int
main(void)
{
	size_t free;

	self = mach_task_self();
	free = statistics().free_count;
	if (free * PAGE > MOST) {
		skip("more memory than there is", "there is much");
		return done();
	}
	must(bootstrap_device(bootstrap_port, "host_priv", &host_priv));
	/* The kernel says who was refused. */
	tap_hold();
	test_more_than_there_is(free + free / 3);
	test_messages();
	test_wired();
	test_several(free / 3);
	test_greedy(free);
	test_pager_dies();
	return done();
}
