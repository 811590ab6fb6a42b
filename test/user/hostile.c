/*
 * hostile.c: whatever a program passes to a trap, it gets an error and the
 * kernel lives.
 *
 * Traps with arguments of chance are tried by children of the program: one
 * that has luck may take its own memory away:
 *
 *	run=test/hostile,SEED,ROUNDS
 */
#include "test/user/mach_test.h"

#include <stdlib.h>
#include <string.h>

#include <mach/trap_numbers.h>
#include <servers/bootstrap.h>

#define PAGE 4096UL

static mach_port_t self;
static char *guarded; /* a page, with one behind it that faults */

/* Any trap with any arguments. */
static uint64_t
trap(int64_t number, const uint64_t argument[9])
{
	register uint64_t a0 __asm__("a0") = argument[0];
	register uint64_t a1 __asm__("a1") = argument[1];
	register uint64_t a2 __asm__("a2") = argument[2];
	register uint64_t a3 __asm__("a3") = argument[3];
	register uint64_t a4 __asm__("a4") = argument[4];
	register uint64_t a5 __asm__("a5") = argument[5];
	register uint64_t a6 __asm__("a6") = argument[6];
	register uint64_t a7 __asm__("a7") = argument[7];
	register uint64_t t1 __asm__("t1") = argument[8];
	register int64_t t0 __asm__("t0") = number;

	/* One that is no negative number goes on where ra says. */
	__asm__ volatile("jal 1f\nj 2f\n1: ecall\n2:"
			 : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4),
			 "+r"(a5), "+r"(a6), "+r"(a7), "+r"(t0), "+r"(t1)
			 :
			 : "ra", "t2", "t3", "t4", "t5", "t6", "memory");
	return a0;
}

/* ---- unknown numbers ---- */

static void
test_unknown(void)
{
	static const int64_t numbers[] = {0, 1, 5, 1000, -1, -2, -9, -11, -13,
	    -17, -30, -46, -49, -63, -99, -127, -128, -129, -1000, INT64_MIN,
	    INT64_MAX, -(1L << 32) - 28, (1L << 32) - 28};
	const uint64_t none[9] = {0};
	unsigned wrong = 0;

	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		wrong += trap(numbers[i], none) == KERN_SUCCESS;
	is(wrong, 0, "no unknown trap succeeds");
}

/* Call a trap with marks in the registers, which come back in @after. */
static uint64_t
trap_marked(const uint64_t before[16], uint64_t after[16])
{
	uint64_t result;

	__asm__ volatile("ld s2, 0(%1)\nld s3, 8(%1)\nld s4, 16(%1)\n"
			 "ld s5, 24(%1)\nld s6, 32(%1)\nld s7, 40(%1)\n"
			 "ld s8, 48(%1)\nld s9, 56(%1)\nld s10, 64(%1)\n"
			 "ld t2, 72(%1)\nld t3, 80(%1)\nld t4, 88(%1)\n"
			 "ld t5, 96(%1)\nld t6, 104(%1)\nld a7, 112(%1)\n"
			 "ld a5, 120(%1)\n"
			 "li t0, -28\necall\n"
			 "sd s2, 0(%2)\nsd s3, 8(%2)\nsd s4, 16(%2)\n"
			 "sd s5, 24(%2)\nsd s6, 32(%2)\nsd s7, 40(%2)\n"
			 "sd s8, 48(%2)\nsd s9, 56(%2)\nsd s10, 64(%2)\n"
			 "sd t2, 72(%2)\nsd t3, 80(%2)\nsd t4, 88(%2)\n"
			 "sd t5, 96(%2)\nsd t6, 104(%2)\nsd a7, 112(%2)\n"
			 "sd a5, 120(%2)\n"
			 "mv %0, a0"
			 : "=&r"(result)
			 : "r"(before), "r"(after)
			 : "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "t0",
			 "t1", "t2", "t3", "t4", "t5", "t6", "s2", "s3", "s4",
			 "s5", "s6", "s7", "s8", "s9", "s10", "memory");
	return result;
}

static void
test_registers(void)
{
	enum {
		KEPT = 9,
		ALL = 16
	};
	uint64_t before[ALL], after[ALL];
	unsigned changed = 0, kernel = 0;

	for (unsigned i = 0; i < ALL; i++)
		before[i] = 0x1111111111111111 * (i % 7 + 1) + i;
	is((uint32_t)trap_marked(before, after), self, "a trap's result");
	for (unsigned i = 0; i < ALL; i++) {
		changed += i < KEPT && after[i] != before[i];
		kernel += (int64_t)after[i] < 0;
	}
	is(changed, 0, "it keeps the registers that a call keeps");
	is(kernel, 0, "and leaves no address of the kernel's in the others");
}

