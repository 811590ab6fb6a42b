/*
 * immutable.c: what was received cannot change.
 *
 *	run=test/immutable,20000	so many transfers
 *	run=test/immutable,20000,7	with this seed
 *
 * The sender is a task that wants it to.  Three threads of it, on as many harts
 * as there are, write to some regions, protect, unmap, map and copy them, and
 * send them away in each form, all at the same addresses and without regard
 * for each other.  A fourth gives what their writes miss, so that they go on.
 *
 * The receiver, in another task, adds up what it gets, again after a while, and
 * once more when some more regions have come.  It writes to a part of them in
 * between.  A sum that is not what it was is a byte that has changed.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <baton/thread.h>
#include <servers/bootstrap.h>

#include "test/user/exceptions.h"

#define PAGE	  4096UL
#define TABLE	  (2UL << 20) /* what a leaf table maps, and a superpage */
#define PROGRAM	  "test/immutable"
#define BOX	  "test.immutable" /* the receiver's port */
#define THREADS	  3
#define TRANSFERS 400 /* among other tests */
#define TOGETHER  3   /* regions in one message, at most */
#define BURST	  600 /* words that a thread writes, one after the other */
#define LONG	  20000
#define WINDOW	  (4 * PAGE) /* in which it does */

/* The sender's regions.  As many of a hundred transfers are of each. */
static const struct region {
	uint64_t start;
	uint32_t size;
	unsigned share;
} regions[] = {
    {0x2000000000, PAGE, 60}, {0x2000400000, 2 * PAGE, 25},
    {0x2000800000, 16 * PAGE, 2},
    {0x2000e00000 - 2 * PAGE, 3 * PAGE, 8}, /* in two leaf tables */
    {0x2001200000, TABLE + PAGE, 1},	    /* a table, or superpage */
    {0x2001800000 - PAGE, TABLE + 2 * PAGE, 1},
    {0x2002000000 + 1000, 4000, 3}, /* copied ends, nothing else */
};
#define REGIONS (sizeof(regions) / sizeof(regions[0]))

/* A message of regions. */
struct load {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_ool_descriptor_t memory[TOGETHER];
	mach_msg_max_trailer_t trailer;
};
#define LOAD_SIZE(count)                                                       \
	((mach_msg_size_t)(offsetof(struct load, memory) +                     \
			   (count) * sizeof(mach_msg_ool_descriptor_t)))

static mach_port_t self, box;

static uint32_t
chance(uint32_t *state, uint32_t limit)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state % limit;
}

/* ---- the sender ---- */

static const struct region *
any_region(uint32_t *state)
{
	unsigned at = chance(state, 100);
	const struct region *region = regions;

	while (at >= region->share)
		at -= region++->share;
	return region;
}

/* A region's pages, or some of them. */
struct part {
	mach_vm_address_t start;
	mach_vm_size_t size;
};

static struct part
whole(const struct region *region)
{
	uint64_t first = region->start & ~(PAGE - 1);

	return (struct part){first,
	    (region->start + region->size - first + PAGE - 1) & ~(PAGE - 1)};
}

static struct part
any_part(const struct region *region, uint32_t *state)
{
	struct part part = whole(region);
	uint32_t pages = (uint32_t)(part.size / PAGE);
	uint32_t skipped = chance(state, pages);

	if (chance(state, 4) == 0) {
		part.start += skipped * PAGE;
		part.size = (1 + chance(state, pages - skipped)) * PAGE;
	}
	return part;
}

/* Pages that may be written, whatever was there. */
static void
make(struct part part)
{
	(void)mach_vm_allocate(
	    self, &part.start, part.size, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE);
}

/*
 * The tight loop, over a few pages.  One that is not there is made meanwhile:
 * see repair().
 */
static void
write_words(const struct region *region, uint32_t *state)
{
	uint64_t start = (region->start + 7) & ~7UL;
	uint32_t windows = region->size / WINDOW;
	uint32_t count = (windows > 0 ? WINDOW : region->size - 7) / 8;
	uint32_t burst = chance(state, 4) == 0 ? LONG : BURST;
	uint32_t stride = 1 + chance(state, 100);
	uint32_t at = chance(state, count);
	volatile uint64_t *words;

	if (windows > 0)
		start += chance(state, windows) * WINDOW;
	words = (volatile uint64_t *)start;
	for (uint32_t i = 0; i < burst; i++) {
		words[at] = (uint64_t)*state << 32 | i;
		at += stride;
		while (at >= count)
			at -= count;
	}
}

