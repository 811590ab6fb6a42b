/* thread_state.c: registers <-> words; see thread_state.h. */
#include "kernel/thread_state.h"

#include <arch/fpu.h>
#include <arch/layout.h>

#include "kernel/string.h"
#include "kernel/thread.h"

/* Rounding mode and flags; the rest of the register does not exist. */
#define FCSR_MASK 0xffU

static_assert(sizeof(struct fpu_state) == sizeof(struct riscv64_float_state),
    "the user's view and the save area are one layout");

/* Words in a message are aligned to 4 bytes, so both are copied first. */

static void
get_registers(struct thread *thread, void *words)
{
	const struct trapframe *tf = &thread->tf;
	struct riscv64_thread_state state;

	/* Both have x1 to x31 in order; the program counter trades places. */
	static_assert(sizeof(state) == sizeof(*tf), "32 words each");
	state.pc = tf->epc;
	memcpy(&state.ra, &tf->ra, sizeof(*tf) - sizeof(tf->epc));
	memcpy(words, &state, sizeof(state));
}

static kern_return_t
set_registers(struct thread *thread, const void *words)
{
	struct trapframe *tf = &thread->tf;
	struct riscv64_thread_state state;

	memcpy(&state, words, sizeof(state));
	if (state.pc >= USER_END || state.pc % 2 != 0)
		return KERN_INVALID_ARGUMENT;
	tf->epc = state.pc;
	memcpy(&tf->ra, &state.ra, sizeof(*tf) - sizeof(tf->epc));
	return KERN_SUCCESS;
}

static void
get_floats(struct thread *thread, void *words)
{
	struct fpu_state state;

	fpu_get(thread, &state);
	memcpy(words, &state, sizeof(state));
}

static kern_return_t
set_floats(struct thread *thread, const void *words)
{
	struct fpu_state state;

	memcpy(&state, words, sizeof(state));
	state.fcsr &= FCSR_MASK;
	state.unused = 0;
	return fpu_set(thread, &state);
}

static const struct state_flavor {
	uint32_t flavor, count;
	void (*get)(struct thread *thread, void *words);
	kern_return_t (*set)(struct thread *thread, const void *words);
} flavors[] = {
    {RISCV64_THREAD_STATE, RISCV64_THREAD_STATE_COUNT, get_registers,
	set_registers},
    {RISCV64_FLOAT_STATE, RISCV64_FLOAT_STATE_COUNT, get_floats, set_floats},
};

static const struct state_flavor *
find_flavor(uint32_t flavor)
{
	for (unsigned i = 0; i < ARRAY_SIZE(flavors); i++) {
		if (flavors[i].flavor == flavor)
			return &flavors[i];
	}
	return NULL;
}

uint32_t
thread_state_count(uint32_t flavor)
{
	const struct state_flavor *found = find_flavor(flavor);

	return found != NULL ? found->count : 0;
}

void
thread_state_get(struct thread *thread, uint32_t flavor, void *words)
{
	find_flavor(flavor)->get(thread, words);
}

kern_return_t
thread_state_set(
    struct thread *thread, uint32_t flavor, const void *words, uint32_t count)
{
	const struct state_flavor *found = find_flavor(flavor);

	if (found == NULL || found->count != count)
		return KERN_INVALID_ARGUMENT;
	return found->set(thread, words);
}