/* ---- pointers ---- */

static const uint64_t bad_pointers[] = {0, 1, 8, 0xfff, 0x3ffffffff8,
    0x4000000000, 0x8000000000, 0x7fffffffffffffff, 0x8000000000000000,
    0xffffffc000000000, 0xffffffff80000000, 0xfffffffffffffff8,
    0xffffffffffffffff};

#define BAD (sizeof(bad_pointers) / sizeof(bad_pointers[0]))

static void
test_result_pointers(void)
{
	static const struct {
		int number;
		unsigned pointer; /* which argument */
		uint64_t argument[4];
	} calls[] = {
	    {TRAP_MACH_VM_ALLOCATE, 1, {0, 0, 4096, VM_FLAGS_ANYWHERE}},
	    {TRAP_MACH_VM_MAP, 1, {0, 0, 4096, 0}},
	    {TRAP_MACH_PORT_ALLOCATE, 2, {0, MACH_PORT_RIGHT_RECEIVE, 0, 0}},
	    {TRAP_MACH_PORT_CONSTRUCT, 1, {0, 0, 0, 0}},
	    {TRAP_MACH_PORT_TYPE, 2, {0, 0, 0, 0}},
	    {TRAP_MACH_TIMEBASE_INFO, 0, {0, 0, 0, 0}},
	};
	unsigned before = name_count(), wrong = 0;

	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		for (unsigned j = 0; j < BAD; j++) {
			uint64_t argument[9] = {0};

			memcpy(argument, calls[i].argument,
			    sizeof(calls[i].argument));
			argument[0] = self;
			if (calls[i].number == TRAP_MACH_PORT_TYPE)
				argument[1] = self;
			argument[calls[i].pointer] = bad_pointers[j];
			if (trap(calls[i].number, argument) !=
			    KERN_INVALID_ADDRESS) {
				note("trap %d, pointer %llx", calls[i].number,
				    (unsigned long long)bad_pointers[j]);
				wrong++;
			}
		}
	is(wrong, 0, "a bad pointer to a result is KERN_INVALID_ADDRESS");
	is(name_count(), before, "and no right is left behind");
}

static void
test_message_pointers(void)
{
	mach_port_t port = port_new_send();
	unsigned wrong = 0;

	for (unsigned i = 0; i < BAD; i++) {
		mach_msg_header_t *at = (mach_msg_header_t *)bad_pointers[i];

		wrong += mach_msg_trap(at, MACH_SEND_MSG, 24, 0, 0, 0, 0) !=
			 MACH_SEND_INVALID_DATA;
		wrong += mach_msg_trap(at, MACH_SEND_MSG, 4096, 0, 0, 0, 0) !=
			 MACH_SEND_INVALID_DATA;
	}
	is(wrong, 0, "a message nowhere is MACH_SEND_INVALID_DATA");
	wrong = 0;
	for (unsigned i = 0; i < BAD; i++) {
		must(post(port, (int)i));
		wrong += mach_msg_trap((mach_msg_header_t *)bad_pointers[i],
			     MACH_RCV_MSG, 0, 4096, port, 0,
			     0) != MACH_RCV_INVALID_DATA;
	}
	is(wrong, 0, "a buffer nowhere is MACH_RCV_INVALID_DATA");
	port_end(port);
}

/* A message and a buffer that end in the middle of nowhere. */
static void
test_half_messages(void)
{
	mach_port_t port = port_new_send();
	unsigned wrong = 0;

	for (unsigned inside = 0; inside < 64; inside += 4) {
		mach_msg_header_t header = {
		    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
		    .msgh_size = 64,
		    .msgh_remote_port = port,
		};
		char *at = guarded + PAGE - inside;
		kern_return_t kr;

		memcpy(at, &header,
		    inside < sizeof(header) ? inside : sizeof(header));
		kr = mach_msg_trap(
		    (mach_msg_header_t *)at, MACH_SEND_MSG, 64, 0, 0, 0, 0);
		wrong += kr != MACH_SEND_INVALID_DATA;
		must(post(port, 1));
		kr = mach_msg_trap((mach_msg_header_t *)at, MACH_RCV_MSG, 0,
		    NOTE_SIZE + 8, port, 0, 0);
		/* The message is 56 bytes and its trailer 8. */
		wrong += kr != MACH_RCV_INVALID_DATA;
	}
	is(wrong, 0, "messages cut by the end of memory");
	is(send_refs(port), 1, "cost no right");
	port_end(port);
}