static void
remap(struct part part, uint32_t *state)
{
	struct part source = any_part(any_region(state), state);
	vm_prot_t protection, maximum;

	(void)mach_vm_remap(self, &part.start,
	    part.size < source.size ? part.size : source.size, 0,
	    VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE, self, source.start,
	    chance(state, 2) != 0, &protection, &maximum, VM_INHERIT_NONE);
}

/* Do something to a region, if it is there; else make it. */
static void
disturb(const struct region *region, uint32_t *state)
{
	static const vm_prot_t prots[] = {
	    VM_PROT_NONE, VM_PROT_READ, VM_PROT_DEFAULT, VM_PROT_DEFAULT};
	struct part part = any_part(region, state);
	static const char bytes[100];

	switch (chance(state, 24)) {
	case 0:
		(void)mach_vm_protect(self, part.start, part.size, FALSE,
		    prots[chance(state, 4)]);
		break;
	case 1:
		remap(part, state);
		break;
	case 2:
		(void)mach_vm_deallocate(self, part.start, part.size);
		break;
	case 3:
		(void)mach_vm_copy(self,
		    any_part(any_region(state), state).start, part.size,
		    part.start);
		break;
	case 4:
		(void)mach_vm_write(self, part.start + chance(state, PAGE),
		    (vm_offset_t)bytes, sizeof(bytes));
		break;
	case 5:
		make(part);
		break;
	default:
		write_words(region, state);
	}
}

static mach_msg_ool_descriptor_t
describe(const struct region *region, uint32_t *state)
{
	return (mach_msg_ool_descriptor_t){
	    .address = (void *)region->start,
	    .size = region->size,
	    .deallocate = chance(state, 2) != 0,
	    .copy = chance(state, 4) == 0 ? MACH_MSG_PHYSICAL_COPY
					  : MACH_MSG_VIRTUAL_COPY,
	    .type = MACH_MSG_OOL_DESCRIPTOR,
	};
}

/* A message was refused: let all that was in it be there again. */
static void
renew(const struct region *region, uint32_t *state)
{
	make(whole(region));
	write_words(region, state);
}

static void
send_regions(uint32_t *state)
{
	uint32_t count = 1 + chance(state, TOGETHER);
	const struct region *region[TOGETHER];
	struct load load;
	kern_return_t kr;

	load.body.msgh_descriptor_count = count;
	for (uint32_t i = 0; i < count; i++) {
		region[i] = any_region(state);
		load.memory[i] = describe(region[i], state);
	}
	load.header = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS_COMPLEX |
			 MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
	    .msgh_size = LOAD_SIZE(count),
	    .msgh_remote_port = box,
	};
	/* A full queue is mostly no reason to rest. */
	kr = mach_msg(&load.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT,
	    LOAD_SIZE(count), 0, MACH_PORT_NULL, chance(state, 8) == 0 ? 2 : 0,
	    MACH_PORT_NULL);
	if (kr == MACH_SEND_INVALID_MEMORY) {
		for (uint32_t i = 0; i < count; i++)
			renew(region[i], state);
	} else if (kr != MACH_MSG_SUCCESS) {
		mach_msg_destroy(&load.header);
	}
}

static void
attack(void *arg)
{
	uint32_t state = (uint32_t)(uintptr_t)arg;

	for (;;) {
		disturb(any_region(&state), &state);
		if (chance(&state, 2) != 0)
			send_regions(&state);
	}
}

/* A write missed at @address. */
static void
repair(uint64_t address)
{
	mach_vm_address_t page = address & ~(PAGE - 1);

	if (address < regions[0].start ||
	    address > regions[REGIONS - 1].start + TABLE)
		exit(EXIT_FAILURE);
	if (mach_vm_allocate(self, &page, PAGE, VM_FLAGS_FIXED) !=
		KERN_SUCCESS &&
	    mach_vm_protect(self, page, PAGE, FALSE, VM_PROT_DEFAULT) !=
		KERN_SUCCESS)
		make((struct part){page, PAGE});
}

static void
be_sender(uint32_t seed)
{
	mach_port_t port = port_new_send();
	struct mach_thread *thread;
	struct question question;

	self = mach_task_self();
	must(bootstrap_look_up(bootstrap_port, BOX, &box));
	for (unsigned i = 0; i < REGIONS; i++)
		make(whole(&regions[i]));
	listen(self, EXC_MASK_BAD_ACCESS, port,
	    EXCEPTION_DEFAULT | MACH_EXCEPTION_CODES);
	for (uint32_t i = 0; i < THREADS; i++)
		must(mach_thread_start(attack,
		    (void *)(uintptr_t)(seed * THREADS + i + 1), 0, &thread));
	must(ask_long(&question, port));
	for (;;) {
		repair((uint64_t)question.code[1]);
		question_drop(&question);
		must(answer_and_ask(&question, KERN_SUCCESS));
	}
}

