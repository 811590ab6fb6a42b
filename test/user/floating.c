/*
 * floating.c: floating-point registers are each thread's own, however often
 * threads change places.
 */
#include "test/user/mach_test.h"

#include <stdatomic.h>
#include <string.h>

#include <baton/thread.h>

#define THREADS 24
#define ROUNDS	200

static atomic_uint wrong, finished;

/*
 * Fill all 32 registers with a thread's own numbers, give the processor away,
 * and look.  The registers are named so that the compiler has none to move.
 */
static bool
registers_survive(uint64_t seed, int how)
{
	uint64_t in[32], out[32];

	for (int i = 0; i < 32; i++)
		in[i] = seed * 0x9e3779b97f4a7c15 + (uint64_t)i;
#define EACH(op)                                                               \
	op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10)     \
	    op(11) op(12) op(13) op(14) op(15) op(16) op(17) op(18) op(19)     \
		op(20) op(21) op(22) op(23) op(24) op(25) op(26) op(27) op(28) \
		    op(29) op(30) op(31)
#define LOAD(i)	 "fld f" #i ", 8*" #i "(%0)\n"
#define STORE(i) "fsd f" #i ", 8*" #i "(%1)\n"
#define CLOBBERS                                                               \
	"ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1",  \
	    "fa0", "fa1", "fa2", "fa3", "fa4", "fa5", "fa6", "fa7", "fs2",     \
	    "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11",   \
	    "ft8", "ft9", "ft10", "ft11"
	switch (how) {
	case 0: /* a trap that gives the processor away */
		__asm__ volatile(EACH(LOAD) "li t0, -60\necall\n" EACH(STORE)
				 :
				 : "r"(in), "r"(out)
				 : CLOBBERS, "t0", "t1", "t2", "t3", "t4", "t5",
				 "t6", "a0", "a1", "a2", "a3", "a4", "a5", "a6",
				 "a7", "memory");
		break;
	default: /* long enough for a time slice to end now and then */
		 /* clang-format off */
		__asm__ volatile(
		    EACH(LOAD)
		    "li t0, 20000\n"
		    "1: addi t0, t0, -1\n"
		    "bnez t0, 1b\n"
		    EACH(STORE)
		    :
		    : "r"(in), "r"(out)
		    : CLOBBERS, "t0", "memory");
		 /* clang-format on */
	}
	return memcmp(in, out, sizeof(in)) == 0;
}

static uint64_t
read_rounding(void)
{
	uint64_t mode;

	__asm__ volatile("frrm %0" : "=r"(mode));
	return mode;
}

static void
write_rounding(uint64_t mode)
{
	__asm__ volatile("fsrm %0" ::"r"(mode));
}

static void
compute(void *arg)
{
	uint64_t seed = (uint64_t)arg;

	write_rounding(seed % 5);
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (!registers_survive(seed + i, (int)(i % 2)))
			wrong++;
		if (read_rounding() != seed % 5)
			wrong++;
	}
	write_rounding(0);
	finished++;
}

static void
test_many_threads(void)
{
	struct mach_thread *thread[THREADS];

	for (uint64_t i = 0; i < THREADS; i++)
		must(
		    mach_thread_start(compute, (void *)(i + 1), 0, &thread[i]));
	for (int i = 0; i < THREADS; i++)
		mach_thread_join(thread[i]);
	is(finished, THREADS, "%d threads compute side by side", THREADS);
	is(wrong, 0, "each with its own registers and rounding");
}

/* The registers of a thread that never used the unit are zero. */
static void
read_fresh(void *arg)
{
	uint64_t *out = arg;

	__asm__ volatile("fsd f0, 0(%0)\nfsd f9, 8(%0)\nfsd f18, 16(%0)\n"
			 "fsd f31, 24(%0)\nfrcsr t0\nsd t0, 32(%0)"
			 :
			 : "r"(out)
			 : "t0", "memory");
}

static void
test_fresh(void)
{
	struct mach_thread *thread;
	uint64_t out[5] = {1, 1, 1, 1, 1};

	registers_survive(77, 1);
	must(mach_thread_start(read_fresh, out, 0, &thread));
	mach_thread_join(thread);
	ok(all_zero(out, sizeof(out)), "a new thread sees zeros, not others' "
				       "numbers");
}

static void
test_state(void)
{
	struct small small;
	riscv64_float_state_t state, again;
	mach_msg_type_number_t count = RISCV64_FLOAT_STATE_COUNT;

	small_make(&small, MACH_PORT_NULL, 0);
	must(thread_create(small.task, &small.thread));
	for (int i = 0; i < 32; i++)
		state.f[i] = 0x4000000000000000 + (uint64_t)i;
	state.fcsr = 0xffffff25;
	state.pad = 1;
	is(thread_set_state(small.thread, RISCV64_FLOAT_STATE,
	       (thread_state_t)&state, count),
	    KERN_SUCCESS, "floating-point registers are set");
	is(thread_get_state(small.thread, RISCV64_FLOAT_STATE,
	       (thread_state_t)&again, &count),
	    KERN_SUCCESS, "and read");
	is(count, RISCV64_FLOAT_STATE_COUNT, "all of them");
	ok(memcmp(state.f, again.f, sizeof(state.f)) == 0, "as they were");
	is(again.fcsr, 0x25, "of fcsr what there is");
	small_kill(&small);
}

static void
test_arithmetic(void)
{
	volatile double x = 2.0, y = 0.1;
	volatile float z = 3.0F;

	ok(x * x + y > 4.099999 && x * x + y < 4.100001, "double");
	ok(z / 2.0F == 1.5F, "float");
	ok(x / 3.0 * 3.0 == 2.0, "division");
}

int
main(void)
{
	test_arithmetic();
	test_many_threads();
	test_fresh();
	test_state();
	return done();
}