/* Read-only memory is no place for results. */
static void
test_read_only(void)
{
	mach_port_t port = port_new_send();
	char *page = pages_new(PAGE);

	must(mach_vm_protect(
	    self, (mach_vm_address_t)page, PAGE, FALSE, VM_PROT_READ));
	must(post(port, 1));
	is(mach_msg_trap(
	       (mach_msg_header_t *)page, MACH_RCV_MSG, 0, PAGE, port, 0, 0),
	    MACH_RCV_INVALID_DATA, "a read-only buffer");
	is(_kernelrpc_mach_port_allocate_trap(
	       self, MACH_PORT_RIGHT_RECEIVE, (mach_port_name_t *)page),
	    KERN_INVALID_ADDRESS, "a read-only result");
	is(_kernelrpc_mach_port_allocate_trap(self, MACH_PORT_RIGHT_RECEIVE,
	       (mach_port_name_t *)test_read_only),
	    KERN_INVALID_ADDRESS, "code is one, too");
	ok(all_zero(page, PAGE), "nothing was written");
	pages_end(page, PAGE);
	port_end(port);
}

/* ---- chance ---- */

static uint64_t state = 0x9e3779b97f4a7c15;

static uint64_t
chance(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static mach_port_t some_port, some_set;
static char *some_pages; /* three of them */

/* Something that might mean something. */
static uint64_t
some_argument(void)
{
	uint64_t random = chance();

	switch (random % 16) {
	case 0:
		return bad_pointers[(random >> 8) % BAD];
	case 1:
	case 2:
		return (uint64_t)some_pages + (random >> 8) % 8192;
	case 3:
		return self;
	case 4:
		return some_port;
	case 5:
		return some_set;
	case 6:
		return (uint64_t)guarded + (random >> 8) % PAGE;
	case 7:
		return random >> 60;
	case 8:
		return (random >> 8) % 4096;
	case 9:
		return UINT64_MAX - (random >> 8) % 64;
	case 10:
		return (uint64_t)some_port << 32 | some_port;
	case 11:
		return (random >> 8) % 32;
	case 12: /* but not where our code is */
		return 1UL << (random >> 8) % 64 & ~0xff000UL;
	default:
		return random;
	}
}

/*
 * Traps that would be right to wait for ever, or to take our own memory away:
 * they are tried with what they would wait on or take made harmless.
 */
static bool
is_harmless(int number, uint64_t argument[9])
{
	uint64_t *options = &argument[1];

	switch (number) {
	case TRAP_MACH_MSG:
	case TRAP_MACH_MSG_OVERWRITE:
		*options |= MACH_SEND_TIMEOUT | MACH_RCV_TIMEOUT;
		argument[5] &= 1;
		return true;
	case TRAP_MACH_MSG2:
		*options |= MACH_SEND_TIMEOUT | MACH_RCV_TIMEOUT;
		argument[7] &= 1;
		return true;
	case TRAP_MACH_WAIT_UNTIL:
		return argument[0] < mach_absolute_time();
	case TRAP_THREAD_SWITCH:
		argument[2] &= 3;
		return true;
	case TRAP_MACH_VM_DEALLOCATE:
	case TRAP_MACH_VM_PROTECT:
		return argument[1] + argument[2] < argument[1] ||
		       argument[2] == 0 || (uint32_t)argument[0] != self;
	case TRAP_MACH_PORT_DEALLOCATE:
	case TRAP_MACH_PORT_MOD_REFS:
	case TRAP_MACH_PORT_DESTRUCT:
		return (uint32_t)argument[1] != self;
	}
	return true;
}

/* Write something like a message where the next one may be looked for. */
static void
scribble(void)
{
	uint32_t *word;

	/* A message may have taken these pages along. */
	if ((access_to(some_pages) & access_to(some_pages + PAGE) &
		VM_PROT_WRITE) == 0)
		some_pages = pages_new(3 * PAGE);
	word = (uint32_t *)(some_pages + chance() % 4096 / 4 * 4);
	for (int i = 0; i < 24; i++)
		word[i] = (uint32_t)some_argument();
	if (chance() % 2)
		word[0] = MACH_MSGH_BITS_COMPLEX * (uint32_t)(chance() % 2) |
			  (uint32_t)(16 + chance() % 7) |
			  (uint32_t)(chance() % 2 * (16 + chance() % 7)) << 8;
	if (chance() % 2)
		word[2] = some_port;
	if (chance() % 2)
		word[6] = (uint32_t)(chance() % 4);
	if (chance() % 2)
		word[9] = (uint32_t)(chance() % 6) << 24 |
			  (uint32_t)(16 + chance() % 7) << 16;
}

/* What a run of luck may have changed. */
static void
renew(void)
{
	if ((type_of(some_port) & MACH_PORT_TYPE_SEND_RECEIVE) !=
	    MACH_PORT_TYPE_SEND_RECEIVE) {
		some_port = port_new_send();
		set_limit(some_port, 8);
	}
	while (take(some_port) != -1)
		;
	if (type_of(some_set) != MACH_PORT_TYPE_PORT_SET)
		must(mach_port_allocate(
		    self, MACH_PORT_RIGHT_PORT_SET, &some_set));
	if ((access_to(guarded) & VM_PROT_WRITE) == 0) {
		guarded = pages_new(2 * PAGE);
		must(mach_vm_protect(self, (mach_vm_address_t)guarded + PAGE,
		    PAGE, FALSE, VM_PROT_NONE));
	}
}

/* What a child does: @rounds traps; how many of them were tried. */
static unsigned
try_luck(unsigned rounds)
{
	static const int numbers[] = {TRAP_MACH_VM_ALLOCATE,
	    TRAP_MACH_VM_DEALLOCATE, TRAP_MACH_VM_PROTECT, TRAP_MACH_VM_MAP,
	    TRAP_MACH_PORT_ALLOCATE, TRAP_MACH_PORT_DEALLOCATE,
	    TRAP_MACH_PORT_MOD_REFS, TRAP_MACH_PORT_MOVE_MEMBER,
	    TRAP_MACH_PORT_INSERT_RIGHT, TRAP_MACH_PORT_INSERT_MEMBER,
	    TRAP_MACH_PORT_EXTRACT_MEMBER, TRAP_MACH_PORT_CONSTRUCT,
	    TRAP_MACH_PORT_DESTRUCT, TRAP_MACH_PORT_GET_ATTRIBUTES,
	    TRAP_MACH_PORT_TYPE, TRAP_MACH_PORT_REQUEST_NOTIFICATION,
	    TRAP_MACH_MSG, TRAP_MACH_MSG, TRAP_MACH_MSG, TRAP_MACH_MSG2,
	    TRAP_MACH_MSG2, TRAP_MACH_MSG2, TRAP_MACH_MSG_OVERWRITE, TRAP_SWTCH,
	    TRAP_SWTCH_PRI, TRAP_THREAD_SWITCH, TRAP_MACH_TIMEBASE_INFO,
	    TRAP_MACH_WAIT_UNTIL};
	unsigned tried = 0;

	for (unsigned i = 0; i < rounds; i++) {
		int number =
		    numbers[chance() % (sizeof(numbers) / sizeof(numbers[0]))];
		uint64_t argument[9];

		for (int j = 0; j < 9; j++)
			argument[j] = some_argument();
		/* The target is ours more often than chance would have it. */
		if (number > TRAP_MACH_REPLY_PORT && chance() % 4 != 0)
			argument[0] = self;
		if (!is_harmless(number, argument))
			continue;
		if (i % 4 == 0)
			scribble();
		trap(number, argument);
		tried++;
		if (i % 64 == 0)
			renew();
	}
	return tried;
}

#define CHILDREN 4
#define ROUNDS	 "8000"

static void
test_chance(void)
{
	unsigned whole = 0;

	tap_hold();
	for (int i = 1; i <= CHILDREN; i++) {
		char seed[] = {(char)('0' + i), '\0'};
		char *argv[] = {"hostile", seed, ROUNDS, NULL};
		int status = -1;
		task_t task;

		must(bootstrap_spawn(
		    bootstrap_port, "test/hostile", argv, &task));
		must(bootstrap_wait(bootstrap_port, task, &status));
		must(mach_port_deallocate(self, task));
		whole += status == EXIT_SUCCESS;
		ok(status == EXIT_SUCCESS || status >= 128,
		    "%s traps of chance end well, or their task", ROUNDS);
		ok(counters().harts > 0, "and the kernel lives");
	}
	note("%u of %u got through", whole, CHILDREN);
}

int
main(int argc, char *argv[])
{
	self = mach_task_self();
	/* Chance may send our own task's right away, some times. */
	must(mach_port_mod_refs(self, self, MACH_PORT_RIGHT_SEND, 30000));
	renew();
	if (argc > 2) {
		state += strtoull(argv[1], NULL, 0) << 20;
		return try_luck((unsigned)atoi(argv[2])) == 0;
	}
	test_unknown();
	test_registers();
	test_result_pointers();
	test_message_pointers();
	test_half_messages();
	test_read_only();
	test_chance();
	return done();
}