/* ---- the receiver ---- */

/* Something received, and what it adds up to. */
struct kept {
	char *start; /* the first page's */
	size_t size; /* whole pages; 0: nothing */
	uint64_t sum;
};

#define KEPT 8
#define SOME 10000 /* transfers, after which a word is said */

static struct kept kept[KEPT];
static unsigned changed;

/* Any change of one word changes it. */
static uint64_t
sum_of(const struct kept *region)
{
	const uint64_t *word = (const uint64_t *)region->start;
	uint64_t sum = 0;

	for (size_t i = 0; i < region->size / sizeof(*word); i++)
		sum = sum * 31 + word[i];
	return sum;
}

static void
check(const struct kept *region, unsigned number, const char *when)
{
	uint64_t sum = sum_of(region);

	if (sum == region->sum)
		return;
	if (changed++ == 0)
		note("transfer %u, %zu bytes, has changed %s", number,
		    region->size, when);
}

static void
forget(struct kept *region, unsigned number)
{
	if (region->size == 0)
		return;
	check(region, number, "later");
	pages_end(region->start, region->size);
	region->size = 0;
}

/* Look at it twice, and in between write to it, as we may. */
static void
look(struct kept *region, unsigned number, uint32_t *state)
{
	volatile uint64_t *word;

	region->sum = sum_of(region);
	for (unsigned i = chance(state, 2000); i > 0; i--)
		__asm__ volatile("");
	check(region, number, "at once");
	if (number % 3 != 0)
		return;
	word = (volatile uint64_t *)region->start +
	       chance(state, (uint32_t)(region->size / 8));
	*word += 1;
	region->sum = sum_of(region);
}

/* One region has come. */
static void
take_in(
    const mach_msg_ool_descriptor_t *memory, unsigned number, uint32_t *state)
{
	struct kept *region = &kept[number % KEPT];
	uint64_t start = (uint64_t)memory->address;
	uint64_t end = start + memory->size;

	forget(region, number - KEPT);
	start &= ~(PAGE - 1);
	region->start = (char *)start;
	region->size = ((end + PAGE - 1) & ~(PAGE - 1)) - start;
	look(region, number, state);
}

/* How many transfers there were until one changed, or the sender's silence. */
static unsigned
receive_all(unsigned transfers, uint32_t seed)
{
	uint32_t state = seed + 1;
	unsigned number = 0;
	struct load load;

	while (number < transfers && changed == 0 &&
	       await(&load, sizeof(load), box) == MACH_MSG_SUCCESS) {
		unsigned count = load.body.msgh_descriptor_count;

		for (unsigned i = 0; i < count; i++)
			take_in(&load.memory[i], number + i, &state);
		if ((number + count) / SOME != number / SOME) {
			printf("# round: %u transfers\n", number + count);
			fflush(stdout);
		}
		number += count;
	}
	return number;
}

static void
test_changes(unsigned transfers, uint32_t seed)
{
	char number[12];
	char *argv[] = {PROGRAM, "sender", number, NULL};
	unsigned received;
	task_t sender;

	box = port_new_send();
	must(bootstrap_register(bootstrap_port, BOX, box));
	snprintf(number, sizeof(number), "%u", (unsigned)seed);
	must(bootstrap_spawn(bootstrap_port, PROGRAM, argv, &sender));
	received = receive_all(transfers, seed);
	must(task_terminate(sender));
	for (unsigned i = 0; i < KEPT; i++)
		forget(&kept[i], received + i);
	is(changed, 0, "not one byte has changed of what was received");
	if (changed == 0)
		ok(received >= transfers, "in %u transfers", received);
	mach_port_deallocate(self, sender);
	must(bootstrap_register(bootstrap_port, BOX, MACH_PORT_NULL));
	port_end(box);
}

static unsigned
number(int argc, char *argv[], int which, unsigned otherwise)
{
	return argc > which ? (unsigned)strtoul(argv[which], NULL, 10)
			    : otherwise;
}

int
main(int argc, char *argv[])
{
	int failed;

	if (argc > 1 && strcmp(argv[1], "sender") == 0)
		be_sender(number(argc, argv, 2, 1));
	self = mach_task_self();
	if (argc > 1)
		printf("# " PROGRAM "\n");
	test_changes(
	    number(argc, argv, 1, TRANSFERS), number(argc, argv, 2, 1));
	failed = done();
	/* Alone, and not among others: they are done as well. */
	if (argc > 1)
		printf("tests: done\n");
	return failed;
}
